/*
 * test_similarity_sinkhorn.c - the Sinkhorn divergence: reference values, its limits, what leaves
 * it alone, little regularisation, errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden_transport.h"
#include "similarity/entropic.h"

enum { DRAWS = 100 };

static lfuse_similarity_options options_of(double regularisation, int64_t iterations)
{
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_SINKHORN, 0);

    o.regularisation = regularisation;
    o.iterations = iterations;
    return o;
}

static double divergence(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                         double regularisation, int64_t iterations)
{
    lfuse_similarity_options o = options_of(regularisation, iterations);

    return lft_metric_with(t, a, c, &o);
}

static double square_of_rows(const lfuse_tensor *a, int64_t i, const lfuse_tensor *c,
                             int64_t j)
{
    int64_t columns = lfuse_tensor_dim(a, 1), k;
    double sum = 0.0;

    for (k = 0; k < columns; k++)
        sum += pow(lft_get(a, i * columns + k) - lft_get(c, j * columns + k), 2.0);
    return sum;
}

static double mean_square(const lfuse_tensor *a, const lfuse_tensor *c)
{
    int64_t n = lfuse_tensor_dim(a, 0), m = lfuse_tensor_dim(c, 0), i, j;
    double sum = 0.0;

    for (i = 0; i < n; i++)
        for (j = 0; j < m; j++)
            sum += square_of_rows(a, i, c, j);
    return sum / (double)(n * m);
}

static void sinkhorn_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {LFUSE_METRIC_SINKHORN,
                                                  "sinkhorn",
                                                  1,
                                                  1,
                                                  2,
                                                  "sinkhorn: a (9, 7) is all zero",
                                                  "sinkhorn: b (9, 7) is all zero"};

    /* Squares of 20 differences at most, of products of f32: 22 * 2^-24 of two norms each. */
    lft_metric_contract_within(*state, &facts, 64.0 * 0x1p-24);
}

/*
 * Rows of pi off by 1e-9 in all change the dual's value by at most that share of the largest
 * difference of potentials, some eight mean squares; and f64 rounding is below.
 */
static void sinkhorn_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    lfuse_similarity_options softmax = options_of(0.0, 0);
    size_t i;

    softmax.flags = LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS;
    for (i = 0; i < TRANSPORT; i++) {
        const struct transport *g = &transport[i];
        lfuse_tensor *a = transport_a(t, i, LFUSE_F64), *c = transport_c(t, i, LFUSE_F64);
        double slack = 8e-9 * mean_square(a, c);

        assert_true(fabs(divergence(t, a, c, 0.0, 0) - g->sinkhorn) <= slack);
        assert_true(fabs(divergence(t, a, c, 0.05, 100) - g->sinkhorn) <= slack);
        assert_true(fabs(divergence(t, a, c, 0.4, 0) - g->sinkhorn_loose) <= slack);
        assert_true(fabs(divergence(t, a, c, 0.0005, 0) - g->sinkhorn_tight) <= slack);
        assert_true(fabs(lft_metric_with(t, a, c, &softmax) - g->sinkhorn_softmax) <=
                    slack); /* of rows that are closer together */
        a = transport_a(t, i, LFUSE_F32);
        c = transport_c(t, i, LFUSE_F32);
        assert_true(fabs(divergence(t, a, c, 0.0, 0) - g->sinkhorn) <=
                    0x1p-20 * mean_square(a, c));
    }
}

/* One row each: nothing to choose, and the divergence is their squared distance. */
static void single_rows_are_as_far_as_they_are(void **state)
{
    static const double values[] = {3.0, 4.0, -1.0, 1.0};
    struct lft *t = *state;
    lfuse_tensor *a = lft_matrix(t, LFUSE_F32, values, 1, 2);
    lfuse_tensor *c = lft_matrix(t, LFUSE_F32, values + 2, 1, 2);

    assert_true(fabs(divergence(t, a, c, 0.0, 0) - 25.0) <= 25.0 * 8.0 * DBL_EPSILON);
}

/* Much entropy: pi is 1 / (n m), and what is left is the distance of the means, squared. */
static void much_regularisation_compares_means(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 30, 8, 0);
    lfuse_tensor *c = lft_affine(t, lft_tensor(t, LFUSE_F64, 2, 20, 8, 0), 1.0, 0.5);
    double want = 0.0, regularisation = 1e6;
    int64_t i, k;

    for (k = 0; k < 8; k++) {
        double mean = 0.0;

        for (i = 0; i < 30; i++)
            mean += lft_get(a, i * 8 + k) / 30.0;
        for (i = 0; i < 20; i++)
            mean -= lft_get(c, i * 8 + k) / 20.0;
        want += mean * mean;
    }
    /* the next term is a variance of the squares over eps: less than their square over it */
    assert_true(fabs(divergence(t, a, c, regularisation, 0) - want) <=
                16.0 * mean_square(a, c) / regularisation);
}

/*
 * Little entropy: each OT is between the cost of the best matching and eps ln n above it, so
 * the divergence is within eps ln n of the assignment's square.
 */
static void little_regularisation_finds_the_best_matching(void **state)
{
    struct lft *t = *state;
    uint64_t seed;

    for (seed = 0; seed < 5; seed++) {
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 2 * seed, 12, 5, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2 * seed + 1, 12, 5, 0);
        double eps = 1e-3 * mean_square(a, c);
        double want = lft_metric(t, a, c, LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 0);

        assert_true(fabs(divergence(t, a, c, 1e-3, 100000) - want * want) <=
                    eps * log(12.0));
    }
}

/* Whatever the regularisation, no exponential leaves its range. */
static void any_regularisation_gives_a_number(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 40, 30, 0);
    lfuse_tensor *c = lft_affine(t, lft_tensor(t, LFUSE_F32, 2, 25, 30, 0), 3.0, 0.25);
    double regularisation, most = 2.0 * mean_square(a, c), found;

    for (regularisation = 1e-300; regularisation < 1e300; regularisation *= 1e7) {
        found = divergence(t, a, c, regularisation, 30);
        assert_true(found >= 0.0 && found <= most);
    }
    assert_true(divergence(t, a, c, 1e300, 30) == divergence(t, a, c, 1e6, 30));
    assert_true(divergence(t, a, c, 5e-324, 30) == divergence(t, a, c, 1e-200, 30));
}

/* Order, common motions and scale, of converged values: see above for 8e-9. */
static void sinkhorn_ignores_order_and_common_motions(void **state)
{
    struct lft *t = *state;
    uint64_t draw;

    for (draw = 0; draw < DRAWS; draw++) {
        int n = 2 + (int)(draw % 13), m = 2 + (int)(draw * 7 % 17),
            d = 1 + (int)(draw % 9);
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 3 * draw, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 3 * draw + 1, m, d, 0);
        double want = divergence(t, a, c, 0.2, 10000), slack = 8e-9 * mean_square(a, c);

        assert_true(fabs(divergence(t, c, a, 0.2, 10000) - want) <= slack);
        assert_true(fabs(divergence(t, lft_permuted(t, a, 1, 1), lft_permuted(t, c, 3, 1),
                                    0.2, 10000) -
                         want) <= slack);
        assert_true(fabs(divergence(t, lft_rotated(t, a, draw), lft_rotated(t, c, draw),
                                    0.2, 10000) -
                         want) <= slack);
        assert_true(fabs(divergence(t, lft_affine(t, a, 1.0, 2.0),
                                    lft_affine(t, c, 1.0, 2.0), 0.2, 10000) -
                         want) <= slack);
        assert_true(fabs(divergence(t, lft_affine(t, a, -3.0, 0.0),
                                    lft_affine(t, c, -3.0, 0.0), 0.2, 10000) -
                         9.0 * want) <= 9.0 * slack);
        lft_forget_tensors(t);
    }
}

/* exp() as the solver takes it, against the C library's. */
static void exponentials_are_those_of_the_c_library(void **state)
{
    double x[1001], y[1001];
    int i;

    (void)state;
    for (i = 0; i < 1001; i++)
        x[i] = y[i] = 700.0 * lft_value(1, i) * pow(10.0, -(i % 8));
    x[0] = y[0] = -INFINITY;
    x[1] = y[1] = 1e300;
    lfi_vectors_exp(y, 1001);
    assert_true(y[0] > 0.0 && y[0] < 1e-303);
    assert_true(y[1] > 1e303 && isfinite(y[1]));
    for (i = 2; i < 1001; i++)
        assert_true(fabs(y[i] - exp(x[i])) <= 0x1p-51 * exp(x[i]));
}

static void bad_options_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *wider = lft_tensor(t, LFUSE_F32, 1, 9, 8, 0);
    lfuse_similarity_options o = options_of(-0.5, 0);

    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.regularisation is -0.5");
    o.regularisation = INFINITY;
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.regularisation is inf");
    o = options_of(0.0, -1);
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.iterations is -1");
    o = options_of(0.0, 0);
    lft_metric_fails(t, a, wider, &o, LFUSE_ERR_SHAPE, "a is (9, 7), b is (9, 8)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(sinkhorn_keeps_what_every_metric_promises),
        lft_test(sinkhorn_has_its_reference_values),
        lft_test(single_rows_are_as_far_as_they_are),
        lft_test(much_regularisation_compares_means),
        lft_test(little_regularisation_finds_the_best_matching),
        lft_test(any_regularisation_gives_a_number),
        lft_test(sinkhorn_ignores_order_and_common_motions),
        lft_test(exponentials_are_those_of_the_c_library),
        lft_test(bad_options_are_named),
    };

    return cmocka_run_group_tests_name("similarity_sinkhorn", tests, NULL, NULL);
}
