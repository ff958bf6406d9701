/* update_vector.h - update_scalar.c, a vector at a time, products and sums fused */
#include "kernels/entries.h"
#include "kernels/vector.h"
#include "kernels/vector_f64.h"

/* ---- SGD --------------------------------------------------------------------------------- */

struct sgd {
    vec scale;
    vec learning_rate;
    vec momentum;
    vec weight_decay;
    bool nesterov;
};

/* Up to LANES elements. */
VEC_INLINE void sgd_at(const struct sgd *n, float *value, const float *gradient,
                       float *velocity, int64_t count)
{
    vec w = vec_get(value, count);
    vec g = vec_fma(n->weight_decay, w, vec_mul(n->scale, vec_get(gradient, count)));

    if (velocity != NULL) {
        vec v = vec_fma(n->momentum, vec_get(velocity, count), g);

        vec_put(velocity, count, v);
        g = n->nesterov ? vec_fma(n->momentum, v, g) : v;
    }
    vec_put(value, count, vec_fnma(n->learning_rate, g, w));
}

void LFI_ENTRY(sgd_f32)(const struct lfi_sgd *sgd, float *value, const float *gradient,
                        float *velocity, int64_t count)
{
    const struct sgd n = {vec_set(sgd->scale), vec_set(sgd->learning_rate),
                          vec_set(sgd->momentum), vec_set(sgd->weight_decay),
                          sgd->nesterov};
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        sgd_at(&n, value + i, gradient + i, velocity != NULL ? velocity + i : NULL,
               LANES);
    sgd_at(&n, value + i, gradient + i, velocity != NULL ? velocity + i : NULL,
           count - i);
}

/* ---- AdamW ------------------------------------------------------------------------------- */

struct adamw {
    vec scale;
    vec keep;
    vec beta1;
    vec beta2;
    vec take1;
    vec take2;
    vec rate;
    vec correction;
    vec epsilon;
};

VEC_INLINE void adamw_at(const struct adamw *n, float *value, const float *gradient,
                         float *first, float *second, int64_t count)
{
    vec g = vec_mul(n->scale, vec_get(gradient, count));
    vec m = vec_fma(n->beta1, vec_get(first, count), vec_mul(n->take1, g));
    vec v = vec_fma(n->beta2, vec_get(second, count), vec_mul(n->take2, vec_mul(g, g)));
    vec step =
        vec_div(vec_mul(n->rate, m), vec_fma(n->correction, vec_sqrt(v), n->epsilon));

    vec_put(first, count, m);
    vec_put(second, count, v);
    vec_put(value, count, vec_sub(vec_mul(n->keep, vec_get(value, count)), step));
}

void LFI_ENTRY(adamw_f32)(const struct lfi_adamw *a, float *value, const float *gradient,
                          float *first, float *second, int64_t count)
{
    const struct adamw n = {
        vec_set(a->scale), vec_set(a->keep),       vec_set(a->beta1),
        vec_set(a->beta2), vec_set(a->take1),      vec_set(a->take2),
        vec_set(a->rate),  vec_set(a->correction), vec_set(a->epsilon)};
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        adamw_at(&n, value + i, gradient + i, first + i, second + i, LANES);
    adamw_at(&n, value + i, gradient + i, first + i, second + i, count - i);
}

/* ---- the norm ---------------------------------------------------------------------------- */

enum { SUMS = 2 }; /* vectors of floats in flight, each as two of doubles */

VEC_INLINE void add_squares(vec x, vec64 *low, vec64 *high)
{
    const vec64 a = vec64_low(x), b = vec64_high(x);

    *low = vec64_fma(a, a, *low);
    *high = vec64_fma(b, b, *high);
}

double LFI_ENTRY(sum_squares_f32)(const float *x, int64_t count)
{
    vec64 low[SUMS] = {vec64_set(0.0), vec64_set(0.0)};
    vec64 high[SUMS] = {vec64_set(0.0), vec64_set(0.0)};
    int64_t i = 0;

    for (; i + SUMS * LANES <= count; i += SUMS * LANES) {
        add_squares(vec_load(x + i), &low[0], &high[0]);
        add_squares(vec_load(x + i + LANES), &low[1], &high[1]);
    }
    for (; i + LANES <= count; i += LANES)
        add_squares(vec_load(x + i), &low[0], &high[0]);
    if (i < count)
        add_squares(vec_get(x + i, count - i), &low[0], &high[0]);
    return vec64_total(vec64_add(vec64_add(low[0], high[0]), vec64_add(low[1], high[1])));
}
