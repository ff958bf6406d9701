/*
 * pairs_vector.h - sums over pairs of vectors, for AVX2 and AVX-512
 *
 * Tiles of SIDE_A x SIDE_B pairs stay in registers: one step loads SIDE_A + SIDE_B vectors for
 * their product of sums. Every lane is a sum of its own of at most LFI_PAIRS_CHAIN elements,
 * added to the others in f64. At an edge the last vector takes the place of those that are
 * not there; what comes out of them is dropped.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"

#if defined(__AVX512F__)
enum { SIDE_A = 4, SIDE_B = 4 };

VEC_INLINE double sum_in_f64(vec v)
{
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
    __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));

    return _mm512_reduce_add_pd(_mm512_add_pd(low, high));
}
#else
enum { SIDE_A = 2, SIDE_B = 4 };

VEC_INLINE double sum_in_f64(vec v)
{
    __m256d s = _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
                              _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
    __m128d half = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));

    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

struct block {
    const float *a[SIDE_A];
    const float *b[SIDE_B];
    double sum[SIDE_A][SIDE_B];
};

VEC_INLINE void step(const struct block *t, int64_t k, int64_t count, vec sum[][SIDE_B],
                     const bool differences)
{
    vec b[SIDE_B];

    UNROLL for (int j = 0; j < SIDE_B; j++) b[j] = vec_get(t->b[j] + k, count);
    UNROLL for (int i = 0; i < SIDE_A; i++)
    {
        vec a = vec_get(t->a[i] + k, count);

        UNROLL for (int j = 0; j < SIDE_B; j++)
        {
            vec x = differences ? vec_sub(a, b[j]) : a;

            sum[i][j] = vec_fma(x, differences ? x : b[j], sum[i][j]);
        }
    }
}

/* differences is a constant where this is inlined. */
VEC_INLINE void run_block(struct block *t, int64_t count, const bool differences)
{
    int64_t first, end, k;

    for (first = 0; first < count; first = end) {
        vec sum[SIDE_A][SIDE_B];

        end = count - first < LFI_PAIRS_CHAIN * LANES ? count
                                                      : first + LFI_PAIRS_CHAIN * LANES;
        UNROLL for (int i = 0; i < SIDE_A; i++) UNROLL for (int j = 0; j < SIDE_B; j++)
            sum[i][j] = vec_set(0.0f);
        for (k = first; k + LANES <= end; k += LANES)
            step(t, k, LANES, sum, differences);
        if (k < end)
            step(t, k, end - k, sum, differences);
        UNROLL for (int i = 0; i < SIDE_A; i++) UNROLL for (int j = 0; j < SIDE_B; j++)
            t->sum[i][j] += sum_in_f64(sum[i][j]);
    }
}

static void run_products(struct block *t, int64_t count)
{
    run_block(t, count, false);
}

static void run_differences(struct block *t, int64_t count)
{
    run_block(t, count, true);
}

void LFI_ENTRY(pairs_f32)(const struct lfi_pairs_tile *tile)
{
    int64_t i, j, rows, cols;
    int r, c;

    for (i = 0; i < tile->rows; i += SIDE_A)
        for (j = 0; j < tile->cols; j += SIDE_B) {
            struct block t = {.sum = {{0.0}}};

            rows = tile->rows - i < SIDE_A ? tile->rows - i : SIDE_A;
            cols = tile->cols - j < SIDE_B ? tile->cols - j : SIDE_B;
            for (r = 0; r < SIDE_A; r++)
                t.a[r] = tile->a[i + (r < rows ? r : rows - 1)];
            for (c = 0; c < SIDE_B; c++)
                t.b[c] = tile->b[j + (c < cols ? c : cols - 1)];
            (tile->differences ? run_differences : run_products)(&t, tile->count);
            for (r = 0; r < rows; r++)
                for (c = 0; c < cols; c++)
                    tile->sums[(i + r) * tile->sums_row + j + c] += t.sum[r][c];
        }
}
