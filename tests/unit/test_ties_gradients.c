/* test_ties_gradients.c - one gradient per group; see ties.h */
#include "lft_ties.h"

#include <stdlib.h>

/* ---- gradients -------------------------------------------------------------------------------- */

/* Three members' gradients are 10 x = 0, 10, 40 for x = 0, 1, 4; l3 is alone. */
static void three_of_four(struct lft *t, lfuse_ties *ties)
{
    lfuse_plan *plan;

    lft_weight(t, 3)[0] = 1000.0f;
    plan = lft_plan_with(t, ties, 2, 0, 0);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    assert_int_equal(lfuse_ties_owner(ties, 2), 0);
    assert_int_equal(lfuse_ties_owner(ties, 3), 3);
}

static void positions_gradients_become_their_mean(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    three_of_four(t, ties);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_gradient(t, 0)[0] == (float)(50.0 / 3.0));
    assert_true(lft_gradient(t, 0)[1] == 3.0f);
    assert_true(lft_gradient(t, 1)[0] == 10.0f && lft_gradient(t, 2)[0] == 40.0f);
    assert_true(lft_gradient(t, 3)[0] == 60.0f);
    lfuse_ties_destroy(ties);
}

static void positions_gradients_become_their_sum(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    lfuse_ties *ties;

    lft_four(t);
    o.combine = LFUSE_COMBINE_SUM;
    ties = lft_ties_of(t, o);
    three_of_four(t, ties);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_gradient(t, 0)[0] == 50.0f && lft_gradient(t, 0)[1] == 9.0f);
    assert_true(lft_gradient(t, 1)[0] == 10.0f && lft_gradient(t, 2)[0] == 40.0f);
    lfuse_ties_destroy(ties);
}

/* The buffer holds the sum: of three, 30 is 10 each. */
static void accumulated_gradients_are_divided_for_the_mean(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    lfuse_ties *ties;

    lft_four(t);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    ties = lft_ties_of(t, o);
    three_of_four(t, ties);
    assert_ptr_equal(lft_gradient(t, 1), lft_gradient(t, 0));
    assert_ptr_equal(lft_gradient(t, 2), lft_gradient(t, 0));
    assert_ptr_not_equal(lft_gradient(t, 3), lft_gradient(t, 0));
    lft_gradient(t, 2)[0] = 30.0f;
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_gradient(t, 0)[0] == 10.0f && lft_gradient(t, 0)[1] == 1.0f);
    assert_true(lft_gradient(t, 3)[0] == 60.0f);
    lfuse_ties_destroy(ties);
}

static void accumulated_gradients_are_their_sum_already(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    lfuse_ties *ties;

    lft_four(t);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    o.combine = LFUSE_COMBINE_SUM;
    ties = lft_ties_of(t, o);
    three_of_four(t, ties);
    lft_gradient(t, 1)[0] = 30.0f;
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_true(lft_gradient(t, 0)[0] == 30.0f);
    lfuse_ties_destroy(ties);
}

/* l0 (0) and l1 (10): frozen, nothing moves; dropped, the kept one's alone. */
static void frozen_and_dropped_groups_leave_gradients_as_they_are(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie_with(t, ties, 1, LFUSE_POLICY_FREEZE, LFUSE_FREEZE_BOTH);
    lft_tie_with(t, ties, 1, LFUSE_POLICY_FREEZE, LFUSE_FREEZE_DROPPED);
    lft_take(t, ties, &s);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_check_unchanged(t, ties, &s);
    assert_true(lft_gradient(t, 3)[0] == 60.0f); /* the kept one of l2 and l3 */
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* 60 x 701 elements: three chunks, the last one short. */
static void combined_gradients_have_the_same_bits_on_any_number_of_threads(void **state)
{
    struct lft *t = *state;
    const char *names[] = {"l0", "l1", "l2"};
    const int64_t n = 60 * 701;
    const lfuse_ties_options o = lft_ties_keeping();
    float *expected = malloc((size_t)n * sizeof(float));
    int i, threads;
    int64_t e;

    assert_non_null(expected);
    for (i = 0; i < 3; i++)
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, 1, 60, 701, 0),
                  lft_tensor(t, LFUSE_F32, (uint64_t)i, 60, 701, 0), NULL);
    for (e = 0; e < n; e++)
        expected[e] =
            (float)((lft_value(0, e) + lft_value(1, e) + lft_value(2, e)) / 3.0);
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_ties *ties;

        lft_ok(t, lfuse_ties_create(ctx, t->layers, 3, &o, &ties, &t->err));
        lft_tie(t, ties, 2);
        for (e = 0; e < n; e++)
            lft_gradient(t, 0)[e] = (float)lft_value(0, e);
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        assert_memory_equal(lft_gradient(t, 0), expected, (size_t)n * sizeof(float));
        lft_ok(t, lfuse_ties_refresh(ties, &t->err));
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lfuse_ties_destroy(ties);
        lfuse_context_destroy(ctx);
    }
    free(expected);
}

static void a_missing_gradient_is_named_before_anything_is_combined(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_four(t);
    lft_layer(t, "l4", "A", 4, lft_pair(t, 6.0f, 1.0f), NULL, NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2); /* (l3, l4) and (l0, l1) */
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_STATE,
              "parameter weight of layer l4 has no gradient");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

static int32_t refuse_to_run(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)count;
    (void)task;
    (void)arg;
    return *(int *)user;
}

static int32_t run_all(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    if (*(int *)user != 0)
        return refuse_to_run(user, count, task, arg);
    for (i = 0; i < count; i++)
        task(arg, i);
    return 0;
}

static void an_executor_that_refuses_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_context_options co;
    lfuse_context *ctx;
    lfuse_ties *ties;
    int answer = 0;

    lft_four(t);
    lfuse_context_options_init(&co, sizeof(co));
    co.executor = (lfuse_executor){run_all, &answer, 2, 0};
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    lft_ok(t, lfuse_ties_create(ctx, t->layers, 4, NULL, &ties, &t->err));
    lft_tie(t, ties, 1);
    answer = 6;
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_CALLBACK, "6");
    lft_fails(t, lfuse_ties_refresh(ties, &t->err), LFUSE_ERR_CALLBACK, "6");
    lfuse_ties_destroy(ties);
    lfuse_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(positions_gradients_become_their_mean),
        lft_test(positions_gradients_become_their_sum),
        lft_test(accumulated_gradients_are_divided_for_the_mean),
        lft_test(accumulated_gradients_are_their_sum_already),
        lft_test(frozen_and_dropped_groups_leave_gradients_as_they_are),
        lft_test(combined_gradients_have_the_same_bits_on_any_number_of_threads),
        lft_test(a_missing_gradient_is_named_before_anything_is_combined),
        lft_test(an_executor_that_refuses_is_an_error),
    };

    return cmocka_run_group_tests_name("ties_gradients", tests, NULL, NULL);
}
