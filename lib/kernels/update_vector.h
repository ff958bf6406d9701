/* update_vector.h - update_scalar.c, a vector at a time, products and sums fused */
#include "kernels/entries.h"
#include "kernels/vector.h"

struct numbers {
    vec learning_rate;
    vec momentum;
    vec weight_decay;
    bool nesterov;
};

/* Up to LANES elements. */
VEC_INLINE void sgd_at(const struct numbers *n, float *value, const float *gradient,
                       float *velocity, int64_t count)
{
    vec w = vec_get(value, count);
    vec g = vec_fma(n->weight_decay, w, vec_get(gradient, count));

    if (velocity != NULL) {
        vec v = vec_fma(n->momentum, vec_get(velocity, count), g);

        vec_put(velocity, count, v);
        g = n->nesterov ? vec_fma(n->momentum, v, g) : v;
    }
    vec_put(value, count, vec_fnma(n->learning_rate, g, w));
}

void LFI_ENTRY(sgd_f32)(float *value, const float *gradient, float *velocity,
                        int64_t count, float learning_rate, float momentum,
                        float weight_decay, bool nesterov)
{
    const struct numbers n = {vec_set(learning_rate), vec_set(momentum),
                              vec_set(weight_decay), nesterov};
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        sgd_at(&n, value + i, gradient + i, velocity != NULL ? velocity + i : NULL,
               LANES);
    sgd_at(&n, value + i, gradient + i, velocity != NULL ? velocity + i : NULL,
           count - i);
}
