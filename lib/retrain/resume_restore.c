/* resume_restore.c - a retrainer that has not begun becomes one that was saved */
#include "retrain/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what the file is --------------------------------------------------------------------- */

static lfuse_status check_fresh(const struct lfi_retrainer *r, lfuse_error *err)
{
    lfuse_status status = lfi_retrainer_expect(r, LFI_PHASE_IDLE, "load", err);

    if (status == LFUSE_OK && (r->is_begun || r->is_picked || r->steps > 0 ||
                               r->epochs > 0 || r->ties->originals != NULL))
        status = lfi_fail(err, LFUSE_ERR_STATE,
                          "load was called, but the retrainer has begun");
    return status;
}

static lfuse_status read_root(const struct lfi_resume_file *file, json_t **root,
                              lfuse_error *err)
{
    const char *text = lfi_resume_text(file, lfi_resume_key);

    if (text == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s holds no retrainer", file->path);
    return lfi_json_parse(text, strlen(text), lfi_resume_key, root, err);
}

static lfuse_status check_version(json_t *root, const char *path, lfuse_error *err)
{
    json_t *version = json_object_get(root, "version");

    if (!json_is_integer(version))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: retrainer has no version", path);
    if (json_integer_value(version) != LFI_RESUME_VERSION)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s: retrainer is of version %lld, this is version %d", path,
                        (long long)json_integer_value(version), LFI_RESUME_VERSION);
    return LFUSE_OK;
}

static bool is_hashed(const char *key)
{
    return strncmp(key, "layerfuse.", 10) != 0 && strcmp(key, lfi_resume_hash_key) != 0;
}

static lfuse_status check_hash(const struct lfi_resume_file *file, lfuse_error *err)
{
    const char *text = lfi_resume_text(file, lfi_resume_hash_key);
    uint64_t hash = 0;
    char expected[24];
    int64_t i;

    for (i = 0; i < file->names->count; i++)
        hash += lfi_resume_hash_view(file->names->names[i], &file->arrays[i].view);
    for (i = 0; i < file->keys->count; i++)
        if (is_hashed(file->keys->names[i]))
            hash += lfi_resume_hash_text(file->keys->names[i], file->values[i]);
    (void)snprintf(expected, sizeof(expected), "%016" PRIx64, hash);
    if (text == NULL || strcmp(text, expected) != 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s has other contents than were saved",
                        file->path);
    return LFUSE_OK;
}

/* ---- the caller's ------------------------------------------------------------------------- */

static lfuse_status copy_caller(const struct lfi_env *env,
                                const struct lfi_resume_file *file, int64_t bytes,
                                char **out, lfuse_error *err)
{
    const struct lfi_view *stored = lfi_resume_tensor(file, lfi_resume_caller);
    const size_t size = stored == NULL ? 0 : lfi_view_bytes(stored),
                 asked = (size_t)bytes;
    char *padded;
    lfuse_status status;

    *out = NULL;
    if (size != asked + asked % 2)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s: %llu bytes, not %llu", file->path,
                        lfi_resume_caller, (unsigned long long)size,
                        (unsigned long long)asked);
    if (size == 0)
        return LFUSE_OK;
    status = lfi_alloc(env, asked, 1, "the caller's state", out, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_alloc(env, size, 1, "the caller's state", &padded, err);
    if (status == LFUSE_OK) {
        lfi_view_read_bits(stored, 0, lfi_view_elements(stored), padded);
        memcpy(*out, padded, asked);
        lfi_free(env, padded, size, 1);
        return LFUSE_OK;
    }
    lfi_free(env, *out, asked, 1);
    *out = NULL;
    return status;
}

/* ---- the call ----------------------------------------------------------------------------- */

static void commit(struct lfi_retrainer *r, struct lfi_resume_state *s,
                   struct lfi_before before)
{
    if (s->fused > 0) {
        r->past = (struct lfi_past){s->fused - 1, s->fused, s->fusions};
        *r->plan = s->fusions[s->fused - 1].plan;
        r->is_tied = s->fusions[s->fused - 1].is_tied;
    }
    r->picked = s->picked;
    r->is_picked = s->is_picked;
    r->aparts = s->aparts;
    r->before = before;
    r->reference = s->reference;
    r->is_begun = s->is_begun;
    r->is_rolled_back = s->is_rolled_back;
    r->gave_up = s->gave_up;
    r->is_done = s->is_done;
    r->rolled_back = (int32_t)s->rolled_back;
    r->fused = (int32_t)s->fused;
    r->waited = s->waited;
    r->steps = s->steps;
    r->epochs = s->epochs;
    *s = (struct lfi_resume_state){0};
    lfi_trained_list(r);
}

static lfuse_status restore(const struct lfi_env *env, struct lfi_retrainer *r,
                            const struct lfi_resume_file *file,
                            struct lfi_resume_state *state, lfuse_error *err)
{
    struct lfi_before before;
    struct lfi_resume_map map;
    lfuse_status status = lfi_resume_map_create(env, r, file, state, &map, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_trained_reserve(env, r, err);
    if (status == LFUSE_OK)
        status = lfi_resume_replay(env, r, file, &map, state, &before, err);
    if (status == LFUSE_OK)
        commit(r, state, before);
    lfi_resume_map_destroy(env, &map);
    return status;
}

/* What the file says, before anything is made of it. */
static lfuse_status read_state(const struct lfi_env *env, const struct lfi_retrainer *r,
                               const struct lfi_resume_file *file,
                               struct lfi_resume_state *state, lfuse_error *err)
{
    json_t *root;
    lfuse_status status = read_root(file, &root, err);

    if (status != LFUSE_OK)
        return status;
    status = check_version(root, file->path, err);
    if (status == LFUSE_OK)
        status = check_hash(file, err);
    if (status == LFUSE_OK)
        status = lfi_resume_state_decode(env, r, file, root, state, err);
    json_decref(root);
    return status;
}

lfuse_status lfi_resume_restore(const struct lfi_env *env, struct lfi_retrainer *r,
                                const struct lfi_resume_file *file, char **caller,
                                size_t *caller_bytes, lfuse_error *err)
{
    struct lfi_resume_state state = {0};
    size_t bytes;
    char *copy = NULL;
    lfuse_status status = check_fresh(r, err);

    if (status == LFUSE_OK)
        status = read_state(env, r, file, &state, err);
    if (status != LFUSE_OK)
        return status;
    bytes = (size_t)state.caller_bytes;
    status = copy_caller(env, file, state.caller_bytes, &copy, err);
    if (status == LFUSE_OK)
        status = restore(env, r, file, &state, err);
    lfi_resume_state_destroy(env, &state);
    if (status == LFUSE_OK) {
        *caller = copy;
        *caller_bytes = bytes;
    } else if (copy != NULL) {
        lfi_free(env, copy, bytes, 1);
    }
    return status;
}
