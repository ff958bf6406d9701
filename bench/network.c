/* network.c - see network.h */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "random.h"

static lfuse_status forward(struct network *net, enum cnn_mode mode, lfuse_error *err)
{
    return net->vgg != NULL ? vgg_forward(net->vgg, net->x, net->batch, mode, err)
                            : resnet_forward(net->resnet, net->x, net->batch, mode, err);
}

lfuse_status network_train(struct network *net, lfuse_error *err)
{
    lfuse_status status = forward(net, CNN_TRAINING, err);
    double loss;

    if (status == LFUSE_OK)
        status = cnn_loss(net->cnn, net->labels, &loss, NULL, err);
    if (status == LFUSE_OK)
        status = net->vgg != NULL ? vgg_backward(net->vgg, err)
                                  : resnet_backward(net->resnet, err);
    return status == LFUSE_OK ? cnn_update(net->cnn, 1e-3, 0.9, 1e-4, err) : status;
}

lfuse_status network_infer(struct network *net, lfuse_error *err)
{
    return forward(net, CNN_INFERENCE, err);
}

static lfuse_status create_layers(lfuse_context *ctx, const char *name, int64_t batch,
                                  enum cnn_mode mode, struct network *net,
                                  lfuse_error *err)
{
    lfuse_status status;
    int layers = 0;

    if (strcmp(name, "vgg16") == 0) {
        status = vgg_create(ctx, VGG_WIDTH, batch, mode, &net->vgg, err);
        if (status != LFUSE_OK)
            return status;
        vgg_initialise(net->vgg, 1);
        net->cnn = &net->vgg->cnn;
        return LFUSE_OK;
    }
    if (sscanf(name, "resnet%d", &layers) != 1 || layers % 6 != 2)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "there is no network %s", name);
    status = resnet_create(ctx, layers / 6, batch, mode, &net->resnet, err);
    if (status != LFUSE_OK)
        return status;
    resnet_initialise(net->resnet, 1);
    net->cnn = &net->resnet->cnn;
    return LFUSE_OK;
}

lfuse_status network_create(lfuse_context *ctx, const char *name, int64_t batch,
                            enum cnn_mode mode, struct network *net, lfuse_error *err)
{
    int64_t values = batch * CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS, i;
    lfuse_status status;

    memset(net, 0, sizeof(*net));
    status = create_layers(ctx, name, batch, mode, net, err);
    if (status != LFUSE_OK)
        return status;
    net->cnn->frozen = mode == CNN_INFERENCE;
    net->batch = batch;
    net->x = malloc((size_t)values * sizeof(*net->x));
    net->labels = malloc((size_t)batch * sizeof(*net->labels));
    if (net->x == NULL || net->labels == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for images");
    for (i = 0; i < values; i++)
        net->x[i] = (float)random_normal(2, 0, (uint64_t)i);
    for (i = 0; i < batch; i++)
        net->labels[i] = (int32_t)(random_bits(3, 0, (uint64_t)i) % CNN_CLASSES);
    return LFUSE_OK;
}

void network_destroy(struct network *net)
{
    free(net->labels);
    free(net->x);
    resnet_destroy(net->resnet);
    vgg_destroy(net->vgg);
    memset(net, 0, sizeof(*net));
}

double network_flops(const struct network *net)
{
    double flops = 0.0;
    int64_t i;

    for (i = 0; i < net->cnn->unit_count; i++) {
        const struct cnn_unit *u = &net->cnn->units[i];

        flops += 2.0 * 9.0 *
                 (double)(net->batch * u->norm.pixels * u->conv.in_channels *
                          u->conv.out_channels);
    }
    return flops;
}
