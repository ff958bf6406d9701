/*
 * retrainer.c - one fusion after another while the caller trains
 *
 * O'Neill et al. 2021, algorithm 1: every `interval` epochs measure the layers as they are
 * by then, tie the most alike, go on training. Where an earlier fusion went past the ratio of
 * a later one, the later plan is empty, and its epoch passes as any other. Where groups of
 * earlier fusions, which training and max_group keep from joining, leave too little to join, a
 * later fusion goes as far as it can: a schedule that has begun can always end. Groups that mix
 * are tied for good with its end.
 */
#include "retrain/retrain.h"

static lfuse_status build(const struct lfi_env *env, const struct lfi_retrainer *r,
                          const struct lfi_plan_options *plan_options, double ratio,
                          struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_plan_options options = *plan_options;

    options.ratio = ratio;
    options.may_fall_short = r->fused > 0;
    return lfi_plan_build(env, (const struct lfi_layer *const *)r->ties->layers,
                          r->ties->count, &options, r->ties, plan, err);
}

lfuse_status lfi_retrainer_create(const struct lfi_env *env,
                                  const struct lfi_plan_options *plan_options,
                                  const struct lfi_schedule *schedule,
                                  struct lfi_ties *ties, struct lfi_plan *plan,
                                  struct lfi_retrainer *retrainer, lfuse_error *err)
{
    const struct lfi_rule rule = {plan_options->policy, plan_options->freeze_gradient};
    struct lfi_retrainer *r = retrainer;
    lfuse_status status;

    *r = (struct lfi_retrainer){.schedule = *schedule, .ties = ties, .plan = plan};
    status = lfi_ties_check_rule(&ties->options, rule, plan_options->unit, err);
    if (status == LFUSE_OK)
        status = build(env, r, plan_options, schedule->ratio, &r->goal, err);
    if (status == LFUSE_OK)
        status = lfi_trained_reserve(env, r, err);
    if (status == LFUSE_OK)
        lfi_trained_list(r);
    return status;
}

void lfi_retrainer_destroy(const struct lfi_env *env, struct lfi_retrainer *retrainer)
{
    lfi_free(env, retrainer->trained, (size_t)retrainer->trained_capacity,
             sizeof(*retrainer->trained));
    lfi_plan_destroy(env, &retrainer->goal);
    *retrainer = (struct lfi_retrainer){0};
}

/* The next fusion of the schedule. */
static lfuse_status fuse_next(const struct lfi_env *env, struct lfi_retrainer *r,
                              lfuse_error *err)
{
    struct lfi_plan plan;
    lfuse_status status;

    status = lfi_trained_reserve(env, r, err);
    if (status == LFUSE_OK)
        status = build(env, r, &r->goal.options,
                       lfi_schedule_ratio(&r->schedule, r->fused + 1), &plan, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_ties_apply(env, r->ties, &plan, err);
    if (status != LFUSE_OK) {
        lfi_plan_destroy(env, &plan);
        return status;
    }
    lfi_plan_destroy(env, r->plan);
    *r->plan = plan;
    r->fused++;
    lfi_trained_list(r);
    return LFUSE_OK;
}

static void log_fusion(const struct lfi_env *env, const struct lfi_retrainer *r)
{
    lfi_log(env, LFUSE_LOG_INFO, "fusion %d of %d: %lld pairs joined, ratio %.6g",
            (int)r->fused, (int)r->schedule.fusions, (long long)r->plan->fusion_count,
            lfi_account_ratio(&r->plan->account, r->plan->options.base));
    if (lfi_account_ratio(&r->plan->account, r->plan->options.base) <
        r->plan->options.ratio)
        lfi_log(env, LFUSE_LOG_WARNING, "fusion %d of %d falls short of ratio %.6g",
                (int)r->fused, (int)r->schedule.fusions, r->plan->options.ratio);
}

lfuse_status lfi_retrainer_fuse(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "fuse", err);

    if (status != LFUSE_OK)
        return status;
    if (r->fused > 0)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "fuse was called, but the first fusion is done: end_epoch does "
                        "the later ones");
    status = fuse_next(env, r, err);
    if (status == LFUSE_OK)
        log_fusion(env, r);
    return status;
}

static lfuse_status finalise(const struct lfi_env *env, struct lfi_retrainer *r,
                             lfuse_error *err)
{
    lfuse_status status = lfi_ties_finalise(env, r->ties, err);

    if (status == LFUSE_OK)
        lfi_trained_list(r);
    return status;
}

lfuse_status lfi_retrainer_finalise(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "finalise", err);

    return status == LFUSE_OK ? finalise(env, r, err) : status;
}

lfuse_status lfi_retrainer_undo(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "undo", err);

    if (status == LFUSE_OK)
        status = lfi_trained_reserve(env, r, err);
    if (status == LFUSE_OK)
        status = lfi_ties_undo(env, r->ties, err);
    if (status != LFUSE_OK)
        return status;
    lfi_plan_destroy(env, r->plan);
    r->fused = 0;
    r->waited = 0;
    r->steps = 0;
    r->is_done = false;
    lfi_trained_list(r);
    return LFUSE_OK;
}

static lfuse_status check_epoch(const struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (r->phase != LFI_PHASE_IDLE)
        status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "end_epoch", err);
    else if (r->fused == 0)
        status =
            lfi_fail(err, LFUSE_ERR_STATE, "end_epoch was called, fuse was expected");
    else if (r->is_done)
        status = lfi_fail(err, LFUSE_ERR_STATE,
                          "end_epoch was called, but the schedule is done");
    return status;
}

lfuse_status lfi_retrainer_end_epoch(const struct lfi_env *env, struct lfi_retrainer *r,
                                     double metric, lfuse_verdict *verdict,
                                     lfuse_error *err)
{
    const bool is_due = r->waited + 1 == r->schedule.interval;
    const bool is_last = r->fused == r->schedule.fusions;
    const bool fuses = is_due && !is_last;
    lfuse_status status = check_epoch(r, err);

    if (status == LFUSE_OK && fuses)
        status = fuse_next(env, r, err);
    if (status == LFUSE_OK && is_due && is_last)
        status = finalise(env, r, err);
    if (status != LFUSE_OK)
        return status;
    r->epochs++;
    r->waited = is_due ? 0 : r->waited + 1;
    r->is_done = is_due && is_last;
    *verdict = LFUSE_VERDICT_CONTINUE;
    if (r->is_done)
        *verdict = LFUSE_VERDICT_DONE;
    else if (fuses && r->plan->fusion_count > 0)
        *verdict = LFUSE_VERDICT_FUSED;
    lfi_log(env, LFUSE_LOG_INFO, "epoch %lld: metric %.6g", (long long)r->epochs, metric);
    if (fuses)
        log_fusion(env, r);
    return LFUSE_OK;
}
