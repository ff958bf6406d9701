/*
 * softmax_vector.h - softmax_scalar.c, a vector at a time
 *
 * Exponentials are f32, their sum f64. They are written where the gradient goes, and scaled there.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"
#include "kernels/vector_exp.h"
#include "kernels/vector_f64.h"

#include <math.h>

enum { GROUP = 4 };

/* The greatest that is a number. */
VEC_INLINE float greatest(const float *x, int64_t count)
{
    vec best[GROUP];
    float most;
    int64_t i = 0;
    int v;

#pragma GCC unroll 4
    for (v = 0; v < GROUP; v++)
        best[v] = vec_set(-INFINITY);
    for (; i + GROUP * LANES <= count; i += GROUP * LANES)
#pragma GCC unroll 4
        for (v = 0; v < GROUP; v++)
            best[v] = vec_max(vec_load(x + i + v * LANES), best[v]);
    most = vec_greatest(vec_max(vec_max(best[0], best[1]), vec_max(best[2], best[3])));
    for (; i < count; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

struct sums {
    vec64 low;
    vec64 high;
};

/* exp(x - most), kept in e unless it is NULL. */
VEC_INLINE void add_exponentials(const float *x, int64_t count, vec most, float *e,
                                 struct sums *s)
{
    const vec v = vec_keep(vec_exp(vec_sub(vec_get(x, count), most)), count);

    s->low = vec64_add(s->low, vec64_low(v));
    s->high = vec64_add(s->high, vec64_high(v));
    if (e != NULL)
        vec_put(e, count, v);
}

VEC_INLINE double exponentials(const float *x, int64_t count, float most, float *e)
{
    struct sums s = {vec64_set(0.0), vec64_set(0.0)};
    const vec shift = vec_set(most);
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        add_exponentials(x + i, LANES, shift, e != NULL ? e + i : NULL, &s);
    if (i < count)
        add_exponentials(x + i, count - i, shift, e != NULL ? e + i : NULL, &s);
    return vec64_total(vec64_add(s.low, s.high));
}

VEC_INLINE void scale(float *x, int64_t count, float by)
{
    const vec factor = vec_set(by);
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        vec_store(x + i, vec_mul(vec_load(x + i), factor));
    vec_put(x + i, count - i, vec_mul(vec_get(x + i, count - i), factor));
}

struct lfi_row_loss LFI_ENTRY(softmax_f32)(const float *x, int64_t count, int64_t label,
                                           double share, float *dx)
{
    const float most = greatest(x, count), at_label = x[label];
    struct lfi_row_loss row = {0};
    int64_t i = 0;
    double sum;

    while (at_label == most && i < label && x[i] != most)
        i++;
    row.correct = at_label == most && i == label;
    sum = dx != NULL ? exponentials(x, count, most, dx)
                     : exponentials(x, count, most, NULL);
    row.correct = row.correct && sum == sum;
    row.loss = log(sum) - ((double)at_label - (double)most);
    if (dx == NULL)
        return row;
    scale(dx, count, (float)(share / sum));
    dx[label] = (float)((exp((double)at_label - (double)most) / sum - 1.0) * share);
    return row;
}
