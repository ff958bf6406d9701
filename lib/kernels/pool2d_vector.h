/* pool2d_vector.h - pool2d_scalar.c, a vector of columns at a time, bit for bit */
#include "kernels/entries.h"
#include "kernels/vector.h"

typedef struct lfi_pool_tile tile;

VEC_INLINE void average_at(const tile *t, int64_t j, int64_t count)
{
    vec total = vec_set(0.0f);
    int64_t r, c;

    for (r = 0; r < t->rows; r++)
        for (c = 0; c < t->cols; c++)
            total =
                vec_add(total, vec_get(t->x + r * t->row_step + c * t->step + j, count));
    vec_put(t->y + j, count, vec_div(total, vec_set((float)(t->rows * t->cols))));
}

void LFI_ENTRY(pool_average_f32)(const tile *given)
{
    const tile t = *given;
    int64_t j;

    for (j = 0; j + LANES <= t.width; j += LANES)
        average_at(&t, j, LANES);
    if (j < t.width)
        average_at(&t, j, t.width - j);
}

VEC_INLINE vec max_at(const tile *t, int64_t j, int64_t count)
{
    vec best = vec_get(t->x + j, count);
    int64_t r, c;

    for (r = 0; r < t->rows; r++)
        for (c = 0; c < t->cols; c++)
            best = vec_greater(vec_get(t->x + r * t->row_step + c * t->step + j, count),
                               best);
    return best;
}

VEC_INLINE void put_max_at(const tile *t, int64_t j, int64_t count)
{
    vec_put(t->y + j, count, max_at(t, j, count));
}

void LFI_ENTRY(pool_max_f32)(const tile *given)
{
    const tile t = *given;
    int64_t j;

    for (j = 0; j + LANES <= t.width; j += LANES)
        put_max_at(&t, j, LANES);
    if (j < t.width)
        put_max_at(&t, j, t.width - j);
}

VEC_INLINE void spread_at(const tile *t, int64_t j, int64_t count)
{
    const vec pixels = vec_set((float)(t->rows * t->cols)),
              share = vec_div(vec_get(t->dy + j, count), pixels);
    int64_t r, c;

    for (r = 0; r < t->rows; r++) {
        for (c = 0; c < t->cols; c++) {
            float *dx = t->dx + r * t->row_step + c * t->step + j;

            vec_put(dx, count, vec_add(vec_get(dx, count), share));
        }
    }
}

void LFI_ENTRY(pool_average_gradient_f32)(const tile *given)
{
    const tile t = *given;
    int64_t j;

    for (j = 0; j + LANES <= t.width; j += LANES)
        spread_at(&t, j, LANES);
    if (j < t.width)
        spread_at(&t, j, t.width - j);
}

/* What is left of dy after the first pixel that holds the maximum is zero. */
VEC_INLINE void give_at(const tile *t, int64_t j, int64_t count)
{
    const vec best = max_at(t, j, count);
    vec left = vec_get(t->dy + j, count);
    int64_t r, c;

    for (r = 0; r < t->rows; r++) {
        for (c = 0; c < t->cols; c++) {
            int64_t at = r * t->row_step + c * t->step + j;
            vec_test same = vec_same(vec_get(t->x + at, count), best);
            vec dx = vec_get(t->dx + at, count);

            vec_put(t->dx + at, count, vec_add(dx, vec_where(same, left)));
            left = vec_where_not(same, left);
        }
    }
}

void LFI_ENTRY(pool_max_gradient_f32)(const tile *given)
{
    const tile t = *given;
    int64_t j;

    for (j = 0; j + LANES <= t.width; j += LANES)
        give_at(&t, j, LANES);
    if (j < t.width)
        give_at(&t, j, t.width - j);
}
