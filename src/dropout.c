/* dropout.c - the shell of dropout.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_dropout_args_init(lfuse_dropout_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_dropout_args *args,
                           lfuse_dropout_args *a, lfuse_error *err)
{
    lfuse_status status = lfi_handles_args(ctx, args, a, sizeof(*a), err);
    int64_t bytes;

    if (status != LFUSE_OK)
        return status;
    if (a->count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.count is %lld",
                        (long long)a->count);
    if (!(a->probability >= 0.0 && a->probability < 1.0)) /* false for NaN */
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.probability is %g, not in [0, 1)",
                        a->probability);
    if (!lfi_mul_int64(a->count, (int64_t)sizeof(float), &bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld elements do not fit",
                        (long long)a->count);
    return LFUSE_OK;
}

lfuse_status lfuse_dropout_forward(lfuse_context *ctx, const lfuse_dropout_args *args,
                                   lfuse_error *err)
{
    lfuse_dropout_args a;
    lfuse_status status = import(ctx, args, &a, err);
    struct lfi_dropout dropout;

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"x", a.x}, {"y", a.y}};

        status = lfi_handles_given(given, 2, err);
    }
    if (status != LFUSE_OK)
        return status;
    dropout = lfi_dropout_numbers(a.probability, a.seed, a.stream);
    return lfi_dropout(&ctx->env, &dropout, a.x, a.count, a.y, err);
}

lfuse_status lfuse_dropout_backward(lfuse_context *ctx, const lfuse_dropout_args *args,
                                    lfuse_error *err)
{
    lfuse_dropout_args a;
    lfuse_status status = import(ctx, args, &a, err);
    struct lfi_dropout dropout;

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", a.dy}, {"dx", a.dx}};

        status = lfi_handles_given(given, 2, err);
    }
    if (status != LFUSE_OK)
        return status;
    dropout = lfi_dropout_numbers(a.probability, a.seed, a.stream);
    return lfi_dropout(&ctx->env, &dropout, a.dy, a.count, a.dx, err);
}
