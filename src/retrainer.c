/* retrainer.c - the shell of retrainer.h */
#include "handles.h"

#include <math.h>
#include <string.h>

void lfuse_retrainer_options_init(lfuse_retrainer_options *options, size_t size)
{
    lfi_options_init(options, size);
}

/* ---- options --------------------------------------------------------------------------- */

/* What the engine makes a retrainer of. */
struct wishes {
    struct lfi_plan_options plan;
    struct lfi_ties_options ties;
    struct lfi_schedule schedule;
};

static lfuse_status check_schedule(const lfuse_retrainer_options *o, lfuse_error *err)
{
    if (o->fusions < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.fusions is %d",
                        (int)o->fusions);
    if (o->interval < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.interval is %d",
                        (int)o->interval);
    if (o->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "options.reserved is %d",
                        (int)o->reserved);
    if (o->plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.plan is NULL");
    return lfi_handles_constant(o->schedule, LFUSE_SCHEDULE_UNIFORM, "options",
                                "schedule", err);
}

static lfuse_status import_plan(const lfuse_context *ctx,
                                const lfuse_plan_options *options,
                                struct lfi_plan_options *out, lfuse_error *err)
{
    const lfuse_ties *in_force = NULL;
    lfuse_status status;

    status = lfi_handles_plan_options(ctx, options, "options.plan", out, &in_force, err);
    if (status != LFUSE_OK)
        return status;
    if (out->ratio == 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0");
    if (out->top_k != INT64_MAX)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.plan.top_k is %lld: the schedule decides",
                        (long long)out->top_k);
    if (in_force != NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.plan.in_force is given: the retrainer has its own");
    return LFUSE_OK;
}

static lfuse_status import_options(const lfuse_context *ctx,
                                   const lfuse_retrainer_options *options,
                                   struct wishes *wishes, lfuse_error *err)
{
    lfuse_retrainer_options o;
    lfuse_status status;

    status = lfi_options_import(&o, sizeof(o), options, false, "options", err);
    if (status == LFUSE_OK)
        status = check_schedule(&o, err);
    if (status == LFUSE_OK)
        status = import_plan(ctx, o.plan, &wishes->plan, err);
    if (status == LFUSE_OK)
        status = lfi_handles_ties_options(o.ties, "options.ties", &wishes->ties, err);
    if (status != LFUSE_OK)
        return status;
    wishes->schedule.ratio = wishes->plan.ratio;
    wishes->schedule.fusions = o.fusions != 0 ? o.fusions : 1;
    wishes->schedule.interval = o.interval != 0 ? o.interval : 1;
    wishes->schedule.kind = LFUSE_SCHEDULE_UNIFORM;
    return LFUSE_OK;
}

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
                           const struct wishes *wishes, lfuse_retrainer **retrainer,
                           lfuse_error *err)
{
    lfuse_retrainer *r;
    lfuse_status status =
        lfi_alloc_zero(&ctx->env, 1, sizeof(*r), "a retrainer", &r, err);

    if (status != LFUSE_OK)
        return status;
    r->ctx = r->ties.ctx = r->plan.ctx = ctx;
    status =
        lfi_ties_create(&ctx->env, unwrapped, count, &wishes->ties, &r->ties.ties, err);
    if (status == LFUSE_OK)
        status = copy_handles(r, layers, err);
    if (status == LFUSE_OK)
        status = lfi_retrainer_create(&ctx->env, &wishes->plan, &wishes->schedule,
                                      &r->ties.ties, &r->plan.plan, &r->retrainer, err);
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
    struct wishes wishes;
    lfuse_status status;

    if (retrainer == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "retrainer is NULL");
    *retrainer = NULL;
    status = import_options(ctx, options, &wishes, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_handles_layers(ctx, (const lfuse_layer *const *)layers, count,
                                &unwrapped, err);
    if (status == LFUSE_OK)
        status = create(ctx, layers, unwrapped, count, &wishes, retrainer, err);
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
