/*
 * network_others.c - what is not fused, but may be put in order with what is: biases, norms, and
 * weights without like
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "layers.h"
#include "network.h"

/* ---- of a file ------------------------------------------------------------------------------ */

const char *lfc_network_last_component(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot == NULL || dot[1] == '\0' ? name : dot + 1;
}

/* Another name of a tensor counts once, and is no second weight. */
static lfuse_role role_of(const lfuse_checkpoint *checkpoint, int64_t tensor)
{
    const char *last =
        lfc_network_last_component(lfuse_checkpoint_name(checkpoint, tensor));

    if (lfuse_checkpoint_owner(checkpoint, tensor) != tensor ||
        strncmp(last, "running_", strlen("running_")) == 0)
        return LFUSE_ROLE_STATISTIC;
    if (lfuse_tensor_rank(lfuse_checkpoint_tensor(checkpoint, tensor)) >= 2)
        return LFUSE_ROLE_WEIGHT;
    return strcmp(last, "bias") == 0 ? LFUSE_ROLE_BIAS : LFUSE_ROLE_NORM;
}

/* They stand in the middle, so that the plan takes nothing else for the ends of the network. */
int lfc_network_add_others(lfuse_context *ctx, const struct lfc_network_rules *rules,
                           struct lfc_network *network)
{
    const lfuse_checkpoint *c = network->checkpoint;
    const int64_t middle = network->count / 2;
    int code = LFC_DONE;
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_count(c) && code == LFC_DONE; i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(c, i);
        const int32_t rank = lfuse_tensor_rank(tensor);
        const char *name = lfuse_checkpoint_name(c, i);

        if (network->layer_of[i] >= 0 || rank == 0 || lfuse_tensor_elements(tensor) == 0)
            continue;
        code = lfc_network_add_layer(ctx, network, name, name, middle);
        if (code == LFC_DONE)
            code = lfc_network_add_parameter(
                network, lfc_network_last_component(name), role_of(c, i), i,
                rank >= 2 ? lfc_axes_of(rules->axes, name) : 0);
    }
    return code;
}

/* ---- of a plan ------------------------------------------------------------------------------ */

/* The tensor "LAYER.PARAMETER", or of the layer's name, where that ends so; -1: there is none. */
static int64_t find_tensor(const struct lfc_network *n, const char *layer,
                           const char *parameter)
{
    const size_t size = strlen(layer) + strlen(parameter) + 2;
    char *name = lfc_alloc(size, 1);
    int64_t index;

    (void)snprintf(name, size, "%s.%s", layer, parameter);
    index = lfuse_checkpoint_find(n->checkpoint, name);
    if (index < 0 && strcmp(lfc_network_last_component(layer), parameter) == 0)
        index = lfuse_checkpoint_find(n->checkpoint, layer);
    free(name);
    return index;
}

/* Of a weight of the latest layer, or any parameter. */
static int64_t find_member(const struct lfc_network *n, const lfuse_coupling *member)
{
    const lfuse_layer *layer = n->layers[n->count - 1];
    lfuse_parameter p;
    lfuse_error err;
    int32_t k;

    for (k = 0; k < lfuse_layer_parameter_count(layer); k++) {
        lfuse_parameter_init(&p, sizeof(p));
        if (lfuse_layer_parameter(layer, k, &p, &err) == LFUSE_OK &&
            strcmp(p.name, member->parameter) == 0)
            return n->tensors[n->first[n->count - 1] + k];
    }
    return find_tensor(n, member->layer, member->parameter);
}

/* What goes by two names may stand in two places, which one order cannot serve. */
static int check_unshared(const struct lfc_network *n, const char *file, int64_t tensor)
{
    const lfuse_checkpoint *c = n->checkpoint;
    const int64_t owner = lfuse_checkpoint_owner(c, tensor);
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_count(c); i++)
        if (i != tensor && lfuse_checkpoint_owner(c, i) == owner)
            return lfc_fail(LFC_FAILED,
                            "%s: %s is also %s: a tensor that has two names cannot be "
                            "put in order",
                            file, lfuse_checkpoint_name(c, tensor),
                            lfuse_checkpoint_name(c, i));
    return LFC_DONE;
}

static int add_member(struct lfc_network *n, const char *file,
                      const lfuse_coupling *member)
{
    const int64_t tensor = find_member(n, member);
    int code;

    if (tensor < 0)
        return lfc_fail(LFC_FAILED,
                        "%s: %s of layer %s, which the plan permutes, is not in it", file,
                        member->parameter, member->layer);
    code = check_unshared(n, file, tensor);
    if (code != LFC_DONE || n->layer_of[tensor] == n->count - 1)
        return code;
    if (n->layer_of[tensor] >= 0)
        return lfc_fail(LFC_FAILED, "%s: tensor %s is in two layers of the plan", file,
                        lfuse_checkpoint_name(n->checkpoint, tensor));
    return lfc_network_add_parameter(n, member->parameter, LFUSE_ROLE_NORM, tensor, 0);
}

int lfc_network_add_moved(const char *file, const lfuse_plan *plan, const char *layer,
                          struct lfc_network *network)
{
    int code = LFC_DONE;
    lfuse_coupling m;
    lfuse_error err;
    int64_t i, k;

    for (i = 0; i < lfuse_plan_permutation_count(plan); i++)
        for (k = 0; k < lfuse_plan_permutation_member_count(plan, i) && code == LFC_DONE;
             k++) {
            lfuse_coupling_init(&m, sizeof(m));
            if (lfuse_plan_permutation_member(plan, i, k, &m, &err) != LFUSE_OK)
                code = lfc_fail(LFC_FAILED, "%s", err.message);
            else if (strcmp(m.layer, layer) == 0)
                code = add_member(network, file, &m);
        }
    return code;
}

int64_t lfc_network_count_moved(const lfuse_plan *plan)
{
    int64_t count = 0, i;

    for (i = 0; i < lfuse_plan_permutation_count(plan); i++)
        count += lfuse_plan_permutation_member_count(plan, i);
    return count;
}
