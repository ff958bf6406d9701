/* retrainer.c - the hooks around training: its beginning, its epochs, its end */
#include "retrain/retrain.h"

lfuse_status lfi_retrainer_create(const struct lfi_env *env,
                                  const struct lfi_retrainer_options *options,
                                  struct lfi_ties *ties, struct lfi_plan *plan,
                                  struct lfi_retrainer *retrainer, lfuse_error *err)
{
    const struct lfi_rule rule = {options->plan.policy, options->plan.freeze_gradient};
    struct lfi_retrainer *r = retrainer;
    lfuse_status status;

    *r = (struct lfi_retrainer){.schedule = options->schedule,
                                .tolerance = options->tolerance,
                                .repair = options->repair,
                                .repair_user = options->repair_user,
                                .reference = options->tolerance.baseline,
                                .ties = ties,
                                .plan = plan};
    status = lfi_ties_check_rule(&ties->options, rule, err);
    if (status == LFUSE_OK)
        status = lfi_plan_build(env, (const struct lfi_layer *const *)ties->layers,
                                ties->count, &options->plan, NULL, &r->goal, err);
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
    lfi_aparts_destroy(env, &retrainer->aparts);
    lfi_before_close(env, retrainer);
    lfi_past_destroy(env, &retrainer->past);
    lfi_fuse_forget(env, retrainer);
    lfi_plan_destroy(env, &retrainer->goal);
    *retrainer = (struct lfi_retrainer){0};
}

lfuse_status lfi_retrainer_fuse(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "fuse", err);

    if (status != LFUSE_OK)
        return status;
    if (r->is_begun && !r->is_rolled_back)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "fuse was called, but the first fusion is done or picked: "
                        "end_epoch does the rest");
    if (r->gave_up)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "fuse was called, but %d fusions were rolled back: end_epoch "
                        "ends the schedule",
                        (int)r->rolled_back);
    if (r->schedule.lead > 0)
        return lfi_fuse_pick(env, r, err);
    status = lfi_fuse_next(env, r, err);
    if (status == LFUSE_OK)
        lfi_fuse_log(env, r);
    return status;
}

static lfuse_status finalise(const struct lfi_env *env, struct lfi_retrainer *r,
                             lfuse_error *err)
{
    lfuse_status status = lfi_trained_reserve(env, r, err);

    if (status == LFUSE_OK)
        status = lfi_ties_finalise(env, r->ties, err);
    if (status != LFUSE_OK)
        return status;
    r->is_tied = true;
    lfi_trained_list(r);
    return LFUSE_OK;
}

lfuse_status lfi_retrainer_finalise(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "finalise", err);

    return status == LFUSE_OK ? finalise(env, r, err) : status;
}

static void start_anew(const struct lfi_env *env, struct lfi_retrainer *r)
{
    lfi_before_close(env, r);
    lfi_past_destroy(env, &r->past);
    lfi_fuse_forget(env, r);
    lfi_aparts_destroy(env, &r->aparts);
    r->is_tied = false;
    r->reference = r->tolerance.baseline;
    r->is_begun = r->is_rolled_back = r->gave_up = r->is_done = false;
    r->fused = r->rolled_back = 0;
    r->waited = r->steps = 0;
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
    start_anew(env, r);
    lfi_trained_list(r);
    return LFUSE_OK;
}

static lfuse_status check_epoch(const struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (r->phase != LFI_PHASE_IDLE)
        status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "end_epoch", err);
    else if (!r->is_begun)
        status =
            lfi_fail(err, LFUSE_ERR_STATE, "end_epoch was called, fuse was expected");
    else if (r->is_done)
        status = lfi_fail(err, LFUSE_ERR_STATE,
                          "end_epoch was called, but the schedule is done");
    return status;
}

bool lfi_retrainer_is_due(const struct lfi_retrainer *r)
{
    return lfi_decide_is_judged(r) || lfi_decide_due(r) != LFI_DUE_NOTHING;
}

static lfuse_status do_due(const struct lfi_env *env, struct lfi_retrainer *r,
                           enum lfi_due due, lfuse_error *err)
{
    switch (due) {
    case LFI_DUE_PICK: return lfi_fuse_pick(env, r, err);
    case LFI_DUE_FUSE: return lfi_fuse_next(env, r, err);
    case LFI_DUE_TIE:
    case LFI_DUE_END: return finalise(env, r, err);
    default: return LFUSE_OK;
    }
}

/* The latest fusion stays; what is due is done. */
static lfuse_status go_on(const struct lfi_env *env, struct lfi_retrainer *r,
                          double metric, lfuse_verdict *verdict, lfuse_error *err)
{
    const enum lfi_due due = lfi_decide_due(r);
    const bool judged = lfi_decide_is_judged(r);
    lfuse_status status = do_due(env, r, due, err);

    if (status != LFUSE_OK)
        return status;
    if (judged && due != LFI_DUE_FUSE)
        lfi_before_close(env, r);
    if (due == LFI_DUE_FUSE && r->tolerance.is_each)
        r->reference = metric;
    if ((due == LFI_DUE_NOTHING || due == LFI_DUE_TIE) && !r->schedule.in_steps)
        r->waited++;
    r->is_done = due == LFI_DUE_END;
    *verdict = LFUSE_VERDICT_CONTINUE;
    if (due == LFI_DUE_END)
        *verdict = LFUSE_VERDICT_DONE;
    else if (due == LFI_DUE_TIE || (due == LFI_DUE_FUSE && r->plan->fusion_count > 0))
        *verdict = LFUSE_VERDICT_FUSED;
    return LFUSE_OK;
}

lfuse_status lfi_retrainer_end_epoch(const struct lfi_env *env, struct lfi_retrainer *r,
                                     double metric, lfuse_verdict *verdict,
                                     lfuse_error *err)
{
    const int32_t fused = r->fused;
    const bool rolls_back = lfi_decide_is_judged(r) && lfi_decide_is_too_dear(r, metric);
    lfuse_status status = check_epoch(r, err);

    if (status == LFUSE_OK && rolls_back)
        status = lfi_decide_roll_back(env, r, err);
    else if (status == LFUSE_OK)
        status = go_on(env, r, metric, verdict, err);
    if (status != LFUSE_OK)
        return status;
    r->epochs++;
    lfi_log(env, LFUSE_LOG_INFO, "epoch %lld: metric %.6g", (long long)r->epochs, metric);
    if (r->fused > fused)
        lfi_fuse_log(env, r);
    if (!rolls_back)
        return LFUSE_OK;
    *verdict = LFUSE_VERDICT_ROLLED_BACK;
    lfi_log(env, LFUSE_LOG_INFO,
            "fusion %d is rolled back: it cost more than %.6g of %.6g", (int)fused,
            r->tolerance.tolerance, r->reference);
    return LFUSE_OK;
}
