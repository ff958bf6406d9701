/*
 * test_similarity.c - the metrics against their mathematics, an independent f64 reference and
 * NumPy; the matrix over threads; every error.
 *
 * Not split: all of it is measured by the one reference and its bounds.
 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <pthread.h>

#include "similarity/parts.h"

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

/* ---- properties ------------------------------------------------------------------------- */

/* A new tensor of the same shape, element i being scale * x[i] + shift[i mod columns]. */
static lfuse_tensor *affine(struct lft *t, const lfuse_tensor *x, double scale,
                            const double *shift)
{
    int rows = (int)lfuse_tensor_dim(x, 0), columns = (int)lfuse_tensor_dim(x, 1), i;
    lfuse_tensor *y = lft_tensor(t, lfuse_tensor_dtype(x), 0, rows, columns, 0);

    for (i = 0; i < rows * columns; i++)
        set(y, i, scale * at(x, i) + (shift != NULL ? shift[i % columns] : 0.0));
    return y;
}

/* Rows turned by `by` places: a permutation. */
static lfuse_tensor *rotate_rows(struct lft *t, const lfuse_tensor *x, int by)
{
    int rows = (int)lfuse_tensor_dim(x, 0), columns = (int)lfuse_tensor_dim(x, 1), i, j;
    lfuse_tensor *y = lft_tensor(t, lfuse_tensor_dtype(x), 0, rows, columns, 0);

    for (i = 0; i < rows; i++)
        for (j = 0; j < columns; j++)
            set(y, (i + by) % rows * columns + j, at(x, i * columns + j));
    return y;
}

/* Powers of two scale exactly. */
static void metrics_scale_as_they_should(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 30, 20, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 2, 30, 20, 0);
    lfuse_tensor *a4 = affine(t, a, 4.0, NULL), *b4 = affine(t, b, 4.0, NULL);
    lfuse_tensor *minus = affine(t, b, -0.5, NULL);
    double cosine = compare(t, a, b, LFUSE_METRIC_COSINE, 0);
    double covariance = compare(t, a, b, LFUSE_METRIC_COVARIANCE, 0);

    assert_true(compare(t, a4, b4, LFUSE_METRIC_EUCLIDEAN, 0) ==
                4.0 * compare(t, a, b, LFUSE_METRIC_EUCLIDEAN, 0));
    assert_true(compare(t, a4, b, LFUSE_METRIC_COSINE, 0) == cosine);
    assert_true(compare(t, a, minus, LFUSE_METRIC_COSINE, 0) == -cosine);
    assert_true(compare(t, a4, b, LFUSE_METRIC_COVARIANCE, 0) == covariance);
    assert_true(compare(t, a, minus, LFUSE_METRIC_COVARIANCE, 0) == covariance);
}

static void the_order_of_the_two_does_not_matter(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 140, 20, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 140, 20, 0);
    lfuse_tensor *wide_a = lft_tensor(t, LFUSE_F64, 1, 8, 90, 0);
    lfuse_tensor *wide_b = lft_tensor(t, LFUSE_F64, 2, 8, 90, 0);
    int m;

    for (m = 0; m < METRICS; m++)
        assert_true(compare(t, a, b, metrics[m], 0) == compare(t, b, a, metrics[m], 0));
    /* rows are fewer: the product is transposed, which changes the order of a sum */
    assert_true(fabs(compare(t, wide_a, wide_b, LFUSE_METRIC_COVARIANCE, 0) -
                     compare(t, wide_b, wide_a, LFUSE_METRIC_COVARIANCE, 0)) <=
                wide_bound(8, 90));
}

static void euclidean_is_a_metric(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 33, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 33, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 3, 33, 0);
    double ab = compare(t, a, b, LFUSE_METRIC_EUCLIDEAN, 0);
    double bc = compare(t, b, c, LFUSE_METRIC_EUCLIDEAN, 0);
    double ac = compare(t, a, c, LFUSE_METRIC_EUCLIDEAN, 0);

    assert_true(ab > 0.0 && ab + bc >= ac && ab + ac >= bc && ac + bc >= ab);
}

/* Both rows in the same new order: every sum is the same up to its order. */
static void permuting_the_rows_of_both_changes_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 40, 30, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 40, 30, 0);
    lfuse_tensor *pa = rotate_rows(t, a, 13), *pb = rotate_rows(t, b, 13);
    int m;

    for (m = 0; m < METRICS; m++) {
        double value = compare(t, a, b, metrics[m], 0);

        assert_true(fabs(compare(t, pa, pb, metrics[m], 0) - value) <=
                    fmax(1.0, value) * wide_bound(40, 30));
    }
}

/*
 * Covariance sees neither the order of one side's rows nor its column means. Shifts are
 * multiples of 2^-10 below 2^17: exact in f64 beside 16-bit fractions, and in f32 they would
 * leave no digit, had they not been taken off again before rounding.
 */
static void covariance_ignores_row_order_and_shifts(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 50, 30, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 50, 30, 0);
    double shift[30], value = compare(t, a, b, LFUSE_METRIC_COVARIANCE, 0);
    lfuse_tensor *moved;
    int j;

    for (j = 0; j < 30; j++)
        shift[j] = 100000.0 + 64.0 * lft_value(3, j);
    moved = affine(t, rotate_rows(t, a, 7), 1.0, shift);
    assert_true(fabs(compare(t, moved, b, LFUSE_METRIC_COVARIANCE, 0) - value) <=
                wide_bound(50, 30));
}

/* f32 with a large offset: 2^17 + k 2^-6 is exact, and so are the differences. */
static void a_large_offset_costs_no_digits(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 0, 60, 20, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 0, 60, 20, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2, 60, 20, 0);
    int i;

    for (i = 0; i < 60 * 20; i++) {
        double step = floor(64.0 * lft_value(5, i)) / 64.0;

        set(a, i, step);
        set(b, i, 131072.0 + step);
    }
    assert_true(compare(t, a, c, LFUSE_METRIC_COVARIANCE, 0) ==
                compare(t, b, c, LFUSE_METRIC_COVARIANCE, 0));
}

/* tr(QSaQ' QScQ') = tr(Sa Sc): a rotation of columns 0 and 1 in both, by 3/5 and 4/5. */
static void covariance_ignores_a_common_rotation_of_the_columns(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x[2] = {lft_tensor(t, LFUSE_F64, 1, 50, 6, 0),
                          lft_tensor(t, LFUSE_F64, 2, 50, 6, 0)};
    double value = compare(t, x[0], x[1], LFUSE_METRIC_COVARIANCE, 0);
    int i, k;

    for (k = 0; k < 2; k++)
        for (i = 0; i < 50; i++) {
            double u = at(x[k], i * 6), v = at(x[k], i * 6 + 1);

            set(x[k], i * 6, 0.6 * u - 0.8 * v);
            set(x[k], i * 6 + 1, 0.8 * u + 0.6 * v);
        }
    assert_true(fabs(compare(t, x[0], x[1], LFUSE_METRIC_COVARIANCE, 0) - value) <=
                wide_bound(50, 6));
}

/* The columns of A and C are uncorrelated across: tr(Sa Sc) = 0. */
static void covariance_of_unrelated_columns_is_0(void **state)
{
    static const double a[] = {1, 0, -1, 0}, c[] = {0, 1, 0, -1};
    struct lft *t = *state;

    assert_true(compare(t, matrix(t, LFUSE_F64, a, 2, 2), matrix(t, LFUSE_F64, c, 2, 2),
                        LFUSE_METRIC_COVARIANCE, 0) == 0.0);
}

/* Block 2 of 5 rows: 2, 2 and 1 of them. In the second, a is constant; the third is one row. */
static void blocks_without_a_direction_are_left_out_of_the_average(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 5, 2, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, 5, 2, 0);
    double first_a[4], first_c[4];
    int i;

    for (i = 0; i < 4; i++) {
        first_a[i] = at(a, i);
        first_c[i] = at(c, i);
        set(a, 4 + i, 0.1);
    }
    assert_true(compare(t, a, c, LFUSE_METRIC_COVARIANCE, 2) ==
                compare(t, matrix(t, LFUSE_F64, first_a, 2, 2),
                        matrix(t, LFUSE_F64, first_c, 2, 2), LFUSE_METRIC_COVARIANCE, 0));
}

/* ---- layouts, types, ranges ---------------------------------------------------------------- */

/* x (rows, columns) in memory of its own with these strides. */
static lfuse_tensor *strided(struct lft *t, const lfuse_tensor *x, int64_t row_stride,
                             int64_t column_stride, float *memory)
{
    int64_t dims[2] = {lfuse_tensor_dim(x, 0), lfuse_tensor_dim(x, 1)};
    int64_t strides[2] = {row_stride, column_stride}, i, j;
    lfuse_tensor_desc desc;

    for (i = 0; i < dims[0]; i++)
        for (j = 0; j < dims[1]; j++)
            memory[i * row_stride + j * column_stride] = (float)at(x, i * dims[1] + j);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = memory;
    desc.dims = dims;
    desc.strides = strides;
    desc.rank = 2;
    desc.dtype = LFUSE_F32;
    lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &t->tensors[t->tensor_count], &t->err));
    return t->tensors[t->tensor_count++];
}

static void strided_and_transposed_tensors_equal_dense_ones(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 23, 17, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 2, 23, 17, 0);
    static float one[4000], two[4000];
    lfuse_tensor *sa = strided(t, a, 40, 2, one); /* a slice */
    lfuse_tensor *sb = strided(t, b, 1, 23, two); /* a transpose */
    int m;

    for (m = 0; m < METRICS; m++)
        assert_true(compare(t, sa, sb, metrics[m], 8) == compare(t, a, b, metrics[m], 8));
}

static void output_axis_1_equals_the_transposed_tensor(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 23, 17, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 2, 23, 17, 0);
    lfuse_similarity_options options = options_for(LFUSE_METRIC_COVARIANCE, 8);
    static float one[400], two[400];
    double as_axis = NAN, as_it_is;

    options.output_axis = 1;
    as_it_is = compare(t, strided(t, a, 1, 23, one), strided(t, b, 1, 23, two),
                       LFUSE_METRIC_COVARIANCE, 8);
    {
        /* the same memory, as (17, 23): its axis 1 counts the rows of a */
        lfuse_tensor *ta = lft_borrow(t, LFUSE_F32, one, 17, 23, 0);
        lfuse_tensor *tb = lft_borrow(t, LFUSE_F32, two, 17, 23, 0);

        lft_ok(t, lfuse_similarity(t->ctx, ta, tb, &options, &as_axis, &t->err));
    }
    assert_true(as_axis == as_it_is);
}

/* A convolution's weight is its matrix of (out, in * kh * kw). */
static void higher_ranks_are_matrices_of_output_units(void **state)
{
    struct lft *t = *state;
    int m;

    for (m = 0; m < METRICS; m++)
        assert_true(compare(t, lft_tensor(t, LFUSE_F32, 1, 16, 5, 3, 3, 0),
                            lft_tensor(t, LFUSE_F32, 2, 16, 5, 3, 3, 0), metrics[m],
                            10) == compare(t, lft_tensor(t, LFUSE_F32, 1, 16, 45, 0),
                                           lft_tensor(t, LFUSE_F32, 2, 16, 45, 0),
                                           metrics[m], 10));
}

/* 7-bit integers fit every type, so only the type of the products can matter. */
static void types_may_differ(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    struct lft *t = *state;
    lfuse_tensor *a[4], *b[4];
    int i, j, k, m;

    for (k = 0; k < 4; k++) {
        a[k] = lft_tensor(t, types[k], 0, 20, 30, 0);
        b[k] = lft_tensor(t, types[k], 0, 20, 30, 0);
        for (i = 0; i < 600; i++) {
            set(a[k], i, floor(64.0 * lft_value(1, i)));
            set(b[k], i, floor(64.0 * lft_value(2, i)));
        }
    }
    for (m = 0; m < METRICS; m++)
        for (i = 0; i < 4; i++)
            for (j = 0; j < 4; j++) {
                bool wide = i == 0 || j == 0 || metrics[m] != LFUSE_METRIC_COVARIANCE;

                k = wide ? 0 : 1;
                assert_true(compare(t, a[i], b[j], metrics[m], 0) ==
                            compare(t, a[k], b[k], metrics[m], 0));
            }
}

/* Powers of two at the ends of the range cancel, or come out, exactly. */
static void values_near_the_ends_of_the_range_are_no_trouble(void **state)
{
    static const struct {
        lfuse_dtype dtype;
        double scale;
    } cases[] = {
        {LFUSE_F64, 0x1p1000}, {LFUSE_F64, 0x1p-1000}, {LFUSE_F64, 0x1p600},
        {LFUSE_F64, 0x1p-600}, {LFUSE_F32, 0x1p120},   {LFUSE_F32, 0x1p-100},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double s = cases[i].scale;
        lfuse_tensor *a = lft_tensor(t, cases[i].dtype, 1, 30, 20, 0);
        lfuse_tensor *b = lft_tensor(t, cases[i].dtype, 2, 30, 20, 0);
        lfuse_tensor *as = affine(t, a, s, NULL), *bs = affine(t, b, s, NULL);

        assert_true(compare(t, as, bs, LFUSE_METRIC_EUCLIDEAN, 0) ==
                    s * compare(t, a, b, LFUSE_METRIC_EUCLIDEAN, 0));
        assert_true(compare(t, as, bs, LFUSE_METRIC_COSINE, 0) ==
                    compare(t, a, b, LFUSE_METRIC_COSINE, 0));
        assert_true(compare(t, as, b, LFUSE_METRIC_COSINE, 0) ==
                    compare(t, a, b, LFUSE_METRIC_COSINE, 0));
        assert_true(compare(t, as, b, LFUSE_METRIC_COVARIANCE, 0) ==
                    compare(t, a, b, LFUSE_METRIC_COVARIANCE, 0));
    }
}

/* The largest finite values of f64: no sum or difference of theirs is in range. */
static void the_largest_values_give_their_covariance(void **state)
{
    static const double signs[] = {1, -1, -1, -1, 1, 1};
    struct lft *t = *state;
    lfuse_tensor *a = matrix(t, LFUSE_F64, signs, 3, 2);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 3, 2, 0);

    assert_true(
        fabs(compare(t, affine(t, a, DBL_MAX, NULL), b, LFUSE_METRIC_COVARIANCE, 0) -
             compare(t, a, b, LFUSE_METRIC_COVARIANCE, 0)) <= wide_bound(3, 2));
}

/* ---- one comparison: errors ------------------------------------------------------------------ */

static void metric_info_tells_name_and_direction(void **state)
{
    static const char *const names[] = {"euclidean", "cosine", "covariance"};
    struct lft *t = *state;
    lfuse_metric_properties p, before;
    lfuse_metric metric;
    int m;

    for (m = 0; m < METRICS; m++) {
        lfuse_metric_properties_init(&p, sizeof(p));
        lft_ok(t, lfuse_metric_info(metrics[m], &p, &t->err));
        assert_string_equal(p.name, names[m]);
        assert_int_equal(p.is_distance, m == 0);
        assert_int_equal(p.is_symmetric, 1);
        assert_int_equal(p.needs_equal_rows, m < 2);
        assert_int_equal(p.needs_equal_columns, 1);
        assert_true(strlen(p.cost) > 0);
        assert_int_equal(p.struct_size, sizeof(p));
        lft_ok(t, lfuse_metric_from_name(names[m], &metric, &t->err));
        assert_int_equal(metric, metrics[m]);
    }
    before = p;
    lft_fails(t, lfuse_metric_info(0, &p, &t->err), LFUSE_ERR_ARGUMENT, "unknown");
    lft_fails(t, lfuse_metric_info(99, &p, &t->err), LFUSE_ERR_ARGUMENT, "99");
    assert_memory_equal(&p, &before, sizeof(p));
    lft_fails(t, lfuse_metric_info(1, NULL, &t->err), LFUSE_ERR_ARGUMENT, "NULL");
    metric = 77;
    lft_fails(t, lfuse_metric_from_name("cosin", &metric, &t->err), LFUSE_ERR_ARGUMENT,
              "euclidean, cosine, covariance");
    lft_fails(t, lfuse_metric_from_name(NULL, &metric, &t->err), LFUSE_ERR_ARGUMENT,
              "name is NULL");
    lft_fails(t, lfuse_metric_from_name("cosine", NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "metric is NULL");
    assert_int_equal(metric, 77);
}

/* The call with these options fails so, and does not touch its output. */
static void fails(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                  const lfuse_similarity_options *options, lfuse_status status,
                  const char *text)
{
    double out = 12345.0;

    lft_fails(t, lfuse_similarity(t->ctx, a, b, options, &out, &t->err), status, text);
    assert_true(out == 12345.0);
}

static void bad_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 4, 3, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 1, 3, 4, 0);
    struct {
        lfuse_similarity_options known;
        int64_t later;
    } newer;
    lfuse_similarity_options o = options_for(99, 0);
    double out = 1.0;

    fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "metric is 99");
    o = options_for(0, -2);
    fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "block is -2");
    o = options_for(0, 0);
    o.output_axis = 2;
    fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "output_axis is 2, rank is 2");
    o.output_axis = -1;
    fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "output_axis is -1");
    fails(t, a, b, NULL, LFUSE_ERR_SHAPE, "a is (4, 3), b is (3, 4)");
    fails(t, NULL, b, NULL, LFUSE_ERR_ARGUMENT, "a is NULL");
    fails(t, a, NULL, NULL, LFUSE_ERR_ARGUMENT, "b is NULL");
    lft_fails(t, lfuse_similarity(NULL, a, a, NULL, &out, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_similarity(t->ctx, a, a, NULL, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "out is NULL");
    o = options_for(0, 0);
    o.struct_size = 3;
    fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "struct_size 3");
    lfuse_similarity_options_init(&newer.known, sizeof(newer));
    lft_ok(t, lfuse_similarity(t->ctx, a, a, &newer.known, &out, &t->err));
    assert_true(out == 0.0);
    newer.later = 1;
    fails(t, a, a, &newer.known, LFUSE_ERR_UNSUPPORTED, "options");
}

static void data_that_is_not_finite_is_found(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    struct lft *t = *state;
    int k, m;

    for (k = 0; k < 4; k++)
        for (m = 0; m < METRICS; m++) {
            lfuse_tensor *a = lft_tensor(t, types[k], 1, 40, 30, 0);
            lfuse_tensor *b = lft_tensor(t, types[k], 2, 40, 30, 0);
            lfuse_similarity_options o = options_for(metrics[m], 0);

            set(b, 37 * 30 + 11, -INFINITY);
            fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE,
                  "b is infinite at row 37, column 11 of (40, 30)");
            set(a, 37 * 30 + 11, -INFINITY); /* the difference is NaN */
            fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE, "a is infinite at row 37");
            set(a, 0, NAN);
            fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE, "a is NaN at row 0, column 0");
        }
}

static void a_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 4, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 1, 4, 0);

    set(a, 2, DBL_MAX);
    set(b, 2, -DBL_MAX);
    fails(t, a, b, NULL, LFUSE_ERR_NOT_FINITE, "beyond f64");
}

static void the_cosine_of_zeros_is_degenerate(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 4, 3, 0);
    lfuse_tensor *zero = affine(t, a, 0.0, NULL);
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COSINE, 0);

    fails(t, zero, a, &o, LFUSE_ERR_DEGENERATE, "cosine: a is all zero (12 elements)");
    fails(t, a, zero, &o, LFUSE_ERR_DEGENERATE, "cosine: b is all zero (12 elements)");
    assert_true(compare(t, zero, zero, LFUSE_METRIC_EUCLIDEAN, 0) == 0.0);
}

/* 0.1 has no exact mean of three in f64: a mean taken first would leave noise to compare. */
static void the_covariance_of_equal_rows_is_degenerate(void **state)
{
    static const double equal[] = {0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3};
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, 5, 2, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 5, 2, 0);
    lfuse_tensor *e = matrix(t, LFUSE_F64, equal, 5, 2);
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COVARIANCE, 0);
    int i;

    fails(t, a, e, &o, LFUSE_ERR_DEGENERATE,
          "covariance: in every block all rows of b are equal (");
    fails(t, e, a, &o, LFUSE_ERR_DEGENERATE, "all rows of a are equal");
    o.block = 1; /* one row per block */
    fails(t, a, b, &o, LFUSE_ERR_DEGENERATE, "all rows of a are equal");
    o.block = 3; /* three rows and two */
    for (i = 0; i < 6; i++)
        set(a, i, 0.1 + i % 2);
    for (i = 6; i < 10; i++)
        set(b, i, 0.1 + i % 2);
    fails(t, a, b, &o, LFUSE_ERR_DEGENERATE, "all rows of a, or of b, are equal");
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    struct lft *t = *state;
    struct lfi_view huge = {.data = t,
                            .dims = {INT64_C(1) << 31, INT64_C(1) << 31},
                            .strides = {INT64_C(1) << 31, 1},
                            .rank = 2,
                            .dtype = LFUSE_F16};
    struct lfi_comparison pair = {
        huge, huge, "a", "b", {.metric = LFUSE_METRIC_COVARIANCE, .block = -1}};
    size_t bytes;

    assert_false(lfi_metric_covariance.scratch(&pair, &bytes));
}

static lfuse_status compare_once(struct lft *t, void *arg)
{
    lfuse_tensor **ab = arg;
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COVARIANCE, 0);
    double out = 12345.0;
    lfuse_status status = lfuse_similarity(t->ctx, ab[0], ab[1], &o, &out, &t->err);

    assert_true(status == LFUSE_OK || out == 12345.0);
    return status;
}

static void refused_memory_is_reported(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *ab[2] = {lft_tensor(t, LFUSE_F32, 1, 9, 9, 0),
                           lft_tensor(t, LFUSE_F32, 2, 9, 9, 0)};
    int64_t live = t->memory.live;

    t->memory.allocations = 0;
    t->memory.fail_at = 0;
    lft_fails(t, compare_once(t, ab), LFUSE_ERR_NO_MEMORY, "bytes were refused");
    t->memory.fail_at = -1;
    lft_ok(t, compare_once(t, ab));
    assert_int_equal(t->memory.live, live);
}

/* ---- the matrix ------------------------------------------------------------------------------- */

enum { LAYERS = 7 };

struct network {
    lfuse_layer *layer[LAYERS];
    lfuse_tensor *weight[LAYERS];
};

static struct network network(struct lft *t, lfuse_dtype dtype)
{
    struct network n;
    char name[16];
    int i;

    for (i = 0; i < LAYERS; i++) {
        n.weight[i] = lft_tensor(t, dtype, (uint64_t)i, 40, 30, 0);
        (void)snprintf(name, sizeof(name), "h.%d", i);
        n.layer[i] = lft_layer(t, name, "h.*", i, n.weight[i], NULL, NULL);
    }
    return n;
}

static lfuse_status all_pairs(lfuse_context *ctx, const struct network *n, int count,
                              const lfuse_similarity_options *options, double *out,
                              lfuse_error *err)
{
    return lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)n->layer, count,
                                   options, out, err);
}

/*
 * Sums over all pairs of f32 are f32 over at most 128 elements, where compare's are f64: off by
 * 130 * 2^-24 of that of absolute values, which is 1 for a cosine; half of that, relatively,
 * for a root of squares. The features of covariance are rounded to f32 before.
 */
static void assert_close(double got, double expected)
{
    assert_true(fabs(got - expected) <= 132 * 0x1p-24 * fmax(1.0, fabs(expected)));
}

static void the_matrix_holds_every_pair(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    double out[LAYERS * LAYERS];
    int count, i, j, m;

    for (m = 0; m < METRICS; m++)
        for (count = 1; count <= LAYERS; count++) {
            lfuse_similarity_options o = options_for(metrics[m], 0);

            lft_ok(t, all_pairs(t->ctx, &n, count, &o, out, &t->err));
            for (i = 0; i < count; i++)
                for (j = 0; j < count; j++)
                    if (i == j)
                        assert_true(out[i * count + j] == (m == 0 ? 0.0 : 1.0));
                    else
                        assert_close(out[i * count + j],
                                     compare(t, n.weight[i < j ? i : j],
                                             n.weight[i < j ? j : i], metrics[m], 0));
        }
}

/* The second weight is (6, 10) with output_axis 1; a bias and a statistic are no weights. */
static void add_parameters(struct lft *t, lfuse_layer *layer, uint64_t seed)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = "bias";
    p.role = LFUSE_ROLE_BIAS;
    p.value = lft_tensor(t, LFUSE_F32, seed, 40 + (int)seed, 0);
    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    p.name = "second";
    p.role = LFUSE_ROLE_WEIGHT;
    p.output_axis = 1;
    p.value = lft_tensor(t, LFUSE_F32, seed, 6, 10, 0);
    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
}

static void several_weights_are_averaged_by_name(void **state)
{
    struct lft *t = *state;
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COVARIANCE, 0);
    lfuse_tensor *first[2] = {lft_tensor(t, LFUSE_F32, 1, 40, 30, 0),
                              lft_tensor(t, LFUSE_F32, 2, 40, 30, 0)};
    lfuse_layer *layer[2];
    lfuse_layer_desc desc;
    lfuse_parameter p;
    double out[4], value = NAN, want;

    layer[0] = lft_layer(t, "one", "type", 0, first[0], NULL, NULL);
    add_parameters(t, layer[0], 3);
    lfuse_layer_desc_init(&desc, sizeof(desc)); /* the other adds them in another order */
    desc.name = "two";
    desc.param_type = "type";
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &layer[1], &t->err));
    t->layers[t->layer_count++] = layer[1];
    add_parameters(t, layer[1], 4);
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "weight";
    p.value = first[1];
    lft_ok(t, lfuse_layer_add_parameter(layer[1], &p, &t->err));

    want = compare(t, first[0], first[1], LFUSE_METRIC_COVARIANCE, 0);
    o.output_axis = 1;
    lft_ok(t,
           lfuse_similarity(t->ctx, lft_tensor(t, LFUSE_F32, 3, 6, 10, 0),
                            lft_tensor(t, LFUSE_F32, 4, 6, 10, 0), &o, &value, &t->err));
    o.output_axis = 99; /* ignored: layers carry their own */
    lft_ok(t, lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)layer, 2, &o,
                                      out, &t->err));
    assert_close(out[1], (want + value) / 2.0);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    double serial[LAYERS * LAYERS], pooled[LAYERS * LAYERS];
    int threads, m;

    for (m = 0; m < METRICS; m++) {
        lfuse_similarity_options o = options_for(metrics[m], 16);

        lft_ok(t, all_pairs(t->ctx, &n, LAYERS, &o, serial, &t->err));
        for (threads = 2; threads <= 3; threads++) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

            lft_ok(t, all_pairs(ctx, &n, LAYERS, &o, pooled, &t->err));
            assert_memory_equal(pooled, serial, sizeof(serial));
            lfuse_context_destroy(ctx);
        }
    }
}

static void every_instruction_set_stays_within_its_bound(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COVARIANCE, 0);
    double out[LAYERS * LAYERS];
    lfuse_isa isa;
    int j;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        lft_ok(t, all_pairs(ctx, &n, LAYERS, &o, out, &t->err));
        for (j = 1; j < LAYERS; j++)
            assert_true(fabs(out[j] - reference(n.weight[0], n.weight[j], 40, 30, 128)) <=
                        narrow_bound(30) + wide_bound(40, 30));
        lfuse_context_destroy(ctx);
    }
}

/* Of the pairs (0, 5), (1, 5), ... and (2, 0), ... the first in row order is (0, 2). */
static void the_first_failing_pair_is_reported_with_any_threads(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F64);
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COSINE, 0);
    double out[LAYERS * LAYERS];
    int threads;

    set(n.weight[5], 3, NAN);
    set(n.weight[2], 7, INFINITY);
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        lft_fails(t, all_pairs(ctx, &n, LAYERS, &o, out, &t->err), LFUSE_ERR_NOT_FINITE,
                  "layer h.2 is infinite at row 0, column 7 of (40, 30)");
        assert_int_equal(all_pairs(ctx, &n, LAYERS, &o, out, NULL), LFUSE_ERR_NOT_FINITE);
        lfuse_context_destroy(ctx);
    }
}

static void a_single_layer_is_checked_too(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COSINE, 0);
    double out = 0.0;
    int i;

    for (i = 0; i < 40 * 30; i++)
        set(n.weight[0], i, 0.0);
    lft_fails(t, all_pairs(t->ctx, &n, 1, &o, &out, &t->err), LFUSE_ERR_DEGENERATE,
              "layer h.0 is all zero");
}

static void a_fault_in_one_of_several_weights_is_named(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    lfuse_parameter p;
    double out[4];
    int i;

    for (i = 0; i < 2; i++)
        add_parameters(t, n.layer[i], 1);
    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_layer_parameter(n.layer[1], 2, &p, &t->err));
    set(p.value, 0, NAN);
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_NOT_FINITE,
              "second of layer h.1 is NaN");
}

static void layers_that_do_not_match_are_named(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    lfuse_tensor *turned = lft_tensor(t, LFUSE_F32, 1, 30, 40, 0);
    lfuse_similarity_options o = options_for(99, 0);
    double out[LAYERS * LAYERS];
    lfuse_layer_desc desc;
    lfuse_parameter p;
    lfuse_layer *empty, *other;

    lft_fails(t, all_pairs(NULL, &n, 2, NULL, out, &t->err), LFUSE_ERR_ARGUMENT, "ctx");
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "out");
    lft_fails(t, lfuse_similarity_matrix(t->ctx, NULL, 2, NULL, out, &t->err),
              LFUSE_ERR_ARGUMENT, "layers is NULL");
    lft_fails(t, all_pairs(t->ctx, &n, 0, NULL, out, &t->err), LFUSE_ERR_ARGUMENT,
              "count is 0");
    lft_fails(t, all_pairs(t->ctx, &n, -3, NULL, out, &t->err), LFUSE_ERR_ARGUMENT,
              "count is -3");
    lft_fails(t, all_pairs(t->ctx, &n, 2, &o, out, &t->err), LFUSE_ERR_ARGUMENT,
              "metric is 99");

    n.layer[1] = lft_layer(t, "x", "another", 0, n.weight[1], NULL, NULL);
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_NAME,
              "layer x has param type another, layer h.0 has h.*");
    n.layer[1] = lft_layer(t, "y", "h.*", 0, turned, NULL, NULL);
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_SHAPE,
              "layer h.0 is (40, 30), layer y is (30, 40)");
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = "empty";
    desc.param_type = "h.*";
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &empty, &t->err));
    t->layers[t->layer_count++] = n.layer[1] = empty;
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_ARGUMENT,
              "layer empty has no weights");
    desc.name = "other";
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &other, &t->err));
    t->layers[t->layer_count++] = n.layer[1] = other;
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "kernel";
    p.value = n.weight[1];
    lft_ok(t, lfuse_layer_add_parameter(other, &p, &t->err));
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_NAME,
              "layer other has no weight weight");
    p.name = "weight";
    p.output_axis = 1; /* (40, 30) by its columns is another matrix */
    lft_ok(t, lfuse_layer_add_parameter(empty, &p, &t->err));
    n.layer[1] = empty;
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_SHAPE,
              "layer h.0 is (40, 30), layer empty is (30, 40)");
    add_parameters(t, other, 1);
    n.layer[1] = other;
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_NAME,
              "layer other has 2 weights, layer h.0 has 1");
    n.layer[1] = NULL;
    lft_fails(t, all_pairs(t->ctx, &n, 2, NULL, out, &t->err), LFUSE_ERR_ARGUMENT,
              "layers[1] is NULL");
}

struct listener {
    pthread_t thread; /* that called the library */
    int64_t last;
    int64_t total;
    int calls;
    int stop_at; /* the call to answer with 7; -1: none */
};

static int32_t listen(const char *what, int64_t done, int64_t total, void *user)
{
    struct listener *l = user;

    assert_string_equal(what, "similarity");
    assert_true(pthread_equal(l->thread, pthread_self()));
    assert_true(l->calls == 0 ? done == 0 : done > l->last && done <= total);
    l->last = done;
    l->total = total;
    return l->calls++ == l->stop_at ? 7 : 0;
}

static lfuse_context *listened(struct lft *t, int32_t threads, struct listener *l)
{
    lfuse_context_options options;
    lfuse_context *ctx;

    memset(l, 0, sizeof(*l));
    l->thread = pthread_self();
    l->stop_at = -1;
    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = lft_allocator(&t->memory);
    options.threads = threads;
    options.progress = listen;
    options.progress_user = l;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    return ctx;
}

static void progress_is_told_on_the_calling_thread_and_may_cancel(void **state)
{
    struct lft *t = *state;
    const lfuse_similarity_options o = options_for(LFUSE_METRIC_PROCRUSTES, 0);
    struct network n = network(t, LFUSE_F32);
    double out[LAYERS * LAYERS];
    struct listener l;
    int threads, calls, k;

    for (threads = 0; threads <= 3; threads += 3) {
        lfuse_context *ctx = listened(t, threads, &l);

        lft_ok(t, all_pairs(ctx, &n, LAYERS, &o, out, &t->err));
        assert_int_equal(l.last, LAYERS * (LAYERS - 1) / 2);
        assert_int_equal(l.total, LAYERS * (LAYERS - 1) / 2);
        calls = l.calls;
        assert_true(calls > 2);
        lfuse_context_destroy(ctx);
        for (k = 0; k < calls; k++) {
            ctx = listened(t, threads, &l);
            l.stop_at = k;
            lft_fails(t, all_pairs(ctx, &n, LAYERS, &o, out, &t->err),
                      LFUSE_ERR_CANCELLED, "similarity was cancelled");
            assert_int_equal(t->err.detail, 7);
            assert_int_equal(l.calls, k + 1);
            lfuse_context_destroy(ctx);
        }
    }
}

static int32_t refuse(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return 42;
}

static void an_executor_that_refuses_is_reported(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    double out[LAYERS * LAYERS];
    lfuse_context_options options;
    lfuse_context *ctx;

    lfuse_context_options_init(&options, sizeof(options));
    options.executor.parallel_for = refuse;
    options.executor.concurrency = 2;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_fails(t, all_pairs(ctx, &n, LAYERS, NULL, out, &t->err), LFUSE_ERR_CALLBACK,
              "returned 42");
    assert_int_equal(t->err.detail, 42);
    lfuse_context_destroy(ctx);
}

static lfuse_status matrix_once(struct lft *t, void *arg)
{
    lfuse_similarity_options o = options_for(LFUSE_METRIC_COVARIANCE, 0);
    double out[LAYERS * LAYERS];

    return all_pairs(t->ctx, arg, LAYERS, &o, out, &t->err);
}

static void the_matrix_survives_every_refused_allocation(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);

    lft_every_allocation_fails(t, matrix_once, &n);
}

static void the_floating_point_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    struct network n = network(t, LFUSE_F32);
    uint32_t control = lft_float_control();

    lft_ok(t, matrix_once(t, &n));
    assert_int_equal(lft_float_control(), control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_small_example_has_its_known_values),
        lft_test(numpy_finds_the_same),
        lft_test(covariance_is_the_definition_block_by_block),
        lft_test(equal_inputs_are_at_distance_0_and_similarity_1),
        lft_test(metrics_scale_as_they_should),
        lft_test(the_order_of_the_two_does_not_matter),
        lft_test(euclidean_is_a_metric),
        lft_test(permuting_the_rows_of_both_changes_nothing),
        lft_test(covariance_ignores_row_order_and_shifts),
        lft_test(a_large_offset_costs_no_digits),
        lft_test(covariance_ignores_a_common_rotation_of_the_columns),
        lft_test(covariance_of_unrelated_columns_is_0),
        lft_test(blocks_without_a_direction_are_left_out_of_the_average),
        lft_test(strided_and_transposed_tensors_equal_dense_ones),
        lft_test(output_axis_1_equals_the_transposed_tensor),
        lft_test(higher_ranks_are_matrices_of_output_units),
        lft_test(types_may_differ),
        lft_test(values_near_the_ends_of_the_range_are_no_trouble),
        lft_test(the_largest_values_give_their_covariance),
        lft_test(metric_info_tells_name_and_direction),
        lft_test(bad_arguments_are_named),
        lft_test(data_that_is_not_finite_is_found),
        lft_test(a_distance_beyond_f64_is_an_error),
        lft_test(the_cosine_of_zeros_is_degenerate),
        lft_test(the_covariance_of_equal_rows_is_degenerate),
        lft_test(sizes_that_do_not_fit_are_refused),
        lft_test(refused_memory_is_reported),
        lft_test(the_matrix_holds_every_pair),
        lft_test(several_weights_are_averaged_by_name),
        lft_test(any_number_of_threads_gives_the_same_bits),
        lft_test(every_instruction_set_stays_within_its_bound),
        lft_test(the_first_failing_pair_is_reported_with_any_threads),
        lft_test(a_single_layer_is_checked_too),
        lft_test(a_fault_in_one_of_several_weights_is_named),
        lft_test(layers_that_do_not_match_are_named),
        lft_test(progress_is_told_on_the_calling_thread_and_may_cancel),
        lft_test(an_executor_that_refuses_is_reported),
        lft_test(the_matrix_survives_every_refused_allocation),
        lft_test(the_floating_point_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("similarity", tests, NULL, NULL);
}
