/* prefetch.c - tells the system which memory is read next */
#include "base/base.h"

#include <sys/mman.h>
#include <unistd.h>

/*
 * Advice alone: the kernel starts to read what of these pages is in a file and not in memory,
 * and ignores the rest. posix_madvise() leaves errno as it is.
 */
void lfi_view_prefetch(const struct lfi_view *view, int64_t first, int64_t count)
{
    uintptr_t size = lfi_dtype_size(view->dtype), page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)view->data + (uintptr_t)first * size;
    uintptr_t end = begin + (uintptr_t)count * size;

    if (!lfi_view_is_dense(view) || end - begin < page)
        return;
    begin -= begin % page;
    (void)posix_madvise((void *)begin, end - begin, POSIX_MADV_WILLNEED);
}
