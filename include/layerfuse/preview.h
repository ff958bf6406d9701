/*
 * preview.h - what the weights will be once a plan is applied, read block by block
 *
 * Nothing is changed, and nothing is copied: layers may lie in a checkpoint that is larger than
 * memory. What is read is what lfuse_ties_apply() would leave, to the last bit, units of hidden
 * spaces in the plan's order; of the policies random and js, what lfuse_ties_finalise() would.
 *
 * A preview is shareable.
 */
#ifndef LAYERFUSE_PREVIEW_H
#define LAYERFUSE_PREVIEW_H

#include <layerfuse/plan.h>

LFUSE_BEGIN_DECLS

/**
 * lfuse_preview_create() - makes a plan ready to be read in advance
 *
 * Owner:   plan and layers are borrowed until the preview is destroyed, and only read; the array
 *          is copied. *preview is returned: release with lfuse_preview_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, or count < 1
 *          LFUSE_ERR_UNSUPPORTED  the policy custom
 *          and those of lfuse_ties_create() and lfuse_ties_apply() about layers, plan and
 *          numbers; a plan with groups in force is LFUSE_ERR_STATE
 *          On failure *preview is NULL.
 * Cost:    every weight that is tied is read, as often as its policy has to know it before: once
 *          to see that it is finite, for weighting norm once more, to rescale twice more. 8 bytes
 *          are taken for each entry of an axis that the plan puts in order.
 * Threads: layers are read.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_preview_create(lfuse_context *ctx, const lfuse_plan *plan,
                                            const lfuse_layer *const *layers,
                                            int64_t count, lfuse_preview **preview,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_preview_destroy() - releases the preview
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_preview_destroy(lfuse_preview *preview);

/**
 * lfuse_preview_read() - elements of a weight as it will be
 * lfuse_preview_read_parameter() - and of any parameter
 *
 * Shapes:  layer is an index of the plan's layers, weight one of that layer's weights, parameter
 *          one of all its parameters, in the order they were added; [first, first + count) are
 *          its elements in row order.
 * Result:  biases, norms and statistics differ from what they are where the plan permutes them,
 *          and biases of groups of the policy random, which averages them.
 * Owner:   out has room for count elements of its type, aligned to them, and is the caller's.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an index out of range
 *          On failure out is untouched.
 * Cost:    O(count) times the members of the group; no memory is taken.
 * Threads: concurrent calls may share the preview.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_preview_read(const lfuse_preview *preview, int64_t layer,
                                          int32_t weight, int64_t first, int64_t count,
                                          void *out, lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_preview_read_parameter(const lfuse_preview *preview,
                                                    int64_t layer, int32_t parameter,
                                                    int64_t first, int64_t count,
                                                    void *out,
                                                    lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
