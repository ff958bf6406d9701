/*
 * ties_show.c - the sources of groups that mix, a mix of their rows, or their mean
 *
 *   1  the buffers are filled, row by row or block by block, over the context's threads
 *   2  the caller's pointers (ties_rebind.c); taken back if one is refused
 *   3  commit: buffers and members' memory change places, which cannot fail
 *
 * So the parts that can fail touch nothing but the buffers, and what was shown goes on being
 * shown. A row of the mix is its source's, bit for bit; the mean is that of ties_commit.c.
 */
#include "fusion/fusion.h"

/* ---- filling ---------------------------------------------------------------------------- */

enum { CHUNK = 16384 }; /* elements of a task */

struct filling {
    const struct lfi_env *env;
    const struct lfi_ties *ties;
    const struct lfi_mix *mix;
    int64_t step;
    int32_t axis;
};

static struct lfi_view row_of(const struct lfi_view *view, int32_t axis, int64_t row)
{
    struct lfi_view r = lfi_view_axis_first(view, axis);

    r.data = (char *)r.data + (int64_t)lfi_dtype_size(r.dtype) * row * r.strides[0];
    r.dims[0] = 1;
    return r;
}

static void fill_row(void *arg, int64_t index, int32_t slot)
{
    const struct filling *f = arg;
    const struct lfi_mix *mix = f->mix;
    const int64_t kept = f->ties->in_force.owner[mix->members[0]];
    const int32_t member =
        lfi_mix_draw(f->env, kept, mix->parameter, f->step, index, mix->count);
    const int64_t source = f->ties->source[mix->members[member]];
    const struct lfi_view
        to = row_of(&mix->buffer.view, f->axis, index),
        from = row_of(&lfi_ties_parameter(f->ties, source, mix->parameter)->value->view,
                      f->axis, index);

    (void)slot;
    lfi_view_copy(&to, &from);
}

static void fill_chunk(void *arg, int64_t index, int32_t slot)
{
    const struct filling *f = arg;
    const int64_t n = lfi_view_elements(&f->mix->buffer.view), first = index * CHUNK;
    const struct lfi_combination c = {
        .ties = f->ties,
        .members = f->mix->members,
        .count = f->mix->count,
        .by_source =
            f->mix->parameter < lfi_ties_weight_count(f->ties, f->mix->members[0]),
        .parameter = f->mix->parameter,
        .which = LFI_VALUE,
    };

    (void)slot;
    lfi_combine(&c, &f->mix->buffer.view, first, n - first < CHUNK ? n - first : CHUNK);
}

static lfuse_status fill(const struct lfi_env *env, const struct lfi_ties *ties,
                         const struct lfi_mix *mix, lfuse_show show, int64_t step,
                         lfuse_error *err)
{
    const int64_t first = mix->members[0];
    const struct lfi_view *view = &mix->buffer.view;
    struct filling filling = {
        env, ties, mix, step,
        lfi_ties_parameter(ties, first, mix->parameter)->output_axis};

    if (show == LFUSE_SHOW_MIX && mix->parameter < lfi_ties_weight_count(ties, first))
        return lfi_parallel_for(env, view->dims[filling.axis], fill_row, &filling, err);
    return lfi_parallel_for(env, (lfi_view_elements(view) + CHUNK - 1) / CHUNK,
                            fill_chunk, &filling, err);
}

/* ---- changing places ------------------------------------------------------------------------ */

/* What a member will point to when it and its face change places. */
static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                         const void *arg)
{
    const lfuse_show *show = arg;
    const struct lfi_face *face = lfi_mixes_face(&ties->mixes, layer, parameter, *show);

    if (face == NULL || face->copies ||
        !lfi_ties_parameter(ties, layer, parameter)->value->lent)
        return NULL;
    return face->other.view.data;
}

static void swap_pointers(struct lfi_array *value, struct lfi_face *face)
{
    const struct lfi_array old = *value;

    value->storage = face->other.storage;
    value->view.data = face->other.view.data;
    face->other.storage = old.storage;
    face->other.view.data = old.view.data;
}

/* Members that were tied before may have one memory: all is saved before any is written. */
static void change_places(const struct lfi_ties *ties, const struct lfi_mix *mix,
                          bool shows)
{
    int32_t i;

    for (i = 0; i < mix->count && shows; i++)
        if (mix->faces[i].copies)
            lfi_view_copy(
                &mix->faces[i].other.view,
                &lfi_ties_parameter(ties, mix->members[i], mix->parameter)->value->view);
    for (i = 0; i < mix->count; i++) {
        struct lfi_array *value =
            lfi_ties_parameter(ties, mix->members[i], mix->parameter)->value;
        struct lfi_face *face = &mix->faces[i];

        if (face->copies)
            lfi_view_copy(&value->view, shows ? &mix->buffer.view : &face->other.view);
        else
            swap_pointers(value, face);
    }
}

/* ---- calls ------------------------------------------------------------------------------------ */

lfuse_status lfi_ties_expect_sources(const struct lfi_ties *ties, const char *call,
                                     lfuse_error *err)
{
    if (ties->shown == LFUSE_SHOW_SOURCES)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_STATE,
                    "%s was called while groups show their %s: show the sources first",
                    call, ties->shown == LFUSE_SHOW_MIX ? "mix" : "mean");
}

lfuse_status lfi_ties_show(const struct lfi_env *env, struct lfi_ties *ties,
                           lfuse_show show, int64_t step, lfuse_error *err)
{
    const bool shows = show != LFUSE_SHOW_SOURCES;
    const lfuse_show seen = shows ? show : ties->shown; /* that comes or goes */
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (!shows && ties->shown == LFUSE_SHOW_SOURCES)
        return LFUSE_OK;
    if (shows)
        status = lfi_ties_expect_sources(ties, "show", err);
    for (i = 0; i < ties->mixes.count && status == LFUSE_OK && shows; i++)
        if (lfi_mix_is_shown(&ties->mixes.items[i], show))
            status = fill(env, ties, &ties->mixes.items[i], show, step, err);
    if (status == LFUSE_OK && ties->rows.mixes_bytes > 0 && shows)
        status = lfi_row_mixes_fill(env, ties, show, step, err);
    if (status == LFUSE_OK && ties->mixes.count > 0)
        status = lfi_ties_rebind(ties, destination, &seen, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < ties->mixes.count; i++)
        if (lfi_mix_is_shown(&ties->mixes.items[i], seen))
            change_places(ties, &ties->mixes.items[i], shows);
    lfi_row_mixes_change(ties, shows);
    ties->shown = show;
    ties->step = step;
    return LFUSE_OK;
}

/* Biases stay one for each position, all with the mean. */
static void average_bias(const struct lfi_ties *ties, int64_t group, int32_t parameter)
{
    const struct lfi_grouping *g = &ties->in_force;
    const struct lfi_parameter *kept =
        lfi_ties_parameter(ties, g->kept[group], parameter);
    int32_t which;
    int64_t i;

    lfi_ties_merge(ties, g, group, parameter, (struct lfi_mean){0});
    for (i = g->first[group]; i < g->first[group + 1]; i++)
        for (which = 0; which < LFI_ARRAYS; which++) {
            const struct lfi_array *from = lfi_parameter_array(kept, which),
                                   *to = lfi_parameter_array(
                                       lfi_ties_parameter(ties, g->members[i], parameter),
                                       which);

            if (which != LFI_GRADIENT && from != NULL && to != NULL && from != to)
                lfi_view_copy(&to->view, &from->view);
        }
}

static void finalise_group(struct lfi_ties *ties, int64_t group)
{
    const int64_t kept = ties->in_force.kept[group];
    const struct lfi_rule average = {LFUSE_POLICY_AVERAGE, LFUSE_FREEZE_BOTH};
    const int32_t n = lfi_mixes_of_group(ties, kept, ties->rules[kept]);
    int32_t k;

    lfi_ties_commit_group(ties, &ties->in_force, group, average, (struct lfi_mean){0});
    for (k = lfi_ties_weight_count(ties, kept); k < n; k++)
        average_bias(ties, group, k);
}

lfuse_status lfi_ties_finalise(const struct lfi_env *env, struct lfi_ties *ties,
                               lfuse_error *err)
{
    const struct lfi_grouping *g = &ties->in_force;
    lfuse_status status = lfi_ties_expect_sources(ties, "finalise", err);
    int64_t group;

    if (status != LFUSE_OK)
        return status;
    lfi_row_mixes_finalise(env, ties); /* where rows mix, no layers do */
    if (ties->mixes.count == 0)
        return LFUSE_OK;
    status = lfi_ties_rebind(ties, lfi_ties_tied_destination, g, err);
    if (status != LFUSE_OK)
        return status;
    for (group = 0; group < g->count; group++)
        if (lfi_ties_is_mixed(ties, g->kept[group]))
            finalise_group(ties, group);
    lfi_mixes_destroy(env, &ties->mixes);
    return LFUSE_OK;
}
