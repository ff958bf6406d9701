/*
 * channels_vector.h - channels_scalar.c, a vector of channels at a time, products and sums fused
 *
 * Products keep ROWS pixels in registers, so that a weight is read once for all of them. Sums
 * keep TAPS of them, and read the gradient once.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"

enum { ROWS = 8, TAPS = 9, FEW_TAPS = 3 };

typedef struct lfi_channel_tile tile;

/* `rows` pixels from x and y on, for the first count of a vector's channels. */
VEC_INLINE void product_rows(const tile *t, const float *x, float *y, int64_t j,
                             const int rows, int64_t count)
{
    vec sum[ROWS];
    int64_t k;
    int r;

#pragma GCC unroll 8
    for (r = 0; r < rows; r++)
        sum[r] = vec_set(0.0f);
    for (k = 0; k < t->taps; k++) {
        const float *from = x + t->x_tap[k];
        vec w = vec_get(t->w + t->w_tap[k] + j, count);

#pragma GCC unroll 8
        for (r = 0; r < rows; r++)
            sum[r] = vec_fma(vec_get(from + r * t->x_step, count), w, sum[r]);
    }
#pragma GCC unroll 8
    for (r = 0; r < rows; r++) {
        float *to = y + r * t->y_step;

        vec_put(to, count, t->accumulate ? vec_add(vec_get(to, count), sum[r]) : sum[r]);
    }
}

VEC_INLINE void product_line(const tile *t, const float *x, float *y, int64_t j,
                             int64_t count)
{
    int64_t i = 0;

    for (; i + ROWS <= t->rows; i += ROWS)
        product_rows(t, x + i * t->x_step, y + i * t->y_step, j, ROWS, count);
    for (; i + ROWS / 2 <= t->rows; i += ROWS / 2)
        product_rows(t, x + i * t->x_step, y + i * t->y_step, j, ROWS / 2, count);
    for (; i < t->rows; i++)
        product_rows(t, x + i * t->x_step, y + i * t->y_step, j, 1, count);
}

void LFI_ENTRY(channel_products_f32)(const tile *given)
{
    const tile t = *given;
    int64_t line, j;

    for (line = 0; line < t.lines; line++) {
        const float *x = t.x + line * t.x_line;
        float *y = t.y + line * t.y_line;

        for (j = 0; j + LANES <= t.width; j += LANES)
            product_line(&t, x + j, y + j, j, LANES);
        if (j < t.width)
            product_line(&t, x + j, y + j, j, t.width - j);
    }
}

/* Taps [first, first + taps) over all pixels. */
VEC_INLINE void sum_taps(const tile *t, int64_t first, const int taps, int64_t j,
                         int64_t count)
{
    const float *x[TAPS];
    vec sum[TAPS];
    int64_t line, i;
    int k;

#pragma GCC unroll 9
    for (k = 0; k < taps; k++)
        sum[k] = vec_get(t->dw + t->w_tap[first + k] + j, count);
    for (line = 0; line < t->lines; line++) {
        const float *dy = t->dy + line * t->y_line + j;
        int64_t at = 0;

#pragma GCC unroll 9
        for (k = 0; k < taps; k++)
            x[k] = t->x + line * t->x_line + t->x_tap[first + k] + j;
        for (i = 0; i < t->rows; i++, dy += t->y_step, at += t->x_step) {
            vec g = vec_get(dy, count);

#pragma GCC unroll 9
            for (k = 0; k < taps; k++)
                sum[k] = vec_fma(vec_get(x[k] + at, count), g, sum[k]);
        }
    }
#pragma GCC unroll 9
    for (k = 0; k < taps; k++)
        vec_put(t->dw + t->w_tap[first + k] + j, count, sum[k]);
}

VEC_INLINE void sum_channels(const tile *t, int64_t j, int64_t count)
{
    int64_t k = 0;

    for (; k + TAPS <= t->taps; k += TAPS)
        sum_taps(t, k, TAPS, j, count);
    for (; k + FEW_TAPS <= t->taps; k += FEW_TAPS)
        sum_taps(t, k, FEW_TAPS, j, count);
    for (; k < t->taps; k++)
        sum_taps(t, k, 1, j, count);
}

void LFI_ENTRY(channel_sums_f32)(const tile *given)
{
    const tile t = *given;
    int64_t j;

    for (j = 0; j + LANES <= t.width; j += LANES)
        sum_channels(&t, j, LANES);
    if (j < t.width)
        sum_channels(&t, j, t.width - j);
}

/* ---- planes ---------------------------------------------------------------------------------- */

#if defined(__AVX512F__)
VEC_INLINE vec choose(vec v, const int32_t *lanes)
{
    return _mm512_permutexvar_ps(_mm512_loadu_si512(lanes), v);
}
#else
VEC_INLINE vec choose(vec v, const int32_t *lanes)
{
    return _mm256_permutevar8x32_ps(v, _mm256_loadu_si256((const __m256i *)lanes));
}
#endif

/* Groups of as many channels on both sides that fill whole vectors stay in their vector. */
void LFI_ENTRY(channel_planes_f32)(const float *x, int64_t groups, int64_t in,
                                   int64_t out, float *y, int64_t plane)
{
    const int64_t width = in == out && LANES % in == 0 ? groups * in / LANES * LANES : 0;
    int32_t lanes[LANES];
    int64_t i, j;

    for (i = 0; i < in && width > 0; i++) {
        for (j = 0; j < LANES; j++)
            lanes[j] = (int32_t)(j / in * in + i);
        for (j = 0; j < width; j += LANES)
            vec_store(y + i * plane + j, choose(vec_load(x + j), lanes));
    }
    lfi_channel_planes_f32__scalar(x + width, groups - width / in, in, out, y + width,
                                   plane);
}
