/* test_similarity_sizes.c - weights of different sizes: compared, refused, or made to agree */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static lfuse_similarity_options whole(lfuse_metric metric)
{
    return lft_metric_options(metric, LFUSE_BLOCK_WHOLE);
}

/* x with its rows `times` over, and `zeros` columns of 0 behind its own. */
static lfuse_tensor *grown(struct lft *t, const lfuse_tensor *x, int times, int zeros)
{
    int64_t rows = lfuse_tensor_dim(x, 0), columns = lfuse_tensor_dim(x, 1), i, j;
    lfuse_tensor *y = lft_tensor(t, LFUSE_F64, 0, rows * times, columns + zeros, 0);

    for (i = 0; i < rows * times; i++)
        for (j = 0; j < columns + zeros; j++)
            lft_set(y, i * (columns + zeros) + j,
                    j < columns ? lft_get(x, i % rows * columns + j) : 0.0);
    return y;
}

/*
 * Rows that are there twice leave mean and covariance as they are: for metrics of those, more
 * rows are no other weight. 32 rows of 5: sums of 64 products, the same in exact arithmetic,
 * then factors of (5, 5) matrices whose condition is below 100.
 */
static void metrics_of_covariances_take_any_number_of_rows(void **state)
{
    static const lfuse_metric metrics[] = {LFUSE_METRIC_COVARIANCE,
                                           LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
                                           LFUSE_METRIC_KL, LFUSE_METRIC_JS};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 32, 5, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 32, 5, 0);
    lfuse_tensor *twice = grown(t, c, 2, 0);
    int m;

    for (m = 0; m < 4; m++) {
        lfuse_similarity_options o = whole(metrics[m]);
        double value = lft_metric_with(t, a, c, &o);

        assert_true(fabs(lft_metric_with(t, a, twice, &o) - value) <=
                    1e4 * DBL_EPSILON * value);
        assert_true(fabs(lft_metric_with(t, twice, a, &o) -
                         lft_metric_with(t, c, a, &o)) <= 1e4 * DBL_EPSILON * value);
    }
}

/* In blocks, both are cut into as many parts: 20 rows by 8 into 3, so 5 rows into 2, 2, 1. */
static void fewer_rows_are_cut_into_as_many_parts(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 20, 4, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 5, 4, 0);
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_COVARIANCE, 8),
                             one = whole(LFUSE_METRIC_COVARIANCE);
    double value = lft_metric_with(t, a, c, &o), parts[2];
    static const int64_t first_a[] = {0, 7}, rows_a[] = {7, 7}, first_c[] = {0, 2};
    int i, e;

    for (i = 0; i < 2; i++) { /* the third of c has one row: no covariance */
        lfuse_tensor *pa = lft_tensor(t, LFUSE_F64, 0, rows_a[i], 4, 0);
        lfuse_tensor *pc = lft_tensor(t, LFUSE_F64, 0, 2, 4, 0);

        for (e = 0; e < rows_a[i] * 4; e++)
            lft_set(pa, e, lft_get(a, first_a[i] * 4 + e));
        for (e = 0; e < 8; e++)
            lft_set(pc, e, lft_get(c, first_c[i] * 4 + e));
        parts[i] = lft_metric_with(t, pa, pc, &one);
    }
    assert_true(fabs(value - (parts[0] + parts[1]) / 2.0) <= 100 * DBL_EPSILON);
}

/* Columns of 0 add nothing to products of rows, nor to any distance of theirs. */
static void metrics_of_rows_take_any_number_of_columns(void **state)
{
    static const lfuse_metric metrics[] = {LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_RBF_CKA,
                                           LFUSE_METRIC_DEBIASED_CKA,
                                           LFUSE_METRIC_PROCRUSTES};
    struct lft *t = *state;
    int rows, m;

    for (rows = 7; rows <= 40; rows += 33) { /* fewer, and more, than columns */
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, rows, 11, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, rows, 6, 0);
        lfuse_tensor *padded = grown(t, c, 1, 5);

        for (m = 0; m < 4; m++) {
            lfuse_similarity_options o = whole(metrics[m]);
            double value = lft_metric_with(t, a, padded, &o);
            double bound = 40.0 * 40.0 * 40.0 * DBL_EPSILON * fmax(1.0, fabs(value));

            assert_true(fabs(lft_metric_with(t, a, c, &o) - value) <= bound);
            assert_true(fabs(lft_metric_with(t, c, a, &o) - value) <= bound);
        }
    }
}

static void what_a_metric_needs_is_what_it_refuses(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *rows = lft_tensor(t, LFUSE_F32, 2, 8, 7, 0);
    lfuse_tensor *columns = lft_tensor(t, LFUSE_F32, 2, 9, 6, 0);
    lfuse_metric_properties p;
    lfuse_metric metric;
    double value;

    lfuse_metric_properties_init(&p, sizeof(p));
    for (metric = 1; metric < LFUSE_METRIC_CUSTOM; metric++) {
        lfuse_similarity_options o = whole(metric);
        char message[128];

        lft_ok(t, lfuse_metric_info(metric, &p, &t->err));
        if (p.needs_equal_rows) {
            (void)snprintf(message, sizeof(message),
                           "%s needs equal numbers of rows: a is (9, 7), b is (8, 7)",
                           p.name);
            lft_metric_fails(t, a, rows, &o, LFUSE_ERR_SHAPE, message);
        } else {
            lft_ok(t, lfuse_similarity(t->ctx, a, rows, &o, &value, &t->err));
        }
        if (p.needs_equal_columns) {
            (void)snprintf(message, sizeof(message),
                           "%s needs equal numbers of columns: a is (9, 7), b is (9, 6)",
                           p.name);
            lft_metric_fails(t, a, columns, &o, LFUSE_ERR_SHAPE, message);
        } else {
            lft_ok(t, lfuse_similarity(t->ctx, a, columns, &o, &value, &t->err));
        }
        o.unequal = LFUSE_UNEQUAL_SUBSAMPLE;
        lft_ok(t, lfuse_similarity(t->ctx, a, rows, &o, &value, &t->err));
        lft_ok(t, lfuse_similarity(t->ctx, columns, a, &o, &value, &t->err));
    }
}

static void the_smallest_rows_and_columns_are_dropped(void **state)
{
    static const double large[] = {1, 2, 9, 2,  /* rows by norm: 9.5, 0.5, 7.1, 7.1 */
                                   0, 0, 0, .5, /**/
                                   5, 0, 0, 5,  /**/
                                   5, 5, 0, 0};
    static const double small[] = {1, 9, 5, 0}; /* of (2, 2) */
    struct lft *t = *state;
    lfuse_similarity_options o = whole(LFUSE_METRIC_EUCLIDEAN);
    lfuse_tensor *a = lft_matrix(t, LFUSE_F64, small, 2, 2);

    /* Rows 0 and 2, the first of two alike; then of their columns 0 (5.1), 1 (2), 2 (9), 3
     * (5.4) the third and fourth. */
    static const double kept[] = {9, 2, 0, 5};
    lfuse_tensor *expected = lft_matrix(t, LFUSE_F64, kept, 2, 2);
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    int d;

    o.unequal = LFUSE_UNEQUAL_DROP_SMALLEST;
    for (d = 0; d < 4; d++) {
        lfuse_tensor *c = lft_matrix(t, types[d], large, 4, 4);

        assert_true(lft_metric_with(t, a, c, &o) == lft_metric_with(t, a, expected, &o));
        assert_true(lft_metric_with(t, c, a, &o) == lft_metric_with(t, a, expected, &o));
        assert_true(lft_metric_with(t, expected, c, &o) == 0.0);
    }
}

/* One of three rows, by 600 seeds: 200 each, with a deviation of 11.5. */
static void rows_are_drawn_alike_and_by_the_seed(void **state)
{
    static const double zero[] = {0}, rows[] = {1, 2, 3};
    struct lft *t = *state;
    lfuse_tensor *a = lft_matrix(t, LFUSE_F32, zero, 1, 1);
    lfuse_tensor *c = lft_matrix(t, LFUSE_F32, rows, 3, 1);
    lfuse_similarity_options o = whole(LFUSE_METRIC_EUCLIDEAN);
    int drawn[4] = {0}, seed;
    double value;

    o.unequal = LFUSE_UNEQUAL_SUBSAMPLE;
    for (seed = 1; seed <= 600; seed++) {
        o.seed = (uint64_t)seed;
        value = lft_metric_with(t, a, c, &o);
        assert_true(value == 1.0 || value == 2.0 || value == 3.0);
        assert_true(lft_metric_with(t, a, c, &o) == value);
        drawn[(int)value]++;
    }
    for (seed = 1; seed <= 3; seed++)
        assert_true(drawn[seed] > 140 && drawn[seed] < 260);
}

static void data_that_is_not_finite_is_named_where_it_was(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 2, 2, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2, 5, 4, 0);
    lfuse_similarity_options o = whole(LFUSE_METRIC_COSINE);

    lft_set(c, 4 * 4 + 1, NAN);
    for (o.unequal = LFUSE_UNEQUAL_SUBSAMPLE; o.unequal <= LFUSE_UNEQUAL_DROP_SMALLEST;
         o.unequal++)
        lft_metric_fails(t, a, c, &o, LFUSE_ERR_NOT_FINITE,
                         "b is NaN at row 4, column 1 of (5, 4)");
    o.unequal = LFUSE_UNEQUAL_DROP_SMALLEST + 1;
    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.unequal is 4");
}

/* ---- matrices ------------------------------------------------------------------------------ */

enum { LAYERS = 4 };

struct network {
    lfuse_layer *layer[LAYERS];
    lfuse_tensor *weight[LAYERS];
    lfuse_similarity_options options;
};

static struct network network(struct lft *t, const int64_t shapes[LAYERS][2])
{
    struct network n;
    char name[16];
    int i;

    for (i = 0; i < LAYERS; i++) {
        n.weight[i] =
            lft_tensor(t, LFUSE_F32, (uint64_t)i, shapes[i][0], shapes[i][1], 0);
        (void)snprintf(name, sizeof(name), "h.%d", i);
        n.layer[i] = lft_layer(t, name, "h.*", i, n.weight[i], NULL, NULL);
    }
    return n;
}

static lfuse_status matrix_once(struct lft *t, void *arg)
{
    struct network *n = arg;
    double out[LAYERS * LAYERS];

    return lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)n->layer, LAYERS,
                                   &n->options, out, &t->err);
}

/* Alone or among others, a pair has its value, within the f32 of features. */
static void a_matrix_takes_what_its_pairs_take(void **state)
{
    static const int64_t rows[LAYERS][2] = {{20, 9}, {31, 9}, {20, 9}, {12, 9}};
    static const int64_t columns[LAYERS][2] = {{20, 9}, {20, 30}, {20, 7}, {20, 9}};
    static const lfuse_metric by_rows[] = {LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_RBF_CKA,
                                           LFUSE_METRIC_PROCRUSTES,
                                           LFUSE_METRIC_DEBIASED_CKA};
    static const lfuse_metric by_columns[] = {LFUSE_METRIC_COVARIANCE, LFUSE_METRIC_KL,
                                              LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
                                              LFUSE_METRIC_EUCLIDEAN};
    struct lft *t = *state;
    double out[LAYERS * LAYERS], pair;
    int m, i, j;

    for (m = 0; m < 8; m++) {
        struct network n = network(t, m < 4 ? columns : rows);

        n.options = whole(m < 4 ? by_rows[m] : by_columns[m - 4]);
        n.options.unequal = m == 7 ? LFUSE_UNEQUAL_SUBSAMPLE : LFUSE_UNEQUAL_REFUSE;
        lft_ok(t, lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)n.layer,
                                          LAYERS, &n.options, out, &t->err));
        for (i = 0; i < LAYERS; i++)
            for (j = i + 1; j < LAYERS; j++) {
                pair = lft_metric_with(t, n.weight[i], n.weight[j], &n.options);
                assert_true(fabs(out[i * LAYERS + j] - pair) <=
                            3 * 520 * 0x1p-24 * fmax(1.0, pair));
            }
        lft_every_allocation_fails(t, matrix_once, &n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(metrics_of_covariances_take_any_number_of_rows),
        lft_test(fewer_rows_are_cut_into_as_many_parts),
        lft_test(metrics_of_rows_take_any_number_of_columns),
        lft_test(what_a_metric_needs_is_what_it_refuses),
        lft_test(the_smallest_rows_and_columns_are_dropped),
        lft_test(rows_are_drawn_alike_and_by_the_seed),
        lft_test(data_that_is_not_finite_is_named_where_it_was),
        lft_test(a_matrix_takes_what_its_pairs_take),
    };

    return cmocka_run_group_tests_name("similarity_sizes", tests, NULL, NULL);
}
