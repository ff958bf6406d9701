/*
 * alignment_step.c - what orders are worth, and the best one of a class given all others
 *
 * See alignment.c.
 */
#include "fusion/alignment.h"

#include <math.h>
#include <string.h>

/* ---- what it is worth ----------------------------------------------------------------------- */

static double inner_product(const float *x, const float *y, int64_t count)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < count; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* Adds up, in al->here, weight k of all members of a group but `without`. */
static void add_members(const struct lfi_aligner *al, int64_t group, int32_t k,
                        int64_t without, const struct lfi_part *part)
{
    const struct lfi_grouping *g = al->goal;
    int64_t i;

    memset(al->here, 0, (size_t)al->elements * sizeof(*al->here));
    for (i = g->first[group]; i < g->first[group + 1]; i++)
        if (g->members[i] != without)
            lfi_aligner_read(al, g->members[i], lfi_aligner_weight(al, g->members[i], k),
                             part, true, al->here);
}

/* Weight k of a group, by any of the items of a class that it has. */
static double weight_worth(const struct lfi_aligner *al, int64_t group, int32_t k)
{
    const struct lfi_grouping *g = al->goal;
    const int64_t kept = g->kept[group];
    const int32_t parameter = lfi_aligner_weight(al, kept, k);
    const struct lfi_view *view = &al->layers[kept]->parameters[parameter].value->view;
    const int64_t n = lfi_view_elements(view);
    const struct lfi_part whole = {.rows = view->dims[0]};

    add_members(al, group, k, al->keeps_one ? kept : -1, &whole);
    if (!al->keeps_one)
        return inner_product(al->here, al->here, n) / (double)lfi_grouping_size(g, group);
    lfi_aligner_read(al, kept, parameter, &whole, false, al->there);
    return inner_product(al->here, al->there, n);
}

/* Whether a member's weight k counts units of this class; class -1: of any. */
static bool counts(const struct lfi_aligner *al, int64_t layer, int32_t k, int64_t class)
{
    const struct lfi_binding *b = &al->binding;
    const int32_t parameter = lfi_aligner_weight(al, layer, k);
    int64_t i;

    for (i = 0; i < b->item_count; i++)
        if (b->items[i].layer == layer && b->items[i].parameter == parameter &&
            (class < 0 || al->class[b->items[i].space] == class))
            return true;
    return false;
}

/* Of all weights that count units of a class; -1: of any. */
double lfi_aligner_worth(const struct lfi_aligner *al, int64_t class)
{
    const struct lfi_grouping *g = al->goal;
    double sum = 0.0;
    int64_t group, i;
    int32_t k, n;

    for (group = 0; group < g->count; group++) {
        if (al->group[g->kept[group]] < 0)
            continue;
        n = lfi_layer_weight_count(al->layers[g->kept[group]]);
        for (k = 0; k < n; k++) {
            for (i = g->first[group]; i < g->first[group + 1]; i++)
                if (counts(al, g->members[i], k, class))
                    break;
            if (i < g->first[group + 1])
                sum += weight_worth(al, group, k);
        }
    }
    return sum;
}

/* ---- one class ------------------------------------------------------------------------------ */

/* Whether the orders of all that counts in this weight are settled, but for `class`. */
static bool is_placed(const struct lfi_aligner *al, int64_t layer, int32_t parameter,
                      int64_t class)
{
    const struct lfi_binding *b = &al->binding;
    int64_t i;

    for (i = 0; i < b->item_count; i++) {
        const int64_t other = al->class[b->items[i].space];

        if (b->items[i].layer == layer && b->items[i].parameter == parameter &&
            other != class && !al->placed[other])
            return false;
    }
    return true;
}

/* Whether `other` has a say in where the units of `item` go: not if it moves along. */
static bool has_a_say(const struct lfi_aligner *al, const struct lfi_coupled *item,
                      int64_t other, int32_t parameter)
{
    const int64_t kept = al->goal->owner[item->layer],
                  twin = lfi_aligner_find(al, item, other, parameter),
                  class = al->class[item->space];

    if (other == item->layer ||
        (twin >= 0 && al->class[al->binding.items[twin].space] == class))
        return false;
    if (al->keeps_one && kept != item->layer && kept != other)
        return false;
    return is_placed(al, other, parameter, class);
}

/* Index of a parameter among its layer's weights, or -1. */
static int32_t weight_index(const struct lfi_layer *layer, int32_t parameter)
{
    int32_t k = 0, i;

    if (layer->parameters[parameter].role != LFUSE_ROLE_WEIGHT)
        return -1;
    for (i = 0; i < parameter; i++)
        k += layer->parameters[i].role == LFUSE_ROLE_WEIGHT;
    return k;
}

static bool add_item(const struct lfi_aligner *al, const struct lfi_coupled *item,
                     struct lfi_match *match)
{
    const struct lfi_grouping *g = al->goal;
    const int64_t group = al->group[item->layer];
    const int32_t k = weight_index(al->layers[item->layer], item->parameter);
    const struct lfi_part part = {item->axis, item->offset, item->block * match->units};
    const struct lfi_view *view;
    int64_t i, found = 0;

    if (group < 0 || k < 0)
        return false;
    for (i = g->first[group]; i < g->first[group + 1]; i++) {
        const int64_t other = g->members[i];
        const int32_t parameter = lfi_aligner_weight(al, other, k);

        if (has_a_say(al, item, other, parameter))
            lfi_aligner_read(al, other, parameter, &part, found++ > 0, al->here);
    }
    if (found == 0)
        return false;
    lfi_aligner_read(al, item->layer, item->parameter, &part, false, al->there);
    view = &al->layers[item->layer]->parameters[item->parameter].value->view;
    lfi_match_add(match, al->here, al->there,
                  lfi_view_elements(view) / view->dims[item->axis] * item->block,
                  al->keeps_one ? 1.0 : 1.0 / (double)lfi_grouping_size(g, group));
    return true;
}

/* The best order of a class into al->trial, on top of what it has; *found: there is a say. */
static lfuse_status propose(const struct lfi_aligner *al, int64_t class, bool *found,
                            lfuse_error *err)
{
    const struct lfi_binding *b = &al->binding;
    const int64_t *order = lfi_aligner_order(al, class);
    struct lfi_match match;
    lfuse_status status = lfi_match_create(al->env, b->units[class], &match, err);
    int64_t i;

    *found = false;
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < b->item_count; i++)
        if (al->class[b->items[i].space] == class && add_item(al, &b->items[i], &match))
            *found = true;
    if (*found)
        status = lfi_match_solve(al->env, &match, al->trial, err);
    for (i = 0; i < match.units && *found && status == LFUSE_OK; i++)
        al->trial[i] = order[al->trial[i]];
    lfi_match_destroy(al->env, &match);
    return status;
}

static void exchange(const struct lfi_aligner *al, int64_t class)
{
    int64_t *order = lfi_aligner_order(al, class), keep, u;

    for (u = 0; u < al->binding.units[class]; u++) {
        keep = order[u];
        order[u] = al->trial[u];
        al->trial[u] = keep;
    }
}

/* Takes a better order, if there is one; at first any order, to have one. */
lfuse_status lfi_aligner_improve(const struct lfi_aligner *al, int64_t class,
                                 bool at_first, bool *better, lfuse_error *err)
{
    double before, after;
    bool found;
    lfuse_status status = propose(al, class, &found, err);

    *better = false;
    if (status != LFUSE_OK || !found ||
        memcmp(al->trial, lfi_aligner_order(al, class),
               (size_t)al->binding.units[class] * sizeof(*al->trial)) == 0)
        return status;
    before = at_first ? 0.0 : lfi_aligner_worth(al, class);
    exchange(al, class);
    after = at_first ? 1.0 : lfi_aligner_worth(al, class);
    *better = after - before > 1e-9 * fabs(before); /* more than rounding */
    if (!*better)
        exchange(al, class);
    return LFUSE_OK;
}
