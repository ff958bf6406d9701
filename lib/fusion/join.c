/*
 * join.c - joins pairs into groups, best first, until the ratio is reached
 *
 * O'Neill et al. 2021, algorithms 1 and 2. As pairs come in the order of their scores, two
 * groups join by the best pair between them: single linkage. The kept member is, unless the
 * caller keeps others, the one whose position is farthest from the middle of all positions,
 * of two as far the earlier: outer layers matter more, and the middle ones are the redundant
 * ones (sec. 3.2).
 */
#include "fusion/fusion.h"

#include <math.h>

struct join {
    const struct lfi_layer *const *layers;
    struct lfi_plan *plan;
    int64_t *size;  /* of the group of an owner */
    int64_t middle; /* twice the middle of all positions */
};

static int64_t twice_the_middle(const struct lfi_layer *const *layers, int64_t count)
{
    int64_t least = layers[0]->position, greatest = least, i;

    for (i = 1; i < count; i++) {
        const int64_t position = layers[i]->position;

        least = position < least ? position : least;
        greatest = position > greatest ? position : greatest;
    }
    return least + greatest;
}

static int64_t distance(const struct join *j, int64_t index)
{
    const int64_t d = 2 * (int64_t)j->layers[index]->position - j->middle;

    return d < 0 ? -d : d;
}

/* What the kept one of two owners has more of. */
static int64_t merit(const struct join *j, int64_t index)
{
    switch (j->plan->options.keep) {
    case LFUSE_KEEP_NEAREST: return -distance(j, index);
    case LFUSE_KEEP_FIRST: return -(int64_t)j->layers[index]->position;
    case LFUSE_KEEP_LAST: return j->layers[index]->position;
    default: return distance(j, index);
    }
}

/* Owners are the best of their groups, so the best of both is one of the two. */
static int64_t better(const struct join *j, int64_t a, int64_t b)
{
    const int64_t ma = merit(j, a), mb = merit(j, b);
    const int32_t pa = j->layers[a]->position, pb = j->layers[b]->position;

    if (ma != mb)
        return ma > mb ? a : b;
    if (pa != pb)
        return pa < pb ? a : b;
    return a < b ? a : b;
}

static void join_pair(struct join *j, const struct lfi_pair *pair)
{
    struct lfi_plan *plan = j->plan;
    int64_t *owner = plan->goal.owner;
    const int64_t oa = owner[pair->a], ob = owner[pair->b], kept = better(j, oa, ob);
    const int64_t saved = lfi_layer_weight_elements(j->layers[kept]);
    int64_t i;

    j->size[kept] = j->size[oa] + j->size[ob];
    for (i = 0; i < plan->layer_count; i++)
        if (owner[i] == oa || owner[i] == ob)
            owner[i] = kept;
    plan->account.candidates_unique -= saved;
    plan->account.all_unique -= saved;
    plan->fusions[plan->fusion_count++] = (struct lfi_fusion){
        pair->a,     pair->b, kept,
        pair->score, saved,   lfi_account_ratio(&plan->account, plan->options.base),
        0.0,
    };
}

static bool is_reached(const struct lfi_plan *plan)
{
    const struct lfi_plan_options *o = &plan->options;

    return o->ratio > 0.0 && lfi_account_ratio(&plan->account, o->base) >= o->ratio;
}

static bool may_join(const struct join *j, const struct lfi_pair *pair)
{
    const int64_t *owner = j->plan->goal.owner;
    const int64_t oa = owner[pair->a], ob = owner[pair->b];

    return oa != ob && j->size[oa] + j->size[ob] <= j->plan->options.max_group;
}

/* The largest ratio is printed rounded down: what the message says can be asked for. */
static lfuse_status fail_unreachable(const struct lfi_plan *plan, lfuse_error *err)
{
    const double most = lfi_account_ratio(&plan->account, plan->options.base);

    return lfi_fail(err, LFUSE_ERR_UNREACHABLE,
                    "ratio %.17g of %s is out of reach: joining the most alike first "
                    "reaches %.10g",
                    plan->options.ratio,
                    plan->options.base == LFUSE_BASE_ALL ? "all parameters"
                                                         : "the candidates",
                    floor(most * 1e6) / 1e6);
}

lfuse_status lfi_plan_join(const struct lfi_env *env,
                           const struct lfi_layer *const *layers,
                           const struct lfi_pair *pairs, int64_t pair_count,
                           struct lfi_plan *plan, lfuse_error *err)
{
    const int64_t n = plan->layer_count;
    struct join j = {layers, plan, NULL, twice_the_middle(layers, n)};
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)n, sizeof(*j.size), "groups", &j.size, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < n; i++)
        j.size[plan->goal.owner[i]]++;
    lfi_account_measure(layers, n, plan->goal.owner, &plan->account);
    for (i = 0; i < pair_count && !is_reached(plan); i++) {
        if (plan->fusion_count == plan->options.top_k)
            break;
        if (may_join(&j, &pairs[i]))
            join_pair(&j, &pairs[i]);
    }
    if (plan->options.ratio > 0.0 && !plan->options.may_fall_short && !is_reached(plan) &&
        plan->fusion_count < plan->options.top_k)
        status = fail_unreachable(plan, err);
    lfi_grouping_set(&plan->goal, plan->goal.owner);
    lfi_account_measure(layers, n, plan->goal.owner, &plan->account);
    lfi_free(env, j.size, (size_t)n, sizeof(*j.size));
    return status;
}
