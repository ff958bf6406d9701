/*
 * plan_file_rows.c - the rows of a plan file, and the groups that they make; their fusions are in
 * plan_file_row_fusions.c
 *
 *     {"kept": "h.4", "layer": "h.5", "weight": "weight", "rows": [[1, 0], ..]}
 *
 * among what was in force is: row 0 of h.5 showed the values of row 1 of h.4.
 */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

/* MOST: rows of a plan that is read for no given layers, so for nothing but its own word. */
enum { WHERE = 96, MOST = 1 << 24 };

lfuse_status lfi_plan_rows_prepare(struct lfi_plan_reader *r, bool is_given,
                                   lfuse_error *err)
{
    struct lfi_plan *plan = r->plan;
    lfuse_status status =
        lfi_rows_create(r->env, plan->layers, plan->layer_count, &plan->rows, err);

    if (status == LFUSE_OK && !is_given && plan->rows.count > MOST)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                          "the layers have %lld rows: a plan of so many is read for "
                          "given layers only",
                          (long long)plan->rows.count);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(r->env, plan->rows.count, &plan->row_start, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(r->env, plan->rows.count, &plan->row_goal, err);
    return status;
}

/* ---- fields ------------------------------------------------------------------------------- */

lfuse_status lfi_reader_layer(const struct lfi_plan_reader *r, const json_t *object,
                              const char *where, const char *key, int64_t *layer,
                              lfuse_error *err)
{
    const char *name = NULL;
    lfuse_status status = lfi_fields_text(object, where, key, &name, err);

    if (status == LFUSE_OK && name == NULL)
        status = lfi_fields_missing(where, key, err);
    return status == LFUSE_OK ? lfi_reader_find(r, where, name, layer, err) : status;
}

lfuse_status lfi_reader_candidate(const struct lfi_plan_reader *r, const char *where,
                                  int64_t layer, lfuse_error *err)
{
    if (r->is_candidate[layer])
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NAME,
                    "%s: no layer shares its type with %s: its rows are no candidates",
                    where, lfi_quote(r->plan->layers[layer].name).text);
}

lfuse_status lfi_reader_weight(const struct lfi_plan_reader *r, const json_t *object,
                               const char *where, int64_t layer, int32_t *weight,
                               lfuse_error *err)
{
    const struct lfi_planned_layer *l = &r->plan->layers[layer];
    const char *name = NULL;
    lfuse_status status = lfi_fields_text(object, where, "weight", &name, err);

    if (status == LFUSE_OK && name == NULL && l->weight_count != 1)
        status = lfi_fields_missing(where, "weight", err);
    if (status != LFUSE_OK)
        return status;
    *weight = 0;
    while (name != NULL && *weight < l->weight_count &&
           strcmp(l->weights[*weight].name, name) != 0)
        ++*weight;
    if (*weight < l->weight_count)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NAME, "%s: layer %s has no weight %s", where,
                    lfi_quote(l->name).text, lfi_quote(name).text);
}

lfuse_status lfi_reader_row(const struct lfi_plan_reader *r, const json_t *pair,
                            const char *where, size_t index, struct lfi_row *row,
                            lfuse_error *err)
{
    const json_t *value = json_array_get(pair, index);

    if (!json_is_integer(value))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: element %zu is no integer", where,
                        index);
    row->index = json_integer_value(value);
    if (lfi_rows_number(&r->plan->rows, *row) >= 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: there is no row %lld of %s of layer %s",
                    where, (long long)row->index,
                    lfi_quote(r->plan->layers[row->layer].weights[row->weight].name).text,
                    lfi_quote(r->plan->layers[row->layer].name).text);
}

/* ---- groups -------------------------------------------------------------------------------- */

static struct lfi_quoted name_of(const struct lfi_plan_reader *r, struct lfi_row row)
{
    return lfi_quote(r->plan->layers[row.layer].name);
}

lfuse_status lfi_reader_join_rows(struct lfi_plan_reader *r, const char *where, int64_t a,
                                  int64_t b, int64_t kept, lfuse_error *err)
{
    const int64_t ra = lfi_reader_root(r, a), rb = lfi_reader_root(r, b);
    const struct lfi_rows *rows = &r->plan->rows;
    const struct lfi_row x = lfi_rows_find(rows, a), y = lfi_rows_find(rows, b),
                         k = lfi_rows_find(rows, kept);

    if (ra == rb)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: row %lld of %s and row %lld of %s are %s", where,
                        (long long)x.index, name_of(r, x).text, (long long)y.index,
                        name_of(r, y).text, a == b ? "one row" : "in one group already");
    if (lfi_reader_root(r, kept) != ra && lfi_reader_root(r, kept) != rb)
        return lfi_fail(
            err, LFUSE_ERR_FORMAT,
            "%s: kept is row %lld of %s, which is in the group of neither row "
            "%lld of %s nor row %lld of %s",
            where, (long long)k.index, name_of(r, k).text, (long long)x.index,
            name_of(r, x).text, (long long)y.index, name_of(r, y).text);
    if (r->plan->row_start.owner[kept] != kept)
        return lfi_fail(
            err, LFUSE_ERR_FORMAT,
            "%s: kept is row %lld of %s, which shares another's values already", where,
            (long long)k.index, name_of(r, k).text);
    r->parent[rb] = ra;
    r->kept[ra] = kept;
    return LFUSE_OK;
}

/* ---- what was in force ------------------------------------------------------------------------ */

/* A row that shares no other's values so far. */
static lfuse_status check_own(const struct lfi_plan_reader *r, const char *where,
                              const char *what, struct lfi_row row, int64_t number,
                              lfuse_error *err)
{
    if (r->kept[lfi_reader_root(r, number)] == number)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_FORMAT,
                    "%s: %s is row %lld of %s, which shares another's values already",
                    where, what, (long long)row.index, name_of(r, row).text);
}

static lfuse_status pair_in_force(struct lfi_plan_reader *r, const json_t *pair,
                                  const char *where, struct lfi_row kept,
                                  struct lfi_row row, lfuse_error *err)
{
    int64_t k, m;
    lfuse_status status;

    if (json_array_size(pair) != 2)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no array of two", where);
    status = lfi_reader_row(r, pair, where, 0, &kept, err);
    if (status == LFUSE_OK)
        status = lfi_reader_row(r, pair, where, 1, &row, err);
    if (status != LFUSE_OK)
        return status;
    k = lfi_rows_number(&r->plan->rows, kept);
    m = lfi_rows_number(&r->plan->rows, row);
    status = check_own(r, where, "kept", kept, k, err);
    if (status == LFUSE_OK)
        status = check_own(r, where, "this", row, m, err);
    return status == LFUSE_OK ? lfi_reader_join_rows(r, where, k, m, k, err) : status;
}

static lfuse_status line_in_force(struct lfi_plan_reader *r, const json_t *object,
                                  const char *where, lfuse_error *err)
{
    static const char *const known[] = {"kept", "layer", "weight", "rows", NULL};
    struct lfi_row kept = {0}, row = {0};
    json_t *rows = NULL;
    char place[WHERE];
    lfuse_status status = lfi_fields_check(object, where, known, err);
    size_t i;

    if (status == LFUSE_OK)
        status = lfi_reader_layer(r, object, where, "kept", &kept.layer, err);
    if (status == LFUSE_OK)
        status = lfi_reader_layer(r, object, where, "layer", &row.layer, err);
    if (status == LFUSE_OK)
        status = lfi_reader_check_alike(r, where, kept.layer, row.layer, err);
    if (status == LFUSE_OK)
        status = lfi_reader_candidate(r, where, kept.layer, err);
    if (status == LFUSE_OK)
        status = lfi_reader_weight(r, object, where, kept.layer, &kept.weight, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(object, where, "rows", &rows, err);
    row.weight = kept.weight;
    for (i = 0; i < json_array_size(rows) && status == LFUSE_OK; i++) {
        (void)snprintf(place, sizeof(place), "%s.rows[%zu]", where, i);
        status = pair_in_force(r, json_array_get(rows, i), place, kept, row, err);
    }
    return status;
}

lfuse_status lfi_rows_in_force_decode(struct lfi_plan_reader *r, const json_t *lines,
                                      lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char where[WHERE / 2];
    size_t i;

    for (i = 0; i < json_array_size(lines) && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "in_force[%zu]", i);
        status = line_in_force(r, json_array_get(lines, i), where, err);
    }
    if (status == LFUSE_OK)
        lfi_reader_owners(r, &r->plan->row_start);
    return status;
}
