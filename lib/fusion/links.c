/*
 * links.c - how alike two groups are, and which two join next
 *
 *     single     the most alike two of their members that may be joined
 *     average    the mean over all pairs of a member here and one there
 *     complete   the least alike pair of these
 *     merged     the mean weights of one group and those of the other, measured anew
 *
 * A link is a function of the members of its two groups: sums run over the members of the
 * group whose first member comes first, then over the other's. It does not matter in which
 * order the groups grew. Every group remembers its best link to a later one, so that joining two
 * costs a pass over their row, and over those that remembered one of them.
 */
#include "fusion/planning.h"

#include <math.h>

static bool is_in_scope(const struct lfi_join *j, const struct lfi_pair *p)
{
    const int64_t steps = j->choice->rank[p->a] - j->choice->rank[p->b];

    return j->plan->options.scope == LFUSE_SCOPE_GLOBAL || steps == 1 || steps == -1;
}

static void bond_clear(struct lfi_bond *bond)
{
    *bond = (struct lfi_bond){.best = {.cost = NAN, .a = -1}, .worst = -INFINITY};
}

/* Takes in members x and y of the kin. */
static void bond_add(const struct lfi_join *j, const struct lfi_kin *kin,
                     struct lfi_bond *bond, int64_t x, int64_t y)
{
    const struct lfi_pair p = lfi_kin_pair(kin, j->metric, x < y ? x : y, x < y ? y : x);

    bond->pairs++;
    bond->sum += p.cost;
    if (isnan(p.cost) || p.cost > bond->worst)
        bond->worst = p.cost;
    if (!isnan(p.cost) && is_in_scope(j, &p) &&
        (bond->best.a < 0 || lfi_pair_is_before(&p, &bond->best)))
        bond->best = p;
}

static void set_cost(const struct lfi_join *j, struct lfi_pair *link, double cost)
{
    link->cost = cost;
    link->score = j->metric->is_distance ? cost : -cost;
}

/* The link that the pairs between groups g < h make. */
static lfuse_status conclude(struct lfi_join *j, struct lfi_kin *kin,
                             const struct lfi_bond *bond, int64_t g, int64_t h,
                             lfuse_error *err)
{
    struct lfi_pair *link = &kin->links[g * kin->count + h];

    *link = bond->best;
    if (bond->best.a < 0 || bond->pairs == 1)
        return LFUSE_OK;
    switch (j->plan->options.linkage) {
    case LFUSE_LINKAGE_AVERAGE: set_cost(j, link, bond->sum / (double)bond->pairs); break;
    case LFUSE_LINKAGE_COMPLETE: set_cost(j, link, bond->worst); break;
    case LFUSE_LINKAGE_MERGED:
        if (lfi_links_may(j, link))
            return lfi_means_measure(j, kin, g, h, link, err);
        break;
    default: break;
    }
    return LFUSE_OK;
}

/* The members of group g, into j->list; their number. */
static int64_t list_members(struct lfi_join *j, const struct lfi_kin *kin, int64_t g)
{
    int64_t n = 0, x;

    for (x = g; x < kin->count; x++)
        if (kin->group[x] == g)
            j->list[n++] = x;
    return n;
}

/* The links of group g to groups from `first` on. */
static lfuse_status link_group(struct lfi_join *j, struct lfi_kin *kin, int64_t g,
                               int64_t first, lfuse_error *err)
{
    const int64_t n = list_members(j, kin, g), *list = j->list, *group = kin->group;
    lfuse_status status = LFUSE_OK;
    int64_t i, x, h;

    for (h = first; h < kin->count; h++)
        bond_clear(&j->bonds[h]);
    for (x = first; x < kin->count; x++)
        for (i = 0; i < n && group[x] >= first && group[x] < g; i++)
            bond_add(j, kin, &j->bonds[group[x]], x, list[i]);
    for (i = 0; i < n; i++)
        for (x = g + 1; x < kin->count; x++)
            if (group[x] > g)
                bond_add(j, kin, &j->bonds[group[x]], list[i], x);
    for (h = first; h < kin->count && status == LFUSE_OK; h++)
        if (group[h] == h && h != g)
            status = conclude(j, kin, &j->bonds[h], h < g ? h : g, h < g ? g : h, err);
    return status;
}

bool lfi_links_may(const struct lfi_join *j, const struct lfi_pair *link)
{
    const int64_t *owner = j->plan->goal.owner;

    return !isnan(link->cost) && lfi_join_may(j, owner[link->a], owner[link->b]);
}

/* Whether link is one to join, and before the one that is known as the best of group g. */
static bool is_better(const struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                      const struct lfi_pair *link)
{
    return lfi_links_may(j, link) &&
           (kin->best[g] < 0 ||
            lfi_pair_is_before(link, &kin->links[g * kin->count + kin->best[g]]));
}

/* Looks for the best link of group g. */
static void scan(const struct lfi_join *j, struct lfi_kin *kin, int64_t g)
{
    int64_t h;

    kin->best[g] = -1;
    for (h = g + 1; h < kin->count; h++)
        if (kin->group[h] == h && is_better(j, kin, g, &kin->links[g * kin->count + h]))
            kin->best[g] = h;
}

lfuse_status lfi_links_create(struct lfi_join *j, struct lfi_kin *kin, lfuse_error *err)
{
    const int64_t *owner = j->plan->goal.owner, *members = kin->members;
    lfuse_status status = LFUSE_OK;
    int64_t x, g;

    for (x = 0; x < kin->count; x++) {
        for (g = 0; owner[members[g]] != owner[members[x]];)
            g++;
        kin->group[x] = g;
    }
    for (g = 0; g < kin->count && status == LFUSE_OK; g++)
        if (kin->group[g] == g)
            status = link_group(j, kin, g, g, err);
    for (g = 0; g < kin->count && status == LFUSE_OK; g++)
        if (kin->group[g] == g)
            scan(j, kin, g);
    return status;
}

lfuse_status lfi_links_join(struct lfi_join *j, struct lfi_kin *kin, int64_t g, int64_t h,
                            lfuse_error *err)
{
    lfuse_status status;
    int64_t x;

    for (x = h; x < kin->count; x++)
        if (kin->group[x] == h)
            kin->group[x] = g;
    status = link_group(j, kin, g, 0, err);
    for (x = 0; x < h && status == LFUSE_OK; x++) {
        if (kin->group[x] != x)
            continue;
        if (x == g || kin->best[x] == g || kin->best[x] == h)
            scan(j, kin, x);
        else if (x < g && is_better(j, kin, x, &kin->links[x * kin->count + g]))
            kin->best[x] = g;
    }
    return status;
}

const struct lfi_pair *lfi_links_best(const struct lfi_join *j, struct lfi_kin **kin)
{
    const struct lfi_pair *best = NULL, *link;
    int64_t i, g;

    for (i = 0; i < j->kins->count; i++) {
        struct lfi_kin *k = &j->kins->items[i];

        for (g = 0; g < k->count; g++) {
            if (k->group[g] != g || k->best[g] < 0)
                continue;
            link = &k->links[g * k->count + k->best[g]];
            if (best == NULL || lfi_pair_is_before(link, best)) {
                best = link;
                *kin = k;
            }
        }
    }
    return best;
}
