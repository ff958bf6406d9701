/* pool2d_scalar.c - the loops of one pooling window as they are defined; see kernels.h */
#include "kernels/entries.h"

void lfi_pool_average_f32__scalar(const struct lfi_pool_tile *t)
{
    const float pixels = (float)(t->rows * t->cols);
    int64_t r, c, j;

    for (j = 0; j < t->width; j++) {
        float total = 0.0f;

        for (r = 0; r < t->rows; r++)
            for (c = 0; c < t->cols; c++)
                total += t->x[r * t->row_step + c * t->step + j];
        t->y[j] = total / pixels;
    }
}

/* Where the first is that no other exceeds; NaN exceeds every number. */
static int64_t find_max(const struct lfi_pool_tile *t, int64_t j)
{
    float best = t->x[j];
    int64_t at = j, r, c;

    for (r = 0; r < t->rows; r++) {
        for (c = 0; c < t->cols; c++) {
            int64_t here = r * t->row_step + c * t->step + j;
            float v = t->x[here];

            if (v > best || (v != v && best == best)) {
                best = v;
                at = here;
            }
        }
    }
    return at;
}

void lfi_pool_max_f32__scalar(const struct lfi_pool_tile *t)
{
    int64_t j;

    for (j = 0; j < t->width; j++)
        t->y[j] = t->x[find_max(t, j)];
}

void lfi_pool_average_gradient_f32__scalar(const struct lfi_pool_tile *t)
{
    const float pixels = (float)(t->rows * t->cols);
    int64_t r, c, j;

    for (j = 0; j < t->width; j++) {
        float share = t->dy[j] / pixels;

        for (r = 0; r < t->rows; r++)
            for (c = 0; c < t->cols; c++)
                t->dx[r * t->row_step + c * t->step + j] += share;
    }
}

void lfi_pool_max_gradient_f32__scalar(const struct lfi_pool_tile *t)
{
    int64_t j;

    for (j = 0; j < t->width; j++)
        t->dx[find_max(t, j)] += t->dy[j];
}
