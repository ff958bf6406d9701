/* attention.h - multi-head and grouped-query attention: forward, backward, with a cache of keys */
#ifndef LAYERFUSE_ATTENTION_H
#define LAYERFUSE_ATTENTION_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_ATTENTION_CAUSAL = 1 /* query i sees keys 0 .. keys - tokens + i alone */
};

/*
 * For each query of head h, over the keys that it sees, with kv head h * kv_heads / heads:
 * y = sum over keys of softmax(scale * q . k) v.
 *
 * Elements of a head, and the heads of a token, lie side by side. Strides count elements, and 0
 * means dense: q, k and v may be parts of one buffer (a token's q, k and v side by side: strides
 * of heads + 2 * kv_heads times head_dim), and k and v the filled part of a cache that is longer
 * (a batch stride of its length). A gradient has the strides of what it is the gradient of.
 * statistics are ln(sum over keys of exp(scale * q . k)): forward writes, backward reads them.
 */
typedef struct lfuse_attention_args {
    size_t struct_size; /* set by lfuse_attention_args_init(&a, sizeof(a)) */
    const float *q;     /* (batch, tokens, heads, head_dim) */
    const float *k;     /* (batch, keys, kv_heads, head_dim) */
    const float *v;     /* as k */
    const float *dy;    /* as y */
    float *y;           /* as q; backward reads it */
    float *statistics;  /* (batch, heads, tokens), dense; forward: or NULL */
    float *dq;          /* as q */
    float *dk;          /* as k */
    float *dv;          /* as v */
    int64_t batch;
    int64_t tokens; /* queries of each batch entry */
    int64_t keys;   /* 0 means tokens */
    int64_t heads;
    int64_t kv_heads; /* divides heads; 0 means heads */
    int64_t head_dim;
    int64_t q_stride; /* from token to token; 0 means heads * head_dim */
    int64_t k_stride; /* 0 means kv_heads * head_dim */
    int64_t v_stride;
    int64_t y_stride;
    int64_t q_batch_stride; /* from entry to entry; 0 means tokens * q_stride */
    int64_t k_batch_stride; /* 0 means keys * k_stride */
    int64_t v_batch_stride;
    int64_t y_batch_stride;
    double scale;     /* > 0 in f32; 0 means 1 / sqrt(head_dim) */
    uint32_t flags;   /* LFUSE_ATTENTION_* or 0 */
    int32_t reserved; /* 0 */
    void *workspace;  /* lfuse_attention_workspace() bytes, aligned to 64; or NULL */
    size_t workspace_bytes;
} lfuse_attention_args;

/**
 * lfuse_attention_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_attention_args_init(lfuse_attention_args *args, size_t size);

/**
 * lfuse_attention_forward() - y, and statistics unless they are NULL
 * lfuse_attention_backward() - dq, dk and dv, from q, k, v, dy, y and statistics
 *
 * Shapes:  see lfuse_attention_args. To decode with a cache, write the new tokens' keys and
 *          values behind the others' and pass all of them: tokens is then the new ones alone.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a stride less than what it steps over, a
 *                                 scale that is negative or not finite, an unknown flag, an
 *                                 output that overlaps an input or another output, or a
 *                                 workspace that is too small or not aligned
 *          LFUSE_ERR_SHAPE        kv_heads does not divide heads, or CAUSAL with fewer keys
 *                                 than tokens
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Cost:    4 * batch * heads * tokens * keys * head_dim operations forward, 10 backward; about
 *          half of them under CAUSAL. No matrix of tokens by keys is in memory: the workspace
 *          grows with tokens and not with their square.
 * Numbers: f32 sums. exp() is right to 2^-22 of its value, and 0 where that is below 2^-126.
 *          A NaN or an infinity in v makes NaN of y of queries near it that do not see it, too;
 *          backward, one in k does so to dq, and one in q or dy to dk and dv.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Dao et al. 2022, arXiv:2205.14135, and Milakov & Gimelshein 2018, arXiv:1805.02867;
 *          grouped queries: Ainslie et al. 2023, arXiv:2305.13245. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_attention_forward(lfuse_context *ctx,
                                               const lfuse_attention_args *args,
                                               lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_attention_backward(lfuse_context *ctx,
                                                const lfuse_attention_args *args,
                                                lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_attention_workspace() - bytes that are enough for both calls with these args
 *
 * Pointers of args are not looked at; the answer depends on the context's threads.
 *
 * Errors:  as the calls for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_attention_workspace(lfuse_context *ctx,
                                                 const lfuse_attention_args *args,
                                                 size_t *bytes,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
