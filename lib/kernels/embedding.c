/*
 * embedding.c - rows of a table, and learned positions
 *
 * Backward has several rows for one of the table's. It is cut by columns: a task adds its columns
 * of all rows, in their order, so that no two write to the same place and bits do not depend
 * on the threads.
 */
#include "kernels/kernels.h"

#include <string.h>

enum { TASK_ELEMENTS = 16384, TASK_COLUMNS = 64 };

struct job {
    const struct lfi_env *env;
    const struct lfi_embedding *embedding;
    int64_t task_rows;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t position(const struct lfi_embedding *e, int64_t row)
{
    return e->first_position + row % e->tokens;
}

static void forward_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_embedding *e = job->embedding;
    const int64_t first = index * job->task_rows,
                  end = least(first + job->task_rows, e->rows);
    int64_t i;

    (void)slot;
    for (i = first; i < end; i++) {
        const float *from = e->table + e->ids[i] * e->width;
        float *y = e->y + i * e->width;

        if (e->positions != NULL)
            job->env->kernels->add_f32(from, e->positions + position(e, i) * e->width,
                                       e->width, y);
        else
            memcpy(y, from, (size_t)e->width * sizeof(float));
    }
}

lfuse_status lfi_embedding_forward(const struct lfi_env *env,
                                   const struct lfi_embedding *embedding,
                                   lfuse_error *err)
{
    struct job job = {env, embedding, 1};

    if (embedding->width < TASK_ELEMENTS)
        job.task_rows = TASK_ELEMENTS / embedding->width;
    return lfi_parallel_for(env, (embedding->rows - 1) / job.task_rows + 1, forward_task,
                            &job, err);
}

static void backward_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_embedding *e = job->embedding;
    const int64_t j = index * TASK_COLUMNS, count = least(TASK_COLUMNS, e->width - j);
    int64_t i;

    (void)slot;
    for (i = 0; i < e->rows; i++) {
        const float *dy = e->dy + i * e->width + j;
        float *to = e->dtable != NULL ? e->dtable + e->ids[i] * e->width + j : NULL;

        if (to != NULL)
            job->env->kernels->add_f32(to, dy, count, to);
        if (e->dpositions == NULL)
            continue;
        to = e->dpositions + position(e, i) * e->width + j;
        job->env->kernels->add_f32(to, dy, count, to);
    }
}

lfuse_status lfi_embedding_backward(const struct lfi_env *env,
                                    const struct lfi_embedding *embedding,
                                    lfuse_error *err)
{
    struct job job = {env, embedding, 0};

    return lfi_parallel_for(env, (embedding->width - 1) / TASK_COLUMNS + 1, backward_task,
                            &job, err);
}
