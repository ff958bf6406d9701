/* test_search.c - the largest ratio within a tolerance, found without training */
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>

/* Each layer that another has become costs 1; repairs give `mended` of it back. */
struct judge {
    struct lft *t;
    double mended;
    int calls;
    int repairs;
    int32_t answer;
    int is_nan;
};

static int fused(struct lft *t)
{
    int count = 0, a, b;

    for (a = 0; a < t->layer_count; a++)
        for (b = 0; b < a; b++)
            if (lft_weight(t, a)[0] == lft_weight(t, b)[0]) {
                count++;
                break;
            }
    return count;
}

static int32_t judge(void *user, double *metric)
{
    struct judge *j = user;

    *metric = j->is_nan && j->calls > 0 ? NAN : 100.0 - fused(j->t) * (1.0 - j->mended);
    j->calls++;
    return j->calls > 1 ? j->answer : 0;
}

static int32_t mend(void *user)
{
    struct judge *j = user;

    j->repairs++;
    j->mended = 0.5;
    return 0;
}

static void many(struct lft *t, int count)
{
    char name[16];
    int i;

    for (i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_at(t, name, i, (float)(1 << i));
    }
}

static lfuse_search_options options(const lfuse_plan_options *plan, struct judge *j,
                                    double tolerance)
{
    lfuse_search_options o;

    lfuse_search_options_init(&o, sizeof(o));
    o.plan = plan;
    o.evaluate = judge;
    o.evaluate_user = j;
    o.tolerance = tolerance;
    return o;
}

/* Of 11 fusions, every tolerance from none to all; a bisection asks at most twice and log2(11). */
static void the_plan_is_the_largest_within_the_tolerance(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(12.0);
    struct lft_snapshot s;
    lfuse_ties *ties;
    int k;

    many(t, 12);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_take(t, ties, &s);
    for (k = 0; k <= 12; k++) {
        struct judge j = {.t = t};
        const lfuse_search_options o = options(&plan, &j, (double)k);
        const int expected = k < 11 ? k : 11;
        double metric = NAN;
        lfuse_plan *found;

        lft_ok(t, lfuse_search_ratio(ties, &o, &found, &metric, &t->err));
        assert_int_equal(lfuse_plan_fusion_count(found), expected);
        assert_true(metric == 100.0 - expected);
        assert_true(j.calls <= 2 + 4);
        lfuse_plan_destroy(found);
        lft_check_unchanged(t, ties, &s);
    }
    lft_drop(&s);
    lfuse_ties_destroy(ties);
}

/* What is in force already is where the search begins; the plan found can be applied. */
static void a_search_goes_on_from_what_is_in_force(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(8.0);
    struct judge j = {.t = t};
    lfuse_search_options o = options(&plan, &j, 2.0);
    double metric = NAN;
    lfuse_plan *found;
    lfuse_ties *ties;

    many(t, 8);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2);
    lft_ok(t, lfuse_search_ratio(ties, &o, &found, &metric, &t->err));
    assert_int_equal(lfuse_plan_fusion_count(found), 2);
    assert_true(metric == 96.0);
    lft_ok(t, lfuse_ties_apply(ties, found, &t->err));
    assert_int_equal(fused(t), 4);
    lfuse_plan_destroy(found);
    lfuse_ties_destroy(ties);
}

static void repair_comes_before_every_evaluation_of_a_fusion(void **state)
{
    struct lft *t = *state;
    const lfuse_plan_options plan = lft_plan_ratio(8.0);
    struct judge j = {.t = t};
    lfuse_search_options o = options(&plan, &j, 2.0);
    double metric = NAN;
    lfuse_plan *found;
    lfuse_ties *ties;

    many(t, 8);
    o.repair = mend;
    o.repair_user = &j;
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_search_ratio(ties, &o, &found, &metric, &t->err));
    assert_int_equal(lfuse_plan_fusion_count(found), 4);
    assert_int_equal(j.repairs, j.calls - 1);
    lfuse_plan_destroy(found);
    lfuse_ties_destroy(ties);
}

static void search_fails(struct lft *t, lfuse_ties *ties, const lfuse_search_options *o,
                         lfuse_status expected, const char *text)
{
    lfuse_plan *found = (lfuse_plan *)t;
    double metric = -1.0;

    lft_fails(t, lfuse_search_ratio(ties, o, &found, &metric, &t->err), expected, text);
    assert_null(found);
    assert_true(metric == -1.0);
}

static void what_fails_leaves_all_as_it_was(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(4.0);
    struct judge j = {.t = t, .answer = 6};
    lfuse_search_options o = options(&plan, &j, 1.0), bad = o;
    struct lft_snapshot s;
    lfuse_ties *ties, *others;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    others = lft_ties_of(t, lft_ties_defaults());
    lft_take(t, ties, &s);
    search_fails(t, ties, &o, LFUSE_ERR_CALLBACK, "evaluate returned 6");
    j = (struct judge){.t = t, .is_nan = 1};
    search_fails(t, ties, &o, LFUSE_ERR_CALLBACK, "evaluate gave the metric");
    lft_check_unchanged(t, ties, &s);
    bad.evaluate = NULL;
    search_fails(t, ties, &bad, LFUSE_ERR_ARGUMENT, "options.evaluate is NULL");
    bad = o;
    bad.plan = NULL;
    search_fails(t, ties, &bad, LFUSE_ERR_ARGUMENT, "options.plan is NULL");
    bad = o;
    bad.tolerance = -1.0;
    search_fails(t, ties, &bad, LFUSE_ERR_ARGUMENT, "options.tolerance is -1");
    bad.tolerance = NAN;
    search_fails(t, ties, &bad, LFUSE_ERR_ARGUMENT, "options.tolerance is");
    search_fails(t, NULL, &o, LFUSE_ERR_ARGUMENT, "ties is NULL");
    search_fails(t, ties, NULL, LFUSE_ERR_ARGUMENT, "options is NULL");
    plan.in_force = others;
    search_fails(t, ties, &o, LFUSE_ERR_ARGUMENT, "in_force is of other ties");
    plan = lft_plan_best(1);
    search_fails(t, ties, &o, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0");
    plan = lft_plan_ratio(5.0);
    search_fails(t, ties, &o, LFUSE_ERR_UNREACHABLE, "reaches 4");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_ties_destroy(others);
    lfuse_ties_destroy(ties);
}

static lfuse_status search(struct lft *t, void *arg)
{
    lfuse_ties *ties = arg;
    const lfuse_plan_options plan = lft_plan_ratio(4.0);
    struct judge j = {.t = t};
    const lfuse_search_options o = options(&plan, &j, 1.0);
    lfuse_plan *found;
    double metric;
    lfuse_status status = lfuse_search_ratio(ties, &o, &found, &metric, &t->err);

    lfuse_plan_destroy(found);
    return status;
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_every_allocation_fails(t, search, ties);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_plan_is_the_largest_within_the_tolerance),
        lft_test(a_search_goes_on_from_what_is_in_force),
        lft_test(repair_comes_before_every_evaluation_of_a_fusion),
        lft_test(what_fails_leaves_all_as_it_was),
        lft_test(every_refused_allocation_is_an_error),
    };

    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
