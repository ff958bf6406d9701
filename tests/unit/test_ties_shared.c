/* test_ties_shared.c - layers that share memory before any tie, and plans of others; see ties.h */
#include "lft_plan.h"
#include "lft_ties.h"

static void create_fails(struct lft *t, const char *text)
{
    const lfuse_plan_options plan = lft_plan_ratio(1.0);
    const lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    lfuse_ties *ties = (lfuse_ties *)t;
    lfuse_retrainer *r = (lfuse_retrainer *)t;

    lft_fails(t,
              lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err),
              LFUSE_ERR_STATE, text);
    assert_null(ties);
    lft_fails(t,
              lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &o, &r, &t->err),
              LFUSE_ERR_STATE, text);
    assert_null(r);
}

static void weights_over_one_address_are_refused(void **state)
{
    struct lft *t = *state;
    float memory[2] = {1.0f, 1.0f};

    lft_at(t, "l0", 0, 0.0f);
    lft_layer(t, "l1", "A", 1, lft_borrow(t, LFUSE_F32, memory, 2, 0), NULL, NULL);
    lft_layer(t, "l2", "A", 2, lft_borrow(t, LFUSE_F32, memory, 2, 0), NULL, NULL);
    create_fails(t, "the value of weight of layer l1 and of weight of layer l2");
}

static void a_tensor_given_to_two_layers_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared = lft_pair(t, 1.0f, 1.0f);

    lft_layer(t, "l0", "A", 0, lft_pair(t, 1.0f, 1.0f), shared, NULL);
    lft_layer(t, "l1", "A", 1, lft_pair(t, 1.0f, 1.0f), shared, NULL);
    create_fails(t, "the gradient of weight of layer l0 and of weight of layer l1");
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    lft_layer(t, "l2", "A", 0, lft_pair(t, 1.0f, 1.0f), NULL, shared);
    lft_layer(t, "l3", "A", 1, lft_pair(t, 1.0f, 1.0f), NULL, shared);
    create_fails(t, "the state of weight of layer l2 and of weight of layer l3");
}

/* 'out' could not fuse, but l0 could take its memory away. */
static void sharing_with_a_layer_that_cannot_fuse_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared = lft_pair(t, 1.0f, 1.0f);

    lft_layer(t, "out", "head", 2, shared, NULL, NULL);
    lft_layer(t, "l0", "A", 0, shared, NULL, NULL);
    lft_at(t, "l1", 1, 0.0f);
    create_fails(t, "the value of weight of layer out and of weight of layer l0");
}

static void layers_tied_by_other_ties_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    lfuse_ties_destroy(ties);
    create_fails(t, "the value of weight of layer l0 and of weight of layer l1");
}

static void layers_that_cannot_fuse_may_share(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared = lft_pair(t, 1.0f, 1.0f);
    lfuse_ties *ties;

    lft_four(t);
    lft_layer(t, "in", "embedding", 4, shared, NULL, NULL);
    lft_layer(t, "out", "head", 5, shared, NULL, NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    lfuse_ties_destroy(ties);
}

/* ---- plans of other layers ------------------------------------------------------------------- */

/* Two layers named l0 and l1, whose 2 x 2 weights have this output axis. */
static void two(struct lft *t, const char *type, int32_t output_axis)
{
    int i;

    for (i = 0; i < 2; i++)
        lft_plan_add(t, lft_plan_bare(t, i == 0 ? "l0" : "l1", type), "weight",
                     LFUSE_ROLE_WEIGHT, output_axis,
                     lft_tensor(t, LFUSE_F32, (uint64_t)i, 2, 2, 0));
}

static void a_plan_of_another_type_or_axis_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *others;
    lfuse_plan *plan;

    two(t, "A", 0);
    plan = lft_plan_build(t, lft_plan_best(1));
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    two(t, "B", 0);
    others = lft_ties_of(t, lft_ties_defaults());
    lft_fails(t, lfuse_ties_apply(others, plan, &t->err), LFUSE_ERR_NAME,
              "layer l0 is of param type B, in the plan of A");
    lfuse_ties_destroy(others);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    two(t, "A", 1);
    others = lft_ties_of(t, lft_ties_defaults());
    lft_fails(t, lfuse_ties_apply(others, plan, &t->err), LFUSE_ERR_SHAPE,
              "output_axis of weight of layer l0 is 1, in the plan 0");
    assert_int_equal(lfuse_ties_owner(others, 1), 1);
    lfuse_ties_destroy(others);
    lfuse_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(weights_over_one_address_are_refused),
        lft_test(a_tensor_given_to_two_layers_is_refused),
        lft_test(sharing_with_a_layer_that_cannot_fuse_is_refused),
        lft_test(layers_tied_by_other_ties_are_refused),
        lft_test(layers_that_cannot_fuse_may_share),
        lft_test(a_plan_of_another_type_or_axis_is_refused),
    };

    return cmocka_run_group_tests_name("ties_shared", tests, NULL, NULL);
}
