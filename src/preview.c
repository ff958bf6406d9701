/* preview.c - the shell of preview.h */
#include "handles.h"

static lfuse_status create(lfuse_context *ctx, const lfuse_plan *plan,
                           struct lfi_layer **layers, int64_t count,
                           lfuse_preview **preview, lfuse_error *err)
{
    lfuse_preview *p;
    lfuse_status status = lfi_alloc_zero(&ctx->env, 1, sizeof(*p), "a preview", &p, err);

    if (status != LFUSE_OK)
        return status;
    p->ctx = ctx;
    status = lfi_preview_create(&ctx->env, &plan->plan, layers, count, &p->preview, err);
    if (status == LFUSE_OK)
        *preview = p;
    else
        lfi_free(&ctx->env, p, 1, sizeof(*p));
    return status;
}

lfuse_status lfuse_preview_create(lfuse_context *ctx, const lfuse_plan *plan,
                                  const lfuse_layer *const *layers, int64_t count,
                                  lfuse_preview **preview, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    lfuse_status status;

    if (preview == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "preview is NULL");
    *preview = NULL;
    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    status = lfi_handles_layers(ctx, layers, count, &unwrapped, err);
    if (status == LFUSE_OK)
        status = create(ctx, plan, unwrapped, count, preview, err);
    lfi_handles_layers_free(ctx, unwrapped, count);
    return status;
}

void lfuse_preview_destroy(lfuse_preview *preview)
{
    const struct lfi_env *env;

    if (preview == NULL)
        return;
    env = &preview->ctx->env;
    lfi_preview_destroy(env, &preview->preview);
    lfi_free(env, preview, 1, sizeof(*preview));
}

/* ---- reading ------------------------------------------------------------------------------- */

static lfuse_status check_layer(const lfuse_preview *preview, int64_t layer,
                                const void *out, lfuse_error *err)
{
    if (preview == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        preview == NULL ? "preview" : "out");
    if (layer < 0 || layer >= preview->preview.ties.count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "layer is %lld, the plan has %lld layers", (long long)layer,
                        (long long)preview->preview.ties.count);
    return LFUSE_OK;
}

static lfuse_status read_range(const lfuse_preview *preview, int64_t layer,
                               const struct lfi_parameter *parameter, int64_t first,
                               int64_t count, void *out, lfuse_error *err)
{
    const struct lfi_layer *from = preview->preview.ties.layers[layer];
    const int64_t n = lfi_view_elements(&parameter->value->view);

    if (first < 0 || count < 0 || first > n - count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "first is %lld, count %lld, the %s has %lld elements",
                        (long long)first, (long long)count,
                        parameter->role == LFUSE_ROLE_WEIGHT ? "weight" : "parameter",
                        (long long)n);
    lfi_preview_read(&preview->preview, layer, (int32_t)(parameter - from->parameters),
                     first, count, out);
    return LFUSE_OK;
}

lfuse_status lfuse_preview_read(const lfuse_preview *preview, int64_t layer,
                                int32_t weight, int64_t first, int64_t count, void *out,
                                lfuse_error *err)
{
    const struct lfi_layer *from;
    lfuse_status status = check_layer(preview, layer, out, err);

    if (status != LFUSE_OK)
        return status;
    from = preview->preview.ties.layers[layer];
    if (weight < 0 || weight >= lfi_layer_weight_count(from))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "weight is %d, layer %s has %d",
                        (int)weight, from->name, (int)lfi_layer_weight_count(from));
    return read_range(preview, layer, lfi_layer_weight(from, weight), first, count, out,
                      err);
}

lfuse_status lfuse_preview_read_parameter(const lfuse_preview *preview, int64_t layer,
                                          int32_t parameter, int64_t first, int64_t count,
                                          void *out, lfuse_error *err)
{
    const struct lfi_layer *from;
    lfuse_status status = check_layer(preview, layer, out, err);

    if (status != LFUSE_OK)
        return status;
    from = preview->preview.ties.layers[layer];
    if (parameter < 0 || parameter >= from->parameter_count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "parameter is %d, layer %s has %d",
                        (int)parameter, from->name, (int)from->parameter_count);
    return read_range(preview, layer, &from->parameters[parameter], first, count, out,
                      err);
}
