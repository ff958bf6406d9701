/*
 * banks_index.c - the tensors of which a file has the rows once, in banks
 *
 * Every row number is checked against the bank, and every size, before memory is taken. A bank is
 * not shown: what it shows is.
 */
#include "base/json.h"
#include "checkpoint/banks.h"

#include <string.h>

/* One bank of a header. */
struct bank {
    const struct lfi_record *record;
    int32_t axis;
    json_t *entries; /* of arrays of rows */
};

bool lfi_banks_has(const struct lfi_header *header, const char *name)
{
    return json_object_get(header->banks, name) != NULL;
}

static lfuse_status fail(const char *bank, const char *what, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_BANKS ": %s %s", lfi_quote(bank).text,
                    what);
}

/* {"axis": n, "entries": {...}} of a tensor that the file stores. */
static lfuse_status read_bank(const struct lfi_record *record, const json_t *value,
                              struct bank *bank, lfuse_error *err)
{
    const json_t *axis = json_object_get(value, "axis");

    *bank = (struct bank){.record = record, .entries = json_object_get(value, "entries")};
    if (record->skipped)
        return fail(record->name, "is of a type or shape that is not supported", err);
    if (!json_is_integer(axis) || !json_is_object(bank->entries) ||
        json_object_size(bank->entries) == 0 || json_object_size(value) != 2)
        return fail(record->name, "is no object of axis and entries", err);
    if (json_integer_value(axis) < 0 || json_integer_value(axis) >= record->shape.rank)
        return fail(record->name, "has an axis that the tensor does not have", err);
    bank->axis = (int32_t)json_integer_value(axis);
    return LFUSE_OK;
}

/* A name of its own, and rows that the bank has; of a size that fits. */
static lfuse_status check_entry(const struct lfi_header *h, const struct bank *bank,
                                const char *name, const json_t *rows, lfuse_error *err)
{
    const struct lfi_view *shape = &bank->record->shape;
    const struct lfi_quoted quoted = lfi_quote(name);
    int64_t bytes = (int64_t)lfi_view_bytes(shape) / shape->dims[0];
    size_t i;

    if (json_object_get(h->root, name) != NULL ||
        json_object_get(h->aliases, name) != NULL || strcmp(name, LFI_KEY_METADATA) == 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_BANKS ": %s is taken",
                        quoted.text);
    if (!json_is_array(rows) || json_array_size(rows) == 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_BANKS ": %s is no array of rows",
                        quoted.text);
    if (!lfi_mul_int64(bytes, (int64_t)json_array_size(rows), &bytes))
        return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_BANKS ": %s is too large",
                        quoted.text);
    for (i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        if (!json_is_integer(row) || json_integer_value(row) < 0 ||
            json_integer_value(row) >= shape->dims[0])
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            LFI_KEY_BANKS ": row %zu of %s is none of the %lld of %s", i,
                            quoted.text, (long long)shape->dims[0],
                            lfi_quote(bank->record->name).text);
    }
    return LFUSE_OK;
}

static lfuse_status check_bank(const struct lfi_header *h,
                               const struct lfi_record *record, const json_t *value,
                               json_t *seen, lfuse_error *err)
{
    struct bank bank;
    lfuse_status status = read_bank(record, value, &bank, err);
    const char *entry;
    json_t *rows;

    if (status != LFUSE_OK)
        return status;
    json_object_foreach(bank.entries, entry, rows)
    {
        status = check_entry(h, &bank, entry, rows, err);
        if (status == LFUSE_OK && json_object_get(seen, entry) != NULL)
            status = lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_BANKS ": %s is in two",
                              lfi_quote(entry).text);
        if (status == LFUSE_OK && json_object_set(seen, entry, rows) != 0)
            status = lfi_fail(err, LFUSE_ERR_NO_MEMORY, "banks: malloc refused memory");
        if (status != LFUSE_OK)
            return status;
    }
    return status;
}

/* Banks are stored, and nothing but their entries shows them. */
static lfuse_status check_names(const struct lfi_header *h, lfuse_error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach(h->banks, name, value)
    {
        if (json_object_get(h->root, name) == NULL || strcmp(name, LFI_KEY_METADATA) == 0)
            return fail(name, "is not stored", err);
    }
    json_object_foreach(h->aliases, name, value)
    {
        if (lfi_banks_has(h, json_string_value(value)))
            return fail(json_string_value(value), "has an alias", err);
    }
    return LFUSE_OK;
}

static lfuse_status check_all(struct lfi_header *h, lfuse_error *err)
{
    lfuse_status status = check_names(h, err);
    json_t *seen = json_object();
    int64_t i;

    if (status == LFUSE_OK && seen == NULL)
        status = lfi_fail(err, LFUSE_ERR_NO_MEMORY, "banks: malloc refused memory");
    for (i = 0; i < h->count && status == LFUSE_OK; i++)
        if (lfi_banks_has(h, h->records[i].name))
            status = check_bank(h, &h->records[i],
                                json_object_get(h->banks, h->records[i].name), seen, err);
    h->banked_count = (int64_t)json_object_size(seen);
    json_decref(seen);
    return status;
}

lfuse_status lfi_banks_parse(struct lfi_header *header, lfuse_error *err)
{
    json_t *text = json_object_get(header->metadata, LFI_KEY_BANKS);
    lfuse_status status;

    if (text == NULL)
        return LFUSE_OK;
    if (json_object_get(header->metadata, LFI_KEY_FORMAT) == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        LFI_KEY_BANKS " is there, " LFI_KEY_FORMAT " is not");
    status = lfi_json_parse(json_string_value(text), json_string_length(text),
                            LFI_KEY_BANKS, &header->banks, err);
    return status == LFUSE_OK ? check_all(header, err) : status;
}

/* ---- putting together ------------------------------------------------------------------------ */

/* Where the tensors of banks are found, by name. */
struct found {
    struct lfi_names names;
    struct bank *banks; /* (names.count) of each name */
};

static lfuse_status find_all(const struct lfi_env *env, const struct lfi_header *h,
                             struct found *found, lfuse_error *err)
{
    lfuse_status status = lfi_names_create(env, h->banked_count, &found->names, err);
    int64_t n = 0, i;
    const char *entry;
    json_t *rows;

    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)h->banked_count, sizeof(*found->banks), "banks",
                           &found->banks, err);
    for (i = 0; i < h->count && status == LFUSE_OK; i++) {
        const json_t *value = json_object_get(h->banks, h->records[i].name);
        struct bank bank;

        if (value == NULL)
            continue;
        status = read_bank(&h->records[i], value, &bank, err);
        json_object_foreach(bank.entries, entry, rows)
        {
            found->names.names[n] = entry;
            found->banks[n++] = bank;
        }
    }
    if (status != LFUSE_OK)
        return status;
    lfi_names_sort(&found->names);
    return status;
}

/* The tensor's dims: the bank's, with as many rows as there are, where they were. */
static struct lfi_view shape_of(const struct bank *bank, const json_t *rows)
{
    struct lfi_view shape = bank->record->shape;
    int32_t i;

    for (i = 0; i < bank->axis; i++)
        shape.dims[i] = bank->record->shape.dims[i + 1];
    shape.dims[bank->axis] = (int64_t)json_array_size(rows);
    return shape;
}

static void fill_rows(const struct lfi_part *part, const struct bank *bank,
                      const json_t *rows, const struct lfi_array *array)
{
    const struct lfi_view to = lfi_view_axis_first(&array->view, bank->axis);
    const size_t size = lfi_dtype_size(to.dtype);
    struct lfi_view target = to, source = bank->record->shape;
    size_t i;

    target.dims[0] = source.dims[0] = 1;
    for (i = 0; i < json_array_size(rows); i++) {
        const int64_t row = json_integer_value(json_array_get(rows, i));

        target.data = (char *)to.data + (size_t)((int64_t)i * to.strides[0]) * size;
        source.data =
            part->data + bank->record->begin + (size_t)(row * source.strides[0]) * size;
        lfi_view_copy(&target, &source);
    }
}

static lfuse_status check_room(const struct found *found, size_t max_bytes, size_t *used,
                               lfuse_error *err)
{
    size_t sum = *used;
    int64_t i;

    for (i = 0; i < found->names.count; i++) {
        const struct bank *bank = &found->banks[i];
        const struct lfi_view shape =
            shape_of(bank, json_object_get(bank->entries, found->names.names[i]));

        if (!lfi_add_size(sum, lfi_view_bytes(&shape), &sum) || sum > max_bytes)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "the tensors of banks take more bytes than "
                            "options.max_bank_bytes allows, %zu",
                            max_bytes);
    }
    *used = sum;
    return LFUSE_OK;
}

lfuse_status
lfi_banks_unpack(const struct lfi_env *env, const struct lfi_part *part, size_t max_bytes,
                 size_t *used, struct lfi_checkpoint *c, int64_t *at,
                 const char *(*add_text)(struct lfi_checkpoint *c, const char *text),
                 lfuse_error *err)
{
    const struct lfi_header *h = &part->header;
    struct found found = {0};
    lfuse_status status = find_all(env, h, &found, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = check_room(&found, max_bytes, used, err);
    for (i = 0; i < h->banked_count && status == LFUSE_OK; i++) {
        const int64_t k = found.names.order[i];
        const struct bank *bank = &found.banks[k];
        const json_t *rows = json_object_get(bank->entries, found.names.names[k]);
        const struct lfi_view shape = shape_of(bank, rows);

        status = lfi_array_create(env, &shape, &c->arrays[*at], err);
        if (status != LFUSE_OK)
            break;
        fill_rows(part, bank, rows, &c->arrays[*at]);
        c->names.names[*at] = add_text(c, found.names.names[k]);
        c->owners[*at] = *at;
        ++*at;
    }
    lfi_free(env, found.banks, (size_t)h->banked_count, sizeof(*found.banks));
    lfi_names_free(env, &found.names);
    return status;
}
