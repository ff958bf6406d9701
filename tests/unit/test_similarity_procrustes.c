/*
 * test_similarity_procrustes.c - the distance after the best rotation: reference values, what
 * leaves it alone, errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>

#include "golden_metrics.h"

static double norm(const lfuse_tensor *x)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(x); i++)
        sum += lft_get(x, i) * lft_get(x, i);
    return sqrt(sum);
}

static double procrustes(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c)
{
    return lft_metric(t, a, c, LFUSE_METRIC_PROCRUSTES, 0);
}

/*
 * Squares are off by some (n + d) 2^-53 of |A|^2 + |C|^2; a distance is the root of what is
 * left of them, so its square is compared.
 */
static void is_near(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                    double got, double want)
{
    int64_t size = lfuse_tensor_dim(a, 0) + lfuse_tensor_dim(a, 1);
    double squares = norm(a) * norm(a) + norm(c) * norm(c);

    (void)t;
    assert_true(fabs(got * got - want * want) <=
                16.0 * (double)size * DBL_EPSILON * squares);
}

static void procrustes_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {LFUSE_METRIC_PROCRUSTES,
                                                  "procrustes",
                                                  1,
                                                  1,
                                                  1,
                                                  "procrustes: a (9, 7) is all zero",
                                                  "procrustes: b (9, 7) is all zero"};

    lft_metric_contract(*state, &facts);
}

static void procrustes_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = example_a(t), *c = example_c(t);
    size_t i;

    is_near(t, a, c, procrustes(t, a, c), sqrt(30.397452255139328));
    for (i = 0; i < GOLDEN; i++) {
        a = golden_a(t, i, LFUSE_F64);
        c = golden_c(t, i, LFUSE_F64);
        is_near(t, a, c, procrustes(t, a, c), golden[i].procrustes);
        assert_true(fabs(procrustes(t, a, c) - golden[i].procrustes) <=
                    1e-12 * golden[i].procrustes);
    }
    /* each value moves by 2^-24 of it, and the distance by no more than they all do */
    a = golden_a(t, 0, LFUSE_F32);
    c = golden_c(t, 0, LFUSE_F32);
    assert_true(fabs(procrustes(t, a, c) - golden[0].procrustes) <=
                0x1p-23 * (norm(a) + norm(c)));
}

/* Tall and wide; and a matrix of rank 2, whose other vectors depend on these. */
static void procrustes_ignores_rotations_of_either(void **state)
{
    static const int shapes[][2] = {{40, 12}, {12, 40}, {15, 15}, {9, 1}, {1, 9}};
    struct lft *t = *state;
    int i, k;

    for (i = 0; i < 5; i++) {
        int n = shapes[i][0], d = shapes[i][1];
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, n, d, 0);
        double want = procrustes(t, a, c);

        for (k = 0; k < n * d && i < 2; k++)
            lft_set(a, k,
                    lft_value(5, k % d) * (k / d % 2 == 0 ? 1.0 : 0.5) +
                        lft_value(6, k % d) * (k / d % 3));
        want = procrustes(t, a, c);
        is_near(t, a, c, procrustes(t, lft_rotated(t, a, 3), c), want);
        is_near(t, a, c, procrustes(t, a, lft_rotated(t, c, 4)), want);
        is_near(t, a, c,
                procrustes(t, lft_permuted(t, a, 3, 2), lft_permuted(t, c, 3, 0)), want);
        is_near(t, a, c, procrustes(t, c, a), want);
        is_near(t, a, a, procrustes(t, a, lft_rotated(t, a, 5)), 0.0);
        assert_true(want <= lft_metric(t, a, c, LFUSE_METRIC_EUCLIDEAN, 0));
    }
}

/* A to 3 A: every direction is stretched by 2. */
static void procrustes_sees_the_scale(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 20, 30, 0);
    lfuse_tensor *c = lft_rotated(t, lft_affine(t, a, 3.0, 0.0), 2);

    is_near(t, a, c, procrustes(t, a, c), 2.0 * norm(a));
}

/* A diagonal matrix and an orthogonal one, turned from the right as one likes. */
static void check_values(struct lft *t, int n, const double *values)
{
    lfuse_tensor *any = lft_tensor(t, LFUSE_F64, 1, n, n, 0), *turned;
    lfuse_tensor *a = lft_affine(t, any, 0.0, 0.0), *one = lft_affine(t, any, 0.0, 0.0);
    double squares = 0.0;
    int i;

    for (i = 0; i < n; i++) {
        lft_set(a, i * n + i, values[i]);
        lft_set(one, i * n + (i + 1) % n, i % 2 == 0 ? 1.0 : -1.0);
        squares += (values[i] - 1.0) * (values[i] - 1.0);
    }
    turned = lft_rotated(t, a, 3);
    /* |A|^2 + n - 2 (the sum of the values): that of (value - 1)^2 */
    is_near(t, a, one, procrustes(t, a, one), sqrt(squares));
    is_near(t, a, one, procrustes(t, turned, one), sqrt(squares));
    is_near(t, a, one, procrustes(t, lft_rotated(t, one, 4), turned), sqrt(squares));
    is_near(t, a, one, procrustes(t, turned, lft_permuted(t, one, 0, n / 2)),
            sqrt(squares));
}

/* Equal, graded either way over all of f64's digits and more, in pairs, and mostly 0. */
static void procrustes_finds_the_singular_values_of_any_spectrum(void **state)
{
    static const int orders[] = {1, 2, 3, 7, 24, 61};
    struct lft *t = *state;
    double values[61];
    int k, kind, i, n;

    for (k = 0; k < 6; k++, lft_forget_tensors(t))
        for (kind = 0; kind < 6; kind++) {
            n = orders[k];
            for (i = 0; i < n; i++)
                values[i] = kind == 0   ? 1.0
                            : kind == 1 ? ldexp(1.0, -2 * i)
                            : kind == 2 ? ldexp(1.0, -2 * (n - 1 - i))
                            : kind == 3 ? 1.0 + i / 2
                            : kind == 4 ? (i == n / 2 ? 1.0 : 0.0)
                                        : (i % 3 == 0 ? 1.0 : 0x1p-200);
            check_values(t, n, values);
        }
}

static void a_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_affine(t, lft_tensor(t, LFUSE_F64, 1, 8, 8, 0), 0.0, DBL_MAX);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 8, 8, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_PROCRUSTES, 0);

    lft_metric_fails(t, a, c, &o, LFUSE_ERR_NOT_FINITE, "a and b is beyond f64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(procrustes_keeps_what_every_metric_promises),
        lft_test(procrustes_has_its_reference_values),
        lft_test(procrustes_ignores_rotations_of_either),
        lft_test(procrustes_sees_the_scale),
        lft_test(procrustes_finds_the_singular_values_of_any_spectrum),
        lft_test(a_distance_beyond_f64_is_an_error),
    };

    return cmocka_run_group_tests_name("similarity_procrustes", tests, NULL, NULL);
}
