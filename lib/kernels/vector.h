/*
 * vector.h - one name for the vectors of AVX2 (8 floats) and of AVX-512 (16 floats)
 *
 * A kernel whose loop is the same for both is written once, in <op>_vector.h, and compiled by
 * <op>_avx2.c and <op>_avx512.c, which say LFI_ISA. Masked lanes are neither read nor written,
 * and read as zero.
 */
#ifndef LFI_KERNELS_VECTOR_H
#define LFI_KERNELS_VECTOR_H

#include <stdint.h>

#include <immintrin.h>

#define LFI_ENTRY_OF(op, isa)    lfi_##op##__##isa
#define LFI_ENTRY_NAMED(op, isa) LFI_ENTRY_OF(op, isa)
#define LFI_ENTRY(op)            LFI_ENTRY_NAMED(op, LFI_ISA)

/* Inlined at any level, so that counts that are constants choose their loads there. */
#define VEC_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)

enum { LANES = 16 };
typedef __m512 vec;
typedef __mmask16 vec_mask;
typedef __mmask16 vec_test; /* one truth per lane */

VEC_INLINE vec vec_set(float value)
{
    return _mm512_set1_ps(value);
}

VEC_INLINE vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

VEC_INLINE void vec_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}

/* The first count lanes, count in [0, LANES]. */
VEC_INLINE vec_mask vec_first(int64_t count)
{
    return (vec_mask)((1u << count) - 1u);
}

VEC_INLINE vec vec_load_masked(const float *p, vec_mask mask)
{
    return _mm512_maskz_loadu_ps(mask, p);
}

VEC_INLINE vec vec_load_or(vec other, const float *p, vec_mask mask)
{
    return _mm512_mask_loadu_ps(other, mask, p);
}

VEC_INLINE void vec_store_masked(float *p, vec_mask mask, vec v)
{
    _mm512_mask_storeu_ps(p, mask, v);
}

VEC_INLINE vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

VEC_INLINE vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

VEC_INLINE vec vec_sqrt(vec a)
{
    return _mm512_sqrt_ps(a);
}

/* b where one is NaN */
VEC_INLINE vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

VEC_INLINE vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* a * b + c, rounded once */
VEC_INLINE vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a * b, rounded once */
VEC_INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

/* a * b - c, rounded once */
VEC_INLINE vec vec_fms(vec a, vec b, vec c)
{
    return _mm512_fmsub_ps(a, b, c);
}

/* x < 0 ? 0 : x; the second operand wins when one is NaN and when both are zeros. */
VEC_INLINE vec vec_relu(vec x)
{
    return _mm512_max_ps(_mm512_setzero_ps(), x);
}

/* The first count lanes, and zeros. */
VEC_INLINE vec vec_keep(vec v, int64_t count)
{
    return _mm512_maskz_mov_ps(vec_first(count), v);
}

/* y > 0 ? v : 0 */
VEC_INLINE vec vec_where_positive(vec y, vec v)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), v);
}

/* x > best || (x is NaN && best is not) ? x : best */
VEC_INLINE vec vec_greater(vec x, vec best)
{
    vec_mask take = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(best, best, _CMP_ORD_Q), x,
                                            best, _CMP_NLE_UQ);

    return _mm512_mask_mov_ps(best, take, x);
}

/* x == best, or x is NaN */
VEC_INLINE vec_test vec_same(vec x, vec best)
{
    return (vec_test)(_mm512_cmp_ps_mask(x, best, _CMP_EQ_OQ) |
                      _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q));
}

/* Of all lanes: their sum, and the greatest, which is any of them where one is NaN. */
VEC_INLINE float vec_total(vec v)
{
    return _mm512_reduce_add_ps(v);
}

VEC_INLINE float vec_greatest(vec v)
{
    return _mm512_reduce_max_ps(v);
}

VEC_INLINE vec_test vec_less(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

/* v where the test holds, else 0; and the other way round */
VEC_INLINE vec vec_where(vec_test test, vec v)
{
    return _mm512_maskz_mov_ps(test, v);
}

VEC_INLINE vec vec_where_not(vec_test test, vec v)
{
    return _mm512_mask_mov_ps(v, test, _mm512_setzero_ps());
}

#else

enum { LANES = 8 };
typedef __m256 vec;
typedef __m256i vec_mask;
typedef __m256 vec_test;

VEC_INLINE vec vec_set(float value)
{
    return _mm256_set1_ps(value);
}

VEC_INLINE vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

VEC_INLINE void vec_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}

VEC_INLINE vec_mask vec_first(int64_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

VEC_INLINE vec vec_load_masked(const float *p, vec_mask mask)
{
    return _mm256_maskload_ps(p, mask);
}

VEC_INLINE vec vec_load_or(vec other, const float *p, vec_mask mask)
{
    return _mm256_blendv_ps(other, _mm256_maskload_ps(p, mask),
                            _mm256_castsi256_ps(mask));
}

VEC_INLINE void vec_store_masked(float *p, vec_mask mask, vec v)
{
    _mm256_maskstore_ps(p, mask, v);
}

VEC_INLINE vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

VEC_INLINE vec vec_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

VEC_INLINE vec vec_sqrt(vec a)
{
    return _mm256_sqrt_ps(a);
}

VEC_INLINE vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

VEC_INLINE vec vec_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

VEC_INLINE vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

VEC_INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

VEC_INLINE vec vec_fms(vec a, vec b, vec c)
{
    return _mm256_fmsub_ps(a, b, c);
}

VEC_INLINE vec vec_relu(vec x)
{
    return _mm256_max_ps(_mm256_setzero_ps(), x);
}

VEC_INLINE vec vec_keep(vec v, int64_t count)
{
    return _mm256_and_ps(_mm256_castsi256_ps(vec_first(count)), v);
}

VEC_INLINE vec vec_where_positive(vec y, vec v)
{
    return _mm256_and_ps(_mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ), v);
}

VEC_INLINE vec vec_greater(vec x, vec best)
{
    vec take = _mm256_and_ps(_mm256_cmp_ps(best, best, _CMP_ORD_Q),
                             _mm256_cmp_ps(x, best, _CMP_NLE_UQ));

    return _mm256_blendv_ps(best, x, take);
}

VEC_INLINE vec_test vec_same(vec x, vec best)
{
    return _mm256_or_ps(_mm256_cmp_ps(x, best, _CMP_EQ_OQ),
                        _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

VEC_INLINE float vec_total(vec v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

VEC_INLINE float vec_greatest(vec v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

VEC_INLINE vec_test vec_less(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

VEC_INLINE vec vec_where(vec_test test, vec v)
{
    return _mm256_and_ps(test, v);
}

VEC_INLINE vec vec_where_not(vec_test test, vec v)
{
    return _mm256_andnot_ps(test, v);
}

#endif

/* Of the first count lanes; all of them when count >= LANES, which the compiler is to know. */
VEC_INLINE vec vec_get(const float *p, int64_t count)
{
    return count >= LANES ? vec_load(p) : vec_load_masked(p, vec_first(count));
}

VEC_INLINE void vec_put(float *p, int64_t count, vec v)
{
    if (count >= LANES)
        vec_store(p, v);
    else
        vec_store_masked(p, vec_first(count), v);
}

#endif
