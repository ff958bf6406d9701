/*
 * batch_norm.c - statistics and normalisation of each channel
 *
 *     y = act((x - mean) * scale * inverse + shift + residual),  inverse = 1 / sqrt(var + eps)
 *     dx = scale * inverse * (g - sum(g) / n - xhat * sum(g * xhat) / n),  g = dy where y > 0
 *
 * Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1. Bound by memory: one pass for the sums
 * of a channel, one to write.
 */
#include "kernels/batch_norm.h"

#include <math.h>

/* ---- training ----------------------------------------------------------------------------------- */

/* Centers every channel at its first value, for the sums. */
static void center_at_first(struct lfi_batch_norm_job *job)
{
    const int64_t stride = job->interleaved ? 1 : job->norm->pixels;
    int64_t c;

    for (c = 0; c < job->norm->channels; c++)
        lfi_batch_norm_job_set(job, c, (double)job->norm->x[c * stride], 0.0, 0.0, 0.0);
}

/* From sums to mean and variance, in their place. */
static void finish_moments(struct lfi_batch_norm_job *job)
{
    const double n = (double)job->norm->batch * (double)job->norm->pixels;
    int64_t c;

    for (c = 0; c < job->norm->channels; c++) {
        double sum = job->sums[2 * c], squares = job->sums[2 * c + 1] - sum * sum / n;

        job->sums[2 * c] =
            (double)job->channel[LFI_BATCH_NORM_CENTER * job->norm->channels + c] +
            sum / n;
        job->sums[2 * c + 1] = squares < 0.0 ? 0.0 : squares / n;
    }
}

static void set_training_channels(struct lfi_batch_norm_job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double mean = job->sums[2 * c];
        double factor =
            (double)norm->scale[c] / sqrt(job->sums[2 * c + 1] + norm->epsilon);
        double below = mean - (double)(float)mean; /* what the center loses in f32 */

        lfi_batch_norm_job_set(job, c, mean, factor,
                               (double)norm->shift[c] - below * factor, 0.0);
    }
}

static void save_moments(const struct lfi_batch_norm_job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    const double n = (double)norm->batch * (double)norm->pixels, m = norm->momentum;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double mean = job->sums[2 * c], variance = job->sums[2 * c + 1];

        norm->saved_mean[c] = (float)mean;
        norm->saved_inverse[c] = (float)(1.0 / sqrt(variance + norm->epsilon));
        if (norm->running_mean == NULL)
            continue;
        norm->running_mean[c] =
            (float)((1.0 - m) * (double)norm->running_mean[c] + m * mean);
        norm->running_variance[c] =
            (float)((1.0 - m) * (double)norm->running_variance[c] +
                    m * variance * n / (n - 1.0));
    }
}

static lfuse_status apply(struct lfi_batch_norm_job *job, lfuse_error *err)
{
    job->loop = job->env->kernels->batch_norm_apply_f32;
    job->tile.residual = job->norm->residual;
    job->tile.out = job->norm->y;
    job->tile.relu = job->norm->relu;
    return lfi_batch_norm_job_write(job, err);
}

lfuse_status lfi_batch_norm_training(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct lfi_batch_norm_job job;
    lfuse_status status;

    status = lfi_batch_norm_job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    center_at_first(&job);
    job.loop = env->kernels->batch_norm_moments_f32;
    status = lfi_batch_norm_job_sum(&job, err);
    if (status != LFUSE_OK)
        goto done;
    finish_moments(&job);
    set_training_channels(&job);
    status = apply(&job, err);
    if (status == LFUSE_OK)
        save_moments(&job);
done:
    lfi_batch_norm_job_end(&job);
    return status;
}

lfuse_status lfi_batch_norm_inference(const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct lfi_batch_norm_job job;
    lfuse_status status;
    int64_t c;

    status = lfi_batch_norm_job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    for (c = 0; c < norm->channels; c++)
        lfi_batch_norm_job_set(
            &job, c, (double)norm->running_mean[c],
            (double)norm->scale[c] /
                sqrt((double)norm->running_variance[c] + norm->epsilon),
            (double)norm->shift[c], 0.0);
    status = apply(&job, err);
    lfi_batch_norm_job_end(&job);
    return status;
}

/* ---- backward ------------------------------------------------------------------------------------ */

static void set_gradient_channels(struct lfi_batch_norm_job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    const double n = (double)norm->batch * (double)norm->pixels;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double inverse = (double)norm->saved_inverse[c],
               factor = (double)norm->scale[c] * inverse;

        lfi_batch_norm_job_set(job, c, (double)norm->saved_mean[c], factor,
                               -factor * job->sums[2 * c] / n,
                               -factor * inverse * inverse * job->sums[2 * c + 1] / n);
    }
}

static void write_parameter_gradients(const struct lfi_batch_norm_job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double dshift = job->sums[2 * c],
               dscale = job->sums[2 * c + 1] * (double)norm->saved_inverse[c];

        norm->dshift[c] =
            (float)(norm->accumulate ? (double)norm->dshift[c] + dshift : dshift);
        norm->dscale[c] =
            (float)(norm->accumulate ? (double)norm->dscale[c] + dscale : dscale);
    }
}

lfuse_status lfi_batch_norm_backward(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct lfi_batch_norm_job job;
    lfuse_status status;
    int64_t c;

    status = lfi_batch_norm_job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    job.tile.dy = norm->dy;
    job.tile.mask = norm->mask;
    for (c = 0; c < norm->channels; c++)
        lfi_batch_norm_job_set(&job, c, (double)norm->saved_mean[c], 0.0, 0.0, 0.0);
    job.loop = env->kernels->batch_norm_gradient_sums_f32;
    status = lfi_batch_norm_job_sum(&job, err);
    if (status != LFUSE_OK)
        goto done;
    set_gradient_channels(&job);
    job.loop = env->kernels->batch_norm_gradient_f32;
    job.tile.out = norm->dx;
    job.tile.dresidual = norm->dresidual;
    status = lfi_batch_norm_job_write(&job, err);
    if (status == LFUSE_OK)
        write_parameter_gradients(&job);
done:
    lfi_batch_norm_job_end(&job);
    return status;
}
