/*
 * conv2d_backward_weights.c - dw and dbias
 *
 *     dw[o][i][ky][kx] = sum over n, oy, ox of x[n][oy * stride_h + ky * dilation_h]
 *                                               [ox * stride_w + kx * dilation_w][i] *
 *                        dy[n][oy][ox][o]                       x padded, NHWC
 *
 * A step of the product is an output pixel, a tap an output row. Rows are the input channels
 * under a kernel element, or under a whole kernel row where those are contiguous. The batch is
 * cut into chunks, by shape alone; each has a dw of its own, (group, ky, kx, i, o), and these
 * are added in order. A chunk goes through its images block by block: small images share a
 * block, and the taps are taken in strips, so that what a product reads stays in cache.
 */
#include "kernels/conv2d.h"

#include <string.h>

enum {
    MOST_CHUNKS = 32,
    LEAST_CHUNKS = 4,
    CHUNK_FLOATS = 1 << 19, /* all chunks together, unless they are few */
    STRIP = 256,            /* output pixels */
    LINES = 128,            /* output pixels, channel by channel */
    REDUCE = 4096           /* elements of one task */
};

struct weights {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    struct lfi_conv2d_image x;
    struct lfi_conv2d_image dy;
    int64_t chunks;
    int64_t chunk_floats; /* dw, then dbias */
    int64_t block;        /* images */
    struct lfi_conv2d_planes
        planes; /* of an image of x, where it goes channel by channel */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct weights plan(const struct lfi_env *env, const struct lfi_conv2d *c,
                           struct lfi_conv2d_memory *memory)
{
    const int64_t count = lfi_conv2d_weight_count(c), pixels = c->out_h * c->out_w;
    struct weights w = {
        .env = env,
        .conv = c,
        .memory = memory,
        .x = lfi_conv2d_image_of_x(c),
        .dy = {.channels = c->out_channels,
               .height = c->out_h,
               .width = c->out_w,
               .padded_h = c->out_h,
               .padded_w = c->out_w,
               .nhwc = c->nhwc},
        .chunks = MOST_CHUNKS,
        .chunk_floats = lfi_conv2d_round(count + c->out_channels),
    };

    while (w.chunks > LEAST_CHUNKS && w.chunk_floats > CHUNK_FLOATS / w.chunks)
        w.chunks /= 2;
    w.chunks = smaller(w.chunks, c->batch);
    if (lfi_conv2d_is_channelwise(c))
        w.planes = lfi_conv2d_planes_of(c, false, w.x.padded_h * w.x.padded_w);
    w.block = smaller((STRIP + pixels - 1) / pixels, (c->batch - 1) / w.chunks + 1);
    return w;
}

static int64_t tap_count(const struct weights *w)
{
    return w->block * w->conv->out_h;
}

lfuse_status lfi_conv2d_backward_weights_memory(const struct lfi_env *env,
                                                const struct lfi_conv2d *c,
                                                struct lfi_conv2d_memory *memory,
                                                lfuse_error *err)
{
    const struct weights w = plan(env, c, memory);
    const int64_t words = (int64_t)(sizeof(int64_t) / sizeof(float));
    int64_t images;

    if (lfi_conv2d_winograd_outputs(c) != 0)
        return lfi_conv2d_winograd_gradient_memory(env, c, memory, err);
    if (lfi_conv2d_has_small_weights(c))
        return lfi_conv2d_small_weights_memory(env, c, memory, err);
    if (!lfi_mul_int64(w.chunks, w.chunk_floats, &memory->shared_floats) ||
        !lfi_mul_int64(w.block,
                       lfi_conv2d_image_scratch(&w.x) + lfi_conv2d_image_scratch(&w.dy),
                       &images))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    memory->slot_floats =
        images + w.planes.floats +
        lfi_conv2d_round(2 * (tap_count(&w) + lfi_conv2d_most_taps(c)) * words);
    if (memory->slot_floats < lfi_conv2d_unpack_floats(c))
        memory->slot_floats = lfi_conv2d_unpack_floats(c);
    return lfi_conv2d_memory_size(env, memory, err);
}

/* The output rows of a block of images, as taps. */
static void fill_taps(const struct weights *w, int64_t images, int64_t *a_taps,
                      int64_t *b_taps)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t a_image = lfi_conv2d_image_is_direct(&w->x)
                                ? lfi_conv2d_image_floats(&w->x)
                                : lfi_conv2d_image_scratch(&w->x);
    const int64_t b_image = lfi_conv2d_image_is_direct(&w->dy)
                                ? lfi_conv2d_image_floats(&w->dy)
                                : lfi_conv2d_image_scratch(&w->dy);
    const int64_t a_row = c->stride_h * w->x.padded_w * c->in_channels;
    const int64_t b_row = c->out_w * c->out_channels;
    int64_t image, row, n = 0;

    for (image = 0; image < images; image++)
        for (row = 0; row < c->out_h; row++, n++) {
            a_taps[n] = image * a_image + row * a_row;
            b_taps[n] = image * b_image + row * b_row;
        }
}

/* Every kernel element over one strip of taps. */
static void run_strip(const struct weights *w, struct lfi_gemm_tile tile, float *dw)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t row = w->x.padded_w * c->in_channels;
    const bool joined = c->groups == 1 && c->dilation_w == 1;
    const int64_t columns = joined ? 1 : c->kernel_w;
    const float *a = tile.a, *b = tile.b;
    int64_t group, ky, kx;

    tile.rows = joined ? c->kernel_w * ins : ins;
    tile.cols = outs;
    tile.a_row = 1;
    tile.a_step = c->stride_w * c->in_channels;
    tile.b_step = c->out_channels;
    tile.c_row = outs;
    for (group = 0; group < c->groups; group++)
        for (ky = 0; ky < c->kernel_h; ky++)
            for (kx = 0; kx < columns; kx++) {
                tile.a = a + ky * c->dilation_h * row +
                         kx * c->dilation_w * c->in_channels + group * ins;
                tile.b = b + group * outs;
                tile.c =
                    dw + ((group * c->kernel_h + ky) * c->kernel_w + kx) * ins * outs;
                w->env->kernels->gemm_f32(&tile);
            }
}

/* dbias: the product with a row of ones. */
static void run_bias(const struct weights *w, struct lfi_gemm_tile tile, float *dbias)
{
    static const float one = 1.0f;
    static const int64_t start = 0;
    const int64_t *rows = tile.b_tap;
    int64_t t, taps = tile.taps;

    tile.a = &one;
    tile.c = dbias;
    tile.a_tap = &start;
    tile.taps = 1;
    tile.rows = 1;
    tile.cols = w->conv->out_channels;
    tile.b_step = w->conv->out_channels;
    for (t = 0; t < taps; t++) {
        tile.b_tap = rows + t;
        w->env->kernels->gemm_f32(&tile);
        tile.accumulate = true;
    }
}

/* One block of images, strip by strip. */
static void run_block(const struct weights *w, struct lfi_gemm_tile tile, int64_t images,
                      float *dw)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t *a_taps = tile.a_tap, *b_taps = tile.b_tap;
    const int64_t strip = (STRIP + c->out_w - 1) / c->out_w, taps = images * c->out_h;
    int64_t first;

    tile.steps = c->out_w;
    for (first = 0; first < taps; first += strip) {
        tile.a_tap = a_taps + first;
        tile.b_tap = b_taps + first;
        tile.taps = smaller(strip, taps - first);
        run_strip(w, tile, dw);
        if (c->dbias != NULL)
            run_bias(w, tile, dw + lfi_conv2d_weight_count(c));
        tile.accumulate = true;
    }
}

/* Kernel elements of all planes, as taps. */
static int64_t fill_elements(const struct weights *w, int64_t *x_taps, int64_t *w_taps)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t area = c->kernel_h * c->kernel_w;
    int64_t k;

    for (k = 0; k < area; k++) {
        x_taps[k] = (k / c->kernel_w * c->dilation_h * w->x.padded_w +
                     k % c->kernel_w * c->dilation_w) *
                    c->out_channels;
        w_taps[k] = k * c->out_channels;
    }
    return lfi_conv2d_planes_taps(&w->planes, area, area, x_taps, w_taps);
}

/* One image, channel by channel; dw is (plane, ky, kx, o). Its elements go through room. */
static void run_channels(const struct weights *w, const float *x, const float *dy,
                         int64_t *room, float *planes, float *dw)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t channels = c->out_channels, lines = (LINES - 1) / c->out_w + 1;
    struct lfi_channel_tile tile = {
        .x = lfi_conv2d_planes_make(w->env, &w->planes, x, w->planes.pixels, planes),
        .dy = dy,
        .dw = dw,
        .x_tap = room,
        .w_tap = room + lfi_conv2d_most_taps(c),
        .rows = c->out_w,
        .width = channels,
        .x_line = c->stride_h * w->x.padded_w * channels,
        .x_step = c->stride_w * channels,
        .y_line = c->out_w * channels,
        .y_step = channels,
    };
    int64_t first;

    tile.taps = fill_elements(w, room, room + lfi_conv2d_most_taps(c));
    for (first = 0; first < c->out_h; first += lines) {
        tile.lines = smaller(lines, c->out_h - first);
        w->env->kernels->channel_sums_f32(&tile);
        tile.x += lines * tile.x_line;
        tile.dy += lines * tile.y_line;
    }
}

/* A block of images channel by channel; `room` follows the taps. */
static void run_block_channels(const struct weights *w, struct lfi_gemm_tile tile,
                               int64_t images, int64_t *room, float *planes, float *dw)
{
    const struct lfi_conv2d *c = w->conv;
    const int64_t count = lfi_conv2d_weight_count(c);
    int64_t i;

    if (!tile.accumulate)
        memset(dw, 0, (size_t)count * sizeof(float));
    for (i = 0; i < images; i++)
        run_channels(w, tile.a + tile.a_tap[i * c->out_h],
                     tile.b + tile.b_tap[i * c->out_h], room, planes, dw);
    tile.steps = c->out_w;
    tile.taps = images * c->out_h;
    if (c->dbias != NULL)
        run_bias(w, tile, dw + count);
}

static void run_chunk(void *arg, int64_t chunk, int32_t slot)
{
    const struct weights *w = arg;
    const struct lfi_conv2d *c = w->conv;
    const int64_t x_scratch = lfi_conv2d_image_scratch(&w->x);
    const int64_t dy_scratch = lfi_conv2d_image_scratch(&w->dy);
    float *x = w->memory->slots + slot * w->memory->slot_floats;
    float *dy = x + w->block * x_scratch;
    float *planes = dy + w->block * dy_scratch;
    int64_t *taps = (int64_t *)(void *)(planes + w->planes.floats);
    float *dw = w->memory->shared + chunk * w->chunk_floats;
    const int64_t first = chunk * c->batch / w->chunks;
    const int64_t end = (chunk + 1) * c->batch / w->chunks;
    struct lfi_gemm_tile tile = {.a_tap = taps, .b_tap = taps + tap_count(w)};
    int64_t i, k;

    fill_taps(w, w->block, taps, taps + tap_count(w));
    for (i = first; i < end; i += w->block) {
        const int64_t images = smaller(w->block, end - i);

        for (k = images - 1; k >= 0; k--) { /* downwards: a and b are then the first's */
            tile.a = lfi_conv2d_image_load(w->env, &w->x, c->x, i + k, x + k * x_scratch);
            tile.b =
                lfi_conv2d_image_load(w->env, &w->dy, c->dy, i + k, dy + k * dy_scratch);
        }
        if (lfi_conv2d_is_channelwise(c))
            run_block_channels(w, tile, images, taps + 2 * tap_count(w), planes, dw);
        else
            run_block(w, tile, images, dw);
        tile.accumulate = true;
    }
}

/* Adds up the chunks, some elements of them. */
static void reduce(void *arg, int64_t index, int32_t slot)
{
    const struct weights *w = arg;
    float *sum = w->memory->shared + index * REDUCE;
    const int64_t count = smaller(REDUCE, w->chunk_floats - index * REDUCE);
    int64_t chunk;

    (void)slot;
    for (chunk = 1; chunk < w->chunks; chunk++)
        w->env->kernels->add_f32(sum, sum + chunk * w->chunk_floats, count, sum);
}

static void write_to(float *to, float value, bool accumulate)
{
    *to = accumulate ? *to + value : value;
}

/* The sums for one output channel, (plane, ky, kx, o), to (o, i, ky, kx). */
static void unpack_channel(void *arg, int64_t o, int32_t slot)
{
    const struct weights *w = arg;
    const struct lfi_conv2d *c = w->conv;
    const int64_t filter = c->in_channels / c->groups * c->kernel_h * c->kernel_w;
    int64_t k;

    (void)slot;
    for (k = 0; k < filter; k++)
        write_to(c->dw + o * filter + k, w->memory->shared[k * c->out_channels + o],
                 c->accumulate);
}

static lfuse_status unpack(struct weights *w, lfuse_error *err)
{
    if (lfi_conv2d_is_channelwise(w->conv))
        return lfi_parallel_for(w->env, w->conv->out_channels, unpack_channel, w, err);
    return lfi_conv2d_unpack(w->env, w->conv, w->memory->shared, w->memory, err);
}

lfuse_status lfi_conv2d_backward_weights(const struct lfi_env *env,
                                         const struct lfi_conv2d *c, lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct weights w = plan(env, c, &memory);
    int64_t o;
    lfuse_status status;

    if (lfi_conv2d_winograd_outputs(c) != 0)
        return lfi_conv2d_winograd_gradient(env, c, err);
    if (lfi_conv2d_has_small_weights(c))
        return lfi_conv2d_small_weights(env, c, err);
    status = lfi_conv2d_backward_weights_memory(env, c, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_parallel_for(env, w.chunks, run_chunk, &w, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, (w.chunk_floats + REDUCE - 1) / REDUCE, reduce, &w,
                                  err);
    if (status == LFUSE_OK)
        status = unpack(&w, err);
    if (status == LFUSE_OK && c->dbias != NULL)
        for (o = 0; o < c->out_channels; o++)
            write_to(c->dbias + o, memory.shared[lfi_conv2d_weight_count(c) + o],
                     c->accumulate);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
