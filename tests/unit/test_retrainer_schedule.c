/* test_retrainer_schedule.c - how much each fusion joins, and when it is due */
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>

/* Layers of one type and size, all alike but for less and less: x = 2^i. */
static void many(struct lft *t, int count)
{
    char name[16];
    int i;

    for (i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_at(t, name, i, (float)(1 << i));
    }
}

static lfuse_retrainer *create(struct lft *t, const lfuse_retrainer_options *options)
{
    lfuse_retrainer *r;

    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, options, &r,
                                     &t->err));
    return r;
}

static void create_fails(struct lft *t, const lfuse_retrainer_options *o,
                         const char *text)
{
    lfuse_retrainer *r = (lfuse_retrainer *)t;

    lft_fails(t,
              lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, text);
    assert_null(r);
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r)
{
    lfuse_verdict verdict = 77;

    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    return verdict;
}

static void step(struct lft *t, lfuse_retrainer *r)
{
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
}

static int64_t unique(struct lft *t, const lfuse_retrainer *r)
{
    return lft_account(t, lfuse_retrainer_ties(r)).candidates_unique / 2;
}

/* Fuses to the end; what is left after every fusion is as said. */
static void check_left(struct lft *t, lfuse_retrainer *r, const int64_t *left, int count)
{
    int s;

    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (s = 0; s < count; s++) {
        assert_int_equal(unique(t, r), left[s]);
        assert_int_equal(epoch(t, r),
                         s + 1 < count ? LFUSE_VERDICT_FUSED : LFUSE_VERDICT_DONE);
    }
    lfuse_retrainer_destroy(r);
}

/* Of 8 layers R = 8 removes 7: by halves that is 4, 2 and 1. */
static void exponential_removes_half_as_much_every_time(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(8.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
    const int64_t left[] = {4, 2, 1};

    many(t, 8);
    o.schedule = LFUSE_SCHEDULE_EXPONENTIAL;
    check_left(t, create(t, &o), left, 3);
}

/* R = 8/3 removes 5 of 8: by quarters 4 and 1. */
static void decay_says_how_much_less(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(8.0 / 3.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 1);
    const int64_t left[] = {4, 3};

    many(t, 8);
    o.schedule = LFUSE_SCHEDULE_EXPONENTIAL;
    o.decay = 0.25;
    check_left(t, create(t, &o), left, 2);
}

struct ratios {
    double give[3];
    int asked;
};

static double give(void *user, int32_t fusion, int32_t fusions)
{
    struct ratios *r = user;

    assert_int_equal(fusions, 3);
    r->asked++;
    return r->give[fusion - 1];
}

static void a_custom_schedule_is_asked_when_a_fusion_is_due(void **state)
{
    struct lft *t = *state;
    struct ratios ratios = {{8.0 / 7.0, 8.0 / 3.0, 4.0}, 0};
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
    const int64_t left[] = {7, 3, 2};
    lfuse_retrainer *r;

    many(t, 8);
    o.schedule = LFUSE_SCHEDULE_CUSTOM;
    o.custom = give;
    o.custom_user = &ratios;
    r = create(t, &o);
    assert_int_equal(ratios.asked, 0);
    check_left(t, r, left, 3);
    assert_int_equal(ratios.asked, 3);
}

static void a_custom_ratio_beyond_the_goal_changes_nothing(void **state)
{
    struct lft *t = *state;
    const double bad[] = {NAN, 0.5, 4.5, INFINITY, -1.0};
    struct ratios ratios = {{1.0, 2.0, 4.0}, 0};
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
    lfuse_verdict verdict = 77;
    struct lft_snapshot s;
    lfuse_retrainer *r;
    int i;

    many(t, 8);
    o.schedule = LFUSE_SCHEDULE_CUSTOM;
    o.custom = give;
    o.custom_user = &ratios;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_take(t, lfuse_retrainer_ties(r), &s);
    for (i = 0; i < 5; i++) {
        ratios.give[1] = bad[i];
        lft_fails(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err),
                  LFUSE_ERR_CALLBACK, "for fusion 2 of 3; from 1 to 4");
        assert_int_equal(verdict, 77);
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    }
    ratios.give[1] = 2.0;
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(unique(t, r), 4);
    lft_drop(&s);
    lfuse_retrainer_destroy(r);
}

/* 8 to 2 takes 6: three at a time, then none is left of the goal. */
static void pairs_join_as_many_until_the_goal(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 0, 1);
    const int64_t fours[] = {4, 2}, twos[] = {6, 4};

    many(t, 8);
    o.pairs = 4;
    check_left(t, create(t, &o), fours, 2);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    many(t, 8);
    o.pairs = 2;
    o.fusions = 2; /* at most */
    check_left(t, create(t, &o), twos, 2);
}

/* max_group leaves two groups of three where the goal was tried; one at a time, 2 + 2 + 2. */
static void pairs_end_where_nothing_is_left_to_join(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(3.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 0, 1);
    const float x[] = {0.0f, 1.0f, 2.0f, 10.0f, 11.0f, 12.0f};
    const float trained[] = {100.0f, 100.5f, 200.0f, 205.0f};
    char name[16];
    lfuse_retrainer *r;
    int i;

    for (i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_at(t, name, i, x[i]);
    }
    plan.max_group = 3;
    o.pairs = 1;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (i = 0; i < 4; i++)
        lft_weight(t, 2 + i)[0] = trained[i];
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    assert_int_equal(unique(t, r), 3);
    lfuse_retrainer_destroy(r);
}

static void an_interval_of_steps_is_due_after_as_many(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 3);
    lfuse_retrainer *r;
    int s;

    assert_int_equal(lfuse_retrainer_is_due(NULL), 0);
    many(t, 8);
    o.flags = LFUSE_RETRAINER_FLAG_STEPS;
    r = create(t, &o);
    for (s = 0; s < 4; s++)
        step(t, r);
    assert_int_equal(lfuse_retrainer_is_due(r), 0); /* not before the first fusion */
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (s = 0; s < 3; s++) {
        assert_int_equal(lfuse_retrainer_is_due(r), 0);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE); /* epochs do not count */
        step(t, r);
    }
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err)); /* nor do aborted steps */
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    for (s = 0; s < 5; s++) { /* later is no harm */
        assert_int_equal(lfuse_retrainer_is_due(r), s >= 3);
        step(t, r);
    }
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    assert_int_equal(lfuse_retrainer_is_due(r), 0);
    lfuse_retrainer_destroy(r);
}

static void an_interval_of_epochs_is_due_before_its_last_ends(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 2);
    lfuse_retrainer *r;

    many(t, 8);
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    step(t, r);
    assert_int_equal(lfuse_retrainer_is_due(r), 0);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

static void options_of_another_schedule_are_refused(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    const lfuse_retrainer_options defaults = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer_options o = defaults;

    many(t, 4);
    o.decay = 0.5;
    create_fails(t, &o, "options.decay is 0.5, but the schedule is not exponential");
    o.schedule = LFUSE_SCHEDULE_EXPONENTIAL;
    o.decay = 1.0;
    create_fails(t, &o, "options.decay is 1, not in (0, 1)");
    o.decay = NAN;
    create_fails(t, &o, "not in (0, 1)");
    o.decay = -0.5;
    create_fails(t, &o, "options.decay is -0.5");
    o.decay = 0.0;
    o.pairs = 3;
    create_fails(t, &o, "options.pairs is 3, but the schedule goes by ratios");
    o = defaults;
    o.pairs = -1;
    create_fails(t, &o, "options.pairs is -1");
    o = defaults;
    o.schedule = LFUSE_SCHEDULE_CUSTOM;
    create_fails(t, &o, "options.custom is NULL, but the schedule is custom");
    o = defaults;
    o.custom = give;
    create_fails(t, &o, "options.custom is given, but the schedule is not custom");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(exponential_removes_half_as_much_every_time),
        lft_test(decay_says_how_much_less),
        lft_test(a_custom_schedule_is_asked_when_a_fusion_is_due),
        lft_test(a_custom_ratio_beyond_the_goal_changes_nothing),
        lft_test(pairs_join_as_many_until_the_goal),
        lft_test(pairs_end_where_nothing_is_left_to_join),
        lft_test(an_interval_of_steps_is_due_after_as_many),
        lft_test(an_interval_of_epochs_is_due_before_its_last_ends),
        lft_test(options_of_another_schedule_are_refused),
    };

    return cmocka_run_group_tests_name("retrainer_schedule", tests, NULL, NULL);
}
