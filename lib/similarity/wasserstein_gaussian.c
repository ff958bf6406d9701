/*
 * wasserstein_gaussian.c - 2-Wasserstein distance of the blocks' Gaussians
 *
 *     W2(A, C)^2 = |ma - mc|^2 + tr Sa + tr Sc - 2 tr((Sa^1/2 Sc Sa^1/2)^1/2)
 *
 * O'Neill et al. 2021, eq. 5, with its root taken; m and S = X'X / n are mean and covariance
 * of the columns of a block. With X centred, the last trace is |Xa Xc'|_* / n, the nuclear norm
 * (residual.c): no root of a matrix is taken. Block by block (blocks.c), in f64 for every type.
 *
 * Each side of a block has a scale of its own (centred.c). The difference of traces leaves rounding of 2^-53 of them, so a distance is good to about 2^-26
 * of the deviations where it is as small as that; of equal blocks it is exactly 0.
 */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

/* A factor: the means, and behind them a struct lfi_residual. */
struct means {
    double prescale;
    double x[]; /* (columns): origin; (columns): mean of the distances from it */
};

static void lay_out(const struct lfi_block *b, struct lfi_arena *factor,
                    struct lfi_arena *scratch)
{
    (void)lfi_arena_take(factor, 1, sizeof(struct means) / sizeof(double));
    (void)lfi_arena_take(factor, 2, b->columns);
    lfi_residual_lay_out(b, true, factor, scratch);
}

static bool extract(const struct lfi_factor_work *work, const struct lfi_centred *side,
                    const struct lfi_block *b, void *factor)
{
    struct means *m = factor;
    int64_t columns = b->columns;

    m->prescale = side->prescale;
    memcpy(m->x, side->origin, (size_t)columns * sizeof(*m->x));
    memcpy(m->x + columns, side->mean, (size_t)columns * sizeof(*m->x));
    lfi_residual_extract(work, side, b, true, (void *)(m->x + 2 * columns));
    return true;
}

/* A quarter of a column's mean, which is in range for any data. */
static double quarter(const struct means *m, int64_t columns, int64_t j)
{
    return m->x[j] * 0.25 / m->prescale + m->x[columns + j] * 0.25 / m->prescale;
}

/* (ma - mc) / 4: origins first, so that a large common offset costs no digits. */
static double difference(const struct means *a, const struct means *c, int64_t columns,
                         int64_t j)
{
    const double *mean_a = a->x + columns, *mean_c = c->x + columns;

    if (a->prescale != c->prescale)
        return quarter(a, columns, j) - quarter(c, columns, j);
    return ((a->x[j] * 0.25 - c->x[j] * 0.25) + (mean_a[j] * 0.25 - mean_c[j] * 0.25)) /
           a->prescale;
}

static double distance_of_means(const struct means *a, const struct means *c,
                                int64_t columns)
{
    double largest = 0.0, sum = 0.0, d;
    int exponent;
    int64_t j;

    for (j = 0; j < columns; j++) {
        d = fabs(difference(a, c, columns, j));
        largest = d > largest ? d : largest;
    }
    (void)frexp(largest, &exponent);
    for (j = 0; j < columns; j++) {
        d = ldexp(difference(a, c, columns, j), -exponent);
        sum += d * d;
    }
    return ldexp(sqrt(sum), exponent + 2);
}

static bool compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                    const void *a, const void *c, double *value)
{
    const struct means *of_a = a, *of_c = c;
    int exponent;
    double square =
        lfi_residual_compare(work, b, true, (const void *)(of_a->x + 2 * b->columns),
                             (const void *)(of_c->x + 2 * b->columns), &exponent);

    *value = hypot(distance_of_means(of_a, of_c, b->columns),
                   ldexp(sqrt(square / (double)b->rows), -exponent));
    return true;
}

static const struct lfi_factor_metric factors = {
    .value = "distance",
    .lay_out = lay_out,
    .extract = extract,
    .compare = compare,
};

const struct lfi_metric lfi_metric_wasserstein_gaussian = {
    .metric = LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
    .name = "wasserstein_gaussian",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p block",
    .scratch = lfi_factors_pair_scratch,
    .compare = lfi_factors_pair_compare,
    .factors = &factors,
};
