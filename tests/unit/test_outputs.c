/*
 * test_outputs.c - mean and spread of a layer's channels: by definition, in any order, to the bit
 * where they must be; what matches them; errors that change nothing
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CHANNELS = 5 };

static lfuse_outputs *create(struct lft *t, int64_t channels)
{
    lfuse_outputs *o;

    lft_ok(t, lfuse_outputs_create(t->ctx, channels, &o, &t->err));
    assert_int_equal(lfuse_outputs_samples(o), 0);
    return o;
}

static lfuse_outputs *outputs_of(struct lft *t, const lfuse_tensor *batch, int32_t axis)
{
    lfuse_outputs *o = create(t, lfuse_tensor_dim(batch, axis));

    lft_ok(t, lfuse_outputs_accumulate(o, batch, axis, &t->err));
    return o;
}

/* As many numbers of [-1, 1) in each channel of (n, CHANNELS, inner), stretched and moved. */
static lfuse_tensor *images(struct lft *t, lfuse_dtype dtype, uint64_t seed, int n,
                            int inner)
{
    lfuse_tensor *x = lft_tensor(t, dtype, seed, n, CHANNELS, inner, 0);
    int i;

    for (i = 0; i < n * CHANNELS * inner; i++) {
        const int c = i / inner % CHANNELS;

        lft_set(x, i, lft_get(x, i) * (double)(1 << c) + 4.0 * c);
    }
    return x;
}

/*
 * Both sides sum n numbers of at most `reach`, and n squares of distances. The mean of one is off
 * by at most n eps reach, and with it every distance; the second order of that is left of the
 * squares, beside their own rounding.
 */
static void check_moments(const lfuse_outputs *o, int64_t channel, int64_t n, double mean,
                          double squares, double reach)
{
    const double eps = (double)n * DBL_EPSILON;

    assert_int_equal(lfuse_outputs_samples(o), n);
    assert_true(fabs(lfuse_outputs_means(o)[channel] - mean) <= 2.0 * eps * reach);
    assert_true(fabs(lfuse_outputs_squares(o)[channel] - squares) <=
                4.0 * eps * squares + (double)n * 4.0 * eps * eps * reach * reach);
}

/* channel c of x, whose elements are (outer, CHANNELS, inner). */
static void check_definition(const lfuse_outputs *o, const lfuse_tensor *x, int outer,
                             int inner)
{
    double sum, squares, reach, d;
    int c, i, j;

    for (c = 0; c < CHANNELS; c++) {
        sum = squares = reach = 0.0;
        for (i = 0; i < outer; i++)
            for (j = 0; j < inner; j++) {
                d = lft_get(x, (i * CHANNELS + c) * inner + j);
                sum += d;
                reach = fmax(reach, fabs(d));
            }
        sum /= outer * inner;
        for (i = 0; i < outer; i++)
            for (j = 0; j < inner; j++) {
                d = lft_get(x, (i * CHANNELS + c) * inner + j) - sum;
                squares += d * d;
            }
        check_moments(o, c, (int64_t)outer * inner, sum, squares, reach);
    }
}

/* ---- values --------------------------------------------------------------------------------- */

static void moments_are_those_of_the_definition(void **state)
{
    static const lfuse_dtype dtypes[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    static const int shapes[][2] = {{1, 1}, {1, 3}, {7, 1}, {3, 700}, {2100, 1}, {9, 64}};
    const uint32_t control = lft_float_control();
    struct lft *t = *state;
    int i, k;

    for (k = 0; k < 4; k++)
        for (i = 0; i < 6; i++) {
            lfuse_tensor *x =
                images(t, dtypes[k], (uint64_t)i, shapes[i][0], shapes[i][1]);
            lfuse_outputs *o = outputs_of(t, x, 1);

            check_definition(o, x, shapes[i][0], shapes[i][1]);
            lfuse_outputs_destroy(o);
        }
    assert_int_equal(lft_float_control(), control);
}

/* The same numbers in the same order: NCHW, NHWC, and a view that is turned. */
static void where_the_channels_are_changes_no_bit(void **state)
{
    enum { N = 6, INNER = 9 };
    const int64_t dims[] = {N, INNER, CHANNELS};
    const int64_t strides[] = {CHANNELS * INNER, 1, INNER};
    struct lft *t = *state;
    lfuse_tensor *x = images(t, LFUSE_F32, 3, N, INNER);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F32, 0, N, INNER, CHANNELS, 0);
    lfuse_tensor *turned =
        lft_strided(t, LFUSE_F32, lfuse_tensor_data(x), 3, dims, strides);
    lfuse_outputs *a, *b, *c;
    int i;

    for (i = 0; i < N * INNER * CHANNELS; i++)
        lft_set(y, i,
                lft_get(x, (i / CHANNELS / INNER * CHANNELS + i % CHANNELS) * INNER +
                               i / CHANNELS % INNER));
    a = outputs_of(t, x, 1);
    b = outputs_of(t, y, 2);
    c = outputs_of(t, turned, 2);
    assert_memory_equal(lfuse_outputs_means(a), lfuse_outputs_means(b), CHANNELS * 8);
    assert_memory_equal(lfuse_outputs_squares(a), lfuse_outputs_squares(b), CHANNELS * 8);
    assert_memory_equal(lfuse_outputs_means(a), lfuse_outputs_means(c), CHANNELS * 8);
    assert_memory_equal(lfuse_outputs_squares(a), lfuse_outputs_squares(c), CHANNELS * 8);
    lfuse_outputs_destroy(a);
    lfuse_outputs_destroy(b);
    lfuse_outputs_destroy(c);
}

/* Multiples of 2^-15 and 2^30 add without rounding, so all distances are what they were. */
static void what_all_samples_have_in_common_costs_no_digits(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F64, 1, 1000, 1, 0);
    lfuse_outputs *near = outputs_of(t, x, 1);
    lfuse_outputs *far = outputs_of(t, lft_affine(t, x, 1.0, 0x1p30), 1);

    /* the mean is rounded to 2^-23, a distance from it to half of that */
    assert_true(fabs(*lfuse_outputs_squares(far) - *lfuse_outputs_squares(near)) <=
                1000.0 * (0x1p-22 * 0x1p-22 + 1000.0 * DBL_EPSILON));
    assert_true(fabs(*lfuse_outputs_means(far) - *lfuse_outputs_means(near) - 0x1p30) <=
                0x1p-22);
    lfuse_outputs_destroy(near);
    lfuse_outputs_destroy(far);
}

/* 0.1 is no dyadic fraction: sums of it round. 3000 samples take several chunks. */
static void samples_that_are_all_equal_do_not_spread_at_all(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F64, 1, 3000, 1, 0);
    lfuse_outputs *o;
    int i;

    for (i = 0; i < 3000; i++)
        lft_set(x, i, 0.1);
    o = outputs_of(t, x, 1);
    lft_ok(t, lfuse_outputs_accumulate(o, x, 1, &t->err));
    assert_int_equal(lfuse_outputs_samples(o), 6000);
    assert_true(*lfuse_outputs_means(o) == 0.1);
    assert_true(*lfuse_outputs_squares(o) == 0.0);
    lfuse_outputs_destroy(o);
}

/* ---- many accumulators ------------------------------------------------------------------------ */

/* Against all samples in one batch. */
static void merging_and_adding_is_accumulating_it_all(void **state)
{
    enum { N = 50, FIRST = 13 };
    const int64_t dims[] = {N - FIRST, CHANNELS, 2}, strides[] = {CHANNELS * 2, 2, 1};
    struct lft *t = *state;
    lfuse_tensor *x = images(t, LFUSE_F64, 1, N, 2);
    double *data = lfuse_tensor_data(x);
    lfuse_tensor *head = lft_borrow(t, LFUSE_F64, data, FIRST, CHANNELS, 2, 0);
    lfuse_tensor *tail =
        lft_strided(t, LFUSE_F64, data + (size_t)FIRST * CHANNELS * 2, 3, dims, strides);
    lfuse_outputs *a = outputs_of(t, head, 1), *b = outputs_of(t, tail, 1);
    lfuse_outputs *told = create(t, CHANNELS);

    lft_ok(t, lfuse_outputs_add(told, lfuse_outputs_samples(b), lfuse_outputs_means(b),
                                lfuse_outputs_squares(b), &t->err));
    lft_ok(t, lfuse_outputs_add(told, 0, lfuse_outputs_means(b), lfuse_outputs_squares(b),
                                &t->err)); /* of a process that had none */
    lft_ok(t, lfuse_outputs_merge(told, a, &t->err));
    check_definition(told, x, N, 2);
    lft_ok(t, lfuse_outputs_accumulate(a, tail, 1, &t->err));
    check_definition(a, x, N, 2);
    lfuse_outputs_destroy(a);
    lfuse_outputs_destroy(b);
    lfuse_outputs_destroy(told);
}

static void threads_of_the_context_change_no_bit(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = images(t, LFUSE_F32, 5, 40, 33);
    lfuse_outputs *serial = outputs_of(t, x, 1), *pooled;
    int threads;

    for (threads = 2; threads <= 4; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        lft_ok(t, lfuse_outputs_create(ctx, CHANNELS, &pooled, &t->err));
        lft_ok(t, lfuse_outputs_accumulate(pooled, x, 1, &t->err));
        assert_memory_equal(lfuse_outputs_means(pooled), lfuse_outputs_means(serial),
                            CHANNELS * sizeof(double));
        assert_memory_equal(lfuse_outputs_squares(pooled), lfuse_outputs_squares(serial),
                            CHANNELS * sizeof(double));
        lfuse_outputs_destroy(pooled);
        lfuse_context_destroy(ctx);
    }
    lfuse_outputs_destroy(serial);
}

/* ---- matching ----------------------------------------------------------------------------------- */

/* y becomes scale * y + shift, in f64. */
static void correct(lfuse_tensor *y, int n, int inner, const double *scale,
                    const double *shift)
{
    int i;

    for (i = 0; i < n * CHANNELS * inner; i++) {
        const int c = i / inner % CHANNELS;

        lft_set(y, i, scale[c] * lft_get(y, i) + shift[c]);
    }
}

/* A quotient, a root and two products round, and sums of n terms on either side. */
static void matched_outputs_have_the_moments_of_the_original(void **state)
{
    enum { N = 30, INNER = 4 };
    static const double narrower[CHANNELS] = {0.01, 0.02, 0.03, 0.04, 0.05};
    static const double moved[CHANNELS] = {-7.0, -7.0, -7.0, -7.0, -7.0};
    struct lft *t = *state;
    lfuse_tensor *x = images(t, LFUSE_F64, 1, 2 * N, INNER);
    lfuse_tensor *y = images(t, LFUSE_F64, 2, N, INNER);
    lfuse_outputs *original = outputs_of(t, x, 1);
    const double eps = 16.0 * 2 * N * INNER * DBL_EPSILON;
    double scale[CHANNELS], shift[CHANNELS];
    int64_t constant = 9;
    lfuse_outputs *fused, *after;
    int c;

    correct(y, N, INNER, narrower, moved);
    fused = outputs_of(t, y, 1);
    lft_ok(t, lfuse_outputs_match(fused, original, scale, shift, &constant, &t->err));
    assert_int_equal(constant, 0);
    correct(y, N, INNER, scale, shift);
    after = outputs_of(t, y, 1);
    for (c = 0; c < CHANNELS; c++) {
        const double want = lfuse_outputs_squares(original)[c] / (2 * N * INNER);

        /* numbers of at most 8, times scale, are taken back by shift: of their rounding is left */
        assert_true(fabs(lfuse_outputs_means(after)[c] -
                         lfuse_outputs_means(original)[c]) <= eps * 8.0 * scale[c]);
        assert_true(fabs(lfuse_outputs_squares(after)[c] / (N * INNER) - want) <=
                    eps * 8.0 * scale[c] * sqrt(want));
    }
    lfuse_outputs_destroy(original);
    lfuse_outputs_destroy(fused);
    lfuse_outputs_destroy(after);
}

static void constant_channels_are_moved_and_counted(void **state)
{
    static const double means[] = {1.0, 2.0, 3.0}, squares[] = {8.0, 0.0, 0.0};
    static const double fused_means[] = {5.0, 6.0, 7.0};
    static const double fused_squares[] = {0.0, 8.0, 0.0};
    struct lft *t = *state;
    lfuse_outputs *original = create(t, 3), *fused = create(t, 3);
    double scale[3], shift[3];
    int64_t constant = 9;

    lft_ok(t, lfuse_outputs_add(original, 2, means, squares, &t->err));
    lft_ok(t, lfuse_outputs_add(fused, 4, fused_means, fused_squares, &t->err));
    lft_ok(t, lfuse_outputs_match(fused, original, scale, shift, &constant, &t->err));
    assert_int_equal(constant, 1); /* the first: the third was constant before, too */
    assert_true(scale[0] == 1.0 && shift[0] == -4.0);
    assert_true(scale[1] == 0.0 && shift[1] == 2.0);
    assert_true(scale[2] == 1.0 && shift[2] == -4.0);
    lft_ok(t, lfuse_outputs_match(fused, original, scale, shift, NULL, &t->err));
    lfuse_outputs_destroy(original);
    lfuse_outputs_destroy(fused);
}

/* ---- errors --------------------------------------------------------------------------------------- */

static void creation_names_its_errors(void **state)
{
    struct lft *t = *state;
    lfuse_outputs *o = (lfuse_outputs *)t;

    lft_fails(t, lfuse_outputs_create(t->ctx, 1, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "outputs is NULL");
    lft_fails(t, lfuse_outputs_create(NULL, 1, &o, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(o);
    lft_fails(t, lfuse_outputs_create(t->ctx, 0, &o, &t->err), LFUSE_ERR_ARGUMENT,
              "channels is 0");
    lft_fails(t, lfuse_outputs_create(t->ctx, INT64_MAX, &o, &t->err), LFUSE_ERR_OVERFLOW,
              "means of channels");
    assert_null(o);
    lfuse_outputs_destroy(NULL);
    assert_int_equal(lfuse_outputs_samples(NULL), 0);
    assert_null(lfuse_outputs_means(NULL));
    assert_null(lfuse_outputs_squares(NULL));
}

static void a_batch_that_is_refused_adds_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = images(t, LFUSE_F64, 1, 3, 2);
    lfuse_outputs *o = outputs_of(t, x, 1);
    double means[CHANNELS];

    memcpy(means, lfuse_outputs_means(o), sizeof(means));
    lft_fails(t, lfuse_outputs_accumulate(NULL, x, 1, &t->err), LFUSE_ERR_ARGUMENT,
              "outputs is NULL");
    lft_fails(t, lfuse_outputs_accumulate(o, NULL, 1, &t->err), LFUSE_ERR_ARGUMENT,
              "batch is NULL");
    lft_fails(t, lfuse_outputs_accumulate(o, x, 3, &t->err), LFUSE_ERR_ARGUMENT,
              "axis is 3, batch has rank 3");
    lft_fails(t, lfuse_outputs_accumulate(o, x, -1, &t->err), LFUSE_ERR_ARGUMENT,
              "axis is -1");
    lft_fails(t, lfuse_outputs_accumulate(o, x, 2, &t->err), LFUSE_ERR_SHAPE,
              "batch has 2 channels along axis 2, outputs has 5");
    lft_set(x, 17, NAN);
    lft_fails(t, lfuse_outputs_accumulate(o, x, 1, &t->err), LFUSE_ERR_NOT_FINITE,
              "element 17 of batch is not finite");
    lft_set(x, 17, -INFINITY);
    lft_fails(t, lfuse_outputs_accumulate(o, x, 1, &t->err), LFUSE_ERR_NOT_FINITE,
              "element 17 of batch is not finite");
    lft_set(x, 17, 1e300);
    lft_fails(t, lfuse_outputs_accumulate(o, x, 1, &t->err), LFUSE_ERR_NOT_FINITE,
              "the mean of channel 3 becomes 8.33333e+298, its sum of squares inf");
    assert_int_equal(lfuse_outputs_samples(o), 6);
    assert_memory_equal(lfuse_outputs_means(o), means, sizeof(means));
    lfuse_outputs_destroy(o);
}

static void what_cannot_be_merged_or_added_is_named(void **state)
{
    struct lft *t = *state;
    lfuse_outputs *o = outputs_of(t, images(t, LFUSE_F64, 1, 3, 2), 1);
    lfuse_outputs *other = create(t, 2), *many = create(t, CHANNELS);
    double means[CHANNELS] = {0}, squares[CHANNELS] = {0};

    lft_fails(t, lfuse_outputs_merge(NULL, o, &t->err), LFUSE_ERR_ARGUMENT,
              "into is NULL");
    lft_fails(t, lfuse_outputs_merge(o, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "from is NULL");
    lft_fails(t, lfuse_outputs_merge(o, o, &t->err), LFUSE_ERR_ARGUMENT, "from is into");
    lft_fails(t, lfuse_outputs_merge(o, other, &t->err), LFUSE_ERR_SHAPE,
              "into has 5 channels, from has 2");
    lft_ok(t, lfuse_outputs_add(many, INT64_MAX, means, squares, &t->err));
    lft_fails(t, lfuse_outputs_merge(o, many, &t->err), LFUSE_ERR_OVERFLOW,
              "6 and 9223372036854775807 samples do not fit");
    lft_fails(t, lfuse_outputs_add(NULL, 1, means, squares, &t->err), LFUSE_ERR_ARGUMENT,
              "outputs is NULL");
    lft_fails(t, lfuse_outputs_add(o, 1, NULL, squares, &t->err), LFUSE_ERR_ARGUMENT,
              "means is NULL");
    lft_fails(t, lfuse_outputs_add(o, 1, means, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "squares is NULL");
    lft_fails(t, lfuse_outputs_add(o, -1, means, squares, &t->err), LFUSE_ERR_ARGUMENT,
              "samples is -1");
    squares[2] = -1.0;
    lft_fails(t, lfuse_outputs_add(o, 1, means, squares, &t->err), LFUSE_ERR_ARGUMENT,
              "squares[2] is -1");
    squares[2] = INFINITY;
    lft_fails(t, lfuse_outputs_add(o, 1, means, squares, &t->err), LFUSE_ERR_NOT_FINITE,
              "channel 2");
    squares[2] = 0.0;
    means[1] = NAN;
    lft_fails(t, lfuse_outputs_add(o, 1, means, squares, &t->err), LFUSE_ERR_NOT_FINITE,
              "channel 1");
    assert_int_equal(lfuse_outputs_samples(o), 6);
    lfuse_outputs_destroy(o);
    lfuse_outputs_destroy(other);
    lfuse_outputs_destroy(many);
}

static void what_cannot_be_matched_is_named(void **state)
{
    static const double means[] = {0.0}, tiny[] = {5e-324}, huge[] = {1e308};
    struct lft *t = *state;
    lfuse_outputs *a = create(t, 1), *b = create(t, 1), *two = create(t, 2);
    double scale = 5.0, shift = 6.0;
    int64_t constant = 7;

    lft_fails(t, lfuse_outputs_match(NULL, b, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_ARGUMENT, "fused is NULL");
    lft_fails(t, lfuse_outputs_match(a, NULL, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_ARGUMENT, "original is NULL");
    lft_fails(t, lfuse_outputs_match(a, b, NULL, &shift, &constant, &t->err),
              LFUSE_ERR_ARGUMENT, "scale is NULL");
    lft_fails(t, lfuse_outputs_match(a, b, &scale, NULL, &constant, &t->err),
              LFUSE_ERR_ARGUMENT, "shift is NULL");
    lft_fails(t, lfuse_outputs_match(a, two, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_SHAPE, "fused has 1 channels, original has 2");
    lft_fails(t, lfuse_outputs_match(a, b, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_STATE, "fused has no samples yet");
    lft_ok(t, lfuse_outputs_add(a, 1, means, tiny, &t->err));
    lft_fails(t, lfuse_outputs_match(a, b, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_STATE, "original has no samples yet");
    lft_ok(t, lfuse_outputs_add(b, 1, means, huge, &t->err));
    lft_fails(t, lfuse_outputs_match(a, b, &scale, &shift, &constant, &t->err),
              LFUSE_ERR_NOT_FINITE, "channel 0 takes a scale of inf");
    assert_true(scale == 5.0 && shift == 6.0 && constant == 7);
    lfuse_outputs_destroy(a);
    lfuse_outputs_destroy(b);
    lfuse_outputs_destroy(two);
}

/* ---- allocation ------------------------------------------------------------------------------------- */

static lfuse_status create_and_destroy(struct lft *t, void *arg)
{
    lfuse_outputs *o = (lfuse_outputs *)t;
    lfuse_status status = lfuse_outputs_create(t->ctx, CHANNELS, &o, &t->err);

    (void)arg;
    assert_true((o != NULL) == (status == LFUSE_OK));
    lfuse_outputs_destroy(o);
    return status;
}

struct accumulation {
    lfuse_outputs *outputs;
    const lfuse_tensor *batch;
};

static lfuse_status accumulate(struct lft *t, void *arg)
{
    const struct accumulation *a = arg;
    const int64_t before = lfuse_outputs_samples(a->outputs);
    lfuse_status status = lfuse_outputs_accumulate(a->outputs, a->batch, 1, &t->err);

    assert_true((lfuse_outputs_samples(a->outputs) > before) == (status == LFUSE_OK));
    return status;
}

static void every_refused_allocation_leaves_nothing(void **state)
{
    struct lft *t = *state;
    struct accumulation a = {create(t, CHANNELS), images(t, LFUSE_F32, 1, 4, 3)};

    lft_every_allocation_fails(t, create_and_destroy, NULL);
    lft_every_allocation_fails(t, accumulate, &a);
    lfuse_outputs_destroy(a.outputs);
}

static int32_t refuses(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return 7;
}

static void an_executor_that_refuses_adds_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_context_options options;
    lfuse_context *ctx;
    lfuse_outputs *o;

    lfuse_context_options_init(&options, sizeof(options));
    options.executor = (lfuse_executor){refuses, NULL, 2, 0};
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_ok(t, lfuse_outputs_create(ctx, CHANNELS, &o, &t->err));
    lft_fails(t, lfuse_outputs_accumulate(o, images(t, LFUSE_F32, 1, 4, 3), 1, &t->err),
              LFUSE_ERR_CALLBACK, "returned 7");
    assert_int_equal(lfuse_outputs_samples(o), 0);
    lfuse_outputs_destroy(o);
    lfuse_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(moments_are_those_of_the_definition),
        lft_test(where_the_channels_are_changes_no_bit),
        lft_test(what_all_samples_have_in_common_costs_no_digits),
        lft_test(samples_that_are_all_equal_do_not_spread_at_all),
        lft_test(merging_and_adding_is_accumulating_it_all),
        lft_test(threads_of_the_context_change_no_bit),
        lft_test(matched_outputs_have_the_moments_of_the_original),
        lft_test(constant_channels_are_moved_and_counted),
        lft_test(creation_names_its_errors),
        lft_test(a_batch_that_is_refused_adds_nothing),
        lft_test(what_cannot_be_merged_or_added_is_named),
        lft_test(what_cannot_be_matched_is_named),
        lft_test(every_refused_allocation_leaves_nothing),
        lft_test(an_executor_that_refuses_adds_nothing),
    };

    return cmocka_run_group_tests_name("outputs", tests, NULL, NULL);
}
