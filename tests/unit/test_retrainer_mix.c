/* test_retrainer_mix.c - the hooks around groups that mix: the policy random; see retrainer.h */
#include "lft_plan.h"
#include "lft_ties.h"

#include <string.h>

enum { N = 16 }; /* rows of one element */

/* l0 .. l3 of weights x + i / 100, at x = 0, 1, 4, 6: (l0, l1) are most alike, then (l2, l3). */
static void four(struct lft *t)
{
    static const char *const names[] = {"l0", "l1", "l2", "l3"};
    static const float x[] = {0.0f, 1.0f, 4.0f, 6.0f};
    int i, e;

    for (i = 0; i < 4; i++) {
        lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, N, 0);

        for (e = 0; e < N; e++)
            lft_floats(w)[e] = x[i] + (float)e / 128.0f;
        lft_layer(t, names[i], "A", i, w, lft_tensor(t, LFUSE_F32, 2, N, 0), NULL);
    }
}

static lfuse_retrainer *over(struct lft *t, int32_t fusions)
{
    lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_ties_options ties = lft_ties_keeping();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, fusions, 1);
    lfuse_retrainer *r;

    plan.policy = LFUSE_POLICY_RANDOM;
    o.ties = &ties;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &o, &r, &t->err));
    return r;
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r)
{
    lfuse_verdict verdict = -1;

    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    return verdict;
}

/* One step, the mix of l0 and l1 copied out; ended, or aborted. */
static void step(struct lft *t, lfuse_retrainer *r, float *mixed, int ends)
{
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    memcpy(mixed, lft_weight(t, 0), N * sizeof(float));
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    if (!ends) {
        lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
        return;
    }
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    assert_ptr_not_equal(lft_weight(t, 0), lft_weight(t, 1));
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
}

static void a_step_shows_a_mix_and_the_optimiser_finds_the_sources(void **state)
{
    struct lft *t = *state;
    float first[N], again[N], next[N];
    lfuse_retrainer *r;
    lfuse_parameter p;
    int e;

    four(t);
    r = over(t, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    step(t, r, first, 0);
    step(t, r, again, 1); /* an aborted step has not been: its draws come again */
    assert_memory_equal(first, again, sizeof(first));
    for (e = 0; e < N; e++)
        assert_true(first[e] == (float)e / 128.0f ||
                    first[e] == 1.0f + (float)e / 128.0f);
    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_retrainer_parameter(r, 1, &p, &t->err));
    assert_string_equal(p.layer, "l1");
    assert_true(lft_floats(p.value)[0] == 1.0f);
    /* Each row's gradient went to its source. */
    for (e = 0; e < N; e++)
        assert_true((lft_gradient(t, 0)[e] == 0.0f) != (lft_gradient(t, 1)[e] == 0.0f) ||
                    lft_value(2, e) == 0.0);
    step(t, r, next, 1);
    assert_memory_not_equal(first, next, sizeof(first));
    lfuse_retrainer_destroy(r);
}

static void an_evaluation_sees_the_mean(void **state)
{
    struct lft *t = *state;
    lfuse_retrainer *r;

    four(t);
    r = over(t, 1);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    assert_true(lft_weight(t, 1)[0] == 0.5f);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    lft_fails(t, lfuse_retrainer_finalise(r, &t->err), LFUSE_ERR_STATE,
              "finalise was called, end_eval was expected");
    lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
    assert_true(lft_weight(t, 1)[0] == 1.0f);
    lfuse_retrainer_destroy(r);
}

static void the_end_of_the_schedule_finalises(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_retrainer *r;

    four(t);
    r = over(t, 2);
    lft_take(t, lfuse_retrainer_ties(r), &before);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 2);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    assert_ptr_equal(lft_weight(t, 2), lft_weight(t, 3));
    assert_true(lft_weight(t, 1)[0] == 0.5f && lft_weight(t, 3)[0] == 5.0f);
    assert_int_equal(lfuse_ties_resident_bytes(lfuse_retrainer_ties(r)),
                     (2 + 4) * N * sizeof(float));   /* and the originals */
    lft_ok(t, lfuse_retrainer_finalise(r, &t->err)); /* nothing is left */
    lft_ok(t, lfuse_retrainer_undo(r, &t->err));
    lft_check_bytes(t, &before);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 4);
    lft_drop(&before);
    lfuse_retrainer_destroy(r);
}

/* Finalised in the middle, a group that a later fusion joins is one source of the new mix. */
static void a_later_fusion_mixes_what_was_finalised(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options plan = lft_plan_ratio(4.0);
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 3, 1);
    lfuse_retrainer *r;

    lft_fails(t, lfuse_retrainer_finalise(NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "retrainer is NULL");
    four(t);
    plan.policy = LFUSE_POLICY_RANDOM;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 4, &o, &r, &t->err));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_finalise(r, &t->err));
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_FUSED);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 3);
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    assert_true(lft_weight(t, 3)[0] == (0.5f + 0.5f + 4.0f + 6.0f) / 4.0f);
    lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
    assert_int_equal(epoch(t, r), LFUSE_VERDICT_DONE);
    assert_int_equal(lfuse_retrainer_parameter_count(r), 1);
    assert_true(lft_weight(t, 2)[0] == 2.75f);
    lfuse_retrainer_destroy(r);
}

struct host {
    float memory[2][N];
    float *pointer[2];
    int calls;
    int refuse_at;
};

static int32_t rebind(const char *layer, const char *name, void *data, void *user)
{
    struct host *h = user;

    (void)name;
    if (h->calls++ == h->refuse_at)
        return 5;
    h->pointer[layer[1] - '0'] = data;
    return 0;
}

/* A step that was refused on its way in has not begun; on its way out it can only be aborted,
 * because its gradients have gone to their sources already. */
static void a_refused_rebind_leaves_a_step_that_can_be_closed(void **state)
{
    struct lft *t = *state;
    static const char *const names[] = {"h0", "h1"};
    lfuse_plan_options plan = lft_plan_ratio(2.0);
    lfuse_ties_options ties = lft_ties_defaults();
    lfuse_retrainer_options o = lft_retrainer_options(&plan, 1, 1);
    struct host h = {.refuse_at = -1};
    lfuse_retrainer *r;
    int i;

    for (i = 0; i < 2; i++) {
        lft_fill(h.memory[i], N, 70 + (uint64_t)i);
        h.pointer[i] = h.memory[i];
        lft_layer(t, names[i], "A", i, lft_borrow(t, LFUSE_F32, h.memory[i], N, 0),
                  lft_tensor(t, LFUSE_F32, 2, N, 0), NULL);
    }
    plan.policy = LFUSE_POLICY_RANDOM;
    ties.rebind = rebind;
    ties.rebind_user = &h;
    o.ties = &ties;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 2, &o, &r, &t->err));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    h.refuse_at = h.calls + 1;
    lft_fails(t, lfuse_retrainer_begin_step(r, &t->err), LFUSE_ERR_CALLBACK,
              "returned 5");
    lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_STATE,
              "begin_step was expected");
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    assert_ptr_equal(h.pointer[0], h.pointer[1]);
    h.refuse_at = h.calls + 1;
    lft_fails(t, lfuse_retrainer_combine_gradients(r, &t->err), LFUSE_ERR_CALLBACK,
              "returned 5");
    assert_ptr_equal(h.pointer[0], h.pointer[1]);
    lft_fails(t, lfuse_retrainer_end_step(r, &t->err), LFUSE_ERR_STATE,
              "abort_step was expected");
    h.refuse_at = h.calls;
    lft_fails(t, lfuse_retrainer_abort_step(r, &t->err), LFUSE_ERR_CALLBACK,
              "returned 5");
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    assert_ptr_equal(h.pointer[1], h.memory[1]);
    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lfuse_retrainer_destroy(r); /* in the middle of a step */
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    assert_ptr_equal(h.pointer[1], h.memory[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_step_shows_a_mix_and_the_optimiser_finds_the_sources),
        lft_test(an_evaluation_sees_the_mean),
        lft_test(the_end_of_the_schedule_finalises),
        lft_test(a_later_fusion_mixes_what_was_finalised),
        lft_test(a_refused_rebind_leaves_a_step_that_can_be_closed),
    };

    return cmocka_run_group_tests_name("retrainer_mix", tests, NULL, NULL);
}
