/* plan.c - the shell of plan.h */
#include "handles.h"

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

/* The move that the permutation at *index is of, and which of its spaces; NULL: out of range. */
static const struct lfi_move *find_move(const lfuse_plan *plan, int64_t *index)
{
    const struct lfi_move *move;

    if (*index < 0 || *index >= lfuse_plan_permutation_count(plan))
        return NULL;
    move = plan->plan.moves.items;
    for (; *index >= move->space_count; move++)
        *index -= move->space_count;
    return move;
}

const int64_t *lfuse_plan_permutation(const lfuse_plan *plan, int64_t index,
                                      int64_t *space, int64_t *units)
{
    const struct lfi_move *move = find_move(plan, &index);

    if (move == NULL)
        return NULL;
    if (space != NULL)
        *space = move->spaces[index];
    if (units != NULL)
        *units = move->units;
    return move->order;
}

int64_t lfuse_plan_permutation_member_count(const lfuse_plan *plan, int64_t index)
{
    const struct lfi_move *move = find_move(plan, &index);

    return move == NULL ? 0 : move->member_count;
}

lfuse_status lfuse_plan_permutation_member(const lfuse_plan *plan, int64_t index,
                                           int64_t member, lfuse_coupling *out,
                                           lfuse_error *err)
{
    const int64_t count = lfuse_plan_permutation_member_count(plan, index);
    int64_t space = index;
    const struct lfi_move *move = find_move(plan, &space);
    const struct lfi_move_member *m;
    lfuse_coupling known = {0};

    if (member < 0 || member >= count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "permutation %lld has %lld members, member is %lld",
                        (long long)index, (long long)count, (long long)member);
    m = &move->members[member];
    known.layer = plan->plan.layers[m->layer].name;
    known.parameter = m->parameter;
    known.head_group = m->block;
    known.repeat = 1;
    known.offset = m->offset;
    known.extent = m->block * move->units;
    known.axis = m->axis;
    return lfi_options_export(out, &known, sizeof(known), "out", err);
}

lfuse_status lfuse_plan_account(const lfuse_plan *plan, lfuse_account *account,
                                lfuse_error *err)
{
    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    return lfi_handles_account(&plan->plan.account, plan->plan.options.base, account,
                               err);
}
