/*
 * procrustes.c - the distance that is left after the best rotation
 *
 *     d(A, C) = min |A Q - C|_F = sqrt(|A|_F^2 + |C|_F^2 - 2 |A'C|_*)      Q orthogonal
 *
 * Schoenemann 1966; |.|_* is the nuclear norm (residual.c). Not centred, of the whole matrix, in
 * f64 for every type. The difference of squares leaves rounding of 2^-53 |A|_F^2, so a
 * distance is good to about 2^-26 |A|_F only where it is as small as that; where A is C it is
 * exactly 0. Each is read at a scale of its own, so that squares stay in range.
 */
#include "similarity/parts.h"

#include <math.h>

static void lay_out(const struct lfi_block *b, struct lfi_arena *factor,
                    struct lfi_arena *scratch)
{
    lfi_residual_lay_out(b, false, factor, scratch);
}

static bool extract(const struct lfi_factor_work *work, const struct lfi_centred *side,
                    const struct lfi_block *b, void *factor)
{
    lfi_residual_extract(work, side, b, false, factor);
    return true;
}

static bool compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                    const void *a, const void *c, double *value)
{
    int exponent;
    double square = lfi_residual_compare(work, b, false, a, c, &exponent);

    *value = ldexp(sqrt(square), -exponent);
    return true;
}

static const struct lfi_factor_metric factors = {
    .value = "distance",
    .whole = true,
    .lay_out = lay_out,
    .extract = extract,
    .compare = compare,
};

const struct lfi_metric lfi_metric_procrustes = {
    .metric = LFUSE_METRIC_PROCRUSTES,
    .name = "procrustes",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_rows = true,
    .cost = "n p min(n, p) + min(n, p)^3",
    .scratch = lfi_factors_pair_scratch,
    .compare = lfi_factors_pair_compare,
    .factors = &factors,
};
