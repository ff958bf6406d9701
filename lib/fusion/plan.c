/*
 * plan.c - a plan: what it was built from, and the steps of building it
 *
 * A plan keeps no layer. It remembers names, shapes and what was in force, so that applying
 * it to other layers, or at another time, is noticed.
 */
#include "fusion/alignment.h"
#include "fusion/planning.h"

#include <math.h>

static lfuse_status remember_importance(const struct lfi_env *env, struct lfi_plan *plan,
                                        lfuse_error *err)
{
    const double *given = plan->options.importance;
    lfuse_status status;
    int64_t i;

    plan->options.importance = NULL;
    if (plan->options.weighting != LFUSE_WEIGHTING_IMPORTANCE)
        return LFUSE_OK;
    for (i = 0; i < plan->layer_count; i++)
        if (!(given[i] >= 0.0 && given[i] < INFINITY))
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "importance[%lld], of layer %s, is %g", (long long)i,
                            plan->layers[i].name, given[i]);
    status = lfi_alloc(env, (size_t)plan->layer_count, sizeof(*plan->importance),
                       "a plan", &plan->importance, err);
    for (i = 0; i < plan->layer_count && status == LFUSE_OK; i++)
        plan->importance[i] = given[i];
    plan->options.importance = plan->importance;
    return status;
}

static lfuse_status remember_rules(const struct lfi_env *env, struct lfi_plan *plan,
                                   lfuse_error *err)
{
    const lfuse_plan_rule *given = plan->options.rules;
    lfuse_status status =
        lfi_rules_copy(env, given, plan->options.rule_count, &plan->rules, err);

    plan->options.rules = plan->rules;
    return status;
}

static lfuse_status prepare_rows(const struct lfi_env *env,
                                 const struct lfi_ties *in_force, struct lfi_plan *plan,
                                 lfuse_error *err)
{
    lfuse_status status =
        lfi_rows_create(env, plan->layers, plan->layer_count, &plan->rows, err);

    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, plan->rows.count, &plan->row_start, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, plan->rows.count, &plan->row_goal, err);
    if (status != LFUSE_OK)
        return status;
    plan->fusion_capacity = plan->rows.count;
    if (in_force == NULL || in_force->rows.rows.count == 0)
        return LFUSE_OK;
    if (in_force->rows.rows.count != plan->rows.count)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the layers have %lld rows, they had %lld when rows were first "
                        "put in force",
                        (long long)plan->rows.count,
                        (long long)in_force->rows.rows.count);
    lfi_grouping_set(&plan->row_start, in_force->rows.in_force.owner);
    lfi_grouping_set(&plan->row_goal, in_force->rows.in_force.owner);
    return LFUSE_OK;
}

/* Everything a plan has before its pairs are measured. */
static lfuse_status prepare(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            const struct lfi_ties *in_force, struct lfi_plan *plan,
                            lfuse_error *err)
{
    lfuse_status status;

    status = lfi_plan_remember(env, layers, count, plan, err);
    if (status == LFUSE_OK)
        status = remember_importance(env, plan, err);
    if (status == LFUSE_OK)
        status = remember_rules(env, plan, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, count, &plan->start, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, count, &plan->goal, err);
    if (status != LFUSE_OK)
        return status;
    plan->fusion_capacity = count; /* a fusion leaves one owner less */
    if (in_force != NULL) {
        lfi_grouping_set(&plan->start, in_force->in_force.owner);
        lfi_grouping_set(&plan->goal, in_force->in_force.owner);
    }
    if (plan->options.unit == LFUSE_UNIT_ROW)
        status = prepare_rows(env, in_force, plan, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_alloc(env, (size_t)plan->fusion_capacity, sizeof(*plan->fusions), "a plan",
                     &plan->fusions, err);
}

static lfuse_status check_layers(const struct lfi_layer *const *layers, int64_t count,
                                 lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < count; i++)
        if (layers[i]->parameter_count == 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layer %s has no parameters",
                            layers[i]->name);
    return lfi_layers_check_names(layers, count, err);
}

static lfuse_status check_finite(const struct lfi_layer *const *layers,
                                 const struct lfi_candidates *candidates, lfuse_role role,
                                 lfuse_error *err)
{
    const int64_t n = candidates->first[candidates->type_count];
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < n && status == LFUSE_OK; i++)
        status = lfi_layer_check_finite(layers[candidates->members[i]], role, err);
    return status;
}

/* A policy that draws rows shows the mean of the biases in the place of each. */
static lfuse_status check_biases(const struct lfi_layer *const *layers, int64_t count,
                                 const struct lfi_candidates *candidates,
                                 lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    lfuse_status status = lfi_layers_check_apart(layers, count, LFUSE_ROLE_BIAS, err);
    int64_t type, i;

    for (type = 0; type < c->type_count; type++)
        for (i = c->first[type] + 1; i < c->first[type + 1] && status == LFUSE_OK; i++)
            status =
                lfi_candidates_check_pair(layers[c->members[c->first[type]]],
                                          layers[c->members[i]], LFUSE_ROLE_BIAS, err);
    if (status == LFUSE_OK)
        status = check_finite(layers, c, LFUSE_ROLE_BIAS, err);
    return status;
}

/* What a residual makes up for is not there to be shared a second time. */
static lfuse_status check_residuals(const struct lfi_layer *const *layers,
                                    const struct lfi_candidates *c, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < c->first[c->type_count]; i++) {
        const struct lfi_layer *layer = layers[c->members[i]];
        const struct lfi_parameter *residual =
            lfi_layer_of_role(layer, LFUSE_ROLE_RESIDUAL, 0);

        if (residual != NULL)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "layer %s has the residual %s: what has one fuses no more",
                            layer->name, residual->name);
    }
    return LFUSE_OK;
}

/* What there is to join. */
static lfuse_status find_candidates(const struct lfi_env *env,
                                    const struct lfi_layer *const *layers,
                                    struct lfi_plan *plan, struct lfi_choice *choice,
                                    struct lfi_candidates *candidates, lfuse_error *err)
{
    lfuse_status status = lfi_choice_create(env, layers, plan, choice, err);

    if (status == LFUSE_OK)
        status = lfi_candidates_find(env, layers, choice, plan, candidates, err);
    if (status == LFUSE_OK)
        status = check_residuals(layers, candidates, err);
    if (status == LFUSE_OK && !plan->options.skip_unequal)
        status = check_finite(layers, candidates, LFUSE_ROLE_WEIGHT, err);
    if (status == LFUSE_OK && plan->options.unit == LFUSE_UNIT_LAYER &&
        lfi_policy_find(plan->options.policy)->draws)
        status = check_biases(layers, plan->layer_count, candidates, err);
    return status;
}

static lfuse_status join(const struct lfi_env *env, const struct lfi_layer *const *layers,
                         const struct lfi_candidates *candidates,
                         struct lfi_choice *choice, struct lfi_plan *plan,
                         lfuse_error *err)
{
    struct lfi_kins kins = {0};
    lfuse_status status;

    if (plan->options.unit == LFUSE_UNIT_ROW)
        return lfi_plan_align_and_join_rows(env, layers, candidates, choice, plan, err);
    status = lfi_kins_measure(env, layers, candidates, choice, plan, &kins, err);
    if (status == LFUSE_OK)
        status = lfi_plan_join(env, layers, choice, &kins, plan, err);
    lfi_kins_destroy(env, &kins);
    if (status == LFUSE_OK && plan->options.couplings != NULL)
        status =
            lfi_plan_align(env, layers, plan->layer_count, &plan->goal,
                           !lfi_policy_find(plan->options.policy)->averages, plan, err);
    return status;
}

lfuse_status lfi_plan_build(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            const struct lfi_plan_options *options,
                            const struct lfi_ties *in_force, struct lfi_plan *plan,
                            lfuse_error *err)
{
    struct lfi_candidates candidates = {0};
    struct lfi_choice choice = {0};
    lfuse_status status;

    *plan = (struct lfi_plan){.options = *options};
    status = check_layers(layers, count, err);
    if (status == LFUSE_OK && in_force != NULL)
        status = lfi_ties_check_unit(in_force, options->unit, err);
    if (status == LFUSE_OK)
        status = prepare(env, layers, count, in_force, plan, err);
    if (status == LFUSE_OK)
        status = find_candidates(env, layers, plan, &choice, &candidates, err);
    if (status == LFUSE_OK)
        status = join(env, layers, &candidates, &choice, plan, err);
    if (status == LFUSE_OK && options->policy == LFUSE_POLICY_JS)
        status = lfi_plan_measure_gammas(env, layers, plan, err);
    lfi_candidates_destroy(env, count, &candidates);
    lfi_choice_destroy(env, &choice);
    plan->options.apart = NULL; /* the caller's */
    plan->options.apart_count = 0;
    if (status != LFUSE_OK)
        lfi_plan_destroy(env, plan);
    return status;
}

void lfi_plan_destroy(const struct lfi_env *env, struct lfi_plan *plan)
{
    int64_t i;

    lfi_moves_destroy(env, &plan->moves);
    lfi_free(env, plan->importance, (size_t)plan->layer_count, sizeof(*plan->importance));
    lfi_free(env, plan->fusions, (size_t)plan->fusion_capacity, sizeof(*plan->fusions));
    lfi_plan_forget_skips(env, plan);
    lfi_rules_free(env, plan->rules, plan->options.rule_count);
    lfi_grouping_destroy(env, &plan->row_goal);
    lfi_grouping_destroy(env, &plan->row_start);
    lfi_rows_destroy(env, &plan->rows);
    lfi_grouping_destroy(env, &plan->goal);
    lfi_grouping_destroy(env, &plan->start);
    for (i = 0; i < plan->layer_count; i++)
        lfi_planned_layer_destroy(env, &plan->layers[i]);
    lfi_free(env, plan->layers, (size_t)plan->layer_count, sizeof(*plan->layers));
    *plan = (struct lfi_plan){0};
}
