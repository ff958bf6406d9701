/*
 * open.c - a safetensors file as arrays that share its mapping
 *
 *     8 bytes: n, little-endian    n bytes: the header    the rest: the data
 *
 * https://github.com/huggingface/safetensors. Its reference reader's checks are all made, in
 * header.c; the strings are then copied out of the JSON, which is dropped.
 */
#include "checkpoint/parts.h"

#include <jansson.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the data of a checkpoint is little-endian, and is used as it lies there");

static const char *add_text(struct lfi_checkpoint *c, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = c->text + c->text_bytes;

    memcpy(copy, text, size);
    c->text_bytes += size;
    return copy;
}

/* Of all the strings that will be kept. They come from one header, so their sum fits. */
static size_t text_size(const struct lfi_header *h)
{
    size_t size = 0;
    const char *key;
    json_t *value;

    json_object_foreach(h->root, key, value)
    {
        size += strlen(key) + 1;
    }
    json_object_foreach(h->aliases, key, value)
    {
        size += strlen(key) + 1;
    }
    json_object_foreach(h->metadata, key, value)
    {
        size += strlen(key) + json_string_length(value) + 2;
    }
    return size;
}

static lfuse_status reserve(const struct lfi_env *env, const struct lfi_header *h,
                            struct lfi_checkpoint *c, lfuse_error *err)
{
    int64_t count = h->count + (int64_t)json_object_size(h->aliases);
    int64_t keys = (int64_t)json_object_size(h->metadata);
    lfuse_status status;

    status = lfi_names_create(env, count, &c->names, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*c->arrays), "tensors",
                                &c->arrays, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*c->owners), "tensors",
                                &c->owners, err);
    if (status == LFUSE_OK)
        status = lfi_names_create(env, keys, &c->keys, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)keys, sizeof(*c->values), "metadata",
                                &c->values, err);
    c->text_bytes = text_size(h);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, c->text_bytes, 1, "names", &c->text, err);
    return status;
}

static void fill_metadata(const struct lfi_header *h, struct lfi_checkpoint *c)
{
    const char *key;
    json_t *value;
    int64_t i = 0;

    json_object_foreach(h->metadata, key, value)
    {
        c->keys.names[i] = add_text(c, key);
        c->values[i++] = add_text(c, json_string_value(value));
    }
    lfi_names_sort(&c->keys);
}

/* The tensors where they lie, which may be anywhere: views read at any address. */
static void fill_tensors(const struct lfi_header *h, char *data, struct lfi_checkpoint *c)
{
    int64_t i;

    for (i = 0; i < h->count; i++) {
        const struct lfi_record *r = &h->records[h->order[i]];

        c->names.names[i] = add_text(c, r->name);
        c->owners[i] = i;
        c->arrays[i] = lfi_array_share(&c->mapping);
        c->arrays[i].view = r->shape;
        c->arrays[i].view.data = data + r->begin;
    }
}

/* Names of the aliases in their order: sorted on their own, then appended. */
static lfuse_status fill_aliases(const struct lfi_env *env, const struct lfi_header *h,
                                 struct lfi_checkpoint *c, lfuse_error *err)
{
    struct lfi_names aliases = {0}, stored = c->names;
    lfuse_status status;
    const char *key;
    json_t *value;
    int64_t i = 0;

    stored.count = h->count;
    lfi_names_sort(&stored);
    status = lfi_names_create(env, (int64_t)json_object_size(h->aliases), &aliases, err);
    if (status != LFUSE_OK)
        return status;
    json_object_foreach(h->aliases, key, value)
    {
        aliases.names[i++] = key;
    }
    lfi_names_sort(&aliases);
    for (i = 0; i < aliases.count; i++) {
        const char *name = aliases.names[aliases.order[i]];
        int64_t owner =
            lfi_names_find(&stored, json_string_value(json_object_get(h->aliases, name)));

        c->names.names[h->count + i] = add_text(c, name);
        c->owners[h->count + i] = owner;
        c->arrays[h->count + i] = lfi_array_share(&c->arrays[owner]);
    }
    lfi_names_free(env, &aliases);
    lfi_names_sort(&c->names);
    return LFUSE_OK;
}

static lfuse_status fill(const struct lfi_env *env, const struct lfi_header *h,
                         char *data, struct lfi_checkpoint *c, lfuse_error *err)
{
    lfuse_status status = reserve(env, h, c, err);
    size_t text_bytes = c->text_bytes;

    if (status != LFUSE_OK)
        return status;
    c->text_bytes = 0; /* counts what is filled in, and ends where it was */
    fill_metadata(h, c);
    fill_tensors(h, data, c);
    status = fill_aliases(env, h, c, err);
    c->text_bytes = text_bytes;
    return status;
}

/* The size of the header, of a file of size bytes. */
static lfuse_status read_prefix(const unsigned char *bytes, size_t size,
                                size_t max_header_bytes, size_t *header_size,
                                lfuse_error *err)
{
    size_t allowed = max_header_bytes != 0 ? max_header_bytes : LFI_HEADER_DEFAULT;
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

lfuse_status lfi_checkpoint_open(const struct lfi_env *env, const char *path,
                                 size_t max_header_bytes,
                                 struct lfi_checkpoint *checkpoint, lfuse_error *err)
{
    struct lfi_header header = {0};
    size_t size, header_size = 0;
    lfuse_status status;
    char *bytes;

    memset(checkpoint, 0, sizeof(*checkpoint));
    status = lfi_checkpoint_map(env, path, &checkpoint->mapping, &size, err);
    if (status != LFUSE_OK)
        return status;
    bytes = checkpoint->mapping.view.data;
    status = read_prefix((const unsigned char *)bytes, size, max_header_bytes,
                         &header_size, err);
    if (status != LFUSE_OK)
        goto done;
    bytes += LFI_PREFIX;
    size -= LFI_PREFIX + header_size;
    status = lfi_header_parse(env, bytes, header_size, (int64_t)size, &header, err);
    if (status == LFUSE_OK)
        status = fill(env, &header, bytes + header_size, checkpoint, err);
done:
    lfi_header_free(env, &header);
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
    lfi_free(env, c->owners, (size_t)c->names.count, sizeof(*c->owners));
    lfi_free(env, c->arrays, (size_t)c->names.count, sizeof(*c->arrays));
    lfi_names_free(env, &c->names);
    lfi_array_release(&c->mapping);
    memset(c, 0, sizeof(*c));
}
