/* resume_map.c - which tensor of a file is which array of which parameter */
#include "retrain/resume.h"

const char *lfi_resume_text(const struct lfi_resume_file *file, const char *key)
{
    const int64_t index = lfi_names_find(file->keys, key);

    return index < 0 ? NULL : file->values[index];
}

const struct lfi_view *lfi_resume_tensor(const struct lfi_resume_file *file,
                                         const char *name)
{
    const int64_t index = lfi_names_find(file->names, name);

    return index < 0 ? NULL : &file->arrays[index].view;
}

/* ---- one place ---------------------------------------------------------------------------- */

static lfuse_status check_view(const char *name, const struct lfi_view *here,
                               const struct lfi_view *there, lfuse_error *err)
{
    char a[96], b[96];

    if (here->dtype != there->dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "%.100s is of type %s here, %s in the file",
                        name, lfi_dtype_name(here->dtype), lfi_dtype_name(there->dtype));
    if (lfi_view_same_shape(here, there))
        return LFUSE_OK;
    lfi_view_shape_text(here, a, sizeof(a));
    lfi_view_shape_text(there, b, sizeof(b));
    return lfi_fail(err, LFUSE_ERR_SHAPE, "%.80s is %.60s here, %.60s in the file", name,
                    a, b);
}

static lfuse_status find(const struct lfi_env *env, enum lfi_moment moment,
                         const struct lfi_resume_place *place,
                         const struct lfi_resume_file *file, int64_t *tensor, bool *seen,
                         lfuse_error *err)
{
    const struct lfi_parameter *p = &place->layer->parameters[place->parameter];
    char *name;
    lfuse_status status = lfi_resume_name(env, moment, place, &name, err);

    if (status != LFUSE_OK)
        return status;
    *tensor = lfi_names_find(file->names, name);
    if (*tensor < 0)
        status = lfi_fail(err, LFUSE_ERR_NAME, "%.100s is not in the file", name);
    else if (seen[*tensor])
        status = lfi_fail(err, LFUSE_ERR_NAME, "two arrays are called %.100s", name);
    else
        status = check_view(name, &lfi_parameter_array(p, place->which)->view,
                            &file->arrays[*tensor].view, err);
    if (status == LFUSE_OK)
        seen[*tensor] = true;
    lfi_string_free(env, name);
    return status;
}

/* ---- all of them -------------------------------------------------------------------------- */

static lfuse_status map_moment(const struct lfi_env *env, const struct lfi_retrainer *r,
                               enum lfi_moment moment, const struct lfi_resume_file *file,
                               struct lfi_resume_map *map, bool *seen, lfuse_error *err)
{
    struct lfi_resume_place place = {NULL, 0, 0, -1};
    lfuse_status status = lfi_alloc(env, (size_t)map->capacity, sizeof(int64_t),
                                    "a map of tensors", &map->tensors[moment], err);

    while (status == LFUSE_OK && lfi_resume_next(r, moment, &place)) {
        if (map->count[moment] == map->capacity)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "%s has parameters that are not in the file",
                            place.layer->name);
        status = find(env, moment, &place, file,
                      &map->tensors[moment][map->count[moment]], seen, err);
        map->count[moment]++;
    }
    return status;
}

/* What belongs to no parameter is looked at where it is used. */
static lfuse_status check_strangers(const struct lfi_resume_file *file, bool *seen,
                                    lfuse_error *err)
{
    const char *const others[] = {lfi_resume_bank, lfi_resume_bank_before,
                                  lfi_resume_caller};
    int64_t i;
    int k;

    for (k = 0; k < 3; k++)
        if (lfi_resume_tensor(file, others[k]) != NULL)
            seen[lfi_names_find(file->names, others[k])] = true;
    for (i = 0; i < file->names->count; i++)
        if (!seen[i])
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "%.100s of the file is not among the layers' arrays",
                            lfi_quote(file->names->names[i]).text);
    return LFUSE_OK;
}

lfuse_status lfi_resume_map_create(const struct lfi_env *env,
                                   const struct lfi_retrainer *r,
                                   const struct lfi_resume_file *file,
                                   const struct lfi_resume_state *state,
                                   struct lfi_resume_map *map, lfuse_error *err)
{
    const bool has[LFI_MOMENTS] = {true, state->is_open, state->has_originals};
    const size_t n = (size_t)file->names->count;
    lfuse_status status;
    bool *seen;
    int m;

    *map = (struct lfi_resume_map){.capacity = file->names->count};
    status = lfi_alloc_zero(env, n, sizeof(*seen), "a map of tensors", &seen, err);
    for (m = 0; m < LFI_MOMENTS && status == LFUSE_OK; m++)
        if (has[m])
            status = map_moment(env, r, (enum lfi_moment)m, file, map, seen, err);
    if (status == LFUSE_OK)
        status = check_strangers(file, seen, err);
    lfi_free(env, seen, n, sizeof(*seen));
    if (status != LFUSE_OK)
        lfi_resume_map_destroy(env, map);
    return status;
}

void lfi_resume_map_destroy(const struct lfi_env *env, struct lfi_resume_map *map)
{
    int m;

    for (m = 0; m < LFI_MOMENTS; m++)
        lfi_free(env, map->tensors[m], (size_t)map->capacity, sizeof(int64_t));
    *map = (struct lfi_resume_map){0};
}
