/*
 * conv2d_winograd_gradient.c - backward weights by Winograd's algorithm
 *
 *     dw = G' (sum over tiles of (B' d B) o (A dy A')) G
 *
 * which is the forward pass's sum, read the other way round: for each point one product over
 * the tiles,
 *
 *     W[point] (ins x outs) = V[point]' (ins x tiles) * D[point] (tiles x outs)
 *
 * and one transform of W, at the end. Where W is small, a task is a chunk of the tiles with a W of
 * its own, and goes through it in blocks whose V and D stay in the second cache; the chunks, cut
 * by shape alone, are added in order. Where W is large it is cut instead: see
 * conv2d_winograd_squares.c.
 */
#include "kernels/conv2d_winograd.h"

enum {
    AREA = 9,
    PANEL = LFI_WINOGRAD_PANEL,
    OWN_FLOATS = 160 << 10,   /* V and D of a block that is one task's */
    CHUNK_FLOATS = 160 << 10, /* the largest W that a task has of its own */
    CHUNKS = 16,
    STEPS = 128,   /* tiles of one product: what the first cache holds */
    STRIP = 16,    /* ins that are transposed together */
    REDUCE = 4096, /* elements of one task */
    PIXELS = 512   /* of dy, in one sum of dbias */
};

struct gradient {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_winograd_images x;
    struct lfi_winograd_images dy;
    struct lfi_winograd_tiles tiles;
    struct lfi_winograd_matrices v;
    struct lfi_winograd_matrices d;
    int64_t block;
    int64_t chunks;   /* 0: squares */
    int64_t w_floats; /* of a W */
    float *w;
    float *bias;   /* a sum for each image */
    float *blocks; /* V and D, one pair for each slot */
    struct lfi_winograd_squares squares;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct gradient plan(const struct lfi_env *env, const struct lfi_conv2d *c)
{
    struct gradient g = {
        .env = env,
        .conv = c,
        .x = {c->in_channels, c->height, c->width, c->pad_top, c->pad_left},
        .dy = {c->out_channels, c->out_h, c->out_w, 0, 0},
        .tiles = lfi_conv2d_winograd_tiles(lfi_conv2d_winograd_outputs(c), c->batch,
                                           c->out_h, c->out_w),
    };
    const int64_t tile = g.tiles.points * (c->in_channels + c->out_channels);

    g.w_floats = lfi_conv2d_round(g.tiles.points * c->in_channels * c->out_channels);
    if (g.w_floats > CHUNK_FLOATS) {
        g.squares = lfi_conv2d_winograd_squares(c);
        return g;
    }
    g.chunks = smaller(CHUNKS, g.tiles.count);
    g.block = smaller(OWN_FLOATS / tile, (g.tiles.count - 1) / g.chunks + 1);
    g.v = lfi_conv2d_winograd_matrices(g.tiles.points, g.block, c->in_channels);
    g.d = lfi_conv2d_winograd_matrices(g.tiles.points, g.block, c->out_channels);
    return g;
}

/* Of W, or what stands for it. */
static int64_t sums_of(const struct gradient *g)
{
    return g->chunks > 0 ? g->chunks * g->w_floats : g->squares.sums;
}

static lfuse_status size_memory(const struct lfi_env *env, const struct gradient *g,
                                struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    const int64_t bias = lfi_conv2d_round(g->conv->batch * g->conv->out_channels);

    memory->as_it_is = true;
    memory->shared_floats = sums_of(g) + bias;
    memory->slot_floats = g->chunks > 0 ? g->v.floats + g->d.floats
                                        : lfi_conv2d_winograd_squares_slot(&g->squares);
    return lfi_conv2d_memory_size(env, memory, err);
}

lfuse_status lfi_conv2d_winograd_gradient_memory(const struct lfi_env *env,
                                                 const struct lfi_conv2d *c,
                                                 struct lfi_conv2d_memory *memory,
                                                 lfuse_error *err)
{
    const struct gradient g = plan(env, c);

    return size_memory(env, &g, memory, err);
}

static void load(const struct gradient *g, int64_t first, int64_t count, float *v,
                 float *d)
{
    lfi_conv2d_winograd_load(g->env, &g->tiles, &g->x, LFI_WINOGRAD_INPUT, g->conv->x,
                             first, count, &g->v, v);
    lfi_conv2d_winograd_load(g->env, &g->tiles, &g->dy, LFI_WINOGRAD_OUTPUT_GRADIENT,
                             g->conv->dy, first, count, &g->d, d);
}

/* W at one point. */
static void multiply(const struct gradient *g, const float *v, const float *d,
                     int64_t count, int64_t point, float *w, bool accumulate)
{
    static const int64_t start = 0;
    const int64_t ins = g->conv->in_channels, outs = g->conv->out_channels;
    struct lfi_gemm_tile tile = {
        .c = w + point * ins * outs,
        .a_tap = &start,
        .b_tap = &start,
        .taps = 1,
        .rows = ins,
        .cols = outs,
        .a_row = 1,
        .a_step = g->v.row,
        .b_step = g->d.row,
        .c_row = outs,
        .accumulate = accumulate,
    };
    int64_t first;

    for (first = 0; first < count; first += STEPS) {
        tile.a = v + point * g->v.point + first * g->v.row;
        tile.b = d + point * g->d.point + first * g->d.row;
        tile.steps = smaller(STEPS, count - first);
        g->env->kernels->gemm_f32(&tile);
        tile.accumulate = true;
    }
}

/* ---- chunks --------------------------------------------------------------------------------- */

static void run_chunk(void *arg, int64_t chunk, int32_t slot)
{
    const struct gradient *g = arg;
    float *v = g->blocks + slot * (g->v.floats + g->d.floats), *d = v + g->v.floats;
    float *w = g->w + chunk * g->w_floats;
    const int64_t begin = chunk * g->tiles.count / g->chunks;
    const int64_t end = (chunk + 1) * g->tiles.count / g->chunks;
    int64_t first, point;

    for (first = begin; first < end; first += g->block) {
        const int64_t count = smaller(g->block, end - first);

        load(g, first, count, v, d);
        for (point = 0; point < g->tiles.points; point++)
            multiply(g, v, d, count, point, w, first > begin);
    }
}

/* Adds up the chunks, some elements of them. */
static void reduce(void *arg, int64_t index, int32_t slot)
{
    const struct gradient *g = arg;
    float *sum = g->w + index * REDUCE;
    const int64_t count = smaller(REDUCE, g->w_floats - index * REDUCE);
    int64_t chunk;

    (void)slot;
    for (chunk = 1; chunk < g->chunks; chunk++)
        g->env->kernels->add_f32(sum, sum + chunk * g->w_floats, count, sum);
}

static lfuse_status run_chunks(struct gradient *g, lfuse_error *err)
{
    lfuse_status status = lfi_parallel_for(g->env, g->chunks, run_chunk, g, err);

    if (status == LFUSE_OK)
        status =
            lfi_parallel_for(g->env, (g->w_floats + REDUCE - 1) / REDUCE, reduce, g, err);
    return status;
}

/* ---- dw and dbias --------------------------------------------------------------------------- */

void lfi_conv2d_winograd_put_taps(const struct lfi_env *env, const struct lfi_conv2d *c,
                                  const float *taps, int64_t in, int64_t count,
                                  int64_t out, int64_t width)
{
    float turned[PANEL * AREA * STRIP];
    float *dw = c->dw + (out * c->in_channels + in) * AREA;
    int64_t i;

    if (!c->accumulate) {
        env->kernels->transpose_f32(taps, count * AREA, width, PANEL, dw,
                                    c->in_channels * AREA);
        return;
    }
    env->kernels->transpose_f32(taps, count * AREA, width, PANEL, turned, AREA * STRIP);
    for (i = 0; i < width; i++, dw += c->in_channels * AREA)
        env->kernels->add_f32(dw, turned + i * AREA * STRIP, count * AREA, dw);
}

/* A strip of ins by a panel of outs: back to taps. */
static void finish_strip(void *arg, int64_t index, int32_t slot)
{
    const struct gradient *g = arg;
    const int64_t ins = g->conv->in_channels, outs = g->conv->out_channels;
    const int64_t strips = (ins + STRIP - 1) / STRIP;
    const int64_t in = index % strips * STRIP, out = index / strips * PANEL;
    const int64_t count = smaller(STRIP, ins - in), width = smaller(PANEL, outs - out);
    float taps[STRIP * AREA * PANEL];
    struct lfi_winograd_tile tile = {
        .from_row = (g->tiles.outputs + 2) * ins * outs,
        .from_col = ins * outs,
        .to_row = 3 * PANEL,
        .to_col = PANEL,
        .width = width,
        .end_row = g->tiles.outputs,
        .end_col = g->tiles.outputs,
        .outputs = (int32_t)g->tiles.outputs,
        .kind = LFI_WINOGRAD_WEIGHT_GRADIENT,
    };
    int64_t i;

    (void)slot;
    for (i = 0; i < count; i++) {
        tile.from = g->w + (in + i) * outs + out;
        tile.to = taps + i * AREA * PANEL;
        g->env->kernels->winograd_f32(&tile);
    }
    lfi_conv2d_winograd_put_taps(g->env, g->conv, taps, in, count, out, width);
}

/* The sum of one image's dy. */
static void add_image(void *arg, int64_t image, int32_t slot)
{
    static const float one = 1.0f;
    static const int64_t start = 0;
    const struct gradient *g = arg;
    const int64_t outs = g->conv->out_channels, pixels = g->dy.height * g->dy.width;
    struct lfi_gemm_tile tile = {
        .a = &one,
        .c = g->bias + image * outs,
        .a_tap = &start,
        .b_tap = &start,
        .taps = 1,
        .rows = 1,
        .cols = outs,
        .b_step = outs,
    };
    int64_t first;

    (void)slot;
    for (first = 0; first < pixels; first += PIXELS) {
        tile.b = g->conv->dy + (image * pixels + first) * outs;
        tile.steps = smaller(PIXELS, pixels - first);
        g->env->kernels->gemm_f32(&tile);
        tile.accumulate = true;
    }
}

static lfuse_status run_bias(struct gradient *g, lfuse_error *err)
{
    const int64_t outs = g->conv->out_channels;
    float *dbias = g->conv->dbias;
    lfuse_status status = lfi_parallel_for(g->env, g->conv->batch, add_image, g, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 1; i < g->conv->batch; i++)
        g->env->kernels->add_f32(g->bias, g->bias + i * outs, outs, g->bias);
    for (i = 0; i < outs; i++)
        dbias[i] = g->conv->accumulate ? dbias[i] + g->bias[i] : g->bias[i];
    return LFUSE_OK;
}

/* dw of a small W. */
static lfuse_status run_small(struct gradient *g, lfuse_error *err)
{
    const int64_t strips = (g->conv->in_channels + STRIP - 1) / STRIP;
    const int64_t panels = (g->conv->out_channels + PANEL - 1) / PANEL;
    lfuse_status status = run_chunks(g, err);

    if (status == LFUSE_OK)
        status = lfi_parallel_for(g->env, strips * panels, finish_strip, g, err);
    return status;
}

lfuse_status lfi_conv2d_winograd_gradient(const struct lfi_env *env,
                                          const struct lfi_conv2d *c, lfuse_error *err)
{
    struct gradient g = plan(env, c);
    struct lfi_conv2d_memory memory = {0};
    lfuse_status status;

    status = size_memory(env, &g, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    g.w = memory.shared;
    g.bias = g.w + sums_of(&g);
    g.blocks = memory.slots;
    status = g.chunks > 0 ? run_small(&g, err)
                          : lfi_conv2d_winograd_squares_run(env, c, &g.squares, g.w,
                                                            g.blocks, err);
    if (status == LFUSE_OK && c->dbias != NULL)
        status = run_bias(&g, err);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
