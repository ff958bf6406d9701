/*
 * rows_mix.c - what the rows of a group that mixes show in the place of their own values
 *
 * O'Neill et al. 2021, sec. 3.2 (mixing): at every step all rows of a group are one of them, drawn
 * as rows of layers are (mix.c), keyed by the kept row. Nothing re-points where rows lie, so values
 * change places: the ties' memory has a row to show for each group, and behind it what its
 * members have, while it is shown. Which element of a bias belongs to a row is not said anywhere:
 * biases stay each position's.
 */
#include "fusion/fusion.h"

struct filling {
    const struct lfi_env *env;
    const struct lfi_ties *ties;
    lfuse_show show;
    int64_t step;
};

/* Place 0: what the group shows; 1 + m: what its member m has. */
static struct lfi_view place(const struct lfi_ties *ties, int64_t group, int64_t at)
{
    const struct lfi_row_ties *r = &ties->rows;
    const int64_t kept = r->in_force.kept[group];
    const struct lfi_view row = lfi_row_ties_value(ties, &r->rows, kept);

    return lfi_row_dense(&row,
                         r->mixes + r->mixed[kept] + at * (int64_t)lfi_row_pitch(&row));
}

static bool is_mixed(const struct lfi_ties *ties, int64_t group)
{
    return ties->rows.mixed[ties->rows.in_force.kept[group]] >= 0;
}

int64_t lfi_row_mixes_draw(const struct lfi_env *env, const struct lfi_ties *ties,
                           int64_t group, int64_t step)
{
    const struct lfi_grouping *g = &ties->rows.in_force;
    const struct lfi_row kept = lfi_rows_find(&ties->rows.rows, g->kept[group]);
    const int32_t member = lfi_mix_draw(env, kept.layer, kept.weight, step, kept.index,
                                        (int32_t)lfi_grouping_size(g, group));

    return g->members[g->first[group] + member];
}

static void fill_mean(const struct lfi_ties *ties, int64_t group,
                      const struct lfi_view *shown)
{
    const struct lfi_row_ties *r = &ties->rows;
    const struct lfi_combination c = {
        .ties = ties,
        .rows = &r->rows,
        .row_source = r->source,
        .members = r->in_force.members + r->in_force.first[group],
        .count = lfi_grouping_size(&r->in_force, group),
        .by_source = true,
        .which = LFI_VALUE,
    };

    lfi_combine(&c, shown, 0, lfi_view_elements(shown));
}

static void fill_group(void *arg, int64_t index, int32_t slot)
{
    const struct filling *f = arg;
    const struct lfi_row_ties *r = &f->ties->rows;
    const struct lfi_grouping *g = &r->in_force;
    struct lfi_view shown, from;
    int64_t i;

    (void)slot;
    if (!is_mixed(f->ties, index))
        return;
    shown = place(f->ties, index, 0);
    if (f->show == LFUSE_SHOW_MEAN) {
        fill_mean(f->ties, index, &shown);
    } else {
        from = lfi_row_ties_value(
            f->ties, &r->rows,
            r->source[lfi_row_mixes_draw(f->env, f->ties, index, f->step)]);
        lfi_view_copy(&shown, &from);
    }
    for (i = g->first[index]; i < g->first[index + 1]; i++) {
        const struct lfi_view own = place(f->ties, index, 1 + i - g->first[index]);

        from = lfi_row_ties_value(f->ties, &r->rows, g->members[i]);
        lfi_view_copy(&own, &from);
    }
}

lfuse_status lfi_row_mixes_fill(const struct lfi_env *env, const struct lfi_ties *ties,
                                lfuse_show show, int64_t step, lfuse_error *err)
{
    struct filling filling = {env, ties, show, step};

    return lfi_parallel_for(env, ties->rows.in_force.count, fill_group, &filling, err);
}

void lfi_row_mixes_change(const struct lfi_ties *ties, bool shows)
{
    const struct lfi_grouping *g = &ties->rows.in_force;
    int64_t group, i;

    for (group = 0; group < g->count; group++)
        for (i = g->first[group]; i < g->first[group + 1] && is_mixed(ties, group); i++) {
            const struct lfi_view row = lfi_row_ties_value(ties, &ties->rows.rows,
                                                           g->members[i]),
                                  from = place(ties, group,
                                               shows ? 0 : 1 + i - g->first[group]);

            lfi_view_copy(&row, &from);
        }
}

void lfi_row_mixes_finalise(const struct lfi_env *env, struct lfi_ties *ties)
{
    struct lfi_row_ties *r = &ties->rows;
    const struct lfi_grouping *g = &r->in_force;
    int64_t group, i;

    for (group = 0; group < g->count; group++) {
        const int64_t kept = g->kept[group];

        if (!is_mixed(ties, group))
            continue;
        lfi_row_ties_merge(ties, &r->rows, g, group, r->source, (struct lfi_mean){0},
                           NULL);
        for (i = g->first[group]; i < g->first[group + 1]; i++)
            r->source[g->members[i]] = kept;
        r->rules[kept] = (struct lfi_rule){LFUSE_POLICY_AVERAGE, LFUSE_FREEZE_BOTH};
        r->mixed[kept] = -1;
    }
    lfi_free(env, r->mixes, r->mixes_bytes, 1);
    r->mixes = NULL;
    r->mixes_bytes = 0;
}
