/* test_plan_errors.c - what plan.h refuses */
#include "lft_plan.h"

#include <math.h>
#include <string.h>

/* ---- what is refused ---------------------------------------------------------------------- */

static void null_arguments_are_refused(void **state)
{
    struct lft *t = *state;
    const lfuse_layer *const *layers = (const lfuse_layer *const *)t->layers;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan = (lfuse_plan *)t;

    lft_plan_five(t);
    lft_fails(t, lfuse_plan_build(t->ctx, layers, 5, &o, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "plan is NULL");
    lft_fails(t, lfuse_plan_build(NULL, layers, 5, &o, &plan, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    assert_null(plan);
    plan = (lfuse_plan *)t;
    lft_fails(t, lfuse_plan_build(t->ctx, NULL, 5, &o, &plan, &t->err),
              LFUSE_ERR_ARGUMENT, "layers is NULL");
    assert_null(plan);
    plan = (lfuse_plan *)t;
    lft_fails(t, lfuse_plan_build(t->ctx, layers, 5, NULL, &plan, &t->err),
              LFUSE_ERR_ARGUMENT, "options is NULL");
    assert_null(plan);
    plan = (lfuse_plan *)t;
    lft_fails(t, lfuse_plan_build(t->ctx, layers, 0, &o, &plan, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    assert_null(plan);
    plan = (lfuse_plan *)t;
    lft_fails(t, lfuse_plan_build(t->ctx, layers, 6, &o, &plan, &t->err),
              LFUSE_ERR_ARGUMENT, "layers[5] is NULL");
    assert_null(plan);
    assert_int_equal(lfuse_plan_build(t->ctx, layers, 0, &o, &plan, NULL),
                     LFUSE_ERR_ARGUMENT);
}

static void options_out_of_range_are_refused(void **state)
{
    const lfuse_similarity_options block = {.struct_size = sizeof(block), .block = -2};
    const lfuse_similarity_options cka = {.struct_size = sizeof(cka),
                                          .metric = LFUSE_METRIC_LINEAR_CKA};
    struct lft *t = *state;
    const struct {
        lfuse_plan_options o;
        const char *text;
    } cases[] = {
        {{.ratio = 0.5}, "options.ratio is 0.5"},
        {{.ratio = -2.0}, "options.ratio is -2"},
        {{.ratio = NAN}, "options.ratio is"},
        {{.ratio = INFINITY}, "options.ratio is inf"},
        {{.ratio = 0.0},
         "options gives neither ratio, top_k, max_unique_bytes nor threshold"},
        {{.top_k = -1}, "options.top_k is -1"},
        {{.top_k = 1, .similarity = &block}, "options.similarity.block is -2"},
        {{.top_k = 1, .max_group = -1}, "options.max_group is -1"},
        {{.top_k = 1, .metric = 99}, "options.similarity.metric is 99"},
        {{.top_k = 1, .metric = -1}, "options.similarity.metric is -1"},
        {{.top_k = 1, .metric = 2, .similarity = &cka},
         "options.metric is 2, options.similarity.metric is 4"},
        {{.top_k = 1, .policy = 99}, "options.policy is 99"},
        {{.top_k = 1, .freeze_gradient = 3}, "options.freeze_gradient is 3"},
        {{.top_k = 1, .freeze_gradient = -1}, "options.freeze_gradient is -1"},
        {{.top_k = 1, .scope = 3}, "options.scope is 3"},
        {{.top_k = 1, .linkage = 5}, "options.linkage is 5"},
        {{.top_k = 1, .linkage = -1}, "options.linkage is -1"},
        {{.top_k = 1, .flags = 1u << 31}, "options.flags has unknown bits: 0x80000000"},
        {{.top_k = 1, .threshold = NAN, .flags = 1}, "options.threshold is nan"},
        {{.top_k = 1, .threshold = INFINITY, .flags = 1}, "options.threshold is inf"},
        {{.top_k = 1, .rule_count = -1}, "options.rule_count is -1, rules is NULL"},
        {{.top_k = 1, .rule_count = 1}, "options.rule_count is 1, rules is NULL"},
        {{.top_k = 1, .threshold = 0.5},
         "options.threshold is 0.5, without LFUSE_PLAN_FLAG_THRESHOLD"},
        {{.top_k = 1, .unit = 3}, "options.unit is 3"},
        {{.top_k = 1, .base = 3}, "options.base is 3"},
        {{.top_k = 1, .keep = 6}, "options.keep is 6"},
        {{.top_k = 1, .keep = -1}, "options.keep is -1"},
    };
    struct {
        lfuse_plan_options o;
        int64_t later;
    } newer;
    size_t i;

    lft_plan_five(t);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lfuse_plan_options o = cases[i].o;

        o.struct_size = sizeof(o);
        lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT, cases[i].text);
    }
    lfuse_plan_options_init(&newer.o, sizeof(newer));
    newer.o.top_k = 1;
    newer.later = 1;
    {
        lfuse_plan *plan;

        lft_fails(t, lft_plan_try(t, &newer.o, &plan), LFUSE_ERR_UNSUPPORTED, "options");
        assert_null(plan);
        newer.later = 0;
        lft_ok(t, lft_plan_try(t, &newer.o, &plan));
        lfuse_plan_destroy(plan);
    }
}

static void a_layer_without_parameters_is_refused(void **state)
{
    struct lft *t = *state;

    lft_plan_bare(t, "empty", "A");
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_ARGUMENT,
                   "layer empty has no parameters");
}

static void two_layers_of_one_name_are_refused(void **state)
{
    struct lft *t = *state;

    lft_plan_at(t, "twin", "A", 0, 0.0f);
    lft_plan_at(t, "other", "A", 1, 0.0f);
    lft_plan_at(t, "twin", "B", 2, 0.0f);
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_NAME,
                   "layers[0] and layers[2] are both named twin");
}

static void weights_of_one_type_have_one_name_shape_axis_and_type(void **state)
{
    struct lft *t = *state;
    lfuse_layer *l;

    lft_plan_at(t, "a", "names", 0, 0.0f);
    l = lft_plan_bare(t, "b", "names");
    lft_plan_add(t, l, "kernel", 0, 0, lft_tensor(t, LFUSE_F32, 1, 2, 0));
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_NAME,
                   "weight 0 of layer a is named weight, of b kernel");
    lft_plan_add(t, l, "weight", 0, 0, lft_tensor(t, LFUSE_F32, 1, 2, 0));
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_NAME, "layer a has 1 weights, b has 2");
    t->layer_count = 1;
    lfuse_layer_destroy(l);

    l = lft_layer(t, "b", "names", 1, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL, NULL);
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_SHAPE,
                   "weight of layer a is [2], of b [3]");
    t->layer_count = 1;
    lfuse_layer_destroy(l);

    l = lft_layer(t, "b", "names", 1, lft_tensor(t, LFUSE_F64, 1, 2, 0), NULL, NULL);
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_TYPE,
                   "weight of layer a is f32, of b f64");
    t->layer_count = 1;
    lfuse_layer_destroy(l);

    lft_plan_add(t, lft_plan_bare(t, "c", "axes"), "weight", 0, 0,
                 lft_tensor(t, LFUSE_F32, 1, 2, 2, 0));
    lft_plan_add(t, lft_plan_bare(t, "d", "axes"), "weight", 0, 1,
                 lft_tensor(t, LFUSE_F32, 1, 2, 2, 0));
    lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_SHAPE,
                   "output_axis of weight of layer c is 0, of d 1");
}

static void what_is_not_finite_is_named(void **state)
{
    struct lft *t = *state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    lfuse_parameter p;
    int i;

    lft_plan_five(t);
    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_layer_parameter(t->layers[3], 0, &p, &t->err));
    for (i = 0; i < 3; i++) {
        ((float *)lfuse_tensor_data(p.value))[1] = bad[i];
        lft_plan_fails(t, lft_plan_best(1), LFUSE_ERR_NOT_FINITE,
                       "element 1 of parameter weight of layer l3 is not finite");
    }
}

static void an_undefined_metric_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);

    lft_plan_five(t); /* l0 is all zero */
    o.metric = LFUSE_METRIC_COSINE;
    lft_plan_fails(t, o, LFUSE_ERR_DEGENERATE, "l0");
}

static void ties_over_other_layers_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_layer *swapped[5];
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, 4, NULL, &ties, &t->err));
    o.in_force = ties;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT, "in_force is over 4 layers, count is 5");
    lfuse_ties_destroy(ties);
    memcpy(swapped, t->layers, sizeof(swapped));
    swapped[1] = t->layers[2];
    swapped[2] = t->layers[1];
    lft_ok(t, lfuse_ties_create(t->ctx, swapped, 5, NULL, &ties, &t->err));
    o.in_force = ties;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT, "its layer 1 is l2, layers[1] is l1");
    lfuse_ties_destroy(ties);
}

struct watch {
    int64_t calls;
    int64_t last;
    int64_t total;
    int64_t stop_at;
};

static int32_t watch(const char *what, int64_t done, int64_t total, void *user)
{
    struct watch *w = user;

    assert_string_equal(what, "similarity");
    assert_true(done >= w->last && done <= total);
    w->last = done;
    w->total = total;
    return w->calls++ == w->stop_at ? 42 : 0;
}

/* A: 10 pairs, B: 1. */
static void progress_counts_the_pairs_of_all_types_and_can_stop(void **state)
{
    struct lft *t = *state;
    struct watch w = {.stop_at = -1};
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_context_options co;
    lfuse_context *ctx;
    lfuse_plan *plan;
    int64_t k, calls;

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 0.0f);
    lft_plan_at(t, "b1", "B", 6, 0.0f);
    lfuse_context_options_init(&co, sizeof(co));
    co.allocator = lft_allocator(&t->memory);
    co.progress = watch;
    co.progress_user = &w;
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    lft_ok(t, lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers, 7, &o, &plan,
                               &t->err));
    lfuse_plan_destroy(plan);
    assert_int_equal(w.last, 11);
    assert_int_equal(w.total, 11);
    calls = w.calls;
    assert_true(calls >= 2);
    for (k = 0; k < calls; k++) {
        w = (struct watch){.stop_at = k};
        plan = (lfuse_plan *)t;
        lft_fails(t,
                  lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers, 7, &o,
                                   &plan, &t->err),
                  LFUSE_ERR_CANCELLED, "similarity");
        assert_int_equal(t->err.detail, 42);
        assert_null(plan);
    }
    lfuse_context_destroy(ctx);
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
    lfuse_plan_options o = lft_plan_ratio(2.0);

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 0.0f);
    lft_plan_at(t, "b1", "B", 6, 0.0f);
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

static void what_is_out_of_range_has_an_answer(void **state)
{
    struct lft *t = *state;
    lfuse_fusion f, before;
    lfuse_account a, a_before;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    lfuse_fusion_init(&f, sizeof(f));
    f.a = 77;
    before = f;
    lft_fails(t, lfuse_plan_fusion(NULL, 0, &f, &t->err), LFUSE_ERR_ARGUMENT,
              "plan is NULL");
    lft_fails(t, lfuse_plan_fusion(plan, 1, &f, &t->err), LFUSE_ERR_ARGUMENT,
              "index is 1, the plan has 1 fusions");
    lft_fails(t, lfuse_plan_fusion(plan, -1, &f, &t->err), LFUSE_ERR_ARGUMENT,
              "index is -1");
    lft_fails(t, lfuse_plan_fusion(plan, 0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "fusion is NULL");
    assert_memory_equal(&f, &before, sizeof(f));
    lfuse_account_init(&a, sizeof(a));
    a.all_unique = 77;
    a_before = a;
    lft_fails(t, lfuse_plan_account(NULL, &a, &t->err), LFUSE_ERR_ARGUMENT,
              "plan is NULL");
    lft_fails(t, lfuse_plan_account(plan, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "account is NULL");
    assert_memory_equal(&a, &a_before, sizeof(a));
    assert_int_equal(lfuse_plan_fusion_count(NULL), 0);
    assert_int_equal(lfuse_plan_layer_count(NULL), 0);
    assert_null(lfuse_plan_layer_name(NULL, 0));
    assert_null(lfuse_plan_layer_name(plan, 5));
    assert_null(lfuse_plan_layer_name(plan, -1));
    assert_int_equal(lfuse_plan_group_count(NULL), 0);
    assert_int_equal(lfuse_plan_group_size(NULL, 0), 0);
    assert_int_equal(lfuse_plan_group_size(plan, 1), 0);
    assert_int_equal(lfuse_plan_group_size(plan, -1), 0);
    assert_int_equal(lfuse_plan_group_member(plan, 0, 2), -1);
    assert_int_equal(lfuse_plan_group_member(plan, 0, -1), -1);
    assert_int_equal(lfuse_plan_group_member(plan, 1, 0), -1);
    assert_int_equal(lfuse_plan_group_member(NULL, 0, 0), -1);
    assert_int_equal(lfuse_plan_group_kept(plan, 1), -1);
    assert_int_equal(lfuse_plan_group_kept(NULL, 0), -1);
    lfuse_plan_destroy(plan);
    lfuse_plan_destroy(NULL);
}

static void policies_have_names(void **state)
{
    struct lft *t = *state;
    lfuse_policy policy = 77;

    lft_fails(t, lfuse_policy_from_name("mean", &policy, &t->err), LFUSE_ERR_ARGUMENT,
              "policy mean is unknown; known are average, freeze");
    lft_fails(t, lfuse_policy_from_name(NULL, &policy, &t->err), LFUSE_ERR_ARGUMENT,
              "name is NULL");
    assert_int_equal(policy, 77);
    lft_fails(t, lfuse_policy_from_name("freeze", NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "policy is NULL");
    lft_ok(t, lfuse_policy_from_name("freeze", &policy, &t->err));
    assert_int_equal(policy, LFUSE_POLICY_FREEZE);
    lft_ok(t, lfuse_policy_from_name("average", &policy, &t->err));
    assert_int_equal(policy, LFUSE_POLICY_AVERAGE);
    assert_string_equal(lfuse_policy_name(LFUSE_POLICY_AVERAGE), "average");
    assert_string_equal(lfuse_policy_name(LFUSE_POLICY_FREEZE), "freeze");
    assert_string_equal(lfuse_policy_name(0), "?");
}

static void init_clears_the_bytes_the_caller_has(void **state)
{
    unsigned char bytes[sizeof(lfuse_plan_options) + 8];
    size_t size = 16, got;

    (void)state;
    memset(bytes, 0xee, sizeof(bytes));
    lfuse_plan_options_init((lfuse_plan_options *)(void *)bytes, size);
    memcpy(&got, bytes, sizeof(got));
    assert_int_equal(got, size);
    assert_int_equal(bytes[15], 0);
    assert_int_equal(bytes[16], 0xee);
    lfuse_fusion_init((lfuse_fusion *)(void *)bytes, 24);
    assert_int_equal(bytes[23], 0);
    assert_int_equal(bytes[24], 0xee);
    lfuse_account_init((lfuse_account *)(void *)bytes, 32);
    assert_int_equal(bytes[31], 0);
    assert_int_equal(bytes[32], 0xee);
    lfuse_plan_options_init(NULL, 8);
    lfuse_fusion_init(NULL, 8);
    lfuse_account_init(NULL, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(null_arguments_are_refused),
        lft_test(options_out_of_range_are_refused),
        lft_test(a_layer_without_parameters_is_refused),
        lft_test(two_layers_of_one_name_are_refused),
        lft_test(weights_of_one_type_have_one_name_shape_axis_and_type),
        lft_test(what_is_not_finite_is_named),
        lft_test(an_undefined_metric_is_an_error),
        lft_test(ties_over_other_layers_are_refused),
        lft_test(progress_counts_the_pairs_of_all_types_and_can_stop),
        lft_test(every_refused_allocation_is_an_error),
        lft_test(what_is_out_of_range_has_an_answer),
        lft_test(policies_have_names),
        lft_test(init_clears_the_bytes_the_caller_has),
    };

    return cmocka_run_group_tests_name("plan_errors", tests, NULL, NULL);
}
