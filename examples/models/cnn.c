/* cnn.c - the memory of a convolutional network: see cnn_inside.h */
#include <math.h>

#include "models/cnn_inside.h"
#include "random.h"

lfuse_status cnn_tensor(struct cnn *cnn, int32_t rank, const int64_t *dims,
                        lfuse_tensor **out, lfuse_error *err)
{
    lfuse_tensor_desc desc;
    lfuse_status status;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = rank;
    desc.dims = dims;
    status = lfuse_tensor_create(cnn->ctx, &desc, out, err);
    if (status == LFUSE_OK)
        cnn->tensors[cnn->tensor_count++] = *out;
    return status;
}

lfuse_status cnn_vector(struct cnn *cnn, int64_t count, lfuse_tensor **out,
                        lfuse_error *err)
{
    return cnn_tensor(cnn, 1, &count, out, err);
}

lfuse_status cnn_create_parameter(struct cnn *cnn, int32_t rank, const int64_t *dims,
                                  struct cnn_parameter *p, lfuse_error *err)
{
    lfuse_status status = cnn_tensor(cnn, rank, dims, &p->value, err);

    if (cnn->mode == CNN_INFERENCE)
        return status;
    cnn->parameters[cnn->parameter_count++] = p;
    if (status == LFUSE_OK)
        status = cnn_tensor(cnn, rank, dims, &p->gradient, err);
    if (status == LFUSE_OK)
        status = cnn_tensor(cnn, rank, dims, &p->velocity, err);
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

void cnn_conv_shape(const struct cnn *cnn, int64_t in, int64_t out, int64_t kernel,
                    int64_t side, int64_t stride, lfuse_conv2d_args *conv)
{
    lfuse_conv2d_args_init(conv, sizeof(*conv));
    conv->batch = cnn->batch;
    conv->in_channels = in;
    conv->out_channels = out;
    conv->height = conv->width = side;
    conv->kernel_h = conv->kernel_w = kernel;
    conv->stride_h = conv->stride_w = stride;
    conv->pad_top = conv->pad_bottom = conv->pad_left = conv->pad_right = kernel / 2;
    conv->layout = LFUSE_LAYOUT_NHWC;
}

lfuse_status cnn_create_kept(struct cnn *cnn, struct cnn_unit *u, int64_t pixels,
                             lfuse_error *err)
{
    int64_t channels = u->norm.channels, out = u->conv.out_channels;
    lfuse_status status = LFUSE_OK;

    if (out > 0)
        status = cnn_vector(cnn, cnn->batch * pixels * out, &u->convolved, err);
    if (status != LFUSE_OK || channels == 0)
        return status;
    status = cnn_vector(cnn, cnn->batch * u->norm.pixels * channels, &u->out, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->saved_mean, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->saved_inverse, err);
    return status;
}

lfuse_status cnn_pack(const struct cnn *cnn, const lfuse_conv2d_args *conv,
                      lfuse_tensor *weight, lfuse_packed **packed, lfuse_error *err)
{
    lfuse_conv2d_args args = *conv;
    uint32_t directions = LFUSE_PACKED_FORWARD;

    if (cnn->mode == CNN_TRAINING && conv->in_channels != CNN_IN_CHANNELS)
        directions |= LFUSE_PACKED_BACKWARD_DATA;
    args.w = lfuse_tensor_data(weight);
    return lfuse_conv2d_pack(cnn->ctx, &args, directions, packed, err);
}

lfuse_status cnn_create_norm(struct cnn *cnn, struct cnn_unit *u, int64_t channels,
                             int64_t pixels, lfuse_error *err)
{
    lfuse_status status;

    lfuse_batch_norm_args_init(&u->norm, sizeof(u->norm));
    u->norm.channels = channels;
    u->norm.pixels = pixels;
    u->norm.layout = LFUSE_LAYOUT_NHWC;
    u->norm.flags = LFUSE_BATCH_NORM_RELU;
    status = cnn_create_parameter(cnn, 1, &channels, &u->scale, err);
    if (status == LFUSE_OK)
        status = cnn_create_parameter(cnn, 1, &channels, &u->shift, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->running_mean, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->running_variance, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->folded_scale, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, channels, &u->folded_shift, err);
    if (status != LFUSE_OK)
        return status;
    fill(u->scale.value, 1.0f);
    fill(u->running_variance, 1.0f);
    return LFUSE_OK;
}

lfuse_status cnn_create_conv(struct cnn *cnn, int64_t in, int64_t out, int64_t side,
                             int64_t stride, struct cnn_unit **unit, lfuse_error *err)
{
    struct cnn_unit *u = *unit = &cnn->units[cnn->unit_count++];
    int64_t weight[4] = {out, in, 3, 3};
    lfuse_status status;

    cnn_conv_shape(cnn, in, out, 3, side, stride, &u->conv);
    status = cnn_create_parameter(cnn, 4, weight, &u->weight, err);
    if (status == LFUSE_OK)
        status = cnn_pack(cnn, &u->conv, u->weight.value, &u->own_packed, err);
    return status;
}

lfuse_status cnn_create_unit(struct cnn *cnn, int64_t in, int64_t out, int64_t side,
                             int64_t stride, lfuse_error *err)
{
    int64_t pixels = side / stride * (side / stride);
    struct cnn_unit *u;
    lfuse_status status = cnn_create_conv(cnn, in, out, side, stride, &u, err);

    if (status == LFUSE_OK)
        status = cnn_create_norm(cnn, u, out, pixels, err);
    if (status == LFUSE_OK && cnn->mode == CNN_TRAINING)
        status = cnn_create_kept(cnn, u, pixels, err);
    return status;
}

/* ---- the rest of the memory ------------------------------------------------------------------ */

static void linear_shape(const struct cnn *cnn, lfuse_linear_args *linear)
{
    lfuse_linear_args_init(linear, sizeof(*linear));
    linear->batch = cnn->batch;
    linear->in_features = lfuse_tensor_dim(cnn->linear_weight.value, 1);
    linear->out_features = CNN_CLASSES;
}

lfuse_status cnn_create_workspace(struct cnn *cnn, const lfuse_conv2d_args *others,
                                  int64_t count, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_linear_args linear;
    size_t most = 0, bytes = 0;
    int64_t i;

    for (i = 0; i < cnn->unit_count + count && status == LFUSE_OK; i++) {
        const lfuse_conv2d_args *conv =
            i < cnn->unit_count ? &cnn->units[i].conv : &others[i - cnn->unit_count];

        if (conv->batch == 0)
            continue;
        status = lfuse_conv2d_workspace(cnn->ctx, conv, &bytes, err);
        most = bytes > most ? bytes : most;
    }
    for (i = 0; i < cnn->unit_count && status == LFUSE_OK; i++) {
        lfuse_batch_norm_args norm = cnn->units[i].norm;

        if (norm.channels == 0)
            continue; /* not every unit has one */
        norm.batch = cnn->batch;
        status = lfuse_batch_norm_workspace(cnn->ctx, &norm, &bytes, err);
        most = bytes > most ? bytes : most;
    }
    linear_shape(cnn, &linear);
    if (status == LFUSE_OK)
        status = lfuse_linear_workspace(cnn->ctx, &linear, &bytes, err);
    most = bytes > most ? bytes : most;
    if (status == LFUSE_OK &&
        (cnn->workspace == NULL || most > lfuse_tensor_bytes(cnn->workspace)))
        status =
            cnn_vector(cnn, (int64_t)(most / sizeof(float)) + 1, &cnn->workspace, err);
    return status;
}

lfuse_status cnn_choose(struct cnn *cnn, lfuse_conv2d_algorithm algorithm,
                        lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    cnn->prepared = 0;
    for (i = 0; i < cnn->unit_count && status == LFUSE_OK; i++) {
        struct cnn_unit *u = &cnn->units[i];

        if (u->conv.stride_h != 1)
            continue;
        u->conv.algorithm = algorithm;
        lfuse_packed_destroy(u->own_packed);
        status = cnn_pack(cnn, &u->conv, u->weight.value, &u->own_packed, err);
    }
    return status == LFUSE_OK ? cnn_create_workspace(cnn, NULL, 0, err) : status;
}

lfuse_status cnn_create_work(struct cnn *cnn, int64_t count, int64_t values,
                             lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++)
        status = cnn_vector(cnn, values, &cnn->work[i], err);
    return status;
}

lfuse_status cnn_create_classifier(struct cnn *cnn, int64_t features, lfuse_error *err)
{
    int64_t classes = CNN_CLASSES, weight[2] = {classes, features};
    lfuse_status status = cnn_create_parameter(cnn, 2, weight, &cnn->linear_weight, err);

    if (status == LFUSE_OK)
        status = cnn_create_parameter(cnn, 1, &classes, &cnn->linear_bias, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, cnn->batch * features, &cnn->features, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, cnn->batch * features, &cnn->feature_gradient, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, cnn->batch * classes, &cnn->logits, err);
    if (status == LFUSE_OK)
        status = cnn_vector(cnn, cnn->batch * classes, &cnn->logit_gradient, err);
    return status;
}

void cnn_free(struct cnn *cnn)
{
    int64_t i;

    for (i = 0; i < cnn->unit_count; i++)
        lfuse_packed_destroy(cnn->units[i].own_packed);
    while (cnn->tensor_count > 0)
        lfuse_tensor_destroy(cnn->tensors[--cnn->tensor_count]);
}

/* ---- random weights ---------------------------------------------------------------------------- */

void cnn_initialise_weight(lfuse_tensor *weight, uint64_t seed, uint64_t stream)
{
    int64_t elements = lfuse_tensor_elements(weight), i;
    double fan_in = (double)(elements / lfuse_tensor_dim(weight, 0));
    float *w = lfuse_tensor_data(weight);

    for (i = 0; i < elements; i++)
        w[i] = (float)(random_normal(seed, stream, (uint64_t)i) * sqrt(2.0 / fan_in));
}

void cnn_initialise_norm(struct cnn_unit *u)
{
    if (u->norm.channels == 0)
        return;
    fill(u->scale.value, 1.0f);
    fill(u->shift.value, 0.0f);
    fill(u->running_mean, 0.0f);
    fill(u->running_variance, 1.0f);
}

void cnn_initialise(struct cnn *cnn, uint64_t seed)
{
    int64_t i;

    for (i = 0; i < cnn->unit_count; i++) {
        cnn_initialise_weight(cnn->units[i].weight.value, seed, (uint64_t)i);
        cnn_initialise_norm(&cnn->units[i]);
    }
    cnn_initialise_weight(cnn->linear_weight.value, seed, (uint64_t)i);
    fill(cnn->linear_bias.value, 0.0f);
}
