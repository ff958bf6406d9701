/* test_rows_alignment.c - rows that join once units are in order; see plan.h */
#include "lft_alignment.h"
#include "lft_rows.h"

#include <math.h>
#include <string.h>

static const int64_t shuffled[LFT_UNITS] = {3, 5, 0, 1, 4, 2};

/* Every row there is of one block. */
enum { ROWS = LFT_UNITS + LFT_WIDTH };

static lfuse_plan_options row_options(const lfuse_couplings *c, int64_t top_k)
{
    lfuse_plan_options o = lft_align_options(c, top_k);

    o.unit = LFUSE_UNIT_ROW;
    return o;
}

/* Two blocks, b as a but for the order of its units. */
static lfuse_couplings *twins(struct lft *t)
{
    lfuse_couplings *c = lft_align_blocks(t, 2);

    lft_align_copy(t, 0, 1);
    lft_permute(t, c, 1, shuffled);
    return c;
}

/* Rows of "down" have their columns in another order: plain, they are strangers; aligned, each
 * has its twin, in the order that the plan asks for. */
static void rows_of_equal_blocks_join_without_loss_once_aligned(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = twins(t);
    lfuse_plan_options plain = lft_rows_best(ROWS);
    double a[LFT_WIDTH], b[LFT_WIDTH];
    int64_t row, owner, u;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_align_compute(t, 0, a);
    lft_align_compute(t, 1, b);
    ties = lft_ties_of(t, lft_ties_defaults());
    plan = lft_plan_build(t, plain);
    assert_true(lft_plan_fusion(t, plan, ROWS - 1).score > 0.1);
    lfuse_plan_destroy(plan);
    plan = lft_plan_build(t, row_options(c, ROWS));
    assert_int_equal(lfuse_plan_permutation_count(plan), 1);
    for (u = 0; u < ROWS; u++)
        assert_true(lft_plan_fusion(t, plan, u).score == 0.0);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    for (u = 0; u < LFT_UNITS; u++) { /* of b.up, in the order it has now */
        owner = lfuse_plan_row_owner(plan, 3, 0, u, &row);
        assert_true(owner == 0 || lfuse_plan_row_owner(plan, 0, 0, u, &row) == 3);
        assert_int_equal(row, u);
        assert_int_equal(lfuse_ties_row_owner(ties, 3, 0, u, NULL), owner);
    }
    lft_align_check(t, 0, a);
    lft_align_check(t, 1, b);
    assert_int_equal(lft_account(t, ties).candidates_unique, 2 * LFT_UNITS * LFT_WIDTH);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* Three different blocks: what does not join computes what it did, whatever has moved. */
static void what_moves_keeps_its_function(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_plan_rule rules[] = {{"c.*", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    lfuse_plan_options o = row_options(c, 1);
    double y[LFT_BLOCKS][LFT_WIDTH];
    lfuse_plan *plan;
    lfuse_ties *ties;
    int i;

    for (i = 0; i < LFT_BLOCKS; i++)
        lft_align_compute(t, i, y[i]);
    o.rules = rules;
    o.rule_count = 1;
    plan = lft_plan_build(t, o);
    assert_true(lfuse_plan_permutation_count(plan) > 0);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_align_check(t, 2, y[2]);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    for (i = 0; i < LFT_BLOCKS; i++)
        lft_align_check(t, i, y[i]);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* Scores are those of rows in the plan's order: on a copy of the layers put in it, a plan without
 * alignment says the same. */
static void scores_are_of_aligned_rows(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_plan *aligned = lft_plan_build(t, row_options(c, ROWS)), *plain;
    int64_t i, space;

    for (i = 0; i < lfuse_plan_permutation_count(aligned); i++) {
        const int64_t *order = lfuse_plan_permutation(aligned, i, &space, NULL);

        lft_permute(t, c, space, order);
    }
    plain = lft_plan_build(t, lft_rows_best(ROWS));
    assert_int_equal(lfuse_plan_fusion_count(plain), ROWS);
    for (i = 0; i < ROWS; i++) {
        const lfuse_fusion f = lft_plan_fusion(t, aligned, i),
                           g = lft_plan_fusion(t, plain, i);

        assert_memory_equal(&f, &g, sizeof(f));
    }
    lfuse_plan_destroy(plain);
    lfuse_plan_destroy(aligned);
    lfuse_couplings_destroy(c);
}

/* What shares rows is known by where they stand: a later plan moves the third block alone. */
static void what_shares_rows_stays_where_it_is(void **state)
{
    static const int64_t turned[LFT_UNITS] = {1, 0, 3, 2, 5, 4};
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_plan_rule rules[] = {{"c.*", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    lfuse_plan_options o = row_options(c, 2);
    int64_t space = -1;
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_align_copy(t, 0, 1);
    lft_align_copy(t, 0, 2);
    ties = lft_ties_of(t, lft_ties_keeping());
    o.rules = rules;
    o.rule_count = 1;
    lft_rows_tie(t, ties, o);
    lft_permute(t, c, 2, turned);
    o = row_options(c, LFT_WIDTH);
    o.in_force = ties;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_permutation_count(plan), 1);
    assert_non_null(lfuse_plan_permutation(plan, 0, &space, NULL));
    assert_int_equal(space, 2);
    assert_true(lft_plan_fusion(t, plan, LFT_WIDTH - 1).score == 0.0);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    assert_memory_equal(lft_align_values(t, 2, 0), lft_align_values(t, 8, 0),
                        LFT_UNITS * sizeof(float));
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

static void without_fusions_nothing_moves(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = twins(t);
    lfuse_plan_options o = row_options(c, 0);
    lfuse_plan *plan;

    o.ratio = 1.0;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 0);
    assert_int_equal(lfuse_plan_permutation_count(plan), 0);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

/* A weight that was finite when planned: which of its rows will stand where is not asked. */
static void a_weight_that_is_not_finite_any_more_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = twins(t);
    lfuse_plan *plan = lft_plan_build(t, row_options(c, ROWS));
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    struct lft_snapshot s;

    lft_align_values(t, 5, 0)[LFT_UNITS + 1] = NAN;
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_NOT_FINITE, "b.down");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

struct job {
    lfuse_ties *ties;
    lfuse_plan_options options;
};

static lfuse_status plan_apply_and_undo(struct lft *t, void *arg)
{
    struct job *job = arg;
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, &job->options, &plan);

    if (status == LFUSE_OK)
        status = lfuse_ties_apply(job->ties, plan, &t->err);
    if (status == LFUSE_OK)
        lft_ok(t, lfuse_ties_undo(job->ties, &t->err));
    lfuse_plan_destroy(plan);
    return status;
}

static void aligning_rows_survives_any_refused_allocation(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = twins(t);
    struct job job = {lft_ties_of(t, lft_ties_keeping()), row_options(c, ROWS)};
    struct lft_snapshot s;

    lft_take(t, job.ties, &s);
    lft_every_allocation_fails(t, plan_apply_and_undo, &job);
    lft_check_unchanged(t, job.ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(job.ties);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(rows_of_equal_blocks_join_without_loss_once_aligned),
        lft_test(what_moves_keeps_its_function),
        lft_test(scores_are_of_aligned_rows),
        lft_test(what_shares_rows_stays_where_it_is),
        lft_test(without_fusions_nothing_moves),
        lft_test(a_weight_that_is_not_finite_any_more_is_refused),
        lft_test(aligning_rows_survives_any_refused_allocation),
    };

    return cmocka_run_group_tests_name("rows_alignment", tests, NULL, NULL);
}
