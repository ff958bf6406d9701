/* handles.c - what several parts of the shell do with handles and options */
#include "handles.h"

lfuse_status lfi_handles_layers(lfuse_context *ctx, const lfuse_layer *const *layers,
                                int64_t count, struct lfi_layer ***out, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    *out = NULL;
    if (ctx == NULL || layers == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "layers");
    if (count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "count is %lld", (long long)count);
    for (i = 0; i < count; i++)
        if (layers[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "layers[%lld] is NULL",
                            (long long)i);
    status = lfi_alloc(&ctx->env, (size_t)count, sizeof(**out), "layers", out, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        (*out)[i] = (struct lfi_layer *)&layers[i]->layer;
    return status;
}

void lfi_handles_layers_free(lfuse_context *ctx, struct lfi_layer **layers, int64_t count)
{
    if (layers != NULL)
        lfi_free(&ctx->env, layers, (size_t)count, sizeof(*layers));
}

lfuse_status lfi_handles_args(const lfuse_context *ctx, const void *args, void *known,
                              size_t size, lfuse_error *err)
{
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    return lfi_options_import(known, size, args, false, "args", err);
}

lfuse_status lfi_handles_given(const struct lfi_handles_field *fields, int count,
                               lfuse_error *err)
{
    int i;

    for (i = 0; i < count; i++)
        if (fields[i].pointer == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is NULL", fields[i].name);
    return LFUSE_OK;
}

lfuse_status lfi_handles_constant(int32_t value, int32_t last, const char *options,
                                  const char *field, lfuse_error *err)
{
    if (value >= 0 && value <= last)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.%s is %d, which is unknown", options,
                    field, (int)value);
}

int64_t lfi_handles_row_owner(const struct lfi_rows *rows,
                              const struct lfi_grouping *grouping, int64_t layer,
                              int32_t weight, int64_t row, int64_t *owner_row)
{
    const struct lfi_row asked = {.layer = layer, .weight = weight, .index = row};
    const int64_t number = lfi_rows_number(rows, asked);
    struct lfi_row owner;

    if (number < 0)
        return -1;
    owner = lfi_rows_find(rows, grouping->owner[number]);
    if (owner_row != NULL)
        *owner_row = owner.index;
    return owner.layer;
}

lfuse_status lfi_handles_account(const struct lfi_account *measured, lfuse_base base,
                                 lfuse_account *account, lfuse_error *err)
{
    const lfuse_account a = {
        .candidates_logical = measured->candidates_logical,
        .candidates_unique = measured->candidates_unique,
        .all_logical = measured->all_logical,
        .all_unique = measured->all_unique,
        .all_unique_bytes = measured->all_unique_bytes,
        .ratio = lfi_account_ratio(measured, base),
        .base = base,
        .candidates_unique_bytes = measured->candidates_unique_bytes,
        .index_bytes = measured->index_bytes,
    };

    return lfi_options_export(account, &a, sizeof(a), "account", err);
}
