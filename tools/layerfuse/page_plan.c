/* page_plan.c - see page_plan.h */
#include "page_plan.h"

#include <stdlib.h>

#include "banks.h"

static int64_t weights_of(const lfuse_plan *plan, int64_t layer)
{
    int64_t sum = 0, product;
    lfuse_planned_weight weight;
    int32_t k, i;

    for (k = 0; k < lfuse_plan_weight_count(plan, layer); k++) {
        lfuse_planned_weight_init(&weight, sizeof(weight));
        if (lfuse_plan_weight(plan, layer, k, &weight, NULL) != LFUSE_OK)
            continue;
        for (product = 1, i = 0; i < weight.rank; i++)
            product *= weight.dims[i];
        sum += product;
    }
    return sum;
}

static void fill_group(const lfuse_plan *plan, int64_t index, struct lfr_group *group)
{
    const int64_t count = lfuse_plan_group_size(plan, index),
                  kept = lfuse_plan_group_kept(plan, index);
    const char **names = lfc_alloc((size_t)count, sizeof(*names));
    int64_t i;

    *group = (struct lfr_group){.type = lfuse_plan_layer_type(plan, kept),
                                .names = names,
                                .count = (int32_t)count,
                                .kept = -1,
                                .weights = weights_of(plan, kept)};
    for (i = 0; i < count; i++) {
        const int64_t member = lfuse_plan_group_member(plan, index, i);

        names[i] = lfuse_plan_layer_name(plan, member);
        if (member == kept)
            group->kept = (int32_t)i;
    }
}

int lfc_page_plan_fill(const lfuse_plan *plan, struct lfc_page_plan *p)
{
    const int64_t groups = lfuse_plan_group_count(plan);
    const lfuse_account *a = &p->account;
    lfuse_error err;
    int64_t i;
    int32_t k;

    *p = (struct lfc_page_plan){.fusions = lfuse_plan_fusion_count(plan)};
    lfuse_account_init(&p->account, sizeof(p->account));
    if (lfuse_plan_account(plan, &p->account, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    p->groups = lfc_alloc((size_t)groups, sizeof(*p->groups));
    for (i = 0; i < groups; i++)
        fill_group(plan, i, &p->groups[p->group_count++]);
    for (i = 0; i < lfuse_plan_layer_count(plan); i++)
        for (k = 0; k < lfuse_plan_weight_count(plan, i); k++)
            p->rows += lfc_rows_shown(plan, i, k);
    p->size = (struct lfr_size){
        .base = "weights of layers that could fuse",
        .base_logical = a->candidates_logical,
        .base_unique = a->candidates_unique,
        .logical = a->all_logical,
        .unique = a->all_unique,
    };
    return LFC_DONE;
}

void lfc_page_plan_free(struct lfc_page_plan *p)
{
    while (p->group_count > 0)
        free((void *)p->groups[--p->group_count].names);
    free(p->groups);
}
