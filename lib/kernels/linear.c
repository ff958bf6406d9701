/*
 * linear.c - fully connected layer
 *
 *     y = x w' + b      dx = dy w      dw = dy' x      db = sum of dy's rows
 *
 * All three run on the micro-kernel of the convolutions, over blocks of the result, each in a
 * task of its own that goes through the whole sum: results do not depend on the threads. Only
 * forward has columns that are not contiguous, and transposes w first.
 */
#include "kernels/kernels.h"
#include "kernels/scratch.h"

#include <string.h>

/* A multiple of what the tiles of every instruction set take. */
enum { BLOCK_ROWS = 48, BLOCK_COLS = 64 };

struct product {
    const struct lfi_env *env;
    struct lfi_gemm_tile tile; /* of the whole result */
    const float *row;          /* added to every row of the result, or NULL */
    int64_t blocks;            /* of columns */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add_row(const struct product *p, struct lfi_gemm_tile *tile, const float *row)
{
    int64_t i;

    for (i = 0; i < tile->rows; i++) {
        float *c = tile->c + i * tile->c_row;

        if (tile->accumulate)
            p->env->kernels->add_f32(c, row, tile->cols, c);
        else
            memcpy(c, row, (size_t)tile->cols * sizeof(float));
    }
    tile->accumulate = true;
}

static void run_block(void *arg, int64_t index, int32_t slot)
{
    const struct product *p = arg;
    const int64_t i = index / p->blocks * BLOCK_ROWS;
    const int64_t j = index % p->blocks * BLOCK_COLS;
    struct lfi_gemm_tile tile = p->tile;

    (void)slot;
    tile.a += i * tile.a_row;
    tile.b += j;
    tile.c += i * tile.c_row + j;
    tile.rows = smaller(BLOCK_ROWS, tile.rows - i);
    tile.cols = smaller(BLOCK_COLS, tile.cols - j);
    if (p->row != NULL)
        add_row(p, &tile, p->row + j);
    p->env->kernels->gemm_f32(&tile);
}

static lfuse_status run(const struct lfi_env *env, struct lfi_gemm_tile tile,
                        const float *row, lfuse_error *err)
{
    static const int64_t start = 0;
    struct product product = {.env = env, .row = row};

    tile.a_tap = tile.b_tap = &start;
    tile.taps = 1;
    product.tile = tile;
    product.blocks = (tile.cols - 1) / BLOCK_COLS + 1;
    return lfi_parallel_for(env, ((tile.rows - 1) / BLOCK_ROWS + 1) * product.blocks,
                            run_block, &product, err);
}

/* ---- w' ----------------------------------------------------------------------------------- */

struct transposition {
    const struct lfi_env *env;
    const struct lfi_linear *linear;
    float *turned; /* (in, out) */
};

static void turn_rows(void *arg, int64_t index, int32_t slot)
{
    const struct transposition *t = arg;
    const struct lfi_linear *l = t->linear;
    const int64_t first = index * BLOCK_COLS;

    (void)slot;
    t->env->kernels->transpose_f32(
        l->w + first * l->in_features, smaller(BLOCK_COLS, l->out_features - first),
        l->in_features, l->in_features, t->turned + first, l->out_features);
}

static bool plan(const struct lfi_linear *l, struct lfi_scratch *scratch)
{
    size_t at;

    return lfi_scratch_add(scratch, (size_t)(l->in_features * l->out_features),
                           sizeof(float), &at);
}

lfuse_status lfi_linear_workspace(const struct lfi_env *env, const struct lfi_linear *l,
                                  size_t *bytes, lfuse_error *err)
{
    struct lfi_scratch scratch = {0};

    (void)env;
    if (!plan(l, &scratch))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    *bytes = scratch.bytes;
    return LFUSE_OK;
}

lfuse_status lfi_linear_forward(const struct lfi_env *env, const struct lfi_linear *l,
                                lfuse_error *err)
{
    struct transposition transposition = {env, l, NULL};
    struct lfi_scratch scratch = {0};
    struct lfi_gemm_tile tile = {
        .a = l->x,
        .c = l->y,
        .steps = l->in_features,
        .rows = l->batch,
        .cols = l->out_features,
        .a_row = l->in_features,
        .a_step = 1,
        .b_step = l->out_features,
        .c_row = l->out_features,
        .accumulate = l->accumulate,
    };
    lfuse_status status;

    if (!plan(l, &scratch))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &scratch, l->workspace, l->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    transposition.turned = (float *)(void *)scratch.memory;
    status = lfi_parallel_for(env, (l->out_features - 1) / BLOCK_COLS + 1, turn_rows,
                              &transposition, err);
    tile.b = transposition.turned;
    if (status == LFUSE_OK)
        status = run(env, tile, l->bias, err);
    lfi_scratch_end(env, &scratch);
    return status;
}

lfuse_status lfi_linear_backward_data(const struct lfi_env *env,
                                      const struct lfi_linear *l, lfuse_error *err)
{
    struct lfi_gemm_tile tile = {
        .a = l->dy,
        .b = l->w,
        .c = l->dx,
        .steps = l->out_features,
        .rows = l->batch,
        .cols = l->in_features,
        .a_row = l->out_features,
        .a_step = 1,
        .b_step = l->in_features,
        .c_row = l->in_features,
        .accumulate = l->accumulate,
    };

    return run(env, tile, NULL, err);
}

lfuse_status lfi_linear_backward_weights(const struct lfi_env *env,
                                         const struct lfi_linear *l, lfuse_error *err)
{
    static const float one = 1.0f;
    struct lfi_gemm_tile dw = {
        .a = l->dy,
        .b = l->x,
        .c = l->dw,
        .steps = l->batch,
        .rows = l->out_features,
        .cols = l->in_features,
        .a_row = 1,
        .a_step = l->out_features,
        .b_step = l->in_features,
        .c_row = l->in_features,
        .accumulate = l->accumulate,
    };
    struct lfi_gemm_tile dbias = {
        .a = &one,
        .b = l->dy,
        .c = l->dbias,
        .steps = l->batch,
        .rows = 1,
        .cols = l->out_features,
        .b_step = l->out_features,
        .c_row = l->out_features,
        .accumulate = l->accumulate,
    };
    lfuse_status status = run(env, dw, NULL, err);

    if (status == LFUSE_OK && l->dbias != NULL)
        status = run(env, dbias, NULL, err);
    return status;
}
