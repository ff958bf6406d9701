/*
 * test_similarity_assignment.c - the distance after the best matching of the rows: reference
 * values, what leaves it alone, unequal rows, the matching itself, errors
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden_transport.h"

enum { DRAWS = 100 };

/* The small example of rows, which are matched as 1, 3, 2, 0. */
static lfuse_tensor *matched_a(struct lft *t)
{
    static const double values[] = {1, 2, 3, 4, 5, 7, 2, 0};

    return lft_matrix(t, LFUSE_F64, values, 4, 2);
}

static lfuse_tensor *matched_c(struct lft *t)
{
    static const double values[] = {2, 1, 0, 1, 4, 4, 1, 3};

    return lft_matrix(t, LFUSE_F64, values, 4, 2);
}

static lfuse_similarity_options options_of(double exponent, uint32_t flags)
{
    lfuse_similarity_options o =
        lft_metric_options(LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 0);

    o.exponent = exponent;
    o.flags = flags;
    return o;
}

static double with(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                   double exponent, uint32_t flags)
{
    lfuse_similarity_options o = options_of(exponent, flags);

    return lft_metric_with(t, a, c, &o);
}

static double distance(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c)
{
    return with(t, a, c, 0.0, 0);
}

/*
 * Sums of n squares of d differences, and a root: some (n + d) / 2 roundings of a relative
 * 2^-53 each; pow() and exp() are good to a few more. Near-ties may swap pairs of as equal sums.
 */
static void is_near(const lfuse_tensor *a, double got, double want)
{
    double terms = (double)(lfuse_tensor_dim(a, 0) + lfuse_tensor_dim(a, 1) + 16);

    assert_true(fabs(got - want) <= terms * DBL_EPSILON * want);
}

static void assignment_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT,
        "wasserstein_assignment",
        1,
        1,
        1,
        "wasserstein_assignment: a (9, 7) is all zero",
        "wasserstein_assignment: b (9, 7) is all zero"};

    lft_metric_contract(*state, &facts);
}

static void assignment_has_its_reference_values(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = matched_a(t), *c = matched_c(t);
    size_t i;

    is_near(a, distance(t, a, c), sqrt(4.5));
    for (i = 0; i < TRANSPORT; i++) {
        const struct transport *g = &transport[i];

        a = transport_a(t, i, LFUSE_F64);
        c = transport_c(t, i, LFUSE_F64);
        is_near(a, distance(t, a, c), g->assignment);
        is_near(a, with(t, a, c, 1.0, 0), g->assignment_1);
        is_near(a, with(t, a, c, 2.0, 0), g->assignment);
        is_near(a, with(t, a, c, 3.5, 0), g->assignment_3_5);
        is_near(a, with(t, a, c, 0.0, LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS),
                g->assignment_softmax);
        /* each value moves by at most 2^-24 of 1 + share, or not at all; so do distances */
        a = transport_a(t, i, LFUSE_F32);
        c = transport_c(t, i, LFUSE_F32);
        assert_true(fabs(distance(t, a, c) - g->assignment) <=
                    0x1p-23 * sqrt((double)g->columns));
    }
}

/* A matching of a's rows that costs as much as it says, and uses no row twice. */
static void check_matching(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                           const int64_t *matched, double found)
{
    int64_t rows = lfuse_tensor_dim(a, 0), c_rows = lfuse_tensor_dim(c, 0), i, k, n = 0;
    int64_t columns = lfuse_tensor_dim(a, 1);
    double sum = 0.0;

    (void)t;
    for (i = 0; i < rows; i++) {
        if (matched[i] < 0)
            continue;
        assert_in_range(matched[i], 0, c_rows - 1);
        for (k = 0; k < i; k++)
            assert_true(matched[k] != matched[i]);
        for (k = 0, n++; k < columns; k++)
            sum += pow(lft_get(a, i * columns + k) - lft_get(c, matched[i] * columns + k),
                       2.0);
    }
    assert_int_equal(n, rows < c_rows ? rows : c_rows);
    is_near(a, found, sqrt(sum / (double)n));
}

static void the_matching_is_returned(void **state)
{
    static const int64_t want[] = {1, 3, 2, 0};
    struct lft *t = *state;
    lfuse_tensor *a = matched_a(t), *c = matched_c(t);
    int64_t matched[64], i;
    double out = NAN;
    size_t k;

    lft_ok(t, lfuse_similarity_assignment(t->ctx, a, c, NULL, matched, &out, &t->err));
    assert_memory_equal(matched, want, sizeof(want));
    assert_true(out == distance(t, a, c));
    for (k = 0; k < TRANSPORT; k++) { /* two of them have more rows on one side */
        a = transport_a(t, k, LFUSE_F32);
        c = transport_c(t, k, LFUSE_F32);
        lft_ok(t,
               lfuse_similarity_assignment(t->ctx, a, c, NULL, matched, &out, &t->err));
        assert_true(out == distance(t, a, c));
        check_matching(t, a, c, matched, out);
        is_near(a, distance(t, c, a), out);
        lft_ok(t,
               lfuse_similarity_assignment(t->ctx, a, a, NULL, matched, &out, &t->err));
        for (i = 0; i < lfuse_tensor_dim(a, 0); i++)
            assert_int_equal(matched[i], i);
        assert_true(out == 0.0);
    }
}

/* Rows that were moved are found again: all pairs are equal, to the bit. */
static void a_permutation_is_found(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    struct lft *t = *state;
    int64_t matched[50], i;
    double out = NAN;
    int k;

    for (k = 0; k < 4; k++) {
        lfuse_tensor *a = lft_tensor(t, types[k], 1, 50, 12, 0);
        lfuse_tensor *c = lft_permuted(t, a, 7, 0);

        lft_ok(t,
               lfuse_similarity_assignment(t->ctx, a, c, NULL, matched, &out, &t->err));
        assert_true(out == 0.0);
        for (i = 0; i < 50; i++)
            assert_int_equal(matched[i], (i + 7) % 50);
    }
}

/* Rows that are almost alike, far from zero: what they share must not cost the digits. */
static void near_rows_keep_their_digits(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *noise = lft_tensor(t, LFUSE_F32, 2, 40, 300, 0);
    lfuse_tensor *a = lft_affine(t, lft_tensor(t, LFUSE_F32, 1, 40, 300, 0), 1.0, 512.0);
    lfuse_tensor *c = lft_sum(t, a, 0x1p-9, noise);
    int64_t matched[40], i;
    double out = NAN, sum = 0.0;

    for (i = 0; i < 40 * 300; i++)
        sum += pow(lft_get(a, i) - lft_get(c, i), 2.0);
    lft_ok(t, lfuse_similarity_assignment(t->ctx, a, lft_permuted(t, c, 3, 0), NULL,
                                          matched, &out, &t->err));
    for (i = 0; i < 40; i++)
        assert_int_equal(matched[i], (i + 3) % 40);
    is_near(a, out, sqrt(sum / 40.0));
}

/*
 * The order of rows, a common motion of both sides, and a common scale. Rotations round each
 * value by some columns * 2^-53, more where values cancel.
 */
static void assignment_ignores_order_and_common_motions(void **state)
{
    struct lft *t = *state;
    uint64_t draw;

    for (draw = 0; draw < DRAWS; draw++) {
        int n = 2 + (int)(draw % 13), m = 2 + (int)(draw * 7 % 17),
            d = 1 + (int)(draw % 9);
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 3 * draw, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 3 * draw + 1, m, d, 0);
        double p = 1.0 + (double)(draw % 4), want = with(t, a, c, p, 0);

        is_near(a, with(t, lft_permuted(t, a, 1 + (int)draw % n, 0), c, p, 0), want);
        is_near(a, with(t, a, lft_permuted(t, c, 1 + (int)draw % m, 0), p, 0), want);
        is_near(a, with(t, c, a, p, 0), want);
        is_near(a, with(t, lft_permuted(t, a, 0, 1), lft_permuted(t, c, 0, 1), p, 0),
                want);
        is_near(a,
                with(t, lft_affine(t, a, -3.0, 0.0), lft_affine(t, c, -3.0, 0.0), p, 0),
                3.0 * want);
        assert_true(fabs(with(t, lft_rotated(t, a, draw), lft_rotated(t, c, draw), p, 0) -
                         want) <= 64.0 * d * DBL_EPSILON * sqrt((double)d));
        assert_true(
            fabs(with(t, lft_affine(t, a, 1.0, 5.0), lft_affine(t, c, 1.0, 5.0), p, 0) -
                 want) <= 64.0 * DBL_EPSILON * sqrt((double)d));
        lft_forget_tensors(t);
    }
}

static void rows_that_are_few_or_all_alike_have_a_distance(void **state)
{
    static const double values[] = {3.0, 4.0, 3.0, 4.0, 3.0, 4.0};
    struct lft *t = *state;
    lfuse_tensor *one = lft_matrix(t, LFUSE_F32, values, 1, 2);
    lfuse_tensor *alike = lft_matrix(t, LFUSE_F32, values, 3, 2);
    lfuse_tensor *negative = lft_affine(t, alike, -1.0, 0.0);
    double p;

    for (p = 1.0; p < 2000.0; p *= 3.0) {
        assert_true(with(t, one, alike, p, 0) == 0.0);
        assert_true(with(t, alike, one, p, 0) == 0.0);
        assert_true(with(t, alike, negative, p, 0) == 10.0);
        assert_true(with(t, one, negative, p, 0) == 10.0);
    }
}

static void bad_options_and_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *wider = lft_tensor(t, LFUSE_F32, 1, 9, 8, 0);
    lfuse_similarity_options o = options_of(0.5, 0);
    int64_t matched[9];
    double out = 12345.0;

    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.exponent is 0.5");
    o.exponent = NAN;
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.exponent is nan");
    o.exponent = -2.0;
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.exponent is -2");
    o = options_of(0.0, 0x60);
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT,
                     "options.flags has unknown bits: 0x60");
    o = options_of(0.0, 0);
    lft_metric_fails(t, a, wider, &o, LFUSE_ERR_SHAPE, "a is (9, 7), b is (9, 8)");
    o.metric = LFUSE_METRIC_COSINE;
    lft_fails(t, lfuse_similarity_assignment(t->ctx, a, a, &o, matched, &out, &t->err),
              LFUSE_ERR_ARGUMENT, "options.metric is cosine, which assigns no rows");
    lft_fails(t, lfuse_similarity_assignment(t->ctx, a, a, NULL, NULL, &out, &t->err),
              LFUSE_ERR_ARGUMENT, "assignment is NULL");
    lft_fails(t, lfuse_similarity_assignment(t->ctx, a, a, NULL, matched, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "out is NULL");
    lft_fails(t,
              lfuse_similarity_assignment(t->ctx, NULL, a, NULL, matched, &out, &t->err),
              LFUSE_ERR_ARGUMENT, "a is NULL");
    lft_fails(t,
              lfuse_similarity_assignment(t->ctx, a, NULL, NULL, matched, &out, &t->err),
              LFUSE_ERR_ARGUMENT, "b is NULL");
    lft_fails(t, lfuse_similarity_assignment(NULL, a, a, NULL, matched, &out, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_set(a, 3, NAN);
    lft_fails(t, lfuse_similarity_assignment(t->ctx, a, a, NULL, matched, &out, &t->err),
              LFUSE_ERR_NOT_FINITE, "a is NaN at row 0, column 3 of (9, 7)");
    assert_true(out == 12345.0);
}

static lfuse_status match_once(struct lft *t, void *arg)
{
    int64_t matched[9];
    double out = 12345.0;
    lfuse_status status = lfuse_similarity_assignment(t->ctx, t->tensors[0], arg, NULL,
                                                      matched, &out, &t->err);

    assert_true(status == LFUSE_OK || out == 12345.0);
    return status;
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;

    (void)lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lft_every_allocation_fails(t, match_once, lft_tensor(t, LFUSE_F32, 2, 11, 7, 0));
}

static void a_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_affine(t, lft_tensor(t, LFUSE_F64, 1, 8, 8, 0), 0.0, DBL_MAX);
    lfuse_tensor *c = lft_affine(t, a, -1.0, 0.0);
    lfuse_similarity_options o = options_of(0.0, 0);

    lft_metric_fails(t, a, c, &o, LFUSE_ERR_NOT_FINITE, "a and b is beyond f64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(assignment_keeps_what_every_metric_promises),
        lft_test(assignment_has_its_reference_values),
        lft_test(the_matching_is_returned),
        lft_test(a_permutation_is_found),
        lft_test(near_rows_keep_their_digits),
        lft_test(assignment_ignores_order_and_common_motions),
        lft_test(rows_that_are_few_or_all_alike_have_a_distance),
        lft_test(bad_options_and_arguments_are_named),
        lft_test(every_refused_allocation_is_an_error),
        lft_test(a_distance_beyond_f64_is_an_error),
    };

    return cmocka_run_group_tests_name("similarity_assignment", tests, NULL, NULL);
}
