/*
 * curve.c - where a curve bends: the best continuous fit of two straight lines
 *
 *     S(t) = min over a, b, c of the sum of (y_i - a - b x_i - c max(0, x_i - t))^2
 *
 * For given t a linear problem. Between two neighbours of x S is smooth and has one minimum, which
 * is where the lines of the points on either side meet, if they meet there; otherwise its least
 * value is at an end (Hudson 1966). So all minima are known without a search. Which other t will
 * do is where S crosses a level: found by steps, and halving.
 *
 * Numbers are of x and y less their means: sums of squares cancel less.
 */
#include "retrain/curve.h"

#include <float.h>
#include <math.h>

enum { STEPS = 64, HALVINGS = 60 }; /* between two neighbours; of a step */

struct points {
    const double *x, *y;
    int64_t count;
    double mean_x, mean_y;
};

struct fit {
    double t;
    double slope; /* b */
    double bend;  /* c */
    double level; /* a + b t, the value at t */
    double squares;
};

/* ---- one straight line through points [first, end) ---------------------------------------------- */

struct line {
    double slope;
    double x, y; /* a point on it: the means */
};

static struct line line_of(const struct points *p, int64_t first, int64_t end)
{
    const double n = (double)(end - first);
    double sx = 0.0, sy = 0.0, xx = 0.0, xy = 0.0;
    struct line line;
    int64_t i;

    for (i = first; i < end; i++) {
        sx += p->x[i] - p->mean_x;
        sy += p->y[i] - p->mean_y;
    }
    line.x = p->mean_x + sx / n;
    line.y = p->mean_y + sy / n;
    for (i = first; i < end; i++) {
        xx += (p->x[i] - line.x) * (p->x[i] - line.x);
        xy += (p->x[i] - line.x) * (p->y[i] - line.y);
    }
    line.slope = xy / xx;
    return line;
}

static double squares_of_line(const struct points *p)
{
    const struct line line = line_of(p, 0, p->count);
    double sum = 0.0, d;
    int64_t i;

    for (i = 0; i < p->count; i++) {
        d = p->y[i] - line.y - line.slope * (p->x[i] - line.x);
        sum += d * d;
    }
    return sum;
}

/* ---- two that meet -------------------------------------------------------------------------------- */

static double hinge(double x, double t)
{
    return x > t ? x - t : 0.0;
}

/* The sum of squares of f, whose slope and bend are known, and its level. */
static void finish(const struct points *p, double mean_hinge, struct fit *f)
{
    double d;
    int64_t i;

    f->level = p->mean_y + f->slope * (f->t - p->mean_x) - f->bend * mean_hinge;
    f->squares = 0.0;
    for (i = 0; i < p->count; i++) {
        d = p->y[i] - f->level - f->slope * (p->x[i] - f->t) -
            f->bend * hinge(p->x[i], f->t);
        f->squares += d * d;
    }
}

static struct fit fit_at(const struct points *p, double t)
{
    double uu = 0.0, uv = 0.0, vv = 0.0, uy = 0.0, vy = 0.0, mean = 0.0, det;
    struct fit f = {.t = t};
    int64_t i;

    for (i = 0; i < p->count; i++)
        mean += hinge(p->x[i], t) / (double)p->count;
    for (i = 0; i < p->count; i++) {
        const double u = p->x[i] - p->mean_x, v = hinge(p->x[i], t) - mean,
                     y = p->y[i] - p->mean_y;

        uu += u * u;
        uv += u * v;
        vv += v * v;
        uy += u * y;
        vy += v * y;
    }
    det = uu * vv - uv * uv; /* > 0: two points at least on either side of t */
    f.slope = (uy * vv - vy * uv) / det;
    f.bend = (vy * uu - uy * uv) / det;
    finish(p, mean, &f);
    return f;
}

/* The better one; f may be of no use. */
static void keep_better(struct fit f, struct fit *best)
{
    if (isfinite(f.squares) && !(best->squares <= f.squares))
        *best = f;
}

static struct fit find_best(const struct points *p)
{
    struct fit best = {.squares = NAN};
    int64_t k;

    for (k = 1; k < p->count - 1; k++) {
        keep_better(fit_at(p, p->x[k]), &best);
        if (k < p->count - 2) {
            const struct line left = line_of(p, 0, k + 1),
                              right = line_of(p, k + 1, p->count);
            const double t =
                (right.y - right.slope * right.x - left.y + left.slope * left.x) /
                (left.slope - right.slope);

            if (t > p->x[k] && t < p->x[k + 1])
                keep_better(fit_at(p, t), &best);
        }
    }
    return best;
}

/* ---- how sure that is ------------------------------------------------------------------------------ */

/* The 97.5 % quantile of Student's t; its square is the 95 % quantile of F(1, freedom). */
static double student(int64_t freedom)
{
    static const double table[] = {
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
        2.2010,  2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860};
    const double n = (double)freedom, z = 1.959964;

    if (freedom <= (int64_t)(sizeof(table) / sizeof(table[0])))
        return table[freedom - 1];
    return z + (z * z * z + z) / (4.0 * n) +
           (5.0 * pow(z, 5.0) + 16.0 * z * z * z + 3.0 * z) / (96.0 * n * n);
}

/* Where S crosses the limit between `in`, where it is below, and `out`. */
static double crossing(const struct points *p, double in, double out, double limit)
{
    int i;

    for (i = 0; i < HALVINGS; i++) {
        const double middle = 0.5 * (in + out);

        if (fit_at(p, middle).squares <= limit)
            in = middle;
        else
            out = middle;
    }
    return in;
}

/* The outermost t from `end`, at an end of the range, to the best that is within the limit. */
static double outermost(const struct points *p, double end, double best, double limit)
{
    const int64_t steps = STEPS * p->count;
    double last = end;
    int64_t i;

    if (fit_at(p, end).squares <= limit)
        return end;
    for (i = 1; i < steps; i++) {
        const double t = end + (best - end) * ((double)i / (double)steps);

        if (fit_at(p, t).squares <= limit)
            return crossing(p, t, last, limit);
        last = t;
    }
    return crossing(p, best, last, limit);
}

static void find_interval(const struct points *p, const struct fit *best,
                          struct lfi_inflection *r)
{
    const int64_t freedom = p->count - LFI_INFLECTION_POINTS;
    const double first = p->x[1], last = p->x[p->count - 2];
    double limit;

    r->low = first;
    r->high = last;
    if (freedom == 0)
        return;
    limit = best->squares * (1.0 + student(freedom) * student(freedom) / (double)freedom);
    r->low = outermost(p, first, best->t, limit);
    r->high = outermost(p, last, best->t, limit);
}

/* ---- all of it ---------------------------------------------------------------------------------------- */

static struct points points_of(const double *x, const double *y, int64_t count)
{
    struct points p = {.x = x, .y = y, .count = count};
    int64_t i;

    for (i = 0; i < count; i++) {
        p.mean_x += x[i] / (double)count;
        p.mean_y += y[i] / (double)count;
    }
    return p;
}

/* What rounding leaves of y that lie on a line: a few units in the last place of the largest. */
static bool is_straight(const struct points *p, double squares)
{
    double largest = 0.0;
    int64_t i;

    for (i = 0; i < p->count; i++)
        largest = fmax(largest, fabs(p->y[i]));
    largest *= 8.0 * DBL_EPSILON;
    return squares <= (double)p->count * largest * largest;
}

lfuse_status lfi_curve_inflection(const double *x, const double *y, int64_t count,
                                  struct lfi_inflection *result, lfuse_error *err)
{
    const struct points p = points_of(x, y, count);
    const double line_squares = squares_of_line(&p);
    struct fit best;

    if (is_straight(&p, line_squares))
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "the %lld points lie on one straight line", (long long)count);
    best = find_best(&p);
    if (!isfinite(best.squares))
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "the points are too far apart, or too close, to be fitted");
    *result = (struct lfi_inflection){
        .x = best.t,
        .y = best.level,
        .before = best.slope,
        .after = best.slope + best.bend,
        .squares = best.squares,
        .line_squares = line_squares,
    };
    find_interval(&p, &best, result);
    return LFUSE_OK;
}
