/*
 * schedule.c - how the removed share grows from fusion to fusion
 *
 *     f = 1 - 1 / R                     the share that ratio R removes
 *     R_s = 1 / (1 - f g(s) / g(S))     s = 1 .. S
 *     g(s) = s                          uniform: equal shares
 *     g(s) = 1 - q^s                    exponential: each is q of the one before
 *
 * R_S is R itself, not what rounding makes of it. The others are taken four roundings
 * smaller: a network that is there by its own count of weights is there.
 */
#include "retrain/retrain.h"

#include <float.h>
#include <math.h>

/* Of f: 1 - q^s by expm1, as q may be close to 1. */
static double part(const struct lfi_schedule *schedule, int32_t fusion)
{
    const double s = (double)fusion, n = (double)schedule->fusions;
    const double rate = log(schedule->decay);

    if (schedule->kind == LFUSE_SCHEDULE_EXPONENTIAL)
        return expm1(rate * s) / expm1(rate * n);
    return s / n;
}

static lfuse_status ask(const struct lfi_schedule *schedule, int32_t fusion,
                        double *ratio, lfuse_error *err)
{
    const double answer =
        schedule->custom(schedule->custom_user, fusion, schedule->fusions);

    if (!(answer >= 1.0 && answer <= schedule->ratio))
        return lfi_fail(
            err, LFUSE_ERR_CALLBACK,
            "the custom schedule gave ratio %g for fusion %d of %d; from 1 to "
            "%g, the goal, was expected",
            answer, (int)fusion, (int)schedule->fusions, schedule->ratio);
    *ratio = answer;
    return LFUSE_OK;
}

lfuse_status lfi_schedule_ratio(const struct lfi_schedule *schedule, int32_t fusion,
                                double *ratio, lfuse_error *err)
{
    const double removed = 1.0 - 1.0 / schedule->ratio;

    if (schedule->kind == LFUSE_SCHEDULE_CUSTOM)
        return ask(schedule, fusion, ratio, err);
    *ratio = schedule->ratio;
    if (fusion >= schedule->fusions || schedule->pairs != INT64_MAX)
        return LFUSE_OK;
    *ratio = 1.0 / (1.0 - removed * part(schedule, fusion));
    *ratio = fmax(*ratio * (1.0 - 4.0 * DBL_EPSILON), 1.0);
    return LFUSE_OK;
}
