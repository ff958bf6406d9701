/* cka.c - the shell of cka.h */
#include "handles.h"

enum { FURTHEST = 1100, LEAST_EXAMPLES = 4 };

void lfuse_cka_options_init(lfuse_cka_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status check_options(const lfuse_cka_options *o, int64_t count,
                                  lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < count && o->exponents != NULL; i++)
        if (o->exponents[i] < -FURTHEST || o->exponents[i] > FURTHEST)
            return lfi_fail(
                err, LFUSE_ERR_ARGUMENT, "options.exponents[%lld] is %d, not in [%d, %d]",
                (long long)i, (int)o->exponents[i], -(int)FURTHEST, (int)FURTHEST);
    return LFUSE_OK;
}

static lfuse_status create(lfuse_context *ctx, int64_t count, const lfuse_cka_options *o,
                           lfuse_cka **cka, lfuse_error *err)
{
    lfuse_cka *c;
    lfuse_status status =
        lfi_alloc_zero(&ctx->env, 1, sizeof(*c), "an accumulator", &c, err);

    if (status != LFUSE_OK)
        return status;
    c->ctx = ctx;
    status = lfi_cka_sums_create(&ctx->env, count, o->exponents, &c->sums, err);
    if (status == LFUSE_OK)
        *cka = c;
    else
        lfi_free(&ctx->env, c, 1, sizeof(*c));
    return status;
}

lfuse_status lfuse_cka_create(lfuse_context *ctx, int64_t count,
                              const lfuse_cka_options *options, lfuse_cka **cka,
                              lfuse_error *err)
{
    lfuse_cka_options o;
    lfuse_status status;

    if (cka == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "cka is NULL");
    *cka = NULL;
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    if (count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld", (long long)count);
    status = lfi_options_import(&o, sizeof(o), options, true, "options", err);
    if (status == LFUSE_OK)
        status = check_options(&o, count, err);
    if (status == LFUSE_OK)
        status = create(ctx, count, &o, cka, err);
    return status;
}

void lfuse_cka_destroy(lfuse_cka *cka)
{
    const struct lfi_env *env;

    if (cka == NULL)
        return;
    env = &cka->ctx->env;
    lfi_cka_sums_destroy(env, &cka->sums);
    lfi_free(env, cka, 1, sizeof(*cka));
}

/* ---- batches --------------------------------------------------------------------------- */

static lfuse_status check_outputs(const lfuse_tensor *const *activations, int64_t count,
                                  lfuse_error *err)
{
    const struct lfi_view *first, *view;
    int64_t i;

    for (i = 0; i < count; i++)
        if (activations[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "activations[%lld] is NULL",
                            (long long)i);
    first = &activations[0]->array.view;
    for (i = 0; i < count; i++) {
        view = &activations[i]->array.view;
        if (view->rank < 2)
            return lfi_fail(err, LFUSE_ERR_SHAPE, "activations[%lld] has rank %d",
                            (long long)i, (int)view->rank);
        if (view->dims[0] != first->dims[0])
            return lfi_fail(
                err, LFUSE_ERR_SHAPE,
                "activations[%lld] has %lld examples, activations[0] has %lld",
                (long long)i, (long long)view->dims[0], (long long)first->dims[0]);
    }
    if (first->dims[0] < LEAST_EXAMPLES)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "a batch needs %d examples; this one has %lld",
                        (int)LEAST_EXAMPLES, (long long)first->dims[0]);
    return LFUSE_OK;
}

lfuse_status lfuse_cka_accumulate(lfuse_cka *cka, const lfuse_tensor *const *activations,
                                  lfuse_error *err)
{
    struct lfi_view *views;
    lfuse_status status;
    int64_t count, i;

    if (cka == NULL || activations == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        cka == NULL ? "cka" : "activations");
    count = cka->sums.count;
    status = check_outputs(activations, count, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(&cka->ctx->env, (size_t)count, sizeof(*views),
                           "a list of outputs", &views, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < count; i++)
        views[i] = activations[i]->array.view;
    status = lfi_cka_sums_accumulate(&cka->ctx->env, &cka->sums, views, err);
    lfi_free(&cka->ctx->env, views, (size_t)count, sizeof(*views));
    return status;
}

lfuse_status lfuse_cka_merge(lfuse_cka *into, const lfuse_cka *from, lfuse_error *err)
{
    int64_t i;

    if (into == NULL || from == NULL || into == from)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s",
                        into == NULL   ? "into is NULL"
                        : from == NULL ? "from is NULL"
                                       : "from is into");
    if (into->sums.count != from->sums.count)
        return lfi_fail(err, LFUSE_ERR_SHAPE, "into has %lld layers, from has %lld",
                        (long long)into->sums.count, (long long)from->sums.count);
    for (i = 0; i < into->sums.count; i++)
        if (into->sums.exponents[i] != from->sums.exponents[i])
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "the exponent of layer %lld is %d in into, %d in from",
                            (long long)i, (int)into->sums.exponents[i],
                            (int)from->sums.exponents[i]);
    return lfi_cka_sums_add(&into->sums, from->sums.sums, from->sums.batches, err);
}

lfuse_status lfuse_cka_result(const lfuse_cka *cka, double *out, lfuse_error *err)
{
    if (cka == NULL || out == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        cka == NULL ? "cka" : "out");
    return lfi_cka_sums_result(&cka->sums, out, err);
}

/* ---- sums ------------------------------------------------------------------------------ */

int64_t lfuse_cka_count(const lfuse_cka *cka)
{
    return cka == NULL ? 0 : cka->sums.count;
}

int64_t lfuse_cka_batches(const lfuse_cka *cka)
{
    return cka == NULL ? 0 : cka->sums.batches;
}

const double *lfuse_cka_sums(const lfuse_cka *cka)
{
    return cka == NULL ? NULL : cka->sums.sums;
}

lfuse_status lfuse_cka_add_sums(lfuse_cka *cka, const double *sums, int64_t batches,
                                lfuse_error *err)
{
    int64_t i;

    if (cka == NULL || sums == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        cka == NULL ? "cka" : "sums");
    if (batches < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "batches is %lld", (long long)batches);
    for (i = 0; i < cka->sums.count; i++)
        if (sums[i * (i + 3) / 2] < 0.0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "the sum of layer %lld with itself is %g", (long long)i,
                            sums[i * (i + 3) / 2]);
    return lfi_cka_sums_add(&cka->sums, sums, batches, err);
}
