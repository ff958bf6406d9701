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

/* ---- with the product before it -------------------------------------------------------------- */

void lfuse_linear_cross_entropy_args_init(lfuse_linear_cross_entropy_args *args,
                                          size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_matrix(const char *what, int64_t rows, int64_t columns,
                                 lfuse_error *err)
{
    int64_t bytes;

    if (lfi_mul_int64(rows, columns, &bytes) &&
        lfi_mul_int64(bytes, (int64_t)sizeof(float), &bytes))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s of %lld * %lld elements does not fit",
                    what, (long long)rows, (long long)columns);
}

static lfuse_status check_linear(const lfuse_linear_cross_entropy_args *a,
                                 lfuse_error *err)
{
    lfuse_status status;

    if (a->rows < 1 || a->width < 1 || a->vocabulary < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is less than 1",
                        a->rows < 1    ? "rows"
                        : a->width < 1 ? "width"
                                       : "vocabulary");
    if ((a->flags & ~(uint32_t)LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    status = check_matrix("x", a->rows, a->width, err);
    return status == LFUSE_OK ? check_matrix("w", a->vocabulary, a->width, err) : status;
}

static lfuse_status import_linear(const lfuse_context *ctx,
                                  const lfuse_linear_cross_entropy_args *args,
                                  lfuse_linear_cross_entropy_args *a,
                                  struct lfi_linear_loss *loss, lfuse_error *err)
{
    lfuse_status status = lfi_handles_args(ctx, args, a, sizeof(*a), err);

    if (status != LFUSE_OK)
        return status;
    *loss = (struct lfi_linear_loss){
        .x = a->x,
        .w = a->w,
        .labels = a->labels,
        .dx = a->dx,
        .dw = a->dw,
        .workspace = a->workspace,
        .workspace_bytes = a->workspace_bytes,
        .rows = a->rows,
        .width = a->width,
        .vocabulary = a->vocabulary,
        .accumulate = (a->flags & LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE) != 0};
    return check_linear(a, err);
}

/* How many rows count. */
static lfuse_status check_labels(struct lfi_linear_loss *a, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < a->rows; i++) {
        if (a->labels[i] < -1 || a->labels[i] >= a->vocabulary)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "args.labels[%lld] is %d, not in [-1, %lld)", (long long)i,
                            (int)a->labels[i], (long long)a->vocabulary);
        a->counted += a->labels[i] >= 0;
    }
    return a->counted > 0 ? LFUSE_OK
                          : lfi_fail(err, LFUSE_ERR_DEGENERATE,
                                     "none of %lld labels counts", (long long)a->rows);
}

lfuse_status lfuse_linear_cross_entropy(lfuse_context *ctx,
                                        const lfuse_linear_cross_entropy_args *args,
                                        lfuse_error *err)
{
    lfuse_linear_cross_entropy_args a;
    struct lfi_linear_loss loss;
    lfuse_status status = import_linear(ctx, args, &a, &loss, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"x", a.x}, {"w", a.w}, {"labels", a.labels}, {"loss", a.loss}};

        status = lfi_handles_given(given, 4, err);
    }
    if (status == LFUSE_OK)
        status = check_labels(&loss, err);
    if (status == LFUSE_OK)
        status = lfi_linear_cross_entropy(&ctx->env, &loss, a.loss, a.correct, err);
    if (status == LFUSE_OK && a.counted != NULL)
        *a.counted = loss.counted;
    return status;
}

lfuse_status
lfuse_linear_cross_entropy_workspace(lfuse_context *ctx,
                                     const lfuse_linear_cross_entropy_args *args,
                                     size_t *bytes, lfuse_error *err)
{
    lfuse_linear_cross_entropy_args a;
    struct lfi_linear_loss loss;
    lfuse_status status = import_linear(ctx, args, &a, &loss, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK
               ? lfi_linear_cross_entropy_workspace(&ctx->env, &loss, bytes, err)
               : status;
}
