/* test_retrainer_decide.c - fusions that cost too much are taken back, whole */
#include "lft_plan.h"
#include "lft_rows.h"
#include "lft_ties.h"

#include <math.h>
#include <string.h>

/* Fusions of one pair each, judged after every epoch: 0.5 was the metric, 0.1 may be lost. */
struct asked {
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_retrainer_options o;
};

static void ask(struct asked *a, double ratio, int32_t fusions)
{
    a->plan = lft_plan_ratio(ratio);
    a->ties = lft_ties_defaults();
    a->o = lft_retrainer_options(&a->plan, fusions, 1);
    a->o.ties = &a->ties;
    a->o.flags = LFUSE_RETRAINER_FLAG_TOLERANCE;
    a->o.baseline = 0.5;
    a->o.tolerance = 0.125;
}

static lfuse_retrainer *create(struct lft *t, const struct asked *a)
{
    lfuse_retrainer *r;

    lft_ok(t,
           lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &a->o, &r, &t->err));
    return r;
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r, double metric)
{
    lfuse_verdict verdict = 77;

    lft_ok(t, lfuse_retrainer_end_epoch(r, metric, &verdict, &t->err));
    return verdict;
}

static int64_t unique(struct lft *t, const lfuse_retrainer *r)
{
    return lft_account(t, lfuse_retrainer_ties(r)).candidates_unique / 2;
}

/* Layers with a bias and a statistic each; none has two equal numbers, of which js says nothing. */
static void four(struct lft *t)
{
    const char *names[] = {"l0", "l1", "l2", "l3"};
    const float x[] = {0.0f, 1.5f, 4.0f, 6.0f};
    int i;

    for (i = 0; i < 4; i++) {
        lft_at(t, names[i], i, x[i]);
        lft_add(t, i, "bias", LFUSE_ROLE_BIAS, lft_pair(t, (float)i, 8.0f),
                lft_pair(t, 1.0f, 2.0f));
        lft_add(t, i, "mean", LFUSE_ROLE_STATISTIC, lft_pair(t, 3.0f, (float)i), NULL);
    }
}

/* As training does: other numbers in everything but gradients. */
static void scramble(struct lft *t)
{
    lfuse_parameter p;
    int i, k;

    for (i = 0; i < t->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            p = lft_parameter(t, i, k);
            lft_fill(lft_floats(p.value), 2, (uint64_t)(10 * i + k));
            if (p.state[0] != NULL)
                lft_fill(lft_floats(p.state[0]), 2, (uint64_t)(500 + 10 * i + k));
        }
}

static void train(struct lft *t, lfuse_retrainer *r)
{
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    scramble(t);
}

/* Bytes, addresses and owners; the retrainer itself has learnt something. */
static void check_back(struct lft *t, const lfuse_retrainer *r,
                       const struct lft_snapshot *s)
{
    int i;

    lft_check_bytes(t, s);
    for (i = 0; i < s->count; i++)
        assert_ptr_equal(lfuse_tensor_data(t->tensors[i]), s->data[i]);
    for (i = 0; i < t->layer_count; i++)
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), i), s->owner[i]);
    assert_int_equal(lfuse_ties_resident_bytes(lfuse_retrainer_ties(r)), s->resident);
}

static void part(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* ---- rolling back ----------------------------------------------------------------------- */

static const lfuse_policy policies[] = {LFUSE_POLICY_AVERAGE, LFUSE_POLICY_FREEZE,
                                        LFUSE_POLICY_RANDOM, LFUSE_POLICY_JS};
static const uint32_t flags[] = {0, LFUSE_TIES_KEEP_ORIGINALS, LFUSE_TIES_MIRROR,
                                 LFUSE_TIES_MIRROR | LFUSE_TIES_KEEP_ORIGINALS};

/* The first and a later fusion, under every policy and form of ties. */
static void rolled_back_is_as_before_to_the_bit_and_address(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot first, second;
    struct asked a;
    lfuse_retrainer *r;
    int p, f;

    for (p = 0; p < 4; p++)
        for (f = 0; f < 4; f++) {
            four(t);
            ask(&a, 4.0, 3);
            a.plan.policy = policies[p];
            a.ties.flags = flags[f];
            r = create(t, &a);
            lft_take(t, lfuse_retrainer_ties(r), &first);
            lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
            train(t, r);
            assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
            check_back(t, r, &first);
            assert_null(lfuse_retrainer_plan(r));
            lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
            lft_take(t, lfuse_retrainer_ties(r), &second);
            assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
            train(t, r);
            assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
            check_back(t, r, &second);
            assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 1);
            train(t, r); /* the ties work on */
            if ((flags[f] & LFUSE_TIES_KEEP_ORIGINALS) != 0) {
                lft_ok(t, lfuse_retrainer_undo(r, &t->err));
                assert_int_equal(unique(t, r), 4);
                assert_true(lft_weight(t, 3)[0] == 6.0f && lft_velocity(t, 3)[0] == 3.0f);
                lft_ok(t, lfuse_retrainer_fuse(r, &t->err)); /* nothing is apart now */
                assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 1), 0);
            }
            lft_drop(&first);
            lft_drop(&second);
            lfuse_retrainer_destroy(r);
            part(t);
        }
}

/* (l0, l1) cost too much, then so did (l2, l3): what is left is (l1, l2), then (l0, l2). */
static void pairs_that_were_rolled_back_stay_apart(void **state)
{
    struct lft *t = *state;
    const int pairs[][2] = {{0, 1}, {2, 3}, {1, 2}, {0, 2}};
    struct asked a;
    lfuse_retrainer *r;
    int i;

    lft_four(t);
    ask(&a, 4.0 / 3.0, 1);
    a.o.rollbacks = 4;
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    for (i = 0; i < 4; i++) {
        const lfuse_fusion f = lft_plan_fusion(t, lfuse_retrainer_plan(r), 0);

        assert_int_equal(unique(t, r), 3);
        assert_int_equal(f.a, pairs[i][0]);
        assert_int_equal(f.b, pairs[i][1]);
        assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
        assert_int_equal(unique(t, r), 4);
        if (i < 3)
            assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
    }
    lft_fails(t, lfuse_retrainer_fuse(r, &t->err), LFUSE_ERR_STATE,
              "4 fusions were rolled back: end_epoch ends the schedule");
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_DONE);
    assert_int_equal(unique(t, r), 4);
    lfuse_retrainer_destroy(r);
}

/* A group may not hold both of a pair that is apart, whichever way it would grow: with l0 and l1
 * apart four layers become two groups, and no more. */
static void no_group_holds_both_of_a_pair_that_is_apart(void **state)
{
    struct lft *t = *state;
    struct asked a;
    lfuse_retrainer *r;

    lft_four(t);
    ask(&a, 4.0, 3);
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
    assert_int_equal(unique(t, r), 2);
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(unique(t, r), 2);
    assert_true(lfuse_ties_owner(lfuse_retrainer_ties(r), 0) !=
                lfuse_ties_owner(lfuse_retrainer_ties(r), 1));
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

/* Rows: no pair is remembered, so the schedule ends. */
static void a_roll_back_of_rows_is_the_last(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    struct asked a;
    lfuse_retrainer *r;
    int way;

    for (way = 0; way < 2; way++) {
        lft_four(t);
        ask(&a, 2.0, 2);
        a.plan.unit = LFUSE_UNIT_ROW;
        a.plan.policy = way == 0 ? LFUSE_POLICY_AVERAGE : LFUSE_POLICY_FREEZE;
        r = create(t, &a);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        lft_take(t, lfuse_retrainer_ties(r), &s);
        assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
        train(t, r);
        assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
        check_back(t, r, &s);
        lft_ok(t, lfuse_retrainer_begin_step(r, &t->err)); /* the rows in force, again */
        lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
        lft_check_bytes(t, &s);
        assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_DONE);
        lft_drop(&s);
        lfuse_retrainer_destroy(r);
        part(t);
    }
}

/* ---- judging ---------------------------------------------------------------------------- */

/* 0.375 is 0.125 below 0.5 exactly, and all that may be lost. */
static void a_tolerance_of_all_is_from_the_baseline(void **state)
{
    struct lft *t = *state;
    struct asked a;
    lfuse_retrainer *r;

    lft_four(t);
    ask(&a, 4.0, 3);
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r, 0.375), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r, nextafter(0.375, 0.0)), LFUSE_VERDICT_ROLLED_BACK);
    assert_int_equal(epoch(t, r, -9.0), LFUSE_VERDICT_FUSED); /* nothing to judge */
    assert_int_equal(epoch(t, r, 0.375),
                     LFUSE_VERDICT_CONTINUE); /* l2, l3 remain apart */
    assert_int_equal(epoch(t, r, 0.375), LFUSE_VERDICT_DONE);
    lfuse_retrainer_destroy(r);
}

static void a_tolerance_of_each_is_from_the_epoch_before(void **state)
{
    struct lft *t = *state;
    struct asked a;
    lfuse_retrainer *r;

    lft_four(t);
    ask(&a, 4.0, 3);
    a.o.flags |= LFUSE_RETRAINER_FLAG_EACH;
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r, 0.375), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r, 0.0625), LFUSE_VERDICT_ROLLED_BACK);
    lfuse_retrainer_destroy(r);
}

static void a_fusion_is_judged_once_when_its_grace_is_over(void **state)
{
    struct lft *t = *state;
    struct asked a;
    lfuse_retrainer *r;
    int64_t live;

    lft_four(t);
    ask(&a, 2.0, 2);
    a.o.interval = 4;
    a.o.grace = 2;
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r, 0.0), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(lfuse_retrainer_is_due(r), 1);
    live = t->memory.live;
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_CONTINUE);
    assert_true(t->memory.live < live); /* the copy is gone */
    assert_int_equal(lfuse_retrainer_is_due(r), 0);
    assert_int_equal(epoch(t, r, 0.0), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(epoch(t, r, 0.0), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_CONTINUE);
    assert_int_equal(epoch(t, r, 0.0), LFUSE_VERDICT_ROLLED_BACK);
    lfuse_retrainer_destroy(r); /* and with a judgement pending: */
    part(t);
    lft_four(t);
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lfuse_retrainer_destroy(r);
}

/* ---- what fails ------------------------------------------------------------------------- */

static void what_belongs_to_a_tolerance_needs_its_flag(void **state)
{
    struct lft *t = *state;
    struct asked a;
    struct {
        double tolerance, baseline;
        int32_t grace, rollbacks;
        uint32_t flags;
        const char *text;
    } bad[] = {
        {0.1, 0, 0, 0, 0, "options gives tolerance, but flags has no tolerance"},
        {0, 0.1, 0, 0, 0, "options gives baseline"},
        {0, 0, 1, 0, 0, "options gives grace"},
        {0, 0, 0, 1, 0, "options gives rollbacks"},
        {0, 0, 0, 0, LFUSE_RETRAINER_FLAG_EACH, "options gives the flag each"},
        {-0.1, 0, 0, 0, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.tolerance is -0.1"},
        {NAN, 0, 0, 0, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.tolerance is"},
        {INFINITY, 0, 0, 0, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.tolerance is inf"},
        {0, NAN, 0, 0, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.baseline is"},
        {0, 0, 2, 0, LFUSE_RETRAINER_FLAG_TOLERANCE,
         "options.grace is 2, more than the interval, 1"},
        {0, 0, -1, 0, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.grace is -1"},
        {0, 0, 0, -1, LFUSE_RETRAINER_FLAG_TOLERANCE, "options.rollbacks is -1"},
    };
    size_t i;

    lft_four(t);
    ask(&a, 2.0, 1);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        lfuse_retrainer *r = (lfuse_retrainer *)t;

        a.o.tolerance = bad[i].tolerance;
        a.o.baseline = bad[i].baseline;
        a.o.grace = bad[i].grace;
        a.o.rollbacks = bad[i].rollbacks;
        a.o.flags = bad[i].flags;
        lft_fails(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &a.o, &r, &t->err),
                  LFUSE_ERR_ARGUMENT, bad[i].text);
        assert_null(r);
    }
}

/* Fusing, rolling back and fusing anew; ties that keep originals have the most to copy. */
static void every_refused_allocation_changes_nothing(void **state)
{
    struct lft *t = *state;
    const double metrics[] = {0.5, 0.25, 0.5};
    struct lft_snapshot s;
    struct asked a;
    lfuse_retrainer *r;
    lfuse_verdict verdict;
    lfuse_status status;
    int64_t k;
    int p, i;

    for (p = 0; p < 4; p++) {
        four(t);
        ask(&a, 4.0, 3);
        a.plan.policy = policies[p];
        a.ties.flags = LFUSE_TIES_KEEP_ORIGINALS;
        r = create(t, &a);
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        for (i = 0; i < 3; i++) {
            lft_take(t, lfuse_retrainer_ties(r), &s);
            status = LFUSE_ERR_NO_MEMORY;
            for (k = 0; status != LFUSE_OK; k++) {
                t->memory.allocations = 0;
                t->memory.fail_at = k;
                status = lfuse_retrainer_end_epoch(r, metrics[i], &verdict, &t->err);
                t->memory.fail_at = -1;
                if (status == LFUSE_OK)
                    continue;
                assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
                lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
            }
            assert_int_equal(verdict,
                             i == 1 ? LFUSE_VERDICT_ROLLED_BACK : LFUSE_VERDICT_FUSED);
            assert_true(k > (i == 1 ? 1 : 20));
            lft_drop(&s);
        }
        lfuse_retrainer_destroy(r);
        part(t);
    }
}

enum { N = 4 };

struct host {
    float memory[3][N];
    float *pointer[3];
    int refuses;
};

static int32_t rebind(const char *layer, const char *name, void *data, void *user)
{
    struct host *h = user;

    (void)name;
    if (h->refuses)
        return 5;
    h->pointer[layer[1] - '0'] = data;
    return 0;
}

static void a_caller_that_refuses_its_memory_back_keeps_the_fusion(void **state)
{
    struct lft *t = *state;
    static const char *const names[] = {"h0", "h1", "h2"};
    struct host h = {.refuses = 0};
    float before[3][N];
    lfuse_verdict verdict = 77;
    struct asked a;
    lfuse_retrainer *r;
    int i;

    for (i = 0; i < 3; i++) {
        lft_fill(h.memory[i], N, 70 + (uint64_t)i);
        memcpy(before[i], h.memory[i], sizeof(before[i]));
        h.pointer[i] = h.memory[i];
        lft_layer(t, names[i], "A", i, lft_borrow(t, LFUSE_F32, h.memory[i], N, 0),
                  lft_tensor(t, LFUSE_F32, 2, N, 0), NULL);
    }
    ask(&a, 3.0, 2);
    a.ties.rebind = rebind;
    a.ties.rebind_user = &h;
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    h.refuses = 1;
    for (i = 0; i < 2; i++) {
        lft_fails(t, lfuse_retrainer_end_epoch(r, 0.25, &verdict, &t->err),
                  LFUSE_ERR_CALLBACK, "returned 5");
        assert_int_equal(t->err.detail, 5);
        assert_int_equal(lfuse_plan_fusion_count(lfuse_retrainer_plan(r)), 1);
        assert_int_equal(verdict, 77);
    }
    h.refuses = 0;
    assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
    for (i = 0; i < 3; i++) {
        assert_ptr_equal(h.pointer[i], h.memory[i]);
        assert_memory_equal(h.memory[i], before[i], sizeof(before[i]));
    }
    lfuse_retrainer_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(rolled_back_is_as_before_to_the_bit_and_address),
        lft_test(pairs_that_were_rolled_back_stay_apart),
        lft_test(no_group_holds_both_of_a_pair_that_is_apart),
        lft_test(a_roll_back_of_rows_is_the_last),
        lft_test(a_tolerance_of_all_is_from_the_baseline),
        lft_test(a_tolerance_of_each_is_from_the_epoch_before),
        lft_test(a_fusion_is_judged_once_when_its_grace_is_over),
        lft_test(what_belongs_to_a_tolerance_needs_its_flag),
        lft_test(every_refused_allocation_changes_nothing),
        lft_test(a_caller_that_refuses_its_memory_back_keeps_the_fusion),
    };

    return cmocka_run_group_tests_name("retrainer_decide", tests, NULL, NULL);
}
