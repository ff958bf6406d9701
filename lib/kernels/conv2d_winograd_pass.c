/*
 * conv2d_winograd_pass.c - forward and backward data by Winograd's algorithm
 *
 * Backward data is a forward pass over dy, with ins and outs changed, the taps turned round and
 * a padding of 2 - pad; where that is negative, the outer pixels of dy are not looked at.
 *
 * Where V and M of a dozen tiles or more fit the second cache, a task is such a block: it reads x,
 * multiplies, and writes y. Where there are too many channels for that, the blocks are larger,
 * follow each other, and all threads work on each: on its transforms, then its products, then its
 * transforms back. Either way U is read once per block, and each element of M is one sum over
 * the channels, in the same order.
 */
#include "kernels/conv2d_winograd.h"

enum {
    PANEL = LFI_WINOGRAD_PANEL,
    ROWS = 12, /* blocks are multiples of this, if they can: see gemm_body.h */
    OWN_FLOATS = 160 << 10,  /* V and M of a block that is one task's */
    MOST_FLOATS = 216 << 10, /* the same, where that is fewer than ROWS tiles */
    JOINT_FLOATS = 5 << 18,  /* V and M of a block that is everybody's */
    SHARE = 4                /* tiles that one task transforms */
};

struct pass {
    const struct lfi_env *env;
    const float *from;
    struct lfi_winograd_images source;
    struct lfi_winograd_images target;
    struct lfi_winograd_tiles tiles;
    struct lfi_winograd_output output;
    struct lfi_winograd_matrices v;
    struct lfi_winograd_matrices m;
    int64_t block;
    bool joint;       /* all work on one block */
    int64_t u_floats; /* of our own */
    const float *u;
    float *blocks; /* V and M, one pair for each slot; or one pair */
    int64_t first; /* of the block, where it is joint */
    int64_t count;
};

static int64_t round_down(int64_t value)
{
    return value < ROWS ? 1 : value / ROWS * ROWS;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many tiles are a block. */
static void cut(struct pass *p)
{
    const int64_t tile = p->tiles.points * (p->source.channels + p->target.channels);

    p->block = round_down(OWN_FLOATS / tile);
    if (p->block < ROWS && ROWS * tile <= MOST_FLOATS)
        p->block = ROWS;
    p->joint = p->block < ROWS;
    if (p->joint)
        p->block = round_down(JOINT_FLOATS / tile);
    p->block = smaller(p->block, p->tiles.count);
    p->v = lfi_conv2d_winograd_matrices(p->tiles.points, p->block, p->source.channels);
    p->m = lfi_conv2d_winograd_matrices(p->tiles.points, p->block, p->target.channels);
}

static struct pass plan(const struct lfi_env *env, const struct lfi_conv2d *c,
                        bool backward)
{
    const int direction = backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD;
    const struct lfi_winograd_images x = {c->in_channels, c->height, c->width, 0, 0};
    const struct lfi_winograd_images y = {c->out_channels, c->out_h, c->out_w, 0, 0};
    struct pass p = {
        .env = env,
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

/* Shared: U, the epilogue's numbers, a joint block. */
static lfuse_status size_memory(const struct lfi_env *env, const struct lfi_conv2d *c,
                                const struct pass *p, struct lfi_conv2d_memory *memory,
                                lfuse_error *err)
{
    const int64_t block = p->v.floats + p->m.floats;

    memory->as_it_is = true;
    memory->shared_floats = p->u_floats + lfi_conv2d_epilogue_floats(c);
    if (p->joint)
        memory->shared_floats += block;
    else
        memory->slot_floats = block;
    return lfi_conv2d_memory_size(env, memory, err);
}

lfuse_status lfi_conv2d_winograd_memory(const struct lfi_env *env,
                                        const struct lfi_conv2d *c, bool backward,
                                        struct lfi_conv2d_memory *memory,
                                        lfuse_error *err)
{
    const struct pass p = plan(env, c, backward);

    return size_memory(env, c, &p, memory, err);
}

/* One panel of columns at one point. */
static void multiply(const struct pass *p, const float *v, float *m, int64_t count,
                     int64_t point, int64_t panel)
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

static int64_t panels(const struct pass *p)
{
    return (p->target.channels + PANEL - 1) / PANEL;
}

static void own_block(void *arg, int64_t index, int32_t slot)
{
    const struct pass *p = arg;
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

/* ---- joint blocks --------------------------------------------------------------------------- */

static void load_share(void *arg, int64_t index, int32_t slot)
{
    const struct pass *p = arg;
    const int64_t first = index * SHARE;

    (void)slot;
    lfi_conv2d_winograd_load(p->env, &p->tiles, &p->source, LFI_WINOGRAD_INPUT, p->from,
                             p->first + first, smaller(SHARE, p->count - first), &p->v,
                             p->blocks + first * p->v.row);
}

static void multiply_point(void *arg, int64_t index, int32_t slot)
{
    const struct pass *p = arg;
    int64_t panel;

    (void)slot;
    for (panel = 0; panel < panels(p); panel++)
        multiply(p, p->blocks, p->blocks + p->v.floats, p->count, index, panel);
}

static void store_share(void *arg, int64_t index, int32_t slot)
{
    const struct pass *p = arg;
    const int64_t first = index * SHARE;

    (void)slot;
    lfi_conv2d_winograd_store(p->env, &p->tiles, &p->target, p->first + first,
                              smaller(SHARE, p->count - first), &p->m,
                              p->blocks + p->v.floats + first * p->m.row, &p->output);
}

static lfuse_status run_joint(struct pass *p, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    for (p->first = 0; p->first < p->tiles.count && status == LFUSE_OK;
         p->first += p->block) {
        int64_t shares;

        p->count = smaller(p->block, p->tiles.count - p->first);
        shares = (p->count + SHARE - 1) / SHARE;
        status = lfi_parallel_for(p->env, shares, load_share, p, err);
        if (status == LFUSE_OK)
            status = lfi_parallel_for(p->env, p->tiles.points, multiply_point, p, err);
        if (status == LFUSE_OK)
            status = lfi_parallel_for(p->env, shares, store_share, p, err);
    }
    return status;
}

lfuse_status lfi_conv2d_winograd(const struct lfi_env *env, const struct lfi_conv2d *c,
                                 bool backward, lfuse_error *err)
{
    struct pass p = plan(env, c, backward);
    struct lfi_conv2d_memory memory = {0};
    lfuse_status status;

    status = size_memory(env, c, &p, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    p.blocks = memory.shared + p.u_floats + lfi_conv2d_epilogue_floats(c);
    if (!backward)
        p.output.epilogue = lfi_conv2d_epilogue_make(c, memory.shared + p.u_floats);
    status = lfi_conv2d_weights(env, c,
                                backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD,
                                memory.shared, &p.u, err);
    if (status == LFUSE_OK && p.joint)
        status = run_joint(&p, err);
    else if (status == LFUSE_OK)
        status = lfi_parallel_for(env, (p.tiles.count + p.block - 1) / p.block, own_block,
                                  &p, err);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
