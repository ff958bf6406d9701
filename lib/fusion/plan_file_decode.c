/*
 * plan_file_decode.c - a plan from JSON of unknown origin
 *
 * Every field is looked at: one that this version does not know is refused by its name, since the
 * plan might mean something else without it.
 */
#include "fusion/plan_file.h"

#include <string.h>

static const char *const known[] = {
    "layerfuse_plan", "options",    "fusions", "groups",   "parameters",
    "fingerprint",    "importance", "rules",   "in_force", "skipped",
    "permutations",   "layers",     NULL};

static lfuse_status check_version(const json_t *root, lfuse_error *err)
{
    int64_t version = 0;
    lfuse_status status;

    if (json_object_get(root, "layerfuse_plan") == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "this is no plan: it has no layerfuse_plan, the version");
    status = lfi_fields_count(root, "the plan", "layerfuse_plan", &version, err);
    if (status == LFUSE_OK && version != LFI_PLAN_VERSION)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                          "the plan is of version %lld, this one of the library knows %d",
                          (long long)version, (int)LFI_PLAN_VERSION);
    return status;
}

/* "fingerprint", where it is there, is that of plan->layers, which are `whose`. */
static lfuse_status check_fingerprint(const struct lfi_plan_reader *r, const char *whose,
                                      lfuse_error *err)
{
    char is[LFI_FINGERPRINT + 1];
    const char *said = NULL;
    lfuse_status status = lfi_fields_text(r->root, "the plan", "fingerprint", &said, err);

    if (status == LFUSE_OK && said != NULL)
        status = lfi_plan_fingerprint(r->env, r->plan, is, err);
    if (status != LFUSE_OK || said == NULL || strcmp(said, is) == 0)
        return status;
    return lfi_fail(err, LFUSE_ERR_NAME, "the fingerprint is %s, that of the %s is %s",
                    lfi_quote(said).text, whose, is);
}

/* plan->layers: those of the text, as the network has them; those of the network alone. */
static lfuse_status read_layers(struct lfi_plan_reader *r,
                                const struct lfi_layer *const *layers, int64_t count,
                                lfuse_error *err)
{
    json_t *array = NULL;
    lfuse_status status = lfi_fields_array(r->root, "the plan", "layers", &array, err);

    if (status == LFUSE_OK && array == NULL && layers == NULL)
        status = lfi_fail(err, LFUSE_ERR_FORMAT,
                          "the plan has no layers, and none are given to read it for");
    if (status == LFUSE_OK && array != NULL) {
        status = lfi_planned_layers_decode(r->env, array, r->plan, err);
        if (status == LFUSE_OK)
            status = check_fingerprint(r, "plan's layers", err);
    }
    if (status == LFUSE_OK && layers != NULL)
        status = lfi_plan_match(r->env, layers, count, r->plan, err);
    if (status == LFUSE_OK && array == NULL)
        status = check_fingerprint(r, "network", err);
    return status;
}

static lfuse_status list_names(struct lfi_plan_reader *r, lfuse_error *err)
{
    const char *twice;
    lfuse_status status = lfi_names_create(r->env, r->plan->layer_count, &r->names, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < r->names.count; i++)
        r->names.names[i] = r->plan->layers[i].name;
    lfi_names_sort(&r->names);
    twice = lfi_names_twice(&r->names);
    if (twice == NULL)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NAME, "two layers are named %s",
                    lfi_quote(twice).text);
}

/* Where the weighting asks for it: a number for each layer, by name. */
static lfuse_status read_importance(struct lfi_plan_reader *r, lfuse_error *err)
{
    const bool is_asked = r->plan->options.weighting == LFUSE_WEIGHTING_IMPORTANCE;
    const json_t *object = json_object_get(r->root, "importance");
    const size_t n = (size_t)r->plan->layer_count;
    lfuse_status status;
    size_t i;

    if (is_asked != (object != NULL) ||
        (is_asked && (!json_is_object(object) || json_object_size(object) != n)))
        return lfi_fail(
            err, LFUSE_ERR_FORMAT, "importance has %zu layers, the weighting %s",
            json_object_size(object),
            is_asked ? "needs it for each of the plan's" : "makes no use of it");
    if (!is_asked)
        return LFUSE_OK;
    status = lfi_alloc(r->env, n, sizeof(*r->plan->importance), "a plan",
                       &r->plan->importance, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        const char *name = r->plan->layers[i].name;
        const json_t *value = json_object_get(object, name);

        if (!json_is_number(value) || !(json_number_value(value) >= 0.0))
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            "importance: that of %s is no number >= 0",
                            lfi_quote(name).text);
        r->plan->importance[i] = json_number_value(value);
    }
    r->plan->options.importance = r->plan->importance;
    return status;
}

/* Nobody is tied yet. */
static lfuse_status prepare(struct lfi_plan_reader *r, bool is_given, lfuse_error *err)
{
    struct lfi_plan *plan = r->plan;
    const bool is_row = plan->options.unit == LFUSE_UNIT_ROW;
    lfuse_status status = lfi_reader_find_candidates(r, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = lfi_grouping_create(r->env, plan->layer_count, &plan->start, err);
    if (status == LFUSE_OK)
        status = lfi_grouping_create(r->env, plan->layer_count, &plan->goal, err);
    if (status == LFUSE_OK && is_row)
        status = lfi_plan_rows_prepare(r, is_given, err);
    if (status != LFUSE_OK)
        return status;
    r->items = is_row ? plan->rows.count : plan->layer_count;
    status = lfi_alloc(r->env, (size_t)r->items, sizeof(*r->parent), "groups", &r->parent,
                       err);
    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, (size_t)r->items, sizeof(*r->kept), "groups", &r->kept,
                           err);
    for (i = 0; i < r->items && status == LFUSE_OK; i++)
        r->parent[i] = r->kept[i] = i;
    return status;
}

static lfuse_status read_plan(struct lfi_plan_reader *r,
                              const struct lfi_layer *const *layers, int64_t count,
                              lfuse_error *err)
{
    lfuse_status status = check_version(r->root, err);

    if (status == LFUSE_OK)
        status = lfi_fields_check(r->root, "the plan", known, err);
    if (status == LFUSE_OK)
        status = lfi_plan_options_decode(json_object_get(r->root, "options"),
                                         &r->plan->options, err);
    if (status == LFUSE_OK)
        status = read_layers(r, layers, count, err);
    if (status == LFUSE_OK)
        status = list_names(r, err);
    if (status == LFUSE_OK)
        status = read_importance(r, err);
    if (status == LFUSE_OK)
        status = lfi_plan_rules_decode(r, err);
    if (status == LFUSE_OK)
        status = lfi_rows_check_options(&r->plan->options, "options", err);
    if (status == LFUSE_OK)
        status = lfi_plan_skips_decode(r, err);
    if (status == LFUSE_OK)
        status = prepare(r, layers != NULL, err);
    if (status == LFUSE_OK)
        status = lfi_in_force_decode(r, err);
    if (status == LFUSE_OK)
        status = lfi_fusions_decode(r, err);
    if (status == LFUSE_OK)
        status = lfi_groups_check(r, err);
    if (status == LFUSE_OK)
        status = lfi_parameters_check(r, err);
    if (status == LFUSE_OK)
        status = lfi_moves_decode(r, err);
    return status;
}

lfuse_status lfi_plan_decode(const struct lfi_env *env, const char *text, size_t bytes,
                             const struct lfi_layer *const *layers, int64_t count,
                             struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_plan_reader r = {.env = env, .plan = plan};
    lfuse_status status;

    *plan = (struct lfi_plan){0};
    status = lfi_json_parse(text, bytes, "the plan", &r.root, err);
    if (status == LFUSE_OK) {
        r.is_checked = json_object_get(r.root, "parameters") != NULL;
        status = read_plan(&r, layers, count, err);
    }
    lfi_free(env, r.kept, (size_t)r.items, sizeof(*r.kept));
    lfi_free(env, r.parent, (size_t)r.items, sizeof(*r.parent));
    lfi_free(env, r.is_candidate, (size_t)plan->layer_count, sizeof(*r.is_candidate));
    lfi_names_free(env, &r.names);
    json_decref(r.root);
    if (status != LFUSE_OK)
        lfi_plan_destroy(env, plan);
    return status;
}
