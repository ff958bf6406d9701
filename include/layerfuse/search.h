/* search.h - how far a network can be fused as it is, by its own metric */
#ifndef LAYERFUSE_SEARCH_H
#define LAYERFUSE_SEARCH_H

#include <layerfuse/ties.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_search_options {
    size_t struct_size;             /* set by lfuse_search_options_init(&o, sizeof(o)) */
    const lfuse_plan_options *plan; /* its ratio is the largest; must be given */
    lfuse_evaluate evaluate;        /* must be given */
    void *evaluate_user;
    lfuse_repair repair; /* before every evaluation but the first; or NULL */
    void *repair_user;
    double tolerance; /* >= 0, in the metric's units: what may be lost */
} lfuse_search_options;

/**
 * lfuse_search_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_search_options_init(lfuse_search_options *options, size_t size);

/**
 * lfuse_search_ratio() - the largest ratio that costs no more than a tolerance, without training
 *
 * Result:  *plan has the first k fusions of the plan for options->plan->ratio, where k is found by
 *          bisection: the metric of k fusions is at least that of the network as it is minus the
 *          tolerance, that of one more is less, or k is all of them. Where the metric does not
 *          fall from fusion to fusion there may be other such k. The plan has no fusions when the
 *          first one tried costs too much. *metric is that of k fusions. What is tried is put in
 *          force, repaired, evaluated with groups that mix showing their mean, and taken back to
 *          the bit and to the address: ties and layers end as they were.
 * Owner:   *plan is returned: release with lfuse_plan_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, no ratio, in_force of other ties than these or NULL, a
 *                              tolerance that is negative or not finite
 *          LFUSE_ERR_CALLBACK  evaluate or repair failed (error.detail is the value), or the
 *                              metric is not finite; or rebind refused to go back: what was tried
 *                              is then in force still
 *          and those of lfuse_plan_build() and lfuse_ties_apply(). On failure nothing has changed
 *          otherwise, *plan is NULL and *metric untouched.
 * Cost:    of n fusions about log2(n) + 2 evaluations, plans and copies of all values and state.
 * Threads: layers and ties are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_search_ratio(lfuse_ties *ties,
                                          const lfuse_search_options *options,
                                          lfuse_plan **plan, double *metric,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
