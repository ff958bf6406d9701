/* json.c - see json.h */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static json_t *must(json_t *value)
{
    if (value == NULL)
        exit(lfc_fail(LFC_FAILED, "no memory for the JSON"));
    return value;
}

json_t *lfc_json_object(void)
{
    return must(json_object());
}

json_t *lfc_json_array(void)
{
    return must(json_array());
}

void lfc_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, must(value)) != 0)
        must(NULL);
}

void lfc_json_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, must(value)) != 0)
        must(NULL);
}

json_t *lfc_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lfc_json_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy;
    size_t i;

    if (value != NULL)
        return value;
    copy = lfc_copy(text, strlen(text));
    for (i = 0; copy[i] != '\0'; i++)
        copy[i] = (unsigned char)copy[i] < 0x80 ? copy[i] : '?';
    value = json_string(copy);
    free(copy);
    return value;
}

static json_t *shape(const lfuse_tensor *tensor)
{
    json_t *dims = lfc_json_array();
    int32_t axis;

    for (axis = 0; axis < lfuse_tensor_rank(tensor); axis++)
        lfc_json_append(dims, json_integer(lfuse_tensor_dim(tensor, axis)));
    return dims;
}

json_t *lfc_json_type(const lfuse_checkpoint *checkpoint, const struct lfc_type *type)
{
    json_t *object = lfc_json_object(), *layers = lfc_json_array();
    json_t *shapes = lfc_json_array();
    int64_t i;

    for (i = 0; i < type->count; i++) {
        int64_t index = type->tensors[i];

        lfc_json_append(layers, json_string(lfuse_checkpoint_name(checkpoint, index)));
        if (type->is_mixed)
            lfc_json_append(shapes, shape(lfuse_checkpoint_tensor(checkpoint, index)));
    }
    lfc_json_set(object, "type", json_string(type->pattern));
    lfc_json_set(object, "shape",
                 type->is_mixed
                     ? json_null()
                     : shape(lfuse_checkpoint_tensor(checkpoint, type->tensors[0])));
    if (type->is_mixed)
        lfc_json_set(object, "shapes", shapes);
    else
        json_decref(shapes);
    lfc_json_set(object, "layers", layers);
    return object;
}

int lfc_json_print(json_t *root)
{
    int failed = json_dumpf(root, stdout, JSON_REAL_PRECISION(17)) != 0;

    json_decref(root);
    if (failed && !ferror(stdout))
        return lfc_fail(LFC_FAILED, "no memory for the JSON");
    fputc('\n', stdout);
    return lfc_finish_stdout();
}
