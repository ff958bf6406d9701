/*
 * test_cka.c - alignment of outputs over batches: the reference value, merging in any way,
 * ranges, errors that add nothing
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "golden_metrics.h"

enum { LAYERS = 3, PAIRS = LAYERS * (LAYERS + 1) / 2, BATCHES = 4 };

/* Outputs of three layers of other widths, types and ranks, related to each other. */
struct data {
    const lfuse_tensor *batch[BATCHES][LAYERS];
};

static struct data make_data(struct lft *t)
{
    struct data data;
    int b;

    for (b = 0; b < BATCHES; b++) {
        int n = 8 + 3 * b;
        uint64_t seed = (uint64_t)b;
        lfuse_tensor *x = lft_tensor(t, LFUSE_F64, seed, n, 6, 0);

        data.batch[b][0] = x;
        data.batch[b][1] = lft_sum(t, lft_tensor(t, LFUSE_F32, 10 + seed, n, 6, 0), 1, x);
        data.batch[b][2] = lft_tensor(t, LFUSE_F16, 20 + seed, n, 2, 5, 7, 0);
    }
    return data;
}

static lfuse_cka *create(struct lft *t, int64_t count)
{
    lfuse_cka *cka;

    lft_ok(t, lfuse_cka_create(t->ctx, count, NULL, &cka, &t->err));
    assert_int_equal(lfuse_cka_batches(cka), 0);
    assert_int_equal(lfuse_cka_count(cka), count);
    return cka;
}

static void accumulate(struct lft *t, lfuse_cka *cka, const struct data *data, int first,
                       int end)
{
    for (; first < end; first++)
        lft_ok(t, lfuse_cka_accumulate(cka, data->batch[first], &t->err));
}

/* Each sum has as many terms as there are batches. */
static void check_same_sums(const lfuse_cka *cka, const lfuse_cka *expected)
{
    const double *got = lfuse_cka_sums(cka), *want = lfuse_cka_sums(expected);
    int i, j;

    assert_int_equal(lfuse_cka_batches(cka), lfuse_cka_batches(expected));
    for (i = 0; i < LAYERS; i++)
        for (j = 0; j <= i; j++)
            assert_true(fabs(got[i * (i + 1) / 2 + j] - want[i * (i + 1) / 2 + j]) <=
                        BATCHES * DBL_EPSILON *
                            sqrt(want[i * (i + 3) / 2] * want[j * (j + 3) / 2]));
}

/* ---- values ----------------------------------------------------------------------------- */

/* Kornblith's demonstration in four batches; 1e-12: numpy's rounding, n terms to one of ours. */
static void the_demonstration_in_four_batches_has_its_reference_value(void **state)
{
    struct lft *t = *state;
    lfuse_cka *cka = create(t, 2);
    uint32_t control = lft_float_control();
    double out[4];
    int b;

    for (b = 0; b < 4; b++) {
        const lfuse_tensor *batch[] = {
            lft_matrix(t, LFUSE_F64, demo_x + (size_t)b * 250, 25, 10),
            lft_matrix(t, LFUSE_F64, demo_y + (size_t)b * 250, 25, 10)};

        lft_ok(t, lfuse_cka_accumulate(cka, batch, &t->err));
    }
    assert_int_equal(lfuse_cka_batches(cka), 4);
    lft_ok(t, lfuse_cka_result(cka, out, &t->err));
    assert_true(fabs(out[1] - 0.5132675063590595) <= 1e-12);
    assert_true(out[0] == 1.0 && out[3] == 1.0 && out[1] == out[2]);
    assert_int_equal(lft_float_control(), control);
    lfuse_cka_destroy(cka);
}

/*
 * The same matrices give the same sums; a share, two roots and a quotient round. Of narrow data
 * each K is off by 66 * 2^-24 of its norm here, its debiased part by no more than some 16 times
 * that of its own, and so is each of the three sums.
 */
static void one_batch_is_debiased_cka(void **state)
{
    static const int shapes[][2] = {{4, 3}, {21, 12}, {33, 150}, {64, 64}, {130, 70}};
    struct lft *t = *state;
    int k;

    for (k = 0; k < 10; k++) {
        int i = k % 5, narrow = k / 5;
        lfuse_dtype type = narrow ? LFUSE_F32 : LFUSE_F64;
        lfuse_tensor *x = lft_tensor(t, type, 1, shapes[i][0], shapes[i][1], 0);
        lfuse_tensor *y =
            lft_tensor(t, narrow ? LFUSE_BF16 : type, 2, shapes[i][0], shapes[i][1], 0);
        const lfuse_tensor *batch[] = {x, y};
        lfuse_cka *cka = create(t, 2);
        double out[4];

        lft_ok(t, lfuse_cka_accumulate(cka, batch, &t->err));
        lft_ok(t, lfuse_cka_result(cka, out, &t->err));
        assert_true(fabs(out[1] - lft_metric(t, x, y, LFUSE_METRIC_DEBIASED_CKA, 0)) <=
                    (narrow ? 3.0 * 16.0 * 66.0 * 0x1p-24 : 8.0 * DBL_EPSILON));
        lfuse_cka_destroy(cka);
    }
}

/* What is left of K then is found in f64, as that of a single comparison is. */
static void one_output_far_from_the_others_costs_no_digits(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 21, 12, 0);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F32, 2, 21, 12, 0);
    const lfuse_tensor *batch[] = {x, y};
    lfuse_cka *cka = create(t, 2);
    double out[4];
    int e;

    for (e = 5 * 12; e < 6 * 12; e++) {
        lft_set(x, e, 1e4 * lft_value(1, e));
        lft_set(y, e, 1e4 * lft_value(2, e));
    }
    lft_ok(t, lfuse_cka_accumulate(cka, batch, &t->err));
    lft_ok(t, lfuse_cka_result(cka, out, &t->err));
    assert_true(fabs(out[1] - lft_metric(t, x, y, LFUSE_METRIC_DEBIASED_CKA, 0)) <=
                8.0 * DBL_EPSILON);
    lfuse_cka_destroy(cka);
}

/* sum_ij K*_ij^2 / (n (n - 3)) by hand: X = 0, 1, 2, 4 in one column. */
static void sums_are_of_the_outputs_as_they_are(void **state)
{
    static const double x[] = {0.0, 1.0, 2.0, 4.0};
    static const double rows[] = {0.0, 6.0, 10.0, 12.0};
    struct lft *t = *state;
    const lfuse_tensor *batch[] = {lft_matrix(t, LFUSE_F64, x, 4, 1)};
    lfuse_cka *cka = create(t, 1);
    double want = 0.0;
    int i, j;

    for (i = 0; i < 4; i++)
        for (j = 0; j < 4; j++)
            if (i != j) {
                double k = x[i] * x[j] - (rows[i] + rows[j]) / 2.0 + 28.0 / 6.0;

                want += k * k / 4.0;
            }
    lft_ok(t, lfuse_cka_accumulate(cka, batch, &t->err));
    /* the columns are centred before they are multiplied, which rounds 4 + 1 terms */
    assert_true(fabs(lfuse_cka_sums(cka)[0] - want) <= 32.0 * 5.0 * DBL_EPSILON * want);
    lfuse_cka_destroy(cka);
}

/* A rank of 4, of 3, and a transpose hold the same numbers. */
static void layouts_change_no_bit(void **state)
{
    enum { N = 12, P = 18 };
    static float turned[P * N];
    const int64_t dims[] = {N, P}, examples_last[] = {1, N};
    struct lft *t = *state;
    const lfuse_tensor *batch[4];
    const double *sums;
    lfuse_cka *cka = create(t, 4);
    int i, j;

    batch[0] = lft_tensor(t, LFUSE_F32, 1, N, P, 0);
    for (i = 0; i < N; i++)
        for (j = 0; j < P; j++)
            turned[j * N + i] = (float)lft_get(batch[0], i * P + j);
    batch[1] = lft_strided(t, LFUSE_F32, turned, 2, dims, examples_last);
    batch[2] = lft_tensor(t, LFUSE_F32, 1, N, 2, 3, 3, 0);
    batch[3] = lft_tensor(t, LFUSE_F32, 1, N, 2, 9, 0);
    lft_ok(t, lfuse_cka_accumulate(cka, batch, &t->err));
    sums = lfuse_cka_sums(cka);
    for (i = 1; i < 10; i++)
        assert_true(sums[i] == sums[0]);
    lfuse_cka_destroy(cka);
}

/* 100 draws: rotation, scale and shift of one layer's outputs, and the order of examples. */
static void rotation_scale_shift_and_order_change_nothing(void **state)
{
    enum { N = 12, P = 7, DRAWS = 100 };
    struct lft *t = *state;
    int draw;

    for (draw = 0; draw < DRAWS; draw++) {
        uint64_t seed = 1000 + 3 * (uint64_t)draw;
        lfuse_tensor *x = lft_tensor(t, LFUSE_F64, seed, N, P, 0);
        lfuse_tensor *y = lft_sum(t, lft_tensor(t, LFUSE_F64, seed + 1, N, P, 0), 0.5, x);
        lfuse_tensor *moved = lft_rotated(t, lft_affine(t, x, -3.0, 2.0), seed + 2);
        const lfuse_tensor *one[] = {x, y}, *other[] = {moved, y};
        const lfuse_tensor *turned[] = {lft_permuted(t, moved, draw % N, draw % P),
                                        lft_permuted(t, y, draw % N, 0)};
        lfuse_cka *a = create(t, 2), *b = create(t, 2), *c = create(t, 2);
        double want[4], got[4], again[4];
        /* as debiased_cka: rounding of n + p terms, 4 p times for the rotation */
        double tolerance = 4.0 * P * 16.0 * (N + P) * DBL_EPSILON;

        lft_ok(t, lfuse_cka_accumulate(a, one, &t->err));
        lft_ok(t, lfuse_cka_accumulate(b, other, &t->err));
        lft_ok(t, lfuse_cka_accumulate(c, turned, &t->err));
        lft_ok(t, lfuse_cka_result(a, want, &t->err));
        lft_ok(t, lfuse_cka_result(b, got, &t->err));
        lft_ok(t, lfuse_cka_result(c, again, &t->err));
        assert_true(fabs(got[1] - want[1]) <= tolerance);
        assert_true(fabs(again[1] - want[1]) <= tolerance);
        lfuse_cka_destroy(a);
        lfuse_cka_destroy(b);
        lfuse_cka_destroy(c);
        while (t->tensor_count > 0)
            lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    }
}

/* ---- many accumulators ------------------------------------------------------------------ */

static void merging_in_any_order_is_accumulating_it_all(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);
    lfuse_cka *whole = create(t, LAYERS), *a = create(t, LAYERS), *b = create(t, LAYERS);
    lfuse_cka *empty = create(t, LAYERS);

    accumulate(t, whole, &data, 0, BATCHES);
    accumulate(t, a, &data, 2, BATCHES);
    accumulate(t, b, &data, 0, 2);
    lft_ok(t, lfuse_cka_merge(a, b, &t->err));
    check_same_sums(a, whole);
    assert_int_equal(lfuse_cka_batches(b), 2);
    lft_ok(t, lfuse_cka_merge(a, empty, &t->err));
    check_same_sums(a, whole);
    lft_ok(t, lfuse_cka_merge(empty, a, &t->err));
    check_same_sums(empty, whole);
    lfuse_cka_destroy(whole);
    lfuse_cka_destroy(a);
    lfuse_cka_destroy(b);
    lfuse_cka_destroy(empty);
}

/* What an all-reduce does: sums of all are added, and told to an accumulator without any. */
static void exported_sums_can_be_added(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);
    lfuse_cka *whole = create(t, LAYERS), *a = create(t, LAYERS), *b = create(t, LAYERS);
    lfuse_cka *all = create(t, LAYERS);
    double sums[PAIRS], want[LAYERS * LAYERS], got[LAYERS * LAYERS];
    int k;

    accumulate(t, whole, &data, 0, BATCHES);
    accumulate(t, a, &data, 0, 1);
    accumulate(t, b, &data, 1, BATCHES);
    for (k = 0; k < PAIRS; k++)
        sums[k] = lfuse_cka_sums(a)[k] + lfuse_cka_sums(b)[k];
    lft_ok(t, lfuse_cka_add_sums(all, sums, BATCHES, &t->err));
    check_same_sums(all, whole);
    memset(sums, 0, sizeof(sums));
    lft_ok(t,
           lfuse_cka_add_sums(all, sums, 0, &t->err)); /* of a process without batches */
    check_same_sums(all, whole);
    lft_ok(t, lfuse_cka_result(whole, want, &t->err));
    lft_ok(t, lfuse_cka_result(all, got, &t->err));
    for (k = 0; k < LAYERS * LAYERS; k++)
        assert_true(fabs(got[k] - want[k]) <= 4.0 * BATCHES * DBL_EPSILON);
    lfuse_cka_destroy(whole);
    lfuse_cka_destroy(a);
    lfuse_cka_destroy(b);
    lfuse_cka_destroy(all);
}

struct worker {
    lfuse_context *ctx;
    const struct data *data;
    int first;
    int end;
    lfuse_cka *cka;
    lfuse_status status;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    int b;

    w->status = lfuse_cka_create(w->ctx, LAYERS, NULL, &w->cka, NULL);
    for (b = w->first; b < w->end && w->status == LFUSE_OK; b++)
        w->status = lfuse_cka_accumulate(w->cka, w->data->batch[b], NULL);
    return NULL;
}

/* The counting allocator is for one thread: these share a context of malloc's. */
static void two_threads_merge_what_each_accumulated(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);
    lfuse_cka *whole = create(t, LAYERS);
    lfuse_context *ctx;
    struct worker w[2];
    pthread_t thread[2];
    int i;

    lft_ok(t, lfuse_context_create(NULL, &ctx, &t->err));
    for (i = 0; i < 2; i++) {
        w[i] = (struct worker){ctx, &data, i == 0 ? 0 : 1, i == 0 ? 1 : BATCHES, NULL, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(w[i].status, LFUSE_OK);
    }
    accumulate(t, whole, &data, 0, BATCHES);
    lft_ok(t, lfuse_cka_merge(w[1].cka, w[0].cka, &t->err));
    check_same_sums(w[1].cka, whole);
    lfuse_cka_destroy(w[0].cka);
    lfuse_cka_destroy(w[1].cka);
    lfuse_cka_destroy(whole);
    lfuse_context_destroy(ctx);
}

static void threads_of_the_context_change_no_bit(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);
    lfuse_cka *serial = create(t, LAYERS), *pooled;
    int threads;

    accumulate(t, serial, &data, 0, BATCHES);
    for (threads = 1; threads <= 4; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        lft_ok(t, lfuse_cka_create(ctx, LAYERS, NULL, &pooled, &t->err));
        accumulate(t, pooled, &data, 0, BATCHES);
        assert_memory_equal(lfuse_cka_sums(pooled), lfuse_cka_sums(serial),
                            PAIRS * sizeof(double));
        lfuse_cka_destroy(pooled);
        lfuse_context_destroy(ctx);
    }
    lfuse_cka_destroy(serial);
}

/* ---- the range ---------------------------------------------------------------------------- */

/* Powers of two cancel to the bit, as long as nothing is lost at an end of the range. */
static void check_scaled(struct lft *t, lfuse_dtype dtype, double scale,
                         const int32_t *exponents)
{
    lfuse_tensor *x = lft_tensor(t, dtype, 1, 9, 7, 0),
                 *y = lft_tensor(t, dtype, 2, 9, 7, 0);
    const lfuse_tensor *usual[] = {x, y}, *scaled[] = {lft_affine(t, x, scale, 0.0), y};
    lfuse_cka_options o;
    lfuse_cka *a = create(t, 2), *b;
    double want[4], got[4];

    lfuse_cka_options_init(&o, sizeof(o));
    o.exponents = exponents;
    lft_ok(t, lfuse_cka_create(t->ctx, 2, &o, &b, &t->err));
    lft_ok(t, lfuse_cka_accumulate(a, usual, &t->err));
    lft_ok(t, lfuse_cka_accumulate(b, scaled, &t->err));
    lft_ok(t, lfuse_cka_result(a, want, &t->err));
    lft_ok(t, lfuse_cka_result(b, got, &t->err));
    assert_memory_equal(got, want, sizeof(want));
    if (exponents != NULL && ldexp(scale, exponents[0]) == 1.0)
        assert_memory_equal(lfuse_cka_sums(b), lfuse_cka_sums(a), 3 * sizeof(double));
    lfuse_cka_destroy(a);
    lfuse_cka_destroy(b);
}

static void f32_never_leaves_the_range_nor_f64_with_exponents(void **state)
{
    static const int32_t down[] = {-900, 0}, up[] = {1000, 0}, partly[] = {-800, 10};
    struct lft *t = *state;

    check_scaled(t, LFUSE_F32, 0x1p127, NULL);
    check_scaled(t, LFUSE_F32, 0x1p-130, NULL); /* subnormal f32, exact */
    check_scaled(t, LFUSE_F64, 0x1p200, NULL);
    check_scaled(t, LFUSE_F64, 0x1p-200, NULL);
    check_scaled(t, LFUSE_F64, 0x1p900, down);
    check_scaled(t, LFUSE_F64, 0x1p900, partly);
    check_scaled(t, LFUSE_F64, 0x1p-1000, up);
}

static void sums_beyond_f64_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F64, 1, 9, 7, 0);
    const lfuse_tensor *usual[] = {x, x}, *huge[] = {x, lft_affine(t, x, 0x1p300, 0.0)};
    const lfuse_tensor *tiny[] = {x, lft_affine(t, x, 0x1p-300, 0.0)};
    lfuse_cka *cka = create(t, 2);
    double before[3], out[4] = {5.0};

    lft_ok(t, lfuse_cka_accumulate(cka, tiny, &t->err));
    lft_fails(t, lfuse_cka_result(cka, out, &t->err), LFUSE_ERR_DEGENERATE,
              "the sum of HSIC(K, K) of layer 1 is 0 over 1 batches");
    assert_true(out[0] == 5.0);
    lft_ok(t, lfuse_cka_accumulate(cka, usual, &t->err));
    memcpy(before, lfuse_cka_sums(cka), sizeof(before));
    lft_fails(t, lfuse_cka_accumulate(cka, huge, &t->err), LFUSE_ERR_NOT_FINITE,
              "the sum of HSIC of layers 1 and 1 is");
    assert_memory_equal(lfuse_cka_sums(cka), before, sizeof(before));
    assert_int_equal(lfuse_cka_batches(cka), 2);
    lfuse_cka_destroy(cka);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void a_batch_that_fails_adds_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *nan = lft_affine(t, x, 1.0, 0.0), *inf = lft_affine(t, x, 1.0, 0.0);
    const lfuse_tensor *good[] = {x, x, x}, *missing[] = {x, NULL, x};
    const lfuse_tensor *flat[] = {x, x, lft_tensor(t, LFUSE_F32, 1, 9, 0)};
    const lfuse_tensor *fewer[] = {x, lft_tensor(t, LFUSE_F32, 1, 8, 7, 0), x};
    const lfuse_tensor *three = lft_tensor(t, LFUSE_F32, 1, 3, 7, 0);
    const lfuse_tensor *few[] = {three, three, three}, *bad[] = {x, nan, inf};
    lfuse_cka *cka = create(t, 3);
    double before[6];

    lft_set(nan, 8 * 7 + 3, NAN);
    lft_set(inf, 5, -INFINITY);
    lft_ok(t, lfuse_cka_accumulate(cka, good, &t->err));
    memcpy(before, lfuse_cka_sums(cka), sizeof(before));
    lft_fails(t, lfuse_cka_accumulate(NULL, good, &t->err), LFUSE_ERR_ARGUMENT,
              "cka is NULL");
    lft_fails(t, lfuse_cka_accumulate(cka, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "activations is NULL");
    lft_fails(t, lfuse_cka_accumulate(cka, missing, &t->err), LFUSE_ERR_ARGUMENT,
              "activations[1] is NULL");
    lft_fails(t, lfuse_cka_accumulate(cka, flat, &t->err), LFUSE_ERR_SHAPE,
              "activations[2] has rank 1");
    lft_fails(t, lfuse_cka_accumulate(cka, fewer, &t->err), LFUSE_ERR_SHAPE,
              "activations[1] has 8 examples, activations[0] has 9");
    lft_fails(t, lfuse_cka_accumulate(cka, few, &t->err), LFUSE_ERR_SHAPE,
              "a batch needs 4 examples; this one has 3");
    lft_fails(t, lfuse_cka_accumulate(cka, bad, &t->err), LFUSE_ERR_NOT_FINITE,
              "activations[1] is NaN at row 8, column 3 of (9, 7)");
    bad[1] = x;
    lft_fails(t, lfuse_cka_accumulate(cka, bad, &t->err), LFUSE_ERR_NOT_FINITE,
              "activations[2] is infinite at row 0, column 5 of (9, 7)");
    assert_memory_equal(lfuse_cka_sums(cka), before, sizeof(before));
    assert_int_equal(lfuse_cka_batches(cka), 1);
    lfuse_cka_destroy(cka);
}

static void bad_arguments_are_named(void **state)
{
    struct lft *t = *state;
    const int32_t exponents[] = {0, 1101};
    lfuse_cka_options o;
    lfuse_cka *cka = (void *)1;

    lfuse_cka_options_init(&o, sizeof(o));
    lft_fails(t, lfuse_cka_create(t->ctx, 2, NULL, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "cka is NULL");
    lft_fails(t, lfuse_cka_create(NULL, 2, NULL, &cka, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(cka);
    lft_fails(t, lfuse_cka_create(t->ctx, 0, NULL, &cka, &t->err), LFUSE_ERR_ARGUMENT,
              "count is 0");
    lft_fails(t, lfuse_cka_create(t->ctx, INT64_MAX, NULL, &cka, &t->err),
              LFUSE_ERR_OVERFLOW, "do not fit");
    o.exponents = exponents;
    lft_fails(t, lfuse_cka_create(t->ctx, 2, &o, &cka, &t->err), LFUSE_ERR_ARGUMENT,
              "options.exponents[1] is 1101, not in [-1100, 1100]");
    o.struct_size = 0;
    lft_fails(t, lfuse_cka_create(t->ctx, 1, &o, &cka, &t->err), LFUSE_ERR_ARGUMENT,
              "options");
    assert_null(cka);
    lfuse_cka_destroy(NULL);
    assert_int_equal(lfuse_cka_batches(NULL), 0);
    assert_null(lfuse_cka_sums(NULL));
}

static void what_does_not_belong_together_is_not_merged(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);
    const int32_t exponents[] = {0, 3, 0};
    lfuse_cka *a = create(t, LAYERS), *two = create(t, 2), *other;
    double before[PAIRS];
    lfuse_cka_options o;

    lfuse_cka_options_init(&o, sizeof(o));
    o.exponents = exponents;
    lft_ok(t, lfuse_cka_create(t->ctx, LAYERS, &o, &other, &t->err));
    accumulate(t, a, &data, 0, 1);
    memcpy(before, lfuse_cka_sums(a), sizeof(before));
    lft_fails(t, lfuse_cka_merge(NULL, a, &t->err), LFUSE_ERR_ARGUMENT, "into is NULL");
    lft_fails(t, lfuse_cka_merge(a, NULL, &t->err), LFUSE_ERR_ARGUMENT, "from is NULL");
    lft_fails(t, lfuse_cka_merge(a, a, &t->err), LFUSE_ERR_ARGUMENT, "from is into");
    lft_fails(t, lfuse_cka_merge(a, two, &t->err), LFUSE_ERR_SHAPE,
              "into has 3 layers, from has 2");
    lft_fails(t, lfuse_cka_merge(a, other, &t->err), LFUSE_ERR_ARGUMENT,
              "the exponent of layer 1 is 0 in into, 3 in from");
    assert_memory_equal(lfuse_cka_sums(a), before, sizeof(before));
    assert_int_equal(lfuse_cka_batches(a), 1);
    lfuse_cka_destroy(a);
    lfuse_cka_destroy(two);
    lfuse_cka_destroy(other);
}

static void bad_sums_add_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_cka *cka = create(t, 2);
    double sums[] = {1.0, -2.0, 3.0}, before[] = {DBL_MAX, -2.0, 3.0};

    lft_fails(t, lfuse_cka_add_sums(NULL, sums, 1, &t->err), LFUSE_ERR_ARGUMENT,
              "cka is NULL");
    lft_fails(t, lfuse_cka_add_sums(cka, NULL, 1, &t->err), LFUSE_ERR_ARGUMENT,
              "sums is NULL");
    lft_fails(t, lfuse_cka_add_sums(cka, sums, -1, &t->err), LFUSE_ERR_ARGUMENT,
              "batches is -1");
    lft_ok(t, lfuse_cka_add_sums(cka, before, 1, &t->err));
    lft_fails(t, lfuse_cka_add_sums(cka, sums, INT64_MAX, &t->err), LFUSE_ERR_OVERFLOW,
              "1 and 9223372036854775807 batches do not fit");
    sums[0] = DBL_MAX;
    lft_fails(t, lfuse_cka_add_sums(cka, sums, 1, &t->err), LFUSE_ERR_NOT_FINITE,
              "the sum of HSIC of layers 0 and 0 is 1.79769e+308 + 1.79769e+308");
    sums[0] = 0.0;
    sums[1] = NAN;
    lft_fails(t, lfuse_cka_add_sums(cka, sums, 1, &t->err), LFUSE_ERR_NOT_FINITE,
              "the sum of HSIC of layers 1 and 0 is -2 + nan");
    sums[2] = -1.0;
    lft_fails(t, lfuse_cka_add_sums(cka, sums, 1, &t->err), LFUSE_ERR_ARGUMENT,
              "the sum of layer 1 with itself is -1");
    assert_memory_equal(lfuse_cka_sums(cka), before, sizeof(before));
    assert_int_equal(lfuse_cka_batches(cka), 1);
    lfuse_cka_destroy(cka);
}

/* 0.1 has no exact mean of nine: outputs that are equal must not be told from rounding. */
static void check_degenerate(struct lft *t, lfuse_dtype dtype)
{
    lfuse_tensor *x = lft_tensor(t, dtype, 1, 9, 9, 0);
    lfuse_tensor *constant = lft_affine(t, x, 0.0, 0.1),
                 *unit = lft_affine(t, x, 0.0, 0.0);
    const lfuse_tensor *dead[] = {x, constant}, *apart[] = {unit, x}, *good[] = {x, x};
    lfuse_cka *cka = create(t, 2), *other = create(t, 2);
    double out[] = {5.0, 5.0, 5.0, 5.0};
    int i;

    for (i = 0; i < 9; i++)
        lft_set(unit, 10 * i, 0.3);
    lft_fails(t, lfuse_cka_result(NULL, out, &t->err), LFUSE_ERR_ARGUMENT, "cka is NULL");
    lft_fails(t, lfuse_cka_result(cka, NULL, &t->err), LFUSE_ERR_ARGUMENT, "out is NULL");
    lft_fails(t, lfuse_cka_result(cka, out, &t->err), LFUSE_ERR_STATE,
              "no batch was accumulated yet");
    lft_ok(t, lfuse_cka_accumulate(cka, dead, &t->err));
    assert_true(lfuse_cka_sums(cka)[2] == 0.0 && lfuse_cka_sums(cka)[1] == 0.0);
    lft_ok(t, lfuse_cka_accumulate(cka, dead, &t->err));
    lft_fails(t, lfuse_cka_result(cka, out, &t->err), LFUSE_ERR_DEGENERATE,
              "the sum of HSIC(K, K) of layer 1 is 0 over 2 batches");
    lft_ok(t, lfuse_cka_accumulate(other, apart, &t->err));
    lft_fails(t, lfuse_cka_result(other, out, &t->err), LFUSE_ERR_DEGENERATE,
              "the sum of HSIC(K, K) of layer 0 is 0 over 1 batches");
    for (i = 0; i < 4; i++)
        assert_true(out[i] == 5.0);
    lft_ok(t, lfuse_cka_accumulate(cka, good, &t->err)); /* dead in some batches only */
    lft_ok(t, lfuse_cka_result(cka, out, &t->err));
    assert_true(fabs(out[1] - 1.0 / sqrt(3.0)) <= 16.0 * DBL_EPSILON);
    lfuse_cka_destroy(cka);
    lfuse_cka_destroy(other);
}

static void a_layer_without_differences_is_degenerate(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    int i;

    for (i = 0; i < 4; i++)
        check_degenerate(*state, types[i]);
}

static lfuse_status accumulate_once(struct lft *t, void *arg)
{
    const struct data *data = arg;
    static const double zeros[PAIRS];
    lfuse_cka *cka = NULL;
    lfuse_status status = lfuse_cka_create(t->ctx, LAYERS, NULL, &cka, &t->err);

    assert_true((status == LFUSE_OK) == (cka != NULL));
    if (status == LFUSE_OK)
        status = lfuse_cka_accumulate(cka, data->batch[0], &t->err);
    if (cka != NULL && status != LFUSE_OK)
        assert_memory_equal(lfuse_cka_sums(cka), zeros, sizeof(zeros));
    lfuse_cka_destroy(cka);
    return status;
}

static void every_allocation_refused_leaves_nothing(void **state)
{
    struct lft *t = *state;
    struct data data = make_data(t);

    lft_every_allocation_fails(t, accumulate_once, &data);
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
    struct data data = make_data(t);
    lfuse_context_options options;
    lfuse_context *ctx;
    lfuse_cka *cka;

    lfuse_context_options_init(&options, sizeof(options));
    options.executor = (lfuse_executor){refuses, NULL, 2, 0};
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_ok(t, lfuse_cka_create(ctx, LAYERS, NULL, &cka, &t->err));
    lft_fails(t, lfuse_cka_accumulate(cka, data.batch[0], &t->err), LFUSE_ERR_CALLBACK,
              "returned 7");
    assert_int_equal(lfuse_cka_batches(cka), 0);
    lfuse_cka_destroy(cka);
    lfuse_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_demonstration_in_four_batches_has_its_reference_value),
        lft_test(one_batch_is_debiased_cka),
        lft_test(one_output_far_from_the_others_costs_no_digits),
        lft_test(sums_are_of_the_outputs_as_they_are),
        lft_test(layouts_change_no_bit),
        lft_test(rotation_scale_shift_and_order_change_nothing),
        lft_test(merging_in_any_order_is_accumulating_it_all),
        lft_test(exported_sums_can_be_added),
        lft_test(two_threads_merge_what_each_accumulated),
        lft_test(threads_of_the_context_change_no_bit),
        lft_test(f32_never_leaves_the_range_nor_f64_with_exponents),
        lft_test(sums_beyond_f64_are_refused),
        lft_test(a_batch_that_fails_adds_nothing),
        lft_test(bad_arguments_are_named),
        lft_test(what_does_not_belong_together_is_not_merged),
        lft_test(bad_sums_add_nothing),
        lft_test(a_layer_without_differences_is_degenerate),
        lft_test(every_allocation_refused_leaves_nothing),
        lft_test(an_executor_that_refuses_adds_nothing),
    };

    return cmocka_run_group_tests_name("cka", tests, NULL, NULL);
}
