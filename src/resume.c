/* resume.c - the shell of resume.h */
#include "handles.h"
#include "retrain/resume.h"

void lfuse_retrainer_save_options_init(lfuse_retrainer_save_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status fail_null(const void *retrainer, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                    retrainer == NULL ? "retrainer" : "path");
}

static lfuse_status write(const struct lfi_env *env, const char *path,
                          const struct lfi_resume *resume, lfuse_error *err)
{
    const struct lfi_checkpoint_params params = {
        .metadata = (const char *const *)resume->texts,
        .metadata_count = resume->text_count / 2,
    };
    struct lfi_checkpoint_entry *entries;
    lfuse_status status =
        lfi_alloc(env, (size_t)resume->count, sizeof(*entries), "entries", &entries, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < resume->count; i++)
        entries[i] = (struct lfi_checkpoint_entry){resume->items[i].name,
                                                   &resume->items[i].view, NULL};
    status = lfi_checkpoint_save(env, path, entries, resume->count, &params, err);
    lfi_free(env, entries, (size_t)resume->count, sizeof(*entries));
    return status;
}

lfuse_status lfuse_retrainer_save(lfuse_retrainer *retrainer, const char *path,
                                  const lfuse_retrainer_save_options *options,
                                  lfuse_error *err)
{
    lfuse_retrainer_save_options o;
    struct lfi_resume resume;
    lfuse_status status;

    if (retrainer == NULL || path == NULL)
        return fail_null(retrainer, err);
    status = lfi_options_import(&o, sizeof(o), options, true, "options", err);
    if (status == LFUSE_OK && o.caller == NULL && o.caller_bytes > 0)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT,
                          "options.caller is NULL, caller_bytes is %llu",
                          (unsigned long long)o.caller_bytes);
    if (status == LFUSE_OK)
        status = lfi_resume_collect(&retrainer->ctx->env, &retrainer->retrainer,
                                    (struct lfi_bytes){o.caller, o.caller_bytes}, &resume,
                                    err);
    if (status != LFUSE_OK)
        return status;
    status = write(&retrainer->ctx->env, path, &resume, err);
    lfi_resume_destroy(&retrainer->ctx->env, &resume);
    return status;
}

lfuse_status lfuse_retrainer_load(lfuse_retrainer *retrainer, const char *path,
                                  lfuse_error *err)
{
    lfuse_retrainer *r = retrainer;
    const struct lfi_env *env;
    struct lfi_checkpoint file;
    lfuse_status status;
    size_t bytes = 0;
    char *caller = NULL;

    if (r == NULL || path == NULL)
        return fail_null(r, err);
    env = &r->ctx->env;
    status = lfi_checkpoint_open(env, path, &(struct lfi_open_params){0}, &file, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_resume_restore(env, &r->retrainer,
                                &(struct lfi_resume_file){
                                    .path = path,
                                    .names = &file.names,
                                    .arrays = file.arrays,
                                    .keys = &file.keys,
                                    .values = file.values,
                                },
                                &caller, &bytes, err);
    lfi_checkpoint_close(env, &file);
    if (status != LFUSE_OK)
        return status;
    lfi_free(env, r->caller, r->caller_bytes, 1);
    r->caller = caller;
    r->caller_bytes = bytes;
    return LFUSE_OK;
}

const void *lfuse_retrainer_caller(const lfuse_retrainer *retrainer, size_t *bytes)
{
    if (bytes != NULL)
        *bytes = retrainer == NULL ? 0 : retrainer->caller_bytes;
    return retrainer == NULL ? NULL : retrainer->caller;
}
