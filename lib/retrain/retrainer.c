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

#include <stdio.h>

/* On the layers as they are; options say what is asked for. */
static lfuse_status build(const struct lfi_env *env, const struct lfi_retrainer *r,
                          const struct lfi_plan_options *options, struct lfi_plan *plan,
                          lfuse_error *err)
{
    return lfi_plan_build(env, (const struct lfi_layer *const *)r->ties->layers,
                          r->ties->count, options, r->ties, plan, err);
}

/* What the next fusion of the schedule joins. */
static lfuse_status plan_next(const struct lfi_env *env, const struct lfi_retrainer *r,
                              struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_plan_options options = r->goal.options;
    lfuse_status status =
        lfi_schedule_ratio(&r->schedule, r->fused + 1, &options.ratio, err);

    options.top_k = r->schedule.pairs;
    options.may_fall_short = r->fused > 0;
    return status == LFUSE_OK ? build(env, r, &options, plan, err) : status;
}

/* Whether the schedule has no further fusion. */
static bool is_last(const struct lfi_retrainer *r)
{
    const struct lfi_plan *plan = r->plan;

    if (r->fused >= r->schedule.fusions)
        return true;
    return r->schedule.pairs != INT64_MAX && r->fused > 0 &&
           (plan->fusion_count == 0 ||
            lfi_account_ratio(&plan->account, plan->options.base) >= r->schedule.ratio);
}

lfuse_status lfi_retrainer_create(const struct lfi_env *env,
                                  const struct lfi_retrainer_options *options,
                                  struct lfi_ties *ties, struct lfi_plan *plan,
                                  struct lfi_retrainer *retrainer, lfuse_error *err)
{
    const struct lfi_rule rule = {options->plan.policy, options->plan.freeze_gradient};
    struct lfi_retrainer *r = retrainer;
    lfuse_status status;

    *r =
        (struct lfi_retrainer){.schedule = options->schedule, .ties = ties, .plan = plan};
    status = lfi_ties_check_rule(&ties->options, rule, err);
    if (status == LFUSE_OK)
        status = build(env, r, &options->plan, &r->goal, err);
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
        status = plan_next(env, r, &plan, err);
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
    const struct lfi_plan *plan = r->plan;
    const double ratio = lfi_account_ratio(&plan->account, plan->options.base);
    char number[48];

    if (r->schedule.fusions == INT32_MAX)
        (void)snprintf(number, sizeof(number), "%d", (int)r->fused);
    else
        (void)snprintf(number, sizeof(number), "%d of %d", (int)r->fused,
                       (int)r->schedule.fusions);
    lfi_log(env, LFUSE_LOG_INFO, "fusion %s: %lld pairs joined, ratio %.6g", number,
            (long long)plan->fusion_count, ratio);
    if (ratio < plan->options.ratio && plan->fusion_count < plan->options.top_k)
        lfi_log(env, LFUSE_LOG_WARNING, "fusion %s falls short of ratio %.6g", number,
                plan->options.ratio);
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
    if (status != LFUSE_OK)
        return status;
    r->waited = 0;
    log_fusion(env, r);
    return LFUSE_OK;
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

bool lfi_retrainer_is_due(const struct lfi_retrainer *r)
{
    return r->fused > 0 && !r->is_done &&
           r->waited + (r->schedule.in_steps ? 0 : 1) >= r->schedule.interval;
}

lfuse_status lfi_retrainer_end_epoch(const struct lfi_env *env, struct lfi_retrainer *r,
                                     double metric, lfuse_verdict *verdict,
                                     lfuse_error *err)
{
    const bool is_due = lfi_retrainer_is_due(r), fuses = is_due && !is_last(r),
               ends = is_due && !fuses;
    lfuse_status status = check_epoch(r, err);

    if (status == LFUSE_OK && fuses)
        status = fuse_next(env, r, err);
    if (status == LFUSE_OK && ends)
        status = finalise(env, r, err);
    if (status != LFUSE_OK)
        return status;
    r->epochs++;
    if (is_due)
        r->waited = 0;
    else if (!r->schedule.in_steps)
        r->waited++;
    r->is_done = ends;
    *verdict = LFUSE_VERDICT_CONTINUE;
    if (ends)
        *verdict = LFUSE_VERDICT_DONE;
    else if (fuses && r->plan->fusion_count > 0)
        *verdict = LFUSE_VERDICT_FUSED;
    lfi_log(env, LFUSE_LOG_INFO, "epoch %lld: metric %.6g", (long long)r->epochs, metric);
    if (fuses)
        log_fusion(env, r);
    return LFUSE_OK;
}
