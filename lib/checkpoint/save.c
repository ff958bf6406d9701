/*
 * save.c - writes a safetensors file
 *
 * Everything that the entries could be refused for is checked before a file is made. Dense tensors
 * are written from where they are; others go through one block, in row order, bit for bit.
 */
#include "checkpoint/parts.h"

enum { BLOCK_BYTES = 1 << 18 };

static lfuse_status write_view(const struct lfi_env *env, struct lfi_writer *writer,
                               const struct lfi_view *view, char **block,
                               lfuse_error *err)
{
    int64_t size = (int64_t)lfi_dtype_size(view->dtype), n = lfi_view_elements(view);
    int64_t first, count;
    lfuse_status status = LFUSE_OK;

    if (lfi_view_is_dense(view))
        return lfi_writer_write(writer, view->data, lfi_view_bytes(view), err);
    if (*block == NULL)
        status = lfi_alloc(env, BLOCK_BYTES, 1, "a block", block, err);
    for (first = 0; first < n && status == LFUSE_OK; first += count) {
        count = n - first < BLOCK_BYTES / size ? n - first : BLOCK_BYTES / size;
        lfi_view_read_bits(view, first, count, *block);
        status = lfi_writer_write(writer, *block, (size_t)(count * size), err);
    }
    return status;
}

static lfuse_status write_file(const struct lfi_env *env, const char *path,
                               const struct lfi_layout *layout, const char *header,
                               size_t header_bytes, lfuse_error *err)
{
    struct lfi_writer writer;
    char *block = NULL;
    lfuse_status status;
    int64_t i;

    status = lfi_writer_open(&writer, path, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_writer_write(&writer, header, header_bytes, err);
    for (i = 0; i < layout->stored_count && status == LFUSE_OK; i++) {
        int64_t owner = layout->owners[layout->stored[i]];

        status = write_view(env, &writer, layout->entries[owner].view, &block, err);
    }
    if (status == LFUSE_OK)
        status = lfi_writer_commit(env, &writer, err);
    lfi_writer_close(&writer);
    lfi_free(env, block, BLOCK_BYTES, 1);
    return status;
}

lfuse_status lfi_checkpoint_save(const struct lfi_env *env, const char *path,
                                 const struct lfi_checkpoint_entry *entries,
                                 int64_t count,
                                 const struct lfi_checkpoint_params *params,
                                 lfuse_error *err)
{
    struct lfi_layout layout;
    char *header = NULL;
    size_t header_bytes = 0;
    lfuse_status status;

    status = lfi_layout_create(env, entries, count, params->expand, &layout, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_header_encode(env, &layout, params, &header, &header_bytes, err);
    if (status == LFUSE_OK)
        status = write_file(env, path, &layout, header, header_bytes, err);
    lfi_free(env, header, header_bytes, 1);
    lfi_layout_free(env, &layout);
    return status;
}
