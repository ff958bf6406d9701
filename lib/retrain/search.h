/*
 * search.h - how far a network can be fused by its own metric, without training
 *
 * Promised: layers and ties end as they were, whether it worked or not.
 */
#ifndef LFI_RETRAIN_SEARCH_H
#define LFI_RETRAIN_SEARCH_H

#include "fusion/snapshot.h"

struct lfi_search_options {
    struct lfi_plan_options plan; /* with the largest ratio */
    lfuse_evaluate evaluate;
    void *evaluate_user;
    lfuse_repair repair; /* or NULL */
    void *repair_user;
    double tolerance;
};

/* On failure *plan holds nothing. */
lfuse_status lfi_search_ratio(const struct lfi_env *env, struct lfi_ties *ties,
                              const struct lfi_search_options *options,
                              struct lfi_plan *plan, double *metric, lfuse_error *err);

#endif
