/* search.c - the shell of search.h */
#include "handles.h"

#include <math.h>

#include "retrain/search.h"

void lfuse_search_options_init(lfuse_search_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status import_plan(const lfuse_ties *ties, const lfuse_plan_options *options,
                                struct lfi_plan_options *out, lfuse_error *err)
{
    const lfuse_ties *in_force = NULL;
    lfuse_status status =
        lfi_handles_plan_options(ties->ctx, options, "options.plan", out, &in_force, err);

    if (status != LFUSE_OK)
        return status;
    if (out->ratio == 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0");
    if (in_force != NULL && in_force != ties)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.plan.in_force is of other ties");
    return LFUSE_OK;
}

static lfuse_status import_options(const lfuse_ties *ties,
                                   const lfuse_search_options *options,
                                   struct lfi_search_options *out, lfuse_error *err)
{
    lfuse_search_options o;
    lfuse_status status =
        lfi_options_import(&o, sizeof(o), options, false, "options", err);

    if (status != LFUSE_OK)
        return status;
    if (o.evaluate == NULL || o.plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.%s is NULL",
                        o.evaluate == NULL ? "evaluate" : "plan");
    if (!(o.tolerance >= 0.0 && o.tolerance < INFINITY))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.tolerance is %g", o.tolerance);
    *out = (struct lfi_search_options){
        .evaluate = o.evaluate,
        .evaluate_user = o.evaluate_user,
        .repair = o.repair,
        .repair_user = o.repair_user,
        .tolerance = o.tolerance,
    };
    return import_plan(ties, o.plan, &out->plan, err);
}

lfuse_status lfuse_search_ratio(lfuse_ties *ties, const lfuse_search_options *options,
                                lfuse_plan **plan, double *metric, lfuse_error *err)
{
    struct lfi_search_options known;
    lfuse_plan *found;
    lfuse_status status;

    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    *plan = NULL;
    if (ties == NULL || metric == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ties == NULL ? "ties" : "metric");
    status = import_options(ties, options, &known, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(&ties->ctx->env, 1, sizeof(*found), "a plan", &found, err);
    if (status != LFUSE_OK)
        return status;
    found->ctx = ties->ctx;
    status =
        lfi_search_ratio(&ties->ctx->env, &ties->ties, &known, &found->plan, metric, err);
    if (status == LFUSE_OK)
        *plan = found;
    else
        lfi_free(&ties->ctx->env, found, 1, sizeof(*found));
    return status;
}
