/* dropout.c - dropout over the threads, cut into chunks of whole blocks of random numbers */
#include "kernels/kernels.h"

enum { CHUNK = 16384 };

struct job {
    const struct lfi_env *env;
    const float *x;
    float *y;
    int64_t count;
    const struct lfi_dropout *dropout;
};

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t first = index * CHUNK, left = job->count - first;

    (void)slot;
    job->env->kernels->dropout_f32(job->dropout, first, job->x + first,
                                   left < CHUNK ? left : CHUNK, job->y + first);
}

struct lfi_dropout lfi_dropout_numbers(double probability, uint64_t seed, uint64_t stream)
{
    const double scaled = probability * 0x1p32;
    struct lfi_dropout d = {.seed = seed, .stream = stream, .below = UINT32_MAX};

    if (scaled < 0x1.fffffffep31)
        d.below = (uint32_t)(scaled + 0.5);
    d.scale = (float)(1.0 / (1.0 - probability));
    return d;
}

lfuse_status lfi_dropout(const struct lfi_env *env, const struct lfi_dropout *dropout,
                         const float *x, int64_t count, float *y, lfuse_error *err)
{
    struct job job = {env, x, y, count, dropout};

    return lfi_parallel_for(env, (count - 1) / CHUNK + 1, run_task, &job, err);
}
