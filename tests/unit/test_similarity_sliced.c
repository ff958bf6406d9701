/*
 * test_similarity_sliced.c - the distance of the rows along random directions: reference values,
 * one column, unequal rows, seeds, threads, errors; the numbers drawn, and their order
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden_transport.h"
#include "similarity/directions.h"

enum { DRAWS = 100 };

static lfuse_similarity_options options_of(double exponent, int64_t projections,
                                           uint64_t seed)
{
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_WASSERSTEIN_SLICED, 0);

    o.exponent = exponent;
    o.projections = projections;
    o.seed = seed;
    return o;
}

static double distance(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                       double exponent, int64_t projections, uint64_t seed)
{
    lfuse_similarity_options o = options_of(exponent, projections, seed);

    return lft_metric_with(t, a, c, &o);
}

static void sliced_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_WASSERSTEIN_SLICED,
        "wasserstein_sliced",
        1,
        1,
        1,
        "wasserstein_sliced: a (9, 7) is all zero",
        "wasserstein_sliced: b (9, 7) is all zero"};

    /* A product of 20 terms is off by 22 * 2^-24 of their sizes, some eight times itself. */
    lft_metric_contract_within(*state, &facts, 8.0 * 22.0 * 0x1p-24);
}

/* Directions are off by 2^-20 in each number, and f32 products by 330 * 2^-24 at most. */
static void sliced_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    lfuse_similarity_options softmax = options_of(0.0, 0, 7);
    size_t i;

    softmax.flags = LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS;
    for (i = 0; i < TRANSPORT; i++) {
        const struct transport *g = &transport[i];
        lfuse_tensor *a = transport_a(t, i, LFUSE_F64), *c = transport_c(t, i, LFUSE_F64);
        double slack = 0x1p-18;

        assert_true(fabs(distance(t, a, c, 0.0, 0, 7) - g->sliced) <= slack * g->sliced);
        assert_true(fabs(distance(t, a, c, 1.0, 20, 7) - g->sliced_1_20) <=
                    slack * g->sliced_1_20);
        assert_true(fabs(distance(t, a, c, 3.5, 1, 7) - g->sliced_3_5_1) <=
                    slack * g->sliced_3_5_1);
        assert_true(fabs(lft_metric_with(t, a, c, &softmax) - g->sliced_softmax) <=
                    slack * g->sliced_softmax);
        a = transport_a(t, i, LFUSE_F32);
        c = transport_c(t, i, LFUSE_F32);
        slack = 0x1p-15;
        assert_true(fabs(distance(t, a, c, 0.0, 0, 7) - g->sliced) <= slack * g->sliced);
        assert_true(fabs(lft_metric_with(t, a, c, &softmax) - g->sliced_softmax) <=
                    slack * g->sliced_softmax);
    }
}

/* Nothing but the sign is left to chance: the best matching, of equal rows. */
static void one_column_is_exact(void **state)
{
    struct lft *t = *state;
    uint64_t seed;

    for (seed = 0; seed < 20; seed++) {
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 2 * seed, 30, 1, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2 * seed + 1, 30, 1, 0);
        double want = lft_metric(t, a, c, LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 0);

        /* z x / |z| instead of x: three roundings, and the 30 of the sum */
        assert_true(fabs(distance(t, a, c, 2.0, 3, seed) - want) <=
                    64.0 * DBL_EPSILON * want);
    }
}

static lfuse_tensor *repeated(struct lft *t, const lfuse_tensor *x, int times)
{
    int rows = (int)lfuse_tensor_dim(x, 0), columns = (int)lfuse_tensor_dim(x, 1), i;
    lfuse_tensor *y = lft_tensor(t, lfuse_tensor_dtype(x), 0, rows * times, columns, 0);

    for (i = 0; i < rows * times * columns; i++)
        lft_set(y, i, lft_get(x, i % (rows * columns)));
    return y;
}

/* Rows that are there several times weigh as much: 6 and 10 rows are 30 and 30. */
static void unequal_rows_share_their_mass(void **state)
{
    struct lft *t = *state;
    uint64_t seed;
    double p;

    for (seed = 0; seed < 10; seed++) {
        lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 2 * seed, 6, 5, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2 * seed + 1, 10, 5, 0);

        for (p = 1.0; p < 4.0; p += 0.75) {
            double want =
                distance(t, repeated(t, a, 5), repeated(t, c, 3), p, 0, seed + 1);

            assert_true(fabs(distance(t, a, c, p, 0, seed + 1) - want) <=
                        64.0 * DBL_EPSILON * want);
            assert_true(fabs(distance(t, c, a, p, 0, seed + 1) - want) <=
                        64.0 * DBL_EPSILON * want);
        }
    }
}

/*
 * C is A moved by v: along z every row moves by z.v, so that d^2 is the mean of (z.v)^2, whose
 * mean is |v|^2 / columns, and whose standard deviation sqrt(2) of it at most.
 */
static void a_shift_is_seen_by_its_share(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 20, 12, 0);
    lfuse_tensor *c = lft_affine(t, a, 1.0, 0.5);
    double found = distance(t, a, c, 2.0, 8192, 5), want = 0.25;

    assert_true(fabs(found * found - want) <= 6.0 * sqrt(2.0 / 8192.0) * want);
}

/* No direction sees more than there is; order and common motions change nothing. */
static void sliced_ignores_order_and_common_shifts(void **state)
{
    struct lft *t = *state;
    uint64_t draw;

    for (draw = 0; draw < DRAWS; draw++) {
        int n = 2 + (int)(draw % 13), m = 2 + (int)(draw * 7 % 17),
            d = 1 + (int)(draw % 9);
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 3 * draw, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 3 * draw + 1, m, d, 0);
        double p = 1.0 + (double)(draw % 3), want = distance(t, a, c, p, 17, draw + 1);

        assert_true(distance(t, lft_permuted(t, a, 1, 0), lft_permuted(t, c, 1, 0), p, 17,
                             draw + 1) == want);
        assert_true(fabs(distance(t, c, a, p, 17, draw + 1) - want) <=
                    64.0 * DBL_EPSILON * want);
        assert_true(distance(t, lft_affine(t, a, 4.0, 0.0), lft_affine(t, c, 4.0, 0.0), p,
                             17, draw + 1) == 4.0 * want);
        assert_true(fabs(distance(t, lft_affine(t, a, -1.0, 0.0),
                                  lft_affine(t, c, -1.0, 0.0), p, 17, draw + 1) -
                         want) <= 64.0 * DBL_EPSILON * want); /* summed backwards */
        assert_true(fabs(distance(t, lft_affine(t, a, 1.0, 2.0),
                                  lft_affine(t, c, 1.0, 2.0), p, 17, draw + 1) -
                         want) <= 64.0 * d * DBL_EPSILON);
        if (n == m)
            assert_true(
                want <= (1.0 + 1e-12) *
                            lft_metric(t, a, c, LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 0) ||
                p > 2.0);
        lft_forget_tensors(t);
    }
}

static void seeds_and_threads(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 70, 300, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2, 90, 300, 0);
    lfuse_similarity_options o = options_of(0.0, 50, 9);
    double want = lft_metric_with(t, a, c, &o), out = NAN;
    int32_t threads;

    assert_true(distance(t, a, c, 0.0, 50, 10) != want);
    assert_true(distance(t, a, c, 0.0, 50, 0) != want); /* the context's */
    assert_true(distance(t, a, c, 0.0, 50, 0) == distance(t, a, c, 0.0, 50, 0));
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        lft_ok(t, lfuse_similarity(ctx, a, c, &o, &out, &t->err));
        assert_true(out == want);
        lfuse_context_destroy(ctx);
    }
}

/* Products are summed in other orders, and fused or not: 330 * 2^-24 of their sizes. */
static void every_instruction_set_finds_about_the_same(void **state)
{
    static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};
    static const lfuse_metric metrics[] = {
        LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, LFUSE_METRIC_WASSERSTEIN_CENTROID,
        LFUSE_METRIC_WASSERSTEIN_SLICED, LFUSE_METRIC_SINKHORN};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 70, 300, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2, 90, 300, 0);
    int i, m;

    for (m = 0; m < 4; m++)
        for (i = 0; i < 3 && lft_runs(isas[i]); i++) {
            lfuse_similarity_options o = lft_metric_options(metrics[m], 0);
            lfuse_context *ctx = lft_context(t, 1, isas[i]);
            double want = lft_metric_with(t, a, c, &o), out = NAN;

            lft_ok(t, lfuse_similarity(ctx, a, c, &o, &out, &t->err));
            assert_true(fabs(out - want) <= 0x1p-15 * want);
            lfuse_context_destroy(ctx);
        }
}

static int32_t refuse(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return 3;
}

static void an_executor_that_refuses_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_similarity_options o = options_of(0.0, 0, 0);
    lfuse_context_options options;
    lfuse_context *ctx;
    double out = 12345.0;

    lfuse_context_options_init(&options, sizeof(options));
    options.executor.parallel_for = refuse;
    options.executor.concurrency = 1;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_fails(t, lfuse_similarity(ctx, a, a, &o, &out, &t->err), LFUSE_ERR_CALLBACK,
              "parallel_for returned 3");
    assert_true(out == 12345.0);
    lfuse_context_destroy(ctx);
}

static void bad_options_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *wider = lft_tensor(t, LFUSE_F32, 1, 9, 8, 0);
    lfuse_similarity_options o = options_of(0.0, -3, 0);

    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.projections is -3");
    o.projections = INT64_MAX;
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_OVERFLOW,
                     "the scratch of wasserstein_sliced does not fit");
    o = options_of(0.0, 0, 0);
    lft_metric_fails(t, a, wider, &o, LFUSE_ERR_SHAPE, "a is (9, 7), b is (9, 8)");
}

static void a_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_affine(t, lft_tensor(t, LFUSE_F64, 1, 8, 1, 0), 0.0, DBL_MAX);
    lfuse_tensor *c = lft_affine(t, a, -1.0, 0.0);
    lfuse_similarity_options o = options_of(0.0, 0, 0);

    lft_metric_fails(t, a, c, &o, LFUSE_ERR_NOT_FINITE, "a and b is beyond f64");
}

/* ---- what directions are made of ------------------------------------------------------------ */

static void normal_numbers_are_those_of_the_formula(void **state)
{
    float z[301];
    int i;

    (void)state;
    z[300] = 7.0f;
    lfi_normals(5, 6, 300, z);
    for (i = 0; i < 300; i++) {
        uint64_t word = lfi_random_u64(5, 6, (uint64_t)i / 2);
        double u = (double)((word >> 40) + 1) * 0x1p-24;
        double v = (double)(int32_t)(uint32_t)word * 0x1p-32 * 2.0 * 3.14159265358979324;
        double radius = sqrt(-2.0 * log(u));

        assert_true(fabs((double)z[i] - radius * (i % 2 == 0 ? cos(v) : sin(v))) <=
                    0x1p-18); /* 2^-20 of at most 5.8 */
    }
    assert_true(z[300] == 7.0f);
}

/* Of 2^18 numbers each moment is within six of its standard deviations. */
static void normal_numbers_have_the_moments_of_the_normal_law(void **state)
{
    enum { N = 1 << 18 };
    static float z[N];
    double one = 0.0, two = 0.0, four = 0.0;
    int i;

    (void)state;
    lfi_normals(1, 2, N, z);
    for (i = 0; i < N; i++) {
        one += z[i] / (double)N;
        two += pow(z[i], 2.0) / N;
        four += pow(z[i], 4.0) / N;
    }
    assert_true(fabs(one) <= 6.0 / sqrt(N));
    assert_true(fabs(two - 1.0) <= 6.0 * sqrt(2.0 / N));
    assert_true(fabs(four - 3.0) <= 6.0 * sqrt(96.0 / N));
}

static int compare_numbers(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

/* Wide ranges, ties, both zeros, infinities; every count that leaves out bytes or not. */
static void numbers_are_sorted(void **state)
{
    double x[300], y[300];
    uint64_t words[600];
    uint32_t halves[600];
    float z[300];
    int n, i;

    (void)state;
    for (n = 1; n <= 300; n++) {
        for (i = 0; i < n; i++) {
            double value = lft_value((uint64_t)n, i);

            value = n % 3 == 0   ? ldexp(value, (int)(200.0 * lft_value(3, i)))
                    : n % 3 == 1 ? floor(3.0 * value)
                                 : value;
            y[i] = x[i] = (double)(z[i] = (float)value);
        }
        if (n > 5) {
            y[2] = x[2] = (double)(z[2] = INFINITY);
            y[4] = x[4] = (double)(z[4] = -INFINITY);
        }
        qsort(y, (size_t)n, sizeof(*y), compare_numbers);
        lfi_sort_f64(x, n, words);
        lfi_sort_f32(z, n, halves);
        for (i = 0; i < n; i++)
            assert_true(x[i] == y[i] && (double)z[i] == y[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(sliced_keeps_what_every_metric_promises),
        lft_test(sliced_has_its_reference_values),
        lft_test(one_column_is_exact),
        lft_test(unequal_rows_share_their_mass),
        lft_test(a_shift_is_seen_by_its_share),
        lft_test(sliced_ignores_order_and_common_shifts),
        lft_test(seeds_and_threads),
        lft_test(every_instruction_set_finds_about_the_same),
        lft_test(an_executor_that_refuses_is_an_error),
        lft_test(bad_options_are_named),
        lft_test(a_distance_beyond_f64_is_an_error),
        lft_test(normal_numbers_are_those_of_the_formula),
        lft_test(normal_numbers_have_the_moments_of_the_normal_law),
        lft_test(numbers_are_sorted),
    };

    return cmocka_run_group_tests_name("similarity_sliced", tests, NULL, NULL);
}
