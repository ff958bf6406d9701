/* memory.c - checked sizes, and allocation through the caller's allocator */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

bool lfi_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

bool lfi_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

bool lfi_mul_int64(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

static void *malloc_alloc(void *user, size_t size, size_t align)
{
    void *ptr = NULL;

    (void)user;
    return posix_memalign(&ptr, align, size) == 0 ? ptr : NULL;
}

static void malloc_release(void *user, void *ptr, size_t size, size_t align)
{
    (void)user;
    (void)size;
    (void)align;
    free(ptr);
}

lfuse_allocator lfi_allocator_default(void)
{
    lfuse_allocator allocator = {malloc_alloc, malloc_release, NULL};

    return allocator;
}

lfuse_status lfi_alloc(const struct lfi_env *env, size_t count, size_t size,
                       const char *what, void *out, lfuse_error *err)
{
    void *ptr = NULL;
    size_t bytes;

    memcpy(out, &ptr, sizeof(ptr));
    if (!lfi_mul_size(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s: %zu times %zu bytes do not fit",
                        what, count, size);
    if (bytes == 0)
        return LFUSE_OK;
    ptr = env->allocator.alloc(env->allocator.user, bytes, LFI_ALIGN);
    if (ptr == NULL)
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "%s: %zu bytes were refused", what,
                        bytes);
    memcpy(out, &ptr, sizeof(ptr));
    return LFUSE_OK;
}

lfuse_status lfi_alloc_zero(const struct lfi_env *env, size_t count, size_t size,
                            const char *what, void *out, lfuse_error *err)
{
    lfuse_status status = lfi_alloc(env, count, size, what, out, err);
    void *ptr;

    memcpy(&ptr, out, sizeof(ptr));
    if (status == LFUSE_OK && ptr != NULL)
        memset(ptr, 0, count * size);
    return status;
}

void lfi_free(const struct lfi_env *env, void *ptr, size_t count, size_t size)
{
    if (ptr != NULL)
        env->allocator.release(env->allocator.user, ptr, count * size, LFI_ALIGN);
}

lfuse_status lfi_string_copy(const struct lfi_env *env, const char *text, char **out,
                             lfuse_error *err)
{
    size_t size = strlen(text) + 1;
    lfuse_status status = lfi_alloc(env, size, 1, "a name", out, err);

    if (status == LFUSE_OK)
        memcpy(*out, text, size);
    return status;
}

void lfi_string_free(const struct lfi_env *env, char *text)
{
    if (text != NULL)
        lfi_free(env, text, strlen(text) + 1, 1);
}
