/*
 * alignment_classes.c - which spaces have to move alike, and which cannot move at all
 *
 * Two spaces move alike where weights in force tie the one's members to the other's: what is
 * shared can have one order only. Where a shared weight counts the units of a space in one of
 * its layers, but nothing (a residual stream) or something else in another, the space stays as
 * it is, and so it does where a weight that counts its units shares rows. A class goes by the name
 * of its first space.
 */
#include "fusion/alignment.h"

static int64_t find_class(const struct lfi_aligner *al, int64_t space)
{
    while (al->class[space] != space)
        space = al->class[space];
    return space;
}

static void join(struct lfi_aligner *al, int64_t a, int64_t b)
{
    const int64_t x = find_class(al, a), y = find_class(al, b);

    al->class[x < y ? y : x] = x < y ? x : y;
}

int64_t lfi_aligner_find(const struct lfi_aligner *al, const struct lfi_coupled *like,
                         int64_t layer, int32_t parameter)
{
    const struct lfi_binding *b = &al->binding;
    int64_t i;

    for (i = 0; i < b->item_count; i++) {
        const struct lfi_coupled *item = &b->items[i];

        if (item->layer == layer && item->parameter == parameter &&
            item->axis == like->axis && item->offset == like->offset &&
            item->block == like->block && b->units[item->space] == b->units[like->space])
            return i;
    }
    return -1;
}

int32_t lfi_aligner_weight(const struct lfi_aligner *al, int64_t layer, int32_t k)
{
    return (int32_t)(lfi_layer_weight(al->layers[layer], k) -
                     al->layers[layer]->parameters);
}

/* What couples a weight of `layer` couples the same weight of `other`, or cannot move. */
static void link_weight(struct lfi_aligner *al, int64_t layer, int64_t other, int32_t k)
{
    const struct lfi_binding *b = &al->binding;
    const int32_t parameter = lfi_aligner_weight(al, layer, k);
    int64_t i, twin;

    for (i = 0; i < b->item_count; i++) {
        if (b->items[i].layer != layer || b->items[i].parameter != parameter)
            continue;
        twin =
            lfi_aligner_find(al, &b->items[i], other, lfi_aligner_weight(al, other, k));
        if (twin < 0)
            al->fixed[b->items[i].space] = true;
        else
            join(al, b->items[i].space, b->items[twin].space);
    }
}

static void link_group(struct lfi_aligner *al, const struct lfi_grouping *g,
                       int64_t group)
{
    const int64_t first = g->members[g->first[group]];
    const int32_t n = lfi_layer_weight_count(al->layers[first]);
    int64_t i;
    int32_t k;

    for (i = g->first[group] + 1; i < g->first[group + 1]; i++)
        for (k = 0; k < n; k++) {
            link_weight(al, first, g->members[i], k);
            link_weight(al, g->members[i], first, k);
        }
}

/* Rows in force are known by where they stand, and share their columns with those of other layers. */
static void fix_rows(struct lfi_aligner *al)
{
    const struct lfi_binding *b = &al->binding;
    int64_t i;

    for (i = 0; i < b->item_count; i++)
        if (lfi_rows_are_shared(&al->plan->rows, &al->plan->row_start, b->items[i].layer))
            al->fixed[b->items[i].space] = true;
}

void lfi_aligner_classify(struct lfi_aligner *al)
{
    const struct lfi_grouping *start = &al->plan->start;
    int64_t i;

    for (i = 0; i < al->binding.count; i++)
        al->class[i] = i;
    for (i = 0; i < start->count; i++)
        link_group(al, start, i);
    fix_rows(al);
    for (i = 0; i < al->binding.count; i++) {
        const int64_t class = find_class(al, i);

        al->class[i] = class;
        al->fixed[class] |= al->fixed[i];
    }
}
