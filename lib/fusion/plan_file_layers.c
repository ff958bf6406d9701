/*
 * plan_file_layers.c - the layers of a plan file
 *
 * Whatever a file says of sizes, their sums over all layers fit int64_t and size_t.
 */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHERE = 160 };

/* ---- writing ------------------------------------------------------------------------------- */

static json_t *weight_encode(const struct lfi_planned_weight *weight)
{
    json_t *object = json_object(), *shape = json_array();
    int failed = 0;
    int32_t i;

    for (i = 0; i < weight->shape.rank; i++)
        failed |= json_array_append_new(shape, json_integer(weight->shape.dims[i]));
    failed |= json_object_set_new(object, "name", json_string(weight->name));
    failed |= json_object_set_new(object, "shape", shape);
    failed |= json_object_set_new(object, "axis", json_integer(weight->output_axis));
    failed |= json_object_set_new(object, "dtype",
                                  json_string(lfi_dtype_name(weight->shape.dtype)));
    if (weight->has_contents) {
        char text[20];

        (void)snprintf(text, sizeof(text), "%016llx",
                       (unsigned long long)weight->contents);
        failed |= json_object_set_new(object, "contents", json_string(text));
    }
    return lfi_fields_finish(object, failed);
}

static json_t *rest_encode(const struct lfi_planned_layer *layer)
{
    json_t *object = json_object();
    int failed;

    failed =
        json_object_set_new(object, "parameters", json_integer(layer->rest_parameters));
    failed |=
        json_object_set_new(object, "bytes", json_integer((json_int_t)layer->rest_bytes));
    return lfi_fields_finish(object, failed);
}

json_t *lfi_planned_layer_encode(const struct lfi_planned_layer *layer)
{
    json_t *object = json_object(), *weights = json_array();
    int failed = 0;
    int32_t i;

    for (i = 0; i < layer->weight_count; i++)
        failed |= json_array_append_new(weights, weight_encode(&layer->weights[i]));
    failed |= json_object_set_new(object, "name", json_string(layer->name));
    failed |= json_object_set_new(object, "type", json_string(layer->param_type));
    failed |= json_object_set_new(object, "weights", weights);
    if (layer->rest_parameters > 0)
        failed |= json_object_set_new(object, "rest", rest_encode(layer));
    return lfi_fields_finish(object, failed);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* What all layers have so far. */
struct sums {
    int64_t parameters;
    int64_t bytes;
};

static lfuse_status add(struct sums *sums, int64_t parameters, int64_t bytes,
                        const char *where, lfuse_error *err)
{
    if (__builtin_add_overflow(sums->parameters, parameters, &sums->parameters) ||
        __builtin_add_overflow(sums->bytes, bytes, &sums->bytes))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: the sizes are too large", where);
    return LFUSE_OK;
}

static lfuse_status shape_decode(const json_t *shape, const char *where,
                                 struct lfi_view *view, lfuse_error *err)
{
    const size_t rank = json_array_size(shape);
    int64_t stride = 1;
    size_t i;

    if (rank < 1 || rank > LFI_MAX_RANK)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: shape has %zu dims, not 1 to %d",
                        where, rank, (int)LFI_MAX_RANK);
    view->rank = (int32_t)rank;
    for (i = rank; i-- > 0;) {
        const json_t *dim = json_array_get(shape, i);

        if (!json_is_integer(dim) || json_integer_value(dim) < 1)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: shape[%zu] is no integer >= 1",
                            where, i);
        view->dims[i] = json_integer_value(dim);
        view->strides[i] = stride;
        if (!lfi_mul_int64(stride, view->dims[i], &stride) ||
            stride > INT64_MAX / (int64_t)sizeof(double))
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: shape is too large", where);
    }
    return LFUSE_OK;
}

static lfuse_status dtype_decode(const char *name, const char *where, lfuse_dtype *out,
                                 lfuse_error *err)
{
    lfuse_dtype dtype;

    for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
        if (strcmp(lfi_dtype_name(dtype), name) == 0) {
            *out = dtype;
            return LFUSE_OK;
        }
    return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                    "%s: this version does not know the dtype %s", where,
                    lfi_quote(name).text);
}

static lfuse_status contents_decode(const json_t *object, const char *where,
                                    struct lfi_planned_weight *weight, lfuse_error *err)
{
    const char *text = NULL;
    lfuse_status status = lfi_fields_text(object, where, "contents", &text, err);

    if (status != LFUSE_OK || text == NULL)
        return status;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: contents is no 16 hexadecimal digits",
                        where);
    weight->has_contents = true;
    weight->contents = strtoull(text, NULL, 16);
    return LFUSE_OK;
}

static lfuse_status weight_decode(const struct lfi_env *env, const json_t *object,
                                  const char *where, struct lfi_planned_weight *weight,
                                  struct sums *sums, lfuse_error *err)
{
    static const char *const known[] = {"name",  "shape",    "axis",
                                        "dtype", "contents", NULL};
    const char *name = NULL, *dtype = NULL;
    json_t *shape = NULL;
    int64_t axis = 0;
    lfuse_status status = lfi_fields_check(object, where, known, err);

    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "name", &name, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "dtype", &dtype, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "shape", &shape, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "axis", &axis, err);
    if (status == LFUSE_OK && (name == NULL || dtype == NULL || shape == NULL))
        status = lfi_fields_missing(where,
                                    name == NULL    ? "name"
                                    : dtype == NULL ? "dtype"
                                                    : "shape",
                                    err);
    if (status == LFUSE_OK)
        status = shape_decode(shape, where, &weight->shape, err);
    if (status == LFUSE_OK)
        status = dtype_decode(dtype, where, &weight->shape.dtype, err);
    if (status == LFUSE_OK)
        status = contents_decode(object, where, weight, err);
    if (status == LFUSE_OK && axis >= weight->shape.rank)
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: axis is %lld, shape has %d dims",
                          where, (long long)axis, (int)weight->shape.rank);
    if (status == LFUSE_OK)
        status = add(sums, lfi_view_elements(&weight->shape),
                     (int64_t)lfi_view_bytes(&weight->shape), where, err);
    weight->output_axis = (int32_t)axis;
    return status == LFUSE_OK ? lfi_string_copy(env, name, &weight->name, err) : status;
}

static lfuse_status weights_decode(const struct lfi_env *env, const json_t *array,
                                   const char *where, struct lfi_planned_layer *layer,
                                   struct sums *sums, lfuse_error *err)
{
    const size_t count = json_array_size(array);
    lfuse_status status = lfi_alloc_zero(env, count, sizeof(*layer->weights), "a plan",
                                         &layer->weights, err);
    char place[WHERE];
    int32_t i, k;

    if (status != LFUSE_OK)
        return status;
    layer->weight_count = (int32_t)count; /* of elements of a text of some bytes each */
    for (i = 0; i < layer->weight_count && status == LFUSE_OK; i++) {
        (void)snprintf(place, sizeof(place), "%.120s.weights[%d]", where, (int)i);
        status = weight_decode(env, json_array_get(array, (size_t)i), place,
                               &layer->weights[i], sums, err);
        for (k = 0; k < i && status == LFUSE_OK; k++)
            if (strcmp(layer->weights[k].name, layer->weights[i].name) == 0)
                status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: weights[%d] is %s, too",
                                  place, (int)k, lfi_quote(layer->weights[k].name).text);
    }
    return status;
}

static lfuse_status rest_decode(const json_t *object, const char *where,
                                struct lfi_planned_layer *layer, struct sums *sums,
                                lfuse_error *err)
{
    static const char *const known[] = {"parameters", "bytes", NULL};
    int64_t bytes = 0;
    lfuse_status status;

    if (object == NULL)
        return LFUSE_OK;
    status = lfi_fields_check(object, where, known, err);
    if (status == LFUSE_OK)
        status =
            lfi_fields_count(object, where, "parameters", &layer->rest_parameters, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "bytes", &bytes, err);
    layer->rest_bytes = (size_t)bytes;
    return status == LFUSE_OK ? add(sums, layer->rest_parameters, bytes, where, err)
                              : status;
}

static lfuse_status layer_decode(const struct lfi_env *env, const json_t *object,
                                 const char *where, struct lfi_planned_layer *layer,
                                 struct sums *sums, lfuse_error *err)
{
    static const char *const known[] = {"name", "type", "weights", "rest", NULL};
    const char *name = NULL, *type = NULL;
    json_t *weights = NULL;
    lfuse_status status = lfi_fields_check(object, where, known, err);

    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "name", &name, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "type", &type, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "weights", &weights, err);
    if (status == LFUSE_OK && (name == NULL || type == NULL))
        status = lfi_fields_missing(where, name == NULL ? "name" : "type", err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(env, name, &layer->name, err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(env, type, &layer->param_type, err);
    if (status == LFUSE_OK)
        status = weights_decode(env, weights, where, layer, sums, err);
    if (status == LFUSE_OK)
        status = rest_decode(json_object_get(object, "rest"), where, layer, sums, err);
    return status;
}

lfuse_status lfi_planned_layers_decode(const struct lfi_env *env, const json_t *array,
                                       struct lfi_plan *plan, lfuse_error *err)
{
    const int64_t count = (int64_t)json_array_size(array);
    struct sums sums = {0};
    lfuse_status status;
    char where[WHERE];
    int64_t i;

    if (count == 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "layers is empty");
    status = lfi_alloc_zero(env, (size_t)count, sizeof(*plan->layers), "a plan",
                            &plan->layers, err);
    if (status != LFUSE_OK)
        return status;
    plan->layer_count = count;
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "layers[%lld]", (long long)i);
        status = layer_decode(env, json_array_get(array, (size_t)i), where,
                              &plan->layers[i], &sums, err);
    }
    return status;
}
