/* ties.c - what is in force: its life, and what can be asked of it */
#include "fusion/alignment.h"
#include "fusion/fusion.h"

#include <string.h>

lfuse_status lfi_ties_create(const struct lfi_env *env, struct lfi_layer *const *layers,
                             int64_t count, const struct lfi_ties_options *options,
                             struct lfi_ties *ties, lfuse_error *err)
{
    const size_t n = (size_t)count;
    lfuse_status status;
    int64_t i;

    *ties = (struct lfi_ties){.options = *options, .count = count};
    ties->shown = LFUSE_SHOW_SOURCES;
    status = lfi_layers_check_names((const struct lfi_layer *const *)layers, count, err);
    if (status == LFUSE_OK)
        status = lfi_layers_check_apart((const struct lfi_layer *const *)layers, count,
                                        LFUSE_ROLE_WEIGHT, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*ties->layers), "ties", &ties->layers, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*ties->rules), "ties", &ties->rules, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n + 1, sizeof(*ties->first_original), "ties",
                                &ties->first_original, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*ties->weight_counts), "ties",
                                &ties->weight_counts, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*ties->source), "ties", &ties->source, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(env, count, &ties->in_force, err);
    if (status != LFUSE_OK) {
        lfi_ties_destroy(env, ties);
        return status;
    }
    memcpy(ties->layers, layers, n * sizeof(*layers));
    for (i = 0; i < count; i++)
        ties->source[i] = i;
    return LFUSE_OK;
}

void lfi_ties_destroy(const struct lfi_env *env, struct lfi_ties *ties)
{
    const size_t n = (size_t)ties->count;
    const lfuse_status parted = lfi_ties_show(env, ties, LFUSE_SHOW_SOURCES, 0, NULL);

    (void)parted; /* a caller that refuses its own memory back keeps what it was shown */
    lfi_row_ties_destroy(env, &ties->rows);
    while (ties->shifts != NULL)
        lfi_shifts_pop(env, &ties->shifts);
    lfi_mixes_destroy(env, &ties->mixes);
    lfi_ties_drop_originals(env, ties);
    lfi_grouping_destroy(env, &ties->in_force);
    lfi_free(env, ties->source, n, sizeof(*ties->source));
    lfi_arrangements_destroy(env, &ties->arrangements);
    lfi_free(env, ties->weight_counts, n, sizeof(*ties->weight_counts));
    lfi_free(env, ties->first_original, n + 1, sizeof(*ties->first_original));
    lfi_free(env, ties->rules, n, sizeof(*ties->rules));
    lfi_free(env, ties->layers, n, sizeof(*ties->layers));
    *ties = (struct lfi_ties){0};
}

bool lfi_ties_is_mixed(const struct lfi_ties *ties, int64_t index)
{
    const struct lfi_policy *policy =
        lfi_policy_find(ties->rules[ties->in_force.owner[index]].policy);

    return policy != NULL && policy->mixes;
}

bool lfi_ties_is_frozen(const struct lfi_ties *ties, int64_t index)
{
    return lfi_rule_is_frozen(ties->rules[ties->in_force.owner[index]]);
}

void lfi_ties_account(const struct lfi_ties *ties, struct lfi_account *account)
{
    const struct lfi_layer *const *layers = (const struct lfi_layer *const *)ties->layers;

    lfi_account_measure(layers, ties->count, ties->in_force.owner, account);
    lfi_account_add_rows(&ties->rows.rows, &ties->rows.in_force, account);
}

lfuse_status lfi_ties_check_unit(const struct lfi_ties *ties, lfuse_unit unit,
                                 lfuse_error *err)
{
    if (unit == LFUSE_UNIT_ROW && ties->in_force.count > 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "layers are tied: rows are not joined beside them");
    if (unit != LFUSE_UNIT_ROW && ties->rows.in_force.count > 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "rows are tied: layers are not joined beside them");
    return LFUSE_OK;
}

/* ---- mirrors ------------------------------------------------------------------------------ */

struct mirrors {
    const struct lfi_ties *ties;
    const int64_t *members;
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

/* The member's weights whose memory is not that of their source. While its group shows a mix or
 * the mean, they are equal already. */
static void copy_to_member(void *arg, int64_t index, int32_t slot)
{
    const struct mirrors *m = arg;
    const int64_t layer = m->members[index];
    const struct lfi_layer *source = m->ties->layers[m->ties->source[layer]],
                           *member = m->ties->layers[layer];
    const int32_t n = lfi_ties_weight_count(m->ties, layer);
    int32_t k;

    (void)slot;
    for (k = 0; k < n; k++) {
        const struct lfi_view *from = &lfi_layer_weight(source, k)->value->view,
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
        struct mirrors mirrors = {ties, g->members + g->first[i]};

        status =
            lfi_parallel_for(env, lfi_grouping_size(g, i), copy_to_member, &mirrors, err);
    }
    if (status == LFUSE_OK && ties->rows.in_force.count > 0)
        status = lfi_row_ties_refresh(env, ties, err);
    return status;
}
