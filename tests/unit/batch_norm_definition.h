/*
 * batch_norm_definition.h - batch norm written out in f64, and how near to it f32 must come
 *
 * For test_batch_norm.c. Bounds: u = 2^-24 is half a unit of f32. A sum runs over at most 128
 * rows in f32, each term rounded up to 3 times before: with D = min(n, 128) + 3, a sum errs by
 * D * u times the sum of the magnitudes. Moments are about one of the values, so magnitudes are
 * at most R = max - min of the channel:  |mean error| <= D u R,  |variance error| <= 3 D u R^2
 * (the mean of squares and twice the mean times its error).
 */
#ifndef BATCH_NORM_DEFINITION_H
#define BATCH_NORM_DEFINITION_H

#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define UNIT (FLT_EPSILON / 2.0)

/* ---- cases --------------------------------------------------------------------------------- */

enum { TENSORS = 6, CHANNELS = 8 };

/* All arrays of a batch norm; args.residual and the flags are the caller's to set. */
struct norm {
    lfuse_batch_norm_args args;
    float *residual;
    float *input; /* x, for writing */
    float *memory[TENSORS + CHANNELS];
    int64_t elements;
};

static float *heap(int64_t count)
{
    float *p = malloc((size_t)count * sizeof(float));

    assert_non_null(p);
    return p;
}

static void make(struct norm *m, int64_t batch, int64_t channels, int64_t pixels,
                 lfuse_layout layout, float *(*allocate)(int64_t count))
{
    lfuse_batch_norm_args *a = &m->args;
    int i;

    m->elements = batch * channels * pixels;
    for (i = 0; i < TENSORS + CHANNELS; i++) {
        int64_t count = i < TENSORS ? m->elements : channels;

        m->memory[i] = allocate(count);
        lft_fill(m->memory[i], count, (uint64_t)i + 1);
    }
    lfuse_batch_norm_args_init(a, sizeof(*a));
    m->input = m->memory[0];
    m->residual = m->memory[1];
    a->x = m->input;
    a->dy = m->memory[2];
    a->y = m->memory[3];
    a->dx = m->memory[4];
    a->dresidual = m->memory[5];
    a->scale = m->memory[6];
    a->shift = m->memory[7];
    a->dscale = m->memory[8];
    a->dshift = m->memory[9];
    a->running_mean = m->memory[10];
    a->running_variance = m->memory[11];
    a->saved_mean = m->memory[12];
    a->saved_inverse = m->memory[13];
    a->batch = batch;
    a->channels = channels;
    a->pixels = pixels;
    a->layout = layout;
    for (i = 0; i < channels; i++)
        a->running_variance[i] = 1.0f + 0.5f * a->running_variance[i];
}

static void free_heap(struct norm *m)
{
    int i;

    for (i = 0; i < TENSORS + CHANNELS; i++)
        free(m->memory[i]);
}

/* ---- the definition -------------------------------------------------------------------------- */

static int64_t values(const lfuse_batch_norm_args *a)
{
    return a->batch * a->pixels;
}

/* The i-th value of channel c, i in [0, batch * pixels). */
static int64_t place(const lfuse_batch_norm_args *a, int64_t c, int64_t i)
{
    if (a->layout == LFUSE_LAYOUT_NHWC)
        return i * a->channels + c;
    return (i / a->pixels * a->channels + c) * a->pixels + i % a->pixels;
}

struct moments {
    double mean;
    double variance;
    double range;
};

static struct moments moments_of(const lfuse_batch_norm_args *a, int64_t c)
{
    struct moments m = {0.0, 0.0, 0.0};
    double low = INFINITY, high = -INFINITY;
    const double n = (double)values(a);
    int64_t i;

    for (i = 0; i < values(a); i++) {
        double x = (double)a->x[place(a, c, i)];

        m.mean += x / n;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    for (i = 0; i < values(a); i++) {
        double d = (double)a->x[place(a, c, i)] - m.mean;

        m.variance += d * d / n;
    }
    m.range = high - low;
    return m;
}

static double depth(const lfuse_batch_norm_args *a)
{
    return (double)(values(a) < 128 ? values(a) : 128) + 3.0;
}

static double epsilon(const lfuse_batch_norm_args *a)
{
    return a->epsilon != 0.0 ? a->epsilon : 1e-5;
}

static void check_near(double got, double expected, double bound, const char *what)
{
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s: %.9g, expected %.9g within %.3g", what, got, expected, bound);
}

/*
 * y, and the saved statistics. 1 / sqrt moves by half its cube per unit of variance, and twice
 * that is safe while the variance moves by less than half of itself. Applying rounds x - mean,
 * factor, offset, their product's sum and the residual's: 6 u of each term.
 */
static void check_training(const lfuse_batch_norm_args *a)
{
    const double u = UNIT, d = depth(a);
    int64_t c, i;

    for (c = 0; c < a->channels; c++) {
        struct moments m = moments_of(a, c);
        double inverse = 1.0 / sqrt(m.variance + epsilon(a));
        double mean_error = d * u * m.range,
               inverse_error = pow(inverse, 3.0) * 3.0 * d * u * m.range * m.range;

        check_near((double)a->saved_mean[c], m.mean, mean_error + u * fabs(m.mean),
                   "mean");
        check_near((double)a->saved_inverse[c], inverse, inverse_error + u * inverse,
                   "inverse");
        for (i = 0; i < values(a); i++) {
            int64_t at = place(a, c, i);
            double scale = (double)a->scale[c], shift = (double)a->shift[c],
                   r = a->residual != NULL ? (double)a->residual[at] : 0.0,
                   from_mean = (double)a->x[at] - m.mean,
                   y = from_mean * scale * inverse + shift + r,
                   size = fabs(from_mean * scale * inverse) + fabs(shift) + fabs(r);

            if ((a->flags & LFUSE_BATCH_NORM_RELU) != 0 && y < 0.0)
                y = 0.0;
            check_near((double)a->y[at], y,
                       6.0 * u * size + fabs(scale) * inverse * mean_error +
                           fabs(from_mean * scale) * inverse_error,
                       "y");
        }
    }
}

static double masked(const lfuse_batch_norm_args *a, int64_t at)
{
    if ((a->flags & LFUSE_BATCH_NORM_RELU) != 0 && !(a->y[at] > 0.0f))
        return 0.0;
    return (double)a->dy[at];
}

/* All gradients, of the saved statistics as they are: the sums' D u, and 8 roundings more. */
static void check_backward(const lfuse_batch_norm_args *a)
{
    const double n = (double)values(a), bound = (depth(a) + 8.0) * UNIT;
    int64_t c, i;

    for (c = 0; c < a->channels; c++) {
        double mean = (double)a->saved_mean[c], inverse = (double)a->saved_inverse[c],
               factor = (double)a->scale[c] * inverse;
        double sum = 0.0, product = 0.0, sum_size = 0.0, product_size = 0.0;

        for (i = 0; i < values(a); i++) {
            double g = masked(a, place(a, c, i)), d = (double)a->x[place(a, c, i)] - mean;

            sum += g;
            product += g * d;
            sum_size += fabs(g);
            product_size += fabs(g * d);
        }
        check_near((double)a->dshift[c], sum, bound * sum_size, "dshift");
        check_near((double)a->dscale[c], product * inverse,
                   bound * product_size * inverse, "dscale");
        for (i = 0; i < values(a); i++) {
            int64_t at = place(a, c, i);
            double g = masked(a, at), d = ((double)a->x[at] - mean) * inverse * inverse;

            if (a->dresidual != NULL)
                assert_true((double)a->dresidual[at] == g);
            check_near((double)a->dx[at], factor * (g - sum / n - d * product / n),
                       bound * fabs(factor) *
                           (fabs(g) + sum_size / n + fabs(d) * product_size / n),
                       "dx");
        }
    }
}

static void check_inference(const lfuse_batch_norm_args *a)
{
    int64_t c, i;

    for (c = 0; c < a->channels; c++) {
        double factor =
            (double)a->scale[c] / sqrt((double)a->running_variance[c] + epsilon(a));

        for (i = 0; i < values(a); i++) {
            int64_t at = place(a, c, i);
            double r = a->residual != NULL ? (double)a->residual[at] : 0.0,
                   scaled = ((double)a->x[at] - (double)a->running_mean[c]) * factor,
                   y = scaled + (double)a->shift[c] + r;

            if ((a->flags & LFUSE_BATCH_NORM_RELU) != 0 && y < 0.0)
                y = 0.0;
            check_near((double)a->y[at], y,
                       6.0 * UNIT * (fabs(scaled) + fabs((double)a->shift[c]) + fabs(r)),
                       "inference");
        }
    }
}

static void run_and_check(struct lft *t, lfuse_context *ctx, const struct norm *m)
{
    lft_ok(t, lfuse_batch_norm_inference(ctx, &m->args, &t->err));
    check_inference(&m->args);
    lft_ok(t, lfuse_batch_norm_training(ctx, &m->args, &t->err));
    check_training(&m->args);
    lft_ok(t, lfuse_batch_norm_backward(ctx, &m->args, &t->err));
    check_backward(&m->args);
}

#endif
