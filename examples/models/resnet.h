/*
 * resnet.h - residual networks for CIFAR-10, out of the library's kernels
 *
 * He et al. 2016, arXiv:1512.03385, sec. 4.2: a 3x3 convolution to 16 channels, three stages
 * of n blocks with 16, 32 and 64 channels, the mean over the 8x8 pixels that are left, and a
 * linear layer to 10 classes; 6n + 2 layers: n = 3 is ResNet-20, n = 9 ResNet-56. A block is
 * conv-norm-ReLU-conv-norm, plus its input, ReLU. The first block of stages 2 and 3 halves the
 * image; its input is then brought to the new shape without parameters ("option A"): every
 * second pixel from 0, and zeros for the new channels, half of them before, half after.
 *
 * With a width k > 0 it is a Wide-ResNet (Zagoruyko & Komodakis 2016, arXiv:1605.07146): stages of
 * 16 k, 32 k and 64 k channels, and norm-ReLU-conv-norm-ReLU-conv, plus the input; where a block
 * changes the shape, plus a 1x1 convolution of what came out of its first ReLU. After the last
 * block norm and ReLU; 6n + 4 layers: n = 4 and k = 2 is WRN-28-2.
 *
 * Activations are NHWC, the kernels' native layout. All memory is taken at creation: a step
 * allocates nothing here. Every struct is open, because this file is there to be read; change
 * weights and statistics as you like, the rest is the network's.
 */
#ifndef EXAMPLES_RESNET_H
#define EXAMPLES_RESNET_H

#include <layerfuse/layerfuse.h>

enum {
    RESNET_STAGES = 3,
    RESNET_CLASSES = 10,
    RESNET_SIDE = 32,       /* of an image */
    RESNET_IN_CHANNELS = 3, /* of an image */
    RESNET_MAX_BLOCKS = 18, /* per stage */
    RESNET_MAX_UNITS = 1 + 2 * RESNET_STAGES * RESNET_MAX_BLOCKS,
    RESNET_MAX_WIDTH = 16,
    RESNET_MAX_LAYERS = 2 * RESNET_MAX_UNITS + 2 + RESNET_STAGES,
    RESNET_MAX_TENSORS = 18 * RESNET_MAX_UNITS + 64
};

enum resnet_mode {
    RESNET_INFERENCE = 0, /* running statistics; nothing is kept */
    RESNET_TRAINING = 1   /* the batch's statistics; everything is kept for backward */
};

struct resnet_parameter {
    lfuse_tensor *value;
    lfuse_tensor *gradient; /* these two: NULL in a network for inference */
    lfuse_tensor *velocity;
};

/*
 * A 3x3 convolution with the batch normalisation, the residual and the ReLU behind it; of a wide
 * network with normalisation and ReLU before it, of which the stem has none: channels are then 0.
 */
struct resnet_unit {
    lfuse_conv2d_args conv;     /* its shape */
    lfuse_batch_norm_args norm; /* its shape */
    struct resnet_parameter weight;
    lfuse_packed *own_packed;   /* made of weight, unless an earlier unit shares that; */
    const lfuse_packed *packed; /* then this is the earlier unit's */
    struct resnet_parameter scale;
    struct resnet_parameter shift;
    lfuse_tensor *running_mean;
    lfuse_tensor *running_variance;
    lfuse_tensor
        *folded_scale; /* these two: the norm with running statistics, made anew by */
    lfuse_tensor *folded_shift; /* every forward pass for inference */
    lfuse_tensor *convolved;    /* these four are kept by training, for backward */
    lfuse_tensor *out;          /* of normalisation and ReLU */
    lfuse_tensor *saved_mean;
    lfuse_tensor *saved_inverse;
};

struct resnet {
    lfuse_context *ctx;
    int64_t blocks; /* n, per stage */
    int64_t width;  /* k of a wide network, or 0 */
    int by_place;   /* see resnet_part_places() */
    int64_t batch;  /* the largest */
    enum resnet_mode mode;
    int frozen; /* set it once no weight will change: inference then prepares them only once */
    int prepared;    /* they are */
    double momentum; /* weight of a batch in the running statistics; 0 means 0.1 */

    struct resnet_unit units[RESNET_MAX_UNITS]; /* the stem, then two per block */
    int64_t unit_count;
    struct resnet_parameter linear_weight;
    struct resnet_parameter linear_bias;
    lfuse_layer *layers[RESNET_MAX_LAYERS]; /* what layerfuse works on */
    int64_t layer_count;

    struct resnet_unit last; /* of a wide network: without convolution */

    lfuse_conv2d_args
        shortcut[RESNET_STAGES]; /* of stages that change the shape, or zeros */
    struct resnet_parameter
        shortcut_weight[RESNET_STAGES]; /* not wide: zeros and ones, no parameter */
    lfuse_packed *shortcut_packed[RESNET_STAGES];

    lfuse_tensor *work[4]; /* each as large as the largest activation */
    lfuse_tensor *features, *feature_gradient; /* (batch, 64 k) */
    lfuse_tensor *logits, *logit_gradient;     /* (batch, 10) */
    lfuse_tensor *workspace;                   /* of any kernel */

    const float *x; /* of the latest forward pass */
    int64_t count;

    lfuse_tensor *tensors[RESNET_MAX_TENSORS]; /* all of the above, to be destroyed */
    int64_t tensor_count;
};

/*
 * A network of n = blocks in [1, 18] for batches up to `batch`: scales 1, variances 1, all
 * else 0. One made for RESNET_INFERENCE has no gradients and cannot train. Release with
 * resnet_destroy(), once what was built over its layers is gone.
 */
lfuse_status resnet_create(lfuse_context *ctx, int64_t blocks, int64_t batch,
                           enum resnet_mode mode, struct resnet **net, lfuse_error *err);
lfuse_status resnet_create_wide(lfuse_context *ctx, int64_t blocks, int64_t width,
                                int64_t batch, enum resnet_mode mode, struct resnet **net,
                                lfuse_error *err);
void resnet_destroy(struct resnet *net);

/* "ResNet-56" or "WRN-28-2". */
struct resnet_name {
    char text[32];
};
struct resnet_name resnet_name(const struct resnet *net);

/*
 * Random weights: normal, variance 2 / fan-in (He et al. 2015, arXiv:1502.01852); the rest as in
 * a new network. Layers that share weights go on to do so.
 */
void resnet_initialise(struct resnet *net, uint64_t seed);

/*
 * From now on param types say which convolution of its block a layer is, so that first ones fuse
 * with first ones and second with second: these agree about the order of a block's hidden
 * channels. net->layers are made anew; nothing may be built over them yet.
 */
lfuse_status resnet_part_places(struct resnet *net, lfuse_error *err);

/*
 * The network a safetensors file holds: names "conv1.weight", "bn1.running_mean",
 * "layer1.0.conv1.weight", "linear.bias" and so on; n is what the names say, and k what
 * "layer1.0.shortcut.weight" of wide ones, whose last normalisation is "bn", does. Files with aliases
 * (fused networks) load alike: every layer gets its own copy.
 */
lfuse_status resnet_open(lfuse_context *ctx, const char *path, int64_t batch,
                         enum resnet_mode mode, struct resnet **net, lfuse_error *err);

/* The hidden channels of every block, as lfuse_couplings_add_preset() does it. */
lfuse_status resnet_couple(const struct resnet *net, lfuse_couplings *couplings,
                           lfuse_error *err);

/*
 * Writes such a file. Layers that share memory are stored once, and so are, by_rows, equal filters of
 * convolutions of one shape.
 */
lfuse_status resnet_save(const struct resnet *net, const char *path, int by_rows,
                         lfuse_error *err);

/* x is (count, 32, 32, 3), count <= batch; logits are left in net->logits. */
lfuse_status resnet_forward(struct resnet *net, const float *x, int64_t count,
                            enum resnet_mode mode, lfuse_error *err);

/*
 * The mean cross-entropy of the latest forward pass, and how many labels had the greatest
 * logit (correct may be NULL). Leaves the gradient in net->logit_gradient for resnet_backward().
 */
lfuse_status resnet_loss(struct resnet *net, const int32_t *labels, double *loss,
                         int64_t *correct, lfuse_error *err);

/*
 * The same, with a teacher's answers to the same images in teacher->logits: see
 * lfuse_distillation_args for temperature, weight and smoothing. teacher may be NULL where the
 * weight is negative.
 */
lfuse_status resnet_distil(struct resnet *net, const struct resnet *teacher,
                           double temperature, double weight, double smoothing,
                           const int32_t *labels, double *loss, lfuse_error *err);

/* Gradients of all parameters, after a forward pass for RESNET_TRAINING and its loss. */
lfuse_status resnet_backward(struct resnet *net, lfuse_error *err);

#endif
