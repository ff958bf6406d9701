/* conv2d.h - two-dimensional convolution: forward, and backward to data and to weights */
#ifndef LAYERFUSE_CONV2D_H
#define LAYERFUSE_CONV2D_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_CONV2D_ACCUMULATE =
        1,                /* the call adds to its outputs instead of writing them */
    LFUSE_CONV2D_RELU = 2 /* act of the forward pass is max(0, .); others ignore it */
};

/*
 * How the sums are taken; a choice that a shape does not have is LFUSE_ERR_UNSUPPORTED. Winograd's
 * algorithm takes NHWC, kernels of 3 x 3, strides and dilations of 1, and one group.
 */
typedef int32_t lfuse_conv2d_algorithm;
enum {
    LFUSE_CONV2D_DIRECT = 1,   /* as they are defined */
    LFUSE_CONV2D_WINOGRAD = 2, /* F(4x4, 3x3) */
    LFUSE_CONV2D_WINOGRAD_2X2 = 3
};

/*
 * One struct for the three directions, so that a layer fills it once.
 * y is (batch, out_channels, out_h, out_w) with
 * out_h = (height + pad_top + pad_bottom - dilation_h * (kernel_h - 1) - 1) / stride_h + 1.
 */
typedef struct lfuse_conv2d_args {
    size_t struct_size; /* set by lfuse_conv2d_args_init(&a, sizeof(a)) */
    const float *x;     /* (batch, in_channels, height, width) in layout */
    const float *w;     /* (out_channels, in_channels / groups, kernel_h, kernel_w) */
    const float *bias;  /* (out_channels), or NULL */
    const float *dy;    /* as y */
    float *y;           /* (batch, out_channels, out_h, out_w) in layout */
    float *dx;          /* as x */
    float *dw;          /* as w */
    float *dbias;       /* as bias, or NULL */
    void *workspace; /* lfuse_conv2d_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
    int64_t batch;
    int64_t in_channels;
    int64_t height;
    int64_t width;
    int64_t out_channels;
    int64_t kernel_h;
    int64_t kernel_w;
    int64_t stride_h; /* 0 means 1 */
    int64_t stride_w;
    int64_t pad_top; /* zeros around the image */
    int64_t pad_bottom;
    int64_t pad_left;
    int64_t pad_right;
    int64_t dilation_h; /* 0 means 1 */
    int64_t dilation_w;
    int64_t groups;                   /* divides both channel counts; 0 means 1 */
    lfuse_layout layout;              /* 0 means NCHW */
    uint32_t flags;                   /* LFUSE_CONV2D_* or 0 */
    lfuse_conv2d_algorithm algorithm; /* 0 means by shape, or as packed is */
    int32_t reserved_1;               /* 0 */
    const float *scale; /* (out_channels), or NULL: 1. Forward alone reads these three */
    const float *shift; /* (out_channels), or NULL: 0 */
    const float *residual; /* as y, or NULL: 0; may not overlap y */
    const lfuse_packed
        *packed; /* w as lfuse_conv2d_pack() prepared it, or NULL; then w is not read */
} lfuse_conv2d_args;

/**
 * lfuse_conv2d_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_conv2d_args_init(lfuse_conv2d_args *args, size_t size);

/**
 * lfuse_conv2d_forward() - y = act((conv(x, w) + bias) * scale + shift + residual)
 * lfuse_conv2d_backward_data() - dx = gradient of x, from dy and w
 * lfuse_conv2d_backward_weights() - dw and, if it is given, dbias: from dy and x
 *
 * Shapes:  see lfuse_conv2d_args. Each call reads and writes only the pointers named here.
 *          What follows conv(x, w) is computed while a part of y is in the cache: a batch norm
 *          with fixed statistics is scale = norm scale / sqrt(variance + epsilon) and
 *          shift = norm shift - mean * scale.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a negative padding, an unknown layout or
 *                                 flag, a workspace that is too small or not aligned, an
 *                                 output that overlaps an input, ACCUMULATE in a forward pass
 *                                 with RELU, scale, shift or residual, or packed for other
 *                                 kernels or directions
 *          LFUSE_ERR_SHAPE        groups do not divide the channels, the kernel is larger than
 *                                 the padded image, or packed is of other weights
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know, or the shape has
 *                                 no such algorithm
 *          On failure the outputs are untouched.
 * Cost:    2 * batch * out_channels * out_h * out_w * in_channels / groups * kernel_h *
 *          kernel_w operations. NHWC is the native layout; NCHW pays a transpose of each image.
 * Numbers: f32 sums; |error| <= k eps sum |terms| with k the number of terms of a sum, then
 *          one rounding for each step behind it.
 *          Winograd's algorithm does a quarter of the products of 3 x 3 kernels, on squares of
 *          6 x 6 pixels (4 x 4: 4/9 of them), and loses digits in making the squares: errors
 *          stay below 1e-5 of the output in the 2-norm, and each below 4e-5 of the outputs'
 *          deviation, for numbers that are not much larger in one place than in another. A NaN
 *          or an infinity in a square makes all outputs of its tile, 4 x 4 or 2 x 2, NaN.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_conv2d_forward(lfuse_context *ctx,
                                            const lfuse_conv2d_args *args,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_conv2d_backward_data(lfuse_context *ctx,
                                                  const lfuse_conv2d_args *args,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_conv2d_backward_weights(lfuse_context *ctx,
                                                     const lfuse_conv2d_args *args,
                                                     lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_conv2d_workspace() - bytes that are enough for all three directions of these args
 *
 * Result:  *bytes, for a context of this many threads. Pointers in args are not looked at.
 * Errors:  as above. On failure *bytes is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_conv2d_workspace(lfuse_context *ctx,
                                              const lfuse_conv2d_args *args,
                                              size_t *bytes,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
