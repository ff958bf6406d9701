/*
 * js.c - Jensen-Shannon divergence of the blocks' zero-mean Gaussians
 *
 *     gamma = 1/2 (KL(A to M) + KL(C to M)),   Sm = (Sa + Sc) / 2            in nats
 *
 * O'Neill et al. 2021, eq. 6, with a Gaussian for the mixture; S is ridged (gaussian.c) before
 * it is mixed, and the blocks are averaged (blocks.c). tr(Sm^-1 Sa) + tr(Sm^-1 Sc) = 2 d, so
 * that only determinants are left:
 *
 *     gamma = 1/2 ln det Sm - 1/4 (ln det Sa + ln det Sc)
 *
 * Where A is C the three are the same number, and gamma is exactly 0. Each side has a scale of
 * its own, a power of two; Sm has the smaller one.
 */
#include "similarity/similarity.h"

#include <math.h>

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    return lfi_gaussian_scratch(pair, true, bytes);
}

/* (2^2a Sa + 2^2c Sc) / 2, of the lower triangle. */
static void mix(struct lfi_gaussian *g, int64_t d, int a, int c)
{
    double of_a = ldexp(0.5, 2 * a), of_c = ldexp(0.5, 2 * c);
    int64_t i, j;

    for (i = 0; i < d; i++)
        for (j = 0; j <= i; j++)
            g->mixture[i * g->stride + j] = of_a * g->moments.aa[i * g->stride + j] +
                                            of_c * g->moments.cc[i * g->stride + j];
}

static lfuse_status measure(void *work, const struct lfi_block *b, double *value,
                            lfuse_error *err)
{
    struct lfi_gaussian *g = work;
    struct lfi_moments *m = &g->moments;
    int a = lfi_centred_exponent(&m->a), c = lfi_centred_exponent(&m->c);
    int common = a < c ? a : c;
    int64_t d = b->columns;
    double both;
    lfuse_status status;

    lfi_gaussian_covariances(g, b);
    mix(g, d, common - a, common - c);
    status = lfi_gaussian_factor(g, b, g->pair->a_name, m->a.part.rows, m->aa, err);
    if (status == LFUSE_OK)
        status = lfi_gaussian_factor(g, b, g->pair->c_name, m->c.part.rows, m->cc, err);
    if (status == LFUSE_OK)
        status = lfi_gaussian_factor(g, b, "the mixture", b->rows, g->mixture, err);
    if (status != LFUSE_OK)
        return status;
    both = lfi_cholesky_log_det(m->aa, d, g->stride) +
           lfi_cholesky_log_det(m->cc, d, g->stride);
    both += 2.0 * LFI_LN_2 * (double)d * (2.0 * common - a - c);
    *value =
        fmax(0.0, 0.5 * lfi_cholesky_log_det(g->mixture, d, g->stride) - 0.25 * both);
    return LFUSE_OK;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    return lfi_gaussian_compare(env, pair, memory, true, measure, out, err);
}

const struct lfi_metric lfi_metric_js = {
    .metric = LFUSE_METRIC_JS,
    .name = "js",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p block + p^2 block",
    .scratch = scratch,
    .compare = compare,
};
