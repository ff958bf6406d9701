/* snapshot.c - taking a snapshot, and letting go of it */
#include "fusion/snapshot.h"

#include <string.h>

/* ---- arrays ----------------------------------------------------------------------------- */

static bool has_same_memory(const struct lfi_view *a, const struct lfi_view *b)
{
    return a->data == b->data && a->dtype == b->dtype && lfi_view_same_shape(a, b);
}

/* Tied weights, and their state, are kept once. */
static bool is_copied(const struct lfi_snapshot *s, int64_t end,
                      const struct lfi_view *view)
{
    int64_t i;

    for (i = 0; i < end; i++)
        if (s->saved[i].copy.storage != NULL &&
            has_same_memory(&s->saved[i].place.view, view))
            return true;
    return false;
}

static lfuse_status save_array(const struct lfi_env *env, struct lfi_snapshot *s,
                               int64_t index, const struct lfi_array *array,
                               bool is_gradient, lfuse_error *err)
{
    struct lfi_saved *saved = &s->saved[index];
    lfuse_status status;

    saved->place = lfi_array_share(array);
    if (is_gradient || is_copied(s, index, &array->view))
        return LFUSE_OK;
    status = lfi_array_create(env, &array->view, &saved->copy, err);
    if (status == LFUSE_OK)
        lfi_view_copy(&saved->copy.view, &array->view);
    return status;
}

static lfuse_status save_layer(const struct lfi_env *env, const struct lfi_layer *layer,
                               int64_t index, struct lfi_snapshot *s, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int32_t p, which;

    for (p = 0; p < layer->parameter_count; p++)
        for (which = 0; which < LFI_ARRAYS && status == LFUSE_OK; which++) {
            const struct lfi_array *array =
                lfi_parameter_array(&layer->parameters[p], which);

            if (array != NULL)
                status = save_array(env, s, (s->first[index] + p) * LFI_ARRAYS + which,
                                    array, which == LFI_GRADIENT, err);
        }
    return status;
}

static lfuse_status save_arrays(const struct lfi_env *env, const struct lfi_ties *ties,
                                struct lfi_snapshot *s, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)s->layer_count + 1, sizeof(*s->first),
                            "a snapshot", &s->first, err);
    for (i = 0; i < s->layer_count && status == LFUSE_OK; i++)
        s->first[i + 1] = s->first[i] + ties->layers[i]->parameter_count;
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)s->first[s->layer_count] * LFI_ARRAYS,
                                sizeof(*s->saved), "a snapshot", &s->saved, err);
    for (i = 0; i < s->layer_count && status == LFUSE_OK; i++)
        status = save_layer(env, ties->layers[i], i, s, err);
    return status;
}

/* ---- what is in force --------------------------------------------------------------------- */

static lfuse_status save_groups(const struct lfi_env *env, const struct lfi_ties *ties,
                                struct lfi_snapshot *s, lfuse_error *err)
{
    const size_t n = (size_t)s->layer_count;
    lfuse_status status;

    status = lfi_alloc(env, n, sizeof(*s->owner), "a snapshot", &s->owner, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*s->source), "a snapshot", &s->source, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*s->rules), "a snapshot", &s->rules, err);
    if (status != LFUSE_OK)
        return status;
    memcpy(s->owner, ties->in_force.owner, n * sizeof(*s->owner));
    memcpy(s->source, ties->source, n * sizeof(*s->source));
    memcpy(s->rules, ties->rules, n * sizeof(*s->rules));
    return LFUSE_OK;
}

static lfuse_status save_originals(const struct lfi_env *env, const struct lfi_ties *ties,
                                   struct lfi_snapshot *s, lfuse_error *err)
{
    const int64_t n = ties->originals == NULL ? 0 : ties->first_original[ties->count];
    lfuse_status status;
    int64_t i;

    status = lfi_alloc(env, (size_t)n * LFI_ARRAYS, sizeof(*s->repointed), "a snapshot",
                       &s->repointed, err);
    if (status != LFUSE_OK)
        return status;
    s->original_count = n;
    for (i = 0; i < n; i++)
        memcpy(s->repointed + i * LFI_ARRAYS, ties->originals[i].repointed,
               LFI_ARRAYS * sizeof(*s->repointed));
    return LFUSE_OK;
}

static lfuse_status allocate_rows(const struct lfi_env *env,
                                  const struct lfi_row_ties *rows,
                                  struct lfi_row_ties *copy, lfuse_error *err)
{
    const size_t n = (size_t)rows->rows.count;
    lfuse_status status = lfi_rows_copy(env, &rows->rows, &copy->rows, err);

    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, rows->rows.count, &copy->in_force, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*copy->rules), "a snapshot", &copy->rules, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc(env, n, sizeof(*copy->source), "a snapshot", &copy->source, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc(env, n, sizeof(*copy->banked), "a snapshot", &copy->banked, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*copy->mixed), "a snapshot", &copy->mixed, err);
    copy->bank_bytes = rows->bank_bytes;
    if (status == LFUSE_OK)
        status = lfi_alloc(env, rows->bank_bytes, 1, "a snapshot", &copy->bank, err);
    copy->mixes_bytes = rows->mixes_bytes;
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, rows->mixes_bytes, 1, "a snapshot", &copy->mixes, err);
    return status;
}

/* What mixes hold is made anew whenever it is shown. */
static lfuse_status save_rows(const struct lfi_env *env, const struct lfi_row_ties *rows,
                              struct lfi_row_ties *copy, lfuse_error *err)
{
    const size_t n = (size_t)rows->rows.count;
    lfuse_status status;

    if (n == 0)
        return LFUSE_OK;
    status = allocate_rows(env, rows, copy, err);
    if (status != LFUSE_OK)
        return status;
    lfi_grouping_set(&copy->in_force, rows->in_force.owner);
    memcpy(copy->rules, rows->rules, n * sizeof(*copy->rules));
    memcpy(copy->source, rows->source, n * sizeof(*copy->source));
    memcpy(copy->banked, rows->banked, n * sizeof(*copy->banked));
    memcpy(copy->mixed, rows->mixed, n * sizeof(*copy->mixed));
    if (rows->bank_bytes > 0)
        memcpy(copy->bank, rows->bank, rows->bank_bytes);
    return LFUSE_OK;
}

/* ---- calls -------------------------------------------------------------------------------- */

lfuse_status lfi_snapshot_take(const struct lfi_env *env, const struct lfi_ties *ties,
                               struct lfi_snapshot *snapshot, lfuse_error *err)
{
    struct lfi_snapshot *s = snapshot;
    lfuse_status status;

    *s = (struct lfi_snapshot){.layer_count = ties->count, .shifts = ties->shifts};
    status = save_arrays(env, ties, s, err);
    if (status == LFUSE_OK)
        status = save_groups(env, ties, s, err);
    if (status == LFUSE_OK)
        status = save_originals(env, ties, s, err);
    if (status == LFUSE_OK)
        status = lfi_mixes_copy(env, &ties->mixes, &s->mixes, err);
    if (status == LFUSE_OK)
        status = save_rows(env, &ties->rows, &s->rows, err);
    if (status != LFUSE_OK)
        lfi_snapshot_destroy(env, s);
    return status;
}

void lfi_snapshot_destroy(const struct lfi_env *env, struct lfi_snapshot *snapshot)
{
    struct lfi_snapshot *s = snapshot;
    const size_t n = (size_t)s->layer_count;
    const int64_t arrays = s->saved == NULL ? 0 : s->first[s->layer_count] * LFI_ARRAYS;
    int64_t i;

    for (i = 0; i < arrays; i++) {
        lfi_array_release(&s->saved[i].place);
        lfi_array_release(&s->saved[i].copy);
    }
    lfi_row_ties_destroy(env, &s->rows);
    lfi_mixes_destroy(env, &s->mixes);
    lfi_free(env, s->repointed, (size_t)s->original_count * LFI_ARRAYS,
             sizeof(*s->repointed));
    lfi_free(env, s->rules, n, sizeof(*s->rules));
    lfi_free(env, s->source, n, sizeof(*s->source));
    lfi_free(env, s->owner, n, sizeof(*s->owner));
    lfi_free(env, s->saved, (size_t)arrays, sizeof(*s->saved));
    lfi_free(env, s->first, n + 1, sizeof(*s->first));
    *s = (struct lfi_snapshot){0};
}
