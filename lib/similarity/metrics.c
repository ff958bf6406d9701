/* metrics.c - the list of the metrics, and one comparison by any of them */
#include "similarity/parts.h"

#include <stdio.h>
#include <string.h>

static const struct lfi_metric *const metrics[] = {
    &lfi_metric_euclidean,
    &lfi_metric_cosine,
    &lfi_metric_covariance,
    &lfi_metric_linear_cka,
    &lfi_metric_procrustes,
    &lfi_metric_wasserstein_gaussian,
    &lfi_metric_kl,
    &lfi_metric_js,
    &lfi_metric_rbf_cka,
    &lfi_metric_debiased_cka,
    &lfi_metric_wasserstein_assignment,
    &lfi_metric_wasserstein_centroid,
    &lfi_metric_wasserstein_sliced,
    &lfi_metric_sinkhorn,
    &lfi_metric_custom[0],
};

enum { COUNT = sizeof(metrics) / sizeof(metrics[0]) };

struct lfi_similarity_params lfi_similarity_defaults(uint64_t seed)
{
    struct lfi_similarity_params params = {
        .metric = LFUSE_METRIC_EUCLIDEAN,
        .block = 128,
        .ridge = 1e-3,
        .bandwidth = 0.5,
        .exponent = 2.0,
        .regularisation = 0.05,
        .projections = 128,
        .centroids = 16,
        .iterations = 100,
        .seed = seed,
        .unequal = LFUSE_UNEQUAL_REFUSE,
        .max_bytes = (size_t)1 << 30,
        .ranks = 1,
    };

    return params;
}

const struct lfi_metric *lfi_metric_find(lfuse_metric metric)
{
    int i;

    for (i = 0; i < COUNT; i++)
        if (metrics[i]->metric == metric)
            return metrics[i];
    return NULL;
}

const struct lfi_metric *lfi_metric_of(const struct lfi_similarity_params *params)
{
    if (params->metric != LFUSE_METRIC_CUSTOM)
        return lfi_metric_find(params->metric);
    return &lfi_metric_custom[params->custom_is_similarity +
                              2 * params->custom_is_symmetric];
}

const struct lfi_metric *lfi_metric_by_name(const char *name)
{
    int i;

    for (i = 0; i < COUNT; i++)
        if (strcmp(metrics[i]->name, name) == 0)
            return metrics[i];
    return NULL;
}

void lfi_metric_names(char *text, size_t size)
{
    size_t used = 0;
    int i;

    for (i = 0; i < COUNT && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ",
                                 metrics[i]->name);
}

lfuse_status lfi_similarity_check_finite(const struct lfi_view *view, const char *name,
                                         lfuse_error *err)
{
    int64_t columns = lfi_view_elements(view) / view->dims[0];
    int64_t index = lfi_view_find_not_finite(view);
    double value;

    if (index < 0)
        return LFUSE_OK;
    lfi_view_read_f64(view, index, 1, &value);
    return lfi_fail(
        err, LFUSE_ERR_NOT_FINITE, "%s is %s at row %lld, column %lld of (%lld, %lld)",
        name, value != value ? "NaN" : "infinite", (long long)(index / columns),
        (long long)(index % columns), (long long)view->dims[0], (long long)columns);
}

lfuse_status lfi_comparison_check_finite(const struct lfi_comparison *pair,
                                         lfuse_error *err)
{
    lfuse_status status = lfi_similarity_check_finite(&pair->a, pair->a_name, err);

    return status == LFUSE_OK ? lfi_similarity_check_finite(&pair->c, pair->c_name, err)
                              : status;
}

lfuse_status lfi_similarity_compare(const struct lfi_env *env,
                                    const struct lfi_comparison *pair, double *out,
                                    lfuse_error *err)
{
    const struct lfi_metric *metric = lfi_metric_find(pair->params.metric);
    void *scratch;
    size_t copies, bytes;
    lfuse_status status;

    if (!lfi_sizes_scratch(pair, &copies, &bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the scratch of %s does not fit",
                        metric->name);
    status = lfi_alloc(env, bytes, 1, "scratch of a comparison", &scratch, err);
    if (status == LFUSE_OK)
        status = lfi_sizes_compare(env, pair, copies, scratch, out, err);
    lfi_free(env, scratch, bytes, 1);
    return status;
}
