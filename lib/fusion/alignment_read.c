/*
 * alignment_read.c - weights in the orders that have been found so far
 *
 * Nothing is permuted while orders are looked for: an index along each axis says which entry
 * stands where. An entry that no space counts stays where it is.
 */
#include "fusion/alignment.h"

int64_t *lfi_aligner_order(const struct lfi_aligner *al, int64_t space)
{
    return al->orders + al->first[al->class[space]];
}

/* Which entry of an axis stands where. */
static void fill_map(const struct lfi_aligner *al, int64_t layer, int32_t parameter,
                     int32_t axis, int64_t *map)
{
    const struct lfi_binding *b = &al->binding;
    const int64_t n = al->layers[layer]->parameters[parameter].value->view.dims[axis];
    int64_t i, u, k;

    for (i = 0; i < n; i++)
        map[i] = i;
    for (i = 0; i < b->item_count; i++) {
        const struct lfi_coupled *c = &b->items[i];
        const int64_t *order = lfi_aligner_order(al, c->space);

        if (c->layer != layer || c->parameter != parameter || c->axis != axis)
            continue;
        for (u = 0; u < b->units[c->space]; u++)
            for (k = 0; k < c->block; k++)
                map[c->offset + u * c->block + k] = c->offset + order[u] * c->block + k;
    }
}

/* Which element of a row, in the order of all axes but the first of view, stands where. */
static void fill_rest(const struct lfi_view *view, const int64_t *const *maps,
                      int64_t inner, int64_t *rest)
{
    int64_t k, left, at, stride;
    int32_t d;

    for (k = 0; k < inner; k++) {
        left = k;
        at = 0;
        stride = 1;
        for (d = view->rank - 1; d > 0; d--) {
            at += maps[d][left % view->dims[d]] * stride;
            stride *= view->dims[d];
            left /= view->dims[d];
        }
        rest[k] = at;
    }
}

void lfi_aligner_read(const struct lfi_aligner *al, int64_t layer, int32_t parameter,
                      const struct lfi_part *part, bool add, float *out)
{
    const struct lfi_view view = lfi_view_axis_first(
        &al->layers[layer]->parameters[parameter].value->view, part->axis);
    const int64_t inner = lfi_view_elements(&view) / view.dims[0];
    const int64_t *maps[LFI_MAX_RANK];
    int64_t *map = al->maps, i, k;
    int32_t d;

    for (d = 0; d < view.rank; d++) { /* axis 0 of view is part->axis, the rest follow */
        fill_map(al, layer, parameter,
                 d == 0            ? part->axis
                 : d <= part->axis ? d - 1
                                   : d,
                 map);
        maps[d] = map;
        map += view.dims[d];
    }
    fill_rest(&view, maps, inner, al->rest);
    for (i = 0; i < part->rows; i++, out += inner) {
        lfi_view_read_f32(&view, maps[0][part->offset + i] * inner, inner, al->line);
        for (k = 0; k < inner; k++)
            out[k] = al->line[al->rest[k]] + (add ? out[k] : 0.0f);
    }
}
