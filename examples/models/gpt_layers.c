/* gpt_layers.c - what layerfuse is told about a network: its layers, and what has to be in
 * order */
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "models/gpt_inside.h"

/* Names begin with that of the layer: less it, they are the parameters'. */
struct builder {
    struct gpt *net;
    char prefix[32]; /* "h.0." */
};

static lfuse_status layer(struct builder *b, lfuse_layer_kind kind, const char *name,
                          const char *type, lfuse_error *err)
{
    struct gpt *net = b->net;
    lfuse_layer_desc desc;
    lfuse_status status;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = type; /* only layers of one type are ever fused */
    desc.kind = kind;
    desc.position = (int32_t)net->layer_count;
    status = lfuse_layer_create(net->ctx, &desc, &net->layers[net->layer_count], err);
    if (status == LFUSE_OK)
        net->layer_count++;
    return status;
}

/* A parameter of the latest layer. */
static lfuse_status add(struct builder *b, const char *before, const char *name,
                        lfuse_role role, const struct weights *weights, lfuse_error *err)
{
    lfuse_parameter p;
    char text[64];

    snprintf(text, sizeof(text), "%s%s", before, name);
    lfuse_parameter_init(&p, sizeof(p));
    p.name = text;
    p.role = role;
    p.value = weights->value;
    p.gradient = weights->gradient;
    p.state[0] = weights->first;
    p.state[1] = weights->second;
    return lfuse_layer_add_parameter(b->net->layers[b->net->layer_count - 1], &p, err);
}

/* Of a unit of its own, or, where the whole block is one, as a part of that. */
static lfuse_status part(struct builder *b, lfuse_layer_kind kind, const char *name,
                         char before[64], lfuse_error *err)
{
    char whole[64];

    before[0] = '\0';
    if (b->net->unit == GPT_UNIT_BLOCK && b->prefix[0] != '\0') {
        snprintf(before, 64, "%s.", name);
        return LFUSE_OK;
    }
    snprintf(whole, sizeof(whole), "%s%s", b->prefix, name);
    return layer(b, kind, whole, name, err);
}

static lfuse_status add_norm(struct builder *b, const char *name,
                             const struct gpt_norm *norm, lfuse_error *err)
{
    char before[64];
    lfuse_status status = part(b, LFUSE_LAYER_NORM, name, before, err);

    if (status == LFUSE_OK)
        status = add(b, before, "weight", LFUSE_ROLE_NORM, &norm->scale, err);
    if (status == LFUSE_OK)
        status = add(b, before, "bias", LFUSE_ROLE_NORM, &norm->shift, err);
    return status;
}

static lfuse_status add_linear(struct builder *b, const char *name,
                               const struct gpt_linear *linear, lfuse_error *err)
{
    char before[64];
    lfuse_status status = part(b, LFUSE_LAYER_LINEAR, name, before, err);

    if (status == LFUSE_OK)
        status = add(b, before, "weight", LFUSE_ROLE_WEIGHT, &linear->weight, err);
    if (status == LFUSE_OK)
        status = add(b, before, "bias", LFUSE_ROLE_BIAS, &linear->bias, err);
    return status;
}

static lfuse_status add_embedding(struct builder *b, const char *name,
                                  const struct weights *weights, lfuse_error *err)
{
    lfuse_status status = layer(b, LFUSE_LAYER_EMBEDDING, name, name, err);

    return status == LFUSE_OK ? add(b, "", "weight", LFUSE_ROLE_WEIGHT, weights, err)
                              : status;
}

static lfuse_status add_block(struct builder *b, int64_t index, lfuse_error *err)
{
    const struct gpt_block *block = &b->net->blocks[index];
    lfuse_status status = LFUSE_OK;
    char name[32];

    snprintf(b->prefix, sizeof(b->prefix), "h.%d.", (int)index);
    snprintf(name, sizeof(name), "h.%d", (int)index);
    if (b->net->unit == GPT_UNIT_BLOCK)
        status = layer(b, LFUSE_LAYER_OTHER, name, "block", err);
    if (status == LFUSE_OK)
        status = add_norm(b, "ln_1", &block->ln_1, err);
    if (status == LFUSE_OK)
        status = add_linear(b, "attn.c_attn", &block->attend, err);
    if (status == LFUSE_OK)
        status = add_linear(b, "attn.c_proj", &block->project, err);
    if (status == LFUSE_OK)
        status = add_norm(b, "ln_2", &block->ln_2, err);
    if (status == LFUSE_OK)
        status = add_linear(b, "mlp.c_fc", &block->widen, err);
    if (status == LFUSE_OK)
        status = add_linear(b, "mlp.c_proj", &block->narrow, err);
    return status;
}

lfuse_status gpt_create_layers(struct gpt *net, lfuse_error *err)
{
    struct builder b = {net, ""};
    lfuse_status status;
    int64_t i;

    if (net->layers == NULL)
        net->layers = calloc((size_t)(3 + 6 * net->shape.blocks), sizeof(*net->layers));
    if (net->layers == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for layers");
    status = add_embedding(&b, "wte", &net->wte, err);
    if (status == LFUSE_OK)
        status = add_embedding(&b, "wpe", &net->wpe, err);
    for (i = 0; i < net->shape.blocks && status == LFUSE_OK; i++)
        status = add_block(&b, i, err);
    b.prefix[0] = '\0';
    return status == LFUSE_OK ? add_norm(&b, "ln_f", &net->ln_f, err) : status;
}

lfuse_status gpt_set_unit(struct gpt *net, enum gpt_unit unit, lfuse_error *err)
{
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    net->unit = unit;
    return gpt_create_layers(net, err);
}

lfuse_status gpt_couple(const struct gpt *net, lfuse_couplings *couplings,
                        lfuse_error *err)
{
    return lfuse_couplings_add_preset(couplings, "gpt2",
                                      (const lfuse_layer *const *)net->layers,
                                      net->layer_count, net->shape.heads, err);
}
