/* resume_state.c - where a retrainer is: counters, decisions, plans; as JSON and back */
#include "retrain/resume.h"

#include <stdio.h>
#include <string.h>

/* ---- out ----------------------------------------------------------------------------------- */

static json_t *layers_encode(const struct lfi_ties *ties)
{
    json_t *array = json_array();
    int64_t i;

    for (i = 0; i < ties->count; i++)
        if (json_array_append_new(array, json_string(ties->layers[i]->name)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *aparts_encode(const struct lfi_aparts *aparts)
{
    json_t *array = json_array();
    int64_t i;

    for (i = 0; i < aparts->count; i++)
        if (json_array_append_new(array,
                                  json_pack("[I, I]", (json_int_t)aparts->items[i].a,
                                            (json_int_t)aparts->items[i].b)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* Of each fusion, whether groups that mix were tied after it. */
static json_t *tied_encode(const struct lfi_retrainer *r)
{
    json_t *array = json_array();
    int failed = 0;
    int64_t i;

    for (i = 0; i < r->fused; i++)
        failed |= json_array_append_new(
            array,
            json_boolean(i < r->past.count ? r->past.items[i].is_tied : r->is_tied));
    if (failed == 0)
        return array;
    json_decref(array);
    return NULL;
}

json_t *lfi_resume_state_encode(const struct lfi_retrainer *r, size_t caller_bytes)
{
    const bool originals = r->ties->options.keep_originals && r->ties->originals != NULL;

    return json_pack("{s:i, s:o, s:o, s:o, s:f, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, "
                     "s:I, s:I, s:I, "
                     "s:I}",
                     "version", LFI_RESUME_VERSION, "layers", layers_encode(r->ties),
                     "tied", tied_encode(r), "apart", aparts_encode(&r->aparts),
                     "reference", r->reference, "begun", (int)r->is_begun, "rolled_back",
                     (int)r->is_rolled_back, "gave_up", (int)r->gave_up, "done",
                     (int)r->is_done, "picked", (int)r->is_picked, "open",
                     (int)r->before.is_open, "originals", (int)originals, "roll_backs",
                     (json_int_t)r->rolled_back, "waited", (json_int_t)r->waited, "steps",
                     (json_int_t)r->steps, "epochs", (json_int_t)r->epochs,
                     "caller_bytes", (json_int_t)caller_bytes);
}

/* ---- in ------------------------------------------------------------------------------------ */

static lfuse_status check_layers(const struct lfi_ties *ties, const char *path,
                                 json_t *layers, lfuse_error *err)
{
    const int64_t count = (int64_t)json_array_size(layers);
    int64_t i;

    for (i = 0; i < count && i < ties->count; i++) {
        const char *name = json_string_value(json_array_get(layers, (size_t)i));

        if (name == NULL)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: layers[%lld] is no name", path,
                            (long long)i);
        if (strcmp(name, ties->layers[i]->name) != 0)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "layer %lld is %.60s here, %.60s in the file", (long long)i,
                            ties->layers[i]->name, lfi_quote(name).text);
    }
    if (count != ties->count)
        return lfi_fail(err, LFUSE_ERR_NAME, "here are %lld layers, in the file %lld",
                        (long long)ties->count, (long long)count);
    return LFUSE_OK;
}

static bool is_count(int64_t value)
{
    return value >= 0 && value < INT64_MAX / 4;
}

/* Numbers; what they say of each other is checked by what is done with them. */
static lfuse_status read_numbers(json_t *root, const char *path,
                                 struct lfi_resume_state *s, lfuse_error *err)
{
    int begun, rolled_back, gave_up, done, picked, open, originals;
    json_int_t roll_backs, waited, steps, epochs, caller_bytes;
    json_error_t error = {0};

    if (json_unpack_ex(root, &error, 0,
                       "{s:F, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, "
                       "s:I}",
                       "reference", &s->reference, "begun", &begun, "rolled_back",
                       &rolled_back, "gave_up", &gave_up, "done", &done, "picked",
                       &picked, "open", &open, "originals", &originals, "roll_backs",
                       &roll_backs, "waited", &waited, "steps", &steps, "epochs", &epochs,
                       "caller_bytes", &caller_bytes) != 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: retrainer: %s", path,
                        lfi_quote(error.text).text);
    s->is_begun = begun != 0;
    s->is_rolled_back = rolled_back != 0;
    s->gave_up = gave_up != 0;
    s->is_done = done != 0;
    s->is_picked = picked != 0;
    s->is_open = open != 0;
    s->has_originals = originals != 0;
    s->rolled_back = roll_backs;
    s->waited = waited;
    s->steps = steps;
    s->epochs = epochs;
    s->caller_bytes = caller_bytes;
    if (!is_count(s->rolled_back) || s->rolled_back > INT32_MAX || !is_count(s->waited) ||
        !is_count(s->steps) || !is_count(s->epochs) || !is_count(s->caller_bytes))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: retrainer: a counter is out of range",
                        path);
    return LFUSE_OK;
}

static lfuse_status read_aparts(const struct lfi_env *env, json_t *array, int64_t layers,
                                const char *path, struct lfi_aparts *aparts,
                                lfuse_error *err)
{
    const size_t count = json_array_size(array);
    lfuse_status status = lfi_aparts_reserve(env, aparts, (int64_t)count, err);
    json_int_t a, b;
    size_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        if (json_unpack(json_array_get(array, i), "[I, I]", &a, &b) != 0 || a < 0 ||
            b < 0 || a >= layers || b >= layers)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: apart[%lld] is no pair of layers",
                            path, (long long)i);
        aparts->items[aparts->count++] = (struct lfi_apart){a, b};
    }
    return status;
}

/* A plan that names what it is for: contents are not those of layers of zeros. */
static lfuse_status read_plan(const struct lfi_env *env, const struct lfi_retrainer *r,
                              const struct lfi_resume_file *file, const char *key,
                              struct lfi_plan *plan, lfuse_error *err)
{
    const char *text = lfi_resume_text(file, key);
    lfuse_status status;

    if (text == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: retrainer has no %s", file->path,
                        key);
    status = lfi_plan_decode(env, text, strlen(text), NULL, 0, plan, err);
    if (status == LFUSE_OK && plan->layer_count != r->ties->count) {
        lfi_plan_destroy(env, plan);
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s is of other layers", file->path,
                        key);
    }
    return status;
}

static lfuse_status read_plans(const struct lfi_env *env, const struct lfi_retrainer *r,
                               const struct lfi_resume_file *file, json_t *tied,
                               struct lfi_resume_state *s, lfuse_error *err)
{
    const size_t count = json_array_size(tied);
    lfuse_status status;
    char key[48];
    size_t i;

    if (count >= INT32_MAX)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: too many fusions", file->path);
    status = lfi_alloc_zero(env, count, sizeof(*s->fusions), "fusions", &s->fusions, err);
    s->fused = status == LFUSE_OK ? (int64_t)count : 0;
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        s->fusions[i].is_tied = json_is_true(json_array_get(tied, i));
        (void)snprintf(key, sizeof(key), "plan %lld", (long long)i);
        status = read_plan(env, r, file, key, &s->fusions[i].plan, err);
    }
    if (status == LFUSE_OK && s->is_picked)
        status = read_plan(env, r, file, "picked", &s->picked, err);
    return status;
}

lfuse_status lfi_resume_state_decode(const struct lfi_env *env,
                                     const struct lfi_retrainer *r,
                                     const struct lfi_resume_file *file, json_t *root,
                                     struct lfi_resume_state *state, lfuse_error *err)
{
    const char *path = file->path;
    lfuse_status status;

    *state = (struct lfi_resume_state){0};
    status = check_layers(r->ties, path, json_object_get(root, "layers"), err);
    if (status == LFUSE_OK)
        status = lfi_resume_options_check(env, r, json_object_get(root, "options"), err);
    if (status == LFUSE_OK)
        status = read_numbers(root, path, state, err);
    if (status == LFUSE_OK)
        status = read_aparts(env, json_object_get(root, "apart"), r->ties->count, path,
                             &state->aparts, err);
    if (status == LFUSE_OK)
        status = read_plans(env, r, file, json_object_get(root, "tied"), state, err);
    if (status == LFUSE_OK && state->is_open && state->fused == 0)
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: no fusion is open", path);
    if (status != LFUSE_OK)
        lfi_resume_state_destroy(env, state);
    return status;
}

void lfi_resume_state_destroy(const struct lfi_env *env, struct lfi_resume_state *state)
{
    int64_t i;

    for (i = 0; i < state->fused; i++)
        lfi_plan_destroy(env, &state->fusions[i].plan);
    lfi_free(env, state->fusions, (size_t)state->fused, sizeof(*state->fusions));
    lfi_plan_destroy(env, &state->picked);
    lfi_aparts_destroy(env, &state->aparts);
    *state = (struct lfi_resume_state){0};
}
