/* test_ties_weighting.c - means whose members do not count alike, and that keep their length */
#include "lft_ties.h"

#include <float.h>
#include <math.h>

/* l0 and l1 of lft_four(), [0, 1] and [1, 1], are most alike; l0 is kept. */
static lfuse_plan_options two(lfuse_weighting weighting, const double *importance)
{
    lfuse_plan_options o;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 1;
    o.weighting = weighting;
    o.importance = importance;
    return o;
}

static lfuse_status build(struct lft *t, const lfuse_plan_options *o, lfuse_plan **plan)
{
    return lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers, t->layer_count,
                            o, plan, &t->err);
}

static void tie(struct lft *t, lfuse_ties *ties, lfuse_plan_options o)
{
    lfuse_plan *plan;

    o.in_force = ties;
    lft_ok(t, build(t, &o, &plan));
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
}

/* (1 * 0 + 3 * 1) / 4; velocity (1 * 0 + 3 * 0.5) / 4. */
static void importance_weighs_weights_and_state(void **state)
{
    static const double importance[] = {1, 3, 7, 7};
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    tie(t, ties, two(LFUSE_WEIGHTING_IMPORTANCE, importance));
    assert_true(lft_weight(t, 1)[0] == 0.75f && lft_weight(t, 1)[1] == 1.0f);
    assert_true(lft_velocity(t, 1)[0] == 0.375f && lft_velocity(t, 1)[1] == 5.0f);
    lfuse_ties_destroy(ties);
}

static void importance_of_zero_leaves_a_member_out(void **state)
{
    static const double one[] = {0, 3, 7, 7}, none[] = {0, 0, 7, 7};
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    tie(t, ties, two(LFUSE_WEIGHTING_IMPORTANCE, one));
    assert_true(lft_weight(t, 0)[0] == 1.0f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    tie(t, ties, two(LFUSE_WEIGHTING_IMPORTANCE, none)); /* says nothing: alike */
    assert_true(lft_weight(t, 0)[0] == 0.5f);
    lfuse_ties_destroy(ties);
}

/* Tied with equal weights first, 0.5 and 5; then l0 .. l3 by 1, 1, 1, 5:
 * (0.5 + 0.5 + 5 + 5 * 5) / 8. */
static void members_tied_before_count_once_each_by_their_weights(void **state)
{
    static const double importance[] = {1, 1, 1, 5};
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2);
    tie(t, ties, two(LFUSE_WEIGHTING_IMPORTANCE, importance));
    assert_true(lft_weight(t, 2)[0] == 3.875f);
    lfuse_ties_destroy(ties);
}

/* |[0, 1]| = 1, |[1, 1]| = sqrt 2; rounded once, to f32. */
static void longer_weights_count_more_by_their_norm(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    const double expected = sqrt(2.0) / (1.0 + sqrt(2.0));

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    tie(t, ties, two(LFUSE_WEIGHTING_NORM, NULL));
    assert_true(fabs((double)lft_weight(t, 0)[0] - expected) <= FLT_EPSILON * expected);
    assert_true(lft_weight(t, 0)[1] == 1.0f);
    lfuse_ties_destroy(ties);
}

static void give(struct lft *t, int layer, float x, float y)
{
    lft_weight(t, layer)[0] = x;
    lft_weight(t, layer)[1] = y;
}

/* [3, 0] and [0, 3]: their mean, [1.5, 1.5], is 2.1 long, and becomes 3; state does not. */
static void a_rescaled_mean_is_as_long_as_its_members(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = two(0, NULL);
    const double expected = 3.0 / sqrt(2.0);
    lfuse_ties *ties;
    int e;

    lft_four(t);
    give(t, 0, 3, 0);
    give(t, 1, 0, 3);
    give(t, 2, 100, 0);
    give(t, 3, 0, 300);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    tie(t, ties, o);
    for (e = 0; e < 2; e++)
        assert_true(fabs((double)lft_weight(t, 1)[e] - expected) <=
                    FLT_EPSILON * expected);
    assert_true(lft_velocity(t, 1)[0] == 0.25f);
    lfuse_ties_destroy(ties);
}

/* Of norms 1 and 3 with weights 3 and 1, in one direction: the mean norm, 1.5, is the mean's. */
static void rescaling_follows_the_weights(void **state)
{
    static const double importance[] = {3, 1, 1, 1};
    struct lft *t = *state;
    lfuse_plan_options o = two(LFUSE_WEIGHTING_IMPORTANCE, importance);
    lfuse_ties *ties;

    lft_four(t);
    give(t, 0, 1, 0);
    give(t, 1, 3, 0);
    give(t, 2, 100, 0);
    give(t, 3, 300, 0);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    tie(t, ties, o);
    assert_true(lft_weight(t, 1)[0] == 1.5f && lft_weight(t, 1)[1] == 0.0f);
    lfuse_ties_destroy(ties);
}

static void what_cancels_stays_zero(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = two(0, NULL);
    lfuse_ties *ties;

    lft_four(t);
    give(t, 0, 1, 0);
    give(t, 1, -1, 0);
    ties = lft_ties_of(t, lft_ties_defaults());
    give(t, 2, 100, 0);
    give(t, 3, 300, 0);
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    tie(t, ties, o);
    assert_true(lft_weight(t, 1)[0] == 0.0f && lft_weight(t, 1)[1] == 0.0f);
    lfuse_ties_destroy(ties);
}

static lfuse_status apply_once(struct lft *t, void *arg)
{
    static const double importance[] = {1, 3, 7, 7};
    lfuse_plan_options o = two(LFUSE_WEIGHTING_IMPORTANCE, importance);
    lfuse_ties *ties = arg;
    lfuse_plan *plan;
    lfuse_status status;

    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    status = build(t, &o, &plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(ties, plan, &t->err);
    lfuse_plan_destroy(plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_undo(ties, &t->err);
    return status;
}

static void undo_gives_back_every_bit_whatever_memory_was_refused(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &before);
    lft_every_allocation_fails(t, apply_once, ties);
    lft_check_bytes(t, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

static void what_does_not_go_together_is_refused(void **state)
{
    static const double negative[] = {1, -3, 7, 7}, no_number[] = {1, 3, NAN, 7};
    struct lft *t = *state;
    const struct {
        lfuse_plan_options o;
        const char *text;
    } cases[] = {
        {two(4, NULL), "options.weighting is 4"},
        {two(LFUSE_WEIGHTING_IMPORTANCE, NULL), "importance is NULL"},
        {two(LFUSE_WEIGHTING_NORM, negative),
         "options.weighting is 2, importance is given"},
        {two(LFUSE_WEIGHTING_IMPORTANCE, negative), "importance[1], of layer l1, is -3"},
        {two(LFUSE_WEIGHTING_IMPORTANCE, no_number), "importance[2], of layer l2, is"},
    };
    lfuse_plan_options o = two(LFUSE_WEIGHTING_NORM, NULL);
    lfuse_plan *plan;
    size_t i;

    lft_four(t);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lft_fails(t, build(t, &cases[i].o, &plan), LFUSE_ERR_ARGUMENT, cases[i].text);
        assert_null(plan);
    }
    o.policy = LFUSE_POLICY_FREEZE;
    lft_fails(t, build(t, &o, &plan), LFUSE_ERR_ARGUMENT,
              "options.weighting is given, but the policy is freeze");
    o = two(0, NULL);
    o.policy = LFUSE_POLICY_RANDOM;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    lft_fails(t, build(t, &o, &plan), LFUSE_ERR_ARGUMENT,
              "options.flags rescale is given, but the policy is random");
    o.flags = 0x100;
    lft_fails(t, build(t, &o, &plan), LFUSE_ERR_ARGUMENT, "unknown bits: 0x100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(importance_weighs_weights_and_state),
        lft_test(importance_of_zero_leaves_a_member_out),
        lft_test(members_tied_before_count_once_each_by_their_weights),
        lft_test(longer_weights_count_more_by_their_norm),
        lft_test(a_rescaled_mean_is_as_long_as_its_members),
        lft_test(rescaling_follows_the_weights),
        lft_test(what_cancels_stays_zero),
        lft_test(undo_gives_back_every_bit_whatever_memory_was_refused),
        lft_test(what_does_not_go_together_is_refused),
    };

    return cmocka_run_group_tests_name("ties_weighting", tests, NULL, NULL);
}
