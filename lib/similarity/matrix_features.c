/*
 * matrix_features.c - all pairs by metrics of features, which are taken once per weight
 *
 * Features are kept up to params.max_bytes. Where those of all items are more, items form
 * groups of half as many as fit; for each group that stays, the ones behind it pass by:
 *
 *     for each group I: pairs within I; for each group J behind it: pairs of I and J
 *
 * An item without features leaves its pairs open.
 */
#include "similarity/matrix.h"

#include <math.h>
#include <string.h>

/* The features of the items in hand: those of I, then those of J. */
struct bank {
    struct lfi_matrix *m;
    struct lfi_env inner; /* for tasks: serial */
    struct lfi_features_size size;
    bool wide;
    int64_t capacity; /* items */
    char *values;     /* (capacity, size.count) */
    uint8_t *good;    /* (capacity, size.blocks) */
    double *norm;     /* (capacity): square sums */
    int64_t *blocks;  /* (capacity): good ones; 0: there are no features */
    struct lfi_view *views;
    double *sums; /* (capacity, capacity) */
    char *scratch;
    int32_t slots;
    int64_t at;    /* the range that tasks fill */
    int64_t first; /* from this item on */
    double pairs;  /* that are at hand, for progress */
};

/* Most of the time goes into features; sums over pairs are the last tenth. */
#define SHARE_OF_FEATURES 0.9

static size_t value_bytes(const struct bank *b)
{
    return (size_t)b->size.count * (b->wide ? sizeof(double) : sizeof(float));
}

static double square_sum(const struct bank *b, const void *values)
{
    enum { CHUNK = 1024 };
    const float *x = values;
    struct lfi_pairs_tile tile = {.a = &x, .b = &x, .rows = 1, .cols = 1};
    double sum = 0.0;
    int64_t i;

    if (b->wide)
        return lfi_vectors_dot(values, values, b->size.count);
    tile.sums = &sum;
    for (i = 0; i < b->size.count; i += CHUNK) {
        x = (const float *)values + i;
        tile.count = b->size.count - i < CHUNK ? b->size.count - i : CHUNK;
        b->inner.kernels->pairs_f32(&tile);
    }
    return sum;
}

static lfuse_status fill_place(struct bank *b, const struct lfi_env *env, int64_t place,
                               int64_t item, void *scratch, lfuse_error *err)
{
    struct lfi_features f = {.wide = b->wide,
                             .values = b->values + (size_t)place * value_bytes(b),
                             .good = b->good + place * b->size.blocks};
    struct lfi_weight weight = {b->m->items[item].weights[b->m->weight], *b->m->params};
    lfuse_status status;
    bool usable;
    int64_t k;

    memset(f.good, 0, (size_t)b->size.blocks);
    status = b->m->metric->features->extract(env, &weight, scratch, &f, &usable, err);
    b->blocks[place] = 0;
    if (status != LFUSE_OK || !usable) {
        memset(f.values, 0, value_bytes(b));
        return status;
    }
    for (k = 0; k < b->size.blocks; k++)
        b->blocks[place] += f.good[k];
    b->norm[place] = square_sum(b, f.values);
    return LFUSE_OK;
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    struct bank *b = arg;
    size_t step = b->size.scratch + (size_t)-b->size.scratch % LFI_ALIGN;

    /* Serial: it cannot fail. */
    (void)fill_place(b, &b->inner, b->at + index, b->first + index,
                     b->scratch + (size_t)slot * step, NULL);
}

/* The features of items [first, first + count) into places from `at` on. */
static lfuse_status fill(struct bank *b, int64_t at, int64_t first, int64_t count,
                         lfuse_error *err)
{
    struct lfi_env env = *b->m->env;
    lfuse_status status = LFUSE_OK;
    int64_t i, batch;

    env.executor.concurrency = b->slots;
    for (i = 0; i < count && status == LFUSE_OK; i += batch) {
        batch = count - i < b->slots ? count - i : b->slots;
        b->at = at + i;
        b->first = first + i;
        if (b->slots == 1)
            status = fill_place(b, b->m->env, b->at, b->first, b->scratch, err);
        else
            status = lfi_parallel_for(&env, batch, run_task, b, err);
        if (status == LFUSE_OK)
            status = lfi_matrix_tell(
                b->m, b->pairs * SHARE_OF_FEATURES * (double)(i + batch) / (double)count,
                err);
    }
    return status;
}

static int64_t common_blocks(const struct bank *b, int64_t i, int64_t j)
{
    const uint8_t *a = b->good + i * b->size.blocks, *c = b->good + j * b->size.blocks;
    int64_t k, common = 0;

    for (k = 0; k < b->size.blocks; k++)
        common += a[k] & c[k];
    return common;
}

/* The mean of the cosines of common blocks; where they are all blocks, a plain cosine. */
static void finish_pair(struct bank *b, int64_t i, int64_t j, int64_t item_i,
                        int64_t item_j, double product)
{
    int64_t common = common_blocks(b, i, j);
    double value, share;

    if (common == 0 || b->m->state[item_i * b->m->count + item_j] != LFI_PAIR_OPEN)
        return;
    share = sqrt((double)b->blocks[i]) * sqrt((double)b->blocks[j]) / (double)common;
    value = product / (sqrt(b->norm[i]) * sqrt(b->norm[j])) * share;
    if (!isfinite(value))
        return;
    value = fmax(-1.0, fmin(1.0, value));
    lfi_matrix_set(b->m, item_i, item_j, value, value);
}

static lfuse_status tell(void *user, double share, lfuse_error *err)
{
    struct bank *b = user;

    share = SHARE_OF_FEATURES + (1.0 - SHARE_OF_FEATURES) * share;
    return lfi_matrix_tell(b->m, b->pairs * share, err);
}

/* Pairs of places i < rows and max(i + 1, first) <= j < count, of items from I and J on. */
static lfuse_status run_pairs(struct bank *b, int64_t rows, int64_t first, int64_t count,
                              int64_t item_i, int64_t item_j, lfuse_error *err)
{
    struct lfi_pair_sums p = {.views = b->views,
                              .count = count,
                              .rows = rows,
                              .first = first,
                              .sums = b->sums,
                              .tell = tell,
                              .user = b};
    lfuse_status status = lfi_pair_sums(b->m->env, &p, err);
    int64_t i, j;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < rows; i++)
        for (j = first > i ? first : i + 1; j < count; j++)
            if (b->blocks[i] > 0 && b->blocks[j] > 0)
                finish_pair(b, i, j, item_i + i, item_j + j - first,
                            b->sums[i * count + j]);
    b->m->done += (int64_t)b->pairs;
    return LFUSE_OK;
}

static lfuse_status run_groups(struct bank *b, int64_t group, lfuse_error *err)
{
    int64_t n = b->m->count, i, j, size_i, size_j;
    lfuse_status status = LFUSE_OK;

    for (i = 0; i < n && status == LFUSE_OK; i += group) {
        size_i = n - i < group ? n - i : group;
        b->pairs = (double)(size_i * (size_i - 1) / 2);
        status = fill(b, 0, i, size_i, err);
        if (status == LFUSE_OK)
            status = run_pairs(b, size_i, 0, size_i, i, i, err);
        for (j = i + group; j < n && status == LFUSE_OK; j += group) {
            size_j = n - j < group ? n - j : group;
            b->pairs = (double)(size_i * size_j);
            status = fill(b, size_i, j, size_j, err);
            if (status == LFUSE_OK)
                status = run_pairs(b, size_i, size_i, size_i + size_j, i, j, err);
        }
    }
    return status;
}

static size_t scratch_bytes(const struct bank *b)
{
    return (b->size.scratch + (size_t)-b->size.scratch % LFI_ALIGN) * (size_t)b->slots;
}

static lfuse_status allocate(struct bank *b, lfuse_error *err)
{
    const struct lfi_env *env = b->m->env;
    size_t n = (size_t)b->capacity, square;
    lfuse_status status;
    int64_t i;

    if (!lfi_mul_size(n, n, &square))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%zu layers do not fit", n);
    status = lfi_alloc(env, n, value_bytes(b), "features", &b->values, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, (size_t)b->size.blocks, "features", &b->good, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*b->norm), "features", &b->norm, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*b->blocks), "features", &b->blocks, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*b->views), "features", &b->views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, square, sizeof(*b->sums), "features", &b->sums, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc(env, scratch_bytes(b), 1, "scratch of features", &b->scratch, err);
    for (i = 0; i < b->capacity && status == LFUSE_OK; i++)
        b->views[i] = (struct lfi_view){
            .data = b->values + (size_t)i * value_bytes(b),
            .dims = {b->size.count},
            .strides = {1},
            .rank = 1,
            .dtype = b->wide ? LFUSE_F64 : LFUSE_F32,
        };
    return status;
}

static void release(struct bank *b)
{
    const struct lfi_env *env = b->m->env;
    size_t n = (size_t)b->capacity;

    lfi_free(env, b->scratch, scratch_bytes(b), 1);
    lfi_free(env, b->sums, n * n, sizeof(*b->sums));
    lfi_free(env, b->views, n, sizeof(*b->views));
    lfi_free(env, b->blocks, n, sizeof(*b->blocks));
    lfi_free(env, b->norm, n, sizeof(*b->norm));
    lfi_free(env, b->good, n, (size_t)b->size.blocks);
    lfi_free(env, b->values, n, value_bytes(b));
}

/* How many items fit, and how many are prepared at the same time; false: there are none. */
static bool plan(struct bank *b)
{
    size_t most = b->m->params->max_bytes, each;
    int64_t i;

    for (i = 0; i < b->m->count; i++) {
        struct lfi_weight weight = {b->m->items[i].weights[b->m->weight], *b->m->params};
        struct lfi_features_size size;

        if (!b->m->metric->features->size(&weight, &size))
            return false;
        if (i > 0 && (size.count != b->size.count || size.blocks != b->size.blocks))
            return false;
        b->wide |= weight.view.dtype == LFUSE_F64;
        b->size.count = size.count;
        b->size.blocks = size.blocks;
        if (size.scratch > b->size.scratch)
            b->size.scratch = size.scratch;
    }
    if (!lfi_mul_size((size_t)b->size.count, sizeof(double), &each) ||
        !lfi_add_size(each, (size_t)b->size.blocks, &each))
        return false;
    b->capacity = most / each > 2 ? (int64_t)(most / each) : 2;
    b->slots = b->m->env->executor.concurrency;
    if (b->size.scratch > 0 && most / b->size.scratch < (size_t)b->slots)
        b->slots = most / b->size.scratch > 0 ? (int32_t)(most / b->size.scratch) : 1;
    if (b->m->count < b->slots) /* its own loops have more to give */
        b->slots = 1;
    return true;
}

lfuse_status lfi_matrix_features(struct lfi_matrix *m, lfuse_error *err)
{
    struct bank b = {.m = m, .inner = *m->env};
    lfuse_status status;
    int64_t group;

    if (!plan(&b))
        return LFUSE_OK;
    group = b.capacity < m->count ? b.capacity / 2 : m->count;
    b.capacity = b.capacity < m->count ? 2 * group : m->count;
    b.inner.executor = lfi_executor_serial();
    status = allocate(&b, err);
    if (status == LFUSE_OK)
        status = run_groups(&b, group, err);
    release(&b);
    return status;
}
