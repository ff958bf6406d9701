/*
 * steps.c - the order of the hooks around a step and around an evaluation
 *
 * Groups that mix show a mix from begin_step to combine_gradients, their mean from begin_eval
 * to end_eval, and otherwise their sources: those are what an optimiser steps and a plan sees.
 */
#include "retrain/retrain.h"

static const char *expected_call(enum lfi_phase phase)
{
    switch (phase) {
    case LFI_PHASE_STEP: return "combine_gradients";
    case LFI_PHASE_COMBINED: return "end_step";
    case LFI_PHASE_SPOILT: return "abort_step";
    case LFI_PHASE_EVAL: return "end_eval";
    default: return "begin_step";
    }
}

lfuse_status lfi_retrainer_expect(const struct lfi_retrainer *r, enum lfi_phase phase,
                                  const char *call, lfuse_error *err)
{
    if (r->phase == phase)
        return LFUSE_OK;
    if (r->phase == LFI_PHASE_CALLBACK)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "%s was called from a callback of the retrainer", call);
    return lfi_fail(err, LFUSE_ERR_STATE, "%s was called, %s was expected", call,
                    expected_call(r->phase));
}

lfuse_status lfi_retrainer_begin_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "begin_step", err);

    if (status == LFUSE_OK)
        status = lfi_ties_refresh(env, r->ties, err);
    if (status == LFUSE_OK)
        status = lfi_ties_show(env, r->ties, LFUSE_SHOW_MIX, r->steps, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_STEP;
    return status;
}

lfuse_status lfi_retrainer_combine_gradients(const struct lfi_env *env,
                                             struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status =
        lfi_retrainer_expect(r, LFI_PHASE_STEP, "combine_gradients", err);

    if (status == LFUSE_OK)
        status = lfi_gradients_check(r, err);
    if (status == LFUSE_OK)
        status = lfi_ties_combine_gradients(env, r->ties, err);
    if (status == LFUSE_OK)
        status = lfi_ties_show(env, r->ties, LFUSE_SHOW_SOURCES, 0, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_COMBINED;
    else if (status == LFUSE_ERR_CALLBACK)
        r->phase = LFI_PHASE_SPOILT; /* a second try would divide once more */
    return status;
}

lfuse_status lfi_retrainer_end_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_COMBINED, "end_step", err);

    if (status == LFUSE_OK)
        status = lfi_ties_refresh(env, r->ties, err);
    if (status != LFUSE_OK)
        return status;
    r->steps++;
    if (r->schedule.in_steps)
        r->waited++;
    r->phase = LFI_PHASE_IDLE;
    return LFUSE_OK;
}

lfuse_status lfi_retrainer_abort_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err)
{
    lfuse_status status;

    if (r->phase != LFI_PHASE_STEP && r->phase != LFI_PHASE_COMBINED &&
        r->phase != LFI_PHASE_SPOILT)
        return lfi_retrainer_expect(r, LFI_PHASE_STEP, "abort_step", err);
    status = lfi_ties_show(env, r->ties, LFUSE_SHOW_SOURCES, 0, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_IDLE;
    return status;
}

lfuse_status lfi_retrainer_begin_eval(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "begin_eval", err);

    if (status == LFUSE_OK)
        status = lfi_ties_refresh(env, r->ties, err);
    if (status == LFUSE_OK)
        status = lfi_ties_show(env, r->ties, LFUSE_SHOW_MEAN, 0, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_EVAL;
    return status;
}

lfuse_status lfi_retrainer_end_eval(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err)
{
    lfuse_status status;

    if (r->phase == LFI_PHASE_IDLE)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "end_eval was called, begin_eval was expected");
    status = lfi_retrainer_expect(r, LFI_PHASE_EVAL, "end_eval", err);
    if (status == LFUSE_OK)
        status = lfi_ties_show(env, r->ties, LFUSE_SHOW_SOURCES, 0, err);
    if (status == LFUSE_OK)
        r->phase = LFI_PHASE_IDLE;
    return status;
}
