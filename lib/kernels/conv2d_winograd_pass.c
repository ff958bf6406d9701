/*
 * conv2d_winograd_pass.c - forward and backward data by Winograd's algorithm
 *
 * Backward data is a forward pass over dy, with ins and outs changed, the taps turned round and
 * a padding of 2 - pad; where that is negative, the outer pixels of dy are not looked at.
 *
 * A task is a block of tiles: it reads x, multiplies, and writes y. U is read once per block, and each
 * element of M is one sum over the channels. Where there are too many channels for V and M of
 * a dozen tiles to fit the second cache, a task has some columns instead: see
 * conv2d_winograd_columns.c.
 */
#include "kernels/conv2d_winograd.h"

enum {
    PANEL = LFI_WINOGRAD_PANEL,
    ROWS = 12, /* blocks are multiples of this, if they can: see gemm_body.h */
    OWN_FLOATS = 160 << 10, /* V and M of a block */
    MOST_FLOATS = 216 << 10 /* the same, where that is fewer than ROWS tiles */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many tiles are a block. */
static void cut(struct lfi_winograd_pass *p)
{
    const int64_t tile = p->tiles.points * (p->source.channels + p->target.channels);

    p->block = OWN_FLOATS / tile / ROWS * ROWS;
    if (p->block < ROWS && ROWS * tile <= MOST_FLOATS)
        p->block = ROWS;
    p->block = smaller(p->block, p->tiles.count);
    p->v = lfi_conv2d_winograd_matrices(p->tiles.points, p->block, p->source.channels);
    p->m = lfi_conv2d_winograd_matrices(p->tiles.points, p->block, p->target.channels);
}

static struct lfi_winograd_pass plan(const struct lfi_env *env,
                                     const struct lfi_conv2d *c, bool backward)
{
    const int direction = backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD;
    const struct lfi_winograd_images x = {c->in_channels, c->height, c->width, 0, 0};
    const struct lfi_winograd_images y = {c->out_channels, c->out_h, c->out_w, 0, 0};
    struct lfi_winograd_pass p = {
        .env = env,
        .conv = c,
        .backward = backward,
        .from = backward ? c->dy : c->x,
        .source = backward ? y : x,
        .target = backward ? x : y,
        .output = {.data = backward ? c->dx : c->y,
                   .residual = backward ? NULL : c->residual,
                   .accumulate = c->accumulate},
    };

    p.source.top = backward ? 2 - c->pad_top : c->pad_top;
    p.source.left = backward ? 2 - c->pad_left : c->pad_left;
    p.tiles = lfi_conv2d_winograd_tiles(lfi_conv2d_winograd_outputs(c), c->batch,
                                        p.target.height, p.target.width);
    if (c->packed[direction] == NULL)
        p.u_floats = lfi_conv2d_round(lfi_conv2d_packed_floats(c, direction));
    cut(&p);
    return p;
}

/* Shared: U, the epilogue's numbers. By columns, a slot has its own part of U. */
static lfuse_status size_memory(const struct lfi_env *env, const struct lfi_conv2d *c,
                                const struct lfi_winograd_pass *p,
                                struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    const bool columns = p->block == 0;

    memory->as_it_is = true;
    memory->shared_floats = (columns ? 0 : p->u_floats) + lfi_conv2d_epilogue_floats(c);
    memory->slot_floats =
        columns ? lfi_conv2d_winograd_columns(p).slot_floats : p->v.floats + p->m.floats;
    return lfi_conv2d_memory_size(env, memory, err);
}

lfuse_status lfi_conv2d_winograd_memory(const struct lfi_env *env,
                                        const struct lfi_conv2d *c, bool backward,
                                        struct lfi_conv2d_memory *memory,
                                        lfuse_error *err)
{
    const struct lfi_winograd_pass p = plan(env, c, backward);

    return size_memory(env, c, &p, memory, err);
}

/* One panel of columns at one point. */
static void multiply(const struct lfi_winograd_pass *p, const float *v, float *m,
                     int64_t count, int64_t point, int64_t panel)
{
    static const int64_t start = 0;
    const int64_t ins = p->source.channels, col = panel * PANEL;
    const int64_t width = smaller(PANEL, p->target.channels - col);
    const struct lfi_gemm_tile tile = {
        .a = v + point * p->v.point,
        .b = p->u + (col * p->tiles.points + point * width) * ins,
        .c = m + point * p->m.point + col,
        .a_tap = &start,
        .b_tap = &start,
        .taps = 1,
        .steps = ins,
        .rows = count,
        .cols = width,
        .a_row = p->v.row,
        .a_step = 1,
        .b_step = width,
        .c_row = p->m.row,
    };

    p->env->kernels->gemm_f32(&tile);
}

static int64_t panels(const struct lfi_winograd_pass *p)
{
    return (p->target.channels + PANEL - 1) / PANEL;
}

static void own_block(void *arg, int64_t index, int32_t slot)
{
    const struct lfi_winograd_pass *p = arg;
    const int64_t first = index * p->block;
    const int64_t count = smaller(p->block, p->tiles.count - first);
    float *v = p->blocks + slot * (p->v.floats + p->m.floats), *m = v + p->v.floats;
    int64_t point, panel;

    lfi_conv2d_winograd_load(p->env, &p->tiles, &p->source, LFI_WINOGRAD_INPUT, p->from,
                             first, count, &p->v, v);
    for (point = 0; point < p->tiles.points; point++)
        for (panel = 0; panel < panels(p); panel++)
            multiply(p, v, m, count, point, panel);
    lfi_conv2d_winograd_store(p->env, &p->tiles, &p->target, first, count, &p->m, m,
                              &p->output);
}

static lfuse_status run_blocks(struct lfi_winograd_pass *p, float *u, lfuse_error *err)
{
    const int direction = p->backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD;
    lfuse_status status = lfi_conv2d_weights(p->env, p->conv, direction, u, &p->u, err);

    if (status == LFUSE_OK)
        status = lfi_parallel_for(p->env, (p->tiles.count + p->block - 1) / p->block,
                                  own_block, p, err);
    return status;
}

static lfuse_status run_columns(struct lfi_winograd_pass *p, float *slots,
                                lfuse_error *err)
{
    const struct lfi_winograd_columns columns = lfi_conv2d_winograd_columns(p);

    p->u = p->conv->packed[p->backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD];
    return lfi_conv2d_winograd_columns_run(p, &columns, slots, err);
}

lfuse_status lfi_conv2d_winograd(const struct lfi_env *env, const struct lfi_conv2d *c,
                                 bool backward, lfuse_error *err)
{
    struct lfi_winograd_pass p = plan(env, c, backward);
    struct lfi_conv2d_memory memory = {0};
    float *u;
    lfuse_status status;

    status = size_memory(env, c, &p, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    p.blocks = memory.slots;
    u = memory.shared + lfi_conv2d_epilogue_floats(c);
    if (!backward)
        p.output.epilogue = lfi_conv2d_epilogue_make(c, memory.shared);
    status = p.block > 0 ? run_blocks(&p, u, err) : run_columns(&p, memory.slots, err);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
