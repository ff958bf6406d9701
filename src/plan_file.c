/* plan_file.c - the shell of plan_file.h */
#include "handles.h"

#include <string.h>

#include "base/files.h"

static const size_t default_max_bytes = (size_t)32 << 20;

void lfuse_plan_load_options_init(lfuse_plan_load_options *options, size_t size)
{
    lfi_options_init(options, size);
}

/* ---- writing ------------------------------------------------------------------------------- */

lfuse_status lfuse_plan_to_json(const lfuse_plan *plan, char *text, size_t size,
                                size_t *needed, lfuse_error *err)
{
    char *made = NULL;
    size_t bytes = 0;
    lfuse_status status;

    if (plan == NULL || needed == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        plan == NULL ? "plan" : "needed");
    status = lfi_plan_encode(&plan->ctx->env, &plan->plan, &made, &bytes, err);
    if (status != LFUSE_OK)
        return status;
    if (text != NULL && size <= bytes)
        status = lfi_fail(err, LFUSE_ERR_OVERFLOW,
                          "size is %zu, the plan takes %zu bytes", size, bytes + 1);
    if (status == LFUSE_OK && text != NULL)
        memcpy(text, made, bytes + 1);
    if (status == LFUSE_OK)
        *needed = bytes + 1;
    lfi_free(&plan->ctx->env, made, bytes + 1, 1);
    return status;
}

static lfuse_status write_file(const struct lfi_env *env, const char *path,
                               const char *text, size_t bytes, lfuse_error *err)
{
    struct lfi_writer writer;
    lfuse_status status = lfi_writer_open(&writer, path, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_writer_write(&writer, text, bytes, err);
    if (status == LFUSE_OK)
        status = lfi_writer_commit(env, &writer, err);
    lfi_writer_close(&writer);
    return status;
}

lfuse_status lfuse_plan_save(const lfuse_plan *plan, const char *path, lfuse_error *err)
{
    const struct lfi_env *env;
    char *text = NULL;
    size_t bytes = 0;
    lfuse_status status;

    if (plan == NULL || path == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        plan == NULL ? "plan" : "path");
    env = &plan->ctx->env;
    status = lfi_plan_encode(env, &plan->plan, &text, &bytes, err);
    if (status == LFUSE_OK)
        status = write_file(env, path, text, bytes, err);
    lfi_free(env, text, bytes + 1, 1);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------- */

static lfuse_status import_options(const lfuse_plan_load_options *options,
                                   lfuse_plan_load_options *o, lfuse_error *err)
{
    lfuse_status status =
        lfi_options_import(o, sizeof(*o), options, true, "options", err);

    if (status != LFUSE_OK)
        return status;
    if ((o->layers == NULL) != (o->count == 0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.layers is %s, options.count is %lld",
                        o->layers == NULL ? "NULL" : "given", (long long)o->count);
    if (o->max_bytes == 0)
        o->max_bytes = default_max_bytes;
    return LFUSE_OK;
}

/* Layers, if there are any, as the engine knows them. */
static lfuse_status decode(lfuse_context *ctx, const char *text, size_t size,
                           const lfuse_plan_load_options *o, struct lfi_plan *plan,
                           lfuse_error *err)
{
    struct lfi_layer **layers = NULL;
    lfuse_status status = LFUSE_OK;

    if (size > o->max_bytes)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "the plan has %zu bytes, options.max_bytes allows %zu", size,
                        o->max_bytes);
    if (o->layers != NULL)
        status = lfi_handles_layers(ctx, o->layers, o->count, &layers, err);
    if (status == LFUSE_OK)
        status =
            lfi_plan_decode(&ctx->env, text, size,
                            (const struct lfi_layer *const *)layers, o->count, plan, err);
    lfi_handles_layers_free(ctx, layers, o->count);
    return status;
}

static lfuse_status wrap(lfuse_context *ctx, const char *text, size_t size,
                         const lfuse_plan_load_options *o, lfuse_plan **plan,
                         lfuse_error *err)
{
    lfuse_plan *p;
    lfuse_status status = lfi_alloc_zero(&ctx->env, 1, sizeof(*p), "a plan", &p, err);

    if (status != LFUSE_OK)
        return status;
    p->ctx = ctx;
    status = decode(ctx, text, size, o, &p->plan, err);
    if (status == LFUSE_OK)
        *plan = p;
    else
        lfi_free(&ctx->env, p, 1, sizeof(*p));
    return status;
}

/* What text or path, whichever it is, and the rest are refused for. */
static lfuse_status check(const lfuse_context *ctx, const char *given, const char *name,
                          lfuse_plan **plan, lfuse_error *err)
{
    if (plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    *plan = NULL;
    if (ctx == NULL || given == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : name);
    return LFUSE_OK;
}

lfuse_status lfuse_plan_from_json(lfuse_context *ctx, const char *text, size_t size,
                                  const lfuse_plan_load_options *options,
                                  lfuse_plan **plan, lfuse_error *err)
{
    lfuse_plan_load_options o;
    lfuse_status status = check(ctx, text, "text", plan, err);

    if (status == LFUSE_OK)
        status = import_options(options, &o, err);
    if (status == LFUSE_OK)
        status = wrap(ctx, text, size, &o, plan, err);
    return status;
}

lfuse_status lfuse_plan_load(lfuse_context *ctx, const char *path,
                             const lfuse_plan_load_options *options, lfuse_plan **plan,
                             lfuse_error *err)
{
    struct lfi_array contents = {0};
    lfuse_plan_load_options o;
    size_t size = 0;
    lfuse_status status = check(ctx, path, "path", plan, err);

    if (status == LFUSE_OK)
        status = import_options(options, &o, err);
    if (status == LFUSE_OK)
        status = lfi_file_map(&ctx->env, path, &contents, &size, err);
    if (status == LFUSE_OK)
        status = wrap(ctx, contents.view.data, size, &o, plan, err);
    lfi_array_release(&contents);
    return status;
}
