/*
 * resume_options.c - what two runs have to have in common, and where they differ
 *
 * Of functions only whether there are any; not threads, which change no bit; nor what layers are
 * made of, which is held against the tensors.
 */
#include "retrain/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static lfuse_status fail_memory(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "a retrainer: malloc refused memory");
}

/* ---- objects ------------------------------------------------------------------------------- */

/* What the text of the goal says of its options. */
static lfuse_status plan_encode(const struct lfi_env *env, const struct lfi_plan *goal,
                                json_t **out, lfuse_error *err)
{
    static const char *const keys[] = {"options", "rules", "importance"};
    json_t *text_root, *plan = json_object();
    size_t bytes;
    char *text;
    int failed = 0, i;
    lfuse_status status = lfi_plan_encode(env, goal, &text, &bytes, err);

    if (status == LFUSE_OK) {
        status = lfi_json_parse(text, bytes, "a plan", &text_root, err);
        lfi_free(env, text, bytes + 1, 1);
    }
    if (status != LFUSE_OK) {
        json_decref(plan);
        return status;
    }
    for (i = 0; i < 3; i++)
        if (json_object_get(text_root, keys[i]) != NULL)
            failed |= json_object_set(plan, keys[i], json_object_get(text_root, keys[i]));
    failed |= json_object_set_new(plan, "aligned",
                                  json_boolean(goal->options.couplings != NULL));
    json_decref(text_root);
    if (failed == 0) {
        *out = plan;
        return LFUSE_OK;
    }
    json_decref(plan);
    return fail_memory(err);
}

static json_t *schedule_encode(const struct lfi_schedule *s)
{
    return json_pack("{s:i, s:f, s:i, s:i, s:b, s:i, s:i, s:f, s:I, s:b}", "kind",
                     (int)s->kind, "ratio", s->ratio, "fusions", (int)s->fusions,
                     "interval", (int)s->interval, "in_steps", (int)s->in_steps, "lead",
                     (int)s->lead, "mix", (int)s->mix, "decay", s->decay, "pairs",
                     (json_int_t)s->pairs, "custom", (int)(s->custom != NULL));
}

static json_t *tolerance_encode(const struct lfi_tolerance *t)
{
    return json_pack("{s:b, s:b, s:f, s:f, s:i, s:i}", "is_given", (int)t->is_given,
                     "is_each", (int)t->is_each, "tolerance", t->tolerance, "baseline",
                     t->baseline, "grace", (int)t->grace, "rollbacks", (int)t->rollbacks);
}

static json_t *ties_encode(const struct lfi_ties_options *o)
{
    return json_pack("{s:b, s:b, s:i, s:i, s:b}", "keep_originals",
                     (int)o->keep_originals, "mirror", (int)o->mirror, "gradients",
                     (int)o->gradients, "combine", (int)o->combine, "merge",
                     (int)(o->merge != NULL));
}

lfuse_status lfi_resume_options_encode(const struct lfi_env *env,
                                       const struct lfi_retrainer *r, json_t **out,
                                       lfuse_error *err)
{
    char seed[24];
    json_t *plan = NULL, *root = json_object();
    int failed = 0;
    lfuse_status status = plan_encode(env, &r->goal, &plan, err);

    if (status != LFUSE_OK) {
        json_decref(root);
        return status;
    }
    (void)snprintf(seed, sizeof(seed), "%" PRIu64, env->seed);
    failed |= json_object_set_new(root, "plan", plan);
    failed |= json_object_set_new(root, "schedule", schedule_encode(&r->schedule));
    failed |= json_object_set_new(root, "tolerance", tolerance_encode(&r->tolerance));
    failed |= json_object_set_new(root, "ties", ties_encode(&r->ties->options));
    failed |= json_object_set_new(root, "repair", json_boolean(r->repair != NULL));
    failed |= json_object_set_new(root, "seed", json_string(seed));
    if (failed == 0) {
        *out = root;
        return LFUSE_OK;
    }
    json_decref(root);
    return fail_memory(err);
}

/* ---- comparing ----------------------------------------------------------------------------- */

struct shown {
    char text[64];
};

static struct shown show(const json_t *value)
{
    struct shown shown;
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    (void)snprintf(shown.text, sizeof(shown.text), "%s",
                   value == NULL  ? "not given"
                   : text == NULL ? "another"
                                  : text);
    free(text);
    return shown;
}

static lfuse_status compare(const char *where, const json_t *stored, const json_t *here,
                            lfuse_error *err);

static lfuse_status compare_key(const char *where, const char *key, const json_t *stored,
                                const json_t *here, lfuse_error *err)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s%s%s", where, where[0] == '\0' ? "" : ".",
                   lfi_quote(key).text);
    return compare(path, json_object_get(stored, key), json_object_get(here, key), err);
}

static lfuse_status compare(const char *where, const json_t *stored, const json_t *here,
                            lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    const char *key;
    json_t *value;

    if (json_equal(stored, here))
        return LFUSE_OK;
    if (!json_is_object(stored) || !json_is_object(here))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "option %s is %s in the file, %s here",
                        where, show(stored).text, show(here).text);
    json_object_foreach((json_t *)here, key, value)
    {
        if (status == LFUSE_OK)
            status = compare_key(where, key, stored, here, err);
    }
    json_object_foreach((json_t *)stored, key, value)
    {
        if (status == LFUSE_OK)
            status = compare_key(where, key, stored, here, err);
    }
    return status;
}

lfuse_status lfi_resume_options_check(const struct lfi_env *env,
                                      const struct lfi_retrainer *r, const json_t *stored,
                                      lfuse_error *err)
{
    json_t *here;
    lfuse_status status = lfi_resume_options_encode(env, r, &here, err);

    if (status != LFUSE_OK)
        return status;
    status = compare("", stored, here, err);
    json_decref(here);
    return status;
}
