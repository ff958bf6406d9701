/*
 * attention_block.h - what both directions of attention share; only attention*.c include it
 *
 * A block of keys meets some queries at a time. The tiles' scores lie query by query, so the
 * causal mask is the end of a row; what the micro-kernel wants by key (its B operand of a score)
 * is turned once per block.
 */
#ifndef LFI_KERNELS_ATTENTION_BLOCK_H
#define LFI_KERNELS_ATTENTION_BLOCK_H

#include "kernels/attention.h"
#include "kernels/kernels.h"
#include "kernels/scratch.h"

/*
 * Keys of a block and the most queries that meet it, multiples of what the tiles of every
 * instruction set take; and as many queries as meet a block that some of them see only in part: the
 * fewer, the less is multiplied only to be masked.
 */
enum { LFI_ATTENTION_KEYS = 96, LFI_ATTENTION_QUERIES = 96, LFI_ATTENTION_STRIP = 16 };

static inline int64_t lfi_attention_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * A single token's heads of a group read the same keys, and see all of them: they become the
 * tokens of one head. lfi_attention_fold() is how every driver begins; head_step is then what
 * lies between the heads of q, and of y.
 */
struct lfi_attention_shape {
    struct lfi_attention a;
    int64_t group;     /* heads of a kv head */
    int64_t head_step; /* elements */
};

struct lfi_attention_shape lfi_attention_fold(const struct lfi_attention *attention);

/* How many of the keys from `key` on query i sees, without bounds: negative, or beyond the end. */
static inline int64_t lfi_attention_visible(const struct lfi_attention *a, int64_t i,
                                            int64_t key)
{
    return a->causal ? a->keys - a->tokens + i + 1 - key : a->keys;
}

/* How many queries from i on, i < end, meet the keys [key, key + keys) together. */
static inline int64_t lfi_attention_strip(const struct lfi_attention *a, int64_t i,
                                          int64_t end, int64_t key, int64_t keys)
{
    const bool whole = lfi_attention_visible(a, i, key) >= keys;

    return lfi_attention_least(end - i,
                               whole ? LFI_ATTENTION_QUERIES : LFI_ATTENTION_STRIP);
}

/* A product of the micro-kernel; taps are filled in. */
static inline void lfi_attention_multiply(const struct lfi_kernels *kernels,
                                          struct lfi_gemm_tile tile)
{
    static const int64_t start = 0;

    tile.a_tap = tile.b_tap = &start;
    tile.taps = 1;
    kernels->gemm_f32(&tile);
}

/* What a slot has: so many floats for each element of a head, and others; false where their bytes
 * do not fit. */
static inline bool lfi_attention_slot(const struct lfi_attention *a, size_t rows,
                                      size_t others, size_t *floats)
{
    return lfi_mul_size((size_t)a->head_dim, rows, floats) &&
           lfi_add_size(*floats, others, floats);
}

/* Each direction's scratch, or false where its bytes do not fit. */
bool lfi_attention_plan_forward(const struct lfi_env *env,
                                const struct lfi_attention_shape *shape,
                                struct lfi_scratch *scratch);
bool lfi_attention_plan_backward(const struct lfi_env *env,
                                 const struct lfi_attention_shape *shape,
                                 struct lfi_scratch *scratch);

#endif
