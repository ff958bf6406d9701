/*
 * handles.h - what the opaque handles of the contract are made of
 *
 * The shell's only header. Handles wrap what lib/ works on; nothing in lib/ includes this.
 */
#ifndef LFI_HANDLES_H
#define LFI_HANDLES_H

#include <layerfuse/layerfuse.h>

#include "base/base.h"
#include "checkpoint/checkpoint.h"
#include "fusion/alignment.h"
#include "fusion/couplings.h"
#include "fusion/fusion.h"
#include "kernels/kernels.h"
#include "retrain/outputs.h"
#include "retrain/retrain.h"
#include "similarity/similarity.h"

struct lfuse_context {
    struct lfi_env env;
    struct lfi_pool *pool; /* or NULL */
};

struct lfuse_tensor {
    lfuse_context *ctx;
    struct lfi_array array;
};

struct lfuse_layer {
    lfuse_context *ctx;
    struct lfi_layer layer;
    lfuse_parameter
        *given; /* parameter_count of them: the handles behind layer.parameters */
    int32_t capacity;
    lfuse_tensor *weight; /* the layer's own, of lfuse_layer_wrap(), or NULL */
    lfuse_tensor *gradient;
};

struct lfuse_checkpoint {
    lfuse_context *ctx;
    struct lfi_checkpoint file;
    lfuse_tensor
        *tensors; /* of file.arrays, and as many; without references of their own */
};

struct lfuse_cka {
    lfuse_context *ctx;
    struct lfi_cka_sums sums;
};

struct lfuse_outputs {
    lfuse_context *ctx;
    struct lfi_outputs outputs;
};

struct lfuse_couplings {
    lfuse_context *ctx;
    struct lfi_couplings couplings;
};

struct lfuse_plan {
    lfuse_context *ctx;
    struct lfi_plan plan;
};

struct lfuse_packed {
    lfuse_context *ctx;
    struct lfi_conv2d conv;            /* its shape */
    float *weights[LFI_CONV2D_PACKED]; /* those of directions not asked for: NULL */
};

struct lfuse_preview {
    lfuse_context *ctx;
    struct lfi_preview preview;
};

struct lfuse_ties {
    lfuse_context *ctx;
    struct lfi_ties ties;
};

struct lfuse_retrainer {
    lfuse_context *ctx;
    lfuse_layer **layers; /* ties.ties.count of them */
    lfuse_ties ties;
    lfuse_plan plan;
    struct lfi_retrainer retrainer;
    char *caller; /* caller_bytes that came with a file; or NULL */
    size_t caller_bytes;
};

/* The engine's layers behind `count` handles, in an array to free; LFUSE_ERR_ARGUMENT when
 * there is none, or a NULL among them. */
lfuse_status lfi_handles_layers(lfuse_context *ctx, const lfuse_layer *const *layers,
                                int64_t count, struct lfi_layer ***out, lfuse_error *err);
void lfi_handles_layers_free(lfuse_context *ctx, struct lfi_layer **layers,
                             int64_t count);

/* What similarity options say, with their defaults filled in; *o is their import. */
lfuse_status lfi_handles_similarity(const lfuse_context *ctx,
                                    const lfuse_similarity_options *options,
                                    const char *what, lfuse_similarity_options *o,
                                    struct lfi_similarity_params *params,
                                    lfuse_error *err);
/* Checked options, with every default filled in; *in_force is as given. */
lfuse_status lfi_handles_plan_options(const lfuse_context *ctx,
                                      const lfuse_plan_options *options, const char *what,
                                      struct lfi_plan_options *out,
                                      const lfuse_ties **in_force, lfuse_error *err);
lfuse_status lfi_handles_ties_options(const lfuse_ties_options *options, const char *what,
                                      struct lfi_ties_options *out, lfuse_error *err);
/* ties: of the same options. */
lfuse_status lfi_handles_retrainer_options(const lfuse_context *ctx,
                                           const lfuse_retrainer_options *options,
                                           struct lfi_retrainer_options *out,
                                           struct lfi_ties_options *ties,
                                           lfuse_error *err);
/* A kernel's args into this library's size of them; LFUSE_ERR_ARGUMENT for a NULL ctx or args. */
lfuse_status lfi_handles_args(const lfuse_context *ctx, const void *args, void *known,
                              size_t size, lfuse_error *err);
/* A convolution's, with every default filled in. */
lfuse_status lfi_handles_conv2d(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                struct lfi_conv2d *conv, const lfuse_packed **packed,
                                lfuse_error *err);
/* LFUSE_ERR_ARGUMENT for the first of the fields of args that is NULL. */
struct lfi_handles_field {
    const char *name;
    const void *pointer;
};
lfuse_status lfi_handles_given(const struct lfi_handles_field *fields, int count,
                               lfuse_error *err);
/* An array of tokens: width elements each, `stride` from one to the next. data may be NULL. */
struct lfi_handles_tokens {
    const char *name;
    const float *data;
    int64_t batch;
    int64_t tokens;
    int64_t width;
    int64_t stride;
    int64_t batch_stride;
};
/* width from heads and head_dim, both strides where they are 0; LFUSE_ERR_ARGUMENT where they are
 * too short, LFUSE_ERR_OVERFLOW. batch and tokens are >= 1. */
lfuse_status lfi_handles_tokens(struct lfi_handles_tokens *tokens, int64_t heads,
                                int64_t head_dim, lfuse_error *err);
/* Whether they may share an element: parts of one buffer do not, where one's tokens lie beside the
 * other's in steps of the same length. */
bool lfi_handles_overlap(const struct lfi_handles_tokens *a,
                         const struct lfi_handles_tokens *b);
/* LFUSE_ERR_ARGUMENT unless value is in [0, last]. */
lfuse_status lfi_handles_constant(int32_t value, int32_t last, const char *options,
                                  const char *field, lfuse_error *err);
/* The layer of the row whose values this one has, and which row of it; -1: no such row. */
int64_t lfi_handles_row_owner(const struct lfi_rows *rows,
                              const struct lfi_grouping *grouping, int64_t layer,
                              int32_t weight, int64_t row, int64_t *owner_row);
lfuse_status lfi_handles_account(const struct lfi_account *measured, lfuse_base base,
                                 lfuse_account *account, lfuse_error *err);

#endif
