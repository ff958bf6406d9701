/* attention.h - the drivers of attention; as kernels.h says of all of them */
#ifndef LFI_KERNELS_ATTENTION_H
#define LFI_KERNELS_ATTENTION_H

#include "base/base.h"

/* As lfuse_attention_args in the contract, every default filled in. */
struct lfi_attention {
    const float *q;
    const float *k;
    const float *v;
    const float *dy;
    float *y;
    float *statistics; /* or NULL: not wanted */
    float *dq;
    float *dk;
    float *dv;
    void *workspace;
    size_t workspace_bytes;
    int64_t batch;
    int64_t tokens;
    int64_t keys;
    int64_t heads;
    int64_t kv_heads;
    int64_t head_dim;
    int64_t q_stride;
    int64_t k_stride;
    int64_t v_stride;
    int64_t y_stride;
    int64_t q_batch_stride;
    int64_t k_batch_stride;
    int64_t v_batch_stride;
    int64_t y_batch_stride;
    float scale;
    bool causal;
};

lfuse_status lfi_attention_workspace(const struct lfi_env *env,
                                     const struct lfi_attention *attention, size_t *bytes,
                                     lfuse_error *err);
lfuse_status lfi_attention_forward(const struct lfi_env *env,
                                   const struct lfi_attention *attention,
                                   lfuse_error *err);
lfuse_status lfi_attention_backward(const struct lfi_env *env,
                                    const struct lfi_attention *attention,
                                    lfuse_error *err);

#endif
