/*
 * couplings_json.c - couplings from JSON of unknown origin
 *
 *     {"layerfuse_couplings": 1,
 *      "spaces": [[{"tensor": "h.0.up.weight", "axis": 0, "head_group": 1, "repeat": 1,
 *                   "offset": 0, "extent": 0}, ...], ...]}
 *
 * A member has "tensor", or "layer" and "parameter"; numbers that are not there are 0, which is
 * their default. A field that this version does not know is refused by its name.
 */
#include "fusion/couplings.h"
#include "fusion/plan_file.h"

#include <stdio.h>

enum { VERSION = 1 };

static lfuse_status read_names(const json_t *object, const char *where,
                               struct lfi_coupling *member, lfuse_error *err)
{
    const char *tensor = NULL, *layer = NULL, *parameter = NULL;
    lfuse_status status = lfi_fields_text(object, where, "tensor", &tensor, err);

    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "layer", &layer, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "parameter", &parameter, err);
    if (status != LFUSE_OK)
        return status;
    if ((tensor != NULL) == (layer != NULL && parameter != NULL) ||
        (layer != NULL) != (parameter != NULL))
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s has neither a tensor, nor a layer and a parameter, alone",
                        where);
    member->layer = (char *)layer; /* copied when it is added */
    member->parameter = (char *)(tensor != NULL ? tensor : parameter);
    if (member->parameter[0] == '\0' || (layer != NULL && layer[0] == '\0'))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s has an empty name", where);
    return LFUSE_OK;
}

static lfuse_status read_numbers(const json_t *object, const char *where,
                                 struct lfi_coupling *member, lfuse_error *err)
{
    int64_t axis = 0;
    lfuse_status status = lfi_fields_count(object, where, "axis", &axis, err);

    if (status == LFUSE_OK && axis >= LFI_MAX_RANK)
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: axis is %lld, the last there is %d",
                          where, (long long)axis, LFI_MAX_RANK - 1);
    member->axis = (int32_t)axis;
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "head_group", &member->head_group, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "repeat", &member->repeat, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "offset", &member->offset, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, where, "extent", &member->extent, err);
    return status;
}

static lfuse_status read_member(const struct lfi_env *env, const json_t *object,
                                const char *where, struct lfi_couplings *couplings,
                                lfuse_error *err)
{
    static const char *const known[] = {"tensor", "layer",      "parameter",
                                        "axis",   "repeat",     "offset",
                                        "extent", "head_group", NULL};
    struct lfi_coupling member = {0};
    lfuse_status status = lfi_fields_check(object, where, known, err);

    if (status == LFUSE_OK)
        status = read_names(object, where, &member, err);
    if (status == LFUSE_OK)
        status = read_numbers(object, where, &member, err);
    if (status == LFUSE_OK)
        status =
            lfi_couplings_add_member(env, couplings, couplings->count - 1, &member, err);
    return status;
}

static lfuse_status read_space(const struct lfi_env *env, const json_t *array,
                               size_t index, struct lfi_couplings *couplings,
                               lfuse_error *err)
{
    const json_t *member;
    char where[64];
    size_t i;
    lfuse_status status;

    if (!json_is_array(array) || json_array_size(array) == 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "spaces[%zu] is no array of members",
                        index);
    status = lfi_couplings_add_space(env, couplings, err);
    json_array_foreach(array, i, member)
    {
        (void)snprintf(where, sizeof(where), "spaces[%zu][%zu]", index, i);
        if (status == LFUSE_OK)
            status = read_member(env, member, where, couplings, err);
    }
    return status;
}

static lfuse_status check_version(const json_t *root, lfuse_error *err)
{
    static const char *const known[] = {"layerfuse_couplings", "spaces", NULL};
    int64_t version = 0;
    lfuse_status status;

    if (json_object_get(root, "layerfuse_couplings") == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "these are no couplings: there is no layerfuse_couplings, the "
                        "version");
    status =
        lfi_fields_count(root, "the description", "layerfuse_couplings", &version, err);
    if (status == LFUSE_OK && version != VERSION)
        status = lfi_fail(
            err, LFUSE_ERR_UNSUPPORTED,
            "the couplings are of version %lld, this one of the library knows %d",
            (long long)version, (int)VERSION);
    if (status == LFUSE_OK)
        status = lfi_fields_check(root, "the description", known, err);
    return status;
}

lfuse_status lfi_couplings_decode(const struct lfi_env *env, const char *text,
                                  size_t bytes, struct lfi_couplings *couplings,
                                  lfuse_error *err)
{
    json_t *root = NULL, *spaces = NULL, *space;
    size_t i;
    lfuse_status status = lfi_json_parse(text, bytes, "the description", &root, err);

    if (status != LFUSE_OK)
        return status;
    status = check_version(root, err);
    if (status == LFUSE_OK)
        status = lfi_fields_array(root, "the description", "spaces", &spaces, err);
    if (status == LFUSE_OK && spaces == NULL)
        status = lfi_fields_missing("the description", "spaces", err);
    json_array_foreach(spaces, i, space)
    {
        if (status == LFUSE_OK)
            status = read_space(env, space, i, couplings, err);
    }
    json_decref(root);
    if (status != LFUSE_OK)
        lfi_couplings_destroy(env, couplings);
    return status;
}
