/*
 * snapshot_restore.c - back to a snapshot, whole or not at all
 *
 * The caller's pointers first, which are taken back if one is refused; all else cannot fail.
 */
#include "fusion/alignment.h"
#include "fusion/snapshot.h"

#include <string.h>

static struct lfi_saved *saved_of(const struct lfi_snapshot *s, int64_t layer,
                                  int64_t parameter, int32_t which)
{
    return &s->saved[(s->first[layer] + parameter) * LFI_ARRAYS + which];
}

/* Where a value was, when it is the caller's and elsewhere by now. */
static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                         const void *arg)
{
    const struct lfi_snapshot *s = arg;
    const struct lfi_parameter *p = lfi_ties_parameter(ties, layer, parameter);
    const int64_t index = p - ties->layers[layer]->parameters;
    void *then;

    if (index >= s->first[layer + 1] - s->first[layer] || !p->value->lent)
        return NULL;
    then = saved_of(s, layer, index, LFI_VALUE)->place.view.data;
    return then == p->value->view.data ? NULL : then;
}

/* ---- arrays ----------------------------------------------------------------------------- */

static void put_back(struct lfi_array *array, struct lfi_saved *saved)
{
    lfi_array_release(array);
    array->storage = saved->place.storage;
    array->view.data = saved->place.view.data;
    saved->place.storage = NULL;
    if (saved->copy.storage != NULL)
        lfi_view_copy(&array->view, &saved->copy.view);
}

static void restore_arrays(struct lfi_ties *ties, struct lfi_snapshot *s)
{
    int64_t i, p;
    int32_t which;

    for (i = 0; i < s->layer_count; i++)
        for (p = 0; p < s->first[i + 1] - s->first[i]; p++)
            for (which = 0; which < LFI_ARRAYS; which++) {
                struct lfi_saved *saved = saved_of(s, i, p, which);

                if (saved->place.storage != NULL)
                    put_back(lfi_parameter_array(&ties->layers[i]->parameters[p], which),
                             saved);
            }
}

/* ---- what is in force --------------------------------------------------------------------- */

/* What undo was to bring back of arrays that have not re-pointed any more. */
static void restore_originals(const struct lfi_env *env, struct lfi_ties *ties,
                              const struct lfi_snapshot *s)
{
    int64_t i;
    int32_t which;

    if (s->original_count == 0)
        lfi_ties_drop_originals(env, ties);
    for (i = 0; i < s->original_count; i++)
        for (which = 0; which < LFI_ARRAYS; which++) {
            struct lfi_original *original = &ties->originals[i];

            if (!original->repointed[which] || s->repointed[i * LFI_ARRAYS + which])
                continue;
            lfi_array_release(&original->own[which]);
            original->own[which] = (struct lfi_array){0};
            original->repointed[which] = false;
        }
}

static void restore_groups(const struct lfi_env *env, struct lfi_ties *ties,
                           struct lfi_snapshot *s)
{
    const size_t n = (size_t)s->layer_count;

    lfi_grouping_set(&ties->in_force, s->owner);
    memcpy(ties->source, s->source, n * sizeof(*s->source));
    memcpy(ties->rules, s->rules, n * sizeof(*s->rules));
    lfi_mixes_destroy(env, &ties->mixes);
    ties->mixes = s->mixes;
    s->mixes = (struct lfi_mixes){0};
    lfi_row_ties_destroy(env, &ties->rows);
    ties->rows = s->rows;
    s->rows = (struct lfi_row_ties){0};
    while (ties->shifts != s->shifts)
        lfi_shifts_pop(env, &ties->shifts);
    ties->shown = LFUSE_SHOW_SOURCES;
}

lfuse_status lfi_snapshot_restore(const struct lfi_env *env, struct lfi_ties *ties,
                                  struct lfi_snapshot *snapshot, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (ties->originals != NULL)
        status = lfi_ties_rebind(ties, destination, snapshot, err);
    if (status != LFUSE_OK)
        return status;
    restore_arrays(ties, snapshot);
    restore_groups(env, ties, snapshot);
    restore_originals(env, ties, snapshot);
    lfi_snapshot_destroy(env, snapshot);
    return LFUSE_OK;
}
