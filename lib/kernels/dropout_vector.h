/* dropout_vector.h - dropout_scalar.c, a vector of counters at a time, bit for bit */
#include "kernels/entries.h"
#include "kernels/vector.h"

#if defined(__AVX512F__)

typedef __m512i words;

VEC_INLINE words words_set(uint32_t value)
{
    return _mm512_set1_epi32((int32_t)value);
}

VEC_INLINE words words_from(uint32_t first) /* first, first + 1, ... */
{
    return _mm512_add_epi32(
        words_set(first),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

VEC_INLINE words words_xor(words a, words b)
{
    return _mm512_xor_si512(a, b);
}

/* The lower and the upper halves of the products. */
VEC_INLINE words words_low(words a, words b)
{
    return _mm512_mullo_epi32(a, b);
}

VEC_INLINE words words_high(words a, words b)
{
    const words even = _mm512_mul_epu32(a, b),
                odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);

    return _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
}

/* v where the word is no less than the bound, else 0 */
VEC_INLINE vec keep_unless_below(words word, words bound, vec v)
{
    return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(word, bound), v);
}

#else

typedef __m256i words;

VEC_INLINE words words_set(uint32_t value)
{
    return _mm256_set1_epi32((int32_t)value);
}

VEC_INLINE words words_from(uint32_t first)
{
    return _mm256_add_epi32(words_set(first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

VEC_INLINE words words_xor(words a, words b)
{
    return _mm256_xor_si256(a, b);
}

VEC_INLINE words words_low(words a, words b)
{
    return _mm256_mullo_epi32(a, b);
}

VEC_INLINE words words_high(words a, words b)
{
    const words even = _mm256_mul_epu32(a, b),
                odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);

    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

VEC_INLINE vec keep_unless_below(words word, words bound, vec v)
{
    const words keep = _mm256_cmpeq_epi32(_mm256_max_epu32(word, bound), word);

    return _mm256_and_ps(_mm256_castsi256_ps(keep), v);
}

#endif

/* The words of LANES counters from `counter` on, whose upper half is the same. */
VEC_INLINE void philox(const struct lfi_dropout *d, uint64_t counter, words c[4])
{
    const words first = words_set(LFI_PHILOX_FIRST),
                second = words_set(LFI_PHILOX_SECOND);
    uint32_t key[2] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)};
    int round;

    c[0] = words_from((uint32_t)counter);
    c[1] = words_set((uint32_t)(counter >> 32));
    c[2] = words_set((uint32_t)d->stream);
    c[3] = words_set((uint32_t)(d->stream >> 32));
    for (round = 0; round < LFI_PHILOX_ROUNDS; round++) {
        const words p = words_high(c[0], first), q = words_high(c[2], second);
        const words p_low = words_low(c[0], first), q_low = words_low(c[2], second);

        c[0] = words_xor(words_xor(q, c[1]), words_set(key[0]));
        c[2] = words_xor(words_xor(p, c[3]), words_set(key[1]));
        c[1] = q_low;
        c[3] = p_low;
        key[0] += LFI_PHILOX_FIRST_KEY;
        key[1] += LFI_PHILOX_SECOND_KEY;
    }
}

VEC_INLINE void drop(const struct lfi_dropout *d, words word, const float *x,
                     int64_t count, float *y)
{
    const vec scaled = vec_mul(vec_get(x, count), vec_set(d->scale));

    vec_put(y, count, keep_unless_below(word, words_set(d->below), scaled));
}

void LFI_ENTRY(dropout_f32)(const struct lfi_dropout *given, int64_t first,
                            const float *x, int64_t count, float *y)
{
    const struct lfi_dropout d = *given;
    int64_t block, lane, w;

    for (block = 0; block < count; block += LFI_DROPOUT_BLOCK)
        for (lane = 0; lane < 16; lane += LANES) {
            words c[4];

            philox(&d, (uint64_t)(first + block) / 4 + (uint64_t)lane, c);
#pragma GCC unroll 4
            for (w = 0; w < 4; w++) {
                int64_t at = block + 16 * w + lane, left = count - at;

                if (left >= LANES)
                    drop(&d, c[w], x + at, LANES, y + at);
                else if (left > 0)
                    drop(&d, c[w], x + at, left, y + at);
            }
        }
}
