/* test_retrainer.c - see retrainer.h */
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- retrainers ----------------------------------------------------------------------- */

static lfuse_retrainer *create(struct lft *t, const lfuse_retrainer_options *options)
{
    lfuse_retrainer *r;

    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, options, &r,
                                     &t->err));
    return r;
}

/* Over all layers of t, with all defaults but these. */
static lfuse_retrainer *over(struct lft *t, double ratio, int32_t fusions,
                             int32_t interval)
{
    const lfuse_plan_options plan = lft_plan_ratio(ratio);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, fusions, interval);

    return create(t, &o);
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r)
{
    lfuse_verdict verdict = 77;

    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    return verdict;
}

static lfuse_parameter trained(struct lft *t, const lfuse_retrainer *r, int64_t index)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_retrainer_parameter(r, index, &p, &t->err));
    return p;
}

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

static int64_t unique(struct lft *t, const lfuse_retrainer *r)
{
    return lft_account(t, lfuse_retrainer_ties(r)).candidates_unique / 2;
}

/* ---- schedule --------------------------------------------------------------------------- */

/* R = 4 removes 6 of 8; in three fusions 2 each: ratios 8/6, 8/4, 8/2. */
static void the_schedule_removes_equal_shares_every_interval(void **state)
{
    struct lft *t = *state;
    const lfuse_verdict expected[] = {LFUSE_VERDICT_CONTINUE, LFUSE_VERDICT_FUSED,
                                      LFUSE_VERDICT_CONTINUE, LFUSE_VERDICT_FUSED,
                                      LFUSE_VERDICT_CONTINUE, LFUSE_VERDICT_DONE};
    const int64_t left[] = {6, 4, 4, 2, 2, 2};
    lfuse_verdict verdict = 77;
    lfuse_retrainer *r;
    int e;

    many(t, 8);
    r = over(t, 4.0, 3, 2);
    assert_int_equal(unique(t, r), 8);
    assert_null(lfuse_retrainer_plan(r));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(unique(t, r), 6);
    assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 2);
    for (e = 0; e < 6; e++) {
        assert_int_equal(epoch(t, r), expected[e]);
        assert_int_equal(unique(t, r), left[e]);
    }
    lft_fails(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err), LFUSE_ERR_STATE,
              "end_epoch was called, but the schedule is done");
    assert_int_equal(verdict, 77);
    lfuse_retrainer_destroy(r);
}

/* f s / S is k / n exactly in numbers, not in f64: no fusion goes one pair too far. */
static void rounding_never_adds_a_fusion(void **state)
{
    struct lft *t = *state;
    int n, s;

    for (n = 2; n <= 24; n++) {
        lfuse_retrainer *r;

        while (t->layer_count < n) {
            char name[16];

            (void)snprintf(name, sizeof(name), "l%d", t->layer_count);
            lft_at(t, name, t->layer_count, 1.0f);
        }
        r = over(t, (double)n, n - 1, 1);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        for (s = 1; s < n; s++) {
            assert_int_equal(unique(t, r), n - s);
            assert_int_equal(epoch(t, r),
                             s < n - 1 ? LFUSE_VERDICT_FUSED : LFUSE_VERDICT_DONE);
        }
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0) /* they share memory now */
            lfuse_layer_destroy(t->layers[--t->layer_count]);
        while (t->tensor_count > 0)
            lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    }
}

/* 2 layers go to 2 at once; shares 1.2 and 1.5 on the way are met. */
static void a_fusion_that_an_earlier_one_made_needless_is_none(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    many(t, 2);
    r = over(t, 2.0, 3, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(unique(t, r), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 0);
    assert_int_equal(lfuse_plan_group_count(lfuse_retrainer_plan(r)), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

static void defaults_are_one_fusion_and_one_epoch(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    many(t, 4);
    r = over(t, 2.0, 0, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(unique(t, r), 2);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

/* ---- a training loop ------------------------------------------------------------------------ */

/*
 * Position i has the loss (w - c_i)^2 / 2, its gradient is w - c_i. c = 1, 3, 50, 58; w = 5, 7 and
 * 30, 32, so that w starts at 6 and 31. One gradient descent step of rate 1/2 on the mean
 * gradient halves the distance to the mean of c, 2 and 54; all numbers are exact in f32.
 */
static const float targets[] = {1.0f, 3.0f, 50.0f, 58.0f};

static void quadratic(struct lft *t)
{
    const float start[] = {5.0f, 7.0f, 30.0f, 32.0f};
    const char *names[] = {"l0", "l1", "l2", "l3"};
    int i;

    for (i = 0; i < 4; i++)
        lft_at(t, names[i], i, start[i]);
}

static void backward(struct lft *t)
{
    int i;

    for (i = 0; i < 4; i++) {
        lft_gradient(t, i)[0] = lft_weight(t, i)[0] - targets[i];
        lft_gradient(t, i)[1] = 0.0f;
    }
}

static void step(struct lft *t, lfuse_retrainer *r, float rate)
{
    int64_t i;
    int k;

    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    backward(t);
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) {
        const lfuse_parameter p = trained(t, r, i);

        for (k = 0; k < 2; k++)
            lft_floats(p.value)[k] -= rate * lft_floats(p.gradient)[k];
    }
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
}

/* With aliases and the mean, with mirrors and the mean, with the sum at half the rate. */
static void the_hooks_train_tied_weights_to_the_hand_derived_values(void **state)
{
    struct lft *t = *state;
    const float inner[] = {4.0f, 3.0f, 2.5f, 2.25f};
    const float outer[] = {42.5f, 48.25f, 51.125f, 52.5625f};
    int way, s, i;

    for (way = 0; way < 3; way++) {
        const lfuse_plan_options plan = lft_plan_ratio(2.0);
        lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
        lfuse_ties_options ties = lft_ties_defaults();
        lfuse_retrainer *r;

        ties.flags = way == 1 ? LFUSE_TIES_MIRROR : 0;
        ties.combine = way == 2 ? LFUSE_COMBINE_SUM : LFUSE_COMBINE_MEAN;
        o.ties = &ties;
        quadratic(t);
        r = create(t, &o);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
        assert_true(lft_weight(t, 1)[0] == 6.0f && lft_weight(t, 2)[0] == 31.0f);
        for (s = 0; s < 4; s++) {
            step(t, r, way == 2 ? 0.25f : 0.5f);
            for (i = 0; i < 4; i++) {
                assert_true(lft_weight(t, i)[0] == (i < 2 ? inner[s] : outer[s]));
                assert_true(lft_weight(t, i)[1] == 1.0f);
            }
        }
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
    }
}

/* Dropped: l0 (5, target 1) and l3 (32, target 58) are kept and train themselves alone. */
static void dropped_gradients_leave_the_kept_positions_to_train(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer *r;

    plan.policy = LFUSE_POLICY_FREEZE;
    plan.freeze_gradient = LFUSE_FREEZE_DROPPED;
    quadratic(t);
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    step(t, r, 0.5f);
    assert_true(lft_weight(t, 1)[0] == 3.0f);  /* 5 - (5 - 1) / 2 */
    assert_true(lft_weight(t, 2)[0] == 45.0f); /* 32 - (32 - 58) / 2 */
    lfuse_retrainer_destroy(r);
}

/* ---- parameters ----------------------------------------------------------------------------- */

/* l0: weight; l1: weight and bias; l2: weight and statistic; l3: weight. */
static void with_more(struct lft *t)
{
    lft_four(t);
    lft_add(t, 1, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), NULL);
    lft_add(t, 2, "mean", LFUSE_ROLE_STATISTIC, lft_pair(t, 0, 0), NULL);
}

static void check_trained(struct lft *t, const lfuse_retrainer *r, int64_t index,
                          int layer, int parameter)
{
    const lfuse_parameter p = trained(t, r, index),
                          own = lft_parameter(t, layer, parameter);

    assert_string_equal(p.layer, lfuse_layer_name(t->layers[layer]));
    assert_string_equal(p.name, own.name);
    assert_ptr_equal(p.value, own.value);
    assert_ptr_equal(p.gradient, own.gradient);
    assert_ptr_equal(p.state[0], own.state[0]);
    assert_int_equal(p.role, own.role);
}

static void every_trainable_tensor_is_listed_once_under_its_kept_member(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    with_more(t);
    r = over(t, 2.0, 1, 1);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 5);
    check_trained(t, r, 0, 0, 0);
    check_trained(t, r, 1, 1, 0);
    check_trained(t, r, 2, 1, 1);
    check_trained(t, r, 3, 2, 0);
    check_trained(t, r, 4, 3, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err)); /* l0 = l1, l3 = l2 */
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    check_trained(t, r, 0, 0, 0);
    check_trained(t, r, 1, 1, 1);
    check_trained(t, r, 2, 3, 0);
    lfuse_retrainer_destroy(r);
}

static void frozen_weights_are_not_listed(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(4.0 / 3.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer *r;

    plan.policy = LFUSE_POLICY_FREEZE;
    with_more(t);
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err)); /* l0 = l1 */
    assert_int_equal(lfuse_ties_is_frozen(lfuse_retrainer_ties(r), 1), 1);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    check_trained(t, r, 0, 1, 1);
    check_trained(t, r, 1, 2, 0);
    check_trained(t, r, 2, 3, 0);
    lfuse_retrainer_destroy(r);
}

/* One tensor in two layers of other types, as tied embeddings are. */
static void a_tensor_of_two_layers_is_listed_under_the_first(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared;
    lfuse_retrainer *r;

    lft_four(t);
    shared = lft_pair(t, 1, 2);
    lft_layer(t, "in", "embedding", 4, shared, NULL, NULL);
    lft_layer(t, "out", "head", 5, shared, NULL, NULL);
    r = over(t, 2.0, 1, 1);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 5);
    check_trained(t, r, 4, 4, 0);
    lfuse_retrainer_destroy(r);
}

/* A parameter that comes after creation is in the list from the next fusion on. */
static void the_list_is_made_anew_by_every_fusion(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, 2.0, 2, 1);
    lft_add(t, 0, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), NULL);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4); /* l1 gone, the bias new */
    check_trained(t, r, 1, 0, 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    lfuse_retrainer_destroy(r);
}

/* ---- order ----------------------------------------------------------------------------------- */

typedef lfuse_status (*hook)(lfuse_retrainer *r, lfuse_error *err);

static lfuse_status end_epoch(lfuse_retrainer *r, lfuse_error *err)
{
    lfuse_verdict verdict = 77;
    lfuse_status status = lfuse_retrainer_end_epoch(r, 1.0, &verdict, err);

    assert_true((status == LFUSE_OK) == (verdict != 77));
    return status;
}

static const struct {
    const char *name;
    hook call;
} hooks[] = {
    {"fuse", lfuse_retrainer_fuse},
    {"begin_step", lfuse_retrainer_begin_step},
    {"combine_gradients", lfuse_retrainer_combine_gradients},
    {"end_step", lfuse_retrainer_end_step},
    {"abort_step", lfuse_retrainer_abort_step},
    {"begin_eval", lfuse_retrainer_begin_eval},
    {"end_eval", lfuse_retrainer_end_eval},
    {"end_epoch", end_epoch},
};

enum { HOOKS = sizeof(hooks) / sizeof(hooks[0]) };

/* What each phase is entered by, what it takes, and what it says it expected. */
static const struct {
    hook enter[2];
    const char *takes;
    const char *expected;
    hook leave;
} phases[] = {
    {{NULL, NULL}, "begin_step begin_eval end_epoch", "begin_step", NULL},
    {{lfuse_retrainer_begin_step, NULL},
     "combine_gradients abort_step",
     "combine_gradients",
     lfuse_retrainer_abort_step},
    {{lfuse_retrainer_begin_step, lfuse_retrainer_combine_gradients},
     "end_step abort_step",
     "end_step",
     lfuse_retrainer_end_step},
    {{lfuse_retrainer_begin_eval, NULL},
     "end_eval",
     "end_eval",
     lfuse_retrainer_end_eval},
};

/* Every call that a phase does not take fails, says what was expected, and changes nothing: the
 * phase can be left as if it had not been made. */
static void calls_out_of_order_say_what_was_expected(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_retrainer *r;
    char text[64];
    int p, h, e;

    many(t, 4);
    r = over(t, 2.0, 1, 1000);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (p = 0; p < 4; p++)
        for (h = 0; h < HOOKS; h++) {
            if (strstr(phases[p].takes, hooks[h].name) != NULL)
                continue;
            for (e = 0; e < 2 && phases[p].enter[e] != NULL; e++)
                lft_ok(t, phases[p].enter[e](r, &t->err));
            (void)snprintf(text, sizeof(text), "%s was called, %s was expected",
                           hooks[h].name,
                           p == 0 && h == 6 ? "begin_eval" : phases[p].expected);
            if (p == 0 && h == 0)
                (void)snprintf(text, sizeof(text), "fuse was called, but the first");
            lft_take(t, lfuse_retrainer_ties(r), &s);
            lft_fails(t, hooks[h].call(r, &t->err), LFUSE_ERR_STATE, text);
            lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
            lft_drop(&s);
            if (phases[p].leave != NULL)
                lft_ok(t, phases[p].leave(r, &t->err));
        }
    lfuse_retrainer_destroy(r);
}

static void every_call_in_order_is_taken(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;
    int p, h, e;

    many(t, 4);
    r = over(t, 2.0, 1, 1000);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (p = 0; p < 4; p++)
        for (h = 0; h < HOOKS; h++) {
            if (strstr(phases[p].takes, hooks[h].name) == NULL)
                continue;
            for (e = 0; e < 2 && phases[p].enter[e] != NULL; e++)
                lft_ok(t, phases[p].enter[e](r, &t->err));
            lft_ok(t, hooks[h].call(r, &t->err));
            if (strcmp(hooks[h].name, "begin_step") == 0 ||
                strcmp(hooks[h].name, "combine_gradients") == 0)
                lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
            if (strcmp(hooks[h].name, "begin_eval") == 0)
                lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
        }
    lfuse_retrainer_destroy(r);
}

static void epochs_come_after_the_first_fusion_and_steps_at_any_time(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    many(t, 4);
    r = over(t, 2.0, 1, 1);
    lft_fails(t, end_epoch(r, &t->err), LFUSE_ERR_STATE,
              "end_epoch was called, fuse was expected");
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_fails(t, lfuse_retrainer_fuse(r, &t->err), LFUSE_ERR_STATE,
              "fuse was called, combine_gradients was expected");
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err)); /* whoever goes on, may */
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
    lfuse_retrainer_destroy(r);
}

/* Gradients 10 x: 10, 20 and so on; aborted after combine, the mean stays. */
static void an_aborted_step_leaves_the_combined_gradient(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    lft_four(t);
    r = over(t, 2.0, 1, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    assert_true(lft_gradient(t, 0)[0] == 5.0f);
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    assert_true(lft_gradient(t, 0)[0] == 5.0f && lft_weight(t, 0)[0] == 0.5f);
    lfuse_retrainer_destroy(r);
}

/* Nothing is combined, not even of layers before the one that lacks it. */
static void a_missing_gradient_keeps_the_step_open(void **state)
{
    const lfuse_unit units[] = {LFUSE_UNIT_LAYER, LFUSE_UNIT_ROW};
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_retrainer *r;
    int u;

    for (u = 0; u < 2; u++) {
        lfuse_plan_options plan = lft_plan_ratio(2.0);
        const lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);

        plan.unit = units[u];
        lft_layer(t, "l0", "A", 0, lft_pair(t, 0, 2), lft_pair(t, 1, 3), NULL);
        lft_layer(t, "l1", "A", 1, lft_pair(t, 0, 2), lft_pair(t, 5, 7), NULL);
        lft_layer(t, "l2", "B", 2, lft_pair(t, 4, 6), lft_pair(t, 9, 8), NULL);
        lft_layer(t, "l3", "B", 3, lft_pair(t, 4, 6), NULL, NULL);
        r = create(t, &o);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        lft_take(t, lfuse_retrainer_ties(r), &s);
        lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
        lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_STATE,
                  "parameter weight of layer l3 has no gradient, in step 1");
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        lft_drop(&s);
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
    }
}

/* Whatever is not a number is named before anything is combined; the step can be closed. */
static void a_gradient_that_is_not_finite_refuses_the_step(void **state)
{
    struct lft *t = *state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    struct lft_snapshot s;
    lfuse_retrainer *r;
    int i;

    lft_four(t);
    lft_add(t, 2, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), lft_pair(t, 0, 0));
    r = over(t, 2.0, 1, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
    for (i = 0; i < 3; i++) {
        float *gradient =
            i == 2 ? lft_floats(lft_parameter(t, 2, 1).gradient) : lft_gradient(t, 1);
        const float whole = gradient[1];

        gradient[1] = bad[i];
        lft_take(t, lfuse_retrainer_ties(r), &s);
        lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
        lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_NOT_FINITE,
                  i == 2 ? "element 1 of the gradient of parameter bias of layer l2 is "
                           "not finite, in step 2"
                         : "element 1 of the gradient of parameter weight of layer l1 is "
                           "not finite, in step 2");
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        lft_drop(&s);
        gradient[1] = whole;
    }
    lfuse_retrainer_destroy(r);
}

/* Frozen weights train by no gradient, whatever it holds. */
static void gradients_of_frozen_weights_are_not_read(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(4.0 / 3.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_retrainer *r;

    lft_four(t);
    plan.policy = LFUSE_POLICY_FREEZE;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err)); /* l0 = l1 */
    lft_gradient(t, 0)[0] = NAN;
    lft_gradient(t, 1)[0] = NAN;
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
    lfuse_retrainer_destroy(r);
}

/* ---- failures and messages ------------------------------------------------------------------- */

static void a_failed_epoch_is_not_counted(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_retrainer *r;
    const lfuse_plan *plan;
    float kept;

    many(t, 4);
    r = over(t, 4.0, 2, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    plan = lfuse_retrainer_plan(r);
    kept = lft_weight(t, 3)[0];
    lft_weight(t, 3)[0] = NAN;
    lft_take(t, lfuse_retrainer_ties(r), &s);
    lft_fails(t, end_epoch(r, &t->err), LFUSE_ERR_NOT_FINITE, "l3");
    lft_fails(t, end_epoch(r, &t->err), LFUSE_ERR_NOT_FINITE, "l3");
    lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lft_drop(&s);
    lft_weight(t, 3)[0] = kept;
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(unique(t, r), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

static void a_refused_allocation_of_a_fusion_changes_nothing(void **state)
{
    struct lft *t = *state;
    const hook calls[] = {lfuse_retrainer_fuse, end_epoch};
    struct lft_snapshot s;
    lfuse_retrainer *r;
    int64_t k;
    int i;

    many(t, 6);
    r = over(t, 3.0, 2, 1);
    for (i = 0; i < 2; i++) {
        lfuse_status status = LFUSE_ERR_NO_MEMORY;
        const int64_t parameters = lfuse_retrainer_parameter_count(r);

        lft_take(t, lfuse_retrainer_ties(r), &s);
        for (k = 0; status != LFUSE_OK; k++) {
            t->memory.allocations = 0;
            t->memory.fail_at = k;
            status = calls[i](r, &t->err);
            t->memory.fail_at = -1;
            if (status == LFUSE_OK)
                continue;
            assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
            lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
            assert_int_equal(lfuse_retrainer_parameter_count(r), parameters);
        }
        assert_true(k > 5);
        lft_drop(&s);
    }
    assert_int_equal(unique(t, r), 2);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

struct lines {
    char text[8][256];
    int count;
    int32_t stop;
};

static void keep_line(lfuse_log_level level, const char *text, void *user)
{
    struct lines *lines = user;

    assert_int_equal(level, LFUSE_LOG_INFO);
    assert_true(lines->count < 8);
    (void)snprintf(lines->text[lines->count++], sizeof(lines->text[0]), "%s", text);
}

static int32_t maybe_stop(const char *what, int64_t done, int64_t total, void *user)
{
    const struct lines *lines = user;

    assert_string_equal(what, "similarity");
    assert_true(done <= total);
    return lines->stop;
}

static void fusions_and_epochs_are_logged_and_can_be_cancelled(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
    struct lines lines = {.count = 0};
    lfuse_context_options co;
    lfuse_verdict verdict = 77;
    lfuse_context *ctx;
    lfuse_retrainer *r;

    many(t, 8);
    lfuse_context_options_init(&co, sizeof(co));
    co.log = keep_line;
    co.log_user = &lines;
    co.progress = maybe_stop;
    co.progress_user = &lines;
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    lft_ok(t, lfuse_retrainer_create(ctx, t->layers, 8, &o, &r, &t->err));
    assert_int_equal(lines.count, 0);
    lines.stop = 5;
    lft_fails(t, lfuse_retrainer_fuse(r, &t->err), LFUSE_ERR_CANCELLED, "cancelled");
    assert_int_equal(t->err.detail, 5);
    lines.stop = 0;
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.text[0], "fusion 1 of 3: 2 pairs joined, ratio 1.33333");
    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.875, &verdict, &t->err));
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.text[1], "epoch 1: metric 0.875");
    assert_string_equal(lines.text[2], "fusion 2 of 3: 2 pairs joined, ratio 2");
    lfuse_retrainer_destroy(r);
    lfuse_context_destroy(ctx);
}

static void null_and_out_of_range_have_an_answer(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_verdict verdict = 77;
    lfuse_parameter p, before;
    lfuse_retrainer *r = (lfuse_retrainer *)t;
    int h;

    lft_four(t);
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "retrainer is NULL");
    lft_fails(t, lfuse_retrainer_create(NULL, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    assert_null(r);
    lft_fails(t, lfuse_retrainer_create(t->ctx, NULL, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "layers is NULL");
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 0, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    for (h = 0; h < HOOKS; h++)
        lft_fails(t, hooks[h].call(NULL, &t->err), LFUSE_ERR_ARGUMENT,
                  "retrainer is NULL");
    r = create(t, &o);
    lft_fails(t, lfuse_retrainer_end_epoch(r, 1.0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "verdict is NULL");
    lft_fails(t, lfuse_retrainer_end_epoch(r, NAN, &verdict, &t->err), LFUSE_ERR_ARGUMENT,
              "metric is");
    lft_fails(t, lfuse_retrainer_end_epoch(r, INFINITY, &verdict, &t->err),
              LFUSE_ERR_ARGUMENT, "metric is inf");
    assert_int_equal(verdict, 77);
    lfuse_parameter_init(&p, sizeof(p));
    p.role = 77;
    before = p;
    lft_fails(t, lfuse_retrainer_parameter(NULL, 0, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "retrainer is NULL");
    lft_fails(t, lfuse_retrainer_parameter(r, 4, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "index is 4, 4 parameters train");
    lft_fails(t, lfuse_retrainer_parameter(r, -1, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "index is -1");
    lft_fails(t, lfuse_retrainer_parameter(r, 0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "parameter is NULL");
    assert_memory_equal(&p, &before, sizeof(p));
    assert_int_equal(lfuse_retrainer_parameter_count(NULL), 0);
    assert_null(lfuse_retrainer_ties(NULL));
    assert_null(lfuse_retrainer_plan(NULL));
    lfuse_retrainer_destroy(r);
    lfuse_retrainer_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_schedule_removes_equal_shares_every_interval),
        lft_test(rounding_never_adds_a_fusion),
        lft_test(a_fusion_that_an_earlier_one_made_needless_is_none),
        lft_test(defaults_are_one_fusion_and_one_epoch),
        lft_test(the_hooks_train_tied_weights_to_the_hand_derived_values),
        lft_test(dropped_gradients_leave_the_kept_positions_to_train),
        lft_test(every_trainable_tensor_is_listed_once_under_its_kept_member),
        lft_test(frozen_weights_are_not_listed),
        lft_test(a_tensor_of_two_layers_is_listed_under_the_first),
        lft_test(the_list_is_made_anew_by_every_fusion),
        lft_test(calls_out_of_order_say_what_was_expected),
        lft_test(every_call_in_order_is_taken),
        lft_test(epochs_come_after_the_first_fusion_and_steps_at_any_time),
        lft_test(an_aborted_step_leaves_the_combined_gradient),
        lft_test(a_missing_gradient_keeps_the_step_open),
        lft_test(a_gradient_that_is_not_finite_refuses_the_step),
        lft_test(gradients_of_frozen_weights_are_not_read),
        lft_test(a_failed_epoch_is_not_counted),
        lft_test(a_refused_allocation_of_a_fusion_changes_nothing),
        lft_test(fusions_and_epochs_are_logged_and_can_be_cancelled),
        lft_test(null_and_out_of_range_have_an_answer),
    };

    return cmocka_run_group_tests_name("retrainer", tests, NULL, NULL);
}
