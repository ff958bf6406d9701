/* activation.c - GELU, SiLU and SwiGLU over the threads, cut into tasks of about CHUNK elements */
#include "kernels/kernels.h"

enum { CHUNK = 16384 };

struct job {
    const struct lfi_activation *activation;
    void (*loop)(const struct lfi_activation_tile *tile);
    int64_t task_rows;
    int64_t task_columns;
    int64_t tasks; /* side by side */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_activation *a = job->activation;
    const int64_t first = index / job->tasks * job->task_rows,
                  end = least(first + job->task_rows, a->rows),
                  j = index % job->tasks * job->task_columns;
    int64_t i;

    (void)slot;
    for (i = first; i < end; i++) {
        struct lfi_activation_tile t = a->tile;
        const int64_t x = i * a->x_stride + j, y = i * a->y_stride + j;

        t.count = least(job->task_columns, a->columns - j);
#define MOVE(FIELD, BY) t.FIELD = t.FIELD != NULL ? t.FIELD + (BY) : NULL
        MOVE(x, x);
        MOVE(up, x);
        MOVE(dx, x);
        MOVE(dup, x);
        MOVE(y, y);
        MOVE(dy, y);
#undef MOVE
        job->loop(&t);
    }
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_activation *given,
                        void (*loop)(const struct lfi_activation_tile *),
                        lfuse_error *err)
{
    struct lfi_activation a = *given;
    struct job job = {.activation = &a, .loop = loop};

    if (a.x_stride == a.columns && a.y_stride == a.columns) { /* one row */
        a.columns *= a.rows;
        a.rows = 1;
    }
    job.task_columns = least(CHUNK, a.columns);
    job.task_rows = CHUNK / job.task_columns;
    job.tasks = (a.columns - 1) / job.task_columns + 1;
    return lfi_parallel_for(env, ((a.rows - 1) / job.task_rows + 1) * job.tasks, run_task,
                            &job, err);
}

lfuse_status lfi_activation_forward(const struct lfi_env *env,
                                    const struct lfi_activation *activation,
                                    lfuse_error *err)
{
    return run(env, activation, env->kernels->activation_f32, err);
}

lfuse_status lfi_activation_backward(const struct lfi_env *env,
                                     const struct lfi_activation *activation,
                                     lfuse_error *err)
{
    return run(env, activation, env->kernels->activation_gradient_f32, err);
}
