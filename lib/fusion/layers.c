/* layers.c - what a plan and ties ask of layers */
#include "fusion/fusion.h"

#include <math.h>
#include <string.h>

int32_t lfi_layer_role_count(const struct lfi_layer *layer, lfuse_role role)
{
    int32_t n = 0, i;

    for (i = 0; i < layer->parameter_count; i++)
        n += layer->parameters[i].role == role;
    return n;
}

struct lfi_parameter *lfi_layer_of_role(const struct lfi_layer *layer, lfuse_role role,
                                        int32_t index)
{
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].role == role && index-- == 0)
            return &layer->parameters[i];
    return NULL;
}

int32_t lfi_layer_weight_count(const struct lfi_layer *layer)
{
    return lfi_layer_role_count(layer, LFUSE_ROLE_WEIGHT);
}

struct lfi_parameter *lfi_layer_weight(const struct lfi_layer *layer, int32_t index)
{
    return lfi_layer_of_role(layer, LFUSE_ROLE_WEIGHT, index);
}

int64_t lfi_layer_weight_elements(const struct lfi_layer *layer)
{
    int64_t n = 0;
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].role == LFUSE_ROLE_WEIGHT)
            n += lfi_view_elements(&layer->parameters[i].value->view);
    return n;
}

double lfi_layer_weight_norm(const struct lfi_layer *layer,
                             const struct lfi_arrangement *arrangements)
{
    double norm = 0.0;
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].role == LFUSE_ROLE_WEIGHT) {
            const struct lfi_arranged weight =
                lfi_arranged_of(&layer->parameters[i].value->view, arrangements, i);

            norm = hypot(norm, lfi_combine_norm(&weight));
        }
    return norm;
}

size_t lfi_layer_weight_bytes(const struct lfi_layer *layer)
{
    size_t n = 0;
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].role == LFUSE_ROLE_WEIGHT)
            n += lfi_view_bytes(&layer->parameters[i].value->view);
    return n;
}

struct lfi_array *lfi_parameter_array(const struct lfi_parameter *parameter,
                                      int32_t which)
{
    switch (which) {
    case LFI_VALUE: return parameter->value;
    case LFI_GRADIENT: return parameter->gradient;
    default: return parameter->state[which - LFI_STATE];
    }
}

lfuse_status lfi_layers_check_names(const struct lfi_layer *const *layers, int64_t count,
                                    lfuse_error *err)
{
    int64_t i, j;

    for (i = 1; i < count; i++)
        for (j = 0; j < i; j++)
            if (strcmp(layers[i]->name, layers[j]->name) == 0)
                return lfi_fail(err, LFUSE_ERR_NAME,
                                "layers[%lld] and layers[%lld] are both named %s",
                                (long long)j, (long long)i, layers[i]->name);
    return LFUSE_OK;
}

bool lfi_layers_is_candidate(const struct lfi_layer *const *layers, int64_t count,
                             int64_t index)
{
    int64_t i;

    if (lfi_layer_weight_count(layers[index]) == 0)
        return false;
    for (i = 0; i < count; i++)
        if (i != index && lfi_layer_weight_count(layers[i]) > 0 &&
            strcmp(layers[i]->param_type, layers[index]->param_type) == 0)
            return true;
    return false;
}

/* Whether the same array of both is one tensor's, or their values start at one address. */
static bool share(const struct lfi_parameter *p, const struct lfi_parameter *q,
                  int32_t which)
{
    const struct lfi_array *a = lfi_parameter_array(p, which),
                           *b = lfi_parameter_array(q, which);

    return a != NULL && b != NULL &&
           (a == b || (which == LFI_VALUE && a->view.data == b->view.data));
}

/* Of two layers, or of one: then each pair of parameters is looked at once. */
static lfuse_status check_apart(const struct lfi_layer *a, const struct lfi_layer *b,
                                lfuse_role role, lfuse_error *err)
{
    static const char *const parts[] = {"value", "gradient", "state"};
    const int32_t n = lfi_layer_role_count(a, role), m = lfi_layer_role_count(b, role);
    int32_t i, k, which;

    for (i = 0; i < n; i++)
        for (k = a == b ? i + 1 : 0; k < m; k++)
            for (which = 0; which < LFI_ARRAYS; which++) {
                const struct lfi_parameter *p = lfi_layer_of_role(a, role, i),
                                           *q = lfi_layer_of_role(b, role, k);

                if (share(p, q, which))
                    return lfi_fail(err, LFUSE_ERR_STATE,
                                    "the %s of %s of layer %s and of %s of layer %s has "
                                    "one memory already",
                                    parts[which < LFI_STATE ? which : LFI_STATE], p->name,
                                    a->name, q->name, b->name);
            }
    return LFUSE_OK;
}

lfuse_status lfi_layers_check_apart(const struct lfi_layer *const *layers, int64_t count,
                                    lfuse_role role, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i, j;

    for (i = 0; i < count; i++) {
        if (!lfi_layers_is_candidate(layers, count, i))
            continue;
        for (j = 0; j < count && status == LFUSE_OK; j++)
            if (j >= i || !lfi_layers_is_candidate(layers, count, j))
                status = j < i ? check_apart(layers[j], layers[i], role, err)
                               : check_apart(layers[i], layers[j], role, err);
    }
    return status;
}

lfuse_status lfi_layer_check_finite(const struct lfi_layer *layer, lfuse_role role,
                                    lfuse_error *err)
{
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++) {
        const struct lfi_parameter *p = &layer->parameters[i];
        int64_t at = -1;

        if (p->role == role)
            at = lfi_view_find_not_finite(&p->value->view);
        if (at >= 0)
            return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                            "element %lld of parameter %s of layer %s is not finite",
                            (long long)at, p->name, layer->name);
    }
    return LFUSE_OK;
}
