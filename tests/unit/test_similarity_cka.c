/*
 * test_similarity_cka.c - centred kernel alignment: reference values, what leaves it alone,
 * errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>

#include "golden_metrics.h"

/* Rounding of products of n rows and d columns, and of the three norms of their sums. */
static double bound(int64_t n, int64_t d)
{
    return 16.0 * (double)(n + d) * DBL_EPSILON;
}

/* ---- linear ----------------------------------------------------------------------------- */

static void linear_cka_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_LINEAR_CKA,
        "linear_cka",
        0,
        1,
        0,
        "linear_cka: all 9 rows of a are equal",
        "linear_cka: all 9 rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

/* Kornblith's demonstration; the small example by hand; weights by numpy. */
static void linear_cka_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < GOLDEN; i++) {
        lfuse_tensor *a = golden_a(t, i, LFUSE_F64), *c = golden_c(t, i, LFUSE_F64);

        /* 1e-12: numpy's own rounding, n times as many terms as ours */
        assert_true(fabs(lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, 0) -
                         golden[i].linear_cka) <= 1e-12);
    }
    assert_true(fabs(golden[0].linear_cka - 0.5576132566117588) <= 1e-15);
    assert_true(
        fabs(lft_metric(t, example_a(t), example_c(t), LFUSE_METRIC_LINEAR_CKA, 0) -
             0.35154424425468483) <= bound(4, 2));
    /* rounding values to f32 moves them by 2^-24, and the quotient by some of these */
    assert_true(fabs(lft_metric(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32),
                                LFUSE_METRIC_LINEAR_CKA, 0) -
                     0.5576132566117588) <= 16.0 * 0x1p-24);
}

/*
 * Rows of both in one order, columns of one in any; a rotation of one's columns; scale and
 * shift of one. The feature form where columns are fewer, the Gram form where rows are.
 */
static void linear_cka_ignores_rotation_scale_and_shift(void **state)
{
    static const int shapes[][2] = {{40, 12}, {12, 40}};
    struct lft *t = *state;
    int i;

    for (i = 0; i < 2; i++) {
        int n = shapes[i][0], d = shapes[i][1];
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, n, d, 0);
        lfuse_tensor *c = lft_sum(t, lft_tensor(t, LFUSE_F64, 2, n, d, 0), 0.5, a);
        double want = lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, 0);
        /* 2 d plane rotations round each element 4 d times more */
        double tolerance = 4.0 * bound(n, d);

        assert_true(want > 0.1 && want < 0.99);
        assert_true(fabs(lft_metric(t, lft_permuted(t, a, 5, 3), lft_permuted(t, c, 5, 0),
                                    LFUSE_METRIC_LINEAR_CKA, 0) -
                         want) <= tolerance);
        assert_true(
            fabs(lft_metric(t, a, lft_permuted(t, c, 5, 0), LFUSE_METRIC_LINEAR_CKA, 0) -
                 want) > 0.01); /* rows of one alone are other samples */
        assert_true(
            fabs(lft_metric(t, lft_rotated(t, a, 7), c, LFUSE_METRIC_LINEAR_CKA, 0) -
                 want) <= tolerance);
        assert_true(fabs(lft_metric(t, lft_affine(t, a, -3.0, 2.0), c,
                                    LFUSE_METRIC_LINEAR_CKA, 0) -
                         want) <= tolerance);
        assert_true(fabs(lft_metric(t, a, lft_rotated(t, lft_affine(t, a, 5.0, 1.0), 8),
                                    LFUSE_METRIC_LINEAR_CKA, 0) -
                         1.0) <= tolerance);
        assert_true(lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, -1) == want);
        assert_true(lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, 5) ==
                    want); /* no blocks */
    }
}

/* 0.1 has no exact mean of three in f64: a mean taken first would leave noise to compare. */
static void linear_cka_of_one_row_or_equal_rows_is_degenerate(void **state)
{
    static const double equal[] = {0.1, 0.3, 0.1, 0.3, 0.1, 0.3};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 3, 2, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_LINEAR_CKA, 0);

    lft_metric_fails(t, a, lft_matrix(t, LFUSE_F64, equal, 3, 2), &o,
                     LFUSE_ERR_DEGENERATE, "linear_cka: all 3 rows of b are equal");
    lft_metric_fails(t, lft_tensor(t, LFUSE_F64, 1, 1, 6, 0),
                     lft_tensor(t, LFUSE_F64, 2, 1, 6, 0), &o, LFUSE_ERR_DEGENERATE,
                     "linear_cka: a has only 1 row");
}

/* ---- rbf -------------------------------------------------------------------------------- */

static void rbf_cka_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {LFUSE_METRIC_RBF_CKA,
                                                  "rbf_cka",
                                                  0,
                                                  1,
                                                  0,
                                                  "rbf_cka: all 9 rows of a are equal",
                                                  "rbf_cka: all 9 rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

/* 1e-12 as for the linear one: exponents of at most some hundred are off by 2^-45 */
static void rbf_cka_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < GOLDEN; i++)
        assert_true(fabs(lft_metric(t, golden_a(t, i, LFUSE_F64),
                                    golden_c(t, i, LFUSE_F64), LFUSE_METRIC_RBF_CKA, 0) -
                         golden[i].rbf_cka) <= 1e-12);
    assert_true(fabs(golden[0].rbf_cka - 0.6548311822614982) <= 1e-15);
    assert_true(fabs(lft_metric(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32),
                                LFUSE_METRIC_RBF_CKA, 0) -
                     0.6548311822614982) <= 64.0 * 0x1p-24);
}

static void rbf_cka_ignores_rotation_scale_and_shift(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 21, 12, 0);
    lfuse_tensor *c = lft_sum(t, lft_tensor(t, LFUSE_F64, 2, 21, 12, 0), 0.5, a);
    double want = lft_metric(t, a, c, LFUSE_METRIC_RBF_CKA, 0);
    double tolerance = 32.0 * bound(21, 12);

    assert_true(want > 0.1 && want < 0.999);
    assert_true(fabs(lft_metric(t, lft_permuted(t, a, 5, 3), lft_permuted(t, c, 5, 0),
                                LFUSE_METRIC_RBF_CKA, 0) -
                     want) <= tolerance);
    assert_true(fabs(lft_metric(t, lft_rotated(t, a, 7), c, LFUSE_METRIC_RBF_CKA, 0) -
                     want) <= tolerance);
    assert_true(
        fabs(lft_metric(t, lft_affine(t, a, -3.0, 2.0), c, LFUSE_METRIC_RBF_CKA, 0) -
             want) <= tolerance);
}

/* Two rows, at distance d: of 0, 0, d^2, d^2 the median is d^2 / 2. Any two pairs align. */
static void two_rows_align(void **state)
{
    struct lft *t = *state;

    assert_true(
        fabs(lft_metric(t, lft_tensor(t, LFUSE_F64, 1, 2, 5, 0),
                        lft_tensor(t, LFUSE_F64, 2, 2, 5, 0), LFUSE_METRIC_RBF_CKA, 0) -
             1.0) <= 8.0 * DBL_EPSILON);
}

static void the_bandwidth_is_an_option(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 21, 12, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 21, 12, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_RBF_CKA, 0);
    double usual = lft_metric_with(t, a, c, &o);

    o.bandwidth = 0.5;
    assert_true(lft_metric_with(t, a, c, &o) == usual);
    /* far wider than all distances, exp(-x) is 1 - x: the linear kernel, but for x^2 / 2 */
    o.bandwidth = 1000.0;
    assert_true(fabs(lft_metric_with(t, a, c, &o) -
                     lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, 0)) <= 1e-5);
    /* far narrower, K is I, whatever the rows */
    o.bandwidth = 1e-3;
    assert_true(fabs(lft_metric_with(t, a, c, &o) - 1.0) <= 1e-12);
    o.bandwidth = 1e-300;
    assert_true(fabs(lft_metric_with(t, a, c, &o) - 1.0) <= 1e-12);
    o.bandwidth = 1e20;
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_DEGENERATE,
                     "with bandwidth 1e+20 all rows of a are alike");
    o.bandwidth = -0.5;
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_ARGUMENT, "options.bandwidth is -0.5");
    o.bandwidth = NAN;
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_ARGUMENT, "options.bandwidth is nan");
}

static void a_median_distance_of_0_is_degenerate(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 9, 2, 0);
    lfuse_tensor *c = lft_affine(t, a, 0.0, 0.1);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_RBF_CKA, 0);

    lft_set(c, 0, 1.0); /* one row of nine differs */
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_DEGENERATE,
                     "the median distance of the 9 rows of b is 0");
    lft_metric_fails(t, lft_tensor(t, LFUSE_F64, 1, 1, 6, 0),
                     lft_tensor(t, LFUSE_F64, 2, 1, 6, 0), &o, LFUSE_ERR_DEGENERATE,
                     "rbf_cka: a has only 1 row");
}

/* ---- debiased ------------------------------------------------------------------------------ */

static void debiased_cka_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_DEBIASED_CKA,
        "debiased_cka",
        0,
        1,
        0,
        "debiased_cka: all 9 rows of a are equal",
        "debiased_cka: all 9 rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

static void debiased_cka_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < GOLDEN; i++)
        assert_true(
            fabs(lft_metric(t, golden_a(t, i, LFUSE_F64), golden_c(t, i, LFUSE_F64),
                            LFUSE_METRIC_DEBIASED_CKA, 0) -
                 golden[i].debiased_cka) <= 1e-12);
    assert_true(fabs(golden[0].debiased_cka - 0.513456489505526) <= 1e-15);
    assert_true(golden[1].debiased_cka < 0.0); /* six unrelated rows */
    assert_true(fabs(lft_metric(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32),
                                LFUSE_METRIC_DEBIASED_CKA, 0) -
                     0.513456489505526) <= 16.0 * 0x1p-24);
}

static void debiased_cka_ignores_rotation_scale_and_shift(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 21, 12, 0);
    lfuse_tensor *c = lft_sum(t, lft_tensor(t, LFUSE_F64, 2, 21, 12, 0), 0.5, a);
    double want = lft_metric(t, a, c, LFUSE_METRIC_DEBIASED_CKA, 0);
    double tolerance = 16.0 * bound(21, 12);

    assert_true(fabs(lft_metric(t, lft_permuted(t, a, 5, 3), lft_permuted(t, c, 5, 0),
                                LFUSE_METRIC_DEBIASED_CKA, 0) -
                     want) <= tolerance);
    assert_true(
        fabs(lft_metric(t, lft_rotated(t, a, 7), c, LFUSE_METRIC_DEBIASED_CKA, 0) -
             want) <= tolerance);
    assert_true(
        fabs(lft_metric(t, lft_affine(t, a, -3.0, 2.0), c, LFUSE_METRIC_DEBIASED_CKA, 0) -
             want) <= tolerance);
}

/* Of few unrelated rows the biased one says much; the mean of many of these is near 0. */
static void unrelated_rows_average_to_0(void **state)
{
    struct lft *t = *state;
    double debiased = 0.0, biased = 0.0;
    int i;

    for (i = 0; i < 60; i++) {
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 2 * (uint64_t)i, 12, 20, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2 * (uint64_t)i + 1, 12, 20, 0);

        debiased += lft_metric(t, a, c, LFUSE_METRIC_DEBIASED_CKA, 0) / 60.0;
        biased += lft_metric(t, a, c, LFUSE_METRIC_LINEAR_CKA, 0) / 60.0;
    }
    assert_true(biased > 0.5);
    /* each is a cosine in 12 * 9 / 2 = 54 dimensions: 1 / sqrt(54 * 60) is the deviation */
    assert_true(fabs(debiased) <= 5.0 / sqrt(54.0 * 60.0));
}

static void debiased_cka_of_three_rows_or_equal_distances_is_degenerate(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 7, 7, 0), *unit;
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_DEBIASED_CKA, 0);
    int i;

    lft_metric_fails(t, lft_tensor(t, LFUSE_F64, 1, 3, 6, 0),
                     lft_tensor(t, LFUSE_F64, 2, 3, 6, 0), &o, LFUSE_ERR_DEGENERATE,
                     "debiased_cka needs 4 rows; a and b have 3");
    unit = lft_affine(t, a, 0.0, 0.0);
    for (i = 0; i < 7; i++)
        lft_set(unit, 8 * i, 0.3);
    lft_metric_fails(t, a, unit, &o, LFUSE_ERR_DEGENERATE,
                     "the 7 rows of b are equally far from each other");
    assert_true(lft_metric(t, a, unit, LFUSE_METRIC_LINEAR_CKA, 0) > 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(linear_cka_keeps_what_every_metric_promises),
        lft_test(linear_cka_has_its_reference_values),
        lft_test(linear_cka_ignores_rotation_scale_and_shift),
        lft_test(linear_cka_of_one_row_or_equal_rows_is_degenerate),
        lft_test(rbf_cka_keeps_what_every_metric_promises),
        lft_test(rbf_cka_has_its_reference_values),
        lft_test(rbf_cka_ignores_rotation_scale_and_shift),
        lft_test(two_rows_align),
        lft_test(the_bandwidth_is_an_option),
        lft_test(a_median_distance_of_0_is_degenerate),
        lft_test(debiased_cka_keeps_what_every_metric_promises),
        lft_test(debiased_cka_has_its_reference_values),
        lft_test(debiased_cka_ignores_rotation_scale_and_shift),
        lft_test(unrelated_rows_average_to_0),
        lft_test(debiased_cka_of_three_rows_or_equal_distances_is_degenerate),
    };

    return cmocka_run_group_tests_name("similarity_cka", tests, NULL, NULL);
}
