/*
 * conv2d_forward.c - y = act((conv(x, w) + bias) * scale + shift + residual)
 *
 *     y[oy][ox][o] = sum over ky, kx, i of
 *                    x[oy * stride_h + ky * dilation_h][ox * stride_w + kx * dilation_w][i] *
 *                    w[o][i][ky][kx]                              x padded, NHWC
 *
 * A row of the product is an output pixel, so a row of the image is one product. Where the
 * taps of a kernel row are neighbours (no dilation, one group), they and their channels are
 * one contiguous run of x: there are kernel_h taps then, and not kernel_h * kernel_w.
 *
 * A task is a band of output rows of one image. Bands are what the second cache takes, and
 * narrower where there are few images, so that those are work for several threads.
 */
#include "kernels/conv2d.h"

enum {
    BAND_FLOATS = 1 << 16,   /* of x under a band */
    BAND_PRODUCTS = 1 << 18, /* that are worth a task */
    TASKS = 32               /* that are enough */
};

struct forward {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    struct lfi_conv2d_image image;
    struct lfi_conv2d_planes planes; /* of a band, where the pass is channelwise */
    struct lfi_conv2d_epilogue epilogue;
    struct lfi_conv2d_pass pass; /* all but a, b, c and residual */
    int64_t bands;
};

static int64_t up(int64_t a, int64_t b)
{
    return (a - 1) / b + 1;
}

/* The number of bands of an image. */
static int64_t count_bands(const struct lfi_conv2d *c,
                           const struct lfi_conv2d_image *image)
{
    const bool lanes = lfi_conv2d_is_channelwise(c);
    const int64_t planes = lanes ? c->in_channels / c->groups * c->out_channels : 0;
    const int64_t row_floats = c->stride_h * image->padded_w * (c->in_channels + planes);
    const double products =
        (double)(c->out_w * c->out_channels) *
        (double)(c->in_channels / c->groups * c->kernel_h * c->kernel_w);
    int64_t rows = BAND_FLOATS / row_floats, wanted = up(TASKS, c->batch);
    int64_t least = products < BAND_PRODUCTS ? up(BAND_PRODUCTS, (int64_t)products) : 1;

    rows = rows < 1 ? 1 : rows;
    if (rows > up(c->out_h, wanted)) {
        rows = up(c->out_h, wanted);
        rows = rows < least ? least : rows;
    }
    return up(c->out_h, rows < c->out_h ? rows : c->out_h);
}

/* Padded rows of x under the band that has the most. */
static int64_t band_height(const struct lfi_conv2d *c, int64_t bands)
{
    return (up(c->out_h, bands) - 1) * c->stride_h + c->dilation_h * (c->kernel_h - 1) +
           1;
}

static int64_t target_floats(const struct lfi_conv2d *c, int64_t bands)
{
    return c->nhwc ? 0
                   : lfi_conv2d_round(up(c->out_h, bands) * c->out_w * c->out_channels);
}

static int64_t tap_floats(const struct lfi_conv2d *c)
{
    return 2 * lfi_conv2d_most_taps(c) * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static struct lfi_conv2d_planes
planes_of(const struct lfi_conv2d *c, const struct lfi_conv2d_image *image, int64_t bands)
{
    const struct lfi_conv2d_planes none = {0};

    return lfi_conv2d_is_channelwise(c)
               ? lfi_conv2d_planes_of(c, false, band_height(c, bands) * image->padded_w)
               : none;
}

/* Shared: weights, taps, the epilogue's numbers. A slot's: x, planes, y, residual. */
lfuse_status lfi_conv2d_forward_memory(const struct lfi_env *env,
                                       const struct lfi_conv2d *c,
                                       struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    const struct lfi_conv2d_image image = lfi_conv2d_image_of_x(c);
    const int64_t bands = count_bands(c, &image);

    if (lfi_conv2d_winograd_outputs(c) != 0)
        return lfi_conv2d_winograd_memory(env, c, false, memory, err);
    if (lfi_conv2d_is_small(c))
        return lfi_conv2d_small_memory(env, c, false, memory, err);
    memory->as_it_is = lfi_conv2d_image_is_direct(&image);
    memory->shared_floats = lfi_conv2d_round(lfi_conv2d_weight_count(c)) +
                            lfi_conv2d_round(tap_floats(c)) +
                            lfi_conv2d_epilogue_floats(c);
    memory->slot_floats = lfi_conv2d_image_rows_scratch(&image, band_height(c, bands)) +
                          planes_of(c, &image, bands).floats +
                          2 * target_floats(c, bands);
    return lfi_conv2d_memory_size(env, memory, err);
}

/* The taps, into memory for tap_floats() of them; tile->steps with them. */
static void fill_taps(const struct forward *f, int64_t *taps, struct lfi_gemm_tile *tile)
{
    const struct lfi_conv2d *c = f->conv;
    const int64_t ins = c->in_channels / c->groups, area = c->kernel_h * c->kernel_w;
    const bool lanes = lfi_conv2d_is_channelwise(c);
    const bool joined = c->groups == 1 && c->dilation_w == 1;
    const int64_t columns = joined ? 1 : c->kernel_w, depth = lanes ? 1 : ins;
    const int64_t pixel = lanes ? c->out_channels : c->in_channels;
    int64_t *b_taps = taps + lfi_conv2d_most_taps(c);
    int64_t ky, kx, n = 0;

    for (ky = 0; ky < c->kernel_h; ky++)
        for (kx = 0; kx < columns; kx++) {
            taps[n] =
                (ky * c->dilation_h * f->image.padded_w + kx * c->dilation_w) * pixel;
            b_taps[n++] = (ky * c->kernel_w + kx) * depth * tile->cols;
        }
    tile->a_tap = taps;
    tile->b_tap = b_taps;
    tile->taps = lanes ? lfi_conv2d_planes_taps(&f->planes, area, n, taps, b_taps) : n;
    tile->steps = joined ? c->kernel_w * ins : ins;
}

static void prepare(struct forward *f)
{
    const struct lfi_conv2d *c = f->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t panel = lfi_conv2d_panel(outs), area = c->kernel_h * c->kernel_w;
    const bool lanes = lfi_conv2d_is_channelwise(c);
    const int64_t pixel = lanes ? c->out_channels : c->in_channels;
    float *taps = f->memory->shared + lfi_conv2d_round(lfi_conv2d_weight_count(c));
    struct lfi_gemm_tile tile = {
        .rows = c->out_w,
        .cols = lanes ? c->out_channels : panel,
        .a_row = c->stride_w * pixel,
        .a_step = 1,
        .b_step = panel,
        .c_row = c->out_channels,
        .accumulate = c->accumulate,
    };
    struct lfi_conv2d_pass pass = {
        .a_next = c->stride_h * f->image.padded_w * pixel,
        .c_next = c->out_w * c->out_channels,
        .groups = c->groups,
        .a_group = ins,
        .b_group = area * ins * outs,
        .c_group = outs,
        .panels = outs / panel,
        .b_panel = area * ins * panel,
        .channelwise = lanes,
        .epilogue = &f->epilogue,
    };

    f->epilogue = lfi_conv2d_epilogue_make(c, taps + lfi_conv2d_round(tap_floats(c)));
    fill_taps(f, (int64_t *)(void *)taps, &tile);
    pass.tile = tile;
    f->pass = pass;
}

/* The rows of x under output rows [first, first + rows), as the pass reads them. */
static const float *load_x(const struct forward *f, int64_t index, int64_t first,
                           int64_t rows, float *scratch)
{
    const struct lfi_conv2d *c = f->conv;
    const int64_t height =
        (rows - 1) * c->stride_h + c->dilation_h * (c->kernel_h - 1) + 1;
    const float *x = lfi_conv2d_image_load_rows(f->env, &f->image, c->x, index,
                                                first * c->stride_h, height, scratch);

    scratch += lfi_conv2d_image_rows_scratch(&f->image, band_height(c, f->bands));
    return lfi_conv2d_planes_make(f->env, &f->planes, x, height * f->image.padded_w,
                                  scratch);
}

/* A band of an NCHW array like y, as NHWC in scratch; one that is NHWC as it stands. */
static const float *load_band(const struct forward *f, const float *data, int64_t index,
                              int64_t first, int64_t rows, float *scratch)
{
    const struct lfi_conv2d *c = f->conv;
    const int64_t pixels = c->out_h * c->out_w, channels = c->out_channels;

    data += index * pixels * channels;
    if (c->nhwc)
        return data + first * c->out_w * channels;
    f->env->kernels->transpose_f32(data + first * c->out_w, channels, rows * c->out_w,
                                   pixels, scratch, channels);
    return scratch;
}

static void forward_band(void *arg, int64_t task, int32_t slot)
{
    const struct forward *f = arg;
    const struct lfi_conv2d *c = f->conv;
    const int64_t index = task / f->bands, band = task % f->bands;
    const int64_t first = band * c->out_h / f->bands;
    const int64_t rows = (band + 1) * c->out_h / f->bands - first;
    const int64_t pixels = c->out_h * c->out_w, channels = c->out_channels;
    float *x = f->memory->slots + slot * f->memory->slot_floats;
    float *target = x + f->memory->slot_floats - 2 * target_floats(c, f->bands);
    float *residual = target + target_floats(c, f->bands);
    float *y =
        c->y + index * pixels * channels + first * c->out_w * (c->nhwc ? channels : 1);
    struct lfi_conv2d_pass pass = f->pass;

    pass.count = rows;
    pass.tile.a = load_x(f, index, first, rows, x);
    pass.tile.c = c->nhwc ? y : target;
    if (!c->nhwc && c->accumulate)
        load_band(f, c->y, index, first, rows, target);
    if (c->residual != NULL)
        pass.residual = load_band(f, c->residual, index, first, rows, residual);
    lfi_conv2d_pass_run(f->env, pass);
    if (!c->nhwc)
        f->env->kernels->transpose_f32(target, rows * c->out_w, channels, channels, y,
                                       pixels);
}

lfuse_status lfi_conv2d_forward(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct forward forward = {.env = env, .conv = conv, .memory = &memory};
    lfuse_status status;

    if (lfi_conv2d_winograd_outputs(conv) != 0)
        return lfi_conv2d_winograd(env, conv, false, err);
    if (lfi_conv2d_is_small(conv))
        return lfi_conv2d_small(env, conv, false, err);
    status = lfi_conv2d_forward_memory(env, conv, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, conv, &memory, err);
    if (status != LFUSE_OK)
        return status;
    forward.image = lfi_conv2d_image_of_x(conv);
    forward.bands = count_bands(conv, &forward.image);
    forward.planes = planes_of(conv, &forward.image, forward.bands);
    prepare(&forward);
    status = lfi_conv2d_weights(env, conv, LFI_CONV2D_FORWARD, memory.shared,
                                &forward.pass.tile.b, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, conv->batch * forward.bands, forward_band,
                                  &forward, err);
    lfi_conv2d_memory_give(env, conv, &memory);
    return status;
}
