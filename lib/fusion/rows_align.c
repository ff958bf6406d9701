/*
 * rows_align.c - rows are joined in the order of units in which layers are most alike
 *
 * Rows join wherever they stand, but element by element: those of two layers can be compared once
 * their columns count alike units in one order. Which rows will join depends on that order, so it
 * is looked for before: the one in which all layers of each param type, were they to become one,
 * would be most alike (alignment.c). Then a copy of the weights that move is put in that order,
 * and rows are measured and joined in it. So a plan's rows are numbered as they stand once it is
 * applied.
 */
#include "fusion/alignment.h"
#include "fusion/planning.h"

/* Layers of their own, with weights of their own where these move. */
struct copies {
    int64_t count;
    int64_t parameter_count; /* of all layers */
    struct lfi_layer *layers;
    struct lfi_layer **pointers;
    struct lfi_parameter *parameters;
    struct lfi_array *arrays; /* (parameter_count) of zeros: the layer's own */
};

static void copies_destroy(const struct lfi_env *env, struct copies *c)
{
    int64_t i;

    for (i = 0; i < c->parameter_count && c->arrays != NULL; i++)
        lfi_array_release(&c->arrays[i]);
    lfi_free(env, c->arrays, (size_t)c->parameter_count, sizeof(*c->arrays));
    lfi_free(env, c->parameters, (size_t)c->parameter_count, sizeof(*c->parameters));
    lfi_free(env, c->pointers, (size_t)c->count, sizeof(*c->pointers));
    lfi_free(env, c->layers, (size_t)c->count, sizeof(*c->layers));
}

/* Whether it is a weight that moves: nothing else is looked at. */
static bool moves(const struct lfi_shifts *shifts, int64_t layer, int32_t parameter,
                  lfuse_role role)
{
    int64_t i, k;

    for (i = 0; i < shifts->count && role == LFUSE_ROLE_WEIGHT; i++)
        for (k = 0; k < shifts->items[i].item_count; k++)
            if (shifts->items[i].items[k].layer == layer &&
                shifts->items[i].items[k].parameter == parameter)
                return true;
    return false;
}

static lfuse_status fill_layer(const struct lfi_env *env, const struct lfi_layer *layer,
                               int64_t index, const struct lfi_shifts *shifts,
                               int64_t first, struct copies *c, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int32_t k;

    c->layers[index] = *layer;
    c->layers[index].parameters = c->parameters + first;
    c->pointers[index] = &c->layers[index];
    for (k = 0; k < layer->parameter_count && status == LFUSE_OK; k++) {
        struct lfi_parameter *p = &c->parameters[first + k];
        struct lfi_array *array = &c->arrays[first + k];

        *p = layer->parameters[k];
        if (!moves(shifts, index, k, p->role))
            continue;
        status = lfi_array_create(env, &p->value->view, array, err);
        if (status == LFUSE_OK)
            lfi_view_copy(&array->view, &p->value->view);
        p->value = array;
    }
    return status;
}

static lfuse_status copies_create(const struct lfi_env *env,
                                  const struct lfi_layer *const *layers, int64_t count,
                                  const struct lfi_shifts *shifts, struct copies *c,
                                  lfuse_error *err)
{
    int64_t first = 0, i;
    lfuse_status status;

    *c = (struct copies){.count = count};
    for (i = 0; i < count; i++)
        c->parameter_count += layers[i]->parameter_count;
    status = lfi_alloc(env, (size_t)count, sizeof(*c->layers), "aligned rows", &c->layers,
                       err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)count, sizeof(*c->pointers), "aligned rows",
                           &c->pointers, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)c->parameter_count, sizeof(*c->parameters),
                           "aligned rows", &c->parameters, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)c->parameter_count, sizeof(*c->arrays),
                                "aligned rows", &c->arrays, err);
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        status = fill_layer(env, layers[i], i, shifts, first, c, err);
        first += layers[i]->parameter_count;
    }
    return status;
}

static bool is_copy(const void *arg, const struct lfi_coupled *item, int32_t which)
{
    const struct copies *c = arg;

    return which == LFI_VALUE &&
           c->layers[item->layer].parameters[item->parameter].role == LFUSE_ROLE_WEIGHT;
}

/* Candidates of a param type as one group, which the first of them keeps. */
static lfuse_status align(const struct lfi_env *env,
                          const struct lfi_layer *const *layers,
                          const struct lfi_candidates *candidates, struct lfi_plan *plan,
                          lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    struct lfi_grouping all;
    lfuse_status status = lfi_grouping_create(env, plan->layer_count, &all, err);
    int64_t type, i;

    if (status != LFUSE_OK)
        return status;
    for (type = 0; type < c->type_count; type++)
        for (i = c->first[type]; i < c->first[type + 1]; i++)
            all.owner[c->members[i]] = c->members[c->first[type]];
    lfi_grouping_set(&all, all.owner);
    status = lfi_plan_align(env, layers, plan->layer_count, &all, false, plan, err);
    lfi_grouping_destroy(env, &all);
    return status;
}

static lfuse_status join_in_order(const struct lfi_env *env,
                                  const struct lfi_layer *const *layers,
                                  const struct lfi_candidates *candidates,
                                  const struct lfi_choice *choice, struct lfi_plan *plan,
                                  const struct lfi_shifts *shifts, lfuse_error *err)
{
    struct copies c;
    lfuse_status status = copies_create(env, layers, plan->layer_count, shifts, &c, err);

    if (status == LFUSE_OK) {
        lfi_shifts_run(c.pointers, shifts, false, is_copy, &c);
        status = lfi_plan_join_rows(env, (const struct lfi_layer *const *)c.pointers,
                                    candidates, choice, plan, err);
    }
    copies_destroy(env, &c);
    return status;
}

lfuse_status lfi_plan_align_and_join_rows(const struct lfi_env *env,
                                          const struct lfi_layer *const *layers,
                                          const struct lfi_candidates *candidates,
                                          const struct lfi_choice *choice,
                                          struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_shifts *shifts = NULL;
    lfuse_status status = LFUSE_OK;

    if (plan->options.couplings != NULL)
        status = align(env, layers, candidates, plan, err);
    if (status == LFUSE_OK)
        status =
            lfi_shifts_create(env, layers, plan->layer_count, &plan->moves, &shifts, err);
    if (status == LFUSE_OK && shifts == NULL)
        status = lfi_plan_join_rows(env, layers, candidates, choice, plan, err);
    else if (status == LFUSE_OK)
        status = join_in_order(env, layers, candidates, choice, plan, shifts, err);
    lfi_shifts_pop(env, &shifts);
    if (plan->fusion_count == 0)
        lfi_moves_destroy(env, &plan->moves); /* nothing is applied then */
    return status;
}
