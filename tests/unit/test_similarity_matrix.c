/* test_similarity_matrix.c - all pairs at once: against pairs one by one, and what fails */
#include "lft_similarity.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "similarity/similarity.h"

enum { LAYERS = 6, ROWS = 50, COLUMNS = 90 };

static const lfuse_metric bulk[] = {
    LFUSE_METRIC_EUCLIDEAN,  LFUSE_METRIC_COSINE,       LFUSE_METRIC_COVARIANCE,
    LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_DEBIASED_CKA, LFUSE_METRIC_RBF_CKA,
    LFUSE_METRIC_KL,         LFUSE_METRIC_JS,           LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
    LFUSE_METRIC_PROCRUSTES};
enum {
    BULK = sizeof(bulk) / sizeof(bulk[0]),
    FACTORS = 6
}; /* from there on by factors */

struct network {
    lfuse_layer *layer[LAYERS];
    lfuse_tensor *weight[LAYERS];
    lfuse_similarity_options options;
};

static struct network network(struct lft *t, const lfuse_dtype *dtypes, int64_t rows,
                              int64_t columns)
{
    struct network n;
    char name[16];
    int i;

    lfuse_similarity_options_init(&n.options, sizeof(n.options));
    for (i = 0; i < LAYERS; i++) {
        n.weight[i] = lft_tensor(t, dtypes[i % 2], (uint64_t)i + 1, rows, columns, 0);
        (void)snprintf(name, sizeof(name), "h.%d", i);
        n.layer[i] = lft_layer(t, name, "h.*", i, n.weight[i], NULL, NULL);
    }
    return n;
}

static lfuse_status all_pairs(lfuse_context *ctx, const struct network *n, double *out,
                              lfuse_error *err)
{
    return lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)n->layer, LAYERS,
                                   &n->options, out, err);
}

/*
 * Narrow data: features and elements are f32 in sums of at most 512 products, so that a value
 * in [-1, 1] is off by no more than 520 * 2^-24 from rounding each of its three sums, as the
 * pairs' own f32 products of covariance are; a distance by half of that, relatively. f64: sums
 * of ROWS * ROWS products of COLUMNS terms, in another order.
 */
static double bound(bool wide, double value)
{
    double share = wide ? ROWS * ROWS * 0x1p-52 : 3 * 520 * 0x1p-24;

    return share * fmax(1.0, fabs(value));
}

/* Factors give what a pair gives to the bit; only kl has another value the other way. */
static void check_against_pairs(struct lft *t, const struct network *n, bool wide)
{
    bool exact = false, turned = n->options.metric == LFUSE_METRIC_KL;
    double out[LAYERS * LAYERS], pair;
    int i, j;

    for (i = FACTORS; i < BULK; i++)
        exact |= n->options.metric == bulk[i];
    lft_ok(t, all_pairs(t->ctx, n, out, &t->err));
    for (i = 0; i < LAYERS; i++)
        for (j = turned ? 0 : i + 1; j < LAYERS; j++) {
            if (i == j)
                continue;
            pair = lft_metric_with(t, n->weight[i], n->weight[j], &n->options);
            if (!(fabs(out[i * LAYERS + j] - pair) <= (exact ? 0.0 : bound(wide, pair))))
                fail_msg("metric %d: %.17g, not %.17g", (int)n->options.metric,
                         out[i * LAYERS + j], pair);
            assert_true(turned || out[j * LAYERS + i] == out[i * LAYERS + j]);
        }
}

static void pairs_at_once_are_pairs_one_by_one_in_every_type(void **state)
{
    static const lfuse_dtype types[][2] = {{LFUSE_F32, LFUSE_F32},
                                           {LFUSE_F64, LFUSE_F64},
                                           {LFUSE_BF16, LFUSE_F16},
                                           {LFUSE_F32, LFUSE_F64}};
    static const int64_t shapes[][2] = {{ROWS, COLUMNS}, {17, 31}, {40, 7}};
    struct lft *t = *state;
    size_t k, s;
    int m;

    for (k = 0; k < 4; k++)
        for (s = 0; s < 3; s++) {
            struct network n = network(t, types[k], shapes[s][0], shapes[s][1]);

            for (m = 0; m < BULK; m++) {
                n.options.metric = bulk[m];
                n.options.block = s == 0 ? 16 : 0;
                check_against_pairs(t, &n, k == 1);
            }
        }
}

/* Narrow data whose squares, or distances, f32 cannot hold: those pairs are compared in f64. */
static void numbers_beyond_the_squares_of_f32_are_compared_alike(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    double scales[] = {0x1p120, 0x1p-100, 0x1p-130};
    int64_t e;
    size_t s;
    int m;

    for (s = 0; s < 3; s++) {
        for (e = 0; e < ROWS * COLUMNS; e++)
            lft_set(n.weight[2], e, lft_value(3, e) * scales[s]);
        for (m = 0; m < BULK; m++) {
            n.options.metric = bulk[m];
            check_against_pairs(t, &n, false);
        }
    }
}

/* A row far from all others, which is one of those that are looked at first, or is not. */
static void one_row_far_from_the_others_costs_no_digits(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    struct lft *t = *state;
    int64_t row, e;
    int i, m;

    for (row = 0; row < 8; row += 7) {
        struct network n = network(t, type, ROWS, COLUMNS);

        for (i = 0; i < LAYERS; i++)
            for (e = row * COLUMNS; e < (row + 1) * COLUMNS; e++)
                lft_set(n.weight[i], e, 1e4 * lft_value((uint64_t)i + 1, e));
        for (m = 0; m < BULK; m++) {
            n.options.metric = bulk[m];
            check_against_pairs(t, &n, false);
        }
    }
}

/* Files need not align their tensors; of scalar kernels, whose loads sanitizers see. */
static void weights_that_are_not_aligned_are_compared_alike(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    static _Alignas(LFI_ALIGN) char bytes[2][LAYERS][1024];
    struct lft *t = *state;
    struct lfi_env env = {.allocator = lft_allocator(&t->memory),
                          .executor = lfi_executor_serial(),
                          .kernels = &lfi_kernels_scalar};
    struct lfi_similarity_params params = lfi_similarity_defaults(0);
    struct lfi_similarity_item items[LAYERS];
    double out[2][LAYERS * LAYERS];
    struct lfi_view views[LAYERS];
    int k, m, i, odd;

    for (k = 0; k < 4; k++)
        for (m = 0; m < BULK; m++) {
            for (odd = 0; odd < 2; odd++) {
                for (i = 0; i < LAYERS; i++) {
                    lfuse_tensor *x = lft_tensor(t, types[k], (uint64_t)i + 1, 9, 11, 0);

                    views[i] = (struct lfi_view){.data = memcpy(bytes[odd][i] + odd,
                                                                lfuse_tensor_data(x),
                                                                lfuse_tensor_bytes(x)),
                                                 .dims = {9, 11},
                                                 .strides = {11, 1},
                                                 .rank = 2,
                                                 .dtype = types[k]};
                    items[i] = (struct lfi_similarity_item){"x", &views[i], NULL, 1};
                }
                params.metric = bulk[m];
                lft_ok(t, lfi_similarity_matrix(&env, items, LAYERS, &params, out[odd],
                                                &t->err));
            }
            for (i = 0; i < LAYERS * LAYERS; i++)
                assert_true(fabs(out[0][i] - out[1][i]) <= bound(k == 1, out[0][i]));
            lft_forget_tensors(t);
        }
}

static void threads_and_memory_change_no_bit(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_BF16};
    static const size_t limits[] = {1, 30000, 100000, 150000};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    double expected[LAYERS * LAYERS], out[LAYERS * LAYERS];
    uint32_t control = lft_float_control();
    int m, threads;
    size_t k;

    for (m = 0; m < BULK; m++) {
        n.options.metric = bulk[m];
        n.options.max_bytes = 0;
        lft_ok(t, all_pairs(t->ctx, &n, expected, &t->err));
        for (threads = 1; threads <= 3; threads++)
            for (k = 0; k < 4; k++) {
                lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

                n.options.max_bytes = limits[k];
                lft_ok(t, all_pairs(ctx, &n, out, &t->err));
                assert_memory_equal(out, expected, sizeof(out));
                lfuse_context_destroy(ctx);
            }
    }
    assert_int_equal(lft_float_control(), control);
}

/* In one allocation: those of all layers, or of as many as fit. */
static void factors_are_kept_within_max_bytes(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    const int64_t limit = 100000;
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    double out[LAYERS * LAYERS];
    int m;

    n.options.block = 16;
    for (m = FACTORS; m < BULK; m++) {
        n.options.metric = bulk[m];
        n.options.max_bytes = 0;
        t->memory.largest = 0;
        lft_ok(t, all_pairs(t->ctx, &n, out, &t->err));
        assert_true(t->memory.largest > limit);
        n.options.max_bytes = (size_t)limit;
        t->memory.largest = 0;
        lft_ok(t, all_pairs(t->ctx, &n, out, &t->err));
        assert_in_range(t->memory.largest, limit / 2 + 1, limit);
    }
}

static void one_layer_twice_is_alike(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    double out[LAYERS * LAYERS];
    int64_t e;
    int m;

    for (e = 0; e < ROWS * COLUMNS; e++)
        lft_set(n.weight[4], e, lft_value(2, e));
    for (m = 0; m < BULK; m++) {
        n.options.metric = bulk[m];
        lft_ok(t, all_pairs(t->ctx, &n, out, &t->err));
        if (m == 0 || m >= FACTORS)
            assert_true(out[1 * LAYERS + 4] == 0.0 && out[4 * LAYERS + 1] == 0.0);
        else
            assert_true(fabs(out[1 * LAYERS + 4] - 1.0) <= 1e-12);
    }
}

/* Blocks of 16: the first of layer 2 is constant, and of layer 3 but for one row. */
static void blocks_that_do_not_vary_are_left_out_pair_by_pair(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F64};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    int64_t i, j;
    int m;

    n.options.block = 16;
    for (i = 0; i < 16; i++)
        for (j = 0; j < 20; j++) {
            lft_set(n.weight[2], i * COLUMNS + j, 0.5);
            lft_set(n.weight[3], i * COLUMNS + j, i == 7 ? 1.0 : 0.5);
        }
    for (m = FACTORS; m < BULK; m++) {
        n.options.metric = bulk[m];
        check_against_pairs(t, &n, false);
    }
}

/* Of 50, 51, .. rows: blocks of each are cut by those of the longer. */
static void layers_of_different_rows_are_compared_pair_by_pair(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_BF16};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    char name[16];
    int m, i;

    for (i = 0; i < LAYERS; i++) {
        n.weight[i] = lft_tensor(t, type[i % 2], (uint64_t)i + 1, ROWS + i, COLUMNS, 0);
        (void)snprintf(name, sizeof(name), "g.%d", i);
        n.layer[i] = lft_layer(t, name, "g.*", i, n.weight[i], NULL, NULL);
    }
    n.options.block = 16;
    for (m = FACTORS; m < BULK; m++) {
        n.options.metric = bulk[m];
        if (bulk[m] != LFUSE_METRIC_PROCRUSTES) /* needs equal rows */
            check_against_pairs(t, &n, false);
    }
}

/* ---- failures -------------------------------------------------------------------------- */

struct listener {
    int calls;
    int stop_at;
    int64_t i[LAYERS * LAYERS];
    int64_t j[LAYERS * LAYERS];
};

static int32_t listen(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    struct listener *l = user;

    assert_non_null(strstr(error->message, "layer h.2 "));
    l->i[l->calls] = i;
    l->j[l->calls] = j;
    return ++l->calls == l->stop_at;
}

static const double untouched = -7.0;

static void a_layer_that_cannot_be_compared_leaves_the_others(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS), good = n;
    double out[LAYERS * LAYERS], expected[LAYERS * LAYERS];
    struct listener l;
    int m, i, j;

    for (m = 0; m < 2 * (BULK + 1); m++) {
        const int metric = m / 2, at = m % 2 == 0 ? 5 : 7 * COLUMNS + 5;

        n.options.metric = good.options.metric =
            metric < BULK ? bulk[metric] : LFUSE_METRIC_SINKHORN;
        lft_set(n.weight[2], at, lft_value(3, at));
        lft_ok(t, all_pairs(t->ctx, &good, expected, &t->err));
        lft_set(n.weight[2], at, m % 2 == 0 ? INFINITY : NAN);
        memset(&l, 0, sizeof(l));
        n.options.failed = listen;
        n.options.failed_user = &l;
        for (i = 0; i < LAYERS * LAYERS; i++)
            out[i] = untouched;
        lft_ok(t, all_pairs(t->ctx, &n, out, &t->err));
        assert_int_equal(l.calls, LAYERS - 1);
        for (i = 0; i < l.calls; i++) { /* once each, in row order */
            assert_int_equal(l.i[i], i < 2 ? i : 2);
            assert_int_equal(l.j[i], i < 2 ? 2 : i + 1);
        }
        for (i = 0; i < LAYERS; i++)
            for (j = 0; j < LAYERS; j++)
                assert_true(out[i * LAYERS + j] ==
                            (i == 2 || j == 2 ? untouched : expected[i * LAYERS + j]));
        lft_set(n.weight[2], at, lft_value(3, at));
    }
}

/* The same message from a matrix, whose factors cannot be made, as from the pair alone. */
static void check_failure_of_pair(struct lft *t, const struct network *n,
                                  const char *text)
{
    double out[LAYERS * LAYERS];
    struct listener l = {0};
    struct network told = *n;

    lft_fails(t, all_pairs(t->ctx, n, out, &t->err), LFUSE_ERR_DEGENERATE, text);
    told.options.failed = listen;
    told.options.failed_user = &l;
    lft_ok(t, all_pairs(t->ctx, &told, out, &t->err));
    assert_int_equal(l.calls, LAYERS - 1);
}

static void factors_that_cannot_be_made_fail_as_pairs_do(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F64, LFUSE_F64};
    struct lft *t = *state;
    struct network n = network(t, type, 40, 7);
    int m, i;

    n.options.ridge = -1.0;
    for (i = 0; i < 40; i++) /* the third column is a sum */
        lft_set(n.weight[2], 7 * i + 2,
                lft_get(n.weight[2], 7 * i) + lft_get(n.weight[2], 7 * i + 1));
    n.options.metric = LFUSE_METRIC_KL;
    check_failure_of_pair(t, &n, "kl: the covariance of layer h.2 is singular (40 rows");
    n.options.metric = LFUSE_METRIC_JS;
    check_failure_of_pair(t, &n, "js: the covariance of layer h.2 is singular (40 rows");
    for (i = 0; i < 40 * 7; i++)
        lft_set(n.weight[2], i, 0.0);
    for (m = FACTORS; m < BULK; m++) {
        n.options.metric = bulk[m];
        check_failure_of_pair(t, &n,
                              bulk[m] == LFUSE_METRIC_PROCRUSTES
                                  ? "procrustes: layer h.2 (40, 7) is all zero"
                                  : "in every block all rows of layer h.2 are equal");
    }
}

static void the_callback_of_failures_may_end_the_call(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_F32};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    struct listener l = {.stop_at = 2};
    double out[LAYERS * LAYERS];

    lft_set(n.weight[2], 5, INFINITY);
    n.options.failed = listen;
    n.options.failed_user = &l;
    lft_fails(t, all_pairs(t->ctx, &n, out, &t->err), LFUSE_ERR_NOT_FINITE,
              "layer h.2 is infinite at row 0, column 5 of (50, 90)");
    assert_int_equal(l.calls, 2);
}

static lfuse_status matrix_once(struct lft *t, void *arg)
{
    double out[LAYERS * LAYERS];

    return all_pairs(t->ctx, arg, out, &t->err);
}

static void a_refused_allocation_leaves_nothing(void **state)
{
    static const lfuse_dtype type[2] = {LFUSE_F32, LFUSE_BF16};
    struct lft *t = *state;
    struct network n = network(t, type, ROWS, COLUMNS);
    int m;

    for (m = 0; m < BULK; m++) {
        n.options.metric = bulk[m];
        lft_every_allocation_fails(t, matrix_once, &n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(pairs_at_once_are_pairs_one_by_one_in_every_type),
        lft_test(numbers_beyond_the_squares_of_f32_are_compared_alike),
        lft_test(one_row_far_from_the_others_costs_no_digits),
        lft_test(weights_that_are_not_aligned_are_compared_alike),
        lft_test(threads_and_memory_change_no_bit),
        lft_test(factors_are_kept_within_max_bytes),
        lft_test(one_layer_twice_is_alike),
        lft_test(blocks_that_do_not_vary_are_left_out_pair_by_pair),
        lft_test(layers_of_different_rows_are_compared_pair_by_pair),
        lft_test(factors_that_cannot_be_made_fail_as_pairs_do),
        lft_test(a_layer_that_cannot_be_compared_leaves_the_others),
        lft_test(the_callback_of_failures_may_end_the_call),
        lft_test(a_refused_allocation_leaves_nothing),
    };

    return cmocka_run_group_tests_name("similarity_matrix", tests, NULL, NULL);
}
