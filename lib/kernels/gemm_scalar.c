/* gemm_scalar.c - the micro-kernel as it is defined */
#include "kernels/entries.h"

void lfi_gemm_f32__scalar(const struct lfi_gemm_tile *tile)
{
    int64_t i, j, t, k;

    for (i = 0; i < tile->rows; i++) {
        for (j = 0; j < tile->cols; j++) {
            const float *a = tile->a + i * tile->a_row;
            const float *b = tile->b + j;
            float *c = tile->c + i * tile->c_row + j;
            float sum = 0.0f;

            for (t = 0; t < tile->taps; t++)
                for (k = 0; k < tile->steps; k++)
                    sum += a[k * tile->a_step + tile->a_tap[t]] *
                           b[k * tile->b_step + tile->b_tap[t]];
            *c = tile->accumulate ? *c + sum : sum;
        }
    }
}
