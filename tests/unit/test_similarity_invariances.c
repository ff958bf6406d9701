/*
 * test_similarity_invariances.c - the table of similarity.h, entry by entry
 *
 * 100 draws of each: what is said to change nothing changes nothing but rounding; what is said
 * to go for both weights alone changes the value where one is changed; and what is not said to
 * leave a value alone does change it. Blocks are the whole matrix.
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>

enum { ROWS = 24, COLUMNS = 6, DRAWS = 100 };

enum change { ORDER_OF_ROWS, ORDER_OF_COLUMNS, TURN, SCALE, SHIFT, CHANGES };
enum claim { NONE, BOTH, EACH };

struct row {
    lfuse_metric metric;
    enum claim claim[CHANGES];
    int degree; /* a common scale s changes the value s^degree times */
};

static const struct row table[] = {
    /* order of rows, order of columns, turn, scale, shift */
    {LFUSE_METRIC_EUCLIDEAN, {BOTH, BOTH, BOTH, NONE, BOTH}, 1},
    {LFUSE_METRIC_COSINE, {BOTH, BOTH, BOTH, EACH, NONE}, 0},
    {LFUSE_METRIC_COVARIANCE, {EACH, BOTH, BOTH, EACH, EACH}, 0},
    {LFUSE_METRIC_LINEAR_CKA, {BOTH, EACH, EACH, EACH, EACH}, 0},
    {LFUSE_METRIC_RBF_CKA, {BOTH, EACH, EACH, EACH, EACH}, 0},
    {LFUSE_METRIC_DEBIASED_CKA, {BOTH, EACH, EACH, EACH, EACH}, 0},
    {LFUSE_METRIC_PROCRUSTES, {BOTH, EACH, EACH, NONE, NONE}, 1},
    {LFUSE_METRIC_WASSERSTEIN_GAUSSIAN, {EACH, BOTH, BOTH, NONE, BOTH}, 1},
    {LFUSE_METRIC_KL, {EACH, BOTH, BOTH, BOTH, EACH}, 0},
    {LFUSE_METRIC_JS, {EACH, BOTH, BOTH, BOTH, EACH}, 0},
    {LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, {EACH, BOTH, BOTH, NONE, BOTH}, 1},
    {LFUSE_METRIC_WASSERSTEIN_CENTROID, {NONE, BOTH, BOTH, NONE, BOTH}, 1},
    {LFUSE_METRIC_WASSERSTEIN_SLICED, {EACH, NONE, NONE, NONE, BOTH}, 1},
    {LFUSE_METRIC_SINKHORN, {EACH, BOTH, BOTH, NONE, BOTH}, 2},
};

enum { TABLE = sizeof(table) / sizeof(table[0]) };

/* A permutation of [0, count), which is not the one it begins with. */
static void draw_order(int *order, int count, uint64_t seed)
{
    int i, j, swapped;

    for (i = 0; i < count; i++)
        order[i] = (i + 1) % count;
    for (i = count - 1; i > 1; i--) {
        j = (int)((lft_value(seed, i) + 1.0) * 0.5 * (i + 1));
        swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

static lfuse_tensor *ordered(struct lft *t, const lfuse_tensor *x, enum change change,
                             uint64_t seed)
{
    lfuse_tensor *y = lft_affine(t, x, 1.0, 0.0);
    int row[ROWS], column[COLUMNS], i, j;

    for (i = 0; i < ROWS; i++)
        row[i] = i;
    for (j = 0; j < COLUMNS; j++)
        column[j] = j;
    if (change == ORDER_OF_ROWS)
        draw_order(row, ROWS, seed);
    else
        draw_order(column, COLUMNS, seed);
    for (i = 0; i < ROWS; i++)
        for (j = 0; j < COLUMNS; j++)
            lft_set(y, row[i] * COLUMNS + column[j], lft_get(x, i * COLUMNS + j));
    return y;
}

/* In (1.25, 4): no power of two, but in some draws. */
static double draw_scale(uint64_t seed)
{
    return 2.625 + 1.375 * lft_value(seed, 0);
}

/* Another vector for each seed, added to all rows. */
static lfuse_tensor *shifted(struct lft *t, const lfuse_tensor *x, uint64_t seed)
{
    lfuse_tensor *y = lft_affine(t, x, 1.0, 0.0);
    int64_t e;

    for (e = 0; e < lfuse_tensor_elements(x); e++)
        lft_set(y, e, lft_get(x, e) + 0.5 + lft_value(seed, e % COLUMNS));
    return y;
}

static lfuse_tensor *changed(struct lft *t, const lfuse_tensor *x, enum change change,
                             uint64_t seed)
{
    switch (change) {
    case TURN: return lft_rotated(t, x, seed);
    case SCALE: return lft_affine(t, x, draw_scale(seed), 0.0);
    case SHIFT: return shifted(t, x, seed);
    default: return ordered(t, x, change, seed);
    }
}

/* The value of a and c, each changed by its seed; 0 leaves it as it is. */
static double value_of(struct lft *t, const struct row *row, enum change change,
                       uint64_t draw, uint64_t a_seed, uint64_t c_seed)
{
    lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 2 * draw, ROWS, COLUMNS, 0);
    lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 2 * draw + 1, ROWS, COLUMNS, 0);
    double value;

    c = lft_sum(t, c, 0.5, a);
    if (a_seed != 0)
        a = changed(t, a, change, a_seed);
    if (c_seed != 0)
        c = changed(t, c, change, c_seed);
    value = lft_metric(t, a, c, row->metric, LFUSE_BLOCK_WHOLE);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    return value;
}

/*
 * A turn is 2 (p - 1) plane rotations of three roundings each, more than all else that is done
 * to an element: it is off by 12 p u of its row's norm, u = 2^-53. Values are sums over n + p
 * such, and move by no more than some 64 times what a relative change of the data is: no
 * covariance of 24 draws in 6 directions has a condition above that. What sinkhorn gives
 * moves with the iteration in which it ends, which leaves it within its 1e-9.
 */
static double tolerance(const struct row *row, double value)
{
    double rounding = 64.0 * 12.0 * COLUMNS * (ROWS + COLUMNS) * 0.5 * DBL_EPSILON;

    return (row->metric == LFUSE_METRIC_SINKHORN ? 1e-8 : rounding) *
           fmax(1.0, fabs(value));
}

/* Whether the value is the same in a draw, where it is, or where it must not be. */
static void check_draw(struct lft *t, const struct row *row, enum change change,
                       uint64_t draw, int *differs)
{
    uint64_t one = 1000 + 2 * draw, other = one + 1;
    double want = value_of(t, row, change, draw, 0, 0), got, factor;

    if (change == SCALE) {
        factor = pow(draw_scale(one), row->degree);
        got = value_of(t, row, change, draw, one, one);
        assert_true(fabs(got - factor * want) <= tolerance(row, factor * want));
    }
    if (row->claim[change] == EACH) {
        got = value_of(t, row, change, draw, one, other);
        assert_true(fabs(got - want) <= tolerance(row, want));
        return;
    }
    if (row->claim[change] == BOTH) {
        got = value_of(t, row, change, draw, one, one);
        assert_true(fabs(got - want) <= tolerance(row, want));
        got = value_of(t, row, change, draw, one, 0);
    } else {
        got = value_of(t, row, change, draw, one, one);
    }
    *differs += fabs(got - want) > 1e-4 * fabs(want);
}

static void check_change(struct lft *t, enum change change)
{
    int i, differs;
    uint64_t draw;

    for (i = 0; i < TABLE; i++) {
        for (differs = 0, draw = 0; draw < DRAWS; draw++)
            check_draw(t, &table[i], change, draw, &differs);
        assert_true(table[i].claim[change] == EACH || differs > DRAWS / 2);
    }
}

static void the_order_of_rows_matters_as_the_table_says(void **state)
{
    check_change(*state, ORDER_OF_ROWS);
}

static void the_order_of_columns_matters_as_the_table_says(void **state)
{
    check_change(*state, ORDER_OF_COLUMNS);
}

static void turns_and_reflections_matter_as_the_table_says(void **state)
{
    check_change(*state, TURN);
}

static void scales_matter_as_the_table_says(void **state)
{
    check_change(*state, SCALE);
}

static void shifts_matter_as_the_table_says(void **state)
{
    check_change(*state, SHIFT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_order_of_rows_matters_as_the_table_says),
        lft_test(the_order_of_columns_matters_as_the_table_says),
        lft_test(turns_and_reflections_matter_as_the_table_says),
        lft_test(scales_matter_as_the_table_says),
        lft_test(shifts_matter_as_the_table_says),
    };

    return cmocka_run_group_tests_name("similarity_invariances", tests, NULL, NULL);
}
