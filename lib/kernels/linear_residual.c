/*
 * linear_residual.c - fully connected layer with shared weights and a low-rank residual
 *
 *     h = x b'    y = x w' + bias + h a'
 *     g = dy a    dx = dy w + g b    da = dy' h    db = g' x    dw = dy' x
 *
 * Products of linear.c; h and g, of `rank` columns, are what the scratch has besides theirs.
 */
#include "kernels/kernels.h"
#include "kernels/scratch.h"

struct job {
    const struct lfi_env *env;
    const struct lfi_linear_residual *residual;
    struct lfi_scratch scratch;
    struct lfi_linear whole; /* w */
    struct lfi_linear outer; /* a: its x is h */
    struct lfi_linear inner; /* b: its y is h */
    size_t hidden_at;
    size_t products_at;
};

/* The three layers as one after the other, without scratch. */
static lfuse_status plan(struct job *job, const struct lfi_env *env,
                         const struct lfi_linear_residual *r, lfuse_error *err)
{
    struct lfi_linear *const layers[] = {&job->whole, &job->outer, &job->inner};
    const struct lfi_linear *l = &r->linear;
    lfuse_status status = LFUSE_OK;
    size_t bytes, most = 0;
    int i;

    *job = (struct job){.env = env, .residual = r, .whole = *l};
    job->outer = (struct lfi_linear){.w = r->a,
                                     .dy = l->dy,
                                     .y = l->y,
                                     .dw = r->da,
                                     .batch = l->batch,
                                     .in_features = r->rank,
                                     .out_features = l->out_features};
    job->inner = (struct lfi_linear){.x = l->x,
                                     .w = r->b,
                                     .dx = l->dx,
                                     .dw = r->db,
                                     .batch = l->batch,
                                     .in_features = l->in_features,
                                     .out_features = r->rank};
    for (i = 0; i < 3 && status == LFUSE_OK; i++) {
        status = lfi_linear_workspace(env, layers[i], &bytes, err);
        most = status == LFUSE_OK && bytes > most ? bytes : most;
    }
    for (i = 0; i < 3; i++)
        layers[i]->workspace_bytes = most;
    if (status == LFUSE_OK &&
        (!lfi_scratch_add(&job->scratch, (size_t)l->batch,
                          (size_t)r->rank * sizeof(float), &job->hidden_at) ||
         !lfi_scratch_add(&job->scratch, 1, most, &job->products_at)))
        status = lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    return status;
}

lfuse_status lfi_linear_residual_workspace(const struct lfi_env *env,
                                           const struct lfi_linear_residual *residual,
                                           size_t *bytes, lfuse_error *err)
{
    struct job job;
    lfuse_status status = plan(&job, env, residual, err);

    if (status == LFUSE_OK)
        *bytes = job.scratch.bytes;
    return status;
}

/* h, or g, is what lies between outer and inner. */
static lfuse_status begin(struct job *job, const struct lfi_env *env,
                          const struct lfi_linear_residual *residual, lfuse_error *err)
{
    lfuse_status status = plan(job, env, residual, err);
    float *hidden;

    if (status == LFUSE_OK)
        status = lfi_scratch_begin(env, &job->scratch, residual->workspace,
                                   residual->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    hidden = (float *)(void *)(job->scratch.memory + job->hidden_at);
    job->whole.workspace = job->outer.workspace = job->inner.workspace =
        job->scratch.memory + job->products_at;
    job->outer.x = job->outer.dx = hidden;
    job->inner.y = hidden;
    job->inner.dy = hidden;
    return LFUSE_OK;
}

lfuse_status lfi_linear_residual_forward(const struct lfi_env *env,
                                         const struct lfi_linear_residual *residual,
                                         lfuse_error *err)
{
    struct job job;
    lfuse_status status = begin(&job, env, residual, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_linear_forward(env, &job.inner, err);
    if (status == LFUSE_OK)
        status = lfi_linear_forward(env, &job.whole, err);
    job.outer.accumulate = true;
    if (status == LFUSE_OK)
        status = lfi_linear_forward(env, &job.outer, err);
    lfi_scratch_end(env, &job.scratch);
    return status;
}

lfuse_status lfi_linear_residual_backward_data(const struct lfi_env *env,
                                               const struct lfi_linear_residual *residual,
                                               lfuse_error *err)
{
    struct job job;
    lfuse_status status = begin(&job, env, residual, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_linear_backward_data(env, &job.outer, err);
    if (status == LFUSE_OK)
        status = lfi_linear_backward_data(env, &job.whole, err);
    job.inner.accumulate = true;
    if (status == LFUSE_OK)
        status = lfi_linear_backward_data(env, &job.inner, err);
    lfi_scratch_end(env, &job.scratch);
    return status;
}

/* Bias and dw are the whole layer's. */
static lfuse_status whole_weights(struct job *job, lfuse_error *err)
{
    return job->whole.dw != NULL ? lfi_linear_backward_weights(job->env, &job->whole, err)
                                 : lfi_linear_backward_bias(job->env, &job->whole, err);
}

lfuse_status
lfi_linear_residual_backward_weights(const struct lfi_env *env,
                                     const struct lfi_linear_residual *residual,
                                     lfuse_error *err)
{
    struct job job;
    lfuse_status status = begin(&job, env, residual, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_linear_forward(env, &job.inner, err); /* h */
    job.outer.accumulate = job.inner.accumulate = residual->linear.accumulate;
    if (status == LFUSE_OK)
        status = lfi_linear_backward_weights(env, &job.outer, err);
    job.outer.accumulate = false;
    if (status == LFUSE_OK)
        status = lfi_linear_backward_data(env, &job.outer, err); /* g */
    if (status == LFUSE_OK)
        status = lfi_linear_backward_weights(env, &job.inner, err);
    if (status == LFUSE_OK)
        status = whole_weights(&job, err);
    lfi_scratch_end(env, &job.scratch);
    return status;
}
