/*
 * preview.c - what the weights will be once a plan is applied, without applying it
 *
 * For files that are larger than memory: layers may lie in a mapping that cannot be written, and
 * nothing is held but some numbers for each layer, and for each entry of an axis that is put in
 * order. The arithmetic is that of ties_commit.c, in combine.c, so the bits are those that ties
 * would leave.
 */
#include "fusion/fusion.h"

static struct lfi_combination combination_of(const struct lfi_preview *p, int64_t group,
                                             int32_t weight)
{
    const struct lfi_grouping *g = &p->plan->goal;
    struct lfi_combination c = {
        .ties = &p->ties,
        .members = g->members + g->first[group],
        .count = lfi_grouping_size(g, group),
        .by_source = true,
        .parameter = weight,
        .which = LFI_VALUE,
    };

    c.weights = lfi_combine_weights(&c, p->weights);
    return c;
}

static const struct lfi_policy *policy_of(const struct lfi_preview *p)
{
    return lfi_policy_find(p->plan->options.policy);
}

static bool is_of_rows(const struct lfi_preview *p)
{
    return p->plan->options.unit == LFUSE_UNIT_ROW;
}

/* Rescaling has to know all of a weight before any of it. Groups that mix end as plain means. */
static void measure(struct lfi_preview *p)
{
    const struct lfi_grouping *g = &p->plan->goal;
    int64_t group, at;

    for (group = 0; group < g->count && p->plan->options.rescale; group++)
        for (at = p->first[group]; at < p->first[group + 1]; at++) {
            const struct lfi_combination c =
                combination_of(p, group, (int32_t)(at - p->first[group]));

            p->divisors[at] = lfi_combine_rescaled(&c);
        }
}

static lfuse_status reserve(const struct lfi_env *env, struct lfi_preview *p,
                            lfuse_error *err)
{
    const struct lfi_grouping *g = &p->plan->goal;
    lfuse_status status;
    int64_t i, group;

    status = lfi_alloc(env, (size_t)p->ties.count, sizeof(*p->group), "a preview",
                       &p->group, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)g->count + 1, sizeof(*p->first), "a preview",
                                &p->first, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < p->ties.count; i++) {
        p->group[i] = -1;
        p->ties.weight_counts[i] = lfi_layer_weight_count(p->ties.layers[i]);
    }
    for (group = 0; group < g->count; group++) {
        for (i = g->first[group]; i < g->first[group + 1]; i++)
            p->group[g->members[i]] = group;
        p->first[group + 1] =
            p->first[group] + lfi_layer_weight_count(p->ties.layers[g->kept[group]]);
    }
    return lfi_alloc_zero(env, (size_t)p->first[g->count], sizeof(*p->divisors),
                          "a preview", &p->divisors, err);
}

lfuse_status lfi_preview_create(const struct lfi_env *env, const struct lfi_plan *plan,
                                struct lfi_layer *const *layers, int64_t count,
                                struct lfi_preview *preview, lfuse_error *err)
{
    const struct lfi_ties_options options = {.gradients = LFUSE_GRADIENTS_PER_POSITION,
                                             .combine = LFUSE_COMBINE_MEAN};
    struct lfi_preview p = {.plan = plan};
    lfuse_status status = lfi_ties_create(env, layers, count, &options, &p.ties, err);

    if (status == LFUSE_OK)
        status = lfi_ties_check(&p.ties, plan, err);
    if (status == LFUSE_OK && policy_of(&p)->calls_back)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                          "the plan's policy is custom: what becomes of weights is for "
                          "the ties' merge to say");
    if (status == LFUSE_OK)
        status =
            lfi_arrangements_create(env, (const struct lfi_layer *const *)p.ties.layers,
                                    count, &plan->moves, &p.ties.arrangements, err);
    if (status == LFUSE_OK && is_of_rows(&p))
        status = lfi_preview_rows_create(env, &p, err);
    else if (status == LFUSE_OK && !policy_of(&p)->mixes)
        status = lfi_ties_weigh(env, &p.ties, plan, &p.weights, err);
    if (status == LFUSE_OK)
        status = reserve(env, &p, err);
    if (status == LFUSE_OK)
        measure(&p);
    else
        lfi_preview_destroy(env, &p);
    *preview = p;
    return status;
}

void lfi_preview_destroy(const struct lfi_env *env, struct lfi_preview *preview)
{
    struct lfi_preview *p = preview;
    const size_t n = (size_t)p->ties.count;

    if (p->first != NULL)
        lfi_free(env, p->divisors, (size_t)p->first[p->plan->goal.count],
                 sizeof(*p->divisors));
    lfi_free(env, p->first, (size_t)p->plan->goal.count + 1, sizeof(*p->first));
    lfi_free(env, p->group, n, sizeof(*p->group));
    lfi_free(env, p->weights, n, sizeof(*p->weights));
    lfi_preview_rows_destroy(env, p);
    lfi_ties_destroy(env, &p->ties);
    *p = (struct lfi_preview){0};
}

/* ---- reading ------------------------------------------------------------------------------- */

/* How many of its role are before it. */
static int32_t index_of(const struct lfi_layer *layer, int32_t parameter)
{
    int32_t index = 0, i;

    for (i = 0; i < parameter; i++)
        index += layer->parameters[i].role == layer->parameters[parameter].role;
    return index;
}

static bool is_mean(const struct lfi_preview *p, int64_t layer, lfuse_role role)
{
    const struct lfi_policy *policy = policy_of(p);

    return p->group[layer] >= 0 && ((role == LFUSE_ROLE_WEIGHT && policy->averages) ||
                                    (role == LFUSE_ROLE_BIAS && policy->draws));
}

/* index is that of ties: of weights, then biases. */
static void read_mean(const struct lfi_preview *p, int64_t group, int32_t index,
                      int64_t first, int64_t count, void *out)
{
    const int64_t kept = p->plan->goal.kept[group];
    struct lfi_combination c = combination_of(p, group, index);
    struct lfi_view block = {.data = out, .rank = 1, .strides = {1}, .dims = {count}};
    double values[LFI_COMBINE_BLOCK];
    int64_t at, n;

    block.dtype = lfi_ties_parameter(&p->ties, kept, index)->value->view.dtype;
    if (index < lfi_ties_weight_count(&p->ties, kept))
        c.divisor = p->divisors[p->first[group] + index];
    for (at = 0; at < count; at += n) {
        n = count - at < LFI_COMBINE_BLOCK ? count - at : LFI_COMBINE_BLOCK;
        lfi_combine_block(&c, first + at, n, values);
        lfi_view_write_f64(&block, at, n, values);
    }
}

void lfi_preview_read(const struct lfi_preview *preview, int64_t layer, int32_t parameter,
                      int64_t first, int64_t count, void *out)
{
    const struct lfi_preview *p = preview;
    const struct lfi_layer *from = p->ties.layers[layer];
    const struct lfi_parameter *q = &from->parameters[parameter];
    const int32_t index = index_of(from, parameter);
    struct lfi_arranged value;

    if (is_of_rows(p) && q->role == LFUSE_ROLE_WEIGHT) {
        lfi_preview_rows_read(p, layer, index, first, count, out);
        return;
    }
    if (is_mean(p, layer, q->role)) {
        read_mean(p, p->group[layer],
                  q->role == LFUSE_ROLE_BIAS ? index + lfi_layer_weight_count(from)
                                             : index,
                  first, count, out);
        return;
    }
    if (q->role == LFUSE_ROLE_WEIGHT) {
        layer = p->plan->goal.owner[layer];
        from = p->ties.layers[layer];
        q = lfi_layer_weight(from, index);
    }
    value = lfi_arranged_of(&q->value->view,
                            lfi_arrangements_of(&p->ties.arrangements, layer),
                            q - from->parameters);
    lfi_arranged_read_bits(&value, first, count, out);
}
