/*
 * probe.c - what a few fusions would cost, by trying each
 *
 * How alike layers are says little of what fusing them costs the network, which only its metric
 * tells. Candidate i is what the schedule would join if the first pairs of the candidates before
 * it had to stay apart. Each is put in force, repaired, evaluated and taken back by a snapshot.
 */
#include "retrain/retrain.h"

#include <math.h>

/* The best so far. */
struct best {
    struct lfi_plan plan;
    double metric;
    bool is_there;
};

static lfuse_status evaluate(const struct lfi_env *env, struct lfi_retrainer *r,
                             struct lfi_evaluation evaluation, double *metric,
                             lfuse_error *err)
{
    double answer = NAN;
    lfuse_status status = lfi_callback_begin(env, r, err);

    if (status == LFUSE_OK)
        status = lfi_callback_end(env, r, "evaluate",
                                  evaluation.evaluate(evaluation.user, &answer), err);
    if (status == LFUSE_OK && !isfinite(answer))
        return lfi_fail(err, LFUSE_ERR_CALLBACK, "evaluate gave the metric %g", answer);
    *metric = answer;
    return status;
}

/* Whether it worked or not, all is as before; unless a rebind refuses that. */
static lfuse_status try_plan(const struct lfi_env *env, struct lfi_retrainer *r,
                             const struct lfi_plan *plan,
                             struct lfi_evaluation evaluation, double *metric,
                             lfuse_error *err)
{
    struct lfi_snapshot before;
    lfuse_status status = lfi_fuse_try(env, r, plan, &before, err), back;

    if (status != LFUSE_OK)
        return status;
    status = evaluate(env, r, evaluation, metric, err);
    back = lfi_snapshot_restore(env, r->ties, &before, status == LFUSE_OK ? err : NULL);
    if (back != LFUSE_OK)
        lfi_snapshot_destroy(env, &before);
    return status == LFUSE_OK ? back : status;
}

static bool falls_short(const struct lfi_plan *plan)
{
    const struct lfi_plan_options *o = &plan->options;

    return plan->fusion_count == 0 ||
           (plan->fusion_count < o->top_k &&
            lfi_account_ratio(&plan->account, o->base) < o->ratio);
}

/* *more is false when there is no further candidate. */
static lfuse_status probe_one(const struct lfi_env *env, struct lfi_retrainer *r,
                              struct lfi_evaluation evaluation, struct lfi_aparts *aparts,
                              struct best *best, bool *more, lfuse_error *err)
{
    struct lfi_plan plan;
    double metric = NAN;
    lfuse_status status = lfi_aparts_reserve(env, aparts, 1, err);

    if (status == LFUSE_OK)
        status = lfi_fuse_plan(env, r, aparts, &plan, err);
    if (status != LFUSE_OK)
        return status;
    *more = plan.fusion_count > 0 && !(best->is_there && falls_short(&plan));
    if (*more)
        status = try_plan(env, r, &plan, evaluation, &metric, err);
    if (*more && status == LFUSE_OK)
        aparts->items[aparts->count++] =
            (struct lfi_apart){plan.fusions[0].a, plan.fusions[0].b};
    if (*more && status == LFUSE_OK && (!best->is_there || metric > best->metric)) {
        lfi_plan_destroy(env, &best->plan);
        *best = (struct best){plan, metric, true};
        return LFUSE_OK;
    }
    lfi_plan_destroy(env, &plan);
    return status;
}

static lfuse_status check(const struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "probe", err);

    if (status != LFUSE_OK)
        return status;
    if (r->goal.options.unit == LFUSE_UNIT_ROW || r->schedule.lead > 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "probe is not for %s",
                        r->schedule.lead > 0 ? "schedules with a lead"
                                             : "plans of the unit row");
    if (r->is_picked || lfi_decide_is_over(r))
        return lfi_fail(err, LFUSE_ERR_STATE, "probe was called, but %s",
                        r->is_picked ? "the next fusion has been probed"
                                     : "the schedule has no further fusion");
    return LFUSE_OK;
}

lfuse_status lfi_retrainer_probe(const struct lfi_env *env, struct lfi_retrainer *r,
                                 int64_t count, struct lfi_evaluation evaluation,
                                 double *metric, lfuse_error *err)
{
    struct lfi_aparts aparts = {0};
    struct best best = {0};
    bool more = true;
    lfuse_status status = check(r, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = lfi_aparts_reserve(env, &aparts, r->aparts.count, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < r->aparts.count; i++)
        aparts.items[aparts.count++] = r->aparts.items[i];
    for (i = 0; i < count && more && status == LFUSE_OK; i++)
        status = probe_one(env, r, evaluation, &aparts, &best, &more, err);
    lfi_aparts_destroy(env, &aparts);
    if (status == LFUSE_OK && !best.is_there)
        status = lfi_fail(err, LFUSE_ERR_UNREACHABLE, "nothing is left to join");
    if (status != LFUSE_OK) {
        lfi_plan_destroy(env, &best.plan);
        return status;
    }
    r->picked = best.plan;
    r->is_picked = true;
    *metric = best.metric;
    return LFUSE_OK;
}
