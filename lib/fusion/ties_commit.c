/*
 * ties_commit.c - one buffer for a group: values merge in place, arrays re-point
 *
 * Nothing here can fail: it runs on this thread, and takes no memory. What it does to the
 * caller's memory is known before: lfi_ties_tied_destination() says where each value will go.
 *
 * The mean is over all members, each with its weight; those that were tied before are read
 * through their source: equal weights give sum of m_j W_j / sum of m_j over sources of m_j
 * members.
 */
#include "fusion/fusion.h"

/* ---- where arrays go ---------------------------------------------------------------------- */

static bool is_laid_out_alike(const struct lfi_view *a, const struct lfi_view *b)
{
    int32_t i;

    for (i = 0; i < a->rank; i++)
        if (a->dims[i] != 1 && a->strides[i] != b->strides[i])
            return false;
    return a->dtype == b->dtype;
}

bool lfi_ties_can_repoint(const struct lfi_ties *ties, const struct lfi_array *member,
                          const struct lfi_view *target)
{
    return !ties->options.mirror && is_laid_out_alike(&member->view, target) &&
           (!member->lent || ties->options.rebind != NULL);
}

/* The kept member's array, when this one's memory is to become it; NULL when it is, or is
 * to stay apart: mirrored, laid out in another way, or borrowed with nobody to tell. */
static const struct lfi_array *find_target(const struct lfi_ties *ties, int64_t layer,
                                           int64_t kept, int32_t weight, int32_t which)
{
    struct lfi_array *member = lfi_parameter_array(
                         lfi_layer_weight(ties->layers[layer], weight), which),
                     *buffer = lfi_parameter_array(
                         lfi_layer_weight(ties->layers[kept], weight), which);

    if (member == NULL || buffer == NULL || member->view.data == buffer->view.data ||
        !lfi_ties_can_repoint(ties, member, &buffer->view))
        return NULL;
    if (which == LFI_GRADIENT && ties->options.gradients != LFUSE_GRADIENTS_ACCUMULATED)
        return NULL;
    if (which != LFI_VALUE && member->lent)
        return NULL;
    return buffer;
}

void *lfi_ties_tied_destination(const struct lfi_ties *ties, int64_t layer,
                                int32_t parameter, const void *arg)
{
    const struct lfi_grouping *grouping = arg;
    const struct lfi_array *target;

    if (parameter >= lfi_ties_weight_count(ties, layer) ||
        !lfi_layer_weight(ties->layers[layer], parameter)->value->lent)
        return NULL;
    target = find_target(ties, layer, grouping->owner[layer], parameter, LFI_VALUE);
    return target == NULL ? NULL : target->view.data;
}

/* ---- tying -------------------------------------------------------------------------------- */

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
        const struct lfi_array *target = find_target(ties, layer, kept, weight, which);

        if (target != NULL)
            repoint(ties, original, which, lfi_parameter_array(p, which), target);
    }
    if (p->value->view.data != buffer->data)
        lfi_view_copy(&p->value->view, buffer);
}

const double *lfi_combine_weights(const struct lfi_combination *c, const double *weights)
{
    int64_t m;

    for (m = 0; m < c->count && weights != NULL; m++)
        if (weights[c->members[m]] > 0.0)
            return weights;
    return NULL;
}

/* What the caller made of them, its rows first. */
static void write_merged(const struct lfi_ties *ties, int64_t kept, int32_t parameter,
                         const double *merged)
{
    const struct lfi_parameter *p = lfi_ties_parameter(ties, kept, parameter);
    const struct lfi_view rows = lfi_view_axis_first(&p->value->view, p->output_axis);

    lfi_view_write_f64(&rows, 0, lfi_view_elements(&rows), merged);
}

void lfi_ties_merge(const struct lfi_ties *ties, const struct lfi_grouping *grouping,
                    int64_t group, int32_t parameter, struct lfi_mean mean)
{
    const int64_t kept = grouping->kept[group];
    struct lfi_combination c = {
        .ties = ties,
        .members = grouping->members + grouping->first[group],
        .count = lfi_grouping_size(grouping, group),
        .by_source = parameter < lfi_ties_weight_count(ties, kept),
        .parameter = parameter,
    };

    c.weights = lfi_combine_weights(&c, mean.weights);
    for (c.which = 0; c.which < LFI_ARRAYS; c.which++) {
        const struct lfi_array *target =
            lfi_parameter_array(lfi_ties_parameter(ties, kept, parameter), c.which);

        c.divisor = mean.rescale && c.which == LFI_VALUE ? lfi_combine_rescaled(&c) : 0.0;
        if (target != NULL && c.which == LFI_VALUE && mean.merged != NULL)
            write_merged(ties, kept, parameter, mean.merged[parameter]);
        else if (target != NULL && c.which != LFI_GRADIENT)
            lfi_combine(&c, &target->view, 0, lfi_view_elements(&target->view));
    }
}

void lfi_ties_commit_group(struct lfi_ties *ties, const struct lfi_grouping *grouping,
                           int64_t group, struct lfi_rule rule, struct lfi_mean mean)
{
    const struct lfi_grouping *g = grouping;
    const int64_t kept = g->kept[group];
    const int32_t n = lfi_ties_weight_count(ties, kept);
    int32_t k;
    int64_t i;

    ties->rules[kept] = rule;
    if (lfi_policy_find(rule.policy)->mixes)
        return;
    for (k = 0; k < n; k++) {
        if (lfi_policy_find(rule.policy)->averages)
            lfi_ties_merge(ties, g, group, k, mean);
        for (i = g->first[group]; i < g->first[group + 1]; i++)
            tie_weight(ties, g->members[i], kept, k);
    }
    for (i = g->first[group]; i < g->first[group + 1]; i++)
        ties->source[g->members[i]] = kept;
}
