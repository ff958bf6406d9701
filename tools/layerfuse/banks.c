/* banks.c - see banks.h */
#include "banks.h"

#include <stdlib.h>
#include <string.h>

/* ---- which tensors share rows -------------------------------------------------------------- */

static int64_t rows_of(const lfuse_plan *plan, int64_t layer, int32_t weight)
{
    lfuse_planned_weight w;
    lfuse_error err;

    lfuse_planned_weight_init(&w, sizeof(w));
    return lfuse_plan_weight(plan, layer, weight, &w, &err) == LFUSE_OK
               ? w.dims[w.output_axis]
               : 0;
}

/* Both ends of every row that shows another's values. */
static void mark_weight(const struct lfc_applied *a, int64_t layer, int32_t weight,
                        char *shares)
{
    const struct lfc_network *n = &a->network;
    const int64_t rows = rows_of(a->plan, layer, weight);
    int64_t i, row = -1, owner;

    for (i = 0; i < rows; i++) {
        owner = lfuse_plan_row_owner(a->plan, layer, weight, i, &row);
        if (owner < 0 || (owner == layer && row == i))
            continue;
        shares[n->tensors[n->first[layer] + weight]] = 1;
        shares[n->tensors[n->first[owner] + weight]] = 1;
    }
}

int64_t lfc_rows_shown(const lfuse_plan *plan, int64_t layer, int32_t weight)
{
    int64_t shown = 0, row, owner, i;

    for (i = 0; (owner = lfuse_plan_row_owner(plan, layer, weight, i, &row)) >= 0; i++)
        shown += owner != layer || row != i;
    return shown;
}

/* Whole tensors that have other names stay as they are. */
static void unmark_aliased(const lfuse_checkpoint *checkpoint, char *shares)
{
    int64_t i, owner;

    for (i = 0; i < lfuse_checkpoint_count(checkpoint); i++) {
        owner = lfuse_checkpoint_owner(checkpoint, i);
        if (owner != i)
            shares[i] = shares[owner] = 0;
    }
}

/* ---- banks ---------------------------------------------------------------------------------- */

/* The type, and the weight where layers have several; no name of the file's. */
static char *name_of(const struct lfc_applied *a, const lfuse_planned_weight *weight,
                     int64_t layer)
{
    const char *type = lfuse_plan_layer_type(a->plan, layer);
    const size_t bytes = strlen(type) + strlen(weight->name) + 2;
    char *name = lfc_alloc(bytes + 1, 1), *longer;
    size_t length;

    (void)snprintf(name, bytes, "%s%s%s", type,
                   lfuse_plan_weight_count(a->plan, layer) > 1 ? "." : "",
                   lfuse_plan_weight_count(a->plan, layer) > 1 ? weight->name : "");
    while (lfuse_checkpoint_find(a->session.checkpoint, name) >= 0) {
        length = strlen(name);
        longer = lfc_alloc(length + 2, 1);
        (void)snprintf(longer, length + 2, "%s'", name);
        free(name);
        name = longer;
    }
    return name;
}

/* The bank of weight `weight` of the type of `layer`; a new one where there is none. */
static lfuse_checkpoint_bank *bank_of(const struct lfc_applied *a, int64_t layer,
                                      int32_t weight, struct lfc_banks *banks)
{
    lfuse_planned_weight w;
    lfuse_checkpoint_bank *bank;
    lfuse_error err;
    char *name;
    int64_t i;

    lfuse_planned_weight_init(&w, sizeof(w));
    if (lfuse_plan_weight(a->plan, layer, weight, &w, &err) != LFUSE_OK)
        w.name = "";
    name = name_of(a, &w, layer);
    for (i = 0; i < banks->count; i++)
        if (strcmp(banks->items[i].name, name) == 0) {
            free(name);
            return &banks->items[i];
        }
    bank = &banks->items[banks->count++];
    bank->name = name;
    bank->output_axis = w.output_axis;
    bank->entries =
        lfc_alloc((size_t)lfuse_plan_layer_count(a->plan), sizeof(*bank->entries));
    return bank;
}

static void add_weight(const struct lfc_applied *a, int64_t layer, int32_t weight,
                       const char *shares, struct lfc_banks *banks)
{
    const int64_t tensor = a->network.tensors[a->network.first[layer] + weight];
    lfuse_checkpoint_bank *bank;

    if (!shares[tensor])
        return;
    bank = bank_of(a, layer, weight, banks);
    ((const char **)bank->entries)[bank->count++] =
        lfuse_checkpoint_name(a->session.checkpoint, tensor);
}

void lfc_banks_find(const struct lfc_applied *applied, struct lfc_banks *banks)
{
    const struct lfc_applied *a = applied;
    const int64_t layers = lfuse_plan_layer_count(a->plan);
    char *shares = lfc_alloc((size_t)lfuse_checkpoint_count(a->session.checkpoint), 1);
    int64_t i, weights = 0;
    int32_t k;

    for (i = 0; i < layers; i++)
        for (k = 0; k < lfuse_plan_weight_count(a->plan, i); k++, weights++)
            mark_weight(a, i, k, shares);
    unmark_aliased(a->session.checkpoint, shares);
    banks->count = 0;
    banks->items = lfc_alloc((size_t)weights, sizeof(*banks->items));
    for (i = 0; i < layers; i++)
        for (k = 0; k < lfuse_plan_weight_count(a->plan, i); k++)
            add_weight(a, i, k, shares, banks);
    free(shares);
}

void lfc_banks_free(struct lfc_banks *banks)
{
    int64_t i;

    for (i = 0; i < banks->count; i++) {
        free((char *)banks->items[i].name);
        free((const char **)banks->items[i].entries);
    }
    free(banks->items);
    memset(banks, 0, sizeof(*banks));
}
