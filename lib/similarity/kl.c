/*
 * kl.c - Kullback-Leibler divergence of the blocks' zero-mean Gaussians
 *
 *     KL(A to C) = 1/2 (tr(Sc^-1 Sa) - ln(det Sa / det Sc) - d)            in nats
 *
 * O'Neill et al. 2021, eq. 3, with the -d that its print omits; S is ridged (gaussian.c), and
 * the blocks are averaged (blocks.c). The two directions differ.
 *
 * With Sa = La La', Sc = Lc Lc' and T = Lc^-1 La, lower triangular,
 *
 *     2 KL = the sum of T_ij^2 below the diagonal, and of t^2 - 1 - 2 ln t, t = T_ii, on it
 *
 * of which no term is negative: near 0 no digits cancel, and where A is C it is exactly 0.
 * Each side has a scale of its own, a power of two: with T' of these, T = 2^e T'.
 */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

/* t^2 - 1 - 2 ln t of t = 2^e u. */
static double excess(double u, int e)
{
    double t = ldexp(u, e);

    if (t > 0.5 && t < 2.0)
        return (t - 1.0) * (t + 1.0) - 2.0 * log1p(t - 1.0);
    return t * t - 1.0 - 2.0 * (log(u) + e * LFI_LN_2);
}

static double divergence(const double *t, int64_t d, int e)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < d; t += ++i)
        sum += ldexp(lfi_vectors_dot(t, t, i), 2 * e) + excess(t[i], e);
    return 0.5 * sum;
}

static bool extract(const struct lfi_factor_work *work, const struct lfi_centred *side,
                    const struct lfi_block *b, void *factor)
{
    struct lfi_gaussian *g = factor;
    double *unused;

    return lfi_gaussian_extract(work, side, b, g, &unused) &&
           lfi_cholesky_factor(g->s, b->columns);
}

static bool compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                    const void *a, const void *c, double *value)
{
    const struct lfi_gaussian *ga = a, *gc = c;
    int64_t d = b->columns;
    double *t = work->scratch;

    memcpy(t, ga->s, (size_t)lfi_triangle(d) * sizeof(*t));
    lfi_cholesky_solve(gc->s, t, d);
    *value = divergence(t, d, gc->exponent - ga->exponent);
    return true;
}

static const struct lfi_factor_metric factors = {
    .value = "divergence",
    .lay_out = lfi_gaussian_lay_out,
    .extract = extract,
    .compare = compare,
};

const struct lfi_metric lfi_metric_kl = {
    .metric = LFUSE_METRIC_KL,
    .name = "kl",
    .is_distance = true,
    .needs_equal_columns = true,
    .cost = "n p block + p^2 block",
    .scratch = lfi_factors_pair_scratch,
    .compare = lfi_factors_pair_compare,
    .factors = &factors,
};
