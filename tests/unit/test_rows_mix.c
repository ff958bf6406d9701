/* test_rows_mix.c - rows under the policies random and custom: see ties.h */
#include "lft_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static lfuse_plan_options random_rows(int64_t k)
{
    lfuse_plan_options o = lft_rows_best(k);

    o.policy = LFUSE_POLICY_RANDOM;
    return o;
}

/* l1's 1 and l2's 0: 20 and 20.5; l0's 0 and l1's 0: 0 and 1. */
static lfuse_ties *mixing(struct lft *t, lfuse_ties_options options)
{
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, options);
    lft_rows_tie(t, ties, random_rows(2));
    return ties;
}

static void check_row(struct lft *t, int layer, int row, float x)
{
    assert_true(lft_row(t, layer, row)[0] == x);
    assert_true(lft_row(t, layer, row)[1] == 1.0f);
}

/* ---- what is shown ---------------------------------------------------------------------- */

/* 64 steps: that a group never shows one of two has odds of 2^-63. */
static void a_mix_is_one_of_the_groups_rows_at_every_step(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties = mixing(t, lft_ties_keeping());
    struct lft_snapshot s;
    int shown[2][2] = {{0, 0}, {0, 0}}, apart = 0, step, first, second;
    float again;

    lft_take(t, ties, &s);
    for (step = 0; step < 64; step++) {
        lft_show(t, ties, LFUSE_SHOW_MIX, step);
        again = lft_row(t, 0, 0)[0];
        first = lft_row(t, 1, 1)[0] == 20.5f;
        second = again == 1.0f;
        check_row(t, 1, 1, first ? 20.5f : 20.0f);
        check_row(t, 2, 0, first ? 20.5f : 20.0f);
        check_row(t, 0, 0, second ? 1.0f : 0.0f);
        check_row(t, 1, 0, second ? 1.0f : 0.0f);
        check_row(t, 0, 1, 10.0f); /* not joined */
        shown[0][first]++;
        shown[1][second]++;
        apart += first != second;
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
        lft_check_unchanged(t, ties, &s);
        lft_show(t, ties, LFUSE_SHOW_MIX, step);
        assert_true(lft_row(t, 0, 0)[0] == again);
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    }
    assert_true(shown[0][0] > 0 && shown[0][1] > 0 && shown[1][0] > 0 && shown[1][1] > 0);
    assert_true(apart > 0 && apart < 64); /* each group draws for itself */
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* 12 weights are unique; of each group a row to show and two of its members' are kept beside. */
static void the_mean_is_shown_and_becomes_final(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    struct lft_snapshot s;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    lft_rows_tie(t, ties, random_rows(2));
    assert_int_equal(lft_account(t, ties).all_unique, 14);
    assert_int_equal(lfuse_ties_resident_bytes(ties), (int)(72 + 72 + 2 * 3 * 8));
    check_row(t, 1, 1, 20.0f); /* nothing has changed yet */
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    check_row(t, 1, 1, 20.25f);
    check_row(t, 2, 0, 20.25f);
    check_row(t, 1, 0, 0.5f);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    check_row(t, 1, 1, 20.0f);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    check_row(t, 1, 1, 20.25f);
    check_row(t, 2, 0, 20.25f);
    check_row(t, 1, 0, 0.5f);
    assert_true(lft_row_velocity(t, 0, 0)[0] == 0.25f); /* the mean of 0 and 1/2 */
    assert_int_equal(lfuse_ties_resident_bytes(ties), 72 + 72);
    lft_ok(t,
           lfuse_ties_combine_gradients(ties, &t->err)); /* of average: no mix is shown */
    assert_true(lft_row_gradient(t, 0, 0)[0] == 5.0f);
    assert_true(lft_row_gradient(t, 1, 0)[0] == 0.0f);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    memcpy(lft_gradient(t, 0), s.bytes[1], s.size[1]); /* undo is for weights and state */
    memcpy(lft_gradient(t, 1), s.bytes[4], s.size[4]);
    memcpy(lft_gradient(t, 2), s.bytes[7], s.size[7]);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* l0's 0 and l1's 0 are averaged first, 1/2, then mix with l0's 1, 10: one source of two. */
static void rows_tied_before_are_one_source(void **state)
{
    struct lft *t = *state;
    const float mean = (float)((0.5 + 0.5 + 10.0) / 3.0);
    lfuse_ties *ties;
    int step, tens = 0;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, lft_rows_best(3));
    lft_rows_tie(t, ties, random_rows(1));
    for (step = 0; step < 64; step++) {
        lft_show(t, ties, LFUSE_SHOW_MIX, step);
        tens += lft_row(t, 1, 0)[0] == 10.0f;
        check_row(t, 0, 0, lft_row(t, 1, 0)[0] == 10.0f ? 10.0f : 0.5f);
        check_row(t, 0, 1, lft_row(t, 0, 0)[0]);
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    }
    assert_true(tens > 0 && tens < 48); /* 64 / 3 with deviation 3.8 */
    lft_row(t, 0, 0)[0] = 0.75f;        /* a step; l1's 0 follows its source */
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    check_row(t, 1, 0, 0.75f);
    check_row(t, 0, 1, 10.0f);
    lft_row(t, 0, 0)[0] = 0.5f;
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    check_row(t, 0, 1, mean);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    check_row(t, 1, 0, mean);
    check_row(t, 2, 1, 101.0f); /* was average all along */
    lfuse_ties_destroy(ties);
}

/* A group that mixes goes on when others are joined; joined itself, its sources become the mean. */
static void a_later_plan_takes_mixes_up(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties = mixing(t, lft_ties_defaults());

    lft_rows_tie(t, ties, lft_rows_best(1)); /* l2's 1 and 2 */
    check_row(t, 2, 1, 101.0f);
    check_row(t, 1, 0, 1.0f);
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    check_row(t, 1, 0, 0.5f);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_rows_tie(t, ties, lft_rows_best(1)); /* l0's 1 to l0's 0 and l1's 0 */
    check_row(t, 1, 0, (float)(11.0 / 3.0));
    check_row(t, 0, 0, (float)(11.0 / 3.0));
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    check_row(t, 1, 1, 20.25f);
    check_row(t, 1, 0, (float)(11.0 / 3.0));
    lfuse_ties_destroy(ties); /* which shows the sources first */
    check_row(t, 1, 1, 20.0f);
}

/* ---- gradients ------------------------------------------------------------------------------ */

/* Positions have 10 x: of 0 and 1 the mean is 5, accumulated half of the kept one's 14. */
static void the_drawn_rows_source_gets_the_gradient(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    int pass, step;

    lft_rows_three(t);
    for (pass = 0; pass < 2; pass++) {
        lfuse_ties_options o = lft_ties_keeping();

        if (pass == 1)
            o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
        ties = lft_ties_of(t, o);
        lft_rows_tie(t, ties, random_rows(2));
        for (step = 0; step < 16; step++) {
            const float expected = pass == 0 ? 5.0f : 7.0f;
            int from;

            lft_row_gradient(t, 0, 0)[0] = pass == 0 ? 0.0f : 14.0f;
            lft_row_gradient(t, 1, 0)[0] = 10.0f;
            lft_show(t, ties, LFUSE_SHOW_MIX, step);
            from = lft_row(t, 0, 0)[0] == 1.0f; /* of l1's 0 */
            lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
            assert_true(lft_row_gradient(t, from, 0)[0] == expected);
            assert_true(lft_row_gradient(t, 1 - from, 0)[0] == 0.0f);
            assert_true(lft_row_gradient(t, 1 - from, 0)[1] == 0.0f);
            assert_true(lft_row_gradient(t, 0, 1)[0] == 100.0f);
            lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
        }
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
    }
}

static void calls_out_of_turn_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties = mixing(t, lft_ties_keeping());
    lfuse_plan_options o = lft_rows_best(1);
    struct lft_snapshot s;
    lfuse_plan *plan;

    o.in_force = ties;
    plan = lft_plan_build(t, o);
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_STATE,
              "groups do not show a mix");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lft_show(t, ties, LFUSE_SHOW_MIX, 3);
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_STATE, "apply");
    lft_fails(t, lfuse_ties_undo(ties, &t->err), LFUSE_ERR_STATE, "undo");
    lft_fails(t, lfuse_ties_finalise(ties, &t->err), LFUSE_ERR_STATE, "finalise");
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_MEAN, 0, &t->err), LFUSE_ERR_STATE,
              "show");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void a_retrainer_mixes_rows(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = random_rows(0);
    lfuse_ties_options keep = lft_ties_keeping();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer *r;
    int step;

    lft_rows_three(t);
    plan.ratio = 1.25;
    o.ties = &keep;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 3, &o, &r, &t->err));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (step = 0; step < 4; step++) {
        lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
        assert_memory_equal(lft_row(t, 1, 1), lft_row(t, 2, 0), 2 * sizeof(float));
        lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
        check_row(t, 1, 1, 20.0f);
        lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
    }
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    check_row(t, 1, 1, 20.25f);
    lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
    check_row(t, 1, 1, 20.0f);
    lfuse_retrainer_destroy(r);
}

/* ---- threads and memory ----------------------------------------------------------------------- */

enum { SIZE = 20000 };

static void no_bit_of_a_mix_depends_on_the_threads(void **state)
{
    struct lft *t = *state;
    const char *names[] = {"l0", "l1", "l2"};
    static float expected[3][3][SIZE];
    int threads, i;

    for (i = 0; i < 3; i++)
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 100, 200, 0),
                  lft_tensor(t, LFUSE_F32, 0, 100, 200, 0), NULL);
    for (threads = 1; threads <= 4; threads += 3) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_ties_options o = lft_ties_keeping();
        float(*seen)[3][SIZE] = threads == 1 ? expected : calloc(3, sizeof(*expected));
        lfuse_ties *ties;

        lft_ok(t, lfuse_ties_create(ctx, t->layers, 3, &o, &ties, &t->err));
        lft_rows_tie(t, ties, random_rows(150));
        for (i = 0; i < 3; i++)
            lft_fill(lft_gradient(t, i), SIZE, (uint64_t)i + 3);
        lft_show(t, ties, LFUSE_SHOW_MIX, 7);
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        for (i = 0; i < 3; i++) {
            memcpy(seen[0][i], lft_weight(t, i), sizeof(seen[0][i]));
            memcpy(seen[1][i], lft_gradient(t, i), sizeof(seen[1][i]));
        }
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
        lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
        for (i = 0; i < 3; i++)
            memcpy(seen[2][i], lft_weight(t, i), sizeof(seen[2][i]));
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
        assert_memory_equal(seen, expected, sizeof(expected));
        if (seen != expected)
            free(seen);
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
        lfuse_context_destroy(ctx);
    }
}

static lfuse_status mix_show_finalise_and_undo(struct lft *t, void *arg)
{
    lfuse_plan_options o = random_rows(2);
    lfuse_ties *ties = arg;
    lfuse_plan *plan;
    lfuse_status status;

    o.in_force = ties;
    status = lft_plan_try(t, &o, &plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(ties, plan, &t->err);
    lfuse_plan_destroy(plan);
    if (status != LFUSE_OK)
        return status;
    lft_show(t, ties, LFUSE_SHOW_MIX, 1); /* take no memory any more */
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    return status;
}

static void mixing_rows_survives_any_refused_allocation(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    lft_every_allocation_fails(t, mix_show_finalise_and_undo, ties);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* ---- custom --------------------------------------------------------------------------------- */

struct merger {
    int calls;
    int64_t rows;
    int32_t refusal;
    double instead; /* NaN or infinity for an element, or 0 */
};

/* The elementwise maximum. */
static int32_t largest(void *user, const lfuse_matrix_view *members, int64_t count,
                       double *merged)
{
    struct merger *m = user;
    int64_t i, k;

    m->rows = members[0].rows;
    if (++m->calls == 2 && m->refusal != 0)
        return m->refusal;
    for (i = 0; i < members[0].columns; i++)
        for (merged[i] = -INFINITY, k = 0; k < count; k++)
            merged[i] = fmax(merged[i], (double)((const float *)members[k].data)[i]);
    if (m->instead != 0.0)
        merged[1] = m->instead;
    return 0;
}

static lfuse_plan_options custom_rows(int64_t k)
{
    lfuse_plan_options o = lft_rows_best(k);

    o.policy = LFUSE_POLICY_CUSTOM;
    return o;
}

static lfuse_ties *merged_by(struct lft *t, struct merger *m)
{
    lfuse_ties_options o = lft_ties_keeping();

    o.merge = m != NULL ? largest : NULL;
    o.merge_user = m;
    return lft_ties_of(t, o);
}

static void the_callback_makes_rows(void **state)
{
    struct lft *t = *state;
    struct merger m = {0};
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = merged_by(t, &m);
    lft_take(t, ties, &s);
    lft_rows_tie(t, ties, custom_rows(3));
    assert_int_equal(m.calls, 3);
    assert_int_equal(m.rows, 1);
    check_row(t, 1, 1, 20.5f);
    check_row(t, 2, 0, 20.5f);
    check_row(t, 0, 0, 1.0f);
    check_row(t, 1, 0, 1.0f);
    check_row(t, 2, 1, 102.0f);
    assert_true(lft_row_velocity(t, 0, 0)[0] == 0.25f); /* state: the mean */
    lft_row(t, 1, 0)[0] = 50.0f;                        /* a stale mirror is not asked */
    lft_rows_tie(t, ties, custom_rows(1));
    assert_int_equal(m.calls, 4); /* of the group that changed */
    check_row(t, 0, 1, 10.0f);
    check_row(t, 1, 0, 10.0f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

static void refuse(struct lft *t, struct merger *m, lfuse_status expected,
                   const char *text)
{
    lfuse_plan *plan = lft_plan_build(t, custom_rows(3));
    lfuse_ties *ties = merged_by(t, m);
    struct lft_snapshot s;

    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), expected, text);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
}

static void what_the_callback_refuses_changes_no_row(void **state)
{
    struct lft *t = *state;
    struct merger no = {.refusal = 9}, nan = {.instead = NAN};

    lft_rows_three(t);
    refuse(t, NULL, LFUSE_ERR_STATE, "the ties have no merge");
    refuse(t, &no, LFUSE_ERR_CALLBACK, "merge returned 9 for weight of the group");
    assert_int_equal(t->err.detail, 9);
    assert_int_equal(no.calls, 2);
    refuse(t, &nan, LFUSE_ERR_NOT_FINITE, "merge gave nan as element 1 of weight");
}

static lfuse_status merge_and_undo(struct lft *t, void *arg)
{
    lfuse_plan_options o = custom_rows(3);
    lfuse_ties *ties = arg;
    lfuse_plan *plan;
    lfuse_status status;

    o.in_force = ties;
    status = lft_plan_try(t, &o, &plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(ties, plan, &t->err);
    lfuse_plan_destroy(plan);
    if (status == LFUSE_OK)
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
    return status;
}

static void merging_rows_survives_any_refused_allocation(void **state)
{
    struct lft *t = *state;
    struct merger m = {0};
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_rows_three(t);
    ties = merged_by(t, &m);
    lft_take(t, ties, &s);
    lft_every_allocation_fails(t, merge_and_undo, ties);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_mix_is_one_of_the_groups_rows_at_every_step),
        lft_test(the_mean_is_shown_and_becomes_final),
        lft_test(rows_tied_before_are_one_source),
        lft_test(a_later_plan_takes_mixes_up),
        lft_test(the_drawn_rows_source_gets_the_gradient),
        lft_test(calls_out_of_turn_are_refused),
        lft_test(a_retrainer_mixes_rows),
        lft_test(no_bit_of_a_mix_depends_on_the_threads),
        lft_test(mixing_rows_survives_any_refused_allocation),
        lft_test(the_callback_makes_rows),
        lft_test(what_the_callback_refuses_changes_no_row),
        lft_test(merging_rows_survives_any_refused_allocation),
    };

    return cmocka_run_group_tests_name("rows_mix", tests, NULL, NULL);
}
