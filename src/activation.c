/* activation.c - the shell of activation.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_activation_args_init(lfuse_activation_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_size(const char *what, int64_t size, int64_t at_least,
                               lfuse_error *err)
{
    return size >= at_least
               ? LFUSE_OK
               : lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld, less than %lld",
                          what, (long long)size, (long long)at_least);
}

/* The strides filled in. */
static lfuse_status check(const struct lfi_activation *a, lfuse_error *err)
{
    const int64_t wider = a->x_stride > a->y_stride ? a->x_stride : a->y_stride;
    lfuse_status status = check_size("rows", a->rows, 1, err);
    int64_t bytes;

    if (status == LFUSE_OK)
        status = check_size("columns", a->columns, 1, err);
    if (status == LFUSE_OK)
        status = check_size("x_stride", a->x_stride, a->columns, err);
    if (status == LFUSE_OK)
        status = check_size("y_stride", a->y_stride, a->columns, err);
    if (status == LFUSE_OK && (!lfi_mul_int64(a->rows, wider, &bytes) ||
                               !lfi_mul_int64(bytes, (int64_t)sizeof(float), &bytes)))
        status =
            lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld rows of %lld elements do not fit",
                     (long long)a->rows, (long long)wider);
    return status;
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_activation_args *args,
                           enum lfi_activation_kind kind,
                           struct lfi_activation *activation, lfuse_error *err)
{
    const uint32_t known = kind == LFI_GELU ? LFUSE_GELU_TANH : 0;
    lfuse_activation_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status != LFUSE_OK)
        return status;
    if ((a.flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a.flags);
    if (a.reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a.reserved);
    *activation = (struct lfi_activation){
        .tile = {.x = a.x,
                 .up = a.up,
                 .dup = a.dup,
                 .dy = a.dy,
                 .y = a.y,
                 .dx = a.dx,
                 .kind = (a.flags & known) != 0 ? LFI_GELU_TANH : kind},
        .rows = a.rows,
        .columns = a.columns,
        .x_stride = a.x_stride != 0 ? a.x_stride : a.columns,
        .y_stride = a.y_stride != 0 ? a.y_stride : a.columns,
    };
    return check(activation, err);
}

static lfuse_status forward(lfuse_context *ctx, const lfuse_activation_args *args,
                            enum lfi_activation_kind kind, lfuse_error *err)
{
    struct lfi_activation a;
    lfuse_status status = import(ctx, args, kind, &a, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", a.tile.x},
            {"y", a.tile.y},
            {"up", kind == LFI_SWIGLU ? a.tile.up : a.tile.x},
        };

        status = lfi_handles_given(given, 3, err);
    }
    return status == LFUSE_OK ? lfi_activation_forward(&ctx->env, &a, err) : status;
}

static lfuse_status backward(lfuse_context *ctx, const lfuse_activation_args *args,
                             enum lfi_activation_kind kind, lfuse_error *err)
{
    struct lfi_activation a;
    lfuse_status status = import(ctx, args, kind, &a, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", a.tile.x},
            {"dy", a.tile.dy},
            {"dx", a.tile.dx},
            {"up", kind == LFI_SWIGLU ? a.tile.up : a.tile.x},
            {"dup", kind == LFI_SWIGLU ? a.tile.dup : a.tile.dx},
        };

        status = lfi_handles_given(given, 5, err);
    }
    return status == LFUSE_OK ? lfi_activation_backward(&ctx->env, &a, err) : status;
}

lfuse_status lfuse_gelu_forward(lfuse_context *ctx, const lfuse_activation_args *args,
                                lfuse_error *err)
{
    return forward(ctx, args, LFI_GELU, err);
}

lfuse_status lfuse_gelu_backward(lfuse_context *ctx, const lfuse_activation_args *args,
                                 lfuse_error *err)
{
    return backward(ctx, args, LFI_GELU, err);
}

lfuse_status lfuse_silu_forward(lfuse_context *ctx, const lfuse_activation_args *args,
                                lfuse_error *err)
{
    return forward(ctx, args, LFI_SILU, err);
}

lfuse_status lfuse_silu_backward(lfuse_context *ctx, const lfuse_activation_args *args,
                                 lfuse_error *err)
{
    return backward(ctx, args, LFI_SILU, err);
}

lfuse_status lfuse_swiglu_forward(lfuse_context *ctx, const lfuse_activation_args *args,
                                  lfuse_error *err)
{
    return forward(ctx, args, LFI_SWIGLU, err);
}

lfuse_status lfuse_swiglu_backward(lfuse_context *ctx, const lfuse_activation_args *args,
                                   lfuse_error *err)
{
    return backward(ctx, args, LFI_SWIGLU, err);
}
