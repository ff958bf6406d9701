/*
 * conv2d_forward.c - y = conv(x, w) + bias
 *
 *     y[oy][ox][o] = sum over ky, kx, i of
 *                    x[oy * stride_h + ky * dilation_h][ox * stride_w + kx * dilation_w][i] *
 *                    w[o][i][ky][kx]                              x padded, NHWC
 *
 * A row of the product is an output pixel, so a row of the image is one product. Where the
 * taps of a kernel row are neighbours (no dilation, one group), they and their channels are
 * one contiguous run of x: there are kernel_h taps then, and not kernel_h * kernel_w.
 */
#include "kernels/conv2d.h"

#include <string.h>

struct forward {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    struct lfi_conv2d_image image;
    struct lfi_conv2d_pass pass; /* all but a and c */
};

static int64_t tap_floats(const struct lfi_conv2d *c)
{
    return 2 * c->kernel_h * c->kernel_w * (int64_t)(sizeof(int64_t) / sizeof(float));
}

lfuse_status lfi_conv2d_forward_memory(const struct lfi_env *env,
                                       const struct lfi_conv2d *c,
                                       struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    const struct lfi_conv2d_image image = lfi_conv2d_image_of_x(c);

    memory->shared_floats =
        lfi_conv2d_round(lfi_conv2d_weight_count(c)) + lfi_conv2d_round(tap_floats(c));
    memory->slot_floats = lfi_conv2d_image_scratch(&image);
    if (!c->nhwc)
        memory->slot_floats += lfi_conv2d_round(c->out_h * c->out_w * c->out_channels);
    return lfi_conv2d_memory_size(env, memory, err);
}

/* The taps, into memory for 2 * kernel_h * kernel_w of them; tile->steps with them. */
static void fill_taps(const struct lfi_conv2d *c, int64_t row, int64_t *taps,
                      struct lfi_gemm_tile *tile)
{
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const bool joined = c->groups == 1 && c->dilation_w == 1;
    const int64_t columns = joined ? 1 : c->kernel_w;
    int64_t *b_taps = taps + c->kernel_h * c->kernel_w;
    int64_t ky, kx, n = 0;

    for (ky = 0; ky < c->kernel_h; ky++)
        for (kx = 0; kx < columns; kx++) {
            taps[n] = ky * c->dilation_h * row + kx * c->dilation_w * c->in_channels;
            b_taps[n++] = (ky * c->kernel_w + kx) * ins * outs;
        }
    tile->a_tap = taps;
    tile->b_tap = b_taps;
    tile->taps = n;
    tile->steps = joined ? c->kernel_w * ins : ins;
}

static void prepare(struct forward *f)
{
    const struct lfi_conv2d *c = f->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t row = f->image.padded_w * c->in_channels;
    float *weights = f->memory->shared;
    struct lfi_gemm_tile tile = {
        .b = weights,
        .rows = c->out_w,
        .cols = outs,
        .a_row = c->stride_w * c->in_channels,
        .a_step = 1,
        .b_step = outs,
        .c_row = c->out_channels,
        .accumulate = c->accumulate || c->bias != NULL,
    };
    struct lfi_conv2d_pass pass = {
        .count = c->out_h,
        .a_next = c->stride_h * row,
        .c_next = c->out_w * c->out_channels,
        .groups = c->groups,
        .a_group = ins,
        .b_group = c->kernel_h * c->kernel_w * ins * outs,
        .c_group = outs,
    };

    fill_taps(c, row,
              (int64_t *)(void *)(weights + lfi_conv2d_round(lfi_conv2d_weight_count(c))),
              &tile);
    pass.tile = tile;
    f->pass = pass;
}

/* What the products add to: the bias, y's old values, or both. */
static void begin_y(const struct lfi_env *env, const struct lfi_conv2d *c, float *y)
{
    const int64_t pixels = c->out_h * c->out_w, channels = c->out_channels;
    int64_t i;

    if (c->bias == NULL)
        return;
    for (i = 0; i < pixels; i++, y += channels)
        if (c->accumulate)
            env->kernels->add_f32(y, c->bias, channels, y);
        else
            memcpy(y, c->bias, (size_t)channels * sizeof(float));
}

static void forward_image(void *arg, int64_t index, int32_t slot)
{
    const struct forward *f = arg;
    const struct lfi_conv2d *c = f->conv;
    const struct lfi_kernels *kernels = f->env->kernels;
    const int64_t pixels = c->out_h * c->out_w, channels = c->out_channels;
    float *scratch = f->memory->slots + slot * f->memory->slot_floats;
    float *y = c->y + index * pixels * channels;
    float *target = c->nhwc ? y : scratch + lfi_conv2d_image_scratch(&f->image);
    struct lfi_conv2d_pass pass = f->pass;

    pass.tile.a = lfi_conv2d_image_load(f->env, &f->image, c->x, index, scratch);
    pass.tile.c = target;
    if (!c->nhwc && c->accumulate)
        kernels->transpose_f32(y, channels, pixels, pixels, target, channels);
    begin_y(f->env, c, target);
    lfi_conv2d_pass_run(f->env, pass);
    if (!c->nhwc)
        kernels->transpose_f32(target, pixels, channels, channels, y, pixels);
}

lfuse_status lfi_conv2d_forward(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct forward forward = {.env = env, .conv = conv, .memory = &memory};
    lfuse_status status;

    status = lfi_conv2d_forward_memory(env, conv, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, conv, &memory, err);
    if (status != LFUSE_OK)
        return status;
    forward.image = lfi_conv2d_image_of_x(conv);
    prepare(&forward);
    status = lfi_conv2d_pack_weights(env, conv, false, memory.shared, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, conv->batch, forward_image, &forward, err);
    lfi_conv2d_memory_give(env, conv, &memory);
    return status;
}
