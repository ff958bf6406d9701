/*
 * cosine.c - the cosine of the angle between two weights
 *
 *     cos(A, C) = vec A . vec C / (|A| |C|)
 *
 * In f64 for every type: products of f32 values are exact. The three sums are taken in the
 * same order, so that they are the same number when A is C. As in euclidean.c, sums that leave
 * f64's range are taken again, scaled: the scales cancel.
 */
#include "similarity/parts.h"

#include <math.h>

enum { BLOCK = 512, LANES = 8 };

struct sums {
    double aa;
    double cc;
    double ac;
};

static struct sums sum_products(const struct lfi_comparison *pair, double a_scale,
                                double c_scale)
{
    int64_t n = lfi_view_elements(&pair->a), first, count, i;
    double a[BLOCK], c[BLOCK];
    double aa[LANES] = {0.0}, cc[LANES] = {0.0}, ac[LANES] = {0.0};
    struct sums s = {0.0, 0.0, 0.0};
    int l;

    for (first = 0; first < n; first += count) {
        count = n - first < BLOCK ? n - first : BLOCK;
        lfi_view_read_f64(&pair->a, first, count, a);
        lfi_view_read_f64(&pair->c, first, count, c);
        for (i = count; i % LANES != 0; i++) /* zeros add nothing */
            a[i] = c[i] = 0.0;
        for (i = 0; i < count; i += LANES)
            for (l = 0; l < LANES; l++) {
                double x = a_scale * a[i + l], y = c_scale * c[i + l];

                aa[l] += x * x;
                cc[l] += y * y;
                ac[l] += x * y;
            }
    }
    for (l = 0; l < LANES; l++) {
        s.aa += aa[l];
        s.cc += cc[l];
        s.ac += ac[l];
    }
    return s;
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    (void)pair;
    *bytes = 0;
    return true;
}

/* What brings a sum of squares into the middle of f64's range. */
static double scale_for(double sum)
{
    if (!isfinite(sum))
        return 0x1p-540;
    return sum < 0x1p-900 ? 0x1p600 : 1.0;
}

static double value_of(double aa, double cc, double ac)
{
    return fmax(-1.0, fmin(1.0, ac / (sqrt(aa) * sqrt(cc))));
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *unused, double *out, lfuse_error *err)
{
    struct sums s = sum_products(pair, 1.0, 1.0);
    double a_scale = scale_for(s.aa), c_scale = scale_for(s.cc);
    lfuse_status status;

    (void)env;
    (void)unused;
    if (!isfinite(s.aa) || !isfinite(s.cc)) {
        status = lfi_comparison_check_finite(pair, err);
        if (status != LFUSE_OK)
            return status;
    }
    if (a_scale != 1.0 || c_scale != 1.0)
        s = sum_products(pair, a_scale, c_scale);
    if (s.aa == 0.0 || s.cc == 0.0)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "cosine: %s is all zero (%lld elements)",
                        s.aa == 0.0 ? pair->a_name : pair->c_name,
                        (long long)lfi_view_elements(&pair->a));
    *out = value_of(s.aa, s.cc, s.ac);
    return LFUSE_OK;
}

static const struct lfi_element_metric elements = {false, value_of};

const struct lfi_metric lfi_metric_cosine = {
    .metric = LFUSE_METRIC_COSINE,
    .name = "cosine",
    .is_symmetric = true,
    .needs_equal_rows = true,
    .needs_equal_columns = true,
    .cost = "n p",
    .scratch = scratch,
    .compare = compare,
    .elements = &elements,
};
