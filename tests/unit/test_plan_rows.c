/* test_plan_rows.c - plans of the unit row: see plan.h */
#include "lft_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void check_owner(const lfuse_plan *plan, int64_t layer, int64_t row, int64_t owner,
                        int64_t owner_row)
{
    int64_t found = -7;

    assert_int_equal(lfuse_plan_row_owner(plan, layer, 0, row, &found), owner);
    assert_int_equal(found, owner_row);
}

/* 18 weights; 2 saved by each. */
static void rows_join_best_first_across_layers_and_within_one(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(0);
    lfuse_account a;
    lfuse_plan *plan;

    lft_rows_three(t);
    o.ratio = 1.5;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 3);
    lft_rows_check(t, plan, 0, 1, 1, 2, 0, 0.5);
    lft_rows_check(t, plan, 1, 0, 0, 1, 0, 1.0);
    lft_rows_check(t, plan, 2, 2, 1, 2, 2, 2.0);
    assert_int_equal(lft_plan_fusion(t, plan, 0).kept, 2);
    assert_int_equal(lft_plan_fusion(t, plan, 0).row_kept, 0);
    assert_int_equal(lft_plan_fusion(t, plan, 1).kept, 0);
    assert_int_equal(lft_plan_fusion(t, plan, 2).row_kept, 1);
    assert_true(lft_plan_fusion(t, plan, 2).ratio == 18.0 / 12.0);
    check_owner(plan, 1, 1, 2, 0);
    check_owner(plan, 1, 0, 0, 0);
    check_owner(plan, 2, 2, 2, 1);
    check_owner(plan, 0, 1, 0, 1);
    assert_int_equal(lfuse_plan_group_count(plan), 0); /* of layers */
    a = lft_plan_account(t, plan);
    assert_int_equal(a.candidates_logical, 18);
    assert_int_equal(a.candidates_unique, 12);
    assert_int_equal(a.candidates_unique_bytes, 48);
    assert_int_equal(a.all_unique, 12);
    assert_int_equal(a.all_unique_bytes, 48);
    assert_int_equal(a.index_bytes, 9 * 4);
    assert_true(a.ratio == 1.5);
    lfuse_plan_destroy(plan);
}

/* l0's 1 is 9 from l1's 0, 10 from l0's 0; l0's 2 is 10 from l1's 1, 9.5 from l2's 0. */
static void groups_of_rows_are_linked_as_those_of_layers(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(4);
    lfuse_plan *plan;

    lft_rows_three(t);
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 3, 0, 1, 1, 0, 9.0);
    check_owner(plan, 0, 1, 0, 0);
    lfuse_plan_destroy(plan);
    o.linkage = LFUSE_LINKAGE_AVERAGE;
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 3, 0, 1, 1, 0, 9.5);
    lfuse_plan_destroy(plan);
    o.linkage = LFUSE_LINKAGE_COMPLETE; /* 10 both: the first group's rows come first */
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 3, 0, 1, 1, 0, 10.0);
    lfuse_plan_destroy(plan);
}

/* Of what is left alone: l0's 1 and 2, 20 apart, then l0's 2 would be a third. */
static void max_group_bounds_rows_too(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(5);
    lfuse_plan *plan;

    lft_rows_three(t);
    o.max_group = 2;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 4);
    lft_rows_check(t, plan, 3, 0, 1, 0, 2, 20.0);
    lfuse_plan_destroy(plan);
    o.top_k = 0;
    o.ratio = 2.0;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE, "reaches 1.8");
    o.top_k = 9;
    o.ratio = 0.0;
    o.threshold = 1.5;
    o.flags = LFUSE_PLAN_FLAG_THRESHOLD;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lfuse_plan_destroy(plan);
}

/* l0 and l2 are no neighbours: without l1's rows nothing of them could join. */
static void adjacent_rows_are_of_one_layer_or_of_neighbours(void **state)
{
    static const float x[3][2] = {{0.0f, 50.0f}, {200.0f, 300.0f}, {1.0f, 100.0f}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_plan *plan;

    lft_rows_at(t, "l0", 0, x[0], 2);
    lft_rows_at(t, "l1", 1, x[1], 2);
    lft_rows_at(t, "l2", 2, x[2], 2);
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 0, 0, 0, 2, 0, 1.0);
    lfuse_plan_destroy(plan);
    o.scope = LFUSE_SCOPE_ADJACENT;
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 0, 0, 0, 0, 1, 50.0);
    lfuse_plan_destroy(plan);
}

/* Without l2, then with l1's rows kept, which no longer join each other; l0 is the farther. */
static void rules_exclude_and_pin_the_rows_of_layers(void **state)
{
    struct lft *t = *state;
    lfuse_plan_rule rule = {"l2", LFUSE_PLAN_ACTION_EXCLUDE, 0};
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_rows_three(t);
    o.rules = &rule;
    o.rule_count = 1;
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 0, 0, 0, 1, 0, 1.0);
    lft_rows_check(t, plan, 1, 0, 1, 1, 0, 9.0);
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 18); /* still counts */
    lfuse_plan_destroy(plan);
    rule = (lfuse_plan_rule){"l1", LFUSE_PLAN_ACTION_PIN, 0};
    o.top_k = 20;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan),
                     6); /* 3 groups, one for each of l1's */
    check_owner(plan, 2, 0, 1, 1);
    check_owner(plan, 0, 0, 1, 0);
    check_owner(plan, 1, 0, 1, 0);
    check_owner(plan, 1, 1, 1, 1);
    check_owner(plan, 1, 2, 1, 2);
    lfuse_plan_destroy(plan);
    rule.action = LFUSE_PLAN_ACTION_FORCE;
    lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "options.rules[0] forces layers");
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, lft_rows_best(1));
    rule.action = LFUSE_PLAN_ACTION_PIN; /* but l2's 0 has l1's 1 */
    o.in_force = ties;
    lft_plan_fails(
        t, o, LFUSE_ERR_STATE,
        "layer l1 is pinned, but by the ties in force row 1 of it is another's");
    lfuse_ties_destroy(ties);
}

/* A row of zeros has no cosine, and l3's are longer. */
static void what_cannot_be_compared_may_be_left_alone(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(20);
    lfuse_plan *plan;

    lft_rows_three(t);
    lft_layer(t, "l3", "A", 3, lft_tensor(t, LFUSE_F32, 1, 3, 4, 0), NULL, NULL);
    lft_row(t, 1, 2)[0] = lft_row(t, 1, 2)[1] = 0.0f;
    o.metric = LFUSE_METRIC_COSINE;
    lft_plan_fails(t, o, LFUSE_ERR_SHAPE, "of layer l0 is [3, 2], of l3 [3, 4]");
    o.flags = LFUSE_PLAN_FLAG_SKIP_UNEQUAL;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 7); /* of eight rows */
    check_owner(plan, 1, 2, 1, 2);
    assert_int_equal(lfuse_plan_skipped_count(plan), 1);
    assert_int_equal(lfuse_plan_skipped(plan, 0), 3);
    lfuse_plan_destroy(plan);
}

/* In [in, out] rows are columns; of two weights each has rows of its own. */
static void rows_lie_along_the_output_axis_of_each_weight(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *wide[2], *tall[2];
    lfuse_plan *plan;
    lfuse_fusion f;
    int i, e;

    for (i = 0; i < 2; i++) {
        lfuse_layer *layer = lft_plan_bare(t, i == 0 ? "l0" : "l1", "A");

        wide[i] = lft_tensor(t, LFUSE_F64, 0, 2, 3, 0);
        tall[i] = lft_tensor(t, LFUSE_F32, 0, 2, 4, 0);
        for (e = 0; e < 6; e++)
            ((double *)lfuse_tensor_data(wide[i]))[e] = 100 * i + 10 * e;
        for (e = 0; e < 8; e++)
            lft_floats(tall[i])[e] = (float)(1000 * i + 300 * e);
        lft_plan_add(t, layer, "wide", LFUSE_ROLE_WEIGHT, 1, wide[i]);
        lft_plan_add(t, layer, "tall", LFUSE_ROLE_WEIGHT, 0, tall[i]);
    }
    /* l0's column 2, (20, 50), becomes l1's column 0 but for 1. */
    ((double *)lfuse_tensor_data(wide[1]))[0] = 20;
    ((double *)lfuse_tensor_data(wide[1]))[3] = 51;
    plan = lft_plan_build(t, lft_rows_best(1));
    f = lft_plan_fusion(t, plan, 0);
    assert_int_equal(f.weight, 0);
    assert_int_equal(f.row_a, 2);
    assert_int_equal(f.b, 1);
    assert_int_equal(f.row_b, 0);
    assert_true(f.score == 1.0);
    assert_int_equal(f.saved_parameters, 2);
    assert_int_equal(lft_plan_account(t, plan).all_unique_bytes, 2 * (48 + 32) - 16);
    assert_int_equal(lft_plan_account(t, plan).index_bytes, 2 * 3 * 4);
    lfuse_plan_destroy(plan);
}

/* By the distances themselves: at every step no two groups are closer than those that joined. 6
 * layers of 8 rows of 27 elements; f32 sums are exact to (27 + 2) 2^-24 of themselves. */
static void single_linkage_joins_in_the_order_of_a_spanning_tree(void **state)
{
    struct lft *t = *state;
    double d[48][48], used[47];
    int group[48], n = 48, i, j, k, best_i, best_j;
    lfuse_plan *plan;
    char name[8];

    for (i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 8, 3, 3, 3, 0),
                  NULL, NULL);
    }
    for (i = 0; i < n; i++) {
        group[i] = i;
        for (j = 0; j < n; j++)
            for (d[i][j] = 0.0, k = 0; k < 27; k++)
                d[i][j] += pow((double)lft_weight(t, i / 8)[i % 8 * 27 + k] -
                                   (double)lft_weight(t, j / 8)[j % 8 * 27 + k],
                               2.0);
    }
    plan = lft_plan_build(t, lft_rows_best(INT64_MAX));
    assert_int_equal(lfuse_plan_fusion_count(plan), n - 1);
    for (k = 0; k < n - 1; k++) {
        const lfuse_fusion f = lft_plan_fusion(t, plan, k);
        int from, to;

        best_i = best_j = -1;
        for (i = 0; i < n; i++)
            for (j = i + 1; j < n; j++)
                if (group[i] != group[j] && (best_i < 0 || d[i][j] < d[best_i][best_j])) {
                    best_i = i;
                    best_j = j;
                }
        used[k] = sqrt(d[best_i][best_j]);
        assert_true(fabs(f.score - used[k]) <= 29 * 0x1p-24 * used[k]);
        i = (int)(f.a * 8 + f.row_a);
        j = (int)(f.b * 8 + f.row_b);
        assert_true(i < j);
        assert_true(group[i] != group[j]);
        from = group[j];
        to = group[i];
        for (i = 0; i < n; i++)
            group[i] = group[i] == from ? to : group[i];
    }
    lfuse_plan_destroy(plan);
}

/* ---- errors ----------------------------------------------------------------------------- */

static lfuse_plan_options rows_with(lfuse_metric metric, lfuse_policy policy,
                                    lfuse_linkage linkage)
{
    lfuse_plan_options o = lft_rows_best(1);

    o.metric = metric;
    o.policy = policy;
    o.linkage = linkage;
    return o;
}

static void what_rows_cannot_do_is_refused_by_name(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = rows_with(LFUSE_METRIC_KL, 0, 0);

    lft_rows_three(t);
    lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "options.unit is row, of which kl");
    lft_plan_fails(t, rows_with(0, LFUSE_POLICY_JS, 0), LFUSE_ERR_UNSUPPORTED,
                   "the policy js has no gamma: one row has no covariance");
    lft_plan_fails(t, rows_with(0, 0, LFUSE_LINKAGE_MERGED), LFUSE_ERR_UNSUPPORTED,
                   "the linkage 4");
    o = rows_with(0, 0, LFUSE_LINKAGE_COMPLETE);
    o.scope = LFUSE_SCOPE_ADJACENT;
    lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "the linkage 3 of adjacent layers");
}

static int32_t one_sided(void *user, const lfuse_matrix_view *a,
                         const lfuse_matrix_view *b, double *out)
{
    int64_t *rows = user;

    *rows = a->rows > *rows ? a->rows : *rows;
    *out = ((const float *)a->data)[0] - 2.0 * ((const float *)b->data)[0];
    return 0;
}

/* a - 2 b one way, b - 2 a the other: the mean is - (a + b) / 2, least for the two greatest. */
static void a_metric_of_the_callers_sees_one_row_at_a_time(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_similarity_options s;
    lfuse_plan *plan;
    int64_t rows = 0;

    lft_rows_three(t);
    lfuse_similarity_options_init(&s, sizeof(s));
    s.metric = LFUSE_METRIC_CUSTOM;
    s.custom = one_sided;
    s.custom_user = &rows;
    o.similarity = &s;
    plan = lft_plan_build(t, o);
    lft_rows_check(t, plan, 0, 2, 1, 2, 2, -101.0);
    assert_int_equal(rows, 1);
    lfuse_plan_destroy(plan);
    o.keep = LFUSE_KEEP_BY_DIRECTION;
    lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "keep by direction");
}

static void too_many_rows_are_refused_with_their_number(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(1);
    lfuse_similarity_options s;
    lfuse_plan *plan;

    lft_rows_three(t);
    lfuse_similarity_options_init(&s, sizeof(s));
    s.max_bytes = 9 * 9 * 48 - 1;
    o.similarity = &s;
    lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "param type A has 9 rows of weight");
    s.max_bytes++;
    plan = lft_plan_build(t, o);
    lfuse_plan_destroy(plan);
}

static void a_row_that_has_no_value_is_named(void **state)
{
    struct lft *t = *state;

    lft_rows_three(t);
    lft_row(t, 1, 2)[0] = lft_row(t, 1, 2)[1] = 0.0f;
    lft_plan_fails(t, rows_with(LFUSE_METRIC_COSINE, 0, 0), LFUSE_ERR_DEGENERATE,
                   "row 2 of weight of layer l1 is all zero");
    lft_row(t, 1, 2)[1] = INFINITY;
    lft_plan_fails(t, lft_rows_best(1), LFUSE_ERR_NOT_FINITE,
                   "element 5 of parameter weight of layer l1");
}

static void rows_that_are_not_there_have_no_owner(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    int64_t row = -7;

    lft_rows_three(t);
    plan = lft_plan_build(t, lft_rows_best(1));
    assert_int_equal(lfuse_plan_row_owner(NULL, 0, 0, 0, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, 3, 0, 0, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, -1, 0, 0, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, 0, 1, 0, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, 0, -1, 0, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, 0, 0, 3, &row), -1);
    assert_int_equal(lfuse_plan_row_owner(plan, 0, 0, -1, &row), -1);
    assert_int_equal(row, -7);
    assert_int_equal(lfuse_plan_row_owner(plan, 1, 0, 1, NULL), 2);
    lfuse_plan_destroy(plan);
    plan = lft_plan_build(t, lft_plan_best(1)); /* of layers */
    assert_int_equal(lfuse_plan_row_owner(plan, 0, 0, 0, &row), -1);
    assert_int_equal(lft_plan_fusion(t, plan, 0).row_a, -1);
    assert_int_equal(lft_plan_fusion(t, plan, 0).row_kept, -1);
    assert_int_equal(lft_plan_fusion(t, plan, 0).weight, -1);
    assert_int_equal(lft_plan_account(t, plan).index_bytes, 0);
    lfuse_plan_destroy(plan);
}

static lfuse_status build_and_destroy(struct lft *t, void *arg)
{
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, arg, &plan);

    lfuse_plan_destroy(plan);
    return status;
}

static void planning_rows_survives_any_refused_allocation(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(4);

    lft_rows_three(t);
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(rows_join_best_first_across_layers_and_within_one),
        lft_test(groups_of_rows_are_linked_as_those_of_layers),
        lft_test(max_group_bounds_rows_too),
        lft_test(adjacent_rows_are_of_one_layer_or_of_neighbours),
        lft_test(rules_exclude_and_pin_the_rows_of_layers),
        lft_test(what_cannot_be_compared_may_be_left_alone),
        lft_test(rows_lie_along_the_output_axis_of_each_weight),
        lft_test(single_linkage_joins_in_the_order_of_a_spanning_tree),
        lft_test(what_rows_cannot_do_is_refused_by_name),
        lft_test(a_metric_of_the_callers_sees_one_row_at_a_time),
        lft_test(too_many_rows_are_refused_with_their_number),
        lft_test(a_row_that_has_no_value_is_named),
        lft_test(rows_that_are_not_there_have_no_owner),
        lft_test(planning_rows_survives_any_refused_allocation),
    };

    return cmocka_run_group_tests_name("plan_rows", tests, NULL, NULL);
}
