/* lft_rows.c - see lft_rows.h */
#include "lft_rows.h"

static lfuse_tensor *matrix(struct lft *t, const float *x, int64_t rows, float scale,
                            float second)
{
    lfuse_tensor *tensor = lft_tensor(t, LFUSE_F32, 0, (int)rows, 2, 0);
    int64_t i;

    for (i = 0; i < rows; i++) {
        lft_floats(tensor)[2 * i] = scale * x[i];
        lft_floats(tensor)[2 * i + 1] = second;
    }
    return tensor;
}

void lft_rows_at(struct lft *t, const char *name, int32_t position, const float *x,
                 int64_t rows)
{
    lft_layer(t, name, "A", position, matrix(t, x, rows, 1.0f, 1.0f),
              matrix(t, x, rows, 10.0f, 3.0f), matrix(t, x, rows, 0.5f, 5.0f));
}

void lft_rows_three(struct lft *t)
{
    static const float x[3][3] = {
        {0.0f, 10.0f, 30.0f}, {1.0f, 20.0f, 60.0f}, {20.5f, 100.0f, 102.0f}};

    lft_rows_at(t, "l0", 0, x[0], 3);
    lft_rows_at(t, "l1", 1, x[1], 3);
    lft_rows_at(t, "l2", 2, x[2], 3);
}

lfuse_plan_options lft_rows_best(int64_t k)
{
    lfuse_plan_options o = lft_plan_best(k);

    o.unit = LFUSE_UNIT_ROW;
    return o;
}

void lft_rows_tie(struct lft *t, lfuse_ties *ties, lfuse_plan_options options)
{
    lfuse_plan *plan;

    options.in_force = ties;
    plan = lft_plan_build(t, options);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
}

float *lft_row(struct lft *t, int layer, int row)
{
    return lft_weight(t, layer) + (ptrdiff_t)2 * row;
}

float *lft_row_gradient(struct lft *t, int layer, int row)
{
    return lft_gradient(t, layer) + (ptrdiff_t)2 * row;
}

float *lft_row_velocity(struct lft *t, int layer, int row)
{
    return lft_velocity(t, layer) + (ptrdiff_t)2 * row;
}

void lft_rows_check(struct lft *t, const lfuse_plan *plan, int64_t index, int64_t a,
                    int64_t row_a, int64_t b, int64_t row_b, double score)
{
    const lfuse_fusion f = lft_plan_fusion(t, plan, index);

    assert_int_equal(f.a, a);
    assert_int_equal(f.row_a, row_a);
    assert_int_equal(f.b, b);
    assert_int_equal(f.row_b, row_b);
    assert_int_equal(f.weight, 0);
    assert_int_equal(f.saved_parameters, 2);
    assert_true(f.score == score);
}
