/* checkpoint_save.c - the shell of checkpoint.h: what is written */
#include "handles.h"

void lfuse_checkpoint_save_options_init(lfuse_checkpoint_save_options *options,
                                        size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status check_save_options(const lfuse_checkpoint_save_options *o,
                                       lfuse_error *err)
{
    int64_t i;

    if (o->mode < 0 || o->mode > LFUSE_SAVE_EXPAND)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.mode is %d, which is unknown",
                        (int)o->mode);
    if (o->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "options.reserved is %d",
                        (int)o->reserved);
    if (o->carried_file < 0 || o->carried_file > lfuse_checkpoint_file_count(o->carried))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.carried_file is %lld, carried has %lld files",
                        (long long)o->carried_file,
                        (long long)lfuse_checkpoint_file_count(o->carried));
    if (o->metadata_count < 0 || o->metadata_count > INT64_MAX / 2)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.metadata_count is %lld",
                        (long long)o->metadata_count);
    if (o->metadata_count > 0 && o->metadata == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.metadata is NULL");
    for (i = 0; i < 2 * o->metadata_count; i++)
        if (o->metadata[i] == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.metadata[%lld] is NULL",
                            (long long)i);
    return LFUSE_OK;
}

static lfuse_status check_banks(const lfuse_checkpoint_save_options *o, lfuse_error *err)
{
    int64_t i, k;

    if (o->bank_count < 0 || (o->bank_count > 0 && o->banks == NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.bank_count is %lld, banks is %s",
                        (long long)o->bank_count, o->banks == NULL ? "NULL" : "given");
    for (i = 0; i < o->bank_count; i++) {
        const lfuse_checkpoint_bank *b = &o->banks[i];

        if (b->name == NULL || b->entries == NULL || b->count < 1)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "options.banks[%lld] has no name, or no entries",
                            (long long)i);
        if (b->reserved != 0)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "options.banks[%lld].reserved is %d", (long long)i,
                            (int)b->reserved);
        for (k = 0; k < b->count; k++)
            if (b->entries[k] == NULL)
                return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                                "options.banks[%lld].entries[%lld] is NULL", (long long)i,
                                (long long)k);
    }
    return LFUSE_OK;
}

static lfuse_status check_residuals(const lfuse_checkpoint_save_options *o,
                                    lfuse_error *err)
{
    int64_t i;

    if (o->residual_count < 0 || (o->residual_count > 0 && o->residuals == NULL))
        return lfi_fail(
            err, LFUSE_ERR_ARGUMENT, "options.residual_count is %lld, residuals is %s",
            (long long)o->residual_count, o->residuals == NULL ? "NULL" : "given");
    if (o->residual_count > 0 && o->mode == LFUSE_SAVE_EXPAND)
        return lfi_fail(
            err, LFUSE_ERR_UNSUPPORTED,
            "options.residuals: a file of mode expand has whole weights; save "
            "dedup, open that, and save it again");
    for (i = 0; i < o->residual_count; i++) {
        const lfuse_checkpoint_residual_entry *r = &o->residuals[i];

        if (r->weight == NULL || r->a == NULL || r->b == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.residuals[%lld].%s is NULL",
                            (long long)i,
                            r->weight == NULL ? "weight" : (r->a == NULL ? "a" : "b"));
        if (r->reserved != 0)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "options.residuals[%lld].reserved is %d", (long long)i,
                            (int)r->reserved);
    }
    return LFUSE_OK;
}

static lfuse_status check_entries(const lfuse_checkpoint_entry *entries, int64_t count,
                                  bool may_be_none, lfuse_error *err)
{
    int64_t i;

    if (count == 0 && may_be_none)
        return LFUSE_OK;
    if (entries == NULL || count < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "entries is %s, count is %lld",
                        entries == NULL ? "NULL" : "given", (long long)count);
    for (i = 0; i < count; i++)
        if (entries[i].name == NULL || entries[i].tensor == NULL)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "entries[%lld].%s is NULL",
                            (long long)i, entries[i].name == NULL ? "name" : "tensor");
    return LFUSE_OK;
}

/* Of the file asked for, or of all: room is as many as there may be. Their number. */
static int64_t list_carried(const lfuse_checkpoint_save_options *o,
                            struct lfi_carried *carried)
{
    int64_t count = 0, i;

    for (i = 0; i < lfuse_checkpoint_skipped_count(o->carried); i++) {
        const struct lfi_carried *each = &o->carried->file.skipped[i];

        if (o->carried_file == 0 || each->file == o->carried_file - 1)
            carried[count++] = *each;
    }
    return count;
}

static lfuse_status save(lfuse_context *ctx, const char *path,
                         const lfuse_checkpoint_entry *entries, int64_t count,
                         const lfuse_checkpoint_save_options *o, lfuse_error *err)
{
    struct lfi_checkpoint_params params = {.metadata = o->metadata,
                                           .metadata_count = o->metadata_count,
                                           .expand = o->mode == LFUSE_SAVE_EXPAND,
                                           .fill = o->fill,
                                           .fill_user = o->fill_user,
                                           .banks = o->banks,
                                           .residuals = o->residuals,
                                           .residual_count = o->residual_count};
    const size_t skipped = (size_t)lfuse_checkpoint_skipped_count(o->carried);
    struct lfi_checkpoint_entry *given;
    struct lfi_carried *carried = NULL;
    lfuse_status status;
    int64_t i;

    params.bank_count = params.expand ? 0 : o->bank_count;
    status = lfi_alloc(&ctx->env, (size_t)count, sizeof(*given), "entries", &given, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < count; i++) {
        given[i].name = entries[i].name;
        given[i].view = &entries[i].tensor->array.view;
        given[i].owner = entries[i].owner;
    }
    status = lfi_alloc(&ctx->env, skipped, sizeof(*carried), "entries", &carried, err);
    if (status == LFUSE_OK) {
        params.carried_count = list_carried(o, carried);
        params.carried = carried;
        status = lfi_checkpoint_save(&ctx->env, path, given, count, &params, err);
    }
    lfi_free(&ctx->env, carried, skipped, sizeof(*carried));
    lfi_free(&ctx->env, given, (size_t)count, sizeof(*given));
    return status;
}

lfuse_status lfuse_checkpoint_save(lfuse_context *ctx, const char *path,
                                   const lfuse_checkpoint_entry *entries, int64_t count,
                                   const lfuse_checkpoint_save_options *options,
                                   lfuse_error *err)
{
    lfuse_checkpoint_save_options o;
    lfuse_status status;

    if (ctx == NULL || path == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "path");
    status = lfi_options_import(&o, sizeof(o), options, true, "options", err);
    if (status == LFUSE_OK)
        status = check_save_options(&o, err);
    if (status == LFUSE_OK)
        status = check_banks(&o, err);
    if (status == LFUSE_OK)
        status = check_residuals(&o, err);
    if (status == LFUSE_OK)
        status = check_entries(entries, count, o.carried != NULL, err);
    if (status == LFUSE_OK)
        status = save(ctx, path, entries, count, &o, err);
    return status;
}
