/* linear.h - fully connected layer: forward, and backward to data and to weights */
#ifndef LAYERFUSE_LINEAR_H
#define LAYERFUSE_LINEAR_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_LINEAR_ACCUMULATE = 1
}; /* the call adds to its outputs instead of writing them */

typedef struct lfuse_linear_args {
    size_t struct_size; /* set by lfuse_linear_args_init(&a, sizeof(a)) */
    const float *x;     /* (batch, in_features), dense rows */
    const float *w;     /* (out_features, in_features) */
    const float *bias;  /* (out_features), or NULL */
    const float *dy;    /* as y */
    float *y;           /* (batch, out_features) */
    float *dx;          /* as x */
    float *dw;          /* as w */
    float *dbias;       /* as bias, or NULL */
    int64_t batch;
    int64_t in_features;
    int64_t out_features;
    uint32_t flags;   /* LFUSE_LINEAR_* or 0 */
    int32_t reserved; /* 0 */
    void *workspace;  /* lfuse_linear_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
} lfuse_linear_args;

/**
 * lfuse_linear_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_linear_args_init(lfuse_linear_args *args, size_t size);

/**
 * lfuse_linear_forward() - y = x w' + bias
 * lfuse_linear_backward_data() - dx = dy w
 * lfuse_linear_backward_weights() - dw = dy' x and, if it is given, dbias = the sum of dy's rows
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an unknown flag, or a workspace that is too
 *                                 small or not aligned
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: f32 sums; |error| <= k eps sum |terms| with k the number of terms of a sum.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_linear_forward(lfuse_context *ctx,
                                            const lfuse_linear_args *args,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_linear_backward_data(lfuse_context *ctx,
                                                  const lfuse_linear_args *args,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_linear_backward_weights(lfuse_context *ctx,
                                                     const lfuse_linear_args *args,
                                                     lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_linear_workspace() - bytes that are enough for all three calls with these args
 *
 * Pointers of args are not looked at.
 *
 * Errors:  as the calls for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_linear_workspace(lfuse_context *ctx,
                                              const lfuse_linear_args *args,
                                              size_t *bytes,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
