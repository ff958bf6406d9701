/*
 * retrain.h - fusing in steps while the caller trains
 *
 * schedule    which ratio each fusion goes to
 * fuse        one fusion: planned, in force, repaired
 * decide      what is due at the end of an epoch; taking back what cost too much
 * retrainer   the order of the hooks, counting of epochs
 * parameters  each unique tensor that trains, once
 *
 * The ties and the latest plan lie where the caller wants them; the retrainer works on them.
 *
 * Promised: a hook that fails has changed nothing; neither has a fusion.
 */
#ifndef LFI_RETRAIN_H
#define LFI_RETRAIN_H

#include "fusion/snapshot.h"

/* ---- schedule -------------------------------------------------------------------------- */

/* No zero stands for a default here. */
struct lfi_schedule {
    double ratio; /* the goal */
    lfuse_schedule kind;
    int32_t fusions;  /* >= 1; INT32_MAX: as many as it takes, by pairs */
    int32_t interval; /* epochs or steps between two fusions, >= 1 */
    bool in_steps;    /* what interval, lead, mix and grace count */
    int32_t lead;     /* before a fusion, in which what it joins trains alone; or 0 */
    int32_t mix;      /* after one, until groups that mix are tied; 0: until the end */
    double decay;     /* in (0, 1) */
    int64_t pairs;    /* or INT64_MAX */
    lfuse_schedule_custom custom;
    void *custom_user;
};

/* The ratio to reach by fusion number `fusion`, from 1. */
lfuse_status lfi_schedule_ratio(const struct lfi_schedule *schedule, int32_t fusion,
                                double *ratio, lfuse_error *err);

/* ---- decisions -------------------------------------------------------------------------- */

/* What a fusion may cost; no zero stands for a default. */
struct lfi_tolerance {
    bool is_given; /* else the metric decides nothing */
    bool is_each;  /* of one fusion; else of all together */
    double tolerance;
    double baseline;   /* the metric before the first fusion */
    int32_t grace;     /* epochs or steps after a fusion, before it is judged */
    int32_t rollbacks; /* that end the schedule */
};

/* Pairs of layers that do not fuse any more. */
struct lfi_aparts {
    int64_t count;
    int64_t capacity;
    struct lfi_apart *items;
};

/* What was before the latest fusion, as long as that can be taken back. */
struct lfi_before {
    bool is_open; /* else all of it is zeros */
    struct lfi_snapshot snapshot;
};

/* Fusions before the latest, in their order: what roll-backs return to, and what resuming does
 * again. */
struct lfi_past_fusion {
    struct lfi_plan plan;
    bool is_tied; /* groups that mix were tied after it, before the next */
};

struct lfi_past {
    int64_t count;
    int64_t capacity;
    struct lfi_past_fusion *items;
};

/* What the next end of an epoch will do, unless it rolls back. */
enum lfi_due {
    LFI_DUE_NOTHING,
    LFI_DUE_PICK, /* what is to be joined, which begins a lead */
    LFI_DUE_FUSE,
    LFI_DUE_TIE, /* groups that mix */
    LFI_DUE_END
};

/* ---- retrainer --------------------------------------------------------------------------- */

/* What the hooks expect next. */
enum lfi_phase {
    LFI_PHASE_IDLE,     /* begin_step, begin_eval, end_epoch, fuse */
    LFI_PHASE_STEP,     /* combine_gradients, abort_step */
    LFI_PHASE_COMBINED, /* end_step, abort_step */
    LFI_PHASE_SPOILT,   /* abort_step: some gradients are combined, nobody knows which, or
                           all are, but the sources of mixes could not be shown */
    LFI_PHASE_EVAL,     /* end_eval */
    LFI_PHASE_CALLBACK  /* nothing: the retrainer waits for a callback of its own */
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
    bool is_tied;          /* groups that mix were tied since */
    struct lfi_past past;
    enum lfi_phase phase;
    struct lfi_tolerance tolerance;
    lfuse_repair repair; /* or NULL */
    void *repair_user;
    struct lfi_plan picked; /* what the next fusion joins, if that is known; else zeros */
    bool is_picked;
    struct lfi_before before;
    struct lfi_aparts aparts;
    double reference;    /* what the metric of a fusion is held against */
    bool is_begun;       /* the first fusion is done, or picked */
    bool is_rolled_back; /* and no other has taken its place */
    bool gave_up;        /* after so many */
    int32_t rolled_back; /* fusions */
    int32_t fused;       /* fusions done */
    int64_t waited;      /* epochs or steps since the latest */
    int64_t steps;       /* ended */
    int64_t epochs;
    bool is_done;
    int64_t trained_count;
    int64_t trained_capacity;
    struct lfi_trained *trained;
};

struct lfi_retrainer_options {
    struct lfi_plan_options plan; /* its ratio is the goal */
    struct lfi_schedule schedule;
    struct lfi_tolerance tolerance;
    lfuse_repair repair;
    void *repair_user;
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
/* The caller's metric of the network as it is: 0 and a number, or a value that says why not. */
struct lfi_evaluation {
    lfuse_evaluate evaluate;
    void *user;
};

/* Tries `count` ways to do the next fusion, and picks the one of the greatest metric. */
lfuse_status lfi_retrainer_probe(const struct lfi_env *env, struct lfi_retrainer *r,
                                 int64_t count, struct lfi_evaluation evaluation,
                                 double *metric, lfuse_error *err);
/* Whether the next end_epoch has something to decide. */
bool lfi_retrainer_is_due(const struct lfi_retrainer *r);
lfuse_status lfi_retrainer_end_epoch(const struct lfi_env *env, struct lfi_retrainer *r,
                                     double metric, lfuse_verdict *verdict,
                                     lfuse_error *err);

/* ---- fusing ------------------------------------------------------------------------------ */

/* What the next fusion of the schedule joins, of pairs that need not stay apart. */
lfuse_status lfi_fuse_plan(const struct lfi_env *env, const struct lfi_retrainer *r,
                           const struct lfi_aparts *aparts, struct lfi_plan *plan,
                           lfuse_error *err);
/* A plan in force and repaired, and *before to go back; or nothing changed and held. */
lfuse_status lfi_fuse_try(const struct lfi_env *env, struct lfi_retrainer *r,
                          const struct lfi_plan *plan, struct lfi_snapshot *before,
                          lfuse_error *err);
lfuse_status lfi_fuse_next(const struct lfi_env *env, struct lfi_retrainer *r,
                           lfuse_error *err);
/* Begins a lead. */
lfuse_status lfi_fuse_pick(const struct lfi_env *env, struct lfi_retrainer *r,
                           lfuse_error *err);
/* What was picked. */
void lfi_fuse_forget(const struct lfi_env *env, struct lfi_retrainer *r);
void lfi_fuse_log(const struct lfi_env *env, const struct lfi_retrainer *r);
/* Around a callback that sees the network as it is evaluated. When it has failed, by its answer,
 * something may be shown still: going back to a snapshot ends that. */
lfuse_status lfi_callback_begin(const struct lfi_env *env, struct lfi_retrainer *r,
                                lfuse_error *err);
lfuse_status lfi_callback_end(const struct lfi_env *env, struct lfi_retrainer *r,
                              const char *what, int32_t answer, lfuse_error *err);

/* ---- deciding ----------------------------------------------------------------------------- */

/* Whether the schedule has no further fusion. */
bool lfi_decide_is_over(const struct lfi_retrainer *r);
enum lfi_due lfi_decide_due(const struct lfi_retrainer *r);
/* Whether the next end of an epoch judges the latest fusion; and how. */
bool lfi_decide_is_judged(const struct lfi_retrainer *r);
bool lfi_decide_is_too_dear(const struct lfi_retrainer *r, double metric);
lfuse_status lfi_decide_roll_back(const struct lfi_env *env, struct lfi_retrainer *r,
                                  lfuse_error *err);
/* The latest fusion stays. */
void lfi_before_close(const struct lfi_env *env, struct lfi_retrainer *r);
/* The same plans, and room for one more, in memory of its own. */
lfuse_status lfi_past_grow(const struct lfi_env *env, const struct lfi_past *past,
                           struct lfi_past *grown, lfuse_error *err);
/* The list alone. */
void lfi_past_free(const struct lfi_env *env, struct lfi_past *past);
void lfi_past_destroy(const struct lfi_env *env, struct lfi_past *past);
lfuse_status lfi_aparts_reserve(const struct lfi_env *env, struct lfi_aparts *aparts,
                                int64_t more, lfuse_error *err);
void lfi_aparts_destroy(const struct lfi_env *env, struct lfi_aparts *aparts);

/* ---- what both need ------------------------------------------------------------------------ */

/* LFUSE_ERR_STATE, saying which call was expected, unless the phase is this one. */
lfuse_status lfi_retrainer_expect(const struct lfi_retrainer *r, enum lfi_phase phase,
                                  const char *call, lfuse_error *err);

/* LFUSE_ERR_STATE or LFUSE_ERR_NOT_FINITE, naming layer, parameter and step, when a gradient is not
 * there, or is not finite. */
lfuse_status lfi_gradients_check(const struct lfi_retrainer *r, lfuse_error *err);

/* Room for the list of parameters of all layers; then the list, which cannot fail. */
lfuse_status lfi_trained_reserve(const struct lfi_env *env, struct lfi_retrainer *r,
                                 lfuse_error *err);
void lfi_trained_list(struct lfi_retrainer *r);

#endif
