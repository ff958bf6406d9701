/* resnet.c - what the network consists of; see resnet.h. The passes are in
 * resnet_forward.c, resnet_backward.c and resnet_wide.c, its layers in resnet_layers.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "models/resnet_inside.h"
#include "random.h"

/* Every piece of memory of the network is a tensor, and every tensor is in net->tensors. */
static lfuse_status tensor(struct resnet *net, int32_t rank, const int64_t *dims,
                           lfuse_tensor **out, lfuse_error *err)
{
    lfuse_tensor_desc desc;
    lfuse_status status;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = rank;
    desc.dims = dims;
    status = lfuse_tensor_create(net->ctx, &desc, out, err);
    if (status == LFUSE_OK)
        net->tensors[net->tensor_count++] = *out;
    return status;
}

static lfuse_status vector(struct resnet *net, int64_t count, lfuse_tensor **out,
                           lfuse_error *err)
{
    return tensor(net, 1, &count, out, err);
}

static lfuse_status parameter(struct resnet *net, int32_t rank, const int64_t *dims,
                              struct resnet_parameter *p, lfuse_error *err)
{
    lfuse_status status = tensor(net, rank, dims, &p->value, err);

    if (net->mode == RESNET_INFERENCE)
        return status;
    if (status == LFUSE_OK)
        status = tensor(net, rank, dims, &p->gradient, err);
    if (status == LFUSE_OK)
        status = tensor(net, rank, dims, &p->velocity, err);
    return status;
}

static void fill(lfuse_tensor *t, float value)
{
    float *data = lfuse_tensor_data(t);
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(t); i++)
        data[i] = value;
}

/* ---- units ------------------------------------------------------------------------------- */

/* kernel is 3 for a unit, 1 for a shortcut. side is that of the input. */
static void conv_shape(const struct resnet *net, int64_t in, int64_t out, int64_t kernel,
                       int64_t side, int64_t stride, lfuse_conv2d_args *conv)
{
    lfuse_conv2d_args_init(conv, sizeof(*conv));
    conv->batch = net->batch;
    conv->in_channels = in;
    conv->out_channels = out;
    conv->height = conv->width = side;
    conv->kernel_h = conv->kernel_w = kernel;
    conv->stride_h = conv->stride_w = stride;
    conv->pad_top = conv->pad_bottom = conv->pad_left = conv->pad_right = kernel / 2;
    conv->layout = LFUSE_LAYOUT_NHWC;
}

static lfuse_status create_kept(struct resnet *net, struct resnet_unit *u, int64_t pixels,
                                lfuse_error *err)
{
    int64_t channels = u->norm.channels, out = u->conv.out_channels;
    lfuse_status status = LFUSE_OK;

    if (out > 0)
        status = vector(net, net->batch * pixels * out, &u->convolved, err);
    if (status != LFUSE_OK || channels == 0)
        return status;
    status = vector(net, net->batch * u->norm.pixels * channels, &u->out, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->saved_mean, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->saved_inverse, err);
    return status;
}

/* The weights as the kernels read them; the stem's input needs no gradient. */
static lfuse_status pack(const struct resnet *net, const lfuse_conv2d_args *conv,
                         lfuse_tensor *weight, lfuse_packed **packed, lfuse_error *err)
{
    lfuse_conv2d_args args = *conv;
    uint32_t directions = LFUSE_PACKED_FORWARD;

    if (net->mode == RESNET_TRAINING && conv->in_channels != RESNET_IN_CHANNELS)
        directions |= LFUSE_PACKED_BACKWARD_DATA;
    args.w = lfuse_tensor_data(weight);
    return lfuse_conv2d_pack(net->ctx, &args, directions, packed, err);
}

static lfuse_status create_norm(struct resnet *net, struct resnet_unit *u,
                                int64_t channels, int64_t pixels, lfuse_error *err)
{
    lfuse_status status;

    lfuse_batch_norm_args_init(&u->norm, sizeof(u->norm));
    u->norm.channels = channels;
    u->norm.pixels = pixels;
    u->norm.layout = LFUSE_LAYOUT_NHWC;
    u->norm.flags = LFUSE_BATCH_NORM_RELU;
    status = parameter(net, 1, &channels, &u->scale, err);
    if (status == LFUSE_OK)
        status = parameter(net, 1, &channels, &u->shift, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->running_mean, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->running_variance, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->folded_scale, err);
    if (status == LFUSE_OK)
        status = vector(net, channels, &u->folded_shift, err);
    if (status != LFUSE_OK)
        return status;
    fill(u->scale.value, 1.0f);
    fill(u->running_variance, 1.0f);
    return LFUSE_OK;
}

static lfuse_status create_unit(struct resnet *net, int64_t in, int64_t out, int64_t side,
                                int64_t stride, lfuse_error *err)
{
    struct resnet_unit *u = &net->units[net->unit_count++];
    int64_t weight[4] = {out, in, 3, 3}, pixels = side / stride * (side / stride);
    lfuse_status status;

    conv_shape(net, in, out, 3, side, stride, &u->conv);
    status = parameter(net, 4, weight, &u->weight, err);
    if (status == LFUSE_OK)
        status = pack(net, &u->conv, u->weight.value, &u->own_packed, err);
    if (status == LFUSE_OK && net->width == 0)
        status = create_norm(net, u, out, pixels, err);
    if (status == LFUSE_OK && net->width > 0 && u != net->units)
        status = create_norm(net, u, in, side * side, err);
    if (status == LFUSE_OK && net->mode == RESNET_TRAINING)
        status = create_kept(net, u, pixels, err);
    return status;
}

/*
 * Option A as a 1x1 convolution of stride 2 whose weights are zeros and ones: input channel c
 * goes to output channel out / 4 + c. Sums of one value and zeros: exact.
 */
static lfuse_status create_shortcut(struct resnet *net, int64_t stage, int64_t in,
                                    int64_t out, int64_t side, int64_t stride,
                                    lfuse_error *err)
{
    struct resnet_parameter *p = &net->shortcut_weight[stage];
    int64_t dims[4] = {out, in, 1, 1}, c;
    lfuse_status status;
    float *w;

    conv_shape(net, in, out, 1, side, stride, &net->shortcut[stage]);
    status = net->width > 0 ? parameter(net, 4, dims, p, err)
                            : tensor(net, 4, dims, &p->value, err);
    if (status != LFUSE_OK)
        return status;
    w = lfuse_tensor_data(p->value);
    for (c = 0; c < in && net->width == 0; c++)
        w[(out / 4 + c) * in + c] = 1.0f;
    return pack(net, &net->shortcut[stage], p->value, &net->shortcut_packed[stage], err);
}

/* Channels of a stage. */
static int64_t channels_of(const struct resnet *net, int64_t stage)
{
    return (net->width > 0 ? net->width : 1) * (16 << stage);
}

/* Of a wide network: what is behind its last block. */
static lfuse_status create_last(struct resnet *net, int64_t side, lfuse_error *err)
{
    lfuse_status status = create_norm(
        net, &net->last, channels_of(net, RESNET_STAGES - 1), side * side, err);

    if (status == LFUSE_OK && net->mode == RESNET_TRAINING)
        status = create_kept(net, &net->last, 1, err);
    return status;
}

static lfuse_status create_stages(struct resnet *net, lfuse_error *err)
{
    int64_t channels = 16, side = RESNET_SIDE, stage, block;
    lfuse_status status = create_unit(net, RESNET_IN_CHANNELS, channels, side, 1, err);

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

/* ---- the rest of the memory ------------------------------------------------------------------ */

/* The most that a convolution, a normalisation or the linear layer asks for. */
static lfuse_status create_workspace(struct resnet *net, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_linear_args linear;
    size_t most = 0, bytes = 0;
    int64_t i;

    for (i = 0; i < net->unit_count + RESNET_STAGES && status == LFUSE_OK; i++) {
        const lfuse_conv2d_args *conv = i < net->unit_count
                                            ? &net->units[i].conv
                                            : &net->shortcut[i - net->unit_count];

        if (conv->batch == 0)
            continue; /* not every stage has a shortcut */
        status = lfuse_conv2d_workspace(net->ctx, conv, &bytes, err);
        most = bytes > most ? bytes : most;
    }
    for (i = 0; i < net->unit_count && status == LFUSE_OK; i++) {
        lfuse_batch_norm_args norm = net->units[i].norm;

        if (norm.channels == 0)
            continue; /* not every unit has one */
        norm.batch = net->batch;
        status = lfuse_batch_norm_workspace(net->ctx, &norm, &bytes, err);
        most = bytes > most ? bytes : most;
    }
    lfuse_linear_args_init(&linear, sizeof(linear));
    linear.batch = net->batch;
    linear.in_features = channels_of(net, RESNET_STAGES - 1);
    linear.out_features = RESNET_CLASSES;
    if (status == LFUSE_OK)
        status = lfuse_linear_workspace(net->ctx, &linear, &bytes, err);
    most = bytes > most ? bytes : most;
    if (status == LFUSE_OK)
        status = vector(net, (int64_t)(most / sizeof(float)) + 1, &net->workspace, err);
    return status;
}

static lfuse_status create_head(struct resnet *net, lfuse_error *err)
{
    int64_t features = channels_of(net, RESNET_STAGES - 1), classes = RESNET_CLASSES, i;
    int64_t largest = net->batch * RESNET_SIDE * RESNET_SIDE * channels_of(net, 0);
    int64_t weight[2] = {classes, features};
    lfuse_status status = parameter(net, 2, weight, &net->linear_weight, err);

    if (status == LFUSE_OK)
        status = parameter(net, 1, &classes, &net->linear_bias, err);
    for (i = 0; i < 4 && status == LFUSE_OK; i++)
        status = vector(net, largest, &net->work[i], err);
    if (status == LFUSE_OK)
        status = vector(net, net->batch * features, &net->features, err);
    if (status == LFUSE_OK)
        status = vector(net, net->batch * features, &net->feature_gradient, err);
    if (status == LFUSE_OK)
        status = vector(net, net->batch * classes, &net->logits, err);
    if (status == LFUSE_OK)
        status = vector(net, net->batch * classes, &net->logit_gradient, err);
    return status;
}

/* ---- from and to nothing ------------------------------------------------------------------------ */

static lfuse_status create(struct resnet *net, lfuse_error *err)
{
    lfuse_status status = create_stages(net, err);

    if (status == LFUSE_OK)
        status = create_head(net, err);
    if (status == LFUSE_OK)
        status = create_workspace(net, err);
    if (status == LFUSE_OK)
        status = resnet_create_layers(net, err);
    return status;
}

lfuse_status resnet_create_wide(lfuse_context *ctx, int64_t blocks, int64_t width,
                                int64_t batch, enum resnet_mode mode, struct resnet **net,
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
    (*net)->ctx = ctx;
    (*net)->blocks = blocks;
    (*net)->width = width;
    (*net)->batch = batch;
    (*net)->mode = mode;
    status = create(*net, err);
    if (status != LFUSE_OK) {
        resnet_destroy(*net);
        *net = NULL;
    }
    return status;
}

lfuse_status resnet_create(lfuse_context *ctx, int64_t blocks, int64_t batch,
                           enum resnet_mode mode, struct resnet **net, lfuse_error *err)
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
    for (i = 0; i < net->unit_count; i++)
        lfuse_packed_destroy(net->units[i].own_packed);
    for (i = 0; i < RESNET_STAGES; i++)
        lfuse_packed_destroy(net->shortcut_packed[i]);
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    while (net->tensor_count > 0)
        lfuse_tensor_destroy(net->tensors[--net->tensor_count]);
    free(net);
}

static void initialise(lfuse_tensor *weight, uint64_t seed, uint64_t stream)
{
    int64_t elements = lfuse_tensor_elements(weight), i;
    double fan_in = (double)(elements / lfuse_tensor_dim(weight, 0));
    float *w = lfuse_tensor_data(weight);

    for (i = 0; i < elements; i++)
        w[i] = (float)(random_normal(seed, stream, (uint64_t)i) * sqrt(2.0 / fan_in));
}

static void initialise_norm(struct resnet_unit *u)
{
    if (u->norm.channels == 0)
        return;
    fill(u->scale.value, 1.0f);
    fill(u->shift.value, 0.0f);
    fill(u->running_mean, 0.0f);
    fill(u->running_variance, 1.0f);
}

void resnet_initialise(struct resnet *net, uint64_t seed)
{
    int64_t i;

    for (i = 0; i < net->unit_count; i++) {
        initialise(net->units[i].weight.value, seed, (uint64_t)i);
        initialise_norm(&net->units[i]);
    }
    initialise_norm(&net->last);
    initialise(net->linear_weight.value, seed, (uint64_t)i);
    fill(net->linear_bias.value, 0.0f);
    for (i = 0; i < RESNET_STAGES; i++)
        if (net->width > 0)
            initialise(net->shortcut_weight[i].value, seed, (uint64_t)(1000 + i));
}
