/* update.c - the shell of update.h */
#include "handles.h"

#include <float.h>

#include "kernels/kernels.h"

void lfuse_sgd_args_init(lfuse_sgd_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_numbers(const lfuse_sgd_args *a, lfuse_error *err)
{
    /* The kernel works in f32: what it gets must be in range, too. */
    if (!(a->learning_rate >= 0.0 && a->learning_rate <= FLT_MAX))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.learning_rate is %g, not in [0, %g]", a->learning_rate,
                        (double)FLT_MAX);
    if (!(a->momentum >= 0.0 && a->momentum < 1.0 && (float)a->momentum < 1.0f))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.momentum is %.17g, not in [0, 1) as f32", a->momentum);
    if (!(a->weight_decay >= 0.0 && a->weight_decay <= FLT_MAX))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.weight_decay is %g, not in [0, %g]", a->weight_decay,
                        (double)FLT_MAX);
    if ((a->flags & ~(uint32_t)LFUSE_SGD_NESTEROV) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags is %#x, which is unknown",
                        (unsigned)a->flags);
    if ((a->flags & LFUSE_SGD_NESTEROV) != 0 && a->momentum == 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args asks for Nesterov without momentum");
    return LFUSE_OK;
}

static lfuse_status check(const lfuse_sgd_args *a, lfuse_error *err)
{
    if (a->value == NULL || a->gradient == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is NULL",
                        a->value == NULL ? "value" : "gradient");
    if (a->count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.count is %lld",
                        (long long)a->count);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    if (a->momentum > 0.0 && a->velocity == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.velocity is NULL, and momentum is %g", a->momentum);
    return check_numbers(a, err);
}

lfuse_status lfuse_sgd(lfuse_context *ctx, const lfuse_sgd_args *args, lfuse_error *err)
{
    struct lfi_sgd sgd;
    lfuse_sgd_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check(&a, err);
    if (status != LFUSE_OK)
        return status;
    sgd = (struct lfi_sgd){
        .value = a.value,
        .gradient = a.gradient,
        .velocity = a.velocity,
        .count = a.count,
        .learning_rate = (float)a.learning_rate,
        .momentum = (float)a.momentum,
        .weight_decay = (float)a.weight_decay,
        .nesterov = (a.flags & LFUSE_SGD_NESTEROV) != 0,
    };
    return lfi_sgd(&ctx->env, &sgd, err);
}
