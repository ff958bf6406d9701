/*
 * vector_f64.h - one name for the vectors of AVX2 (4 doubles) and of AVX-512 (8 doubles)
 *
 * As vector.h, which has the floats, for kernels that are written once in <op>_vector.h.
 * Vectors of integers as wide say where numbers come from.
 */
#ifndef LFI_KERNELS_VECTOR_F64_H
#define LFI_KERNELS_VECTOR_F64_H

#include "kernels/vector.h"

#if defined(__AVX512F__)

enum { LANES_F64 = 8 };
typedef __m512d vec64;
typedef __m512i int64s;
typedef __mmask8 test64; /* one truth per lane */

VEC_INLINE vec64 vec64_set(double value)
{
    return _mm512_set1_pd(value);
}

VEC_INLINE vec64 vec64_load(const double *p)
{
    return _mm512_loadu_pd(p);
}

VEC_INLINE void vec64_store(double *p, vec64 v)
{
    _mm512_storeu_pd(p, v);
}

VEC_INLINE vec64 vec64_add(vec64 a, vec64 b)
{
    return _mm512_add_pd(a, b);
}

/* a * b + c, rounded once */
VEC_INLINE vec64 vec64_fma(vec64 a, vec64 b, vec64 c)
{
    return _mm512_fmadd_pd(a, b, c);
}

/* The sum of the lanes. */
VEC_INLINE double vec64_total(vec64 v)
{
    return _mm512_reduce_add_pd(v);
}

/* The two halves of a vector of floats, wider. */
VEC_INLINE vec64 vec64_low(vec x)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}

VEC_INLINE vec64 vec64_high(vec x)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}

VEC_INLINE vec64 vec64_sub(vec64 a, vec64 b)
{
    return _mm512_sub_pd(a, b);
}

VEC_INLINE test64 vec64_less(vec64 a, vec64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

VEC_INLINE bool test64_any(test64 test)
{
    return test != 0;
}

/* yes where the test holds, else no */
VEC_INLINE vec64 vec64_select(test64 test, vec64 yes, vec64 no)
{
    return _mm512_mask_mov_pd(no, test, yes);
}

VEC_INLINE int64s int64s_set(int64_t value)
{
    return _mm512_set1_epi64(value);
}

VEC_INLINE int64s int64s_first(void) /* 0, 1, 2, ... */
{
    return _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
}

VEC_INLINE int64s int64s_add(int64s a, int64s b)
{
    return _mm512_add_epi64(a, b);
}

VEC_INLINE int64s int64s_select(test64 test, int64s yes, int64s no)
{
    return _mm512_mask_mov_epi64(no, test, yes);
}

VEC_INLINE int64s int64s_load(const int64_t *p)
{
    return _mm512_loadu_si512(p);
}

VEC_INLINE void int64s_store(int64_t *p, int64s v)
{
    _mm512_storeu_si512(p, v);
}

#else

enum { LANES_F64 = 4 };
typedef __m256d vec64;
typedef __m256i int64s;
typedef __m256d test64;

VEC_INLINE vec64 vec64_set(double value)
{
    return _mm256_set1_pd(value);
}

VEC_INLINE vec64 vec64_load(const double *p)
{
    return _mm256_loadu_pd(p);
}

VEC_INLINE void vec64_store(double *p, vec64 v)
{
    _mm256_storeu_pd(p, v);
}

VEC_INLINE vec64 vec64_add(vec64 a, vec64 b)
{
    return _mm256_add_pd(a, b);
}

VEC_INLINE vec64 vec64_fma(vec64 a, vec64 b, vec64 c)
{
    return _mm256_fmadd_pd(a, b, c);
}

VEC_INLINE double vec64_total(vec64 v)
{
    __m128d half = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));

    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}

VEC_INLINE vec64 vec64_low(vec x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

VEC_INLINE vec64 vec64_high(vec x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

VEC_INLINE vec64 vec64_sub(vec64 a, vec64 b)
{
    return _mm256_sub_pd(a, b);
}

VEC_INLINE test64 vec64_less(vec64 a, vec64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}

VEC_INLINE bool test64_any(test64 test)
{
    return _mm256_movemask_pd(test) != 0;
}

VEC_INLINE vec64 vec64_select(test64 test, vec64 yes, vec64 no)
{
    return _mm256_blendv_pd(no, yes, test);
}

VEC_INLINE int64s int64s_set(int64_t value)
{
    return _mm256_set1_epi64x(value);
}

VEC_INLINE int64s int64s_first(void)
{
    return _mm256_setr_epi64x(0, 1, 2, 3);
}

VEC_INLINE int64s int64s_add(int64s a, int64s b)
{
    return _mm256_add_epi64(a, b);
}

VEC_INLINE int64s int64s_select(test64 test, int64s yes, int64s no)
{
    return _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(no), _mm256_castsi256_pd(yes), test));
}

VEC_INLINE int64s int64s_load(const int64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

VEC_INLINE void int64s_store(int64_t *p, int64s v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

#endif

#endif
