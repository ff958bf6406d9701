/*
 * rows_apply.c - puts a plan of rows in force, whole or not at all
 *
 * No memory re-points: a row is part of a weight that others read whole. Its group's values are
 * the kept row's, where it lies; the other rows show copies, its mirrors. What can fail comes
 * first and builds what will be in force beside what is; committing swaps the two.
 */
#include "fusion/fusion.h"

#include <string.h>

/* ---- checks ---------------------------------------------------------------------------- */

static int64_t owner_of(const struct lfi_ties *ties, int64_t row)
{
    return ties->rows.rows.count == 0 ? row : ties->rows.in_force.owner[row];
}

static int64_t source_of(const struct lfi_ties *ties, int64_t row)
{
    return ties->rows.rows.count == 0 ? row : ties->rows.source[row];
}

bool lfi_row_ties_change(const struct lfi_ties *ties, const struct lfi_plan *plan,
                         int64_t group)
{
    const struct lfi_grouping *g = &plan->row_goal;
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++)
        if (owner_of(ties, g->members[i]) != g->kept[group])
            return true;
    return false;
}

static lfuse_status check_start(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < plan->rows.count; i++) {
        const struct lfi_row row = lfi_rows_find(&plan->rows, i);

        if (owner_of(ties, i) == plan->row_start.owner[i])
            continue;
        return lfi_fail(
            err, LFUSE_ERR_STATE,
            "row %lld of %s of layer %s shares other values than when planned",
            (long long)row.index, plan->layers[row.layer].weights[row.weight].name,
            plan->layers[row.layer].name);
    }
    return LFUSE_OK;
}

static lfuse_status check_finite(const struct lfi_ties *ties, const struct lfi_rows *rows,
                                 int64_t number, lfuse_error *err)
{
    const struct lfi_row row = lfi_rows_find(rows, number);
    const struct lfi_parameter *p = lfi_layer_weight(ties->layers[row.layer], row.weight);
    const struct lfi_view view = lfi_row_view(p->value, p->output_axis, row.index);
    const int64_t at = lfi_view_find_not_finite(&view);

    if (at < 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                    "element %lld of row %lld of parameter %s of layer %s is not finite",
                    (long long)at, (long long)row.index, p->name,
                    ties->layers[row.layer]->name);
}

/* Rows are tied where they share columns: these must not move any more. */
static lfuse_status check_moves(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                lfuse_error *err)
{
    const struct lfi_moves *moves = &plan->moves;
    int64_t i, k;

    for (i = 0; i < moves->count; i++)
        for (k = 0; k < moves->items[i].member_count; k++) {
            const int64_t layer = moves->items[i].members[k].layer;

            if (lfi_rows_are_shared(&ties->rows.rows, &ties->rows.in_force, layer))
                return lfi_fail(err, LFUSE_ERR_STATE,
                                "the plan permutes units of layer %s, which shares rows",
                                ties->layers[layer]->name);
        }
    return LFUSE_OK;
}

/* Whether the plan changes a group that has rows of this layer. */
static bool changes_layer(const struct lfi_ties *ties, const struct lfi_plan *plan,
                          int64_t layer)
{
    const struct lfi_rows *rows = &plan->rows;
    const int64_t end = rows->first[rows->first_run[layer + 1]];
    int64_t i;

    for (i = rows->first[rows->first_run[layer]]; i < end; i++)
        if (plan->row_goal.group[i] >= 0 &&
            lfi_row_ties_change(ties, plan, plan->row_goal.group[i]))
            return true;
    return false;
}

/* Of rows that the plan moves first it is not known here where they stand: whole weights. */
static lfuse_status check_layers(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                 lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        if (changes_layer(ties, plan, i))
            status = lfi_layer_check_finite(ties->layers[i], LFUSE_ROLE_WEIGHT, err);
    return status;
}

lfuse_status lfi_row_ties_check(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                lfuse_error *err)
{
    const struct lfi_grouping *g = &plan->row_goal;
    lfuse_status status = check_start(ties, plan, err);
    int64_t group, i;

    if (status == LFUSE_OK)
        status = check_moves(ties, plan, err);
    if (status == LFUSE_OK && plan->moves.count > 0)
        return check_layers(ties, plan, err);
    for (group = 0; group < g->count && status == LFUSE_OK; group++) {
        if (!lfi_row_ties_change(ties, plan, group))
            continue;
        for (i = g->first[group]; i < g->first[group + 1] && status == LFUSE_OK; i++)
            status = check_finite(ties, &plan->rows, g->members[i], err);
    }
    return status;
}

/* ---- what will be in force --------------------------------------------------------------- */

struct lfi_view lfi_row_ties_value(const struct lfi_ties *ties,
                                   const struct lfi_rows *rows, int64_t number)
{
    const struct lfi_row row = lfi_rows_find(rows, number);
    const struct lfi_parameter *p = lfi_layer_weight(ties->layers[row.layer], row.weight);

    return lfi_row_view(p->value, p->output_axis, row.index);
}

/* Whose values its members' are. */
static void fill_sources(const struct lfi_ties *ties, const struct lfi_plan *plan,
                         int64_t group, struct lfi_row_ties *next)
{
    const struct lfi_grouping *g = &next->in_force;
    const bool ties_all = lfi_row_ties_change(ties, plan, group) &&
                          !lfi_policy_find(plan->options.policy)->mixes;
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++)
        next->source[g->members[i]] =
            ties_all ? g->kept[group] : source_of(ties, g->members[i]);
}

/* Rules and sources of all groups, and where those that are frozen or mix go. */
static void fill(const struct lfi_ties *ties, const struct lfi_plan *plan,
                 struct lfi_row_ties *next)
{
    const struct lfi_grouping *g = &next->in_force;
    int64_t i;

    for (i = 0; i < next->rows.count; i++) {
        next->source[i] = i;
        next->banked[i] = next->mixed[i] = -1;
    }
    for (i = 0; i < g->count; i++) {
        const int64_t kept = g->kept[i];
        const struct lfi_view row = lfi_row_ties_value(ties, &next->rows, kept);

        fill_sources(ties, plan, i, next);
        if (lfi_row_ties_change(ties, plan, i))
            next->rules[kept] =
                (struct lfi_rule){plan->options.policy, plan->options.freeze_gradient};
        else
            next->rules[kept] = ties->rows.rules[kept];
        if (lfi_rule_is_frozen(next->rules[kept])) {
            next->banked[kept] = (int64_t)next->bank_bytes;
            next->bank_bytes += lfi_row_pitch(&row); /* of rows that there are: it fits */
        } else if (lfi_policy_find(next->rules[kept].policy)->mixes) {
            next->mixed[kept] = (int64_t)next->mixes_bytes;
            next->mixes_bytes +=
                (size_t)(lfi_grouping_size(g, i) + 1) * lfi_row_pitch(&row);
        }
    }
}

static lfuse_status prepare(const struct lfi_env *env, const struct lfi_ties *ties,
                            const struct lfi_plan *plan, struct lfi_row_ties *next,
                            lfuse_error *err)
{
    lfuse_status status;

    *next = (struct lfi_row_ties){0};
    status = lfi_rows_create(env, plan->layers, ties->count, &next->rows, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, next->rows.count, &next->in_force, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)next->rows.count, sizeof(*next->rules),
                                "rows in force", &next->rules, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)next->rows.count, sizeof(*next->source),
                           "rows in force", &next->source, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)next->rows.count, sizeof(*next->banked),
                           "rows in force", &next->banked, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)next->rows.count, sizeof(*next->mixed),
                           "rows in force", &next->mixed, err);
    if (status == LFUSE_OK) {
        lfi_grouping_set(&next->in_force, plan->row_goal.owner);
        fill(ties, plan, next);
        status = lfi_alloc(env, next->bank_bytes, 1, "a bank of rows", &next->bank, err);
    }
    if (status == LFUSE_OK)
        status = lfi_alloc(env, next->mixes_bytes, 1, "mixes", &next->mixes, err);
    if (status != LFUSE_OK)
        lfi_row_ties_destroy(env, next);
    return status;
}

void lfi_row_ties_destroy(const struct lfi_env *env, struct lfi_row_ties *rows)
{
    const size_t n = (size_t)rows->rows.count;

    lfi_free(env, rows->mixes, rows->mixes_bytes, 1);
    lfi_free(env, rows->bank, rows->bank_bytes, 1);
    lfi_free(env, rows->mixed, n, sizeof(*rows->mixed));
    lfi_free(env, rows->banked, n, sizeof(*rows->banked));
    lfi_free(env, rows->source, n, sizeof(*rows->source));
    lfi_free(env, rows->rules, n, sizeof(*rows->rules));
    lfi_grouping_destroy(env, &rows->in_force);
    lfi_rows_destroy(env, &rows->rows);
    *rows = (struct lfi_row_ties){0};
}

lfuse_status lfi_row_ties_weigh(const struct lfi_env *env, const struct lfi_ties *ties,
                                const struct lfi_plan *plan, double **weights,
                                lfuse_error *err)
{
    const struct lfi_plan_options *o = &plan->options;
    const struct lfi_rows *rows = &plan->rows;
    lfuse_status status;
    int64_t i;

    *weights = NULL;
    if (o->weighting == LFUSE_WEIGHTING_EQUAL)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)rows->count, sizeof(**weights), "weights of rows",
                       weights, err);
    for (i = 0; i < rows->count && status == LFUSE_OK; i++) {
        const struct lfi_arranged row =
            lfi_ties_row(ties, lfi_rows_find(rows, source_of(ties, i)), LFI_VALUE);

        (*weights)[i] = o->weighting == LFUSE_WEIGHTING_NORM
                            ? lfi_combine_norm(&row)
                            : o->importance[lfi_rows_find(rows, i).layer];
    }
    return status;
}

/* ---- committing ----------------------------------------------------------------------------- */

/* Values and state of the kept row become the group's means. */
static void merge_kept(const struct lfi_ties *ties, const struct lfi_rows *rows,
                       const struct lfi_grouping *g, int64_t group, const int64_t *source,
                       struct lfi_mean mean, const double *merged)
{
    const struct lfi_row kept = lfi_rows_find(rows, g->kept[group]);
    const struct lfi_parameter *p =
        lfi_layer_weight(ties->layers[kept.layer], kept.weight);
    struct lfi_combination c = {
        .ties = ties,
        .rows = rows,
        .row_source = source,
        .members = g->members + g->first[group],
        .count = lfi_grouping_size(g, group),
        .by_source = true,
    };

    c.weights = lfi_combine_weights(&c, mean.weights);
    for (c.which = 0; c.which < LFI_ARRAYS; c.which++) {
        const struct lfi_array *array = lfi_parameter_array(p, c.which);
        struct lfi_view target;

        if (array == NULL || c.which == LFI_GRADIENT)
            continue;
        c.divisor = mean.rescale && c.which == LFI_VALUE ? lfi_combine_rescaled(&c) : 0.0;
        target = lfi_row_view(array, p->output_axis, kept.index);
        if (c.which == LFI_VALUE && merged != NULL)
            lfi_view_write_f64(&target, 0, lfi_view_elements(&target), merged);
        else
            lfi_combine(&c, &target, 0, lfi_view_elements(&target));
    }
}

/* Others get the values of the kept row. */
static void copy_kept(const struct lfi_ties *ties, const struct lfi_rows *rows,
                      const struct lfi_grouping *g, int64_t group)
{
    const struct lfi_view kept = lfi_row_ties_value(ties, rows, g->kept[group]);
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++) {
        const struct lfi_view row = lfi_row_ties_value(ties, rows, g->members[i]);

        if (row.data != kept.data)
            lfi_view_copy(&row, &kept);
    }
}

void lfi_row_ties_merge(const struct lfi_ties *ties, const struct lfi_rows *rows,
                        const struct lfi_grouping *grouping, int64_t group,
                        const int64_t *source, struct lfi_mean mean, const double *merged)
{
    merge_kept(ties, rows, grouping, group, source, mean, merged);
    copy_kept(ties, rows, grouping, group);
}

static void commit_group(const struct lfi_ties *ties, const struct lfi_row_ties *next,
                         int64_t group, struct lfi_mean mean, const double *merged)
{
    const struct lfi_grouping *g = &next->in_force;
    const struct lfi_policy *policy = lfi_policy_find(next->rules[g->kept[group]].policy);

    if (policy->mixes)
        return;
    if (policy->averages)
        lfi_row_ties_merge(ties, &next->rows, g, group, ties->rows.source, mean, merged);
    else
        copy_kept(ties, &next->rows, g, group);
}

/* Frozen rows as they are kept for good. */
static void fill_bank(const struct lfi_ties *ties)
{
    const struct lfi_row_ties *r = &ties->rows;
    int64_t i;

    for (i = 0; i < r->in_force.count; i++) {
        const int64_t kept = r->in_force.kept[i];
        const struct lfi_view row = lfi_row_ties_value(ties, &r->rows, kept);

        if (r->banked[kept] >= 0)
            lfi_view_read_bits(&row, 0, lfi_view_elements(&row),
                               r->bank + r->banked[kept]);
    }
}

static void commit(const struct lfi_env *env, struct lfi_ties *ties,
                   const struct lfi_plan *plan, struct lfi_row_ties *next,
                   const struct lfi_row_merges *merges, struct lfi_mean mean)
{
    int64_t group;

    lfi_row_ties_thaw(ties);
    for (group = 0; group < next->in_force.count; group++)
        if (lfi_row_ties_change(ties, plan, group))
            commit_group(ties, next, group, mean, lfi_row_merges_of(merges, group));
    lfi_row_ties_destroy(env, &ties->rows);
    ties->rows = *next;
    fill_bank(ties);
}

lfuse_status lfi_row_ties_apply(const struct lfi_env *env, struct lfi_ties *ties,
                                const struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_mean mean = {.rescale = plan->options.rescale};
    struct lfi_row_merges merges = {0};
    struct lfi_row_ties next;
    double *weights;
    lfuse_status status = lfi_row_ties_weigh(env, ties, plan, &weights, err);

    mean.weights = weights;
    if (status == LFUSE_OK)
        status = lfi_row_merges_create(env, ties, plan, &merges, err);
    if (status == LFUSE_OK)
        status = prepare(env, ties, plan, &next, err);
    if (status == LFUSE_OK)
        commit(env, ties, plan, &next, &merges, mean);
    lfi_row_merges_destroy(env, &merges);
    lfi_free(env, weights, (size_t)plan->rows.count, sizeof(*weights));
    return status;
}
