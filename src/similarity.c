/* similarity.c - the shell of similarity.h */
#include "handles.h"

#include <math.h>
#include <string.h>

#include "similarity/similarity.h"

void lfuse_similarity_options_init(lfuse_similarity_options *options, size_t size)
{
    lfi_options_init(options, size);
}

void lfuse_metric_properties_init(lfuse_metric_properties *properties, size_t size)
{
    lfi_options_init(properties, size);
}

lfuse_status lfuse_metric_info(lfuse_metric metric, lfuse_metric_properties *properties,
                               lfuse_error *err)
{
    const struct lfi_metric *m = lfi_metric_find(metric);
    lfuse_metric_properties p = {0};

    if (m == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "metric is %d, which is unknown",
                        (int)metric);
    p.name = m->name;
    p.is_distance = m->is_distance;
    p.is_symmetric = m->is_symmetric;
    p.cost = m->cost;
    p.needs_equal_rows = m->needs_equal_rows;
    p.needs_equal_columns = m->needs_equal_columns;
    return lfi_options_export(properties, &p, sizeof(p), "properties", err);
}

lfuse_status lfuse_metric_from_name(const char *name, lfuse_metric *metric,
                                    lfuse_error *err)
{
    const struct lfi_metric *m;
    char known[240];

    if (name == NULL || metric == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        name == NULL ? "name" : "metric");
    m = lfi_metric_by_name(name);
    if (m == NULL) {
        lfi_metric_names(known, sizeof(known));
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "no metric is called %.40s; known: %s",
                        name, known);
    }
    *metric = m->metric;
    return LFUSE_OK;
}

static lfuse_status check_axis(const lfuse_tensor *tensor, int32_t axis, lfuse_error *err)
{
    if (axis < 0 || axis >= tensor->array.view.rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.output_axis is %d, rank is %d",
                        (int)axis, (int)tensor->array.view.rank);
    return LFUSE_OK;
}

/* What a and b are compared as; pair has the metric that 0 means. */
static lfuse_status open_pair(lfuse_context *ctx, const lfuse_tensor *a,
                              const lfuse_tensor *b,
                              const lfuse_similarity_options *options,
                              struct lfi_comparison *pair, lfuse_error *err)
{
    lfuse_metric metric = pair->params.metric;
    lfuse_similarity_options o;
    lfuse_status status;

    pair->a_name = "a";
    pair->c_name = "b";
    status = lfi_handles_similarity(ctx, options, "options", &o, &pair->params, err);
    if (status == LFUSE_OK && o.metric == 0)
        pair->params.metric = metric;
    if (status == LFUSE_OK)
        status = check_axis(a, o.output_axis, err);
    if (status == LFUSE_OK)
        status = check_axis(b, o.output_axis, err);
    if (status != LFUSE_OK)
        return status;
    pair->a = lfi_view_axis_first(&a->array.view, o.output_axis);
    pair->c = lfi_view_axis_first(&b->array.view, o.output_axis);
    return LFUSE_OK;
}

lfuse_status lfuse_similarity(lfuse_context *ctx, const lfuse_tensor *a,
                              const lfuse_tensor *b,
                              const lfuse_similarity_options *options, double *out,
                              lfuse_error *err)
{
    struct lfi_comparison pair = {.params.metric = LFUSE_METRIC_EUCLIDEAN};
    lfuse_status status;

    if (ctx == NULL || a == NULL || b == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx"
                        : a == NULL ? "a"
                        : b == NULL ? "b"
                                    : "out");
    status = open_pair(ctx, a, b, options, &pair, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_similarity_compare(&ctx->env, &pair, out, err);
}

lfuse_status lfuse_similarity_assignment(lfuse_context *ctx, const lfuse_tensor *a,
                                         const lfuse_tensor *b,
                                         const lfuse_similarity_options *options,
                                         int64_t *assignment, double *out,
                                         lfuse_error *err)
{
    struct lfi_comparison pair = {.params.metric = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT};
    lfuse_status status;

    if (ctx == NULL || a == NULL || b == NULL || assignment == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL          ? "ctx"
                        : a == NULL          ? "a"
                        : b == NULL          ? "b"
                        : assignment == NULL ? "assignment"
                                             : "out");
    status = open_pair(ctx, a, b, options, &pair, err);
    if (status != LFUSE_OK)
        return status;
    if (pair.params.metric != LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.metric is %s, which assigns no rows",
                        lfi_metric_find(pair.params.metric)->name);
    return lfi_similarity_assignment(&ctx->env, &pair, assignment, out, err);
}

/* ---- layers --------------------------------------------------------------------------- */

/* All layers' items, with the views and names they point to: (count, weights). */
struct items {
    struct lfi_similarity_item *item;
    struct lfi_view *views;
    const char **names;
    int64_t count;
    int64_t weights; /* per layer */
};

static int64_t count_weights(const struct lfi_layer *layer)
{
    int64_t weights = 0;
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        weights += layer->parameters[i].role == LFUSE_ROLE_WEIGHT;
    return weights;
}

static const struct lfi_parameter *find_weight(const struct lfi_layer *layer,
                                               const char *name)
{
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].role == LFUSE_ROLE_WEIGHT &&
            strcmp(layer->parameters[i].name, name) == 0)
            return &layer->parameters[i];
    return NULL;
}

static lfuse_status check_layers(const lfuse_layer *const *layers, int64_t count,
                                 lfuse_error *err)
{
    const struct lfi_layer *first, *layer;
    int64_t i;

    for (i = 0; i < count; i++) {
        if (layers[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layers[%lld] is NULL",
                            (long long)i);
        first = &layers[0]->layer;
        layer = &layers[i]->layer;
        if (count_weights(layer) == 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layer %s has no weights",
                            layer->name);
        if (strcmp(layer->param_type, first->param_type) != 0)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "layer %.60s has param type %.40s, layer %.60s has %.40s",
                            layer->name, layer->param_type, first->name,
                            first->param_type);
        if (count_weights(layer) != count_weights(first))
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "layer %.80s has %lld weights, layer %.80s has %lld",
                            layer->name, (long long)count_weights(layer), first->name,
                            (long long)count_weights(first));
    }
    return LFUSE_OK;
}

/* The weight of layer that goes by the name of first's, as rows, into *view. */
static lfuse_status match_weight(const struct lfi_parameter *wanted,
                                 const struct lfi_layer *layer, struct lfi_view *view,
                                 lfuse_error *err)
{
    const struct lfi_parameter *p = find_weight(layer, wanted->name);

    if (p == NULL)
        return lfi_fail(err, LFUSE_ERR_NAME, "layer %.80s has no weight %.80s",
                        layer->name, wanted->name);
    *view = lfi_view_axis_first(&p->value->view, p->output_axis);
    return LFUSE_OK;
}

static void free_items(const struct lfi_env *env, struct items *items)
{
    size_t count = (size_t)items->count, weights = (size_t)items->weights;

    lfi_free(env, items->names, weights, sizeof(*items->names));
    lfi_free(env, items->views, count * weights, sizeof(*items->views));
    lfi_free(env, items->item, count, sizeof(*items->item));
}

static lfuse_status alloc_items(const struct lfi_env *env, struct items *items,
                                lfuse_error *err)
{
    size_t count = (size_t)items->count, weights = (size_t)items->weights, views;
    lfuse_status status;

    if (!lfi_mul_size(count, weights, &views))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%zu layers of %zu weights do not fit",
                        count, weights);
    status = lfi_alloc_zero(env, count, sizeof(*items->item), "a list of layers",
                            &items->item, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, views, sizeof(*items->views), "a list of weights",
                           &items->views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, weights, sizeof(*items->names), "a list of names",
                           &items->names, err);
    return status;
}

/* The items: their weights in the order of the first layer's. */
static lfuse_status fill_items(const lfuse_layer *const *layers, struct items *items,
                               lfuse_error *err)
{
    const struct lfi_layer *first = &layers[0]->layer;
    int64_t i, weight = 0;
    lfuse_status status;
    int32_t k;

    for (k = 0; k < first->parameter_count; k++) {
        if (first->parameters[k].role != LFUSE_ROLE_WEIGHT)
            continue;
        items->names[weight] = first->parameters[k].name;
        for (i = 0; i < items->count; i++) {
            status = match_weight(&first->parameters[k], &layers[i]->layer,
                                  &items->views[i * items->weights + weight], err);
            if (status != LFUSE_OK)
                return status;
        }
        weight++;
    }
    for (i = 0; i < items->count; i++) {
        items->item[i].name = layers[i]->layer.name;
        items->item[i].weights = items->views + i * items->weights;
        items->item[i].weight_names = items->names;
        items->item[i].count = items->weights;
    }
    return LFUSE_OK;
}

lfuse_status lfuse_similarity_matrix(lfuse_context *ctx, const lfuse_layer *const *layers,
                                     int64_t count,
                                     const lfuse_similarity_options *options, double *out,
                                     lfuse_error *err)
{
    struct items items = {.count = count};
    struct lfi_similarity_params params;
    lfuse_similarity_options o;
    lfuse_status status;

    if (ctx == NULL || layers == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL      ? "ctx"
                        : layers == NULL ? "layers"
                                         : "out");
    if (count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld", (long long)count);
    status = lfi_handles_similarity(ctx, options, "options", &o, &params, err);
    if (status == LFUSE_OK)
        status = check_layers(layers, count, err);
    if (status != LFUSE_OK)
        return status;
    items.weights = count_weights(&layers[0]->layer);
    status = alloc_items(&ctx->env, &items, err);
    if (status == LFUSE_OK)
        status = fill_items(layers, &items, err);
    if (status == LFUSE_OK)
        status = lfi_similarity_matrix(&ctx->env, items.item, count, &params, out, err);
    free_items(&ctx->env, &items);
    return status;
}
