/*
 * force.c - joins what rules force together, before anything else and whatever its score
 *
 * The layers of one rule join by their best links. Whether they can all become one group does
 * not depend on the order: a limit that stops a part of them stops them all.
 */
#include "fusion/planning.h"

#include <math.h>
#include <string.h>

static const char *bar_text(uint8_t bar)
{
    switch (bar) {
    case LFI_BAR_EXCLUDED: return "is excluded";
    case LFI_BAR_NOT_INCLUDED: return "matches no rule that includes";
    case LFI_BAR_END: return "is an end of the network, of another kind";
    case LFI_BAR_SKIPPED: return "is skipped";
    default: return "has no other that it could fuse with";
    }
}

static struct lfi_kin *kin_of(const struct lfi_join *j, int64_t layer)
{
    int64_t i, x;

    for (i = 0; i < j->kins->count; i++)
        for (x = 0; x < j->kins->items[i].count; x++)
            if (j->kins->items[i].members[x] == layer)
                return &j->kins->items[i];
    return NULL;
}

/* Marks the layers of a rule; *kin is that of all of them. */
static lfuse_status mark_layers(struct lfi_join *j, int64_t rule, struct lfi_kin **kin,
                                lfuse_error *err)
{
    int64_t first = -1, n = 0, i;

    for (i = 0; i < j->plan->layer_count; i++) {
        const struct lfi_layer *layer = j->layers[i];

        j->forced[i] = lfi_rule_matches(&j->plan->options, rule, layer);
        if (!j->forced[i])
            continue;
        if (j->choice->bar[i] != LFI_BAR_NONE)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "rules[%lld] forces layer %s, which %s", (long long)rule,
                            layer->name, bar_text(j->choice->bar[i]));
        if (n++ == 0) {
            first = i;
            *kin = kin_of(j, i);
        } else if (kin_of(j, i) != *kin) {
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "rules[%lld] forces layers %.50s and %.50s together, which "
                            "differ in param type or size",
                            (long long)rule, j->layers[first]->name, layer->name);
        }
    }
    if (n == 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "rules[%lld] forces layer %s, and no other with it",
                        (long long)rule, j->layers[first]->name);
    return LFUSE_OK;
}

/* Why the groups of two layers do not join. */
static lfuse_status fail_apart(const struct lfi_join *j, int64_t rule, int64_t a,
                               int64_t b, lfuse_error *err)
{
    const int64_t p = j->plan->goal.owner[a], q = j->plan->goal.owner[b];
    const char *why = "the metric cannot compare them";
    const bool crowded = j->size[p] + j->size[q] > j->plan->options.max_group;

    if (j->barred[p] || j->barred[q])
        why = "one is tied to a layer that may not fuse";
    else if (crowded)
        why = "there are more than max_group";
    else if (j->choice->pinned[p] && j->choice->pinned[q])
        why = "each of their groups has a pinned one";
    else if (j->plan->options.scope == LFUSE_SCOPE_ADJACENT)
        why = "they are not next to each other, or not comparable";
    return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                    "rules[%lld] forces layers %.50s and %.50s together, but %s",
                    (long long)rule, j->layers[a]->name, j->layers[b]->name, why);
}

/* The best link between two groups with marked layers; *a and *b are of two that have none, a < 0
 * when all are in one group. */
static const struct lfi_pair *best_link(const struct lfi_join *j,
                                        const struct lfi_kin *kin, int64_t *a, int64_t *b)
{
    const struct lfi_pair *best = NULL;
    int64_t x, y;

    *a = *b = -1;
    for (x = 0; x < kin->count; x++)
        for (y = x + 1; y < kin->count && j->forced[kin->members[x]]; y++) {
            const int64_t g = kin->group[x], h = kin->group[y];
            const struct lfi_pair *link =
                &kin->links[g < h ? g * kin->count + h : h * kin->count + g];

            if (!j->forced[kin->members[y]] || g == h)
                continue;
            *a = *a < 0 ? kin->members[x] : *a;
            *b = *b < 0 ? kin->members[y] : *b;
            if (lfi_links_may(j, link) &&
                (best == NULL || lfi_pair_is_before(link, best)))
                best = link;
        }
    return best;
}

static lfuse_status join_rule(struct lfi_join *j, int64_t rule, lfuse_error *err)
{
    const struct lfi_pair *link;
    struct lfi_kin *kin = NULL;
    lfuse_status status = mark_layers(j, rule, &kin, err);
    int64_t a, b;

    while (status == LFUSE_OK) {
        link = best_link(j, kin, &a, &b);
        if (a < 0)
            break;
        if (link == NULL)
            return fail_apart(j, rule, a, b, err);
        if (j->plan->fusion_count == j->plan->options.top_k)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "rules[%lld] forces more fusions than top_k, %lld",
                            (long long)rule, (long long)j->plan->options.top_k);
        status = lfi_join_link(j, kin, *link, err);
    }
    return status;
}

lfuse_status lfi_join_forced(struct lfi_join *j, lfuse_error *err)
{
    const struct lfi_plan_options *o = &j->plan->options;
    lfuse_status status = LFUSE_OK;
    int64_t r;

    for (r = 0; r < o->rule_count && status == LFUSE_OK; r++)
        if (o->rules[r].action == LFUSE_PLAN_ACTION_FORCE)
            status = join_rule(j, r, err);
    return status;
}
