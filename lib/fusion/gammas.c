/*
 * gammas.c - how far apart the layers of each fusion are, for the policy js
 *
 *     gamma = 1/2 (KL(A to M) + KL(C to M))         O'Neill et al. 2021, eq. 6, in nats
 *
 * That is the metric js (lib/similarity/js.c), whatever metric chose the fusions; of several
 * weights the mean.
 */
#include "fusion/planning.h"

static lfuse_status measure(const struct lfi_env *env, const struct lfi_layer *a,
                            const struct lfi_layer *c, struct lfi_view *views,
                            const char **names,
                            const struct lfi_similarity_params *params, double *gamma,
                            lfuse_error *err)
{
    const int32_t n = lfi_layer_weight_count(a);
    const struct lfi_similarity_item items[2] = {{a->name, views, names, n},
                                                 {c->name, views + n, names, n}};
    double out[4] = {0.0};
    lfuse_status status;
    int32_t k;

    for (k = 0; k < n; k++) {
        const struct lfi_parameter *p = lfi_layer_weight(a, k),
                                   *q = lfi_layer_weight(c, k);

        views[k] = lfi_view_axis_first(&p->value->view, p->output_axis);
        views[n + k] = lfi_view_axis_first(&q->value->view, q->output_axis);
        names[k] = p->name;
    }
    status = lfi_similarity_matrix(env, items, 2, params, out, err);
    if (status == LFUSE_OK)
        *gamma = out[1];
    return status;
}

static size_t most_weights(const struct lfi_plan *plan)
{
    int32_t most = 0;
    int64_t i;

    for (i = 0; i < plan->layer_count; i++)
        most = plan->layers[i].weight_count > most ? plan->layers[i].weight_count : most;
    return (size_t)most;
}

lfuse_status lfi_plan_measure_gammas(const struct lfi_env *env,
                                     const struct lfi_layer *const *layers,
                                     struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_similarity_params params = plan->options.similarity;
    const size_t n = most_weights(plan);
    struct lfi_env quiet = *env; /* progress was told of pairs */
    struct lfi_view *views = NULL;
    const char **names = NULL;
    lfuse_status status;
    int64_t i;

    params.metric = LFUSE_METRIC_JS;
    quiet.progress = NULL;
    status = lfi_alloc(env, 2 * n, sizeof(*views), "weights", &views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*names), "weights", &names, err);
    for (i = 0; i < plan->fusion_count && status == LFUSE_OK; i++)
        status = measure(&quiet, layers[plan->fusions[i].a], layers[plan->fusions[i].b],
                         views, names, &params, &plan->fusions[i].gamma, err);
    lfi_free(env, names, n, sizeof(*names));
    lfi_free(env, views, 2 * n, sizeof(*views));
    return status;
}
