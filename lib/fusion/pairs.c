/*
 * pairs.c - every pair of one param type, the most alike first
 *
 * O'Neill et al. 2021, algorithm 1. Types rank together: a pair's place depends on its score
 * alone, and among equal scores on the order of its layers. So the order is total, and any
 * sort gives it; the heap sort here takes no memory that the allocator has not given.
 */
#include "fusion/fusion.h"

/* ---- ranking --------------------------------------------------------------------------- */

static bool is_before(const struct lfi_pair *p, const struct lfi_pair *q)
{
    if (p->cost != q->cost)
        return p->cost < q->cost;
    return p->a != q->a ? p->a < q->a : p->b < q->b;
}

static void swap(struct lfi_pair *p, struct lfi_pair *q)
{
    const struct lfi_pair keep = *p;

    *p = *q;
    *q = keep;
}

/* Lets pairs[root] sink to its place in the heap whose top is the last in rank. */
static void sink(struct lfi_pair *pairs, int64_t root, int64_t count)
{
    int64_t child;

    while ((child = 2 * root + 1) < count) {
        if (child + 1 < count && is_before(&pairs[child], &pairs[child + 1]))
            child++;
        if (!is_before(&pairs[root], &pairs[child]))
            return;
        swap(&pairs[root], &pairs[child]);
        root = child;
    }
}

static void rank(struct lfi_pair *pairs, int64_t count)
{
    int64_t i;

    for (i = count / 2 - 1; i >= 0; i--)
        sink(pairs, i, count);
    for (i = count - 1; i > 0; i--) {
        swap(&pairs[0], &pairs[i]);
        sink(pairs, 0, i);
    }
}

/* ---- measuring --------------------------------------------------------------------------- */

/* Progress over all types, out of that over one. */
struct share {
    const struct lfi_env *env;
    int64_t before; /* pairs of the types that are done */
    int64_t pairs;  /* of this type */
    int64_t total;
};

static int32_t tell_share(const char *what, int64_t done, int64_t total, void *user)
{
    const struct share *share = user;

    if (total > 0)
        done = done * share->pairs / total;
    return share->env->progress(what, share->before + done, share->total,
                                share->env->progress_user);
}

/* What similarity is asked about one type. */
struct question {
    int64_t count;        /* of layers */
    int64_t weight_count; /* of each */
    struct lfi_view *views;
    const char **names; /* of a layer's weights: the same for all */
    struct lfi_similarity_item *items;
    double *scores; /* (count, count) */
};

static void question_free(const struct lfi_env *env, struct question *q)
{
    const size_t n = (size_t)q->count;

    lfi_free(env, q->scores, n * n, sizeof(*q->scores));
    lfi_free(env, q->items, n, sizeof(*q->items));
    lfi_free(env, q->names, (size_t)q->weight_count, sizeof(*q->names));
    lfi_free(env, q->views, n * (size_t)q->weight_count, sizeof(*q->views));
}

static lfuse_status question_create(const struct lfi_env *env,
                                    const struct lfi_layer *const *layers,
                                    const int64_t *members, int64_t count,
                                    struct question *q, lfuse_error *err)
{
    const size_t n = (size_t)count;
    lfuse_status status;
    int64_t i, k;

    *q = (struct question){.count = count,
                           .weight_count = lfi_layer_weight_count(layers[members[0]])};
    status = lfi_alloc(env, n * (size_t)q->weight_count, sizeof(*q->views), "weights",
                       &q->views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)q->weight_count, sizeof(*q->names), "names",
                           &q->names, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*q->items), "layers", &q->items, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n * n, sizeof(*q->scores), "scores", &q->scores, err);
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        const struct lfi_layer *layer = layers[members[i]];
        struct lfi_view *views = q->views + i * q->weight_count;

        for (k = 0; k < q->weight_count; k++) {
            const struct lfi_parameter *p = lfi_layer_weight(layer, (int32_t)k);

            views[k] = lfi_view_axis_first(&p->value->view, p->output_axis);
            q->names[k] = p->name;
        }
        q->items[i] = (struct lfi_similarity_item){.name = layer->name,
                                                   .weights = views,
                                                   .weight_names = q->names,
                                                   .count = q->weight_count};
    }
    return status;
}

/* Where i to j is not j to i, a pair scores their mean. */
static double pair_score(const struct question *q, const struct lfi_metric *metric,
                         int64_t i, int64_t j)
{
    const double there = q->scores[i * q->count + j], back = q->scores[j * q->count + i];

    return metric->is_symmetric ? there : 0.5 * there + 0.5 * back;
}

/* Appends the pairs of one type. */
static lfuse_status measure_type(const struct lfi_env *env,
                                 const struct lfi_layer *const *layers,
                                 const int64_t *members, int64_t count,
                                 const struct lfi_similarity_params *params,
                                 struct lfi_pair *pairs, lfuse_error *err)
{
    const struct lfi_metric *metric = lfi_metric_of(params);
    struct question q;
    lfuse_status status;
    int64_t i, j;

    status = question_create(env, layers, members, count, &q, err);
    if (status == LFUSE_OK)
        status = lfi_similarity_matrix(env, q.items, count, params, q.scores, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        for (j = i + 1; j < count; j++) {
            const double score = pair_score(&q, metric, i, j);

            *pairs++ = (struct lfi_pair){metric->is_distance ? score : -score, score,
                                         members[i], members[j]};
        }
    question_free(env, &q);
    return status;
}

static int64_t pairs_of(const struct lfi_candidates *c, int64_t type)
{
    const int64_t n = c->first[type + 1] - c->first[type];

    return n * (n - 1) / 2;
}

lfuse_status lfi_pairs_measure(const struct lfi_env *env,
                               const struct lfi_layer *const *layers,
                               const struct lfi_candidates *candidates,
                               const struct lfi_similarity_params *params,
                               struct lfi_pair **pairs, int64_t *count, lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    struct lfi_env shared = *env;
    struct share share = {env, 0, 0, 0};
    lfuse_status status;
    int64_t type;

    for (type = 0; type < c->type_count; type++)
        share.total += pairs_of(c, type);
    shared.progress = env->progress == NULL ? NULL : tell_share;
    shared.progress_user = &share;
    *count = share.total;
    status = lfi_alloc(env, (size_t)share.total, sizeof(**pairs), "pairs", pairs, err);
    for (type = 0; type < c->type_count && status == LFUSE_OK; type++) {
        share.pairs = pairs_of(c, type);
        status = measure_type(&shared, layers, c->members + c->first[type],
                              c->first[type + 1] - c->first[type], params,
                              *pairs + share.before, err);
        share.before += share.pairs;
    }
    if (status == LFUSE_OK) {
        rank(*pairs, *count);
        return LFUSE_OK;
    }
    lfi_free(env, *pairs, (size_t)*count, sizeof(**pairs));
    *pairs = NULL;
    return status;
}
