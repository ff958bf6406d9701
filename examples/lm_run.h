/* lm_run.h - what the parts of compress_lm work on: one run, from text to fused network */
#ifndef EXAMPLES_LM_RUN_H
#define EXAMPLES_LM_RUN_H

#include "lm.h"
#include "lm_options.h"

enum { LM_MOST_ROWS = 64 };

/* One fusion and the training after it. */
struct lm_row {
    double ratio;                     /* over candidates, */
    int64_t unique;                   /* and their weights */
    struct lm_score fused, retrained; /* by run->judges */
    int64_t steps, judged;            /* since then; and when retrained was scored */
    double seconds;                   /* of training */
};

struct lm_run {
    struct lm_options options;
    lfuse_context *ctx;
    struct text judges; /* the valid text, or its beginning; borrowed */
    struct windows *windows;
    struct gpt *net, *teacher;
    lfuse_couplings *couplings; /* of --align, or NULL */
    lfuse_retrainer *retrainer;
    struct baseline *baseline;       /* of --baseline, or NULL */
    struct lm_score original, final; /* by the test text */
    const char *written;             /* the latest file, or NULL */
};

/* Scored by the judges, groups that mix as their mean. */
lfuse_status lm_judge(struct lm_run *run, struct lm_score *score, lfuse_error *err);
void lm_print_score(const char *what, const struct lm_score *score);
struct lm_training lm_training_of(const struct lm_run *run);

/* The network of --weights, into *net. */
lfuse_status lm_open(const struct lm_run *run, enum gpt_mode mode, struct gpt **net,
                     lfuse_error *err);

/* What the options say of plans, for this share. It points into *rule, and into run. */
lfuse_status lm_plan_options(struct lm_run *run, double ratio, lfuse_metric metric,
                             lfuse_policy policy, int aligned, lfuse_plan_rule *rule,
                             lfuse_plan_options *plan, lfuse_error *err);

/* A retrainer over run->net for this share; no fusion yet. run->retrainer must be NULL. */
lfuse_status lm_create_retrainer(struct lm_run *run, double ratio, lfuse_metric metric,
                                 lfuse_policy policy, int aligned, lfuse_error *err);

/* The whole schedule, from the state on that there is; run->final in the end. */
lfuse_status lm_fuse(struct lm_run *run, lfuse_error *err);

/* The first fusion; with --residual tied weights keep what it takes, as far as that goes. */
lfuse_status lm_fuse_first(struct lm_run *run, lfuse_error *err);

/* --baseline, and its training; likewise. lm_create_baseline() alone: of this kind and ratio. */
lfuse_status lm_baseline(struct lm_run *run, lfuse_error *err);
lfuse_status lm_create_baseline(struct lm_run *run, enum baseline_kind kind, double ratio,
                                lfuse_error *err);

/* --one-shot: a table. */
lfuse_status lm_one_shot(struct lm_run *run, lfuse_error *err);

#endif
