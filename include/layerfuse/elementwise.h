/* elementwise.h - ReLU and the residual add */
#ifndef LAYERFUSE_ELEMENTWISE_H
#define LAYERFUSE_ELEMENTWISE_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/**
 * lfuse_relu_forward() - y[i] = max(0, x[i])
 * lfuse_relu_backward() - dx[i] = y[i] > 0 ? dy[i] : 0
 * lfuse_add() - y[i] = a[i] + b[i]
 *
 * Shapes:  `count` elements each. An output may be one of the inputs, but not overlap it shifted.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or count < 1
 *          On failure the output is untouched.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_relu_forward(lfuse_context *ctx, const float *x,
                                          int64_t count, float *y,
                                          lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_relu_backward(lfuse_context *ctx, const float *y,
                                           const float *dy, int64_t count, float *dx,
                                           lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_add(lfuse_context *ctx, const float *a, const float *b,
                                 int64_t count, float *y,
                                 lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
