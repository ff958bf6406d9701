/*
 * gpt_forward.c - the forward pass, whole or one sequence going on; see gpt.h
 *
 * What a half of a block adds stays in net->branch until the next norm adds it to the residual
 * stream on its way. Tying layers re-points their weights: no address is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "models/gpt_inside.h"

#define data tensors_data

int64_t gpt_rows(const struct gpt *net)
{
    return net->pass.batch * net->pass.tokens;
}

/* ---- arguments
 * ---------------------------------------------------------------------------------- */

lfuse_linear_args gpt_linear_args(const struct gpt *net, const struct gpt_linear *linear)
{
    lfuse_linear_args args;

    lfuse_linear_args_init(&args, sizeof(args));
    args.batch = gpt_rows(net);
    args.out_features = lfuse_tensor_dim(linear->weight.value, 0);
    args.in_features = lfuse_tensor_dim(linear->weight.value, 1);
    args.w = data(linear->weight.value);
    args.workspace = data(net->workspace);
    args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return args;
}

lfuse_linear_residual_args gpt_residual_args(const struct gpt *net,
                                             const struct gpt_linear *linear)
{
    lfuse_linear_residual_args args;

    lfuse_linear_residual_args_init(&args, sizeof(args));
    args.batch = gpt_rows(net);
    args.out_features = lfuse_tensor_dim(linear->weight.value, 0);
    args.in_features = lfuse_tensor_dim(linear->weight.value, 1);
    args.rank = lfuse_tensor_dim(linear->up.value, 1);
    args.w = data(linear->weight.value);
    args.a = data(linear->up.value);
    args.b = data(linear->down.value);
    args.workspace = data(net->workspace);
    args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return args;
}

lfuse_layer_norm_args gpt_norm_args(const struct gpt *net, const struct gpt_norm *norm)
{
    lfuse_layer_norm_args args;

    lfuse_layer_norm_args_init(&args, sizeof(args));
    args.rows = gpt_rows(net);
    args.columns = net->shape.width;
    args.gamma = data(norm->scale.value);
    args.mean = data(norm->mean);
    args.inv_std = data(norm->inverse);
    args.workspace = data(net->workspace);
    args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return args;
}

lfuse_activation_args gpt_gelu_args(const struct gpt *net, const struct gpt_block *block)
{
    lfuse_activation_args args;

    lfuse_activation_args_init(&args, sizeof(args));
    args.rows = gpt_rows(net);
    args.columns = 4 * net->shape.width;
    args.x = data(block->wide);
    args.flags = LFUSE_GELU_TANH;
    return args;
}

lfuse_attention_args gpt_attention_args(const struct gpt *net,
                                        const struct gpt_block *block)
{
    const int64_t d = net->shape.width;
    lfuse_attention_args args;

    lfuse_attention_args_init(&args, sizeof(args));
    args.batch = net->pass.batch;
    args.tokens = net->pass.tokens;
    args.keys = net->pass.position + net->pass.tokens;
    args.heads = net->shape.heads;
    args.head_dim = d / net->shape.heads;
    args.q = data(block->qkv);
    args.k = args.q + d;
    args.v = args.q + 2 * d;
    args.q_stride = args.k_stride = args.v_stride = 3 * d;
    args.y = data(block->attended);
    if (net->pass.is_cached) {
        args.k = data(block->cache);
        args.v = args.k + d;
        args.k_stride = args.v_stride = 2 * d;
    }
    args.flags = LFUSE_ATTENTION_CAUSAL;
    args.workspace = data(net->workspace);
    args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return args;
}

lfuse_embedding_args gpt_embedding_args(const struct gpt *net)
{
    lfuse_embedding_args args;

    lfuse_embedding_args_init(&args, sizeof(args));
    args.ids = net->pass.ids;
    args.rows = gpt_rows(net);
    args.tokens = net->pass.tokens;
    args.first_position = net->pass.position;
    args.width = net->shape.width;
    args.vocabulary = net->shape.vocabulary;
    args.position_count = net->shape.positions;
    args.table = data(net->wte.value);
    args.positions = data(net->wpe.value);
    return args;
}

int gpt_drops(const struct gpt *net)
{
    return net->pass.trains && net->dropout > 0.0;
}

lfuse_status gpt_drop(const struct gpt *net, lfuse_tensor *x, int64_t place,
                      lfuse_error *err)
{
    lfuse_dropout_args args;

    if (!gpt_drops(net))
        return LFUSE_OK;
    lfuse_dropout_args_init(&args, sizeof(args));
    args.x = args.y = data(x);
    args.count = gpt_rows(net) * net->shape.width;
    args.probability = net->dropout;
    args.seed = net->seed;
    args.stream = net->step * (uint64_t)(1 + 2 * net->shape.blocks) + (uint64_t)place;
    return lfuse_dropout_forward(net->ctx, &args, err);
}

/* ---- parts
 * ---------------------------------------------------------------------------------------- */

static lfuse_status residual_forward(const struct gpt *net,
                                     const struct gpt_linear *linear,
                                     const lfuse_tensor *x, lfuse_tensor *y,
                                     lfuse_error *err)
{
    lfuse_linear_residual_args args = gpt_residual_args(net, linear);

    args.x = data(x);
    args.bias = data(linear->bias.value);
    args.y = data(y);
    return lfuse_linear_residual_forward(net->ctx, &args, err);
}

static lfuse_status linear_forward(const struct gpt *net, const struct gpt_linear *linear,
                                   const lfuse_tensor *x, lfuse_tensor *y,
                                   lfuse_error *err)
{
    lfuse_linear_args args = gpt_linear_args(net, linear);

    if (linear->up.value != NULL)
        return residual_forward(net, linear, x, y, err);

    args.x = data(x);
    args.bias = data(linear->bias.value);
    args.y = data(y);
    return lfuse_linear_forward(net->ctx, &args, err);
}

/* sum = x + residual, or x where that is NULL; y = norm(sum). */
static lfuse_status norm_forward(const struct gpt *net, const struct gpt_norm *norm,
                                 const lfuse_tensor *x, const lfuse_tensor *residual,
                                 lfuse_tensor *sum, lfuse_tensor *y, lfuse_error *err)
{
    lfuse_layer_norm_args args = gpt_norm_args(net, norm);

    if (residual == NULL) {
        memcpy(data(sum), data(x), (size_t)(args.rows * args.columns) * sizeof(float));
        x = sum;
    }
    args.x = data(x);
    args.residual = data(residual);
    args.beta = data(norm->shift.value);
    args.sum = residual != NULL ? data(sum) : NULL;
    args.y = data(y);
    return lfuse_layer_norm_forward(net->ctx, &args, err);
}

/* The new keys and values go behind the others. */
static void keep_keys(const struct gpt *net, const struct gpt_block *block)
{
    const int64_t d = net->shape.width;
    float *to = data(block->cache) + net->pass.position * 2 * d;
    const float *from = data(block->qkv) + d;
    int64_t i;

    for (i = 0; i < net->pass.tokens; i++)
        memcpy(to + i * 2 * d, from + i * 3 * d, (size_t)(2 * d) * sizeof(*to));
}

static lfuse_status attention_forward(const struct gpt *net, struct gpt_block *b,
                                      lfuse_error *err)
{
    lfuse_status status = linear_forward(net, &b->attend, b->in_normed, b->qkv, err);
    lfuse_attention_args args = gpt_attention_args(net, b);

    if (status != LFUSE_OK)
        return status;
    if (net->pass.is_cached)
        keep_keys(net, b);
    if (net->pass.trains)
        args.statistics = data(b->statistics);
    status = lfuse_attention_forward(net->ctx, &args, err);
    return status == LFUSE_OK
               ? linear_forward(net, &b->project, b->attended, net->branch, err)
               : status;
}

static lfuse_status mlp_forward(const struct gpt *net, struct gpt_block *b,
                                lfuse_error *err)
{
    lfuse_activation_args gelu = gpt_gelu_args(net, b);
    lfuse_status status = linear_forward(net, &b->widen, b->middle_normed, b->wide, err);

    gelu.y = data(b->activated);
    if (status == LFUSE_OK)
        status = lfuse_gelu_forward(net->ctx, &gelu, err);
    return status == LFUSE_OK
               ? linear_forward(net, &b->narrow, b->activated, net->branch, err)
               : status;
}

/* *x and *branch, which may be NULL, add up to the residual stream, before and after. */
static lfuse_status block_forward(struct gpt *net, int64_t index, const lfuse_tensor **x,
                                  const lfuse_tensor **branch, lfuse_error *err)
{
    struct gpt_block *b = &net->blocks[index];
    lfuse_status status =
        norm_forward(net, &b->ln_1, *x, *branch, b->in, b->in_normed, err);

    if (status == LFUSE_OK)
        status = attention_forward(net, b, err);
    if (status == LFUSE_OK)
        status = gpt_drop(net, net->branch, 1 + 2 * index, err);
    if (status == LFUSE_OK)
        status = norm_forward(net, &b->ln_2, b->in, net->branch, b->middle,
                              b->middle_normed, err);
    if (status == LFUSE_OK)
        status = mlp_forward(net, b, err);
    if (status == LFUSE_OK)
        status = gpt_drop(net, net->branch, 2 + 2 * index, err);
    *x = b->middle;
    *branch = net->branch;
    return status;
}

static lfuse_status forward(struct gpt *net, lfuse_error *err)
{
    const lfuse_tensor *x = net->embedded, *branch = NULL;
    lfuse_embedding_args embedding = gpt_embedding_args(net);
    lfuse_status status;
    int64_t i;

    embedding.y = data(net->embedded);
    status = lfuse_embedding_forward(net->ctx, &embedding, err);
    if (status == LFUSE_OK)
        status = gpt_drop(net, net->embedded, 0, err);
    for (i = 0; i < net->shape.blocks && status == LFUSE_OK; i++)
        if (!net->blocks[i].is_dropped)
            status = block_forward(net, i, &x, &branch, err);
    return status == LFUSE_OK
               ? norm_forward(net, &net->ln_f, x, branch, net->last, net->features, err)
               : status;
}

/* ---- the passes
 * ---------------------------------------------------------------------------------- */

lfuse_status gpt_forward(struct gpt *net, const int32_t *ids, int64_t batch,
                         int64_t tokens, enum gpt_mode mode, lfuse_error *err)
{
    lfuse_status status;

    if (batch < 1 || batch > net->batch || tokens < 1 || tokens > net->tokens)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld sequences of %lld tokens: the network has room for "
                            "%lld of %lld",
                            (long long)batch, (long long)tokens, (long long)net->batch,
                            (long long)net->tokens);
    if (mode == GPT_TRAINING && net->mode != GPT_TRAINING)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "the network was made for inference and cannot train");
    net->pass = (struct gpt_pass){ids, batch, tokens, 0, mode == GPT_TRAINING, 0};
    status = forward(net, err);
    if (status != LFUSE_OK)
        net->pass.trains = 0; /* there is nothing to go back through */
    return status;
}

static lfuse_status create_caches(struct gpt *net, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < net->shape.blocks && status == LFUSE_OK; i++)
        if (net->blocks[i].cache == NULL)
            status = tensors_matrix(&net->tensors, net->shape.positions,
                                    2 * net->shape.width, &net->blocks[i].cache, err);
    return status;
}

lfuse_status gpt_logits(const struct gpt *net, int64_t first, int64_t count,
                        float *logits, lfuse_error *err)
{
    lfuse_linear_args args;

    lfuse_linear_args_init(&args, sizeof(args));
    args.batch = count;
    args.in_features = net->shape.width;
    args.out_features = net->shape.vocabulary;
    args.x = data(net->features) + first * net->shape.width;
    args.w = data(net->wte.value);
    args.y = logits;
    if (count == 1) {
        args.workspace = data(net->workspace);
        args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    }
    return lfuse_linear_forward(net->ctx, &args, err);
}

lfuse_status gpt_decode(struct gpt *net, const int32_t *ids, int64_t count,
                        int64_t position, lfuse_error *err)
{
    lfuse_status status;

    if (count < 1 || count > net->batch * net->tokens || position < 0 ||
        position > net->shape.positions - count)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld tokens at position %lld: there are %lld positions, and "
                            "room for %lld tokens at a time",
                            (long long)count, (long long)position,
                            (long long)net->shape.positions,
                            (long long)(net->batch * net->tokens));
    status = create_caches(net, err);
    net->pass = (struct gpt_pass){ids, 1, count, position, 0, 1};
    if (status == LFUSE_OK)
        status = forward(net, err);
    return status == LFUSE_OK ? gpt_logits(net, count - 1, 1, data(net->logits), err)
                              : status;
}
