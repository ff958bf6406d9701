/* resnet_forward.c - the forward pass; see resnet.h */
#include "models/resnet_inside.h"

int64_t resnet_shortcut_stage(const struct resnet *net, int64_t block)
{
    int64_t stage = block / net->blocks;

    return block % net->blocks == 0 && net->shortcut[stage].batch > 0 ? stage : -1;
}

lfuse_status resnet_shortcut_forward(struct resnet *net, int64_t stage, const float *x,
                                     float *y, lfuse_error *err)
{
    lfuse_conv2d_args conv =
        cnn_conv_args(&net->cnn, &net->shortcut[stage], net->shortcut_packed[stage]);

    conv.x = x;
    conv.y = y;
    return lfuse_conv2d_forward(net->cnn.ctx, &conv, err);
}

/*
 * *x becomes the block's output. Training keeps everything in the units; inference goes from
 * work[0] through work[1] to work[2] and back.
 */
static lfuse_status block_forward(struct resnet *net, int64_t block, const float **x,
                                  enum cnn_mode mode, lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    struct cnn_unit *first = &cnn->units[1 + 2 * block], *second = first + 1;
    int64_t stage = resnet_shortcut_stage(net, block);
    int keep = mode == CNN_TRAINING;
    float *middle = cnn_data(keep ? first->out : cnn->work[1]);
    float *out = cnn_data(keep ? second->out : cnn->work[block % 2 == 0 ? 2 : 0]);
    const float *residual = *x;
    lfuse_status status = LFUSE_OK;

    if (stage >= 0) {
        status = resnet_shortcut_forward(net, stage, *x, cnn_data(cnn->work[3]), err);
        residual = cnn_data(cnn->work[3]);
    }
    if (status == LFUSE_OK)
        status = cnn_unit_forward(cnn, first, *x, NULL, middle, mode, err);
    if (status == LFUSE_OK)
        status = cnn_unit_forward(cnn, second, middle, residual, out, mode, err);
    *x = out;
    return status;
}

void resnet_pool_shape(const struct resnet *net, lfuse_pool2d_args *pool)
{
    const struct cnn_unit *last = &net->cnn.units[net->cnn.unit_count - 1];

    lfuse_pool2d_args_init(pool, sizeof(*pool));
    pool->batch = net->cnn.count;
    pool->channels = last->conv.out_channels;
    pool->height = pool->kernel_h = last->conv.height;
    pool->width = pool->kernel_w = last->conv.width;
    pool->layout = LFUSE_LAYOUT_NHWC;
}

static lfuse_status head_forward(struct resnet *net, const float *x, lfuse_error *err)
{
    lfuse_pool2d_args pool;
    lfuse_status status;

    resnet_pool_shape(net, &pool);
    pool.x = x;
    pool.y = cnn_data(net->cnn.features);
    status = lfuse_pool2d_forward(net->cnn.ctx, &pool, err);
    return status == LFUSE_OK ? cnn_classify(&net->cnn, err) : status;
}

/* *out is the last block's, in cnn->work or kept. */
static lfuse_status blocks_forward(struct resnet *net, enum cnn_mode mode,
                                   const float **out, lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    struct cnn_unit *stem = &cnn->units[0];
    float *at = cnn_data(mode == CNN_TRAINING ? stem->out : cnn->work[0]);
    lfuse_status status = cnn_unit_forward(cnn, stem, cnn->x, NULL, at, mode, err);
    int64_t block;

    *out = at;
    for (block = 0; block < RESNET_STAGES * net->blocks && status == LFUSE_OK; block++)
        status = block_forward(net, block, out, mode, err);
    return status;
}

lfuse_status resnet_forward(struct resnet *net, const float *x, int64_t count,
                            enum cnn_mode mode, lfuse_error *err)
{
    const int prepared = cnn_is_prepared(&net->cnn, mode);
    lfuse_status status = cnn_begin(&net->cnn, x, count, mode, err);
    const float *out;
    int64_t i;

    for (i = 0; i < RESNET_STAGES && net->width > 0 && !prepared && status == LFUSE_OK;
         i++)
        status = lfuse_packed_refresh(net->shortcut_packed[i],
                                      cnn_data(net->shortcut_weight[i].value), err);
    if (status == LFUSE_OK)
        status = net->width > 0 ? resnet_wide_forward(net, mode, &out, err)
                                : blocks_forward(net, mode, &out, err);
    return status == LFUSE_OK ? head_forward(net, out, err) : status;
}
