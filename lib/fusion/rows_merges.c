/*
 * rows_merges.c - the policy custom: the caller makes one row of those of a group
 *
 * It is asked for each group that the plan changes, before anything does, for matrices of one row.
 */
#include "fusion/fusion.h"

static lfuse_status merge_group(const struct lfi_env *env, const struct lfi_ties *ties,
                                const struct lfi_plan *plan, int64_t group,
                                double *merged, lfuse_error *err)
{
    const struct lfi_grouping *g = &plan->row_goal;
    const int64_t n = lfi_grouping_size(g, group),
                  *members = g->members + g->first[group];
    const struct lfi_row kept = lfi_rows_find(&plan->rows, g->kept[group]);
    struct lfi_view *views;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc(env, (size_t)n, sizeof(*views), "members", &views, err);
    for (i = 0; i < n && status == LFUSE_OK; i++)
        views[i] = lfi_row_ties_value(
            ties, &plan->rows,
            ties->rows.rows.count == 0 ? members[i] : ties->rows.source[members[i]]);
    if (status == LFUSE_OK)
        status = lfi_merges_call(
            env, ties, views, n, ties->layers[kept.layer],
            lfi_layer_weight(ties->layers[kept.layer], kept.weight)->name, merged, err);
    lfi_free(env, views, (size_t)n, sizeof(*views));
    return status;
}

/* Where the rows of groups that change are in values. */
static void fill_first(const struct lfi_ties *ties, const struct lfi_plan *plan,
                       struct lfi_row_merges *m)
{
    int64_t group;

    m->first[0] = 0;
    for (group = 0; group < m->groups; group++) {
        const struct lfi_view row =
            lfi_row_ties_value(ties, &plan->rows, plan->row_goal.kept[group]);

        m->first[group + 1] = m->first[group];
        if (lfi_row_ties_change(ties, plan, group))
            m->first[group + 1] += lfi_view_elements(&row);
    }
}

lfuse_status lfi_row_merges_create(const struct lfi_env *env, const struct lfi_ties *ties,
                                   const struct lfi_plan *plan,
                                   struct lfi_row_merges *merges, lfuse_error *err)
{
    struct lfi_row_merges *m = merges;
    lfuse_status status;
    int64_t group;

    *m = (struct lfi_row_merges){0};
    if (!lfi_policy_find(plan->options.policy)->calls_back)
        return LFUSE_OK;
    if (ties->options.merge == NULL)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the plan's policy is custom, but the ties have no merge");
    m->groups = plan->row_goal.count;
    status = lfi_alloc(env, (size_t)m->groups + 1, sizeof(*m->first), "merges", &m->first,
                       err);
    if (status != LFUSE_OK)
        return status;
    fill_first(ties, plan, m);
    status = lfi_alloc_zero(env, (size_t)m->first[m->groups], sizeof(*m->values),
                            "merged rows", &m->values, err);
    for (group = 0; group < m->groups && status == LFUSE_OK; group++)
        if (m->first[group] < m->first[group + 1])
            status =
                merge_group(env, ties, plan, group, m->values + m->first[group], err);
    if (status != LFUSE_OK)
        lfi_row_merges_destroy(env, m);
    return status;
}

void lfi_row_merges_destroy(const struct lfi_env *env, struct lfi_row_merges *merges)
{
    const size_t groups = (size_t)merges->groups,
                 elements = merges->first == NULL ? 0 : (size_t)merges->first[groups];

    lfi_free(env, merges->values, elements, sizeof(*merges->values));
    lfi_free(env, merges->first, groups + 1, sizeof(*merges->first));
    *merges = (struct lfi_row_merges){0};
}

const double *lfi_row_merges_of(const struct lfi_row_merges *merges, int64_t group)
{
    if (merges->first == NULL || merges->first[group] == merges->first[group + 1])
        return NULL;
    return merges->values + merges->first[group];
}
