/* resnet_inside.h - what resnet*.c share, and nobody else sees */
#ifndef EXAMPLES_RESNET_INSIDE_H
#define EXAMPLES_RESNET_INSIDE_H

#include "models/cnn_inside.h"
#include "models/resnet.h"

/* net->layers, of a network whose memory is all there. */
lfuse_status resnet_create_layers(struct resnet *net, lfuse_error *err);

/* The stage whose shortcut this block needs, or -1. */
int64_t resnet_shortcut_stage(const struct resnet *net, int64_t block);

lfuse_status resnet_shortcut_forward(struct resnet *net, int64_t stage, const float *x,
                                     float *y, lfuse_error *err);
/* Adds the gradient that comes through the shortcut. */
lfuse_status resnet_shortcut_backward(struct resnet *net, int64_t stage, const float *dy,
                                      float *dx, lfuse_error *err);

/* Of a wide network, from net->cnn.x to what is pooled, and back: that gradient is in g[0]. */
lfuse_status resnet_wide_forward(struct resnet *net, enum cnn_mode mode,
                                 const float **out, lfuse_error *err);
lfuse_status resnet_wide_backward(struct resnet *net, float *g[3], lfuse_error *err);

/* The mean over all pixels of the last stage, forward or backward. */
void resnet_pool_shape(const struct resnet *net, lfuse_pool2d_args *pool);

#endif
