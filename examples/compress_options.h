/* compress_options.h - the command line of compress_cnn */
#ifndef EXAMPLES_COMPRESS_OPTIONS_H
#define EXAMPLES_COMPRESS_OPTIONS_H

#include "baselines/baseline.h"

struct compress_options {
    const char *data, *weights, *out, *report, *pictures, *resume;
    const char *policy_name, *metric_name, *freeze_name, *combine_name, *isa_name;
    const char *gradients_name, *scope_name, *linkage_name, *unit_name, *schedule_name;
    const char *exclude, *distil, *baseline_name;
    double ratio, learning_rate, train_learning_rate, momentum, weight_decay, smoothing;
    double temperature, taught; /* what distil says; taught is 0 without a teacher */
    double tolerance;           /* -1: none */
    int64_t train, blocks, epochs, fusions, batch, bn_batches, threads, seed, limit;
    int64_t warm_up, holdout, max_group, interval, grace, width;
    int evaluate, align, places, forget;

    /* what the names say */
    lfuse_policy policy;
    lfuse_metric metric;
    lfuse_freeze_gradient freeze_gradient;
    lfuse_combine combine;
    lfuse_gradients gradients;
    lfuse_isa isa;
    lfuse_scope scope;
    lfuse_linkage linkage;
    lfuse_unit unit;
    lfuse_schedule schedule;
    enum baseline_kind baseline; /* 0: fuse */
};

/* On failure err names the argument. After --help, which it prints, *help is 1. */
lfuse_status compress_options_read(int argc, char **argv,
                                   struct compress_options *options, int *help,
                                   lfuse_error *err);

#endif
