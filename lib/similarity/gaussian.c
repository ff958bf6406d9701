/*
 * gaussian.c - what the divergences of the blocks' Gaussians share
 *
 *     S = X'X / n + ridge tr(X'X / n) / d I        X (n, d): a block, its columns centred
 *
 * The ridge is there because rows are fewer than columns in most layers, and S is singular
 * then. In f64 for every type, each side at a scale of its own (centred.c).
 */
#include "similarity/similarity.h"

#include <math.h>

static void lay_out(struct lfi_gaussian *g, const struct lfi_block *largest,
                    bool wants_mixture, struct lfi_arena *arena)
{
    int64_t order = lfi_products_order(largest->columns);

    g->moments = (struct lfi_moments){.gram = false, .crossed = false};
    lfi_moments_lay_out(&g->moments, largest, arena);
    g->mixture = wants_mixture ? lfi_arena_take(arena, order, order) : NULL;
}

bool lfi_gaussian_scratch(const struct lfi_comparison *pair, bool wants_mixture,
                          size_t *bytes)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_arena arena = {.fits = true};
    struct lfi_gaussian g;

    lay_out(&g, &largest, wants_mixture, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

static void ridge(double *s, int64_t d, int64_t stride, int64_t n, double share)
{
    double trace = 0.0;
    int64_t i, j;

    for (i = 0; i < d; i++) {
        for (j = 0; j < d; j++)
            s[i * stride + j] /= (double)n;
        trace += s[i * stride + i];
    }
    for (i = 0; i < d; i++)
        s[i * stride + i] += share * trace / (double)d;
}

void lfi_gaussian_covariances(struct lfi_gaussian *g, const struct lfi_block *b)
{
    double share = fmax(0.0, g->pair->params.ridge);

    lfi_moments_multiply(&g->moments, b);
    g->stride = g->moments.products.order;
    ridge(g->moments.aa, b->columns, g->stride, g->moments.a.part.rows, share);
    ridge(g->moments.cc, b->columns, g->stride, g->moments.c.part.rows, share);
}

/* Without a ridge n centred rows span n - 1 directions: d of them need n > d. */
lfuse_status lfi_gaussian_factor(const struct lfi_gaussian *g, const struct lfi_block *b,
                                 const char *name, int64_t rows, double *s,
                                 lfuse_error *err)
{
    const struct lfi_similarity_params *params = &g->pair->params;

    if ((params->ridge > 0.0 || rows > b->columns) &&
        lfi_cholesky_factor(s, b->columns, g->stride))
        return LFUSE_OK;
    return lfi_fail(
        err, LFUSE_ERR_DEGENERATE,
        "%s: the covariance of %.80s is singular (%lld rows, %lld columns from "
        "row %lld, column %lld on; ridge %g)",
        lfi_metric_find(params->metric)->name, name, (long long)rows,
        (long long)b->columns, (long long)b->row, (long long)b->column,
        fmax(0.0, params->ridge));
}

lfuse_status lfi_gaussian_compare(const struct lfi_env *env,
                                  const struct lfi_comparison *pair, void *memory,
                                  bool wants_mixture, lfi_block_measure measure,
                                  double *out, lfuse_error *err)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct lfi_gaussian g = {.pair = pair};
    struct lfi_moments *m = &g.moments;
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    double mean = 0.0;

    if (status != LFUSE_OK)
        return status;
    lay_out(&g, &largest, wants_mixture, &arena);
    m->a.view = &pair->a;
    m->c.view = &pair->c;
    m->products.kernels = env->kernels;
    m->products.wide = true;
    status = lfi_blocks_mean(pair, &m->a, &m->c, m->line, measure, &g, &mean, err);
    if (status != LFUSE_OK)
        return status;
    if (!isfinite(mean))
        return lfi_fail(
            err, LFUSE_ERR_NOT_FINITE, "%s: the divergence of %s and %s is beyond f64",
            lfi_metric_find(pair->params.metric)->name, pair->a_name, pair->c_name);
    *out = mean;
    return LFUSE_OK;
}
