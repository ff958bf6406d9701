/*
 * resume_replay.c - puts in force again what was, then every number
 *
 * Applying a plan needs no number, and refuses some: weights are zeros for it. Numbers come where
 * something takes a copy of them: originals before all, the snapshot before a fusion that may be
 * rolled back, and what is in the end.
 */
#include "retrain/resume.h"

#include <string.h>

struct replay {
    const struct lfi_env *env;
    const struct lfi_retrainer *r;
    const struct lfi_resume_file *file;
    const struct lfi_resume_map *map;
    const struct lfi_resume_state *state;
};

/* ---- numbers ------------------------------------------------------------------------------ */

static struct lfi_view *view_at(const struct lfi_resume_place *place)
{
    return &lfi_parameter_array(&place->layer->parameters[place->parameter], place->which)
                ->view;
}

static void write_moment(const struct replay *p, enum lfi_moment moment)
{
    struct lfi_resume_place place = {NULL, 0, 0, -1};
    int64_t i;

    for (i = 0; lfi_resume_next(p->r, moment, &place); i++)
        lfi_view_copy(view_at(&place), &p->file->arrays[p->map->tensors[moment][i]].view);
}

static void write_zeros(const struct replay *p)
{
    static const double zero = 0.0;
    struct lfi_resume_place place = {NULL, 0, 0, -1};
    struct lfi_view zeros;

    while (lfi_resume_next(p->r, LFI_MOMENT_ORIGINAL, &place)) {
        zeros = *view_at(&place);
        zeros.data = (void *)&zero;
        memset(zeros.strides, 0, sizeof(zeros.strides));
        if (place.which == LFI_VALUE)
            lfi_view_copy(view_at(&place), &zeros);
    }
}

static lfuse_status write_bank(const struct replay *p, const char *name, lfuse_error *err)
{
    struct lfi_row_ties *rows = &p->r->ties->rows;
    const struct lfi_view *stored = lfi_resume_tensor(p->file, name);
    const size_t bytes = stored == NULL ? 0 : lfi_view_bytes(stored);

    if (bytes != rows->bank_bytes)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s: %llu bytes, not %llu",
                        p->file->path, name, (unsigned long long)bytes,
                        (unsigned long long)rows->bank_bytes);
    if (bytes > 0)
        lfi_view_read_bits(stored, 0, lfi_view_elements(stored), rows->bank);
    return LFUSE_OK;
}

/* ---- plans -------------------------------------------------------------------------------- */

/* Zeros are not what a plan may have looked at. */
static void expect_contents(struct lfi_plan *plan, bool expected)
{
    int64_t i;
    int32_t k;

    for (i = 0; i < plan->layer_count; i++)
        for (k = 0; k < plan->layers[i].weight_count; k++)
            plan->layers[i].weights[k].has_contents = expected;
}

/* In place of the caller's: what it makes of members is in the file. */
static int32_t merge_zeros(void *user, const lfuse_matrix_view *members, int64_t count,
                           double *merged)
{
    const size_t n = (size_t)(members->rows * members->columns);

    (void)user;
    (void)count;
    memset(merged, 0, n * sizeof(*merged));
    return 0;
}

static lfuse_status apply(const struct replay *p, struct lfi_past_fusion *fusion,
                          lfuse_error *err)
{
    struct lfi_ties *ties = p->r->ties;
    const lfuse_policy_merge merge = ties->options.merge;
    lfuse_status status;

    write_zeros(p);
    expect_contents(&fusion->plan, false);
    if (merge != NULL)
        ties->options.merge = merge_zeros;
    status = lfi_ties_apply(p->env, ties, &fusion->plan, err);
    if (status == LFUSE_OK && fusion->is_tied)
        status = lfi_ties_finalise(p->env, ties, err);
    ties->options.merge = merge;
    expect_contents(&fusion->plan, fusion->plan.options.contents);
    return status;
}

static lfuse_status take_before(const struct replay *p, struct lfi_before *before,
                                lfuse_error *err)
{
    lfuse_status status = write_bank(p, lfi_resume_bank_before, err);

    if (status != LFUSE_OK)
        return status;
    write_moment(p, LFI_MOMENT_BEFORE);
    status = lfi_snapshot_take(p->env, p->r->ties, &before->snapshot, err);
    before->is_open = status == LFUSE_OK;
    return status;
}

/* A snapshot before the first fusion knows of none. */
static lfuse_status keep_originals(const struct replay *p, lfuse_error *err)
{
    if (!p->state->has_originals || p->r->ties->originals != NULL)
        return LFUSE_OK;
    write_moment(p, LFI_MOMENT_ORIGINAL);
    return lfi_ties_keep_originals(p->env, p->r->ties, err);
}

static lfuse_status run(const struct replay *p, struct lfi_before *before,
                        lfuse_error *err)
{
    const struct lfi_resume_state *s = p->state;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < s->fused && status == LFUSE_OK; i++) {
        if (i + 1 == s->fused && s->is_open)
            status = take_before(p, before, err);
        if (status == LFUSE_OK && s->fusions[i].plan.fusion_count > 0)
            status = keep_originals(p, err);
        if (status == LFUSE_OK)
            status = apply(p, &s->fusions[i], err);
    }
    if (status == LFUSE_OK && p->r->ties->options.keep_originals &&
        p->r->ties->originals != NULL && !s->has_originals)
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s has no originals", p->file->path);
    if (status == LFUSE_OK)
        status = write_bank(p, lfi_resume_bank, err);
    if (status == LFUSE_OK)
        write_moment(p, LFI_MOMENT_NOW);
    return status;
}

lfuse_status lfi_resume_replay(const struct lfi_env *env, const struct lfi_retrainer *r,
                               const struct lfi_resume_file *file,
                               const struct lfi_resume_map *map,
                               const struct lfi_resume_state *state,
                               struct lfi_before *before, lfuse_error *err)
{
    const struct replay p = {env, r, file, map, state};
    struct lfi_snapshot fresh;
    lfuse_status status = lfi_snapshot_take(env, r->ties, &fresh, err);

    *before = (struct lfi_before){0};
    if (status != LFUSE_OK)
        return status;
    status = run(&p, before, err);
    if (status == LFUSE_OK) {
        lfi_snapshot_destroy(env, &fresh);
        return LFUSE_OK;
    }
    lfi_snapshot_destroy(env, &before->snapshot);
    before->is_open = false;
    if (lfi_snapshot_restore(env, r->ties, &fresh, NULL) != LFUSE_OK) {
        lfi_log(
            env, LFUSE_LOG_WARNING,
            "a retrainer that was not restored stays tied: rebind refused to go back");
        lfi_snapshot_destroy(env, &fresh);
    }
    return status;
}
