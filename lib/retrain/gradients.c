/*
 * gradients.c - gradients that may be combined: they are there, and all are numbers
 *
 * One NaN makes the whole group NaN, and by the optimiser's momentum all that follows. So every
 * gradient that trains something is looked at before any is combined, while a step can still be
 * refused and its layer be named.
 */
#include "retrain/retrain.h"

#include <stdio.h>

/* Whether a parameter's gradient is read: not of frozen weights, nor, where they are accumulated,
 * those of members that are the kept one's. */
static bool is_read(const struct lfi_ties *ties, int64_t layer,
                    const struct lfi_parameter *parameter)
{
    if (parameter->gradient == NULL || parameter->role == LFUSE_ROLE_STATISTIC)
        return false;
    if (parameter->role != LFUSE_ROLE_WEIGHT)
        return true;
    return !lfi_ties_is_frozen(ties, layer) &&
           (ties->options.gradients != LFUSE_GRADIENTS_ACCUMULATED ||
            ties->source[layer] == layer);
}

static lfuse_status check_finite(const struct lfi_retrainer *r, const char *when,
                                 lfuse_error *err)
{
    int64_t i, at;
    int32_t p;

    for (i = 0; i < r->ties->count; i++)
        for (p = 0; p < r->ties->layers[i]->parameter_count; p++) {
            const struct lfi_layer *layer = r->ties->layers[i];
            const struct lfi_parameter *parameter = &layer->parameters[p];

            if (!is_read(r->ties, i, parameter))
                continue;
            at = lfi_view_find_not_finite(&parameter->gradient->view);
            if (at >= 0)
                return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                                "element %lld of the gradient of parameter %s of layer "
                                "%s is not finite%s",
                                (long long)at, parameter->name, layer->name, when);
        }
    return LFUSE_OK;
}

lfuse_status lfi_gradients_check(const struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status;
    char when[40];

    (void)snprintf(when, sizeof(when), ", in step %lld", (long long)r->steps + 1);
    status = lfi_ties_check_gradients(r->ties, when, err);
    return status == LFUSE_OK ? check_finite(r, when, err) : status;
}
