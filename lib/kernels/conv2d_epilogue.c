/*
 * conv2d_epilogue.c - what follows the products of a forward pass
 *
 *     y = act((sum + bias) * scale + shift + residual)
 *
 * That is batch norm's last step, (x - center) * factor + offset + residual, with center
 * = -bias: its loop serves. Where nothing follows, y is the sums.
 */
#include "kernels/conv2d.h"

int64_t lfi_conv2d_epilogue_floats(const struct lfi_conv2d *c)
{
    return lfi_conv2d_round(3 * c->out_channels);
}

struct lfi_conv2d_epilogue lfi_conv2d_epilogue_make(const struct lfi_conv2d *c,
                                                    float *memory)
{
    const int64_t channels = c->out_channels;
    float *center = memory, *factor = memory + channels, *offset = factor + channels;
    const struct lfi_conv2d_epilogue epilogue = {
        .center = center,
        .factor = factor,
        .offset = offset,
        .channels = channels,
        .relu = c->relu,
        .needed = c->relu || c->bias != NULL || c->scale != NULL || c->shift != NULL ||
                  c->residual != NULL,
    };
    int64_t i;

    for (i = 0; i < channels && epilogue.needed; i++) {
        center[i] = c->bias == NULL ? 0.0f : -c->bias[i];
        factor[i] = c->scale == NULL ? 1.0f : c->scale[i];
        offset[i] = c->shift == NULL ? 0.0f : c->shift[i];
    }
    return epilogue;
}

void lfi_conv2d_epilogue_run(const struct lfi_env *env,
                             const struct lfi_conv2d_epilogue *e, int64_t first,
                             int64_t count, const float *residual, int64_t pixels,
                             float *y)
{
    const struct lfi_batch_norm_tile tile = {
        .x = y,
        .residual = residual,
        .out = y,
        .rows = pixels,
        .width = count,
        .step = e->channels,
        .center = e->center + first,
        .factor = e->factor + first,
        .offset = e->offset + first,
        .relu = e->relu,
    };

    if (e->needed)
        env->kernels->batch_norm_apply_f32(&tile);
}
