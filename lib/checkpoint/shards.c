/*
 * shards.c - a checkpoint of several files: opened by its index, and held against it
 *
 * Every tensor of every file is where the index says, and the index names no other: so no tensor
 * is in two files, and none is missing. Aliases and what banks show are in no map: each file has its
 * own of both.
 */
#include "base/json.h"
#include "checkpoint/parts.h"

#include <string.h>

/* Messages of a file's contents do not name it; one of several has to be named. */
static lfuse_status name_file(lfuse_status status, const char *file, lfuse_error *err)
{
    lfuse_error inner;

    if (err == NULL || (status != LFUSE_ERR_FORMAT && status != LFUSE_ERR_UNSUPPORTED))
        return status;
    inner = *err;
    return lfi_fail_detail(err, status, inner.detail, "%s: %s", lfi_quote(file).text,
                           inner.message);
}

static lfuse_status check_part(const struct lfi_index *index, const struct lfi_header *h,
                               const char *file, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < h->count; i++) {
        const char *name = h->records[h->order[i]].name;
        const char *said = json_string_value(json_object_get(index->map, name));

        if (said == NULL)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s is not in the weight_map",
                            lfi_quote(name).text);
        if (strcmp(said, file) != 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s is in %s by the weight_map",
                            lfi_quote(name).text, lfi_quote(said).text);
    }
    return LFUSE_OK;
}

static lfuse_status open_parts(const struct lfi_env *env, const char *path,
                               const struct lfi_open_params *params,
                               const struct lfi_index *index, struct lfi_parts *parts,
                               lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < parts->count && status == LFUSE_OK; i++) {
        const char *file = lfi_index_file(index, i);
        char *beside;

        status = lfi_path_beside(env, path, file, &beside, err);
        if (status != LFUSE_OK)
            return status;
        status = lfi_part_open(env, beside, params, &parts->list[i], err);
        lfi_string_free(env, beside);
        if (status == LFUSE_OK)
            status = lfi_string_copy(env, file, &parts->list[i].name, err);
        if (status == LFUSE_OK)
            status = check_part(index, &parts->list[i].header, file, err);
        if (status != LFUSE_OK)
            status = name_file(status, file, err);
    }
    return status;
}

static bool holds(const struct lfi_parts *parts, int64_t i, const char *name)
{
    return strcmp(name, LFI_KEY_METADATA) != 0 &&
           json_object_get(parts->list[i].header.root, name) != NULL;
}

/* The entry of the map that no file has. */
static lfuse_status fail_missing(const struct lfi_index *index,
                                 const struct lfi_parts *parts, lfuse_error *err)
{
    const char *name;
    json_t *file;
    int64_t i;

    json_object_foreach(index->map, name, file)
    {
        for (i = 0; strcmp(lfi_index_file(index, i), json_string_value(file)) != 0;)
            i++;
        if (!holds(parts, i, name))
            return lfi_fail(err, LFUSE_ERR_FORMAT, "weight_map: %s has no tensor %s",
                            lfi_quote(json_string_value(file)).text,
                            lfi_quote(name).text);
    }
    return LFUSE_OK;
}

/* Each tensor has one entry of the map, by check_part(): as many of both, and none is missing. */
static lfuse_status check_count(const struct lfi_index *index,
                                const struct lfi_parts *parts, lfuse_error *err)
{
    int64_t count = 0, i;

    for (i = 0; i < parts->count; i++)
        count += parts->list[i].header.count;
    if (count == (int64_t)json_object_size(index->map))
        return LFUSE_OK;
    return fail_missing(index, parts, err);
}

static lfuse_status read_index(const struct lfi_env *env, const char *path,
                               const struct lfi_open_params *params,
                               struct lfi_index *index, lfuse_error *err)
{
    struct lfi_array contents;
    size_t size;
    lfuse_status status = lfi_file_map(env, path, &contents, &size, err);

    if (status != LFUSE_OK)
        return status;
    if (size > params->max_header_bytes)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                          "the index has %zu bytes, options.max_header_bytes allows %zu",
                          size, params->max_header_bytes);
    else
        status = lfi_index_parse(env, contents.view.data, size, index, err);
    lfi_array_release(&contents);
    return status;
}

lfuse_status lfi_shards_open(const struct lfi_env *env, const char *path,
                             const struct lfi_open_params *params,
                             struct lfi_parts *parts, lfuse_error *err)
{
    struct lfi_index index;
    lfuse_status status;

    memset(parts, 0, sizeof(*parts));
    status = read_index(env, path, params, &index, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_parts_create(env, index.file_count, parts, err);
    if (status == LFUSE_OK)
        status = open_parts(env, path, params, &index, parts, err);
    if (status == LFUSE_OK)
        status = check_count(&index, parts, err);
    lfi_index_free(env, &index);
    if (status != LFUSE_OK)
        lfi_parts_free(env, parts);
    return status;
}
