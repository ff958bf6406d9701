/* outputs.c - the shell of outputs.h */
#include "handles.h"

lfuse_status lfuse_outputs_create(lfuse_context *ctx, int64_t channels,
                                  lfuse_outputs **outputs, lfuse_error *err)
{
    lfuse_outputs *o;
    lfuse_status status;

    if (outputs == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "outputs is NULL");
    *outputs = NULL;
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    if (channels < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "channels is %lld", (long long)channels);
    status = lfi_alloc_zero(&ctx->env, 1, sizeof(*o), "an accumulator", &o, err);
    if (status != LFUSE_OK)
        return status;
    o->ctx = ctx;
    status = lfi_outputs_create(&ctx->env, channels, &o->outputs, err);
    if (status == LFUSE_OK)
        *outputs = o;
    else
        lfi_free(&ctx->env, o, 1, sizeof(*o));
    return status;
}

void lfuse_outputs_destroy(lfuse_outputs *outputs)
{
    const struct lfi_env *env;

    if (outputs == NULL)
        return;
    env = &outputs->ctx->env;
    lfi_outputs_destroy(env, &outputs->outputs);
    lfi_free(env, outputs, 1, sizeof(*outputs));
}

/* ---- samples --------------------------------------------------------------------------- */

lfuse_status lfuse_outputs_accumulate(lfuse_outputs *outputs, const lfuse_tensor *batch,
                                      int32_t axis, lfuse_error *err)
{
    const struct lfi_view *view;

    if (outputs == NULL || batch == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        outputs == NULL ? "outputs" : "batch");
    view = &batch->array.view;
    if (axis < 0 || axis >= view->rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "axis is %d, batch has rank %d",
                        (int)axis, (int)view->rank);
    if (view->dims[axis] != outputs->outputs.channels)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "batch has %lld channels along axis %d, outputs has %lld",
                        (long long)view->dims[axis], (int)axis,
                        (long long)outputs->outputs.channels);
    return lfi_outputs_accumulate(&outputs->ctx->env, &outputs->outputs, view, axis, err);
}

static lfuse_status check_channels(const lfuse_outputs *a, const char *a_name,
                                   const lfuse_outputs *b, const char *b_name,
                                   lfuse_error *err)
{
    if (a->outputs.channels == b->outputs.channels)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_SHAPE, "%s has %lld channels, %s has %lld", a_name,
                    (long long)a->outputs.channels, b_name,
                    (long long)b->outputs.channels);
}

lfuse_status lfuse_outputs_merge(lfuse_outputs *into, const lfuse_outputs *from,
                                 lfuse_error *err)
{
    lfuse_status status;

    if (into == NULL || from == NULL || into == from)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s",
                        into == NULL   ? "into is NULL"
                        : from == NULL ? "from is NULL"
                                       : "from is into");
    status = check_channels(into, "into", from, "from", err);
    if (status != LFUSE_OK)
        return status;
    return lfi_outputs_add(&into->outputs, &from->outputs, err);
}

int64_t lfuse_outputs_samples(const lfuse_outputs *outputs)
{
    return outputs == NULL ? 0 : outputs->outputs.samples;
}

const double *lfuse_outputs_means(const lfuse_outputs *outputs)
{
    return outputs == NULL ? NULL : outputs->outputs.means;
}

const double *lfuse_outputs_squares(const lfuse_outputs *outputs)
{
    return outputs == NULL ? NULL : outputs->outputs.squares;
}

static lfuse_status check_squares(const double *squares, int64_t channels,
                                  lfuse_error *err)
{
    int64_t c;

    for (c = 0; c < channels; c++)
        if (squares[c] < 0.0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "squares[%lld] is %g", (long long)c,
                            squares[c]);
    return LFUSE_OK;
}

lfuse_status lfuse_outputs_add(lfuse_outputs *outputs, int64_t samples,
                               const double *means, const double *squares,
                               lfuse_error *err)
{
    struct lfi_outputs more;
    lfuse_status status;

    if (outputs == NULL || means == NULL || squares == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        outputs == NULL ? "outputs"
                        : means == NULL ? "means"
                                        : "squares");
    if (samples < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "samples is %lld", (long long)samples);
    status = check_squares(squares, outputs->outputs.channels, err);
    if (status != LFUSE_OK)
        return status;
    more = (struct lfi_outputs){outputs->outputs.channels, samples, (double *)means,
                                (double *)squares};
    return lfi_outputs_add(&outputs->outputs, &more, err);
}

/* ---- matching -------------------------------------------------------------------------- */

lfuse_status lfuse_outputs_match(const lfuse_outputs *fused,
                                 const lfuse_outputs *original, double *scale,
                                 double *shift, int64_t *constant, lfuse_error *err)
{
    lfuse_status status;

    if (fused == NULL || original == NULL || scale == NULL || shift == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        fused == NULL      ? "fused"
                        : original == NULL ? "original"
                        : scale == NULL    ? "scale"
                                           : "shift");
    status = check_channels(fused, "fused", original, "original", err);
    if (status != LFUSE_OK)
        return status;
    if (fused->outputs.samples == 0 || original->outputs.samples == 0)
        return lfi_fail(err, LFUSE_ERR_STATE, "%s has no samples yet",
                        fused->outputs.samples == 0 ? "fused" : "original");
    return lfi_outputs_match(&fused->outputs, &original->outputs, scale, shift, constant,
                             err);
}
