/*
 * loss.c - cross entropy of a softmax, and distillation
 *
 *     q = softmax(x)      t = (1 - s) [j = label] + s / classes
 *     labels   H = ln(sum_j exp(x_j - m)) - sum_j t_j (x_j - m),    m = max_j x_j
 *              dH / dx_j = q_j - t_j
 *     teacher  K = T^2 sum_j p_j (ln p_j - ln q_j)    p, q of z / T, x / T
 *              dK / dx_j = T (q_j - p_j)
 *     loss = mean over rows of (1 - w) H + w K
 *
 * Each row in f64. Rows are cut into at most PARTS parts, whose sums are added in their order
 * and need no scratch.
 */
#include "kernels/kernels.h"

#include <math.h>

enum { PARTS = 64, LEAST_ELEMENTS = 2048 };

struct job {
    const struct lfi_loss *args;
    int64_t part_rows;
    double loss[PARTS];
    int64_t correct[PARTS];
};

/* A row of logits over a temperature: exp((x_j - m) / T) sums to `sum`. */
struct row {
    const float *x;
    double m;
    double temperature;
    double sum;
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

static double shifted(const struct row *r, int64_t j)
{
    return ((double)r->x[j] - r->m) / r->temperature;
}

static struct row row_of(const float *x, int64_t classes, int64_t greatest,
                         double temperature)
{
    struct row r = {x, greatest < 0 ? (double)NAN : (double)x[greatest], temperature,
                    0.0};
    int64_t j;

    for (j = 0; j < classes; j++)
        r.sum += exp(shifted(&r, j));
    return r;
}

static double softmax(const struct row *r, int64_t j)
{
    return exp(shifted(r, j)) / r->sum;
}

/* H of one row. */
static double label_loss(const struct row *r, int64_t classes, int64_t label,
                         double smoothing)
{
    double at_target = (1.0 - smoothing) * shifted(r, label);
    int64_t j;

    if (smoothing > 0.0)
        for (j = 0; j < classes; j++)
            at_target += smoothing / (double)classes * shifted(r, j);
    return log(r->sum) - at_target;
}

/* K of one row. A probability that underflowed to 0 has no part in it. */
static double teacher_loss(const struct row *q, const struct row *p, int64_t classes)
{
    double sum = 0.0, between = log(q->sum) - log(p->sum);
    int64_t j;

    for (j = 0; j < classes; j++) {
        double share = softmax(p, j);

        if (share != 0.0)
            sum += share * (shifted(p, j) - shifted(q, j) + between);
    }
    return q->temperature * q->temperature * sum;
}

/* dx may be the memory of either row: each place is read before it is written. */
static double row_loss(const struct lfi_loss *a, int64_t i, int64_t greatest)
{
    const int64_t n = a->classes, label = a->labels[i];
    const float *z = a->weight > 0.0 ? a->teacher + i * n : NULL;
    const double share = 1.0 / (double)a->batch, w = a->weight, t = a->temperature;
    float *dx = a->dlogits != NULL ? a->dlogits + i * n : NULL;
    struct row hard = row_of(a->logits + i * n, n, greatest, 1.0), soft = hard,
               teacher = hard;
    double loss = label_loss(&hard, n, label, a->smoothing);
    int64_t j;

    if (z != NULL) {
        soft = row_of(a->logits + i * n, n, greatest, t);
        teacher = row_of(z, n, first_greatest(z, n), t);
        loss = (1.0 - w) * loss + w * teacher_loss(&soft, &teacher, n);
    }
    for (j = 0; dx != NULL && j < n; j++) {
        double target =
            (j == label ? 1.0 - a->smoothing : 0.0) + a->smoothing / (double)n;
        double d = softmax(&hard, j) - target;

        if (z != NULL)
            d = (1.0 - w) * d + w * t * (softmax(&soft, j) - softmax(&teacher, j));
        dx[j] = (float)(d * share);
    }
    return loss;
}

static void part_task(void *arg, int64_t index, int32_t slot)
{
    struct job *job = arg;
    const struct lfi_loss *a = job->args;
    int64_t first = index * job->part_rows, last = first + job->part_rows, i;
    double loss = 0.0;
    int64_t correct = 0;

    (void)slot;
    for (i = first; i < last && i < a->batch; i++) {
        int64_t greatest = first_greatest(a->logits + i * a->classes, a->classes);

        correct += greatest == a->labels[i];
        loss += row_loss(a, i, greatest);
    }
    job->loss[index] = loss;
    job->correct[index] = correct;
}

lfuse_status lfi_softmax_loss(const struct lfi_env *env, const struct lfi_loss *args,
                              double *loss, int64_t *correct, lfuse_error *err)
{
    struct job job = {args, 0, {0}, {0}};
    double total = 0.0;
    int64_t right = 0, parts, i;
    lfuse_status status;

    job.part_rows = (args->batch - 1) / PARTS + 1;
    if (job.part_rows < LEAST_ELEMENTS / args->classes)
        job.part_rows = LEAST_ELEMENTS / args->classes;
    parts = (args->batch - 1) / job.part_rows + 1;
    status = lfi_parallel_for(env, parts, part_task, &job, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < parts; i++) {
        total += job.loss[i];
        right += job.correct[i];
    }
    *loss = total / (double)args->batch;
    if (correct != NULL)
        *correct = right;
    return LFUSE_OK;
}
