/* batch_norm.h - normalisation of each channel over the batch and the image */
#ifndef LAYERFUSE_BATCH_NORM_H
#define LAYERFUSE_BATCH_NORM_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_BATCH_NORM_RELU = 1, /* y = max(0, ...) at the end; the backward pass masks */
    LFUSE_BATCH_NORM_ACCUMULATE = 2 /* dscale and dshift are added to */
};

/*
 * With n = batch * pixels values per channel:
 * y = act((x - mean) * scale / sqrt(variance + epsilon) + shift + residual).
 */
typedef struct lfuse_batch_norm_args {
    size_t struct_size;    /* set by lfuse_batch_norm_args_init(&a, sizeof(a)) */
    const float *x;        /* (batch, channels, pixels) in layout */
    const float *scale;    /* (channels) */
    const float *shift;    /* (channels) */
    const float *residual; /* as x, added before act; NULL means none */
    const float *dy;       /* as y */
    float *y;              /* as x; may be x itself in lfuse_batch_norm_inference() */
    float *dx;             /* as x; may be dy itself */
    float *dresidual;      /* as residual; NULL means not wanted; may not be dy */
    float *dscale;         /* (channels) */
    float *dshift;         /* (channels) */
    float *running_mean;   /* (channels), or NULL */
    float
        *running_variance; /* (channels), or NULL with running_mean; unbiased, by n - 1 */
    float *saved_mean;     /* (channels): training writes it, backward reads it */
    float *saved_inverse;  /* (channels): 1 / sqrt(variance + epsilon), likewise */
    int64_t batch;
    int64_t channels;
    int64_t pixels;      /* height * width; 1 after a linear layer */
    double epsilon;      /* 0 means 1e-5 */
    double momentum;     /* weight of this batch in the running values; 0 means 0.1 */
    lfuse_layout layout; /* 0 means NCHW */
    uint32_t flags;      /* LFUSE_BATCH_NORM_* or 0 */
    void *
        workspace; /* lfuse_batch_norm_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
} lfuse_batch_norm_args;

/**
 * lfuse_batch_norm_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_batch_norm_args_init(lfuse_batch_norm_args *args, size_t size);

/**
 * lfuse_batch_norm_training() - y with the batch's own statistics; saves them, moves the running
 * lfuse_batch_norm_inference() - y with the running statistics
 * lfuse_batch_norm_backward() - dx, dscale, dshift and dresidual of the training pass, from x,
 *                               dy, the saved statistics and, with RELU, y
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a negative epsilon or momentum, momentum > 1,
 *                                 an unknown layout or flag, one running value without the
 *                                 other, or a workspace that is too small or not aligned
 *          LFUSE_ERR_SHAPE        training with one value per channel
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: statistics are summed in blocks of f32 and across blocks in f64.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_batch_norm_training(lfuse_context *ctx,
                                                 const lfuse_batch_norm_args *args,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_batch_norm_inference(lfuse_context *ctx,
                                                  const lfuse_batch_norm_args *args,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_batch_norm_backward(lfuse_context *ctx,
                                                 const lfuse_batch_norm_args *args,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_batch_norm_workspace() - bytes that are enough for all three calls with these args
 *
 * Pointers of args are not looked at; the answer depends on the context's threads.
 *
 * Errors:  as the calls for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_batch_norm_workspace(lfuse_context *ctx,
                                                  const lfuse_batch_norm_args *args,
                                                  size_t *bytes,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
