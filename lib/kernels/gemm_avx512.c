/* gemm_avx512.c - the micro-kernel in 32 vectors of 16 floats: 12 x 32 and 16 x 16 */
#include <immintrin.h>
#include <stdint.h>

enum { WIDTH = 16, ROWS_2 = 12, ROWS_1 = 16 };

#define TILES_2(T) T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) T(11) T(12)
#define TILES_1(T) TILES_2(T) T(13) T(14) T(15) T(16)

typedef __m512 vec;
typedef __mmask16 mask;

#define vec_zero()              _mm512_setzero_ps()
#define vec_load(p)             _mm512_loadu_ps(p)
#define vec_store(p, v)         _mm512_storeu_ps(p, v)
#define vec_load_part(p, m)     _mm512_maskz_loadu_ps(m, p)
#define vec_store_part(p, m, v) _mm512_mask_storeu_ps(p, m, v)
#define vec_broadcast(p)        _mm512_set1_ps(*(p))
#define vec_add(a, b)           _mm512_add_ps(a, b)
#define vec_fma(a, b, c)        _mm512_fmadd_ps(a, b, c)

static inline mask mask_first(int64_t n)
{
    return (mask)((1u << n) - 1u);
}

#include "kernels/gemm_body.h"

void lfi_gemm_f32__avx512(const struct lfi_gemm_tile *tile)
{
    run_gemm(tile);
}
