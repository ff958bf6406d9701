/*
 * retrain.h - fusing in steps while the caller trains
 *
 * schedule    which ratio each fusion goes to
 * retrainer   the order of the hooks, counting of epochs, one fusion after another
 * parameters  each unique tensor that trains, once
 *
 * The ties and the latest plan lie where the caller wants them; the retrainer works on them.
 *
 * Promised: a hook that fails has changed nothing; neither has a fusion.
 */
#ifndef LFI_RETRAIN_H
#define LFI_RETRAIN_H

#include "fusion/fusion.h"

/* ---- schedule -------------------------------------------------------------------------- */

/* No zero stands for a default here. */
struct lfi_schedule {
    double ratio; /* the goal */
    lfuse_schedule kind;
    int32_t fusions;  /* >= 1; INT32_MAX: as many as it takes, by pairs */
    int32_t interval; /* epochs or steps between two fusions, >= 1 */
    bool in_steps;
    double decay;  /* in (0, 1) */
    int64_t pairs; /* or INT64_MAX */
    lfuse_schedule_custom custom;
    void *custom_user;
};

/* The ratio to reach by fusion number `fusion`, from 1. */
lfuse_status lfi_schedule_ratio(const struct lfi_schedule *schedule, int32_t fusion,
                                double *ratio, lfuse_error *err);

/* ---- retrainer --------------------------------------------------------------------------- */

/* What the hooks expect next. */
enum lfi_phase {
    LFI_PHASE_IDLE,     /* begin_step, begin_eval, end_epoch, fuse */
    LFI_PHASE_STEP,     /* combine_gradients, abort_step */
    LFI_PHASE_COMBINED, /* end_step, abort_step */
    LFI_PHASE_SPOILT,   /* abort_step: some gradients are combined, nobody knows which, or
                           all are, but the sources of mixes could not be shown */
    LFI_PHASE_EVAL      /* end_eval */
};

/* One entry of the list of parameters. */
struct lfi_trained {
    int64_t layer;
    int32_t parameter;
};

struct lfi_retrainer {
    struct lfi_plan goal; /* what was tried at first; owns what its options point to */
    struct lfi_schedule schedule;
    struct lfi_ties *ties;
    struct lfi_plan *plan; /* of the latest fusion; zeros before the first */
    enum lfi_phase phase;
    int32_t fused;  /* fusions done */
    int64_t waited; /* epochs or steps since the latest */
    int64_t steps;  /* ended */
    int64_t epochs;
    bool is_done;
    int64_t trained_count;
    int64_t trained_capacity;
    struct lfi_trained *trained;
};

struct lfi_retrainer_options {
    struct lfi_plan_options plan; /* its ratio is the goal */
    struct lfi_schedule schedule;
};

/* Tries the goal, on the layers of ties as they are. plan holds nothing yet. */
lfuse_status lfi_retrainer_create(const struct lfi_env *env,
                                  const struct lfi_retrainer_options *options,
                                  struct lfi_ties *ties, struct lfi_plan *plan,
                                  struct lfi_retrainer *retrainer, lfuse_error *err);
void lfi_retrainer_destroy(const struct lfi_env *env, struct lfi_retrainer *retrainer);

lfuse_status lfi_retrainer_fuse(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err);
/* Ties the groups that mix, for good. */
lfuse_status lfi_retrainer_finalise(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err);
/* Parts all groups; the schedule is before its first fusion again. */
lfuse_status lfi_retrainer_undo(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err);
lfuse_status lfi_retrainer_begin_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err);
lfuse_status lfi_retrainer_combine_gradients(const struct lfi_env *env,
                                             struct lfi_retrainer *r, lfuse_error *err);
lfuse_status lfi_retrainer_end_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err);
lfuse_status lfi_retrainer_abort_step(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err);
lfuse_status lfi_retrainer_begin_eval(const struct lfi_env *env, struct lfi_retrainer *r,
                                      lfuse_error *err);
lfuse_status lfi_retrainer_end_eval(const struct lfi_env *env, struct lfi_retrainer *r,
                                    lfuse_error *err);
/* Whether the next end_epoch ends an interval. */
bool lfi_retrainer_is_due(const struct lfi_retrainer *r);
lfuse_status lfi_retrainer_end_epoch(const struct lfi_env *env, struct lfi_retrainer *r,
                                     double metric, lfuse_verdict *verdict,
                                     lfuse_error *err);

/* LFUSE_ERR_STATE, saying which call was expected, unless the phase is this one. */
lfuse_status lfi_retrainer_expect(const struct lfi_retrainer *r, enum lfi_phase phase,
                                  const char *call, lfuse_error *err);

/* Room for the list of parameters of all layers; then the list, which cannot fail. */
lfuse_status lfi_trained_reserve(const struct lfi_env *env, struct lfi_retrainer *r,
                                 lfuse_error *err);
void lfi_trained_list(struct lfi_retrainer *r);

#endif
