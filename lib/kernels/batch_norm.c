/*
 * batch_norm.c - statistics and normalisation of each channel
 *
 *     y = act((x - mean) * scale * inverse + shift + residual),  inverse = 1 / sqrt(var + eps)
 *     dx = scale * inverse * (g - sum(g) / n - xhat * sum(g * xhat) / n),  g = dy where y > 0
 *
 * Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1. Bound by memory: one pass for the sums
 * of a channel, one to write.
 *
 * Both layouts are matrices whose columns are channels: NHWC is one (batch * pixels, channels)
 * matrix, each plane of NCHW one of (pixels, 1). `fold` rows side by side make one of about
 * WIDTH columns, so that the loops have long rows whatever the channels are; the columns of
 * one channel are added up in the end.
 *
 * Moments. Sums of x - K and its square, in f32 over at most BLOCK_ROWS long rows, K being the
 * block's first value. K is one of the values it is taken from, so the squares about K are at
 * most n times those about the mean: a large mean cancels nothing. Blocks are moved to the
 * channel's first value, and added, in f64, where the same holds.
 */
#include "kernels/kernels.h"

#include <math.h>

enum { WIDTH = 64, BLOCK_ROWS = 128, PART_ELEMENTS = 65536 };
enum { CENTER, FACTOR, OFFSET, SLOPE, SUM, PRODUCT, VECTORS };

struct job {
    const struct lfi_env *env;
    const struct lfi_batch_norm *norm;
    void (*loop)(const struct lfi_batch_norm_tile *tile);
    struct lfi_batch_norm_tile tile; /* of the whole tensors */
    bool interleaved;                /* channels side by side: NHWC, or a pixel each */
    int64_t rows;                    /* what is cut: pixels of all images, or images */
    int64_t part_rows;
    int64_t parts;
    int64_t tasks;
    int64_t width;  /* of the longest row */
    float *columns; /* (slots, VECTORS, width) */
    float *channel; /* (SUM, channels): center, factor, offset, slope */
    double *sums;   /* (parts, channels, 2) */
};

/* What a task works on: dense (rows, channels) matrices, `step` elements apart. */
struct share {
    int64_t at;
    int64_t pieces;
    int64_t step;
    int64_t rows;
    int64_t channels;
    int64_t channel; /* the first */
    int64_t part;
};

/* A task while it runs. */
struct work {
    const struct job *job;
    struct share share;
    int64_t fold;
    float *columns[VECTORS];
    int64_t depth;  /* long rows in the block */
    int64_t values; /* of each channel in the block */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- cutting ------------------------------------------------------------------------------ */

static struct share share_of(const struct job *job, int64_t index)
{
    const struct lfi_batch_norm *n = job->norm;
    struct share s = {.pieces = 1, .part = index, .channels = n->channels};
    int64_t first, count;

    if (!job->interleaved) {
        s.part = index / n->channels;
        s.channel = index % n->channels;
        s.channels = 1;
    }
    first = s.part * job->part_rows;
    count = least(job->part_rows, job->rows - first);
    if (job->interleaved) {
        s.at = first * n->channels;
        s.rows = count;
    } else {
        s.at = (first * n->channels + s.channel) * n->pixels;
        s.pieces = count;
        s.step = n->channels * n->pixels;
        s.rows = n->pixels;
    }
    return s;
}

typedef void (*visitor)(struct work *w, struct lfi_batch_norm_tile *tile, int64_t at);

/* The rows of a matrix, BLOCK_ROWS at a time. */
static void visit_rows(struct work *w, visitor visit, int64_t at, int64_t rows,
                       int64_t width, int64_t step)
{
    struct lfi_batch_norm_tile tile = w->job->tile;
    int64_t i;

    tile.width = width;
    tile.step = step;
    tile.center = w->columns[CENTER];
    tile.factor = w->columns[FACTOR];
    tile.offset = w->columns[OFFSET];
    tile.slope = w->columns[SLOPE];
    tile.sum = w->columns[SUM];
    tile.product = w->columns[PRODUCT];
    for (i = 0; i < rows; i += BLOCK_ROWS) {
        tile.rows = least(BLOCK_ROWS, rows - i);
        visit(w, &tile, at + i * step);
    }
}

/* The share as matrices of long rows. */
static void visit_share(struct work *w, visitor visit)
{
    const struct share *s = &w->share;
    int64_t width = w->fold * s->channels, whole = s->rows / w->fold,
            left = s->rows % w->fold, p;

    if (s->rows <= w->fold) { /* a piece is one row */
        visit_rows(w, visit, s->at, s->pieces, s->rows * s->channels, s->step);
        return;
    }
    for (p = 0; p < s->pieces; p++) {
        int64_t at = s->at + p * s->step;

        visit_rows(w, visit, at, whole, width, width);
        if (left > 0)
            visit_rows(w, visit, at + whole * width, 1, left * s->channels, width);
    }
}

/* The whole tensors' tile, moved to element `at` of them. */
static void run_loop(const struct work *w, struct lfi_batch_norm_tile *tile, int64_t at)
{
    const struct lfi_batch_norm_tile *all = &w->job->tile;

    tile->x = all->x + at;
    tile->residual = all->residual != NULL ? all->residual + at : NULL;
    tile->dy = all->dy != NULL ? all->dy + at : NULL;
    tile->mask = all->mask != NULL ? all->mask + at : NULL;
    tile->out = all->out != NULL ? all->out + at : NULL;
    tile->dresidual = all->dresidual != NULL ? all->dresidual + at : NULL;
    w->job->loop(tile);
}

/* A number of each channel, for each of the columns. */
static void repeat(const struct work *w, const float *channel, float *columns)
{
    const int64_t channels = w->share.channels;
    int64_t k, c;

    for (k = 0; k < w->fold; k++)
        for (c = 0; c < channels; c++)
            columns[k * channels + c] = channel[c];
}

static void start(struct work *w, const struct job *job, int64_t index, int32_t slot)
{
    float *columns = job->columns + slot * VECTORS * job->width;
    int64_t v;

    w->job = job;
    w->share = share_of(job, index);
    w->fold = w->share.channels < WIDTH ? WIDTH / w->share.channels : 1;
    w->depth = 0;
    w->values = 0;
    for (v = 0; v < VECTORS; v++)
        w->columns[v] = columns + v * job->width;
    for (v = 0; v < SUM; v++)
        repeat(w, job->channel + v * job->norm->channels + w->share.channel,
               w->columns[v]);
}

/* ---- the pass that sums ---------------------------------------------------------------------- */

/* Moves the block's sums to the channel's own center, and adds them to the part's. */
static void end_block(struct work *w)
{
    const struct share *s = &w->share;
    const struct job *job = w->job;
    const float *channel_center =
        job->channel + CENTER * job->norm->channels + s->channel;
    double *sums = job->sums + 2 * (s->part * job->norm->channels + s->channel);
    const double n = (double)w->values;
    int64_t c, j;

    for (c = 0; c < s->channels; c++) {
        double d = (double)w->columns[CENTER][c] - (double)channel_center[c];
        double sum = 0.0, product = 0.0;

        for (j = c; j < w->fold * s->channels; j += s->channels) {
            sum += (double)w->columns[SUM][j];
            product += (double)w->columns[PRODUCT][j];
        }
        sums[2 * c] += sum + n * d;
        sums[2 * c + 1] += product + 2.0 * d * sum + n * d * d;
    }
    w->depth = 0;
    w->values = 0;
}

static void start_block(struct work *w, const float *x)
{
    const int64_t width = w->fold * w->share.channels;
    int64_t j;

    for (j = 0; j < width; j++) {
        w->columns[SUM][j] = 0.0f;
        w->columns[PRODUCT][j] = 0.0f;
    }
    if (w->job->tile.dy == NULL) /* moments */
        repeat(w, x, w->columns[CENTER]);
}

static void add_rows(struct work *w, struct lfi_batch_norm_tile *tile, int64_t at)
{
    if (w->depth + tile->rows > BLOCK_ROWS)
        end_block(w);
    if (w->depth == 0)
        start_block(w, w->job->tile.x + at);
    run_loop(w, tile, at);
    w->depth += tile->rows;
    w->values += tile->rows * tile->width / w->share.channels;
}

static void sum_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    struct work w;

    start(&w, job, index, slot);
    visit_share(&w, add_rows);
    end_block(&w);
}

/* The sums of each channel, about its center, into the first part's. */
static lfuse_status sum(struct job *job, lfuse_error *err)
{
    const int64_t count = 2 * job->norm->channels;
    lfuse_status status;
    int64_t p, i;

    status = lfi_parallel_for(job->env, job->tasks, sum_task, job, err);
    for (p = 1; p < job->parts; p++)
        for (i = 0; i < count; i++)
            job->sums[i] += job->sums[p * count + i];
    return status;
}

/* ---- the pass that writes -------------------------------------------------------------------- */

static void write_rows(struct work *w, struct lfi_batch_norm_tile *tile, int64_t at)
{
    run_loop(w, tile, at);
}

/* Backwards: what the first pass read last may still be in a cache. */
static void write_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    struct work w;

    start(&w, job, job->tasks - 1 - index, slot);
    visit_share(&w, write_rows);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

static void job_end(struct job *job)
{
    const struct lfi_env *env = job->env;
    const size_t channels = (size_t)job->norm->channels;

    lfi_free(env, job->sums, (size_t)job->parts * channels, 2 * sizeof(double));
    lfi_free(env, job->channel, channels, SUM * sizeof(float));
    lfi_free(env, job->columns, (size_t)env->executor.concurrency * VECTORS,
             (size_t)job->width * sizeof(float));
}

static lfuse_status job_begin(struct job *job, const struct lfi_env *env,
                              const struct lfi_batch_norm *norm, lfuse_error *err)
{
    const size_t channels = (size_t)norm->channels;
    lfuse_status status;
    int64_t row;

    *job = (struct job){.env = env, .norm = norm};
    job->interleaved = norm->channels_last || norm->pixels == 1;
    job->rows = job->interleaved ? norm->batch * norm->pixels : norm->batch;
    row = job->interleaved ? norm->channels : norm->pixels;
    job->part_rows = PART_ELEMENTS / row;
    if (job->part_rows < (job->interleaved ? BLOCK_ROWS : 1))
        job->part_rows = job->interleaved ? BLOCK_ROWS : 1;
    job->parts = (job->rows - 1) / job->part_rows + 1;
    job->tasks = job->interleaved ? job->parts : job->parts * norm->channels;
    job->width = job->interleaved && norm->channels > WIDTH ? norm->channels : WIDTH;
    job->tile.x = norm->x;
    status = lfi_alloc(env, (size_t)env->executor.concurrency * VECTORS,
                       (size_t)job->width * sizeof(float), "batch norm's columns",
                       &job->columns, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, channels, SUM * sizeof(float),
                                "batch norm's channels", &job->channel, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)job->parts * channels, 2 * sizeof(double),
                                "batch norm's sums", &job->sums, err);
    if (status != LFUSE_OK)
        job_end(job);
    return status;
}

/* The numbers of channel c for the loops that write. */
static void set_channel(struct job *job, int64_t c, double center, double factor,
                        double offset, double slope)
{
    const int64_t channels = job->norm->channels;

    job->channel[CENTER * channels + c] = (float)center;
    job->channel[FACTOR * channels + c] = (float)factor;
    job->channel[OFFSET * channels + c] = (float)offset;
    job->channel[SLOPE * channels + c] = (float)slope;
}

/* ---- training ----------------------------------------------------------------------------------- */

/* Centers every channel at its first value, for the sums. */
static void center_at_first(struct job *job)
{
    const int64_t stride = job->interleaved ? 1 : job->norm->pixels;
    int64_t c;

    for (c = 0; c < job->norm->channels; c++)
        set_channel(job, c, (double)job->norm->x[c * stride], 0.0, 0.0, 0.0);
}

/* From sums to mean and variance, in their place. */
static void finish_moments(struct job *job)
{
    const double n = (double)job->norm->batch * (double)job->norm->pixels;
    int64_t c;

    for (c = 0; c < job->norm->channels; c++) {
        double sum = job->sums[2 * c], squares = job->sums[2 * c + 1] - sum * sum / n;

        job->sums[2 * c] =
            (double)job->channel[CENTER * job->norm->channels + c] + sum / n;
        job->sums[2 * c + 1] = squares < 0.0 ? 0.0 : squares / n;
    }
}

static void set_training_channels(struct job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double mean = job->sums[2 * c];
        double factor =
            (double)norm->scale[c] / sqrt(job->sums[2 * c + 1] + norm->epsilon);
        double below = mean - (double)(float)mean; /* what the center loses in f32 */

        set_channel(job, c, mean, factor, (double)norm->shift[c] - below * factor, 0.0);
    }
}

static void save_moments(const struct job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    const double n = (double)norm->batch * (double)norm->pixels, m = norm->momentum;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double mean = job->sums[2 * c], variance = job->sums[2 * c + 1];

        norm->saved_mean[c] = (float)mean;
        norm->saved_inverse[c] = (float)(1.0 / sqrt(variance + norm->epsilon));
        if (norm->running_mean == NULL)
            continue;
        norm->running_mean[c] =
            (float)((1.0 - m) * (double)norm->running_mean[c] + m * mean);
        norm->running_variance[c] =
            (float)((1.0 - m) * (double)norm->running_variance[c] +
                    m * variance * n / (n - 1.0));
    }
}

static lfuse_status apply(struct job *job, lfuse_error *err)
{
    job->loop = job->env->kernels->batch_norm_apply_f32;
    job->tile.residual = job->norm->residual;
    job->tile.out = job->norm->y;
    job->tile.relu = job->norm->relu;
    return lfi_parallel_for(job->env, job->tasks, write_task, job, err);
}

lfuse_status lfi_batch_norm_training(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct job job;
    lfuse_status status;

    status = job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    center_at_first(&job);
    job.loop = env->kernels->batch_norm_moments_f32;
    status = sum(&job, err);
    if (status != LFUSE_OK)
        goto done;
    finish_moments(&job);
    set_training_channels(&job);
    status = apply(&job, err);
    if (status == LFUSE_OK)
        save_moments(&job);
done:
    job_end(&job);
    return status;
}

lfuse_status lfi_batch_norm_inference(const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct job job;
    lfuse_status status;
    int64_t c;

    status = job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    for (c = 0; c < norm->channels; c++)
        set_channel(&job, c, (double)norm->running_mean[c],
                    (double)norm->scale[c] /
                        sqrt((double)norm->running_variance[c] + norm->epsilon),
                    (double)norm->shift[c], 0.0);
    status = apply(&job, err);
    job_end(&job);
    return status;
}

/* ---- backward ------------------------------------------------------------------------------------ */

static void set_gradient_channels(struct job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    const double n = (double)norm->batch * (double)norm->pixels;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double inverse = (double)norm->saved_inverse[c],
               factor = (double)norm->scale[c] * inverse;

        set_channel(job, c, (double)norm->saved_mean[c], factor,
                    -factor * job->sums[2 * c] / n,
                    -factor * inverse * inverse * job->sums[2 * c + 1] / n);
    }
}

static void write_parameter_gradients(const struct job *job)
{
    const struct lfi_batch_norm *norm = job->norm;
    int64_t c;

    for (c = 0; c < norm->channels; c++) {
        double dshift = job->sums[2 * c],
               dscale = job->sums[2 * c + 1] * (double)norm->saved_inverse[c];

        norm->dshift[c] =
            (float)(norm->accumulate ? (double)norm->dshift[c] + dshift : dshift);
        norm->dscale[c] =
            (float)(norm->accumulate ? (double)norm->dscale[c] + dscale : dscale);
    }
}

lfuse_status lfi_batch_norm_backward(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err)
{
    struct job job;
    lfuse_status status;
    int64_t c;

    status = job_begin(&job, env, norm, err);
    if (status != LFUSE_OK)
        return status;
    job.tile.dy = norm->dy;
    job.tile.mask = norm->mask;
    for (c = 0; c < norm->channels; c++)
        set_channel(&job, c, (double)norm->saved_mean[c], 0.0, 0.0, 0.0);
    job.loop = env->kernels->batch_norm_gradient_sums_f32;
    status = sum(&job, err);
    if (status != LFUSE_OK)
        goto done;
    set_gradient_channels(&job);
    job.loop = env->kernels->batch_norm_gradient_f32;
    job.tile.out = norm->dx;
    job.tile.dresidual = norm->dresidual;
    status = lfi_parallel_for(env, job.tasks, write_task, &job, err);
    if (status == LFUSE_OK)
        write_parameter_gradients(&job);
done:
    job_end(&job);
    return status;
}
