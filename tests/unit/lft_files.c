/* lft_files.c - see lft_files.h */
#define _GNU_SOURCE /* nftw, O_TMPFILE */
#include "lft_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[256];
static void *kept[1024]; /* freed with the directory */
static int kept_count;

static void *keep(size_t size)
{
    void *ptr = malloc(size);

    assert_true(ptr != NULL && kept_count < 1024);
    kept[kept_count++] = ptr;
    return ptr;
}

int lft_files_setup(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(directory, sizeof(directory), "%s/lft-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    if (mkdtemp(directory) == NULL)
        return -1;
    return lft_setup(state);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int lft_files_teardown(void **state)
{
    int failed = nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);

    while (kept_count > 0)
        free(kept[--kept_count]);
    return lft_teardown(state) != 0 || failed != 0 ? -1 : 0;
}

const char *lft_path(const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = keep(size);

    (void)snprintf(path, size, "%s/%s", directory, name);
    return path;
}

void lft_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

char *lft_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes;
    long end;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    end = ftell(file);
    assert_true(end >= 0);
    *size = (size_t)end;
    bytes = keep(*size + 1);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    (void)fclose(file);
    return bytes;
}

size_t lft_file_size(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

int lft_count_files(void)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return count;
}

/* The tests are linked with --wrap for these two. */
void *__real_mmap(void *start, size_t size, int protection, int flags, int file,
                  off_t offset);
void *__wrap_mmap(void *start, size_t size, int protection, int flags, int file,
                  off_t offset);

static int mmap_reason;

void lft_refuse_mmap(int reason)
{
    mmap_reason = reason;
}

void *__wrap_mmap(void *start, size_t size, int protection, int flags, int file,
                  off_t offset)
{
    if (mmap_reason != 0 && file >= 0) {
        errno = mmap_reason;
        return MAP_FAILED;
    }
    return __real_mmap(start, size, protection, flags, file, offset);
}

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);

static int unnamed_refused;

void lft_refuse_unnamed(int refused)
{
    unnamed_refused = refused;
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t); /* garbage where there is none, and not looked at */
    va_end(arguments);
    if (unnamed_refused && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_openat(at, path, flags, mode);
}
