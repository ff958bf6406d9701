/* pool2d.c - the shell of pool2d.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_pool2d_args_init(lfuse_pool2d_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_sizes(const lfuse_pool2d_args *a, lfuse_error *err)
{
    const struct {
        const char *name;
        int64_t value;
        int64_t least;
    } sizes[] = {
        {"batch", a->batch, 1},       {"channels", a->channels, 1},
        {"height", a->height, 1},     {"width", a->width, 1},
        {"kernel_h", a->kernel_h, 1}, {"kernel_w", a->kernel_w, 1},
        {"stride_h", a->stride_h, 0}, {"stride_w", a->stride_w, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (sizes[i].value < sizes[i].least)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld", sizes[i].name,
                            (long long)sizes[i].value);
    if (a->pool < 0 || a->pool > LFUSE_POOL_MAX)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.pool is %d, which is unknown",
                        (int)a->pool);
    if (a->layout < 0 || a->layout > LFUSE_LAYOUT_NHWC)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.layout is %d, which is unknown",
                        (int)a->layout);
    return LFUSE_OK;
}

static lfuse_status check_padding(const lfuse_pool2d_args *a, lfuse_error *err)
{
    const struct {
        const char *name;
        int64_t value;
        int64_t kernel;
    } paddings[] = {
        {"pad_top", a->pad_top, a->kernel_h},
        {"pad_bottom", a->pad_bottom, a->kernel_h},
        {"pad_left", a->pad_left, a->kernel_w},
        {"pad_right", a->pad_right, a->kernel_w},
    };
    size_t i;

    for (i = 0; i < sizeof(paddings) / sizeof(paddings[0]); i++)
        if (paddings[i].value < 0 || paddings[i].value >= paddings[i].kernel)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "args.%s is %lld, the kernel's side %lld", paddings[i].name,
                            (long long)paddings[i].value, (long long)paddings[i].kernel);
    return LFUSE_OK;
}

/* How often the kernel fits along one side. */
static lfuse_status outputs(int64_t size, int64_t before, int64_t after, int64_t kernel,
                            int64_t stride, const char *side, int64_t *out,
                            lfuse_error *err)
{
    int64_t padded;

    if (__builtin_add_overflow(size, before, &padded) ||
        __builtin_add_overflow(padded, after, &padded))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the padded %s does not fit", side);
    if (kernel > padded)
        return lfi_fail(err, LFUSE_ERR_SHAPE, "the kernel's %s is %lld, the image's %lld",
                        side, (long long)kernel, (long long)padded);
    *out = (padded - kernel) / stride + 1;
    return LFUSE_OK;
}

static lfuse_status check_bytes(const lfuse_pool2d_args *a, int64_t height, int64_t width,
                                lfuse_error *err)
{
    int64_t n;

    if (!lfi_mul_int64(a->batch, a->channels, &n) || !lfi_mul_int64(n, height, &n) ||
        !lfi_mul_int64(n, width, &n) || !lfi_mul_int64(n, (int64_t)sizeof(float), &n))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "%lld images of %lld channels of %lld x %lld do not fit",
                        (long long)a->batch, (long long)a->channels, (long long)height,
                        (long long)width);
    return LFUSE_OK;
}

static struct lfi_pool2d translate(const lfuse_pool2d_args *a)
{
    struct lfi_pool2d pool = {
        .x = a->x,
        .dy = a->dy,
        .y = a->y,
        .dx = a->dx,
        .batch = a->batch,
        .channels = a->channels,
        .height = a->height,
        .width = a->width,
        .kernel_h = a->kernel_h,
        .kernel_w = a->kernel_w,
        .stride_h = a->stride_h != 0 ? a->stride_h : a->kernel_h,
        .stride_w = a->stride_w != 0 ? a->stride_w : a->kernel_w,
        .pad_top = a->pad_top,
        .pad_left = a->pad_left,
        .max = a->pool == LFUSE_POOL_MAX,
        .channels_last = a->layout == LFUSE_LAYOUT_NHWC,
    };

    return pool;
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_pool2d_args *args,
                           struct lfi_pool2d *pool, lfuse_error *err)
{
    lfuse_pool2d_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_sizes(&a, err);
    if (status == LFUSE_OK)
        status = check_padding(&a, err);
    if (status != LFUSE_OK)
        return status;
    *pool = translate(&a);
    status = outputs(a.height, a.pad_top, a.pad_bottom, a.kernel_h, pool->stride_h,
                     "height", &pool->out_h, err);
    if (status == LFUSE_OK)
        status = outputs(a.width, a.pad_left, a.pad_right, a.kernel_w, pool->stride_w,
                         "width", &pool->out_w, err);
    if (status == LFUSE_OK)
        status = check_bytes(&a, a.height, a.width, err);
    if (status == LFUSE_OK)
        status = check_bytes(&a, pool->out_h, pool->out_w, err);
    return status;
}

lfuse_status lfuse_pool2d_forward(lfuse_context *ctx, const lfuse_pool2d_args *args,
                                  lfuse_error *err)
{
    struct lfi_pool2d pool;
    lfuse_status status = import(ctx, args, &pool, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"x", pool.x}, {"y", pool.y}};

        status = lfi_handles_given(given, 2, err);
    }
    return status == LFUSE_OK ? lfi_pool2d_forward(&ctx->env, &pool, err) : status;
}

lfuse_status lfuse_pool2d_backward(lfuse_context *ctx, const lfuse_pool2d_args *args,
                                   lfuse_error *err)
{
    struct lfi_pool2d pool;
    lfuse_status status = import(ctx, args, &pool, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"dy", pool.dy},
            {"dx", pool.dx},
            {"x",
             pool.max ? (const void *)pool.x : pool.dy}, /* needed by the maximum only */
        };

        status = lfi_handles_given(given, 3, err);
    }
    return status == LFUSE_OK ? lfi_pool2d_backward(&ctx->env, &pool, err) : status;
}
