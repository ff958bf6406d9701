/* loss.c - the shell of loss.h */
#include "handles.h"

#include <float.h>

#include "kernels/kernels.h"

void lfuse_cross_entropy_args_init(lfuse_cross_entropy_args *args, size_t size)
{
    lfi_options_init(args, size);
}

void lfuse_distillation_args_init(lfuse_distillation_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check(const struct lfi_loss *a, const double *loss, lfuse_error *err)
{
    int64_t elements, bytes, i;

    if (a->logits == NULL || a->labels == NULL || loss == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is NULL",
                        a->logits == NULL   ? "logits"
                        : a->labels == NULL ? "labels"
                                            : "loss");
    if (a->batch < 1 || a->classes < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld",
                        a->batch < 1 ? "batch" : "classes",
                        (long long)(a->batch < 1 ? a->batch : a->classes));
    if (!lfi_mul_int64(a->batch, a->classes, &elements) ||
        !lfi_mul_int64(elements, (int64_t)sizeof(float), &bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld rows of %lld logits do not fit",
                        (long long)a->batch, (long long)a->classes);
    for (i = 0; i < a->batch; i++)
        if (a->labels[i] < 0 || a->labels[i] >= a->classes)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "args.labels[%lld] is %d, not in [0, %lld)", (long long)i,
                            (int)a->labels[i], (long long)a->classes);
    return LFUSE_OK;
}

lfuse_status lfuse_softmax_cross_entropy(lfuse_context *ctx,
                                         const lfuse_cross_entropy_args *args,
                                         lfuse_error *err)
{
    lfuse_cross_entropy_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    struct lfi_loss loss;

    if (status != LFUSE_OK)
        return status;
    loss = (struct lfi_loss){.logits = a.logits,
                             .labels = a.labels,
                             .dlogits = a.dlogits,
                             .batch = a.batch,
                             .classes = a.classes};
    status = check(&loss, a.loss, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_softmax_loss(&ctx->env, &loss, a.loss, a.correct, err);
}

/* Comparisons are false for NaN. */
static lfuse_status check_numbers(const struct lfi_loss *a, lfuse_error *err)
{
    if (!(a->temperature > 0.0 && a->temperature <= DBL_MAX))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.temperature is %g, not a positive number", a->temperature);
    if (!(a->weight <= 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.weight is %g, not in (0, 1]",
                        a->weight);
    if (!(a->smoothing >= 0.0 && a->smoothing < 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.smoothing is %g, not in [0, 1)",
                        a->smoothing);
    if (a->weight > 0.0 && a->teacher == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.teacher is NULL");
    return LFUSE_OK;
}

lfuse_status lfuse_softmax_distillation(lfuse_context *ctx,
                                        const lfuse_distillation_args *args,
                                        lfuse_error *err)
{
    lfuse_distillation_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    struct lfi_loss loss;

    if (status != LFUSE_OK)
        return status;
    loss = (struct lfi_loss){.logits = a.logits,
                             .teacher = a.teacher,
                             .labels = a.labels,
                             .dlogits = a.dlogits,
                             .batch = a.batch,
                             .classes = a.classes,
                             .temperature = a.temperature == 0.0 ? 4.0 : a.temperature,
                             .weight = a.weight == 0.0  ? 0.9
                                       : a.weight < 0.0 ? 0.0
                                                        : a.weight,
                             .smoothing = a.smoothing};
    status = check_numbers(&loss, err);
    if (status == LFUSE_OK)
        status = check(&loss, a.loss, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_softmax_loss(&ctx->env, &loss, a.loss, a.correct, err);
}
