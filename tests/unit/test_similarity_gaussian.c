/*
 * test_similarity_gaussian.c - distances of the blocks' Gaussians: reference values, what
 * leaves them alone, blocks, errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

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

/* ---- kl ------------------------------------------------------------------------------------ */

static double with_ridge(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                         lfuse_metric metric, double ridge)
{
    lfuse_similarity_options o = lft_metric_options(metric, 0);

    o.ridge = ridge;
    return lft_metric_with(t, a, c, &o);
}

static void kl_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_KL,
        "kl",
        1,
        0,
        0,
        "in every block all rows of a are equal",
        "in every block all rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

/*
 * A relative change of 2^-53 n in S becomes one of the condition times that in the trace:
 * 1e-11 where rows are many; with a ridge of 1e-3 tr(S) / d the condition is at most 1e3 d.
 */
static void kl_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = example_a(t), *c = example_c(t);
    size_t i;

    assert_true(fabs(with_ridge(t, a, c, LFUSE_METRIC_KL, -1.0) - 1.1349248402413332) <=
                1e-13);
    assert_true(fabs(with_ridge(t, c, a, LFUSE_METRIC_KL, -1.0) - 0.6257589204424279) <=
                1e-13);
    for (i = 0; i < GOLDEN; i++) {
        a = golden_a(t, i, LFUSE_F64);
        c = golden_c(t, i, LFUSE_F64);
        assert_true(fabs(lft_metric(t, a, c, LFUSE_METRIC_KL, golden[i].block) -
                         golden[i].kl) <= 1e-10 * golden[i].kl);
        assert_true(fabs(lft_metric(t, c, a, LFUSE_METRIC_KL, golden[i].block) -
                         golden[i].reverse_kl) <= 1e-10 * golden[i].reverse_kl);
    }
    /* values move by 2^-24 of them; the condition of these is below 100 */
    assert_true(fabs(lft_metric(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32),
                                LFUSE_METRIC_KL, 0) -
                     golden[0].kl) <= 1e-5);
}

/* One column: S = s^2 and r^2: KL = (s^2 / r^2 - 1) / 2 - ln(s / r), however far apart. */
static void kl_of_one_column_is_the_closed_form(void **state)
{
    static const int exponents[] = {0, 1, -1, 20, -20, 400, -400, -500};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 9, 1, 0);
    size_t i;

    for (i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        double q = ldexp(1.0, exponents[i]);
        double want = 0.5 * (q * q - 1.0) - exponents[i] * log(2.0);

        assert_true(
            fabs(with_ridge(t, lft_affine(t, a, q, 0.0), a, LFUSE_METRIC_KL, -1.0) -
                 want) <= 8.0 * DBL_EPSILON * fmax(want, 1.0));
        /* the ridge is a share of the variance: it cancels */
        assert_true(
            fabs(with_ridge(t, lft_affine(t, a, q, 0.0), a, LFUSE_METRIC_KL, 0.5) -
                 want) <= 8.0 * DBL_EPSILON * fmax(want, 1.0));
    }
}

static void kl_ignores_row_order_shifts_and_common_rotations(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 40, 6, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 40, 6, 0);

    check_common_rotation(t, LFUSE_METRIC_KL);
    check_blocks(t, LFUSE_METRIC_KL);
    /* exact values: the shift leaves no trace but in the rounding of origins */
    assert_true(fabs(lft_metric(t, lft_affine(t, a, 1.0, 4.0), c, LFUSE_METRIC_KL, 0) -
                     lft_metric(t, a, c, LFUSE_METRIC_KL, 0)) <= 1e-13);
}

static void the_ridge_is_a_share_of_the_mean_variance(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 8, 12, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 8, 12, 0);
    double usual = lft_metric(t, a, c, LFUSE_METRIC_KL, 0);

    assert_true(with_ridge(t, a, c, LFUSE_METRIC_KL, 1e-3) == usual);
    assert_true(with_ridge(t, a, c, LFUSE_METRIC_KL, 1.0) < usual);
    assert_true(with_ridge(t, a, c, LFUSE_METRIC_KL, 1e-6) > usual);
}

static void check_singular(struct lft *t, lfuse_metric metric, const char *name)
{
    lfuse_similarity_options o = lft_metric_options(metric, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 9, 4, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 9, 4, 0);
    lfuse_tensor *few = lft_tensor(t, LFUSE_F64, 1, 4, 4, 0);
    char text[64];
    int i;

    o.ridge = -1.0;
    (void)snprintf(text, sizeof(text), "%s: the covariance of a is singular", name);
    lft_metric_fails(t, few, few, &o, LFUSE_ERR_DEGENERATE, text);
    for (i = 0; i < 9; i++) /* the third column is a sum */
        lft_set(c, 4 * i + 2, lft_get(c, 4 * i) + lft_get(c, 4 * i + 1));
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_DEGENERATE,
                     "the covariance of b is singular (9 rows, 4 columns from row 0, "
                     "column 0 on; ridge 0)");
    lft_metric_fails(t, c, a, &o, LFUSE_ERR_DEGENERATE,
                     "the covariance of a is singular");
    o.ridge = 0.0;
    assert_true(lft_metric_with(t, a, c, &o) > 0.0);
    o.ridge = 1e-300; /* as good as none */
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_DEGENERATE, "ridge 1e-300");
    o.ridge = NAN;
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_ARGUMENT, "options.ridge is nan");
    o.ridge = INFINITY;
    lft_metric_fails(t, a, c, &o, LFUSE_ERR_ARGUMENT, "options.ridge is inf");
}

static void kl_of_singular_covariances_without_a_ridge_is_degenerate(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 9, 4, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_KL, 0);

    check_singular(t, LFUSE_METRIC_KL, "kl");
    lft_metric_fails(t, lft_affine(t, a, 0x1p600, 0.0), a, &o, LFUSE_ERR_NOT_FINITE,
                     "kl: the divergence of a and b is beyond f64");
}

/* Three layers, of which (0, 2) is nearest by the mean of both ways, not by one of them. */
static void a_plan_ranks_pairs_by_the_mean_of_both_directions(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options options;
    lfuse_layer *layers[4];
    lfuse_fusion fusion;
    lfuse_plan *plan;
    double out[16], best = INFINITY;
    int i, j, first = -1, second = -1;
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_KL, 0);
    static const char *const names[] = {"h.0", "h.1", "h.2", "h.3"};

    for (i = 0; i < 4; i++)
        layers[i] =
            lft_layer(t, names[i], "h.*", i,
                      lft_tensor(t, LFUSE_F32, (uint64_t)i, 20, 6, 0), NULL, NULL);
    lft_ok(t, lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)layers, 4, &o,
                                      out, &t->err));
    for (i = 0; i < 4; i++)
        for (j = i + 1; j < 4; j++) {
            double mean = 0.5 * out[i * 4 + j] + 0.5 * out[j * 4 + i];

            assert_true(out[i * 4 + j] != out[j * 4 + i]);
            if (mean < best) {
                best = mean;
                first = i;
                second = j;
            }
        }
    lfuse_plan_options_init(&options, sizeof(options));
    options.top_k = 1;
    options.metric = LFUSE_METRIC_KL;
    lft_ok(t, lfuse_plan_build(t->ctx, (const lfuse_layer *const *)layers, 4, &options,
                               &plan, &t->err));
    lfuse_fusion_init(&fusion, sizeof(fusion));
    lft_ok(t, lfuse_plan_fusion(plan, 0, &fusion, &t->err));
    assert_int_equal(fusion.a, first);
    assert_int_equal(fusion.b, second);
    assert_true(fusion.score == best);
    lfuse_plan_destroy(plan);
}

/* ---- js ------------------------------------------------------------------------------------ */

static void js_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_JS,
        "js",
        1,
        1,
        0,
        "in every block all rows of a are equal",
        "in every block all rows of b are equal"};

    lft_metric_contract(*state, &facts);
}

/* As for kl: determinants move by the condition times the change of S. */
static void js_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    size_t i;

    assert_true(fabs(with_ridge(t, example_a(t), example_c(t), LFUSE_METRIC_JS, -1.0) -
                     0.17568335706930593) <= 1e-14);
    for (i = 0; i < GOLDEN; i++)
        assert_true(
            fabs(lft_metric(t, golden_a(t, i, LFUSE_F64), golden_c(t, i, LFUSE_F64),
                            LFUSE_METRIC_JS, golden[i].block) -
                 golden[i].js) <= 1e-10 * golden[i].js);
    assert_true(fabs(lft_metric(t, golden_a(t, 0, LFUSE_F32), golden_c(t, 0, LFUSE_F32),
                                LFUSE_METRIC_JS, 0) -
                     golden[0].js) <= 1e-5);
}

/* One column: ln((s^2 + r^2) / (2 s r)) / 2, however far apart. */
static void js_of_one_column_is_the_closed_form(void **state)
{
    static const int exponents[] = {0, 1, -1, 20, -20, 400, -400, 900};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 9, 1, 0);
    size_t i;

    for (i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        double e = fabs((double)exponents[i]), ln2 = log(2.0);
        double want = 0.5 * ((e - 1.0) * ln2 + log1p(ldexp(1.0, -2 * (int)e)));
        lfuse_tensor *c = lft_affine(t, a, ldexp(1.0, exponents[i]), 0.0);

        assert_true(fabs(lft_metric(t, a, c, LFUSE_METRIC_JS, 0) - want) <=
                    16.0 * DBL_EPSILON * fmax(e, 1.0));
        assert_true(lft_metric(t, a, c, LFUSE_METRIC_JS, 0) ==
                    lft_metric(t, c, a, LFUSE_METRIC_JS, 0));
    }
}

/* An invertible map of the columns of both, here unequal scales, changes no determinant's ratio. */
static void js_without_a_ridge_ignores_common_scales_of_columns(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 40, 6, 0);
    lfuse_tensor *c = lft_sum(t, lft_tensor(t, LFUSE_F64, 2, 40, 6, 0), 0.5, a);
    double js = with_ridge(t, a, c, LFUSE_METRIC_JS, -1.0);
    double kl = with_ridge(t, a, c, LFUSE_METRIC_KL, -1.0);
    int i;

    check_common_rotation(t, LFUSE_METRIC_JS);
    check_blocks(t, LFUSE_METRIC_JS);
    for (i = 0; i < 40 * 6; i++) {
        lft_set(a, i, ldexp(lft_get(a, i), 3 * (i % 6)));
        lft_set(c, i, ldexp(lft_get(c, i), 3 * (i % 6)));
    }
    assert_true(fabs(with_ridge(t, a, c, LFUSE_METRIC_JS, -1.0) - js) <= 1e-13);
    assert_true(fabs(with_ridge(t, a, c, LFUSE_METRIC_KL, -1.0) - kl) <= 1e-13);
}

static void js_of_singular_covariances_without_a_ridge_is_degenerate(void **state)
{
    check_singular(*state, LFUSE_METRIC_JS, "js");
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
        lft_test(kl_keeps_what_every_metric_promises),
        lft_test(kl_has_its_reference_values),
        lft_test(kl_of_one_column_is_the_closed_form),
        lft_test(kl_ignores_row_order_shifts_and_common_rotations),
        lft_test(the_ridge_is_a_share_of_the_mean_variance),
        lft_test(kl_of_singular_covariances_without_a_ridge_is_degenerate),
        lft_test(a_plan_ranks_pairs_by_the_mean_of_both_directions),
        lft_test(js_keeps_what_every_metric_promises),
        lft_test(js_has_its_reference_values),
        lft_test(js_of_one_column_is_the_closed_form),
        lft_test(js_without_a_ridge_ignores_common_scales_of_columns),
        lft_test(js_of_singular_covariances_without_a_ridge_is_degenerate),
    };

    return cmocka_run_group_tests_name("similarity_gaussian", tests, NULL, NULL);
}
