/*
 * record.c - what the header says of one tensor
 *
 *     "name": {"dtype": "F32", "shape": [16, 3], "data_offsets": [begin, end]}
 *
 * Exactly these three fields; integers >= 0; end - begin is what dtype and shape take.
 */
#include "checkpoint/record.h"

#include <string.h>

static lfuse_dtype dtype_from(const char *name)
{
    if (strcmp(name, "F32") == 0)
        return LFUSE_F32;
    if (strcmp(name, "F64") == 0)
        return LFUSE_F64;
    if (strcmp(name, "F16") == 0)
        return LFUSE_F16;
    return strcmp(name, "BF16") == 0 ? LFUSE_BF16 : 0;
}

/* field[index], an integer >= 0. */
static lfuse_status read_integer(const char *tensor, const char *field,
                                 const json_t *array, size_t index, int64_t *out,
                                 lfuse_error *err)
{
    const json_t *value = json_array_get(array, index);

    if (!json_is_integer(value))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s: %s[%zu] is no integer",
                        lfi_quote(tensor).text, field, index);
    if (json_integer_value(value) < 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s: %s[%zu] is %lld",
                        lfi_quote(tensor).text, field, index,
                        (long long)json_integer_value(value));
    *out = json_integer_value(value);
    return LFUSE_OK;
}

/* The dims that a view has room for, and the number of elements of them all. */
static lfuse_status read_shape(const json_t *shape, struct lfi_record *r,
                               int64_t *elements, lfuse_error *err)
{
    lfuse_status status;
    int64_t dim;

    *elements = 1;
    for (r->rank = 0; r->rank < (int64_t)json_array_size(shape); r->rank++) {
        status = read_integer(r->name, "shape", shape, (size_t)r->rank, &dim, err);
        if (status != LFUSE_OK)
            return status;
        if (!lfi_mul_int64(*elements, dim, elements))
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            "tensor %s: shape is too large: %lld elements times %lld",
                            lfi_quote(r->name).text, (long long)*elements,
                            (long long)dim);
        if (r->rank < LFI_MAX_RANK)
            r->shape.dims[r->shape.rank++] = dim;
    }
    return LFUSE_OK;
}

/* Of types that are not ours the size is not known, and not needed: they are refused later. */
static lfuse_status check_size(const struct lfi_record *r, int64_t elements,
                               lfuse_error *err)
{
    int64_t size;

    if (r->begin > r->end)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "tensor %s: data_offsets begin at %lld, end at %lld",
                        lfi_quote(r->name).text, (long long)r->begin, (long long)r->end);
    if (r->shape.dtype == 0)
        return LFUSE_OK;
    if (!lfi_mul_int64(elements, (int64_t)lfi_dtype_size(r->shape.dtype), &size))
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "tensor %s: shape is too large: %lld elements of %s",
                        lfi_quote(r->name).text, (long long)elements, r->dtype);
    if (size != r->end - r->begin)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "tensor %s: data_offsets hold %lld bytes, %lld elements of %s "
                        "take %lld",
                        lfi_quote(r->name).text, (long long)(r->end - r->begin),
                        (long long)elements, r->dtype, (long long)size);
    return LFUSE_OK;
}

static lfuse_status missing(const char *tensor, const char *what, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s: %s", lfi_quote(tensor).text, what);
}

static lfuse_status check_fields(const char *tensor, json_t *fields, lfuse_error *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(fields))
        return missing(tensor, "its value is no object", err);
    if (!json_is_string(json_object_get(fields, "dtype")))
        return missing(tensor, "dtype is no string", err);
    if (!json_is_array(json_object_get(fields, "shape")))
        return missing(tensor, "shape is no array", err);
    value = json_object_get(fields, "data_offsets");
    if (!json_is_array(value) || json_array_size(value) != 2)
        return missing(tensor, "data_offsets is no array of two", err);
    json_object_foreach(fields, key, value)
    {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "tensor %s: unknown field %s",
                            lfi_quote(tensor).text, lfi_quote(key).text);
    }
    return LFUSE_OK;
}

lfuse_status lfi_record_parse(const char *name, json_t *fields, struct lfi_record *record,
                              lfuse_error *err)
{
    struct lfi_record r = {.name = name};
    const json_t *offsets;
    int64_t elements;
    lfuse_status status = check_fields(name, fields, err);

    if (status != LFUSE_OK)
        return status;
    r.dtype = json_string_value(json_object_get(fields, "dtype"));
    r.shape.dtype = dtype_from(r.dtype);
    offsets = json_object_get(fields, "data_offsets");
    status = read_shape(json_object_get(fields, "shape"), &r, &elements, err);
    if (status == LFUSE_OK)
        status = read_integer(name, "data_offsets", offsets, 0, &r.begin, err);
    if (status == LFUSE_OK)
        status = read_integer(name, "data_offsets", offsets, 1, &r.end, err);
    if (status == LFUSE_OK)
        status = check_size(&r, elements, err);
    if (status == LFUSE_OK)
        *record = r;
    return status;
}

lfuse_status lfi_record_check_supported(struct lfi_record *r, lfuse_error *err)
{
    struct lfi_quoted name = lfi_quote(r->name);
    int64_t stride = 1;
    int32_t i;

    if (r->shape.dtype == 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "tensor %s is of type %s; F32, F64, F16 and BF16 are supported",
                        name.text, lfi_quote(r->dtype).text);
    if (r->rank < 1 || r->rank > LFI_MAX_RANK)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "tensor %s has rank %lld; 1 to %d are supported", name.text,
                        (long long)r->rank, (int)LFI_MAX_RANK);
    for (i = 0; i < r->shape.rank;
         i++) /* all of them first: beside a 0 no product is bounded */
        if (r->shape.dims[i] == 0)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "tensor %s: shape[%d] is 0; empty tensors are not supported",
                            name.text, (int)i);
    for (i = r->shape.rank - 1; i >= 0; i--) {
        r->shape.strides[i] = stride;
        stride *= r->shape.dims[i]; /* its product with the size fits: check_size() */
    }
    return LFUSE_OK;
}
