/*
 * batch_norm_vector.h - batch_norm_scalar.c, a vector at a time, products and sums fused
 *
 * The sums keep GROUP vectors of columns in registers and walk down the rows; the passes that
 * write go along the rows, for they are bound by memory and their columns' numbers by the
 * first cache.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"

enum { GROUP = 4 };

/* ---- sums over the rows ------------------------------------------------------------------ */

typedef struct lfi_batch_norm_tile tile;

/* One element's terms: of the moments d and d * d, of the gradient g and g * d. */
VEC_INLINE void add_terms(const tile *t, bool gradient, int64_t at, int64_t count,
                          vec center, vec *sum, vec *product)
{
    vec d = vec_sub(vec_get(t->x + at, count), center), g = d;

    if (gradient) {
        g = vec_get(t->dy + at, count);
        if (t->mask != NULL)
            g = vec_where_positive(vec_get(t->mask + at, count), g);
    }
    *sum = vec_add(*sum, g);
    *product = vec_fma(g, d, *product);
}

/*
 * Columns [j, j + vectors * LANES), the last vector with count lanes of them. The pragma
 * keeps the arrays in registers at -O2, where gcc does not unroll.
 */
VEC_INLINE void sum_group(const tile *t, bool gradient, int64_t j, int vectors,
                          int64_t count)
{
    vec center[GROUP], sum[GROUP], product[GROUP];
    int64_t i;
    int v;

#pragma GCC unroll 4
    for (v = 0; v < vectors; v++) {
        center[v] = vec_get(t->center + j + v * LANES, count);
        sum[v] = vec_get(t->sum + j + v * LANES, count);
        product[v] = vec_get(t->product + j + v * LANES, count);
    }
    for (i = 0; i < t->rows; i++)
#pragma GCC unroll 4
        for (v = 0; v < vectors; v++)
            add_terms(t, gradient, i * t->step + j + v * LANES, count, center[v], &sum[v],
                      &product[v]);
#pragma GCC unroll 4
    for (v = 0; v < vectors; v++) {
        vec_put(t->sum + j + v * LANES, count, sum[v]);
        vec_put(t->product + j + v * LANES, count, product[v]);
    }
}

VEC_INLINE void sum_columns(const tile *t, bool gradient)
{
    int64_t j = 0;

    for (; j + GROUP * LANES <= t->width; j += GROUP * LANES)
        sum_group(t, gradient, j, GROUP, LANES);
    for (; j + LANES <= t->width; j += LANES)
        sum_group(t, gradient, j, 1, LANES);
    if (j < t->width)
        sum_group(t, gradient, j, 1, t->width - j);
}

void LFI_ENTRY(batch_norm_moments_f32)(const tile *given)
{
    const tile t = *given;

    sum_columns(&t, false);
}

void LFI_ENTRY(batch_norm_gradient_sums_f32)(const tile *given)
{
    const tile t = *given;

    sum_columns(&t, true);
}

/* ---- passes that write --------------------------------------------------------------------- */

VEC_INLINE void apply_at(const tile *t, int64_t at, int64_t j, int64_t count)
{
    vec d = vec_sub(vec_get(t->x + at, count), vec_get(t->center + j, count));
    vec v = vec_fma(d, vec_get(t->factor + j, count), vec_get(t->offset + j, count));

    if (t->residual != NULL)
        v = vec_add(v, vec_get(t->residual + at, count));
    if (t->relu)
        v = vec_relu(v);
    vec_put(t->out + at, count, v);
}

void LFI_ENTRY(batch_norm_apply_f32)(const tile *given)
{
    const tile t = *given;
    int64_t i, j;

    for (i = 0; i < t.rows; i++) {
        for (j = 0; j + LANES <= t.width; j += LANES)
            apply_at(&t, i * t.step + j, j, LANES);
        if (j < t.width)
            apply_at(&t, i * t.step + j, j, t.width - j);
    }
}

VEC_INLINE void gradient_at(const tile *t, int64_t at, int64_t j, int64_t count)
{
    vec d = vec_sub(vec_get(t->x + at, count), vec_get(t->center + j, count));
    vec g = vec_get(t->dy + at, count);

    if (t->mask != NULL)
        g = vec_where_positive(vec_get(t->mask + at, count), g);
    if (t->dresidual != NULL)
        vec_put(t->dresidual + at, count, g);
    d = vec_fma(d, vec_get(t->slope + j, count), vec_get(t->offset + j, count));
    vec_put(t->out + at, count, vec_fma(g, vec_get(t->factor + j, count), d));
}

void LFI_ENTRY(batch_norm_gradient_f32)(const tile *given)
{
    const tile t = *given;
    int64_t i, j;

    for (i = 0; i < t.rows; i++) {
        for (j = 0; j + LANES <= t.width; j += LANES)
            gradient_at(&t, i * t.step + j, j, LANES);
        if (j < t.width)
            gradient_at(&t, i * t.step + j, j, t.width - j);
    }
}
