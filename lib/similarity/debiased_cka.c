/*
 * debiased_cka.c - linear centred kernel alignment by the unbiased HSIC
 *
 *     CKA = <K*, L*> / (|K*|_F |L*|_F)                  K = A A', L = C C'
 *     K*_ij = K_ij - (r_i + r_j) / (n - 2) + s / ((n - 1) (n - 2)),  K*_ii = 0
 *
 * r are the sums of rows, and s that of all, of K with 0 on its diagonal: <K*, L*> / (n (n - 3))
 * is the unbiased HSIC of Song et al. 2007, eq. 5 (Szekely & Rizzo 2014 for this form, in which
 * <K*, K*> is never negative). Needs four rows; about 0, and below, where rows are
 * unrelated. Of the whole matrix, in f64 for every type; scales cancel (centred.c).
 */
#include "similarity/parts.h"

#include <float.h>

static double *lay_out(struct lfi_moments *m, const struct lfi_block *whole,
                       struct lfi_arena *arena)
{
    *m = (struct lfi_moments){.gram = true, .crossed = false};
    lfi_moments_lay_out(m, whole, arena);
    return lfi_arena_take(arena, 1, whole->rows);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.fits = true};
    struct lfi_moments m;

    (void)lay_out(&m, &whole, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* K is off by as many 2^-53 of its norm as it sums terms, K* by some n times more. */
static lfuse_status debias(const struct lfi_comparison *pair, const char *name, double *k,
                           int64_t stride, double *sums, lfuse_error *err)
{
    int64_t n = pair->a.dims[0], columns = lfi_block_of_pair(pair).columns;

    if (lfi_gram_debias_rows(k, n, stride, 16.0 * (double)(n + columns) * DBL_EPSILON,
                             sums))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                    "debiased_cka: the %lld rows of %s are equally far from each other",
                    (long long)n, name);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct lfi_moments m;
    double *sums;
    lfuse_status status = lfi_comparison_check_finite(pair, err);

    if (status != LFUSE_OK)
        return status;
    if (whole.rows < 4)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "debiased_cka needs 4 rows; %s and %s have %lld", pair->a_name,
                        pair->c_name, (long long)whole.rows);
    sums = lay_out(&m, &whole, &arena);
    status = lfi_moments_measure(env, pair, &whole, &m, err);
    if (status != LFUSE_OK)
        return status;
    status = debias(pair, pair->a_name, m.aa, m.products.order, sums, err);
    if (status == LFUSE_OK)
        status = debias(pair, pair->c_name, m.cc, m.products.order, sums, err);
    if (status == LFUSE_OK)
        *out = lfi_gram_alignment(m.aa, m.cc, whole.rows);
    return status;
}

static lfuse_status extract(const struct lfi_env *env, const struct lfi_weight *weight,
                            void *memory, struct lfi_features *features, bool *usable,
                            lfuse_error *err)
{
    return lfi_gram_features(env, weight, memory, NULL, true, features, usable, err);
}

static const struct lfi_feature_metric features = {lfi_gram_features_size, extract};

const struct lfi_metric lfi_metric_debiased_cka = {
    .metric = LFUSE_METRIC_DEBIASED_CKA,
    .name = "debiased_cka",
    .is_symmetric = true,
    .needs_equal_rows = true,
    .cost = "n^2 p",
    .scratch = scratch,
    .compare = compare,
    .features = &features,
};
