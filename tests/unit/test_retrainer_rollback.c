/*
 * test_retrainer_rollback.c - fusions that moved units, joined rows or mixed are taken back, whole
 *
 * Of three blocks whose hidden units are put in order: aligned, under every policy, of layers and
 * of rows. test_retrainer_decide.c has what is decided, and layers that stay where they are.
 */
#include "lft_alignment.h"
#include "lft_rows.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_retrainer_options o;
    lfuse_couplings *couplings;
};

/* Two fusions, each judged after an epoch: 0.5 was the metric, and nothing may be lost. */
static lfuse_retrainer *create(struct lft *t, struct asked *a, lfuse_unit unit,
                               lfuse_policy policy, uint32_t flags)
{
    lfuse_retrainer *r;

    a->couplings = lft_align_blocks(t, LFT_BLOCKS);
    a->plan = lft_plan_ratio(unit == LFUSE_UNIT_ROW ? 1.5 : 3.0);
    a->plan.unit = unit;
    a->plan.policy = policy;
    a->plan.alignment = LFUSE_ALIGNMENT_PERMUTATION;
    a->plan.couplings = a->couplings;
    a->ties = lft_ties_defaults();
    a->ties.flags = flags;
    a->o = lft_retrainer_options(&a->plan, 2, 1);
    a->o.ties = &a->ties;
    a->o.flags = LFUSE_RETRAINER_FLAG_TOLERANCE;
    a->o.baseline = 0.5;
    lft_ok(t,
           lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &a->o, &r, &t->err));
    return r;
}

static void part(struct lft *t, struct asked *a, lfuse_retrainer *r)
{
    lfuse_retrainer_destroy(r);
    lfuse_couplings_destroy(a->couplings);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

static lfuse_verdict epoch(struct lft *t, lfuse_retrainer *r, double metric)
{
    lfuse_verdict verdict = 77;

    lft_ok(t, lfuse_retrainer_end_epoch(r, metric, &verdict, &t->err));
    return verdict;
}

/* A step with gradients, after which the caller changes all that trains, and every statistic. */
static void train(struct lft *t, lfuse_retrainer *r, uint64_t seed)
{
    lfuse_parameter p;
    int64_t i;
    int l, k;

    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_combine_gradients(r, &t->err));
    lfuse_parameter_init(&p, sizeof(p));
    for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) {
        lft_ok(t, lfuse_retrainer_parameter(r, i, &p, &t->err));
        lft_fill(lft_floats(p.value), lfuse_tensor_elements(p.value),
                 seed + 2 * (uint64_t)i);
        lft_fill(lft_floats(p.state[0]), lfuse_tensor_elements(p.value),
                 seed + 2 * (uint64_t)i + 1);
    }
    for (l = 0; l < t->layer_count; l++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[l]); k++) {
            p = lft_parameter(t, l, k);
            if (p.role == LFUSE_ROLE_STATISTIC)
                lft_fill(lft_floats(p.value), LFT_UNITS, seed);
        }
    lft_ok(t, lfuse_retrainer_end_step(r, &t->err));
}

/* ---- what was, and what is ---------------------------------------------------------------- */

/* Whether a tensor has the bytes and the address of the snapshot. */
static int is_back(struct lft *t, const struct lft_snapshot *s,
                   const lfuse_tensor *tensor)
{
    int i;

    for (i = 0; i < s->count; i++)
        if (t->tensors[i] == tensor)
            return lfuse_tensor_data(t->tensors[i]) == s->data[i] &&
                   memcmp(s->data[i], s->bytes[i], s->size[i]) == 0;
    fail_msg("a tensor of no snapshot");
    return 0;
}

/* Values and state, owners and memory; gradients are old. */
static void check_back(struct lft *t, const lfuse_retrainer *r,
                       const struct lft_snapshot *s)
{
    int l, k;

    for (l = 0; l < t->layer_count; l++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[l]); k++) {
            const lfuse_parameter p = lft_parameter(t, l, k);

            assert_true(is_back(t, s, p.value));
            assert_true(p.state[0] == NULL || is_back(t, s, p.state[0]));
        }
    for (l = 0; l < t->layer_count; l++)
        assert_int_equal(lfuse_ties_owner(lfuse_retrainer_ties(r), l), s->owner[l]);
    assert_int_equal(lfuse_ties_resident_bytes(lfuse_retrainer_ties(r)), s->resident);
}

/* Statistics never tie: they change by moving alone. */
static int have_moved(struct lft *t, const struct lft_snapshot *s)
{
    int b, moved = 0;

    for (b = 0; b < LFT_BLOCKS; b++)
        moved += !is_back(t, s, lft_parameter(t, 3 * b + 1, 1).value);
    return moved;
}

/* ---- rolling back -------------------------------------------------------------------------- */

static void roll_back_first(struct lft *t, struct asked *a, lfuse_retrainer *r)
{
    struct lft_snapshot s;

    lft_take(t, lfuse_retrainer_ties(r), &s);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_true(have_moved(t, &s) > 0);
    train(t, r, 100);
    assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
    check_back(t, r, &s);
    assert_null(lfuse_retrainer_plan(r));
    lft_drop(&s);
    if (a->plan.unit == LFUSE_UNIT_ROW) {
        assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_DONE);
        return;
    }
    lft_ok(t, lfuse_retrainer_fuse(
                  r, &t->err)); /* what comes next, with an order of its own */
    train(t, r, 300);
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
}

/* The first stays, trained; mixes and rows of the second go. */
static void roll_back_second(struct lft *t, struct asked *a, lfuse_retrainer *r)
{
    const lfuse_ties *ties = lfuse_retrainer_ties(r);
    struct lft_snapshot s;
    int64_t unique;

    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    unique = lft_account(t, ties).candidates_unique;
    train(t, r, 100);
    lft_take(t, ties, &s);
    assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_FUSED);
    assert_true(lft_account(t, ties).candidates_unique < unique);
    train(t, r, 300);
    assert_int_equal(epoch(t, r, 0.25), LFUSE_VERDICT_ROLLED_BACK);
    check_back(t, r, &s);
    assert_int_equal(lft_account(t, ties).candidates_unique, unique);
    assert_true(lfuse_plan_permutation_count(lfuse_retrainer_plan(r)) > 0);
    lft_drop(&s);
    train(t, r, 500); /* the ties of the first work on */
    if (a->plan.unit == LFUSE_UNIT_ROW)
        assert_int_equal(epoch(t, r, 0.5), LFUSE_VERDICT_DONE);
}

static const lfuse_policy policies[] = {LFUSE_POLICY_AVERAGE, LFUSE_POLICY_FREEZE,
                                        LFUSE_POLICY_RANDOM, LFUSE_POLICY_JS};
static const uint32_t flags[] = {0, LFUSE_TIES_KEEP_ORIGINALS, LFUSE_TIES_MIRROR,
                                 LFUSE_TIES_MIRROR | LFUSE_TIES_KEEP_ORIGINALS};

static void check_ways(struct lft *t, lfuse_unit unit, int policy_count)
{
    lfuse_retrainer *r;
    struct asked a;
    int p, f;

    for (p = 0; p < policy_count; p++)
        for (f = 0; f < 4; f++) {
            r = create(t, &a, unit, policies[p], flags[f]);
            roll_back_first(t, &a, r);
            part(t, &a, r);
            r = create(t, &a, unit, policies[p], flags[f]);
            roll_back_second(t, &a, r);
            part(t, &a, r);
        }
}

static void units_that_a_fusion_moved_are_moved_back(void **state)
{
    check_ways(*state, LFUSE_UNIT_LAYER, 4);
}

static void rows_go_back_under_every_policy_they_have(void **state)
{
    check_ways(*state, LFUSE_UNIT_ROW, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(units_that_a_fusion_moved_are_moved_back),
        lft_test(rows_go_back_under_every_policy_they_have),
    };

    return cmocka_run_group_tests_name("retrainer_rollback", tests, NULL, NULL);
}
