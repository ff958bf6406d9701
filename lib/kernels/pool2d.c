/*
 * pool2d.c - average and maximum over windows of an image
 *
 *     average  y = sum of x over the window's pixels inside the image / their number
 *     max      y = x at the first pixel, in row order, that no other exceeds; NaN exceeds all
 *
 * NHWC works on whole pixels of channels side by side. A plane of NCHW is an image of one
 * channel; its windows are left to the scalar loops, for a vector would hold one number, but
 * for those that are one long row, as in global pooling. A task is one or several images or
 * planes: no two write the same element.
 */
#include "kernels/kernels.h"

#include <string.h>

enum { LANES = 16, LONG_ROW = 2 * LANES, TASK_ELEMENTS = 16384 };

struct job {
    const struct lfi_kernels *kernels; /* of one window */
    const struct lfi_kernels *wide;    /* of a long row */
    const struct lfi_pool2d *pool;
    void (*image)(const struct job *job, int64_t index);
    int64_t channels;    /* of an image */
    int64_t images;      /* or planes */
    int64_t task_images; /* of each task but the last */
};

/* [first, first + kernel) cut to [0, size): how many, and *start. */
static int64_t clip(int64_t first, int64_t kernel, int64_t size, int64_t *start)
{
    int64_t end = first + kernel < size ? first + kernel : size;

    *start = first > 0 ? first : 0;
    return end - *start;
}

/* The pixels of output (i, j) that lie inside the image, and where they start in it. */
static struct lfi_pool_tile window(const struct job *job, int64_t i, int64_t j,
                                   int64_t *at)
{
    const struct lfi_pool2d *p = job->pool;
    struct lfi_pool_tile tile = {0};
    int64_t top, left;

    tile.rows = clip(i * p->stride_h - p->pad_top, p->kernel_h, p->height, &top);
    tile.cols = clip(j * p->stride_w - p->pad_left, p->kernel_w, p->width, &left);
    tile.step = job->channels;
    tile.row_step = p->width * job->channels;
    tile.width = job->channels;
    if (tile.cols == p->width) { /* whole rows are one long row */
        tile.cols *= tile.rows;
        tile.rows = 1;
    }
    *at = (top * p->width + left) * job->channels;
    return tile;
}

static bool is_long_row(const struct lfi_pool_tile *tile)
{
    return tile->width == 1 && tile->rows == 1 && tile->cols >= LONG_ROW;
}

/* ---- long rows of one channel: LANES pixels as if they were channels -------------------------- */

static void average_row(const struct job *job, const struct lfi_pool_tile *tile)
{
    struct lfi_pool_tile lanes = *tile;
    float mean[LANES], total = 0.0f;
    int64_t i;

    lanes.cols = tile->cols / LANES;
    lanes.step = lanes.width = LANES;
    lanes.y = mean;
    job->wide->pool_average_f32(&lanes);
    for (i = 0; i < LANES; i++)
        total += mean[i] * (float)lanes.cols;
    for (i = lanes.cols * LANES; i < tile->cols; i++)
        total += tile->x[i];
    tile->y[0] = total / (float)tile->cols;
}

/* ---- images -------------------------------------------------------------------------------------- */

static void forward_image(const struct job *job, int64_t index)
{
    const struct lfi_pool2d *p = job->pool;
    const float *x = p->x + index * p->height * p->width * job->channels;
    float *y = p->y + index * p->out_h * p->out_w * job->channels;
    int64_t i, j, at;

    for (i = 0; i < p->out_h; i++) {
        for (j = 0; j < p->out_w; j++) {
            struct lfi_pool_tile tile = window(job, i, j, &at);

            tile.x = x + at;
            tile.y = y;
            if (p->max)
                job->kernels->pool_max_f32(&tile);
            else if (is_long_row(&tile))
                average_row(job, &tile);
            else
                job->kernels->pool_average_f32(&tile);
            y += job->channels;
        }
    }
}

static void backward_image(const struct job *job, int64_t index)
{
    const struct lfi_pool2d *p = job->pool;
    const int64_t image = p->height * p->width * job->channels;
    const float *dy = p->dy + index * p->out_h * p->out_w * job->channels;
    float *dx = p->dx + index * image;
    int64_t i, j, at;

    memset(dx, 0, (size_t)image * sizeof(*dx));
    for (i = 0; i < p->out_h; i++) {
        for (j = 0; j < p->out_w; j++) {
            struct lfi_pool_tile tile = window(job, i, j, &at);

            tile.x = p->max ? p->x + index * image + at : NULL;
            tile.dy = dy;
            tile.dx = dx + at;
            if (p->max)
                job->kernels->pool_max_gradient_f32(&tile);
            else
                job->kernels->pool_average_gradient_f32(&tile);
            dy += job->channels;
        }
    }
}

/* ---- drivers ------------------------------------------------------------------------------------- */

static void images_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    int64_t first = index * job->task_images, i;

    (void)slot;
    for (i = first; i < first + job->task_images && i < job->images; i++)
        job->image(job, i);
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_pool2d *pool,
                        void (*image)(const struct job *job, int64_t index),
                        lfuse_error *err)
{
    struct job job = {env->kernels,   env->kernels, pool, image,
                      pool->channels, pool->batch,  1};

    if (!pool->channels_last) {
        job.kernels = &lfi_kernels_scalar;
        job.images *= pool->channels;
        job.channels = 1;
    }
    job.task_images = TASK_ELEMENTS / (pool->height * pool->width * job.channels);
    if (job.task_images < 1)
        job.task_images = 1;
    return lfi_parallel_for(env, (job.images - 1) / job.task_images + 1, images_task,
                            &job, err);
}

lfuse_status lfi_pool2d_forward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                lfuse_error *err)
{
    return run(env, pool, forward_image, err);
}

lfuse_status lfi_pool2d_backward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                 lfuse_error *err)
{
    return run(env, pool, backward_image, err);
}
