/* conv2d.c - the shell of conv2d.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_conv2d_args_init(lfuse_conv2d_args *args, size_t size)
{
    lfi_options_init(args, size);
}

struct named {
    const char *name;
    int64_t value;
    int64_t least;
};

static lfuse_status check_numbers(const lfuse_conv2d_args *a, lfuse_error *err)
{
    const struct named all[] = {
        {"batch", a->batch, 1},
        {"in_channels", a->in_channels, 1},
        {"height", a->height, 1},
        {"width", a->width, 1},
        {"out_channels", a->out_channels, 1},
        {"kernel_h", a->kernel_h, 1},
        {"kernel_w", a->kernel_w, 1},
        {"stride_h", a->stride_h, 0},
        {"stride_w", a->stride_w, 0},
        {"pad_top", a->pad_top, 0},
        {"pad_bottom", a->pad_bottom, 0},
        {"pad_left", a->pad_left, 0},
        {"pad_right", a->pad_right, 0},
        {"dilation_h", a->dilation_h, 0},
        {"dilation_w", a->dilation_w, 0},
        {"groups", a->groups, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].value < all[i].least)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld", all[i].name,
                            (long long)all[i].value);
    return LFUSE_OK;
}

static lfuse_status check_rest(const lfuse_conv2d_args *a, lfuse_error *err)
{
    const int64_t groups = a->groups == 0 ? 1 : a->groups;

    if (a->layout < 0 || a->layout > LFUSE_LAYOUT_NHWC)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.layout is %d, which is unknown",
                        (int)a->layout);
    if ((a->flags & ~(uint32_t)(LFUSE_CONV2D_ACCUMULATE | LFUSE_CONV2D_RELU)) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a->flags);
    if (a->algorithm < 0 || a->algorithm > LFUSE_CONV2D_WINOGRAD_2X2)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.algorithm is %d, which is unknown",
                        (int)a->algorithm);
    if (a->reserved_1 != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved_1 is %d",
                        (int)a->reserved_1);
    if (a->in_channels % groups != 0 || a->out_channels % groups != 0)
        return lfi_fail(
            err, LFUSE_ERR_SHAPE, "%lld groups do not divide %lld and %lld channels",
            (long long)groups, (long long)a->in_channels, (long long)a->out_channels);
    return LFUSE_OK;
}

static int64_t or_one(int64_t value)
{
    return value == 0 ? 1 : value;
}

static struct lfi_conv2d conv_from(const lfuse_conv2d_args *a)
{
    static const int32_t winograd[] = {-1, 0, 4, 2}; /* of LFUSE_CONV2D_* */
    const struct lfi_conv2d conv = {
        .x = a->x,
        .w = a->w,
        .bias = a->bias,
        .dy = a->dy,
        .y = a->y,
        .dx = a->dx,
        .dw = a->dw,
        .dbias = a->dbias,
        .scale = a->scale,
        .shift = a->shift,
        .residual = a->residual,
        .workspace = a->workspace,
        .workspace_bytes = a->workspace_bytes,
        .batch = a->batch,
        .in_channels = a->in_channels,
        .height = a->height,
        .width = a->width,
        .out_channels = a->out_channels,
        .kernel_h = a->kernel_h,
        .kernel_w = a->kernel_w,
        .stride_h = or_one(a->stride_h),
        .stride_w = or_one(a->stride_w),
        .pad_top = a->pad_top,
        .pad_bottom = a->pad_bottom,
        .pad_left = a->pad_left,
        .pad_right = a->pad_right,
        .dilation_h = or_one(a->dilation_h),
        .dilation_w = or_one(a->dilation_w),
        .groups = or_one(a->groups),
        .winograd = winograd[a->algorithm],
        .nhwc = a->layout == LFUSE_LAYOUT_NHWC,
        .accumulate = (a->flags & LFUSE_CONV2D_ACCUMULATE) != 0,
        .relu = (a->flags & LFUSE_CONV2D_RELU) != 0,
    };

    return conv;
}

lfuse_status lfi_handles_conv2d(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                struct lfi_conv2d *conv, const lfuse_packed **packed,
                                lfuse_error *err)
{
    lfuse_conv2d_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_numbers(&a, err);
    if (status == LFUSE_OK)
        status = check_rest(&a, err);
    if (status != LFUSE_OK)
        return status;
    *conv = conv_from(&a);
    *packed = a.packed;
    status = lfi_conv2d_shape(conv, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_winograd_check(conv, err);
    return status;
}

/* Weights that were packed for this context's kernels, this direction and this shape. */
static lfuse_status use_packed(const lfuse_context *ctx, const lfuse_packed *packed,
                               int direction, struct lfi_conv2d *conv, lfuse_error *err)
{
    static const char *const names[] = {"forward", "backward data"};
    const struct lfi_conv2d *p = &packed->conv;

    if (packed->ctx->env.kernels != ctx->env.kernels)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.packed is for %s, ctx runs %s",
                        packed->ctx->env.kernels->name, ctx->env.kernels->name);
    if (packed->weights[direction] == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.packed is not for %s",
                        names[direction]);
    lfi_conv2d_follow(p, conv);
    if (!lfi_conv2d_packs_alike(p, conv, direction))
        return lfi_fail(
            err, LFUSE_ERR_SHAPE,
            "args.packed is of weights (%lld, %lld, %lld, %lld) in %lld groups, "
            "with other strides or another algorithm if not of another shape",
            (long long)p->out_channels, (long long)(p->in_channels / p->groups),
            (long long)p->kernel_h, (long long)p->kernel_w, (long long)p->groups);
    conv->packed[direction] = packed->weights[direction];
    conv->w = NULL; /* not read */
    return LFUSE_OK;
}

/* What a direction that reads the weights wants of them. */
static lfuse_status check_weights(const lfuse_context *ctx, const lfuse_packed *packed,
                                  int direction, struct lfi_conv2d *conv,
                                  lfuse_error *err)
{
    const struct lfi_handles_field given[] = {{"w", conv->w}};

    if (packed == NULL)
        return lfi_handles_given(given, 1, err);
    return use_packed(ctx, packed, direction, conv, err);
}

/* Arrays of a call, by their names in args; they may be NULL. */
struct array {
    const char *name;
    const float *data;
    int64_t count;
};

static int64_t x_count(const struct lfi_conv2d *c)
{
    return c->batch * c->in_channels * c->height * c->width;
}

static int64_t y_count(const struct lfi_conv2d *c)
{
    return c->batch * c->out_channels * c->out_h * c->out_w;
}

static int64_t w_count(const struct lfi_conv2d *c)
{
    return c->out_channels * (c->in_channels / c->groups) * c->kernel_h * c->kernel_w;
}

/* Inputs are read after parts of the output are written. */
static lfuse_status check_apart(struct array out, const struct array *in, int count,
                                lfuse_error *err)
{
    const uintptr_t begin = (uintptr_t)out.data;
    const uintptr_t end = begin + (size_t)out.count * sizeof(float);
    int i;

    for (i = 0; i < count && out.data != NULL; i++) {
        const uintptr_t from = (uintptr_t)in[i].data;
        const uintptr_t to = from + (size_t)in[i].count * sizeof(float);

        if (in[i].data != NULL && from < end && begin < to)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s overlaps %s", in[i].name,
                            out.name);
    }
    return LFUSE_OK;
}

static lfuse_status check_forward(const struct lfi_conv2d *c, lfuse_error *err)
{
    const struct array y = {"y", c->y, y_count(c)};
    const struct array in[] = {
        {"x", c->x, x_count(c)},
        {"w", c->w, w_count(c)},
        {"bias", c->bias, c->out_channels},
        {"scale", c->scale, c->out_channels},
        {"shift", c->shift, c->out_channels},
        {"residual", c->residual, y.count},
    };

    if (c->accumulate &&
        (c->relu || c->scale != NULL || c->shift != NULL || c->residual != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.flags ask to accumulate, with RELU, scale, shift or "
                        "residual; give what y holds as residual, and another y");
    return check_apart(y, in, sizeof(in) / sizeof(in[0]), err);
}

static lfuse_status check_backward_data(const struct lfi_conv2d *c, lfuse_error *err)
{
    const struct array dx = {"dx", c->dx, x_count(c)};
    const struct array in[] = {{"dy", c->dy, y_count(c)}, {"w", c->w, w_count(c)}};

    return check_apart(dx, in, 2, err);
}

static lfuse_status check_backward_weights(const struct lfi_conv2d *c, lfuse_error *err)
{
    const struct array dw = {"dw", c->dw, w_count(c)};
    const struct array dbias = {"dbias", c->dbias, c->out_channels};
    const struct array in[] = {{"x", c->x, x_count(c)}, {"dy", c->dy, y_count(c)}, dbias};
    lfuse_status status = check_apart(dw, in, 3, err);

    return status == LFUSE_OK ? check_apart(dbias, in, 2, err) : status;
}

lfuse_status lfuse_conv2d_forward(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                  lfuse_error *err)
{
    const lfuse_packed *packed;
    struct lfi_conv2d c;
    lfuse_status status = lfi_handles_conv2d(ctx, args, &c, &packed, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"x", c.x}, {"y", c.y}};

        status = lfi_handles_given(given, 2, err);
    }
    if (status == LFUSE_OK)
        status = check_weights(ctx, packed, LFI_CONV2D_FORWARD, &c, err);
    if (status == LFUSE_OK)
        status = check_forward(&c, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_forward(&ctx->env, &c, err);
    return status;
}

lfuse_status lfuse_conv2d_backward_data(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                        lfuse_error *err)
{
    const lfuse_packed *packed;
    struct lfi_conv2d c;
    lfuse_status status = lfi_handles_conv2d(ctx, args, &c, &packed, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", c.dy}, {"dx", c.dx}};

        status = lfi_handles_given(given, 2, err);
    }
    if (status == LFUSE_OK)
        status = check_weights(ctx, packed, LFI_CONV2D_BACKWARD_DATA, &c, err);
    if (status == LFUSE_OK)
        status = check_backward_data(&c, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_backward_data(&ctx->env, &c, err);
    return status;
}

lfuse_status lfuse_conv2d_backward_weights(lfuse_context *ctx,
                                           const lfuse_conv2d_args *args,
                                           lfuse_error *err)
{
    const lfuse_packed *packed;
    struct lfi_conv2d c;
    lfuse_status status = lfi_handles_conv2d(ctx, args, &c, &packed, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", c.dy}, {"x", c.x}, {"dw", c.dw}};

        status = lfi_handles_given(given, 3, err);
    }
    if (status == LFUSE_OK)
        status = check_backward_weights(&c, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_backward_weights(&ctx->env, &c, err);
    return status;
}

lfuse_status lfuse_conv2d_workspace(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                    size_t *bytes, lfuse_error *err)
{
    const lfuse_packed *packed;
    struct lfi_conv2d c;
    lfuse_status status;

    if (bytes == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    status = lfi_handles_conv2d(ctx, args, &c, &packed, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_workspace(&ctx->env, &c, bytes, err);
    return status;
}
