/* resnet_inside.h - what resnet*.c share, and nobody else sees */
#ifndef EXAMPLES_RESNET_INSIDE_H
#define EXAMPLES_RESNET_INSIDE_H

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

/* Of a wide network, from net->x to what is pooled, and back: that gradient is in g[0]. */
lfuse_status resnet_wide_forward(struct resnet *net, enum resnet_mode mode,
                                 const float **out, lfuse_error *err);
lfuse_status resnet_wide_backward(struct resnet *net, float *g[3], lfuse_error *err);

/* A convolution and a norm of the batch at hand, with all that forward and backward share. */
lfuse_conv2d_args resnet_conv_args(const struct resnet *net,
                                   const lfuse_conv2d_args *shape,
                                   const lfuse_packed *packed);
lfuse_batch_norm_args resnet_norm_args(const struct resnet *net,
                                       const struct resnet_unit *unit);

/* From dy to the gradients of the weights and, unless it is NULL, of x: accumulate adds to dx. */
lfuse_status resnet_conv_backward(struct resnet *net, lfuse_conv2d_args conv,
                                  lfuse_tensor *dw, const float *x, const float *dy,
                                  float *dx, int accumulate, lfuse_error *err);
/* In place, through ReLU and normalisation; dresidual may be NULL. */
lfuse_status resnet_norm_backward(struct resnet *net, const struct resnet_unit *unit,
                                  const float *x, float *d, float *dresidual,
                                  lfuse_error *err);

/* The mean over all pixels of the last stage, and the classifier, forward or backward. */
void resnet_pool_shape(const struct resnet *net, lfuse_pool2d_args *pool);
void resnet_linear_shape(const struct resnet *net, lfuse_linear_args *linear);

#endif
