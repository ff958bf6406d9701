/* residuals_write.c - which entries of a file to be written are weights with residuals, and factors */
#include "checkpoint/residuals.h"

#include <jansson.h>

/* The entry of a residual: one that holds its own data, where it is a factor. */
static lfuse_status find(const struct lfi_layout *l,
                         const lfuse_checkpoint_residual_entry *r, const char *name,
                         bool is_factor, int64_t *index, lfuse_error *err)
{
    const struct lfi_quoted weight = lfi_quote(r->weight), quoted = lfi_quote(name);
    int64_t i;

    *index = lfi_names_find(&l->names, name);
    if (*index < 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "residual of %s: %s is no entry, or in a bank", weight.text,
                        quoted.text);
    for (i = 0; i < l->names.count && is_factor; i++)
        if ((i == *index) != (l->owners[i] == *index))
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "residual of %s: the factor %s shares its data with another",
                            weight.text, quoted.text);
    return LFUSE_OK;
}

static lfuse_status check_shapes(const lfuse_checkpoint_residual_entry *r,
                                 const struct lfi_view *weight, const struct lfi_view *a,
                                 const struct lfi_view *b, lfuse_error *err)
{
    const struct lfi_quoted name = lfi_quote(r->weight);
    const int32_t axis = r->output_axis;
    char texts[3][96];

    if (axis < 0 || axis >= weight->rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "residual of %s: output_axis is %d, its rank is %d", name.text,
                        (int)axis, (int)weight->rank);
    if (a->dtype != LFUSE_F32 || b->dtype != LFUSE_F32)
        return lfi_fail(err, LFUSE_ERR_TYPE,
                        "residual of %s: its factors are %s and %s, not f32", name.text,
                        lfi_dtype_name(a->dtype), lfi_dtype_name(b->dtype));
    if (a->rank == 2 && b->rank == 2 && a->dims[1] == b->dims[0] &&
        a->dims[0] == weight->dims[axis] &&
        b->dims[1] == lfi_view_elements(weight) / weight->dims[axis])
        return LFUSE_OK;
    lfi_view_shape_text(weight, texts[0], sizeof(texts[0]));
    lfi_view_shape_text(a, texts[1], sizeof(texts[1]));
    lfi_view_shape_text(b, texts[2], sizeof(texts[2]));
    return lfi_fail(err, LFUSE_ERR_SHAPE,
                    "residual of %s: it is %s, its factors %s and %s", name.text,
                    texts[0], texts[1], texts[2]);
}

static lfuse_status no_memory(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "residuals: malloc refused memory");
}

/* names has what is a weight or a factor already. */
static lfuse_status take(const char *weight, const char *name, json_t *names,
                         lfuse_error *err)
{
    if (json_object_get(names, name) != NULL)
        return lfi_fail(err, LFUSE_ERR_NAME, "residual of %s: %s is in a residual twice",
                        lfi_quote(weight).text, lfi_quote(name).text);
    return json_object_set_new(names, name, json_true()) != 0 ? no_memory(err) : LFUSE_OK;
}

static lfuse_status add(const struct lfi_layout *l,
                        const lfuse_checkpoint_residual_entry *r, json_t *names,
                        json_t *residuals, lfuse_error *err)
{
    int64_t weight, a, b;
    lfuse_status status = find(l, r, r->weight, false, &weight, err);
    json_t *fields;
    int failed;

    if (status == LFUSE_OK)
        status = find(l, r, r->a, true, &a, err);
    if (status == LFUSE_OK)
        status = find(l, r, r->b, true, &b, err);
    if (status == LFUSE_OK)
        status = check_shapes(r, l->entries[weight].view, l->entries[a].view,
                              l->entries[b].view, err);
    if (status == LFUSE_OK)
        status = take(r->weight, r->weight, names, err);
    if (status == LFUSE_OK)
        status = take(r->weight, r->a, names, err);
    if (status == LFUSE_OK)
        status = take(r->weight, r->b, names, err);
    if (status != LFUSE_OK)
        return status;
    fields = json_object();
    failed = json_object_set_new(fields, "a", json_string(r->a));
    failed |= json_object_set_new(fields, "b", json_string(r->b));
    failed |= json_object_set_new(fields, "axis", json_integer(r->output_axis));
    failed |= json_object_set_new(residuals, r->weight, fields);
    return failed != 0 ? no_memory(err) : LFUSE_OK;
}

/* The object goes in as text, through memory of ours. */
static lfuse_status put(const struct lfi_env *env, const json_t *residuals,
                        json_t *metadata, lfuse_error *err)
{
    const size_t size = json_dumpb(residuals, NULL, 0, JSON_COMPACT);
    char *text = NULL;
    lfuse_status status =
        size == 0 ? no_memory(err) : lfi_alloc(env, size, 1, "a header", &text, err);

    if (status == LFUSE_OK &&
        (json_dumpb(residuals, text, size, JSON_COMPACT) != size ||
         json_object_set_new(metadata, LFI_KEY_RESIDUALS, json_stringn(text, size)) !=
             0 ||
         json_object_set_new(metadata, LFI_KEY_FORMAT, json_string(LFI_FORMAT)) != 0))
        status = no_memory(err);
    lfi_free(env, text, size, 1);
    return status;
}

lfuse_status lfi_residuals_encode(const struct lfi_env *env,
                                  const struct lfi_layout *layout,
                                  const struct lfi_checkpoint_params *params,
                                  json_t *metadata, lfuse_error *err)
{
    json_t *names, *residuals;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (params->residual_count == 0)
        return LFUSE_OK;
    names = json_object();
    residuals = json_object();
    if (names == NULL || residuals == NULL)
        status = no_memory(err);
    for (i = 0; i < params->residual_count && status == LFUSE_OK; i++)
        status = add(layout, &params->residuals[i], names, residuals, err);
    if (status == LFUSE_OK)
        status = put(env, residuals, metadata, err);
    json_decref(names);
    json_decref(residuals);
    return status;
}
