/*
 * test_similarity.c - the metrics against their mathematics, an independent f64 reference and
 * NumPy; the matrix over threads; every error
 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct golden {
    const char *name;
    int rows;
    int columns;
    int block;
    int seed_a;
    int seed_c;
    double share; /* of a in c */
    double euclidean;
    double cosine;
    double covariance;
};

#include "../golden/similarity.h"

enum { METRICS = 3 };

static const lfuse_metric metrics[METRICS] = {
    LFUSE_METRIC_EUCLIDEAN,
    LFUSE_METRIC_COSINE,
    LFUSE_METRIC_COVARIANCE,
};

static lfuse_similarity_options options_for(lfuse_metric metric, int64_t block)
{
    lfuse_similarity_options options;

    lfuse_similarity_options_init(&options, sizeof(options));
    options.metric = metric;
    options.block = block;
    return options;
}

static double compare(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                      lfuse_metric metric, int64_t block)
{
    lfuse_similarity_options options = options_for(metric, block);
    double value = NAN;

    lft_ok(t, lfuse_similarity(t->ctx, a, b, &options, &value, &t->err));
    return value;
}

static double at(const lfuse_tensor *tensor, int64_t index)
{
    struct lfi_view view = {.data = lfuse_tensor_data(tensor),
                            .dims = {lfuse_tensor_elements(tensor)},
                            .strides = {1},
                            .rank = 1,
                            .dtype = lfuse_tensor_dtype(tensor)};
    double value;

    lfi_view_read_f64(&view, index, 1, &value);
    return value;
}

static void set(lfuse_tensor *tensor, int64_t index, double value)
{
    struct lfi_view view = {.data = lfuse_tensor_data(tensor),
                            .dims = {lfuse_tensor_elements(tensor)},
                            .strides = {1},
                            .rank = 1,
                            .dtype = lfuse_tensor_dtype(tensor)};

    lfi_view_write_f64(&view, index, 1, &value);
}

static lfuse_tensor *matrix(struct lft *t, lfuse_dtype dtype, const double *values,
                            int rows, int columns)
{
    lfuse_tensor *tensor = lft_tensor(t, dtype, 0, rows, columns, 0);
    int i;

    for (i = 0; i < rows * columns; i++)
        set(tensor, i, values[i]);
    return tensor;
}

/* ---- the reference: the definitions, as they are written ------------------------------------ */

/* Entry (i, j) of the covariance of the block's columns. */
static double entry(const lfuse_tensor *x, int64_t columns, const int64_t row[2],
                    int64_t i, int64_t j)
{
    double mean_i = 0.0, mean_j = 0.0, sum = 0.0;
    int64_t n = row[1] - row[0], r;

    for (r = row[0]; r < row[1]; r++) {
        mean_i += at(x, r * columns + i) / (double)n;
        mean_j += at(x, r * columns + j) / (double)n;
    }
    for (r = row[0]; r < row[1]; r++)
        sum += (at(x, r * columns + i) - mean_i) * (at(x, r * columns + j) - mean_j);
    return sum / (double)n;
}

/* Bounds of the parts that a direction is cut into. */
static int64_t cut(int64_t length, int64_t block, int64_t *bounds)
{
    int64_t parts = block < 0 ? 1 : (length + block - 1) / block, k;

    for (bounds[0] = k = 0; k < parts; k++)
        bounds[k + 1] = bounds[k] + length / parts + (k < length % parts);
    return parts;
}

static double reference(const lfuse_tensor *a, const lfuse_tensor *c, int64_t rows,
                        int64_t columns, int64_t block)
{
    int64_t r[64], k[64], down = cut(rows, block, r), across = cut(columns, block, k);
    int64_t p, q, i, j, good = 0;
    double sum = 0.0;

    for (p = 0; p < down; p++)
        for (q = 0; q < across; q++) {
            double ac = 0.0, aa = 0.0, cc = 0.0;

            for (i = k[q]; i < k[q + 1]; i++)
                for (j = k[q]; j < k[q + 1]; j++) {
                    double x = entry(a, columns, r + p, i, j);
                    double y = entry(c, columns, r + p, i, j);

                    ac += x * y;
                    aa += x * x;
                    cc += y * y;
                }
            if (aa > 0.0 && cc > 0.0) {
                sum += ac / sqrt(aa * cc);
                good++;
            }
        }
    return sum / (double)good;
}

/*
 * What f64 rounding can do to an alignment of n rows and d columns: entries of S are off by
 * n 2^-53 of the sum of absolute values, which is at most sqrt(d) times |S| altogether; three
 * norms of d rounded sums; and twice that for two computations. 16 covers the constants.
 */
static double wide_bound(int64_t n, int64_t d)
{
    return 16.0 * (double)(n + d) * sqrt((double)d) * DBL_EPSILON;
}

/* The same where entries are off by 66 * 2^-24 (similarity.h): four S are, once each. */
static double narrow_bound(int64_t d)
{
    return 4.0 * 66.0 * 0x1p-24 * sqrt((double)d);
}

/* ---- values --------------------------------------------------------------------------------- */

static const double example_a[] = {1, 2, 3, 4, 5, 7, 2, 0};
static const double example_c[] = {2, 1, 0, 1, 4, 4, 1, 3};

/* |A - C|^2 = 40; A.C = 58, |A|^2 = 108, |C|^2 = 48; covariance: O'Neill's eq. 2 by hand. */
static void the_small_example_has_its_known_values(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = matrix(t, LFUSE_F64, example_a, 4, 2);
    lfuse_tensor *c = matrix(t, LFUSE_F64, example_c, 4, 2);

    assert_true(fabs(compare(t, a, c, LFUSE_METRIC_EUCLIDEAN, 0) - sqrt(40.0)) <=
                1e-15 * 8);
    assert_true(fabs(compare(t, a, c, LFUSE_METRIC_COSINE, 0) - 58.0 / 72.0) <= 1e-15);
    assert_true(fabs(compare(t, a, c, LFUSE_METRIC_COVARIANCE, 0) - 0.8802490160247638) <=
                1e-13);
}

static void numpy_finds_the_same(void **state)
{
    struct lft *t = *state;
    size_t i;
    int k;

    for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        const struct golden *g = &golden[i];
        int64_t n = g->rows * g->columns;
        lfuse_tensor *a =
            lft_tensor(t, LFUSE_F64, (uint64_t)g->seed_a, g->rows, g->columns, 0);
        lfuse_tensor *c =
            lft_tensor(t, LFUSE_F64, (uint64_t)g->seed_c, g->rows, g->columns, 0);
        double eps = (double)n * DBL_EPSILON; /* sums of n rounded terms */

        for (k = 0; k < n; k++)
            set(c, k, at(c, k) + g->share * at(a, k));
        assert_true(fabs(compare(t, a, c, LFUSE_METRIC_EUCLIDEAN, 0) - g->euclidean) <=
                    eps * g->euclidean);
        assert_true(fabs(compare(t, a, c, LFUSE_METRIC_COSINE, 0) - g->cosine) <= eps);
        assert_true(fabs(compare(t, a, c, LFUSE_METRIC_COVARIANCE, g->block) -
                         g->covariance) <= wide_bound(g->rows, g->columns));
    }
}

/* Odd sizes, so that parts differ; f64 within f64 rounding, narrower types within theirs. */
static void covariance_is_the_definition_block_by_block(void **state)
{
    static const struct {
        int rows, columns, block;
    } cases[] = {
        {7, 5, 128}, {150, 131, 128}, {30, 41, -1}, {41, 30, -1},
        {37, 53, 7}, {9, 1, 4},       {65, 3, 2},
    };
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    struct lft *t = *state;
    size_t i, k;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (k = 0; k < 4; k++) {
            int n = cases[i].rows, d = cases[i].columns;
            lfuse_tensor *a = lft_tensor(t, types[k], i, n, d, 0);
            lfuse_tensor *c = lft_tensor(t, types[k], 100 + i, n, d, 0);
            double got = compare(t, a, c, LFUSE_METRIC_COVARIANCE, cases[i].block);
            double want = reference(a, c, n, d, cases[i].block);

            assert_true(fabs(got - want) <=
                        wide_bound(n, d) + (k > 0 ? narrow_bound(d) : 0.0));
        }
}

/* Also where f32 products are rounded, since all three sums are of the same ones. */
static void equal_inputs_are_at_distance_0_and_similarity_1(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    struct lft *t = *state;
    int k, m;

    for (k = 0; k < 4; k++)
        for (m = 0; m < METRICS; m++) {
            lfuse_tensor *a = lft_tensor(t, types[k], 9, 200, 77, 0);
            lfuse_tensor *b = lft_tensor(t, types[k], 9, 200, 77, 0);
            lfuse_tensor *wide = lft_tensor(t, types[k], 9, 20, 700, 0);
            double expected = metrics[m] == LFUSE_METRIC_EUCLIDEAN ? 0.0 : 1.0;
            double tolerance = expected * 1e-12; /* promised */

            assert_true(fabs(compare(t, a, b, metrics[m], 0) - expected) <= tolerance);
            assert_true(fabs(compare(t, a, a, metrics[m], -1) - expected) <= tolerance);
            assert_true(fabs(compare(t, wide, wide, metrics[m], 0) - expected) <=
                        tolerance);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_small_example_has_its_known_values),
        lft_test(numpy_finds_the_same),
        lft_test(covariance_is_the_definition_block_by_block),
        lft_test(equal_inputs_are_at_distance_0_and_similarity_1),
    };

    return cmocka_run_group_tests_name("similarity", tests, NULL, NULL);
}
