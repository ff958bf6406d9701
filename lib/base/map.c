/*
 * map.c - a file's bytes: mapped read-only, or read where that cannot be
 *
 * A pipe has no pages, some file systems do not map theirs, and those of /proc do not even tell
 * their size: such a file is read to its end, into memory of the env's.
 */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_FIRST = 1 << 16, READ_MAX = 1 << 30 };

/* user is the size itself: the mapping may outlive whatever could hold it. */
static void unmap(void *data, void *user)
{
    (void)munmap(data, (size_t)(uintptr_t)user);
}

/* Room for more than `bytes`, so that a file of as many is seen to end there. */
static lfuse_status make_room(const struct lfi_env *env, size_t bytes,
                              struct lfi_array *room, lfuse_error *err)
{
    struct lfi_view shape = {.rank = 1, .dtype = LFUSE_F64};

    shape.dims[0] = (int64_t)(bytes / sizeof(double)) + 1;
    return lfi_array_create(env, &shape, room, err);
}

/* Twice the room, with the bytes that are in it, all of which are used. */
static lfuse_status grow(const struct lfi_env *env, struct lfi_array *room,
                         lfuse_error *err)
{
    size_t bytes = lfi_view_bytes(&room->view);
    struct lfi_array larger;
    lfuse_status status;

    if (bytes > PTRDIFF_MAX / 4)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the file has more than %zu bytes",
                        bytes);
    status = make_room(env, 2 * bytes, &larger, err);
    if (status != LFUSE_OK)
        return status;
    memcpy(larger.view.data, room->view.data, bytes);
    lfi_array_release(room);
    *room = larger;
    return LFUSE_OK;
}

/* bytes is how many there may be. On failure *contents is as it was. */
static lfuse_status read_file(const struct lfi_env *env, int file, const char *path,
                              size_t bytes, struct lfi_array *contents, size_t *size,
                              lfuse_error *err)
{
    struct lfi_array room;
    lfuse_status status = make_room(env, bytes, &room, err);
    ssize_t count = 1;

    if (status != LFUSE_OK)
        return status;
    for (*size = 0; status == LFUSE_OK && count != 0;) {
        size_t left = lfi_view_bytes(&room.view) - *size;

        count =
            read(file, (char *)room.view.data + *size, left < READ_MAX ? left : READ_MAX);
        if (count > 0)
            *size += (size_t)count;
        else if (count < 0 && errno != EINTR)
            status = lfi_fail_io(err, "read", path);
        if (status == LFUSE_OK && count > 0 && (size_t)count == left)
            status = grow(env, &room, err);
    }
    if (status == LFUSE_OK)
        *contents = room;
    else
        lfi_array_release(&room);
    return status;
}

static lfuse_status map_file(const struct lfi_env *env, int file, const char *path,
                             size_t bytes, struct lfi_array *contents, size_t *size,
                             lfuse_error *err)
{
    struct lfi_view view = {.rank = 1};
    lfuse_status status;

    view.data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (view.data == MAP_FAILED) {
        lfi_log(env, LFUSE_LOG_INFO, "%s is read, not mapped: error %d",
                lfi_quote(path).text, errno);
        return read_file(env, file, path, bytes, contents, size, err);
    }
    *size = bytes;
    status = lfi_array_borrow(env, &view, unmap, (void *)(uintptr_t)bytes, contents, err);
    if (status != LFUSE_OK)
        unmap(view.data, (void *)(uintptr_t)bytes);
    return status;
}

static lfuse_status take(const struct lfi_env *env, int file, const char *path,
                         struct lfi_array *contents, size_t *size, lfuse_error *err)
{
    struct stat st;

    if (fstat(file, &st) != 0)
        return lfi_fail_io(err, "read", path);
    if (S_ISFIFO(st.st_mode))
        return read_file(env, file, path, READ_FIRST, contents, size, err);
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return lfi_fail_io(err, "read", path);
    }
    if (st.st_size == 0)
        return read_file(env, file, path, READ_FIRST, contents, size, err);
    if ((uintmax_t)st.st_size > PTRDIFF_MAX) {
        errno = EFBIG;
        return lfi_fail_io(err, "map", path);
    }
    return map_file(env, file, path, (size_t)st.st_size, contents, size, err);
}

lfuse_status lfi_file_map(const struct lfi_env *env, const char *path,
                          struct lfi_array *contents, size_t *size, lfuse_error *err)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, file;
    lfuse_status status;
    struct stat st;

    /* Only a pipe waits for its writer; a device is refused below, whatever it would wait for. */
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        flags &= ~O_NONBLOCK;
    file = open(path, flags);
    if (file < 0)
        return lfi_fail_io(err, "open", path);
    status = take(env, file, path, contents, size, err);
    (void)close(file);
    return status;
}
