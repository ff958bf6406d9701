/* test_retrainer_repair.c - what is called upon every fusion, and what trains before one */
#include "lft_plan.h"
#include "lft_rows.h"
#include "lft_ties.h"

static lfuse_retrainer *create(struct lft *t, const lfuse_retrainer_options *options)
{
    lfuse_retrainer *r;

    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, options, &r,
                                     &t->err));
    return r;
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r)
{
    lfuse_verdict verdict = 77;

    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    return verdict;
}

static int64_t unique(struct lft *t, const lfuse_retrainer *r)
{
    return lft_account(t, lfuse_retrainer_ties(r)).candidates_unique / 2;
}

static void step(struct lft *t, lfuse_retrainer *r)
{
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
}

/* Whether the weight of a layer is in the list of what trains. */
static int trains(struct lft *t, const lfuse_retrainer *r, int layer)
{
    lfuse_parameter p;
    int64_t i;

    for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) {
        lfuse_parameter_init(&p, sizeof(p));
        lft_ok(t, lfuse_retrainer_parameter(r, i, &p, &t->err));
        if (p.value == lft_parameter(t, layer, 0).value)
            return 1;
    }
    return 0;
}

/* ---- repair --------------------------------------------------------------------------------- */

struct mender {
    struct lft *t;
    lfuse_retrainer *r;
    float seen; /* of l0, of which it makes l0's statistic */
    int calls;
    int32_t answer;
};

static int32_t mend(void *user)
{
    struct mender *m = user;
    lfuse_error err;

    m->calls++;
    m->seen = lft_weight(m->t, 0)[0];
    lft_floats(lft_parameter(m->t, 0, 1).value)[0] = m->seen;
    if (m->r != NULL) {
        assert_int_equal(lfuse_retrainer_begin_step(m->r, &err), LFUSE_ERR_STATE);
        assert_string_equal(err.message,
                            "begin_step was called from a callback of the retrainer");
        assert_int_equal(lfuse_retrainer_abort_step(m->r, NULL), LFUSE_ERR_STATE);
        assert_int_equal(lfuse_retrainer_begin_eval(m->r, NULL), LFUSE_ERR_STATE);
        assert_int_equal(lfuse_retrainer_end_eval(m->r, NULL), LFUSE_ERR_STATE);
        assert_int_equal(lfuse_retrainer_fuse(m->r, NULL), LFUSE_ERR_STATE);
        assert_int_equal(lfuse_retrainer_undo(m->r, NULL), LFUSE_ERR_STATE);
    }
    return m->answer;
}

static void four(struct lft *t)
{
    lft_four(t);
    lft_add(t, 0, "mean", LFUSE_ROLE_STATISTIC, lft_pair(t, 9.0f, 9.0f), NULL);
}

static void repair_is_called_upon_every_fusion(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 2);
    struct mender m = {.t = t};
    lfuse_retrainer *r;

    four(t);
    o.repair = mend;
    o.repair_user = &m;
    m.r = r = create(t, &o);
    assert_int_equal(m.calls, 0);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(m.calls, 1);
    assert_true(m.seen == 0.5f);
    assert_true(lft_floats(lft_parameter(t, 0, 1).value)[0] == 0.5f); /* stays */
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(m.calls, 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(m.calls, 2);
    lfuse_retrainer_destroy(r);
}

/* Under a policy that mixes it sees the mean, and the sources are back after it. */
static void repair_sees_the_network_as_it_is_evaluated(void **state)
{
    struct lft *t = *state;
    const lfuse_policy policies[] = {LFUSE_POLICY_RANDOM, LFUSE_POLICY_JS};
    int p;

    for (p = 0; p < 2; p++) {
        lfuse_plan_options plan = lft_plan_ratio(2.0);
        lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
        struct mender m = {.t = t};
        lfuse_retrainer *r;

        four(t);
        lft_weight(t, 1)[0] = 1.5f; /* of [1, 1] js says nothing */
        plan.policy = policies[p];
        o.repair = mend;
        o.repair_user = &m;
        r = create(t, &o);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        assert_true(m.seen == 0.75f);
        assert_true(lft_weight(t, 0)[0] == 0.0f && lft_weight(t, 1)[0] == 1.5f);
        step(t, r);
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
        while (t->tensor_count > 0)
            lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    }
}

static void a_repair_that_fails_has_the_fusion_not_happen(void **state)
{
    struct lft *t = *state;
    const lfuse_policy policies[] = {LFUSE_POLICY_AVERAGE, LFUSE_POLICY_RANDOM};
    lfuse_verdict verdict = 77;
    struct lft_snapshot s;
    int p;

    for (p = 0; p < 2; p++) {
        lfuse_plan_options plan = lft_plan_ratio(4.0);
        lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
        struct mender m = {.t = t, .answer = 7};
        lfuse_retrainer *r;

        four(t);
        plan.policy = policies[p];
        o.repair = mend;
        o.repair_user = &m;
        r = create(t, &o);
        lft_take(t, lfuse_retrainer_ties(r), &s);
        lft_fails(t, lfuse_retrainer_fuse(r, &t->err), LFUSE_ERR_CALLBACK,
                  "repair returned 7");
        assert_int_equal(t->err.detail, 7);
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        assert_null(lfuse_retrainer_plan(r));
        assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
        lft_drop(&s);
        m.answer = 0;
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        m.answer = 7;
        lft_take(t, lfuse_retrainer_ties(r), &s);
        lft_fails(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err),
                  LFUSE_ERR_CALLBACK, "repair returned 7");
        assert_int_equal(verdict, 77);
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
        lft_drop(&s);
        m.answer = 0;
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
        while (t->tensor_count > 0)
            lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    }
}

/* ---- leads ---------------------------------------------------------------------------------- */

/* Interval 3, lead 1: picked at once and after the second epoch, fused after the third. */
static void only_what_is_to_be_joined_trains_during_a_lead(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 3);
    lfuse_retrainer *r;

    lft_four(t);
    lft_add(t, 1, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), NULL);
    o.lead = 1;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(unique(t, r), 4);
    assert_null(lfuse_retrainer_plan(r));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3); /* l0, l1 and its bias */
    assert_true(trains(t, r, 0) && trains(t, r, 1));
    lft_fails(t, lfuse_retrainer_fuse(r, &t->err), LFUSE_ERR_STATE, "done or picked");
    lft_weight(t, 1)[0] = 50.0f; /* whatever training does, it is they that fuse */
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 1), 0);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    assert_true(trains(t, r, 2) && trains(t, r, 3));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(unique(t, r), 2);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3); /* no other is to come */
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

/* Late by two steps, a lead is as long as ever. */
static void a_lead_of_steps_is_counted_from_its_pick(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 5);
    const int due[] = {0, 0, 0, 1, 1, 0, 1};
    lfuse_retrainer *r;
    int s;

    lft_four(t);
    o.flags = LFUSE_RETRAINER_FLAG_STEPS;
    o.lead = 2;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    step(t, r);
    assert_int_equal(lfuse_retrainer_is_due(r), 0);
    step(t, r);
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    for (s = 0; s < 7; s++) {
        assert_int_equal(lfuse_retrainer_is_due(r), due[s]);
        if (s == 4)
            assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
        if (s == 4)
            assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
        if (s < 6)
            step(t, r);
    }
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    lfuse_retrainer_destroy(r);
}

/* Rows of l0 and l1 are joined first; the weights that hold them train. */
static void a_lead_of_rows_trains_the_weights_that_hold_them(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(8.0 / 7.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 2);
    lfuse_retrainer *r;
    lfuse_fusion f;
    int i;

    lft_four(t);
    for (i = 0; i < 4; i++)
        lft_weight(t, i)[1] = 100.0f * (float)(i + 1);
    plan.unit = LFUSE_UNIT_ROW;
    o.lead = 1;
    r = create(t, &o);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    assert_true(trains(t, r, 0) && trains(t, r, 1));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    f = lft_plan_fusion(t, lfuse_retrainer_plan(r), 0);
    assert_true(f.a == 0 && f.b == 1 && f.row_a == 0 && f.row_b == 0);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    lfuse_retrainer_destroy(r);
}

static void undo_and_destroy_end_a_lead(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 2);
    lfuse_ties_options ties = lft_ties_keeping();
    lfuse_retrainer *r;
    int way;

    lft_four(t);
    o.ties = &ties;
    o.lead = 1;
    for (way = 0; way < 2; way++) {
        r = create(t, &o);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
        if (way == 0) {
            lft_ok(t, lfuse_retrainer_undo(r, &t->err));
            assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
            assert_int_equal(lfuse_retrainer_is_due(r), 0);
            lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        }
        lfuse_retrainer_destroy(r);
    }
}

/* ---- mixes ---------------------------------------------------------------------------------- */

static void groups_that_mix_are_tied_in_time(void **state)
{
    struct lft *t = *state;
    const lfuse_policy policies[] = {LFUSE_POLICY_RANDOM, LFUSE_POLICY_JS};
    int p;

    for (p = 0; p < 2; p++) {
        lfuse_plan_options plan = lft_plan_ratio(2.0);
        lfuse_retrainer_options o = lft_retrainer_options(&plan, 2, 3);
        lfuse_retrainer *r;

        lft_four(t);
        lft_weight(t, 1)[0] = 1.5f;
        plan.policy = policies[p];
        o.mix = 2;
        r = create(t, &o);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        step(t, r);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
        assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
        assert_int_equal(lfuse_retrainer_is_due(r), 1);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
        assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
        assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
        assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_CONTINUE);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
        assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
        assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
        lfuse_retrainer_destroy(r);
        while (t->layer_count > 0)
            lfuse_layer_destroy(t->layers[--t->layer_count]);
        while (t->tensor_count > 0)
            lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    }
}

/* ---- what is refused -------------------------------------------------------------------------- */

static void leads_and_mixes_fit_the_interval(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 0);
    lfuse_retrainer *r = (lfuse_retrainer *)t;

    lft_four(t);
    o.lead = 1;
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "options.lead is 1, not less than the interval, 1");
    o.lead = -1;
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "options.lead is -1");
    o.lead = 0;
    o.interval = 3;
    o.mix = 4;
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "options.mix is 4, not less than the interval, 3");
    o.mix = -2;
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_ARGUMENT, "options.mix is -2");
    o.mix = 0;
    o.lead = 2;
    plan.flags = LFUSE_PLAN_FLAG_CONTENTS;
    lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err),
              LFUSE_ERR_UNSUPPORTED, "contents, which the training of options.lead");
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(repair_is_called_upon_every_fusion),
        lft_test(repair_sees_the_network_as_it_is_evaluated),
        lft_test(a_repair_that_fails_has_the_fusion_not_happen),
        lft_test(only_what_is_to_be_joined_trains_during_a_lead),
        lft_test(a_lead_of_steps_is_counted_from_its_pick),
        lft_test(a_lead_of_rows_trains_the_weights_that_hold_them),
        lft_test(undo_and_destroy_end_a_lead),
        lft_test(groups_that_mix_are_tied_in_time),
        lft_test(leads_and_mixes_fit_the_interval),
    };

    return cmocka_run_group_tests_name("retrainer_repair", tests, NULL, NULL);
}
