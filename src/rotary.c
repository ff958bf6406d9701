/* rotary.c - the shell of rotary.h */
#include "handles.h"

#include <math.h>

#include "kernels/rotary.h"

void lfuse_rotary_args_init(lfuse_rotary_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_sizes(const lfuse_rotary_args *a, lfuse_error *err)
{
    if (a->batch < 1 || a->tokens < 1 || a->heads < 1 || a->head_dim < 1)
        return lfi_fail(
            err, LFUSE_ERR_ARGUMENT,
            "args asks for %lld batch entries of %lld tokens of %lld heads of %lld",
            (long long)a->batch, (long long)a->tokens, (long long)a->heads,
            (long long)a->head_dim);
    if (a->head_dim % 2 != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.head_dim is %lld, which is odd",
                        (long long)a->head_dim);
    if (a->position < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.position is %lld",
                        (long long)a->position);
    if (a->position > INT32_MAX || a->tokens > INT32_MAX - a->position + 1)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "%lld tokens from position %lld end beyond 2^31",
                        (long long)a->tokens, (long long)a->position);
    return LFUSE_OK;
}

static lfuse_status check_numbers(const lfuse_rotary_args *a, lfuse_error *err)
{
    if (a->base != 0.0 && !(isfinite(a->base) && a->base > 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.base is %g, not finite and > 1",
                        a->base);
    if ((a->flags & ~(uint32_t)LFUSE_ROTARY_INTERLEAVED) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: %#x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    return LFUSE_OK;
}

/* From x, or from dy back; y is what is written. */
static lfuse_status check_arrays(const lfuse_rotary_args *a, struct lfi_handles_tokens *x,
                                 struct lfi_handles_tokens *y, lfuse_error *err)
{
    lfuse_status status;

    *x = (struct lfi_handles_tokens){.name = "x",
                                     .batch = a->batch,
                                     .tokens = a->tokens,
                                     .stride = a->x_stride,
                                     .batch_stride = a->x_batch_stride};
    *y = (struct lfi_handles_tokens){.name = "y",
                                     .batch = a->batch,
                                     .tokens = a->tokens,
                                     .stride = a->y_stride,
                                     .batch_stride = a->y_batch_stride};
    status = lfi_handles_tokens(x, a->heads, a->head_dim, err);
    return status == LFUSE_OK ? lfi_handles_tokens(y, a->heads, a->head_dim, err)
                              : status;
}

/* An array may be turned in place: the same elements, with the same strides. */
static lfuse_status check_apart(const struct lfi_handles_tokens *in,
                                const struct lfi_handles_tokens *out, lfuse_error *err)
{
    const bool same = in->data == out->data && in->stride == out->stride &&
                      (in->batch == 1 || in->batch_stride == out->batch_stride);

    if (same || !lfi_handles_overlap(in, out))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s overlaps args.%s without being it",
                    out->name, in->name);
}

static lfuse_status run(lfuse_context *ctx, const lfuse_rotary_args *a,
                        const struct lfi_handles_tokens *in,
                        const struct lfi_handles_tokens *out, float *to, bool back,
                        lfuse_error *err)
{
    const struct lfi_rotary r = {
        .x = in->data,
        .y = to,
        .batch = a->batch,
        .tokens = a->tokens,
        .heads = a->heads,
        .head_dim = a->head_dim,
        .x_stride = in->stride,
        .y_stride = out->stride,
        .x_batch_stride = in->batch_stride,
        .y_batch_stride = out->batch_stride,
        .position = a->position,
        .base = a->base != 0.0 ? a->base : 10000.0,
        .interleaved = (a->flags & LFUSE_ROTARY_INTERLEAVED) != 0,
        .back = back,
    };

    return lfi_rotary(&ctx->env, &r, err);
}

static lfuse_status turn(lfuse_context *ctx, const lfuse_rotary_args *args, bool back,
                         lfuse_error *err)
{
    struct lfi_handles_tokens x, y;
    lfuse_rotary_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_sizes(&a, err);
    if (status == LFUSE_OK)
        status = check_numbers(&a, err);
    if (status == LFUSE_OK)
        status = check_arrays(&a, &x, &y, err);
    if (status == LFUSE_OK) {
        struct lfi_handles_tokens *in = back ? &y : &x, *out = back ? &x : &y;
        const struct lfi_handles_field given[] = {{back ? "dy" : "x", back ? a.dy : a.x},
                                                  {back ? "dx" : "y", back ? a.dx : a.y}};

        in->name = given[0].name;
        in->data = given[0].pointer;
        out->name = given[1].name;
        out->data = given[1].pointer;
        status = lfi_handles_given(given, 2, err);
        if (status == LFUSE_OK)
            status = check_apart(in, out, err);
        if (status == LFUSE_OK)
            status = run(ctx, &a, in, out, back ? a.dx : a.y, back, err);
    }
    return status;
}

lfuse_status lfuse_rotary_forward(lfuse_context *ctx, const lfuse_rotary_args *args,
                                  lfuse_error *err)
{
    return turn(ctx, args, false, err);
}

lfuse_status lfuse_rotary_backward(lfuse_context *ctx, const lfuse_rotary_args *args,
                                   lfuse_error *err)
{
    return turn(ctx, args, true, err);
}
