/* lm_options.h - the command line of compress_lm */
#ifndef EXAMPLES_LM_OPTIONS_H
#define EXAMPLES_LM_OPTIONS_H

#include "baselines/baseline.h"
#include "lm_text.h"
#include "models/gpt.h"

struct lm_options {
    struct lm_text text;
    const char *weights, *out, *resume, *prompt;
    const char *policy_name, *metric_name, *freeze_name, *combine_name, *isa_name;
    const char *scope_name, *linkage_name, *unit_name, *exclude, *distil, *baseline_name;
    double ratio, learning_rate, least, weight_decay, clip, dropout, sample_temperature;
    double energy;              /* of residuals */
    double temperature, taught; /* what distil says; taught is 0 without a teacher */
    int64_t steps, warm_up, fusions, interval, batch, window, heads, stride, judge, every,
        max_group;
    int64_t threads, seed, sample, residual;
    int align, evaluate, one_shot;

    /* what the names say */
    lfuse_policy policy;
    lfuse_metric metric;
    lfuse_freeze_gradient freeze_gradient;
    lfuse_combine combine;
    lfuse_isa isa;
    lfuse_scope scope;
    lfuse_linkage linkage;
    enum gpt_unit unit;
    enum baseline_kind baseline; /* 0: fuse */
};

/* On failure err names the argument. After --help, which it prints, *help is 1. */
lfuse_status lm_options_read(int argc, char **argv, struct lm_options *options, int *help,
                             lfuse_error *err);

#endif
