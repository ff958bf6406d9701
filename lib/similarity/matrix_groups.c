/*
 * matrix_groups.c - what is kept per item while pairs of items are compared
 *
 * It is kept up to params.max_bytes. Where that of all items is more, items form groups of half
 * as many as fit; for each group that stays, the ones behind it pass by:
 *
 *     for each group I: pairs within I; for each group J behind it: pairs of I and J
 *
 * Items are prepared by as many tasks at the same time as have their scratch within that, too.
 */
#include "similarity/matrix.h"

enum { TASKS_PER_SLOT = 4 }; /* of a batch, between which progress is told */

/* One batch of items that tasks prepare. */
struct batch {
    const struct lfi_groups *g;
    struct lfi_env inner; /* for tasks: serial */
    char *scratch;
    int64_t place;
    int64_t item;
};

void lfi_groups_plan(struct lfi_groups *g)
{
    const struct lfi_matrix *m = g->m;
    size_t most = m->params->max_bytes;

    g->capacity = most / g->bytes > 2 ? (int64_t)(most / g->bytes) : 2;
    g->group = g->capacity < m->count ? g->capacity / 2 : m->count;
    g->capacity = g->capacity < m->count ? 2 * g->group : m->count;
    g->scratch += (size_t)-g->scratch % LFI_ALIGN;
    g->slots = m->env->executor.concurrency;
    if (g->scratch > 0 && most / g->scratch < (size_t)g->slots)
        g->slots = most / g->scratch > 0 ? (int32_t)(most / g->scratch) : 1;
    if (g->nested && m->count < g->slots) /* its own loops have more to give */
        g->slots = 1;
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct batch *b = arg;

    /* Serial: it cannot fail. */
    (void)b->g->keep(b->g->user, &b->inner, b->place + index, b->item + index,
                     b->scratch + (size_t)slot * b->g->scratch, NULL);
}

/* Items [item, item + count) into places from `place` on. */
static lfuse_status fill(struct lfi_groups *g, int64_t place, int64_t item, int64_t count,
                         lfuse_error *err)
{
    struct batch b = {.g = g, .inner = *g->m->env, .scratch = g->memory};
    struct lfi_env env = *g->m->env;
    const int64_t most = g->slots == 1 ? 1 : TASKS_PER_SLOT * g->slots;
    lfuse_status status = LFUSE_OK;
    int64_t begin, end, i, size, k;

    lfi_matrix_own(g->m, count, &begin, &end);
    b.inner.executor = lfi_executor_serial();
    env.executor.concurrency = g->slots;
    for (i = begin; i < end && status == LFUSE_OK; i += size) {
        size = end - i < most ? end - i : most;
        b.place = place + i;
        b.item = item + i;
        if (g->slots == 1)
            status = g->keep(g->user, g->m->env, b.place, b.item, g->memory, err);
        else
            status = lfi_parallel_for(&env, size, run_task, &b, err);
        if (status == LFUSE_OK)
            status = lfi_matrix_tell(g->m,
                                     g->pairs * g->share * (double)(i - begin + size) /
                                         (double)(end - begin),
                                     err);
    }
    for (k = 0; k < LFI_KEPT && status == LFUSE_OK; k++)
        status = lfi_matrix_gather(
            g->m, (char *)g->kept[k].values + (size_t)place * g->kept[k].bytes, count,
            g->kept[k].bytes, err);
    return status;
}

lfuse_status lfi_groups_tell(struct lfi_groups *g, double share, lfuse_error *err)
{
    return lfi_matrix_tell(g->m, g->pairs * (g->share + (1.0 - g->share) * share), err);
}

/* The items from places.first on come in, and are compared with those that stay. */
static lfuse_status pass(struct lfi_groups *g, const struct lfi_places *places,
                         double pairs, lfuse_error *err)
{
    lfuse_status status;

    g->pairs = pairs;
    status = fill(g, places->first, places->item_j, places->count - places->first, err);
    if (status == LFUSE_OK)
        status = g->compare(g->user, places, err);
    g->m->done += (int64_t)pairs;
    return status;
}

static lfuse_status run_groups(struct lfi_groups *g, lfuse_error *err)
{
    int64_t n = g->m->count, size_i, size_j;
    lfuse_status status = LFUSE_OK;
    struct lfi_places p = {0};

    for (p.item_i = 0; p.item_i < n && status == LFUSE_OK; p.item_i += g->group) {
        size_i = n - p.item_i < g->group ? n - p.item_i : g->group;
        p.rows = p.count = size_i;
        p.first = 0;
        p.item_j = p.item_i;
        status = pass(g, &p, (double)(size_i * (size_i - 1) / 2), err);
        p.first = size_i;
        for (p.item_j += g->group; p.item_j < n && status == LFUSE_OK;
             p.item_j += g->group) {
            size_j = n - p.item_j < g->group ? n - p.item_j : g->group;
            p.count = size_i + size_j;
            status = pass(g, &p, (double)(size_i * size_j), err);
        }
    }
    return status;
}

lfuse_status lfi_groups_run(struct lfi_groups *g, lfuse_error *err)
{
    const struct lfi_env *env = g->m->env;
    lfuse_status status = lfi_alloc(env, (size_t)g->slots, g->scratch,
                                    "scratch of layers", &g->memory, err);

    if (status == LFUSE_OK)
        status = run_groups(g, err);
    lfi_free(env, g->memory, (size_t)g->slots, g->scratch);
    return status;
}
