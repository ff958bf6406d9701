/*
 * writer.c - a file that appears at its path whole or not at all
 *
 * Written without a name where the system has such files, else under one of its own in the same
 * directory; flushed, and renamed over the target; the directory is flushed last, so that the
 * rename survives a crash. All names are relative to the open directory: a change of the working
 * directory meanwhile does no harm. A process that is killed leaves nothing behind; or its
 * temporary file, ".layerfuse-*.tmp", where it had to have a name, or was about to be renamed.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NEW_FILE = 0666, MODE_BITS = 0777, ATTEMPTS = 100, WRITE_MAX = 1 << 30 };

_Static_assert((int)LFI_PATH_MAX >= (int)PATH_MAX, "realpath() fits");

static lfuse_status refuse(const struct lfi_writer *w, lfuse_error *err)
{
    return lfi_fail_io(err, "write", w->given);
}

/* Path with a link at its end followed, and the permissions of what is there. 0 or errno. */
static int resolve(struct lfi_writer *w, mode_t *mode, bool *exists)
{
    struct stat st;

    if (strlen(w->given) >= sizeof(w->path))
        return ENAMETOOLONG;
    strcpy(w->path, w->given);
    *exists = lstat(w->path, &st) == 0;
    if (*exists && S_ISLNK(st.st_mode)) {
        if (realpath(w->given, w->path) == NULL || stat(w->path, &st) != 0)
            return errno;
    } else if (!*exists && errno != ENOENT) {
        return errno;
    }
    if (*exists && !S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    *mode = *exists ? st.st_mode & MODE_BITS : NEW_FILE;
    return 0;
}

/* Opens the directory, and splits the path into it and the name. 0 or errno. */
static int open_directory(struct lfi_writer *w)
{
    char *slash = strrchr(w->path, '/');
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    w->name = slash == NULL ? w->path : slash + 1;
    if (w->name[0] == '\0')
        return slash == NULL ? ENOENT : EISDIR;
    if (slash == NULL) {
        w->directory = open(".", flags);
    } else if (slash == w->path) {
        w->directory = open("/", flags);
    } else {
        *slash = '\0';
        w->directory = open(w->path, flags);
    }
    return w->directory < 0 ? errno : 0;
}

/* Makes something of w->temporary's name. 0 or errno. */
typedef int (*maker)(struct lfi_writer *w, mode_t mode);

static int make_file(struct lfi_writer *w, mode_t mode)
{
    w->file = openat(w->directory, w->temporary,
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    return w->file < 0 ? errno : 0;
}

/* The way to the file where it has no name. */
struct descriptor_path {
    char text[32];
};
static struct descriptor_path descriptor_path(const struct lfi_writer *w)
{
    struct descriptor_path path;

    (void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", w->file);
    return path;
}

static int make_link(struct lfi_writer *w, mode_t mode)
{
    (void)mode;
    return linkat(AT_FDCWD, descriptor_path(w).text, w->directory, w->temporary,
                  AT_SYMLINK_FOLLOW) != 0
               ? errno
               : 0;
}

/* A name nobody has: making it decides, the numbers only make a second try unlikely. */
static int make_temporary(struct lfi_writer *w, maker make, mode_t mode)
{
    struct timespec now = {0};
    int i, reason = EEXIST;
    uint64_t seed;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    for (i = 0; i < ATTEMPTS && reason == EEXIST; i++) {
        uint64_t number = lfi_random_u64(seed, (uint64_t)getpid(), (uint64_t)i);

        (void)snprintf(w->temporary, sizeof(w->temporary), ".layerfuse-%016llx.tmp",
                       (unsigned long long)number);
        reason = make(w, mode);
    }
    if (reason != 0)
        w->temporary[0] = '\0';
    return reason;
}

/* A file without a name, if one can be made here and given a name later. */
static bool open_unnamed(struct lfi_writer *w, mode_t mode)
{
#ifdef O_TMPFILE
    w->file = openat(w->directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
    if (w->file >= 0 && access(descriptor_path(w).text, F_OK) != 0) {
        (void)close(w->file);
        w->file = -1;
    }
#else
    (void)mode;
#endif
    return w->file >= 0;
}

lfuse_status lfi_writer_open(struct lfi_writer *writer, const char *path,
                             lfuse_error *err)
{
    bool exists = false;
    mode_t mode = 0;
    int reason;

    writer->given = path;
    writer->temporary[0] = '\0';
    writer->directory = writer->file = -1;
    reason = resolve(writer, &mode, &exists);
    if (reason == 0)
        reason = open_directory(writer);
    if (reason == 0 && !open_unnamed(writer, mode))
        reason = make_temporary(writer, make_file, mode);
    /* A new file's mode is cut by the umask; that of the file before it is kept. */
    if (reason == 0 && exists && fchmod(writer->file, mode) != 0)
        reason = errno;
    if (reason == 0)
        return LFUSE_OK;
    lfi_writer_close(writer);
    errno = reason;
    return refuse(writer, err);
}

lfuse_status lfi_writer_write(struct lfi_writer *writer, const void *data, size_t size,
                              lfuse_error *err)
{
    const char *from = data;

    while (size > 0) {
        ssize_t written = write(writer->file, from, size < WRITE_MAX ? size : WRITE_MAX);

        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = EIO; /* no file does this; better than trying for ever */
        if (written <= 0)
            return refuse(writer, err);
        from += written;
        size -= (size_t)written;
    }
    return LFUSE_OK;
}

/* 0 or errno. A file system may have nothing to flush a directory with: EINVAL. */
static int flush(int descriptor)
{
    while (fsync(descriptor) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

lfuse_status lfi_writer_commit(const struct lfi_env *env, struct lfi_writer *writer,
                               lfuse_error *err)
{
    int reason = flush(writer->file);

    if (reason == 0 && writer->temporary[0] == '\0')
        reason = make_temporary(writer, make_link, 0);
    if (reason == 0 && close(writer->file) != 0)
        reason = errno;
    else if (reason != 0)
        (void)close(writer->file);
    writer->file = -1;
    if (reason == 0 && renameat(writer->directory, writer->temporary, writer->directory,
                                writer->name) != 0)
        reason = errno;
    if (reason != 0) {
        errno = reason;
        return refuse(writer, err);
    }
    writer->temporary[0] = '\0';
    /* The new file is in its place, whole: no failure that could be taken back any more. */
    reason = flush(writer->directory);
    if (reason != 0 && reason != EINVAL)
        lfi_log(env, LFUSE_LOG_WARNING,
                "%s is written, but its directory was not flushed: error %d",
                lfi_quote(writer->given).text, reason);
    return LFUSE_OK;
}

void lfi_writer_close(struct lfi_writer *writer)
{
    if (writer->file >= 0)
        (void)close(writer->file);
    if (writer->temporary[0] != '\0')
        (void)unlinkat(writer->directory, writer->temporary, 0);
    if (writer->directory >= 0)
        (void)close(writer->directory);
    writer->temporary[0] = '\0';
    writer->directory = writer->file = -1;
}
