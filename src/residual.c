/* residual.c - the shell of residual.h */
#include "handles.h"

#include "fusion/residual.h"

enum { RANK = 16 }; /* where the caller says nothing */

void lfuse_residual_options_init(lfuse_residual_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status import_options(const lfuse_residual_options *options,
                                   lfuse_residual_options *o, lfuse_error *err)
{
    lfuse_status status =
        lfi_options_import(o, sizeof(*o), options, true, "options", err);

    if (status != LFUSE_OK)
        return status;
    if (o->rank < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.rank is %lld",
                        (long long)o->rank);
    if (!(o->energy >= 0.0 && o->energy <= 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.energy is %g, not in [0, 1]",
                        o->energy);
    o->rank = o->rank == 0 ? RANK : o->rank;
    o->energy = o->energy == 0.0 ? 1.0 : o->energy;
    return LFUSE_OK;
}

static lfuse_status check_weight(const lfuse_context *ctx, const lfuse_preview *preview,
                                 int64_t layer, int32_t weight, lfuse_error *err)
{
    const struct lfi_layer *of;

    if (ctx == NULL || preview == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "preview");
    if (layer < 0 || layer >= preview->preview.ties.count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "layer is %lld, the plan has %lld layers", (long long)layer,
                        (long long)preview->preview.ties.count);
    of = preview->preview.ties.layers[layer];
    if (weight < 0 || weight >= lfi_layer_weight_count(of))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "weight is %d, layer %s has %d",
                        (int)weight, of->name, (int)lfi_layer_weight_count(of));
    return LFUSE_OK;
}

/* A tensor that takes the array over. */
static lfuse_status wrap(lfuse_context *ctx, struct lfi_array *array,
                         lfuse_tensor **tensor, lfuse_error *err)
{
    lfuse_status status =
        lfi_alloc_zero(&ctx->env, 1, sizeof(**tensor), "a tensor", tensor, err);

    if (status != LFUSE_OK)
        return status;
    (*tensor)->ctx = ctx;
    (*tensor)->array = *array;
    *array = (struct lfi_array){0};
    return LFUSE_OK;
}

static lfuse_status wrap_both(lfuse_context *ctx, struct lfi_array *a_array,
                              struct lfi_array *b_array, lfuse_tensor **a,
                              lfuse_tensor **b, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (a_array->storage == NULL)
        return LFUSE_OK;
    status = wrap(ctx, a_array, a, err);
    if (status == LFUSE_OK)
        status = wrap(ctx, b_array, b, err);
    lfi_array_release(a_array);
    lfi_array_release(b_array);
    if (status != LFUSE_OK) {
        lfuse_tensor_destroy(*a);
        *a = NULL;
    }
    return status;
}

lfuse_status lfuse_residual_fit(lfuse_context *ctx, const lfuse_preview *preview,
                                int64_t layer, int32_t weight,
                                const lfuse_residual_options *options, lfuse_tensor **a,
                                lfuse_tensor **b, lfuse_error *err)
{
    struct lfi_array a_array, b_array;
    const struct lfi_layer *of;
    lfuse_residual_options o;
    lfuse_status status;

    if (a == NULL || b == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL", a == NULL ? "a" : "b");
    *a = *b = NULL;
    status = check_weight(ctx, preview, layer, weight, err);
    if (status == LFUSE_OK)
        status = import_options(options, &o, err);
    if (status != LFUSE_OK)
        return status;
    of = preview->preview.ties.layers[layer];
    status = lfi_residual_fit(&ctx->env, &preview->preview, layer,
                              (int32_t)(lfi_layer_weight(of, weight) - of->parameters),
                              o.rank, o.energy, &a_array, &b_array, err);
    return status == LFUSE_OK ? wrap_both(ctx, &a_array, &b_array, a, b, err) : status;
}
