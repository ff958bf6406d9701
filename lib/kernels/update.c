/* update.c - SGD over the threads, in chunks of 64 Ki elements whatever the size */
#include "kernels/kernels.h"

enum { CHUNK = 65536 };

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_sgd *sgd;
};

static void sgd_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_sgd *s = job->sgd;
    int64_t first = index * CHUNK,
            count = s->count - first < CHUNK ? s->count - first : CHUNK;

    (void)slot;
    job->kernels->sgd_f32(s->value + first, s->gradient + first,
                          s->velocity != NULL ? s->velocity + first : NULL, count,
                          s->learning_rate, s->momentum, s->weight_decay, s->nesterov);
}

lfuse_status lfi_sgd(const struct lfi_env *env, const struct lfi_sgd *sgd,
                     lfuse_error *err)
{
    struct job job = {env->kernels, sgd};

    if (sgd->count <= CHUNK) {
        sgd_task(&job, 0, 0);
        return LFUSE_OK;
    }
    return lfi_parallel_for(env, (sgd->count - 1) / CHUNK + 1, sgd_task, &job, err);
}
