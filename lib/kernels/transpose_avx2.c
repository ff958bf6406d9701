/*
 * transpose_avx2.c - blocks of 8 x 8 in registers; the scalar kernel takes the edges
 *
 * Three rounds of shuffles: floats of two rows, pairs of four, halves of eight. The pragmas keep a
 * block in registers at -O2, where gcc does not unroll.
 */
#include "kernels/entries.h"

#include <immintrin.h>

enum { SIDE = 8 };

static void whole_block(const float *x, int64_t x_row, float *y, int64_t y_row)
{
    __m256 v[SIDE];
    int i;

#pragma GCC unroll 8
    for (i = 0; i < SIDE; i++)
        v[i] = _mm256_loadu_ps(x + i * x_row);
#pragma GCC unroll 2
    for (i = 0; i < SIDE; i += 4) {
        const __m256 a = _mm256_unpacklo_ps(v[i], v[i + 1]);
        const __m256 b = _mm256_unpackhi_ps(v[i], v[i + 1]);
        const __m256 c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]);
        const __m256 d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);

        v[i] = _mm256_shuffle_ps(a, c, 0x44);
        v[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        v[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        v[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
#pragma GCC unroll 4
    for (i = 0; i < SIDE / 2; i++) {
        _mm256_storeu_ps(y + i * y_row, _mm256_permute2f128_ps(v[i], v[i + 4], 0x20));
        _mm256_storeu_ps(y + (i + 4) * y_row,
                         _mm256_permute2f128_ps(v[i], v[i + 4], 0x31));
    }
}

void lfi_transpose_f32__avx2(const float *x, int64_t rows, int64_t cols, int64_t x_row,
                             float *y, int64_t y_row)
{
    const int64_t whole_rows = rows - rows % SIDE, whole_cols = cols - cols % SIDE;
    int64_t i, j;

    if (x_row >
        y_row) /* goes along the longer rows: eight of them fit a set of the cache */
        for (i = 0; i < whole_rows; i += SIDE)
            for (j = 0; j < whole_cols; j += SIDE)
                whole_block(x + i * x_row + j, x_row, y + j * y_row + i, y_row);
    else
        for (j = 0; j < whole_cols; j += SIDE)
            for (i = 0; i < whole_rows; i += SIDE)
                whole_block(x + i * x_row + j, x_row, y + j * y_row + i, y_row);
    lfi_transpose_f32__scalar(x + whole_cols, whole_rows, cols - whole_cols, x_row,
                              y + whole_cols * y_row, y_row);
    lfi_transpose_f32__scalar(x + whole_rows * x_row, rows - whole_rows, cols, x_row,
                              y + whole_rows, y_row);
}
