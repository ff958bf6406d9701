/*
 * plan_file_row_lines.c - fusions of rows, a line for each two layers
 *
 * Thousands of rows are a few lines, in the order of their layers. What is in force is a line for
 * each layer whose rows are another's.
 */
#include "fusion/plan_file.h"

/* ---- which are one line ------------------------------------------------------------------- */

/* Of a fusion: its layers, weight and kept layer. Of a row in force: layers and weight. */
struct key {
    int64_t part[4];
};

static struct key key_of(const struct lfi_row_lines *lines, int64_t item)
{
    const struct lfi_plan *plan = lines->plan;
    struct key key = {{0}};

    if (lines->in_force) {
        const struct lfi_row row = lfi_rows_find(&plan->rows, item);

        key.part[0] = lfi_rows_find(&plan->rows, plan->row_start.owner[item]).layer;
        key.part[1] = row.layer;
        key.part[2] = row.weight;
    } else {
        const struct lfi_fusion *f = &plan->fusions[item];

        key.part[0] = f->a;
        key.part[1] = f->b;
        key.part[2] = f->weight;
        key.part[3] = f->kept;
    }
    return key;
}

static int compare_keys(struct key a, struct key b)
{
    int i;

    for (i = 0; i < 4; i++)
        if (a.part[i] != b.part[i])
            return a.part[i] < b.part[i] ? -1 : 1;
    return 0;
}

static int by_line(const void *arg, int64_t a, int64_t b)
{
    const struct lfi_row_lines *lines = arg;
    const int side = compare_keys(key_of(lines, a), key_of(lines, b));

    if (side != 0)
        return side;
    return a < b ? -1 : a > b;
}

static bool is_item(const struct lfi_row_lines *lines, int64_t index)
{
    return !lines->in_force || lines->plan->row_start.owner[index] != index;
}

lfuse_status lfi_row_lines_create(const struct lfi_env *env, const struct lfi_plan *plan,
                                  bool in_force, struct lfi_row_lines *lines,
                                  lfuse_error *err)
{
    struct lfi_row_lines made = {plan, in_force, 0, NULL};
    const int64_t n = in_force ? plan->rows.count : plan->fusion_count;
    lfuse_status status;
    int64_t i, at = 0;

    for (i = 0; i < n; i++)
        made.count += is_item(&made, i);
    status = lfi_alloc(env, (size_t)made.count, sizeof(*made.order), "a plan",
                       &made.order, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < n; i++)
        if (is_item(&made, i))
            made.order[at++] = i;
    lfi_index_sort(made.order, made.count, by_line, &made);
    *lines = made;
    return LFUSE_OK;
}

void lfi_row_lines_free(const struct lfi_env *env, struct lfi_row_lines *lines)
{
    lfi_free(env, lines->order, (size_t)lines->count, sizeof(*lines->order));
    *lines = (struct lfi_row_lines){0};
}

int64_t lfi_row_lines_end(const struct lfi_row_lines *lines, int64_t first)
{
    const struct key key = key_of(lines, lines->order[first]);
    int64_t end = first + 1;

    while (end < lines->count && compare_keys(key, key_of(lines, lines->order[end])) == 0)
        end++;
    return end;
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static json_t *pair_encode(const struct lfi_fusion *f, int64_t place)
{
    json_t *array = json_array();
    int failed = 0;

    failed |= json_array_append_new(array, json_integer(place));
    failed |= json_array_append_new(array, json_integer(f->row_a));
    failed |= json_array_append_new(array, json_integer(f->row_b));
    failed |= json_array_append_new(array, json_integer(f->row_kept));
    if (f->score == f->score) /* one of a line that somebody wrote may be unknown */
        failed |= json_array_append_new(array, json_real(f->score));
    return lfi_fields_finish(array, failed);
}

static json_t *name_of(const struct lfi_plan *plan, int64_t layer)
{
    return json_string(plan->layers[layer].name);
}

static json_t *fusions_encode(const struct lfi_row_lines *lines, int64_t first,
                              int64_t end)
{
    const struct lfi_plan *plan = lines->plan;
    const struct lfi_fusion *f = &plan->fusions[lines->order[end - 1]]; /* the last */
    json_t *object = json_object(), *rows = json_array();
    int64_t saved = 0, i;
    int failed = 0;

    for (i = first; i < end; i++) {
        const int64_t place = lines->order[i];

        failed |= json_array_append_new(rows, pair_encode(&plan->fusions[place], place));
        saved += plan->fusions[place].saved_parameters;
    }
    failed |= json_object_set_new(object, "a", name_of(plan, f->a));
    failed |= json_object_set_new(object, "b", name_of(plan, f->b));
    failed |= json_object_set_new(object, "kept", name_of(plan, f->kept));
    failed |= json_object_set_new(
        object, "weight", json_string(plan->layers[f->a].weights[f->weight].name));
    failed |= json_object_set_new(object, "saved_parameters", json_integer(saved));
    failed |= json_object_set_new(object, "ratio", json_real(f->ratio));
    failed |= json_object_set_new(object, "unit", json_string("row"));
    failed |= json_object_set_new(
        object, "policy", json_string(lfi_policy_find(plan->options.policy)->name));
    failed |= json_object_set_new(object, "rows", rows);
    return lfi_fields_finish(object, failed);
}

static json_t *in_force_encode(const struct lfi_row_lines *lines, int64_t first,
                               int64_t end)
{
    const struct lfi_plan *plan = lines->plan;
    const struct key key = key_of(lines, lines->order[first]);
    json_t *object = json_object(), *rows = json_array();
    int failed = 0;
    int64_t i;

    for (i = first; i < end; i++) {
        const int64_t row = lines->order[i], kept = plan->row_start.owner[row];
        json_t *pair = json_array();

        failed |= json_array_append_new(
            pair, json_integer(lfi_rows_find(&plan->rows, kept).index));
        failed |= json_array_append_new(
            pair, json_integer(lfi_rows_find(&plan->rows, row).index));
        failed |= json_array_append_new(rows, pair);
    }
    failed |= json_object_set_new(object, "kept", name_of(plan, key.part[0]));
    failed |= json_object_set_new(object, "layer", name_of(plan, key.part[1]));
    failed |= json_object_set_new(
        object, "weight",
        json_string(plan->layers[key.part[1]].weights[key.part[2]].name));
    failed |= json_object_set_new(object, "rows", rows);
    return lfi_fields_finish(object, failed);
}

json_t *lfi_row_line_encode(const struct lfi_row_lines *lines, int64_t first, int64_t end)
{
    return lines->in_force ? in_force_encode(lines, first, end)
                           : fusions_encode(lines, first, end);
}
