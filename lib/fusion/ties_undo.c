/*
 * ties_undo.c - parts all groups, whole or not at all
 *
 * Takes no memory: what was set aside when it re-pointed comes back; the copy of any other
 * value or state that re-pointed, whoever it shares with by now, becomes its memory; what
 * never did is copied back where it is.
 */
#include "fusion/alignment.h"
#include "fusion/fusion.h"

#include <string.h>

static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                         const void *arg)
{
    (void)arg;
    return lfi_ties_originals(ties, layer)[parameter].own[LFI_VALUE].view.data;
}

static void move(struct lfi_array *target, struct lfi_array *source)
{
    lfi_array_release(target);
    *target = *source;
    *source = (struct lfi_array){0};
}

static void restore(struct lfi_array *array, struct lfi_original *original, int32_t which)
{
    struct lfi_array *copy = &original->copy[which], *own = &original->own[which];

    if (own->storage != NULL)
        move(array, own);
    else if (original->repointed[which] && copy->storage != NULL)
        move(array, copy);
    if (copy->storage != NULL)
        lfi_view_copy(&array->view, &copy->view);
}

static void restore_layer(const struct lfi_ties *ties, int64_t index)
{
    const int32_t n = lfi_ties_parameter_count(ties, index);
    int32_t k, which;

    for (k = 0; k < n; k++) {
        const struct lfi_parameter *p = lfi_ties_parameter(ties, index, k);

        for (which = 0; which < LFI_ARRAYS; which++)
            if (lfi_parameter_array(p, which) != NULL)
                restore(lfi_parameter_array(p, which),
                        &lfi_ties_originals(ties, index)[k], which);
    }
}

/* What no copy has brought back, in the order before all moves. Gradients are in the copy's
 * place only where they never re-pointed: others are old anyway. */
static bool is_to_go_back(const void *arg, const struct lfi_coupled *item, int32_t which)
{
    const struct lfi_ties *ties = arg;
    const struct lfi_parameter *p =
        &ties->layers[item->layer]->parameters[item->parameter];
    const int32_t n = lfi_ties_parameter_count(ties, item->layer);
    int32_t k;

    for (k = 0; k < n; k++)
        if (lfi_ties_parameter(ties, item->layer, k) == p)
            return which == LFI_GRADIENT &&
                   !lfi_ties_originals(ties, item->layer)[k].repointed[which];
    return true;
}

static void move_back(const struct lfi_env *env, struct lfi_ties *ties)
{
    while (ties->shifts != NULL) {
        lfi_shifts_run(ties->layers, ties->shifts, true, is_to_go_back, ties);
        lfi_shifts_pop(env, &ties->shifts);
    }
}

lfuse_status lfi_ties_undo(const struct lfi_env *env, struct lfi_ties *ties,
                           lfuse_error *err)
{
    lfuse_status status = lfi_ties_expect_sources(ties, "undo", err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    if (!ties->options.keep_originals)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the ties were created without LFUSE_TIES_KEEP_ORIGINALS");
    if (ties->originals == NULL)
        return LFUSE_OK;
    status = lfi_ties_rebind(ties, destination, NULL, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < ties->count; i++) {
        restore_layer(ties, i);
        ties->source[i] = i;
    }
    lfi_row_ties_destroy(env, &ties->rows);
    move_back(env, ties);
    lfi_mixes_destroy(env, &ties->mixes);
    lfi_grouping_set(&ties->in_force, NULL);
    memset(ties->rules, 0, (size_t)ties->count * sizeof(*ties->rules));
    lfi_ties_drop_originals(env, ties);
    return LFUSE_OK;
}
