/* test_ties_js.c - members that keep their weights and share their gradients */
#include "lft_ties.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6, COLUMNS = 4, ELEMENTS = ROWS * COLUMNS };

/* Layers h.0 .. h.<count - 1> with random weights and gradients, of one param type. */
static void network(struct lft *t, int count)
{
    char name[16];
    int i;

    for (i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "h.%d", i);
        lft_layer(t, name, "h.*", i,
                  lft_tensor(t, LFUSE_F32, (uint64_t)(i + 1), ROWS, COLUMNS, 0),
                  lft_tensor(t, LFUSE_F32, (uint64_t)(i + 50), ROWS, COLUMNS, 0),
                  lft_tensor(t, LFUSE_F32, (uint64_t)(i + 90), ROWS, COLUMNS, 0));
    }
}

static lfuse_plan *plan_of(struct lft *t, const lfuse_ties *ties, int64_t top_k)
{
    return lft_plan_with(t, ties, top_k, LFUSE_POLICY_JS, 0);
}

/* The metric js of the two layers, at most 1/2. */
static double share_of(struct lft *t, const lfuse_fusion *f)
{
    lfuse_similarity_options o;
    double gamma;

    lfuse_similarity_options_init(&o, sizeof(o));
    o.metric = LFUSE_METRIC_JS;
    lft_ok(t,
           lfuse_similarity(t->ctx, lft_parameter(t, (int)f->a, 0).value,
                            lft_parameter(t, (int)f->b, 0).value, &o, &gamma, &t->err));
    assert_true(f->gamma == gamma && gamma > 0.0);
    return fmin(gamma, 0.5);
}

static lfuse_fusion fusion(struct lft *t, const lfuse_plan *plan, int64_t index)
{
    lfuse_fusion f;

    lfuse_fusion_init(&f, sizeof(f));
    lft_ok(t, lfuse_plan_fusion(plan, index, &f, &t->err));
    return f;
}

static float *copy_of(const float *values)
{
    float *copy = malloc(ELEMENTS * sizeof(*copy));

    assert_non_null(copy);
    memcpy(copy, values, ELEMENTS * sizeof(*copy));
    return copy;
}

/* Rounded once to f32, of numbers below 1. */
static void assert_blend(const float *got, const float *own, const float *other,
                         double share)
{
    int e;

    for (e = 0; e < ELEMENTS; e++)
        assert_true(fabs((double)got[e] - ((1.0 - share) * (double)own[e] +
                                           share * (double)other[e])) <= FLT_EPSILON);
}

static void two_members_keep_weights_and_share_gradients(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;
    lfuse_fusion f;
    float *weight[2], *grad[2];
    double share;
    int a, b;

    network(t, 2);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = plan_of(t, ties, 1);
    f = fusion(t, plan, 0);
    a = (int)f.a;
    b = (int)f.b;
    share = share_of(t, &f);
    weight[0] = copy_of(lft_weight(t, a));
    weight[1] = copy_of(lft_weight(t, b));
    grad[0] = copy_of(lft_gradient(t, a));
    grad[1] = copy_of(lft_gradient(t, b));
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    assert_memory_equal(lft_weight(t, a), weight[0], ELEMENTS * sizeof(float));
    assert_memory_equal(lft_weight(t, b), weight[1], ELEMENTS * sizeof(float));
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_blend(lft_gradient(t, a), grad[0], grad[1], share);
    assert_blend(lft_gradient(t, b), grad[1], grad[0], share);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    assert_blend(lft_weight(t, a), weight[0], weight[1], 0.5);
    assert_memory_equal(lft_weight(t, a), lft_weight(t, b), ELEMENTS * sizeof(float));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    assert_memory_equal(lft_weight(t, b), weight[1], ELEMENTS * sizeof(float));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_ptr_equal(lft_weight(t, a), lft_weight(t, b));
    assert_blend(lft_weight(t, a), weight[0], weight[1], 0.5);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    assert_memory_equal(lft_weight(t, a), weight[0], ELEMENTS * sizeof(float));
    assert_memory_equal(lft_weight(t, b), weight[1], ELEMENTS * sizeof(float));
    for (a = 0; a < 2; a++) {
        free(weight[a]);
        free(grad[a]);
    }
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Two are tied first: they are one source, whose gradient is their mean; the third another. */
static void members_tied_before_are_one_source(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;
    float *grad[3], pair[ELEMENTS];
    lfuse_fusion f;
    double share;
    int i, e, apart, kept;

    network(t, 3);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    for (apart = 0; lfuse_ties_owner(ties, apart) != apart ||
                    lfuse_ties_owner(ties, (apart + 1) % 3) == apart ||
                    lfuse_ties_owner(ties, (apart + 2) % 3) == apart;
         apart++)
        ;
    kept = (int)lfuse_ties_owner(ties, (apart + 1) % 3);
    for (i = 0; i < 3; i++)
        grad[i] = copy_of(lft_gradient(t, i));
    for (e = 0; e < ELEMENTS; e++)
        pair[e] = (float)(0.5 * ((double)grad[(apart + 1) % 3][e] +
                                 (double)grad[(apart + 2) % 3][e]));
    plan = plan_of(t, ties, 1);
    f = fusion(t, plan, 0);
    share = share_of(t, &f);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_show(t, ties, LFUSE_SHOW_MIX, 3);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    assert_blend(lft_gradient(t, kept), pair, grad[apart], share);
    assert_blend(lft_gradient(t, apart), grad[apart], pair, share);
    for (i = 0; i < 3; i++)
        free(grad[i]);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Biases stay each position's own: under js nothing is drawn. */
static void biases_stay_per_position(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;

    network(t, 2);
    lft_add(t, 0, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 1.0f, 2.0f), NULL);
    lft_add(t, 1, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 3.0f, 4.0f), NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    plan = plan_of(t, ties, 1);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    assert_true(lft_floats(lft_parameter(t, 0, 1).value)[0] == 1.0f);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_true(lft_floats(lft_parameter(t, 0, 1).value)[1] == 2.0f);
    assert_true(lft_floats(lft_parameter(t, 1, 1).value)[0] == 3.0f);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static lfuse_status once(struct lft *t, void *arg)
{
    lfuse_ties *ties = arg;
    lfuse_plan_options o;
    lfuse_plan *plan;
    lfuse_status status;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 2;
    o.policy = LFUSE_POLICY_JS;
    status = lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers,
                              t->layer_count, &o, &plan, &t->err);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(ties, plan, &t->err);
    lfuse_plan_destroy(plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_undo(ties, &t->err);
    return status;
}

static void undo_gives_back_every_bit_whatever_memory_was_refused(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_ties *ties;

    network(t, 4);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &before);
    lft_every_allocation_fails(t, once, ties);
    lft_check_bytes(t, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

/* No bit of the gradients depends on the number of threads. */
static void threads_change_no_bit(void **state)
{
    struct lft *t = *state;
    float *one = NULL;
    int threads;

    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_ties_options o = lft_ties_defaults();
        lfuse_ties *ties;
        lfuse_plan *plan;
        int first = t->layer_count;

        network(t, 3);
        lft_ok(t, lfuse_ties_create(ctx, t->layers + first, 3, &o, &ties, &t->err));
        {
            lfuse_plan_options p;

            lfuse_plan_options_init(&p, sizeof(p));
            p.top_k = 2;
            p.policy = LFUSE_POLICY_JS;
            lft_ok(t, lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers + first,
                                       3, &p, &plan, &t->err));
        }
        lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
        lft_ok(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, 0, &t->err));
        lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
        if (threads == 1)
            one = copy_of(lft_gradient(t, first + 2));
        assert_memory_equal(lft_gradient(t, first + 2), one, ELEMENTS * sizeof(float));
        lfuse_plan_destroy(plan);
        lfuse_ties_destroy(ties);
        lfuse_context_destroy(ctx);
    }
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(two_members_keep_weights_and_share_gradients),
        lft_test(members_tied_before_are_one_source),
        lft_test(biases_stay_per_position),
        lft_test(undo_gives_back_every_bit_whatever_memory_was_refused),
        lft_test(threads_change_no_bit),
    };

    return cmocka_run_group_tests_name("ties_js", tests, NULL, NULL);
}
