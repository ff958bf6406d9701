/*
 * index.c - which file of a sharded checkpoint holds which tensor
 *
 *     {"metadata": {...}, "weight_map": {"name": "model-00001-of-00002.safetensors", ...}}
 *
 * As Hugging Face writes it, into model.safetensors.index.json; everything but the weight_map is
 * of no use here. Shards are beside the index: a name that could lead elsewhere is refused. Where a
 * link of such a name leads is the business of who made it.
 */
#include "base/json.h"
#include "checkpoint/parts.h"

#include <string.h>

/* What open() of it would find is in the same directory. */
static bool is_beside(const char *file)
{
    return file[0] != '\0' && strcmp(file, ".") != 0 && strcmp(file, "..") != 0 &&
           strchr(file, '/') == NULL;
}

static lfuse_status check_files(json_t *map, lfuse_error *err)
{
    const char *name;
    json_t *file;

    json_object_foreach(map, name, file)
    {
        if (!is_beside(json_string_value(file)))
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            "weight_map: the file of %s, %s, is not beside the index",
                            lfi_quote(name).text,
                            lfi_quote(json_string_value(file)).text);
    }
    if (json_object_size(map) == 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "weight_map is empty");
    return LFUSE_OK;
}

/* Each file once, in the order of their names. */
static lfuse_status list_files(const struct lfi_env *env, struct lfi_index *index,
                               lfuse_error *err)
{
    struct lfi_names *files = &index->files;
    lfuse_status status =
        lfi_names_create(env, (int64_t)json_object_size(index->map), files, err);
    const char *name;
    json_t *file;
    int64_t i = 0;

    if (status != LFUSE_OK)
        return status;
    json_object_foreach(index->map, name, file)
    {
        files->names[i++] = json_string_value(file);
    }
    lfi_names_sort(files);
    for (i = 0; i < files->count; i++) {
        const char *next = files->names[files->order[i]];

        if (i == 0 ||
            strcmp(next, files->names[files->order[index->file_count - 1]]) != 0)
            files->order[index->file_count++] = files->order[i];
    }
    return LFUSE_OK;
}

lfuse_status lfi_index_parse(const struct lfi_env *env, const char *text, size_t size,
                             struct lfi_index *index, lfuse_error *err)
{
    lfuse_status status;

    memset(index, 0, sizeof(*index));
    status = lfi_json_parse(text, size, "the index", &index->root, err);
    if (status == LFUSE_OK) {
        index->map = json_object_get(index->root, "weight_map");
        status = lfi_json_check_strings(index->map, "weight_map", err);
    }
    if (status == LFUSE_OK)
        status = check_files(index->map, err);
    if (status == LFUSE_OK)
        status = list_files(env, index, err);
    if (status != LFUSE_OK)
        lfi_index_free(env, index);
    return status;
}

const char *lfi_index_file(const struct lfi_index *index, int64_t i)
{
    return index->files.names[index->files.order[i]];
}

void lfi_index_free(const struct lfi_env *env, struct lfi_index *index)
{
    lfi_names_free(env, &index->files);
    json_decref(index->root);
    memset(index, 0, sizeof(*index));
}
