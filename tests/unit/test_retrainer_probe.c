/* test_retrainer_probe.c - the cheapest of a few fusions, found by trying them */
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>

/* Answers one after another, and which two layers were one while it was asked. */
struct judge {
    struct lft *t;
    lfuse_retrainer *r;
    double metrics[8];
    int a[8], b[8];
    int calls;
    int32_t answer;
};

static int32_t judge(void *user, double *metric)
{
    struct judge *j = user;
    int a, b;

    assert_int_equal(lfuse_retrainer_begin_step(j->r, NULL), LFUSE_ERR_STATE);
    for (a = 0; a < j->t->layer_count; a++)
        for (b = a + 1; b < j->t->layer_count; b++)
            if (lft_weight(j->t, a)[0] == lft_weight(j->t, b)[0]) {
                j->a[j->calls] = a;
                j->b[j->calls] = b;
            }
    *metric = j->metrics[j->calls++];
    lft_weight(j->t, 0)[0] += 3.0f; /* whatever it does is undone */
    return j->answer;
}

static lfuse_retrainer *over(struct lft *t, double ratio, lfuse_policy policy,
                             uint32_t flags)
{
    lfuse_plan_options plan = lft_plan_ratio(ratio);
    lfuse_ties_options ties = lft_ties_defaults();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 0, 1);
    lfuse_retrainer *r;

    plan.policy = policy;
    ties.flags = flags;
    o.ties = &ties;
    o.pairs = 1;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &o, &r, &t->err));
    return r;
}

static void check_back(struct lft *t, const lfuse_retrainer *r,
                       const struct lft_snapshot *s)
{
    int i;

    lft_check_bytes(t, s);
    for (i = 0; i < s->count; i++)
        assert_ptr_equal(lfuse_tensor_data(t->tensors[i]), s->data[i]);
    for (i = 0; i < t->layer_count; i++)
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), i), s->owner[i]);
}

static void part(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* (l0, l1), (l2, l3), (l1, l2) are tried in that order; the second costs least. */
static void the_cheapest_of_the_most_alike_is_fused(void **state)
{
    struct lft *t = *state;
    const lfuse_policy policies[] = {LFUSE_POLICY_AVERAGE, LFUSE_POLICY_RANDOM};
    const uint32_t flags[] = {0, LFUSE_TIES_MIRROR};
    const int pairs[][2] = {{0, 1}, {2, 3}, {1, 2}};
    struct lft_snapshot s;
    int way, i;

    for (way = 0; way < 4; way++) {
        struct judge j = {.t = t, .metrics = {0.5, 0.75, 0.75}};
        double metric = NAN;
        lfuse_verdict verdict;
        lfuse_retrainer *r;

        lft_four(t);
        j.r = r = over(t, 4.0, policies[way / 2], flags[way % 2]);
        lft_take(t, lfuse_retrainer_ties(r), &s);
        lft_ok(t, lfuse_retrainer_probe(r, 3, judge, &j, &metric, &t->err));
        check_back(t, r, &s);
        assert_true(metric == 0.75);
        assert_int_equal(j.calls, 3);
        for (i = 0; i < 3; i++) {
            assert_int_equal(j.a[i], pairs[i][0]);
            assert_int_equal(j.b[i], pairs[i][1]);
        }
        assert_null(lfuse_retrainer_plan(r));
        lft_fails(t, lfuse_retrainer_probe(r, 3, judge, &j, &metric, &t->err),
                  LFUSE_ERR_STATE, "the next fusion has been probed");
        lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 2), 3);
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 1), 1);
        lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err)); /* as planned */
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), 1), 0);
        lft_drop(&s);
        lfuse_retrainer_destroy(r);
        part(t);
    }
}

/* Of two layers there is one pair, however many are asked for; and then none. */
static void a_probe_ends_where_there_are_no_others(void **state)
{
    struct lft *t = *state;
    struct judge j = {.t = t};
    double metric = NAN;
    lfuse_verdict verdict;
    lfuse_retrainer *r;

    lft_at(t, "l0", 0, 1.0f);
    lft_at(t, "l1", 1, 2.0f);
    j.r = r = over(t, 2.0, 0, 0);
    lft_ok(t, lfuse_retrainer_probe(r, INT64_MAX, judge, &j, &metric, &t->err));
    assert_int_equal(j.calls, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    metric = -1.0;
    lft_fails(t, lfuse_retrainer_probe(r, 1, judge, &j, &metric, &t->err),
              LFUSE_ERR_STATE, "the schedule has no further fusion");
    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    assert_int_equal(verdict, LFUSE_VERDICT_DONE);
    lft_fails(t, lfuse_retrainer_probe(r, 1, judge, &j, &metric, &t->err),
              LFUSE_ERR_STATE, "the schedule has no further fusion");
    assert_true(metric == -1.0);
    lfuse_retrainer_destroy(r);
}

static void what_fails_leaves_all_as_it_was(void **state)
{
    struct lft *t = *state;
    struct judge j = {.t = t, .metrics = {0.5, 0.25, NAN}};
    struct lft_snapshot s;
    double metric = -1.0;
    lfuse_retrainer *r;

    lft_four(t);
    j.r = r = over(t, 4.0, 0, 0);
    lft_take(t, lfuse_retrainer_ties(r), &s);
    lft_fails(t, lfuse_retrainer_probe(r, 3, judge, &j, &metric, &t->err),
              LFUSE_ERR_CALLBACK, "evaluate gave the metric");
    lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    j.calls = 0;
    j.answer = 9;
    lft_fails(t, lfuse_retrainer_probe(r, 3, judge, &j, &metric, &t->err),
              LFUSE_ERR_CALLBACK, "evaluate returned 9");
    assert_int_equal(t->err.detail, 9);
    lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    lft_fails(t, lfuse_retrainer_probe(r, 0, judge, &j, &metric, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    lft_fails(t, lfuse_retrainer_probe(r, 1, NULL, &j, &metric, &t->err),
              LFUSE_ERR_ARGUMENT, "evaluate is NULL");
    lft_fails(t, lfuse_retrainer_probe(r, 1, judge, &j, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "metric is NULL");
    lft_fails(t, lfuse_retrainer_probe(NULL, 1, judge, &j, &metric, &t->err),
              LFUSE_ERR_ARGUMENT, "retrainer is NULL");
    assert_true(metric == -1.0);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_fails(t, lfuse_retrainer_probe(r, 1, judge, &j, &metric, &t->err),
              LFUSE_ERR_STATE, "probe was called, combine_gradients was expected");
    lft_drop(&s);
    lfuse_retrainer_destroy(r);
}

static void every_refused_allocation_leaves_all_as_it_was(void **state)
{
    struct lft *t = *state;
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    struct lft_snapshot s;
    double metric;
    lfuse_retrainer *r;
    int64_t k;

    lft_four(t);
    r = over(t, 4.0, LFUSE_POLICY_RANDOM, 0);
    lft_take(t, lfuse_retrainer_ties(r), &s);
    for (k = 0; status != LFUSE_OK; k++) {
        struct judge j = {.t = t, .r = r, .metrics = {0.25, 0.5}};

        t->memory.allocations = 0;
        t->memory.fail_at = k;
        status = lfuse_retrainer_probe(r, 2, judge, &j, &metric, &t->err);
        t->memory.fail_at = -1;
        if (status == LFUSE_OK)
            continue;
        assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    }
    assert_true(k > 40);
    lft_drop(&s);
    lfuse_retrainer_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_cheapest_of_the_most_alike_is_fused),
        lft_test(a_probe_ends_where_there_are_no_others),
        lft_test(what_fails_leaves_all_as_it_was),
        lft_test(every_refused_allocation_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests_name("retrainer_probe", tests, NULL, NULL);
}
