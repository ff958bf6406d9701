/*
 * residual.h - what sharing takes from a weight, kept as a product of two small matrices
 *
 *     W = S + A B        W (out, in) a position's weight, S the shared one, A (out, rank), B (rank, in)
 *
 * A and B are parameters of their position: rank (out + in) numbers of its own beside the out in that
 * it shares. Fitted before a plan is put in force, added to the layer after it:
 *
 *     lfuse_preview_create(ctx, plan, layers, count, &preview, &err);
 *     lfuse_residual_fit(ctx, preview, i, 0, &options, &a, &b, &err);      // for each member
 *     lfuse_ties_apply(ties, plan, &err);
 *     lfuse_layer_add_parameter(layers[i], &parameter_a, &err);            // role LFUSE_ROLE_RESIDUAL
 *     lfuse_layer_add_parameter(layers[i], &parameter_b, &err);
 *
 * An account counts parameters of that role among the unique ones of their layer.
 */
#ifndef LAYERFUSE_RESIDUAL_H
#define LAYERFUSE_RESIDUAL_H

#include <layerfuse/preview.h>
#include <layerfuse/tensor.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_residual_options {
    size_t struct_size; /* set by lfuse_residual_options_init(&o, sizeof(o)) */
    int64_t rank;       /* at most; 0 means 16, and never more than save numbers */
    double energy; /* of |W - S|^2, in (0, 1]: the least rank that keeps it; 0 means 1 */
} lfuse_residual_options;

/**
 * lfuse_residual_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_residual_options_init(lfuse_residual_options *options, size_t size);

/**
 * lfuse_residual_fit() - A B nearest to what a plan will take from a weight
 *
 * Shapes:  layer and weight as for lfuse_preview_read(). The weight is a matrix of its output units
 *          (its output axis) by all the rest, in row order: (out, in). *a is (out, rank), *b
 *          (rank, in), f32 and dense.
 * Result:  the truncated singular value decomposition U s V' of W - S, W in the plan's order of units:
 *          A = U sqrt(s), B = sqrt(s) V'. rank is the least that keeps `energy`, at most
 *          options->rank, at most what is smaller than the matrix (rank (out + in) < out in), and
 *          at least 1 unless W - S is all zero (a kept weight, a layer that is not tied): then *a
 *          and *b are NULL.
 * Owner:   *a and *b are returned: release with lfuse_tensor_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, an index out of range, rank < 0, energy outside [0, 1]
 *          LFUSE_ERR_SHAPE        one output unit, or one column: no product is smaller
 *          LFUSE_ERR_NOT_FINITE   the difference is out of f32's range
 *          LFUSE_ERR_UNSUPPORTED  the plan's unit is row, or options hold fields this version does
 *                                 not know
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_CALLBACK     the host's executor refused
 *          On failure *a and *b are NULL.
 * Numbers: subspace iterations in f32 from random vectors of the context's seed; the product is within
 *          1 % of the best of its rank in norm, and exact to f32's rounding where rank + 8 is the
 *          lesser side. Bits depend on BLAS where lfuse_gemm() does.
 * Cost:    O(out in rank) time, 8 out in bytes of scratch.
 * Threads: concurrent calls may share ctx and preview.
 * Source:  Halko, Martinsson, Tropp 2011, arXiv:0909.4061, alg. 4.4. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_residual_fit(lfuse_context *ctx,
                                          const lfuse_preview *preview, int64_t layer,
                                          int32_t weight,
                                          const lfuse_residual_options *options,
                                          lfuse_tensor **a, lfuse_tensor **b,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
