/* test_curve.c - where a curve bends; see curve.h */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST = 40 };

static lfuse_inflection inflection(struct lft *t, const double *x, const double *y,
                                   int64_t count)
{
    lfuse_inflection r;

    lfuse_inflection_init(&r, sizeof(r));
    lft_ok(t, lfuse_curve_inflection(x, y, count, &r, &t->err));
    return r;
}

/* Level 1 and slope `before` up to bend, slope `after` from there. */
static void two_lines(const double *x, double *y, int count, double bend, double before,
                      double after)
{
    int i;

    for (i = 0; i < count; i++)
        y[i] = 1.0 + (x[i] < bend ? before : after) * (x[i] - bend);
}

/*
 * x are quarters and slopes small integers, so y are exact. What the fit rounds is a few times
 * the unit of numbers up to 30 (y) in sums of 9 terms, divided by a bend of 2 at least.
 */
static void two_lines_are_found_wherever_they_meet(void **state)
{
    static const double x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    const double bound = 9 * 30 * 8 * DBL_EPSILON;
    struct lft *t = *state;
    double bend, y[9];

    for (bend = 1.0; bend <= 7.0; bend += 0.25) {
        lfuse_inflection r;

        two_lines(x, y, 9, bend, -1.0, -4.0);
        r = inflection(t, x, y, 9);
        assert_true(fabs(r.x - bend) <= bound);
        assert_true(fabs(r.y - 1.0) <= 4 * bound);
        assert_true(fabs(r.slope_before + 1.0) <= bound);
        assert_true(fabs(r.slope_after + 4.0) <= bound);
        assert_true(r.residual <= bound && r.line_residual > 0.1);
        assert_true(r.x_low <= r.x && r.x <= r.x_high);
        assert_true(r.x_high - r.x_low <=
                    1e-6); /* there is no scatter: but for rounding */
    }
}

/* Accuracy of ResNets that are pruned looks like this: so many points, and no more. */
static void four_points_tell_where_but_not_how_surely(void **state)
{
    static const double x[] = {0.25, 0.5, 0.7, 0.8}, y[] = {0.93, 0.92, 0.80, 0.40};
    struct lft *t = *state;
    lfuse_inflection r = inflection(t, x, y, 4);

    /* Lines through the first two and the last two meet at x[2] or before it. */
    assert_true(r.x > 0.5 && r.x <= 0.7);
    assert_true(r.x_low == 0.5 && r.x_high == 0.7);
    assert_true(r.residual < r.line_residual);
}

static uint64_t seed = 1;

static double gaussian(void)
{
    double sum = -6.0;
    int i;

    for (i = 0; i < 12; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(seed >> 11) * 0x1p-53;
    }
    return sum;
}

/* The sum of squares of the best a, b and c for this bend, by Gram and Schmidt. */
static double squares_at(const double *x, const double *y, int count, double bend)
{
    double u[3][MOST], rest[MOST], sum = 0.0;
    int i, j, k;

    for (i = 0; i < count; i++) {
        u[0][i] = 1.0;
        u[1][i] = x[i];
        u[2][i] = fmax(0.0, x[i] - bend);
        rest[i] = y[i];
    }
    for (k = 0; k < 3; k++) {
        double norm = 0.0, dot = 0.0;

        for (j = 0; j < 2 * k; j++) { /* twice, for what rounding leaves */
            for (dot = 0.0, i = 0; i < count; i++)
                dot += u[k][i] * u[j % k][i];
            for (i = 0; i < count; i++)
                u[k][i] -= dot * u[j % k][i];
        }
        for (i = 0; i < count; i++)
            norm += u[k][i] * u[k][i];
        for (i = 0; i < count; i++)
            u[k][i] /= sqrt(norm);
        for (dot = 0.0, i = 0; i < count; i++)
            dot += u[k][i] * rest[i];
        for (i = 0; i < count; i++)
            rest[i] -= dot * u[k][i];
    }
    for (i = 0; i < count; i++)
        sum += rest[i] * rest[i];
    return sum;
}

/* Among a thousand bends none is better, and those that are nearly as good are in the interval. */
static void no_other_bend_fits_better(void **state)
{
    enum { COUNT = 15, STEPS = 1000 };
    const double quantile = 2.2010 * 2.2010; /* of F(1, 11), from Student's t */
    struct lft *t = *state;
    double x[COUNT], y[COUNT];
    int round, i;

    for (round = 0; round < 50; round++) {
        lfuse_inflection r;
        double least, limit;

        for (i = 0; i < COUNT; i++)
            x[i] = i + 0.3 * (i % 3);
        two_lines(x, y, COUNT, 6.5, -0.5, -2.0);
        for (i = 0; i < COUNT; i++)
            y[i] += gaussian() * (round < 25 ? 0.3 : 3.0);
        r = inflection(t, x, y, COUNT);
        least = r.residual * r.residual * COUNT;
        limit = least * (1.0 + quantile / (COUNT - 4));
        assert_true(fabs(squares_at(x, y, COUNT, r.x) - least) <= 1e-9 * least);
        for (i = 0; i <= STEPS; i++) {
            const double bend = x[1] + (x[COUNT - 2] - x[1]) * i / STEPS;
            const double squares = squares_at(x, y, COUNT, bend);

            assert_true(squares >= least * (1.0 - 1e-9));
            if (squares <= limit * (1.0 - 1e-9))
                assert_true(bend >= r.x_low - 1e-9 && bend <= r.x_high + 1e-9);
        }
    }
}

/* Of 400 curves 380 on the average; 20 less is over four standard deviations (4.4) away. */
static void the_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    enum { COUNT = 24, CURVES = 400 };
    struct lft *t = *state;
    double x[COUNT], y[COUNT];
    int curve, i, held = 0;

    for (curve = 0; curve < CURVES; curve++) {
        lfuse_inflection r;

        for (i = 0; i < COUNT; i++)
            x[i] = i;
        two_lines(x, y, COUNT, 13.3, -0.2, -2.0);
        for (i = 0; i < COUNT; i++)
            y[i] += gaussian();
        r = inflection(t, x, y, COUNT);
        held += r.x_low <= 13.3 && 13.3 <= r.x_high;
    }
    assert_true(held >= 360 && held < CURVES);
}

/* Units are the caller's: powers of two change no bit. */
static void scales_carry_through(void **state)
{
    static const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {9, 9, 8, 7, 3, 0};
    struct lft *t = *state;
    lfuse_inflection a = inflection(t, x, y, 6), b;
    double scaled[2][6];
    int i;

    for (i = 0; i < 6; i++) {
        scaled[0][i] = 0.125 * x[i];
        scaled[1][i] = 1024.0 * y[i];
    }
    b = inflection(t, scaled[0], scaled[1], 6);
    assert_true(b.x == 0.125 * a.x && b.y == 1024.0 * a.y);
    assert_true(b.x_low == 0.125 * a.x_low && b.x_high == 0.125 * a.x_high);
    assert_true(b.slope_after == 8192.0 * a.slope_after);
    assert_true(b.residual == 1024.0 * a.residual);
}

static void what_cannot_be_fitted_is_told(void **state)
{
    static const double x[] = {1, 2, 3, 4, 5}, y[] = {3, 2, 1, 0, -1},
                        again[] = {1, 2, 2, 4}, open[] = {1, 2, 3, INFINITY},
                        none[] = {1, NAN, 3, 4};
    struct lft *t = *state;
    lfuse_inflection r, before;

    lfuse_inflection_init(&r, sizeof(r));
    before = r;
    lft_fails(t, lfuse_curve_inflection(NULL, y, 5, &r, &t->err), LFUSE_ERR_ARGUMENT,
              "x is NULL");
    lft_fails(t, lfuse_curve_inflection(x, NULL, 5, &r, &t->err), LFUSE_ERR_ARGUMENT,
              "y is NULL");
    lft_fails(t, lfuse_curve_inflection(x, y, 5, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "result is NULL");
    lft_fails(t, lfuse_curve_inflection(x, y, 3, &r, &t->err), LFUSE_ERR_ARGUMENT,
              "count is 3, it must be >= 4");
    lft_fails(t, lfuse_curve_inflection(again, y, 4, &r, &t->err), LFUSE_ERR_ARGUMENT,
              "x[2] is 2, which is not above 2 before it");
    lft_fails(t, lfuse_curve_inflection(open, y, 4, &r, &t->err), LFUSE_ERR_NOT_FINITE,
              "x[3] is inf");
    lft_fails(t, lfuse_curve_inflection(x, none, 4, &r, &t->err), LFUSE_ERR_NOT_FINITE,
              "y[1] is nan");
    lft_fails(t, lfuse_curve_inflection(x, y, 5, &r, &t->err), LFUSE_ERR_DEGENERATE,
              "the 5 points lie on one straight line");
    r.struct_size = 4;
    lft_fails(t, lfuse_curve_inflection(x, open, 3, &r, &t->err), LFUSE_ERR_ARGUMENT,
              "count is 3");
    r.struct_size = sizeof(r);
    assert_memory_equal(&r, &before, sizeof(r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(two_lines_are_found_wherever_they_meet),
        lft_test(four_points_tell_where_but_not_how_surely),
        lft_test(no_other_bend_fits_better),
        lft_test(the_interval_holds_the_truth_as_often_as_it_says),
        lft_test(scales_carry_through),
        lft_test(what_cannot_be_fitted_is_told),
    };

    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
