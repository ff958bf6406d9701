/* resume_collect.c - a retrainer as tensors and texts */
#include "retrain/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists -------------------------------------------------------------------------------- */

/* Twice the room, when it is full. items are of `size` bytes. */
static lfuse_status grow(const struct lfi_env *env, void *items, size_t size,
                         int64_t count, int64_t *capacity, lfuse_error *err)
{
    const int64_t more = *capacity > 0 ? 2 * *capacity : 64;
    void **list = items, *larger;
    lfuse_status status;

    if (count < *capacity)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)more, size, "what is stored", &larger, err);
    if (status != LFUSE_OK)
        return status;
    if (count > 0)
        memcpy(larger, *list, (size_t)count * size);
    lfi_free(env, *list, (size_t)*capacity, size);
    *list = larger;
    *capacity = more;
    return LFUSE_OK;
}

/* Takes the name over, also on failure. */
static lfuse_status push(const struct lfi_env *env, struct lfi_resume *out, char *name,
                         const struct lfi_view *view, lfuse_error *err)
{
    lfuse_status status =
        grow(env, &out->items, sizeof(*out->items), out->count, &out->capacity, err);

    if (status == LFUSE_OK)
        out->items[out->count++] = (struct lfi_resume_item){name, *view};
    else
        lfi_string_free(env, name);
    return status;
}

static lfuse_status push_bytes(const struct lfi_env *env, struct lfi_resume *out,
                               const char *name, const void *data, size_t bytes,
                               lfuse_error *err)
{
    const struct lfi_view view = lfi_resume_bytes_view(data, bytes);
    lfuse_status status;
    char *copy;

    if (bytes == 0)
        return LFUSE_OK;
    status = lfi_string_copy(env, name, &copy, err);
    return status == LFUSE_OK ? push(env, out, copy, &view, err) : status;
}

/* Both are copied. */
static lfuse_status push_text(const struct lfi_env *env, struct lfi_resume *out,
                              const char *key, const char *value, lfuse_error *err)
{
    const char *const pair[] = {key, value};
    lfuse_status status = LFUSE_OK;
    int i;

    for (i = 0; i < 2 && status == LFUSE_OK; i++) {
        status = grow(env, &out->texts, sizeof(*out->texts), out->text_count,
                      &out->text_capacity, err);
        if (status == LFUSE_OK)
            status = lfi_string_copy(env, pair[i], &out->texts[out->text_count], err);
        out->text_count += status == LFUSE_OK;
    }
    return status;
}

void lfi_resume_destroy(const struct lfi_env *env, struct lfi_resume *resume)
{
    struct lfi_resume *s = resume;
    int64_t i;

    for (i = 0; i < s->count; i++)
        lfi_string_free(env, s->items[i].name);
    for (i = 0; i < s->text_count; i++)
        lfi_string_free(env, s->texts[i]);
    lfi_free(env, s->items, (size_t)s->capacity, sizeof(*s->items));
    lfi_free(env, s->texts, (size_t)s->text_capacity, sizeof(*s->texts));
    lfi_free(env, s->caller, s->caller_bytes, 1);
    *s = (struct lfi_resume){0};
}

/* ---- tensors ------------------------------------------------------------------------------ */

/* A copy that a snapshot has once for all that share it. */
static const struct lfi_view *view_before(const struct lfi_snapshot *s, int64_t index)
{
    const struct lfi_view *place = &s->saved[index].place.view;
    int64_t i;

    for (i = 0; i <= index; i++)
        if (s->saved[i].copy.storage != NULL &&
            s->saved[i].place.view.data == place->data &&
            s->saved[i].place.view.dtype == place->dtype &&
            lfi_view_same_shape(&s->saved[i].place.view, place))
            return &s->saved[i].copy.view;
    return place;
}

/* The index of a parameter among those of lfi_ties_parameter(). */
static int32_t original_of(const struct lfi_ties *ties,
                           const struct lfi_resume_place *place)
{
    const struct lfi_parameter *p = &place->layer->parameters[place->parameter];
    int32_t k = 0;

    while (lfi_ties_parameter(ties, place->index, k) != p)
        k++;
    return k;
}

static const struct lfi_view *view_of(const struct lfi_retrainer *r,
                                      enum lfi_moment moment,
                                      const struct lfi_resume_place *place)
{
    const struct lfi_snapshot *s = &r->before.snapshot;

    if (moment == LFI_MOMENT_NOW)
        return &lfi_parameter_array(&place->layer->parameters[place->parameter],
                                    place->which)
                    ->view;
    if (moment == LFI_MOMENT_BEFORE)
        return view_before(s, (s->first[place->index] + place->parameter) * LFI_ARRAYS +
                                  place->which);
    return &lfi_ties_originals(r->ties, place->index)[original_of(r->ties, place)]
                .copy[place->which]
                .view;
}

static lfuse_status collect_moment(const struct lfi_env *env,
                                   const struct lfi_retrainer *r, enum lfi_moment moment,
                                   struct lfi_resume *out, lfuse_error *err)
{
    struct lfi_resume_place place = {NULL, 0, 0, -1};
    lfuse_status status = LFUSE_OK;
    char *name;

    while (status == LFUSE_OK && lfi_resume_next(r, moment, &place)) {
        status = lfi_resume_name(env, moment, &place, &name, err);
        if (status == LFUSE_OK)
            status = push(env, out, name, view_of(r, moment, &place), err);
    }
    return status;
}

static lfuse_status collect_caller(const struct lfi_env *env, struct lfi_bytes caller,
                                   struct lfi_resume *out, lfuse_error *err)
{
    lfuse_status status;

    if (caller.size == 0)
        return LFUSE_OK;
    out->caller_bytes = caller.size + caller.size % 2;
    status = lfi_alloc_zero(env, out->caller_bytes, 1, "the caller's state", &out->caller,
                            err);
    if (status != LFUSE_OK)
        return status;
    memcpy(out->caller, caller.data, caller.size);
    return push_bytes(env, out, lfi_resume_caller, out->caller, out->caller_bytes, err);
}

static lfuse_status collect_tensors(const struct lfi_env *env,
                                    const struct lfi_retrainer *r,
                                    struct lfi_bytes caller, struct lfi_resume *out,
                                    lfuse_error *err)
{
    const struct lfi_row_ties *now = &r->ties->rows, *before = &r->before.snapshot.rows;
    lfuse_status status = collect_moment(env, r, LFI_MOMENT_NOW, out, err);

    if (status == LFUSE_OK)
        status = push_bytes(env, out, lfi_resume_bank, now->bank, now->bank_bytes, err);
    if (status == LFUSE_OK && r->before.is_open)
        status = collect_moment(env, r, LFI_MOMENT_BEFORE, out, err);
    if (status == LFUSE_OK && r->before.is_open)
        status = push_bytes(env, out, lfi_resume_bank_before, before->bank,
                            before->bank_bytes, err);
    if (status == LFUSE_OK && r->ties->options.keep_originals &&
        r->ties->originals != NULL)
        status = collect_moment(env, r, LFI_MOMENT_ORIGINAL, out, err);
    return status == LFUSE_OK ? collect_caller(env, caller, out, err) : status;
}

/* ---- texts -------------------------------------------------------------------------------- */

static lfuse_status push_plan(const struct lfi_env *env, const char *key,
                              const struct lfi_plan *plan, struct lfi_resume *out,
                              lfuse_error *err)
{
    size_t bytes;
    char *text;
    lfuse_status status = lfi_plan_encode(env, plan, &text, &bytes, err);

    if (status != LFUSE_OK)
        return status;
    status = push_text(env, out, key, text, err);
    lfi_free(env, text, bytes + 1, 1);
    return status;
}

static lfuse_status collect_plans(const struct lfi_env *env,
                                  const struct lfi_retrainer *r, struct lfi_resume *out,
                                  lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char key[48];
    int64_t i;

    for (i = 0; i < r->fused && status == LFUSE_OK; i++) {
        (void)snprintf(key, sizeof(key), "plan %lld", (long long)i);
        status = push_plan(env, key, i < r->past.count ? &r->past.items[i].plan : r->plan,
                           out, err);
    }
    if (status == LFUSE_OK && r->is_picked)
        status = push_plan(env, "picked", &r->picked, out, err);
    return status;
}

static lfuse_status push_json(const struct lfi_env *env, const char *key, json_t *root,
                              struct lfi_resume *out, lfuse_error *err)
{
    char *text = json_dumps(root, JSON_REAL_PRECISION(17));
    lfuse_status status;

    if (text == NULL)
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "a retrainer: malloc refused memory");
    status = push_text(env, out, key, text, err);
    free(text);
    return status;
}

static lfuse_status collect_state(const struct lfi_env *env,
                                  const struct lfi_retrainer *r, size_t caller_bytes,
                                  struct lfi_resume *out, lfuse_error *err)
{
    json_t *root = lfi_resume_state_encode(r, caller_bytes), *options = NULL;
    lfuse_status status = lfi_resume_options_encode(env, r, &options, err);

    if (status == LFUSE_OK &&
        (root == NULL || json_object_set_new(root, "options", options) != 0))
        status = lfi_fail(err, LFUSE_ERR_NO_MEMORY, "a retrainer: malloc refused memory");
    if (status == LFUSE_OK)
        status = push_json(env, lfi_resume_key, root, out, err);
    json_decref(root);
    return status;
}

static lfuse_status collect_hash(const struct lfi_env *env, struct lfi_resume *out,
                                 lfuse_error *err)
{
    uint64_t hash = 0;
    char text[24];
    int64_t i;

    for (i = 0; i < out->count; i++)
        hash += lfi_resume_hash_view(out->items[i].name, &out->items[i].view);
    for (i = 0; i < out->text_count; i += 2)
        hash += lfi_resume_hash_text(out->texts[i], out->texts[i + 1]);
    (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
    return push_text(env, out, lfi_resume_hash_key, text, err);
}

/* ---- the call ----------------------------------------------------------------------------- */

static lfuse_status fail_gained(const struct lfi_layer *layer, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_STATE,
                    "layer %s has gained a parameter since a fusion that can be undone",
                    layer->name);
}

/* Whether the plans say what is in force, and copies are of all there is. */
static lfuse_status check(const struct lfi_retrainer *r, lfuse_error *err)
{
    const struct lfi_ties *ties = r->ties;
    const struct lfi_snapshot *s = &r->before.snapshot;
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "save", err);
    int64_t i;

    for (i = 0; i < ties->count && status == LFUSE_OK; i++) {
        const struct lfi_layer *layer = ties->layers[i];
        const int64_t owner = r->fused > 0 ? r->plan->goal.owner[i] : i;

        if (ties->in_force.owner[i] != owner)
            status = lfi_fail(err, LFUSE_ERR_STATE,
                              "layer %s is tied by a fusion that failed", layer->name);
        else if (r->before.is_open &&
                 s->first[i + 1] - s->first[i] != layer->parameter_count)
            status = fail_gained(layer, err);
        else if (ties->originals != NULL &&
                 lfi_ties_parameter_count(ties, i) !=
                     lfi_layer_role_count(layer, LFUSE_ROLE_WEIGHT) +
                         lfi_layer_role_count(layer, LFUSE_ROLE_BIAS))
            status = fail_gained(layer, err);
    }
    return status;
}

lfuse_status lfi_resume_collect(const struct lfi_env *env, const struct lfi_retrainer *r,
                                struct lfi_bytes caller, struct lfi_resume *out,
                                lfuse_error *err)
{
    lfuse_status status = check(r, err);

    *out = (struct lfi_resume){0};
    if (status == LFUSE_OK)
        status = collect_tensors(env, r, caller, out, err);
    if (status == LFUSE_OK)
        status = collect_plans(env, r, out, err);
    if (status == LFUSE_OK)
        status = collect_state(env, r, caller.size, out, err);
    if (status == LFUSE_OK)
        status = collect_hash(env, out, err);
    if (status != LFUSE_OK)
        lfi_resume_destroy(env, out);
    return status;
}
