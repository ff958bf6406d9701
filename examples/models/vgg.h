/*
 * vgg.h - VGG-16 with batch normalisation for CIFAR-10, out of the library's kernels
 *
 * Simonyan & Zisserman 2015, arXiv:1409.1556, configuration D, for images of 32 x 32: five stages
 * of 2, 2, 3, 3 and 3 units with w, 2 w, 4 w, 8 w and 8 w channels, w = 64, and behind each stage
 * the maximum of every 2 x 2 pixels; of the one pixel that is left, a linear layer to 10 classes.
 */
#ifndef EXAMPLES_VGG_H
#define EXAMPLES_VGG_H

#include "models/cnn.h"

enum { VGG_STAGES = 5, VGG_WIDTH = 64, VGG_MAX_WIDTH = 256 };

struct vgg {
    struct cnn cnn; /* its units: stage after stage */
    int64_t width;  /* w */
    lfuse_tensor
        *pooled[VGG_STAGES]; /* what training keeps of the maxima; the last is features */
};

/* Units of a stage. */
int64_t vgg_depth(int64_t stage);

/*
 * A network for batches up to `batch`, its channels by width in [1, 256]: scales 1, variances 1,
 * all else 0. One made for CNN_INFERENCE has no gradients and cannot train. Release with
 * vgg_destroy().
 */
lfuse_status vgg_create(lfuse_context *ctx, int64_t width, int64_t batch,
                        enum cnn_mode mode, struct vgg **net, lfuse_error *err);
void vgg_destroy(struct vgg *net);

/* Random weights: normal, variance 2 / fan-in; the rest as in a new network. */
void vgg_initialise(struct vgg *net, uint64_t seed);

/* x is (count, 32, 32, 3), count <= batch; logits are left in net->cnn.logits. */
lfuse_status vgg_forward(struct vgg *net, const float *x, int64_t count,
                         enum cnn_mode mode, lfuse_error *err);

/* Gradients of all parameters, after a forward pass for CNN_TRAINING and cnn_loss(). */
lfuse_status vgg_backward(struct vgg *net, lfuse_error *err);

#endif
