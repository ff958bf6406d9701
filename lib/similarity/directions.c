/*
 * directions.c - normal numbers by Box & Muller 1958, in blocks, for the compiler's vectors
 *
 *     sqrt(-2 ln u) cos(2 pi v),   sqrt(-2 ln u) sin(2 pi v)
 *
 * of one random word: its upper 24 bits are u in (0, 1], its lower half v in [-1/2, 1/2).
 */
#include "similarity/directions.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 64 }; /* pairs */

/* ln of a number in (0, 1]: e ln 2 + ln m, m in [1/sqrt 2, sqrt 2), s = (m - 1) / (m + 1). */
static inline float natural_log(float x)
{
    const int32_t root_half = 0x3f3504f3;
    int32_t bits, exponent;
    float m, s, q;

    memcpy(&bits, &x, sizeof(bits));
    exponent = (bits - root_half) >> 23;
    bits -= exponent * (1 << 23);
    memcpy(&m, &bits, sizeof(m));
    s = (m - 1.0f) / (m + 1.0f);
    q = s * s;
    q = 1.0f + q * (1.0f / 3.0f + q * (0.2f + q * (1.0f / 7.0f + q * (1.0f / 9.0f))));
    return (float)exponent * 0.693147181f + 2.0f * s * q;
}

/* Taylor's series of the sine and the cosine of half the angle, which is within pi / 2. */
static inline void turn(float v, float radius, float *across, float *along)
{
    float h = 3.14159265f * v, q = h * h, sine, cosine;

    sine = 1.0f - q / 110.0f;
    sine = 1.0f - q / 72.0f * sine;
    sine = 1.0f - q / 42.0f * sine;
    sine = 1.0f - q / 20.0f * sine;
    sine = h * (1.0f - q / 6.0f * sine);
    cosine = 1.0f - q / 132.0f;
    cosine = 1.0f - q / 90.0f * cosine;
    cosine = 1.0f - q / 56.0f * cosine;
    cosine = 1.0f - q / 30.0f * cosine;
    cosine = 1.0f - q / 12.0f * cosine;
    cosine = 1.0f - q / 2.0f * cosine;
    *along = radius * (1.0f - 2.0f * sine * sine);
    *across = radius * 2.0f * sine * cosine;
}

void lfi_normals(uint64_t seed, uint64_t stream, int64_t n, float *out)
{
    float u[BLOCK], v[BLOCK], along[BLOCK], across[BLOCK];
    int64_t first, i;

    for (first = 0; first < n; first += 2 * BLOCK) {
        for (i = 0; i < BLOCK; i++) {
            uint64_t word = lfi_random_u64(seed, stream, (uint64_t)(first / 2 + i));

            u[i] = (float)((int32_t)(word >> 40) + 1) * 0x1p-24f;
            v[i] = (float)(int32_t)(uint32_t)word * 0x1p-32f;
        }
        for (i = 0; i < BLOCK; i++)
            turn(v[i], sqrtf(-2.0f * natural_log(u[i])), &across[i], &along[i]);
        for (i = 0; i < 2 * BLOCK && first + i < n; i++)
            out[first + i] = i % 2 == 0 ? along[i / 2] : across[i / 2];
    }
}
