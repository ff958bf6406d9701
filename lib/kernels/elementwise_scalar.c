/* elementwise_scalar.c - ReLU and add as they are defined; NaN passes through */
#include "kernels/entries.h"

#include <string.h>

void lfi_relu_forward_f32__scalar(const float *x, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void lfi_relu_backward_f32__scalar(const float *y, const float *dy, int64_t count,
                                   float *dx)
{
    int64_t i;

    for (i = 0; i < count; i++)
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

void lfi_add_f32__scalar(const float *a, const float *b, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

void lfi_add_to_f64__scalar(const float *x, int64_t count, double *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] += (double)x[i];
}

void lfi_bf16_to_f32__scalar(const uint16_t *x, int64_t count, float *y)
{
    uint16_t bits;
    int64_t i;

    for (i = 0; i < count; i++) {
        memcpy(&bits, x + i, sizeof(bits)); /* at any address */
        y[i] = lfi_bf16_to_f32(bits);
    }
}
