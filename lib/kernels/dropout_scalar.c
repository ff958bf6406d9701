/*
 * dropout_scalar.c - dropout as it is defined
 *
 * Philox 4x32-10 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": four words
 * of 32 bits for a counter of 128 and a key of 64. Its key is the seed; the upper half of the
 * counter is the stream. Elements are in blocks of 64, each of 16 counters: element i has word
 * i % 64 / 16 of counter i / 64 * 16 + i % 16, so that vectors of up to 16 counters give
 * words that lie side by side.
 */
#include "kernels/entries.h"

static uint32_t word_of(const struct lfi_dropout *d, int64_t element)
{
    const uint64_t counter =
        (uint64_t)element / LFI_DROPOUT_BLOCK * 16 + (uint64_t)element % 16;
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)d->stream,
                     (uint32_t)(d->stream >> 32)};
    uint32_t key[2] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)};
    int round;

    for (round = 0; round < LFI_PHILOX_ROUNDS; round++) {
        const uint64_t p = (uint64_t)LFI_PHILOX_FIRST * c[0],
                       q = (uint64_t)LFI_PHILOX_SECOND * c[2];

        c[0] = (uint32_t)(q >> 32) ^ c[1] ^ key[0];
        c[2] = (uint32_t)(p >> 32) ^ c[3] ^ key[1];
        c[1] = (uint32_t)q;
        c[3] = (uint32_t)p;
        key[0] += LFI_PHILOX_FIRST_KEY;
        key[1] += LFI_PHILOX_SECOND_KEY;
    }
    return c[element % LFI_DROPOUT_BLOCK / 16];
}

void lfi_dropout_f32__scalar(const struct lfi_dropout *d, int64_t first, const float *x,
                             int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] = word_of(d, first + i) < d->below ? 0.0f : x[i] * d->scale;
}
