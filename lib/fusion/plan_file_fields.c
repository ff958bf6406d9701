/* plan_file_fields.c - objects of JSON: built, and, of unknown origin, looked at field by field */
#include "fusion/plan_file.h"

#include <string.h>

static lfuse_status wrong(const char *where, const char *key, const char *what,
                          lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s is no %s", where, key, what);
}

json_t *lfi_fields_finish(json_t *built, int failed)
{
    if (failed == 0)
        return built;
    json_decref(built);
    return NULL;
}

lfuse_status lfi_fields_check(const json_t *object, const char *where,
                              const char *const *known, lfuse_error *err)
{
    const char *key;
    json_t *value;
    int i;

    if (!json_is_object(object))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no object", where);
    json_object_foreach((json_t *)object, key, value)
    {
        for (i = 0; known[i] != NULL && strcmp(known[i], key) != 0; i++)
            ;
        if (known[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "%s: this version does not know the field %s", where,
                            lfi_quote(key).text);
    }
    return LFUSE_OK;
}

lfuse_status lfi_fields_text(const json_t *object, const char *where, const char *key,
                             const char **out, lfuse_error *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return LFUSE_OK;
    if (!json_is_string(value))
        return wrong(where, key, "string", err);
    *out = json_string_value(value);
    return LFUSE_OK;
}

lfuse_status lfi_fields_number(const json_t *object, const char *where, const char *key,
                               double *out, lfuse_error *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return LFUSE_OK;
    if (!json_is_number(value))
        return wrong(where, key, "number", err);
    *out = json_number_value(value);
    return LFUSE_OK;
}

lfuse_status lfi_fields_count(const json_t *object, const char *where, const char *key,
                              int64_t *out, lfuse_error *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return LFUSE_OK;
    if (!json_is_integer(value))
        return wrong(where, key, "integer", err);
    if (json_integer_value(value) < 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s is %lld", where, key,
                        (long long)json_integer_value(value));
    *out = json_integer_value(value);
    return LFUSE_OK;
}

lfuse_status lfi_fields_array(const json_t *object, const char *where, const char *key,
                              json_t **out, lfuse_error *err)
{
    json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_array(value))
        return wrong(where, key, "array", err);
    *out = value;
    return LFUSE_OK;
}

lfuse_status lfi_fields_missing(const char *where, const char *key, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, "%s has no %s", where, key);
}

lfuse_status lfi_fields_element(const json_t *array, const char *where, size_t index,
                                const char **out, lfuse_error *err)
{
    const json_t *value = json_array_get(array, index);

    if (!json_is_string(value))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: element %zu is no string", where,
                        index);
    *out = json_string_value(value);
    return LFUSE_OK;
}
