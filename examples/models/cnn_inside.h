/* cnn_inside.h - what networks are made of: for resnet*.c and vgg.c, and nobody else */
#ifndef EXAMPLES_CNN_INSIDE_H
#define EXAMPLES_CNN_INSIDE_H

#include "models/cnn.h"

/* ---- cnn.c: memory --------------------------------------------------------------------- */

/* Every piece of memory is a tensor, and every tensor is in cnn->tensors. */
lfuse_status cnn_vector(struct cnn *cnn, int64_t count, lfuse_tensor **out,
                        lfuse_error *err);
lfuse_status cnn_tensor(struct cnn *cnn, int32_t rank, const int64_t *dims,
                        lfuse_tensor **out, lfuse_error *err);
lfuse_status cnn_create_parameter(struct cnn *cnn, int32_t rank, const int64_t *dims,
                                  struct cnn_parameter *p, lfuse_error *err);

/* kernel is 3 for a unit, 1 for a shortcut. side is that of the input. */
void cnn_conv_shape(const struct cnn *cnn, int64_t in, int64_t out, int64_t kernel,
                    int64_t side, int64_t stride, lfuse_conv2d_args *conv);
/* The weights as the kernels read them; the first layer's input needs no gradient. */
lfuse_status cnn_pack(const struct cnn *cnn, const lfuse_conv2d_args *conv,
                      lfuse_tensor *weight, lfuse_packed **packed, lfuse_error *err);

/* The next unit's convolution, a unit's normalisation, what training keeps, or all of them. */
lfuse_status cnn_create_conv(struct cnn *cnn, int64_t in, int64_t out, int64_t side,
                             int64_t stride, struct cnn_unit **unit, lfuse_error *err);
lfuse_status cnn_create_norm(struct cnn *cnn, struct cnn_unit *unit, int64_t channels,
                             int64_t pixels, lfuse_error *err);
lfuse_status cnn_create_kept(struct cnn *cnn, struct cnn_unit *unit, int64_t pixels,
                             lfuse_error *err);
lfuse_status cnn_create_unit(struct cnn *cnn, int64_t in, int64_t out, int64_t side,
                             int64_t stride, lfuse_error *err);

/* The linear layer. */
lfuse_status cnn_create_classifier(struct cnn *cnn, int64_t features, lfuse_error *err);
/* Room for `count` activations, up to 4, of `values` values. */
lfuse_status cnn_create_work(struct cnn *cnn, int64_t count, int64_t values,
                             lfuse_error *err);
/* The most that a unit, the classifier or one of these convolutions asks for; batch 0: none. */
lfuse_status cnn_create_workspace(struct cnn *cnn, const lfuse_conv2d_args *others,
                                  int64_t count, lfuse_error *err);
void cnn_free(struct cnn *cnn);

/* Normal, variance 2 / fan-in; norms as in a new network. */
void cnn_initialise(struct cnn *cnn, uint64_t seed);
void cnn_initialise_weight(lfuse_tensor *weight, uint64_t seed, uint64_t stream);
void cnn_initialise_norm(struct cnn_unit *unit);

/* ---- cnn_pass.c: the passes ------------------------------------------------------------ */

/*
 * Tying layers re-points their weights: this is asked at every pass, and no address is kept.
 */
float *cnn_data(lfuse_tensor *tensor);

/* Checks what a forward pass is given, and prepares the weights; 1 if that was done before. */
int cnn_is_prepared(const struct cnn *cnn, enum cnn_mode mode);
lfuse_status cnn_begin(struct cnn *cnn, const float *x, int64_t count, enum cnn_mode mode,
                       lfuse_error *err);

/* A convolution and a norm of the batch at hand, with all that forward and backward share. */
lfuse_conv2d_args cnn_conv_args(const struct cnn *cnn, const lfuse_conv2d_args *shape,
                                const lfuse_packed *packed);
lfuse_batch_norm_args cnn_norm_args(const struct cnn *cnn, const struct cnn_unit *unit);

/* y = ReLU(norm(x) + residual); residual may be NULL. */
lfuse_status cnn_norm_forward(struct cnn *cnn, struct cnn_unit *unit, const float *x,
                              const float *residual, float *y, enum cnn_mode mode,
                              lfuse_error *err);
/* out = ReLU(norm(conv(x)) + residual): in inference by the convolution alone. */
lfuse_status cnn_unit_forward(struct cnn *cnn, struct cnn_unit *unit, const float *x,
                              const float *residual, float *out, enum cnn_mode mode,
                              lfuse_error *err);

/* From dy to the gradients of the weights and, unless it is NULL, of x: accumulate adds to dx. */
lfuse_status cnn_conv_backward(struct cnn *cnn, lfuse_conv2d_args conv, lfuse_tensor *dw,
                               const float *x, const float *dy, float *dx, int accumulate,
                               lfuse_error *err);
/* In place, through ReLU and normalisation; dresidual may be NULL. */
lfuse_status cnn_norm_backward(struct cnn *cnn, const struct cnn_unit *unit,
                               const float *x, float *d, float *dresidual,
                               lfuse_error *err);
/*
 * From the gradient of the unit's output in dout to that of its convolution's output, in the
 * same place, and the gradients of its parameters; that of the residual to dresidual, and that
 * of x to dx (either may be NULL). accumulate: dx holds another part of the gradient already.
 */
lfuse_status cnn_unit_backward(struct cnn *cnn, struct cnn_unit *unit, const float *x,
                               float *dout, float *dresidual, float *dx, int accumulate,
                               lfuse_error *err);

/* From cnn->features to cnn->logits, and from their gradient to that of the features. */
lfuse_status cnn_classify(struct cnn *cnn, lfuse_error *err);
lfuse_status cnn_classify_backward(struct cnn *cnn, lfuse_error *err);

#endif
