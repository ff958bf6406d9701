/* linear.c - the shell of linear.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_linear_args_init(lfuse_linear_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_size(const char *what, int64_t size, lfuse_error *err)
{
    return size >= 1 ? LFUSE_OK
                     : lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld", what,
                                (long long)size);
}

static lfuse_status check_tensor(const char *what, int64_t rows, int64_t cols,
                                 lfuse_error *err)
{
    int64_t n;

    if (lfi_mul_int64(rows, cols, &n) && lfi_mul_int64(n, (int64_t)sizeof(float), &n))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s of %lld * %lld elements does not fit",
                    what, (long long)rows, (long long)cols);
}

static lfuse_status check(const lfuse_linear_args *a, lfuse_error *err)
{
    lfuse_status status = check_size("batch", a->batch, err);

    if (status == LFUSE_OK)
        status = check_size("in_features", a->in_features, err);
    if (status == LFUSE_OK)
        status = check_size("out_features", a->out_features, err);
    if (status == LFUSE_OK && ((a->flags & ~(uint32_t)LFUSE_LINEAR_ACCUMULATE) != 0))
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                          (unsigned)a->flags);
    if (status == LFUSE_OK && a->reserved != 0)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                          (int)a->reserved);
    if (status == LFUSE_OK)
        status = check_tensor("x", a->batch, a->in_features, err);
    if (status == LFUSE_OK)
        status = check_tensor("w", a->out_features, a->in_features, err);
    if (status == LFUSE_OK)
        status = check_tensor("y", a->batch, a->out_features, err);
    return status;
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_linear_args *args,
                           struct lfi_linear *linear, lfuse_error *err)
{
    lfuse_linear_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check(&a, err);
    if (status != LFUSE_OK)
        return status;
    *linear = (struct lfi_linear){
        .x = a.x,
        .w = a.w,
        .bias = a.bias,
        .dy = a.dy,
        .y = a.y,
        .dx = a.dx,
        .dw = a.dw,
        .dbias = a.dbias,
        .workspace = a.workspace,
        .workspace_bytes = a.workspace_bytes,
        .batch = a.batch,
        .in_features = a.in_features,
        .out_features = a.out_features,
        .accumulate = (a.flags & LFUSE_LINEAR_ACCUMULATE) != 0,
    };
    return LFUSE_OK;
}

lfuse_status lfuse_linear_forward(lfuse_context *ctx, const lfuse_linear_args *args,
                                  lfuse_error *err)
{
    struct lfi_linear l;
    lfuse_status status = import(ctx, args, &l, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"x", l.x}, {"w", l.w}, {"y", l.y}};

        status = lfi_handles_given(given, 3, err);
    }
    return status == LFUSE_OK ? lfi_linear_forward(&ctx->env, &l, err) : status;
}

lfuse_status lfuse_linear_backward_data(lfuse_context *ctx, const lfuse_linear_args *args,
                                        lfuse_error *err)
{
    struct lfi_linear l;
    lfuse_status status = import(ctx, args, &l, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", l.dy}, {"w", l.w}, {"dx", l.dx}};

        status = lfi_handles_given(given, 3, err);
    }
    return status == LFUSE_OK ? lfi_linear_backward_data(&ctx->env, &l, err) : status;
}

lfuse_status lfuse_linear_backward_weights(lfuse_context *ctx,
                                           const lfuse_linear_args *args,
                                           lfuse_error *err)
{
    struct lfi_linear l;
    lfuse_status status = import(ctx, args, &l, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", l.dy}, {"x", l.x}, {"dw", l.dw}};

        status = lfi_handles_given(given, 3, err);
    }
    return status == LFUSE_OK ? lfi_linear_backward_weights(&ctx->env, &l, err) : status;
}

lfuse_status lfuse_linear_workspace(lfuse_context *ctx, const lfuse_linear_args *args,
                                    size_t *bytes, lfuse_error *err)
{
    struct lfi_linear l;
    lfuse_status status = import(ctx, args, &l, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_linear_workspace(&ctx->env, &l, bytes, err) : status;
}
