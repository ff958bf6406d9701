/*
 * outputs.c - mean and spread of a layer's channels, and what matches them
 *
 *     y' = (Vo / Vf)^1/2 (y - Mf) + Mo          M: mean, V: variance; f: fused, o: original
 *
 * Jordan et al. 2022, arXiv:2211.08403. Two sets of n and m samples have together
 *
 *     mean      M + D m / (n + m)               D: the distance of their means
 *     squares   S + T + D^2 n m / (n + m)       S, T: each set's sum of squares about its mean
 *
 * Chan, Golub and LeVeque 1979. Chunks of a channel are folded so, one after the other, and so
 * are batches: no sum of squares is of numbers that are far from 0 in common. One task per
 * channel, so what is found does not depend on which thread runs it.
 */
#include "retrain/outputs.h"

#include <math.h>

enum { CHUNK = 1024 };

lfuse_status lfi_outputs_create(const struct lfi_env *env, int64_t channels,
                                struct lfi_outputs *outputs, lfuse_error *err)
{
    lfuse_status status;

    *outputs = (struct lfi_outputs){.channels = channels};
    status = lfi_alloc_zero(env, (size_t)channels, sizeof(double), "means of channels",
                            &outputs->means, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)channels, sizeof(double),
                                "squares of channels", &outputs->squares, err);
    if (status != LFUSE_OK)
        lfi_outputs_destroy(env, outputs);
    return status;
}

void lfi_outputs_destroy(const struct lfi_env *env, struct lfi_outputs *outputs)
{
    lfi_free(env, outputs->squares, (size_t)outputs->channels, sizeof(double));
    lfi_free(env, outputs->means, (size_t)outputs->channels, sizeof(double));
}

/* ---- one set and another ------------------------------------------------------------------ */

struct set {
    double samples; /* integers up to 2^53 are exact, and beyond nobody will notice */
    double mean;
    double squares;
};

static struct set join(struct set a, struct set b)
{
    const double share = b.samples / (a.samples + b.samples), d = b.mean - a.mean;

    return (struct set){a.samples + b.samples, a.mean + d * share,
                        a.squares + b.squares + d * share * a.samples * d};
}

static struct set set_of(const struct lfi_outputs *o, int64_t channel)
{
    return (struct set){(double)o->samples, o->means[channel], o->squares[channel]};
}

lfuse_status lfi_outputs_add(struct lfi_outputs *outputs, const struct lfi_outputs *more,
                             lfuse_error *err)
{
    int64_t samples, c;
    struct set both;

    if (more->samples == 0)
        return LFUSE_OK;
    if (__builtin_add_overflow(outputs->samples, more->samples, &samples))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld and %lld samples do not fit",
                        (long long)outputs->samples, (long long)more->samples);
    for (c = 0; c < outputs->channels; c++) {
        both = join(set_of(outputs, c), set_of(more, c));
        if (!isfinite(both.mean) || !isfinite(both.squares))
            return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                            "the mean of channel %lld becomes %g, its sum of squares %g",
                            (long long)c, both.mean, both.squares);
    }
    for (c = 0; c < outputs->channels; c++) {
        both = join(set_of(outputs, c), set_of(more, c));
        outputs->means[c] = both.mean;
        outputs->squares[c] = both.squares;
    }
    outputs->samples = samples;
    return LFUSE_OK;
}

/* ---- a batch -------------------------------------------------------------------------------- */

struct batch {
    struct lfi_view view; /* channels first */
    struct lfi_outputs found;
};

/* Distances are from the first number, and so exactly 0 where all are equal. */
static struct set measure_chunk(const double *values, int64_t count)
{
    struct set set = {.samples = (double)count};
    double sum = 0.0, d;
    int64_t i;

    for (i = 1; i < count; i++)
        sum += values[i] - values[0];
    sum /= (double)count;
    for (i = 0; i < count; i++) {
        d = values[i] - values[0] - sum;
        set.squares += d * d;
    }
    set.mean = values[0] + sum;
    return set;
}

static void measure_channel(void *arg, int64_t channel, int32_t slot)
{
    struct batch *b = arg;
    struct set all = {0};
    double chunk[CHUNK];
    int64_t first, count;

    (void)slot;
    for (first = 0; first < b->found.samples; first += count) {
        count = b->found.samples - first < CHUNK ? b->found.samples - first : CHUNK;
        lfi_view_read_f64(&b->view, channel * b->found.samples + first, count, chunk);
        all = join(all, measure_chunk(chunk, count));
    }
    b->found.means[channel] = all.mean;
    b->found.squares[channel] = all.squares;
}

static bool is_finite(const struct lfi_outputs *o)
{
    int64_t c;

    for (c = 0; c < o->channels; c++)
        if (!isfinite(o->means[c]) || !isfinite(o->squares[c]))
            return false;
    return true;
}

/* Finite numbers may have a sum that is not: then adding will say so. */
static lfuse_status check_finite(const struct lfi_view *batch, lfuse_error *err)
{
    const int64_t at = lfi_view_find_not_finite(batch);

    if (at < 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NOT_FINITE, "element %lld of batch is not finite",
                    (long long)at);
}

lfuse_status lfi_outputs_accumulate(const struct lfi_env *env,
                                    struct lfi_outputs *outputs,
                                    const struct lfi_view *batch, int32_t axis,
                                    lfuse_error *err)
{
    struct batch b = {.view = lfi_view_axis_first(batch, axis)};
    lfuse_status status = lfi_outputs_create(env, outputs->channels, &b.found, err);

    if (status != LFUSE_OK)
        return status;
    b.found.samples = lfi_view_elements(batch) / outputs->channels;
    status = lfi_parallel_for(env, outputs->channels, measure_channel, &b, err);
    if (status == LFUSE_OK && !is_finite(&b.found))
        status = check_finite(batch, err);
    if (status == LFUSE_OK)
        status = lfi_outputs_add(outputs, &b.found, err);
    lfi_outputs_destroy(env, &b.found);
    return status;
}

/* ---- matching ------------------------------------------------------------------------------- */

static bool is_stuck(const struct lfi_outputs *fused, const struct lfi_outputs *original,
                     int64_t channel)
{
    return fused->squares[channel] == 0.0 && original->squares[channel] > 0.0;
}

static void match(const struct lfi_outputs *fused, const struct lfi_outputs *original,
                  int64_t c, double *scale, double *shift)
{
    const double from = sqrt(fused->squares[c] / (double)fused->samples);
    const double to = sqrt(original->squares[c] / (double)original->samples);

    *scale = from > 0.0 ? to / from : 1.0;
    *shift = original->means[c] - *scale * fused->means[c];
}

lfuse_status lfi_outputs_match(const struct lfi_outputs *fused,
                               const struct lfi_outputs *original, double *scale,
                               double *shift, int64_t *constant, lfuse_error *err)
{
    int64_t stuck = 0, c;
    double a, b;

    for (c = 0; c < fused->channels; c++) {
        match(fused, original, c, &a, &b);
        if (!isfinite(a) || !isfinite(b))
            return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                            "channel %lld takes a scale of %g and a shift of %g",
                            (long long)c, a, b);
    }
    for (c = 0; c < fused->channels; c++) {
        match(fused, original, c, &scale[c], &shift[c]);
        stuck += is_stuck(fused, original, c);
    }
    if (constant != NULL)
        *constant = stuck;
    return LFUSE_OK;
}
