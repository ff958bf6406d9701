/* layer_norm.c - the shell of layer_norm.h */
#include "handles.h"

#include <float.h>

#include "kernels/kernels.h"

void lfuse_layer_norm_args_init(lfuse_layer_norm_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check(const lfuse_layer_norm_args *a, lfuse_error *err)
{
    int64_t elements;

    if (a->rows < 1 || a->columns < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld",
                        a->rows < 1 ? "rows" : "columns",
                        (long long)(a->rows < 1 ? a->rows : a->columns));
    if (!(a->epsilon >= 0.0 && a->epsilon <= DBL_MAX)) /* false for NaN */
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.epsilon is %g", a->epsilon);
    if ((a->flags & ~(uint32_t)LFUSE_LAYER_NORM_ACCUMULATE) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    if (!lfi_mul_int64(a->rows, a->columns, &elements) ||
        !lfi_mul_int64(elements, (int64_t)sizeof(float), &elements))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld rows of %lld columns do not fit",
                        (long long)a->rows, (long long)a->columns);
    return LFUSE_OK;
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_layer_norm_args *args,
                           bool centered, struct lfi_layer_norm *norm, lfuse_error *err)
{
    lfuse_layer_norm_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check(&a, err);
    if (status != LFUSE_OK)
        return status;
    *norm = (struct lfi_layer_norm){
        .tile = {.x = a.x,
                 .residual = a.residual,
                 .gamma = a.gamma,
                 .beta = a.beta,
                 .dy = a.dy,
                 .dsum = a.dsum,
                 .sum = a.sum,
                 .y = a.y,
                 .dx = a.dx,
                 .dgamma = a.dgamma,
                 .dbeta = a.dbeta,
                 .mean = a.mean,
                 .inv_std = a.inv_std,
                 .rows = a.rows,
                 .width = a.columns,
                 .epsilon = a.epsilon != 0.0 ? a.epsilon : 1e-5,
                 .centered = centered},
        .workspace = a.workspace,
        .workspace_bytes = a.workspace_bytes,
        .accumulate = (a.flags & LFUSE_LAYER_NORM_ACCUMULATE) != 0,
    };
    return LFUSE_OK;
}

/* RMS norm takes no mean off and adds nothing. */
static lfuse_status check_rms(const struct lfi_layer_norm_tile *t, lfuse_error *err)
{
    if (t->beta != NULL || t->dbeta != NULL || t->mean != NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is given: RMS norm has none",
                        t->beta != NULL    ? "beta"
                        : t->dbeta != NULL ? "dbeta"
                                           : "mean");
    return LFUSE_OK;
}

static lfuse_status forward(lfuse_context *ctx, const lfuse_layer_norm_args *args,
                            bool centered, lfuse_error *err)
{
    struct lfi_layer_norm n;
    lfuse_status status = import(ctx, args, centered, &n, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", n.tile.x},
            {"gamma", n.tile.gamma},
            {"y", n.tile.y},
            {"sum", n.tile.residual != NULL ? n.tile.sum : n.tile.y},
        };

        status = lfi_handles_given(given, 4, err);
    }
    if (status == LFUSE_OK && !centered)
        status = check_rms(&n.tile, err);
    return status == LFUSE_OK ? lfi_layer_norm_forward(&ctx->env, &n, err) : status;
}

static lfuse_status backward(lfuse_context *ctx, const lfuse_layer_norm_args *args,
                             bool centered, lfuse_error *err)
{
    struct lfi_layer_norm n;
    lfuse_status status = import(ctx, args, centered, &n, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", n.tile.x},
            {"gamma", n.tile.gamma},
            {"dy", n.tile.dy},
            {"dx", n.tile.dx},
            {"inv_std", n.tile.inv_std},
            {"mean", centered ? n.tile.mean : n.tile.inv_std},
        };

        status = lfi_handles_given(given, 6, err);
    }
    if (status == LFUSE_OK && !centered)
        status = check_rms(&n.tile, err);
    return status == LFUSE_OK ? lfi_layer_norm_backward(&ctx->env, &n, err) : status;
}

lfuse_status lfuse_layer_norm_forward(lfuse_context *ctx,
                                      const lfuse_layer_norm_args *args, lfuse_error *err)
{
    return forward(ctx, args, true, err);
}

lfuse_status lfuse_layer_norm_backward(lfuse_context *ctx,
                                       const lfuse_layer_norm_args *args,
                                       lfuse_error *err)
{
    return backward(ctx, args, true, err);
}

lfuse_status lfuse_rms_norm_forward(lfuse_context *ctx, const lfuse_layer_norm_args *args,
                                    lfuse_error *err)
{
    return forward(ctx, args, false, err);
}

lfuse_status lfuse_rms_norm_backward(lfuse_context *ctx,
                                     const lfuse_layer_norm_args *args, lfuse_error *err)
{
    return backward(ctx, args, false, err);
}

lfuse_status lfuse_layer_norm_workspace(lfuse_context *ctx,
                                        const lfuse_layer_norm_args *args, size_t *bytes,
                                        lfuse_error *err)
{
    struct lfi_layer_norm n;
    lfuse_status status = import(ctx, args, true, &n, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_layer_norm_workspace(&ctx->env, &n, bytes, err)
                              : status;
}
