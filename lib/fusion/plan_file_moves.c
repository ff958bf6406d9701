/*
 * plan_file_moves.c - the orders that a plan puts units in
 *
 *     {"spaces": [1], "order": [3, 0, ...], "members": [{"layer": "h.0", "parameter": "weight",
 *      "axis": 0, "entries": 64, "offset": 0, "block": 1}, ...]}
 *
 * Nothing of the couplings is needed to apply them: a member says which entries of an axis its
 * units are, and they are looked for by name.
 */
#include "fusion/alignment.h"
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

/* ---- writing ------------------------------------------------------------------------------- */

static json_t *numbers_encode(const int64_t *numbers, int64_t count)
{
    json_t *array = json_array();
    int failed = 0;
    int64_t i;

    for (i = 0; i < count; i++)
        failed |= json_array_append_new(array, json_integer(numbers[i]));
    return lfi_fields_finish(array, failed);
}

static json_t *member_encode(const struct lfi_plan *plan, const struct lfi_move_member *m)
{
    json_t *object = json_object();
    int failed = 0;

    failed |=
        json_object_set_new(object, "layer", json_string(plan->layers[m->layer].name));
    failed |= json_object_set_new(object, "parameter", json_string(m->parameter));
    failed |= json_object_set_new(object, "axis", json_integer(m->axis));
    failed |= json_object_set_new(object, "entries", json_integer(m->entries));
    failed |= json_object_set_new(object, "offset", json_integer(m->offset));
    failed |= json_object_set_new(object, "block", json_integer(m->block));
    return lfi_fields_finish(object, failed);
}

json_t *lfi_move_encode(const struct lfi_plan *plan, const struct lfi_move *move)
{
    json_t *object = json_object(), *members = json_array();
    int failed = 0;
    int64_t i;

    failed |= json_object_set_new(object, "spaces",
                                  numbers_encode(move->spaces, move->space_count));
    failed |=
        json_object_set_new(object, "order", numbers_encode(move->order, move->units));
    for (i = 0; i < move->member_count; i++)
        failed |= json_array_append_new(members, member_encode(plan, &move->members[i]));
    failed |= json_object_set_new(object, "members", members);
    return lfi_fields_finish(object, failed);
}

/* ---- reading ------------------------------------------------------------------------------- */

static lfuse_status read_numbers(const json_t *array, const char *where, const char *key,
                                 int64_t *out, lfuse_error *err)
{
    const json_t *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s[%zu] is no integer >= 0",
                            where, key, i);
        out[i] = json_integer_value(value);
    }
    return LFUSE_OK;
}

static lfuse_status read_member(const struct lfi_plan_reader *r, const json_t *object,
                                const char *where, int64_t units,
                                struct lfi_move_member *m, lfuse_error *err)
{
    static const char *const known[] = {"layer",  "parameter", "axis", "entries",
                                        "offset", "block",     NULL};
    const char *layer = NULL, *parameter = NULL;
    int64_t axis = 0, extent;
    lfuse_status status = lfi_fields_check(object, where, known, err);

    m->block = 1;
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "layer", &layer, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "parameter", &parameter, err);
    if (status == LFUSE_OK && (layer == NULL || parameter == NULL))
        status = lfi_fields_missing(where, layer == NULL ? "layer" : "parameter", err);
    if (status == LFUSE_OK)
        status = lfi_reader_find(r, where, layer, &m->layer, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "axis", &axis, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "entries", &m->entries, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "offset", &m->offset, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "block", &m->block, err);
    if (status != LFUSE_OK)
        return status;
    if (axis >= LFI_MAX_RANK || m->block < 1 ||
        !lfi_mul_int64(m->block, units, &extent) || m->offset > m->entries ||
        extent > m->entries - m->offset)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: axis %lld of %lld entries has no %lld units of %lld from "
                        "%lld on",
                        where, (long long)axis, (long long)m->entries, (long long)units,
                        (long long)m->block, (long long)m->offset);
    m->axis = (int32_t)axis;
    return lfi_string_copy(r->env, parameter, &m->parameter, err);
}

/* Whether an entry of an axis is in both. */
static bool overlap(const struct lfi_move_member *a, int64_t a_units,
                    const struct lfi_move_member *b, int64_t b_units)
{
    return a->layer == b->layer && a->axis == b->axis &&
           strcmp(a->parameter, b->parameter) == 0 &&
           a->offset < b->offset + b->block * b_units &&
           b->offset < a->offset + a->block * a_units;
}

/* What comes before member `index` of the last move does not move its entries. */
static lfuse_status check_once(const struct lfi_moves *moves, int64_t index,
                               const char *where, lfuse_error *err)
{
    const struct lfi_move *last = &moves->items[moves->count - 1];
    int64_t i, k;

    for (i = 0; i < moves->count; i++) {
        const struct lfi_move *move = &moves->items[i];

        for (k = 0; k < (move == last ? index : move->member_count); k++)
            if (overlap(&move->members[k], move->units, &last->members[index],
                        last->units))
                return lfi_fail(err, LFUSE_ERR_FORMAT,
                                "%s: the same entries are in permutations[%lld]", where,
                                (long long)i);
    }
    return LFUSE_OK;
}

static lfuse_status read_order(const struct lfi_plan_reader *r, const json_t *array,
                               const char *where, struct lfi_move *move, lfuse_error *err)
{
    int64_t *seen;
    lfuse_status status = read_numbers(array, where, "order", move->order, err);

    if (status != LFUSE_OK)
        return status;
    status =
        lfi_alloc(r->env, (size_t)move->units, sizeof(*seen), "permutations", &seen, err);
    if (status != LFUSE_OK)
        return status;
    if (lfi_order_check(move->order, move->units, seen, NULL) != LFUSE_OK)
        status =
            lfi_fail(err, LFUSE_ERR_FORMAT, "%s: order has not each of %lld units once",
                     where, (long long)move->units);
    lfi_free(r->env, seen, (size_t)move->units, sizeof(*seen));
    return status;
}

static lfuse_status read_move(const struct lfi_plan_reader *r, const json_t *object,
                              const char *where, lfuse_error *err)
{
    static const char *const known[] = {"spaces", "order", "members", NULL};
    struct lfi_moves *moves = &r->plan->moves;
    json_t *spaces = NULL, *order = NULL, *members = NULL;
    struct lfi_move *move;
    char place[96];
    lfuse_status status = lfi_fields_check(object, where, known, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "spaces", &spaces, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "order", &order, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "members", &members, err);
    if (status == LFUSE_OK &&
        (json_array_size(order) == 0 || json_array_size(members) == 0))
        status = lfi_fields_missing(
            where, json_array_size(order) == 0 ? "order" : "members", err);
    if (status == LFUSE_OK)
        status = lfi_move_create(r->env, (int64_t)json_array_size(spaces),
                                 (int64_t)json_array_size(order),
                                 (int64_t)json_array_size(members), moves, &move, err);
    if (status == LFUSE_OK)
        status = read_numbers(spaces, where, "spaces", move->spaces, err);
    if (status == LFUSE_OK)
        status = read_order(r, order, where, move, err);
    for (i = 0; status == LFUSE_OK && i < move->member_count; i++) {
        (void)snprintf(place, sizeof(place), "%s.members[%lld]", where, (long long)i);
        status = read_member(r, json_array_get(members, (size_t)i), place, move->units,
                             &move->members[i], err);
        if (status == LFUSE_OK)
            status = check_once(moves, i, place, err);
    }
    return status;
}

lfuse_status lfi_moves_decode(const struct lfi_plan_reader *r, lfuse_error *err)
{
    const json_t *object;
    json_t *array = NULL;
    char where[64];
    size_t i;
    lfuse_status status =
        lfi_fields_array(r->root, "the plan", "permutations", &array, err);

    if (status != LFUSE_OK || array == NULL)
        return status;
    status =
        lfi_moves_create(r->env, (int64_t)json_array_size(array), &r->plan->moves, err);
    json_array_foreach(array, i, object)
    {
        (void)snprintf(where, sizeof(where), "permutations[%zu]", i);
        if (status == LFUSE_OK)
            status = read_move(r, object, where, err);
    }
    return status;
}
