/* resnet.c - what the network consists of; see resnet.h. The passes are in
 * resnet_forward.c, resnet_backward.c and resnet_wide.c, its layers in resnet_layers.c. */
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "models/resnet_inside.h"

static lfuse_status create_wide_unit(struct resnet *net, int64_t in, int64_t out,
                                     int64_t side, int64_t stride, lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    struct cnn_unit *u;
    lfuse_status status = cnn_create_conv(cnn, in, out, side, stride, &u, err);

    if (status == LFUSE_OK && u != cnn->units)
        status = cnn_create_norm(cnn, u, in, side * side, err);
    if (status == LFUSE_OK && cnn->mode == CNN_TRAINING)
        status = cnn_create_kept(cnn, u, side / stride * (side / stride), err);
    return status;
}

static lfuse_status create_unit(struct resnet *net, int64_t in, int64_t out, int64_t side,
                                int64_t stride, lfuse_error *err)
{
    return net->width > 0 ? create_wide_unit(net, in, out, side, stride, err)
                          : cnn_create_unit(&net->cnn, in, out, side, stride, err);
}

/*
 * Option A as a 1x1 convolution of stride 2 whose weights are zeros and ones: input channel c
 * goes to output channel out / 4 + c. Sums of one value and zeros: exact.
 */
static lfuse_status create_shortcut(struct resnet *net, int64_t stage, int64_t in,
                                    int64_t out, int64_t side, int64_t stride,
                                    lfuse_error *err)
{
    struct cnn_parameter *p = &net->shortcut_weight[stage];
    int64_t dims[4] = {out, in, 1, 1}, c;
    lfuse_status status;
    float *w;

    cnn_conv_shape(&net->cnn, in, out, 1, side, stride, &net->shortcut[stage]);
    status = net->width > 0 ? cnn_create_parameter(&net->cnn, 4, dims, p, err)
                            : cnn_tensor(&net->cnn, 4, dims, &p->value, err);
    if (status != LFUSE_OK)
        return status;
    w = lfuse_tensor_data(p->value);
    for (c = 0; c < in && net->width == 0; c++)
        w[(out / 4 + c) * in + c] = 1.0f;
    return cnn_pack(&net->cnn, &net->shortcut[stage], p->value,
                    &net->shortcut_packed[stage], err);
}

/* Channels of a stage. */
static int64_t channels_of(const struct resnet *net, int64_t stage)
{
    return (net->width > 0 ? net->width : 1) * (16 << stage);
}

/* Of a wide network: what is behind its last block. */
static lfuse_status create_last(struct resnet *net, int64_t side, lfuse_error *err)
{
    lfuse_status status = cnn_create_norm(
        &net->cnn, &net->last, channels_of(net, RESNET_STAGES - 1), side * side, err);

    if (status == LFUSE_OK && net->cnn.mode == CNN_TRAINING)
        status = cnn_create_kept(&net->cnn, &net->last, 1, err);
    return status;
}

static lfuse_status create_stages(struct resnet *net, lfuse_error *err)
{
    int64_t channels = 16, side = CNN_SIDE, stage, block;
    lfuse_status status = create_unit(net, CNN_IN_CHANNELS, channels, side, 1, err);

    for (stage = 0; stage < RESNET_STAGES; stage++)
        for (block = 0; block < net->blocks; block++) {
            int64_t stride = stage > 0 && block == 0 ? 2 : 1;
            int64_t out = channels_of(net, stage);

            if (status == LFUSE_OK && out != channels)
                status = create_shortcut(net, stage, channels, out, side, stride, err);
            if (status == LFUSE_OK)
                status = create_unit(net, channels, out, side, stride, err);
            if (status == LFUSE_OK)
                status = create_unit(net, out, out, side / stride, 1, err);
            channels = out;
            side /= stride;
        }
    if (status == LFUSE_OK && net->width > 0)
        status = create_last(net, side, err);
    return status;
}

/* ---- from and to nothing ------------------------------------------------------------------------ */

static lfuse_status create(struct resnet *net, lfuse_error *err)
{
    int64_t largest = net->cnn.batch * CNN_SIDE * CNN_SIDE * channels_of(net, 0);
    lfuse_status status = create_stages(net, err);

    if (status == LFUSE_OK)
        status =
            cnn_create_classifier(&net->cnn, channels_of(net, RESNET_STAGES - 1), err);
    if (status == LFUSE_OK)
        status = cnn_create_work(&net->cnn, 4, largest, err);
    if (status == LFUSE_OK)
        status = cnn_create_workspace(&net->cnn, net->shortcut, RESNET_STAGES, err);
    if (status == LFUSE_OK)
        status = resnet_create_layers(net, err);
    return status;
}

lfuse_status resnet_create_wide(lfuse_context *ctx, int64_t blocks, int64_t width,
                                int64_t batch, enum cnn_mode mode, struct resnet **net,
                                lfuse_error *err)
{
    lfuse_status status;

    *net = NULL;
    if (blocks < 1 || blocks > RESNET_MAX_BLOCKS || batch < 1)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "blocks is %lld, not in [1, %d], or batch %lld < 1",
                            (long long)blocks, (int)RESNET_MAX_BLOCKS, (long long)batch);
    if (width < 0 || width == 1 || width > RESNET_MAX_WIDTH)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "width is %lld, neither 0 nor in [2, %d]", (long long)width,
                            (int)RESNET_MAX_WIDTH);
    *net = calloc(1, sizeof(**net));
    if (*net == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    (*net)->cnn.ctx = ctx;
    (*net)->blocks = blocks;
    (*net)->width = width;
    (*net)->cnn.batch = batch;
    (*net)->cnn.mode = mode;
    status = create(*net, err);
    if (status != LFUSE_OK) {
        resnet_destroy(*net);
        *net = NULL;
    }
    return status;
}

lfuse_status resnet_create(lfuse_context *ctx, int64_t blocks, int64_t batch,
                           enum cnn_mode mode, struct resnet **net, lfuse_error *err)
{
    return resnet_create_wide(ctx, blocks, 0, batch, mode, net, err);
}

struct resnet_name resnet_name(const struct resnet *net)
{
    struct resnet_name name;

    if (net->width > 0)
        snprintf(name.text, sizeof(name.text), "WRN-%d-%d", (int)(6 * net->blocks + 4),
                 (int)net->width);
    else
        snprintf(name.text, sizeof(name.text), "ResNet-%d", (int)(6 * net->blocks + 2));
    return name;
}

void resnet_destroy(struct resnet *net)
{
    int64_t i;

    if (net == NULL)
        return;
    for (i = 0; i < RESNET_STAGES; i++)
        lfuse_packed_destroy(net->shortcut_packed[i]);
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    cnn_free(&net->cnn);
    free(net);
}

void resnet_initialise(struct resnet *net, uint64_t seed)
{
    int64_t i;

    cnn_initialise(&net->cnn, seed);
    cnn_initialise_norm(&net->last);
    for (i = 0; i < RESNET_STAGES; i++)
        if (net->width > 0)
            cnn_initialise_weight(net->shortcut_weight[i].value, seed,
                                  (uint64_t)(1000 + i));
}
