/* pool2d_scalar.c - the loops of pooling over channels as they are defined; see kernels.h */
#include "kernels/entries.h"

void lfi_pool_sum_f32__scalar(const float *x, int64_t rows, int64_t width, int64_t step,
                              float *y)
{
    int64_t i, j;

    for (i = 0; i < rows; i++)
        for (j = 0; j < width; j++)
            y[j] += x[i * step + j];
}

void lfi_pool_max_f32__scalar(const float *x, int64_t rows, int64_t width, int64_t step,
                              float *y)
{
    int64_t i, j;

    for (i = 0; i < rows; i++) {
        for (j = 0; j < width; j++) {
            float v = x[i * step + j];

            if (v > y[j] || (v != v && y[j] == y[j]))
                y[j] = v;
        }
    }
}

void lfi_pool_spread_f32__scalar(const float *dy, float factor, int64_t rows,
                                 int64_t width, int64_t step, float *dx)
{
    int64_t i, j;

    for (i = 0; i < rows; i++)
        for (j = 0; j < width; j++)
            dx[i * step + j] += factor * dy[j];
}
