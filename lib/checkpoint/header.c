/*
 * header.c - the JSON header of a safetensors file, checked against the size of its data
 *
 * What contradicts the format is reported before what this version merely does not take, so
 * that "unsupported" means a sound file.
 */
#include "base/json.h"
#include "checkpoint/banks.h"
#include "checkpoint/record.h"
#include "checkpoint/residuals.h"

#include <string.h>

/* Of two empty tensors at one place either may come first. */
static int by_data(const void *arg, int64_t a, int64_t b)
{
    const struct lfi_record *records = arg, *x = &records[a], *y = &records[b];

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Each begins where the one before ends, and the last ends with the file. */
static lfuse_status check_cover(const struct lfi_header *h, int64_t data_bytes,
                                lfuse_error *err)
{
    int64_t end = 0, i;

    for (i = 0; i < h->count; i++) {
        const struct lfi_record *r = &h->records[h->order[i]];

        if (r->begin != end)
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            "tensor %s begins at byte %lld of the data, the one before "
                            "ends at %lld: %s",
                            lfi_quote(r->name).text, (long long)r->begin, (long long)end,
                            r->begin < end ? "an overlap" : "a hole");
        end = r->end;
    }
    if (end != data_bytes)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "the tensors have %lld bytes of data, the file has %lld",
                        (long long)end, (long long)data_bytes);
    return LFUSE_OK;
}

static lfuse_status parse_records(const struct lfi_env *env, struct lfi_header *h,
                                  lfuse_error *err)
{
    lfuse_status status;
    const char *key;
    json_t *value;
    int64_t i = 0;

    h->metadata = json_object_get(h->root, LFI_KEY_METADATA);
    h->count = (int64_t)json_object_size(h->root) - (h->metadata != NULL);
    status = lfi_alloc_zero(env, (size_t)h->count, sizeof(*h->records), "a header",
                            &h->records, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)h->count, sizeof(*h->order), "a header",
                                &h->order, err);
    if (status == LFUSE_OK && h->metadata != NULL)
        status = lfi_json_check_strings(h->metadata, LFI_KEY_METADATA, err);
    if (status != LFUSE_OK)
        return status;
    json_object_foreach(h->root, key, value)
    {
        if (strcmp(key, LFI_KEY_METADATA) == 0)
            continue;
        h->order[i] = i;
        status = lfi_record_parse(key, value, &h->records[i++], err);
        if (status != LFUSE_OK)
            return status;
    }
    return LFUSE_OK;
}

/* An alias is a name of its own, of a tensor that the file stores. */
static lfuse_status check_aliases(const struct lfi_header *h, lfuse_error *err)
{
    const char *alias;
    json_t *value;

    json_object_foreach(h->aliases, alias, value)
    {
        const char *owner = json_string_value(value);

        if (json_object_get(h->root, alias) != NULL ||
            strcmp(alias, LFI_KEY_METADATA) == 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_ALIASES ": %s is taken",
                            lfi_quote(alias).text);
        if (json_object_get(h->root, owner) == NULL ||
            strcmp(owner, LFI_KEY_METADATA) == 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            LFI_KEY_ALIASES ": the owner of %s, %s, is not stored",
                            lfi_quote(alias).text, lfi_quote(owner).text);
    }
    return LFUSE_OK;
}

static lfuse_status parse_aliases(struct lfi_header *h, lfuse_error *err)
{
    json_t *text = json_object_get(h->metadata, LFI_KEY_ALIASES);
    lfuse_status status;

    if (text == NULL)
        return LFUSE_OK;
    if (json_object_get(h->metadata, LFI_KEY_FORMAT) == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        LFI_KEY_ALIASES " is there, " LFI_KEY_FORMAT " is not");
    status = lfi_json_parse(json_string_value(text), json_string_length(text),
                            LFI_KEY_ALIASES, &h->aliases, err);
    if (status == LFUSE_OK)
        status = lfi_json_check_strings(h->aliases, LFI_KEY_ALIASES, err);
    if (status == LFUSE_OK)
        status = check_aliases(h, err);
    return status;
}

/* A newer layerfuse may keep tensors where this one would not find them. */
static lfuse_status check_format(const json_t *metadata, lfuse_error *err)
{
    const char *format = json_string_value(json_object_get(metadata, LFI_KEY_FORMAT));

    if (format != NULL && strcmp(format, LFI_FORMAT) != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        LFI_KEY_FORMAT " is %s, this version knows " LFI_FORMAT,
                        lfi_quote(format).text);
    return LFUSE_OK;
}

static lfuse_status check_supported(struct lfi_header *h, bool skip, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < h->count && status == LFUSE_OK; i++) {
        struct lfi_record *r = &h->records[h->order[i]];

        status = lfi_record_check_supported(r, skip ? NULL : err);
        r->skipped = status != LFUSE_OK;
        h->skipped_count += r->skipped;
        if (skip)
            status = LFUSE_OK;
    }
    return status;
}

lfuse_status lfi_header_parse(const struct lfi_env *env, const char *text, size_t size,
                              bool skip, int64_t data_bytes, struct lfi_header *header,
                              lfuse_error *err)
{
    lfuse_status status;

    memset(header, 0, sizeof(*header));
    status = lfi_json_parse(text, size, "the header", &header->root, err);
    if (status == LFUSE_OK)
        status = parse_records(env, header, err);
    if (status == LFUSE_OK) {
        lfi_index_sort(header->order, header->count, by_data, header->records);
        status = check_cover(header, data_bytes, err);
    }
    if (status == LFUSE_OK)
        status = check_format(header->metadata, err);
    if (status == LFUSE_OK)
        status = parse_aliases(header, err);
    if (status == LFUSE_OK)
        status = check_supported(header, skip, err);
    if (status == LFUSE_OK)
        status = lfi_banks_parse(header, err);
    if (status == LFUSE_OK)
        status = lfi_residuals_parse(header, err);
    if (status != LFUSE_OK)
        lfi_header_free(env, header);
    return status;
}

void lfi_header_free(const struct lfi_env *env, struct lfi_header *header)
{
    lfi_free(env, header->order, (size_t)header->count, sizeof(*header->order));
    lfi_free(env, header->records, (size_t)header->count, sizeof(*header->records));
    json_decref(header->factors);
    json_decref(header->residuals);
    json_decref(header->banks);
    json_decref(header->aliases);
    json_decref(header->root);
    memset(header, 0, sizeof(*header));
}
