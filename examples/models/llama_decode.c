/*
 * llama_decode.c - a sequence goes on by some tokens; see llama.h
 *
 * Keys and values are written to the cache where they belong, and keys rotated there. What a
 * half of a block adds stays in net->branch until the next norm adds it to the stream.
 */
#include "error.h"
#include "models/llama.h"

#define data tensors_data

static lfuse_status linear(const struct llama *net, const struct weights *w,
                           const lfuse_tensor *x, float *y, lfuse_error *err)
{
    lfuse_linear_args args;

    lfuse_linear_args_init(&args, sizeof(args));
    args.x = data(x);
    args.w = data(w->value);
    args.y = y;
    args.batch = net->count;
    args.out_features = lfuse_tensor_dim(w->value, 0);
    args.in_features = lfuse_tensor_dim(w->value, 1);
    return lfuse_linear_forward(net->ctx, &args, err);
}

/* stream += branch, which may be NULL; normed = norm(stream). */
static lfuse_status norm(const struct llama *net, const struct weights *w,
                         const lfuse_tensor *branch, lfuse_error *err)
{
    lfuse_layer_norm_args args;

    lfuse_layer_norm_args_init(&args, sizeof(args));
    args.x = data(net->stream);
    args.residual = data(branch);
    args.sum = branch != NULL ? data(net->stream) : NULL;
    args.gamma = data(w->value);
    args.y = data(net->normed);
    args.rows = net->count;
    args.columns = net->shape.width;
    args.epsilon = net->shape.epsilon;
    return lfuse_rms_norm_forward(net->ctx, &args, err);
}

static lfuse_status rotate(const struct llama *net, float *x, int64_t heads,
                           lfuse_error *err)
{
    lfuse_rotary_args args;

    lfuse_rotary_args_init(&args, sizeof(args));
    args.x = args.y = x;
    args.batch = 1;
    args.tokens = net->count;
    args.heads = heads;
    args.head_dim = net->shape.width / net->shape.heads;
    args.position = net->position;
    args.base = net->shape.base;
    args.flags = LFUSE_ROTARY_INTERLEAVED;
    return lfuse_rotary_forward(net->ctx, &args, err);
}

static lfuse_status attend(const struct llama *net, const struct llama_block *b,
                           lfuse_error *err)
{
    lfuse_attention_args args;

    lfuse_attention_args_init(&args, sizeof(args));
    args.q = data(net->queries);
    args.k = data(b->keys);
    args.v = data(b->values);
    args.y = data(net->attended);
    args.batch = 1;
    args.tokens = net->count;
    args.keys = net->position + net->count;
    args.heads = net->shape.heads;
    args.kv_heads = net->shape.kv_heads;
    args.head_dim = net->shape.width / net->shape.heads;
    args.flags = LFUSE_ATTENTION_CAUSAL;
    return lfuse_attention_forward(net->ctx, &args, err);
}

static lfuse_status attention(const struct llama *net, const struct llama_block *b,
                              lfuse_error *err)
{
    const int64_t kv = lfuse_tensor_dim(b->keys, 1);
    float *keys = data(b->keys) + net->position * kv;
    float *values = data(b->values) + net->position * kv;
    lfuse_status status = linear(net, &b->wq, net->normed, data(net->queries), err);

    if (status == LFUSE_OK)
        status = linear(net, &b->wk, net->normed, keys, err);
    if (status == LFUSE_OK)
        status = linear(net, &b->wv, net->normed, values, err);
    if (status == LFUSE_OK)
        status = rotate(net, data(net->queries), net->shape.heads, err);
    if (status == LFUSE_OK)
        status = rotate(net, keys, net->shape.kv_heads, err);
    if (status == LFUSE_OK)
        status = attend(net, b, err);
    return status == LFUSE_OK ? linear(net, &b->wo, net->attended, data(net->branch), err)
                              : status;
}

static lfuse_status feed_forward(const struct llama *net, const struct llama_block *b,
                                 lfuse_error *err)
{
    lfuse_status status = linear(net, &b->w1, net->normed, data(net->gate), err);
    lfuse_activation_args args;

    if (status == LFUSE_OK)
        status = linear(net, &b->w3, net->normed, data(net->up), err);
    lfuse_activation_args_init(&args, sizeof(args));
    args.x = args.y = data(net->gate);
    args.up = data(net->up);
    args.rows = net->count;
    args.columns = net->shape.hidden;
    if (status == LFUSE_OK)
        status = lfuse_swiglu_forward(net->ctx, &args, err);
    return status == LFUSE_OK ? linear(net, &b->w2, net->gate, data(net->branch), err)
                              : status;
}

static lfuse_status embed(const struct llama *net, const int32_t *ids, lfuse_error *err)
{
    lfuse_embedding_args args;

    lfuse_embedding_args_init(&args, sizeof(args));
    args.ids = ids;
    args.table = data(net->embedding.value);
    args.y = data(net->stream);
    args.rows = net->count;
    args.width = net->shape.width;
    args.vocabulary = net->shape.vocabulary;
    return lfuse_embedding_forward(net->ctx, &args, err);
}

/* Of the last token alone. */
static lfuse_status head(const struct llama *net, lfuse_error *err)
{
    const struct weights *w = net->shape.has_output ? &net->output : &net->embedding;
    lfuse_linear_args args;

    lfuse_linear_args_init(&args, sizeof(args));
    args.x = data(net->normed) + (net->count - 1) * net->shape.width;
    args.w = data(w->value);
    args.y = data(net->logits);
    args.batch = 1;
    args.in_features = net->shape.width;
    args.out_features = net->shape.vocabulary;
    return lfuse_linear_forward(net->ctx, &args, err);
}

lfuse_status llama_decode(struct llama *net, const int32_t *ids, int64_t count,
                          int64_t position, lfuse_error *err)
{
    const lfuse_tensor *branch = NULL;
    lfuse_status status;
    int64_t i;

    if (count < 1 || count > net->tokens || position < 0 ||
        position > net->shape.positions - count)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld tokens at position %lld: there are %lld positions, and "
                            "room for %lld tokens at a time",
                            (long long)count, (long long)position,
                            (long long)net->shape.positions, (long long)net->tokens);
    net->count = count;
    net->position = position;
    status = embed(net, ids, err);
    for (i = 0; i < net->shape.blocks && status == LFUSE_OK; i++) {
        status = norm(net, &net->blocks[i].attention_norm, branch, err);
        branch = net->branch;
        if (status == LFUSE_OK)
            status = attention(net, &net->blocks[i], err);
        if (status == LFUSE_OK)
            status = norm(net, &net->blocks[i].ffn_norm, branch, err);
        if (status == LFUSE_OK)
            status = feed_forward(net, &net->blocks[i], err);
    }
    if (status == LFUSE_OK)
        status = norm(net, &net->norm, branch, err);
    return status == LFUSE_OK ? head(net, err) : status;
}
