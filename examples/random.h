/* random.h - random numbers by counter: the same (seed, stream, index), the same bits */
#ifndef EXAMPLES_RANDOM_H
#define EXAMPLES_RANDOM_H

#include <stdint.h>

uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0, 1), a multiple of 2^-53. */
double random_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Normal with mean 0 and variance 1. */
double random_normal(uint64_t seed, uint64_t stream, uint64_t index);

#endif
