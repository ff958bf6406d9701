/*
 * layer_norm_vector.h - layer_norm_scalar.c, a vector at a time, products and sums fused
 *
 * Each lane of GROUP vectors sums its own part of a row in f32, the lanes are added in f64. The
 * mean is taken twice, the second time of the differences from the first, together with
 * their squares: so no large mean cancels, and what it loses in f32 is made good.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"
#include "kernels/vector_f64.h"

#include <math.h>

enum { GROUP = 4 };

typedef struct lfi_layer_norm_tile tile;

struct sums {
    vec first[GROUP];
    vec second[GROUP];
};

/* The pragmas keep the arrays in registers at -O2, where gcc does not unroll. */
VEC_INLINE void clear(struct sums *s)
{
    int v;

#pragma GCC unroll 4
    for (v = 0; v < GROUP; v++)
        s->first[v] = s->second[v] = vec_set(0.0f);
}

VEC_INLINE double total(const vec *v)
{
    vec64 low = vec64_set(0.0), high = low;
    int i;

#pragma GCC unroll 4
    for (i = 0; i < GROUP; i++) {
        low = vec64_add(low, vec64_low(v[i]));
        high = vec64_add(high, vec64_high(v[i]));
    }
    return vec64_total(vec64_add(low, high));
}

/* A row while it is worked on. Numbers that do not fit f32 are rounded to it. */
struct row {
    const tile *t;
    int64_t at; /* of the row's first element */
    vec mean;
    vec inverse;
    vec first;  /* what is taken off: from the normalised values, from g */
    vec second; /* what of the normalised values is taken off g */
};

/* The terms of columns [j, j + count), for the sums v. */
typedef void (*terms)(const struct row *r, int64_t j, int64_t count, struct sums *s,
                      int v);

VEC_INLINE void sum_row(const struct row *r, terms add, struct sums *s)
{
    const int64_t width = r->t->width;
    int64_t j = 0;
    int v;

    clear(s);
    for (; j + GROUP * LANES <= width; j += GROUP * LANES)
#pragma GCC unroll 4
        for (v = 0; v < GROUP; v++)
            add(r, j + v * LANES, LANES, s, v);
    for (; j + LANES <= width; j += LANES)
        add(r, j, LANES, s, 0);
    if (j < width)
        add(r, j, width - j, s, 0);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* s of some columns, and where it was written if it had to be. */
VEC_INLINE vec input(const struct row *r, int64_t j, int64_t count)
{
    const float *s = r->t->residual != NULL ? r->t->sum : r->t->x;

    return vec_get(s + r->at + j, count);
}

VEC_INLINE void add_values(const struct row *r, int64_t j, int64_t count, struct sums *s,
                           int v)
{
    const tile *t = r->t;
    vec x = vec_get(t->x + r->at + j, count);

    if (t->residual != NULL) {
        x = vec_add(x, vec_get(t->residual + r->at + j, count));
        vec_put(t->sum + r->at + j, count, x);
    }
    s->first[v] = vec_add(s->first[v], x);
    if (!t->centered)
        s->second[v] = vec_fma(x, x, s->second[v]);
}

VEC_INLINE void add_differences(const struct row *r, int64_t j, int64_t count,
                                struct sums *s, int v)
{
    vec d = vec_keep(vec_sub(input(r, j, count), r->mean), count);

    s->first[v] = vec_add(s->first[v], d);
    s->second[v] = vec_fma(d, d, s->second[v]);
}

VEC_INLINE void write_normalised(const struct row *r, int64_t j, int64_t count)
{
    const tile *t = r->t;
    vec d = vec_sub(input(r, j, count), r->mean);
    vec h = vec_fma(d, r->inverse, r->first), gamma = vec_get(t->gamma + j, count);

    vec_put(t->y + r->at + j, count,
            t->beta != NULL ? vec_fma(h, gamma, vec_get(t->beta + j, count))
                            : vec_mul(h, gamma));
}

VEC_INLINE void normalise_row(const tile *t, int64_t i)
{
    const double n = (double)t->width;
    struct row r = {.t = t, .at = i * t->width, .mean = vec_set(0.0f)};
    double mean = 0.0, squares, inverse;
    struct sums s;
    int64_t j;

    sum_row(&r, add_values, &s);
    squares = total(s.second) / n;
    if (t->centered) {
        double nearly = (double)(float)(total(s.first) / n), off;

        r.mean = vec_set((float)nearly);
        sum_row(&r, add_differences, &s);
        off = total(s.first) / n;
        squares = total(s.second) / n - off * off;
        mean = nearly + off;
    }
    inverse = 1.0 / sqrt((squares < 0.0 ? 0.0 : squares) + t->epsilon);
    r.mean = vec_set((float)mean);
    r.inverse = vec_set((float)inverse);
    r.first = vec_set((float)(((double)(float)mean - mean) * inverse));
    for (j = 0; j + LANES <= t->width; j += LANES)
        write_normalised(&r, j, LANES);
    if (j < t->width)
        write_normalised(&r, j, t->width - j);
    if (t->centered && t->mean != NULL)
        t->mean[i] = (float)mean;
    if (t->inv_std != NULL)
        t->inv_std[i] = (float)inverse;
}

void LFI_ENTRY(layer_norm_f32)(const struct lfi_layer_norm_tile *given)
{
    const tile t = *given;
    int64_t i;

    for (i = 0; i < t.rows; i++)
        normalise_row(&t, i);
}

/* ---- backward ------------------------------------------------------------------------------ */

/* Masked lanes are zero: what 0 - mean makes there may be out of range, and 0 times that a NaN. */
VEC_INLINE vec normalised(const struct row *r, int64_t j, int64_t count)
{
    const vec d = vec_sub(vec_get(r->t->x + r->at + j, count), r->mean);

    return vec_mul(vec_keep(d, count), r->inverse);
}

VEC_INLINE void add_gradients(const struct row *r, int64_t j, int64_t count,
                              struct sums *s, int v)
{
    const tile *t = r->t;
    vec dy = vec_get(t->dy + r->at + j, count), h = normalised(r, j, count);
    vec g = vec_mul(dy, vec_get(t->gamma + j, count));

    s->first[v] = vec_add(s->first[v], g);
    s->second[v] = vec_fma(g, h, s->second[v]);
    if (t->dgamma != NULL)
        vec_put(t->dgamma + j, count, vec_fma(dy, h, vec_get(t->dgamma + j, count)));
    if (t->dbeta != NULL)
        vec_put(t->dbeta + j, count, vec_add(dy, vec_get(t->dbeta + j, count)));
}

VEC_INLINE void write_gradient(const struct row *r, int64_t j, int64_t count)
{
    const tile *t = r->t;
    vec g = vec_mul(vec_get(t->dy + r->at + j, count), vec_get(t->gamma + j, count));
    vec d = vec_fnma(normalised(r, j, count), r->second, vec_sub(g, r->first));

    vec_put(t->dx + r->at + j, count,
            t->dsum != NULL ? vec_fma(r->inverse, d, vec_get(t->dsum + r->at + j, count))
                            : vec_mul(r->inverse, d));
}

VEC_INLINE void gradient_row(const tile *t, int64_t i)
{
    const double n = (double)t->width;
    struct row r = {.t = t,
                    .at = i * t->width,
                    .mean = vec_set(t->centered ? t->mean[i] : 0.0f),
                    .inverse = vec_set(t->inv_std[i])};
    struct sums s;
    int64_t j;

    sum_row(&r, add_gradients, &s);
    r.first = vec_set(t->centered ? (float)(total(s.first) / n) : 0.0f);
    r.second = vec_set((float)(total(s.second) / n));
    for (j = 0; j + LANES <= t->width; j += LANES)
        write_gradient(&r, j, LANES);
    if (j < t->width)
        write_gradient(&r, j, t->width - j);
}

void LFI_ENTRY(layer_norm_gradient_f32)(const struct lfi_layer_norm_tile *given)
{
    const tile t = *given;
    int64_t i;

    for (i = 0; i < t.rows; i++)
        gradient_row(&t, i);
}
