/*
 * matrix.c - all pairs of many layers
 *
 * Pairs (i, j), i < j, in row order, in batches: each pair is one task, in both directions where
 * these differ; progress is told between batches. A batch is a few tasks per thread; what a pair gives does not depend on it.
 */
#include "similarity/similarity.h"

#include <stdio.h>
#include <string.h>

enum { TASKS_PER_SLOT = 4 };

/* One task of a batch, and what became of it. */
struct task {
    int64_t i;
    int64_t j;
    double value;
    double reverse; /* of j to i */
    lfuse_status status;
    lfuse_error err;
};

struct matrix {
    struct lfi_env env; /* no more concurrency than there are slots of scratch */
    const struct lfi_similarity_item *items;
    int64_t count;
    struct lfi_similarity_params params;
    const struct lfi_metric *metric;
    struct task *batch;
    int64_t batch_size;
    char *scratch; /* scratch_bytes per slot */
    size_t scratch_bytes;
};

static void name_weight(const struct lfi_similarity_item *item, int64_t weight,
                        char *text, size_t size)
{
    if (item->count > 1 && item->weight_names != NULL)
        (void)snprintf(text, size, "%.60s of layer %.60s", item->weight_names[weight],
                       item->name);
    else
        (void)snprintf(text, size, "layer %.100s", item->name);
}

static struct lfi_comparison pair_of(const struct matrix *m, int64_t i, int64_t j,
                                     int64_t weight)
{
    struct lfi_comparison pair = {
        .a = m->items[i].weights[weight],
        .c = m->items[j].weights[weight],
        .params = m->params,
    };

    return pair;
}

/* The mean of i to j over their weights. */
static lfuse_status compare_items(const struct matrix *m, int64_t i, int64_t j,
                                  void *scratch, double *mean, lfuse_error *err)
{
    const struct lfi_similarity_item *a = &m->items[i], *c = &m->items[j];
    lfuse_status status = LFUSE_OK;
    double sum = 0.0, value = 0.0;
    int64_t weight;

    for (weight = 0; weight < a->count && status == LFUSE_OK; weight++) {
        struct lfi_comparison pair = pair_of(m, i, j, weight);
        char a_name[160], c_name[160];

        name_weight(a, weight, a_name, sizeof(a_name));
        name_weight(c, weight, c_name, sizeof(c_name));
        pair.a_name = a_name;
        pair.c_name = c_name;
        status = m->metric->compare(&m->env, &pair, scratch, &value, err);
        sum += value;
    }
    *mean = sum / (double)a->count;
    return status;
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct matrix *m = arg;
    struct task *task = &m->batch[index];
    void *scratch =
        m->scratch != NULL ? m->scratch + (size_t)slot * m->scratch_bytes : NULL;

    task->status = compare_items(m, task->i, task->j, scratch, &task->value, &task->err);
    task->reverse = task->value;
    if (task->status == LFUSE_OK && !m->metric->is_symmetric)
        task->status =
            compare_items(m, task->j, task->i, scratch, &task->reverse, &task->err);
}

/* The batch's pairs from (*i, *j) on, which move past them; how many there are. */
static int64_t fill_batch(struct matrix *m, int64_t *i, int64_t *j)
{
    int64_t n;

    for (n = 0; n < m->batch_size && *j < m->count; n++) {
        m->batch[n].i = *i;
        m->batch[n].j = *j;
        if (++*j == m->count && *i + 2 < m->count) {
            ++*i;
            *j = *i + 1;
        }
    }
    return n;
}

static lfuse_status run_batch(struct matrix *m, int64_t n, double *out, lfuse_error *err)
{
    lfuse_status status = lfi_parallel_for(&m->env, n, run_task, m, err);
    int64_t k;

    if (status != LFUSE_OK)
        return status;
    for (k = 0; k < n; k++) {
        const struct task *task = &m->batch[k];

        if (task->status != LFUSE_OK) {
            if (err != NULL)
                *err = task->err;
            return task->status;
        }
        out[task->i * m->count + task->j] = task->value;
        out[task->j * m->count + task->i] = task->reverse;
    }
    return LFUSE_OK;
}

static lfuse_status run_all(struct matrix *m, int64_t total, double *out,
                            lfuse_error *err)
{
    int64_t i = 0, j = m->count == 1 ? 0 : 1, done = 0, n;
    lfuse_status status = lfi_progress(&m->env, "similarity", 0, total, err);

    while (status == LFUSE_OK && done < total) {
        n = fill_batch(m, &i, &j);
        status = run_batch(m, n, out, err);
        done += n;
        if (status == LFUSE_OK)
            status = lfi_progress(&m->env, "similarity", done, total, err);
    }
    for (i = 0; i < m->count; i++)
        out[i * m->count + i] = m->metric->is_distance ? 0.0 : 1.0;
    return status;
}

/* The scratch that any of the pairs' weights needs. */
static lfuse_status measure_scratch(struct matrix *m, lfuse_error *err)
{
    int64_t weight;
    size_t bytes;

    for (weight = 0; weight < m->items[0].count; weight++) {
        struct lfi_comparison pair = pair_of(m, 0, 0, weight);

        if (!m->metric->scratch(&pair, &bytes) ||
            !lfi_add_size(bytes, (size_t)-bytes % LFI_ALIGN, &bytes))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the scratch of %s does not fit",
                            m->metric->name);
        m->scratch_bytes = bytes > m->scratch_bytes ? bytes : m->scratch_bytes;
    }
    return LFUSE_OK;
}

lfuse_status lfi_similarity_matrix(const struct lfi_env *env,
                                   const struct lfi_similarity_item *items, int64_t count,
                                   const struct lfi_similarity_params *params,
                                   double *out, lfuse_error *err)
{
    struct matrix m = {.env = *env, .items = items, .count = count, .params = *params};
    int64_t total = count == 1       ? 1
                    : count % 2 == 0 ? count / 2 * (count - 1)
                                     : (count - 1) / 2 * count;
    int64_t slots = env->executor.concurrency < total ? env->executor.concurrency : total;
    lfuse_status status;

    m.metric = lfi_metric_find(params->metric);
    m.env.executor.concurrency = (int32_t)slots;
    m.batch_size = TASKS_PER_SLOT * slots;
    status = measure_scratch(&m, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)slots, m.scratch_bytes, "scratch of comparisons",
                           &m.scratch, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)m.batch_size, sizeof(*m.batch),
                           "a batch of comparisons", &m.batch, err);
    if (status == LFUSE_OK)
        status = run_all(&m, total, out, err);
    lfi_free(env, m.batch, (size_t)m.batch_size, sizeof(*m.batch));
    lfi_free(env, m.scratch, (size_t)slots, m.scratch_bytes);
    return status;
}
