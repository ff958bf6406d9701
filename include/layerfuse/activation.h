/* activation.h - GELU, SiLU and SwiGLU; ReLU is in elementwise.h */
#ifndef LAYERFUSE_ACTIVATION_H
#define LAYERFUSE_ACTIVATION_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_GELU_TANH = 1 }; /* GELU by its approximation with tanh, as GPT-2 has it */

typedef struct lfuse_activation_args {
    size_t struct_size; /* set by lfuse_activation_args_init(&a, sizeof(a)) */
    const float *x;     /* (rows, columns): of SwiGLU the gate */
    const float *up;    /* as x: SwiGLU's other factor */
    const float *dy;    /* as y */
    float *y;           /* (rows, columns); may be x or up where the strides are equal */
    float *dx;  /* as x; may be x, or dy where the strides are equal; so may dup, up */
    float *dup; /* as up */
    int64_t rows;
    int64_t columns;
    int64_t x_stride; /* elements between rows of x, up, dx and dup; 0 means columns */
    int64_t y_stride; /* elements between rows of y and dy; 0 means columns */
    uint32_t flags;   /* LFUSE_GELU_* for GELU, else 0 */
    int32_t reserved; /* 0 */
} lfuse_activation_args;

/**
 * lfuse_activation_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_activation_args_init(lfuse_activation_args *args, size_t size);

/**
 * lfuse_gelu_forward() - y = x P(x), P the normal distribution; with LFUSE_GELU_TANH
 *                        y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
 * lfuse_silu_forward() - y = x / (1 + exp(-x))
 * lfuse_swiglu_forward() - y = silu(x) up
 * lfuse_gelu_backward(), lfuse_silu_backward() - dx, from x and dy
 * lfuse_swiglu_backward() - dx and dup, from x, up and dy
 *
 * A fused (rows, 2 * columns) product of gate and up is x at its beginning, up at x + columns
 * and an x_stride of 2 * columns.
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a stride < columns, or an unknown flag
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: |error| <= 4 eps |x| + eps |y| with eps 2^-23, of slopes 8 eps (1 + |slope|); values
 *          below 2^-100 may become 0, and infinite x NaN.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Hendrycks & Gimpel 2016, arXiv:1606.08415; Shazeer 2020, arXiv:2002.05202. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_gelu_forward(lfuse_context *ctx,
                                          const lfuse_activation_args *args,
                                          lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_gelu_backward(lfuse_context *ctx,
                                           const lfuse_activation_args *args,
                                           lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_silu_forward(lfuse_context *ctx,
                                          const lfuse_activation_args *args,
                                          lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_silu_backward(lfuse_context *ctx,
                                           const lfuse_activation_args *args,
                                           lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_swiglu_forward(lfuse_context *ctx,
                                            const lfuse_activation_args *args,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_swiglu_backward(lfuse_context *ctx,
                                             const lfuse_activation_args *args,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
