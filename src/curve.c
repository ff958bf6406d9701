/* curve.c - the shell of curve.h */
#include "handles.h"

#include <math.h>

#include "retrain/curve.h"

void lfuse_inflection_init(lfuse_inflection *result, size_t size)
{
    lfi_options_init(result, size);
}

static lfuse_status check_points(const double *x, const double *y, int64_t count,
                                 lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return lfi_fail(err, LFUSE_ERR_NOT_FINITE, "%s[%lld] is %g",
                            isfinite(x[i]) ? "y" : "x", (long long)i,
                            isfinite(x[i]) ? y[i] : x[i]);
        if (i > 0 && !(x[i] > x[i - 1]))
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "x[%lld] is %g, which is not above %g before it",
                            (long long)i, x[i], x[i - 1]);
    }
    return LFUSE_OK;
}

lfuse_status lfuse_curve_inflection(const double *x, const double *y, int64_t count,
                                    lfuse_inflection *result, lfuse_error *err)
{
    struct lfi_inflection found;
    lfuse_inflection r = {0};
    lfuse_status status;

    if (x == NULL || y == NULL || result == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        x == NULL   ? "x"
                        : y == NULL ? "y"
                                    : "result");
    if (count < LFI_INFLECTION_POINTS)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld, it must be >= %d",
                        (long long)count, (int)LFI_INFLECTION_POINTS);
    status = check_points(x, y, count, err);
    if (status == LFUSE_OK)
        status = lfi_curve_inflection(x, y, count, &found, err);
    if (status != LFUSE_OK)
        return status;
    r.x = found.x;
    r.y = found.y;
    r.x_low = found.low;
    r.x_high = found.high;
    r.slope_before = found.before;
    r.slope_after = found.after;
    r.residual = sqrt(found.squares / (double)count);
    r.line_residual = sqrt(found.line_squares / (double)count);
    return lfi_options_export(result, &r, sizeof(r), "result", err);
}
