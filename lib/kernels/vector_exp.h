/*
 * vector_exp.h - exp() of a vector of floats
 *
 *     e^x = 2^n e^r,  n = x / ln 2 rounded,  r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]
 *
 * e^r is 1 + r + r^2 p(r) with p of degree 4, whose coefficients make the greatest relative error
 * over that interval least (3.1e-9); ln 2 is the sum of two floats.
 *
 * The relative error is at most 2^-23.6 for x in [-87.33, 88.72], of all floats there; below, where
 * e^x is less than the least normal number, it is 0, above infinite. NaN gives NaN.
 */
#ifndef LFI_KERNELS_VECTOR_EXP_H
#define LFI_KERNELS_VECTOR_EXP_H

#include <math.h>

#include "kernels/vector.h"

#if defined(__AVX512F__)

VEC_INLINE vec vec_round(vec x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* v * 2^n for whole n, where v and the product are normal numbers */
VEC_INLINE vec vec_scale_by_power(vec v, vec n)
{
    return _mm512_scalef_ps(v, n);
}

#else

VEC_INLINE vec vec_round(vec x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

VEC_INLINE vec vec_scale_by_power(vec v, vec n)
{
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);

    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), exponent));
}

#endif

VEC_INLINE vec vec_exp(vec x)
{
    const vec least = vec_set(-87.33654f), most = vec_set(88.72283f);
    const vec one = vec_set(1.0f), within = vec_min(most, x); /* x where it is NaN */
    const vec n = vec_round(vec_mul(within, vec_set(0x1.715476p0f)));
    const vec r = vec_fnma(n, vec_set(-0x1.05c61p-29f),
                           vec_fnma(n, vec_set(0x1.62e430p-1f), within));
    vec p = vec_set(0x1.6a2434p-10f);

    p = vec_fma(p, r, vec_set(0x1.1239e2p-7f));
    p = vec_fma(p, r, vec_set(0x1.5558f2p-5f));
    p = vec_fma(p, r, vec_set(0x1.555492p-3f));
    p = vec_fma(p, r, vec_set(0x1.fffffcp-2f));
    p = vec_fma(vec_fma(p, r, one), r, one);
    p = vec_where_not(vec_less(x, least), vec_scale_by_power(p, n));
    return vec_add(p, vec_where(vec_less(most, x), vec_set(INFINITY)));
}

#endif
