/* checkpoint.c - the shell of checkpoint.h */
#include "handles.h"

void lfuse_checkpoint_open_options_init(lfuse_checkpoint_open_options *options,
                                        size_t size)
{
    lfi_options_init(options, size);
}

void lfuse_checkpoint_save_options_init(lfuse_checkpoint_save_options *options,
                                        size_t size)
{
    lfi_options_init(options, size);
}

/* Handles of the file's arrays, which stay the file's. */
static lfuse_status wrap_tensors(lfuse_checkpoint *c, lfuse_error *err)
{
    int64_t i, count = c->file.names.count;
    lfuse_status status = lfi_alloc_zero(&c->ctx->env, (size_t)count, sizeof(*c->tensors),
                                         "tensors", &c->tensors, err);

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        c->tensors[i].ctx = c->ctx;
        c->tensors[i].array = c->file.arrays[i];
    }
    return status;
}

static lfuse_status check_open_options(const lfuse_checkpoint_open_options *o,
                                       lfuse_error *err)
{
    if ((o->flags & ~(uint32_t)LFUSE_CHECKPOINT_SKIP_UNSUPPORTED) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.flags has unknown bits: 0x%x",
                        (unsigned)o->flags);
    if (o->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "options.reserved is %d",
                        (int)o->reserved);
    return LFUSE_OK;
}

static lfuse_status open_file(lfuse_context *ctx, const char *path,
                              const lfuse_checkpoint_open_options *o,
                              lfuse_checkpoint **checkpoint, lfuse_error *err)
{
    const struct lfi_open_params params = {
        .max_header_bytes = o->max_header_bytes,
        .max_bank_bytes = o->max_bank_bytes,
        .skip = (o->flags & LFUSE_CHECKPOINT_SKIP_UNSUPPORTED) != 0,
    };
    lfuse_checkpoint *c = NULL;
    lfuse_status status;

    status = lfi_alloc_zero(&ctx->env, 1, sizeof(*c), "a checkpoint", &c, err);
    if (status != LFUSE_OK)
        return status;
    c->ctx = ctx;
    status = lfi_checkpoint_open(&ctx->env, path, &params, &c->file, err);
    if (status == LFUSE_OK)
        status = wrap_tensors(c, err);
    if (status == LFUSE_OK)
        *checkpoint = c;
    else
        lfuse_checkpoint_close(c);
    return status;
}

lfuse_status lfuse_checkpoint_open(lfuse_context *ctx, const char *path,
                                   const lfuse_checkpoint_open_options *options,
                                   lfuse_checkpoint **checkpoint, lfuse_error *err)
{
    lfuse_checkpoint_open_options o;
    lfuse_status status;

    if (checkpoint == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "checkpoint is NULL");
    *checkpoint = NULL;
    if (ctx == NULL || path == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "path");
    status = lfi_options_import(&o, sizeof(o), options, true, "options", err);
    if (status == LFUSE_OK)
        status = check_open_options(&o, err);
    if (status == LFUSE_OK)
        status = open_file(ctx, path, &o, checkpoint, err);
    return status;
}

void lfuse_checkpoint_close(lfuse_checkpoint *checkpoint)
{
    const struct lfi_env *env;

    if (checkpoint == NULL)
        return;
    env = &checkpoint->ctx->env;
    lfi_free(env, checkpoint->tensors, (size_t)checkpoint->file.names.count,
             sizeof(*checkpoint->tensors));
    lfi_checkpoint_close(env, &checkpoint->file);
    lfi_free(env, checkpoint, 1, sizeof(*checkpoint));
}

int64_t lfuse_checkpoint_count(const lfuse_checkpoint *checkpoint)
{
    return checkpoint == NULL ? 0 : checkpoint->file.names.count;
}

static bool has(const lfuse_checkpoint *checkpoint, int64_t index)
{
    return index >= 0 && index < lfuse_checkpoint_count(checkpoint);
}

const char *lfuse_checkpoint_name(const lfuse_checkpoint *checkpoint, int64_t index)
{
    return has(checkpoint, index) ? checkpoint->file.names.names[index] : NULL;
}

int64_t lfuse_checkpoint_file(const lfuse_checkpoint *checkpoint, int64_t index)
{
    return has(checkpoint, index) ? checkpoint->file.files[index] : -1;
}

int64_t lfuse_checkpoint_file_count(const lfuse_checkpoint *checkpoint)
{
    return checkpoint != NULL ? checkpoint->file.file_count : 0;
}

const char *lfuse_checkpoint_file_name(const lfuse_checkpoint *checkpoint, int64_t file)
{
    if (file < 0 || file >= lfuse_checkpoint_file_count(checkpoint))
        return NULL;
    return checkpoint->file.file_names[file];
}

const lfuse_tensor *lfuse_checkpoint_tensor(const lfuse_checkpoint *checkpoint,
                                            int64_t index)
{
    return has(checkpoint, index) ? &checkpoint->tensors[index] : NULL;
}

int64_t lfuse_checkpoint_owner(const lfuse_checkpoint *checkpoint, int64_t index)
{
    return has(checkpoint, index) ? checkpoint->file.owners[index] : -1;
}

int64_t lfuse_checkpoint_find(const lfuse_checkpoint *checkpoint, const char *name)
{
    if (checkpoint == NULL || name == NULL)
        return -1;
    return lfi_names_find(&checkpoint->file.names, name);
}

const char *lfuse_checkpoint_metadata(const lfuse_checkpoint *checkpoint, const char *key)
{
    int64_t index = -1;

    if (checkpoint != NULL && key != NULL)
        index = lfi_names_find(&checkpoint->file.keys, key);
    return index < 0 ? NULL : checkpoint->file.values[index];
}

int64_t lfuse_checkpoint_skipped_count(const lfuse_checkpoint *checkpoint)
{
    return checkpoint == NULL ? 0 : checkpoint->file.skipped_count;
}

const char *lfuse_checkpoint_skipped(const lfuse_checkpoint *checkpoint, int64_t index)
{
    if (index < 0 || index >= lfuse_checkpoint_skipped_count(checkpoint))
        return NULL;
    return checkpoint->file.skipped[index].name;
}

const void *lfuse_checkpoint_skipped_data(const lfuse_checkpoint *checkpoint,
                                          int64_t index, size_t *bytes)
{
    if (index < 0 || index >= lfuse_checkpoint_skipped_count(checkpoint))
        return NULL;
    if (bytes != NULL)
        *bytes = checkpoint->file.skipped[index].bytes;
    return checkpoint->file.skipped[index].data;
}

const char *lfuse_checkpoint_skipped_type(const lfuse_checkpoint *checkpoint,
                                          int64_t index)
{
    if (index < 0 || index >= lfuse_checkpoint_skipped_count(checkpoint))
        return NULL;
    return checkpoint->file.skipped[index].type;
}

int64_t lfuse_checkpoint_skipped_file(const lfuse_checkpoint *checkpoint, int64_t index)
{
    if (index < 0 || index >= lfuse_checkpoint_skipped_count(checkpoint))
        return -1;
    return checkpoint->file.skipped[index].file;
}

int64_t lfuse_checkpoint_metadata_count(const lfuse_checkpoint *checkpoint)
{
    return checkpoint == NULL ? 0 : checkpoint->file.keys.count;
}

const char *lfuse_checkpoint_metadata_key(const lfuse_checkpoint *checkpoint,
                                          int64_t index)
{
    if (index < 0 || index >= lfuse_checkpoint_metadata_count(checkpoint))
        return NULL;
    return checkpoint->file.keys.names[index];
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
                                           .banks = o->banks};
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
        status = check_entries(entries, count, o.carried != NULL, err);
    if (status == LFUSE_OK)
        status = save(ctx, path, entries, count, &o, err);
    return status;
}
