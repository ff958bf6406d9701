/*
 * schedule.c - how the removed share grows from fusion to fusion
 *
 *     f = 1 - 1 / R                     the share that ratio R removes
 *     R_s = 1 / (1 - f s / S)           uniform: equal shares, s = 1 .. S
 *
 * R_S is R itself, not what rounding makes of it. The others are taken four roundings
 * smaller: a network that is there by its own count of weights is there.
 */
#include "retrain/retrain.h"

#include <float.h>

double lfi_schedule_ratio(const struct lfi_schedule *schedule, int32_t fusion)
{
    const double removed = 1.0 - 1.0 / schedule->ratio;
    double ratio;

    if (fusion >= schedule->fusions)
        return schedule->ratio;
    ratio = 1.0 / (1.0 - removed * (double)fusion / (double)schedule->fusions);
    ratio *= 1.0 - 4.0 * DBL_EPSILON;
    return ratio < 1.0 ? 1.0 : ratio;
}
