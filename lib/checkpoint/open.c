/*
 * open.c - opens and closes a checkpoint
 *
 * The files are parsed and checked in part.c, each as a whole, and in shards.c, together; contents.c
 * makes one checkpoint of them.
 */
#include "checkpoint/parts.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the data of a checkpoint is little-endian, and is used as it lies there");

static lfuse_status open_parts(const struct lfi_env *env, const char *path,
                               const struct lfi_open_params *params,
                               struct lfi_parts *parts, lfuse_error *err)
{
    lfuse_status status;

    if (lfi_path_is_index(path))
        return lfi_shards_open(env, path, params, parts, err);
    status = lfi_parts_create(env, 1, parts, err);
    if (status == LFUSE_OK)
        status = lfi_part_open(env, path, params, parts->list, err);
    return status;
}

lfuse_status lfi_checkpoint_open(const struct lfi_env *env, const char *path,
                                 const struct lfi_open_params *params,
                                 struct lfi_checkpoint *checkpoint, lfuse_error *err)
{
    struct lfi_open_params p = *params;
    struct lfi_parts parts = {0};
    lfuse_status status;
    char *file;

    if (p.max_header_bytes == 0)
        p.max_header_bytes = LFI_HEADER_DEFAULT;
    if (p.max_bank_bytes == 0)
        p.max_bank_bytes = LFI_BANKS_DEFAULT;
    memset(checkpoint, 0, sizeof(*checkpoint));
    status = lfi_path_locate(env, path, &file, err);
    if (status != LFUSE_OK)
        return status;
    status = open_parts(env, file, &p, &parts, err);
    lfi_string_free(env, file);
    if (status == LFUSE_OK)
        status = lfi_contents_fill(env, &parts, &p, checkpoint, err);
    lfi_parts_free(env, &parts);
    if (status != LFUSE_OK)
        lfi_checkpoint_close(env, checkpoint);
    return status;
}

void lfi_checkpoint_close(const struct lfi_env *env, struct lfi_checkpoint *c)
{
    int64_t i;

    for (i = 0; c->arrays != NULL && i < c->names.count; i++)
        lfi_array_release(&c->arrays[i]);
    lfi_free(env, c->text, c->text_bytes, 1);
    lfi_free(env, c->values, (size_t)c->keys.count, sizeof(*c->values));
    lfi_names_free(env, &c->keys);
    lfi_free(env, c->residuals, (size_t)c->residual_room, sizeof(*c->residuals));
    lfi_free(env, c->skipped, (size_t)c->skipped_count, sizeof(*c->skipped));
    for (i = 0; c->contents != NULL && i < c->file_count; i++)
        lfi_array_release(&c->contents[i]);
    lfi_free(env, c->contents, (size_t)c->file_count, sizeof(*c->contents));
    lfi_free(env, c->file_names, (size_t)c->file_count, sizeof(*c->file_names));
    lfi_free(env, c->files, (size_t)c->names.count, sizeof(*c->files));
    lfi_free(env, c->owners, (size_t)c->names.count, sizeof(*c->owners));
    lfi_free(env, c->arrays, (size_t)c->names.count, sizeof(*c->arrays));
    lfi_names_free(env, &c->names);
    memset(c, 0, sizeof(*c));
}
