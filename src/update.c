/* update.c - the shell of update.h */
#include "handles.h"

#include <float.h>

#include "kernels/kernels.h"

void lfuse_sgd_args_init(lfuse_sgd_args *args, size_t size)
{
    lfi_options_init(args, size);
}

void lfuse_adamw_args_init(lfuse_adamw_args *args, size_t size)
{
    lfi_options_init(args, size);
}

void lfuse_sgd_all_args_init(lfuse_sgd_all_args *args, size_t size)
{
    lfi_options_init(args, size);
}

void lfuse_adamw_all_args_init(lfuse_adamw_all_args *args, size_t size)
{
    lfi_options_init(args, size);
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* The kernels work in f32: what they get must be in range, too. */
static lfuse_status check_positive(double value, const char *name, lfuse_error *err)
{
    if (!(value >= 0.0 && value <= FLT_MAX))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %g, not in [0, %g]", name,
                        value, (double)FLT_MAX);
    return LFUSE_OK;
}

static lfuse_status check_weight(double value, const char *name, lfuse_error *err)
{
    if (!(value >= 0.0 && value < 1.0 && (float)value < 1.0f))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %.17g, not in [0, 1) as f32",
                        name, value);
    return LFUSE_OK;
}

static lfuse_status check_bits(uint32_t flags, uint32_t known, int32_t reserved,
                               lfuse_error *err)
{
    if (reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)reserved);
    if ((flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags is %#x, which is unknown",
                        (unsigned)flags);
    return LFUSE_OK;
}

static lfuse_status sgd_numbers(const lfuse_sgd_args *a, struct lfi_sgd *sgd,
                                lfuse_error *err)
{
    lfuse_status status = check_positive(a->learning_rate, "learning_rate", err);

    if (status == LFUSE_OK)
        status = check_weight(a->momentum, "momentum", err);
    if (status == LFUSE_OK)
        status = check_positive(a->weight_decay, "weight_decay", err);
    if (status == LFUSE_OK)
        status = check_bits(a->flags, LFUSE_SGD_NESTEROV, a->reserved, err);
    if (status == LFUSE_OK && (a->flags & LFUSE_SGD_NESTEROV) != 0 && a->momentum == 0.0)
        status =
            lfi_fail(err, LFUSE_ERR_ARGUMENT, "args asks for Nesterov without momentum");
    *sgd = (struct lfi_sgd){
        .scale = 1.0f,
        .learning_rate = (float)a->learning_rate,
        .momentum = (float)a->momentum,
        .weight_decay = (float)a->weight_decay,
        .nesterov = (a->flags & LFUSE_SGD_NESTEROV) != 0,
    };
    return status;
}

static lfuse_status check_adamw(lfuse_adamw_args *a, lfuse_error *err)
{
    lfuse_status status = check_positive(a->learning_rate, "learning_rate", err);

    a->beta1 = a->beta1 == 0.0 ? 0.9 : a->beta1;
    a->beta2 = a->beta2 == 0.0 ? 0.999 : a->beta2;
    a->epsilon = a->epsilon == 0.0 ? 1e-8 : a->epsilon;
    if (status == LFUSE_OK)
        status = check_weight(a->beta1, "beta1", err);
    if (status == LFUSE_OK)
        status = check_weight(a->beta2, "beta2", err);
    if (status == LFUSE_OK)
        status = check_positive(a->epsilon, "epsilon", err);
    if (status == LFUSE_OK && (float)a->epsilon == 0.0f)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT,
                          "args.epsilon is %g, which is 0 as f32", a->epsilon);
    if (status == LFUSE_OK)
        status = check_positive(a->weight_decay, "weight_decay", err);
    if (status == LFUSE_OK && a->step < 1)
        status =
            lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.step is %lld", (long long)a->step);
    if (status == LFUSE_OK)
        status = check_bits(a->flags, 0, a->reserved, err);
    return status;
}

static lfuse_status adamw_numbers(lfuse_adamw_args a, struct lfi_adamw *adamw,
                                  lfuse_error *err)
{
    lfuse_status status = check_adamw(&a, err);

    if (status == LFUSE_OK)
        *adamw = lfi_adamw_numbers(a.learning_rate, a.beta1, a.beta2, a.epsilon,
                                   a.weight_decay, a.step);
    return status;
}

/* ---- one parameter ----------------------------------------------------------------------- */

static lfuse_status check_one(const struct lfi_handles_field *fields, int count,
                              int64_t elements, lfuse_error *err)
{
    lfuse_status status = lfi_handles_given(fields, count, err);

    if (status == LFUSE_OK && elements < 1)
        status =
            lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.count is %lld", (long long)elements);
    return status;
}

lfuse_status lfuse_sgd(lfuse_context *ctx, const lfuse_sgd_args *args, lfuse_error *err)
{
    lfuse_sgd_args a = {0};
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    const struct lfi_handles_field given[] = {{"value", a.value},
                                              {"gradient", a.gradient}};
    const struct lfi_parameters one = {&a.value, &a.gradient, &a.velocity,
                                       NULL,     &a.count,    1};
    struct lfi_sgd sgd;

    if (status == LFUSE_OK)
        status = check_one(given, 2, a.count, err);
    if (status == LFUSE_OK && a.momentum > 0.0 && a.velocity == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT,
                          "args.velocity is NULL, and momentum is %g", a.momentum);
    if (status == LFUSE_OK)
        status = sgd_numbers(&a, &sgd, err);
    return status == LFUSE_OK ? lfi_sgd(&ctx->env, &one, &sgd, 0.0, NULL, err) : status;
}

lfuse_status lfuse_adamw(lfuse_context *ctx, const lfuse_adamw_args *args,
                         lfuse_error *err)
{
    lfuse_adamw_args a = {0};
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    const struct lfi_handles_field given[] = {{"value", a.value},
                                              {"gradient", a.gradient},
                                              {"first", a.first},
                                              {"second", a.second}};
    const struct lfi_parameters one = {&a.value,  &a.gradient, &a.first,
                                       &a.second, &a.count,    1};
    struct lfi_adamw adamw;

    if (status == LFUSE_OK)
        status = check_one(given, 4, a.count, err);
    if (status == LFUSE_OK)
        status = adamw_numbers(a, &adamw, err);
    return status == LFUSE_OK ? lfi_adamw(&ctx->env, &one, &adamw, 0.0, NULL, err)
                              : status;
}

/* ---- all parameters ---------------------------------------------------------------------- */

/* An array of the caller's, of one pointer per parameter. */
struct pointers {
    const char *name;
    const void *array;
};

static lfuse_status check_pointers(const struct pointers *p, int64_t parameters,
                                   lfuse_error *err)
{
    const float *const *array = p->array;
    int64_t i;

    if (array == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL", p->name);
    for (i = 0; i < parameters; i++)
        if (array[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s[%lld] is NULL", p->name,
                            (long long)i);
    return LFUSE_OK;
}

static lfuse_status check_counts(const char *name, const int64_t *counts,
                                 int64_t parameters, lfuse_error *err)
{
    int64_t total = 0, i;

    if (counts == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL", name);
    for (i = 0; i < parameters; i++) {
        if (counts[i] < 1)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s[%lld] is %lld", name,
                            (long long)i, (long long)counts[i]);
        if (counts[i] > INT64_MAX / (int64_t)sizeof(float) - total)
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%s do not add up in 64 bits", name);
        total += counts[i];
    }
    return LFUSE_OK;
}

static lfuse_status check_all(const struct pointers *pointers, int count,
                              const int64_t *counts, int64_t parameters, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int i;

    if (parameters < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.parameters is %lld",
                        (long long)parameters);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        status = check_pointers(&pointers[i], parameters, err);
    return status == LFUSE_OK ? check_counts("args.counts", counts, parameters, err)
                              : status;
}

lfuse_status lfuse_sgd_all(lfuse_context *ctx, const lfuse_sgd_all_args *args,
                           lfuse_error *err)
{
    lfuse_sgd_all_args a = {0};
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    const struct pointers given[] = {{"args.values", a.values},
                                     {"args.gradients", a.gradients},
                                     {"args.velocities", a.velocities}};
    const lfuse_sgd_args numbers = {
        .learning_rate = a.learning_rate,
        .momentum = a.momentum,
        .weight_decay = a.weight_decay,
        .flags = a.flags,
        .reserved = a.reserved,
    };
    const struct lfi_parameters all = {a.values, a.gradients, a.velocities,
                                       NULL,     a.counts,    a.parameters};
    struct lfi_sgd sgd;

    if (status == LFUSE_OK)
        status = check_all(given, a.velocities != NULL || a.momentum > 0.0 ? 3 : 2,
                           a.counts, a.parameters, err);
    if (status == LFUSE_OK)
        status = sgd_numbers(&numbers, &sgd, err);
    if (status == LFUSE_OK)
        status = check_positive(a.max_norm, "max_norm", err);
    return status == LFUSE_OK ? lfi_sgd(&ctx->env, &all, &sgd, a.max_norm, a.norm, err)
                              : status;
}

lfuse_status lfuse_adamw_all(lfuse_context *ctx, const lfuse_adamw_all_args *args,
                             lfuse_error *err)
{
    lfuse_adamw_all_args a = {0};
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    const struct pointers given[] = {{"args.values", a.values},
                                     {"args.gradients", a.gradients},
                                     {"args.firsts", a.firsts},
                                     {"args.seconds", a.seconds}};
    const lfuse_adamw_args numbers = {
        .step = a.step,
        .learning_rate = a.learning_rate,
        .beta1 = a.beta1,
        .beta2 = a.beta2,
        .epsilon = a.epsilon,
        .weight_decay = a.weight_decay,
        .flags = a.flags,
        .reserved = a.reserved,
    };
    const struct lfi_parameters all = {a.values,  a.gradients, a.firsts,
                                       a.seconds, a.counts,    a.parameters};
    struct lfi_adamw adamw;

    if (status == LFUSE_OK)
        status = check_all(given, 4, a.counts, a.parameters, err);
    if (status == LFUSE_OK)
        status = adamw_numbers(numbers, &adamw, err);
    if (status == LFUSE_OK)
        status = check_positive(a.max_norm, "max_norm", err);
    return status == LFUSE_OK
               ? lfi_adamw(&ctx->env, &all, &adamw, a.max_norm, a.norm, err)
               : status;
}

lfuse_status lfuse_gradient_norm(lfuse_context *ctx, const float *const *gradients,
                                 const int64_t *counts, int64_t parameters, double *norm,
                                 lfuse_error *err)
{
    const struct pointers given = {"gradients", gradients};
    const struct lfi_parameters all = {
        .gradients = gradients, .counts = counts, .count = parameters};
    lfuse_status status;

    if (ctx == NULL || norm == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "norm");
    if (parameters < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "parameters is %lld",
                        (long long)parameters);
    status = check_pointers(&given, parameters, err);
    if (status == LFUSE_OK)
        status = check_counts("counts", counts, parameters, err);
    return status == LFUSE_OK ? lfi_gradient_norm(&ctx->env, &all, norm, err) : status;
}
