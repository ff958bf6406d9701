/*
 * layer_norm.c - layer norm and RMS norm over the threads
 *
 * Rows are independent but for dgamma and dbeta. Their sums are taken in f32 over BLOCK_ROWS
 * rows and in f64 over a part, of which there are at most MOST_PARTS; the parts' sums are added in
 * their order.
 */
#include "kernels/kernels.h"
#include "kernels/scratch.h"

#include <string.h>

enum { TASK_ELEMENTS = 16384, BLOCK_ROWS = 32, MOST_PARTS = 64 };

struct job {
    const struct lfi_env *env;
    const struct lfi_layer_norm *norm;
    int64_t task_rows;
    bool gamma;         /* wanted */
    bool beta;          /* wanted */
    float *block;       /* (slots, 2, width): dgamma and dbeta */
    double *sums;       /* (parts, 2, width) */
    int64_t part_count; /* 0: neither is wanted */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Rows [first, first + rows) of all. */
static struct lfi_layer_norm_tile rows_of(const struct lfi_layer_norm *norm,
                                          int64_t first, int64_t rows)
{
    struct lfi_layer_norm_tile t = norm->tile;
    const int64_t at = first * t.width;

#define MOVE(FIELD, BY) t.FIELD = t.FIELD != NULL ? t.FIELD + (BY) : NULL
    MOVE(x, at);
    MOVE(residual, at);
    MOVE(dy, at);
    MOVE(dsum, at);
    MOVE(sum, at);
    MOVE(y, at);
    MOVE(dx, at);
    MOVE(mean, first);
    MOVE(inv_std, first);
#undef MOVE
    t.rows = rows;
    return t;
}

static int64_t task_rows(const struct lfi_layer_norm_tile *t)
{
    return t->width < TASK_ELEMENTS ? TASK_ELEMENTS / t->width : 1;
}

static void forward_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t first = index * job->task_rows;
    struct lfi_layer_norm_tile t =
        rows_of(job->norm, first, least(job->task_rows, job->norm->tile.rows - first));

    (void)slot;
    job->env->kernels->layer_norm_f32(&t);
}

lfuse_status lfi_layer_norm_forward(const struct lfi_env *env,
                                    const struct lfi_layer_norm *norm, lfuse_error *err)
{
    struct job job = {.env = env, .norm = norm, .task_rows = task_rows(&norm->tile)};

    return lfi_parallel_for(env, (norm->tile.rows - 1) / job.task_rows + 1, forward_task,
                            &job, err);
}

/* ---- backward ------------------------------------------------------------------------------ */

static void backward_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t first = index * job->task_rows;
    struct lfi_layer_norm_tile t =
        rows_of(job->norm, first, least(job->task_rows, job->norm->tile.rows - first));

    (void)slot;
    job->env->kernels->layer_norm_gradient_f32(&t);
}

/* The same, with the part's sums of dgamma and dbeta. */
static void part_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t width = job->norm->tile.width, first = index * job->task_rows,
                  end = least(first + job->task_rows, job->norm->tile.rows);
    float *block = job->block + slot * 2 * width;
    double *sums = job->sums + index * 2 * width;
    int64_t i;

    memset(sums, 0, (size_t)(2 * width) * sizeof(double));
    for (i = first; i < end; i += BLOCK_ROWS) {
        struct lfi_layer_norm_tile t = rows_of(job->norm, i, least(BLOCK_ROWS, end - i));

        memset(block, 0, (size_t)(2 * width) * sizeof(float));
        t.dgamma = job->gamma ? block : NULL;
        t.dbeta = job->beta ? block + width : NULL;
        job->env->kernels->layer_norm_gradient_f32(&t);
        job->env->kernels->add_to_f64(block, 2 * width, sums);
    }
}

/* The parts' sums of one of the two into its gradient; `at` is where they begin in a part's. */
static void add_parts(const struct job *job, int64_t at, float *out)
{
    const int64_t width = job->norm->tile.width;
    double *sums = job->sums + at;
    int64_t p, j;

    for (p = 1; p < job->part_count; p++)
        for (j = 0; j < width; j++)
            sums[j] += sums[p * 2 * width + j];
    for (j = 0; j < width; j++)
        out[j] = (float)(job->norm->accumulate ? (double)out[j] + sums[j] : sums[j]);
}

/* How the rows are cut, and where block and sums begin in the scratch. */
static bool cut(struct job *job, struct lfi_scratch *scratch, size_t at[2])
{
    const int64_t rows = job->norm->tile.rows;
    const size_t width = (size_t)job->norm->tile.width;

    job->task_rows = ((rows - 1) / (BLOCK_ROWS * MOST_PARTS) + 1) * BLOCK_ROWS;
    job->part_count = (rows - 1) / job->task_rows + 1;
    return lfi_scratch_add(scratch, (size_t)job->env->executor.concurrency * 2,
                           width * sizeof(float), &at[0]) &&
           lfi_scratch_add(scratch, (size_t)job->part_count * 2, width * sizeof(double),
                           &at[1]);
}

lfuse_status lfi_layer_norm_workspace(const struct lfi_env *env,
                                      const struct lfi_layer_norm *norm, size_t *bytes,
                                      lfuse_error *err)
{
    struct job job = {.env = env, .norm = norm};
    struct lfi_scratch scratch = {0};
    size_t at[2];

    if (!cut(&job, &scratch, at))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    *bytes = scratch.bytes;
    return LFUSE_OK;
}

static lfuse_status backward_with_parameters(struct job *job, lfuse_error *err)
{
    const struct lfi_layer_norm *norm = job->norm;
    struct lfi_scratch scratch = {0};
    lfuse_status status;
    size_t at[2];

    if (!cut(job, &scratch, at))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(job->env, &scratch, norm->workspace, norm->workspace_bytes,
                               err);
    if (status != LFUSE_OK)
        return status;
    job->block = (float *)(void *)(scratch.memory + at[0]);
    job->sums = (double *)(void *)(scratch.memory + at[1]);
    status = lfi_parallel_for(job->env, job->part_count, part_task, job, err);
    if (status == LFUSE_OK && job->gamma)
        add_parts(job, 0, norm->tile.dgamma);
    if (status == LFUSE_OK && job->beta)
        add_parts(job, norm->tile.width, norm->tile.dbeta);
    lfi_scratch_end(job->env, &scratch);
    return status;
}

lfuse_status lfi_layer_norm_backward(const struct lfi_env *env,
                                     const struct lfi_layer_norm *norm, lfuse_error *err)
{
    struct job job = {.env = env,
                      .norm = norm,
                      .task_rows = task_rows(&norm->tile),
                      .gamma = norm->tile.dgamma != NULL,
                      .beta = norm->tile.dbeta != NULL};

    if (job.gamma || job.beta)
        return backward_with_parameters(&job, err);
    return lfi_parallel_for(env, (norm->tile.rows - 1) / job.task_rows + 1, backward_task,
                            &job, err);
}
