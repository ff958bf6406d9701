/*
 * matrix_pairs.c - the open pairs of a matrix, one by one
 *
 * In row order and in batches: each pair is one task, in both directions where these differ;
 * progress is told, and failures are, between batches. A batch is a few tasks per thread; what
 * a pair gives does not depend on it. Metrics that call back go pair by pair on this thread.
 */
#include "similarity/matrix.h"

#include <stdio.h>

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

struct run {
    struct lfi_matrix *m;
    struct lfi_env env; /* no more concurrency than there are slots of scratch */
    struct task *batch;
    int64_t batch_size;
    int64_t begin; /* this rank's rows */
    int64_t end;
    int64_t open; /* pairs at the start */
    char *scratch;
    size_t scratch_bytes; /* per slot */
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

static struct lfi_comparison pair_of(const struct lfi_matrix *m, int64_t i, int64_t j)
{
    struct lfi_comparison pair = {
        .a = m->items[i].weights[m->weight],
        .c = m->items[j].weights[m->weight],
        .params = *m->params,
    };

    return pair;
}

static lfuse_status compare_items(const struct run *r, int64_t i, int64_t j,
                                  void *scratch, double *value, lfuse_error *err)
{
    const struct lfi_matrix *m = r->m;
    struct lfi_comparison pair = pair_of(m, i, j);
    struct lfi_env alone = r->env; /* the threads are busy with other pairs */
    char a_name[160], c_name[160];
    size_t copies, bytes;

    alone.executor = lfi_executor_serial();
    name_weight(&m->items[i], m->weight, a_name, sizeof(a_name));
    name_weight(&m->items[j], m->weight, c_name, sizeof(c_name));
    pair.a_name = a_name;
    pair.c_name = c_name;
    if (!lfi_sizes_scratch(&pair, &copies, &bytes)) /* it did before */
        return LFUSE_ERR_OVERFLOW;
    return lfi_sizes_compare(&alone, &pair, copies, scratch, value, err);
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct run *r = arg;
    struct task *task = &r->batch[index];
    void *scratch =
        r->scratch != NULL ? r->scratch + (size_t)slot * r->scratch_bytes : NULL;

    task->status = compare_items(r, task->i, task->j, scratch, &task->value, &task->err);
    task->reverse = task->value;
    if (task->status == LFUSE_OK && !r->m->metric->is_symmetric)
        task->status =
            compare_items(r, task->j, task->i, scratch, &task->reverse, &task->err);
}

/* The open pairs from *at on, which moves past them; how many there are. */
static int64_t fill_batch(struct run *r, int64_t *at)
{
    int64_t count = r->m->count, n = 0, i, j;

    for (; n < r->batch_size && *at < r->end * count; ++*at) {
        i = *at / count;
        j = *at % count;
        if ((j > i || count == 1) && r->m->state[*at] == LFI_PAIR_OPEN) {
            r->batch[n].i = i;
            r->batch[n++].j = j;
        }
    }
    return n;
}

/* What failed is told, and left out; or it is the failure of all. */
static lfuse_status take_failure(struct run *r, const struct task *task, lfuse_error *err)
{
    const struct lfi_similarity_params *params = r->m->params;

    if (params->failed != NULL &&
        params->failed(params->failed_user, task->i, task->j, &task->err) == 0) {
        r->m->state[task->i * r->m->count + task->j] = LFI_PAIR_FAILED;
        return LFUSE_OK;
    }
    if (err != NULL)
        *err = task->err;
    return task->status;
}

static lfuse_status run_batch(struct run *r, int64_t n, lfuse_error *err)
{
    lfuse_status status = lfi_parallel_for(&r->env, n, run_task, r, err);
    int64_t k;

    for (k = 0; k < n && status == LFUSE_OK; k++) {
        const struct task *task = &r->batch[k];

        if (task->status == LFUSE_OK)
            lfi_matrix_set(r->m, task->i, task->j, task->value, task->reverse);
        else
            status = take_failure(r, task, err);
    }
    return status;
}

static lfuse_status run_batches(struct run *r, lfuse_error *err)
{
    struct lfi_matrix *m = r->m;
    int64_t pairs = m->count == 1 ? 1 : m->count * (m->count - 1) / 2, n,
            at = r->begin * m->count;
    lfuse_status status = LFUSE_OK;

    m->done += pairs - r->open;
    while (status == LFUSE_OK && (n = fill_batch(r, &at)) > 0) {
        status = run_batch(r, n, err);
        m->done += n;
        if (status == LFUSE_OK)
            status = lfi_matrix_tell(m, 0.0, err);
    }
    return status;
}

/* Counts the open pairs, and finds the scratch that any of them needs. */
static lfuse_status measure(struct run *r, lfuse_error *err)
{
    const struct lfi_matrix *m = r->m;
    int64_t i, j;
    size_t copies, bytes;

    lfi_matrix_own_rows(m, &r->begin, &r->end);
    for (i = r->begin; i < r->end; i++)
        for (j = m->count == 1 ? 0 : i + 1; j < m->count; j++) {
            struct lfi_comparison pair = pair_of(m, i, j);

            if (m->state[i * m->count + j] != LFI_PAIR_OPEN)
                continue;
            r->open++;
            if (!lfi_sizes_scratch(&pair, &copies, &bytes) ||
                !lfi_add_size(bytes, (size_t)-bytes % LFI_ALIGN, &bytes))
                return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the scratch of %s does not fit",
                                m->metric->name);
            r->scratch_bytes = bytes > r->scratch_bytes ? bytes : r->scratch_bytes;
        }
    return LFUSE_OK;
}

/* As many pairs at the same time as their scratch fits what is allowed, but one. */
static int64_t count_slots(const struct run *r)
{
    int64_t slots = r->env.executor.concurrency;
    size_t most = r->m->params->max_bytes;

    if (r->scratch_bytes > 0 && most / r->scratch_bytes < (size_t)slots)
        slots = (int64_t)(most / r->scratch_bytes);
    slots = slots < r->open ? slots : r->open;
    return slots > 1 ? slots : 1;
}

lfuse_status lfi_matrix_pairs(struct lfi_matrix *m, lfuse_error *err)
{
    struct run r = {.m = m, .env = *m->env};
    lfuse_status status = measure(&r, err);
    int64_t slots;

    if (status != LFUSE_OK || r.open == 0)
        return status;
    if (m->metric->calls_back)
        r.env.executor = lfi_executor_serial();
    slots = count_slots(&r);
    r.env.executor.concurrency = (int32_t)slots;
    r.batch_size = m->metric->calls_back ? 1 : TASKS_PER_SLOT * slots;
    status = lfi_alloc(m->env, (size_t)slots, r.scratch_bytes, "scratch of comparisons",
                       &r.scratch, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(m->env, (size_t)r.batch_size, sizeof(*r.batch),
                           "a batch of comparisons", &r.batch, err);
    if (status == LFUSE_OK)
        status = run_batches(&r, err);
    lfi_free(m->env, r.batch, (size_t)r.batch_size, sizeof(*r.batch));
    lfi_free(m->env, r.scratch, (size_t)slots, r.scratch_bytes);
    return status;
}
