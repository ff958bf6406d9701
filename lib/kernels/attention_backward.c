/*
 * attention_backward.c - dq, dk and dv; the scores are made again, block by block
 *
 *     p = exp(scale q k' - statistics)     dv = p' dy     ds = scale p (dy v' - delta)
 *     delta = the sum of dy y of a query   dq = ds k      dk = ds' q
 *
 * A task has every n-th block of keys of a kv head, and all queries of the heads of its group: so
 * dk and dv are its own. Tasks that share a head add their dq to arrays of their own, which are
 * added up in their order. n depends on the shape alone, and is 1 where there are heads enough.
 */
#include "kernels/attention_block.h"

#include <string.h>

enum { LEAST_TASKS = 8, OF_SCORES = LFI_ATTENTION_QUERIES * LFI_ATTENTION_KEYS };

struct job {
    const struct lfi_env *env;
    const struct lfi_attention_shape *shape;
    float *delta;   /* (batch, heads, tokens) */
    float *partial; /* (parts - 1, batch, heads, tokens, head_dim) */
    float *memory;  /* (slots, slot_floats) */
    size_t slot_floats;
    int64_t parts;
};

static int64_t parts_of(const struct lfi_attention *a)
{
    const int64_t blocks = (a->keys - 1) / LFI_ATTENTION_KEYS + 1;
    const int64_t heads = a->batch * a->kv_heads;

    return heads >= LEAST_TASKS
               ? 1
               : lfi_attention_least(blocks, (LEAST_TASKS - 1) / heads + 1);
}

static int64_t queries_of(const struct lfi_attention *a)
{
    return a->batch * a->heads * a->tokens;
}

/* ---- delta, and dq from zero ---------------------------------------------------------------- */

static void clear_rows(float *rows, int64_t count, int64_t width, int64_t stride)
{
    int64_t i;

    for (i = 0; i < count; i++)
        memset(rows + i * stride, 0, (size_t)width * sizeof(float));
}

static void prepare_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_attention_shape *shape = job->shape;
    const struct lfi_attention *a = &shape->a;
    const int64_t entry = index / a->heads, head = index % a->heads;
    const int64_t at = entry * a->y_batch_stride + head * shape->head_step;

    (void)slot;
    job->env->kernels->row_products_f32(a->y + at, a->y_stride, a->dy + at, a->y_stride,
                                        a->tokens, a->head_dim,
                                        job->delta + index * a->tokens);
    clear_rows(a->dq + entry * a->q_batch_stride + head * shape->head_step, a->tokens,
               a->head_dim, a->q_stride);
}

/* ---- a head and a block of keys ------------------------------------------------------------- */

/* A task's block of keys, one of the heads that read it, and scratch. */
struct task {
    const struct lfi_kernels *kernels;
    const struct lfi_attention *a;
    const float *q;
    const float *dy;
    const float *log_sum;
    const float *delta;
    float *dq;
    int64_t dq_stride;
    const float *k; /* from here on of the block */
    const float *v;
    float *dk;
    float *dv;
    int64_t key;
    int64_t keys;
    float *turned_k; /* (head_dim, KEYS) */
    float *turned_v;
    float *p; /* (QUERIES, KEYS) */
    float *ds;
};

/* Rows of queries from `rows` on times what is turned of the block. */
static void score(const struct task *t, const float *rows, int64_t stride,
                  const float *turned, int64_t queries, int64_t keys, float *scores)
{
    lfi_attention_multiply(t->kernels, (struct lfi_gemm_tile){
                                           .a = rows,
                                           .b = turned,
                                           .c = scores,
                                           .steps = t->a->head_dim,
                                           .rows = queries,
                                           .cols = keys,
                                           .a_row = stride,
                                           .a_step = 1,
                                           .b_step = LFI_ATTENTION_KEYS,
                                           .c_row = LFI_ATTENTION_KEYS,
                                       });
}

/* out of the block's keys += scores' times rows of queries. */
static void add_to_keys(const struct task *t, const float *scores, const float *rows,
                        int64_t stride, int64_t queries, int64_t keys, float *out,
                        int64_t out_stride)
{
    lfi_attention_multiply(t->kernels, (struct lfi_gemm_tile){
                                           .a = scores,
                                           .b = rows,
                                           .c = out,
                                           .steps = queries,
                                           .rows = keys,
                                           .cols = t->a->head_dim,
                                           .a_row = 1,
                                           .a_step = LFI_ATTENTION_KEYS,
                                           .b_step = stride,
                                           .c_row = out_stride,
                                           .accumulate = true,
                                       });
}

/* Queries [i, i + queries). */
static void meet(const struct task *t, int64_t i, int64_t queries)
{
    const struct lfi_attention *a = t->a;
    const float *q = t->q + i * a->q_stride, *dy = t->dy + i * a->y_stride;
    const int64_t visible = lfi_attention_visible(a, i, t->key);
    const struct lfi_attention_tile tile = {
        .scores = t->p,
        .gradient = t->ds,
        .log_sum = t->log_sum + i,
        .delta = t->delta + i,
        .queries = queries,
        .keys = lfi_attention_least(t->keys, visible + queries - 1),
        .visible = visible,
        .row = LFI_ATTENTION_KEYS,
        .scale = a->scale,
    };

    score(t, q, a->q_stride, t->turned_k, queries, tile.keys, t->p);
    score(t, dy, a->y_stride, t->turned_v, queries, tile.keys, t->ds);
    t->kernels->attention_gradient_f32(&tile);
    add_to_keys(t, t->p, dy, a->y_stride, queries, tile.keys, t->dv, a->v_stride);
    add_to_keys(t, t->ds, q, a->q_stride, queries, tile.keys, t->dk, a->k_stride);
    lfi_attention_multiply(t->kernels, (struct lfi_gemm_tile){
                                           .a = t->ds,
                                           .b = t->k,
                                           .c = t->dq + i * t->dq_stride,
                                           .steps = tile.keys,
                                           .rows = queries,
                                           .cols = a->head_dim,
                                           .a_row = LFI_ATTENTION_KEYS,
                                           .a_step = 1,
                                           .b_step = a->k_stride,
                                           .c_row = t->dq_stride,
                                           .accumulate = true,
                                       });
}

/* All queries of one head that see the block. */
static void run_head(const struct job *job, struct task *t, int64_t entry, int64_t head,
                     int64_t part)
{
    const struct lfi_attention_shape *shape = job->shape;
    const struct lfi_attention *a = t->a;
    const int64_t row = (entry * a->heads + head) * a->tokens;
    const int64_t first = 1 - lfi_attention_visible(a, 0, t->key); /* sees one key */
    int64_t i, queries;

    t->q = a->q + entry * a->q_batch_stride + head * shape->head_step;
    t->dy = a->dy + entry * a->y_batch_stride + head * shape->head_step;
    t->log_sum = a->statistics + row;
    t->delta = job->delta + row;
    t->dq = a->dq + entry * a->q_batch_stride + head * shape->head_step;
    t->dq_stride = a->q_stride;
    if (part > 0) {
        t->dq = job->partial + ((part - 1) * queries_of(a) + row) * a->head_dim;
        t->dq_stride = a->head_dim;
    }
    for (i = first < 0 ? 0 : first; i < a->tokens; i += queries) {
        queries = lfi_attention_strip(a, i, a->tokens, t->key, t->keys);
        meet(t, i, queries);
    }
}

static void run_block(const struct job *job, struct task *t, int64_t entry, int64_t kv,
                      int64_t part)
{
    const struct lfi_attention *a = t->a;
    const int64_t head = kv * a->head_dim;
    const int64_t k = entry * a->k_batch_stride + t->key * a->k_stride + head;
    const int64_t v = entry * a->v_batch_stride + t->key * a->v_stride + head;
    int64_t g;

    t->keys = lfi_attention_least(LFI_ATTENTION_KEYS, a->keys - t->key);
    t->k = a->k + k;
    t->v = a->v + v;
    t->dk = a->dk + k;
    t->dv = a->dv + v;
    clear_rows(t->dk, t->keys, a->head_dim, a->k_stride);
    clear_rows(t->dv, t->keys, a->head_dim, a->v_stride);
    t->kernels->transpose_f32(t->k, t->keys, a->head_dim, a->k_stride, t->turned_k,
                              LFI_ATTENTION_KEYS);
    t->kernels->transpose_f32(t->v, t->keys, a->head_dim, a->v_stride, t->turned_v,
                              LFI_ATTENTION_KEYS);
    for (g = 0; g < job->shape->group; g++)
        run_head(job, t, entry, kv * job->shape->group + g, part);
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_attention *a = &job->shape->a;
    const int64_t part = index % job->parts;
    const int64_t kv = index / job->parts % a->kv_heads;
    const int64_t entry = index / job->parts / a->kv_heads;
    struct task t = {.kernels = job->env->kernels, .a = a};
    int64_t g;

    t.p = job->memory + (size_t)slot * job->slot_floats;
    t.ds = t.p + OF_SCORES;
    t.turned_k = t.ds + OF_SCORES;
    t.turned_v = t.turned_k + a->head_dim * LFI_ATTENTION_KEYS;
    for (g = 0; g < job->shape->group && part > 0; g++)
        clear_rows(job->partial +
                       ((part - 1) * queries_of(a) +
                        (entry * a->heads + kv * job->shape->group + g) * a->tokens) *
                           a->head_dim,
                   a->tokens, a->head_dim, a->head_dim);
    for (t.key = part * LFI_ATTENTION_KEYS; t.key < a->keys;
         t.key += job->parts * LFI_ATTENTION_KEYS)
        run_block(job, &t, entry, kv, part);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* dq of a head: what the first part wrote there, and the others' added. */
static void add_parts_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_attention_shape *shape = job->shape;
    const struct lfi_attention *a = &shape->a;
    float *dq = a->dq + index / a->heads * a->q_batch_stride +
                index % a->heads * shape->head_step;
    int64_t part, i;

    (void)slot;
    for (part = 0; part < job->parts - 1; part++) {
        const float *from =
            job->partial + (part * queries_of(a) + index * a->tokens) * a->head_dim;

        for (i = 0; i < a->tokens; i++)
            job->env->kernels->add_f32(dq + i * a->q_stride, from + i * a->head_dim,
                                       a->head_dim, dq + i * a->q_stride);
    }
}

static bool lay_out(const struct lfi_env *env, const struct lfi_attention *a,
                    struct lfi_scratch *scratch, size_t *slot_floats, size_t at[3])
{
    const size_t queries = (size_t)queries_of(a),
                 row = (size_t)a->head_dim * sizeof(float);
    size_t bytes;

    return lfi_attention_slot(a, 2 * LFI_ATTENTION_KEYS, 2 * OF_SCORES, slot_floats) &&
           lfi_mul_size(*slot_floats, sizeof(float), &bytes) &&
           lfi_scratch_add(scratch, queries, sizeof(float), &at[0]) &&
           lfi_scratch_add(scratch, (size_t)(parts_of(a) - 1) * queries, row, &at[1]) &&
           lfi_scratch_add(scratch, (size_t)env->executor.concurrency, bytes, &at[2]);
}

bool lfi_attention_plan_backward(const struct lfi_env *env,
                                 const struct lfi_attention_shape *shape,
                                 struct lfi_scratch *scratch)
{
    size_t slot_floats, at[3];

    return lay_out(env, &shape->a, scratch, &slot_floats, at);
}

static lfuse_status run(const struct job *job, lfuse_error *err)
{
    const struct lfi_attention *a = &job->shape->a;
    struct job copy = *job;
    lfuse_status status =
        lfi_parallel_for(job->env, a->batch * a->heads, prepare_task, &copy, err);

    if (status == LFUSE_OK)
        status = lfi_parallel_for(job->env, a->batch * a->kv_heads * job->parts, run_task,
                                  &copy, err);
    if (status == LFUSE_OK && job->parts > 1)
        status =
            lfi_parallel_for(job->env, a->batch * a->heads, add_parts_task, &copy, err);
    return status;
}

lfuse_status lfi_attention_backward(const struct lfi_env *env,
                                    const struct lfi_attention *attention,
                                    lfuse_error *err)
{
    const struct lfi_attention_shape shape = lfi_attention_fold(attention);
    struct job job = {.env = env, .shape = &shape, .parts = parts_of(&shape.a)};
    struct lfi_scratch scratch = {0};
    lfuse_status status;
    size_t at[3];

    if (!lay_out(env, &shape.a, &scratch, &job.slot_floats, at))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &scratch, attention->workspace,
                               attention->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    job.delta = (float *)(void *)(scratch.memory + at[0]);
    job.partial = (float *)(void *)(scratch.memory + at[1]);
    job.memory = (float *)(void *)(scratch.memory + at[2]);
    status = run(&job, err);
    lfi_scratch_end(env, &scratch);
    return status;
}
