/*
 * loss.c - cross entropy of a softmax
 *
 *     loss = mean over rows of ln(sum_j exp(x_j - m)) - (x_label - m),  m = max_j x_j
 *     dx_j = (softmax(x)_j - [j = label]) / batch
 *
 * Each row in f64. Rows are cut into at most PARTS parts, whose sums are added in their order
 * and need no scratch.
 */
#include "kernels/kernels.h"

#include <math.h>

enum { PARTS = 64, LEAST_ELEMENTS = 2048 };

struct job {
    const float *logits;
    const int32_t *labels;
    float *dlogits;
    int64_t batch;
    int64_t classes;
    int64_t part_rows;
    double loss[PARTS];
    int64_t correct[PARTS];
};

/* The index of the first greatest logit, or -1 if one is NaN. */
static int64_t first_greatest(const float *x, int64_t classes)
{
    int64_t best = 0, j;
    bool nan = false;

    for (j = 0; j < classes; j++) {
        nan = nan || x[j] != x[j];
        if (x[j] > x[best])
            best = j;
    }
    return nan ? -1 : best;
}

/* dx may be x. */
static double row_loss(const float *x, int64_t classes, int64_t label, int64_t greatest,
                       double share, float *dx)
{
    double m = greatest < 0 ? (double)NAN : (double)x[greatest];
    double sum = 0.0, at_label = (double)x[label] - m;
    int64_t j;

    for (j = 0; j < classes; j++)
        sum += exp((double)x[j] - m);
    if (dx != NULL)
        for (j = 0; j < classes; j++)
            dx[j] =
                (float)((exp((double)x[j] - m) / sum - (j == label ? 1.0 : 0.0)) * share);
    return log(sum) - at_label;
}

static void part_task(void *arg, int64_t index, int32_t slot)
{
    struct job *job = arg;
    int64_t first = index * job->part_rows, last = first + job->part_rows, i;
    double loss = 0.0;
    int64_t correct = 0;

    (void)slot;
    for (i = first; i < last && i < job->batch; i++) {
        const float *x = job->logits + i * job->classes;
        int64_t greatest = first_greatest(x, job->classes);

        correct += greatest == job->labels[i];
        loss +=
            row_loss(x, job->classes, job->labels[i], greatest, 1.0 / (double)job->batch,
                     job->dlogits != NULL ? job->dlogits + i * job->classes : NULL);
    }
    job->loss[index] = loss;
    job->correct[index] = correct;
}

lfuse_status lfi_softmax_cross_entropy(const struct lfi_env *env, const float *logits,
                                       const int32_t *labels, int64_t batch,
                                       int64_t classes, float *dlogits, double *loss,
                                       int64_t *correct, lfuse_error *err)
{
    struct job job = {logits, labels, dlogits, batch, classes, 0, {0}, {0}};
    double total = 0.0;
    int64_t right = 0, parts, i;
    lfuse_status status;

    job.part_rows = (batch - 1) / PARTS + 1;
    if (job.part_rows < LEAST_ELEMENTS / classes)
        job.part_rows = LEAST_ELEMENTS / classes;
    parts = (batch - 1) / job.part_rows + 1;
    status = lfi_parallel_for(env, parts, part_task, &job, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < parts; i++) {
        total += job.loss[i];
        right += job.correct[i];
    }
    *loss = total / (double)batch;
    if (correct != NULL)
        *correct = right;
    return LFUSE_OK;
}
