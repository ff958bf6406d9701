/*
 * fuse.c - one fusion of the schedule: planned, put in force, repaired; or nothing of it
 *
 * O'Neill et al. 2021, algorithm 1. Where an earlier fusion went past the ratio of a later one,
 * the later plan is empty. Where groups of earlier fusions, which training and max_group keep
 * from joining, or pairs that were rolled back, leave too little to join, a later fusion goes as
 * far as it can: a schedule that has begun can always end.
 *
 * With a lead the plan is made before, and what it joins trains alone until then (sec. 4.2).
 */
#include "retrain/retrain.h"

#include <stdio.h>

lfuse_status lfi_fuse_plan(const struct lfi_env *env, const struct lfi_retrainer *r,
                           const struct lfi_aparts *aparts, struct lfi_plan *plan,
                           lfuse_error *err)
{
    struct lfi_plan_options options = r->goal.options;
    lfuse_status status =
        lfi_schedule_ratio(&r->schedule, r->fused + 1, &options.ratio, err);

    options.top_k = r->schedule.pairs;
    options.may_fall_short = r->fused > 0 || aparts->count > 0;
    options.apart = aparts->items;
    options.apart_count = aparts->count;
    if (status != LFUSE_OK)
        return status;
    return lfi_plan_build(env, (const struct lfi_layer *const *)r->ties->layers,
                          r->ties->count, &options, r->ties, plan, err);
}

/* ---- callbacks ---------------------------------------------------------------------------- */

lfuse_status lfi_callback_begin(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err)
{
    lfuse_status status = lfi_ties_refresh(env, r->ties, err);

    if (status == LFUSE_OK)
        status = lfi_ties_show(env, r->ties, LFUSE_SHOW_MEAN, 0, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_CALLBACK;
    return status;
}

lfuse_status lfi_callback_end(const struct lfi_env *env, struct lfi_retrainer *r,
                              const char *what, int32_t answer, lfuse_error *err)
{
    r->phase = LFI_PHASE_IDLE;
    if (answer != 0)
        return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, answer, "%s returned %d", what,
                               (int)answer);
    return lfi_ties_show(env, r->ties, LFUSE_SHOW_SOURCES, 0, err);
}

static lfuse_status repair(const struct lfi_env *env, struct lfi_retrainer *r,
                           lfuse_error *err)
{
    lfuse_status status;

    if (r->repair == NULL)
        return LFUSE_OK;
    status = lfi_callback_begin(env, r, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_callback_end(env, r, "repair", r->repair(r->repair_user), err);
}

/* ---- in force ----------------------------------------------------------------------------- */

/* Nothing is left to do but to say so where the caller refuses its own memory back. */
static void go_back(const struct lfi_env *env, struct lfi_retrainer *r,
                    struct lfi_snapshot *before)
{
    if (lfi_snapshot_restore(env, r->ties, before, NULL) != LFUSE_OK) {
        lfi_log(env, LFUSE_LOG_WARNING,
                "a fusion that failed stays in force: rebind refused to go back");
        lfi_snapshot_destroy(env, before);
    }
    lfi_trained_list(r);
}

lfuse_status lfi_fuse_try(const struct lfi_env *env, struct lfi_retrainer *r,
                          const struct lfi_plan *plan, struct lfi_snapshot *before,
                          lfuse_error *err)
{
    lfuse_status status = lfi_snapshot_take(env, r->ties, before, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_ties_apply(env, r->ties, plan, err);
    if (status != LFUSE_OK) {
        lfi_snapshot_destroy(env, before);
        return status;
    }
    status = repair(env, r, err);
    if (status != LFUSE_OK)
        go_back(env, r, before);
    return status;
}

/* Where nobody will go back, no copy is made. */
static lfuse_status put_in_force(const struct lfi_env *env, struct lfi_retrainer *r,
                                 const struct lfi_plan *plan, struct lfi_before *before,
                                 lfuse_error *err)
{
    lfuse_status status;

    if (plan->fusion_count == 0 || (!r->tolerance.is_given && r->repair == NULL))
        return lfi_ties_apply(env, r->ties, plan, err);
    status = lfi_fuse_try(env, r, plan, &before->snapshot, err);
    before->is_open = status == LFUSE_OK && r->tolerance.is_given;
    if (status == LFUSE_OK && !before->is_open)
        lfi_snapshot_destroy(env, &before->snapshot);
    return status;
}

static void commit(const struct lfi_env *env, struct lfi_retrainer *r,
                   const struct lfi_plan *plan, const struct lfi_past *past,
                   struct lfi_before *before)
{
    lfi_before_close(env, r);
    if (r->fused > 0) {
        lfi_past_free(env, &r->past);
        r->past = *past;
        r->past.items[r->past.count++] = (struct lfi_past_fusion){*r->plan, r->is_tied};
    }
    r->before = *before;
    *r->plan = *plan;
    r->is_tied = false;
    r->picked = (struct lfi_plan){0};
    r->is_picked = false;
    r->is_begun = true;
    r->is_rolled_back = false;
    r->fused++;
    r->waited = 0;
    lfi_trained_list(r);
}

lfuse_status lfi_fuse_next(const struct lfi_env *env, struct lfi_retrainer *r,
                           lfuse_error *err)
{
    struct lfi_before before = {0};
    struct lfi_past past = {0};
    struct lfi_plan plan = r->picked;
    lfuse_status status = lfi_trained_reserve(env, r, err);

    if (status == LFUSE_OK && !r->is_picked)
        status = lfi_fuse_plan(env, r, &r->aparts, &plan, err);
    if (status != LFUSE_OK)
        return status;
    if (r->fused > 0)
        status = lfi_past_grow(env, &r->past, &past, err);
    if (status == LFUSE_OK)
        status = put_in_force(env, r, &plan, &before, err);
    if (status == LFUSE_OK) {
        commit(env, r, &plan, &past, &before);
        return LFUSE_OK;
    }
    lfi_past_free(env, &past);
    if (!r->is_picked)
        lfi_plan_destroy(env, &plan);
    return status;
}

lfuse_status lfi_fuse_pick(const struct lfi_env *env, struct lfi_retrainer *r,
                           lfuse_error *err)
{
    struct lfi_plan plan;
    lfuse_status status = lfi_trained_reserve(env, r, err);

    if (status == LFUSE_OK)
        status = lfi_fuse_plan(env, r, &r->aparts, &plan, err);
    if (status != LFUSE_OK)
        return status;
    r->picked = plan;
    r->is_picked = true;
    r->is_begun = true;
    r->is_rolled_back = false;
    r->waited = r->schedule.interval - r->schedule.lead;
    lfi_trained_list(r);
    return LFUSE_OK;
}

void lfi_fuse_forget(const struct lfi_env *env, struct lfi_retrainer *r)
{
    lfi_plan_destroy(env, &r->picked);
    r->is_picked = false;
}

void lfi_fuse_log(const struct lfi_env *env, const struct lfi_retrainer *r)
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
