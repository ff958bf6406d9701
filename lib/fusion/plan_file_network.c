/*
 * plan_file_network.c - is this network the one that the plan is for
 *
 * The fingerprint is the 64-bit FNV-1a hash (Fowler, Noll, Vo) of the layers in the order of their names:
 * name, type, and of each weight name, element type, output axis and shape, all as text, each with
 * a NUL behind it. So it is the same wherever layers come in another order.
 */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

/* ---- fingerprint ------------------------------------------------------------------------- */

static uint64_t add_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    while (*text++ != '\0');
    return hash;
}

static uint64_t add_layer(uint64_t hash, const struct lfi_planned_layer *layer)
{
    char axis[16], shape[192];
    int32_t i;

    hash = add_text(add_text(hash, layer->name), layer->param_type);
    for (i = 0; i < layer->weight_count; i++) {
        const struct lfi_planned_weight *w = &layer->weights[i];

        (void)snprintf(axis, sizeof(axis), "%d", (int)w->output_axis);
        lfi_view_shape_text(&w->shape, shape, sizeof(shape));
        hash = add_text(hash, w->name);
        hash = add_text(hash, lfi_dtype_name(w->shape.dtype));
        hash = add_text(add_text(hash, axis), shape);
    }
    return hash;
}

lfuse_status lfi_plan_fingerprint(const struct lfi_env *env, const struct lfi_plan *plan,
                                  char text[LFI_FINGERPRINT + 1], lfuse_error *err)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct lfi_names names;
    lfuse_status status = lfi_names_create(env, plan->layer_count, &names, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < plan->layer_count; i++)
        names.names[i] = plan->layers[i].name;
    lfi_names_sort(&names);
    for (i = 0; i < plan->layer_count; i++)
        hash = add_layer(hash, &plan->layers[names.order[i]]);
    (void)snprintf(text, LFI_FINGERPRINT + 1, "%016llx", (unsigned long long)hash);
    lfi_names_free(env, &names);
    return LFUSE_OK;
}

/* ---- matching ---------------------------------------------------------------------------- */

/* Names of the plan, then of the network; which of the latter each layer of the plan is. */
struct match {
    struct lfi_names planned;
    struct lfi_names given;
};

static lfuse_status fill_names(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               const struct lfi_plan *plan, struct match *m,
                               lfuse_error *err)
{
    lfuse_status status = lfi_names_create(env, plan->layer_count, &m->planned, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = lfi_names_create(env, count, &m->given, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < plan->layer_count; i++)
        m->planned.names[i] = plan->layers[i].name;
    for (i = 0; i < count; i++)
        m->given.names[i] = layers[i]->name;
    lfi_names_sort(&m->planned);
    lfi_names_sort(&m->given);
    return LFUSE_OK;
}

/* Both have the same names. */
static lfuse_status check_names(const struct match *m, lfuse_error *err)
{
    const long long planned = m->planned.count, given = m->given.count;
    int64_t i;

    for (i = 0; i < m->planned.count; i++)
        if (lfi_names_find(&m->given, m->planned.names[i]) < 0)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "layer %s of the plan is not among the network's; it has "
                            "%lld layers, the plan %lld",
                            lfi_quote(m->planned.names[i]).text, given, planned);
    for (i = 0; i < m->given.count; i++)
        if (lfi_names_find(&m->planned, m->given.names[i]) < 0)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "layer %s of the network is not in the plan; it has %lld "
                            "layers, the plan %lld",
                            lfi_quote(m->given.names[i]).text, given, planned);
    return LFUSE_OK;
}

static lfuse_status check_layers(const struct lfi_layer *const *layers,
                                 const struct lfi_plan *plan, const struct match *m,
                                 lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < m->given.count && status == LFUSE_OK; i++)
        status = lfi_planned_layer_check(
            &plan->layers[lfi_names_find(&m->planned, m->given.names[i])], layers[i], i,
            err);
    return status;
}

static void forget(const struct lfi_env *env, struct lfi_plan *plan)
{
    int64_t i;

    for (i = 0; i < plan->layer_count; i++)
        lfi_planned_layer_destroy(env, &plan->layers[i]);
    lfi_free(env, plan->layers, (size_t)plan->layer_count, sizeof(*plan->layers));
    plan->layers = NULL;
    plan->layer_count = 0;
}

lfuse_status lfi_plan_match(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            struct lfi_plan *plan, lfuse_error *err)
{
    struct match m = {0};
    lfuse_status status = lfi_layers_check_names(layers, count, err);

    if (status == LFUSE_OK && plan->layer_count > 0) {
        status = fill_names(env, layers, count, plan, &m, err);
        if (status == LFUSE_OK)
            status = check_names(&m, err);
        if (status == LFUSE_OK)
            status = check_layers(layers, plan, &m, err);
        lfi_names_free(env, &m.given);
        lfi_names_free(env, &m.planned);
    }
    if (status != LFUSE_OK)
        return status;
    forget(env, plan);
    return lfi_plan_remember(env, layers, count, plan, err);
}
