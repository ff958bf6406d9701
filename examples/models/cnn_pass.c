/* cnn_pass.c - forward and backward of what networks are made of: see cnn_inside.h */
#include <math.h>

#include "error.h"
#include "models/cnn_inside.h"

static const double NORM_EPSILON = 1e-5; /* as the norms have it by default */

float *cnn_data(lfuse_tensor *tensor)
{
    return lfuse_tensor_data(tensor);
}

/* ---- weights --------------------------------------------------------------------------- */

/* Whether two units read the same weights in the same order; layers that are tied do. */
static int shares(const struct cnn_unit *a, const struct cnn_unit *b)
{
    return cnn_data(a->weight.value) == cnn_data(b->weight.value) &&
           a->conv.height == b->conv.height &&
           a->conv.in_channels == b->conv.in_channels &&
           a->conv.stride_h == b->conv.stride_h;
}

/* norm(x) = x * scale + shift, with the running statistics */
static void fold(struct cnn_unit *u)
{
    const float *scale = cnn_data(u->scale.value), *shift = cnn_data(u->shift.value);
    const float *mean = cnn_data(u->running_mean);
    const float *variance = cnn_data(u->running_variance);
    float *folded_scale = cnn_data(u->folded_scale);
    float *folded_shift = cnn_data(u->folded_shift);
    int64_t c;

    for (c = 0; c < u->norm.channels; c++) {
        double factor = (double)scale[c] / sqrt((double)variance[c] + NORM_EPSILON);

        folded_scale[c] = (float)factor;
        folded_shift[c] = (float)((double)shift[c] - (double)mean[c] * factor);
    }
}

int cnn_is_prepared(const struct cnn *cnn, enum cnn_mode mode)
{
    return cnn->frozen && cnn->prepared && mode == CNN_INFERENCE;
}

/* Weights once for forward and backward, and once for all units that share them. */
static lfuse_status prepare(struct cnn *cnn, enum cnn_mode mode, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i, k;

    for (i = 0; i < cnn->unit_count && status == LFUSE_OK; i++) {
        struct cnn_unit *u = &cnn->units[i];

        for (k = 0; !shares(&cnn->units[k], u); k++)
            continue;
        u->packed = cnn->units[k].own_packed;
        if (k == i)
            status = lfuse_packed_refresh(u->own_packed, cnn_data(u->weight.value), err);
        if (mode == CNN_INFERENCE)
            fold(u);
    }
    cnn->prepared = status == LFUSE_OK && mode == CNN_INFERENCE;
    return status;
}

lfuse_status cnn_begin(struct cnn *cnn, const float *x, int64_t count, enum cnn_mode mode,
                       lfuse_error *err)
{
    if (count < 1 || count > cnn->batch ||
        (mode == CNN_TRAINING && cnn->mode != CNN_TRAINING))
        return example_fail(
            err, LFUSE_ERR_ARGUMENT,
            "count is %lld, not in [1, %lld], or the network cannot train",
            (long long)count, (long long)cnn->batch);
    cnn->x = x;
    cnn->count = count;
    return cnn_is_prepared(cnn, mode) ? LFUSE_OK : prepare(cnn, mode, err);
}

/* ---- units ----------------------------------------------------------------------------- */

lfuse_conv2d_args cnn_conv_args(const struct cnn *cnn, const lfuse_conv2d_args *shape,
                                const lfuse_packed *packed)
{
    lfuse_conv2d_args conv = *shape;

    conv.batch = cnn->count;
    conv.packed = packed;
    conv.workspace = cnn_data(cnn->workspace);
    conv.workspace_bytes = lfuse_tensor_bytes(cnn->workspace);
    return conv;
}

lfuse_batch_norm_args cnn_norm_args(const struct cnn *cnn, const struct cnn_unit *u)
{
    lfuse_batch_norm_args norm = u->norm;

    norm.batch = cnn->count;
    norm.scale = cnn_data(u->scale.value);
    norm.saved_mean = cnn_data(u->saved_mean);
    norm.saved_inverse = cnn_data(u->saved_inverse);
    norm.workspace = cnn_data(cnn->workspace);
    norm.workspace_bytes = lfuse_tensor_bytes(cnn->workspace);
    return norm;
}

lfuse_status cnn_norm_forward(struct cnn *cnn, struct cnn_unit *u, const float *x,
                              const float *residual, float *y, enum cnn_mode mode,
                              lfuse_error *err)
{
    lfuse_batch_norm_args norm = cnn_norm_args(cnn, u);

    norm.x = x;
    norm.shift = cnn_data(u->shift.value);
    norm.residual = residual;
    norm.y = y;
    norm.running_mean = cnn_data(u->running_mean);
    norm.running_variance = cnn_data(u->running_variance);
    if (mode == CNN_INFERENCE)
        return lfuse_batch_norm_inference(cnn->ctx, &norm, err);
    norm.momentum = cnn->momentum;
    return lfuse_batch_norm_training(cnn->ctx, &norm, err);
}

lfuse_status cnn_unit_forward(struct cnn *cnn, struct cnn_unit *u, const float *x,
                              const float *residual, float *out, enum cnn_mode mode,
                              lfuse_error *err)
{
    lfuse_conv2d_args conv = cnn_conv_args(cnn, &u->conv, u->packed);
    lfuse_status status;

    conv.x = x;
    if (mode == CNN_INFERENCE) {
        conv.scale = cnn_data(u->folded_scale);
        conv.shift = cnn_data(u->folded_shift);
        conv.residual = residual;
        conv.flags = LFUSE_CONV2D_RELU;
        conv.y = out;
        return lfuse_conv2d_forward(cnn->ctx, &conv, err);
    }
    conv.y = cnn_data(u->convolved);
    status = lfuse_conv2d_forward(cnn->ctx, &conv, err);
    return status == LFUSE_OK ? cnn_norm_forward(cnn, u, conv.y, residual, out, mode, err)
                              : status;
}

lfuse_status cnn_norm_backward(struct cnn *cnn, const struct cnn_unit *u, const float *x,
                               float *d, float *dresidual, lfuse_error *err)
{
    lfuse_batch_norm_args norm = cnn_norm_args(cnn, u);

    norm.x = x;
    norm.y = cnn_data(u->out);
    norm.dy = norm.dx = d;
    norm.dresidual = dresidual;
    norm.dscale = cnn_data(u->scale.gradient);
    norm.dshift = cnn_data(u->shift.gradient);
    return lfuse_batch_norm_backward(cnn->ctx, &norm, err);
}

/* Whether a unit behind this one, whose turn was before, has left its gradient in the same memory. */
static int has_begun(const struct cnn *cnn, lfuse_tensor *dw)
{
    int64_t i = cnn->unit_count - 1;

    for (; i >= 0 && cnn->units[i].weight.gradient != dw; i--)
        if (cnn_data(cnn->units[i].weight.gradient) == cnn_data(dw))
            return 1;
    return 0;
}

lfuse_status cnn_conv_backward(struct cnn *cnn, lfuse_conv2d_args conv, lfuse_tensor *dw,
                               const float *x, const float *dy, float *dx, int accumulate,
                               lfuse_error *err)
{
    lfuse_status status;

    conv.x = x;
    conv.dy = dy;
    conv.dx = dx;
    conv.dw = cnn_data(dw);
    conv.flags = has_begun(cnn, dw) ? LFUSE_CONV2D_ACCUMULATE : 0;
    status = lfuse_conv2d_backward_weights(cnn->ctx, &conv, err);
    conv.flags = accumulate ? LFUSE_CONV2D_ACCUMULATE : 0;
    if (status == LFUSE_OK && dx != NULL)
        status = lfuse_conv2d_backward_data(cnn->ctx, &conv, err);
    return status;
}

lfuse_status cnn_unit_backward(struct cnn *cnn, struct cnn_unit *u, const float *x,
                               float *dout, float *dresidual, float *dx, int accumulate,
                               lfuse_error *err)
{
    lfuse_status status =
        cnn_norm_backward(cnn, u, cnn_data(u->convolved), dout, dresidual, err);

    if (status != LFUSE_OK)
        return status;
    return cnn_conv_backward(cnn, cnn_conv_args(cnn, &u->conv, u->packed),
                             u->weight.gradient, x, dout, dx, accumulate, err);
}

/* ---- behind the units ------------------------------------------------------------------ */

static void linear_args(const struct cnn *cnn, lfuse_linear_args *linear)
{
    lfuse_linear_args_init(linear, sizeof(*linear));
    linear->batch = cnn->count;
    linear->workspace = cnn_data(cnn->workspace);
    linear->workspace_bytes = lfuse_tensor_bytes(cnn->workspace);
    linear->in_features = lfuse_tensor_dim(cnn->linear_weight.value, 1);
    linear->out_features = CNN_CLASSES;
    linear->x = cnn_data(cnn->features);
    linear->w = cnn_data(cnn->linear_weight.value);
    linear->bias = cnn_data(cnn->linear_bias.value);
}

lfuse_status cnn_classify(struct cnn *cnn, lfuse_error *err)
{
    lfuse_linear_args linear;

    linear_args(cnn, &linear);
    linear.y = cnn_data(cnn->logits);
    return lfuse_linear_forward(cnn->ctx, &linear, err);
}

lfuse_status cnn_classify_backward(struct cnn *cnn, lfuse_error *err)
{
    lfuse_linear_args linear;
    lfuse_status status;

    linear_args(cnn, &linear);
    linear.dy = cnn_data(cnn->logit_gradient);
    linear.dx = cnn_data(cnn->feature_gradient);
    linear.dw = cnn_data(cnn->linear_weight.gradient);
    linear.dbias = cnn_data(cnn->linear_bias.gradient);
    status = lfuse_linear_backward_weights(cnn->ctx, &linear, err);
    return status == LFUSE_OK ? lfuse_linear_backward_data(cnn->ctx, &linear, err)
                              : status;
}

lfuse_status cnn_loss(struct cnn *cnn, const int32_t *labels, double *loss,
                      int64_t *correct, lfuse_error *err)
{
    lfuse_cross_entropy_args args;

    lfuse_cross_entropy_args_init(&args, sizeof(args));
    args.logits = cnn_data(cnn->logits);
    args.labels = labels;
    args.dlogits = cnn_data(cnn->logit_gradient);
    args.batch = cnn->count;
    args.classes = CNN_CLASSES;
    args.loss = loss;
    args.correct = correct;
    return lfuse_softmax_cross_entropy(cnn->ctx, &args, err);
}

lfuse_status cnn_distil(struct cnn *cnn, const struct cnn *teacher, double temperature,
                        double weight, double smoothing, const int32_t *labels,
                        double *loss, lfuse_error *err)
{
    lfuse_distillation_args args;

    lfuse_distillation_args_init(&args, sizeof(args));
    args.logits = cnn_data(cnn->logits);
    args.teacher = teacher != NULL ? cnn_data(teacher->logits) : NULL;
    args.labels = labels;
    args.dlogits = cnn_data(cnn->logit_gradient);
    args.batch = cnn->count;
    args.classes = CNN_CLASSES;
    args.temperature = temperature;
    args.weight = weight;
    args.smoothing = smoothing;
    args.loss = loss;
    return lfuse_softmax_distillation(cnn->ctx, &args, err);
}

/* ---- the update ------------------------------------------------------------------------ */

lfuse_status cnn_update(struct cnn *cnn, double learning_rate, double momentum,
                        double weight_decay, lfuse_error *err)
{
    float *values[CNN_MAX_PARAMETERS], *velocities[CNN_MAX_PARAMETERS];
    const float *gradients[CNN_MAX_PARAMETERS];
    int64_t counts[CNN_MAX_PARAMETERS], i;
    lfuse_sgd_all_args sgd;

    for (i = 0; i < cnn->parameter_count; i++) {
        const struct cnn_parameter *p = cnn->parameters[i];

        values[i] = cnn_data(p->value);
        gradients[i] = cnn_data(p->gradient);
        velocities[i] = cnn_data(p->velocity);
        counts[i] = lfuse_tensor_elements(p->value);
    }
    lfuse_sgd_all_args_init(&sgd, sizeof(sgd));
    sgd.values = values;
    sgd.gradients = gradients;
    sgd.velocities = velocities;
    sgd.counts = counts;
    sgd.parameters = cnn->parameter_count;
    sgd.learning_rate = learning_rate;
    sgd.momentum = momentum;
    sgd.weight_decay = weight_decay;
    return lfuse_sgd_all(cnn->ctx, &sgd, err);
}
