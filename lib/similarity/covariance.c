/*
 * covariance.c - covariance alignment, block by block
 *
 *     CA(A, C) = tr(Sa Sc) / (|Sa|_F |Sc|_F)      O'Neill et al. 2021, eq. 2
 *     S = X'X / n                                 X (n, d): a block, its columns centred
 *
 * Blocks are cut and averaged as eq. 7 says (blocks.c). A block where all rows of one side are
 * equal has S = 0, its quotient is 0/0: it is left out of the average.
 *
 * n cancels, and so does any scale (centred.c). Where rows are fewer, tr(Sa Sc) = |Xa Xc'|_F^2
 * and |S|_F = |X X'|_F are cheaper than the (d, d) matrices. f64 data is multiplied in f64,
 * narrower data in f32 (moments.c); the same products give the three norms, so that equal
 * inputs give 1 in either.
 */
#include "similarity/parts.h"

#include <math.h>

/* X X' costs 2 n n d: two by half, for symmetry, and one; X'X costs n d d: two by half. */
static struct lfi_moments moments_for(const struct lfi_block *largest)
{
    struct lfi_moments m = {.gram = largest->rows < largest->columns / 2};

    m.crossed = m.gram;
    return m;
}

/* The alignment of one block, neither side of which is constant. */
static lfuse_status align_block(void *work, const struct lfi_block *b, double *value,
                                lfuse_error *err)
{
    struct lfi_moments *m = work;
    const struct lfi_products *products = &m->products;
    double ac;

    (void)err;
    lfi_moments_multiply(m, b);
    ac = m->gram ? lfi_products_dot(products, m->ac, m->ac)
                 : lfi_products_dot(products, m->aa, m->cc);
    *value = ac / (sqrt(lfi_products_dot(products, m->aa, m->aa)) *
                   sqrt(lfi_products_dot(products, m->cc, m->cc)));
    return LFUSE_OK;
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_moments m = moments_for(&largest);

    return lfi_moments_scratch(&m, &largest, bytes);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_moments m = moments_for(&largest);
    struct lfi_arena arena = {.base = memory, .fits = true};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    double mean;

    if (status != LFUSE_OK)
        return status;
    lfi_moments_lay_out(&m, &largest, &arena);
    m.a.view = &pair->a;
    m.c.view = &pair->c;
    m.products.kernels = env->kernels;
    m.products.wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    status = lfi_blocks_mean(pair, &m.a, &m.c, m.line, align_block, &m, &mean, err);
    if (status == LFUSE_OK)
        *out = fmin(1.0, mean);
    return status;
}

/* ---- as features: the covariances of all blocks, each of norm 1 -------------------------- */

static bool feature_size(const struct lfi_weight *weight, struct lfi_features_size *size)
{
    struct lfi_grid g = lfi_grid_of(weight);
    struct lfi_block b = lfi_grid_block(&g, 0);
    struct lfi_moments m = {.single = true};
    int64_t j;

    size->blocks = g.down * g.across;
    for (size->count = 0, j = 0; j < g.across; j++) {
        int64_t d = lfi_grid_block(&g, j).columns, row, square;

        if (!lfi_mul_int64(d, d, &square) ||
            !lfi_mul_int64(g.down, square / 2 + d, &row) ||
            size->count > INT64_MAX / 2 - row)
            return false;
        size->count += g.down * (d * (d + 1) / 2);
    }
    return lfi_features_pay(weight, size->count) &&
           lfi_moments_scratch(&m, &b, &size->scratch);
}

/* The covariance of a block, of norm 1; zeros where all its rows are equal. */
static bool put_block(struct lfi_moments *m, const struct lfi_block *b,
                      struct lfi_features *features, int64_t *at)
{
    double square = 0.0;
    int64_t i;

    lfi_centred_prepare(&m->a, b, m->line);
    m->products.order = lfi_products_order(b->columns);
    if (m->a.constant)
        lfi_products_clear(&m->products, m->aa);
    else
        lfi_moments_multiply(m, b);
    square = lfi_products_dot(&m->products, m->aa, m->aa);
    for (i = 0; i < b->columns; i++)
        lfi_features_put_row(features, at, m->aa + i * m->products.order, i,
                             m->a.constant ? 0.0 : 1.0 / sqrt(square));
    return !m->a.constant;
}

static lfuse_status extract(const struct lfi_env *env, const struct lfi_weight *weight,
                            void *memory, struct lfi_features *features, bool *usable,
                            lfuse_error *err)
{
    struct lfi_grid g = lfi_grid_of(weight);
    struct lfi_block b = lfi_grid_block(&g, 0);
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct lfi_moments m = {.single = true};
    int64_t i, at = 0;

    (void)err;
    *usable = lfi_view_find_not_finite(&weight->view) < 0;
    if (!*usable)
        return LFUSE_OK;
    lfi_moments_lay_out(&m, &b, &arena);
    m.a.view = &weight->view;
    m.products.kernels = env->kernels;
    m.products.wide = weight->view.dtype == LFUSE_F64;
    for (i = 0; i < g.down * g.across; i++) {
        b = lfi_grid_block(&g, i);
        features->good[i] = put_block(&m, &b, features, &at);
    }
    return LFUSE_OK;
}

static const struct lfi_feature_metric features_of = {feature_size, extract};

const struct lfi_metric lfi_metric_covariance = {
    .metric = LFUSE_METRIC_COVARIANCE,
    .name = "covariance",
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p block",
    .scratch = scratch,
    .compare = compare,
    .features = &features_of,
};
