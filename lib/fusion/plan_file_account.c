/* plan_file_account.c - what a network costs, by what a plan file says of its layers */
#include "fusion/plan_file.h"

#include <string.h>

/* Layers without weights are of type "", of which no layer is. */
static lfuse_status list_types(const struct lfi_plan_reader *r, struct lfi_names *types,
                               lfuse_error *err)
{
    lfuse_status status = lfi_names_create(r->env, r->plan->layer_count, types, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < types->count; i++)
        types->names[i] =
            r->plan->layers[i].weight_count > 0 ? r->plan->layers[i].param_type : "";
    lfi_names_sort(types);
    return LFUSE_OK;
}

lfuse_status lfi_reader_find_candidates(struct lfi_plan_reader *r, lfuse_error *err)
{
    const int64_t n = r->plan->layer_count;
    struct lfi_names types;
    lfuse_status status = list_types(r, &types, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    status = lfi_alloc(r->env, (size_t)n, sizeof(*r->is_candidate), "a plan",
                       &r->is_candidate, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        const char *type = types.names[types.order[i]];

        r->is_candidate[types.order[i]] =
            type[0] != '\0' &&
            ((i > 0 && strcmp(types.names[types.order[i - 1]], type) == 0) ||
             (i + 1 < n && strcmp(types.names[types.order[i + 1]], type) == 0));
    }
    lfi_names_free(r->env, &types);
    return status;
}

int64_t lfi_planned_elements(const struct lfi_planned_layer *layer)
{
    int64_t sum = 0;
    int32_t i;

    for (i = 0; i < layer->weight_count; i++)
        sum += lfi_view_elements(&layer->weights[i].shape);
    return sum;
}

static void add_layer(const struct lfi_planned_layer *layer, bool is_candidate,
                      bool is_owner, struct lfi_account *account)
{
    const int64_t weights = lfi_planned_elements(layer);
    size_t bytes = 0;
    int32_t i;

    for (i = 0; i < layer->weight_count; i++)
        bytes += lfi_view_bytes(&layer->weights[i].shape);
    account->all_logical += weights + layer->rest_parameters;
    account->all_unique += (is_owner ? weights : 0) + layer->rest_parameters;
    account->all_unique_bytes += (is_owner ? bytes : 0) + layer->rest_bytes;
    if (is_candidate) {
        account->candidates_logical += weights;
        account->candidates_unique += is_owner ? weights : 0;
        account->candidates_unique_bytes += is_owner ? bytes : 0;
    }
}

void lfi_reader_measure(const struct lfi_plan_reader *r,
                        const struct lfi_grouping *layers,
                        const struct lfi_grouping *rows)
{
    struct lfi_plan *plan = r->plan;
    int64_t i;

    plan->account = (struct lfi_account){0};
    for (i = 0; i < plan->layer_count; i++)
        add_layer(&plan->layers[i], r->is_candidate[i], layers->owner[i] == i,
                  &plan->account);
    lfi_account_add_rows(&plan->rows, rows, &plan->account);
}
