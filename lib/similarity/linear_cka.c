/*
 * linear_cka.c - linear centred kernel alignment
 *
 *     CKA(A, C) = |C'A|_F^2 / (|A'A|_F |C'C|_F)      columns centred, rows are samples
 *
 * Kornblith et al. 2019, arXiv:1905.00414, sec. 3. Where rows are fewer, the same numbers come
 * from the Gram matrices K = A A', L = C C': <K, L> / (|K|_F |L|_F). Of the whole matrix, in
 * f64 for every type. Scales cancel (centred.c).
 */
#include "similarity/parts.h"

#include <math.h>

static struct lfi_moments moments_for(const struct lfi_block *whole)
{
    struct lfi_moments m = {.gram = whole->rows < whole->columns};

    m.crossed = !m.gram;
    return m;
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_moments m = moments_for(&whole);

    return lfi_moments_scratch(&m, &whole, bytes);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_moments m = moments_for(&whole);
    struct lfi_arena arena = {.base = memory, .fits = true};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    double ac;

    if (status != LFUSE_OK)
        return status;
    lfi_moments_lay_out(&m, &whole, &arena);
    status = lfi_moments_measure(env, pair, &whole, &m, err);
    if (status != LFUSE_OK)
        return status;
    ac = m.gram ? lfi_products_dot(&m.products, m.aa, m.cc)
                : lfi_products_dot(&m.products, m.ac, m.ac);
    *out = fmin(1.0, ac / (sqrt(lfi_products_dot(&m.products, m.aa, m.aa)) *
                           sqrt(lfi_products_dot(&m.products, m.cc, m.cc))));
    return LFUSE_OK;
}

static lfuse_status extract(const struct lfi_env *env, const struct lfi_weight *weight,
                            void *memory, struct lfi_features *features, bool *usable,
                            lfuse_error *err)
{
    return lfi_gram_features(env, weight, memory, NULL, false, features, usable, err);
}

static const struct lfi_feature_metric features = {lfi_gram_features_size, extract};

const struct lfi_metric lfi_metric_linear_cka = {
    .metric = LFUSE_METRIC_LINEAR_CKA,
    .name = "linear_cka",
    .is_symmetric = true,
    .needs_equal_rows = true,
    .cost = "n p min(n, p)",
    .scratch = scratch,
    .compare = compare,
    .features = &features,
};
