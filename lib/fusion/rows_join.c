/*
 * rows_join.c - joins groups of rows, best first, until what was asked for is reached
 *
 *     single     cost of g and h together to x: the least of g to x and h to x
 *     complete   the greatest
 *     average    (|g| c(g, x) + |h| c(h, x)) / (|g| + |h|)
 *
 * Every group goes by its first row and remembers the best later one to join; joining two costs
 * a pass over their costs, and over those of groups that remembered one of them. Groups that cost
 * the same are taken in the order of their first rows.
 */
#include "fusion/planning.h"

#include <math.h>

struct join {
    const struct lfi_layer *const *layers;
    const struct lfi_choice *choice;
    struct lfi_row_kins *kins;
    struct lfi_plan *plan;
    struct lfi_join keep; /* what lfi_join_kept() looks at */
};

static double cost_of(const struct lfi_row_kin *kin, int64_t x, int64_t y)
{
    return x < y ? kin->costs[x * kin->count + y] : kin->costs[y * kin->count + x];
}

/* ---- which two --------------------------------------------------------------------------- */

static bool may_join(const struct join *j, const struct lfi_row_kin *kin, int64_t x,
                     int64_t y)
{
    return !kin->barred[x] && !kin->barred[y] && !(kin->pinned[x] && kin->pinned[y]) &&
           isfinite(cost_of(kin, x, y)) &&
           kin->size[x] + kin->size[y] <= j->plan->options.max_group;
}

/* Looks for the best of the groups after x. */
static void scan(const struct join *j, struct lfi_row_kin *kin, int64_t x)
{
    int64_t y;

    kin->best[x] = -1;
    for (y = x + 1; y < kin->count; y++)
        if (kin->group[y] == y && may_join(j, kin, x, y) &&
            (kin->best[x] < 0 || cost_of(kin, x, y) < cost_of(kin, x, kin->best[x])))
            kin->best[x] = y;
}

/* The first group of the best two of a kin; -1: none may join. Groups grow: what was remembered may
 * have become too large. */
static int64_t best_of(const struct join *j, struct lfi_row_kin *kin)
{
    int64_t best = -1, x;

    for (x = 0; x < kin->count; x++) {
        if (kin->group[x] != x || kin->best[x] < 0)
            continue;
        if (!may_join(j, kin, x, kin->best[x]))
            scan(j, kin, x);
        if (kin->best[x] >= 0 && (best < 0 || cost_of(kin, x, kin->best[x]) <
                                                  cost_of(kin, best, kin->best[best])))
            best = x;
    }
    return best;
}

static struct lfi_row_kin *best_kin(const struct join *j, int64_t *first)
{
    struct lfi_row_kin *best = NULL;
    double least = INFINITY;
    int64_t i, x;

    for (i = 0; i < j->kins->count; i++) {
        struct lfi_row_kin *kin = &j->kins->items[i];

        x = best_of(j, kin);
        if (x >= 0 && cost_of(kin, x, kin->best[x]) < least) {
            least = cost_of(kin, x, kin->best[x]);
            best = kin;
            *first = x;
        }
    }
    return best;
}

/* ---- joining -------------------------------------------------------------------------------- */

static double linked(const struct join *j, const struct lfi_row_kin *kin, int64_t g,
                     int64_t h, int64_t x)
{
    const double cg = cost_of(kin, g, x), ch = cost_of(kin, h, x),
                 ng = (double)kin->size[g], nh = (double)kin->size[h];

    switch (j->plan->options.linkage) {
    case LFUSE_LINKAGE_AVERAGE: return (ng * cg + nh * ch) / (ng + nh);
    case LFUSE_LINKAGE_COMPLETE: return fmax(cg, ch);
    default: return fmin(cg, ch);
    }
}

/* The groups of g < h become one. */
static void link_groups(const struct join *j, struct lfi_row_kin *kin, int64_t g,
                        int64_t h)
{
    int64_t x;

    for (x = 0; x < kin->count; x++) {
        if (kin->group[x] != x || x == g || x == h)
            continue;
        kin->costs[x < g ? x * kin->count + g : g * kin->count + x] =
            linked(j, kin, g, h, x);
    }
    for (x = h; x < kin->count; x++)
        if (kin->group[x] == h)
            kin->group[x] = g;
    kin->size[g] += kin->size[h];
    kin->barred[g] = kin->barred[g] || kin->barred[h];
    kin->pinned[g] = kin->pinned[g] || kin->pinned[h];
    for (x = 0; x < h; x++) {
        if (kin->group[x] != x)
            continue;
        if (x == g || kin->best[x] == g || kin->best[x] == h)
            scan(j, kin, x);
        else if (x < g && may_join(j, kin, x, g) &&
                 (kin->best[x] < 0 ||
                  cost_of(kin, x, g) < cost_of(kin, x, kin->best[x]) ||
                  (cost_of(kin, x, g) <= cost_of(kin, x, kin->best[x]) &&
                   g < kin->best[x])))
            kin->best[x] = g;
    }
}

/* The most alike rows of two groups; of those that are as alike, the first. */
static void find_pair(const struct lfi_row_kin *kin, int64_t g, int64_t h, int64_t *a,
                      int64_t *b)
{
    double least = INFINITY;
    int64_t x, y, low, high;

    for (x = g; x < kin->count; x++)
        for (y = h; y < kin->count && kin->group[x] == g; y++) {
            low = x < y ? x : y;
            high = x < y ? y : x;
            if (kin->group[y] != h || kin->costs[high * kin->count + low] > least)
                continue;
            if (kin->costs[high * kin->count + low] < least || low < *a ||
                (low == *a && high < *b)) {
                least = kin->costs[high * kin->count + low];
                *a = low;
                *b = high;
            }
        }
}

/* Which of two owners keeps its values: by their layers, in one layer the first. */
static int64_t kept_of(const struct join *j, int64_t a, int64_t b)
{
    const int64_t la = lfi_rows_find(&j->plan->rows, a).layer,
                  lb = lfi_rows_find(&j->plan->rows, b).layer;

    if (la == lb)
        return a < b ? a : b;
    return lfi_join_kept(&j->keep, NULL, la, lb) == la ? a : b;
}

static void note_fusion(const struct join *j, int64_t a, int64_t b, int64_t kept,
                        double cost)
{
    struct lfi_plan *plan = j->plan;
    struct lfi_account *account = &plan->account;
    const struct lfi_row ra = lfi_rows_find(&plan->rows, a),
                         rb = lfi_rows_find(&plan->rows, b),
                         rk = lfi_rows_find(&plan->rows, kept);
    const struct lfi_parameter *p = lfi_layer_weight(j->layers[ra.layer], ra.weight);
    const struct lfi_view row = lfi_row_view(p->value, p->output_axis, ra.index);
    const int64_t saved = lfi_view_elements(&row);
    const bool is_distance = lfi_metric_of(&plan->options.similarity)->is_distance;

    account->candidates_unique -= saved;
    account->candidates_unique_bytes -= lfi_view_bytes(&row);
    account->all_unique -= saved;
    account->all_unique_bytes -= lfi_view_bytes(&row);
    plan->fusions[plan->fusion_count++] =
        (struct lfi_fusion){.a = ra.layer,
                            .b = rb.layer,
                            .kept = rk.layer,
                            .score = is_distance ? cost : -cost,
                            .saved_parameters = saved,
                            .ratio = lfi_account_ratio(account, plan->options.base),
                            .weight = ra.weight,
                            .row_a = ra.index,
                            .row_b = rb.index,
                            .row_kept = rk.index};
}

/* The best two of a kin, of which g is the first. */
static void join_groups(const struct join *j, struct lfi_row_kin *kin, int64_t g)
{
    int64_t *owner = j->plan->row_goal.owner, a = -1, b = -1, kept, x;
    const int64_t h = kin->best[g];
    const double cost = cost_of(kin, g, h);

    find_pair(kin, g, h, &a, &b);
    kept = kept_of(j, owner[kin->rows[g]], owner[kin->rows[h]]);
    for (x = g; x < kin->count; x++)
        if (kin->group[x] == g || kin->group[x] == h)
            owner[kin->rows[x]] = kept;
    note_fusion(j, kin->rows[a], kin->rows[b], kept, cost);
    link_groups(j, kin, g, h);
}

/* ---- the whole of it -------------------------------------------------------------------------- */

/* Those in force. One that has rows elsewhere, in a layer that is no candidate now, stays. */
static void start_groups(const struct join *j, struct lfi_row_kin *kin)
{
    const struct lfi_grouping *start = &j->plan->row_start;
    int64_t x, y, group;

    for (y = 1; y < kin->count; y++) {
        group = start->group[kin->rows[y]];
        for (x = 0; group >= 0 && start->group[kin->rows[x]] != group;)
            x++;
        if (group >= 0 && x < y)
            link_groups(j, kin, x, y);
    }
    for (x = 0; x < kin->count; x++) {
        group = start->group[kin->rows[x]];
        if (group >= 0 && lfi_grouping_size(start, group) != kin->size[kin->group[x]])
            kin->barred[kin->group[x]] = true;
    }
}

static lfuse_status start_kin(const struct join *j, struct lfi_row_kin *kin,
                              lfuse_error *err)
{
    const struct lfi_plan *plan = j->plan;
    int64_t x;

    for (x = 0; x < kin->count; x++) {
        const struct lfi_row row = lfi_rows_find(&plan->rows, kin->rows[x]);

        kin->group[x] = x;
        kin->size[x] = 1;
        kin->best[x] = -1;
        kin->pinned[x] = j->choice->pinned[row.layer];
        if (kin->pinned[x] && plan->row_start.owner[kin->rows[x]] != kin->rows[x])
            return lfi_fail(err, LFUSE_ERR_STATE,
                            "layer %.80s is pinned, but by the ties in force row %lld of "
                            "it is another's",
                            j->layers[row.layer]->name, (long long)row.index);
    }
    start_groups(j, kin);
    for (x = 0; x < kin->count; x++)
        if (kin->group[x] == x)
            scan(j, kin, x);
    return LFUSE_OK;
}

static lfuse_status run(const struct join *j, lfuse_error *err)
{
    struct lfi_plan *plan = j->plan;
    lfuse_status status = LFUSE_OK;
    struct lfi_row_kin *kin;
    int64_t first = -1, i;

    lfi_account_measure(j->layers, plan->layer_count, plan->goal.owner, &plan->account);
    lfi_account_add_rows(&plan->rows, &plan->row_goal, &plan->account);
    for (i = 0; i < j->kins->count && status == LFUSE_OK; i++)
        status = start_kin(j, &j->kins->items[i], err);
    if (status != LFUSE_OK)
        return status;
    while (!lfi_plan_is_reached(plan) && plan->fusion_count < plan->options.top_k) {
        kin = best_kin(j, &first);
        if (kin == NULL && lfi_plan_must_reach(plan))
            return lfi_plan_fail_unreachable(plan, err);
        if (kin == NULL ||
            !lfi_plan_is_alike_enough(plan, cost_of(kin, first, kin->best[first])))
            break;
        join_groups(j, kin, first);
    }
    lfi_grouping_set(&plan->row_goal, plan->row_goal.owner);
    lfi_account_measure(j->layers, plan->layer_count, plan->goal.owner, &plan->account);
    lfi_account_add_rows(&plan->rows, &plan->row_goal, &plan->account);
    return LFUSE_OK;
}

lfuse_status lfi_plan_join_rows(const struct lfi_env *env,
                                const struct lfi_layer *const *layers,
                                const struct lfi_candidates *candidates,
                                const struct lfi_choice *choice, struct lfi_plan *plan,
                                lfuse_error *err)
{
    struct lfi_row_kins kins;
    struct join j = {.layers = layers, .choice = choice, .kins = &kins, .plan = plan};
    lfuse_status status =
        lfi_row_kins_measure(env, layers, candidates, choice, plan, &kins, err);

    if (status != LFUSE_OK)
        return status;
    j.keep = (struct lfi_join){.layers = layers,
                               .choice = choice,
                               .plan = plan,
                               .middle = lfi_join_middle(layers, plan->layer_count)};
    status = run(&j, err);
    lfi_row_kins_destroy(env, &kins);
    return status;
}
