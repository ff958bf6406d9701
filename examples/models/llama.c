/* llama.c - what the network consists of; see llama.h. It runs in llama_decode.c, and is read
 * from files by llama_file.c. */
#include "models/llama.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"

/* ---- layers
 * -------------------------------------------------------------------------------------- */

/* Weights that train, and the layer that they are, called before + name. */
static lfuse_status add(struct llama *net, const char *before, const char *name,
                        lfuse_layer_kind kind, int64_t rows, int64_t columns,
                        struct weights *weights, lfuse_error *err)
{
    lfuse_status status = tensors_weights(&net->tensors, rows, columns, weights, err);
    lfuse_layer **layer = &net->layers[net->layer_count];
    lfuse_layer_desc desc;
    lfuse_parameter p;
    char text[64];

    if (status != LFUSE_OK)
        return status;
    snprintf(text, sizeof(text), "%s%s", before, name);
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = text;
    desc.param_type = name; /* only layers of one type are ever fused */
    desc.kind = kind;
    desc.position = (int32_t)net->layer_count;
    status = lfuse_layer_create(net->ctx, &desc, layer, err);
    if (status != LFUSE_OK)
        return status;
    net->layer_count++;
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "weight";
    p.role = kind == LFUSE_LAYER_NORM ? LFUSE_ROLE_NORM : LFUSE_ROLE_WEIGHT;
    p.value = weights->value;
    return lfuse_layer_add_parameter(*layer, &p, err);
}

static lfuse_status create_block(struct llama *net, int64_t index, lfuse_error *err)
{
    const struct llama_shape *s = &net->shape;
    const int64_t d = s->width, kv = s->kv_heads * (d / s->heads), h = s->hidden;
    struct llama_block *b = &net->blocks[index];
    const struct {
        const char *name;
        struct weights *weights;
        int64_t rows, columns;
    } all[] = {{"attention_norm", &b->attention_norm, d, 0},
               {"attention.wq", &b->wq, d, d},
               {"attention.wk", &b->wk, kv, d},
               {"attention.wv", &b->wv, kv, d},
               {"attention.wo", &b->wo, d, d},
               {"ffn_norm", &b->ffn_norm, d, 0},
               {"feed_forward.w1", &b->w1, h, d},
               {"feed_forward.w2", &b->w2, d, h},
               {"feed_forward.w3", &b->w3, h, d}};
    lfuse_status status = LFUSE_OK;
    char before[32];
    size_t i;

    snprintf(before, sizeof(before), "layers.%d.", (int)index);
    for (i = 0; i < sizeof(all) / sizeof(all[0]) && status == LFUSE_OK; i++)
        status = add(net, before, all[i].name,
                     all[i].columns == 0 ? LFUSE_LAYER_NORM : LFUSE_LAYER_LINEAR,
                     all[i].rows, all[i].columns, all[i].weights, err);
    if (status == LFUSE_OK)
        status = tensors_matrix(&net->tensors, s->positions, kv, &b->keys, err);
    return status == LFUSE_OK
               ? tensors_matrix(&net->tensors, s->positions, kv, &b->values, err)
               : status;
}

static lfuse_status create_weights(struct llama *net, lfuse_error *err)
{
    const struct llama_shape *s = &net->shape;
    lfuse_status status = add(net, "", "tok_embeddings", LFUSE_LAYER_EMBEDDING,
                              s->vocabulary, s->width, &net->embedding, err);
    int64_t i;

    for (i = 0; i < s->blocks && status == LFUSE_OK; i++)
        status = create_block(net, i, err);
    if (status == LFUSE_OK)
        status = add(net, "", "norm", LFUSE_LAYER_NORM, s->width, 0, &net->norm, err);
    if (status == LFUSE_OK && s->has_output)
        status = add(net, "", "output", LFUSE_LAYER_LINEAR, s->vocabulary, s->width,
                     &net->output, err);
    return status;
}

static lfuse_status create_activations(struct llama *net, lfuse_error *err)
{
    const int64_t d = net->shape.width, h = net->shape.hidden;
    struct {
        lfuse_tensor **tensor;
        int64_t columns;
    } const all[] = {{&net->stream, d},  {&net->branch, d},   {&net->normed, d},
                     {&net->queries, d}, {&net->attended, d}, {&net->gate, h},
                     {&net->up, h}};
    lfuse_status status = LFUSE_OK;
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]) && status == LFUSE_OK; i++)
        status = tensors_matrix(&net->tensors, net->tokens, all[i].columns, all[i].tensor,
                                err);
    return status == LFUSE_OK
               ? tensors_vector(&net->tensors, net->shape.vocabulary, &net->logits, err)
               : status;
}

/* ---- from and to nothing
 * ------------------------------------------------------------------------ */

static lfuse_status check(const struct llama_shape *s, int64_t tokens, lfuse_error *err)
{
    if (s->blocks < 1 || s->blocks > LLAMA_MAX_BLOCKS || s->width < 1 || s->hidden < 1 ||
        s->positions < 1 || s->vocabulary < 1)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld blocks are not in [1, %d], or a width of %lld, %lld "
                            "inside, %lld positions or %lld ids are less than 1",
                            (long long)s->blocks, (int)LLAMA_MAX_BLOCKS,
                            (long long)s->width, (long long)s->hidden,
                            (long long)s->positions, (long long)s->vocabulary);
    if (s->heads < 1 || s->width % s->heads != 0 || s->kv_heads < 1 ||
        s->heads % s->kv_heads != 0)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld heads do not divide a width of %lld, or %lld key and "
                            "value heads not them",
                            (long long)s->heads, (long long)s->width,
                            (long long)s->kv_heads);
    if (tokens < 1 || tokens > s->positions)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld tokens are not in [1, %lld], the positions",
                            (long long)tokens, (long long)s->positions);
    return LFUSE_OK;
}

static lfuse_status create(struct llama *net, lfuse_error *err)
{
    lfuse_status status;

    net->blocks = calloc((size_t)net->shape.blocks, sizeof(*net->blocks));
    net->layers = calloc((size_t)(3 + 9 * net->shape.blocks), sizeof(*net->layers));
    if (net->blocks == NULL || net->layers == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    status = create_weights(net, err);
    return status == LFUSE_OK ? create_activations(net, err) : status;
}

lfuse_status llama_create(lfuse_context *ctx, const struct llama_shape *shape,
                          int64_t tokens, struct llama **out, lfuse_error *err)
{
    lfuse_status status = check(shape, tokens, err);
    struct llama *net;

    *out = NULL;
    if (status != LFUSE_OK)
        return status;
    net = calloc(1, sizeof(*net));
    if (net == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    net->ctx = net->tensors.ctx = ctx;
    net->shape = *shape;
    net->tokens = tokens;
    status = create(net, err);
    if (status == LFUSE_OK)
        *out = net;
    else
        llama_destroy(net);
    return status;
}

void llama_destroy(struct llama *net)
{
    if (net == NULL)
        return;
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    free(net->layers);
    tensors_free(&net->tensors);
    free(net->blocks);
    free(net);
}
