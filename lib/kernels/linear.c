/*
 * linear.c - fully connected layer
 *
 *     y = x w' + b      dx = dy w      dw = dy' x      db = sum of dy's rows
 */
#include "kernels/product.h"

enum { SUM_COLS = 64 }; /* of a task */

static struct lfi_product forward_of(const struct lfi_linear *l)
{
    return (struct lfi_product){.a = l->x,
                                .b = l->w,
                                .row = l->bias,
                                .c = l->y,
                                .m = l->batch,
                                .n = l->out_features,
                                .k = l->in_features,
                                .a_row = l->in_features,
                                .a_step = 1,
                                .b_step = 1,
                                .b_col = l->in_features,
                                .accumulate = l->accumulate};
}

static struct lfi_product data_of(const struct lfi_linear *l)
{
    return (struct lfi_product){.a = l->dy,
                                .b = l->w,
                                .c = l->dx,
                                .m = l->batch,
                                .n = l->in_features,
                                .k = l->out_features,
                                .a_row = l->out_features,
                                .a_step = 1,
                                .b_step = l->in_features,
                                .b_col = 1,
                                .accumulate = l->accumulate};
}

static struct lfi_product weights_of(const struct lfi_linear *l)
{
    return (struct lfi_product){.a = l->dy,
                                .b = l->x,
                                .c = l->dw,
                                .m = l->out_features,
                                .n = l->in_features,
                                .k = l->batch,
                                .a_row = 1,
                                .a_step = l->out_features,
                                .b_step = l->in_features,
                                .b_col = 1,
                                .accumulate = l->accumulate};
}

lfuse_status lfi_linear_workspace(const struct lfi_env *env, const struct lfi_linear *l,
                                  size_t *bytes, lfuse_error *err)
{
    const struct lfi_product products[] = {forward_of(l), data_of(l), weights_of(l)};
    size_t most = 0;
    int i;

    (void)env;
    for (i = 0; i < 3; i++) {
        struct lfi_scratch scratch = {0};

        if (!lfi_product_plan(&products[i], &scratch))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
        most = scratch.bytes > most ? scratch.bytes : most;
    }
    *bytes = most;
    return LFUSE_OK;
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_linear *l,
                        struct lfi_product product, lfuse_error *err)
{
    struct lfi_scratch scratch = {0};
    lfuse_status status;

    if (!lfi_product_plan(&product, &scratch))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &scratch, l->workspace, l->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_product_run(env, &product, scratch.memory, err);
    lfi_scratch_end(env, &scratch);
    return status;
}

lfuse_status lfi_linear_forward(const struct lfi_env *env, const struct lfi_linear *l,
                                lfuse_error *err)
{
    return run(env, l, forward_of(l), err);
}

lfuse_status lfi_linear_backward_data(const struct lfi_env *env,
                                      const struct lfi_linear *l, lfuse_error *err)
{
    return run(env, l, data_of(l), err);
}

/* ---- weights ------------------------------------------------------------------------------- */

struct row_sum {
    const struct lfi_env *env;
    const struct lfi_linear *linear;
};

/* Columns of dy's sum of rows: a product with a row of ones. */
static void sum_task(void *arg, int64_t index, int32_t slot)
{
    static const float one = 1.0f;
    static const int64_t start = 0;
    const struct row_sum *sum = arg;
    const struct lfi_linear *l = sum->linear;
    const int64_t j = index * SUM_COLS, left = l->out_features - j;
    const struct lfi_gemm_tile tile = {
        .a = &one,
        .b = l->dy + j,
        .c = l->dbias + j,
        .a_tap = &start,
        .b_tap = &start,
        .taps = 1,
        .steps = l->batch,
        .rows = 1,
        .cols = left < SUM_COLS ? left : SUM_COLS,
        .b_step = l->out_features,
        .c_row = l->out_features,
        .accumulate = l->accumulate,
    };

    (void)slot;
    sum->env->kernels->gemm_f32(&tile);
}

lfuse_status lfi_linear_backward_bias(const struct lfi_env *env,
                                      const struct lfi_linear *l, lfuse_error *err)
{
    struct row_sum sum = {env, l};

    if (l->dbias == NULL)
        return LFUSE_OK;
    return lfi_parallel_for(env, (l->out_features - 1) / SUM_COLS + 1, sum_task, &sum,
                            err);
}

lfuse_status lfi_linear_backward_weights(const struct lfi_env *env,
                                         const struct lfi_linear *l, lfuse_error *err)
{
    lfuse_status status = run(env, l, weights_of(l), err);

    return status == LFUSE_OK ? lfi_linear_backward_bias(env, l, err) : status;
}
