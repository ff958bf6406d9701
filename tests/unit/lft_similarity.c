/* lft_similarity.c - see lft_similarity.h */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "similarity/similarity.h"

lfuse_similarity_options lft_metric_options(lfuse_metric metric, int64_t block)
{
    lfuse_similarity_options options;

    lfuse_similarity_options_init(&options, sizeof(options));
    options.metric = metric;
    options.block = block;
    return options;
}

double lft_metric_with(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                       const lfuse_similarity_options *options)
{
    double value = NAN;

    lft_ok(t, lfuse_similarity(t->ctx, a, b, options, &value, &t->err));
    return value;
}

double lft_metric(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                  lfuse_metric metric, int64_t block)
{
    lfuse_similarity_options options = lft_metric_options(metric, block);

    return lft_metric_with(t, a, b, &options);
}

void lft_metric_fails(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                      const lfuse_similarity_options *options, lfuse_status status,
                      const char *text)
{
    double out = 12345.0;

    lft_fails(t, lfuse_similarity(t->ctx, a, b, options, &out, &t->err), status, text);
    assert_true(out == 12345.0);
}

/* ---- matrices --------------------------------------------------------------------------- */

static struct lfi_view flat(const lfuse_tensor *tensor)
{
    struct lfi_view view = {.data = lfuse_tensor_data(tensor),
                            .dims = {lfuse_tensor_elements(tensor)},
                            .strides = {1},
                            .rank = 1,
                            .dtype = lfuse_tensor_dtype(tensor)};

    return view;
}

double lft_get(const lfuse_tensor *tensor, int64_t index)
{
    struct lfi_view view = flat(tensor);
    double value;

    lfi_view_read_f64(&view, index, 1, &value);
    return value;
}

void lft_set(lfuse_tensor *tensor, int64_t index, double value)
{
    struct lfi_view view = flat(tensor);

    lfi_view_write_f64(&view, index, 1, &value);
}

lfuse_tensor *lft_matrix(struct lft *t, lfuse_dtype dtype, const double *values, int rows,
                         int columns)
{
    lfuse_tensor *tensor = lft_tensor(t, dtype, 0, rows, columns, 0);
    int i;

    for (i = 0; i < rows * columns; i++)
        lft_set(tensor, i, values[i]);
    return tensor;
}

static lfuse_tensor *like(struct lft *t, const lfuse_tensor *x)
{
    return lft_tensor(t, lfuse_tensor_dtype(x), 0, (int)lfuse_tensor_dim(x, 0),
                      (int)lfuse_tensor_dim(x, 1), 0);
}

lfuse_tensor *lft_affine(struct lft *t, const lfuse_tensor *x, double scale, double shift)
{
    lfuse_tensor *y = like(t, x);
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(x); i++)
        lft_set(y, i, scale * lft_get(x, i) + shift);
    return y;
}

lfuse_tensor *lft_sum(struct lft *t, const lfuse_tensor *x, double share,
                      const lfuse_tensor *y)
{
    lfuse_tensor *z = like(t, x);
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(x); i++)
        lft_set(z, i, lft_get(x, i) + share * lft_get(y, i));
    return z;
}

lfuse_tensor *lft_permuted(struct lft *t, const lfuse_tensor *x, int rows_by,
                           int columns_by)
{
    int64_t rows = lfuse_tensor_dim(x, 0), columns = lfuse_tensor_dim(x, 1), i, j;
    lfuse_tensor *y = like(t, x);

    for (i = 0; i < rows; i++)
        for (j = 0; j < columns; j++)
            lft_set(y, (i + rows_by) % rows * columns + (j + columns_by) % columns,
                    lft_get(x, i * columns + j));
    return y;
}

lfuse_tensor *lft_rotated(struct lft *t, const lfuse_tensor *x, uint64_t seed)
{
    int64_t rows = lfuse_tensor_dim(x, 0), columns = lfuse_tensor_dim(x, 1), i, j, k;
    lfuse_tensor *y = lft_affine(t, x, 1.0, 0.0);

    for (k = 0; k < 2; k++)
        for (j = 0; j + 1 < columns; j++) {
            double angle = 3.14 * lft_value(seed, k * columns + j);

            for (i = 0; i < rows; i++) {
                double u = lft_get(y, i * columns + j);
                double v = lft_get(y, i * columns + j + 1);

                lft_set(y, i * columns + j, cos(angle) * u - sin(angle) * v);
                lft_set(y, i * columns + j + 1, sin(angle) * u + cos(angle) * v);
            }
        }
    for (i = 0; i < rows; i++)
        lft_set(y, i * columns, -lft_get(y, i * columns));
    return y;
}

void lft_forget_tensors(struct lft *t)
{
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* ---- the contract --------------------------------------------------------------------------- */

static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};

static void check_info(struct lft *t, const struct lft_metric_facts *facts)
{
    lfuse_metric_properties p;
    lfuse_metric found;

    lfuse_metric_properties_init(&p, sizeof(p));
    lft_ok(t, lfuse_metric_info(facts->metric, &p, &t->err));
    assert_string_equal(p.name, facts->name);
    assert_int_equal(p.is_distance, facts->is_distance);
    assert_int_equal(p.is_symmetric, facts->is_symmetric);
    lft_ok(t, lfuse_metric_from_name(facts->name, &found, &t->err));
    assert_int_equal(found, facts->metric);
}

static void check_equal_inputs(struct lft *t, lfuse_metric metric, int is_distance)
{
    static const int shapes[][2] = {{60, 21}, {21, 60}, {9, 1}, {4, 4}};
    int i, k;

    for (k = 0; k < 4; k++)
        for (i = 0; i < 4; i++) {
            int n = shapes[i][0], d = shapes[i][1];
            lfuse_tensor *a = lft_tensor(t, types[k], 9, n, d, 0);
            lfuse_tensor *b = lft_tensor(t, types[k], 9, n, d, 0);
            double whole = lft_metric(t, a, b, metric, -1);
            double cut = lft_metric(t, a, a, metric, 30);

            if (is_distance) {
                assert_true(whole == 0.0 && cut == 0.0);
            } else {
                assert_true(fabs(whole - 1.0) <= 1e-12); /* promised */
                assert_true(fabs(cut - 1.0) <= 1e-12);
            }
        }
}

/* A transpose, a slice, and a weight of rank 4: all hold the numbers of a and c. */
static void check_layouts(struct lft *t, lfuse_metric metric)
{
    enum { ROWS = 12, COLUMNS = 18 };
    static float turned[COLUMNS * ROWS], sliced[ROWS * 2 * COLUMNS];
    const int64_t dims[] = {ROWS, COLUMNS}, columns_first[] = {1, ROWS};
    const int64_t slice[] = {2 * COLUMNS, 2};
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, ROWS, COLUMNS, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2, ROWS, COLUMNS, 0);
    double want = lft_metric(t, a, c, metric, 8);
    int i, j;

    for (i = 0; i < ROWS; i++)
        for (j = 0; j < COLUMNS; j++) {
            turned[j * ROWS + i] = (float)lft_get(a, i * COLUMNS + j);
            sliced[i * 2 * COLUMNS + 2 * j] = (float)lft_get(c, i * COLUMNS + j);
        }
    assert_true(lft_metric(t, lft_strided(t, LFUSE_F32, turned, 2, dims, columns_first),
                           lft_strided(t, LFUSE_F32, sliced, 2, dims, slice), metric,
                           8) == want);
    assert_true(lft_metric(t, lft_tensor(t, LFUSE_F32, 1, ROWS, 2, 3, 3, 0),
                           lft_tensor(t, LFUSE_F32, 2, ROWS, 2, 3, 3, 0), metric,
                           8) == want);
}

/* At this scale the metric is want, or, where that is beyond f64, fails. */
static void check_scale(struct lft *t, const struct lft_metric_facts *facts,
                        const lfuse_tensor *a, const lfuse_tensor *c, double scale,
                        double want)
{
    lfuse_similarity_options o = lft_metric_options(facts->metric, 0);
    lfuse_tensor *scaled_a = lft_affine(t, a, scale, 0.0);
    lfuse_tensor *scaled_c = lft_affine(t, c, scale, 0.0);
    int power;

    for (power = 0; power < facts->degree; power++)
        want *= scale;
    if (isfinite(want))
        assert_true(lft_metric_with(t, scaled_a, scaled_c, &o) == want);
    else
        lft_metric_fails(t, scaled_a, scaled_c, &o, LFUSE_ERR_NOT_FINITE, "beyond f64");
}

/* Powers of two come out exactly, or cancel, wherever in the range; narrow types are f64. */
static void check_range(struct lft *t, const struct lft_metric_facts *facts,
                        double narrow)
{
    static const double scales[] = {0x1p1000, 0x1p-990, 0x1p600, 0x1p-600, 0x1p3};
    lfuse_metric metric = facts->metric;
    int shape, k;

    for (shape = 0; shape < 2; shape++) {
        int n = shape == 0 ? 20 : 7, d = shape == 0 ? 7 : 20;
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 1, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2, n, d, 0);
        double want = lft_metric(t, a, c, metric, 0);
        double f32 = lft_metric(t, lft_tensor(t, LFUSE_F32, 1, n, d, 0),
                                lft_tensor(t, LFUSE_F32, 2, n, d, 0), metric, 0);

        for (k = 0; k < 5; k++)
            check_scale(t, facts, a, c, scales[k], want);
        assert_true(fabs(f32 - want) <= narrow * want);
    }
}

static void check_bad_data(struct lft *t, const struct lft_metric_facts *facts)
{
    lfuse_similarity_options o = lft_metric_options(facts->metric, 0);
    lfuse_tensor *a, *b, *zero;
    int k;

    for (k = 0; k < 4; k++) {
        a = lft_tensor(t, types[k], 1, 9, 7, 0);
        b = lft_tensor(t, types[k], 2, 9, 7, 0);
        zero = lft_affine(t, a, 0.0, 0.0);
        lft_metric_fails(t, zero, b, &o, LFUSE_ERR_DEGENERATE, facts->zero_a);
        lft_metric_fails(t, b, zero, &o, LFUSE_ERR_DEGENERATE, facts->zero_b);
        lft_metric_fails(t, zero, zero, &o, LFUSE_ERR_DEGENERATE, facts->zero_a);
        lft_set(b, 8 * 7 + 3, -INFINITY);
        lft_metric_fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE,
                         "b is infinite at row 8, column 3 of (9, 7)");
        lft_set(a, 5, NAN);
        lft_metric_fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE, "a is NaN at row 0");
    }
    lft_metric_fails(t, lft_tensor(t, LFUSE_F32, 1, 9, 7, 0),
                     lft_tensor(t, LFUSE_F32, 1, 7, 9, 0), &o, LFUSE_ERR_SHAPE,
                     "a is (9, 7), b is (7, 9)");
}

enum { LAYERS = 5 };

struct network {
    lfuse_layer *layer[LAYERS];
    lfuse_tensor *weight[LAYERS];
    lfuse_metric metric;
};

static lfuse_status all_pairs(lfuse_context *ctx, const struct network *n, double *out,
                              lfuse_error *err)
{
    lfuse_similarity_options o = lft_metric_options(n->metric, 8);

    return lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)n->layer, LAYERS, &o,
                                   out, err);
}

static lfuse_status matrix_once(struct lft *t, void *arg)
{
    double out[LAYERS * LAYERS];

    return all_pairs(t->ctx, arg, out, &t->err);
}

static void check_matrix(struct lft *t, lfuse_metric metric, int is_distance,
                         int is_symmetric)
{
    double serial[LAYERS * LAYERS], pooled[LAYERS * LAYERS];
    uint32_t control = lft_float_control();
    struct network n = {.metric = metric};
    char name[16];
    int i, j, threads;

    for (i = 0; i < LAYERS; i++) {
        n.weight[i] = lft_tensor(t, LFUSE_F64, (uint64_t)i, 16, 9, 0);
        (void)snprintf(name, sizeof(name), "h.%d", i);
        n.layer[i] = lft_layer(t, name, "h.*", i, n.weight[i], NULL, NULL);
    }
    lft_ok(t, all_pairs(t->ctx, &n, serial, &t->err));
    for (i = 0; i < LAYERS; i++)
        for (j = 0; j < LAYERS; j++) {
            bool turn = is_symmetric && i > j;
            double got = serial[i * LAYERS + j], pair;

            if (i == j) {
                assert_true(got == (is_distance ? 0.0 : 1.0));
                continue;
            }
            pair =
                lft_metric(t, n.weight[turn ? j : i], n.weight[turn ? i : j], metric, 8);
            /* The same sums of at most 16 * 16 products of 16 terms, in another order. */
            assert_true(fabs(got - pair) <=
                        16 * 16 * 16 * DBL_EPSILON * fmax(1.0, fabs(pair)));
        }
    lft_every_allocation_fails(t, matrix_once, &n);
    lft_set(n.weight[3], 4, NAN);
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        lft_fails(t, all_pairs(ctx, &n, pooled, &t->err), LFUSE_ERR_NOT_FINITE,
                  "layer h.3 is NaN at row 0, column 4 of (16, 9)");
        lft_set(n.weight[3], 4, lft_value(3, 4));
        lft_ok(t, all_pairs(ctx, &n, pooled, &t->err));
        assert_memory_equal(pooled, serial, sizeof(serial));
        lft_set(n.weight[3], 4, NAN);
        lfuse_context_destroy(ctx);
    }
    assert_int_equal(lft_float_control(), control);
}

/* Whatever the metric needs, a matrix of 2^62 elements does not fit. */
static void check_sizes(lfuse_metric metric)
{
    struct lfi_view huge = {.data = &metric,
                            .dims = {INT64_C(1) << 31, INT64_C(1) << 31},
                            .strides = {INT64_C(1) << 31, 1},
                            .rank = 2,
                            .dtype = LFUSE_F16};
    struct lfi_comparison pair = {
        .a = huge, .c = huge, .params = lfi_similarity_defaults(0)};
    size_t bytes;

    pair.params.metric = metric;
    pair.params.block = -1;
    pair.params.projections = pair.params.centroids = INT64_C(1) << 31;
    assert_false(lfi_metric_find(metric)->scratch(&pair, &bytes));
}

static lfuse_status compare_once(struct lft *t, void *arg)
{
    lfuse_similarity_options o = lft_metric_options(*(lfuse_metric *)arg, 0);
    double out = 12345.0;
    lfuse_status status =
        lfuse_similarity(t->ctx, t->tensors[0], t->tensors[1], &o, &out, &t->err);

    assert_true(status == LFUSE_OK || out == 12345.0);
    return status;
}

void lft_metric_contract(struct lft *t, const struct lft_metric_facts *facts)
{
    lft_metric_contract_within(t, facts, 0.0);
}

void lft_metric_contract_within(struct lft *t, const struct lft_metric_facts *facts,
                                double narrow)
{
    lfuse_metric metric = facts->metric;

    (void)lft_tensor(t, LFUSE_F32, 1, 9, 11, 0);
    (void)lft_tensor(t, LFUSE_F32, 2, 9, 11, 0);
    lft_every_allocation_fails(t, compare_once, &metric);
    check_info(t, facts);
    check_equal_inputs(t, metric, facts->is_distance);
    check_layouts(t, metric);
    check_range(t, facts, narrow);
    check_bad_data(t, facts);
    check_matrix(t, metric, facts->is_distance, facts->is_symmetric);
    check_sizes(metric);
}
