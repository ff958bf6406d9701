/* network.h - a CIFAR network and synthetic images, for benchmarks */
#ifndef BENCH_NETWORK_H
#define BENCH_NETWORK_H

#include "models/resnet.h"
#include "models/vgg.h"

struct network {
    struct resnet *resnet; /* one of these two */
    struct vgg *vgg;
    struct cnn *cnn; /* of either */
    float *x;        /* (batch, 32, 32, 3) */
    int32_t *labels;
    int64_t batch;
};

/*
 * name is vgg16 or a ResNet of 6 n + 2 layers, such as resnet20; random weights. For inference
 * weights are prepared once. Release with network_destroy(), also after a failure.
 */
lfuse_status network_create(lfuse_context *ctx, const char *name, int64_t batch,
                            enum cnn_mode mode, struct network *net, lfuse_error *err);
void network_destroy(struct network *net);

/* Forward, loss, backward, and SGD with momentum 0.9 and weight decay 1e-4; or forward alone. */
lfuse_status network_train(struct network *net, lfuse_error *err);
lfuse_status network_infer(struct network *net, lfuse_error *err);

/* Operations of the convolutions, forward, of a batch. */
double network_flops(const struct network *net);

#endif
