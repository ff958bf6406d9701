/*
 * ties_apply.c - puts a plan in force, whole or not at all
 *
 *   1  checks, and everything that takes memory
 *   2  the caller's pointers (ties_rebind.c); taken back if one is refused
 *   3  commit: values merge in place, arrays re-point. Nothing in it can fail: it runs on
 *      this thread, and takes no memory
 *
 * The mean is over all members; those that were tied before are read through their owner, so
 * that each counts once: mean = sum of m_j W_j / sum of m_j over groups of m_j members.
 */
#include "fusion/fusion.h"

#include <string.h>

/* ---- checks ---------------------------------------------------------------------------- */

static lfuse_status check_weight(const struct lfi_layer *layer, int32_t index,
                                 const struct lfi_planned_weight *planned,
                                 lfuse_error *err)
{
    const struct lfi_parameter *p = lfi_layer_weight(layer, index);
    char now[96], then[96];

    if (strcmp(p->name, planned->name) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "weight %d of layer %s is named %s, in the plan %s", (int)index,
                        layer->name, p->name, planned->name);
    if (!lfi_view_same_shape(&p->value->view, &planned->shape)) {
        lfi_view_shape_text(&p->value->view, now, sizeof(now));
        lfi_view_shape_text(&planned->shape, then, sizeof(then));
        return lfi_fail(err, LFUSE_ERR_SHAPE, "%s of layer %s is %s, in the plan %s",
                        p->name, layer->name, now, then);
    }
    if (p->output_axis != planned->output_axis)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "output_axis of %s of layer %s is %d, in the plan %d", p->name,
                        layer->name, (int)p->output_axis, (int)planned->output_axis);
    if (p->value->view.dtype != planned->shape.dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "%s of layer %s is %s, in the plan %s",
                        p->name, layer->name, lfi_dtype_name(p->value->view.dtype),
                        lfi_dtype_name(planned->shape.dtype));
    return LFUSE_OK;
}

static lfuse_status check_layer(const struct lfi_layer *layer,
                                const struct lfi_planned_layer *planned, int64_t index,
                                lfuse_error *err)
{
    const int32_t n = lfi_layer_weight_count(layer);
    lfuse_status status = LFUSE_OK;
    int32_t k;

    if (strcmp(layer->name, planned->name) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "layers[%lld] is %s, in the plan %s",
                        (long long)index, layer->name, planned->name);
    if (strcmp(layer->param_type, planned->param_type) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "layer %s is of param type %s, in the plan of %s", layer->name,
                        layer->param_type, planned->param_type);
    if (n != planned->weight_count)
        return lfi_fail(err, LFUSE_ERR_NAME, "layer %s has %d weights, in the plan %d",
                        layer->name, (int)n, (int)planned->weight_count);
    for (k = 0; k < n && status == LFUSE_OK; k++)
        status = check_weight(layer, k, &planned->weights[k], err);
    return status;
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
    if (ties->originals != NULL &&
        lfi_ties_weight_count(ties, index) != lfi_layer_weight_count(ties->layers[index]))
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "layer %s has gained a weight since ties were first applied",
                        ties->layers[index]->name);
    return LFUSE_OK;
}

/* Whether this plan ties a member of the group anew. */
static bool is_changed(const struct lfi_ties *ties, const struct lfi_plan *plan,
                       int64_t group)
{
    const struct lfi_grouping *g = &plan->goal;
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++)
        if (ties->in_force.owner[g->members[i]] != g->kept[group])
            return true;
    return false;
}

static lfuse_status check_finite(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                 lfuse_error *err)
{
    const struct lfi_grouping *g = &plan->goal;
    lfuse_status status = LFUSE_OK;
    int64_t group, i;

    for (group = 0; group < g->count; group++)
        for (i = g->first[group]; i < g->first[group + 1] && status == LFUSE_OK; i++)
            if (is_changed(ties, plan, group))
                status = lfi_layer_check_finite(ties->layers[g->members[i]], err);
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

static lfuse_status check(const struct lfi_ties *ties, const struct lfi_plan *plan,
                          lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (plan->layer_count != ties->count)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "the plan is of %lld layers, the ties of %lld",
                        (long long)plan->layer_count, (long long)ties->count);
    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        status = check_layer(ties->layers[i], &plan->layers[i], i, err);
    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        status = check_in_force(ties, plan, i, err);
    if (status == LFUSE_OK && plan->fusion_count > 0)
        status = lfi_ties_check_rule(&ties->options, rule_of(plan), err);
    if (status == LFUSE_OK)
        status = check_finite(ties, plan, err);
    return status;
}

/* ---- re-pointing --------------------------------------------------------------------------- */

static bool is_laid_out_alike(const struct lfi_view *a, const struct lfi_view *b)
{
    int32_t i;

    for (i = 0; i < a->rank; i++)
        if (a->dims[i] != 1 && a->strides[i] != b->strides[i])
            return false;
    return a->dtype == b->dtype;
}

struct lfi_array *lfi_ties_target(const struct lfi_ties *ties, int64_t layer,
                                  int64_t kept, int32_t weight, int32_t which)
{
    const struct lfi_ties_options *o = &ties->options;
    struct lfi_array *member = lfi_parameter_array(
                         lfi_layer_weight(ties->layers[layer], weight), which),
                     *buffer = lfi_parameter_array(
                         lfi_layer_weight(ties->layers[kept], weight), which);

    if (o->mirror || member == NULL || buffer == NULL ||
        member->view.data == buffer->view.data ||
        !is_laid_out_alike(&member->view, &buffer->view))
        return NULL;
    if (which == LFI_GRADIENT && o->gradients != LFUSE_GRADIENTS_ACCUMULATED)
        return NULL;
    if (member->lent && (which != LFI_VALUE || o->rebind == NULL))
        return NULL;
    return buffer;
}

static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t weight,
                         const void *arg)
{
    const struct lfi_plan *plan = arg;
    const struct lfi_array *target;

    if (!lfi_layer_weight(ties->layers[layer], weight)->value->lent)
        return NULL;
    target = lfi_ties_target(ties, layer, plan->goal.owner[layer], weight, LFI_VALUE);
    return target == NULL ? NULL : target->view.data;
}

/* Copies can take the place of values and state that were owned; nothing of gradients. */
static bool is_needed_for_undo(const struct lfi_ties *ties,
                               const struct lfi_original *original, int32_t which,
                               const struct lfi_array *array)
{
    return ties->options.keep_originals && !original->repointed[which] &&
           (which == LFI_GRADIENT || array->lent);
}

static void repoint(const struct lfi_ties *ties, struct lfi_original *original,
                    int32_t which, struct lfi_array *array,
                    const struct lfi_array *target)
{
    struct lfi_array old = *array;

    array->storage = lfi_array_share(target).storage;
    array->view.data = target->view.data;
    if (is_needed_for_undo(ties, original, which, &old))
        original->own[which] = old;
    else
        lfi_array_release(&old);
    original->repointed[which] = true;
}

static void tie_weight(const struct lfi_ties *ties, int64_t layer, int64_t kept,
                       int32_t weight)
{
    struct lfi_original *original = &lfi_ties_originals(ties, layer)[weight];
    const struct lfi_parameter *p = lfi_layer_weight(ties->layers[layer], weight);
    const struct lfi_view *buffer =
        &lfi_layer_weight(ties->layers[kept], weight)->value->view;
    int32_t which;

    for (which = 0; which < LFI_ARRAYS; which++) {
        struct lfi_array *target = lfi_ties_target(ties, layer, kept, weight, which);

        if (target != NULL)
            repoint(ties, original, which, lfi_parameter_array(p, which), target);
    }
    if (p->value->view.data != buffer->data)
        lfi_view_copy(&p->value->view, buffer);
}

/* ---- commit --------------------------------------------------------------------------------- */

static void merge_weight(const struct lfi_ties *ties, const struct lfi_plan *plan,
                         int64_t group, int32_t weight)
{
    const struct lfi_grouping *g = &plan->goal;
    struct lfi_combination c = {
        .layers = ties->layers,
        .members = g->members + g->first[group],
        .count = lfi_grouping_size(g, group),
        .owner = ties->in_force.owner,
        .weight = weight,
    };

    for (c.which = 0; c.which < LFI_ARRAYS; c.which++) {
        const struct lfi_array *target = lfi_parameter_array(
            lfi_layer_weight(ties->layers[g->kept[group]], weight), c.which);

        if (target != NULL && c.which != LFI_GRADIENT)
            lfi_combine(&c, &target->view, 0, lfi_view_elements(&target->view));
    }
}

static void commit_group(struct lfi_ties *ties, const struct lfi_plan *plan,
                         int64_t group)
{
    const struct lfi_grouping *g = &plan->goal;
    const int64_t kept = g->kept[group];
    const int32_t n = lfi_ties_weight_count(ties, kept);
    int32_t k;
    int64_t i;

    for (k = 0; k < n; k++) {
        if (lfi_policy_find(plan->options.policy)->averages)
            merge_weight(ties, plan, group, k);
        for (i = g->first[group]; i < g->first[group + 1]; i++)
            tie_weight(ties, g->members[i], kept, k);
    }
    ties->rules[kept] = rule_of(plan);
}

lfuse_status lfi_ties_apply(const struct lfi_env *env, struct lfi_ties *ties,
                            const struct lfi_plan *plan, lfuse_error *err)
{
    const bool is_first = ties->originals == NULL;
    lfuse_status status;
    int64_t group;

    status = check(ties, plan, err);
    if (status != LFUSE_OK || plan->fusion_count == 0)
        return status;
    if (is_first)
        status = lfi_ties_keep_originals(env, ties, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_ties_rebind(ties, destination, plan, err);
    if (status != LFUSE_OK) {
        if (is_first)
            lfi_ties_drop_originals(env, ties);
        return status;
    }
    for (group = 0; group < plan->goal.count; group++)
        if (is_changed(ties, plan, group))
            commit_group(ties, plan, group);
    lfi_grouping_set(&ties->in_force, plan->goal.owner);
    return LFUSE_OK;
}
