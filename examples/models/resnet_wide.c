/*
 * resnet_wide.c - forward and backward of a Wide-ResNet; see resnet.h
 *
 *     a = ReLU(norm(x))    h = conv(a)    b = ReLU(norm(h))    y = conv(b) + shortcut
 *
 * The shortcut is x, or a 1x1 convolution of a. Training keeps a and b as `out` of the block's
 * units, h and y as `convolved`.
 */
#include "models/resnet_inside.h"

static lfuse_status conv_forward(struct resnet *net, struct cnn_unit *u, const float *x,
                                 const float *residual, float *y, lfuse_error *err)
{
    lfuse_conv2d_args conv = cnn_conv_args(&net->cnn, &u->conv, u->packed);

    conv.x = x;
    conv.residual = residual;
    conv.y = y;
    return lfuse_conv2d_forward(net->cnn.ctx, &conv, err);
}

/* *x becomes the block's output. Inference takes it from one of w[0] and w[1] to the other. */
static lfuse_status block_forward(struct resnet *net, int64_t block, float *w[4],
                                  const float **x, enum cnn_mode mode, lfuse_error *err)
{
    struct cnn_unit *first = &net->cnn.units[1 + 2 * block], *second = first + 1;
    const int keep = mode == CNN_TRAINING;
    const int64_t stage = resnet_shortcut_stage(net, block);
    float *a = keep ? cnn_data(first->out) : w[2],
          *h = keep ? cnn_data(first->convolved) : w[1];
    float *b = keep ? cnn_data(second->out) : h, *shortcut = cnn_data(net->cnn.work[3]);
    float *y = keep ? cnn_data(second->convolved) : w[2];
    lfuse_status status = cnn_norm_forward(&net->cnn, first, *x, NULL, a, mode, err);

    if (status == LFUSE_OK && stage >= 0)
        status = resnet_shortcut_forward(net, stage, a, shortcut, err);
    if (status == LFUSE_OK)
        status = conv_forward(net, first, a, NULL, h, err);
    if (status == LFUSE_OK)
        status = cnn_norm_forward(&net->cnn, second, h, NULL, b, mode, err);
    if (status == LFUSE_OK) /* a is done with: y may be in its place */
        status = conv_forward(net, second, b, stage >= 0 ? shortcut : *x, y, err);
    w[2] = w[0];
    w[0] = y;
    *x = y;
    return status;
}

lfuse_status resnet_wide_forward(struct resnet *net, enum cnn_mode mode,
                                 const float **out, lfuse_error *err)
{
    float *w[4] = {cnn_data(net->cnn.work[0]), cnn_data(net->cnn.work[1]),
                   cnn_data(net->cnn.work[2]), NULL};
    const int keep = mode == CNN_TRAINING;
    float *stem = keep ? cnn_data(net->cnn.units[0].convolved) : w[0];
    float *last = keep ? cnn_data(net->last.out) : w[1];
    lfuse_status status =
        conv_forward(net, &net->cnn.units[0], net->cnn.x, NULL, stem, err);
    const float *x = stem;
    int64_t block;

    for (block = 0; block < RESNET_STAGES * net->blocks && status == LFUSE_OK; block++)
        status = block_forward(net, block, w, &x, mode, err);
    *out = last;
    return status == LFUSE_OK
               ? cnn_norm_forward(&net->cnn, &net->last, x, NULL, last, mode, err)
               : status;
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Gradient of the 1x1 convolution's weights from dy, and its part of da. */
static lfuse_status shortcut_backward(struct resnet *net, int64_t stage, const float *a,
                                      const float *dy, float *da, lfuse_error *err)
{
    lfuse_status status = cnn_conv_backward(
        &net->cnn,
        cnn_conv_args(&net->cnn, &net->shortcut[stage], net->shortcut_packed[stage]),
        net->shortcut_weight[stage].gradient, a, dy, NULL, 0, err);

    return status == LFUSE_OK ? resnet_shortcut_backward(net, stage, dy, da, err)
                              : status;
}

/* g[0] holds the gradient of the block's output, and afterwards that of its input. */
static lfuse_status block_backward(struct resnet *net, int64_t block, float *g[3],
                                   lfuse_error *err)
{
    struct cnn_unit *first = &net->cnn.units[1 + 2 * block], *second = first + 1;
    const float *x = cnn_data((first - 1)->convolved), *a = cnn_data(first->out);
    const int64_t stage = resnet_shortcut_stage(net, block);
    float *dy = g[0], *dh = g[1], *da = g[2];
    lfuse_status status = cnn_conv_backward(
        &net->cnn, cnn_conv_args(&net->cnn, &second->conv, second->packed),
        second->weight.gradient, cnn_data(second->out), dy, dh, 0, err);

    if (status == LFUSE_OK)
        status = cnn_norm_backward(&net->cnn, second, cnn_data(first->convolved), dh,
                                   NULL, err);
    if (status == LFUSE_OK)
        status = cnn_conv_backward(&net->cnn,
                                   cnn_conv_args(&net->cnn, &first->conv, first->packed),
                                   first->weight.gradient, a, dh, da, 0, err);
    if (status == LFUSE_OK && stage >= 0)
        status = shortcut_backward(net, stage, a, dy, da, err);
    if (status == LFUSE_OK)
        status = cnn_norm_backward(&net->cnn, first, x, da, NULL, err);
    if (status == LFUSE_OK && stage < 0)
        status = lfuse_add(net->cnn.ctx, da, dy,
                           net->cnn.count * first->norm.pixels * first->norm.channels, da,
                           err);
    g[0] = da;
    g[2] = dy;
    return status;
}

lfuse_status resnet_wide_backward(struct resnet *net, float *g[3], lfuse_error *err)
{
    const struct cnn_unit *stem = &net->cnn.units[0];
    const float *x = cnn_data(net->cnn.units[net->cnn.unit_count - 1].convolved);
    lfuse_status status = cnn_norm_backward(&net->cnn, &net->last, x, g[0], NULL, err);
    int64_t block;

    for (block = RESNET_STAGES * net->blocks - 1; block >= 0 && status == LFUSE_OK;
         block--)
        status = block_backward(net, block, g, err);
    if (status == LFUSE_OK)
        status = cnn_conv_backward(&net->cnn,
                                   cnn_conv_args(&net->cnn, &stem->conv, stem->packed),
                                   stem->weight.gradient, net->cnn.x, g[0], NULL, 0, err);
    return status;
}
