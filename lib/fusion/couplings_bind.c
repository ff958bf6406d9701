/*
 * couplings_bind.c - the members of spaces, found in layers and checked
 *
 * units = extent / (head_group * repeat), the same for every member of a space; and no entry of
 * an axis is in two places.
 */
#include "fusion/couplings.h"

#include "base/files.h"

#include <string.h>

static lfuse_status find_tensor(const struct lfi_layer *const *layers, int64_t count,
                                const char *name, struct lfi_coupled *found,
                                lfuse_error *err)
{
    const size_t length = strlen(name);
    int64_t i;
    int32_t k;

    for (i = 0; i < count; i++)
        for (k = 0; k < layers[i]->parameter_count; k++)
            if (lfi_tensor_has_name(layers[i], &layers[i]->parameters[k], name, length)) {
                found->layer = i;
                found->parameter = k;
                return LFUSE_OK;
            }
    return lfi_fail(err, LFUSE_ERR_NAME, "no layer has the coupled tensor %s",
                    lfi_quote(name).text);
}

static lfuse_status find(const struct lfi_layer *const *layers, int64_t count,
                         const struct lfi_coupling *member, struct lfi_coupled *found,
                         lfuse_error *err)
{
    int64_t i = 0;
    int32_t k = 0;

    if (member->layer == NULL)
        return find_tensor(layers, count, member->parameter, found, err);
    while (i < count && strcmp(layers[i]->name, member->layer) != 0)
        i++;
    if (i == count)
        return lfi_fail(err, LFUSE_ERR_NAME, "the coupled layer %s is not there",
                        lfi_quote(member->layer).text);
    while (k < layers[i]->parameter_count &&
           strcmp(layers[i]->parameters[k].name, member->parameter) != 0)
        k++;
    if (k == layers[i]->parameter_count)
        return lfi_fail(err, LFUSE_ERR_NAME, "layer %s has no coupled parameter %s",
                        lfi_quote(member->layer).text, lfi_quote(member->parameter).text);
    found->layer = i;
    found->parameter = k;
    return LFUSE_OK;
}

/* Where the member lies in its axis, and how many units that makes. */
static lfuse_status measure(const struct lfi_layer *layer,
                            const struct lfi_coupling *member, struct lfi_coupled *item,
                            int64_t *units, lfuse_error *err)
{
    const struct lfi_parameter *p = &layer->parameters[item->parameter];
    const struct lfi_view *view = &p->value->view;
    int64_t extent;

    if (member->axis >= view->rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "axis %d of %s of layer %s is coupled, its rank is %d",
                        (int)member->axis, p->name, layer->name, (int)view->rank);
    extent = view->dims[member->axis] - member->offset;
    if (extent <= 0 || member->extent > extent)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "entries %lld + %lld of axis %d of %s of layer %s are coupled, "
                        "it has %lld",
                        (long long)member->offset, (long long)member->extent,
                        (int)member->axis, p->name, layer->name,
                        (long long)view->dims[member->axis]);
    extent = member->extent != 0 ? member->extent : extent;
    item->axis = member->axis;
    item->offset = member->offset;
    item->block = member->head_group * member->repeat;
    if (extent % item->block != 0)
        return lfi_fail(
            err, LFUSE_ERR_SHAPE,
            "axis %d of %s of layer %s couples %lld entries, which head_group "
            "%lld * repeat %lld does not divide",
            (int)member->axis, p->name, layer->name, (long long)extent,
            (long long)member->head_group, (long long)member->repeat);
    *units = extent / item->block;
    return LFUSE_OK;
}

static lfuse_status bind_space(const struct lfi_layer *const *layers, int64_t count,
                               const struct lfi_couplings *couplings, int64_t space,
                               struct lfi_binding *b, lfuse_error *err)
{
    const struct lfi_space *s = &couplings->spaces[space];
    lfuse_status status = LFUSE_OK;
    int64_t i, units = 0;

    if (s->count == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "space %lld has no members",
                        (long long)space);
    for (i = 0; i < s->count; i++) {
        struct lfi_coupled *item = &b->items[b->first[space] + i], *head = item - i;

        item->space = space;
        status = find(layers, count, &s->members[i], item, err);
        if (status == LFUSE_OK)
            status = measure(layers[item->layer], &s->members[i], item, &units, err);
        if (status != LFUSE_OK)
            return status;
        if (i == 0)
            b->units[space] = units;
        if (units != b->units[space])
            return lfi_fail(
                err, LFUSE_ERR_SHAPE,
                "space %lld has %lld units in %s of layer %s, %lld in %s of layer %s",
                (long long)space, (long long)b->units[space],
                layers[head->layer]->parameters[head->parameter].name,
                layers[head->layer]->name, (long long)units,
                layers[item->layer]->parameters[item->parameter].name,
                layers[item->layer]->name);
    }
    return LFUSE_OK;
}

static bool overlap(const struct lfi_binding *b, int64_t i, int64_t k)
{
    const struct lfi_coupled *p = &b->items[i], *q = &b->items[k];

    return p->layer == q->layer && p->parameter == q->parameter && p->axis == q->axis &&
           p->offset < q->offset + q->block * b->units[q->space] &&
           q->offset < p->offset + p->block * b->units[p->space];
}

static lfuse_status check_overlap(const struct lfi_layer *const *layers,
                                  const struct lfi_binding *b, lfuse_error *err)
{
    int64_t i, k;

    for (i = 0; i < b->item_count; i++)
        for (k = 0; k < i; k++)
            if (overlap(b, i, k)) {
                const struct lfi_coupled *item = &b->items[i];
                const struct lfi_layer *layer = layers[item->layer];

                return lfi_fail(
                    err, LFUSE_ERR_ARGUMENT,
                    "axis %d of %s of layer %s is coupled twice, in spaces %lld and %lld",
                    (int)item->axis, layer->parameters[item->parameter].name, layer->name,
                    (long long)b->items[k].space, (long long)item->space);
            }
    return LFUSE_OK;
}

lfuse_status lfi_binding_create(const struct lfi_env *env,
                                const struct lfi_couplings *couplings,
                                const struct lfi_layer *const *layers, int64_t count,
                                struct lfi_binding *binding, lfuse_error *err)
{
    struct lfi_binding b = {.count = couplings->count};
    lfuse_status status;
    int64_t i;

    for (i = 0; i < couplings->count; i++)
        b.item_count += couplings->spaces[i].count;
    status = lfi_layers_check_names(layers, count, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)b.count, sizeof(*b.units), "couplings",
                                &b.units, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)b.count + 1, sizeof(*b.first), "couplings",
                                &b.first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)b.item_count, sizeof(*b.items), "couplings",
                                &b.items, err);
    for (i = 0; i < b.count && status == LFUSE_OK; i++) {
        b.first[i + 1] = b.first[i] + couplings->spaces[i].count;
        status = bind_space(layers, count, couplings, i, &b, err);
    }
    if (status == LFUSE_OK)
        status = check_overlap(layers, &b, err);
    if (status != LFUSE_OK)
        lfi_binding_destroy(env, &b);
    *binding = b;
    return status;
}

void lfi_binding_destroy(const struct lfi_env *env, struct lfi_binding *binding)
{
    struct lfi_binding *b = binding;

    lfi_free(env, b->items, (size_t)b->item_count, sizeof(*b->items));
    lfi_free(env, b->first, (size_t)b->count + 1, sizeof(*b->first));
    lfi_free(env, b->units, (size_t)b->count, sizeof(*b->units));
    *b = (struct lfi_binding){0};
}

lfuse_status lfi_couplings_units(const struct lfi_env *env,
                                 const struct lfi_couplings *couplings,
                                 const struct lfi_layer *const *layers, int64_t count,
                                 int64_t space, int64_t *units, lfuse_error *err)
{
    struct lfi_binding b;
    lfuse_status status = lfi_binding_create(env, couplings, layers, count, &b, err);

    if (status != LFUSE_OK)
        return status;
    *units = b.units[space];
    lfi_binding_destroy(env, &b);
    return LFUSE_OK;
}
