/* test_plan_skips.c - see plan.h: layers that are left out, and why */
#include "lft_plan.h"

#include <math.h>
#include <string.h>

static lfuse_layer *at_kind(struct lft *t, const char *name, lfuse_layer_kind kind,
                            int32_t position)
{
    lfuse_layer_desc desc;
    lfuse_layer *layer;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = "A";
    desc.kind = kind;
    desc.position = position;
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &layer, &t->err));
    t->layers[t->layer_count++] = layer;
    lft_plan_add(t, layer, "weight", 0, 0,
                 lft_tensor(t, LFUSE_F32, (uint64_t)position, 2, 0));
    return layer;
}

static void check_skip(const lfuse_plan *plan, int64_t index, int64_t layer,
                       const char *reason)
{
    assert_int_equal(lfuse_plan_skipped(plan, index), layer);
    if (strstr(lfuse_plan_skipped_reason(plan, index), reason) == NULL)
        fail_msg("%s is not in %s", reason, lfuse_plan_skipped_reason(plan, index));
}

static lfuse_plan_options all(uint32_t flags)
{
    lfuse_plan_options o = lft_plan_best(100);

    o.flags = flags;
    return o;
}

/* ---- ends -------------------------------------------------------------------------------- */

static void ends_of_another_kind_do_not_fuse_unless_asked_for(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    at_kind(t, "middle", LFUSE_LAYER_LINEAR, 2);
    at_kind(t, "embedding", LFUSE_LAYER_EMBEDDING, 0);
    at_kind(t, "other", LFUSE_LAYER_LINEAR, 1);
    at_kind(t, "odd", LFUSE_LAYER_CONV2D, 3); /* no end */
    at_kind(t, "head", LFUSE_LAYER_OTHER, 4);
    plan = lft_plan_build(t, all(0));
    assert_int_equal(lfuse_plan_group_count(plan), 1);
    assert_int_equal(lfuse_plan_group_size(plan, 0), 3);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 2), 3);
    assert_int_equal(lfuse_plan_skipped_count(plan), 2);
    check_skip(plan, 0, 1, "layer embedding is at the first position, and no other of");
    check_skip(plan, 1, 4, "layer head is at the last position, and no other of");
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 10);
    lfuse_plan_destroy(plan);
    plan = lft_plan_build(t, all(LFUSE_PLAN_FLAG_INCLUDE_ENDS));
    assert_int_equal(lfuse_plan_group_size(plan, 0), 5);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    lfuse_plan_destroy(plan);
}

/* Also where there is one layer besides, or all are at one position: then nothing is an end. */
static void ends_of_the_same_kind_and_networks_without_ends_fuse(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    at_kind(t, "first", LFUSE_LAYER_LINEAR, 0);
    at_kind(t, "last", LFUSE_LAYER_LINEAR, 2);
    at_kind(t, "middle", LFUSE_LAYER_CONV2D, 1);
    plan = lft_plan_build(t, all(0));
    assert_int_equal(lfuse_plan_group_size(plan, 0), 3);
    lfuse_plan_destroy(plan);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    at_kind(t, "a", LFUSE_LAYER_LINEAR, 7);
    at_kind(t, "b", LFUSE_LAYER_CONV2D, 7);
    plan = lft_plan_build(t, all(0));
    assert_int_equal(lfuse_plan_group_size(plan, 0), 2);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    lfuse_plan_destroy(plan);
}

static void
an_end_that_is_excluded_is_not_among_the_skipped_and_cannot_be_forced(void **state)
{
    static const lfuse_plan_rule rules[] = {{"a", LFUSE_PLAN_ACTION_EXCLUDE, 0},
                                            {"[ab]", LFUSE_PLAN_ACTION_FORCE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = all(0);
    lfuse_plan *plan;

    at_kind(t, "a", LFUSE_LAYER_EMBEDDING, 0);
    at_kind(t, "b", LFUSE_LAYER_LINEAR, 1);
    at_kind(t, "c", LFUSE_LAYER_LINEAR, 2);
    o.rules = rules;
    o.rule_count = 1;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    lfuse_plan_destroy(plan);
    o.rules = rules + 1;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT,
                   "rules[0] forces layer a, which is an end of the network");
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* Two of three elements, two of five, one of seven, one of another type, one without any. */
static void layers_of_equal_sizes_fuse_and_the_rest_is_skipped(void **state)
{
    static const int sizes[] = {3, 5, 7, 3, 5};
    static const char *const names[] = {"three0", "five0", "seven", "three1", "five1"};
    struct lft *t = *state;
    lfuse_plan *plan;
    int i;

    for (i = 0; i < 5; i++)
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, 1, sizes[i], 0), NULL,
                  NULL);
    lft_layer(t, "double", "A", 5, lft_tensor(t, LFUSE_F64, 1, 3, 0), NULL, NULL);
    lft_plan_add(t, lft_plan_bare(t, "norm", "A"), "scale", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, 1, 3, 0));
    lft_plan_fails(t, all(0), LFUSE_ERR_NAME, "layer three0 has 1 weights, norm has 0");
    plan = lft_plan_build(t, all(LFUSE_PLAN_FLAG_SKIP_UNEQUAL));
    assert_int_equal(lfuse_plan_group_count(plan), 2);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 1), 3);
    assert_int_equal(lfuse_plan_group_member(plan, 1, 1), 4);
    assert_int_equal(lfuse_plan_skipped_count(plan), 3);
    check_skip(plan, 0, 2, "weight of layer three0 is [3], of seven [7]");
    check_skip(plan, 1, 5, "weight of layer three0 is f32, of double f64");
    check_skip(plan, 2, 6, "norm has 0");
    lfuse_plan_destroy(plan);
}

/* ---- what the metric cannot compare --------------------------------------------------------- */

static void layers_that_cannot_be_compared_are_skipped(void **state)
{
    static const lfuse_metric metrics[] = {
        LFUSE_METRIC_EUCLIDEAN,  LFUSE_METRIC_COSINE, LFUSE_METRIC_COVARIANCE,
        LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_KL,     LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
        LFUSE_METRIC_PROCRUSTES, LFUSE_METRIC_JS,     LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT,
        LFUSE_METRIC_RBF_CKA,
    };
    static const char *const names[] = {"nan", "l1", "l2", "l3"};
    struct lft *t = *state;
    lfuse_linkage linkage;
    size_t m;
    int i;

    for (i = 0; i < 4; i++)
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 5, 4, 0),
                  NULL, NULL);
    ((float *)lfuse_tensor_data(t->tensors[0]))[7] = NAN;
    for (m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++)
        for (linkage = 1; linkage <= LFUSE_LINKAGE_MERGED; linkage++) {
            lfuse_plan_options o = all(0);
            lfuse_plan *plan;

            o.metric = metrics[m];
            o.linkage = linkage;
            lft_plan_fails(t, o, LFUSE_ERR_NOT_FINITE, "nan");
            o.flags = LFUSE_PLAN_FLAG_SKIP_UNEQUAL;
            plan = lft_plan_build(t, o);
            assert_int_equal(lfuse_plan_group_count(plan), 1);
            assert_int_equal(lfuse_plan_group_size(plan, 0), 3);
            assert_int_equal(lfuse_plan_group_member(plan, 0, 0), 1);
            assert_int_equal(lfuse_plan_skipped_count(plan), 1);
            check_skip(plan, 0, 0, "layer nan is NaN at row 1, column 3 of (5, 4)");
            lfuse_plan_destroy(plan);
        }
}

/* Of [x, 0], cosine: l0 is all zero, and b0 the only other of its type's. */
static void a_layer_that_nothing_else_can_be_compared_to_is_skipped(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = all(LFUSE_PLAN_FLAG_SKIP_UNEQUAL);
    lfuse_plan *plan;

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 1.0f);
    lft_plan_at(t, "b1", "B", 6, 0.0f);
    o.metric = LFUSE_METRIC_COSINE;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_group_count(plan), 1);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 0), 1);
    assert_int_equal(lfuse_plan_skipped_count(plan), 3);
    check_skip(plan, 0, 0, "layer l0 is all zero");
    check_skip(plan, 1, 5, "layer b1 is all zero");
    check_skip(plan, 2, 6, "layer b1 is all zero");
    lfuse_plan_destroy(plan);
}

/* 0 to 1 cannot be compared, all others can. */
static int32_t picky(void *user, const lfuse_matrix_view *a, const lfuse_matrix_view *b,
                     double *out)
{
    const float x = *(const float *)a->data, y = *(const float *)b->data;
    const int32_t *refuse = user;

    *out = fabs((double)x - y);
    if (x + y == 1.0f) {
        *out = NAN;
        return *refuse;
    }
    return 0;
}

/* Single links go round what cannot be compared, the others do not join across it. */
static void a_pair_that_cannot_be_compared_keeps_groups_apart(void **state)
{
    struct lft *t = *state;
    int32_t refuse = 0;
    lfuse_similarity_options so = {.struct_size = sizeof(so),
                                   .metric = LFUSE_METRIC_CUSTOM,
                                   .custom = picky,
                                   .custom_user = &refuse};
    lfuse_plan_options o = all(LFUSE_PLAN_FLAG_SKIP_UNEQUAL);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 1.0f);
    lft_plan_at(t, "l2", "A", 2, 3.0f);
    o.similarity = &so;
    for (o.linkage = 1; o.linkage <= LFUSE_LINKAGE_COMPLETE; o.linkage++) {
        plan = lft_plan_build(t, o);
        assert_int_equal(lfuse_plan_skipped_count(plan), 0);
        lft_plan_check(t, plan, 0, 1, 2, 2, 2.0);
        assert_int_equal(lfuse_plan_fusion_count(plan),
                         o.linkage == LFUSE_LINKAGE_SINGLE ? 2 : 1);
        lfuse_plan_destroy(plan);
    }
    refuse = -9; /* a callback that fails is no layer's fault */
    lft_plan_fails(t, o, LFUSE_ERR_CALLBACK, "custom returned -9");
    assert_int_equal(t->err.detail, -9);
}

/* The mean of 1 and -1 is 0, which cosine takes not: with 5 it stays apart. */
static void a_mean_that_cannot_be_compared_keeps_groups_apart(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = all(LFUSE_PLAN_FLAG_SKIP_UNEQUAL);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 1.0f);
    lft_plan_at(t, "l1", "A", 1, -1.0f);
    lft_plan_at(t, "l2", "A", 2, 5.0f);
    o.metric = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT;
    o.linkage = LFUSE_LINKAGE_MERGED;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    assert_int_equal(lft_plan_fusion(t, plan, 0).b, 1);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    lfuse_plan_destroy(plan);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void what_is_out_of_range_has_an_answer(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    assert_int_equal(lfuse_plan_skipped_count(NULL), 0);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    assert_int_equal(lfuse_plan_skipped(plan, 0), -1);
    assert_int_equal(lfuse_plan_skipped(plan, -1), -1);
    assert_int_equal(lfuse_plan_skipped(NULL, 0), -1);
    assert_null(lfuse_plan_skipped_reason(plan, 0));
    assert_null(lfuse_plan_skipped_reason(plan, -1));
    assert_null(lfuse_plan_skipped_reason(NULL, 0));
    lfuse_plan_destroy(plan);
}

static lfuse_status build_and_destroy(struct lft *t, void *arg)
{
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, arg, &plan);

    lfuse_plan_destroy(plan);
    return status;
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = all(LFUSE_PLAN_FLAG_SKIP_UNEQUAL);

    at_kind(t, "embedding", LFUSE_LAYER_EMBEDDING, 0);
    at_kind(t, "a", LFUSE_LAYER_OTHER, 1);
    lft_plan_at(t, "zero", "A", 2, 0.0f);
    lft_plan_at(t, "b", "A", 3, 2.0f);
    lft_layer(t, "long", "A", 4, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL, NULL);
    o.metric = LFUSE_METRIC_COSINE;
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(ends_of_another_kind_do_not_fuse_unless_asked_for),
        lft_test(ends_of_the_same_kind_and_networks_without_ends_fuse),
        lft_test(an_end_that_is_excluded_is_not_among_the_skipped_and_cannot_be_forced),
        lft_test(layers_of_equal_sizes_fuse_and_the_rest_is_skipped),
        lft_test(layers_that_cannot_be_compared_are_skipped),
        lft_test(a_layer_that_nothing_else_can_be_compared_to_is_skipped),
        lft_test(a_pair_that_cannot_be_compared_keeps_groups_apart),
        lft_test(a_mean_that_cannot_be_compared_keeps_groups_apart),
        lft_test(what_is_out_of_range_has_an_answer),
        lft_test(every_refused_allocation_is_an_error),
    };

    return cmocka_run_group_tests_name("plan_skips", tests, NULL, NULL);
}
