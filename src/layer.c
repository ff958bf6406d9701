/* layer.c - the shell of layer.h */
#include "handles.h"

#include <string.h>

_Static_assert((int)LFUSE_MAX_STATE == (int)LFI_MAX_STATE, "the contract's state fits");

void lfuse_layer_desc_init(lfuse_layer_desc *desc, size_t size)
{
    lfi_options_init(desc, size);
}

void lfuse_parameter_init(lfuse_parameter *parameter, size_t size)
{
    lfi_options_init(parameter, size);
}

static lfuse_status check_desc(const lfuse_layer_desc *d, lfuse_error *err)
{
    if (d->name == NULL || d->name[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.name is %s",
                        d->name == NULL ? "NULL" : "empty");
    if (d->param_type == NULL || d->param_type[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.param_type of layer %s is %s",
                        d->name, d->param_type == NULL ? "NULL" : "empty");
    if (d->kind < LFUSE_LAYER_OTHER || d->kind > LFUSE_LAYER_EMBEDDING)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "desc.kind of layer %s is %d, which is unknown", d->name,
                        (int)d->kind);
    if (d->position < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.position of layer %s is %d",
                        d->name, (int)d->position);
    return LFUSE_OK;
}

static lfuse_status create(lfuse_context *ctx, const lfuse_layer_desc *d,
                           lfuse_layer **layer, lfuse_error *err)
{
    lfuse_layer *l;
    lfuse_status status;

    status = lfi_alloc_zero(&ctx->env, 1, sizeof(*l), "a layer", &l, err);
    if (status != LFUSE_OK)
        return status;
    l->ctx = ctx;
    l->layer.kind = d->kind;
    l->layer.position = d->position;
    status = lfi_string_copy(&ctx->env, d->name, &l->layer.name, err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(&ctx->env, d->param_type, &l->layer.param_type, err);
    if (status == LFUSE_OK)
        *layer = l;
    else
        lfuse_layer_destroy(l);
    return status;
}

lfuse_status lfuse_layer_create(lfuse_context *ctx, const lfuse_layer_desc *desc,
                                lfuse_layer **layer, lfuse_error *err)
{
    lfuse_layer_desc d;
    lfuse_status status;

    if (layer == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layer is NULL");
    *layer = NULL;
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    status = lfi_options_import(&d, sizeof(d), desc, false, "desc", err);
    if (status == LFUSE_OK)
        status = check_desc(&d, err);
    if (status == LFUSE_OK)
        status = create(ctx, &d, layer, err);
    return status;
}

/* The shape of one of value's companions. */
static lfuse_status check_companion(const lfuse_layer *layer, const lfuse_parameter *p,
                                    const lfuse_tensor *companion, const char *what,
                                    lfuse_error *err)
{
    char a[128], b[128];

    if (companion == NULL ||
        lfi_view_same_shape(&p->value->array.view, &companion->array.view))
        return LFUSE_OK;
    lfi_view_shape_text(&companion->array.view, a, sizeof(a));
    lfi_view_shape_text(&p->value->array.view, b, sizeof(b));
    return lfi_fail(err, LFUSE_ERR_SHAPE,
                    "parameter %s of layer %s: %s is %s, value is %s", p->name,
                    layer->layer.name, what, a, b);
}

static lfuse_status check_parameter(const lfuse_layer *layer, const lfuse_parameter *p,
                                    lfuse_error *err)
{
    static const char *const state[] = {"state[0]", "state[1]", "state[2]", "state[3]"};
    lfuse_status status;
    int32_t i;

    if (p->name == NULL || p->name[0] == '\0' || p->value == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "parameter.%s of layer %s is %s",
                        p->value == NULL ? "value" : "name", layer->layer.name,
                        p->value != NULL && p->name != NULL ? "empty" : "NULL");
    for (i = 0; i < layer->layer.parameter_count; i++)
        if (strcmp(layer->layer.parameters[i].name, p->name) == 0)
            return lfi_fail(err, LFUSE_ERR_NAME, "layer %s has a parameter %s already",
                            layer->layer.name, p->name);
    if (p->role < 0 || p->role > LFUSE_ROLE_RESIDUAL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "parameter %s: role is %d, which is unknown", p->name,
                        (int)p->role);
    if (p->output_axis < 0 || p->output_axis >= p->value->array.view.rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "parameter %s: output_axis is %d, rank is %d", p->name,
                        (int)p->output_axis, (int)p->value->array.view.rank);
    status = check_companion(layer, p, p->gradient, "gradient", err);
    for (i = 0; i < LFUSE_MAX_STATE && status == LFUSE_OK; i++)
        status = check_companion(layer, p, p->state[i], state[i], err);
    return status;
}

/* Lets go of both lists. */
static void release_lists(lfuse_layer *layer)
{
    const struct lfi_env *env = &layer->ctx->env;
    const size_t capacity = (size_t)layer->capacity;

    lfi_free(env, layer->given, capacity, sizeof(*layer->given));
    lfi_free(env, layer->layer.parameters, capacity, sizeof(*layer->layer.parameters));
}

/* What source's lists hold moves to target's, which have room for it. */
static void move_lists(lfuse_layer *target, lfuse_layer *source)
{
    const size_t count = (size_t)source->layer.parameter_count;

    if (count > 0) {
        memcpy(target->layer.parameters, source->layer.parameters,
               count * sizeof(*target->layer.parameters));
        memcpy(target->given, source->given, count * sizeof(*target->given));
    }
    release_lists(source);
}

/* Room for one more parameter. */
static lfuse_status reserve(lfuse_layer *layer, lfuse_error *err)
{
    const struct lfi_env *env = &layer->ctx->env;
    const int32_t capacity = layer->capacity == 0 ? 4 : 2 * layer->capacity;
    lfuse_layer grown = *layer;
    lfuse_status status;

    if (layer->layer.parameter_count < layer->capacity)
        return LFUSE_OK;
    grown.capacity = capacity;
    grown.given = NULL;
    grown.layer.parameters = NULL;
    status = lfi_alloc_zero(env, (size_t)capacity, sizeof(*grown.layer.parameters),
                            "parameters", &grown.layer.parameters, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)capacity, sizeof(*grown.given), "parameters",
                                &grown.given, err);
    if (status != LFUSE_OK) {
        release_lists(&grown);
        return status;
    }
    move_lists(&grown, layer);
    *layer = grown;
    return LFUSE_OK;
}

/* Appends what has been checked, under a name that the layer owns. */
static void append(lfuse_layer *layer, lfuse_parameter given, char *name)
{
    struct lfi_parameter *p = &layer->layer.parameters[layer->layer.parameter_count];
    int32_t i;

    given.role = given.role == 0 ? LFUSE_ROLE_WEIGHT : given.role;
    given.name = name;
    given.layer = layer->layer.name;
    layer->given[layer->layer.parameter_count++] = given;
    p->name = name;
    p->value = &given.value->array;
    p->gradient = given.gradient != NULL ? &given.gradient->array : NULL;
    for (i = 0; i < LFUSE_MAX_STATE; i++)
        p->state[i] = given.state[i] != NULL ? &given.state[i]->array : NULL;
    p->role = given.role;
    p->output_axis = given.output_axis;
}

lfuse_status lfuse_layer_add_parameter(lfuse_layer *layer,
                                       const lfuse_parameter *parameter, lfuse_error *err)
{
    lfuse_parameter given;
    lfuse_status status;
    char *name = NULL;

    if (layer == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layer is NULL");
    status =
        lfi_options_import(&given, sizeof(given), parameter, false, "parameter", err);
    if (status == LFUSE_OK)
        status = check_parameter(layer, &given, err);
    if (status == LFUSE_OK)
        status = reserve(layer, err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(&layer->ctx->env, given.name, &name, err);
    if (status == LFUSE_OK)
        append(layer, given, name);
    return status;
}

void lfuse_layer_destroy(lfuse_layer *layer)
{
    const struct lfi_env *env;
    int32_t i;

    if (layer == NULL)
        return;
    env = &layer->ctx->env;
    for (i = 0; i < layer->layer.parameter_count; i++)
        lfi_string_free(env, layer->layer.parameters[i].name);
    release_lists(layer);
    lfi_string_free(env, layer->layer.param_type);
    lfi_string_free(env, layer->layer.name);
    lfuse_tensor_destroy(layer->gradient);
    lfuse_tensor_destroy(layer->weight);
    lfi_free(env, layer, 1, sizeof(*layer));
}

const char *lfuse_layer_name(const lfuse_layer *layer)
{
    return layer == NULL ? NULL : layer->layer.name;
}

const char *lfuse_layer_param_type(const lfuse_layer *layer)
{
    return layer == NULL ? NULL : layer->layer.param_type;
}

lfuse_layer_kind lfuse_layer_kind_of(const lfuse_layer *layer)
{
    return layer == NULL ? 0 : layer->layer.kind;
}

int32_t lfuse_layer_position(const lfuse_layer *layer)
{
    return layer == NULL ? 0 : layer->layer.position;
}

int32_t lfuse_layer_parameter_count(const lfuse_layer *layer)
{
    return layer == NULL ? 0 : layer->layer.parameter_count;
}

lfuse_status lfuse_layer_parameter(const lfuse_layer *layer, int32_t index,
                                   lfuse_parameter *parameter, lfuse_error *err)
{
    if (layer == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layer is NULL");
    if (index < 0 || index >= layer->layer.parameter_count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "index is %d, layer %s has %d parameters", (int)index,
                        layer->layer.name, (int)layer->layer.parameter_count);
    return lfi_options_export(parameter, &layer->given[index],
                              sizeof(layer->given[index]), "parameter", err);
}
