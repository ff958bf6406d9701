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
 * Units, memory and what the structs promise: cnn.h.
 */
#ifndef EXAMPLES_RESNET_H
#define EXAMPLES_RESNET_H

#include "models/cnn.h"

enum {
    RESNET_STAGES = 3,
    RESNET_MAX_BLOCKS = 18, /* per stage */
    RESNET_MAX_WIDTH = 16,
    RESNET_MAX_LAYERS = 2 * CNN_MAX_UNITS + 2 + RESNET_STAGES
};

struct resnet {
    struct cnn cnn;                         /* its units: the stem, then two per block */
    int64_t blocks;                         /* n, per stage */
    int64_t width;                          /* k of a wide network, or 0 */
    int by_place;                           /* see resnet_part_places() */
    lfuse_layer *layers[RESNET_MAX_LAYERS]; /* what layerfuse works on */
    int64_t layer_count;

    struct cnn_unit last; /* of a wide network: without convolution */

    lfuse_conv2d_args
        shortcut[RESNET_STAGES]; /* of stages that change the shape, or zeros */
    struct cnn_parameter
        shortcut_weight[RESNET_STAGES]; /* not wide: zeros and ones, no parameter */
    lfuse_packed *shortcut_packed[RESNET_STAGES];
};

/*
 * A network of n = blocks in [1, 18] for batches up to `batch`: scales 1, variances 1, all
 * else 0. One made for CNN_INFERENCE has no gradients and cannot train. Release with
 * resnet_destroy(), once what was built over its layers is gone.
 */
lfuse_status resnet_create(lfuse_context *ctx, int64_t blocks, int64_t batch,
                           enum cnn_mode mode, struct resnet **net, lfuse_error *err);
lfuse_status resnet_create_wide(lfuse_context *ctx, int64_t blocks, int64_t width,
                                int64_t batch, enum cnn_mode mode, struct resnet **net,
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
                         enum cnn_mode mode, struct resnet **net, lfuse_error *err);

/* The hidden channels of every block, as lfuse_couplings_add_preset() does it. */
lfuse_status resnet_couple(const struct resnet *net, lfuse_couplings *couplings,
                           lfuse_error *err);

/*
 * Writes such a file. Layers that share memory are stored once, and so are, by_rows, equal filters of
 * convolutions of one shape.
 */
lfuse_status resnet_save(const struct resnet *net, const char *path, int by_rows,
                         lfuse_error *err);

/* x is (count, 32, 32, 3), count <= batch; logits are left in net->cnn.logits. */
lfuse_status resnet_forward(struct resnet *net, const float *x, int64_t count,
                            enum cnn_mode mode, lfuse_error *err);

/*
 * Gradients of all parameters, after a forward pass for CNN_TRAINING and cnn_loss(). Convolutions
 * whose gradients share memory (LFUSE_GRADIENTS_ACCUMULATED) add theirs up there.
 */
lfuse_status resnet_backward(struct resnet *net, lfuse_error *err);

#endif
