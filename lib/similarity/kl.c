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
#include "similarity/similarity.h"

#include <math.h>

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    return lfi_gaussian_scratch(pair, false, bytes);
}

/* t^2 - 1 - 2 ln t of t = 2^e u. */
static double excess(double u, int e)
{
    double t = ldexp(u, e);

    if (t > 0.5 && t < 2.0)
        return (t - 1.0) * (t + 1.0) - 2.0 * log1p(t - 1.0);
    return t * t - 1.0 - 2.0 * (log(u) + e * LFI_LN_2);
}

static double divergence(const double *t, int64_t d, int64_t stride, int e)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < d; i++, t += stride)
        sum += ldexp(lfi_vectors_dot(t, t, i), 2 * e) + excess(t[i], e);
    return 0.5 * sum;
}

static lfuse_status measure(void *work, const struct lfi_block *b, double *value,
                            lfuse_error *err)
{
    struct lfi_gaussian *g = work;
    struct lfi_moments *m = &g->moments;
    lfuse_status status;

    lfi_gaussian_covariances(g, b);
    status = lfi_gaussian_factor(g, b, g->pair->a_name, m->a.part.rows, m->aa, err);
    if (status == LFUSE_OK)
        status = lfi_gaussian_factor(g, b, g->pair->c_name, m->c.part.rows, m->cc, err);
    if (status != LFUSE_OK)
        return status;
    lfi_cholesky_solve(m->cc, m->aa, b->columns, g->stride);
    *value = divergence(m->aa, b->columns, g->stride,
                        lfi_centred_exponent(&m->c) - lfi_centred_exponent(&m->a));
    return LFUSE_OK;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    return lfi_gaussian_compare(env, pair, memory, false, measure, out, err);
}

const struct lfi_metric lfi_metric_kl = {
    .metric = LFUSE_METRIC_KL,
    .name = "kl",
    .is_distance = true,
    .needs_equal_columns = true,
    .cost = "n p block + p^2 block",
    .scratch = scratch,
    .compare = compare,
};
