/* test_plan.c - see plan.h */
#include "lft_plan.h"

#include <math.h>

/* ---- what is chosen ---------------------------------------------------------------------- */

/* Distances 1 (l1, l2), 3 (l3, l4), 9 (l2, l3), 10 ...; 10 weights, 2 saved by each. */
static void the_most_alike_join_first_until_the_ratio_is_reached(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_ratio(2.0));
    assert_int_equal(lfuse_plan_fusion_count(plan), 3);
    lft_plan_check(t, plan, 0, 1, 2, 1, 1.0);
    lft_plan_check(t, plan, 1, 3, 4, 4, 3.0);
    lft_plan_check(t, plan, 2, 2, 3, 4, 9.0);
    assert_int_equal(lft_plan_fusion(t, plan, 0).saved_parameters, 2);
    assert_true(lft_plan_fusion(t, plan, 0).ratio == 10.0 / 8.0);
    assert_true(lft_plan_fusion(t, plan, 1).ratio == 10.0 / 6.0);
    assert_true(lft_plan_fusion(t, plan, 2).ratio == 10.0 / 4.0);
    assert_int_equal(lfuse_plan_group_count(plan), 1);
    assert_int_equal(lfuse_plan_group_size(plan, 0), 4);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 4);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 0), 1);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 3), 4);
    assert_int_equal(lfuse_plan_layer_count(plan), 5);
    assert_string_equal(lfuse_plan_layer_name(plan, 4), "l4");
    lfuse_plan_destroy(plan);
}

/* (0, 1), (1, 2) and (2, 3) are all 1 apart. */
static void pairs_that_score_alike_come_in_the_order_of_their_layers(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 1.0f);
    lft_plan_at(t, "l2", "A", 2, 2.0f);
    lft_plan_at(t, "l3", "A", 3, 3.0f);
    plan = lft_plan_build(t, lft_plan_best(2));
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lft_plan_check(t, plan, 0, 0, 1, 0, 1.0);
    lft_plan_check(t, plan, 1, 1, 2, 0, 1.0);
    lfuse_plan_destroy(plan);
}

/* C has one layer, equal to one of A's; B's pair is more alike than A's. */
static void types_rank_together_and_never_mix(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_at(t, "a0", "A", 0, 0.0f);
    lft_plan_at(t, "b0", "B", 1, 7.0f);
    lft_plan_at(t, "c0", "C", 2, 0.0f);
    lft_plan_at(t, "a1", "A", 3, 5.0f);
    lft_plan_at(t, "b1", "B", 4, 8.0f);
    plan = lft_plan_build(t, lft_plan_best(100));
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lft_plan_check(t, plan, 0, 1, 4, 4, 1.0);
    lft_plan_check(t, plan, 1, 0, 3, 0, 5.0);
    assert_int_equal(lfuse_plan_group_count(plan), 2);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 0), 0);
    assert_int_equal(lfuse_plan_group_member(plan, 1, 0), 1);
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 8);
    assert_int_equal(lft_plan_account(t, plan).candidates_unique, 4);
    assert_int_equal(lft_plan_account(t, plan).all_logical, 10);
    lfuse_plan_destroy(plan);
}

/* The middle of 0 .. 4 is 2; indices run against positions. */
static void the_kept_member_is_the_farthest_from_the_middle_or_the_earlier(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_at(t, "last", "A", 4, 0.0f);
    lft_plan_at(t, "first", "A", 0, 1.0f);
    lft_plan_at(t, "third", "B", 3, 0.0f);
    lft_plan_at(t, "middle", "B", 2, 1.0f);
    plan = lft_plan_build(t, lft_plan_best(2));
    lft_plan_check(t, plan, 0, 0, 1, 1, 1.0);
    lft_plan_check(t, plan, 1, 2, 3, 2, 1.0);
    lfuse_plan_destroy(plan);
}

static void no_group_grows_past_max_group(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(2.0);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 1.0f);
    lft_plan_at(t, "l2", "A", 2, 2.0f);
    lft_plan_at(t, "l3", "A", 3, 4.0f);
    o.max_group = 2;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lft_plan_check(t, plan, 1, 2, 3, 3, 2.0);
    lfuse_plan_destroy(plan);
    o.ratio = 2.5;
    lft_plan_fails(
        t, o, LFUSE_ERR_UNREACHABLE,
        "ratio 2.5 of the candidates is out of reach: joining the most alike first "
        "reaches 2");
}

static void the_earlier_of_ratio_and_top_k_ends_the_plan(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(5.0);
    lfuse_plan *plan;

    lft_plan_five(t);
    o.top_k = 1;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    lfuse_plan_destroy(plan);
    o.ratio = 1.25;
    o.top_k = 3;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    lfuse_plan_destroy(plan);
    o.ratio = 6.0;
    o.top_k = 4; /* all there are: 5 at most, and top_k comes first */
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 4);
    lfuse_plan_destroy(plan);
    o.top_k = 5;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE, "reaches 5");
}

/* 1 is met by what is there; so is every ratio when nothing could fuse and 1 is asked. */
static void a_ratio_that_is_met_gives_an_empty_plan(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_at(t, "a", "A", 0, 0.0f);
    plan = lft_plan_build(t, lft_plan_ratio(1.0));
    assert_int_equal(lfuse_plan_fusion_count(plan), 0);
    assert_int_equal(lfuse_plan_group_count(plan), 0);
    assert_true(lft_plan_account(t, plan).ratio == 1.0);
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 0);
    lfuse_plan_destroy(plan);
    lft_plan_fails(t, lft_plan_ratio(1.5), LFUSE_ERR_UNREACHABLE, "reaches 1");
    plan = lft_plan_build(t, lft_plan_best(1));
    assert_int_equal(lfuse_plan_fusion_count(plan), 0);
    lfuse_plan_destroy(plan);
}

/* l1 and l2 are tied; the best pair left of the five is (l3, l4), then (l2, l3). */
static void layers_tied_before_count_as_one(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err)); /* both are 10.5 now */
    lfuse_plan_destroy(plan);

    o.in_force = ties;
    o.top_k = 2;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lft_plan_check(t, plan, 0, 3, 4, 4, 3.0);
    lft_plan_check(t, plan, 1, 1, 3, 4, 9.5);
    assert_true(lft_plan_fusion(t, plan, 1).ratio == 10.0 / 4.0);
    assert_int_equal(lfuse_plan_group_count(plan), 1);
    assert_int_equal(lfuse_plan_group_size(plan, 0), 4);
    lfuse_plan_destroy(plan);

    o = lft_plan_ratio(1.25);
    o.in_force = ties;
    plan = lft_plan_build(t, o); /* met already */
    assert_int_equal(lfuse_plan_fusion_count(plan), 0);
    assert_int_equal(lfuse_plan_group_count(plan), 1);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 1);
    assert_true(lft_plan_account(t, plan).ratio == 1.25);
    lfuse_plan_destroy(plan);

    o.ratio = 2.0;
    o.max_group = 2;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE, "reaches 1.66666");
    o.in_force = NULL;
    lfuse_ties_destroy(ties);
}

/* weight [2] and bias [3] f32, statistic [4] f32; A.w2 is f16 [2]: 2 + 3 + 2 a layer, the
 * fusion saves 2 + 2 of them, 8 + 4 bytes. */
static void only_weights_fuse_and_statistics_are_not_counted(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(1.4);
    lfuse_account a;
    lfuse_plan *plan;
    int i;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 1.0f);
    for (i = 0; i < 2; i++) {
        lft_plan_add(t, t->layers[i], "bias", LFUSE_ROLE_BIAS, 0,
                     lft_tensor(t, LFUSE_F32, (uint64_t)i, 3, 0));
        lft_plan_add(t, t->layers[i], "mean", LFUSE_ROLE_STATISTIC, 0,
                     lft_tensor(t, LFUSE_F32, (uint64_t)i, 4, 0));
        lft_plan_add(t, t->layers[i], "w2", 0, 0, lft_tensor(t, LFUSE_F16, 3, 2, 0));
    }
    o.base = LFUSE_BASE_ALL;
    plan = lft_plan_build(t, o);
    a = lft_plan_account(t, plan);
    assert_int_equal(a.candidates_logical, 8);
    assert_int_equal(a.candidates_unique, 4);
    assert_int_equal(a.all_logical, 14);
    assert_int_equal(a.all_unique, 10);
    assert_int_equal(a.all_unique_bytes, 8 * 4 + 2 * 2);
    assert_int_equal(a.base, LFUSE_BASE_ALL);
    assert_true(a.ratio == 1.4);
    assert_int_equal(lft_plan_fusion(t, plan, 0).saved_parameters, 4);
    assert_true(lft_plan_fusion(t, plan, 0).score == 0.5); /* the mean of 1 and 0 */
    lfuse_plan_destroy(plan);
    o.ratio = 1.5;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE, "of all parameters is out of reach");
}

/* A type of layers without weights has no candidates. */
static void layers_without_weights_stay_out(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_add(t, lft_plan_bare(t, "norm0", "N"), "scale", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, 1, 2, 0));
    lft_plan_add(t, lft_plan_bare(t, "norm1", "N"), "scale", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, 1, 2, 0));
    plan = lft_plan_build(t, lft_plan_best(1));
    assert_int_equal(lfuse_plan_fusion_count(plan), 0);
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 0);
    assert_int_equal(lft_plan_account(t, plan).all_logical, 6);
    lfuse_plan_destroy(plan);
}

static void a_layer_without_weights_among_those_with_some_is_refused(void **state)
{
    struct lft *t = *state;

    lft_plan_add(t, lft_plan_bare(t, "norm", "A"), "scale", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, 1, 2, 0));
    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_NAME,
                   "param type A: layer l0 has 1 weights, norm has 0");
}

/* Three that join at positions 10, 4, 1, and one that moves the middle: of 0 and 10 it is 5, of
 * 1 and 20 it is 10.5. */
static void keep_chooses_the_member_whose_buffer_stays(void **state)
{
    struct lft *t = *state;
    static const struct {
        int32_t outer;
        int64_t kept[5]; /* by default, farthest, nearest, first, last */
    } cases[] = {{0, {0, 0, 1, 2, 0}}, {20, {2, 2, 0, 2, 0}}};
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;
    int i;

    lft_plan_at(t, "l0", "A", 10, 0.0f);
    lft_plan_at(t, "l1", "A", 4, 1.0f);
    lft_plan_at(t, "l2", "A", 1, 3.0f);
    for (i = 0; i < 2; i++) {
        lft_plan_at(t, i == 0 ? "before" : "after", i == 0 ? "B" : "C", cases[i].outer,
                    0.0f);
        for (o.keep = 0; o.keep <= LFUSE_KEEP_LAST; o.keep++) {
            plan = lft_plan_build(t, o);
            assert_int_equal(lfuse_plan_group_count(plan), 1);
            assert_int_equal(lfuse_plan_group_kept(plan, 0), cases[i].kept[o.keep]);
            lfuse_plan_destroy(plan);
        }
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    }
}

/* Rows (1, 0), (0, 1), (2, 3) and twice that: |cos| and alignment are 1, the distance is not
 * least: the random third is nearer to the first. */
static void similarities_rank_from_the_top(void **state)
{
    struct lft *t = *state;
    lfuse_metric metrics[] = {LFUSE_METRIC_COSINE, LFUSE_METRIC_COVARIANCE};
    lfuse_plan_options o = lft_plan_best(1);
    float *w[3];
    lfuse_plan *plan;
    int i;

    for (i = 0; i < 3; i++) {
        const char *names[] = {"l0", "l1", "l2"};
        lfuse_tensor *weight = lft_tensor(t, LFUSE_F32, 7, 3, 2, 0);

        w[i] = lfuse_tensor_data(weight);
        lft_layer(t, names[i], "A", i, weight, NULL, NULL);
    }
    for (i = 0; i < 6; i++) {
        const float row[] = {1, 0, 0, 1, 2, 3}, other[] = {1, 0.5f, 0, 1, 2.5f, 2};

        w[0][i] = row[i];
        w[1][i] = other[i];
        w[2][i] = 2 * row[i];
    }
    plan = lft_plan_build(t, o);
    assert_int_equal(lft_plan_fusion(t, plan, 0).b, 1);
    lfuse_plan_destroy(plan);
    for (i = 0; i < 2; i++) {
        o.metric = metrics[i];
        plan = lft_plan_build(t, o);
        assert_int_equal(lft_plan_fusion(t, plan, 0).a, 0);
        assert_int_equal(lft_plan_fusion(t, plan, 0).b, 2);
        /* similarity.h: 1 within 1e-12 for equal inputs; a factor 2 is exact */
        assert_true(fabs(lft_plan_fusion(t, plan, 0).score - 1.0) <= 1e-12);
        lfuse_plan_destroy(plan);
    }
}

/* The same scores to the bit, so the same plan. */
static void a_plan_does_not_depend_on_the_number_of_threads(void **state)
{
    struct lft *t = *state;
    lfuse_metric metric;
    int i, threads;

    for (i = 0; i < 6; i++) {
        const char *names[] = {"l0", "l1", "l2", "l3", "l4", "l5"};

        lft_layer(t, names[i], i < 4 ? "A" : "B", i,
                  lft_tensor(t, LFUSE_F32, (uint64_t)i, 37, 19, 0), NULL, NULL);
    }
    for (metric = LFUSE_METRIC_EUCLIDEAN; metric <= LFUSE_METRIC_COVARIANCE; metric++) {
        lfuse_plan_options o = lft_plan_best(4);
        lfuse_plan *expected;

        o.metric = metric;
        expected = lft_plan_build(t, o);
        assert_int_equal(lfuse_plan_fusion_count(expected), 4);
        for (threads = 2; threads <= 3; threads++) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
            lfuse_plan *plan;

            lft_ok(t, lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers, 6, &o,
                                       &plan, &t->err));
            for (i = 0; i < 4; i++) {
                const lfuse_fusion f = lft_plan_fusion(t, expected, i),
                                   g = lft_plan_fusion(t, plan, i);

                assert_memory_equal(&f, &g, sizeof(f));
            }
            lfuse_plan_destroy(plan);
            lfuse_context_destroy(ctx);
        }
        lfuse_plan_destroy(expected);
    }
}

static void a_plan_outlives_its_layers(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    assert_string_equal(lfuse_plan_layer_name(plan, 3), "l3");
    lft_plan_check(t, plan, 0, 1, 2, 1, 1.0);
    lfuse_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_most_alike_join_first_until_the_ratio_is_reached),
        lft_test(pairs_that_score_alike_come_in_the_order_of_their_layers),
        lft_test(types_rank_together_and_never_mix),
        lft_test(the_kept_member_is_the_farthest_from_the_middle_or_the_earlier),
        lft_test(no_group_grows_past_max_group),
        lft_test(the_earlier_of_ratio_and_top_k_ends_the_plan),
        lft_test(a_ratio_that_is_met_gives_an_empty_plan),
        lft_test(layers_tied_before_count_as_one),
        lft_test(only_weights_fuse_and_statistics_are_not_counted),
        lft_test(layers_without_weights_stay_out),
        lft_test(a_layer_without_weights_among_those_with_some_is_refused),
        lft_test(keep_chooses_the_member_whose_buffer_stays),
        lft_test(similarities_rank_from_the_top),
        lft_test(a_plan_does_not_depend_on_the_number_of_threads),
        lft_test(a_plan_outlives_its_layers),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
