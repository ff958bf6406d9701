/* plan.c - the shell of plan.h */
#include "handles.h"

#include <math.h>
#include <stdio.h>

void lfuse_plan_options_init(lfuse_plan_options *options, size_t size)
{
    lfi_options_init(options, size);
}

void lfuse_fusion_init(lfuse_fusion *fusion, size_t size)
{
    lfi_options_init(fusion, size);
}

void lfuse_account_init(lfuse_account *account, size_t size)
{
    lfi_options_init(account, size);
}

/* ---- policies -------------------------------------------------------------------------- */

lfuse_status lfuse_policy_from_name(const char *name, lfuse_policy *policy,
                                    lfuse_error *err)
{
    const struct lfi_policy *found;
    char known[128];

    if (name == NULL || policy == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        name == NULL ? "name" : "policy");
    found = lfi_policy_by_name(name);
    if (found == NULL) {
        lfi_policy_names(known, sizeof(known));
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "policy %.64s is unknown; known are %s",
                        name, known);
    }
    *policy = found->policy;
    return LFUSE_OK;
}

const char *lfuse_policy_name(lfuse_policy policy)
{
    const struct lfi_policy *found = lfi_policy_find(policy);

    return found == NULL ? "?" : found->name;
}

/* ---- options ----------------------------------------------------------------------------- */

static lfuse_status check_numbers(const lfuse_plan_options *o, const char *what,
                                  lfuse_error *err)
{
    if (!isfinite(o->ratio) || (o->ratio != 0.0 && o->ratio < 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.ratio is %.17g, not a ratio >= 1",
                        what, o->ratio);
    if (o->top_k < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.top_k is %lld", what,
                        (long long)o->top_k);
    if (o->ratio == 0.0 && o->top_k == 0 && o->max_unique_bytes == 0 &&
        (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s gives neither ratio, top_k, max_unique_bytes nor threshold",
                        what);
    if (o->max_group < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.max_group is %d", what,
                        (int)o->max_group);
    return LFUSE_OK;
}

static lfuse_status check_flags(const lfuse_plan_options *o, const char *what,
                                lfuse_error *err)
{
    const uint32_t known = LFUSE_PLAN_FLAG_THRESHOLD | LFUSE_PLAN_FLAG_RESCALE |
                           LFUSE_PLAN_FLAG_INCLUDE_ENDS | LFUSE_PLAN_FLAG_SKIP_UNEQUAL |
                           LFUSE_PLAN_FLAG_CONTENTS;

    if ((o->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.flags has unknown bits: 0x%x", what,
                        (unsigned)(o->flags & ~known));
    if (!isfinite(o->threshold))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.threshold is %g", what,
                        o->threshold);
    if (o->threshold != 0.0 && (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.threshold is %g, without LFUSE_PLAN_FLAG_THRESHOLD", what,
                        o->threshold);
    return LFUSE_OK;
}

static lfuse_status check_rules(const lfuse_plan_options *o, const char *what,
                                lfuse_error *err)
{
    const long long n = o->rule_count;
    lfuse_status status = LFUSE_OK;
    int64_t r;

    if (n < 0 || (n > 0 && o->rules == NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rule_count is %lld, rules is %s",
                        what, n, o->rules == NULL ? "NULL" : "given");
    for (r = 0; r < n && status == LFUSE_OK; r++) {
        const lfuse_plan_rule *rule = &o->rules[r];

        if (rule->pattern == NULL || rule->pattern[0] == '\0')
            status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rules[%lld].pattern is %s",
                              what, (long long)r, rule->pattern ? "empty" : "NULL");
        else if (rule->action < LFUSE_PLAN_ACTION_INCLUDE ||
                 rule->action > LFUSE_PLAN_ACTION_FORCE)
            status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rules[%lld].action is %d",
                              what, (long long)r, (int)rule->action);
        else if (rule->reserved != 0)
            status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "%s.rules[%lld].reserved is %d",
                              what, (long long)r, (int)rule->reserved);
    }
    return status;
}

static lfuse_status check_constants(const lfuse_plan_options *o, const char *what,
                                    lfuse_error *err)
{
    lfuse_status status;

    if (o->policy != 0 && lfi_policy_find(o->policy) == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.policy is %d, which is unknown",
                        what, (int)o->policy);
    status = lfi_handles_constant(o->freeze_gradient, LFUSE_FREEZE_DROPPED, what,
                                  "freeze_gradient", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->scope, LFUSE_SCOPE_ADJACENT, what, "scope", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->unit, LFUSE_UNIT_ROW, what, "unit", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->base, LFUSE_BASE_ALL, what, "base", err);
    if (status == LFUSE_OK)
        status =
            lfi_handles_constant(o->linkage, LFUSE_LINKAGE_MERGED, what, "linkage", err);
    if (status == LFUSE_OK)
        status =
            lfi_handles_constant(o->keep, LFUSE_KEEP_BY_DIRECTION, what, "keep", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->alignment, LFUSE_ALIGNMENT_PERMUTATION, what,
                                      "alignment", err);
    return status;
}

static lfuse_status check_alignment(const lfuse_plan_options *o, const char *what,
                                    lfuse_error *err)
{
    const bool aligns = o->alignment == LFUSE_ALIGNMENT_PERMUTATION;

    if (aligns != (o->couplings != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.alignment is %d, couplings are %s",
                        what, (int)o->alignment, aligns ? "NULL" : "given");
    if (aligns && o->unit == LFUSE_UNIT_ROW)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.alignment is %d, but the unit is row: rows have no order",
                        what, (int)o->alignment);
    return LFUSE_OK;
}

static lfuse_status import_options(const lfuse_context *ctx,
                                   const lfuse_plan_options *options, const char *what,
                                   lfuse_plan_options *o, lfuse_error *err)
{
    lfuse_status status;

    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    status = lfi_options_import(o, sizeof(*o), options, false, what, err);
    if (status == LFUSE_OK)
        status = check_numbers(o, what, err);
    if (status == LFUSE_OK)
        status = check_flags(o, what, err);
    if (status == LFUSE_OK)
        status = check_rules(o, what, err);
    if (status == LFUSE_OK)
        status = check_constants(o, what, err);
    if (status == LFUSE_OK)
        status = check_alignment(o, what, err);
    return status;
}

/* What only the mean of the policy average knows. */
static lfuse_status check_mean(const lfuse_plan_options *o, const char *what,
                               lfuse_error *err)
{
    const lfuse_policy policy = o->policy != 0 ? o->policy : LFUSE_POLICY_AVERAGE;
    const bool rescale = (o->flags & LFUSE_PLAN_FLAG_RESCALE) != 0;
    lfuse_status status = lfi_handles_constant(o->weighting, LFUSE_WEIGHTING_IMPORTANCE,
                                               what, "weighting", err);

    if (status != LFUSE_OK)
        return status;
    if (policy != LFUSE_POLICY_AVERAGE &&
        (o->weighting > LFUSE_WEIGHTING_EQUAL || rescale))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.%s is given, but the policy is %s",
                        what, rescale ? "flags rescale" : "weighting",
                        lfi_policy_find(policy)->name);
    if ((o->weighting == LFUSE_WEIGHTING_IMPORTANCE) != (o->importance != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.weighting is %d, importance is %s",
                        what, (int)o->weighting,
                        o->importance != NULL ? "given" : "NULL");
    return LFUSE_OK;
}

/* A plan compares what it may fuse: sizes agree, and a failure ends it. */
static lfuse_status import_similarity(const lfuse_context *ctx,
                                      const lfuse_plan_options *options, const char *what,
                                      struct lfi_similarity_params *params,
                                      lfuse_error *err)
{
    lfuse_similarity_options given, o;
    char name[64];
    lfuse_status status;

    (void)snprintf(name, sizeof(name), "%.32s.similarity", what);
    status =
        lfi_options_import(&given, sizeof(given), options->similarity, true, name, err);
    if (status != LFUSE_OK)
        return status;
    if (options->metric != 0 && given.metric != 0 && options->metric != given.metric)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.metric is %d, %s.metric is %d", what,
                        (int)options->metric, name, (int)given.metric);
    if (options->metric != 0)
        given.metric = options->metric;
    given.struct_size = sizeof(given);
    status = lfi_handles_similarity(ctx, &given, name, &o, params, err);
    params->failed = NULL;
    return status;
}

/* What is known of the metric only by now. */
static lfuse_status check_direction(const lfuse_plan_options *o,
                                    const struct lfi_similarity_params *params,
                                    const char *what, lfuse_error *err)
{
    const struct lfi_metric *metric = lfi_metric_of(params);

    if (o->keep == LFUSE_KEEP_BY_DIRECTION && metric->is_symmetric)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.keep is by direction, but %s is symmetric", what,
                        metric->name);
    return LFUSE_OK;
}

static void fill_options(const lfuse_plan_options *o, struct lfi_plan_options *out)
{
    out->ratio = o->ratio;
    out->top_k = o->top_k != 0 ? o->top_k : INT64_MAX;
    out->max_unique_bytes = o->max_unique_bytes;
    out->threshold = o->threshold;
    out->has_threshold = (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) != 0;
    out->max_group = o->max_group != 0 ? o->max_group : INT64_MAX;
    out->policy = o->policy != 0 ? o->policy : LFUSE_POLICY_AVERAGE;
    out->freeze_gradient =
        o->freeze_gradient != 0 ? o->freeze_gradient : LFUSE_FREEZE_BOTH;
    out->scope = o->scope != 0 ? o->scope : LFUSE_SCOPE_GLOBAL;
    out->unit = o->unit != 0 ? o->unit : LFUSE_UNIT_LAYER;
    out->base = o->base != 0 ? o->base : LFUSE_BASE_CANDIDATES;
    out->linkage = o->linkage != 0 ? o->linkage : LFUSE_LINKAGE_SINGLE;
    out->keep = o->keep != 0 ? o->keep : LFUSE_KEEP_FARTHEST;
    out->weighting = o->weighting != 0 ? o->weighting : LFUSE_WEIGHTING_EQUAL;
    out->rescale = (o->flags & LFUSE_PLAN_FLAG_RESCALE) != 0;
    out->importance = o->importance;
    out->include_ends = (o->flags & LFUSE_PLAN_FLAG_INCLUDE_ENDS) != 0;
    out->contents = (o->flags & LFUSE_PLAN_FLAG_CONTENTS) != 0;
    out->skip_unequal = (o->flags & LFUSE_PLAN_FLAG_SKIP_UNEQUAL) != 0;
    out->rules = o->rules;
    out->rule_count = o->rule_count;
    out->couplings = o->couplings != NULL ? &o->couplings->couplings : NULL;
    out->may_fall_short = false;
}

lfuse_status lfi_handles_plan_options(const lfuse_context *ctx,
                                      const lfuse_plan_options *options, const char *what,
                                      struct lfi_plan_options *out,
                                      const lfuse_ties **in_force, lfuse_error *err)
{
    lfuse_plan_options o;
    lfuse_status status = import_options(ctx, options, what, &o, err);

    if (status == LFUSE_OK)
        status = check_mean(&o, what, err);
    if (status == LFUSE_OK)
        status = import_similarity(ctx, &o, what, &out->similarity, err);
    if (status == LFUSE_OK)
        status = check_direction(&o, &out->similarity, what, err);
    if (status != LFUSE_OK)
        return status;
    fill_options(&o, out);
    *in_force = o.in_force;
    return lfi_rows_check_options(out, what, err);
}

/* ---- building ------------------------------------------------------------------------------ */

static lfuse_status check_in_force(const lfuse_ties *in_force, struct lfi_layer **layers,
                                   int64_t count, lfuse_error *err)
{
    int64_t i;

    if (in_force == NULL)
        return LFUSE_OK;
    if (in_force->ties.count != count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.in_force is over %lld layers, count is %lld",
                        (long long)in_force->ties.count, (long long)count);
    for (i = 0; i < count; i++)
        if (in_force->ties.layers[i] != layers[i])
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "options.in_force is over other layers: its layer %lld is "
                            "%s, layers[%lld] is %s",
                            (long long)i, in_force->ties.layers[i]->name, (long long)i,
                            layers[i]->name);
    return LFUSE_OK;
}

static lfuse_status build(lfuse_context *ctx, struct lfi_layer **layers, int64_t count,
                          const struct lfi_plan_options *options,
                          const lfuse_ties *in_force, lfuse_plan **plan, lfuse_error *err)
{
    lfuse_plan *p;
    lfuse_status status = lfi_alloc_zero(&ctx->env, 1, sizeof(*p), "a plan", &p, err);

    if (status != LFUSE_OK)
        return status;
    p->ctx = ctx;
    status =
        lfi_plan_build(&ctx->env, (const struct lfi_layer *const *)layers, count, options,
                       in_force != NULL ? &in_force->ties : NULL, &p->plan, err);
    if (status == LFUSE_OK)
        *plan = p;
    else
        lfi_free(&ctx->env, p, 1, sizeof(*p));
    return status;
}

lfuse_status lfuse_plan_build(lfuse_context *ctx, const lfuse_layer *const *layers,
                              int64_t count, const lfuse_plan_options *options,
                              lfuse_plan **plan, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    struct lfi_plan_options o;
    const lfuse_ties *in_force;
    lfuse_status status;

    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    *plan = NULL;
    status = lfi_handles_plan_options(ctx, options, "options", &o, &in_force, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_handles_layers(ctx, layers, count, &unwrapped, err);
    if (status == LFUSE_OK)
        status = check_in_force(in_force, unwrapped, count, err);
    if (status == LFUSE_OK)
        status = build(ctx, unwrapped, count, &o, in_force, plan, err);
    lfi_handles_layers_free(ctx, unwrapped, count);
    return status;
}

void lfuse_plan_destroy(lfuse_plan *plan)
{
    const struct lfi_env *env;

    if (plan == NULL)
        return;
    env = &plan->ctx->env;
    lfi_plan_destroy(env, &plan->plan);
    lfi_free(env, plan, 1, sizeof(*plan));
}

/* ---- what is in it -------------------------------------------------------------------------- */

int64_t lfuse_plan_fusion_count(const lfuse_plan *plan)
{
    return plan == NULL ? 0 : plan->plan.fusion_count;
}

lfuse_status lfuse_plan_fusion(const lfuse_plan *plan, int64_t index,
                               lfuse_fusion *fusion, lfuse_error *err)
{
    const struct lfi_fusion *f;
    lfuse_fusion known = {0};
    bool is_row;

    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    if (index < 0 || index >= plan->plan.fusion_count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "index is %lld, the plan has %lld fusions", (long long)index,
                        (long long)plan->plan.fusion_count);
    f = &plan->plan.fusions[index];
    is_row = plan->plan.options.unit == LFUSE_UNIT_ROW;
    known.a = f->a;
    known.b = f->b;
    known.kept = f->kept;
    known.score = f->score;
    known.saved_parameters = f->saved_parameters;
    known.ratio = f->ratio;
    known.gamma = f->gamma;
    known.weight = is_row ? f->weight : -1;
    known.row_a = is_row ? f->row_a : -1;
    known.row_b = is_row ? f->row_b : -1;
    known.row_kept = is_row ? f->row_kept : -1;
    return lfi_options_export(fusion, &known, sizeof(known), "fusion", err);
}

int64_t lfuse_plan_layer_count(const lfuse_plan *plan)
{
    return plan == NULL ? 0 : plan->plan.layer_count;
}

const char *lfuse_plan_layer_name(const lfuse_plan *plan, int64_t index)
{
    if (plan == NULL || index < 0 || index >= plan->plan.layer_count)
        return NULL;
    return plan->plan.layers[index].name;
}

void lfuse_planned_weight_init(lfuse_planned_weight *weight, size_t size)
{
    lfi_options_init(weight, size);
}

int64_t lfuse_plan_owner(const lfuse_plan *plan, int64_t index)
{
    if (plan == NULL || index < 0 || index >= plan->plan.layer_count)
        return -1;
    return plan->plan.goal.owner[index];
}

const char *lfuse_plan_layer_type(const lfuse_plan *plan, int64_t index)
{
    if (plan == NULL || index < 0 || index >= plan->plan.layer_count)
        return NULL;
    return plan->plan.layers[index].param_type;
}

int32_t lfuse_plan_weight_count(const lfuse_plan *plan, int64_t index)
{
    if (plan == NULL || index < 0 || index >= plan->plan.layer_count)
        return 0;
    return plan->plan.layers[index].weight_count;
}

lfuse_status lfuse_plan_weight(const lfuse_plan *plan, int64_t index, int32_t weight,
                               lfuse_planned_weight *out, lfuse_error *err)
{
    const struct lfi_planned_weight *w;
    lfuse_planned_weight known = {0};
    int32_t i;

    if (weight < 0 || weight >= lfuse_plan_weight_count(plan, index))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "layer %lld has %d weights, weight is %d", (long long)index,
                        (int)lfuse_plan_weight_count(plan, index), (int)weight);
    w = &plan->plan.layers[index].weights[weight];
    known.name = w->name;
    known.rank = w->shape.rank;
    known.dtype = w->shape.dtype;
    known.output_axis = w->output_axis;
    for (i = 0; i < known.rank; i++)
        known.dims[i] = w->shape.dims[i];
    return lfi_options_export(out, &known, sizeof(known), "weight", err);
}

int64_t lfuse_plan_group_count(const lfuse_plan *plan)
{
    return plan == NULL ? 0 : plan->plan.goal.count;
}

int64_t lfuse_plan_group_size(const lfuse_plan *plan, int64_t group)
{
    if (plan == NULL || group < 0 || group >= plan->plan.goal.count)
        return 0;
    return lfi_grouping_size(&plan->plan.goal, group);
}

int64_t lfuse_plan_group_member(const lfuse_plan *plan, int64_t group, int64_t member)
{
    if (member < 0 || member >= lfuse_plan_group_size(plan, group))
        return -1;
    return plan->plan.goal.members[plan->plan.goal.first[group] + member];
}

int64_t lfuse_plan_group_kept(const lfuse_plan *plan, int64_t group)
{
    if (lfuse_plan_group_size(plan, group) == 0)
        return -1;
    return plan->plan.goal.kept[group];
}

int64_t lfuse_plan_skipped_count(const lfuse_plan *plan)
{
    return plan == NULL ? 0 : plan->plan.skip_count;
}

int64_t lfuse_plan_skipped(const lfuse_plan *plan, int64_t index)
{
    if (index < 0 || index >= lfuse_plan_skipped_count(plan))
        return -1;
    return plan->plan.skips[index].layer;
}

const char *lfuse_plan_skipped_reason(const lfuse_plan *plan, int64_t index)
{
    if (index < 0 || index >= lfuse_plan_skipped_count(plan))
        return NULL;
    return plan->plan.skips[index].reason;
}

int64_t lfuse_plan_row_owner(const lfuse_plan *plan, int64_t layer, int32_t weight,
                             int64_t row, int64_t *owner_row)
{
    if (plan == NULL)
        return -1;
    return lfi_handles_row_owner(&plan->plan.rows, &plan->plan.row_goal, layer, weight,
                                 row, owner_row);
}

int64_t lfuse_plan_permutation_count(const lfuse_plan *plan)
{
    const struct lfi_moves *moves = plan == NULL ? NULL : &plan->plan.moves;
    int64_t n = 0, i;

    for (i = 0; moves != NULL && i < moves->count; i++)
        n += moves->items[i].space_count;
    return n;
}

const int64_t *lfuse_plan_permutation(const lfuse_plan *plan, int64_t index,
                                      int64_t *space, int64_t *units)
{
    const struct lfi_move *move;

    if (index < 0 || index >= lfuse_plan_permutation_count(plan))
        return NULL;
    move = plan->plan.moves.items;
    for (; index >= move->space_count; move++)
        index -= move->space_count;
    if (space != NULL)
        *space = move->spaces[index];
    if (units != NULL)
        *units = move->units;
    return move->order;
}

lfuse_status lfuse_plan_account(const lfuse_plan *plan, lfuse_account *account,
                                lfuse_error *err)
{
    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    return lfi_handles_account(&plan->plan.account, plan->plan.options.base, account,
                               err);
}
