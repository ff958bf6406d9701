/* resnet_backward.c - the backward pass: see resnet.h, and resnet_forward.c for addresses */
#include "models/resnet_inside.h"

static float *data(lfuse_tensor *tensor)
{
    return lfuse_tensor_data(tensor);
}

lfuse_status resnet_norm_backward(struct resnet *net, const struct resnet_unit *unit,
                                  const float *x, float *d, float *dresidual,
                                  lfuse_error *err)
{
    lfuse_batch_norm_args norm = resnet_norm_args(net, unit);

    norm.x = x;
    norm.y = data(unit->out);
    norm.dy = norm.dx = d;
    norm.dresidual = dresidual;
    norm.dscale = data(unit->scale.gradient);
    norm.dshift = data(unit->shift.gradient);
    return lfuse_batch_norm_backward(net->ctx, &norm, err);
}

lfuse_status resnet_conv_backward(struct resnet *net, lfuse_conv2d_args conv,
                                  lfuse_tensor *dw, const float *x, const float *dy,
                                  float *dx, int accumulate, lfuse_error *err)
{
    lfuse_status status;

    conv.x = x;
    conv.dy = dy;
    conv.dx = dx;
    conv.dw = data(dw);
    status = lfuse_conv2d_backward_weights(net->ctx, &conv, err);
    conv.flags = accumulate ? LFUSE_CONV2D_ACCUMULATE : 0;
    if (status == LFUSE_OK && dx != NULL)
        status = lfuse_conv2d_backward_data(net->ctx, &conv, err);
    return status;
}

/*
 * From the gradient of the unit's output in dout to that of its convolution's output, in the
 * same place, and the gradients of its parameters; that of the residual to dresidual, and that
 * of x to dx (either may be NULL). accumulate: dx holds another part of the gradient already.
 */
static lfuse_status unit_backward(struct resnet *net, struct resnet_unit *u,
                                  const float *x, float *dout, float *dresidual,
                                  float *dx, int accumulate, lfuse_error *err)
{
    lfuse_status status =
        resnet_norm_backward(net, u, data(u->convolved), dout, dresidual, err);

    if (status != LFUSE_OK)
        return status;
    return resnet_conv_backward(net, resnet_conv_args(net, &u->conv, u->packed),
                                u->weight.gradient, x, dout, dx, accumulate, err);
}

/* Adds the gradient that comes through the shortcut. */
lfuse_status resnet_shortcut_backward(struct resnet *net, int64_t stage, const float *dy,
                                      float *dx, lfuse_error *err)
{
    lfuse_conv2d_args conv =
        resnet_conv_args(net, &net->shortcut[stage], net->shortcut_packed[stage]);

    conv.dy = dy;
    conv.dx = dx;
    conv.flags = LFUSE_CONV2D_ACCUMULATE;
    return lfuse_conv2d_backward_data(net->ctx, &conv, err);
}

/*
 * g[0] holds the gradient of the block's output, and afterwards that of its input; g[1] and
 * g[2] are free. The residual's gradient is the identity shortcut's part of the input's: the
 * first convolution adds its own to it, and the two buffers change names.
 */
static lfuse_status block_backward(struct resnet *net, int64_t block, float *g[3],
                                   lfuse_error *err)
{
    struct resnet_unit *first = &net->units[1 + 2 * block], *second = first + 1;
    const float *x = data((first - 1)->out);
    int64_t stage = resnet_shortcut_stage(net, block);
    float *dresidual = g[1];
    lfuse_status status;

    status = unit_backward(net, second, data(first->out), g[0], dresidual, g[2], 0, err);
    if (status != LFUSE_OK)
        return status;
    if (stage < 0) {
        g[1] = g[0];
        g[0] = dresidual;
        return unit_backward(net, first, x, g[2], NULL, g[0], 1, err);
    }
    status = unit_backward(net, first, x, g[2], NULL, g[0], 0, err);
    if (status == LFUSE_OK)
        status = resnet_shortcut_backward(net, stage, dresidual, g[0], err);
    return status;
}

static lfuse_status head_backward(struct resnet *net, float *dx, lfuse_error *err)
{
    lfuse_linear_args linear;
    lfuse_pool2d_args pool;
    lfuse_status status;

    resnet_linear_shape(net, &linear);
    linear.dy = data(net->logit_gradient);
    linear.dx = data(net->feature_gradient);
    linear.dw = data(net->linear_weight.gradient);
    linear.dbias = data(net->linear_bias.gradient);
    status = lfuse_linear_backward_weights(net->ctx, &linear, err);
    if (status == LFUSE_OK)
        status = lfuse_linear_backward_data(net->ctx, &linear, err);
    if (status != LFUSE_OK)
        return status;
    resnet_pool_shape(net, &pool);
    pool.dy = data(net->feature_gradient);
    pool.dx = dx;
    return lfuse_pool2d_backward(net->ctx, &pool, err);
}

lfuse_status resnet_backward(struct resnet *net, lfuse_error *err)
{
    float *g[3] = {data(net->work[0]), data(net->work[1]), data(net->work[2])};
    lfuse_status status = head_backward(net, g[0], err);
    int64_t block;

    if (status == LFUSE_OK && net->width > 0)
        return resnet_wide_backward(net, g, err);
    for (block = RESNET_STAGES * net->blocks - 1; block >= 0 && status == LFUSE_OK;
         block--)
        status = block_backward(net, block, g, err);
    if (status == LFUSE_OK)
        status = unit_backward(net, &net->units[0], net->x, g[0], NULL, NULL, 0, err);
    return status;
}
