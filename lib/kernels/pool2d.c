/*
 * pool2d.c - average and maximum over windows of an image
 *
 *     average  y = sum of x over the window's pixels inside the image / their number
 *     max      y = x at the first pixel, in row order, that no other exceeds; NaN exceeds all
 *
 * NHWC sums and compares whole rows of channels through the table, NCHW pixel by pixel along
 * contiguous rows. A task is an image (NHWC) or a plane (NCHW): no two write the same element.
 */
#include "kernels/kernels.h"

#include <string.h>

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_pool2d *pool;
};

/* The pixels of one output that lie inside the image. */
struct window {
    int64_t top;
    int64_t left;
    int64_t rows;
    int64_t cols;
};

/* [first, first + kernel) cut to [0, size). */
static int64_t clip(int64_t first, int64_t kernel, int64_t size, int64_t *start)
{
    int64_t end = first + kernel < size ? first + kernel : size;

    *start = first > 0 ? first : 0;
    return end - *start;
}

static struct window window_of(const struct lfi_pool2d *p, int64_t i, int64_t j)
{
    struct window w;

    w.rows = clip(i * p->stride_h - p->pad_top, p->kernel_h, p->height, &w.top);
    w.cols = clip(j * p->stride_w - p->pad_left, p->kernel_w, p->width, &w.left);
    if (w.cols == p->width) { /* whole rows are one long row */
        w.cols *= w.rows;
        w.rows = 1;
    }
    return w;
}

static float pixels_of(struct window w)
{
    return (float)(w.rows * w.cols);
}

/* ---- channels side by side ----------------------------------------------------------------- */

static void average_pixel(const struct job *job, struct window w, const float *x,
                          float *y)
{
    const struct lfi_pool2d *p = job->pool;
    int64_t r, c;

    memset(y, 0, (size_t)p->channels * sizeof(*y));
    for (r = 0; r < w.rows; r++)
        job->kernels->pool_sum_f32(x + r * p->width * p->channels, w.cols, p->channels,
                                   p->channels, y);
    for (c = 0; c < p->channels; c++)
        y[c] /= pixels_of(w);
}

static void max_pixel(const struct job *job, struct window w, const float *x, float *y)
{
    const struct lfi_pool2d *p = job->pool;
    int64_t r;

    memcpy(y, x, (size_t)p->channels * sizeof(*y));
    for (r = 0; r < w.rows; r++)
        job->kernels->pool_max_f32(x + r * p->width * p->channels, w.cols, p->channels,
                                   p->channels, y);
}

static void forward_image(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_pool2d *p = job->pool;
    const float *x = p->x + index * p->height * p->width * p->channels;
    float *y = p->y + index * p->out_h * p->out_w * p->channels;
    int64_t i, j;

    (void)slot;
    for (i = 0; i < p->out_h; i++) {
        for (j = 0; j < p->out_w; j++) {
            struct window w = window_of(p, i, j);
            const float *start = x + (w.top * p->width + w.left) * p->channels;

            if (p->max)
                max_pixel(job, w, start, y);
            else
                average_pixel(job, w, start, y);
            y += p->channels;
        }
    }
}

/* ---- planes ---------------------------------------------------------------------------------- */

/* Lanes of their own keep a long row from waiting for each addition. */
static float sum_row(const struct lfi_kernels *kernels, const float *x, int64_t count)
{
    enum { LANES = 16 };
    float lane[LANES] = {0.0f}, total = 0.0f;
    int64_t whole = count / LANES, i;

    if (whole > 0)
        kernels->pool_sum_f32(x, whole, LANES, LANES, lane);
    for (i = 0; i < LANES && whole > 0; i++)
        total += lane[i];
    for (i = whole * LANES; i < count; i++)
        total += x[i];
    return total;
}

static float average_window(const struct job *job, struct window w, const float *x)
{
    float total = 0.0f;
    int64_t r;

    for (r = 0; r < w.rows; r++)
        total += sum_row(job->kernels, x + r * job->pool->width, w.cols);
    return total / pixels_of(w);
}

/* Where the window's maximum is, from x; pixels are `step` elements apart. */
static int64_t find_max(const struct lfi_pool2d *p, struct window w, const float *x,
                        int64_t step)
{
    float best = x[0];
    int64_t at = 0, r, c;

    for (r = 0; r < w.rows; r++) {
        for (c = 0; c < w.cols; c++) {
            int64_t here = (r * p->width + c) * step;

            if (x[here] > best || (x[here] != x[here] && best == best)) {
                best = x[here];
                at = here;
            }
        }
    }
    return at;
}

static void forward_plane(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_pool2d *p = job->pool;
    const float *x = p->x + index * p->height * p->width;
    float *y = p->y + index * p->out_h * p->out_w;
    int64_t i, j;

    (void)slot;
    for (i = 0; i < p->out_h; i++) {
        for (j = 0; j < p->out_w; j++) {
            struct window w = window_of(p, i, j);
            const float *start = x + w.top * p->width + w.left;

            *y++ =
                p->max ? start[find_max(p, w, start, 1)] : average_window(job, w, start);
        }
    }
}

/* ---- backward ----------------------------------------------------------------------------------- */

/* To every pixel of the window alike; dy and dx have `channels` side by side. */
static void spread_average(const struct job *job, struct window w, int64_t channels,
                           const float *dy, float *dx)
{
    const float share = 1.0f / pixels_of(w);
    int64_t r, c;

    for (r = 0; r < w.rows; r++) {
        float *row = dx + r * job->pool->width * channels;

        if (channels > 1)
            job->kernels->pool_spread_f32(dy, share, w.cols, channels, channels, row);
        else
            for (c = 0; c < w.cols; c++)
                row[c] += share * dy[0];
    }
}

/* To the pixel that was picked. */
static void spread_max(const struct job *job, struct window w, int64_t channels,
                       const float *x, const float *dy, float *dx)
{
    int64_t c;

    for (c = 0; c < channels; c++)
        dx[c + find_max(job->pool, w, x + c, channels)] += dy[c];
}

static void backward(const struct job *job, int64_t index, int64_t channels)
{
    const struct lfi_pool2d *p = job->pool;
    const int64_t image = p->height * p->width * channels;
    const float *dy = p->dy + index * p->out_h * p->out_w * channels;
    float *dx = p->dx + index * image;
    int64_t i, j;

    memset(dx, 0, (size_t)image * sizeof(*dx));
    for (i = 0; i < p->out_h; i++) {
        for (j = 0; j < p->out_w; j++) {
            struct window w = window_of(p, i, j);
            int64_t at = (w.top * p->width + w.left) * channels;

            if (p->max)
                spread_max(job, w, channels, p->x + index * image + at, dy, dx + at);
            else
                spread_average(job, w, channels, dy, dx + at);
            dy += channels;
        }
    }
}

static void backward_image(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;

    (void)slot;
    backward(job, index, job->pool->channels);
}

static void backward_plane(void *arg, int64_t index, int32_t slot)
{
    (void)slot;
    backward(arg, index, 1);
}

/* ---- drivers -------------------------------------------------------------------------------------- */

lfuse_status lfi_pool2d_forward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                lfuse_error *err)
{
    struct job job = {env->kernels, pool};

    if (pool->channels_last)
        return lfi_parallel_for(env, pool->batch, forward_image, &job, err);
    return lfi_parallel_for(env, pool->batch * pool->channels, forward_plane, &job, err);
}

lfuse_status lfi_pool2d_backward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                 lfuse_error *err)
{
    struct job job = {env->kernels, pool};

    if (pool->channels_last)
        return lfi_parallel_for(env, pool->batch, backward_image, &job, err);
    return lfi_parallel_for(env, pool->batch * pool->channels, backward_plane, &job, err);
}
