/* test_retrainer_undo.c - undo, mirrors, and schedules and steps that cannot go on as asked */
#include "lft_plan.h"
#include "lft_ties.h"

#include <stdio.h>

static lfuse_retrainer *over(struct lft *t, lfuse_context *ctx, double ratio,
                             int32_t fusions, uint32_t flags)
{
    lfuse_plan_options plan = lft_plan_ratio(ratio);
    lfuse_ties_options ties = lft_ties_defaults();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, fusions, 1);
    lfuse_retrainer *r;

    plan.max_group = 3;
    ties.flags = flags;
    o.ties = &ties;
    lft_ok(t, lfuse_retrainer_create(ctx, t->layers, t->layer_count, &o, &r, &t->err));
    return r;
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r)
{
    lfuse_verdict verdict = -1;

    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    return verdict;
}

/* ---- undo -------------------------------------------------------------------------------- */

static void undo_puts_weights_list_and_schedule_back(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_verdict verdict;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, t->ctx, 2.0, 2, LFUSE_TIES_KEEP_ORIGINALS);
    lft_take(t, lfuse_retrainer_ties(r), &before);
    lft_ok(t, lfuse_retrainer_undo(r, &t->err)); /* nothing is in force */
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    lft_ok(t, lfuse_retrainer_undo(r, &t->err));
    lft_check_bytes(t, &before);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 1), 1);
    assert_null(lfuse_retrainer_plan(r));
    lft_fails(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err), LFUSE_ERR_STATE,
              "fuse was expected");
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lft_drop(&before);
    lfuse_retrainer_destroy(r);
}

static void undo_is_refused_within_a_step_or_an_evaluation(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    lft_fails(t, lfuse_retrainer_undo(NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "retrainer is NULL");
    lft_four(t);
    r = over(t, t->ctx, 2.0, 1, LFUSE_TIES_KEEP_ORIGINALS);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_fails(t, lfuse_retrainer_undo(r, &t->err), LFUSE_ERR_STATE,
              "undo was called, combine_gradients was expected");
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    lft_fails(t, lfuse_retrainer_undo(r, &t->err), LFUSE_ERR_STATE,
              "undo was called, end_eval was expected");
    lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    lfuse_retrainer_destroy(r);
}

static void undo_needs_the_originals(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, t->ctx, 2.0, 1, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_fails(t, lfuse_retrainer_undo(r, &t->err), LFUSE_ERR_STATE,
              "LFUSE_TIES_KEEP_ORIGINALS");
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    assert_non_null(lfuse_retrainer_plan(r));
    lfuse_retrainer_destroy(r);
}

static void undo_without_room_for_the_list_changes_nothing(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, t->ctx, 2.0, 1, LFUSE_TIES_KEEP_ORIGINALS);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_add(t, 0, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 1.0f, 1.0f), NULL);
    lft_take(t, lfuse_retrainer_ties(r), &s);
    t->memory.fail_at = t->memory.allocations;
    lft_fails(t, lfuse_retrainer_undo(r, &t->err), LFUSE_ERR_NO_MEMORY, "parameters");
    t->memory.fail_at = -1;
    lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    lft_ok(t, lfuse_retrainer_undo(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 5);
    lft_drop(&s);
    lfuse_retrainer_destroy(r);
}

/* ---- mirrors ------------------------------------------------------------------------------- */

static void steps_and_evaluations_begin_with_fresh_mirrors(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, t->ctx, 2.0, 1, LFUSE_TIES_MIRROR);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_weight(t, 0)[0] = 40.0f;
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    assert_true(lft_weight(t, 1)[0] == 40.0f);
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    lft_weight(t, 0)[0] = 41.0f;
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    assert_true(lft_weight(t, 1)[0] == 41.0f);
    lfuse_retrainer_destroy(r);
}

/* ---- what cannot go on ------------------------------------------------------------------------ */

static int32_t run(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    for (i = 0; i < count; i++)
        task(arg, i);
    return *(
        int *)user; /* refuses when the work is done: nobody can tell how far it came */
}

static void a_step_whose_combining_was_refused_can_only_be_aborted(void **state)
{
    struct lft *t = *state;
    lfuse_context_options co;
    lfuse_context *ctx;
    lfuse_retrainer *r;
    int answer = 0;

    lft_four(t);
    lfuse_context_options_init(&co, sizeof(co));
    co.executor = (lfuse_executor){run, &answer, 2, 0};
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    r = over(t, ctx, 2.0, 1, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    answer = 6;
    lft_fails(t, lfuse_retrainer_begin_eval(r, &t->err), LFUSE_ERR_CALLBACK, "6");
    lft_fails(t, lfuse_retrainer_begin_step(r, &t->err), LFUSE_ERR_CALLBACK, "6");
    answer = 0;
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    answer = 6;
    lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_CALLBACK, "6");
    answer = 0;
    lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_STATE,
              "combine_gradients was called, abort_step was expected");
    lft_fails(t, lfuse_retrainer_end_step(r, &t->err), LFUSE_ERR_STATE,
              "abort_step was expected");
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lfuse_retrainer_destroy(r);
    lfuse_context_destroy(ctx);
}

/* Parameters that came after the last fusion are in the list from finalising on, however many. */
static void finalising_makes_room_for_what_layers_have_gained(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;
    lfuse_parameter p;
    char name[16];
    int i;

    lft_four(t);
    r = over(t, t->ctx, 2.0, 1, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "bias %d", i);
        lft_add(t, 0, name, LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), NULL);
    }
    lft_ok(t, lfuse_retrainer_finalise(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2 + 20);
    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_retrainer_parameter(r, 20, &p, &t->err));
    assert_string_equal(p.name, "bias 19");
    lfuse_retrainer_destroy(r);
}

/*
 * 0 1 2 and 10 11 12 make two groups of three: ratio 3. One fusion at a time, between which
 * training moves the layers, they make three groups of two, and no two of these may join.
 */
static void a_later_fusion_goes_as_far_as_it_can(void **state)
{
    struct lft *t = *state;
    const char *names[] = {"l0", "l1", "l2", "l3", "l4", "l5"};
    const float x[] = {0.0f, 1.0f, 2.0f, 10.0f, 11.0f, 12.0f};
    const float trained[] = {100.0f, 100.5f, 200.0f, 205.0f};
    lfuse_retrainer *r;
    int i;

    for (i = 0; i < 6; i++)
        lft_at(t, names[i], i, x[i]);
    r = over(t, t->ctx, 3.0, 4, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (i = 0; i < 4; i++)
        lft_weight(t, 2 + i)[0] = trained[i];
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(lfuse_plan_group_count(lfuse_retrainer_plan(r)), 3);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 0);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(undo_puts_weights_list_and_schedule_back),
        lft_test(undo_is_refused_within_a_step_or_an_evaluation),
        lft_test(undo_needs_the_originals),
        lft_test(undo_without_room_for_the_list_changes_nothing),
        lft_test(finalising_makes_room_for_what_layers_have_gained),
        lft_test(steps_and_evaluations_begin_with_fresh_mirrors),
        lft_test(a_step_whose_combining_was_refused_can_only_be_aborted),
        lft_test(a_later_fusion_goes_as_far_as_it_can),
    };

    return cmocka_run_group_tests_name("retrainer_undo", tests, NULL, NULL);
}
