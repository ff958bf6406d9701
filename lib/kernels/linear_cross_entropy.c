/*
 * linear_cross_entropy.c - the last product of a network and its loss
 *
 *     logits = x w'      d logits = (softmax(logits) - [label]) / counted
 *     dx = d logits w    dw = d logits' x
 *
 * In chunks of rows: the larger they are, the more seldom w and dw are read and written, which
 * with a vocabulary of tens of thousands is what they cost. Logits become their gradients in place.
 */
#include "kernels/kernels.h"
#include "kernels/scratch.h"

#include <string.h>

enum { MOST_LOGITS = 12 << 20, LEAST_ROWS = 64 };

struct job {
    const struct lfi_env *env;
    const struct lfi_linear_loss *args;
    struct lfi_linear linear;    /* of a chunk */
    int64_t chunk_rows;          /* of each chunk but the last */
    float *logits;               /* (chunk_rows, vocabulary) */
    struct lfi_row_loss *losses; /* (chunk_rows) */
    int64_t first;               /* row of the chunk */
};

/* Chunks of equal size, a multiple of 4 rows. */
static int64_t rows_of_chunk(const struct lfi_linear_loss *args)
{
    int64_t most = MOST_LOGITS / args->vocabulary, chunks;

    most = most < LEAST_ROWS ? LEAST_ROWS : most;
    chunks = (args->rows - 1) / most + 1;
    return ((args->rows - 1) / chunks / 4 + 1) * 4;
}

static struct lfi_linear linear_of(const struct lfi_linear_loss *args, int64_t rows)
{
    return (struct lfi_linear){.w = args->w,
                               .dw = args->dw,
                               .batch = rows,
                               .in_features = args->width,
                               .out_features = args->vocabulary};
}

/* Of the products of a chunk, whichever of the two sizes needs more: fewer rows leave room for more
 * of the weights to be packed at a time. */
static lfuse_status workspace_of(const struct job *job, size_t *bytes, lfuse_error *err)
{
    const struct lfi_linear_loss *args = job->args;
    const int64_t sizes[2] = {
        args->rows < job->chunk_rows ? args->rows : job->chunk_rows,
        (args->rows - 1) % job->chunk_rows + 1,
    };
    lfuse_status status = LFUSE_OK;
    size_t each;
    int i;

    *bytes = 0;
    for (i = 0; i < 2 && status == LFUSE_OK; i++) {
        const struct lfi_linear linear = linear_of(args, sizes[i]);

        status = lfi_linear_workspace(job->env, &linear, &each, err);
        if (status == LFUSE_OK && each > *bytes)
            *bytes = each;
    }
    return status;
}

/* Where the logits, the losses and the products' workspace begin in the scratch. */
static lfuse_status lay_out(struct job *job, struct lfi_scratch *scratch, size_t at[3],
                            lfuse_error *err)
{
    const struct lfi_linear_loss *args = job->args;
    const size_t rows = (size_t)(job->chunk_rows = rows_of_chunk(args));
    lfuse_status status;

    job->linear = linear_of(args, job->chunk_rows);
    status = workspace_of(job, &job->linear.workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    if (!lfi_scratch_add(scratch, rows, (size_t)args->vocabulary * sizeof(float),
                         &at[0]) ||
        !lfi_scratch_add(scratch, rows, sizeof(struct lfi_row_loss), &at[1]) ||
        !lfi_scratch_add(scratch, 1, job->linear.workspace_bytes, &at[2]))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    return LFUSE_OK;
}

lfuse_status lfi_linear_cross_entropy_workspace(const struct lfi_env *env,
                                                const struct lfi_linear_loss *args,
                                                size_t *bytes, lfuse_error *err)
{
    struct job job = {.env = env, .args = args};
    struct lfi_scratch scratch = {0};
    size_t at[3];
    lfuse_status status = lay_out(&job, &scratch, at, err);

    if (status == LFUSE_OK)
        *bytes = scratch.bytes;
    return status;
}

static void row_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_linear_loss *a = job->args;
    const int32_t label = a->labels[job->first + index];
    const bool gradient = a->dx != NULL || a->dw != NULL;
    float *logits = job->logits + index * a->vocabulary;

    (void)slot;
    if (label >= 0) {
        job->losses[index] = job->env->kernels->softmax_f32(logits, a->vocabulary, label,
                                                            1.0 / (double)a->counted,
                                                            gradient ? logits : NULL);
        return;
    }
    job->losses[index] = (struct lfi_row_loss){0};
    if (gradient)
        memset(logits, 0, (size_t)a->vocabulary * sizeof(float));
}

/* The chunk's losses are added to *loss and *correct. */
static lfuse_status run_chunk(struct job *job, double *loss, int64_t *correct,
                              lfuse_error *err)
{
    const struct lfi_linear_loss *a = job->args;
    struct lfi_linear *l = &job->linear;
    lfuse_status status;
    int64_t i;

    if (l->batch > a->rows - job->first)
        l->batch = a->rows - job->first;
    l->x = a->x + job->first * a->width;
    l->dx = a->dx != NULL ? a->dx + job->first * a->width : NULL;
    l->y = job->logits;
    l->dy = job->logits;
    l->accumulate = false;
    status = lfi_linear_forward(job->env, l, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(job->env, l->batch, row_task, job, err);
    for (i = 0; i < l->batch && status == LFUSE_OK; i++) {
        *loss += job->losses[i].loss;
        *correct += job->losses[i].correct;
    }
    l->accumulate = a->accumulate || job->first > 0;
    if (status == LFUSE_OK && a->dw != NULL)
        status = lfi_linear_backward_weights(job->env, l, err);
    l->accumulate = false;
    if (status == LFUSE_OK && a->dx != NULL) /* last: dx may be x */
        status = lfi_linear_backward_data(job->env, l, err);
    return status;
}

lfuse_status lfi_linear_cross_entropy(const struct lfi_env *env,
                                      const struct lfi_linear_loss *args, double *loss,
                                      int64_t *correct, lfuse_error *err)
{
    struct job job = {.env = env, .args = args};
    struct lfi_scratch scratch = {0};
    lfuse_status status;
    int64_t right = 0;
    double total = 0.0;
    size_t at[3];

    status = lay_out(&job, &scratch, at, err);
    if (status == LFUSE_OK)
        status =
            lfi_scratch_begin(env, &scratch, args->workspace, args->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    job.logits = (float *)(void *)(scratch.memory + at[0]);
    job.losses = (struct lfi_row_loss *)(void *)(scratch.memory + at[1]);
    job.linear.workspace = scratch.memory + at[2];
    for (; job.first < args->rows && status == LFUSE_OK; job.first += job.chunk_rows)
        status = run_chunk(&job, &total, &right, err);
    lfi_scratch_end(env, &scratch);
    if (status != LFUSE_OK)
        return status;
    *loss = total / (double)args->counted;
    if (correct != NULL)
        *correct = right;
    return LFUSE_OK;
}
