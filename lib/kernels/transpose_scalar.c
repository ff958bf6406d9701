/* transpose_scalar.c - rows become columns, in blocks whose two sides stay in cache */
#include "kernels/entries.h"

enum { BLOCK = 16 };

void lfi_transpose_f32__scalar(const float *x, int64_t rows, int64_t cols, int64_t x_row,
                               float *y, int64_t y_row)
{
    int64_t i0, j0, i, j;

    for (i0 = 0; i0 < rows; i0 += BLOCK)
        for (j0 = 0; j0 < cols; j0 += BLOCK) {
            int64_t i_end = rows - i0 < BLOCK ? rows : i0 + BLOCK;
            int64_t j_end = cols - j0 < BLOCK ? cols : j0 + BLOCK;

            for (j = j0; j < j_end; j++)
                for (i = i0; i < i_end; i++)
                    y[j * y_row + i] = x[i * x_row + j];
        }
}
