/* json.c - JSON of unknown origin */
#include "base/json.h"

/* Jansson says why, except where its memory ran out on the way. */
static lfuse_status fail_json(const json_error_t *error, const char *what,
                              lfuse_error *err)
{
    if (json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "%s: malloc refused memory", what);
    if (error->line > 1) /* of a text that people read */
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s, line %d: %s", what, error->line,
                        lfi_quote(error->text).text);
    return lfi_fail(err, LFUSE_ERR_FORMAT, "%s, byte %d: %s", what, error->position,
                    lfi_quote(error->text).text);
}

lfuse_status lfi_json_parse(const char *text, size_t size, const char *what, json_t **out,
                            lfuse_error *err)
{
    json_error_t error = {0};
    json_t *root;

    if (size == 0 || text[0] != '{')
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s does not begin with '{'", what);
    root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return fail_json(&error, what, err);
    *out = root;
    return LFUSE_OK;
}

lfuse_status lfi_json_check_strings(json_t *object, const char *what, lfuse_error *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no object", what);
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: the value of %s is no string",
                            what, lfi_quote(key).text);
    }
    return LFUSE_OK;
}
