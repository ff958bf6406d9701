/* checkpoint.c - the shell of checkpoint.h: what is opened */
#include "handles.h"

void lfuse_checkpoint_open_options_init(lfuse_checkpoint_open_options *options,
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
    const uint32_t known =
        LFUSE_CHECKPOINT_SKIP_UNSUPPORTED | LFUSE_CHECKPOINT_RESIDUALS_APART;

    if ((o->flags & ~known) != 0)
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
        .apart = (o->flags & LFUSE_CHECKPOINT_RESIDUALS_APART) != 0,
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

int64_t lfuse_checkpoint_residual_count(const lfuse_checkpoint *checkpoint)
{
    return checkpoint == NULL ? 0 : checkpoint->file.residual_count;
}

lfuse_status lfuse_checkpoint_residual(const lfuse_checkpoint *checkpoint, int64_t index,
                                       lfuse_checkpoint_residual_entry *residual,
                                       lfuse_error *err)
{
    const struct lfi_residual *r;

    if (checkpoint == NULL || residual == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        checkpoint == NULL ? "checkpoint" : "residual");
    if (index < 0 || index >= checkpoint->file.residual_count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "index is %lld, the checkpoint has %lld residuals apart",
                        (long long)index, (long long)checkpoint->file.residual_count);
    r = &checkpoint->file.residuals[index];
    *residual = (lfuse_checkpoint_residual_entry){
        .weight = checkpoint->file.names.names[r->weight],
        .a = checkpoint->file.names.names[r->a],
        .b = checkpoint->file.names.names[r->b],
        .output_axis = r->axis,
    };
    return LFUSE_OK;
}
