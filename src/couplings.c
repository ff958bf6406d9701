/* couplings.c - the shell of couplings.h */
#include "handles.h"

#include "base/files.h"

static const size_t max_bytes = (size_t)32 << 20; /* of JSON */

void lfuse_coupling_init(lfuse_coupling *coupling, size_t size)
{
    lfi_options_init(coupling, size);
}

void lfuse_match_args_init(lfuse_match_args *args, size_t size)
{
    lfi_options_init(args, size);
}

/* ---- life --------------------------------------------------------------------------------- */

lfuse_status lfuse_couplings_create(lfuse_context *ctx, lfuse_couplings **couplings,
                                    lfuse_error *err)
{
    lfuse_couplings *c;
    lfuse_status status;

    if (couplings == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "couplings is NULL");
    *couplings = NULL;
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    status = lfi_alloc_zero(&ctx->env, 1, sizeof(*c), "couplings", &c, err);
    if (status != LFUSE_OK)
        return status;
    c->ctx = ctx;
    *couplings = c;
    return LFUSE_OK;
}

void lfuse_couplings_destroy(lfuse_couplings *couplings)
{
    const struct lfi_env *env;

    if (couplings == NULL)
        return;
    env = &couplings->ctx->env;
    lfi_couplings_destroy(env, &couplings->couplings);
    lfi_free(env, couplings, 1, sizeof(*couplings));
}

lfuse_status lfuse_couplings_parse(lfuse_context *ctx, const char *text, size_t size,
                                   lfuse_couplings **couplings, lfuse_error *err)
{
    lfuse_status status = lfuse_couplings_create(ctx, couplings, err);

    if (status != LFUSE_OK)
        return status;
    if (text == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "text is NULL");
    else if (size > max_bytes)
        status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                          "the couplings have %zu bytes, at most %zu are read", size,
                          max_bytes);
    else
        status =
            lfi_couplings_decode(&ctx->env, text, size, &(*couplings)->couplings, err);
    if (status == LFUSE_OK)
        return LFUSE_OK;
    lfuse_couplings_destroy(*couplings);
    *couplings = NULL;
    return status;
}

lfuse_status lfuse_couplings_read(lfuse_context *ctx, const char *path,
                                  lfuse_couplings **couplings, lfuse_error *err)
{
    struct lfi_array contents = {0};
    lfuse_status status;
    size_t size;

    if (couplings == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "couplings is NULL");
    *couplings = NULL;
    if (ctx == NULL || path == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "path");
    status = lfi_file_map(&ctx->env, path, &contents, &size, err);
    if (status != LFUSE_OK)
        return status;
    status = lfuse_couplings_parse(ctx, contents.view.data, size, couplings, err);
    lfi_array_release(&contents);
    return status;
}

/* ---- adding ------------------------------------------------------------------------------- */

static lfuse_status check_space(const lfuse_couplings *couplings, int64_t space,
                                lfuse_error *err)
{
    if (couplings == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "couplings is NULL");
    if (space < 0 || space >= couplings->couplings.count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "space is %lld, the couplings have %lld",
                        (long long)space, (long long)couplings->couplings.count);
    return LFUSE_OK;
}

lfuse_status lfuse_couplings_add_space(lfuse_couplings *couplings, int64_t *space,
                                       lfuse_error *err)
{
    lfuse_status status;

    if (couplings == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "couplings is NULL");
    status = lfi_couplings_add_space(&couplings->ctx->env, &couplings->couplings, err);
    if (status == LFUSE_OK && space != NULL)
        *space = couplings->couplings.count - 1;
    return status;
}

static lfuse_status check_member(const lfuse_coupling *m, lfuse_error *err)
{
    if (m->parameter == NULL || m->parameter[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "member.parameter is %s",
                        m->parameter == NULL ? "NULL" : "empty");
    if (m->layer != NULL && m->layer[0] == '\0')
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "member.layer is empty");
    if (m->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "member.reserved is %d",
                        (int)m->reserved);
    return LFUSE_OK;
}

lfuse_status lfuse_couplings_add_member(lfuse_couplings *couplings, int64_t space,
                                        const lfuse_coupling *member, lfuse_error *err)
{
    struct lfi_coupling copy;
    lfuse_coupling m;
    lfuse_status status = check_space(couplings, space, err);

    if (status == LFUSE_OK)
        status = lfi_options_import(&m, sizeof(m), member, false, "member", err);
    if (status == LFUSE_OK)
        status = check_member(&m, err);
    if (status != LFUSE_OK)
        return status;
    copy = (struct lfi_coupling){
        .layer = (char *)m.layer,
        .parameter = (char *)m.parameter,
        .head_group = m.head_group,
        .repeat = m.repeat,
        .offset = m.offset,
        .extent = m.extent,
        .axis = m.axis,
    };
    return lfi_couplings_add_member(&couplings->ctx->env, &couplings->couplings, space,
                                    &copy, err);
}

lfuse_status lfuse_couplings_add_preset(lfuse_couplings *couplings, const char *name,
                                        const lfuse_layer *const *layers, int64_t count,
                                        int64_t heads, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    lfuse_status status;

    if (couplings == NULL || name == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        couplings == NULL ? "couplings" : "name");
    if (heads < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "heads is %lld", (long long)heads);
    status = lfi_handles_layers(couplings->ctx, layers, count, &unwrapped, err);
    if (status == LFUSE_OK)
        status = lfi_couplings_add_preset(
            &couplings->ctx->env, &couplings->couplings, name,
            (const struct lfi_layer *const *)unwrapped, count, heads, err);
    lfi_handles_layers_free(couplings->ctx, unwrapped, count);
    return status;
}

/* ---- what is in them ------------------------------------------------------------------------ */

int64_t lfuse_couplings_space_count(const lfuse_couplings *couplings)
{
    return couplings == NULL ? 0 : couplings->couplings.count;
}

int64_t lfuse_couplings_member_count(const lfuse_couplings *couplings, int64_t space)
{
    if (space < 0 || space >= lfuse_couplings_space_count(couplings))
        return 0;
    return couplings->couplings.spaces[space].count;
}

lfuse_status lfuse_couplings_member(const lfuse_couplings *couplings, int64_t space,
                                    int64_t index, lfuse_coupling *member,
                                    lfuse_error *err)
{
    const struct lfi_space *s;
    const struct lfi_coupling *m;
    lfuse_coupling known = {0};
    lfuse_status status = check_space(couplings, space, err);

    if (status != LFUSE_OK)
        return status;
    s = &couplings->couplings.spaces[space];
    if (index < 0 || index >= s->count)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "index is %lld, space %lld has %lld members", (long long)index,
                        (long long)space, (long long)s->count);
    m = &s->members[index];
    known = (lfuse_coupling){
        .layer = m->layer,
        .parameter = m->parameter,
        .head_group = m->head_group,
        .repeat = m->repeat,
        .offset = m->offset,
        .extent = m->extent,
        .axis = m->axis,
    };
    return lfi_options_export(member, &known, sizeof(known), "member", err);
}

/* ---- over layers ------------------------------------------------------------------------------ */

lfuse_status lfuse_couplings_units(const lfuse_couplings *couplings,
                                   const lfuse_layer *const *layers, int64_t count,
                                   int64_t space, int64_t *units, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    lfuse_status status = check_space(couplings, space, err);

    if (status != LFUSE_OK)
        return status;
    if (units == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "units is NULL");
    status = lfi_handles_layers(couplings->ctx, layers, count, &unwrapped, err);
    if (status == LFUSE_OK)
        status = lfi_couplings_units(&couplings->ctx->env, &couplings->couplings,
                                     (const struct lfi_layer *const *)unwrapped, count,
                                     space, units, err);
    lfi_handles_layers_free(couplings->ctx, unwrapped, count);
    return status;
}

lfuse_status lfuse_couplings_permute(const lfuse_couplings *couplings,
                                     lfuse_layer *const *layers, int64_t count,
                                     int64_t space, const int64_t *permutation,
                                     lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    lfuse_status status = check_space(couplings, space, err);

    if (status != LFUSE_OK)
        return status;
    if (permutation == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "permutation is NULL");
    status = lfi_handles_layers(couplings->ctx, (const lfuse_layer *const *)layers, count,
                                &unwrapped, err);
    if (status == LFUSE_OK)
        status = lfi_couplings_permute(&couplings->ctx->env, &couplings->couplings,
                                       unwrapped, count, space, permutation, err);
    lfi_handles_layers_free(couplings->ctx, unwrapped, count);
    return status;
}

lfuse_status lfuse_couplings_match(const lfuse_couplings *couplings,
                                   const lfuse_match_args *args, int64_t *permutation,
                                   lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    lfuse_match_args m;
    lfuse_status status = lfi_options_import(&m, sizeof(m), args, false, "args", err);

    if (status == LFUSE_OK)
        status = check_space(couplings, m.a, err);
    if (status == LFUSE_OK)
        status = check_space(couplings, m.b, err);
    if (status != LFUSE_OK)
        return status;
    if (permutation == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "permutation is NULL");
    status = lfi_handles_layers(couplings->ctx, m.layers, m.count, &unwrapped, err);
    if (status == LFUSE_OK)
        status = lfi_couplings_match(&couplings->ctx->env, &couplings->couplings,
                                     (const struct lfi_layer *const *)unwrapped, m.count,
                                     m.a, m.b, m.likeness, permutation, err);
    lfi_handles_layers_free(couplings->ctx, unwrapped, m.count);
    return status;
}
