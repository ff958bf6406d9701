/*
 * ties_undo.c - parts all groups, whole or not at all
 *
 * Takes no memory: the copy of a value or state that had memory of its own becomes its
 * memory, any other is copied back to where it was.
 */
#include "fusion/fusion.h"

#include <string.h>

static void *destination(const struct lfi_ties *ties, int64_t layer, int32_t weight,
                         const void *arg)
{
    (void)arg;
    return lfi_ties_originals(ties, layer)[weight].own[LFI_VALUE].view.data;
}

static void move(struct lfi_array *target, struct lfi_array *source)
{
    lfi_array_release(target);
    *target = *source;
    *source = (struct lfi_array){0};
}

static void restore(struct lfi_array *array, const struct lfi_array *kept,
                    struct lfi_original *original, int32_t which)
{
    const bool shares = array != kept && kept != NULL && array->storage == kept->storage;
    struct lfi_array *copy = &original->copy[which], *own = &original->own[which];

    if (own->storage != NULL)
        move(array, own);
    else if (shares && copy->storage != NULL)
        move(array, copy);
    if (copy->storage != NULL)
        lfi_view_copy(&array->view, &copy->view);
}

static void restore_layer(const struct lfi_ties *ties, int64_t index)
{
    const struct lfi_layer *layer = ties->layers[index],
                           *owner = ties->layers[ties->in_force.owner[index]];
    const int64_t n = ties->first_original[index + 1] - ties->first_original[index];
    int32_t k, which;

    for (k = 0; k < n; k++) {
        const struct lfi_parameter *kept = lfi_layer_weight(owner, k);
        const struct lfi_parameter *p = lfi_layer_weight(layer, k);

        for (which = 0; which < LFI_ARRAYS; which++)
            if (lfi_parameter_array(p, which) != NULL)
                restore(lfi_parameter_array(p, which), lfi_parameter_array(kept, which),
                        &lfi_ties_originals(ties, index)[k], which);
    }
}

lfuse_status lfi_ties_undo(const struct lfi_env *env, struct lfi_ties *ties,
                           lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    if (!ties->options.keep_originals)
        return lfi_fail(err, LFUSE_ERR_STATE,
                        "the ties were created without LFUSE_TIES_KEEP_ORIGINALS");
    if (ties->originals == NULL)
        return LFUSE_OK;
    status = lfi_ties_rebind(ties, destination, NULL, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < ties->count; i++)
        restore_layer(ties, i);
    lfi_grouping_set(&ties->in_force, NULL);
    memset(ties->rules, 0, (size_t)ties->count * sizeof(*ties->rules));
    lfi_ties_drop_originals(env, ties);
    return LFUSE_OK;
}
