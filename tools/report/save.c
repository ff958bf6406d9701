/* save.c - a text is made in memory, then a file appears whole, by a rename */
#include "draw.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

/* In the locale "C", which is set for this thread alone and set back. */
static int draw_to_memory(void (*draw)(FILE *out, const void *data), const void *data,
                          char **text, size_t *size)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
    FILE *out;
    int failed;

    if (plain == (locale_t)0)
        return errno;
    before = uselocale(plain);
    out = open_memstream(text, size);
    failed = out == NULL ? errno : 0;
    if (out != NULL) {
        draw(out, data);
        failed = ferror(out) ? ENOMEM : 0;
        if (fclose(out) != 0 && failed == 0)
            failed = errno;
    }
    uselocale(before);
    freelocale(plain);
    return failed;
}

static int write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, text, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        text += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_to(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    int failed;

    if (file == NULL)
        return errno;
    failed = write_all(fileno(file), text, size);
    if (fclose(file) != 0 && failed == 0)
        failed = errno;
    return failed;
}

/* A new file beside path, whose name goes to partial (size bytes); or -1 with errno. */
static int open_partial(const char *path, mode_t mode, char *partial, size_t size)
{
    int file = -1, i;

    for (i = 0; i < 100 && file < 0;
         i++) { /* others of that name may be left or at work */
        snprintf(partial, size, "%s.%ld-%d.part", path, (long)getpid(), i);
        file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file < 0 && errno != EEXIST)
            break;
    }
    return file;
}

static int replace(const char *path, mode_t mode, const char *text, size_t size)
{
    size_t length = strlen(path) + 48;
    char *partial = malloc(length);
    int file, failed;

    if (partial == NULL)
        return ENOMEM;
    file = open_partial(path, mode, partial, length);
    if (file < 0) {
        failed = errno;
        free(partial);
        return failed;
    }
    failed = write_all(file, text, size);
    if (failed == 0 && fsync(file) != 0)
        failed = errno;
    if (close(file) != 0 && failed == 0)
        failed = errno;
    if (failed == 0 && rename(partial, path) != 0)
        failed = errno;
    if (failed != 0)
        unlink(partial);
    free(partial);
    return failed;
}

static int save(const char *path, const char *text, size_t size)
{
    struct stat info;
    char *target;
    int failed;

    if (stat(path, &info) != 0)
        return errno == ENOENT ? replace(path, 0666, text, size) : errno;
    if (S_ISDIR(info.st_mode))
        return EISDIR;
    if (!S_ISREG(info.st_mode))
        return write_to(path, text, size);
    target = realpath(path, NULL); /* a link goes on pointing to the file */
    if (target == NULL)
        return errno;
    failed = replace(target, info.st_mode & 0777, text, size);
    free(target);
    return failed;
}

int lfr_save(const char *path, void (*draw)(FILE *out, const void *data),
             const void *data)
{
    char *text = NULL;
    size_t size = 0;
    int failed = draw_to_memory(draw, data, &text, &size);

    if (failed == 0)
        failed = save(path, text, size);
    free(text);
    return failed;
}
