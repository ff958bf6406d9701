/*
 * cnn.h - what the convolutional networks of the examples have in common: units, a classifier,
 * and the memory of a pass
 *
 * A unit is a convolution without bias, batch normalisation and ReLU; images are CIFAR's. Weights
 * are prepared once for forward and backward, and once for all units that share them. Activations
 * are NHWC, the kernels' native layout. All memory is taken at creation: a step allocates
 * nothing here. Every struct is open, because this file is there to be read; change weights and
 * statistics as you like, the rest is the network's.
 */
#ifndef EXAMPLES_CNN_H
#define EXAMPLES_CNN_H

#include <layerfuse/layerfuse.h>

enum {
    CNN_CLASSES = 10,
    CNN_SIDE = 32,       /* of an image */
    CNN_IN_CHANNELS = 3, /* of an image */
    CNN_MAX_UNITS = 109, /* 18 blocks of each of a ResNet's three stages, and the stem */
    CNN_MAX_PARAMETERS = 3 * CNN_MAX_UNITS + 8,
    CNN_MAX_TENSORS = 18 * CNN_MAX_UNITS + 64
};

enum cnn_mode {
    CNN_INFERENCE = 0, /* running statistics; nothing is kept */
    CNN_TRAINING = 1   /* the batch's statistics; everything is kept for backward */
};

struct cnn_parameter {
    lfuse_tensor *value;
    lfuse_tensor *gradient; /* these two: NULL in a network for inference */
    lfuse_tensor *velocity;
};

/*
 * A 3x3 convolution with the batch normalisation, the residual and the ReLU behind it; of a wide
 * ResNet with normalisation and ReLU before it, of which the stem has none: channels are then 0.
 */
struct cnn_unit {
    lfuse_conv2d_args conv;     /* its shape */
    lfuse_batch_norm_args norm; /* its shape */
    struct cnn_parameter weight;
    lfuse_packed *own_packed;   /* made of weight, unless an earlier unit shares that; */
    const lfuse_packed *packed; /* then this is the earlier unit's */
    struct cnn_parameter scale;
    struct cnn_parameter shift;
    lfuse_tensor *running_mean;
    lfuse_tensor *running_variance;
    lfuse_tensor
        *folded_scale; /* these two: the norm with running statistics, made with packed */
    lfuse_tensor *folded_shift;
    lfuse_tensor *convolved; /* these four are kept by training, for backward */
    lfuse_tensor *out;       /* of normalisation and ReLU */
    lfuse_tensor *saved_mean;
    lfuse_tensor *saved_inverse;
};

struct cnn {
    lfuse_context *ctx;
    int64_t batch; /* the largest */
    enum cnn_mode mode;
    int frozen; /* set it once no weight will change: inference then prepares them only once */
    int prepared;    /* they are, for inference */
    double momentum; /* weight of a batch in the running statistics; 0 means 0.1 */

    struct cnn_unit units[CNN_MAX_UNITS];
    int64_t unit_count;
    struct cnn_parameter linear_weight; /* (10, features) */
    struct cnn_parameter linear_bias;

    struct cnn_parameter *parameters[CNN_MAX_PARAMETERS]; /* all that train */
    int64_t parameter_count;

    lfuse_tensor *work[4]; /* each as large as the largest activation; or NULL */
    lfuse_tensor *features, *feature_gradient; /* (batch, features) */
    lfuse_tensor *logits, *logit_gradient;     /* (batch, 10) */
    lfuse_tensor *workspace;                   /* of any kernel */

    const float *x; /* of the latest forward pass */
    int64_t count;

    lfuse_tensor *tensors[CNN_MAX_TENSORS]; /* all of the above, to be destroyed */
    int64_t tensor_count;
};

/*
 * How the 3x3 convolutions of stride 1 are computed from now on; 0, as in a new network, means by
 * their shape. Allocates.
 */
lfuse_status cnn_choose(struct cnn *cnn, lfuse_conv2d_algorithm algorithm,
                        lfuse_error *err);

/*
 * The mean cross-entropy of the latest forward pass, and how many labels had the greatest
 * logit (correct may be NULL). Leaves the gradient in cnn->logit_gradient for the backward pass.
 */
lfuse_status cnn_loss(struct cnn *cnn, const int32_t *labels, double *loss,
                      int64_t *correct, lfuse_error *err);

/*
 * The same, with a teacher's answers to the same images in teacher->logits: see
 * lfuse_distillation_args for temperature, weight and smoothing. teacher may be NULL where the
 * weight is negative.
 */
lfuse_status cnn_distil(struct cnn *cnn, const struct cnn *teacher, double temperature,
                        double weight, double smoothing, const int32_t *labels,
                        double *loss, lfuse_error *err);

/* One step of stochastic gradient descent for all parameters, none of which is tied, in one call. */
lfuse_status cnn_update(struct cnn *cnn, double learning_rate, double momentum,
                        double weight_decay, lfuse_error *err);

#endif
