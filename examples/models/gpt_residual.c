/* gpt_residual.c - weights that are shared ones plus a product of their own; see gpt.h */
#include <string.h>

#include "error.h"
#include "models/gpt_inside.h"

/* Matrix i of all, four to a block. */
static struct gpt_linear *linear_at(const struct gpt *net, int64_t i)
{
    struct gpt_block *b = &net->blocks[i / 4];
    struct gpt_linear *const all[] = {&b->attend, &b->project, &b->widen, &b->narrow};

    return all[i % 4];
}

/* The matrix whose weight this is, or NULL. */
static struct gpt_linear *linear_of(const struct gpt *net, const lfuse_tensor *weight)
{
    int64_t i;

    for (i = 0; i < 4 * net->shape.blocks; i++)
        if (linear_at(net, i)->weight.value == weight)
            return linear_at(net, i);
    return NULL;
}

int64_t gpt_residuals(const struct gpt *net, const struct weights **factors)
{
    int64_t count = 0, i;

    for (i = 0; i < 4 * net->shape.blocks; i++) {
        const struct gpt_linear *linear = linear_at(net, i);

        if (linear->up.value == NULL)
            continue;
        factors[count++] = &linear->up;
        factors[count++] = &linear->down;
    }
    return count;
}

/* The weight at index of a layer; before gets its name less "weight". */
static lfuse_status find(const lfuse_layer *layer, int32_t weight, lfuse_tensor **value,
                         char before[64], lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int32_t k;

    for (k = 0; k < lfuse_layer_parameter_count(layer) && status == LFUSE_OK; k++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_layer_parameter(layer, k, &p, err);
        if (status != LFUSE_OK || p.role != LFUSE_ROLE_WEIGHT || weight-- > 0)
            continue;
        *value = p.value;
        memcpy(before, p.name, strlen(p.name) + 1);
        before[strlen(p.name) - strlen("weight")] = '\0';
        return LFUSE_OK;
    }
    return status != LFUSE_OK
               ? status
               : example_fail(err, LFUSE_ERR_ARGUMENT, "layer %s has no such weight",
                              lfuse_layer_name(layer));
}

static lfuse_status add(struct gpt *net, lfuse_layer *layer, const char *before,
                        const char *name, const lfuse_tensor *from, struct weights *to,
                        lfuse_error *err)
{
    lfuse_status status = tensors_weights(&net->tensors, lfuse_tensor_dim(from, 0),
                                          lfuse_tensor_dim(from, 1), to, err);
    lfuse_parameter p;
    char text[72];

    if (status == LFUSE_OK)
        status = lfuse_tensor_copy(to->value, from, err);
    if (status != LFUSE_OK)
        return status;
    strcat(strcpy(text, before), name);
    lfuse_parameter_init(&p, sizeof(p));
    p.name = text;
    p.role = LFUSE_ROLE_RESIDUAL;
    p.value = to->value;
    p.gradient = to->gradient;
    p.state[0] = to->first;
    p.state[1] = to->second;
    return lfuse_layer_add_parameter(layer, &p, err);
}

/* The kernel for it may ask for more than there is. */
static lfuse_status grow_workspace(struct gpt *net, const struct gpt_linear *linear,
                                   lfuse_error *err)
{
    lfuse_linear_residual_args args = gpt_residual_args(net, linear);
    lfuse_status status;
    size_t bytes = 0;

    args.batch = net->batch * net->tokens;
    status = lfuse_linear_residual_workspace(net->ctx, &args, &bytes, err);
    if (status != LFUSE_OK || bytes <= lfuse_tensor_bytes(net->workspace))
        return status;
    return tensors_vector(&net->tensors, (int64_t)(bytes / sizeof(float)) + 1,
                          &net->workspace, err);
}

lfuse_status gpt_add_residual(struct gpt *net, int64_t layer, int32_t weight,
                              const lfuse_tensor *a, const lfuse_tensor *b,
                              lfuse_error *err)
{
    struct gpt_linear *linear;
    lfuse_tensor *value = NULL;
    lfuse_status status;
    char before[64];

    status = find(net->layers[layer], weight, &value, before, err);
    if (status != LFUSE_OK)
        return status;
    linear = linear_of(net, value);
    if (linear == NULL || linear->up.value != NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "layer %s is no matrix of a block, or has a residual",
                            lfuse_layer_name(net->layers[layer]));
    status = add(net, net->layers[layer], before, "up", a, &linear->up, err);
    if (status == LFUSE_OK)
        status = add(net, net->layers[layer], before, "down", b, &linear->down, err);
    return status == LFUSE_OK ? grow_workspace(net, linear, err) : status;
}
