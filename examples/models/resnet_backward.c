/* resnet_backward.c - the backward pass: see resnet.h */
#include "models/resnet_inside.h"

/* Adds the gradient that comes through the shortcut. */
lfuse_status resnet_shortcut_backward(struct resnet *net, int64_t stage, const float *dy,
                                      float *dx, lfuse_error *err)
{
    lfuse_conv2d_args conv =
        cnn_conv_args(&net->cnn, &net->shortcut[stage], net->shortcut_packed[stage]);

    conv.dy = dy;
    conv.dx = dx;
    conv.flags = LFUSE_CONV2D_ACCUMULATE;
    return lfuse_conv2d_backward_data(net->cnn.ctx, &conv, err);
}

/*
 * g[0] holds the gradient of the block's output, and afterwards that of its input; g[1] and
 * g[2] are free. The residual's gradient is the identity shortcut's part of the input's: the
 * first convolution adds its own to it, and the two buffers change names.
 */
static lfuse_status block_backward(struct resnet *net, int64_t block, float *g[3],
                                   lfuse_error *err)
{
    struct cnn_unit *first = &net->cnn.units[1 + 2 * block], *second = first + 1;
    const float *x = cnn_data((first - 1)->out);
    int64_t stage = resnet_shortcut_stage(net, block);
    float *dresidual = g[1];
    lfuse_status status;

    status = cnn_unit_backward(&net->cnn, second, cnn_data(first->out), g[0], dresidual,
                               g[2], 0, err);
    if (status != LFUSE_OK)
        return status;
    if (stage < 0) {
        g[1] = g[0];
        g[0] = dresidual;
        return cnn_unit_backward(&net->cnn, first, x, g[2], NULL, g[0], 1, err);
    }
    status = cnn_unit_backward(&net->cnn, first, x, g[2], NULL, g[0], 0, err);
    if (status == LFUSE_OK)
        status = resnet_shortcut_backward(net, stage, dresidual, g[0], err);
    return status;
}

static lfuse_status head_backward(struct resnet *net, float *dx, lfuse_error *err)
{
    lfuse_pool2d_args pool;
    lfuse_status status = cnn_classify_backward(&net->cnn, err);

    if (status != LFUSE_OK)
        return status;
    resnet_pool_shape(net, &pool);
    pool.dy = cnn_data(net->cnn.feature_gradient);
    pool.dx = dx;
    return lfuse_pool2d_backward(net->cnn.ctx, &pool, err);
}

lfuse_status resnet_backward(struct resnet *net, lfuse_error *err)
{
    float *g[3] = {cnn_data(net->cnn.work[0]), cnn_data(net->cnn.work[1]),
                   cnn_data(net->cnn.work[2])};
    lfuse_status status = head_backward(net, g[0], err);
    int64_t block;

    if (status == LFUSE_OK && net->width > 0)
        return resnet_wide_backward(net, g, err);
    for (block = RESNET_STAGES * net->blocks - 1; block >= 0 && status == LFUSE_OK;
         block--)
        status = block_backward(net, block, g, err);
    if (status == LFUSE_OK)
        status = cnn_unit_backward(&net->cnn, &net->cnn.units[0], net->cnn.x, g[0], NULL,
                                   NULL, 0, err);
    return status;
}
