/*
 * join.c - joins groups, best first, until what was asked for is reached
 *
 * O'Neill et al. 2021, algorithms 1 and 2.
 */
#include "fusion/planning.h"

#include <math.h>

/* Whether the groups of a and b have a layer each of two that are to stay apart. */
static bool are_apart(const struct lfi_plan *plan, int64_t a, int64_t b)
{
    const int64_t *owner = plan->goal.owner;
    int64_t i;

    for (i = 0; i < plan->options.apart_count; i++) {
        const int64_t x = owner[plan->options.apart[i].a],
                      y = owner[plan->options.apart[i].b];

        if ((x == a && y == b) || (x == b && y == a))
            return true;
    }
    return false;
}

bool lfi_join_may(const struct lfi_join *j, int64_t a, int64_t b)
{
    return a != b && !j->barred[a] && !j->barred[b] &&
           !(j->choice->pinned[a] && j->choice->pinned[b]) &&
           j->size[a] + j->size[b] <= j->plan->options.max_group &&
           !are_apart(j->plan, a, b);
}

/* ---- how far -------------------------------------------------------------------------- */

static size_t unique_bytes(const struct lfi_plan *plan)
{
    return plan->options.base == LFUSE_BASE_ALL ? plan->account.all_unique_bytes
                                                : plan->account.candidates_unique_bytes;
}

bool lfi_plan_is_reached(const struct lfi_plan *plan)
{
    const struct lfi_plan_options *o = &plan->options;

    return (o->ratio > 0.0 && lfi_account_ratio(&plan->account, o->base) >= o->ratio) ||
           (o->max_unique_bytes > 0 && unique_bytes(plan) <= o->max_unique_bytes);
}

bool lfi_plan_is_alike_enough(const struct lfi_plan *plan, double cost)
{
    const struct lfi_plan_options *o = &plan->options;
    const bool is_distance = lfi_metric_of(&o->similarity)->is_distance;

    return !o->has_threshold || cost <= (is_distance ? o->threshold : -o->threshold);
}

bool lfi_plan_must_reach(const struct lfi_plan *plan)
{
    const struct lfi_plan_options *o = &plan->options;

    return (o->ratio > 0.0 || o->max_unique_bytes > 0) && !o->may_fall_short;
}

/* The largest ratio is printed rounded down: what the message says can be asked for. */
lfuse_status lfi_plan_fail_unreachable(const struct lfi_plan *plan, lfuse_error *err)
{
    const struct lfi_plan_options *o = &plan->options;
    const char *base = o->base == LFUSE_BASE_ALL ? "all parameters" : "the candidates";
    const double most = lfi_account_ratio(&plan->account, o->base);

    if (o->ratio == 0.0)
        return lfi_fail(err, LFUSE_ERR_UNREACHABLE,
                        "max_unique_bytes %zu of %s is out of reach: joining the most "
                        "alike first reaches %zu",
                        o->max_unique_bytes, base, unique_bytes(plan));
    return lfi_fail(err, LFUSE_ERR_UNREACHABLE,
                    "ratio %.17g of %s is out of reach: joining the most alike first "
                    "reaches %.10g",
                    o->ratio, base, floor(most * 1e6) / 1e6);
}

/* ---- joining ----------------------------------------------------------------------------- */

static void note_fusion(struct lfi_join *j, const struct lfi_pair *link, int64_t kept)
{
    struct lfi_plan *plan = j->plan;
    struct lfi_account *account = &plan->account;
    const int64_t saved = lfi_layer_weight_elements(j->layers[kept]);
    const size_t bytes = lfi_layer_weight_bytes(j->layers[kept]);

    account->candidates_unique -= saved;
    account->candidates_unique_bytes -= bytes;
    account->all_unique -= saved;
    account->all_unique_bytes -= bytes;
    plan->fusions[plan->fusion_count++] =
        (struct lfi_fusion){.a = link->a,
                            .b = link->b,
                            .kept = kept,
                            .score = link->score,
                            .saved_parameters = saved,
                            .ratio = lfi_account_ratio(account, plan->options.base)};
}

lfuse_status lfi_join_link(struct lfi_join *j, struct lfi_kin *kin, struct lfi_pair link,
                           lfuse_error *err)
{
    int64_t *owner = j->plan->goal.owner;
    const int64_t a = owner[link.a], b = owner[link.b],
                  kept = lfi_join_kept(j, kin, a, b),
                  g = kin->group[lfi_kin_find(kin, link.a)],
                  h = kin->group[lfi_kin_find(kin, link.b)];
    int64_t i;

    j->size[kept] = j->size[a] + j->size[b];
    for (i = 0; i < j->plan->layer_count; i++)
        if (owner[i] == a || owner[i] == b)
            owner[i] = kept;
    note_fusion(j, &link, kept);
    return lfi_links_join(j, kin, g < h ? g : h, g < h ? h : g, err);
}

static lfuse_status join_all(struct lfi_join *j, lfuse_error *err)
{
    struct lfi_plan *plan = j->plan;
    lfuse_status status = LFUSE_OK;

    while (status == LFUSE_OK && !lfi_plan_is_reached(plan) &&
           plan->fusion_count < plan->options.top_k) {
        struct lfi_kin *kin = NULL;
        const struct lfi_pair *link = lfi_links_best(j, &kin);

        if (link == NULL && lfi_plan_must_reach(plan))
            return lfi_plan_fail_unreachable(plan, err);
        if (link == NULL || !lfi_plan_is_alike_enough(plan, link->cost))
            return LFUSE_OK;
        status = lfi_join_link(j, kin, *link, err);
    }
    return status;
}

/* What groups in force are like. */
static lfuse_status count_groups(struct lfi_join *j, lfuse_error *err)
{
    const int64_t *owner = j->plan->goal.owner;
    int64_t i;

    for (i = 0; i < j->plan->layer_count; i++) {
        if (j->choice->pinned[i] && owner[i] != i)
            return lfi_fail(err, LFUSE_ERR_STATE,
                            "layer %.80s is pinned, but by the ties in force it has the "
                            "buffer of %.80s",
                            j->layers[i]->name, j->layers[owner[i]]->name);
        j->size[owner[i]]++;
        j->barred[owner[i]] = j->barred[owner[i]] || j->choice->bar[i] != LFI_BAR_NONE;
    }
    return LFUSE_OK;
}

static lfuse_status run(struct lfi_join *j, lfuse_error *err)
{
    const int64_t *owner = j->plan->goal.owner;
    lfuse_status status = count_groups(j, err);
    int64_t i;

    lfi_account_measure(j->layers, j->plan->layer_count, owner, &j->plan->account);
    if (status == LFUSE_OK && j->plan->options.linkage == LFUSE_LINKAGE_MERGED)
        status = lfi_means_create(j, err);
    for (i = 0; i < j->kins->count && status == LFUSE_OK; i++)
        status = lfi_links_create(j, &j->kins->items[i], err);
    if (status == LFUSE_OK)
        status = lfi_join_forced(j, err);
    if (status == LFUSE_OK)
        status = join_all(j, err);
    lfi_grouping_set(&j->plan->goal, owner);
    lfi_account_measure(j->layers, j->plan->layer_count, owner, &j->plan->account);
    return status;
}

lfuse_status lfi_plan_join(const struct lfi_env *env,
                           const struct lfi_layer *const *layers,
                           const struct lfi_choice *choice, struct lfi_kins *kins,
                           struct lfi_plan *plan, lfuse_error *err)
{
    const size_t n = (size_t)plan->layer_count;
    struct lfi_join j = {.env = env,
                         .layers = layers,
                         .choice = choice,
                         .metric = lfi_metric_of(&plan->options.similarity),
                         .kins = kins,
                         .plan = plan,
                         .middle = lfi_join_middle(layers, plan->layer_count)};
    lfuse_status status;

    status = lfi_alloc_zero(env, n, sizeof(*j.size), "groups", &j.size, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*j.barred), "groups", &j.barred, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*j.forced), "groups", &j.forced, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*j.bonds), "links", &j.bonds, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*j.list), "links", &j.list, err);
    if (status == LFUSE_OK)
        status = run(&j, err);
    lfi_means_destroy(&j);
    lfi_free(env, j.list, n, sizeof(*j.list));
    lfi_free(env, j.bonds, n, sizeof(*j.bonds));
    lfi_free(env, j.forced, n, sizeof(*j.forced));
    lfi_free(env, j.barred, n, sizeof(*j.barred));
    lfi_free(env, j.size, n, sizeof(*j.size));
    return status;
}
