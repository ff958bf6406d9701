/* attention_problem.h - the arrays of a call of attention, in any layout; for test_attention*.c */
#ifndef ATTENTION_PROBLEM_H
#define ATTENTION_PROBLEM_H

#include "lft.h"

enum layout { DENSE, FUSED, SPREAD, LAYOUTS };

struct shape {
    int64_t batch, tokens, keys, heads, kv_heads, head_dim;
    uint32_t flags;
    double scale; /* 0: the default */
};

/* All arrays of a call, each of which ends at a guard page; args' inputs, writable. */
struct problem {
    lfuse_attention_args args;
    struct shape shape;
    float *q, *k, *v, *dy;
};

static float *filled(int64_t count, uint64_t seed)
{
    float *data = lft_guard_end(count);

    lft_fill(data, count, seed);
    return data;
}

/* An array of tokens of a stride, which ends with its last token. */
static float *tokens_of(const struct shape *s, int64_t tokens, int64_t width,
                        int64_t stride, int64_t entry, uint64_t seed)
{
    return filled((s->batch - 1) * entry + (tokens - 1) * stride + width, seed);
}

static void set_separate(struct problem *p, int64_t gap)
{
    const struct shape *s = &p->shape;
    const int64_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    lfuse_attention_args *a = &p->args;

    if (gap > 0) {
        a->q_stride = q + gap;
        a->k_stride = kv + 2 * gap;
        a->v_stride = kv + 3 * gap;
        a->y_stride = q + 4 * gap;
        a->q_batch_stride = s->tokens * a->q_stride + gap;
        a->k_batch_stride = s->keys * a->k_stride + gap;
        a->v_batch_stride = s->keys * a->v_stride + gap;
        a->y_batch_stride = s->tokens * a->y_stride + gap;
    }
#define ARRAY(NAME, TOKENS, WIDTH, SEED)                                 \
    tokens_of(s, s->TOKENS, WIDTH, gap > 0 ? a->NAME##_stride : (WIDTH), \
              gap > 0 ? a->NAME##_batch_stride : s->TOKENS * (WIDTH), SEED)
    a->q = p->q = ARRAY(q, tokens, q, 1);
    a->k = p->k = ARRAY(k, keys, kv, 2);
    a->v = p->v = ARRAY(v, keys, kv, 3);
    a->dy = p->dy = ARRAY(y, tokens, q, 4);
    a->y = ARRAY(y, tokens, q, 5);
    a->dq = ARRAY(q, tokens, q, 6);
    a->dk = ARRAY(k, keys, kv, 7);
    a->dv = ARRAY(v, keys, kv, 8);
#undef ARRAY
}

/* A token's q, k and v side by side, and so their gradients. */
static void set_fused(struct problem *p)
{
    const struct shape *s = &p->shape;
    const int64_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    const int64_t stride = q + 2 * kv, tokens = s->batch * s->tokens;
    lfuse_attention_args *a = &p->args;

    a->q_stride = a->k_stride = a->v_stride = stride;
    a->q = p->q = filled(tokens * stride, 1);
    a->k = p->k = p->q + q;
    a->v = p->v = p->k + kv;
    a->dq = filled(tokens * stride, 6);
    a->dk = a->dq + q;
    a->dv = a->dk + kv;
    a->dy = p->dy = filled(tokens * q, 4);
    a->y = filled(tokens * q, 5);
}

/* Release with lft_guard_free(). FUSED is for as many keys as tokens. */
static struct problem make(const struct shape *shape, enum layout layout)
{
    struct problem p = {.shape = *shape};
    lfuse_attention_args *a = &p.args;

    lfuse_attention_args_init(a, sizeof(*a));
    a->batch = shape->batch;
    a->tokens = shape->tokens;
    a->keys = shape->keys;
    a->heads = shape->heads;
    a->kv_heads = shape->kv_heads;
    a->head_dim = shape->head_dim;
    a->flags = shape->flags;
    a->scale = shape->scale;
    a->statistics = filled(shape->batch * shape->heads * shape->tokens, 9);
    if (layout == FUSED)
        set_fused(&p);
    else
        set_separate(&p, layout == SPREAD ? 3 : 0);
    return p;
}

#endif
