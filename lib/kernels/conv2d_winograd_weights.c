/*
 * conv2d_winograd_weights.c - U, the weights at the points
 *
 * Weights are (out, in, 3, 3), the columns of a product are outs (ins in backward data). So a
 * strip of weights, some channels of the reduction by a panel of columns, is first transposed:
 * (channel, tap, column).
 */
#include "kernels/conv2d_winograd.h"

enum { AREA = 9, STRIP = 16, PANEL = LFI_WINOGRAD_PANEL };

struct job {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    float *to;
    int64_t outputs;
    int64_t points;
    int64_t depth; /* channels of the reduction */
    int64_t first; /* column */
    int64_t cols;
    int64_t strips; /* of a panel */
    bool backward;
};

/* Channels [first, first + count) by columns [col, col + width), as (channel, tap, column). */
static void gather(const struct job *job, int64_t first, int64_t count, int64_t col,
                   int64_t width, float *taps)
{
    const int64_t ins = job->conv->in_channels * AREA;
    const float *w = job->conv->w;
    int64_t k;

    if (!job->backward) {
        job->env->kernels->transpose_f32(w + col * ins + first * AREA, width,
                                         count * AREA, ins, taps, PANEL);
        return;
    }
    for (k = 0; k < count; k++)
        job->env->kernels->transpose_f32(w + (first + k) * ins + col * AREA, width, AREA,
                                         AREA, taps + k * AREA * PANEL, PANEL);
}

static void run_strip(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t done = index / job->strips * PANEL, col = job->first + done;
    const int64_t first = index % job->strips * STRIP;
    const int64_t width = job->cols - done < PANEL ? job->cols - done : PANEL;
    const int64_t count = job->depth - first < STRIP ? job->depth - first : STRIP;
    const int64_t turn = job->backward ? -PANEL : PANEL;
    float taps[STRIP * AREA * PANEL];
    struct lfi_winograd_tile tile = {
        .from_row = 3 * turn,
        .from_col = turn,
        .to_row = (job->outputs + 2) * job->depth * width,
        .to_col = job->depth * width,
        .width = width,
        .end_row = job->outputs,
        .end_col = job->outputs,
        .outputs = (int32_t)job->outputs,
        .kind = LFI_WINOGRAD_WEIGHT,
    };
    int64_t k;

    (void)slot;
    gather(job, first, count, col, width, taps);
    for (k = 0; k < count; k++) {
        tile.from = taps + (k * AREA + (job->backward ? AREA - 1 : 0)) * PANEL;
        tile.to = job->to + done * job->points * job->depth + (first + k) * width;
        job->env->kernels->winograd_f32(&tile);
    }
}

static struct job job_of(const struct lfi_env *env, const struct lfi_conv2d *conv,
                         bool backward, float *to)
{
    const int64_t outputs = lfi_conv2d_winograd_outputs(conv);
    struct job job = {
        .env = env,
        .conv = conv,
        .to = to,
        .outputs = outputs,
        .points = (outputs + 2) * (outputs + 2),
        .depth = backward ? conv->out_channels : conv->in_channels,
        .cols = backward ? conv->in_channels : conv->out_channels,
        .backward = backward,
    };

    job.strips = (job.depth + STRIP - 1) / STRIP;
    return job;
}

lfuse_status lfi_conv2d_winograd_weights(const struct lfi_env *env,
                                         const struct lfi_conv2d *conv, bool backward,
                                         float *packed, lfuse_error *err)
{
    struct job job = job_of(env, conv, backward, packed);

    return lfi_parallel_for(env, job.strips * ((job.cols + PANEL - 1) / PANEL), run_strip,
                            &job, err);
}

void lfi_conv2d_winograd_some_weights(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, bool backward,
                                      int64_t first, int64_t cols, float *to)
{
    struct job job = job_of(env, conv, backward, to);
    int64_t index;

    job.first = first;
    job.cols = cols;
    for (index = 0; index < job.strips * ((cols + PANEL - 1) / PANEL); index++)
        run_strip(&job, index, 0);
}
