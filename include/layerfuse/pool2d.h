/* pool2d.h - average and maximum over windows of an image */
#ifndef LAYERFUSE_POOL2D_H
#define LAYERFUSE_POOL2D_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

typedef int32_t lfuse_pool;
enum {
    LFUSE_POOL_AVERAGE =
        1, /* 0 means this: over the pixels inside the image, padding left out */
    LFUSE_POOL_MAX = 2 /* of equal values the first in row order gets the gradient; NaN is
                          greater than every number */
};

/* out_h = (height + pad_top + pad_bottom - kernel_h) / stride_h + 1, out_w likewise. */
typedef struct lfuse_pool2d_args {
    size_t struct_size; /* set by lfuse_pool2d_args_init(&a, sizeof(a)) */
    const float *x;     /* (batch, channels, height, width) in layout */
    const float *dy;    /* as y */
    float *y;           /* (batch, channels, out_h, out_w) in layout */
    float *dx;          /* as x */
    int64_t batch;
    int64_t channels;
    int64_t height;
    int64_t width;
    int64_t kernel_h;
    int64_t kernel_w;
    int64_t stride_h; /* 0 means kernel_h */
    int64_t stride_w; /* 0 means kernel_w */
    int64_t pad_top;  /* each less than the kernel's side */
    int64_t pad_bottom;
    int64_t pad_left;
    int64_t pad_right;
    lfuse_pool pool;     /* 0 means average */
    lfuse_layout layout; /* 0 means NCHW */
} lfuse_pool2d_args;

/**
 * lfuse_pool2d_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_pool2d_args_init(lfuse_pool2d_args *args, size_t size);

/**
 * lfuse_pool2d_forward() - y from x
 * lfuse_pool2d_backward() - dx from dy and, for the maximum, x
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a padding that is negative or not less than
 *                                 the kernel's side, or an unknown pool or layout
 *          LFUSE_ERR_SHAPE        the kernel is larger than the padded image
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_pool2d_forward(lfuse_context *ctx,
                                            const lfuse_pool2d_args *args,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_pool2d_backward(lfuse_context *ctx,
                                             const lfuse_pool2d_args *args,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
