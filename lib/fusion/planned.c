/* planned.c - what a plan remembers of the layers that it is for, and whether layers are those */
#include "base/files.h"
#include "fusion/fusion.h"

#include <string.h>

void lfi_planned_layer_destroy(const struct lfi_env *env,
                               struct lfi_planned_layer *planned)
{
    int32_t i;

    for (i = 0; i < planned->weight_count; i++)
        lfi_string_free(env, planned->weights[i].name);
    lfi_free(env, planned->weights, (size_t)planned->weight_count,
             sizeof(*planned->weights));
    lfi_string_free(env, planned->param_type);
    lfi_string_free(env, planned->name);
}

/* A hash of a weight's elements in row order, two words at a time, zeros behind the last. */
static uint64_t hash_contents(const struct lfi_view *view)
{
    const int64_t n = lfi_view_elements(view),
                  size = (int64_t)lfi_dtype_size(view->dtype);
    uint64_t words[512], hash = 0;
    int64_t first, count, i;

    for (first = 0; first < n; first += count) {
        const int64_t most = (int64_t)sizeof(words) / size;

        count = n - first < most ? n - first : most;
        memset(words, 0, sizeof(words));
        lfi_view_read_bits(view, first, count, words);
        for (i = 0; i * 8 < count * size; i += 2)
            hash = lfi_random_u64(hash, words[i], words[i + 1]);
    }
    return hash;
}

static lfuse_status remember_weights(const struct lfi_env *env,
                                     const struct lfi_layer *layer, bool contents,
                                     struct lfi_planned_layer *planned, lfuse_error *err)
{
    const int32_t n = lfi_layer_weight_count(layer);
    lfuse_status status;
    int32_t i;

    status = lfi_alloc_zero(env, (size_t)n, sizeof(*planned->weights), "a plan",
                            &planned->weights, err);
    if (status != LFUSE_OK)
        return status;
    planned->weight_count = n;
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        const struct lfi_parameter *p = lfi_layer_weight(layer, i);

        planned->weights[i].shape = p->value->view;
        planned->weights[i].shape.data = NULL;
        planned->weights[i].output_axis = p->output_axis;
        planned->weights[i].has_contents = contents;
        if (contents)
            planned->weights[i].contents = hash_contents(&p->value->view);
        status = lfi_string_copy(env, p->name, &planned->weights[i].name, err);
    }
    return status;
}

/* What an account needs of the other parameters. */
static void remember_rest(const struct lfi_layer *layer,
                          struct lfi_planned_layer *planned)
{
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++) {
        const struct lfi_parameter *p = &layer->parameters[i];

        if (p->role == LFUSE_ROLE_WEIGHT || p->role == LFUSE_ROLE_STATISTIC)
            continue;
        planned->rest_parameters += lfi_view_elements(&p->value->view);
        planned->rest_bytes += lfi_view_bytes(&p->value->view);
    }
}

lfuse_status lfi_plan_remember(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               struct lfi_plan *plan, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)count, sizeof(*plan->layers), "a plan",
                            &plan->layers, err);
    if (status != LFUSE_OK)
        return status;
    plan->layer_count = count;
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        status = lfi_string_copy(env, layers[i]->name, &plan->layers[i].name, err);
        if (status == LFUSE_OK)
            status = lfi_string_copy(env, layers[i]->param_type,
                                     &plan->layers[i].param_type, err);
        if (status == LFUSE_OK)
            status = remember_weights(env, layers[i], plan->options.contents,
                                      &plan->layers[i], err);
        remember_rest(layers[i], &plan->layers[i]);
    }
    return status;
}

/* ---- are these the layers ---------------------------------------------------------------- */

static lfuse_status check_weight(const struct lfi_layer *layer, int32_t index,
                                 const struct lfi_planned_weight *planned,
                                 lfuse_error *err)
{
    const struct lfi_parameter *p = lfi_layer_weight(layer, index);
    char now[96], then[96];

    if (strcmp(p->name, planned->name) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "weight %d of layer %s is named %s, in the plan %s", (int)index,
                        layer->name, p->name, lfi_quote(planned->name).text);
    if (!lfi_view_same_shape(&p->value->view, &planned->shape)) {
        lfi_view_shape_text(&p->value->view, now, sizeof(now));
        lfi_view_shape_text(&planned->shape, then, sizeof(then));
        return lfi_fail(err, LFUSE_ERR_SHAPE, "%s of layer %s is %s, in the plan %s",
                        p->name, layer->name, now, then);
    }
    if (p->output_axis != planned->output_axis)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "output_axis of %s of layer %s is %d, in the plan %d", p->name,
                        layer->name, (int)p->output_axis, (int)planned->output_axis);
    if (p->value->view.dtype != planned->shape.dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "%s of layer %s is %s, in the plan %s",
                        p->name, layer->name, lfi_dtype_name(p->value->view.dtype),
                        lfi_dtype_name(planned->shape.dtype));
    if (planned->has_contents && hash_contents(&p->value->view) != planned->contents)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "%s of layer %s has other contents than when planned", p->name,
                        layer->name);
    return LFUSE_OK;
}

lfuse_status lfi_planned_layer_check(const struct lfi_planned_layer *planned,
                                     const struct lfi_layer *layer, int64_t index,
                                     lfuse_error *err)
{
    const int32_t n = lfi_layer_weight_count(layer);
    lfuse_status status = LFUSE_OK;
    int32_t k;

    if (strcmp(layer->name, planned->name) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "layers[%lld] is %s, in the plan %s",
                        (long long)index, layer->name, lfi_quote(planned->name).text);
    if (strcmp(layer->param_type, planned->param_type) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "layer %s is of param type %s, in the plan of %s", layer->name,
                        layer->param_type, lfi_quote(planned->param_type).text);
    if (n != planned->weight_count)
        return lfi_fail(err, LFUSE_ERR_NAME, "layer %s has %d weights, in the plan %d",
                        layer->name, (int)n, (int)planned->weight_count);
    for (k = 0; k < n && status == LFUSE_OK; k++)
        status = check_weight(layer, k, &planned->weights[k], err);
    return status;
}
