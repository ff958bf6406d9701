/*
 * test_similarity_gaussian.c - distances of the blocks' Gaussians: reference values, what
 * leaves them alone, blocks, errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>

#include "golden_metrics.h"

/* Rows of a and c are turned and their columns rotated alike: all sums are the same. */
static void check_common_rotation(struct lft *t, lfuse_metric metric)
{
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 40, 6, 0);
    lfuse_tensor *c = lft_sum(t, lft_tensor(t, LFUSE_F64, 2, 40, 6, 0), 0.5, a);
    double want = lft_metric(t, a, c, metric, 0);
    /* products of 40 terms and some 6 rotations, at a condition of well below 100 */
    double tolerance = 100.0 * 64.0 * DBL_EPSILON * fmax(1.0, want);

    assert_true(fabs(lft_metric(t, lft_permuted(t, a, 3, 0), lft_permuted(t, c, 11, 0),
                                metric, 0) -
                     want) <= tolerance);
    assert_true(fabs(lft_metric(t, lft_permuted(t, a, 0, 2), lft_permuted(t, c, 0, 2),
                                metric, 0) -
                     want) <= tolerance);
    assert_true(
        fabs(lft_metric(t, lft_rotated(t, a, 7), lft_rotated(t, c, 7), metric, 0) -
             want) <= tolerance);
    assert_true(want > 0.01);
}

/* One row, or blocks of one row; a block where one side is constant is left out. */
static void check_blocks(struct lft *t, lfuse_metric metric)
{
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 6, 2, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 6, 2, 0);
    lfuse_similarity_options o = lft_metric_options(metric, 1);
    double first_a[6], first_c[6], want;
    int i;

    lft_metric_fails(t, a, c, &o, LFUSE_ERR_DEGENERATE, "in every block all rows of a");
    o.block = 0;
    lft_metric_fails(t, lft_tensor(t, LFUSE_F64, 1, 1, 8, 0),
                     lft_tensor(t, LFUSE_F64, 2, 1, 8, 0), &o, LFUSE_ERR_DEGENERATE,
                     "in every block all rows of a");
    for (i = 0; i < 6; i++) {
        first_a[i] = lft_get(a, i);
        first_c[i] = lft_get(c, i);
    }
    want = lft_metric(t, lft_matrix(t, LFUSE_F64, first_a, 3, 2),
                      lft_matrix(t, LFUSE_F64, first_c, 3, 2), metric, 0);
    for (i = 6; i < 12; i++)
        lft_set(a, i, 0.1);
    assert_true(lft_metric(t, a, c, metric, 3) == want);
}

/* ---- 2-Wasserstein ------------------------------------------------------------------------ */

static double wasserstein(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c)
{
    return lft_metric(t, a, c, LFUSE_METRIC_WASSERSTEIN_GAUSSIAN, 0);
}

static void wasserstein_gaussian_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
        "wasserstein_gaussian",
        1,
        1,
        1,
        "in every block all rows of a are equal",
        "in every block all rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

static void wasserstein_gaussian_has_its_reference_values(void **state)
{
    static const double minus[] = {-1, 1}, shifted[] = {9, 11};
    struct lft *t = *state;
    double w = wasserstein(t, example_a(t), example_c(t));
    size_t i;

    assert_true(fabs(w * w - 3.7715605830390775) <= 1e-14 * 16);
    /* N(0, 1) and N(10, 1), each as two points */
    assert_true(fabs(wasserstein(t, lft_matrix(t, LFUSE_F64, minus, 2, 1),
                                 lft_matrix(t, LFUSE_F64, shifted, 2, 1)) -
                     10.0) <= 16.0 * DBL_EPSILON);
    for (i = 0; i < GOLDEN; i++)
        /* numpy's roots of singular covariances are good to 2^-26 of each deviation */
        assert_true(
            fabs(lft_metric(t, golden_a(t, i, LFUSE_F64), golden_c(t, i, LFUSE_F64),
                            LFUSE_METRIC_WASSERSTEIN_GAUSSIAN, golden[i].block) -
                 golden[i].wasserstein_gaussian) <=
            (golden[i].rows > golden[i].columns ? 1e-11 : 1e-6));
    /* values move by 2^-24 of them, which are below 8 */
    assert_true(
        fabs(wasserstein(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32)) -
             golden[0].wasserstein_gaussian) <= 1e-5);
}

/* N((1, 1), [[4, 1], [1, 9]]) and N((0, 1), I), as the four points m +- sqrt(2) L e_k. */
static void points_with_the_moments_of_two_gaussians_give_their_distance(void **state)
{
    const double r = sqrt(2.0), l11 = 2.0, l21 = 0.5, l22 = sqrt(8.75);
    const double a[] = {1 + r * l11, 1 + r * l21, 1 - r * l11, 1 - r * l21,
                        1,           1 + r * l22, 1,           1 - r * l22};
    const double c[] = {r, 1, -r, 1, 0, 1 + r, 0, 1 - r};
    struct lft *t = *state;
    double w = wasserstein(t, lft_matrix(t, LFUSE_F64, a, 4, 2),
                           lft_matrix(t, LFUSE_F64, c, 4, 2));

    assert_true(fabs(w * w - 6.0336246175052715) <= 64.0 * DBL_EPSILON * 6.0);
}

static void wasserstein_gaussian_ignores_row_order_and_common_rotations(void **state)
{
    check_common_rotation(*state, LFUSE_METRIC_WASSERSTEIN_GAUSSIAN);
    check_blocks(*state, LFUSE_METRIC_WASSERSTEIN_GAUSSIAN);
}

/* Rows and columns in either order of size: a shift of one is a distance of means alone. */
static void a_shift_is_a_distance_of_means(void **state)
{
    static const int shapes[][2] = {{30, 9}, {9, 30}, {5, 5}};
    struct lft *t = *state;
    int i;

    for (i = 0; i < 3; i++) {
        int n = shapes[i][0], d = shapes[i][1];
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, n, d, 0);
        lfuse_tensor *b = lft_affine(t, a, 1.0, 0.25);

        /* exact values at the same distances: the spread is equal */
        assert_true(fabs(wasserstein(t, a, b) - 0.25 * sqrt(d)) <= 8.0 * d * DBL_EPSILON);
        assert_true(wasserstein(t, a, b) == wasserstein(t, b, a));
    }
}

/* (S, s^2 S): the deviations differ by a factor, the rest cancels. */
static void a_scale_is_a_difference_of_deviations(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 30, 9, 0);
    double sum = 0.0, mean, deviations;
    int i, j;

    for (j = 0; j < 9; j++) {
        for (mean = 0.0, i = 0; i < 30; i++)
            mean += lft_get(a, i * 9 + j) / 30.0;
        for (i = 0; i < 30; i++) {
            lft_set(a, i * 9 + j, lft_get(a, i * 9 + j) - mean);
            sum += lft_get(a, i * 9 + j) * lft_get(a, i * 9 + j);
        }
    }
    deviations = sqrt(sum / 30.0);
    assert_true(fabs(wasserstein(t, a, lft_affine(t, a, 3.0, 0.0)) - 2.0 * deviations) <=
                64.0 * 30.0 * DBL_EPSILON * deviations);
    assert_true(fabs(wasserstein(t, a, lft_affine(t, a, 0x1p500, 0.0)) -
                     0x1p500 * deviations) <= 64.0 * 30.0 * DBL_EPSILON * 0x1p500);
    assert_true(fabs(wasserstein(t, a, lft_affine(t, a, 0x1p-1000, 0.0)) - deviations) <=
                64.0 * 30.0 * DBL_EPSILON);
}

static void a_wasserstein_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 4, 2, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_WASSERSTEIN_GAUSSIAN, 0);
    int i;

    for (i = 0; i < 8; i++)
        lft_set(a, i, i < 6 ? DBL_MAX : DBL_MAX / 2.0);
    lft_metric_fails(t, a, lft_affine(t, a, -1.0, 0.0), &o, LFUSE_ERR_NOT_FINITE,
                     "a and b is beyond f64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(wasserstein_gaussian_keeps_what_every_metric_promises),
        lft_test(wasserstein_gaussian_has_its_reference_values),
        lft_test(points_with_the_moments_of_two_gaussians_give_their_distance),
        lft_test(wasserstein_gaussian_ignores_row_order_and_common_rotations),
        lft_test(a_shift_is_a_distance_of_means),
        lft_test(a_scale_is_a_difference_of_deviations),
        lft_test(a_wasserstein_distance_beyond_f64_is_an_error),
    };

    return cmocka_run_group_tests_name("similarity_gaussian", tests, NULL, NULL);
}
