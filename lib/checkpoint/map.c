/* map.c - a file's bytes, mapped read-only */
#include "checkpoint/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* user is the size itself: the mapping may outlive whatever could hold it. */
static void unmap(void *data, void *user)
{
    (void)munmap(data, (size_t)(uintptr_t)user);
}

/* Refuses what is no file, before it is too small to be one of ours. */
static lfuse_status check(const struct stat *st, const char *path, lfuse_error *err)
{
    if (!S_ISREG(st->st_mode)) {
        errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
        return lfi_checkpoint_fail_io(err, "read", path);
    }
    if (st->st_size < LFI_PREFIX)
        return lfi_fail(
            err, LFUSE_ERR_FORMAT, "%s has %lld bytes, the size of a header takes %d",
            lfi_checkpoint_quote(path).text, (long long)st->st_size, (int)LFI_PREFIX);
    if ((uintmax_t)st->st_size > PTRDIFF_MAX) {
        errno = EFBIG;
        return lfi_checkpoint_fail_io(err, "map", path);
    }
    return LFUSE_OK;
}

static lfuse_status map(const struct lfi_env *env, int file, const char *path,
                        struct lfi_array *mapping, size_t *size, lfuse_error *err)
{
    struct lfi_view view = {.rank = 1};
    struct stat st;
    lfuse_status status;

    if (fstat(file, &st) != 0)
        return lfi_checkpoint_fail_io(err, "read", path);
    status = check(&st, path, err);
    if (status != LFUSE_OK)
        return status;
    *size = (size_t)st.st_size;
    view.data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    if (view.data == MAP_FAILED)
        return lfi_checkpoint_fail_io(err, "map", path);
    status = lfi_array_borrow(env, &view, unmap, (void *)(uintptr_t)*size, mapping, err);
    if (status != LFUSE_OK)
        unmap(view.data, (void *)(uintptr_t)*size);
    return status;
}

lfuse_status lfi_checkpoint_map(const struct lfi_env *env, const char *path,
                                struct lfi_array *mapping, size_t *size, lfuse_error *err)
{
    lfuse_status status;
    /* NONBLOCK: a pipe without a writer is refused below, not waited for. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (file < 0)
        return lfi_checkpoint_fail_io(err, "open", path);
    status = map(env, file, path, mapping, size, err);
    (void)close(file);
    return status;
}
