/*
 * batch_norm_job.c - cuts the tensors of a batch norm into matrices with long rows
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
#include "kernels/batch_norm.h"

#include <string.h>

enum { WIDTH = 64, BLOCK_ROWS = 128, PART_ELEMENTS = 65536 };
enum {
    CENTER = LFI_BATCH_NORM_CENTER,
    FACTOR = LFI_BATCH_NORM_FACTOR,
    OFFSET = LFI_BATCH_NORM_OFFSET,
    SLOPE = LFI_BATCH_NORM_SLOPE,
    SUM = LFI_BATCH_NORM_NUMBERS,
    PRODUCT,
    VECTORS
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
    const struct lfi_batch_norm_job *job;
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

static struct share share_of(const struct lfi_batch_norm_job *job, int64_t index)
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

static void start(struct work *w, const struct lfi_batch_norm_job *job, int64_t index,
                  int32_t slot)
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
    const struct lfi_batch_norm_job *job = w->job;
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
    const struct lfi_batch_norm_job *job = arg;
    struct work w;

    start(&w, job, index, slot);
    visit_share(&w, add_rows);
    end_block(&w);
}

/* The sums of each channel, about its center, into the first part's. */
lfuse_status lfi_batch_norm_job_sum(struct lfi_batch_norm_job *job, lfuse_error *err)
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
    const struct lfi_batch_norm_job *job = arg;
    struct work w;

    start(&w, job, job->tasks - 1 - index, slot);
    visit_share(&w, write_rows);
}

lfuse_status lfi_batch_norm_job_write(struct lfi_batch_norm_job *job, lfuse_error *err)
{
    return lfi_parallel_for(job->env, job->tasks, write_task, job, err);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

/* How the tensors are cut. */
static void cut(struct lfi_batch_norm_job *job, const struct lfi_env *env,
                const struct lfi_batch_norm *norm)
{
    int64_t row, fewest;

    *job = (struct lfi_batch_norm_job){.env = env, .norm = norm};
    job->interleaved = norm->channels_last || norm->pixels == 1;
    job->rows = job->interleaved ? norm->batch * norm->pixels : norm->batch;
    row = job->interleaved ? norm->channels : norm->pixels;
    fewest = job->interleaved ? BLOCK_ROWS : 1;
    job->part_rows = PART_ELEMENTS / row < fewest ? fewest : PART_ELEMENTS / row;
    job->parts = (job->rows - 1) / job->part_rows + 1;
    job->tasks = job->interleaved ? job->parts : job->parts * norm->channels;
    job->width = job->interleaved && norm->channels > WIDTH ? norm->channels : WIDTH;
    job->tile.x = norm->x;
}

/* Where the columns, the channels and the sums begin in the scratch. */
static bool lay_out(struct lfi_batch_norm_job *job, size_t at[3])
{
    const size_t channels = (size_t)job->norm->channels;

    return lfi_scratch_add(&job->scratch,
                           (size_t)job->env->executor.concurrency * VECTORS,
                           (size_t)job->width * sizeof(float), &at[0]) &&
           lfi_scratch_add(&job->scratch, channels, SUM * sizeof(float), &at[1]) &&
           lfi_scratch_add(&job->scratch, (size_t)job->parts * channels,
                           2 * sizeof(double), &at[2]);
}

lfuse_status lfi_batch_norm_workspace(const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm, size_t *bytes,
                                      lfuse_error *err)
{
    struct lfi_batch_norm_job job;
    size_t at[3];

    cut(&job, env, norm);
    if (!lay_out(&job, at))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    *bytes = job.scratch.bytes;
    return LFUSE_OK;
}

void lfi_batch_norm_job_end(struct lfi_batch_norm_job *job)
{
    lfi_scratch_end(job->env, &job->scratch);
}

lfuse_status lfi_batch_norm_job_begin(struct lfi_batch_norm_job *job,
                                      const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm, lfuse_error *err)
{
    lfuse_status status;
    size_t at[3];

    cut(job, env, norm);
    if (!lay_out(job, at))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &job->scratch, norm->workspace, norm->workspace_bytes,
                               err);
    if (status != LFUSE_OK)
        return status;
    job->columns = (float *)(void *)(job->scratch.memory + at[0]);
    job->channel = (float *)(void *)(job->scratch.memory + at[1]);
    job->sums = (double *)(void *)(job->scratch.memory + at[2]);
    memset(job->channel, 0, job->scratch.bytes - at[1]);
    return LFUSE_OK;
}

/* The numbers of channel c for the loops that write. */
void lfi_batch_norm_job_set(struct lfi_batch_norm_job *job, int64_t c, double center,
                            double factor, double offset, double slope)
{
    const int64_t channels = job->norm->channels;

    job->channel[CENTER * channels + c] = (float)center;
    job->channel[FACTOR * channels + c] = (float)factor;
    job->channel[OFFSET * channels + c] = (float)offset;
    job->channel[SLOPE * channels + c] = (float)slope;
}
