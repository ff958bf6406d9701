/* gemm_avx2.c - the micro-kernel in 16 vectors of 8 floats: 6 x 16 and 12 x 8 */
#include <immintrin.h>
#include <stdint.h>

enum { WIDTH = 8, ROWS_2 = 6, ROWS_1 = 12 };

#define TILES_2(T) T(1) T(2) T(3) T(4) T(5) T(6)
#define TILES_1(T) TILES_2(T) T(7) T(8) T(9) T(10) T(11) T(12)

typedef __m256 vec;
typedef __m256i mask;

#define vec_zero()              _mm256_setzero_ps()
#define vec_load(p)             _mm256_loadu_ps(p)
#define vec_store(p, v)         _mm256_storeu_ps(p, v)
#define vec_load_part(p, m)     _mm256_maskload_ps(p, m)
#define vec_store_part(p, m, v) _mm256_maskstore_ps(p, m, v)
#define vec_broadcast(p)        _mm256_broadcast_ss(p)
#define vec_add(a, b)           _mm256_add_ps(a, b)
#define vec_fma(a, b, c)        _mm256_fmadd_ps(a, b, c)

static inline mask mask_first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#include "kernels/gemm_body.h"

void lfi_gemm_f32__avx2(const struct lfi_gemm_tile *tile)
{
    run_gemm(tile);
}
