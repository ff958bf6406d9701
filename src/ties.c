/* ties.c - the shell of ties.h */
#include "handles.h"

void lfuse_ties_options_init(lfuse_ties_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status check_options(const lfuse_ties_options *o, const char *what,
                                  lfuse_error *err)
{
    const uint32_t known = LFUSE_TIES_KEEP_ORIGINALS | LFUSE_TIES_MIRROR;
    lfuse_status status;

    if ((o->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.flags is %#x, of which %#x is unknown", what,
                        (unsigned)o->flags, (unsigned)(o->flags & ~known));
    if (o->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "%s.reserved is %d", what,
                        (int)o->reserved);
    status = lfi_handles_constant(o->gradients, LFUSE_GRADIENTS_ACCUMULATED, what,
                                  "gradients", err);
    if (status == LFUSE_OK)
        status =
            lfi_handles_constant(o->combine, LFUSE_COMBINE_SUM, what, "combine", err);
    return status;
}

lfuse_status lfi_handles_ties_options(const lfuse_ties_options *options, const char *what,
                                      struct lfi_ties_options *out, lfuse_error *err)
{
    lfuse_ties_options o;
    lfuse_status status;

    status = lfi_options_import(&o, sizeof(o), options, true, what, err);
    if (status == LFUSE_OK)
        status = check_options(&o, what, err);
    if (status != LFUSE_OK)
        return status;
    out->rebind = o.rebind;
    out->rebind_user = o.rebind_user;
    out->keep_originals = (o.flags & LFUSE_TIES_KEEP_ORIGINALS) != 0;
    out->mirror = (o.flags & LFUSE_TIES_MIRROR) != 0;
    out->gradients = o.gradients != 0 ? o.gradients : LFUSE_GRADIENTS_PER_POSITION;
    out->merge = o.merge;
    out->merge_user = o.merge_user;
    out->combine = o.combine != 0 ? o.combine : LFUSE_COMBINE_MEAN;
    return LFUSE_OK;
}

static lfuse_status create(lfuse_context *ctx, struct lfi_layer **layers, int64_t count,
                           const struct lfi_ties_options *options, lfuse_ties **ties,
                           lfuse_error *err)
{
    lfuse_ties *t;
    lfuse_status status = lfi_alloc_zero(&ctx->env, 1, sizeof(*t), "ties", &t, err);

    if (status != LFUSE_OK)
        return status;
    t->ctx = ctx;
    status = lfi_ties_create(&ctx->env, layers, count, options, &t->ties, err);
    if (status == LFUSE_OK)
        *ties = t;
    else
        lfi_free(&ctx->env, t, 1, sizeof(*t));
    return status;
}

lfuse_status lfuse_ties_create(lfuse_context *ctx, lfuse_layer *const *layers,
                               int64_t count, const lfuse_ties_options *options,
                               lfuse_ties **ties, lfuse_error *err)
{
    struct lfi_layer **unwrapped;
    struct lfi_ties_options o;
    lfuse_status status;

    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    *ties = NULL;
    status = lfi_handles_ties_options(options, "options", &o, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_handles_layers(ctx, (const lfuse_layer *const *)layers, count,
                                &unwrapped, err);
    if (status == LFUSE_OK)
        status = create(ctx, unwrapped, count, &o, ties, err);
    lfi_handles_layers_free(ctx, unwrapped, count);
    return status;
}

void lfuse_ties_destroy(lfuse_ties *ties)
{
    const struct lfi_env *env;

    if (ties == NULL)
        return;
    env = &ties->ctx->env;
    lfi_ties_destroy(env, &ties->ties);
    lfi_free(env, ties, 1, sizeof(*ties));
}

lfuse_status lfuse_ties_apply(lfuse_ties *ties, const lfuse_plan *plan, lfuse_error *err)
{
    if (ties == NULL || plan == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ties == NULL ? "ties" : "plan");
    return lfi_ties_apply(&ties->ctx->env, &ties->ties, &plan->plan, err);
}

lfuse_status lfuse_ties_undo(lfuse_ties *ties, lfuse_error *err)
{
    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    return lfi_ties_undo(&ties->ctx->env, &ties->ties, err);
}

lfuse_status lfuse_ties_combine_gradients(lfuse_ties *ties, lfuse_error *err)
{
    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    return lfi_ties_combine_gradients(&ties->ctx->env, &ties->ties, err);
}

lfuse_status lfuse_ties_refresh(lfuse_ties *ties, lfuse_error *err)
{
    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    return lfi_ties_refresh(&ties->ctx->env, &ties->ties, err);
}

lfuse_status lfuse_ties_show(lfuse_ties *ties, lfuse_show show, int64_t step,
                             lfuse_error *err)
{
    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    if (show < LFUSE_SHOW_SOURCES || show > LFUSE_SHOW_MEAN)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "show is %d, which is unknown",
                        (int)show);
    if (step < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "step is %lld", (long long)step);
    return lfi_ties_show(&ties->ctx->env, &ties->ties, show, step, err);
}

lfuse_status lfuse_ties_finalise(lfuse_ties *ties, lfuse_error *err)
{
    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    return lfi_ties_finalise(&ties->ctx->env, &ties->ties, err);
}

int64_t lfuse_ties_owner(const lfuse_ties *ties, int64_t index)
{
    if (ties == NULL || index < 0 || index >= ties->ties.count)
        return -1;
    return ties->ties.in_force.owner[index];
}

int64_t lfuse_ties_row_owner(const lfuse_ties *ties, int64_t layer, int32_t weight,
                             int64_t row, int64_t *owner_row)
{
    if (ties == NULL)
        return -1;
    return lfi_handles_row_owner(&ties->ties.rows.rows, &ties->ties.rows.in_force, layer,
                                 weight, row, owner_row);
}

int32_t lfuse_ties_is_frozen(const lfuse_ties *ties, int64_t index)
{
    if (ties == NULL || index < 0 || index >= ties->ties.count)
        return 0;
    return lfi_ties_is_frozen(&ties->ties, index);
}

lfuse_status lfuse_ties_account(const lfuse_ties *ties, lfuse_base base,
                                lfuse_account *account, lfuse_error *err)
{
    struct lfi_account measured;
    lfuse_status status;

    if (ties == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ties is NULL");
    if (base < 0 || base > LFUSE_BASE_ALL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "base is %d, which is unknown",
                        (int)base);
    lfi_ties_account(&ties->ties, &measured);
    status = lfi_handles_account(&measured, base != 0 ? base : LFUSE_BASE_CANDIDATES,
                                 account, err);
    return status;
}

size_t lfuse_ties_resident_bytes(const lfuse_ties *ties)
{
    return ties == NULL ? 0 : lfi_ties_resident_bytes(&ties->ties);
}
