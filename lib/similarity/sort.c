/*
 * sort.c - numbers in order, by their bytes
 *
 * A number's bits are in the order of the numbers once the sign bit is turned over, and all
 * others of negative ones, too. These words are dealt out by each byte in turn, the last first;
 * a byte that all share is left out.
 */
#include "similarity/directions.h"

#include <string.h>

enum { VALUES = 256 };

#define DEFINE_SORT(NAME, T, WORD, SIGNED, BYTES)                                    \
    static const WORD NAME##_sign = (WORD)1 << (8 * BYTES - 1);                      \
                                                                                     \
    static void NAME##_to_words(const T *x, int64_t n, WORD *words)                  \
    {                                                                                \
        int64_t i;                                                                   \
                                                                                     \
        memcpy(words, x, (size_t)n * sizeof(*words));                                \
        for (i = 0; i < n; i++)                                                      \
            words[i] ^= (WORD)((SIGNED)words[i] >> (8 * BYTES - 1)) | NAME##_sign;   \
    }                                                                                \
                                                                                     \
    static void NAME##_from_words(WORD *words, int64_t n, T *x)                      \
    {                                                                                \
        int64_t i;                                                                   \
                                                                                     \
        for (i = 0; i < n; i++)                                                      \
            words[i] ^= (WORD)((SIGNED)~words[i] >> (8 * BYTES - 1)) | NAME##_sign;  \
        memcpy(x, words, (size_t)n * sizeof(*words));                                \
    }                                                                                \
                                                                                     \
    /* How many words have each value of each byte. */                               \
    static void NAME##_count(const WORD *words, int64_t n, int64_t counts[][VALUES]) \
    {                                                                                \
        int64_t i;                                                                   \
        int byte;                                                                    \
                                                                                     \
        memset(counts, 0, BYTES * sizeof(counts[0]));                                \
        for (i = 0; i < n; i++)                                                      \
            for (byte = 0; byte < BYTES; byte++)                                     \
                counts[byte][words[i] >> 8 * byte & 0xff]++;                         \
    }                                                                                \
                                                                                     \
    static void NAME##_deal(const WORD *from, int64_t n, int byte, int64_t *counts,  \
                            WORD *to)                                                \
    {                                                                                \
        int64_t sum = 0, count, i;                                                   \
        int value;                                                                   \
                                                                                     \
        for (value = 0; value < VALUES; value++, sum += count) {                     \
            count = counts[value];                                                   \
            counts[value] = sum;                                                     \
        }                                                                            \
        for (i = 0; i < n; i++)                                                      \
            to[counts[from[i] >> 8 * byte & 0xff]++] = from[i];                      \
    }                                                                                \
                                                                                     \
    void lfi_sort_##NAME(T *x, int64_t n, WORD *spare)                               \
    {                                                                                \
        WORD *from = spare, *to = spare + n, *turn;                                  \
        int64_t counts[BYTES][VALUES];                                               \
        int byte;                                                                    \
                                                                                     \
        NAME##_to_words(x, n, from);                                                 \
        NAME##_count(from, n, counts);                                               \
        for (byte = 0; byte < BYTES; byte++) {                                       \
            if (counts[byte][from[0] >> 8 * byte & 0xff] == n)                       \
                continue;                                                            \
            NAME##_deal(from, n, byte, counts[byte], to);                            \
            turn = from;                                                             \
            from = to;                                                               \
            to = turn;                                                               \
        }                                                                            \
        NAME##_from_words(from, n, x);                                               \
    }

DEFINE_SORT(f32, float, uint32_t, int32_t, 4)
DEFINE_SORT(f64, double, uint64_t, int64_t, 8)
