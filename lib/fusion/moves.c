/*
 * moves.c - orders of units that a plan asks for: remembered by name, and carried out
 *
 * A plan's move says which entries of which parameters stand where; the layers that it is applied
 * to are looked at anew. What is carried out is a list of transpositions, which need no memory
 * and go back as they came: ties keep them for undo.
 */
#include "fusion/alignment.h"

#include <string.h>

/* ---- a plan's ------------------------------------------------------------------------------- */

lfuse_status lfi_moves_create(const struct lfi_env *env, int64_t capacity,
                              struct lfi_moves *moves, lfuse_error *err)
{
    lfuse_status status;

    *moves = (struct lfi_moves){0};
    status = lfi_alloc_zero(env, (size_t)capacity, sizeof(*moves->items), "permutations",
                            &moves->items, err);
    if (status == LFUSE_OK)
        moves->capacity = capacity;
    return status;
}

static void move_destroy(const struct lfi_env *env, struct lfi_move *move)
{
    int64_t i;

    for (i = 0; i < move->member_count && move->members != NULL; i++)
        lfi_string_free(env, move->members[i].parameter);
    lfi_free(env, move->members, (size_t)move->member_count, sizeof(*move->members));
    lfi_free(env, move->order, (size_t)move->units, sizeof(*move->order));
    lfi_free(env, move->spaces, (size_t)move->space_count, sizeof(*move->spaces));
}

void lfi_moves_destroy(const struct lfi_env *env, struct lfi_moves *moves)
{
    int64_t i;

    for (i = 0; i < moves->count; i++)
        move_destroy(env, &moves->items[i]);
    lfi_free(env, moves->items, (size_t)moves->capacity, sizeof(*moves->items));
    *moves = (struct lfi_moves){0};
}

lfuse_status lfi_move_create(const struct lfi_env *env, int64_t spaces, int64_t units,
                             int64_t members, struct lfi_moves *moves,
                             struct lfi_move **move, lfuse_error *err)
{
    struct lfi_move *m = &moves->items[moves->count++];
    lfuse_status status;

    *move = m;
    *m =
        (struct lfi_move){.space_count = spaces, .units = units, .member_count = members};
    status = lfi_alloc_zero(env, (size_t)spaces, sizeof(*m->spaces), "permutations",
                            &m->spaces, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)units, sizeof(*m->order), "permutations",
                                &m->order, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)members, sizeof(*m->members), "permutations",
                                &m->members, err);
    return status;
}

static bool is_identity(const int64_t *order, int64_t units)
{
    int64_t u;

    for (u = 0; u < units; u++)
        if (order[u] != u)
            return false;
    return true;
}

static lfuse_status fill_members(const struct lfi_env *env, const struct lfi_aligner *al,
                                 int64_t class, struct lfi_move *move, lfuse_error *err)
{
    const struct lfi_binding *b = &al->binding;
    struct lfi_move_member *member = move->members;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < b->item_count && status == LFUSE_OK; i++) {
        const struct lfi_coupled *item = &b->items[i];
        const struct lfi_parameter *p =
            &al->layers[item->layer]->parameters[item->parameter];

        if (al->class[item->space] != class)
            continue;
        *member = (struct lfi_move_member){.layer = item->layer,
                                           .axis = item->axis,
                                           .entries = p->value->view.dims[item->axis],
                                           .offset = item->offset,
                                           .block = item->block};
        status = lfi_string_copy(env, p->name, &member++->parameter, err);
    }
    return status;
}

lfuse_status lfi_moves_add(const struct lfi_env *env, const struct lfi_aligner *al,
                           int64_t class, struct lfi_moves *moves, lfuse_error *err)
{
    const int64_t *order = lfi_aligner_order(al, class);
    const struct lfi_binding *b = &al->binding;
    int64_t spaces = 0, members = 0, i;
    struct lfi_move *move;
    lfuse_status status;

    if (is_identity(order, b->units[class]))
        return LFUSE_OK;
    for (i = 0; i < b->count; i++)
        if (al->class[i] == class) {
            spaces++;
            members += b->first[i + 1] - b->first[i];
        }
    status = lfi_move_create(env, spaces, b->units[class], members, moves, &move, err);
    if (status != LFUSE_OK)
        return status;
    memcpy(move->order, order, (size_t)move->units * sizeof(*order));
    for (spaces = 0, i = 0; i < b->count; i++)
        if (al->class[i] == class)
            move->spaces[spaces++] = i;
    return fill_members(env, al, class, move, err);
}

/* ---- carried out ------------------------------------------------------------------------------ */

static lfuse_status find_member(const struct lfi_layer *layer,
                                const struct lfi_move_member *member,
                                struct lfi_coupled *item, lfuse_error *err)
{
    const struct lfi_view *view;
    int32_t k = 0;

    while (k < layer->parameter_count &&
           strcmp(layer->parameters[k].name, member->parameter) != 0)
        k++;
    if (k == layer->parameter_count)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "layer %s has no parameter %s, which the plan permutes",
                        layer->name, member->parameter);
    view = &layer->parameters[k].value->view;
    if (member->axis >= view->rank || view->dims[member->axis] != member->entries)
        return lfi_fail(
            err, LFUSE_ERR_SHAPE,
            "axis %d of %s of layer %s has not the %lld entries that the plan "
            "permutes",
            (int)member->axis, member->parameter, layer->name,
            (long long)member->entries);
    *item = (struct lfi_coupled){.layer = member->layer,
                                 .parameter = k,
                                 .axis = member->axis,
                                 .offset = member->offset,
                                 .block = member->block};
    return LFUSE_OK;
}

static lfuse_status bind_move(const struct lfi_env *env,
                              const struct lfi_layer *const *layers, int64_t count,
                              const struct lfi_move *move, struct lfi_shift *shift,
                              lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    *shift = (struct lfi_shift){.units = move->units, .item_count = move->member_count};
    status = lfi_alloc(env, (size_t)move->units, sizeof(*shift->swaps), "permutations",
                       &shift->swaps, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)move->member_count, sizeof(*shift->items),
                           "permutations", &shift->items, err);
    for (i = 0; i < move->member_count && status == LFUSE_OK; i++)
        status = find_member(layers[move->members[i].layer], &move->members[i],
                             &shift->items[i], err);
    if (status == LFUSE_OK)
        status =
            lfi_coupled_check_apart(layers, count, shift->items, shift->item_count, err);
    if (status == LFUSE_OK)
        lfi_order_swaps(move->order, move->units, shift->swaps);
    return status;
}

lfuse_status lfi_shifts_create(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               const struct lfi_moves *moves, struct lfi_shifts **shifts,
                               lfuse_error *err)
{
    struct lfi_shifts *s;
    lfuse_status status;

    *shifts = NULL;
    if (moves->count == 0)
        return LFUSE_OK;
    status = lfi_alloc_zero(env, 1, sizeof(*s), "permutations", &s, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_alloc_zero(env, (size_t)moves->count, sizeof(*s->items), "permutations",
                            &s->items, err);
    if (status == LFUSE_OK)
        s->capacity = moves->count;
    while (status == LFUSE_OK && s->count < moves->count) {
        status = bind_move(env, layers, count, &moves->items[s->count],
                           &s->items[s->count], err);
        s->count++;
    }
    *shifts = s;
    if (status != LFUSE_OK)
        lfi_shifts_pop(env, shifts);
    return status;
}

void lfi_shifts_pop(const struct lfi_env *env, struct lfi_shifts **shifts)
{
    struct lfi_shifts *s = *shifts;
    int64_t i;

    if (s == NULL)
        return;
    *shifts = s->before;
    for (i = 0; i < s->count; i++) {
        struct lfi_shift *shift = &s->items[i];

        lfi_free(env, shift->items, (size_t)shift->item_count, sizeof(*shift->items));
        lfi_free(env, shift->swaps, (size_t)shift->units, sizeof(*shift->swaps));
    }
    lfi_free(env, s->items, (size_t)s->capacity, sizeof(*s->items));
    lfi_free(env, s, 1, sizeof(*s));
}

void lfi_shifts_run(struct lfi_layer *const *layers, const struct lfi_shifts *shifts,
                    bool back, lfi_reorders reorders, const void *arg)
{
    const int64_t n = shifts == NULL ? 0 : shifts->count;
    int64_t i;

    for (i = 0; i < n; i++) { /* in any order: no entry is in two of them */
        const struct lfi_shift *s = &shifts->items[i];

        lfi_coupled_reorder(layers, s->items, s->item_count, s->units, s->swaps, back,
                            reorders, arg);
    }
}
