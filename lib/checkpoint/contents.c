/*
 * contents.c - what opened files hold, as one checkpoint: names, arrays, owners, metadata
 *
 * Arrays share the mappings of the files. Strings are copied out of the JSON, which is dropped:
 * into one block, whose size is known from the headers before anything is filled in.
 */
#include "checkpoint/banks.h"
#include "checkpoint/residuals.h"

#include <jansson.h>
#include <string.h>

static const char *add_text(struct lfi_checkpoint *c, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = c->text + c->text_bytes;

    memcpy(copy, text, size);
    c->text_bytes += size;
    return copy;
}

/* {"dtype": ..., "shape": ...} of a tensor that is none of ours, into size bytes; its length, 0
 * when malloc refused. */
static size_t put_type(const struct lfi_header *h, const char *name, char *text,
                       size_t size)
{
    const json_t *fields = json_object_get(h->root, name);
    json_t *type = json_pack("{s:O, s:O}", "dtype", json_object_get(fields, "dtype"),
                             "shape", json_object_get(fields, "shape"));
    const size_t length = json_dumpb(type, text, size, JSON_COMPACT);

    json_decref(type);
    return length;
}

static size_t header_text_size(const struct lfi_header *h)
{
    size_t size = 0;
    const char *key, *entry;
    json_t *value, *rows;
    int64_t i;

    for (i = 0; i < h->count; i++) {
        size += strlen(h->records[i].name) + 1;
        if (h->records[i].skipped)
            size += put_type(h, h->records[i].name, NULL, 0) + 1;
    }
    json_object_foreach(h->aliases, key, value)
    {
        size += strlen(key) + 1;
    }
    json_object_foreach(h->banks, key, value)
    {
        json_object_foreach(json_object_get(value, "entries"), entry, rows)
        {
            size += strlen(entry) + 1;
        }
    }
    return size;
}

/* Of all the strings that will be kept. They come from headers, so their sum fits. */
static size_t text_size(const struct lfi_parts *parts)
{
    size_t size = 0;
    const char *key;
    json_t *value;
    int64_t k;

    for (k = 0; k < parts->count; k++) {
        size += header_text_size(&parts->list[k].header);
        size += parts->list[k].name != NULL ? strlen(parts->list[k].name) + 1 : 0;
    }
    json_object_foreach(parts->list[0].header.metadata, key, value)
    {
        size += strlen(key) + json_string_length(value) + 2;
    }
    return size;
}

/* Tensors that are no aliases: those stored, those in banks instead of the banks, and of factors
 * those that are asked for. */
static int64_t own_count(const struct lfi_parts *parts, bool apart)
{
    int64_t count = 0, k;

    for (k = 0; k < parts->count; k++) {
        const struct lfi_header *h = &parts->list[k].header;

        count += h->count - h->skipped_count;
        count += h->banked_count - (int64_t)json_object_size(h->banks);
        count -= apart ? 0 : (int64_t)json_object_size(h->factors);
    }
    return count;
}

static int64_t alias_count(const struct lfi_parts *parts)
{
    int64_t count = 0, k;

    for (k = 0; k < parts->count; k++)
        count += (int64_t)json_object_size(parts->list[k].header.aliases);
    return count;
}

static lfuse_status reserve_tensors(const struct lfi_env *env, int64_t count,
                                    struct lfi_checkpoint *c, lfuse_error *err)
{
    lfuse_status status = lfi_names_create(env, count, &c->names, err);

    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*c->arrays), "tensors",
                                &c->arrays, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*c->owners), "tensors",
                                &c->owners, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*c->files), "tensors",
                                &c->files, err);
    return status;
}

static lfuse_status reserve(const struct lfi_env *env, const struct lfi_parts *parts,
                            bool apart, struct lfi_checkpoint *c, lfuse_error *err)
{
    int64_t keys = (int64_t)json_object_size(parts->list[0].header.metadata), k;
    lfuse_status status =
        reserve_tensors(env, own_count(parts, apart) + alias_count(parts), c, err);

    for (k = 0; k < parts->count; k++) {
        c->skipped_count += parts->list[k].header.skipped_count;
        c->residual_room +=
            apart ? (int64_t)json_object_size(parts->list[k].header.residuals) : 0;
    }
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)c->residual_room, sizeof(*c->residuals),
                                "names", &c->residuals, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)c->skipped_count, sizeof(*c->skipped),
                                "names", &c->skipped, err);
    c->file_count = parts->count;
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)c->file_count, sizeof(*c->file_names),
                                "names", &c->file_names, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)c->file_count, sizeof(*c->contents), "files",
                                &c->contents, err);
    if (status == LFUSE_OK)
        status = lfi_names_create(env, keys, &c->keys, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)keys, sizeof(*c->values), "metadata",
                                &c->values, err);
    c->text_bytes = text_size(parts);
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

/* One more tensor that is none of ours. */
static lfuse_status add_skipped(const struct lfi_part *part, const struct lfi_record *r,
                                int64_t file, size_t room, struct lfi_checkpoint *c,
                                lfuse_error *err)
{
    struct lfi_carried *skipped = &c->skipped[c->skipped_count];
    size_t length;

    *skipped = (struct lfi_carried){.name = add_text(c, r->name),
                                    .type = c->text + c->text_bytes,
                                    .data = part->data + r->begin,
                                    .bytes = (size_t)(r->end - r->begin),
                                    .file = file};
    room -= c->text_bytes;
    length = put_type(&part->header, r->name, c->text + c->text_bytes, room);
    if (length == 0 || length >= room)
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "a header: malloc refused memory");
    c->text[c->text_bytes + length] = '\0';
    c->text_bytes += length + 1;
    c->skipped_count++;
    return LFUSE_OK;
}

/* From index *at on, which moves past them. They stay where they lie, wherever that is: views read
 * at any address. */
static lfuse_status fill_tensors(const struct lfi_part *part, int64_t file, bool apart,
                                 size_t room, struct lfi_checkpoint *c, int64_t *at,
                                 lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    c->contents[file] = lfi_array_share(&part->contents);
    for (i = 0; i < part->header.count && status == LFUSE_OK; i++) {
        const struct lfi_record *r = &part->header.records[part->header.order[i]];
        struct lfi_array *array;

        if (lfi_banks_has(&part->header, r->name) ||
            (!apart && lfi_residuals_has(&part->header, r->name)))
            continue;
        if (r->skipped) {
            status = add_skipped(part, r, file, room, c, err);
            continue;
        }
        c->names.names[*at] = add_text(c, r->name);
        c->owners[*at] = *at;
        c->files[*at] = file;
        array = &c->arrays[*at];
        *array = lfi_array_share(&part->contents);
        array->view = r->shape;
        array->view.data = part->data + r->begin;
        ++*at;
    }
    return status;
}

/* The tensors in banks, file by file. */
static lfuse_status fill_banked(const struct lfi_env *env, const struct lfi_parts *parts,
                                size_t max_bytes, size_t *used, struct lfi_checkpoint *c,
                                int64_t *at, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t k, i;

    for (k = 0; k < parts->count && status == LFUSE_OK; k++) {
        i = *at;
        if (parts->list[k].header.banks != NULL)
            status = lfi_banks_unpack(env, &parts->list[k], max_bytes, used, c, at,
                                      add_text, err);
        for (; i < *at; i++)
            c->files[i] = k;
    }
    return status;
}

/* The owner of an alias, by name: which file's alias it is, is only known by asking them all. */
static const char *owner_of(const struct lfi_parts *parts, const char *alias)
{
    const json_t *owner = NULL;
    int64_t k;

    for (k = 0; k < parts->count && owner == NULL; k++)
        owner = json_object_get(parts->list[k].header.aliases, alias);
    return json_string_value(owner);
}

/* Names of the aliases in their order: sorted on their own, then appended. */
static lfuse_status fill_aliases(const struct lfi_env *env, const struct lfi_parts *parts,
                                 int64_t first, struct lfi_checkpoint *c,
                                 lfuse_error *err)
{
    struct lfi_names aliases = {0}, stored = c->names;
    lfuse_status status;
    const char *key;
    json_t *value;
    int64_t i = 0, k;

    stored.count = first;
    lfi_names_sort(&stored);
    status = lfi_names_create(env, alias_count(parts), &aliases, err);
    if (status != LFUSE_OK)
        return status;
    for (k = 0; k < parts->count; k++) {
        json_object_foreach(parts->list[k].header.aliases, key, value)
        {
            aliases.names[i++] = key;
        }
    }
    lfi_names_sort(&aliases);
    for (i = 0; i < aliases.count; i++) {
        const char *name = aliases.names[aliases.order[i]];
        int64_t owner = lfi_names_find(&stored, owner_of(parts, name));

        if (owner < 0) {
            status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                              LFI_KEY_ALIASES ": %s is another name of a tensor of a "
                                              "type or shape that is not supported",
                              lfi_quote(name).text);
            break;
        }

        c->names.names[first + i] = add_text(c, name);
        c->owners[first + i] = owner;
        c->files[first + i] = c->files[owner];
        c->arrays[first + i] = lfi_array_share(&c->arrays[owner]);
    }
    lfi_names_free(env, &aliases);
    if (status == LFUSE_OK)
        lfi_names_sort(&c->names);
    return status;
}

/* Each file has been checked on its own, and the index knows what they store: not what they show
 * besides. */
static lfuse_status check_names(const struct lfi_names *names, lfuse_error *err)
{
    int64_t i;

    for (i = 1; i < names->count; i++) {
        const char *name = names->names[names->order[i]];

        if (strcmp(names->names[names->order[i - 1]], name) == 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s is in two files",
                            lfi_quote(name).text);
    }
    return LFUSE_OK;
}

lfuse_status lfi_contents_fill(const struct lfi_env *env, const struct lfi_parts *parts,
                               const struct lfi_open_params *params,
                               struct lfi_checkpoint *c, lfuse_error *err)
{
    lfuse_status status = reserve(env, parts, params->apart, c, err);
    size_t text_bytes = c->text_bytes, used = 0;
    int64_t first = 0, skipped, k;

    if (status != LFUSE_OK)
        return status;
    skipped = c->skipped_count;
    c->skipped_count = 0;
    c->text_bytes = 0; /* counts what is filled in, and ends where it was */
    fill_metadata(&parts->list[0].header, c);
    for (k = 0; k < parts->count && status == LFUSE_OK; k++) {
        if (parts->list[k].name != NULL)
            c->file_names[k] = add_text(c, parts->list[k].name);
        status =
            fill_tensors(&parts->list[k], k, params->apart, text_bytes, c, &first, err);
    }
    if (status == LFUSE_OK)
        status = fill_banked(env, parts, params->max_bank_bytes, &used, c, &first, err);
    if (status == LFUSE_OK)
        status = fill_aliases(env, parts, first, c, err);
    if (status == LFUSE_OK)
        status = check_names(&c->names, err);
    for (k = 0; k < parts->count && status == LFUSE_OK; k++)
        status = lfi_residuals_fill(env, &parts->list[k], params->apart,
                                    params->max_bank_bytes, &used, c, err);
    c->text_bytes = text_bytes;
    c->skipped_count = skipped; /* of which some are not filled in on failure */
    return status;
}
