/* vgg.c - see vgg.h; its units and its classifier are those of cnn_inside.h */
#include "models/vgg.h"

#include <stdlib.h>

#include "error.h"
#include "models/cnn_inside.h"

int64_t vgg_depth(int64_t stage)
{
    return stage < 2 ? 2 : 3;
}

static int64_t channels_of(const struct vgg *net, int64_t stage)
{
    return net->width << (stage < 3 ? stage : 3);
}

/* Of the images that a stage's units see. */
static int64_t side_of(int64_t stage)
{
    return CNN_SIDE >> stage;
}

/* ---- memory ---------------------------------------------------------------------------- */

static lfuse_status create_stage(struct vgg *net, int64_t stage, int64_t in,
                                 lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    int64_t channels = channels_of(net, stage), side = side_of(stage), i;
    lfuse_status status = LFUSE_OK;

    for (i = 0; i < vgg_depth(stage) && status == LFUSE_OK; i++)
        status = cnn_create_unit(cnn, i == 0 ? in : channels, channels, side, 1, err);
    if (status == LFUSE_OK && cnn->mode == CNN_TRAINING && stage + 1 < VGG_STAGES)
        status = cnn_vector(cnn, cnn->batch * (side / 2) * (side / 2) * channels,
                            &net->pooled[stage], err);
    return status;
}

static lfuse_status create(struct vgg *net, lfuse_error *err)
{
    const int64_t largest = net->cnn.batch * CNN_SIDE * CNN_SIDE * net->width;
    int64_t channels = CNN_IN_CHANNELS, stage;
    lfuse_status status = LFUSE_OK;

    for (stage = 0; stage < VGG_STAGES && status == LFUSE_OK; stage++) {
        status = create_stage(net, stage, channels, err);
        channels = channels_of(net, stage);
    }
    if (status == LFUSE_OK)
        status = cnn_create_classifier(&net->cnn, channels, err);
    if (status == LFUSE_OK)
        status = cnn_create_work(&net->cnn, 2, largest, err);
    if (status == LFUSE_OK)
        status = cnn_create_workspace(&net->cnn, NULL, 0, err);
    net->pooled[VGG_STAGES - 1] = net->cnn.features;
    return status;
}

lfuse_status vgg_create(lfuse_context *ctx, int64_t width, int64_t batch,
                        enum cnn_mode mode, struct vgg **net, lfuse_error *err)
{
    lfuse_status status;

    *net = NULL;
    if (width < 1 || width > VGG_MAX_WIDTH || batch < 1)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "width is %lld, not in [1, %d], or batch %lld < 1",
                            (long long)width, (int)VGG_MAX_WIDTH, (long long)batch);
    *net = calloc(1, sizeof(**net));
    if (*net == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    (*net)->cnn.ctx = ctx;
    (*net)->cnn.batch = batch;
    (*net)->cnn.mode = mode;
    (*net)->width = width;
    status = create(*net, err);
    if (status != LFUSE_OK) {
        vgg_destroy(*net);
        *net = NULL;
    }
    return status;
}

void vgg_destroy(struct vgg *net)
{
    if (net != NULL)
        cnn_free(&net->cnn);
    free(net);
}

void vgg_initialise(struct vgg *net, uint64_t seed)
{
    cnn_initialise(&net->cnn, seed);
}

/* ---- the passes ------------------------------------------------------------------------ */

static lfuse_pool2d_args pool_shape(const struct vgg *net, int64_t stage)
{
    lfuse_pool2d_args pool;

    lfuse_pool2d_args_init(&pool, sizeof(pool));
    pool.batch = net->cnn.count;
    pool.channels = channels_of(net, stage);
    pool.height = pool.width = side_of(stage);
    pool.kernel_h = pool.kernel_w = 2;
    pool.pool = LFUSE_POOL_MAX;
    pool.layout = LFUSE_LAYOUT_NHWC;
    return pool;
}

/*
 * *x becomes the stage's output, u its last unit. Training keeps everything; inference goes from
 * work[0] to work[1] and back.
 */
static lfuse_status stage_forward(struct vgg *net, int64_t stage, struct cnn_unit **u,
                                  const float **x, enum cnn_mode mode, lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    const int keep = mode == CNN_TRAINING;
    lfuse_pool2d_args pool = pool_shape(net, stage);
    lfuse_status status = LFUSE_OK;
    float *out;
    int64_t i;

    for (i = 0; i < vgg_depth(stage) && status == LFUSE_OK; i++, ++*u) {
        out = cnn_data(keep ? (*u)->out : cnn->work[*x == cnn_data(cnn->work[0])]);
        status = cnn_unit_forward(cnn, *u, *x, NULL, out, mode, err);
        *x = out;
    }
    if (status != LFUSE_OK)
        return status;
    pool.x = *x;
    pool.y = stage + 1 == VGG_STAGES ? cnn_data(cnn->features)
             : keep                  ? cnn_data(net->pooled[stage])
                                     : cnn_data(cnn->work[*x == cnn_data(cnn->work[0])]);
    *x = pool.y;
    return lfuse_pool2d_forward(cnn->ctx, &pool, err);
}

lfuse_status vgg_forward(struct vgg *net, const float *x, int64_t count,
                         enum cnn_mode mode, lfuse_error *err)
{
    struct cnn_unit *u = net->cnn.units;
    lfuse_status status = cnn_begin(&net->cnn, x, count, mode, err);
    int64_t stage;

    for (stage = 0; stage < VGG_STAGES && status == LFUSE_OK; stage++)
        status = stage_forward(net, stage, &u, &x, mode, err);
    return status == LFUSE_OK ? cnn_classify(&net->cnn, err) : status;
}

static void swap(float *g[2])
{
    float *keep = g[0];

    g[0] = g[1];
    g[1] = keep;
}

/*
 * g[0] holds the gradient of the stage's output, but for the last stage, whose is that of the
 * features; and afterwards that of its input, unless that is the image. u is behind the
 * stage's last unit, and afterwards its first.
 */
static lfuse_status stage_backward(struct vgg *net, int64_t stage, struct cnn_unit **u,
                                   float *g[2], lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    lfuse_pool2d_args pool = pool_shape(net, stage);
    lfuse_status status;
    int64_t i;

    pool.x = cnn_data((*u - 1)->out);
    pool.dy = stage + 1 == VGG_STAGES ? cnn_data(cnn->feature_gradient) : g[0];
    pool.dx = g[1];
    status = lfuse_pool2d_backward(cnn->ctx, &pool, err);
    for (i = vgg_depth(stage); i > 0 && status == LFUSE_OK; i--) {
        const float *x = i > 1       ? cnn_data((*u - 2)->out)
                         : stage > 0 ? cnn_data(net->pooled[stage - 1])
                                     : cnn->x;

        swap(g);
        status = cnn_unit_backward(cnn, --*u, x, g[0], NULL, x == cnn->x ? NULL : g[1], 0,
                                   err);
    }
    swap(g);
    return status;
}

lfuse_status vgg_backward(struct vgg *net, lfuse_error *err)
{
    struct cnn *cnn = &net->cnn;
    struct cnn_unit *u = cnn->units + cnn->unit_count;
    float *g[2] = {cnn_data(cnn->work[0]), cnn_data(cnn->work[1])};
    lfuse_status status = cnn_classify_backward(cnn, err);
    int64_t stage;

    for (stage = VGG_STAGES - 1; stage >= 0 && status == LFUSE_OK; stage--)
        status = stage_backward(net, stage, &u, g, err);
    return status;
}
