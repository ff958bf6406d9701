/*
 * euclidean.c - the distance of two weights
 *
 *     d(A, C) = |vec A - vec C|            O'Neill et al. 2021, sec. 3.1
 *
 * In f64 for every type: differences and squares of f32 values are then good to 2^-53, at the
 * price of the reading. Squares that leave f64's range (f64 data alone can do that) are taken
 * again of data scaled by a power of two, which is exact.
 */
#include "similarity/parts.h"

#include <math.h>

enum { BLOCK = 512, LANES = 8 };

/* The sum of (scale (a - c))^2. Lanes so that the compiler may use vectors. */
static double squares(const struct lfi_comparison *pair, double scale)
{
    int64_t n = lfi_view_elements(&pair->a), first, count, i;
    double a[BLOCK], c[BLOCK], lane[LANES] = {0.0}, sum = 0.0;
    int l;

    for (first = 0; first < n; first += count) {
        count = n - first < BLOCK ? n - first : BLOCK;
        lfi_view_read_f64(&pair->a, first, count, a);
        lfi_view_read_f64(&pair->c, first, count, c);
        for (i = 0; i + LANES <= count; i += LANES)
            for (l = 0; l < LANES; l++) {
                double d = scale * a[i + l] - scale * c[i + l];

                lane[l] += d * d;
            }
        for (; i < count; i++) {
            double d = scale * a[i] - scale * c[i];

            sum += d * d;
        }
    }
    for (l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    (void)pair;
    *bytes = 0;
    return true;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *unused, double *out, lfuse_error *err)
{
    double scale = 1.0, sum = squares(pair, scale);
    lfuse_status status;

    (void)env;
    (void)unused;
    if (!isfinite(sum)) {
        status = lfi_comparison_check_finite(pair, err);
        if (status != LFUSE_OK)
            return status;
        scale = 0x1p-540;
    } else if (sum < 0x1p-900) {
        scale = 0x1p600;
    }
    if (scale != 1.0)
        sum = squares(pair, scale);
    sum = sqrt(sum) / scale;
    if (!isfinite(sum))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "euclidean: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = sum;
    return LFUSE_OK;
}

static double value_of(double aa, double cc, double squares_of_differences)
{
    (void)aa;
    (void)cc;
    return sqrt(squares_of_differences);
}

static const struct lfi_element_metric elements = {true, value_of};

const struct lfi_metric lfi_metric_euclidean = {
    .metric = LFUSE_METRIC_EUCLIDEAN,
    .name = "euclidean",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_rows = true,
    .needs_equal_columns = true,
    .cost = "n p",
    .scratch = scratch,
    .compare = compare,
    .elements = &elements,
};
