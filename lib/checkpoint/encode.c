/*
 * encode.c - the header of a file to be written
 *
 *     {"__metadata__": {the caller's, aliases, banks, format}, the tensors in the order of their data}
 *
 * Without whitespace, then spaces, so that the data begins at a multiple of 64 bytes: a cache
 * line, and more than the 8 that the reference writer keeps to. Without metadata and aliases
 * there is no __metadata__, and the file is like anybody's.
 */
#include "checkpoint/residuals.h"

#include <jansson.h>
#include <string.h>

enum { DATA_ALIGN = 64 };

static lfuse_status no_memory(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "a header: malloc refused memory");
}

static lfuse_status check_pair(const char *key, const char *value, int64_t index,
                               lfuse_error *err)
{
    struct lfi_quoted quoted = lfi_quote(key);

    if (key[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.metadata: key %lld is empty",
                        (long long)index);
    if (strncmp(key, LFI_KEY_PREFIX, strlen(LFI_KEY_PREFIX)) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.metadata: the key %s is reserved", quoted.text);
    if (!lfi_is_utf8(key))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.metadata: the key %s is not UTF-8", quoted.text);
    if (!lfi_is_utf8(value))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.metadata: the value of %s is not UTF-8", quoted.text);
    return LFUSE_OK;
}

static lfuse_status
add_metadata(json_t *target, const struct lfi_checkpoint_params *params, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    for (i = 0; i < params->metadata_count; i++) {
        const char *key = params->metadata[2 * i], *value = params->metadata[2 * i + 1];

        status = check_pair(key, value, i, err);
        if (status != LFUSE_OK)
            return status;
        if (json_object_get(target, key) != NULL)
            return lfi_fail(err, LFUSE_ERR_NAME, "options.metadata has the key %s twice",
                            lfi_quote(key).text);
        if (json_object_set_new(target, key, json_string(value)) != 0)
            return no_memory(err);
    }
    return LFUSE_OK;
}

/* Alias to owner, by name; NULL when malloc refused. */
static json_t *alias_object(const struct lfi_layout *l)
{
    json_t *aliases = json_object();
    int failed = aliases == NULL;
    int64_t i;

    for (i = 0; i < l->alias_count; i++) {
        int64_t alias = l->aliases[i];

        failed |= json_object_set_new(aliases, l->entries[alias].name,
                                      json_string(l->entries[l->owners[alias]].name));
    }
    if (failed == 0)
        return aliases;
    json_decref(aliases);
    return NULL;
}

/* The object goes in as text: into memory of ours, for Jansson's may have a host's own free. */
static lfuse_status add_aliases(const struct lfi_env *env, json_t *target,
                                const struct lfi_layout *l, lfuse_error *err)
{
    json_t *aliases;
    char *text = NULL;
    size_t size;
    lfuse_status status;

    if (l->alias_count == 0)
        return LFUSE_OK;
    aliases = alias_object(l);
    size = json_dumpb(aliases, NULL, 0, JSON_COMPACT); /* 0 for NULL */
    status = size == 0 ? no_memory(err) : lfi_alloc(env, size, 1, "a header", &text, err);
    if (status == LFUSE_OK &&
        (json_dumpb(aliases, text, size, JSON_COMPACT) != size ||
         json_object_set_new(target, LFI_KEY_ALIASES, json_stringn(text, size)) != 0 ||
         json_object_set_new(target, LFI_KEY_FORMAT, json_string(LFI_FORMAT)) != 0))
        status = no_memory(err);
    lfi_free(env, text, size, 1);
    json_decref(aliases);
    return status;
}

static lfuse_status add_banks(json_t *target, const struct lfi_layout *l,
                              lfuse_error *err)
{
    if (l->banks == NULL)
        return LFUSE_OK;
    if (json_object_set_new(target, LFI_KEY_BANKS,
                            json_stringn(l->banks, l->banks_size)) != 0 ||
        json_object_set_new(target, LFI_KEY_FORMAT, json_string(LFI_FORMAT)) != 0)
        return no_memory(err);
    return LFUSE_OK;
}

/* NULL when malloc refused. Setting a value of NULL fails, so only the sets are looked at. */
static json_t *tensor_fields(const struct lfi_view *view, int64_t begin)
{
    static const char *const names[] = {[LFUSE_F32] = "F32",
                                        [LFUSE_F64] = "F64",
                                        [LFUSE_F16] = "F16",
                                        [LFUSE_BF16] = "BF16"};
    json_t *fields = json_object(), *shape = json_array(), *offsets = json_array();
    int64_t end = begin + (int64_t)lfi_view_bytes(view);
    int failed = 0;
    int32_t i;

    for (i = 0; i < view->rank; i++)
        failed |= json_array_append_new(shape, json_integer(view->dims[i]));
    failed |= json_array_append_new(offsets, json_integer(begin));
    failed |= json_array_append_new(offsets, json_integer(end));
    failed |= json_object_set_new(fields, "dtype", json_string(names[view->dtype]));
    failed |= json_object_set_new(fields, "shape", shape);
    failed |= json_object_set_new(fields, "data_offsets", offsets);
    if (failed == 0)
        return fields;
    json_decref(fields);
    return NULL;
}

/* Those whose sizes keep what follows aligned are in front, the others behind. */
static lfuse_status add_carried(json_t *root, const struct lfi_checkpoint_params *params,
                                bool front, int64_t *begin, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < params->carried_count; i++) {
        const struct lfi_carried *c = &params->carried[i];
        json_t *fields, *offsets;

        if (lfi_carried_is_front(c) != front)
            continue;
        fields = json_loads(c->type, 0, NULL);
        offsets = json_pack("[I, I]", (json_int_t)*begin,
                            (json_int_t)(*begin + (int64_t)c->bytes));
        if (json_object_set_new(fields, "data_offsets", offsets) != 0 ||
            json_object_set_new(root, c->name, fields) != 0) {
            json_decref(fields);
            return no_memory(err);
        }
        *begin += (int64_t)c->bytes;
    }
    return LFUSE_OK;
}

static lfuse_status build(const struct lfi_env *env, json_t *root,
                          const struct lfi_layout *l,
                          const struct lfi_checkpoint_params *params, lfuse_error *err)
{
    json_t *metadata = json_object();
    int64_t begin = 0, i;
    lfuse_status status;

    if (json_object_set_new(root, LFI_KEY_METADATA, metadata) != 0)
        return no_memory(err);
    status = add_metadata(metadata, params, err);
    if (status == LFUSE_OK)
        status = add_aliases(env, metadata, l, err);
    if (status == LFUSE_OK)
        status = add_banks(metadata, l, err);
    if (status == LFUSE_OK)
        status = lfi_residuals_encode(env, l, params, metadata, err);
    if (status != LFUSE_OK)
        return status;
    if (json_object_size(metadata) == 0)
        (void)json_object_del(root, LFI_KEY_METADATA);
    status = add_carried(root, params, true, &begin, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < l->stored_count; i++) {
        const struct lfi_checkpoint_entry *entry = &l->entries[l->stored[i]];

        if (json_object_set_new(root, entry->name, tensor_fields(entry->view, begin)) !=
            0)
            return no_memory(err);
        begin += (int64_t)lfi_view_bytes(entry->view);
    }
    return add_carried(root, params, false, &begin, err);
}

/* Where the data begins, behind text_size bytes of JSON, in a file that can be read again. */
static lfuse_status place_data(size_t text_size, int64_t data_bytes, size_t *bytes,
                               lfuse_error *err)
{
    size_t padded = (LFI_PREFIX + text_size + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;

    if (padded - LFI_PREFIX > (size_t)LFI_HEADER_MAX)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "the header takes %zu bytes, %lld are allowed",
                        padded - LFI_PREFIX, (long long)LFI_HEADER_MAX);
    if (data_bytes > INT64_MAX - (int64_t)padded)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the file has too many bytes");
    *bytes = padded;
    return LFUSE_OK;
}

static lfuse_status dump(const struct lfi_env *env, const json_t *root,
                         int64_t data_bytes, char **text, size_t *bytes, lfuse_error *err)
{
    size_t text_size = json_dumpb(root, NULL, 0, JSON_COMPACT), n, i;
    lfuse_status status;

    if (text_size == 0)
        return no_memory(err);
    status = place_data(text_size, data_bytes, bytes, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, *bytes, 1, "a header", text, err);
    if (status != LFUSE_OK)
        return status;
    memset(*text, ' ', *bytes);
    n = *bytes - LFI_PREFIX;
    for (i = 0; i < LFI_PREFIX; i++, n >>= 8)
        (*text)[i] = (char)(n & 0xff);
    if (json_dumpb(root, *text + LFI_PREFIX, text_size, JSON_COMPACT) == text_size)
        return LFUSE_OK;
    lfi_free(env, *text, *bytes, 1);
    *text = NULL;
    return no_memory(err);
}

lfuse_status lfi_header_encode(const struct lfi_env *env, const struct lfi_layout *layout,
                               const struct lfi_checkpoint_params *params, char **text,
                               size_t *bytes, lfuse_error *err)
{
    json_t *root = json_object();
    lfuse_status status = build(env, root, layout, params, err);

    if (status == LFUSE_OK)
        status = dump(env, root, layout->data_bytes, text, bytes, err);
    json_decref(root);
    return status;
}
