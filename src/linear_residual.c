/* linear_residual.c - the shell of linear_residual.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_linear_residual_args_init(lfuse_linear_residual_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_tensor(const char *what, int64_t rows, int64_t cols,
                                 lfuse_error *err)
{
    int64_t n;

    if (lfi_mul_int64(rows, cols, &n) && lfi_mul_int64(n, (int64_t)sizeof(float), &n))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s of %lld * %lld elements does not fit",
                    what, (long long)rows, (long long)cols);
}

static lfuse_status check_sizes(const lfuse_linear_residual_args *a, lfuse_error *err)
{
    const struct {
        const char *name;
        int64_t size;
    } sizes[] = {{"batch", a->batch},
                 {"in_features", a->in_features},
                 {"out_features", a->out_features},
                 {"rank", a->rank}};
    lfuse_status status;
    int i;

    for (i = 0; i < 4; i++)
        if (sizes[i].size < 1)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld", sizes[i].name,
                            (long long)sizes[i].size);
    status = check_tensor("x", a->batch, a->in_features, err);
    if (status == LFUSE_OK)
        status = check_tensor("w", a->out_features, a->in_features, err);
    if (status == LFUSE_OK)
        status = check_tensor("y", a->batch, a->out_features, err);
    if (status == LFUSE_OK)
        status = check_tensor("x b'", a->batch, a->rank, err);
    if (status == LFUSE_OK)
        status = check_tensor("a", a->out_features, a->rank, err);
    if (status == LFUSE_OK)
        status = check_tensor("b", a->rank, a->in_features, err);
    return status;
}

static lfuse_status import(const lfuse_context *ctx,
                           const lfuse_linear_residual_args *args,
                           struct lfi_linear_residual *residual, lfuse_error *err)
{
    lfuse_linear_residual_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status != LFUSE_OK)
        return status;
    *residual = (struct lfi_linear_residual){
        .linear = {.x = a.x,
                   .w = a.w,
                   .bias = a.bias,
                   .dy = a.dy,
                   .y = a.y,
                   .dx = a.dx,
                   .dw = a.dw,
                   .dbias = a.dbias,
                   .batch = a.batch,
                   .in_features = a.in_features,
                   .out_features = a.out_features,
                   .accumulate = (a.flags & LFUSE_LINEAR_RESIDUAL_ACCUMULATE) != 0},
        .a = a.a,
        .b = a.b,
        .da = a.da,
        .db = a.db,
        .workspace = a.workspace,
        .workspace_bytes = a.workspace_bytes,
        .rank = a.rank,
    };
    if ((a.flags & ~(uint32_t)LFUSE_LINEAR_RESIDUAL_ACCUMULATE) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a.flags);
    if (a.reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a.reserved);
    return check_sizes(&a, err);
}

lfuse_status lfuse_linear_residual_forward(lfuse_context *ctx,
                                           const lfuse_linear_residual_args *args,
                                           lfuse_error *err)
{
    struct lfi_linear_residual r;
    lfuse_status status = import(ctx, args, &r, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", r.linear.x}, {"w", r.linear.w}, {"a", r.a},
            {"b", r.b},        {"y", r.linear.y},
        };

        status = lfi_handles_given(given, 5, err);
    }
    return status == LFUSE_OK ? lfi_linear_residual_forward(&ctx->env, &r, err) : status;
}

lfuse_status lfuse_linear_residual_backward_data(lfuse_context *ctx,
                                                 const lfuse_linear_residual_args *args,
                                                 lfuse_error *err)
{
    struct lfi_linear_residual r;
    lfuse_status status = import(ctx, args, &r, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"dy", r.linear.dy}, {"w", r.linear.w},   {"a", r.a},
            {"b", r.b},          {"dx", r.linear.dx},
        };

        status = lfi_handles_given(given, 5, err);
    }
    return status == LFUSE_OK ? lfi_linear_residual_backward_data(&ctx->env, &r, err)
                              : status;
}

lfuse_status lfuse_linear_residual_backward_weights(
    lfuse_context *ctx, const lfuse_linear_residual_args *args, lfuse_error *err)
{
    struct lfi_linear_residual r;
    lfuse_status status = import(ctx, args, &r, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"dy", r.linear.dy}, {"x", r.linear.x}, {"a", r.a},
            {"b", r.b},          {"da", r.da},      {"db", r.db},
        };

        status = lfi_handles_given(given, 6, err);
    }
    return status == LFUSE_OK ? lfi_linear_residual_backward_weights(&ctx->env, &r, err)
                              : status;
}

lfuse_status lfuse_linear_residual_workspace(lfuse_context *ctx,
                                             const lfuse_linear_residual_args *args,
                                             size_t *bytes, lfuse_error *err)
{
    struct lfi_linear_residual r;
    lfuse_status status = import(ctx, args, &r, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_linear_residual_workspace(&ctx->env, &r, bytes, err)
                              : status;
}
