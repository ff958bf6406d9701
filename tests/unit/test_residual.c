/* test_residual.c - see residual.h */
#include "lft_alignment.h"
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, COLUMNS = 72, TERMS = 12, ELEMENTS = ROWS * COLUMNS };

static const double pi = 3.14159265358979323846;

/* Entry i of the k-th vector of an orthonormal basis of n, k >= 1: a cosine. */
static double wave(int k, int i, int n)
{
    return sqrt(2.0 / n) * cos(pi * k * (i + 0.5) / n);
}

/* The k-th singular value of what is lost. */
static double value_of(int k)
{
    return 3.0 * pow(0.7, k);
}

static double lost(int row, int column)
{
    double sum = 0.0;
    int k;

    for (k = 0; k < TERMS; k++)
        sum += value_of(k) * wave(k + 1, row, ROWS) * wave(k + 1, column, COLUMNS);
    return sum;
}

static void set(lfuse_tensor *tensor, int64_t index, double value)
{
    if (lfuse_tensor_dtype(tensor) == LFUSE_F64)
        ((double *)lfuse_tensor_data(tensor))[index] = value;
    else
        ((float *)lfuse_tensor_data(tensor))[index] = (float)value;
}

/* Two layers, base + lost and base - lost: their mean is base. axis counts output units. */
static void two(struct lft *t, lfuse_dtype dtype, int axis)
{
    int layer, i;

    for (layer = 0; layer < 2; layer++) {
        lfuse_tensor *w = axis == 0 ? lft_tensor(t, dtype, 1, ROWS, 8, 3, 3, 0)
                                    : lft_tensor(t, dtype, 1, COLUMNS, ROWS, 0);
        lfuse_layer_desc desc;

        for (i = 0; i < ELEMENTS; i++) {
            const int row = axis == 0 ? i / COLUMNS : i % ROWS,
                      column = axis == 0 ? i % COLUMNS : i / ROWS;

            set(w, i, lft_value(9, i) + (layer == 0 ? 1.0 : -1.0) * lost(row, column));
        }
        lfuse_layer_desc_init(&desc, sizeof(desc));
        desc.name = layer == 0 ? "first" : "second";
        desc.param_type = "A";
        desc.position = layer;
        lft_ok(t,
               lfuse_layer_create(t->ctx, &desc, &t->layers[t->layer_count++], &t->err));
        lft_plan_add(t, t->layers[layer], "weight", LFUSE_ROLE_WEIGHT, axis, w);
    }
}

static lfuse_preview *preview_of(struct lft *t, const lfuse_plan *plan)
{
    lfuse_preview *preview;

    lft_ok(t, lfuse_preview_create(t->ctx, plan, (const lfuse_layer *const *)t->layers,
                                   t->layer_count, &preview, &t->err));
    return preview;
}

static lfuse_residual_options at_most(int64_t rank, double energy)
{
    lfuse_residual_options o;

    lfuse_residual_options_init(&o, sizeof(o));
    o.rank = rank;
    o.energy = energy;
    return o;
}

/* |sign lost - a b| of what was fitted, and its rank. */
static double error_of(const lfuse_tensor *a, const lfuse_tensor *b, double sign)
{
    const int64_t rank = lfuse_tensor_dim(a, 1);
    const float *x = lfuse_tensor_data(a), *y = lfuse_tensor_data(b);
    double sum = 0.0;
    int i, j;
    int64_t r;

    assert_int_equal(lfuse_tensor_dim(a, 0), ROWS);
    assert_int_equal(lfuse_tensor_dim(b, 0), rank);
    assert_int_equal(lfuse_tensor_dim(b, 1), COLUMNS);
    for (i = 0; i < ROWS; i++)
        for (j = 0; j < COLUMNS; j++) {
            double d = sign * lost(i, j);

            for (r = 0; r < rank; r++)
                d -= (double)x[i * rank + r] * y[r * COLUMNS + j];
            sum += d * d;
        }
    return sqrt(sum);
}

/* What the best product of a rank leaves. */
static double least_error(int64_t rank)
{
    double sum = 0.0;
    int k;

    for (k = (int)rank; k < TERMS; k++)
        sum += value_of(k) * value_of(k);
    return sqrt(sum);
}

/* f32 holds a weight of norm some 30 to 2^-24 of it, each product of the iterations likewise. */
static const double rounding = 2e-4;

static void the_product_is_the_nearest_of_its_rank(void **state)
{
    static const struct {
        lfuse_dtype dtype;
        int axis;
    } kinds[] = {{LFUSE_F32, 0}, {LFUSE_F64, 0}, {LFUSE_F32, 1}};
    struct lft *t = *state;
    size_t kind;
    int64_t rank;

    for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        lfuse_preview *preview;
        lfuse_plan *plan;

        two(t, kinds[kind].dtype, kinds[kind].axis);
        plan = lft_plan_build(t, lft_plan_best(1));
        preview = preview_of(t, plan);
        for (rank = 1; rank <= TERMS + 1; rank += 3) {
            const lfuse_residual_options o = at_most(rank, 0.0);
            lfuse_tensor *a, *b;
            int layer;

            for (layer = 0; layer < 2; layer++) {
                double error;

                lft_ok(t, lfuse_residual_fit(t->ctx, preview, layer, 0, &o, &a, &b,
                                             &t->err));
                error = error_of(a, b, layer == 0 ? 1.0 : -1.0);
                assert_true(error <= 1.01 * least_error(rank) + rounding);
                assert_true(error >= least_error(rank) - rounding);
                lfuse_tensor_destroy(a);
                lfuse_tensor_destroy(b);
            }
        }
        lfuse_preview_destroy(preview);
        lfuse_plan_destroy(plan);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
    }
}

static void the_rank_is_the_least_that_keeps_the_energy(void **state)
{
    struct lft *t = *state;
    double all = least_error(0) * least_error(0);
    lfuse_preview *preview;
    lfuse_plan *plan;
    int64_t rank;

    two(t, LFUSE_F32, 0);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    for (rank = 1; rank < 6; rank++) {
        /* Halfway between what this rank keeps and what one less does. */
        const double below = 1.0 - least_error(rank - 1) * least_error(rank - 1) / all,
                     above = 1.0 - least_error(rank) * least_error(rank) / all;
        const lfuse_residual_options o = at_most(10, 0.5 * (below + above));
        lfuse_tensor *a, *b;

        lft_ok(t, lfuse_residual_fit(t->ctx, preview, 1, 0, &o, &a, &b, &t->err));
        assert_int_equal(lfuse_tensor_dim(a, 1), rank);
        assert_int_equal(lfuse_tensor_dim(b, 0), rank);
        lfuse_tensor_destroy(a);
        lfuse_tensor_destroy(b);
    }
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

static void where_nothing_is_lost_there_is_no_product(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options options = lft_plan_best(1);
    lfuse_preview *preview;
    lfuse_plan *plan;
    lfuse_tensor *a, *b;
    lfuse_fusion fusion;

    two(t, LFUSE_F32, 0);
    options.policy = LFUSE_POLICY_FREEZE;
    plan = lft_plan_build(t, options);
    fusion = lft_plan_fusion(t, plan, 0);
    preview = preview_of(t, plan);
    lft_ok(t, lfuse_residual_fit(t->ctx, preview, fusion.kept, 0, NULL, &a, &b, &t->err));
    assert_null(a);
    assert_null(b);
    lft_ok(t, lfuse_residual_fit(t->ctx, preview, 1 - fusion.kept, 0, NULL, &a, &b,
                                 &t->err));
    assert_non_null(a);
    assert_in_range(lfuse_tensor_dim(a, 1), TERMS, 16); /* rank 0 means 16 at most */
    assert_true(error_of(a, b, fusion.kept == 0 ? -2.0 : 2.0) < 2.0 * rounding);
    lfuse_tensor_destroy(a);
    lfuse_tensor_destroy(b);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

/* The rank is less than what would take as many numbers as the weight. */
static void a_product_is_smaller_than_its_weight(void **state)
{
    struct lft *t = *state;
    const lfuse_residual_options o = at_most(1000, 0.0);
    lfuse_preview *preview;
    lfuse_plan *plan;
    lfuse_tensor *a, *b;
    int i;

    for (i = 0; i < 2; i++)
        lft_layer(t, i == 0 ? "a" : "b", "A", i,
                  lft_tensor(t, LFUSE_F32, (uint64_t)i, 6, 10, 0), NULL, NULL);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    lft_ok(t, lfuse_residual_fit(t->ctx, preview, 0, 0, &o, &a, &b, &t->err));
    assert_int_equal(lfuse_tensor_dim(a, 1), 3); /* 3 * 16 < 60 <= 4 * 16 */
    lfuse_tensor_destroy(a);
    lfuse_tensor_destroy(b);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

/* a b (rows, columns) of a residual. */
static void multiply(const lfuse_tensor *a, const lfuse_tensor *b, double *out)
{
    const int64_t rows = lfuse_tensor_dim(a, 0), rank = lfuse_tensor_dim(a, 1),
                  columns = lfuse_tensor_dim(b, 1);
    const float *x = lfuse_tensor_data(a), *y = lfuse_tensor_data(b);
    int64_t i, j, r;

    for (i = 0; i < rows; i++)
        for (j = 0; j < columns; j++)
            for (out[i * columns + j] = 0.0, r = 0; r < rank; r++)
                out[i * columns + j] += (double)x[i * rank + r] * y[r * columns + j];
}

/* Of two members the mean loses as much of one as of the other, in the order that the plan gives
 * them: in their own it would not be so. */
static void units_are_in_the_order_of_the_plan(void **state)
{
    enum { MOST = LFT_UNITS * LFT_WIDTH };
    struct lft *t = *state;
    double products[2][MOST];
    lfuse_couplings *couplings;
    lfuse_preview *preview;
    lfuse_plan *plan;
    int block, i;

    lft_align_block(t, lft_align_prefixes[0], 1);
    lft_align_block(t, lft_align_prefixes[1], 2);
    couplings = lft_align_couplings(t, 2);
    plan = lft_plan_build(t, lft_align_options(couplings, 1));
    assert_true(lfuse_plan_permutation_count(plan) > 0);
    preview = preview_of(t, plan);
    for (block = 0; block < 2; block++) {
        const lfuse_fusion fusion = lft_plan_fusion(t, plan, 0);
        lfuse_tensor *a, *b;

        lft_ok(t, lfuse_residual_fit(t->ctx, preview, block == 0 ? fusion.a : fusion.b, 0,
                                     NULL, &a, &b, &t->err));
        assert_non_null(a);
        multiply(a, b, products[block]);
        lfuse_tensor_destroy(a);
        lfuse_tensor_destroy(b);
    }
    for (i = 0; i < MOST; i++)
        assert_true(fabs(products[0][i] + products[1][i]) < 1e-5);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(couplings);
}

/* What an account says once both have their factors; and they fuse no more. */
static void residuals_are_counted_and_fuse_no_more(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    lfuse_ties *ties;
    lfuse_account account;
    int layer;

    two(t, LFUSE_F32, 0);
    lft_plan_add(t, lft_plan_bare(t, "other", "B"), "weight", LFUSE_ROLE_WEIGHT, 0,
                 lft_tensor(t, LFUSE_F32, 4, 10, 0));
    plan = lft_plan_build(t, lft_plan_best(1));
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    for (layer = 0; layer < 2; layer++) {
        lft_plan_add(t, t->layers[layer], "weight.a", LFUSE_ROLE_RESIDUAL, 0,
                     lft_tensor(t, LFUSE_F32, 1, ROWS, 3, 0));
        lft_plan_add(t, t->layers[layer], "weight.b", LFUSE_ROLE_RESIDUAL, 0,
                     lft_tensor(t, LFUSE_F32, 2, 3, COLUMNS, 0));
    }
    account = lft_account(t, ties);
    assert_int_equal(account.candidates_logical, 2 * ELEMENTS);
    assert_int_equal(account.candidates_unique, ELEMENTS + 2 * 3 * (ROWS + COLUMNS));
    assert_int_equal(account.all_logical, 2 * ELEMENTS + 10);
    assert_int_equal(account.all_unique, ELEMENTS + 2 * 3 * (ROWS + COLUMNS) + 10);
    assert_true(fabs(account.ratio -
                     (double)account.all_logical / (double)account.all_unique) < 1e-12);
    lfuse_ties_destroy(ties);
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_UNSUPPORTED,
                   "layer first has the residual weight.a: what has one fuses no more");
}

static void refused(struct lft *t, const lfuse_preview *preview, int64_t layer,
                    int32_t weight, const lfuse_residual_options *o,
                    lfuse_status expected, const char *text)
{
    lfuse_tensor *a = (void *)1, *b = (void *)1;

    lft_fails(t, lfuse_residual_fit(t->ctx, preview, layer, weight, o, &a, &b, &t->err),
              expected, text);
    assert_null(a);
    assert_null(b);
}

static void bad_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_residual_options o = at_most(-1, 0.0);
    lfuse_plan_options rows = lft_plan_best(1);
    lfuse_preview *preview;
    lfuse_plan *plan;
    lfuse_tensor *a;

    two(t, LFUSE_F32, 0);
    lft_plan_at(t, "x", "pair", 3, 1.0f);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    lft_fails(t, lfuse_residual_fit(t->ctx, preview, 0, 0, NULL, &a, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "b is NULL");
    refused(t, NULL, 0, 0, NULL, LFUSE_ERR_ARGUMENT, "preview is NULL");
    refused(t, preview, 3, 0, NULL, LFUSE_ERR_ARGUMENT,
            "layer is 3, the plan has 3 layers");
    refused(t, preview, 0, 1, NULL, LFUSE_ERR_ARGUMENT, "weight is 1, layer first has 1");
    refused(t, preview, 0, 0, &o, LFUSE_ERR_ARGUMENT, "options.rank is -1");
    o = at_most(0, 1.5);
    refused(t, preview, 0, 0, &o, LFUSE_ERR_ARGUMENT,
            "options.energy is 1.5, not in [0, 1]");
    o = at_most(0, NAN);
    refused(t, preview, 0, 0, &o, LFUSE_ERR_ARGUMENT, "options.energy is");
    refused(t, preview, 2, 0, NULL, LFUSE_ERR_SHAPE,
            "weight weight of layer x is [2, 1]: no product is smaller");
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);

    rows.unit = LFUSE_UNIT_ROW;
    plan = lft_plan_build(t, rows);
    preview = preview_of(t, plan);
    refused(t, preview, 0, 0, NULL, LFUSE_ERR_UNSUPPORTED, "the plan's unit is row");
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

static void what_f32_cannot_hold_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_preview *preview;
    lfuse_plan *plan;

    two(t, LFUSE_F64, 0);
    set(lft_parameter(t, 0, 0).value, 7, 1e200);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    refused(t, preview, 0, 0, NULL, LFUSE_ERR_NOT_FINITE, "out of f32's range");
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

static lfuse_status fit(struct lft *t, void *preview)
{
    lfuse_tensor *a, *b;
    lfuse_status status =
        lfuse_residual_fit(t->ctx, preview, 1, 0, NULL, &a, &b, &t->err);

    if (status != LFUSE_OK)
        assert_true(a == NULL && b == NULL);
    lfuse_tensor_destroy(a);
    lfuse_tensor_destroy(b);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    lfuse_preview *preview;
    lfuse_plan *plan;

    two(t, LFUSE_F32, 0);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    lft_every_allocation_fails(t, fit, preview);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_product_is_the_nearest_of_its_rank),
        lft_test(the_rank_is_the_least_that_keeps_the_energy),
        lft_test(where_nothing_is_lost_there_is_no_product),
        lft_test(a_product_is_smaller_than_its_weight),
        lft_test(units_are_in_the_order_of_the_plan),
        lft_test(residuals_are_counted_and_fuse_no_more),
        lft_test(bad_arguments_are_named),
        lft_test(what_f32_cannot_hold_is_refused),
        lft_test(memory_may_be_refused_at_any_point),
    };

    return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
