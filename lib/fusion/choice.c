/*
 * choice.c - what is known of each layer before anything is measured
 *
 * The first and the last layer of a network, such as an embedding and a classifier, do another
 * work than those between: where they differ in kind from all others of their param type they
 * are left out unless asked for.
 */
#include "fusion/planning.h"

#include <stdio.h>
#include <string.h>

static bool comes_before(const struct lfi_layer *const *layers, int64_t i, int64_t k)
{
    const int32_t p = layers[i]->position, q = layers[k]->position;

    return p != q ? p < q : i < k;
}

/* Among the layers of the same param type that have weights. */
static int64_t rank_of(const struct lfi_layer *const *layers, int64_t count,
                       int64_t index)
{
    int64_t rank = 0, i;

    for (i = 0; i < count; i++)
        rank += comes_before(layers, i, index) && lfi_layer_weight_count(layers[i]) > 0 &&
                strcmp(layers[i]->param_type, layers[index]->param_type) == 0;
    return rank;
}

/* The least and the greatest position; equal ones: the network has no ends. */
static void find_ends(const struct lfi_layer *const *layers, int64_t count,
                      int32_t *first, int32_t *last)
{
    int64_t i;

    *first = *last = layers[0]->position;
    for (i = 1; i < count; i++) {
        const int32_t p = layers[i]->position;

        *first = p < *first ? p : *first;
        *last = p > *last ? p : *last;
    }
}

/* Whether others of its type have weights, and none of them is of its kind. */
static bool is_odd(const struct lfi_layer *const *layers, int64_t count, int64_t index)
{
    int64_t others = 0, i;

    for (i = 0; i < count; i++) {
        if (i == index || lfi_layer_weight_count(layers[i]) == 0 ||
            strcmp(layers[i]->param_type, layers[index]->param_type) != 0)
            continue;
        if (layers[i]->kind == layers[index]->kind)
            return false;
        others++;
    }
    return others > 0 && lfi_layer_weight_count(layers[index]) > 0;
}

static lfuse_status bar_ends(const struct lfi_env *env,
                             const struct lfi_layer *const *layers, struct lfi_plan *plan,
                             struct lfi_choice *c, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int32_t first, last;
    int64_t i;

    find_ends(layers, c->count, &first, &last);
    for (i = 0; i < c->count && status == LFUSE_OK; i++) {
        const int32_t p = layers[i]->position;
        char reason[248];

        if (first == last || (p != first && p != last) || c->bar[i] != LFI_BAR_NONE ||
            !is_odd(layers, c->count, i))
            continue;
        c->bar[i] = LFI_BAR_END;
        (void)snprintf(reason, sizeof(reason),
                       "layer %.80s is at the %s position, and no other of param type "
                       "%.80s is of its kind",
                       layers[i]->name, p == first ? "first" : "last",
                       layers[i]->param_type);
        status = lfi_plan_skip(env, plan, i, reason, err);
    }
    return status;
}

static void follow_rules(const struct lfi_layer *const *layers,
                         const struct lfi_plan_options *options, struct lfi_choice *c)
{
    const bool selects = lfi_rules_say(options, LFUSE_PLAN_ACTION_INCLUDE, NULL);
    int64_t i;

    for (i = 0; i < c->count; i++) {
        if (lfi_rules_say(options, LFUSE_PLAN_ACTION_EXCLUDE, layers[i]))
            c->bar[i] = LFI_BAR_EXCLUDED;
        else if (selects && !lfi_rules_say(options, LFUSE_PLAN_ACTION_INCLUDE, layers[i]))
            c->bar[i] = LFI_BAR_NOT_INCLUDED;
        c->pinned[i] = lfi_rules_say(options, LFUSE_PLAN_ACTION_PIN, layers[i]);
    }
}

lfuse_status lfi_choice_create(const struct lfi_env *env,
                               const struct lfi_layer *const *layers,
                               struct lfi_plan *plan, struct lfi_choice *choice,
                               lfuse_error *err)
{
    struct lfi_choice c = {.count = plan->layer_count};
    const size_t n = (size_t)c.count;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, n, sizeof(*c.bar), "choices", &c.bar, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*c.pinned), "choices", &c.pinned, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*c.rank), "choices", &c.rank, err);
    for (i = 0; i < c.count && status == LFUSE_OK; i++)
        c.rank[i] = rank_of(layers, c.count, i);
    if (status == LFUSE_OK)
        status = lfi_rules_check(&plan->options, layers, c.count, err);
    if (status == LFUSE_OK)
        follow_rules(layers, &plan->options, &c);
    if (status == LFUSE_OK && !plan->options.include_ends)
        status = bar_ends(env, layers, plan, &c, err);
    *choice = c;
    if (status != LFUSE_OK)
        lfi_choice_destroy(env, choice);
    return status;
}

void lfi_choice_destroy(const struct lfi_env *env, struct lfi_choice *choice)
{
    lfi_free(env, choice->rank, (size_t)choice->count, sizeof(*choice->rank));
    lfi_free(env, choice->pinned, (size_t)choice->count, sizeof(*choice->pinned));
    lfi_free(env, choice->bar, (size_t)choice->count, sizeof(*choice->bar));
    *choice = (struct lfi_choice){0};
}
