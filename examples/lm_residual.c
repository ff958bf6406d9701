/*
 * lm_residual.c - the first fusion, and what each tied weight keeps of its own
 *
 * The plan is built once more, the same as the retrainer's, to see what it will take from each
 * weight: the truncated singular value decomposition of that is where the residual begins, which
 * trains from then on like any other parameter.
 */
#include <stdlib.h>

#include "error.h"
#include "lm_run.h"

/* Of a weight of a layer. */
struct residual {
    int64_t layer;
    int32_t weight;
    lfuse_tensor *a, *b; /* NULL: nothing was taken */
};

struct residuals {
    struct residual *all;
    int64_t count;
};

static void free_residuals(struct residuals *r)
{
    while (r->count > 0) {
        r->count--;
        lfuse_tensor_destroy(r->all[r->count].b);
        lfuse_tensor_destroy(r->all[r->count].a);
    }
    free(r->all);
}

/* Of all weights of the groups of a plan. */
static lfuse_status fit(struct lm_run *run, const lfuse_plan *plan,
                        const lfuse_preview *preview, struct residuals *r,
                        lfuse_error *err)
{
    lfuse_residual_options options;
    lfuse_status status = LFUSE_OK;
    int64_t group, member;
    int32_t weight;

    lfuse_residual_options_init(&options, sizeof(options));
    options.rank = run->options.residual;
    options.energy = run->options.energy;
    for (group = 0; group < lfuse_plan_group_count(plan); group++)
        for (member = 0; member < lfuse_plan_group_size(plan, group); member++) {
            const int64_t layer = lfuse_plan_group_member(plan, group, member);

            for (weight = 0; weight < lfuse_plan_weight_count(plan, layer); weight++) {
                struct residual *one = &r->all[r->count];

                *one = (struct residual){layer, weight, NULL, NULL};
                status = lfuse_residual_fit(run->ctx, preview, layer, weight, &options,
                                            &one->a, &one->b, err);
                if (status != LFUSE_OK)
                    return status;
                r->count++;
            }
        }
    return LFUSE_OK;
}

static lfuse_status plan_residuals(struct lm_run *run, struct residuals *r,
                                   lfuse_error *err)
{
    const lfuse_layer *const *layers = (const lfuse_layer *const *)run->net->layers;
    const struct lm_options *o = &run->options;
    const int64_t count = run->net->layer_count;
    lfuse_preview *preview = NULL;
    lfuse_plan_options options;
    lfuse_plan *plan = NULL;
    lfuse_plan_rule rule;
    lfuse_status status = lm_plan_options(run, o->ratio, o->metric, o->policy, o->align,
                                          &rule, &options, err);

    r->all = calloc((size_t)(4 * run->net->shape.blocks), sizeof(*r->all));
    if (r->all == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for residuals");
    if (status == LFUSE_OK)
        status = lfuse_plan_build(run->ctx, layers, count, &options, &plan, err);
    if (status == LFUSE_OK)
        status = lfuse_preview_create(run->ctx, plan, layers, count, &preview, err);
    if (status == LFUSE_OK)
        status = fit(run, plan, preview, r, err);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
    return status;
}

lfuse_status lm_fuse_first(struct lm_run *run, lfuse_error *err)
{
    struct residuals r = {NULL, 0};
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (run->options.residual > 0)
        status = plan_residuals(run, &r, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_fuse(run->retrainer, err);
    for (i = 0; i < r.count && status == LFUSE_OK; i++)
        if (r.all[i].a != NULL)
            status = gpt_add_residual(run->net, r.all[i].layer, r.all[i].weight,
                                      r.all[i].a, r.all[i].b, err);
    free_residuals(&r);
    return status;
}
