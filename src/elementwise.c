/* elementwise.c - the shell of elementwise.h */
#include "handles.h"

#include "kernels/kernels.h"

static lfuse_status check(const lfuse_context *ctx, const float *a, const char *a_name,
                          int64_t count, const float *out, const char *out_name,
                          lfuse_error *err)
{
    if (ctx == NULL || a == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx"
                        : a == NULL ? a_name
                                    : out_name);
    if (count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld", (long long)count);
    return LFUSE_OK;
}

lfuse_status lfuse_relu_forward(lfuse_context *ctx, const float *x, int64_t count,
                                float *y, lfuse_error *err)
{
    lfuse_status status = check(ctx, x, "x", count, y, "y", err);

    if (status != LFUSE_OK)
        return status;
    return lfi_relu_forward(&ctx->env, x, count, y, err);
}

lfuse_status lfuse_relu_backward(lfuse_context *ctx, const float *y, const float *dy,
                                 int64_t count, float *dx, lfuse_error *err)
{
    lfuse_status status = check(ctx, y, "y", count, dx, "dx", err);

    if (status != LFUSE_OK)
        return status;
    if (dy == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "dy is NULL");
    return lfi_relu_backward(&ctx->env, y, dy, count, dx, err);
}

lfuse_status lfuse_add(lfuse_context *ctx, const float *a, const float *b, int64_t count,
                       float *y, lfuse_error *err)
{
    lfuse_status status = check(ctx, a, "a", count, y, "y", err);

    if (status != LFUSE_OK)
        return status;
    if (b == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "b is NULL");
    return lfi_add(&ctx->env, a, b, count, y, err);
}
