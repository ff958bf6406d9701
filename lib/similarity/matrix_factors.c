/*
 * matrix_factors.c - all pairs by metrics of factors, which are made once per weight
 *
 * Factors are kept as matrix_groups.c says; pairs of them are tasks. A pair that factors do
 * not do stays open, and as their values are those of single comparisons to the bit, so do all
 * where memory for factors, or for enough of them to keep all threads at work, is not there.
 */
#include "similarity/matrix.h"

/* Half of the time, or less, goes into factors. */
#define SHARE_OF_FACTORS 0.5

enum { TASKS_PER_SLOT = 4 };

struct task {
    int64_t i; /* places */
    int64_t j;
    int64_t item_i;
    int64_t item_j;
};

struct bank {
    struct lfi_groups groups;
    struct lfi_matrix *m;
    struct lfi_env inner; /* for tasks: serial */
    struct lfi_weight first;
    char *factors; /* (capacity, groups.bytes) */
    bool *usable;  /* (capacity) */
    struct task *batch;
    int64_t batch_size;
};

static lfuse_status keep(void *user, const struct lfi_env *env, int64_t place,
                         int64_t item, void *scratch, lfuse_error *err)
{
    struct bank *b = user;
    struct lfi_weight weight = {b->m->items[item].weights[b->m->weight], *b->m->params};

    (void)err;
    b->usable[place] = lfi_factors_extract(env, &weight, scratch,
                                           b->factors + (size_t)place * b->groups.bytes);
    return LFUSE_OK;
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct bank *b = arg;
    const struct task *task = &b->batch[index];
    void *scratch = b->groups.memory + (size_t)slot * b->groups.scratch;
    const char *a = b->factors + (size_t)task->i * b->groups.bytes;
    const char *c = b->factors + (size_t)task->j * b->groups.bytes;
    double value, reverse;

    if (!lfi_factors_compare(&b->inner, &b->first, a, c, scratch, &value))
        return;
    reverse = value;
    if (!b->m->metric->is_symmetric &&
        !lfi_factors_compare(&b->inner, &b->first, c, a, scratch, &reverse))
        return;
    lfi_matrix_set(b->m, task->item_i, task->item_j, value, reverse);
}

static int64_t first_beside(const struct lfi_places *at, int64_t i)
{
    return at->first > i ? at->first : i + 1;
}

/* The usable open pairs from (*i, *j) on, which moves past them; how many there are. */
static int64_t fill_batch(struct bank *b, const struct lfi_places *at, int64_t *i,
                          int64_t *j)
{
    int64_t n = 0, begin, end;

    lfi_matrix_own_rows(b->m, &begin, &end);
    for (; *i < at->rows; ++*i, *j = first_beside(at, *i))
        for (; *j < at->count; ++*j) {
            struct task t = {*i, *j, at->item_i + *i, at->item_j + *j - at->first};

            if (n == b->batch_size)
                return n;
            if (t.item_i >= begin && t.item_i < end && b->usable[*i] && b->usable[*j] &&
                b->m->state[t.item_i * b->m->count + t.item_j] == LFI_PAIR_OPEN)
                b->batch[n++] = t;
        }
    return n;
}

static lfuse_status compare(void *user, const struct lfi_places *at, lfuse_error *err)
{
    struct bank *b = user;
    struct lfi_env env = *b->m->env;
    int64_t i = 0, j = first_beside(at, 0), n, done = 0;
    lfuse_status status = LFUSE_OK;

    env.executor.concurrency = b->groups.slots;
    while (status == LFUSE_OK && (n = fill_batch(b, at, &i, &j)) > 0) {
        status = lfi_parallel_for(&env, n, run_task, b, err);
        done += n;
        if (status == LFUSE_OK)
            status = lfi_groups_tell(&b->groups, (double)done / b->groups.pairs, err);
    }
    return status;
}

/* false: not all items are of one size, or factors are not worth it. */
static bool measure(struct bank *b)
{
    const struct lfi_matrix *m = b->m;
    struct lfi_block whole = lfi_block_whole(&b->first.view);
    int64_t i;

    for (i = 1; i < m->count; i++) {
        struct lfi_block other = lfi_block_whole(&m->items[i].weights[m->weight]);

        if (other.rows != whole.rows || other.columns != whole.columns)
            return false;
    }
    if (!lfi_factors_size(&b->first, &b->groups.bytes, &b->groups.scratch) ||
        m->params->max_bytes / 2 < b->groups.bytes)
        return false;
    lfi_groups_plan(&b->groups);
    return b->groups.group == m->count || b->groups.group >= m->env->executor.concurrency;
}

static lfuse_status allocate(struct bank *b, lfuse_error *err)
{
    const struct lfi_env *env = b->m->env;
    size_t n = (size_t)b->groups.capacity;
    lfuse_status status;

    status = lfi_alloc(env, n, b->groups.bytes, "factors", &b->factors, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*b->usable), "factors", &b->usable, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)b->batch_size, sizeof(*b->batch),
                           "a batch of comparisons", &b->batch, err);
    return status;
}

lfuse_status lfi_matrix_factors(struct lfi_matrix *m, lfuse_error *err)
{
    struct bank b = {
        .m = m,
        .inner = *m->env,
        .first = {m->items[0].weights[m->weight], *m->params},
        .groups = {.m = m, .share = SHARE_OF_FACTORS, .keep = keep, .compare = compare}};
    lfuse_status status;

    if (!measure(&b))
        return LFUSE_OK;
    b.groups.user = &b;
    b.inner.executor = lfi_executor_serial();
    b.batch_size = (int64_t)TASKS_PER_SLOT * b.groups.slots;
    status = allocate(&b, err);
    b.groups.kept[0].values = b.factors;
    b.groups.kept[0].bytes = b.groups.bytes;
    b.groups.kept[1].values = b.usable;
    b.groups.kept[1].bytes = sizeof(*b.usable);
    if (status == LFUSE_OK)
        status = lfi_groups_run(&b.groups, err);
    lfi_free(m->env, b.batch, (size_t)b.batch_size, sizeof(*b.batch));
    lfi_free(m->env, b.usable, (size_t)b.groups.capacity, sizeof(*b.usable));
    lfi_free(m->env, b.factors, (size_t)b.groups.capacity, b.groups.bytes);
    return status;
}
