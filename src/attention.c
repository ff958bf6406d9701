/* attention.c - the shell of attention.h */
#include "handles.h"

#include <math.h>

#include "kernels/attention.h"

void lfuse_attention_args_init(lfuse_attention_args *args, size_t size)
{
    lfi_options_init(args, size);
}

/* Sizes that are >= 1, and fit each other. */
static lfuse_status check_sizes(const lfuse_attention_args *a, lfuse_error *err)
{
    if (a->batch < 1 || a->tokens < 1 || a->heads < 1 || a->head_dim < 1)
        return lfi_fail(
            err, LFUSE_ERR_ARGUMENT,
            "args asks for %lld batch entries of %lld tokens of %lld heads of %lld",
            (long long)a->batch, (long long)a->tokens, (long long)a->heads,
            (long long)a->head_dim);
    if (a->keys < 1 || a->kv_heads < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args asks for %lld keys of %lld heads",
                        (long long)a->keys, (long long)a->kv_heads);
    if (a->heads % a->kv_heads != 0)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "args.kv_heads is %lld, which does not divide %lld heads",
                        (long long)a->kv_heads, (long long)a->heads);
    if ((a->flags & LFUSE_ATTENTION_CAUSAL) != 0 && a->keys < a->tokens)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "args.keys is %lld, less than the %lld tokens, under CAUSAL",
                        (long long)a->keys, (long long)a->tokens);
    return LFUSE_OK;
}

static lfuse_status check_numbers(const lfuse_attention_args *a, lfuse_error *err)
{
    const float scale = (float)a->scale;

    if (a->scale != 0.0 && !(isfinite(scale) && scale > 0.0f))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "args.scale is %g, not finite and > 0 in f32, or 0", a->scale);
    if ((a->flags & ~(uint32_t)LFUSE_ATTENTION_CAUSAL) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: %#x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    return LFUSE_OK;
}

/* The four arrays by their names, with their strides. */
struct arrays {
    struct lfi_handles_tokens q;
    struct lfi_handles_tokens k;
    struct lfi_handles_tokens v;
    struct lfi_handles_tokens y;
};

static lfuse_status check_arrays(const lfuse_attention_args *a, struct arrays *arrays,
                                 lfuse_error *err)
{
    lfuse_status status;

    *arrays = (struct arrays){
        {"q", a->q, a->batch, a->tokens, 0, a->q_stride, a->q_batch_stride},
        {"k", a->k, a->batch, a->keys, 0, a->k_stride, a->k_batch_stride},
        {"v", a->v, a->batch, a->keys, 0, a->v_stride, a->v_batch_stride},
        {"y", a->y, a->batch, a->tokens, 0, a->y_stride, a->y_batch_stride},
    };
    status = lfi_handles_tokens(&arrays->q, a->heads, a->head_dim, err);
    if (status == LFUSE_OK)
        status = lfi_handles_tokens(&arrays->k, a->kv_heads, a->head_dim, err);
    if (status == LFUSE_OK)
        status = lfi_handles_tokens(&arrays->v, a->kv_heads, a->head_dim, err);
    if (status == LFUSE_OK)
        status = lfi_handles_tokens(&arrays->y, a->heads, a->head_dim, err);
    return status;
}

static struct lfi_attention translate(const lfuse_attention_args *a,
                                      const struct arrays *s)
{
    const double scale = a->scale != 0.0 ? a->scale : 1.0 / sqrt((double)a->head_dim);

    return (struct lfi_attention){
        .q = a->q,
        .k = a->k,
        .v = a->v,
        .dy = a->dy,
        .y = a->y,
        .statistics = a->statistics,
        .dq = a->dq,
        .dk = a->dk,
        .dv = a->dv,
        .workspace = a->workspace,
        .workspace_bytes = a->workspace_bytes,
        .batch = a->batch,
        .tokens = a->tokens,
        .keys = a->keys,
        .heads = a->heads,
        .kv_heads = a->kv_heads,
        .head_dim = a->head_dim,
        .q_stride = s->q.stride,
        .k_stride = s->k.stride,
        .v_stride = s->v.stride,
        .y_stride = s->y.stride,
        .q_batch_stride = s->q.batch_stride,
        .k_batch_stride = s->k.batch_stride,
        .v_batch_stride = s->v.batch_stride,
        .y_batch_stride = s->y.batch_stride,
        .scale = (float)scale,
        .causal = (a->flags & LFUSE_ATTENTION_CAUSAL) != 0,
    };
}

static lfuse_status import(const lfuse_context *ctx, const lfuse_attention_args *args,
                           struct lfi_attention *attention, struct arrays *arrays,
                           lfuse_error *err)
{
    lfuse_attention_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status != LFUSE_OK)
        return status;
    a.keys = a.keys != 0 ? a.keys : a.tokens;
    a.kv_heads = a.kv_heads != 0 ? a.kv_heads : a.heads;
    status = check_sizes(&a, err);
    if (status == LFUSE_OK)
        status = check_numbers(&a, err);
    if (status == LFUSE_OK)
        status = check_arrays(&a, arrays, err);
    if (status == LFUSE_OK)
        *attention = translate(&a, arrays);
    return status;
}

/* The first `outputs` of these arrays are written, the others read. */
static lfuse_status check_apart(const struct lfi_handles_tokens *all, int count,
                                int outputs, lfuse_error *err)
{
    int i, j;

    for (i = 0; i < outputs; i++)
        for (j = i + 1; j < count; j++)
            if (all[i].data != NULL && lfi_handles_overlap(&all[i], &all[j]))
                return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s overlaps args.%s",
                                all[i].name, all[j].name);
    return LFUSE_OK;
}

static struct lfi_handles_tokens as(struct lfi_handles_tokens array, const char *name,
                                    const float *data)
{
    array.name = name;
    array.data = data;
    return array;
}

static struct lfi_handles_tokens statistics_of(const struct lfi_attention *a)
{
    const int64_t count = a->batch * a->heads * a->tokens;

    return (struct lfi_handles_tokens){"statistics", a->statistics, 1,    1,
                                       count,        count,         count};
}

lfuse_status lfuse_attention_forward(lfuse_context *ctx, const lfuse_attention_args *args,
                                     lfuse_error *err)
{
    struct lfi_attention a;
    struct arrays s;
    lfuse_status status = import(ctx, args, &a, &s, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {
            {"q", a.q}, {"k", a.k}, {"v", a.v}, {"y", a.y}};

        status = lfi_handles_given(given, 4, err);
    }
    if (status == LFUSE_OK) {
        const struct lfi_handles_tokens all[] = {s.y, statistics_of(&a), s.q, s.k, s.v};

        status = check_apart(all, 5, 2, err);
    }
    return status == LFUSE_OK ? lfi_attention_forward(&ctx->env, &a, err) : status;
}

static lfuse_status check_backward(const struct lfi_attention *a, const struct arrays *s,
                                   lfuse_error *err)
{
    const struct lfi_handles_field given[] = {
        {"q", a->q},   {"k", a->k},   {"v", a->v},
        {"dy", a->dy}, {"y", a->y},   {"statistics", a->statistics},
        {"dq", a->dq}, {"dk", a->dk}, {"dv", a->dv}};
    const struct lfi_handles_tokens all[] = {as(s->q, "dq", a->dq),
                                             as(s->k, "dk", a->dk),
                                             as(s->v, "dv", a->dv),
                                             as(s->y, "dy", a->dy),
                                             s->q,
                                             s->k,
                                             s->v,
                                             s->y,
                                             statistics_of(a)};
    lfuse_status status = lfi_handles_given(given, 9, err);

    return status == LFUSE_OK ? check_apart(all, 9, 3, err) : status;
}

lfuse_status lfuse_attention_backward(lfuse_context *ctx,
                                      const lfuse_attention_args *args, lfuse_error *err)
{
    struct lfi_attention a;
    struct arrays s;
    lfuse_status status = import(ctx, args, &a, &s, err);

    if (status == LFUSE_OK)
        status = check_backward(&a, &s, err);
    return status == LFUSE_OK ? lfi_attention_backward(&ctx->env, &a, err) : status;
}

lfuse_status lfuse_attention_workspace(lfuse_context *ctx,
                                       const lfuse_attention_args *args, size_t *bytes,
                                       lfuse_error *err)
{
    struct lfi_attention a;
    struct arrays s;
    lfuse_status status = import(ctx, args, &a, &s, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_attention_workspace(&ctx->env, &a, bytes, err)
                              : status;
}
