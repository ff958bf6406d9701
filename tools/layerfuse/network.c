/* network.c - see network.h */
#include "network.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "layers.h"
#include "text.h"

void lfc_network_reserve(struct lfc_network *n, const lfuse_checkpoint *checkpoint,
                         int64_t layers, int64_t tensors)
{
    const int64_t all = lfuse_checkpoint_count(checkpoint);
    int64_t i;

    n->checkpoint = checkpoint;
    n->layers = lfc_alloc((size_t)layers, sizeof(*n->layers));
    n->first = lfc_alloc((size_t)layers + 1, sizeof(*n->first));
    n->tensors = lfc_alloc((size_t)tensors, sizeof(*n->tensors));
    n->layer_of = lfc_alloc((size_t)all, sizeof(*n->layer_of));
    for (i = 0; i < all; i++)
        n->layer_of[i] = -1;
}

void lfc_network_free(struct lfc_network *network)
{
    while (network->count > 0)
        lfuse_layer_destroy(network->layers[--network->count]);
    free(network->layers);
    free(network->first);
    free(network->tensors);
    free(network->layer_of);
    memset(network, 0, sizeof(*network));
}

int lfc_network_add_layer(lfuse_context *ctx, struct lfc_network *n, const char *name,
                          const char *param_type, int64_t position)
{
    lfuse_layer_desc desc;
    lfuse_error err;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = param_type;
    desc.position = (int32_t)position;
    if (lfuse_layer_create(ctx, &desc, &n->layers[n->count], &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s: %s", name, err.message);
    n->first[n->count + 1] = n->first[n->count];
    n->count++;
    return LFC_DONE;
}

int lfc_network_add_parameter(struct lfc_network *n, const char *name, lfuse_role role,
                              int64_t tensor, int32_t output_axis)
{
    const lfuse_tensor *value = lfuse_checkpoint_tensor(n->checkpoint, tensor);
    lfuse_parameter parameter;
    lfuse_error err;

    if (output_axis >= lfuse_tensor_rank(value))
        return lfc_fail(LFC_FAILED, "%s has rank %d, there is no axis %d",
                        lfuse_checkpoint_name(n->checkpoint, tensor),
                        (int)lfuse_tensor_rank(value), (int)output_axis);
    lfuse_parameter_init(&parameter, sizeof(parameter));
    parameter.name = name;
    parameter.role = role;
    parameter.value = (lfuse_tensor *)value; /* layers that are only read */
    parameter.output_axis = output_axis;
    if (lfuse_layer_add_parameter(n->layers[n->count - 1], &parameter, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s: %s",
                        lfuse_checkpoint_name(n->checkpoint, tensor), err.message);
    n->layer_of[tensor] = n->count - 1;
    n->tensors[n->first[n->count]++] = tensor;
    return LFC_DONE;
}

/* ---- what a file has ------------------------------------------------------------------------ */

struct found {
    const char *name;
    const char *weight; /* what all of the type call it */
    char *param_type;
    int64_t tensor;
};

static int by_name(const void *a, const void *b)
{
    return lfc_types_natural_order(((const struct found *)a)->name,
                                   ((const struct found *)b)->name);
}

int lfc_network_matches(const struct lfc_list *globs, const char *name)
{
    int i;

    for (i = 0; i < globs->count; i++)
        if (strcmp(globs->items[i], name) == 0 || fnmatch(globs->items[i], name, 0) == 0)
            return 1;
    return 0;
}

static int check_globs(const struct lfc_list *globs, const lfuse_checkpoint *checkpoint)
{
    const int64_t count = lfuse_checkpoint_count(checkpoint);
    int64_t k;
    int i;

    for (i = 0; i < globs->count; i++) {
        const struct lfc_list one = {globs->items + i, 1};

        for (k = 0; k < count; k++)
            if (lfc_network_matches(&one, lfuse_checkpoint_name(checkpoint, k)))
                break;
        if (k == count)
            return lfc_fail(LFC_FAILED, "--exclude: no tensor matches '%s'",
                            globs->items[i]);
    }
    return LFC_DONE;
}

/* Types of one pattern and two shapes are two: "h.*.w [4, 3]". */
static char *param_type_of(const struct lfc_type *type)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);

    if (memory == NULL)
        exit(lfc_fail(LFC_FAILED, "no memory for a name"));
    fprintf(memory, "%s ", type->pattern);
    lfc_put_shape(memory, type->rank, type->dims);
    if (fclose(memory) != 0)
        exit(lfc_fail(LFC_FAILED, "no memory for a name"));
    return text;
}

/* Couplings name tensors, which are "LAYER.WEIGHT" or the layer's name, where that ends so. */
static const char *weight_of(const struct lfc_type *type, const char *name)
{
    const char *last = lfc_network_last_component(type->pattern);

    return strchr(last, '*') != NULL ? "weight" : lfc_network_last_component(name);
}

/* In natural order; their number. */
static int64_t list(const lfuse_checkpoint *checkpoint, const struct lfc_types *types,
                    struct found *found)
{
    int64_t count = 0, t, i;

    for (t = 0; t < types->count; t++)
        for (i = 0; i < types->items[t].count; i++) {
            const int64_t tensor = types->items[t].tensors[i];
            const char *name = lfuse_checkpoint_name(checkpoint, tensor);

            if (lfuse_checkpoint_owner(checkpoint, tensor) == tensor)
                found[count++] = (struct found){name, weight_of(&types->items[t], name),
                                                param_type_of(&types->items[t]), tensor};
        }
    qsort(found, (size_t)count, sizeof(*found), by_name);
    return count;
}

/* Every tensor of a type. */
static int find_tensors(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                        const struct lfc_network_rules *rules,
                        struct lfc_network *network)
{
    const int64_t all = lfuse_checkpoint_count(checkpoint);
    struct found *found = lfc_alloc((size_t)all, sizeof(*found));
    struct lfc_types types;
    int64_t count, i;
    int code = LFC_DONE;

    lfc_types_find(checkpoint, rules->rule, 0, &types);
    count = list(checkpoint, &types, found);
    memset(network, 0, sizeof(*network));
    lfc_network_reserve(network, checkpoint, all, all);
    for (i = 0; i < count && code == LFC_DONE; i++) {
        code = lfc_network_add_layer(ctx, network, found[i].name, found[i].param_type, i);
        if (code == LFC_DONE)
            code = lfc_network_add_parameter(network, found[i].weight, LFUSE_ROLE_WEIGHT,
                                             found[i].tensor,
                                             lfc_axes_of(rules->axes, found[i].name));
    }
    for (i = 0; i < count; i++)
        free(found[i].param_type);
    free(found);
    lfc_types_free(&types);
    if (code != LFC_DONE)
        lfc_network_free(network);
    return code;
}

int lfc_network_find(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                     const struct lfc_network_rules *rules, struct lfc_network *network)
{
    int code = check_globs(rules->exclude, checkpoint);

    if (code == LFC_DONE)
        code = lfc_axes_match(rules->axes, checkpoint);
    if (code != LFC_DONE)
        return code;
    code = rules->block != NULL ? lfc_network_find_blocks(ctx, checkpoint, rules, network)
                                : find_tensors(ctx, checkpoint, rules, network);
    network->candidates = network->count;
    if (code == LFC_DONE && rules->others) {
        code = lfc_network_add_others(ctx, rules, network);
        if (code != LFC_DONE)
            lfc_network_free(network);
    }
    return code;
}

/* ---- what a plan has ------------------------------------------------------------------------ */

/* The tensor "LAYER.WEIGHT", or the one of the layer's own name; -1: there is none. */
static int64_t find_tensor(const lfuse_checkpoint *checkpoint, const char *layer,
                           const char *weight, int is_only)
{
    const size_t length = strlen(layer) + strlen(weight) + 2;
    char *name = lfc_alloc(length, 1);
    int64_t index = -1;

    if (is_only)
        index = lfuse_checkpoint_find(checkpoint, layer);
    (void)snprintf(name, length, "%s.%s", layer, weight);
    if (index < 0)
        index = lfuse_checkpoint_find(checkpoint, name);
    free(name);
    return index;
}

static int add_planned_weight(struct lfc_network *n, const char *file,
                              const lfuse_plan *plan, int64_t layer, int32_t index)
{
    const char *name = lfuse_plan_layer_name(plan, layer);
    const int is_only = lfuse_plan_weight_count(plan, layer) == 1;
    lfuse_planned_weight weight;
    lfuse_error err;
    int64_t tensor;

    lfuse_planned_weight_init(&weight, sizeof(weight));
    if (lfuse_plan_weight(plan, layer, index, &weight, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    tensor = find_tensor(n->checkpoint, name, weight.name, is_only);
    if (tensor < 0)
        return lfc_fail(LFC_FAILED,
                        "%s: layer %s of the plan is not in it: no tensor %s.%s%s", file,
                        name, name, weight.name, is_only ? ", nor the name alone" : "");
    if (lfuse_checkpoint_owner(n->checkpoint, tensor) != tensor)
        return lfc_fail(
            LFC_FAILED, "%s: layer %s of the plan is another name of %s", file, name,
            lfuse_checkpoint_name(n->checkpoint,
                                  lfuse_checkpoint_owner(n->checkpoint, tensor)));
    if (n->layer_of[tensor] >= 0)
        return lfc_fail(LFC_FAILED, "%s: tensor %s is two weights of the plan", file,
                        lfuse_checkpoint_name(n->checkpoint, tensor));
    return lfc_network_add_parameter(n, weight.name, LFUSE_ROLE_WEIGHT, tensor,
                                     weight.output_axis);
}

int lfc_network_of_plan(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                        const char *file, const lfuse_plan *plan,
                        struct lfc_network *network)
{
    const int64_t layers = lfuse_plan_layer_count(plan);
    int64_t tensors = lfc_network_count_moved(plan), i;
    int code = LFC_DONE;
    int32_t k;

    for (i = 0; i < layers; i++)
        tensors += lfuse_plan_weight_count(plan, i);
    memset(network, 0, sizeof(*network));
    lfc_network_reserve(network, checkpoint, layers, tensors);
    for (i = 0; i < layers && code == LFC_DONE; i++) {
        code = lfc_network_add_layer(ctx, network, lfuse_plan_layer_name(plan, i),
                                     lfuse_plan_layer_type(plan, i), i);
        for (k = 0; k < lfuse_plan_weight_count(plan, i) && code == LFC_DONE; k++)
            code = add_planned_weight(network, file, plan, i, k);
        if (code == LFC_DONE)
            code = lfc_network_add_moved(file, plan, lfuse_plan_layer_name(plan, i),
                                         network);
    }
    if (code != LFC_DONE)
        lfc_network_free(network);
    return code;
}
