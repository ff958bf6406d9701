/* test_ties_rows.c - rows in force: see ties.h */
#include "lft_rows.h"

#include <math.h>
#include <string.h>

/* A step of SGD with weight decay 1/4 over all weights; exact in these numbers. */
static void step(struct lft *t, float rate)
{
    int i, e;

    for (i = 0; i < t->layer_count; i++)
        for (e = 0; e < 6; e++)
            lft_weight(t, i)[e] -=
                rate * (lft_gradient(t, i)[e] + 0.25f * lft_weight(t, i)[e]);
}

static void check_row(struct lft *t, int layer, int row, float x, float second)
{
    assert_true(lft_row(t, layer, row)[0] == x);
    assert_true(lft_row(t, layer, row)[1] == second);
}

/* ---- apply ------------------------------------------------------------------------------ */

/* (20 + 20.5) / 2, (0 + 1) / 2 and (100 + 102) / 2; velocities have half of that. */
static void average_gives_every_row_of_a_group_the_mean_where_it_is(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_account a;
    float *before[3];
    int64_t row = -7;
    int i;

    lft_rows_three(t);
    for (i = 0; i < 3; i++)
        before[i] = lft_weight(t, i);
    ties = lft_ties_of(t, lft_ties_defaults());
    assert_int_equal(lfuse_ties_row_owner(ties, 0, 0, 0, &row), -1);
    lft_rows_tie(t, ties, lft_rows_best(3));
    for (i = 0; i < 3; i++) {
        assert_ptr_equal(lft_weight(t, i), before[i]);
        assert_int_equal(lfuse_ties_owner(ties, i), i);
        assert_int_equal(lfuse_ties_is_frozen(ties, i), 0);
    }
    check_row(t, 1, 1, 20.25f, 1.0f);
    check_row(t, 2, 0, 20.25f, 1.0f);
    check_row(t, 0, 0, 0.5f, 1.0f);
    check_row(t, 1, 0, 0.5f, 1.0f);
    check_row(t, 2, 1, 101.0f, 1.0f);
    check_row(t, 2, 2, 101.0f, 1.0f);
    check_row(t, 0, 1, 10.0f, 1.0f);
    check_row(t, 0, 2, 30.0f, 1.0f);
    check_row(t, 1, 2, 60.0f, 1.0f);
    assert_true(lft_row_velocity(t, 2, 0)[0] == 10.125f);
    assert_true(lft_row_velocity(t, 0, 0)[0] == 0.25f);
    assert_true(lft_row_velocity(t, 0, 1)[0] == 5.0f);
    assert_int_equal(lfuse_ties_row_owner(ties, 1, 0, 1, &row), 2);
    assert_int_equal(row, 0);
    a = lft_account(t, ties);
    assert_int_equal(a.all_logical, 18);
    assert_int_equal(a.all_unique, 12);
    assert_int_equal(a.index_bytes, 36);
    assert_int_equal(lfuse_ties_resident_bytes(ties), 72); /* mirrors save no memory */
    lfuse_ties_destroy(ties);
}

/* l0's 1 joins (l0's 0, l1's 0) of mean 1/2: (0 + 1 + 10) / 3, also where mirrors are stale. */
static void rows_joined_before_count_once_each(void **state)
{
    struct lft *t = *state;
    const float third = (float)((0.5 + 0.5 + 10.0) / 3.0);
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, lft_rows_best(3));
    lft_row(t, 1, 0)[0] = 0.75f; /* a mirror that was not refreshed */
    lft_rows_tie(t, ties, lft_rows_best(1));
    check_row(t, 0, 0, third, 1.0f);
    check_row(t, 0, 1, third, 1.0f);
    check_row(t, 1, 0, third, 1.0f);
    check_row(t, 1, 1, 20.25f, 1.0f);
    assert_int_equal(lft_account(t, ties).all_unique, 10);
    lfuse_ties_destroy(ties);
}

/* Norms of (3, 4) and (0, 10), which are 5 and 10, and importance 1 and 3 of the layers. Rescaled:
 * (3, 4) + (0, 10) is (3, 14), to the mean norm 7.5. */
static void means_of_rows_are_weighted_and_rescaled(void **state)
{
    static const double importance[] = {1.0, 3.0};
    static const float x[2] = {3.0f, 0.0f};
    struct lft *t = *state;
    const float norm = (float)(7.5 / sqrt(3.0 * 3.0 + 14.0 * 14.0));
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_ties *ties;

    lft_rows_at(t, "l0", 0, x, 1);
    lft_rows_at(t, "l1", 1, x + 1, 1);
    lft_row(t, 0, 0)[1] = 4.0f;
    lft_row(t, 1, 0)[1] = 10.0f;
    ties = lft_ties_of(t, lft_ties_keeping());
    o.weighting = LFUSE_WEIGHTING_NORM;
    lft_rows_tie(t, ties, o);
    check_row(t, 1, 0, 1.0f, 8.0f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance;
    lft_rows_tie(t, ties, o);
    check_row(t, 0, 0, 0.75f, 8.5f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    o = lft_rows_best(1);
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    lft_rows_tie(t, ties, o);
    assert_true(fabsf(lft_row(t, 0, 0)[0] - 3.0f * norm) <= 2 * 0x1p-24f * 3.0f);
    assert_true(fabsf(lft_row(t, 1, 0)[1] - 14.0f * norm) <= 2 * 0x1p-24f * 14.0f);
    lfuse_ties_destroy(ties);
}

/* ---- steps --------------------------------------------------------------------------------- */

/* Gradients are 10 x: the mean of 0 and 10 is 5, the sum 10; second elements are 3. */
static void the_kept_row_is_stepped_once_and_the_others_follow(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options sum = lft_ties_defaults();
    lfuse_ties *ties;
    int pass;

    sum.combine = LFUSE_COMBINE_SUM;
    lft_rows_three(t);
    for (pass = 0; pass < 2; pass++) {
        lfuse_ties_options o = pass == 0 ? lft_ties_keeping() : sum;
        const float g = pass == 0 ? 5.0f : 10.0f, h = pass == 0 ? 3.0f : 6.0f;

        ties = lft_ties_of(t, o);
        lft_rows_tie(t, ties, lft_rows_best(2));
        lft_row_gradient(t, 0, 0)[0] = 0.0f;
        lft_row_gradient(t, 0, 0)[1] = 3.0f;
        lft_row_gradient(t, 1, 0)[0] = 10.0f;
        lft_row_gradient(t, 1, 0)[1] = 3.0f;
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        assert_true(lft_row_gradient(t, 0, 0)[0] == g);
        assert_true(lft_row_gradient(t, 0, 0)[1] == h);
        assert_true(lft_row_gradient(t, 1, 0)[0] == 0.0f);
        assert_true(lft_row_gradient(t, 1, 0)[1] == 0.0f);
        assert_true(lft_row_gradient(t, 0, 1)[0] == 100.0f); /* not joined */
        step(t, 0.5f);
        lft_ok(t, lfuse_ties_refresh(ties, &t->err));
        /* 0.5 - (g + 0.125) / 2; 1 - (h + 0.25) / 2 */
        check_row(t, 0, 0, 0.5f - 0.5f * (g + 0.125f), 1.0f - 0.5f * (h + 0.25f));
        check_row(t, 1, 0, 0.5f - 0.5f * (g + 0.125f), 1.0f - 0.5f * (h + 0.25f));
        if (pass == 0)
            lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
    }
}

static void frozen_rows_do_not_move(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.policy = LFUSE_POLICY_FREEZE;
    lft_rows_tie(t, ties, o);
    check_row(t, 1, 0, 0.0f, 1.0f);
    check_row(t, 1, 1, 20.5f, 1.0f);
    assert_true(lft_row_velocity(t, 0, 0)[0] == 0.0f); /* the kept row's own */
    assert_int_equal(lfuse_ties_resident_bytes(ties), 72 + 2 * 8);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_row_gradient(t, 0, 0)[1] == 0.0f);
    assert_true(lft_row_gradient(t, 1, 0)[0] == 0.0f);
    assert_true(lft_row_gradient(t, 2, 0)[0] == 0.0f);
    assert_true(lft_row_gradient(t, 0, 1)[0] == 100.0f);
    step(t, 0.5f); /* decays them all the same */
    assert_true(lft_row(t, 0, 0)[1] != 1.0f);
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    check_row(t, 0, 0, 0.0f, 1.0f);
    check_row(t, 1, 0, 0.0f, 1.0f);
    check_row(t, 2, 0, 20.5f, 1.0f);
    assert_true(lft_row(t, 0, 1)[0] != 10.0f); /* trains */
    lfuse_ties_destroy(ties);
}

/* A group that goes on frozen keeps its bank when others are joined, moved or not. */
static void a_later_plan_leaves_frozen_rows_as_they_were(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.policy = LFUSE_POLICY_FREEZE;
    lft_rows_tie(t, ties, o); /* l1's 1 and l2's 0 */
    lft_row(t, 2, 0)[1] = 1.125f;
    lft_row(t, 1, 1)[1] = 1.125f;
    lft_rows_tie(t, ties, lft_rows_best(1)); /* l0's 0 and l1's 0 */
    check_row(t, 0, 0, 0.5f, 1.0f);
    check_row(t, 2, 0, 20.5f, 1.0f);
    check_row(t, 1, 1, 20.5f, 1.0f);
    step(t, 0.5f);
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    check_row(t, 1, 1, 20.5f, 1.0f);
    assert_true(lft_row(t, 0, 0)[0] != 0.5f);
    assert_true(lft_row(t, 0, 0)[0] == lft_row(t, 1, 0)[0]);
    lfuse_ties_destroy(ties);
}

static void the_kept_rows_own_gradient_alone_may_train_it(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.policy = LFUSE_POLICY_FREEZE;
    o.freeze_gradient = LFUSE_FREEZE_DROPPED;
    lft_rows_tie(t, ties, o);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_row_gradient(t, 2, 0)[0] == 205.0f);
    assert_true(lft_row_gradient(t, 1, 1)[0] == 0.0f);
    lfuse_ties_destroy(ties);
}

/* 3 layers of 100 rows of 200: the same bits on 1 and 4 threads. */
static void no_bit_depends_on_the_threads(void **state)
{
    struct lft *t = *state;
    const char *names[] = {"l0", "l1", "l2"};
    static float expected[2][3][20000];
    int threads, i;

    for (i = 0; i < 3; i++)
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 100, 200, 0),
                  lft_tensor(t, LFUSE_F32, (uint64_t)i + 3, 100, 200, 0), NULL);
    for (threads = 1; threads <= 4; threads += 3) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_ties_options o = lft_ties_keeping();
        lfuse_ties *ties;

        for (i = 0; i < 3; i++)
            lft_fill(lft_gradient(t, i), 20000, (uint64_t)i + 3);
        lft_ok(t, lfuse_ties_create(ctx, t->layers, 3, &o, &ties, &t->err));
        lft_rows_tie(t, ties, lft_rows_best(150));
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        lft_ok(t, lfuse_ties_refresh(ties, &t->err));
        for (i = 0; i < 3; i++) {
            if (threads == 1) {
                memcpy(expected[0][i], lft_weight(t, i), sizeof(expected[0][i]));
                memcpy(expected[1][i], lft_gradient(t, i), sizeof(expected[1][i]));
            }
            assert_memory_equal(lft_weight(t, i), expected[0][i], sizeof(expected[0][i]));
            assert_memory_equal(lft_gradient(t, i), expected[1][i],
                                sizeof(expected[1][i]));
        }
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
        lfuse_context_destroy(ctx);
    }
}

/* ---- undo ----------------------------------------------------------------------------------- */

static void undo_gives_every_bit_back(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_ties *ties = NULL;
    struct lft_snapshot s;
    int i, e;

    lft_rows_three(t);
    lft_rows_at(t, "other", 5, (const float[]){1.0f, 2.0f, 3.0f}, 3);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    lft_rows_tie(t, ties, lft_rows_best(2));
    o.policy = LFUSE_POLICY_FREEZE;
    lft_rows_tie(t, ties, o);
    for (i = 0; i < 4; i++)
        for (e = 0; e < 6; e++) {
            lft_weight(t, i)[e] += 1.0f;
            lft_velocity(t, i)[e] += 1.0f;
        }
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_unchanged(t, ties, &s);
    assert_int_equal(lfuse_ties_row_owner(ties, 0, 0, 0, NULL), -1);
    lft_tie(t, ties, 1); /* layers, now that no rows are */
    lfuse_ties_destroy(ties);
    lft_drop(&s);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void apply_fails(struct lft *t, lfuse_ties *ties, const lfuse_plan *plan,
                        lfuse_status expected, const char *text)
{
    struct lft_snapshot s;

    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), expected, text);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
}

static void rows_and_layers_are_not_joined_at_a_time(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options rows = lft_rows_best(1), layers = lft_plan_best(1);
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    rows.in_force = layers.in_force = ties;
    plan = lft_plan_build(t, layers);
    lft_rows_tie(t, ties, rows);
    apply_fails(t, ties, plan, LFUSE_ERR_UNSUPPORTED, "rows are tied");
    lfuse_plan_destroy(plan);
    lft_plan_fails(t, layers, LFUSE_ERR_UNSUPPORTED, "rows are tied");
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_tie(t, ties, 1);
    lft_plan_fails(t, rows, LFUSE_ERR_UNSUPPORTED, "layers are tied");
    lfuse_ties_destroy(ties);
}

static void a_stale_plan_of_rows_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan, *later;
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = lft_plan_build(t, lft_rows_best(2));
    lft_rows_tie(t, ties, lft_rows_best(1));
    apply_fails(t, ties, plan, LFUSE_ERR_STATE,
                "row 1 of weight of layer l1 shares other values than when planned");
    o.in_force = ties;
    later = lft_plan_build(t, o);
    lft_row(t, 1, 0)[1] = NAN;
    apply_fails(t, ties, later, LFUSE_ERR_NOT_FINITE,
                "element 1 of row 0 of parameter weight of layer l1");
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    apply_fails(t, ties, later, LFUSE_ERR_STATE, "row 1 of weight of layer l1");
    lfuse_plan_destroy(later);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* What the caller has added up lies in the kept row, 14 and 3; others have what nobody looks at. */
static void accumulated_gradients_of_rows_are_the_kept_ones(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_keeping();
    lfuse_plan_options drops = lft_rows_best(2);
    lfuse_plan *plan;
    lfuse_ties *ties;
    int pass;

    lft_rows_three(t);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    for (pass = 0; pass < 2; pass++) {
        o.combine = pass == 0 ? LFUSE_COMBINE_MEAN : LFUSE_COMBINE_SUM;
        ties = lft_ties_of(t, o);
        lft_rows_tie(t, ties, lft_rows_best(2));
        lft_row_gradient(t, 0, 0)[0] = 14.0f;
        lft_row_gradient(t, 0, 0)[1] = 3.0f;
        lft_row_gradient(t, 1, 0)[0] = 77.0f;
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        assert_true(lft_row_gradient(t, 0, 0)[0] == (pass == 0 ? 7.0f : 14.0f));
        assert_true(lft_row_gradient(t, 0, 0)[1] == (pass == 0 ? 1.5f : 3.0f));
        assert_true(lft_row_gradient(t, 1, 0)[0] == 0.0f);
        assert_true(lft_row_gradient(t, 0, 1)[0] == 100.0f);
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
    }
    drops.policy = LFUSE_POLICY_FREEZE;
    drops.freeze_gradient = LFUSE_FREEZE_DROPPED;
    plan = lft_plan_build(t, drops);
    ties = lft_ties_of(t, o);
    apply_fails(t, ties, plan, LFUSE_ERR_UNSUPPORTED, "the dropped positions' share");
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void a_missing_gradient_of_a_row_is_named(void **state)
{
    static const float x[2] = {0.0f, 1.0f};
    struct lft *t = *state;
    lfuse_ties *ties;
    struct lft_snapshot s;

    lft_rows_at(t, "l0", 0, x, 2);
    lft_layer(t, "l1", "A", 1, lft_tensor(t, LFUSE_F32, 0, 2, 2, 0), NULL, NULL);
    lft_row(t, 1, 0)[0] = 1.0f;
    lft_row(t, 1, 0)[1] = 1.0f;
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, lft_rows_best(1)); /* l0's 1 and l1's 0 */
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_STATE,
              "parameter weight of layer l1 has no gradient");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

static lfuse_status apply_twice_and_undo(struct lft *t, void *arg)
{
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_ties *ties = arg;
    lfuse_plan *plan;
    lfuse_status status = LFUSE_OK;
    int i;

    o.in_force = ties;
    o.policy = LFUSE_POLICY_FREEZE;
    for (i = 0; i < 2 && status == LFUSE_OK; i++) {
        status = lft_plan_try(t, &o, &plan);
        if (status == LFUSE_OK)
            status = lfuse_ties_apply(ties, plan, &t->err);
        lfuse_plan_destroy(plan);
        o.policy = LFUSE_POLICY_AVERAGE;
        o.weighting = LFUSE_WEIGHTING_NORM;
    }
    t->memory.fail_at = -1; /* undo takes no memory, but the next round starts anew */
    if (lfuse_ties_undo(ties, NULL) != LFUSE_OK)
        fail();
    return status;
}

static void applying_rows_survives_any_refused_allocation(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    lft_every_allocation_fails(t, apply_twice_and_undo, ties);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* ---- the retrainer --------------------------------------------------------------------------- */

/* 9 rows to 6 in two fusions: 1 - 1/1.5 is 1/3 of them, half of it in each. */
static void a_retrainer_joins_rows_and_lists_every_weight(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_rows_best(0);
    lfuse_ties_options keep = lft_ties_keeping();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 1);
    struct lft_snapshot s;
    lfuse_retrainer *r;
    lfuse_verdict verdict = 77;
    int64_t row = -7;

    lft_rows_three(t);
    plan.ratio = 1.5;
    o.ties = &keep;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 3, &o, &r, &t->err));
    lft_take(t, lfuse_retrainer_ties(r), &s);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 2);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    step(t, 0x1p-9f);
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
    assert_memory_equal(lft_row(t, 1, 1), lft_row(t, 2, 0), 2 * sizeof(float));
    assert_memory_equal(lft_row(t, 0, 0), lft_row(t, 1, 0), 2 * sizeof(float));
    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    assert_int_equal(verdict, LFUSE_VERDICT_FUSED);
    assert_int_equal(lft_account(t, lfuse_retrainer_ties(r)).all_unique, 12);
    assert_int_equal(lfuse_ties_row_owner(lfuse_retrainer_ties(r), 2, 0, 2, &row), 2);
    assert_int_equal(row, 1);
    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    assert_int_equal(verdict, LFUSE_VERDICT_DONE);
    memcpy(lft_gradient(t, 0), s.bytes[1], s.size[1]); /* undo is for weights and state */
    memcpy(lft_gradient(t, 1), s.bytes[4], s.size[4]);
    memcpy(lft_gradient(t, 2), s.bytes[7], s.size[7]);
    lft_ok(t, lfuse_retrainer_undo(r, &t->err));
    lft_check_bytes(t, &s);
    lfuse_retrainer_destroy(r);
    lft_drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(average_gives_every_row_of_a_group_the_mean_where_it_is),
        lft_test(rows_joined_before_count_once_each),
        lft_test(means_of_rows_are_weighted_and_rescaled),
        lft_test(the_kept_row_is_stepped_once_and_the_others_follow),
        lft_test(frozen_rows_do_not_move),
        lft_test(a_later_plan_leaves_frozen_rows_as_they_were),
        lft_test(the_kept_rows_own_gradient_alone_may_train_it),
        lft_test(no_bit_depends_on_the_threads),
        lft_test(undo_gives_every_bit_back),
        lft_test(rows_and_layers_are_not_joined_at_a_time),
        lft_test(a_stale_plan_of_rows_is_refused),
        lft_test(accumulated_gradients_of_rows_are_the_kept_ones),
        lft_test(a_missing_gradient_of_a_row_is_named),
        lft_test(applying_rows_survives_any_refused_allocation),
        lft_test(a_retrainer_joins_rows_and_lists_every_weight),
    };

    return cmocka_run_group_tests_name("ties_rows", tests, NULL, NULL);
}
