/*
 * ties_originals.c - what weights were before anything was in force
 *
 * How many weights and biases there were, and which arrays re-pointed, is always remembered.
 * Copies of values and state are kept only for undo: those of every layer, because training
 * between two applications moves the layers that are still untied.
 */
#include "fusion/fusion.h"

struct lfi_original *lfi_ties_originals(const struct lfi_ties *ties, int64_t index)
{
    return ties->originals + ties->first_original[index];
}

int32_t lfi_ties_weight_count(const struct lfi_ties *ties, int64_t index)
{
    return ties->weight_counts[index];
}

int32_t lfi_ties_parameter_count(const struct lfi_ties *ties, int64_t index)
{
    return (int32_t)(ties->first_original[index + 1] - ties->first_original[index]);
}

struct lfi_parameter *lfi_ties_parameter(const struct lfi_ties *ties, int64_t index,
                                         int32_t parameter)
{
    const int32_t weights = ties->weight_counts[index];

    if (parameter < weights)
        return lfi_layer_weight(ties->layers[index], parameter);
    return lfi_layer_of_role(ties->layers[index], LFUSE_ROLE_BIAS, parameter - weights);
}

static lfuse_status copy_array(const struct lfi_env *env, const struct lfi_array *array,
                               struct lfi_array *copy, lfuse_error *err)
{
    lfuse_status status = lfi_array_create(env, &array->view, copy, err);

    if (status == LFUSE_OK)
        lfi_view_copy(&copy->view, &array->view);
    return status;
}

static lfuse_status keep_parameter(const struct lfi_env *env,
                                   const struct lfi_parameter *parameter, bool copies,
                                   struct lfi_original *original, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int32_t which;

    for (which = 0; which < LFI_ARRAYS && status == LFUSE_OK; which++) {
        const struct lfi_array *array = lfi_parameter_array(parameter, which);

        if (array == NULL)
            continue;
        if (copies && which != LFI_GRADIENT)
            status = copy_array(env, array, &original->copy[which], err);
    }
    return status;
}

/* How many there are; where the originals of a layer start. */
static void count_parameters(struct lfi_ties *ties)
{
    int64_t i;

    for (i = 0; i < ties->count; i++) {
        ties->weight_counts[i] = lfi_layer_weight_count(ties->layers[i]);
        ties->first_original[i + 1] =
            ties->first_original[i] + ties->weight_counts[i] +
            lfi_layer_role_count(ties->layers[i], LFUSE_ROLE_BIAS);
    }
}

lfuse_status lfi_ties_keep_originals(const struct lfi_env *env, struct lfi_ties *ties,
                                     lfuse_error *err)
{
    lfuse_status status;
    int64_t i;
    int32_t k;

    count_parameters(ties);
    status = lfi_alloc_zero(env, (size_t)ties->first_original[ties->count],
                            sizeof(*ties->originals), "originals", &ties->originals, err);
    for (i = 0; i < ties->count; i++)
        for (k = 0; k < lfi_ties_parameter_count(ties, i) && status == LFUSE_OK; k++)
            status = keep_parameter(env, lfi_ties_parameter(ties, i, k),
                                    ties->options.keep_originals,
                                    lfi_ties_originals(ties, i) + k, err);
    if (status != LFUSE_OK)
        lfi_ties_drop_originals(env, ties);
    return status;
}

void lfi_ties_drop_originals(const struct lfi_env *env, struct lfi_ties *ties)
{
    const int64_t n = ties->originals == NULL ? 0 : ties->first_original[ties->count];
    int32_t which;
    int64_t i;

    for (i = 0; i < n; i++)
        for (which = 0; which < LFI_ARRAYS; which++) {
            lfi_array_release(&ties->originals[i].copy[which]);
            lfi_array_release(&ties->originals[i].own[which]);
        }
    lfi_free(env, ties->originals, (size_t)n, sizeof(*ties->originals));
    ties->originals = NULL;
}
