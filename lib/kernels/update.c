/*
 * update.c - SGD, AdamW and the norm of gradients, over all parameters and the threads
 *
 * The parameters count as one long vector, cut into chunks whatever its pieces are, so that a
 * network of many small tensors costs one parallel loop. A chunk finds its first parameter by
 * walking the counts: there are some hundreds, and a chunk moves some hundred kilobytes.
 */
#include "kernels/kernels.h"

#include <math.h>

enum { CHUNK = 65536, PARTS = 256 };

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_parameters *parameters;
    const void *numbers; /* struct lfi_sgd or lfi_adamw */
    void (*piece)(struct job *job, int64_t parameter, int64_t first, int64_t count,
                  int64_t task);
    int64_t elements; /* of all parameters */
    int64_t length;   /* of a task */
    double squares[PARTS];
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The parts of parameters that a task's elements are. */
static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct job *job = arg;
    const int64_t *counts = job->parameters->counts;
    int64_t first = index * job->length, left, i;

    (void)slot;
    left = least(job->length, job->elements - first);
    for (i = 0; first >= counts[i]; i++)
        first -= counts[i];
    for (; left > 0; i++, first = 0) {
        int64_t count = least(left, counts[i] - first);

        job->piece(job, i, first, count, index);
        left -= count;
    }
}

static lfuse_status run(const struct lfi_env *env, struct job *job, int64_t most_tasks,
                        lfuse_error *err)
{
    int64_t i;

    job->kernels = env->kernels;
    for (i = 0; i < job->parameters->count; i++)
        job->elements += job->parameters->counts[i];
    job->length = (job->elements - 1) / most_tasks + 1;
    if (job->length < CHUNK)
        job->length = CHUNK;
    if (job->elements <= job->length) {
        run_task(job, 0, 0);
        return LFUSE_OK;
    }
    return lfi_parallel_for(env, (job->elements - 1) / job->length + 1, run_task, job,
                            err);
}

/* ---- the norm ---------------------------------------------------------------------------- */

static void norm_piece(struct job *job, int64_t parameter, int64_t first, int64_t count,
                       int64_t task)
{
    job->squares[task] += job->kernels->sum_squares_f32(
        job->parameters->gradients[parameter] + first, count);
}

lfuse_status lfi_gradient_norm(const struct lfi_env *env,
                               const struct lfi_parameters *parameters, double *norm,
                               lfuse_error *err)
{
    struct job job = {.parameters = parameters, .piece = norm_piece};
    lfuse_status status = run(env, &job, PARTS, err);
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < PARTS; i++)
        sum += job.squares[i];
    if (status == LFUSE_OK)
        *norm = sqrt(sum);
    return status;
}

/* What the gradients are to be multiplied with; their norm, where somebody asks. */
static lfuse_status measure(const struct lfi_env *env,
                            const struct lfi_parameters *parameters, double max_norm,
                            bool wanted, double *norm, float *scale, lfuse_error *err)
{
    lfuse_status status;

    *scale = 1.0f;
    if (max_norm == 0.0 && !wanted)
        return LFUSE_OK;
    status = lfi_gradient_norm(env, parameters, norm, err);
    if (status != LFUSE_OK || max_norm == 0.0)
        return status;
    if (!isfinite(*norm))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE, "the gradients' norm is %g", *norm);
    if (max_norm < *norm + 1e-6)
        *scale = (float)(max_norm / (*norm + 1e-6));
    return LFUSE_OK;
}

/* ---- updates ----------------------------------------------------------------------------- */

/* The job, with gradients scaled by what max_norm leaves of them: scale is among its numbers. */
static lfuse_status update(const struct lfi_env *env, struct job *job, double max_norm,
                           double *norm, float *scale, lfuse_error *err)
{
    double measured = 0.0;
    lfuse_status status =
        measure(env, job->parameters, max_norm, norm != NULL, &measured, scale, err);

    if (status == LFUSE_OK)
        status = run(env, job, INT64_MAX, err);
    if (status == LFUSE_OK && norm != NULL)
        *norm = measured;
    return status;
}

static void sgd_piece(struct job *job, int64_t parameter, int64_t first, int64_t count,
                      int64_t task)
{
    const struct lfi_parameters *p = job->parameters;
    float *velocity = p->first != NULL ? p->first[parameter] : NULL;

    (void)task;
    job->kernels->sgd_f32(job->numbers, p->values[parameter] + first,
                          p->gradients[parameter] + first,
                          velocity != NULL ? velocity + first : NULL, count);
}

lfuse_status lfi_sgd(const struct lfi_env *env, const struct lfi_parameters *parameters,
                     const struct lfi_sgd *sgd, double max_norm, double *norm,
                     lfuse_error *err)
{
    struct lfi_sgd numbers = *sgd;
    struct job job = {.parameters = parameters, .numbers = &numbers, .piece = sgd_piece};

    return update(env, &job, max_norm, norm, &numbers.scale, err);
}

struct lfi_adamw lfi_adamw_numbers(double learning_rate, double beta1, double beta2,
                                   double epsilon, double weight_decay, int64_t step)
{
    struct lfi_adamw numbers = {
        .scale = 1.0f,
        .keep = (float)(1.0 - learning_rate * weight_decay),
        .beta1 = (float)beta1,
        .beta2 = (float)beta2,
        .take1 = (float)(1.0 - beta1),
        .take2 = (float)(1.0 - beta2),
        .rate = (float)(learning_rate / (1.0 - pow(beta1, (double)step))),
        .correction = (float)(1.0 / sqrt(1.0 - pow(beta2, (double)step))),
        .epsilon = (float)epsilon,
    };

    return numbers;
}

static void adamw_piece(struct job *job, int64_t parameter, int64_t first, int64_t count,
                        int64_t task)
{
    const struct lfi_parameters *p = job->parameters;

    (void)task;
    job->kernels->adamw_f32(job->numbers, p->values[parameter] + first,
                            p->gradients[parameter] + first, p->first[parameter] + first,
                            p->second[parameter] + first, count);
}

lfuse_status lfi_adamw(const struct lfi_env *env, const struct lfi_parameters *parameters,
                       const struct lfi_adamw *adamw, double max_norm, double *norm,
                       lfuse_error *err)
{
    struct lfi_adamw numbers = *adamw;
    struct job job = {
        .parameters = parameters, .numbers = &numbers, .piece = adamw_piece};

    return update(env, &job, max_norm, norm, &numbers.scale, err);
}
