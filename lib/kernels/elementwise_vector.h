/* elementwise_vector.h - elementwise_scalar.c, a vector at a time, bit for bit */
#include "kernels/entries.h"
#include "kernels/vector.h"

void LFI_ENTRY(relu_forward_f32)(const float *x, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        vec_store(y + i, vec_relu(vec_load(x + i)));
    vec_put(y + i, count - i, vec_relu(vec_get(x + i, count - i)));
}

void LFI_ENTRY(relu_backward_f32)(const float *y, const float *dy, int64_t count,
                                  float *dx)
{
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        vec_store(dx + i, vec_where_positive(vec_load(y + i), vec_load(dy + i)));
    vec_put(dx + i, count - i,
            vec_where_positive(vec_get(y + i, count - i), vec_get(dy + i, count - i)));
}

void LFI_ENTRY(add_f32)(const float *a, const float *b, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        vec_store(y + i, vec_add(vec_load(a + i), vec_load(b + i)));
    vec_put(y + i, count - i,
            vec_add(vec_get(a + i, count - i), vec_get(b + i, count - i)));
}
