/*
 * conv2d_shape.c - sizes of a convolution and of its scratch
 *
 *     out = (size + pad_before + pad_after - dilation * (kernel - 1) - 1) / stride + 1
 */
#include "kernels/conv2d.h"

#include <string.h>

enum { LINE = LFI_ALIGN / (int)sizeof(float) };

/* One axis: the padded size and the output's, with stride and dilation cut to what matters. */
static lfuse_status shape_axis(const char *axis, int64_t size, int64_t before,
                               int64_t after, int64_t kernel, int64_t *stride,
                               int64_t *dilation, int64_t *padded, int64_t *out,
                               lfuse_error *err)
{
    int64_t span;

    if (__builtin_add_overflow(size, before, padded) ||
        __builtin_add_overflow(*padded, after, padded))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the padded %s does not fit", axis);
    if (kernel == 1)
        *dilation = 1;
    if (!lfi_mul_int64(*dilation, kernel - 1, &span) || span >= *padded)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "kernel_%c is %lld with dilation %lld, the padded %s is %lld",
                        axis[0], (long long)kernel, (long long)*dilation, axis,
                        (long long)*padded);
    if (*stride > *padded)
        *stride = *padded;
    *out = (*padded - span - 1) / *stride + 1;
    return LFUSE_OK;
}

/* Whether a tensor of these sizes has a byte count. */
static lfuse_status check_tensor(const char *what, int64_t a, int64_t b, int64_t c,
                                 int64_t d, lfuse_error *err)
{
    int64_t n = (int64_t)sizeof(float);

    if (lfi_mul_int64(n, a, &n) && lfi_mul_int64(n, b, &n) && lfi_mul_int64(n, c, &n) &&
        lfi_mul_int64(n, d, &n))
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                    "%s of %lld * %lld * %lld * %lld elements does not fit", what,
                    (long long)a, (long long)b, (long long)c, (long long)d);
}

lfuse_status lfi_conv2d_shape(struct lfi_conv2d *c, lfuse_error *err)
{
    int64_t padded_h, padded_w, channels;
    lfuse_status status;

    status = shape_axis("height", c->height, c->pad_top, c->pad_bottom, c->kernel_h,
                        &c->stride_h, &c->dilation_h, &padded_h, &c->out_h, err);
    if (status == LFUSE_OK)
        status = shape_axis("width", c->width, c->pad_left, c->pad_right, c->kernel_w,
                            &c->stride_w, &c->dilation_w, &padded_w, &c->out_w, err);
    if (status == LFUSE_OK)
        status = check_tensor("x", c->batch, c->in_channels, c->height, c->width, err);
    if (status == LFUSE_OK)
        status = check_tensor("w", c->out_channels, c->in_channels / c->groups,
                              c->kernel_h, c->kernel_w, err);
    if (status == LFUSE_OK)
        status = check_tensor("y", c->batch, c->out_channels, c->out_h, c->out_w, err);
    if (status != LFUSE_OK)
        return status;
    /* No scratch image is more than four times as high and wide as the padded one. */
    channels = c->in_channels > c->out_channels ? c->in_channels : c->out_channels;
    return check_tensor("a padded image", 16, channels, padded_h, padded_w, err);
}

int64_t lfi_conv2d_weight_count(const struct lfi_conv2d *c)
{
    return c->out_channels * (c->in_channels / c->groups) * c->kernel_h * c->kernel_w;
}

int64_t lfi_conv2d_round(int64_t floats)
{
    return (floats + LINE - 1) / LINE * LINE;
}

lfuse_status lfi_conv2d_memory_size(const struct lfi_env *env,
                                    struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    size_t slots, floats;

    if (!lfi_mul_size((size_t)memory->slot_floats, (size_t)env->executor.concurrency,
                      &slots) ||
        !lfi_add_size(slots, (size_t)memory->shared_floats, &floats) ||
        !lfi_mul_size(floats, sizeof(float), &memory->bytes) ||
        memory->bytes > PTRDIFF_MAX)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "the workspace of %d slots of %lld floats does not fit",
                        (int)env->executor.concurrency, (long long)memory->slot_floats);
    return LFUSE_OK;
}

lfuse_status lfi_conv2d_memory_take(const struct lfi_env *env,
                                    const struct lfi_conv2d *conv,
                                    struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    memory->shared = conv->workspace;
    if (conv->workspace == NULL)
        status = lfi_alloc(env, memory->bytes, 1, "the workspace", &memory->shared, err);
    else if ((uintptr_t)conv->workspace % LFI_ALIGN != 0)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.workspace is not aligned to %d",
                          (int)LFI_ALIGN);
    else if (conv->workspace_bytes < memory->bytes)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.workspace has %zu bytes of %zu",
                          conv->workspace_bytes, memory->bytes);
    if (status != LFUSE_OK)
        return status;
    memory->slots = memory->shared + memory->shared_floats;
    if (!memory->as_it_is)
        memset(memory->slots, 0,
               memory->bytes - (size_t)memory->shared_floats * sizeof(float));
    return LFUSE_OK;
}

void lfi_conv2d_memory_give(const struct lfi_env *env, const struct lfi_conv2d *conv,
                            struct lfi_conv2d_memory *memory)
{
    if (conv->workspace == NULL)
        lfi_free(env, memory->shared, memory->bytes, 1);
}

lfuse_status lfi_conv2d_workspace(const struct lfi_env *env,
                                  const struct lfi_conv2d *conv, size_t *bytes,
                                  lfuse_error *err)
{
    struct lfi_conv2d_memory forward = {0}, data = {0}, weights = {0};
    lfuse_status status;

    status = lfi_conv2d_forward_memory(env, conv, &forward, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_backward_data_memory(env, conv, &data, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_backward_weights_memory(env, conv, &weights, err);
    if (status != LFUSE_OK)
        return status;
    *bytes = forward.bytes > data.bytes ? forward.bytes : data.bytes;
    *bytes = *bytes > weights.bytes ? *bytes : weights.bytes;
    return LFUSE_OK;
}
