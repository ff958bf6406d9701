/*
 * part.c - one safetensors file: its bytes, and what its header says of them
 *
 *     8 bytes: n, little-endian    n bytes: the header    the rest: the data
 *
 * https://github.com/huggingface/safetensors. Its reference reader's checks are all made, here
 * and in header.c.
 */
#include "checkpoint/parts.h"

#include <string.h>

/* The size of the header, of a file of size bytes. */
static lfuse_status read_prefix(const unsigned char *bytes, size_t size, size_t allowed,
                                size_t *header_size, lfuse_error *err)
{
    uint64_t n = 0;
    int i;

    if (size < LFI_PREFIX)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "the file has %zu bytes, the size of a header takes %d", size,
                        (int)LFI_PREFIX);
    for (i = LFI_PREFIX - 1; i >= 0; i--)
        n = n << 8 | bytes[i];
    if (n > (uint64_t)LFI_HEADER_MAX)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "the header has %llu bytes, %lld are allowed",
                        (unsigned long long)n, (long long)LFI_HEADER_MAX);
    if (n > size - LFI_PREFIX)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "the header has %llu bytes, the file has %zu after its size",
                        (unsigned long long)n, size - LFI_PREFIX);
    if (n > allowed)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "the header has %llu bytes, options.max_header_bytes allows %zu",
                        (unsigned long long)n, allowed);
    *header_size = (size_t)n;
    return LFUSE_OK;
}

lfuse_status lfi_part_open(const struct lfi_env *env, const char *path,
                           const struct lfi_open_params *params, struct lfi_part *part,
                           lfuse_error *err)
{
    size_t size, header_size = 0;
    lfuse_status status;
    char *bytes;

    memset(part, 0, sizeof(*part));
    status = lfi_file_map(env, path, &part->contents, &size, err);
    if (status != LFUSE_OK)
        return status;
    bytes = part->contents.view.data;
    status = read_prefix((const unsigned char *)bytes, size, params->max_header_bytes,
                         &header_size, err);
    if (status == LFUSE_OK) {
        bytes += LFI_PREFIX;
        part->data = bytes + header_size;
        status = lfi_header_parse(env, bytes, header_size, params->skip,
                                  (int64_t)(size - LFI_PREFIX - header_size),
                                  &part->header, err);
    }
    if (status != LFUSE_OK)
        lfi_part_close(env, part);
    return status;
}

void lfi_part_close(const struct lfi_env *env, struct lfi_part *part)
{
    lfi_header_free(env, &part->header);
    lfi_array_release(&part->contents);
    part->data = NULL;
}

lfuse_status lfi_parts_create(const struct lfi_env *env, int64_t count,
                              struct lfi_parts *parts, lfuse_error *err)
{
    parts->count = count;
    return lfi_alloc_zero(env, (size_t)count, sizeof(*parts->list), "a checkpoint",
                          &parts->list, err);
}

void lfi_parts_free(const struct lfi_env *env, struct lfi_parts *parts)
{
    int64_t i;

    for (i = 0; parts->list != NULL && i < parts->count; i++) {
        lfi_string_free(env, parts->list[i].name);
        lfi_part_close(env, &parts->list[i]);
    }
    lfi_free(env, parts->list, (size_t)parts->count, sizeof(*parts->list));
    memset(parts, 0, sizeof(*parts));
}
