/* tokens.c - arrays of tokens with strides: their defaults, their checks, and what overlaps */
#include "handles.h"

/* Elements from the first to behind the last; false where their bytes do not fit. */
static bool span(const struct lfi_handles_tokens *t, int64_t *count)
{
    int64_t entries, tokens, n;

    if (!lfi_mul_int64(t->batch - 1, t->batch_stride, &entries) ||
        !lfi_mul_int64(t->tokens - 1, t->stride, &tokens) ||
        __builtin_add_overflow(entries, tokens, &n) ||
        __builtin_add_overflow(n, t->width, &n) ||
        !lfi_mul_int64(n, (int64_t)sizeof(float), &entries))
        return false;
    *count = n;
    return true;
}

static lfuse_status fill_strides(struct lfi_handles_tokens *t, lfuse_error *err)
{
    int64_t entry;

    if (t->stride == 0)
        t->stride = t->width;
    if (t->stride < t->width)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.%s_stride is %lld, less than the %lld elements of a token",
                        t->name, (long long)t->stride, (long long)t->width);
    if (!lfi_mul_int64(t->tokens, t->stride, &entry))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s of %lld tokens does not fit",
                        t->name, (long long)t->tokens);
    if (t->batch_stride == 0)
        t->batch_stride = entry;
    entry -= t->stride - t->width; /* behind the last token nothing is stepped over */
    if (t->batch_stride < entry)
        return lfi_fail(
            err, LFUSE_ERR_ARGUMENT,
            "args.%s_batch_stride is %lld, less than the %lld elements of %lld tokens",
            t->name, (long long)t->batch_stride, (long long)entry, (long long)t->tokens);
    return LFUSE_OK;
}

lfuse_status lfi_handles_tokens(struct lfi_handles_tokens *t, int64_t heads,
                                int64_t head_dim, lfuse_error *err)
{
    lfuse_status status;
    int64_t count;

    if (!lfi_mul_int64(heads, head_dim, &t->width))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s of %lld heads of %lld does not fit",
                        t->name, (long long)heads, (long long)head_dim);
    status = fill_strides(t, err);
    if (status == LFUSE_OK && !span(t, &count))
        status = lfi_fail(err, LFUSE_ERR_OVERFLOW,
                          "%s of %lld batch entries of %lld tokens does not fit", t->name,
                          (long long)t->batch, (long long)t->tokens);
    return status;
}

/* Whether tokens of both lie side by side in steps of the same length. */
static bool interleaved(const struct lfi_handles_tokens *a,
                        const struct lfi_handles_tokens *b, uintptr_t bytes)
{
    const int64_t step = a->stride, between = (int64_t)(bytes / sizeof(float)) % step;

    return b->stride == step && bytes % sizeof(float) == 0 &&
           (a->batch == 1 || a->batch_stride % step == 0) &&
           (b->batch == 1 || b->batch_stride % step == 0) && between >= a->width &&
           between + b->width <= step;
}

bool lfi_handles_overlap(const struct lfi_handles_tokens *a,
                         const struct lfi_handles_tokens *b)
{
    const uintptr_t at_a = (uintptr_t)a->data, at_b = (uintptr_t)b->data;
    int64_t of_a, of_b;

    if (at_a > at_b)
        return lfi_handles_overlap(b, a);
    if (!span(a, &of_a) || !span(b, &of_b) || at_a == 0)
        return false;
    return at_b - at_a < (uintptr_t)of_a * sizeof(float) &&
           !interleaved(a, b, at_b - at_a);
}
