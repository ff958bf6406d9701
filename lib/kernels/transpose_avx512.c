/*
 * transpose_avx512.c - blocks of 16 x 16 in registers, so that lines are read and written whole
 *
 * Four rounds of shuffles: floats of two rows, pairs of four, then quarters of eight and of
 * sixteen. Blocks at the edges are loaded and stored through masks. The pragmas keep a block in
 * registers at -O2, where gcc does not unroll.
 */
#include "kernels/entries.h"

#include <immintrin.h>

enum { SIDE = 16, NARROW = 6 };

/* Round 1 and 2: v[4k + i] holds, in its quarter q, column 4q + i of rows 4k .. 4k + 3. */
static inline void shuffle_floats(__m512 v[SIDE])
{
    int i;

#pragma GCC unroll 4
    for (i = 0; i < SIDE; i += 4) {
        const __m512 a = _mm512_unpacklo_ps(v[i], v[i + 1]);
        const __m512 b = _mm512_unpackhi_ps(v[i], v[i + 1]);
        const __m512 c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]);
        const __m512 d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);

        v[i] = _mm512_shuffle_ps(a, c, 0x44);
        v[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        v[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        v[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
}

/* Round 3 and 4: v[4q + i] becomes column 4q + i. */
static inline void shuffle_quarters(__m512 v[SIDE])
{
    int i;

#pragma GCC unroll 4
    for (i = 0; i < 4; i++) {
        const __m512 a = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x44);
        const __m512 b = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xee);
        const __m512 c = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x44);
        const __m512 d = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xee);

        v[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        v[i + 4] = _mm512_shuffle_f32x4(a, c, 0xdd);
        v[i + 8] = _mm512_shuffle_f32x4(b, d, 0x88);
        v[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

static void whole_block(const float *x, int64_t x_row, float *y, int64_t y_row)
{
    __m512 v[SIDE];
    int i;

#pragma GCC unroll 16
    for (i = 0; i < SIDE; i++)
        v[i] = _mm512_loadu_ps(x + i * x_row);
    shuffle_floats(v);
    shuffle_quarters(v);
#pragma GCC unroll 16
    for (i = 0; i < SIDE; i++)
        _mm512_storeu_ps(y + i * y_row, v[i]);
}

static void edge_block(const float *x, int64_t rows, int64_t cols, int64_t x_row,
                       float *y, int64_t y_row)
{
    const __mmask16 of_x = (__mmask16)((1u << cols) - 1u);
    const __mmask16 of_y = (__mmask16)((1u << rows) - 1u);
    __m512 v[SIDE];
    int i;

#pragma GCC unroll 16
    for (i = 0; i < SIDE; i++)
        v[i] =
            i < rows ? _mm512_maskz_loadu_ps(of_x, x + i * x_row) : _mm512_setzero_ps();
    shuffle_floats(v);
    shuffle_quarters(v);
#pragma GCC unroll 16
    for (i = 0; i < SIDE; i++)
        if (i < cols)
            _mm512_mask_storeu_ps(y + i * y_row, of_y, v[i]);
}

void lfi_transpose_f32__avx512(const float *x, int64_t rows, int64_t cols, int64_t x_row,
                               float *y, int64_t y_row)
{
    int64_t i, j;

    if (rows < NARROW || cols < NARROW) { /* most of a block would be empty */
        lfi_transpose_f32__scalar(x, rows, cols, x_row, y, y_row);
        return;
    }
    for (i = 0; i < rows; i += SIDE)
        for (j = 0; j < cols; j += SIDE) {
            const float *from = x + i * x_row + j;
            float *to = y + j * y_row + i;
            const int64_t m = rows - i < SIDE ? rows - i : SIDE;
            const int64_t n = cols - j < SIDE ? cols - j : SIDE;

            if (m == SIDE && n == SIDE)
                whole_block(from, x_row, to, y_row);
            else
                edge_block(from, m, n, x_row, to, y_row);
        }
}
