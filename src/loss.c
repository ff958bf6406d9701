/* loss.c - the shell of loss.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_cross_entropy_args_init(lfuse_cross_entropy_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check(const lfuse_cross_entropy_args *a, lfuse_error *err)
{
    int64_t elements, bytes, i;

    if (a->logits == NULL || a->labels == NULL || a->loss == NULL)
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

    if (status == LFUSE_OK)
        status = check(&a, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_softmax_cross_entropy(&ctx->env, a.logits, a.labels, a.batch, a.classes,
                                     a.dlogits, a.loss, a.correct, err);
}
