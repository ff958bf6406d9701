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
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

static bool extract(const struct lfi_factor_work *work, const struct lfi_centred *side,
                    const struct lfi_block *b, void *factor)
{
    struct lfi_gaussian *g = factor;
    int64_t d = b->columns;
    double *l;

    if (!lfi_gaussian_extract(work, side, b, g, &l))
        return false;
    memcpy(l, g->s, (size_t)lfi_triangle(d) * sizeof(*l));
    if (!lfi_cholesky_factor(l, d))
        return false;
    g->log_det = lfi_cholesky_log_det(l, d);
    return true;
}

static bool compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                    const void *a, const void *c, double *value)
{
    const struct lfi_gaussian *ga = a, *gc = c;
    int common = ga->exponent < gc->exponent ? ga->exponent : gc->exponent;
    double of_a = ldexp(0.5, 2 * (common - ga->exponent));
    double of_c = ldexp(0.5, 2 * (common - gc->exponent));
    double *mixture = work->scratch, both;
    int64_t d = b->columns, e;

    for (e = 0; e < lfi_triangle(d); e++)
        mixture[e] = of_a * ga->s[e] + of_c * gc->s[e];
    if (!lfi_cholesky_factor(mixture, d))
        return false;
    both = ga->log_det + gc->log_det;
    both += 2.0 * LFI_LN_2 * (double)d * (2.0 * common - ga->exponent - gc->exponent);
    *value = fmax(0.0, 0.5 * lfi_cholesky_log_det(mixture, d) - 0.25 * both);
    return true;
}

static const struct lfi_factor_metric factors = {
    .value = "divergence",
    .lay_out = lfi_gaussian_lay_out,
    .extract = extract,
    .compare = compare,
};

const struct lfi_metric lfi_metric_js = {
    .metric = LFUSE_METRIC_JS,
    .name = "js",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p block + p^2 block",
    .scratch = lfi_factors_pair_scratch,
    .compare = lfi_factors_pair_compare,
    .factors = &factors,
};
