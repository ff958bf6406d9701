/* trained.c - each unique tensor that trains, once, in the order of the layers */
#include "retrain/retrain.h"

lfuse_status lfi_trained_reserve(const struct lfi_env *env, struct lfi_retrainer *r,
                                 lfuse_error *err)
{
    struct lfi_trained *trained;
    int64_t total = 0, i;
    lfuse_status status;

    for (i = 0; i < r->ties->count; i++)
        total += r->ties->layers[i]->parameter_count;
    if (total <= r->trained_capacity)
        return LFUSE_OK;
    status =
        lfi_alloc_zero(env, (size_t)total, sizeof(*trained), "parameters", &trained, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < r->trained_count; i++)
        trained[i] = r->trained[i];
    lfi_free(env, r->trained, (size_t)r->trained_capacity, sizeof(*r->trained));
    r->trained = trained;
    r->trained_capacity = total;
    return LFUSE_OK;
}

/* Two positions may have had one memory before any tie: it is listed under the first. */
static bool is_listed(const struct lfi_retrainer *r, const void *data)
{
    int64_t i;

    for (i = 0; i < r->trained_count; i++) {
        const struct lfi_trained *t = &r->trained[i];

        if (r->ties->layers[t->layer]->parameters[t->parameter].value->view.data == data)
            return true;
    }
    return false;
}

static bool trains(const struct lfi_ties *ties, int64_t layer, int32_t parameter)
{
    switch (ties->layers[layer]->parameters[parameter].role) {
    case LFUSE_ROLE_STATISTIC: return false;
    case LFUSE_ROLE_WEIGHT:
        return ties->source[layer] == layer && !lfi_ties_is_frozen(ties, layer);
    default: return true;
    }
}

/* ---- the candidates of a lead --------------------------------------------------------- */

static int64_t layer_of(const struct lfi_plan *plan, int64_t layer, int32_t weight,
                        int64_t index)
{
    const struct lfi_row row = {layer, weight, index};
    const int64_t owner = plan->row_start.owner[lfi_rows_number(&plan->rows, row)];

    return lfi_rows_find(&plan->rows, owner).layer;
}

/* Of rows: the layers where those that train are. Of layers: all of the group. */
static bool is_joined(const struct lfi_plan *plan, const struct lfi_fusion *fusion,
                      int64_t layer)
{
    if (plan->options.unit != LFUSE_UNIT_ROW)
        return plan->goal.owner[fusion->a] == plan->goal.owner[layer];
    return layer == layer_of(plan, fusion->a, fusion->weight, fusion->row_a) ||
           layer == layer_of(plan, fusion->b, fusion->weight, fusion->row_b);
}

/* During a lead only what is to be joined trains. */
static bool is_free(const struct lfi_retrainer *r, int64_t layer)
{
    const struct lfi_plan *plan = &r->picked;
    int64_t i;

    if (!r->is_picked || r->schedule.lead == 0 || plan->fusion_count == 0)
        return true;
    for (i = 0; i < plan->fusion_count; i++)
        if (is_joined(plan, &plan->fusions[i], layer))
            return true;
    return false;
}

/* ---- the list ------------------------------------------------------------------------- */

void lfi_trained_list(struct lfi_retrainer *r)
{
    int64_t i;
    int32_t p;

    r->trained_count = 0;
    for (i = 0; i < r->ties->count; i++) {
        const struct lfi_layer *layer = r->ties->layers[i];

        for (p = 0; p < layer->parameter_count && is_free(r, i); p++)
            if (trains(r->ties, i, p) &&
                !is_listed(r, layer->parameters[p].value->view.data))
                r->trained[r->trained_count++] = (struct lfi_trained){i, p};
    }
}
