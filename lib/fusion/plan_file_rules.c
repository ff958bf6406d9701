/*
 * plan_file_rules.c - the rules that a plan was built by, and the layers that it left out
 *
 * Neither changes what the plan does: they say how it came about.
 */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

enum { WHERE = 48 };

static const char *const actions[] = {"include", "exclude", "pin", "force", NULL};

/* ---- writing ------------------------------------------------------------------------------ */

json_t *lfi_plan_rule_encode(const lfuse_plan_rule *rule)
{
    json_t *object = json_object();
    int failed = 0;

    failed |= json_object_set_new(object, "pattern", json_string(rule->pattern));
    failed |=
        json_object_set_new(object, "action", json_string(actions[rule->action - 1]));
    return lfi_fields_finish(object, failed);
}

/* A message may have been cut within a character: then bytes beyond ASCII become '?'. */
static json_t *reason_encode(const char *reason)
{
    char text[sizeof(((lfuse_error *)NULL)->message)];
    size_t i;

    if (lfi_is_utf8(reason))
        return json_string(reason);
    for (i = 0; i + 1 < sizeof(text) && reason[i] != '\0'; i++)
        text[i] = (unsigned char)reason[i] < 0x80 ? reason[i] : '?';
    text[i] = '\0';
    return json_string(text);
}

json_t *lfi_plan_skip_encode(const struct lfi_plan *plan, const struct lfi_skip *skip)
{
    json_t *object = json_object();
    int failed = 0;

    failed |=
        json_object_set_new(object, "layer", json_string(plan->layers[skip->layer].name));
    failed |= json_object_set_new(object, "reason", reason_encode(skip->reason));
    return lfi_fields_finish(object, failed);
}

/* ---- reading ------------------------------------------------------------------------------ */

static lfuse_status text_of(const json_t *object, const char *where, const char *key,
                            const char **out, lfuse_error *err)
{
    lfuse_status status = lfi_fields_text(object, where, key, out, err);

    if (status == LFUSE_OK && (*out == NULL || (*out)[0] == '\0'))
        return lfi_fields_missing(where, key, err);
    return status;
}

static lfuse_status action_of(const char *name, const char *where, lfuse_plan_action *out,
                              lfuse_error *err)
{
    int32_t i;

    for (i = 0; actions[i] != NULL; i++)
        if (strcmp(actions[i], name) == 0)
            *out = i + 1;
    if (*out != 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                    "%s: this version does not know the action %s", where,
                    lfi_quote(name).text);
}

/* *rule borrows its pattern from the object. */
static lfuse_status rule_decode(const json_t *object, const char *where,
                                lfuse_plan_rule *rule, lfuse_error *err)
{
    static const char *const known[] = {"pattern", "action", NULL};
    const char *action = NULL;
    lfuse_status status = lfi_fields_check(object, where, known, err);

    *rule = (lfuse_plan_rule){0};
    if (status == LFUSE_OK)
        status = text_of(object, where, "pattern", &rule->pattern, err);
    if (status == LFUSE_OK)
        status = text_of(object, where, "action", &action, err);
    if (status == LFUSE_OK)
        status = action_of(action, where, &rule->action, err);
    return status;
}

lfuse_status lfi_plan_rules_decode(struct lfi_plan_reader *r, lfuse_error *err)
{
    struct lfi_plan *plan = r->plan;
    lfuse_plan_rule *borrowed = NULL;
    json_t *array = NULL;
    char where[WHERE];
    lfuse_status status = lfi_fields_array(r->root, "the plan", "rules", &array, err);
    const size_t n = json_array_size(array);
    size_t i;

    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, n, sizeof(*borrowed), "rules", &borrowed, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "rules[%zu]", i);
        status = rule_decode(json_array_get(array, i), where, &borrowed[i], err);
    }
    if (status == LFUSE_OK) {
        plan->options.rule_count = (int64_t)n;
        status = lfi_rules_copy(r->env, borrowed, (int64_t)n, &plan->rules, err);
        plan->options.rules = plan->rules;
    }
    lfi_free(r->env, borrowed, n, sizeof(*borrowed));
    return status;
}

static lfuse_status skip_decode(struct lfi_plan_reader *r, const json_t *object,
                                const char *where, lfuse_error *err)
{
    static const char *const known[] = {"layer", "reason", NULL};
    const char *name = NULL, *reason = NULL;
    int64_t layer = 0, i;
    lfuse_status status = lfi_fields_check(object, where, known, err);

    if (status == LFUSE_OK)
        status = text_of(object, where, "layer", &name, err);
    if (status == LFUSE_OK)
        status = text_of(object, where, "reason", &reason, err);
    if (status == LFUSE_OK)
        status = lfi_reader_find(r, where, name, &layer, err);
    for (i = 0; i < r->plan->skip_count && status == LFUSE_OK; i++)
        if (r->plan->skips[i].layer == layer)
            status = lfi_fail(err, LFUSE_ERR_NAME, "%s: layer %s is there twice", where,
                              lfi_quote(name).text);
    return status == LFUSE_OK ? lfi_plan_skip(r->env, r->plan, layer, reason, err)
                              : status;
}

lfuse_status lfi_plan_skips_decode(struct lfi_plan_reader *r, lfuse_error *err)
{
    json_t *array = NULL;
    char where[WHERE];
    lfuse_status status = lfi_fields_array(r->root, "the plan", "skipped", &array, err);
    size_t i;

    for (i = 0; i < json_array_size(array) && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "skipped[%zu]", i);
        status = skip_decode(r, json_array_get(array, i), where, err);
    }
    return status;
}
