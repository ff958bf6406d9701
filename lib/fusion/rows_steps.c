/*
 * rows_steps.c - rows in force around a step of an optimiser that steps whole weights
 *
 * Gradients: the kept row of a group gets their mean or sum, the others zeros, so that every
 * unique row counts once in a norm over gradients, and is stepped once; of frozen groups, all get
 * zeros; where a group mixes, the source of the row that was drawn takes the kept row's place.
 * Refreshing copies kept rows over the others, whatever weight decay or momentum has made
 * of them, and frozen ones out of the bank.
 *
 * A task is a group: groups have no row in common. Sums are those of combine.c.
 */
#include "fusion/fusion.h"

enum { BLOCK = 512 };

struct steps {
    const struct lfi_env *env;
    const struct lfi_ties *ties;
};

static const struct lfi_parameter *parameter_of(const struct lfi_ties *ties,
                                                struct lfi_row row)
{
    return lfi_layer_weight(ties->layers[row.layer], row.weight);
}

static struct lfi_view value_of(const struct lfi_ties *ties, int64_t number)
{
    return lfi_row_ties_value(ties, &ties->rows.rows, number);
}

/* ---- refreshing ---------------------------------------------------------------------------- */

static void refresh_group(const struct lfi_ties *ties, int64_t group)
{
    const struct lfi_row_ties *r = &ties->rows;
    const struct lfi_grouping *g = &r->in_force;
    const int64_t kept = g->kept[group];
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++) {
        const struct lfi_view row = value_of(ties, g->members[i]);
        struct lfi_view from = value_of(ties, r->source[g->members[i]]);

        if (r->banked[kept] >= 0)
            from = lfi_row_dense(&from, r->bank + r->banked[kept]);
        if (row.data != from.data)
            lfi_view_copy(&row, &from);
    }
}

static void refresh_task(void *arg, int64_t index, int32_t slot)
{
    const struct steps *s = arg;

    (void)slot;
    refresh_group(s->ties, index);
}

lfuse_status lfi_row_ties_refresh(const struct lfi_env *env, const struct lfi_ties *ties,
                                  lfuse_error *err)
{
    struct steps steps = {env, ties};

    return lfi_parallel_for(env, ties->rows.in_force.count, refresh_task, &steps, err);
}

void lfi_row_ties_thaw(const struct lfi_ties *ties)
{
    const struct lfi_row_ties *r = &ties->rows;
    int64_t i;

    for (i = 0; i < r->in_force.count; i++)
        if (r->banked[r->in_force.kept[i]] >= 0)
            refresh_group(ties, i);
}

/* ---- gradients -------------------------------------------------------------------------------- */

/* Whether the kept row's gradient has all that the group's is made of. */
static bool needs_kept_only(const struct lfi_ties *ties, struct lfi_rule rule)
{
    return lfi_rule_drops(rule) ||
           (ties->options.gradients == LFUSE_GRADIENTS_ACCUMULATED &&
            !lfi_policy_find(rule.policy)->mixes);
}

static lfuse_status check_group(const struct lfi_ties *ties, int64_t group,
                                const char *when, lfuse_error *err)
{
    const struct lfi_grouping *g = &ties->rows.in_force;
    const struct lfi_rule rule = ties->rows.rules[g->kept[group]];
    int64_t i;

    for (i = g->first[group]; i < g->first[group + 1]; i++) {
        const struct lfi_row row = lfi_rows_find(&ties->rows.rows, g->members[i]);
        const struct lfi_parameter *p = parameter_of(ties, row);
        const bool is_needed =
            !lfi_rule_is_frozen(rule) &&
            (!needs_kept_only(ties, rule) || g->members[i] == g->kept[group]);

        if (is_needed && p->gradient == NULL)
            return lfi_fail(err, LFUSE_ERR_STATE,
                            "parameter %s of layer %s has no gradient%s", p->name,
                            ties->layers[row.layer]->name, when);
    }
    return LFUSE_OK;
}

lfuse_status lfi_row_ties_check_gradients(const struct lfi_ties *ties, const char *when,
                                          lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t group;

    for (group = 0; group < ties->rows.in_force.count && status == LFUSE_OK; group++)
        status = check_group(ties, group, when, err);
    return status;
}

/* The gradient's row becomes zeros, where there is a gradient. */
static void clear(const struct lfi_ties *ties, int64_t number)
{
    static const double zeros[BLOCK] = {0.0};
    const struct lfi_row row = lfi_rows_find(&ties->rows.rows, number);
    const struct lfi_parameter *p = parameter_of(ties, row);
    struct lfi_view view;
    int64_t first, n;

    if (p->gradient == NULL)
        return;
    view = lfi_row_view(p->gradient, p->output_axis, row.index);
    n = lfi_view_elements(&view);
    for (first = 0; first < n; first += BLOCK)
        lfi_view_write_f64(&view, first, n - first < BLOCK ? n - first : BLOCK, zeros);
}

/* The gradient of the group becomes that of one of its rows. */
static void combine_group(const struct lfi_ties *ties, int64_t group, int64_t to)
{
    const struct lfi_grouping *g = &ties->rows.in_force;
    const struct lfi_row row = lfi_rows_find(&ties->rows.rows, to);
    const struct lfi_parameter *p = parameter_of(ties, row);
    const bool is_mean = ties->options.combine == LFUSE_COMBINE_MEAN;
    struct lfi_combination c = {
        .ties = ties,
        .rows = &ties->rows.rows,
        .members = g->members + g->first[group],
        .count = lfi_grouping_size(g, group),
        .which = LFI_GRADIENT,
        .divisor = is_mean ? (double)lfi_grouping_size(g, group) : 1.0,
    };
    const struct lfi_view target = lfi_row_view(p->gradient, p->output_axis, row.index);

    if (ties->options.gradients == LFUSE_GRADIENTS_ACCUMULATED) {
        c.members = &g->kept[group];
        c.count = 1;
    }
    lfi_combine(&c, &target, 0, lfi_view_elements(&target));
}

static void combine_task(void *arg, int64_t index, int32_t slot)
{
    const struct steps *s = arg;
    const struct lfi_grouping *g = &s->ties->rows.in_force;
    const struct lfi_rule rule = s->ties->rows.rules[g->kept[index]];
    int64_t to = g->kept[index], i;

    (void)slot;
    if (s->ties->rows.mixed[to] >= 0)
        to = s->ties->rows
                 .source[lfi_row_mixes_draw(s->env, s->ties, index, s->ties->step)];
    if (!lfi_rule_is_frozen(rule) && !lfi_rule_drops(rule))
        combine_group(s->ties, index, to);
    for (i = g->first[index]; i < g->first[index + 1]; i++)
        if (g->members[i] != to || lfi_rule_is_frozen(rule))
            clear(s->ties, g->members[i]);
}

lfuse_status lfi_row_ties_combine_gradients(const struct lfi_env *env,
                                            const struct lfi_ties *ties, lfuse_error *err)
{
    struct steps steps = {env, ties};

    return lfi_parallel_for(env, ties->rows.in_force.count, combine_task, &steps, err);
}
