/* pool2d_vector.h - pool2d_scalar.c, a vector of columns at a time, down the rows */
#include "kernels/entries.h"
#include "kernels/vector.h"

/* Up to LANES columns, their totals in a register. */
VEC_INLINE void sum_at(const float *x, int64_t rows, int64_t step, int64_t count,
                       float *y)
{
    vec total = vec_get(y, count);
    int64_t i;

    for (i = 0; i < rows; i++)
        total = vec_add(total, vec_get(x + i * step, count));
    vec_put(y, count, total);
}

void LFI_ENTRY(pool_sum_f32)(const float *x, int64_t rows, int64_t width, int64_t step,
                             float *y)
{
    int64_t j;

    for (j = 0; j + LANES <= width; j += LANES)
        sum_at(x + j, rows, step, LANES, y + j);
    if (j < width)
        sum_at(x + j, rows, step, width - j, y + j);
}

VEC_INLINE void max_at(const float *x, int64_t rows, int64_t step, int64_t count,
                       float *y)
{
    vec best = vec_get(y, count);
    int64_t i;

    for (i = 0; i < rows; i++)
        best = vec_greater(vec_get(x + i * step, count), best);
    vec_put(y, count, best);
}

void LFI_ENTRY(pool_max_f32)(const float *x, int64_t rows, int64_t width, int64_t step,
                             float *y)
{
    int64_t j;

    for (j = 0; j + LANES <= width; j += LANES)
        max_at(x + j, rows, step, LANES, y + j);
    if (j < width)
        max_at(x + j, rows, step, width - j, y + j);
}

VEC_INLINE void spread_at(const float *dy, float factor, int64_t rows, int64_t step,
                          int64_t count, float *dx)
{
    vec share = vec_mul(vec_set(factor), vec_get(dy, count));
    int64_t i;

    for (i = 0; i < rows; i++)
        vec_put(dx + i * step, count, vec_add(vec_get(dx + i * step, count), share));
}

void LFI_ENTRY(pool_spread_f32)(const float *dy, float factor, int64_t rows,
                                int64_t width, int64_t step, float *dx)
{
    int64_t j;

    for (j = 0; j + LANES <= width; j += LANES)
        spread_at(dy + j, factor, rows, step, LANES, dx + j);
    if (j < width)
        spread_at(dy + j, factor, rows, step, width - j, dx + j);
}
