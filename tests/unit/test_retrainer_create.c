/* test_retrainer_create.c - what a retrainer can be made of; see retrainer.h */
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>

static void create_fails(struct lft *t, const lfuse_retrainer_options *o,
                         lfuse_status expected, const char *text)
{
    lfuse_retrainer *r = (lfuse_retrainer *)t;

    lft_fails(t,
              lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, o, &r, &t->err),
              expected, text);
    assert_null(r);
}

static void plan_options_that_a_schedule_cannot_have_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_ties *ties;

    lft_four(t);
    plan.ratio = 0.0;
    plan.top_k = 1;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0");
    plan.ratio = 2.0;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan.top_k is 1");
    plan = lft_plan_ratio(0.5);
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0.5");
    plan = lft_plan_ratio(2.0);
    ties = lft_ties_of(t, lft_ties_defaults());
    plan.in_force = ties;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan.in_force is given");
    lfuse_ties_destroy(ties);
    plan = lft_plan_ratio(2.0);
    plan.policy = 9;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan.policy is 9");
    o.plan = NULL;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.plan is NULL");
}

static void options_out_of_range_are_refused(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_ties_options ties = lft_ties_defaults();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, -1, 1);
    struct {
        lfuse_retrainer_options o;
        int64_t later;
    } newer;

    lft_four(t);
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.fusions is -1");
    o = lft_retrainer_options(&plan, 1, -2);
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.interval is -2");
    o = lft_retrainer_options(&plan, 1, 1);
    o.schedule = 4;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.schedule is 4");
    o = lft_retrainer_options(&plan, 1, 1);
    o.flags = 0x80;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.flags has unknown bits: 0x80");
    o = lft_retrainer_options(&plan, 1, 1);
    o.ties = &ties;
    ties.combine = 3;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.ties.combine is 3");
    create_fails(t, NULL, LFUSE_ERR_ARGUMENT, "options is NULL");
    lfuse_retrainer_options_init(&newer.o, sizeof(newer));
    newer.o.plan = &plan;
    newer.later = 1;
    create_fails(t, &newer.o, LFUSE_ERR_UNSUPPORTED, "options");
    lfuse_retrainer_options_init(NULL, 8);
}

static void layers_that_cannot_reach_the_goal_are_refused_at_once(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(5.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_ties_options ties = lft_ties_defaults();

    lft_four(t);
    create_fails(t, &o, LFUSE_ERR_UNREACHABLE, "reaches 4");
    plan.ratio = 2.0;
    lft_weight(t, 2)[1] = INFINITY;
    create_fails(t, &o, LFUSE_ERR_NOT_FINITE, "l2");
    lft_weight(t, 2)[1] = 1.0f;
    plan.policy = LFUSE_POLICY_FREEZE;
    plan.freeze_gradient = LFUSE_FREEZE_DROPPED;
    ties.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    o.ties = &ties;
    create_fails(t, &o, LFUSE_ERR_UNSUPPORTED, "accumulated gradients");
    lft_at(t, "l3", 9, 0.0f);
    create_fails(t, &o, LFUSE_ERR_NAME, "both named l3");
}

static void creating_leaves_the_layers_alone(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer *r;
    lfuse_ties *none;

    lft_four(t);
    none = lft_ties_of(t, lft_ties_defaults());
    lft_take(t, none, &s);
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err));
    lfuse_retrainer_destroy(r);
    lft_check_unchanged(t, none, &s);
    lft_drop(&s);
    lfuse_ties_destroy(none);
}

static lfuse_status create_and_destroy(struct lft *t, void *arg)
{
    lfuse_retrainer *r = (lfuse_retrainer *)t;
    lfuse_status status =
        lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, arg, &r, &t->err);

    assert_true((status == LFUSE_OK) == (r != NULL));
    lfuse_retrainer_destroy(r);
    return status;
}

static void every_refused_allocation_of_create_is_an_error(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);

    lft_four(t);
    lft_every_allocation_fails(t, create_and_destroy, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(plan_options_that_a_schedule_cannot_have_are_refused),
        lft_test(options_out_of_range_are_refused),
        lft_test(layers_that_cannot_reach_the_goal_are_refused_at_once),
        lft_test(creating_leaves_the_layers_alone),
        lft_test(every_refused_allocation_of_create_is_an_error),
    };

    return cmocka_run_group_tests_name("retrainer_create", tests, NULL, NULL);
}
