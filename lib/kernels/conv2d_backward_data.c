/*
 * conv2d_backward_data.c - dx, the gradient of x
 *
 *     dx[iy][ix][i] = sum over o and those ky, kx for which oy and ox are whole of
 *                     dy[oy][ox][o] * w[o][i][ky][kx]
 *     oy = (iy + pad_top - ky * dilation_h) / stride_h,   ox likewise
 *
 * The input pixels of one phase, iy mod stride_h and ix mod stride_w, meet the same taps. So
 * each phase is a convolution of stride 1 over dy, and dx is written exactly once; a phase
 * without taps writes zeros. The work of a strided layer is that of its forward pass.
 */
#include "kernels/conv2d.h"

struct backward {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    struct lfi_conv2d_image image;   /* dy, with the zeros that taps reach */
    struct lfi_conv2d_planes planes; /* of it, where the passes are channelwise */
    const float *weights;
};

/* One axis of dy: the zeros before it, and its size with all zeros. */
static void reach(int64_t size, int64_t pad, int64_t kernel, int64_t dilation,
                  int64_t stride, int64_t out, int64_t *before, int64_t *padded)
{
    const int64_t lowest = pad - (kernel - 1) * dilation; /* times stride */
    const int64_t last = (size - 1 + pad) / stride;

    *before = lowest < 0 ? -lowest / stride : 0;
    *padded = *before + (last < out ? out : last + 1);
}

static struct lfi_conv2d_image image_of_dy(const struct lfi_conv2d *c)
{
    struct lfi_conv2d_image image = {
        .channels = c->out_channels,
        .height = c->out_h,
        .width = c->out_w,
        .nhwc = c->nhwc,
    };

    reach(c->height, c->pad_top, c->kernel_h, c->dilation_h, c->stride_h, c->out_h,
          &image.top, &image.padded_h);
    reach(c->width, c->pad_left, c->kernel_w, c->dilation_w, c->stride_w, c->out_w,
          &image.left, &image.padded_w);
    return image;
}

static struct lfi_conv2d_planes planes_of(const struct lfi_conv2d *c,
                                          const struct lfi_conv2d_image *image)
{
    const struct lfi_conv2d_planes none = {0};

    return lfi_conv2d_is_channelwise(c)
               ? lfi_conv2d_planes_of(c, true, image->padded_h * image->padded_w)
               : none;
}

static int64_t target_floats(const struct lfi_conv2d *c)
{
    return c->nhwc ? 0 : lfi_conv2d_round(c->height * c->width * c->in_channels);
}

lfuse_status lfi_conv2d_backward_data_memory(const struct lfi_env *env,
                                             const struct lfi_conv2d *c,
                                             struct lfi_conv2d_memory *memory,
                                             lfuse_error *err)
{
    const struct lfi_conv2d_image image = image_of_dy(c);
    const int64_t words = (int64_t)(sizeof(int64_t) / sizeof(float));

    if (lfi_conv2d_winograd_outputs(c) != 0)
        return lfi_conv2d_winograd_memory(env, c, true, memory, err);
    if (lfi_conv2d_is_small(c))
        return lfi_conv2d_small_memory(env, c, true, memory, err);
    memory->as_it_is = lfi_conv2d_image_is_direct(&image);
    memory->shared_floats = lfi_conv2d_round(lfi_conv2d_weight_count(c));
    memory->slot_floats = lfi_conv2d_image_scratch(&image) + planes_of(c, &image).floats +
                          target_floats(c) +
                          lfi_conv2d_round(2 * lfi_conv2d_most_taps(c) * words);
    return lfi_conv2d_memory_size(env, memory, err);
}

/* Where tap k of an axis meets dy from the first pixel of a phase on; -1: nowhere. */
static int64_t meet(int64_t phase, int64_t pad, int64_t k, int64_t dilation,
                    int64_t stride, int64_t before)
{
    const int64_t distance = phase + pad - k * dilation;

    return distance % stride == 0 ? distance / stride + before : -1;
}

/* The taps of a phase; those that are neighbours in a row of dy are joined into one. */
static void fill_taps(const struct backward *b, int64_t phase_y, int64_t phase_x,
                      int64_t *taps, struct lfi_gemm_tile *tile)
{
    const struct lfi_conv2d *c = b->conv;
    const int64_t outs = c->out_channels / c->groups;
    const bool lanes = lfi_conv2d_is_channelwise(c);
    const int64_t pixel = lanes ? c->in_channels : c->out_channels;
    const int64_t depth = lanes ? 1 : outs;
    int64_t *b_taps = taps + lfi_conv2d_most_taps(c);
    int64_t ky, kx, y, x, first = 0, last = 0, columns = 0, n = 0;
    bool joined;

    for (kx = c->kernel_w - 1; kx >= 0; kx--) {
        x = meet(phase_x, c->pad_left, kx, c->dilation_w, c->stride_w, b->image.left);
        if (x < 0)
            continue;
        first = columns++ == 0 ? x : first;
        last = x;
    }
    joined = c->groups == 1 && last - first == columns - 1;
    for (ky = c->kernel_h - 1; ky >= 0; ky--) {
        y = meet(phase_y, c->pad_top, ky, c->dilation_h, c->stride_h, b->image.top);
        for (kx = c->kernel_w - 1; kx >= 0 && y >= 0; kx--) {
            x = meet(phase_x, c->pad_left, kx, c->dilation_w, c->stride_w, b->image.left);
            if (x < 0 || (joined && x != first))
                continue;
            taps[n] = (y * b->image.padded_w + x) * pixel;
            b_taps[n++] =
                (ky * c->kernel_w + (lanes ? kx : lfi_conv2d_phase_place(c, kx))) *
                depth * tile->cols;
        }
    }
    tile->a_tap = taps;
    tile->b_tap = b_taps;
    tile->taps = lanes ? lfi_conv2d_planes_taps(&b->planes, c->kernel_h * c->kernel_w, n,
                                                taps, b_taps)
                       : n;
    tile->steps = joined ? columns * outs : outs;
}

static void run_phase(const struct backward *b, int64_t phase_y, int64_t phase_x,
                      int64_t *taps, const float *dy, float *dx)
{
    const struct lfi_conv2d *c = b->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t panel = lfi_conv2d_panel(ins), area = c->kernel_h * c->kernel_w;
    const bool lanes = lfi_conv2d_is_channelwise(c);
    const int64_t pixel = lanes ? c->in_channels : c->out_channels;
    struct lfi_conv2d_pass pass = {
        .tile = {.a = dy,
                 .b = b->weights,
                 .c = dx + (phase_y * c->width + phase_x) * c->in_channels,
                 .rows = (c->width - phase_x + c->stride_w - 1) / c->stride_w,
                 .cols = lanes ? c->in_channels : panel,
                 .a_row = pixel,
                 .a_step = 1,
                 .b_step = panel,
                 .c_row = c->stride_w * c->in_channels,
                 .accumulate = c->accumulate},
        .count = (c->height - phase_y + c->stride_h - 1) / c->stride_h,
        .a_next = b->image.padded_w * pixel,
        .c_next = c->stride_h * c->width * c->in_channels,
        .groups = c->groups,
        .a_group = outs,
        .b_group = area * ins * outs,
        .c_group = ins,
        .panels = ins / panel,
        .b_panel = area * outs * panel,
        .channelwise = lanes,
    };

    fill_taps(b, phase_y, phase_x, taps, &pass.tile);
    lfi_conv2d_pass_run(b->env, pass);
}

static void backward_image(void *arg, int64_t index, int32_t slot)
{
    const struct backward *b = arg;
    const struct lfi_conv2d *c = b->conv;
    const struct lfi_kernels *kernels = b->env->kernels;
    const int64_t pixels = c->height * c->width, channels = c->in_channels;
    float *scratch = b->memory->slots + slot * b->memory->slot_floats;
    float *dx = c->dx + index * pixels * channels;
    float *planes = scratch + lfi_conv2d_image_scratch(&b->image);
    float *after_source = planes + b->planes.floats;
    float *target = c->nhwc ? dx : after_source;
    int64_t *taps = (int64_t *)(void *)(after_source + target_floats(c));
    const float *dy = lfi_conv2d_image_load(b->env, &b->image, c->dy, index, scratch);
    int64_t y, x;

    dy = lfi_conv2d_planes_make(b->env, &b->planes, dy,
                                b->image.padded_h * b->image.padded_w, planes);
    if (!c->nhwc && c->accumulate)
        kernels->transpose_f32(dx, channels, pixels, pixels, target, channels);
    for (y = 0; y < c->stride_h && y < c->height; y++)
        for (x = 0; x < c->stride_w && x < c->width; x++)
            run_phase(b, y, x, taps, dy, target);
    if (!c->nhwc)
        kernels->transpose_f32(target, pixels, channels, channels, dx, pixels);
}

lfuse_status lfi_conv2d_backward_data(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct backward backward = {env, conv, &memory, image_of_dy(conv), {0}, NULL};
    lfuse_status status;

    if (lfi_conv2d_winograd_outputs(conv) != 0)
        return lfi_conv2d_winograd(env, conv, true, err);
    if (lfi_conv2d_is_small(conv))
        return lfi_conv2d_small(env, conv, true, err);
    backward.planes = planes_of(conv, &backward.image);
    status = lfi_conv2d_backward_data_memory(env, conv, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, conv, &memory, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_conv2d_weights(env, conv, LFI_CONV2D_BACKWARD_DATA, memory.shared,
                                &backward.weights, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, conv->batch, backward_image, &backward, err);
    lfi_conv2d_memory_give(env, conv, &memory);
    return status;
}
