/*
 * plan_file_encode.c - a plan as text for people and for version control
 *
 * Laid out here, line by line; what stands in a line is Jansson's to write, so that any name is
 * escaped and numbers have the 17 digits that give the same bits back, in every locale.
 */
#include "fusion/plan_file.h"

#include <string.h>

enum { FIRST_BYTES = 4096 };

struct text {
    const struct lfi_env *env;
    char *data;
    size_t size, room;
    lfuse_error *err;
    lfuse_status status; /* the first failure; nothing is added after it */
};

/* ---- text ---------------------------------------------------------------------------------- */

static void grow(struct text *t, size_t size)
{
    size_t room = t->room == 0 ? FIRST_BYTES : 2 * t->room;
    char *larger;

    while (room - t->size <=
           size) /* a NUL fits, too; sizes are those of texts in memory */
        room *= 2;
    t->status = lfi_alloc(t->env, room, 1, "a plan", &larger, t->err);
    if (t->status != LFUSE_OK)
        return;
    if (t->size > 0)
        memcpy(larger, t->data, t->size);
    lfi_free(t->env, t->data, t->room, 1);
    t->data = larger;
    t->room = room;
}

static int add(const char *data, size_t size, void *text)
{
    struct text *t = text;

    if (t->status == LFUSE_OK && t->room - t->size <= size)
        grow(t, size);
    if (t->status != LFUSE_OK)
        return -1;
    memcpy(t->data + t->size, data, size);
    t->size += size;
    return 0;
}

static void put(struct text *t, const char *string)
{
    (void)add(string, strlen(string), t);
}

/* Takes value's reference over; NULL is memory that was refused. */
static void put_json(struct text *t, json_t *value)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    const bool failed = value == NULL || (t->status == LFUSE_OK &&
                                          json_dump_callback(value, add, t, flags) != 0);

    json_decref(value);
    if (failed && t->status == LFUSE_OK)
        t->status =
            lfi_fail(t->err, LFUSE_ERR_NO_MEMORY, "a plan: malloc refused memory");
}

/* Items of an array: a line each. */
static void put_item(struct text *t, int64_t index, json_t *value)
{
    put(t, index == 0 ? "\n  " : ",\n  ");
    put_json(t, value);
}

/* ---- parts --------------------------------------------------------------------------------- */

static json_t *fusion_encode(const struct lfi_plan *plan, const struct lfi_fusion *f)
{
    json_t *object = json_object();
    int failed = 0;

    failed |= json_object_set_new(object, "a", json_string(plan->layers[f->a].name));
    failed |= json_object_set_new(object, "b", json_string(plan->layers[f->b].name));
    failed |=
        json_object_set_new(object, "kept", json_string(plan->layers[f->kept].name));
    if (f->score == f->score) /* one of a line that somebody wrote may be unknown */
        failed |= json_object_set_new(object, "score", json_real(f->score));
    failed |= json_object_set_new(object, "saved_parameters",
                                  json_integer(f->saved_parameters));
    failed |= json_object_set_new(object, "ratio", json_real(f->ratio));
    failed |= json_object_set_new(object, "unit", json_string("layer"));
    failed |= json_object_set_new(
        object, "policy", json_string(lfi_policy_find(plan->options.policy)->name));
    if (plan->options.policy == LFUSE_POLICY_JS)
        failed |= json_object_set_new(object, "gamma", json_real(f->gamma));
    return lfi_fields_finish(object, failed);
}

/* The names of a group, ascending, or `kept` before the others. */
static json_t *group_encode(const struct lfi_plan *plan, const struct lfi_grouping *g,
                            int64_t group, bool kept_first)
{
    json_t *array = json_array();
    int failed = 0;
    int64_t i;

    if (kept_first)
        failed |=
            json_array_append_new(array, json_string(plan->layers[g->kept[group]].name));
    for (i = g->first[group]; i < g->first[group + 1]; i++)
        if (!kept_first || g->members[i] != g->kept[group])
            failed |= json_array_append_new(
                array, json_string(plan->layers[g->members[i]].name));
    return lfi_fields_finish(array, failed);
}

static json_t *parameters_encode(const struct lfi_plan *plan)
{
    const bool all = plan->options.base == LFUSE_BASE_ALL;
    const struct lfi_account *a = &plan->account;
    json_t *object = json_object();
    int failed = 0;

    failed |= json_object_set_new(
        object, "logical", json_integer(all ? a->all_logical : a->candidates_logical));
    failed |= json_object_set_new(
        object, "unique", json_integer(all ? a->all_unique : a->candidates_unique));
    failed |=
        json_object_set_new(object, "base", json_string(all ? "all" : "candidates"));
    return lfi_fields_finish(object, failed);
}

/* By the names of the layers. */
static json_t *importance_encode(const struct lfi_plan *plan)
{
    json_t *object = json_object();
    int failed = 0;
    int64_t i;

    for (i = 0; i < plan->layer_count; i++)
        failed |= json_object_set_new(object, plan->layers[i].name,
                                      json_real(plan->importance[i]));
    return lfi_fields_finish(object, failed);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void put_groups(struct text *t, const struct lfi_plan *plan,
                       const struct lfi_grouping *g, bool kept_first)
{
    int64_t i;

    for (i = 0; i < g->count; i++)
        put_item(t, i, group_encode(plan, g, i, kept_first));
    put(t, g->count > 0 ? "\n ]" : "]");
}

static void put_rules(struct text *t, const struct lfi_plan *plan)
{
    int64_t i;

    if (plan->options.rule_count == 0)
        return;
    put(t, ",\n \"rules\": [");
    for (i = 0; i < plan->options.rule_count; i++)
        put_item(t, i, lfi_plan_rule_encode(&plan->options.rules[i]));
    put(t, "\n ]");
}

static void put_skips(struct text *t, const struct lfi_plan *plan)
{
    int64_t i;

    if (plan->skip_count == 0)
        return;
    put(t, ",\n \"skipped\": [");
    for (i = 0; i < plan->skip_count; i++)
        put_item(t, i, lfi_plan_skip_encode(plan, &plan->skips[i]));
    put(t, "\n ]");
}

/* A line for each two layers; see plan_file_row_lines.c. */
static void put_row_lines(struct text *t, const struct lfi_plan *plan, bool in_force)
{
    struct lfi_row_lines lines = {0};
    int64_t first, end, i = 0;

    if (t->status == LFUSE_OK)
        t->status = lfi_row_lines_create(t->env, plan, in_force, &lines, t->err);
    for (first = 0; first < lines.count; first = end) {
        end = lfi_row_lines_end(&lines, first);
        put_item(t, i++, lfi_row_line_encode(&lines, first, end));
    }
    lfi_row_lines_free(t->env, &lines);
}

static void put_fusions(struct text *t, const struct lfi_plan *plan)
{
    int64_t i;

    if (plan->options.unit == LFUSE_UNIT_ROW)
        put_row_lines(t, plan, false);
    for (i = 0; i < plan->fusion_count && plan->options.unit != LFUSE_UNIT_ROW; i++)
        put_item(t, i, fusion_encode(plan, &plan->fusions[i]));
    put(t, plan->fusion_count > 0 ? "\n ]" : "]");
}

static void put_in_force(struct text *t, const struct lfi_plan *plan)
{
    if (plan->start.count == 0 && plan->row_start.count == 0)
        return;
    put(t, ",\n \"in_force\": [");
    if (plan->start.count > 0) {
        put_groups(t, plan, &plan->start, true);
        return;
    }
    put_row_lines(t, plan, true);
    put(t, "\n ]");
}

static void put_plan(struct text *t, const struct lfi_plan *plan, const char *fingerprint)
{
    int64_t i;

    put(t, "{\n \"layerfuse_plan\": 1,\n \"options\": ");
    put_json(t, lfi_plan_options_encode(&plan->options));
    put(t, ",\n \"fusions\": [");
    put_fusions(t, plan);
    put(t, ",\n \"groups\": [");
    put_groups(t, plan, &plan->goal, false);
    put(t, ",\n \"parameters\": ");
    put_json(t, parameters_encode(plan));
    put(t, ",\n \"fingerprint\": ");
    put_json(t, json_string(fingerprint));
    if (plan->importance != NULL) {
        put(t, ",\n \"importance\": ");
        put_json(t, importance_encode(plan));
    }
    put_rules(t, plan);
    put_in_force(t, plan);
    put_skips(t, plan);
    if (plan->moves.count > 0) {
        put(t, ",\n \"permutations\": [");
        for (i = 0; i < plan->moves.count; i++)
            put_item(t, i, lfi_move_encode(plan, &plan->moves.items[i]));
        put(t, "\n ]");
    }
    put(t, ",\n \"layers\": [");
    for (i = 0; i < plan->layer_count; i++)
        put_item(t, i, lfi_planned_layer_encode(&plan->layers[i]));
    put(t, "\n ]\n}\n");
}

/* Names are the caller's; JSON takes only UTF-8. */
static lfuse_status check_text(const struct lfi_plan *plan, lfuse_error *err)
{
    int64_t i;
    int32_t k;

    for (i = 0; i < plan->options.rule_count; i++)
        if (!lfi_is_utf8(plan->options.rules[i].pattern))
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "the pattern of rules[%lld] is not UTF-8", (long long)i);
    for (i = 0; i < plan->layer_count; i++) {
        const struct lfi_planned_layer *layer = &plan->layers[i];

        if (!lfi_is_utf8(layer->name) || !lfi_is_utf8(layer->param_type))
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "the name, or param type, of layer %s is not UTF-8",
                            lfi_quote(layer->name).text);
        for (k = 0; k < layer->weight_count; k++)
            if (!lfi_is_utf8(layer->weights[k].name))
                return lfi_fail(err, LFUSE_ERR_NAME,
                                "the name of weight %d of layer %s is not UTF-8", (int)k,
                                lfi_quote(layer->name).text);
    }
    for (i = 0; i < plan->moves.count; i++)
        for (k = 0; k < plan->moves.items[i].member_count; k++)
            if (!lfi_is_utf8(plan->moves.items[i].members[k].parameter))
                return lfi_fail(
                    err, LFUSE_ERR_NAME,
                    "the name of parameter %s, which is permuted, is not UTF-8",
                    lfi_quote(plan->moves.items[i].members[k].parameter).text);
    return LFUSE_OK;
}

lfuse_status lfi_plan_encode(const struct lfi_env *env, const struct lfi_plan *plan,
                             char **text, size_t *bytes, lfuse_error *err)
{
    struct text t = {.env = env, .err = err};
    char fingerprint[LFI_FINGERPRINT + 1], *exact = NULL;
    lfuse_status status;

    status = check_text(plan, err);
    if (status == LFUSE_OK)
        status = lfi_plan_fingerprint(env, plan, fingerprint, err);
    if (status != LFUSE_OK)
        return status;
    put_plan(&t, plan, fingerprint);
    status = t.status;
    if (status == LFUSE_OK)
        status = lfi_alloc(env, t.size + 1, 1, "a plan", &exact, err);
    if (status == LFUSE_OK) {
        memcpy(exact, t.data, t.size);
        exact[t.size] = '\0';
        *text = exact;
        *bytes = t.size;
    }
    lfi_free(env, t.data, t.room, 1);
    return status;
}
