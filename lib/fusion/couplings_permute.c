/*
 * couplings_permute.c - the units of a space in another order, in place
 *
 * An order becomes a list of transpositions: where unit u shall be what unit order[u] was, and
 * that one has been moved by an earlier transposition, the chain of orders leads to where it is
 * now. In reverse the list undoes itself. So neither way needs memory, and neither can fail.
 */
#include "fusion/couplings.h"

#include <string.h>

/* ---- orders ------------------------------------------------------------------------------ */

void lfi_order_swaps(const int64_t *order, int64_t units, int64_t *swaps)
{
    int64_t u, at;

    for (u = 0; u < units; u++) {
        at = order[u];
        while (at < u)
            at = order[at];
        swaps[u] = at;
    }
}

lfuse_status lfi_order_check(const int64_t *order, int64_t units, int64_t *seen,
                             lfuse_error *err)
{
    int64_t u;

    memset(seen, 0, (size_t)units * sizeof(*seen));
    for (u = 0; u < units; u++) {
        if (order[u] < 0 || order[u] >= units)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "permutation[%lld] is %lld, the space has %lld units",
                            (long long)u, (long long)order[u], (long long)units);
        if (seen[order[u]] != 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "permutation[%lld] and permutation[%lld] are both %lld",
                            (long long)seen[order[u]] - 1, (long long)u,
                            (long long)order[u]);
        seen[order[u]] = u + 1;
    }
    return LFUSE_OK;
}

/* ---- one array --------------------------------------------------------------------------- */

static void swap_bytes(char *a, char *b, size_t count)
{
    char keep[512];
    size_t n;

    for (; count > 0; count -= n, a += n, b += n) {
        n = count < sizeof(keep) ? count : sizeof(keep);
        memcpy(keep, a, n);
        memcpy(a, b, n);
        memcpy(b, keep, n);
    }
}

static struct lfi_view without_first(const struct lfi_view *view)
{
    struct lfi_view rest = *view;
    int32_t i;

    rest.rank--;
    for (i = 0; i < rest.rank; i++) {
        rest.dims[i] = view->dims[i + 1];
        rest.strides[i] = view->strides[i + 1];
    }
    return rest;
}

/* Of two places of the same shape. */
static void swap_slices(const struct lfi_view *shape, char *a, char *b)
{
    const int64_t step = (int64_t)lfi_dtype_size(shape->dtype) * shape->strides[0];
    struct lfi_view rest;
    int64_t i;

    if (shape->rank == 0 || lfi_view_is_dense(shape)) {
        swap_bytes(a, b, lfi_view_bytes(shape));
        return;
    }
    rest = without_first(shape);
    for (i = 0; i < shape->dims[0]; i++)
        swap_slices(&rest, a + i * step, b + i * step);
}

struct reordering {
    int64_t offset;
    int64_t block;
    int64_t units;
    const int64_t *swaps;
    bool back;
};

/* Axes before `axis` are walked one by one, so that what changes places lies close by. */
static void reorder_view(const struct lfi_view *view, int32_t axis, char *data,
                         const struct reordering *r)
{
    const int64_t step = (int64_t)lfi_dtype_size(view->dtype) * view->strides[0];
    struct lfi_view rest = axis > 0 ? without_first(view) : *view;
    int64_t i, u;

    if (axis > 0) {
        for (i = 0; i < view->dims[0]; i++)
            reorder_view(&rest, axis - 1, data + i * step, r);
        return;
    }
    rest.dims[0] = r->block;
    data += r->offset * step;
    for (i = 0; i < r->units; i++) {
        u = r->back ? r->units - 1 - i : i;
        if (r->swaps[u] != u)
            swap_slices(&rest, data + u * r->block * step,
                        data + r->swaps[u] * r->block * step);
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct lfi_array *array_of(const struct lfi_layer *const *layers,
                                        const struct lfi_coupled *item, int32_t which)
{
    return lfi_parameter_array(&layers[item->layer]->parameters[item->parameter], which);
}

/* Whether an item before this one has the same memory. */
static bool is_done(const struct lfi_layer *const *layers,
                    const struct lfi_coupled *items, int64_t index, int32_t which)
{
    const void *data = array_of(layers, &items[index], which)->view.data;
    int64_t i;

    for (i = 0; i < index; i++) {
        const struct lfi_array *other = array_of(layers, &items[i], which);

        if (other != NULL && other->view.data == data &&
            items[i].offset == items[index].offset && items[i].axis == items[index].axis)
            return true;
    }
    return false;
}

void lfi_coupled_reorder(struct lfi_layer *const *layers, const struct lfi_coupled *items,
                         int64_t count, int64_t units, const int64_t *swaps, bool back,
                         lfi_reorders reorders, const void *arg)
{
    const struct lfi_layer *const *l = (const struct lfi_layer *const *)layers;
    int32_t which;
    int64_t i;

    for (i = 0; i < count; i++)
        for (which = 0; which < LFI_ARRAYS; which++) {
            const struct lfi_array *array = array_of(l, &items[i], which);
            const struct reordering r = {items[i].offset, items[i].block, units, swaps,
                                         back};

            if (array != NULL && !is_done(l, items, i, which) &&
                (reorders == NULL || reorders(arg, &items[i], which)))
                reorder_view(&array->view, items[i].axis, array->view.data, &r);
        }
}

/* Whether the items move this parameter as they move `item`. */
static bool moves_alike(const struct lfi_coupled *items, int64_t item_count,
                        const struct lfi_coupled *item, int64_t layer, int32_t parameter)
{
    int64_t i;

    for (i = 0; i < item_count; i++)
        if (items[i].layer == layer && items[i].parameter == parameter &&
            items[i].axis == item->axis && items[i].offset == item->offset &&
            items[i].block == item->block)
            return true;
    return false;
}

static bool share(const struct lfi_parameter *p, const struct lfi_parameter *q)
{
    int32_t which;

    for (which = 0; which < LFI_ARRAYS; which++) {
        const struct lfi_array *a = lfi_parameter_array(p, which),
                               *b = lfi_parameter_array(q, which);

        if (a != NULL && b != NULL && a->view.data == b->view.data)
            return true;
    }
    return false;
}

lfuse_status lfi_coupled_check_apart(const struct lfi_layer *const *layers, int64_t count,
                                     const struct lfi_coupled *items, int64_t item_count,
                                     lfuse_error *err)
{
    int64_t i, k;
    int32_t n;

    for (i = 0; i < item_count; i++)
        for (k = 0; k < count; k++)
            for (n = 0; n < layers[k]->parameter_count; n++) {
                const struct lfi_layer *layer = layers[items[i].layer];
                const struct lfi_parameter *p = &layer->parameters[items[i].parameter],
                                           *q = &layers[k]->parameters[n];

                if (share(p, q) && !moves_alike(items, item_count, &items[i], k, n))
                    return lfi_fail(err, LFUSE_ERR_STATE,
                                    "%s of layer %s has the memory of %s of layer %s, "
                                    "which its space does not move alike",
                                    p->name, layer->name, q->name, layers[k]->name);
            }
    return LFUSE_OK;
}

lfuse_status lfi_couplings_permute(const struct lfi_env *env,
                                   const struct lfi_couplings *couplings,
                                   struct lfi_layer *const *layers, int64_t count,
                                   int64_t space, const int64_t *order, lfuse_error *err)
{
    const struct lfi_layer *const *l = (const struct lfi_layer *const *)layers;
    const struct lfi_coupled *items;
    struct lfi_binding b;
    int64_t *swaps = NULL, n, units;
    lfuse_status status = lfi_binding_create(env, couplings, l, count, &b, err);

    if (status != LFUSE_OK)
        return status;
    units = b.units[space];
    items = b.items + b.first[space];
    n = b.first[space + 1] - b.first[space];
    status = lfi_alloc(env, (size_t)units, sizeof(*swaps), "a permutation", &swaps, err);
    if (status == LFUSE_OK)
        status = lfi_order_check(order, units, swaps, err);
    if (status == LFUSE_OK)
        status = lfi_coupled_check_apart(l, count, items, n, err);
    if (status == LFUSE_OK) {
        lfi_order_swaps(order, units, swaps);
        lfi_coupled_reorder(layers, items, n, units, swaps, false, NULL, NULL);
    }
    lfi_free(env, swaps, (size_t)units, sizeof(*swaps));
    lfi_binding_destroy(env, &b);
    return status;
}
