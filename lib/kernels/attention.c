/* attention.c - the shape that both directions work on, and their workspace */
#include "kernels/attention_block.h"

struct lfi_attention_shape lfi_attention_fold(const struct lfi_attention *attention)
{
    struct lfi_attention_shape shape = {
        .a = *attention,
        .group = attention->heads / attention->kv_heads,
        .head_step = attention->head_dim,
    };
    struct lfi_attention *a = &shape.a;

    if (a->tokens > 1)
        return shape;
    a->tokens = shape.group;
    a->heads = a->kv_heads;
    a->q_stride = a->y_stride = a->head_dim;
    a->causal = false;
    shape.head_step = shape.group * a->head_dim;
    shape.group = 1;
    return shape;
}

lfuse_status lfi_attention_workspace(const struct lfi_env *env,
                                     const struct lfi_attention *attention, size_t *bytes,
                                     lfuse_error *err)
{
    const struct lfi_attention_shape shape = lfi_attention_fold(attention);
    struct lfi_scratch forward = {0}, backward = {0};

    if (!lfi_attention_plan_forward(env, &shape, &forward) ||
        !lfi_attention_plan_backward(env, &shape, &backward))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    *bytes = forward.bytes > backward.bytes ? forward.bytes : backward.bytes;
    return LFUSE_OK;
}
