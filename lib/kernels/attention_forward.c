/*
 * attention_forward.c - y = softmax(scale q k') v, one block of keys after another
 *
 * A task has some queries of a head. It keeps their greatest score, the sum of exps and the sum
 * of values so far; a block with a greater score than those before scales these down (Milakov &
 * Gimelshein 2018). No more than a block of scores is ever in memory.
 */
#include "kernels/attention_block.h"

#include <math.h>

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_attention_shape *shape;
    float *memory; /* (slots, slot_floats) */
    size_t slot_floats;
    int64_t blocks; /* of a head's queries */
};

/* A task's queries, what it reads and writes, and its scratch. */
struct task {
    const struct lfi_kernels *kernels;
    const struct lfi_attention *a;
    const float *q;
    const float *k;
    const float *v;
    float *y;
    float *statistics;
    int64_t first; /* query */
    int64_t count;
    float *turned;   /* (head_dim, KEYS) */
    float *scores;   /* (QUERIES, KEYS) */
    float *out;      /* (QUERIES, head_dim) */
    float *greatest; /* (QUERIES) */
    float *sum;      /* (QUERIES) */
};

enum { OF_SCORES = LFI_ATTENTION_QUERIES * LFI_ATTENTION_KEYS };

static bool lay_out(const struct lfi_env *env, const struct lfi_attention *a,
                    struct lfi_scratch *scratch, size_t *slot_floats)
{
    size_t bytes, at;

    return lfi_attention_slot(a, LFI_ATTENTION_KEYS + LFI_ATTENTION_QUERIES,
                              OF_SCORES + 2 * LFI_ATTENTION_QUERIES, slot_floats) &&
           lfi_mul_size(*slot_floats, sizeof(float), &bytes) &&
           lfi_scratch_add(scratch, (size_t)env->executor.concurrency, bytes, &at);
}

static struct task take(const struct job *job, int64_t index, int32_t slot)
{
    const struct lfi_attention_shape *shape = job->shape;
    const struct lfi_attention *a = &shape->a;
    const int64_t block = job->blocks - 1 - index % job->blocks; /* the longest first */
    const int64_t head = index / job->blocks % a->heads;
    const int64_t entry = index / job->blocks / a->heads;
    const int64_t kv = head / shape->group * a->head_dim;
    struct task t = {.kernels = job->kernels, .a = a};

    t.first = block * LFI_ATTENTION_QUERIES;
    t.count = lfi_attention_least(LFI_ATTENTION_QUERIES, a->tokens - t.first);
    t.q = a->q + entry * a->q_batch_stride + t.first * a->q_stride +
          head * shape->head_step;
    t.k = a->k + entry * a->k_batch_stride + kv;
    t.v = a->v + entry * a->v_batch_stride + kv;
    t.y = a->y + entry * a->y_batch_stride + t.first * a->y_stride +
          head * shape->head_step;
    if (a->statistics != NULL)
        t.statistics = a->statistics + (entry * a->heads + head) * a->tokens + t.first;
    t.scores = job->memory + (size_t)slot * job->slot_floats;
    t.turned = t.scores + OF_SCORES;
    t.out = t.turned + a->head_dim * LFI_ATTENTION_KEYS;
    t.greatest = t.out + a->head_dim * LFI_ATTENTION_QUERIES;
    t.sum = t.greatest + LFI_ATTENTION_QUERIES;
    return t;
}

/* Queries [i, i + queries) of the task with keys [key, key + keys), which are turned. */
static void meet(const struct task *t, int64_t i, int64_t queries, int64_t key,
                 int64_t keys)
{
    const struct lfi_attention *a = t->a;
    const int64_t visible = lfi_attention_visible(a, t->first + i, key);
    struct lfi_attention_tile tile = {
        .scores = t->scores,
        .out = t->out + i * a->head_dim,
        .greatest = t->greatest + i,
        .sum = t->sum + i,
        .queries = queries,
        .keys = lfi_attention_least(keys, visible + queries - 1),
        .visible = visible,
        .row = LFI_ATTENTION_KEYS,
        .width = a->head_dim,
        .scale = a->scale,
        .first = key == 0,
    };

    if (tile.keys <= 0)
        return;
    lfi_attention_multiply(t->kernels, (struct lfi_gemm_tile){
                                           .a = t->q + i * a->q_stride,
                                           .b = t->turned,
                                           .c = t->scores,
                                           .steps = a->head_dim,
                                           .rows = queries,
                                           .cols = tile.keys,
                                           .a_row = a->q_stride,
                                           .a_step = 1,
                                           .b_step = LFI_ATTENTION_KEYS,
                                           .c_row = LFI_ATTENTION_KEYS,
                                       });
    t->kernels->attention_softmax_f32(&tile);
    lfi_attention_multiply(t->kernels, (struct lfi_gemm_tile){
                                           .a = t->scores,
                                           .b = t->v + key * a->v_stride,
                                           .c = tile.out,
                                           .steps = tile.keys,
                                           .rows = queries,
                                           .cols = a->head_dim,
                                           .a_row = LFI_ATTENTION_KEYS,
                                           .a_step = 1,
                                           .b_step = a->v_stride,
                                           .c_row = a->head_dim,
                                           .accumulate = !tile.first,
                                       });
}

static void finish(const struct task *t)
{
    const struct lfi_attention *a = t->a;
    int64_t i, j;

    for (i = 0; i < t->count; i++) {
        const float *out = t->out + i * a->head_dim;
        const float inverse = 1.0f / t->sum[i];
        float *y = t->y + i * a->y_stride;

        for (j = 0; j < a->head_dim; j++)
            y[j] = out[j] * inverse;
        if (t->statistics != NULL)
            t->statistics[i] = (float)((double)t->greatest[i] + log((double)t->sum[i]));
    }
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct task t = take(arg, index, slot);
    const struct lfi_attention *a = t.a;
    const int64_t last = lfi_attention_visible(a, t.first + t.count - 1, 0);
    const int64_t end = lfi_attention_least(a->keys, last);
    int64_t key, keys, i, queries;

    for (key = 0; key < end; key += LFI_ATTENTION_KEYS) {
        keys = lfi_attention_least(LFI_ATTENTION_KEYS, end - key);
        t.kernels->transpose_f32(t.k + key * a->k_stride, keys, a->head_dim, a->k_stride,
                                 t.turned, LFI_ATTENTION_KEYS);
        for (i = 0; i < t.count; i += queries) {
            queries = lfi_attention_strip(a, t.first + i, t.first + t.count, key, keys);
            meet(&t, i, queries, key, keys);
        }
    }
    finish(&t);
}

bool lfi_attention_plan_forward(const struct lfi_env *env,
                                const struct lfi_attention_shape *shape,
                                struct lfi_scratch *scratch)
{
    size_t slot_floats;

    return lay_out(env, &shape->a, scratch, &slot_floats);
}

lfuse_status lfi_attention_forward(const struct lfi_env *env,
                                   const struct lfi_attention *attention,
                                   lfuse_error *err)
{
    const struct lfi_attention_shape shape = lfi_attention_fold(attention);
    struct job job = {.kernels = env->kernels, .shape = &shape};
    struct lfi_scratch scratch = {0};
    lfuse_status status;

    if (!lay_out(env, &shape.a, &scratch, &job.slot_floats))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &scratch, attention->workspace,
                               attention->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    job.memory = (float *)(void *)scratch.memory;
    job.blocks = (shape.a.tokens - 1) / LFI_ATTENTION_QUERIES + 1;
    status = lfi_parallel_for(env, shape.a.batch * shape.a.heads * job.blocks, run_task,
                              &job, err);
    lfi_scratch_end(env, &scratch);
    return status;
}
