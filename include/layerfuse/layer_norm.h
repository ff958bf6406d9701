/* layer_norm.h - normalisation of each row: layer norm and RMS norm */
#ifndef LAYERFUSE_LAYER_NORM_H
#define LAYERFUSE_LAYER_NORM_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_LAYER_NORM_ACCUMULATE = 1 }; /* dgamma and dbeta are added to */

/*
 * With s = x + residual, of each row on its own:
 *
 *     layer norm   y = (s - mean(s)) / sqrt(variance(s) + epsilon) * gamma + beta
 *     RMS norm     y = s / sqrt(mean(s^2) + epsilon) * gamma
 */
typedef struct lfuse_layer_norm_args {
    size_t struct_size;    /* set by lfuse_layer_norm_args_init(&a, sizeof(a)) */
    const float *x;        /* (rows, columns), dense rows; backward: s */
    const float *residual; /* as x, or NULL: none; backward does not look at it */
    const float *gamma;    /* (columns) */
    const float *beta;     /* (columns), or NULL: none; RMS norm has none */
    const float *dy;       /* as y */
    const float *dsum; /* as x: gradient that reaches s on its other way; NULL: none */
    float *sum;        /* as x: s, must be given with residual; may be either of both */
    float *y;          /* as x; may be x itself */
    float *dx;         /* as x: of s, dsum included; may be dy or dsum itself */
    float *dgamma;     /* (columns), or NULL: not wanted */
    float *dbeta;      /* (columns), or NULL: not wanted; RMS norm has none */
    float *mean; /* (rows): forward writes it, or NULL; backward reads it; not RMS norm */
    float *inv_std; /* (rows): 1 / sqrt(... + epsilon), likewise */
    int64_t rows;
    int64_t columns;
    double epsilon;   /* 0 means 1e-5 */
    uint32_t flags;   /* LFUSE_LAYER_NORM_* or 0 */
    int32_t reserved; /* 0 */
    void *
        workspace; /* lfuse_layer_norm_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
} lfuse_layer_norm_args;

/**
 * lfuse_layer_norm_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_layer_norm_args_init(lfuse_layer_norm_args *args, size_t size);

/**
 * lfuse_layer_norm_forward(), lfuse_rms_norm_forward() - y, s and what backward reads
 * lfuse_layer_norm_backward(), lfuse_rms_norm_backward() - dx, dgamma and dbeta, from s, gamma,
 *                                                          dy and the saved statistics
 *
 * Only backward with dgamma or dbeta needs a workspace.
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an epsilon that is negative or not finite, an
 *                                 unknown flag, a residual without sum, beta, dbeta or mean
 *                                 with RMS norm, or a workspace that is too small or not aligned
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: sums over a row in f32 over chains of at most columns / 8 elements, each about the
 *          row's mean; dgamma and dbeta in f32 over at most 32 rows, such sums in f64.
 *          Squares of what is further than 1.8e19 from the mean (RMS norm: from 0) are infinite
 *          in f32: y is then beta, or 0.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019, arXiv:1910.07467. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_norm_forward(lfuse_context *ctx,
                                                const lfuse_layer_norm_args *args,
                                                lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_layer_norm_backward(lfuse_context *ctx,
                                                 const lfuse_layer_norm_args *args,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_rms_norm_forward(lfuse_context *ctx,
                                              const lfuse_layer_norm_args *args,
                                              lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_rms_norm_backward(lfuse_context *ctx,
                                               const lfuse_layer_norm_args *args,
                                               lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_layer_norm_workspace() - bytes that are enough for all four calls with these args
 *
 * Pointers of args are not looked at; the answer depends on the context's threads.
 *
 * Errors:  as the calls for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_norm_workspace(lfuse_context *ctx,
                                                  const lfuse_layer_norm_args *args,
                                                  size_t *bytes,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
