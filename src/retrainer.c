/* retrainer.c - the shell of retrainer.h */
#include "handles.h"

#include <math.h>
#include <string.h>

/* ---- life ---------------------------------------------------------------------------------- */

/* The retrainer's own array of handles. */
static lfuse_status copy_handles(lfuse_retrainer *r, lfuse_layer *const *layers,
                                 lfuse_error *err)
{
    const size_t n = (size_t)r->ties.ties.count;
    lfuse_status status =
        lfi_alloc(&r->ctx->env, n, sizeof(*layers), "layers", &r->layers, err);

    if (status == LFUSE_OK)
        memcpy(r->layers, layers, n * sizeof(*layers));
    return status;
}

static lfuse_status create(lfuse_context *ctx, lfuse_layer *const *layers,
                           struct lfi_layer **unwrapped, int64_t count,
                           const struct lfi_retrainer_options *options,
                           const struct lfi_ties_options *ties,
                           lfuse_retrainer **retrainer, lfuse_error *err)
{
    lfuse_retrainer *r;
    lfuse_status status =
        lfi_alloc_zero(&ctx->env, 1, sizeof(*r), "a retrainer", &r, err);

    if (status != LFUSE_OK)
        return status;
    r->ctx = r->ties.ctx = r->plan.ctx = ctx;
    status = lfi_ties_create(&ctx->env, unwrapped, count, ties, &r->ties.ties, err);
    if (status == LFUSE_OK)
        status = copy_handles(r, layers, err);
    if (status == LFUSE_OK)
        status = lfi_retrainer_create(&ctx->env, options, &r->ties.ties, &r->plan.plan,
                                      &r->retrainer, err);
    if (status == LFUSE_OK)
        *retrainer = r;
    else
        lfuse_retrainer_destroy(r);
    return status;
}

lfuse_status lfuse_retrainer_create(lfuse_context *ctx, lfuse_layer *const *layers,
                                    int64_t count, const lfuse_retrainer_options *options,
                                    lfuse_retrainer **retrainer, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    struct lfi_retrainer_options known;
    struct lfi_ties_options ties;
    lfuse_status status;

    if (retrainer == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "retrainer is NULL");
    *retrainer = NULL;
    status = lfi_handles_retrainer_options(ctx, options, &known, &ties, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_handles_layers(ctx, (const lfuse_layer *const *)layers, count,
                                &unwrapped, err);
    if (status == LFUSE_OK)
        status = create(ctx, layers, unwrapped, count, &known, &ties, retrainer, err);
    lfi_handles_layers_free(ctx, unwrapped, count);
    return status;
}

void lfuse_retrainer_destroy(lfuse_retrainer *retrainer)
{
    const struct lfi_env *env;
    size_t n;

    if (retrainer == NULL)
        return;
    env = &retrainer->ctx->env;
    n = (size_t)retrainer->ties.ties.count;
    lfi_retrainer_destroy(env, &retrainer->retrainer);
    lfi_free(env, retrainer->caller, retrainer->caller_bytes, 1);
    lfi_free(env, retrainer->layers, n, sizeof(*retrainer->layers));
    lfi_plan_destroy(env, &retrainer->plan.plan);
    lfi_ties_destroy(env, &retrainer->ties.ties);
    lfi_free(env, retrainer, 1, sizeof(*retrainer));
}

/* ---- hooks --------------------------------------------------------------------------------- */

static lfuse_status fail_null(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "retrainer is NULL");
}

lfuse_status lfuse_retrainer_fuse(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_fuse(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_undo(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_undo(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_finalise(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_finalise(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_begin_step(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_begin_step(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_combine_gradients(lfuse_retrainer *retrainer,
                                               lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_combine_gradients(&retrainer->ctx->env, &retrainer->retrainer,
                                           err);
}

lfuse_status lfuse_retrainer_end_step(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_end_step(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_abort_step(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_abort_step(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_begin_eval(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_begin_eval(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_end_eval(lfuse_retrainer *retrainer, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    return lfi_retrainer_end_eval(&retrainer->ctx->env, &retrainer->retrainer, err);
}

lfuse_status lfuse_retrainer_probe(lfuse_retrainer *retrainer, int64_t count,
                                   lfuse_evaluate evaluate, void *user, double *metric,
                                   lfuse_error *err)
{
    const struct lfi_evaluation evaluation = {evaluate, user};

    if (retrainer == NULL)
        return fail_null(err);
    if (evaluate == NULL || metric == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        evaluate == NULL ? "evaluate" : "metric");
    if (count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld", (long long)count);
    return lfi_retrainer_probe(&retrainer->ctx->env, &retrainer->retrainer, count,
                               evaluation, metric, err);
}

int32_t lfuse_retrainer_is_due(const lfuse_retrainer *retrainer)
{
    return retrainer != NULL && lfi_retrainer_is_due(&retrainer->retrainer) ? 1 : 0;
}

lfuse_status lfuse_retrainer_end_epoch(lfuse_retrainer *retrainer, double metric,
                                       lfuse_verdict *verdict, lfuse_error *err)
{
    if (retrainer == NULL)
        return fail_null(err);
    if (verdict == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "verdict is NULL");
    if (!isfinite(metric))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "metric is %g", metric);
    return lfi_retrainer_end_epoch(&retrainer->ctx->env, &retrainer->retrainer, metric,
                                   verdict, err);
}

/* ---- what it has ---------------------------------------------------------------------------- */

int64_t lfuse_retrainer_parameter_count(const lfuse_retrainer *retrainer)
{
    return retrainer == NULL ? 0 : retrainer->retrainer.trained_count;
}

lfuse_status lfuse_retrainer_parameter(const lfuse_retrainer *retrainer, int64_t index,
                                       lfuse_parameter *parameter, lfuse_error *err)
{
    const struct lfi_trained *trained;

    if (retrainer == NULL)
        return fail_null(err);
    if (index < 0 || index >= retrainer->retrainer.trained_count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "index is %lld, %lld parameters train",
                        (long long)index, (long long)retrainer->retrainer.trained_count);
    trained = &retrainer->retrainer.trained[index];
    return lfi_options_export(
        parameter, &retrainer->layers[trained->layer]->given[trained->parameter],
        sizeof(lfuse_parameter), "parameter", err);
}

const lfuse_ties *lfuse_retrainer_ties(const lfuse_retrainer *retrainer)
{
    return retrainer == NULL ? NULL : &retrainer->ties;
}

const lfuse_plan *lfuse_retrainer_plan(const lfuse_retrainer *retrainer)
{
    if (retrainer == NULL || retrainer->retrainer.fused == 0)
        return NULL;
    return &retrainer->plan;
}
