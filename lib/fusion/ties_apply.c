/*
 * ties_apply.c - puts a plan in force, whole or not at all
 *
 *   1  checks; originals; units of aligned spaces into their order (moves.c), which goes back as
 *      it came if anything later fails
 *   2  everything else that takes memory
 *   3  the caller's pointers (ties_rebind.c); taken back if one is refused
 *   4  commit (ties_commit.c), which cannot fail
 */
#include "fusion/alignment.h"
#include "fusion/fusion.h"

#include <math.h>
#include <string.h>

/* ---- checks ---------------------------------------------------------------------------- */

static lfuse_status check_gained(const struct lfi_ties *ties, int64_t index,
                                 lfuse_role role, const char *what, lfuse_error *err)
{
    const int32_t weights = lfi_ties_weight_count(ties, index),
                  then = role == LFUSE_ROLE_WEIGHT
                             ? weights
                             : lfi_ties_parameter_count(ties, index) - weights;

    if (ties->originals == NULL ||
        then == lfi_layer_role_count(ties->layers[index], role))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_STATE,
                    "layer %s has gained a %s since ties were first applied",
                    ties->layers[index]->name, what);
}

static lfuse_status check_in_force(const struct lfi_ties *ties,
                                   const struct lfi_plan *plan, int64_t index,
                                   lfuse_error *err)
{
    const int64_t now = ties->in_force.owner[index], then = plan->start.owner[index];

    if (now != then)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the buffer of layer %s is that of %s, when planned that of %s",
                        ties->layers[index]->name, ties->layers[now]->name,
                        ties->layers[then]->name);
    return check_gained(ties, index, LFUSE_ROLE_WEIGHT, "weight", err);
}

/* Whether this plan brings the group that `kept` will own a new member, or a new owner. */
static bool is_changed(const struct lfi_ties *ties, const struct lfi_plan *plan,
                       int64_t kept)
{
    int64_t i;

    for (i = 0; i < ties->count; i++)
        if (plan->goal.owner[i] == kept && ties->in_force.owner[i] != kept)
            return true;
    return false;
}

static lfuse_status check_member(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                 int64_t index, lfuse_error *err)
{
    const struct lfi_layer *kept = ties->layers[plan->goal.owner[index]],
                           *layer = ties->layers[index];
    lfuse_status status = lfi_layer_check_finite(layer, LFUSE_ROLE_WEIGHT, err);

    if (status != LFUSE_OK || !lfi_policy_find(plan->options.policy)->draws)
        return status;
    status = lfi_candidates_check_pair(kept, layer, LFUSE_ROLE_BIAS, err);
    if (status == LFUSE_OK)
        status = lfi_layer_check_finite(layer, LFUSE_ROLE_BIAS, err);
    if (status == LFUSE_OK)
        status = check_gained(ties, index, LFUSE_ROLE_BIAS, "bias", err);
    return status;
}

/* What the layers are made of where something changes. */
static lfuse_status check_members(const struct lfi_ties *ties,
                                  const struct lfi_plan *plan, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        if (is_changed(ties, plan, plan->goal.owner[i]))
            status = check_member(ties, plan, i, err);
    return status;
}

static struct lfi_rule rule_of(const struct lfi_plan *plan)
{
    struct lfi_rule rule = {plan->options.policy, plan->options.freeze_gradient};

    return rule;
}

lfuse_status lfi_ties_check_rule(const struct lfi_ties_options *options,
                                 struct lfi_rule rule, lfuse_error *err)
{
    if (lfi_rule_drops(rule) && options->gradients == LFUSE_GRADIENTS_ACCUMULATED)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "accumulated gradients hold the dropped positions' share, which "
                        "freeze_gradient dropped leaves out");
    return LFUSE_OK;
}

lfuse_status lfi_ties_check(const struct lfi_ties *ties, const struct lfi_plan *plan,
                            lfuse_error *err)
{
    lfuse_status status = lfi_ties_expect_sources(ties, "apply", err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    if (plan->layer_count != ties->count)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "the plan is of %lld layers, the ties of %lld",
                        (long long)plan->layer_count, (long long)ties->count);
    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        status = lfi_planned_layer_check(&plan->layers[i], ties->layers[i], i, err);
    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        status = check_in_force(ties, plan, i, err);
    if (status == LFUSE_OK && plan->fusion_count > 0)
        status = lfi_ties_check_rule(&ties->options, rule_of(plan), err);
    if (status == LFUSE_OK && plan->fusion_count > 0)
        status = lfi_ties_check_unit(ties, plan->options.unit, err);
    if (status == LFUSE_OK && plan->options.unit == LFUSE_UNIT_LAYER &&
        lfi_policy_find(plan->options.policy)->draws)
        status = lfi_layers_check_apart((const struct lfi_layer *const *)ties->layers,
                                        ties->count, LFUSE_ROLE_BIAS, err);
    if (status == LFUSE_OK && plan->options.unit == LFUSE_UNIT_ROW)
        status = lfi_row_ties_check(ties, plan, err);
    else if (status == LFUSE_OK)
        status = check_members(ties, plan, err);
    return status;
}

/* ---- the mixes of what will be in force ---------------------------------------------------- */

/* Of others' gradients, in the group of kept: the mean gamma of the fusions that made it. */
static double share_of(const struct lfi_plan *plan, int64_t kept)
{
    double sum = 0.0;
    int64_t fusions = 0, i;

    for (i = 0; i < plan->fusion_count; i++)
        if (plan->goal.owner[plan->fusions[i].a] == kept) {
            sum += plan->fusions[i].gamma;
            fusions++;
        }
    return fusions > 0 ? fmin(sum / (double)fusions, 0.5) : 0.0;
}

/* Those of groups that mix anew. Leaves room for those of groups that go on as they are. */
static lfuse_status prepare_mixes(const struct lfi_env *env, const struct lfi_ties *ties,
                                  const struct lfi_plan *plan, struct lfi_mixes *mixes,
                                  lfuse_error *err)
{
    const bool does_mix = lfi_policy_find(plan->options.policy)->mixes;
    lfuse_status status = LFUSE_OK;
    int64_t group;

    *mixes = (struct lfi_mixes){.capacity = ties->mixes.count};
    for (group = 0; group < plan->goal.count && does_mix; group++)
        if (is_changed(ties, plan, plan->goal.kept[group]))
            mixes->capacity +=
                lfi_mixes_of_group(ties, plan->goal.kept[group], rule_of(plan));
    status = lfi_alloc_zero(env, (size_t)mixes->capacity, sizeof(*mixes->items), "mixes",
                            &mixes->items, err);
    for (group = 0; group < plan->goal.count && status == LFUSE_OK && does_mix; group++)
        if (is_changed(ties, plan, plan->goal.kept[group]))
            status = lfi_mixes_add(env, ties, &plan->goal, group, rule_of(plan),
                                   share_of(plan, plan->goal.kept[group]), mixes, err);
    if (status != LFUSE_OK)
        lfi_mixes_destroy(env, mixes);
    return status;
}

/* A mix goes on when its group does. */
static void commit_mixes(const struct lfi_env *env, struct lfi_ties *ties,
                         const struct lfi_plan *plan, struct lfi_mixes *mixes)
{
    int64_t i;

    for (i = 0; i < ties->mixes.count; i++) {
        struct lfi_mix *mix = &ties->mixes.items[i];

        if (is_changed(ties, plan, plan->goal.owner[mix->members[0]]))
            continue;
        mixes->items[mixes->count++] = *mix;
        *mix = (struct lfi_mix){0};
    }
    lfi_mixes_destroy(env, &ties->mixes);
    ties->mixes = *mixes;
}

static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                         const void *arg)
{
    const struct lfi_plan *plan = arg;

    if (lfi_policy_find(plan->options.policy)->mixes ||
        !is_changed(ties, plan, plan->goal.owner[layer]))
        return NULL;
    return lfi_ties_tied_destination(ties, layer, parameter, &plan->goal);
}

static lfuse_status prepare(const struct lfi_env *env, struct lfi_ties *ties,
                            const struct lfi_plan *plan, struct lfi_mixes *mixes,
                            lfuse_error *err)
{
    lfuse_status status = prepare_mixes(env, ties, plan, mixes, err);

    if (status == LFUSE_OK) {
        status = lfi_ties_rebind(ties, destination, plan, err);
        if (status != LFUSE_OK)
            lfi_mixes_destroy(env, mixes);
    }
    return status;
}

/* ---- the weights of a mean ---------------------------------------------------------------- */

static void fill_weights(const struct lfi_ties *ties, const struct lfi_plan *plan,
                         double *weights)
{
    int64_t i;

    for (i = 0; i < ties->count; i++)
        weights[i] =
            plan->options.weighting == LFUSE_WEIGHTING_NORM
                ? lfi_layer_weight_norm(ties->layers[i],
                                        lfi_arrangements_of(&ties->arrangements, i))
                : plan->options.importance[i];
}

lfuse_status lfi_ties_weigh(const struct lfi_env *env, const struct lfi_ties *ties,
                            const struct lfi_plan *plan, double **weights,
                            lfuse_error *err)
{
    lfuse_status status;

    *weights = NULL;
    if (plan->options.weighting == LFUSE_WEIGHTING_EQUAL)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)ties->count, sizeof(**weights), "weights of layers",
                       weights, err);
    if (status == LFUSE_OK)
        fill_weights(ties, plan, *weights);
    return status;
}

/* ---- what the caller makes of members ------------------------------------------------------ */

struct change {
    const struct lfi_ties *ties;
    const struct lfi_plan *plan;
};

static bool changes(const void *arg, int64_t kept)
{
    const struct change *c = arg;

    return is_changed(c->ties, c->plan, kept);
}

static lfuse_status prepare_merges(const struct lfi_env *env, const struct lfi_ties *ties,
                                   const struct lfi_plan *plan, struct lfi_merges *merges,
                                   lfuse_error *err)
{
    const struct change change = {ties, plan};

    *merges = (struct lfi_merges){0};
    if (!lfi_policy_find(plan->options.policy)->calls_back)
        return LFUSE_OK;
    if (ties->options.merge == NULL)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the plan's policy is custom, but the ties have no merge");
    return lfi_merges_create(env, ties, &plan->goal, changes, &change, merges, err);
}

static void commit(const struct lfi_env *env, struct lfi_ties *ties,
                   const struct lfi_plan *plan, struct lfi_mixes *mixes,
                   const struct lfi_merges *merges, const double *weights)
{
    struct lfi_mean mean = {.weights = weights, .rescale = plan->options.rescale};
    int64_t group;

    commit_mixes(env, ties, plan, mixes);
    for (group = 0; group < plan->goal.count; group++) {
        mean.merged = lfi_merges_of(merges, group);
        if (is_changed(ties, plan, plan->goal.kept[group]))
            lfi_ties_commit_group(ties, &plan->goal, group, rule_of(plan), mean);
    }
    lfi_grouping_set(&ties->in_force, plan->goal.owner);
}

/* Groups of layers that are in the plan's order by now. */
static lfuse_status tie(const struct lfi_env *env, struct lfi_ties *ties,
                        const struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_merges merges = {0};
    struct lfi_mixes mixes;
    double *weights = NULL;
    lfuse_status status = lfi_ties_weigh(env, ties, plan, &weights, err);

    if (status == LFUSE_OK)
        status = prepare_merges(env, ties, plan, &merges, err);
    if (status == LFUSE_OK)
        status = prepare(env, ties, plan, &mixes, err);
    if (status == LFUSE_OK)
        commit(env, ties, plan, &mixes, &merges, weights);
    lfi_merges_destroy(env, &merges);
    lfi_free(env, weights, (size_t)ties->count, sizeof(*weights));
    return status;
}

/* Units are put in order before anything else is made of the weights, and back if that fails. */
static lfuse_status align_and_tie(const struct lfi_env *env, struct lfi_ties *ties,
                                  const struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_shifts *shifts;
    lfuse_status status =
        lfi_shifts_create(env, (const struct lfi_layer *const *)ties->layers, ties->count,
                          &plan->moves, &shifts, err);

    if (status != LFUSE_OK)
        return status;
    lfi_shifts_run(ties->layers, shifts, false, NULL, NULL);
    status = plan->options.unit == LFUSE_UNIT_ROW
                 ? lfi_row_ties_apply(env, ties, plan, err)
                 : tie(env, ties, plan, err);
    if (status != LFUSE_OK)
        lfi_shifts_run(ties->layers, shifts, true, NULL, NULL);
    if (status == LFUSE_OK && shifts != NULL && ties->options.keep_originals) {
        shifts->before = ties->shifts;
        ties->shifts = shifts;
    } else {
        lfi_shifts_pop(env, &shifts);
    }
    return status;
}

lfuse_status lfi_ties_apply(const struct lfi_env *env, struct lfi_ties *ties,
                            const struct lfi_plan *plan, lfuse_error *err)
{
    const bool is_first = ties->originals == NULL;
    lfuse_status status = lfi_ties_check(ties, plan, err);

    if (status != LFUSE_OK || plan->fusion_count == 0)
        return status;
    if (is_first)
        status = lfi_ties_keep_originals(env, ties, err);
    if (status != LFUSE_OK)
        return status;
    status = align_and_tie(env, ties, plan, err);
    if (status != LFUSE_OK && is_first)
        lfi_ties_drop_originals(env, ties);
    return status;
}
