/*
 * scores.c - every two candidates of one param type, and how alike they are
 *
 * O'Neill et al. 2021, algorithm 1. Types rank together: a pair's place depends on its score
 * alone, and among equal scores on the order of its layers. So the order is total.
 */
#include "fusion/planning.h"

#include <math.h>

int32_t lfi_share_tell(const char *what, int64_t done, int64_t total, void *user)
{
    const struct lfi_share *share = user;

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
};

static void question_free(const struct lfi_env *env, struct question *q)
{
    const size_t n = (size_t)q->count;

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

/* The first failure of each layer; status 0: none. A failing callback fails all. */
static int32_t note_failure(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    lfuse_error *first = user;

    if (error->status == LFUSE_ERR_CALLBACK)
        return 1;
    if (first[i].status == LFUSE_OK)
        first[i] = *error;
    if (first[j].status == LFUSE_OK)
        first[j] = *error;
    return 0;
}

/* Layers that cannot be compared to any other are left out. */
static lfuse_status skip_incomparable(const struct lfi_env *env,
                                      const struct lfi_kin *kin, const lfuse_error *first,
                                      struct lfi_choice *choice, struct lfi_plan *plan,
                                      lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t x, y, good;

    for (x = 0; x < kin->count && status == LFUSE_OK; x++) {
        for (y = good = 0; y < kin->count; y++)
            good += y != x && !isnan(kin->scores[x * kin->count + y]);
        if (good > 0)
            continue;
        choice->bar[kin->members[x]] = LFI_BAR_SKIPPED;
        status = lfi_plan_skip(env, plan, kin->members[x], first[x].message, err);
    }
    return status;
}

static lfuse_status measure(const struct lfi_env *env,
                            const struct lfi_layer *const *layers,
                            struct lfi_choice *choice, struct lfi_plan *plan,
                            struct lfi_kin *kin, lfuse_error *err)
{
    struct lfi_similarity_params params = plan->options.similarity;
    const bool skips = plan->options.skip_unequal;
    const size_t n = skips ? (size_t)kin->count : 0;
    lfuse_error *first = NULL;
    struct question q;
    lfuse_status status;
    int64_t i;

    for (i = 0; i < kin->count * kin->count; i++)
        kin->scores[i] = NAN;
    status = question_create(env, layers, kin->members, kin->count, &q, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*first), "failures", &first, err);
    params.failed = skips ? note_failure : NULL;
    params.failed_user = first;
    if (status == LFUSE_OK)
        status =
            lfi_similarity_matrix(env, q.items, kin->count, &params, kin->scores, err);
    if (status == LFUSE_OK && skips)
        status = skip_incomparable(env, kin, first, choice, plan, err);
    lfi_free(env, first, n, sizeof(*first));
    question_free(env, &q);
    return status;
}

static lfuse_status kin_create(const struct lfi_env *env, struct lfi_kin *kin,
                               lfuse_error *err)
{
    const size_t n = (size_t)kin->count;
    lfuse_status status;

    status = lfi_alloc(env, n * n, sizeof(*kin->scores), "scores", &kin->scores, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*kin->group), "groups", &kin->group, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n * n, sizeof(*kin->links), "links", &kin->links, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*kin->best), "links", &kin->best, err);
    return status;
}

static void kin_destroy(const struct lfi_env *env, struct lfi_kin *kin)
{
    const size_t n = (size_t)kin->count;

    lfi_free(env, kin->best, n, sizeof(*kin->best));
    lfi_free(env, kin->links, n * n, sizeof(*kin->links));
    lfi_free(env, kin->group, n, sizeof(*kin->group));
    lfi_free(env, kin->scores, n * n, sizeof(*kin->scores));
}

static int64_t pairs_of(const struct lfi_kin *kin)
{
    return kin->count * (kin->count - 1) / 2;
}

static lfuse_status measure_all(const struct lfi_env *env,
                                const struct lfi_layer *const *layers,
                                struct lfi_choice *choice, struct lfi_plan *plan,
                                struct lfi_kins *kins, lfuse_error *err)
{
    struct lfi_env shared = *env;
    struct lfi_share share = {env, 0, 0, 0};
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < kins->count; i++)
        share.total += pairs_of(&kins->items[i]);
    shared.progress = env->progress == NULL ? NULL : lfi_share_tell;
    shared.progress_user = &share;
    for (i = 0; i < kins->count && status == LFUSE_OK; i++) {
        share.pairs = pairs_of(&kins->items[i]);
        status = measure(&shared, layers, choice, plan, &kins->items[i], err);
        share.before += share.pairs;
    }
    return status;
}

lfuse_status lfi_kins_measure(const struct lfi_env *env,
                              const struct lfi_layer *const *layers,
                              const struct lfi_candidates *candidates,
                              struct lfi_choice *choice, struct lfi_plan *plan,
                              struct lfi_kins *kins, lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    lfuse_status status;
    int64_t i;

    *kins = (struct lfi_kins){0};
    status = lfi_alloc_zero(env, (size_t)c->type_count, sizeof(*kins->items),
                            "param types", &kins->items, err);
    if (status == LFUSE_OK)
        kins->count = c->type_count;
    for (i = 0; i < kins->count && status == LFUSE_OK; i++) {
        struct lfi_kin *kin = &kins->items[i];

        kin->members = c->members + c->first[i];
        kin->count = c->first[i + 1] - c->first[i];
        status = kin_create(env, kin, err);
    }
    if (status == LFUSE_OK)
        status = measure_all(env, layers, choice, plan, kins, err);
    if (status != LFUSE_OK)
        lfi_kins_destroy(env, kins);
    return status;
}

void lfi_kins_destroy(const struct lfi_env *env, struct lfi_kins *kins)
{
    int64_t i;

    for (i = 0; i < kins->count; i++)
        kin_destroy(env, &kins->items[i]);
    lfi_free(env, kins->items, (size_t)kins->count, sizeof(*kins->items));
    *kins = (struct lfi_kins){0};
}

int64_t lfi_kin_find(const struct lfi_kin *kin, int64_t layer)
{
    int64_t x = 0;

    while (kin->members[x] != layer)
        x++;
    return x;
}

/* Where i to j is not j to i, a pair scores their mean. */
struct lfi_pair lfi_kin_pair(const struct lfi_kin *kin, const struct lfi_metric *metric,
                             int64_t x, int64_t y)
{
    const double there = kin->scores[x * kin->count + y],
                 back = kin->scores[y * kin->count + x],
                 score = metric->is_symmetric ? there : 0.5 * there + 0.5 * back;

    return (struct lfi_pair){metric->is_distance ? score : -score, score, kin->members[x],
                             kin->members[y]};
}

bool lfi_pair_is_before(const struct lfi_pair *p, const struct lfi_pair *q)
{
    if (p->cost != q->cost)
        return p->cost < q->cost;
    return p->a != q->a ? p->a < q->a : p->b < q->b;
}
