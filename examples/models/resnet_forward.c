/*
 * resnet_forward.c - the forward pass and the loss; see resnet.h
 *
 * Tying layers re-points their weights: lfuse_tensor_data() is asked at every pass, and no
 * address is kept.
 */
#include <math.h>

#include "error.h"
#include "models/resnet_inside.h"

static const double NORM_EPSILON = 1e-5; /* as the norms have it by default */

static float *data(lfuse_tensor *tensor)
{
    return lfuse_tensor_data(tensor);
}

/* Whether two units read the same weights in the same order; layers that are tied do. */
static int shares(const struct resnet_unit *a, const struct resnet_unit *b)
{
    return data(a->weight.value) == data(b->weight.value) &&
           a->conv.height == b->conv.height &&
           a->conv.in_channels == b->conv.in_channels &&
           a->conv.stride_h == b->conv.stride_h;
}

/* Weights are prepared once for forward and backward, and once for all layers that share them. */
static lfuse_status prepare(struct resnet *net, enum resnet_mode mode, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i, k;

    if (net->frozen && net->prepared && mode == RESNET_INFERENCE)
        return LFUSE_OK;
    for (i = 0; i < net->unit_count && status == LFUSE_OK; i++) {
        struct resnet_unit *u = &net->units[i];

        for (k = 0; !shares(&net->units[k], u); k++)
            continue;
        u->packed = net->units[k].own_packed;
        if (k == i)
            status = lfuse_packed_refresh(u->own_packed, data(u->weight.value), err);
    }
    for (i = 0; i < RESNET_STAGES && net->width > 0 && status == LFUSE_OK; i++)
        status = lfuse_packed_refresh(net->shortcut_packed[i],
                                      data(net->shortcut_weight[i].value), err);
    net->prepared = status == LFUSE_OK;
    return status;
}

/* norm(x) = x * scale + shift, with the running statistics */
static void fold(struct resnet_unit *u)
{
    const float *scale = data(u->scale.value), *shift = data(u->shift.value);
    const float *mean = data(u->running_mean), *variance = data(u->running_variance);
    float *folded_scale = data(u->folded_scale), *folded_shift = data(u->folded_shift);
    int64_t c;

    for (c = 0; c < u->norm.channels; c++) {
        double factor = (double)scale[c] / sqrt((double)variance[c] + NORM_EPSILON);

        folded_scale[c] = (float)factor;
        folded_shift[c] = (float)((double)shift[c] - (double)mean[c] * factor);
    }
}

lfuse_conv2d_args resnet_conv_args(const struct resnet *net,
                                   const lfuse_conv2d_args *shape,
                                   const lfuse_packed *packed)
{
    lfuse_conv2d_args conv = *shape;

    conv.batch = net->count;
    conv.packed = packed;
    conv.workspace = data(net->workspace);
    conv.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return conv;
}

lfuse_batch_norm_args resnet_norm_args(const struct resnet *net,
                                       const struct resnet_unit *unit)
{
    lfuse_batch_norm_args norm = unit->norm;

    norm.batch = net->count;
    norm.scale = data(unit->scale.value);
    norm.saved_mean = data(unit->saved_mean);
    norm.saved_inverse = data(unit->saved_inverse);
    norm.workspace = data(net->workspace);
    norm.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    return norm;
}

/* out = ReLU(norm(conv(x)) + residual): in inference by the convolution alone, else by two calls
 * with what the convolution gives in `convolved`. */
static lfuse_status unit_forward(struct resnet *net, struct resnet_unit *u,
                                 const float *x, const float *residual, float *convolved,
                                 float *out, enum resnet_mode mode, lfuse_error *err)
{
    lfuse_conv2d_args conv = resnet_conv_args(net, &u->conv, u->packed);
    lfuse_batch_norm_args norm;
    lfuse_status status;

    conv.x = x;
    conv.y = convolved;
    if (mode == RESNET_INFERENCE) {
        fold(u);
        conv.scale = data(u->folded_scale);
        conv.shift = data(u->folded_shift);
        conv.residual = residual;
        conv.flags = LFUSE_CONV2D_RELU;
        conv.y = out;
        return lfuse_conv2d_forward(net->ctx, &conv, err);
    }
    status = lfuse_conv2d_forward(net->ctx, &conv, err);
    if (status != LFUSE_OK)
        return status;

    norm = resnet_norm_args(net, u);
    norm.x = convolved;
    norm.shift = data(u->shift.value);
    norm.residual = residual;
    norm.y = out;
    norm.running_mean = data(u->running_mean);
    norm.running_variance = data(u->running_variance);
    norm.momentum = net->momentum;
    return lfuse_batch_norm_training(net->ctx, &norm, err);
}

int64_t resnet_shortcut_stage(const struct resnet *net, int64_t block)
{
    int64_t stage = block / net->blocks;

    return block % net->blocks == 0 && net->shortcut[stage].batch > 0 ? stage : -1;
}

lfuse_status resnet_shortcut_forward(struct resnet *net, int64_t stage, const float *x,
                                     float *y, lfuse_error *err)
{
    lfuse_conv2d_args conv =
        resnet_conv_args(net, &net->shortcut[stage], net->shortcut_packed[stage]);

    conv.x = x;
    conv.y = y;
    return lfuse_conv2d_forward(net->ctx, &conv, err);
}

/*
 * *x becomes the block's output. Training keeps everything in the units; inference goes from
 * work[0] through work[1] to work[2] and back.
 */
static lfuse_status block_forward(struct resnet *net, int64_t block, const float **x,
                                  enum resnet_mode mode, lfuse_error *err)
{
    struct resnet_unit *first = &net->units[1 + 2 * block], *second = first + 1;
    int64_t stage = resnet_shortcut_stage(net, block);
    int keep = mode == RESNET_TRAINING;
    float *middle = data(keep ? first->out : net->work[1]);
    float *out = data(keep ? second->out : net->work[block % 2 == 0 ? 2 : 0]);
    const float *residual = *x;
    lfuse_status status = LFUSE_OK;

    if (stage >= 0) {
        status = resnet_shortcut_forward(net, stage, *x, data(net->work[3]), err);
        residual = data(net->work[3]);
    }
    if (status == LFUSE_OK)
        status = unit_forward(net, first, *x, NULL, keep ? data(first->convolved) : NULL,
                              middle, mode, err);
    if (status == LFUSE_OK)
        status = unit_forward(net, second, middle, residual,
                              keep ? data(second->convolved) : NULL, out, mode, err);
    *x = out;
    return status;
}

void resnet_pool_shape(const struct resnet *net, lfuse_pool2d_args *pool)
{
    const struct resnet_unit *last = &net->units[net->unit_count - 1];

    lfuse_pool2d_args_init(pool, sizeof(*pool));
    pool->batch = net->count;
    pool->channels = last->conv.out_channels;
    pool->height = pool->kernel_h = last->conv.height;
    pool->width = pool->kernel_w = last->conv.width;
    pool->layout = LFUSE_LAYOUT_NHWC;
}

void resnet_linear_shape(const struct resnet *net, lfuse_linear_args *linear)
{
    lfuse_linear_args_init(linear, sizeof(*linear));
    linear->batch = net->count;
    linear->workspace = data(net->workspace);
    linear->workspace_bytes = lfuse_tensor_bytes(net->workspace);
    linear->in_features = lfuse_tensor_dim(net->linear_weight.value, 1);
    linear->out_features = RESNET_CLASSES;
    linear->x = data(net->features);
    linear->w = data(net->linear_weight.value);
    linear->bias = data(net->linear_bias.value);
}

static lfuse_status head_forward(struct resnet *net, const float *x, lfuse_error *err)
{
    lfuse_pool2d_args pool;
    lfuse_linear_args linear;
    lfuse_status status;

    resnet_pool_shape(net, &pool);
    pool.x = x;
    pool.y = data(net->features);
    status = lfuse_pool2d_forward(net->ctx, &pool, err);
    if (status != LFUSE_OK)
        return status;
    resnet_linear_shape(net, &linear);
    linear.y = data(net->logits);
    return lfuse_linear_forward(net->ctx, &linear, err);
}

/* *out is the last block's, in net->work or kept. */
static lfuse_status blocks_forward(struct resnet *net, enum resnet_mode mode,
                                   const float **out, lfuse_error *err)
{
    struct resnet_unit *stem = &net->units[0];
    int keep = mode == RESNET_TRAINING;
    float *at = data(keep ? stem->out : net->work[0]);
    lfuse_status status;
    int64_t block;

    *out = at;
    status = unit_forward(net, stem, net->x, NULL, keep ? data(stem->convolved) : NULL,
                          at, mode, err);
    for (block = 0; block < RESNET_STAGES * net->blocks && status == LFUSE_OK; block++)
        status = block_forward(net, block, out, mode, err);
    return status;
}

lfuse_status resnet_forward(struct resnet *net, const float *x, int64_t count,
                            enum resnet_mode mode, lfuse_error *err)
{
    const float *out;
    lfuse_status status;

    if (count < 1 || count > net->batch ||
        (mode == RESNET_TRAINING && net->mode != RESNET_TRAINING))
        return example_fail(
            err, LFUSE_ERR_ARGUMENT,
            "count is %lld, not in [1, %lld], or the network cannot train",
            (long long)count, (long long)net->batch);
    net->x = x;
    net->count = count;
    status = prepare(net, mode, err);
    if (status == LFUSE_OK)
        status = net->width > 0 ? resnet_wide_forward(net, mode, &out, err)
                                : blocks_forward(net, mode, &out, err);
    return status == LFUSE_OK ? head_forward(net, out, err) : status;
}

lfuse_status resnet_loss(struct resnet *net, const int32_t *labels, double *loss,
                         int64_t *correct, lfuse_error *err)
{
    lfuse_cross_entropy_args args;

    lfuse_cross_entropy_args_init(&args, sizeof(args));
    args.logits = data(net->logits);
    args.labels = labels;
    args.dlogits = data(net->logit_gradient);
    args.batch = net->count;
    args.classes = RESNET_CLASSES;
    args.loss = loss;
    args.correct = correct;
    return lfuse_softmax_cross_entropy(net->ctx, &args, err);
}

lfuse_status resnet_distil(struct resnet *net, const struct resnet *teacher,
                           double temperature, double weight, double smoothing,
                           const int32_t *labels, double *loss, lfuse_error *err)
{
    lfuse_distillation_args args;

    lfuse_distillation_args_init(&args, sizeof(args));
    args.logits = data(net->logits);
    args.teacher = teacher != NULL ? data(teacher->logits) : NULL;
    args.labels = labels;
    args.dlogits = data(net->logit_gradient);
    args.batch = net->count;
    args.classes = RESNET_CLASSES;
    args.temperature = temperature;
    args.weight = weight;
    args.smoothing = smoothing;
    args.loss = loss;
    return lfuse_softmax_distillation(net->ctx, &args, err);
}
