/*
 * matrix_features.c - all pairs by metrics of features, which are taken once per weight
 *
 * Features are kept as matrix_groups.c says. An item without features leaves its pairs open.
 */
#include "similarity/matrix.h"

#include <math.h>
#include <string.h>

/* The features of the items at hand. */
struct bank {
    struct lfi_groups groups;
    struct lfi_matrix *m;
    struct lfi_features_size size;
    bool wide;
    char *values;    /* (capacity, size.count) */
    uint8_t *good;   /* (capacity, size.blocks) */
    double *norm;    /* (capacity): square sums */
    int64_t *blocks; /* (capacity): good ones; 0: there are no features */
    struct lfi_view *views;
    double *sums; /* (capacity, capacity) */
};

/* Most of the time goes into features; sums over pairs are the last tenth. */
#define SHARE_OF_FEATURES 0.9

static size_t value_bytes(const struct bank *b)
{
    return (size_t)b->size.count * (b->wide ? sizeof(double) : sizeof(float));
}

/* Of the same sums as those over pairs, so that equal features are at a cosine of 1. */
static double square_sum(const struct bank *b, const void *values)
{
    const float *x = values;
    struct lfi_pairs_tile tile = {.a = &x, .b = &x, .rows = 1, .cols = 1};
    double sum = 0.0;
    int64_t i;

    if (b->wide)
        return lfi_vectors_dot(values, values, b->size.count);
    tile.sums = &sum;
    for (i = 0; i < b->size.count; i += LFI_PAIR_CHUNK) {
        x = (const float *)values + i;
        tile.count =
            b->size.count - i < LFI_PAIR_CHUNK ? b->size.count - i : LFI_PAIR_CHUNK;
        b->m->env->kernels->pairs_f32(&tile);
    }
    return sum;
}

static lfuse_status keep(void *user, const struct lfi_env *env, int64_t place,
                         int64_t item, void *scratch, lfuse_error *err)
{
    struct bank *b = user;
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

    return lfi_groups_tell(&b->groups, share, err);
}

/* The rows at hand that are this rank's. */
static void own_places(const struct bank *b, const struct lfi_places *at, int64_t *begin,
                       int64_t *end)
{
    lfi_matrix_own_rows(b->m, begin, end);
    *begin = *begin > at->item_i ? *begin - at->item_i : 0;
    *end = *end - at->item_i < at->rows ? *end - at->item_i : at->rows;
}

static lfuse_status compare(void *user, const struct lfi_places *at, lfuse_error *err)
{
    struct bank *b = user;
    struct lfi_pair_sums p = {.sums = b->sums, .tell = tell, .user = b};
    int64_t begin, end, i, j;
    lfuse_status status;

    own_places(b, at, &begin, &end);
    if (begin >= end)
        return LFUSE_OK;
    p.views = b->views + begin;
    p.rows = end - begin;
    p.first = at->first > begin ? at->first - begin : 0;
    p.count = at->count - begin;
    status = lfi_pair_sums(b->m->env, &p, err);
    if (status != LFUSE_OK)
        return status;
    for (i = begin; i < end; i++)
        for (j = at->first > i ? at->first : i + 1; j < at->count; j++)
            if (b->blocks[i] > 0 && b->blocks[j] > 0)
                finish_pair(b, i, j, at->item_i + i, at->item_j + j - at->first,
                            b->sums[(i - begin) * p.count + j - begin]);
    return LFUSE_OK;
}

static lfuse_status allocate(struct bank *b, lfuse_error *err)
{
    const struct lfi_env *env = b->m->env;
    size_t n = (size_t)b->groups.capacity, square;
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
    for (i = 0; i < b->groups.capacity && status == LFUSE_OK; i++)
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
    size_t n = (size_t)b->groups.capacity;

    lfi_free(env, b->sums, n * n, sizeof(*b->sums));
    lfi_free(env, b->views, n, sizeof(*b->views));
    lfi_free(env, b->blocks, n, sizeof(*b->blocks));
    lfi_free(env, b->norm, n, sizeof(*b->norm));
    lfi_free(env, b->good, n, (size_t)b->size.blocks);
    lfi_free(env, b->values, n, value_bytes(b));
}

/* What features take, and their scratch; false: there are none. */
static bool measure(struct bank *b)
{
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
    return lfi_mul_size((size_t)b->size.count, sizeof(double), &b->groups.bytes) &&
           lfi_add_size(b->groups.bytes, (size_t)b->size.blocks, &b->groups.bytes);
}

lfuse_status lfi_matrix_features(struct lfi_matrix *m, lfuse_error *err)
{
    struct bank b = {.m = m,
                     .groups = {.m = m,
                                .share = SHARE_OF_FEATURES,
                                .nested = true,
                                .keep = keep,
                                .compare = compare}};
    lfuse_status status;

    if (!measure(&b))
        return LFUSE_OK;
    b.groups.scratch = b.size.scratch;
    b.groups.user = &b;
    lfi_groups_plan(&b.groups);
    status = allocate(&b, err);
    b.groups.kept[0].values = b.values;
    b.groups.kept[0].bytes = value_bytes(&b);
    b.groups.kept[1].values = b.good;
    b.groups.kept[1].bytes = (size_t)b.size.blocks;
    b.groups.kept[2].values = b.norm;
    b.groups.kept[2].bytes = sizeof(*b.norm);
    b.groups.kept[3].values = b.blocks;
    b.groups.kept[3].bytes = sizeof(*b.blocks);
    if (status == LFUSE_OK)
        status = lfi_groups_run(&b.groups, err);
    release(&b);
    return status;
}
