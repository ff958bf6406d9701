/*
 * random.c - counter-based random numbers
 *
 * SplitMix64's finaliser (Steele, Lea & Flood 2014) over three rounds, one for each of seed,
 * stream and index: any index can be drawn alone, in any order, on any thread.
 */
#include "base/base.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t lfi_random_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    return mix(mix(mix(seed) ^ stream) ^ index);
}

double lfi_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(lfi_random_u64(seed, stream, index) >> 11) * 0x1p-53;
}

/* Box & Muller 1958; 1 - u keeps the logarithm's argument in (0, 1]. */
double lfi_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    double u = 1.0 - lfi_random_uniform(seed, stream, 2 * index);
    double v = lfi_random_uniform(seed, stream, 2 * index + 1);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
