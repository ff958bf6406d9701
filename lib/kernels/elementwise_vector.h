/* elementwise_vector.h - elementwise_scalar.c, a vector at a time, bit for bit */
#include "kernels/entries.h"
#include "kernels/vector.h"

/* Half as many elements, which are f64. */
#if defined(__AVX512F__)
VEC_INLINE void add_wide(const float *x, double *y)
{
    _mm512_storeu_pd(
        y, _mm512_add_pd(_mm512_loadu_pd(y), _mm512_cvtps_pd(_mm256_loadu_ps(x))));
}

VEC_INLINE void widen(const uint16_t *x, float *y)
{
    __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x));

    vec_store(y, _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)));
}
#else
VEC_INLINE void add_wide(const float *x, double *y)
{
    _mm256_storeu_pd(y,
                     _mm256_add_pd(_mm256_loadu_pd(y), _mm256_cvtps_pd(_mm_loadu_ps(x))));
}

VEC_INLINE void widen(const uint16_t *x, float *y)
{
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x));

    vec_store(y, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)));
}
#endif

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

void LFI_ENTRY(add_to_f64)(const float *x, int64_t count, double *y)
{
    int64_t i;

    for (i = 0; i + LANES / 2 <= count; i += LANES / 2)
        add_wide(x + i, y + i);
    lfi_add_to_f64__scalar(x + i, count - i, y + i);
}

void LFI_ENTRY(bf16_to_f32)(const uint16_t *x, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i + LANES <= count; i += LANES)
        widen(x + i, y + i);
    lfi_bf16_to_f32__scalar(x + i, count - i, y + i);
}
