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

lfuse_status lfuse_preview_read(const lfuse_preview *preview, int64_t layer,
                                int32_t weight, int64_t first, int64_t count, void *out,
                                lfuse_error *err)
{
    const struct lfi_ties *ties;
    int64_t n;

    if (preview == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        preview == NULL ? "preview" : "out");
    ties = &preview->preview.ties;
    if (layer < 0 || layer >= ties->count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "layer is %lld, the plan has %lld layers", (long long)layer,
                        (long long)ties->count);
    if (weight < 0 || weight >= lfi_layer_weight_count(ties->layers[layer]))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "weight is %d, layer %s has %d",
                        (int)weight, ties->layers[layer]->name,
                        (int)lfi_layer_weight_count(ties->layers[layer]));
    n = lfi_view_elements(&lfi_layer_weight(ties->layers[layer], weight)->value->view);
    if (first < 0 || count < 0 || first > n - count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "first is %lld, count %lld, the weight has %lld elements",
                        (long long)first, (long long)count, (long long)n);
    lfi_preview_read(&preview->preview, layer, weight, first, count, out);
    return LFUSE_OK;
}
