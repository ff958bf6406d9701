/* linear_residual.h - fully connected layer whose weights are shared ones plus a low-rank residual */
#ifndef LAYERFUSE_LINEAR_RESIDUAL_H
#define LAYERFUSE_LINEAR_RESIDUAL_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_LINEAR_RESIDUAL_ACCUMULATE = 1
}; /* the call adds to its outputs instead of writing them */

/* y = x (w + a b)' + bias; the product of a and b is never formed. */
typedef struct lfuse_linear_residual_args {
    size_t struct_size; /* set by lfuse_linear_residual_args_init(&a, sizeof(a)) */
    const float *x;     /* (batch, in_features), dense rows */
    const float *w;     /* (out_features, in_features) */
    const float *a;     /* (out_features, rank) */
    const float *b;     /* (rank, in_features) */
    const float *bias;  /* (out_features), or NULL */
    const float *dy;    /* as y */
    float *y;           /* (batch, out_features) */
    float *dx;          /* as x */
    float *dw;          /* as w, or NULL: not wanted */
    float *da;          /* as a */
    float *db;          /* as b */
    float *dbias;       /* as bias, or NULL */
    int64_t batch;
    int64_t in_features;
    int64_t out_features;
    int64_t rank;
    uint32_t flags;   /* LFUSE_LINEAR_RESIDUAL_* or 0 */
    int32_t reserved; /* 0 */
    void *
        workspace; /* lfuse_linear_residual_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
} lfuse_linear_residual_args;

/**
 * lfuse_linear_residual_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_linear_residual_args_init(lfuse_linear_residual_args *args,
                                               size_t size);

/**
 * lfuse_linear_residual_forward() - y = x w' + (x b') a' + bias
 * lfuse_linear_residual_backward_data() - dx = dy w + (dy a) b
 * lfuse_linear_residual_backward_weights() - da = dy' (x b'), db = (dy a)' x and, where they are
 *                                            given, dw = dy' x and dbias = the sum of dy's rows
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an unknown flag, or a workspace that is too
 *                                 small or not aligned
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: f32 sums; |error| <= k eps sum |terms| with k the number of terms of the longest sum
 *          plus rank.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Hu et al. 2021, arXiv:2106.09685, sec. 4.1. Since 0.1.
 */
LFUSE_API lfuse_status
lfuse_linear_residual_forward(lfuse_context *ctx, const lfuse_linear_residual_args *args,
                              lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_linear_residual_backward_data(
    lfuse_context *ctx, const lfuse_linear_residual_args *args,
    lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_linear_residual_backward_weights(
    lfuse_context *ctx, const lfuse_linear_residual_args *args,
    lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_linear_residual_workspace() - bytes that are enough for all three calls with these args
 *
 * Pointers of args are not looked at.
 *
 * Errors:  as the calls for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_linear_residual_workspace(
    lfuse_context *ctx, const lfuse_linear_residual_args *args, size_t *bytes,
    lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
