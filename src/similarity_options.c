/* similarity_options.c - the options of similarity.h, checked, with their defaults filled in */
#include "handles.h"

#include <math.h>

static lfuse_status check_numbers(const lfuse_similarity_options *o, const char *what,
                                  lfuse_error *err)
{
    if (lfi_metric_find(o->metric) == NULL && o->metric != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.metric is %d, which is unknown",
                        what, (int)o->metric);
    if (o->block < LFUSE_BLOCK_WHOLE)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.block is %lld, less than %d", what,
                        (long long)o->block, (int)LFUSE_BLOCK_WHOLE);
    if (!isfinite(o->ridge))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.ridge is %g", what, o->ridge);
    if (!isfinite(o->bandwidth) || o->bandwidth < 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.bandwidth is %g", what,
                        o->bandwidth);
    return lfi_handles_constant(o->unequal, LFUSE_UNEQUAL_DROP_SMALLEST, what, "unequal",
                                err);
}

static lfuse_status check_transport(const lfuse_similarity_options *o, const char *what,
                                    lfuse_error *err)
{
    const int64_t counts[] = {o->projections, o->centroids, o->iterations};
    static const char *const names[] = {"projections", "centroids", "iterations"};
    int i;

    if (!isfinite(o->exponent) || (o->exponent != 0.0 && o->exponent < 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.exponent is %g, less than 1", what,
                        o->exponent);
    if (!isfinite(o->regularisation) || o->regularisation < 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.regularisation is %g", what,
                        o->regularisation);
    for (i = 0; i < 3; i++)
        if (counts[i] < 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.%s is %lld", what, names[i],
                            (long long)counts[i]);
    return LFUSE_OK;
}

static lfuse_status check_custom(const lfuse_similarity_options *o, const char *what,
                                 lfuse_error *err)
{
    const uint32_t known = LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS |
                           LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY |
                           LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC;

    if ((o->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.flags has unknown bits: 0x%x", what,
                        (unsigned)o->flags);
    if (o->metric == LFUSE_METRIC_CUSTOM && o->custom == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.metric is custom, %s.custom is NULL",
                        what, what);
    return LFUSE_OK;
}

static lfuse_status check_ranks(const lfuse_similarity_options *o, const char *what,
                                lfuse_error *err)
{
    const bool shared = o->ranks > 1;

    if (o->ranks < 0 || o->rank < 0 || (o->ranks > 0 && o->rank >= o->ranks) ||
        (o->ranks == 0 && o->rank != 0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rank is %d, ranks is %d", what,
                        (int)o->rank, (int)o->ranks);
    if (shared != (o->gather != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.gather is %s, ranks is %d", what,
                        shared ? "NULL" : "given", (int)o->ranks);
    return LFUSE_OK;
}

static lfuse_status check_options(const lfuse_similarity_options *o, const char *what,
                                  lfuse_error *err)
{
    lfuse_status status = check_numbers(o, what, err);

    if (status == LFUSE_OK)
        status = check_transport(o, what, err);
    if (status == LFUSE_OK)
        status = check_custom(o, what, err);
    if (status == LFUSE_OK)
        status = check_ranks(o, what, err);
    return status;
}

static void fill_transport(const lfuse_similarity_options *o,
                           struct lfi_similarity_params *params)
{
    if (o->exponent != 0.0)
        params->exponent = o->exponent;
    if (o->regularisation != 0.0)
        params->regularisation = o->regularisation;
    if (o->projections != 0)
        params->projections = o->projections;
    if (o->centroids != 0)
        params->centroids = o->centroids;
    if (o->iterations != 0)
        params->iterations = o->iterations;
    params->softmax_rows = (o->flags & LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS) != 0;
}

static void fill_ranks(const lfuse_similarity_options *o,
                       struct lfi_similarity_params *params)
{
    params->gather = o->gather;
    params->gather_user = o->gather_user;
    params->rank = o->rank;
    params->ranks = o->ranks > 0 ? o->ranks : 1;
}

static void fill_custom(const lfuse_similarity_options *o,
                        struct lfi_similarity_params *params)
{
    params->custom = o->custom;
    params->custom_user = o->custom_user;
    params->custom_is_similarity =
        (o->flags & LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY) != 0;
    params->custom_is_symmetric =
        (o->flags & LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC) != 0;
}

lfuse_status lfi_handles_similarity(const lfuse_context *ctx,
                                    const lfuse_similarity_options *options,
                                    const char *what, lfuse_similarity_options *o,
                                    struct lfi_similarity_params *params,
                                    lfuse_error *err)
{
    lfuse_status status = lfi_options_import(o, sizeof(*o), options, true, what, err);

    if (status == LFUSE_OK)
        status = check_options(o, what, err);
    if (status != LFUSE_OK)
        return status;
    *params = lfi_similarity_defaults(o->seed != 0 ? o->seed : ctx->env.seed);
    if (o->metric != 0)
        params->metric = o->metric;
    if (o->block != 0)
        params->block = o->block;
    if (o->ridge != 0.0)
        params->ridge = o->ridge;
    if (o->bandwidth != 0.0)
        params->bandwidth = o->bandwidth;
    fill_transport(o, params);
    if (o->unequal != 0)
        params->unequal = o->unequal;
    fill_custom(o, params);
    if (o->max_bytes != 0)
        params->max_bytes = o->max_bytes;
    params->failed = o->failed;
    params->failed_user = o->failed_user;
    fill_ranks(o, params);
    return LFUSE_OK;
}
