/* batch_norm.c - the shell of batch_norm.h */
#include "handles.h"

#include <math.h>

#include "kernels/kernels.h"

static const uint32_t all_flags = LFUSE_BATCH_NORM_RELU | LFUSE_BATCH_NORM_ACCUMULATE;

void lfuse_batch_norm_args_init(lfuse_batch_norm_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_sizes(const lfuse_batch_norm_args *a, lfuse_error *err)
{
    int64_t n;

    if (a->batch < 1 || a->channels < 1 || a->pixels < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args asks for %lld images of %lld channels of %lld pixels",
                        (long long)a->batch, (long long)a->channels,
                        (long long)a->pixels);
    if (!lfi_mul_int64(a->batch, a->channels, &n) || !lfi_mul_int64(n, a->pixels, &n) ||
        !lfi_mul_int64(n, (int64_t)sizeof(float), &n))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "%lld images of %lld channels of %lld pixels do not fit",
                        (long long)a->batch, (long long)a->channels,
                        (long long)a->pixels);
    return LFUSE_OK;
}

static lfuse_status check_numbers(const lfuse_batch_norm_args *a, lfuse_error *err)
{
    if (!isfinite(a->epsilon) || a->epsilon < 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.epsilon is %g, not finite and >= 0", a->epsilon);
    if (!(a->momentum >= 0.0 && a->momentum <= 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.momentum is %g, not in [0, 1]",
                        a->momentum);
    if (a->layout < 0 || a->layout > LFUSE_LAYOUT_NHWC)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.layout is %d, which is unknown",
                        (int)a->layout);
    if ((a->flags & ~all_flags) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags is %#x, which is unknown",
                        (unsigned)a->flags);
    if ((a->running_mean == NULL) != (a->running_variance == NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.running_%s is NULL, the other not",
                        a->running_mean == NULL ? "mean" : "variance");
    return LFUSE_OK;
}

static struct lfi_batch_norm translate(const lfuse_batch_norm_args *a)
{
    const bool relu = (a->flags & LFUSE_BATCH_NORM_RELU) != 0;
    struct lfi_batch_norm norm = {
        .x = a->x,
        .scale = a->scale,
        .shift = a->shift,
        .residual = a->residual,
        .dy = a->dy,
        .mask = relu ? a->y : NULL,
        .y = a->y,
        .dx = a->dx,
        .dresidual = a->dresidual,
        .dscale = a->dscale,
        .dshift = a->dshift,
        .running_mean = a->running_mean,
        .running_variance = a->running_variance,
        .saved_mean = a->saved_mean,
        .saved_inverse = a->saved_inverse,
        .workspace = a->workspace,
        .workspace_bytes = a->workspace_bytes,
        .batch = a->batch,
        .channels = a->channels,
        .pixels = a->pixels,
        .epsilon = a->epsilon != 0.0 ? a->epsilon : 1e-5,
        .momentum = a->momentum != 0.0 ? a->momentum : 0.1,
        .channels_last = a->layout == LFUSE_LAYOUT_NHWC,
        .relu = relu,
        .accumulate = (a->flags & LFUSE_BATCH_NORM_ACCUMULATE) != 0,
    };

    return norm;
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_batch_norm_args *args,
                           struct lfi_batch_norm *norm, lfuse_error *err)
{
    lfuse_batch_norm_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_sizes(&a, err);
    if (status == LFUSE_OK)
        status = check_numbers(&a, err);
    if (status == LFUSE_OK)
        *norm = translate(&a);
    return status;
}

lfuse_status lfuse_batch_norm_training(lfuse_context *ctx,
                                       const lfuse_batch_norm_args *args,
                                       lfuse_error *err)
{
    struct lfi_batch_norm n;
    lfuse_status status = import(ctx, args, &n, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", n.x}, {"scale", n.scale},           {"shift", n.shift},
            {"y", n.y}, {"saved_mean", n.saved_mean}, {"saved_inverse", n.saved_inverse},
        };

        status = lfi_handles_given(given, 6, err);
    }
    if (status == LFUSE_OK && n.batch == 1 && n.pixels == 1)
        status = lfi_fail(err, LFUSE_ERR_SHAPE, "one value per channel has no variance");
    return status == LFUSE_OK ? lfi_batch_norm_training(&ctx->env, &n, err) : status;
}

lfuse_status lfuse_batch_norm_inference(lfuse_context *ctx,
                                        const lfuse_batch_norm_args *args,
                                        lfuse_error *err)
{
    struct lfi_batch_norm n;
    lfuse_status status = import(ctx, args, &n, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", n.x},
            {"scale", n.scale},
            {"shift", n.shift},
            {"y", n.y},
            {"running_mean", n.running_mean},
        };

        status = lfi_handles_given(given, 5, err);
    }
    return status == LFUSE_OK ? lfi_batch_norm_inference(&ctx->env, &n, err) : status;
}

lfuse_status lfuse_batch_norm_backward(lfuse_context *ctx,
                                       const lfuse_batch_norm_args *args,
                                       lfuse_error *err)
{
    struct lfi_batch_norm n;
    lfuse_status status = import(ctx, args, &n, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", n.x},
            {"scale", n.scale},
            {"dy", n.dy},
            {"dx", n.dx},
            {"dscale", n.dscale},
            {"dshift", n.dshift},
            {"saved_mean", n.saved_mean},
            {"saved_inverse", n.saved_inverse},
            {"y", n.relu ? n.mask : n.x}, /* needed under RELU only */
        };

        status = lfi_handles_given(given, 9, err);
    }
    return status == LFUSE_OK ? lfi_batch_norm_backward(&ctx->env, &n, err) : status;
}

lfuse_status lfuse_batch_norm_workspace(lfuse_context *ctx,
                                        const lfuse_batch_norm_args *args, size_t *bytes,
                                        lfuse_error *err)
{
    struct lfi_batch_norm n;
    lfuse_status status = import(ctx, args, &n, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_batch_norm_workspace(&ctx->env, &n, bytes, err)
                              : status;
}
