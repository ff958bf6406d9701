/* ties.c - what is in force: its life, and what can be asked of it */
#include "fusion/fusion.h"

#include <string.h>

lfuse_status lfi_ties_create(const struct lfi_env *env, struct lfi_layer *const *layers,
                             int64_t count, const struct lfi_ties_options *options,
                             struct lfi_ties *ties, lfuse_error *err)
{
    const size_t n = (size_t)count;
    lfuse_status status;

    *ties = (struct lfi_ties){.options = *options, .count = count};
    status = lfi_layers_check_names((const struct lfi_layer *const *)layers, count, err);
    if (status == LFUSE_OK)
        status =
            lfi_layers_check_apart((const struct lfi_layer *const *)layers, count, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*ties->layers), "ties", &ties->layers, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*ties->rules), "ties", &ties->rules, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n + 1, sizeof(*ties->first_original), "ties",
                                &ties->first_original, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, count, &ties->in_force, err);
    if (status == LFUSE_OK)
        memcpy(ties->layers, layers, n * sizeof(*layers));
    else
        lfi_ties_destroy(env, ties);
    return status;
}

void lfi_ties_destroy(const struct lfi_env *env, struct lfi_ties *ties)
{
    const size_t n = (size_t)ties->count;

    lfi_ties_drop_originals(env, ties);
    lfi_grouping_destroy(env, &ties->in_force);
    lfi_free(env, ties->first_original, n + 1, sizeof(*ties->first_original));
    lfi_free(env, ties->rules, n, sizeof(*ties->rules));
    lfi_free(env, ties->layers, n, sizeof(*ties->layers));
    *ties = (struct lfi_ties){0};
}

bool lfi_ties_is_frozen(const struct lfi_ties *ties, int64_t index)
{
    return lfi_rule_is_frozen(ties->rules[ties->in_force.owner[index]]);
}

/* ---- resident bytes -------------------------------------------------------------------- */

/* Whether a parameter before this one has the same memory. */
static bool is_seen(const struct lfi_ties *ties, int64_t layer, int32_t parameter)
{
    const void *data = ties->layers[layer]->parameters[parameter].value->view.data;
    int64_t i;
    int32_t p, n;

    for (i = 0; i <= layer; i++) {
        n = i < layer ? ties->layers[i]->parameter_count : parameter;
        for (p = 0; p < n; p++)
            if (ties->layers[i]->parameters[p].value->view.data == data &&
                ties->layers[i]->parameters[p].role != LFUSE_ROLE_STATISTIC)
                return true;
    }
    return false;
}

static size_t held_bytes(const struct lfi_array *array)
{
    return array->storage == NULL ? 0 : lfi_view_bytes(&array->view);
}

size_t lfi_ties_resident_bytes(const struct lfi_ties *ties)
{
    size_t bytes = 0;
    int64_t i;
    int32_t p;

    for (i = 0; i < ties->count; i++)
        for (p = 0; p < ties->layers[i]->parameter_count; p++) {
            const struct lfi_parameter *parameter = &ties->layers[i]->parameters[p];

            if (parameter->role != LFUSE_ROLE_STATISTIC && !is_seen(ties, i, p))
                bytes += lfi_view_bytes(&parameter->value->view);
        }
    for (i = 0; ties->originals != NULL && i < ties->first_original[ties->count]; i++)
        bytes += held_bytes(&ties->originals[i].copy[LFI_VALUE]) +
                 held_bytes(&ties->originals[i].own[LFI_VALUE]);
    return bytes;
}

/* ---- mirrors ------------------------------------------------------------------------------ */

struct mirrors {
    const struct lfi_ties *ties;
    const int64_t *members;
    int64_t kept;
};

/* Members that were tied to each other before may still have one memory apart from the
 * buffer: whether it is that of a member before this one, and another task's to write. */
static bool is_anothers(const struct mirrors *m, int64_t index, int32_t weight)
{
    const void *data =
        lfi_layer_weight(m->ties->layers[m->members[index]], weight)->value->view.data;
    int64_t i;

    for (i = 0; i < index; i++)
        if (lfi_layer_weight(m->ties->layers[m->members[i]], weight)->value->view.data ==
            data)
            return true;
    return false;
}

/* The member's weights whose memory is not the buffer. */
static void copy_to_member(void *arg, int64_t index, int32_t slot)
{
    const struct mirrors *m = arg;
    const struct lfi_layer *kept = m->ties->layers[m->kept],
                           *member = m->ties->layers[m->members[index]];
    const int32_t n = lfi_ties_weight_count(m->ties, m->kept);
    int32_t k;

    (void)slot;
    for (k = 0; k < n; k++) {
        const struct lfi_view *from = &lfi_layer_weight(kept, k)->value->view,
                              *to = &lfi_layer_weight(member, k)->value->view;

        if (to->data != from->data && !is_anothers(m, index, k))
            lfi_view_copy(to, from);
    }
}

lfuse_status lfi_ties_refresh(const struct lfi_env *env, const struct lfi_ties *ties,
                              lfuse_error *err)
{
    const struct lfi_grouping *g = &ties->in_force;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < g->count && status == LFUSE_OK; i++) {
        struct mirrors mirrors = {ties, g->members + g->first[i], g->kept[i]};

        status =
            lfi_parallel_for(env, lfi_grouping_size(g, i), copy_to_member, &mirrors, err);
    }
    return status;
}
