/* packed.c - the shell of packed.h */
#include "handles.h"

static lfuse_status refresh(lfuse_packed *packed, const float *w, lfuse_error *err)
{
    struct lfi_conv2d conv = packed->conv;
    lfuse_status status = LFUSE_OK;
    int d;

    conv.w = w;
    for (d = 0; d < LFI_CONV2D_PACKED && status == LFUSE_OK; d++)
        if (packed->weights[d] != NULL)
            status =
                lfi_conv2d_pack(&packed->ctx->env, &conv, d, packed->weights[d], err);
    return status;
}

static lfuse_status allocate(lfuse_packed *packed, uint32_t directions, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int d;

    for (d = 0; d < LFI_CONV2D_PACKED && status == LFUSE_OK; d++)
        if ((directions & 1u << d) != 0)
            status = lfi_alloc(&packed->ctx->env,
                               (size_t)lfi_conv2d_packed_floats(&packed->conv, d),
                               sizeof(float), "packed weights", &packed->weights[d], err);
    return status;
}

static lfuse_status create(lfuse_context *ctx, const struct lfi_conv2d *conv,
                           uint32_t directions, lfuse_packed **packed, lfuse_error *err)
{
    lfuse_packed *p;
    lfuse_status status =
        lfi_alloc_zero(&ctx->env, 1, sizeof(*p), "a packed weight", &p, err);

    if (status != LFUSE_OK)
        return status;
    p->ctx = ctx;
    p->conv = *conv;
    status = allocate(p, directions, err);
    if (status == LFUSE_OK)
        status = refresh(p, conv->w, err);
    if (status == LFUSE_OK)
        *packed = p;
    else
        lfuse_packed_destroy(p);
    return status;
}

lfuse_status lfuse_conv2d_pack(lfuse_context *ctx, const lfuse_conv2d_args *args,
                               uint32_t directions, lfuse_packed **packed,
                               lfuse_error *err)
{
    const uint32_t known = LFUSE_PACKED_FORWARD | LFUSE_PACKED_BACKWARD_DATA;
    const lfuse_packed *of_args;
    struct lfi_conv2d conv;
    lfuse_status status;

    if (packed == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "packed is NULL");
    *packed = NULL;
    if (directions == 0 || (directions & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "directions is 0x%x",
                        (unsigned)directions);
    status = lfi_handles_conv2d(ctx, args, &conv, &of_args, err);
    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"w", conv.w}};

        status = lfi_handles_given(given, 1, err);
    }
    return status == LFUSE_OK ? create(ctx, &conv, directions, packed, err) : status;
}

lfuse_status lfuse_packed_refresh(lfuse_packed *packed, const float *w, lfuse_error *err)
{
    if (packed == NULL || w == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        packed == NULL ? "packed" : "w");
    return refresh(packed, w, err);
}

size_t lfuse_packed_bytes(const lfuse_packed *packed)
{
    size_t bytes = 0;
    int d;

    for (d = 0; packed != NULL && d < LFI_CONV2D_PACKED; d++)
        if (packed->weights[d] != NULL)
            bytes += (size_t)lfi_conv2d_packed_floats(&packed->conv, d) * sizeof(float);
    return bytes;
}

void lfuse_packed_destroy(lfuse_packed *packed)
{
    const struct lfi_env *env;
    int d;

    if (packed == NULL)
        return;
    env = &packed->ctx->env;
    for (d = 0; d < LFI_CONV2D_PACKED; d++)
        if (packed->weights[d] != NULL)
            lfi_free(env, packed->weights[d],
                     (size_t)lfi_conv2d_packed_floats(&packed->conv, d), sizeof(float));
    lfi_free(env, packed, 1, sizeof(*packed));
}
