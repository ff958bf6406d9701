/* test_alignment.c - plans that put hidden units in order before they fuse; see plan.h */
#include "lft_alignment.h"

#include <math.h>
#include <string.h>

static const int64_t shuffled[LFT_UNITS] = {3, 5, 0, 1, 4, 2};

/* Equal blocks in different orders: aligned, they fuse without a loss; plain, they do not. */
static void equal_blocks_in_different_orders_fuse_without_loss(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    double y[LFT_WIDTH], lost[LFT_WIDTH];
    int64_t space = -1, units = -1, u;
    const int64_t *order;
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_align_copy(t, 0, 1);
    lft_align_compute(t, 0, y);
    lft_permute(t, c, 1, shuffled);
    lft_align_check(t, 1, y);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_align_tie(t, ties, lft_plan_best(2));
    lft_align_compute(t, 1, lost);
    assert_true(fabs(lost[0] - y[0]) > 1e-3);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    plan = lft_plan_build(t, lft_align_options(c, 2));
    assert_int_equal(lfuse_plan_permutation_count(plan), 1);
    order = lfuse_plan_permutation(plan, 0, &space, &units);
    assert_int_equal(units, LFT_UNITS);
    assert_int_equal(space, 1); /* that of the kept member is placed first */
    for (u = 0; u < LFT_UNITS; u++)
        assert_int_equal(shuffled[order[u]], u);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    assert_ptr_equal(lft_align_values(t, 0, 0), lft_align_values(t, 3, 0));
    assert_ptr_equal(lft_align_values(t, 2, 0), lft_align_values(t, 5, 0));
    lft_align_check(t, 0, y);
    lft_align_check(t, 1, y);
    assert_memory_equal(lft_align_values(t, 0, 1), lft_align_values(t, 3, 1),
                        LFT_UNITS * sizeof(float));
    assert_memory_equal(lft_align_values(t, 1, 1), lft_align_values(t, 4, 1),
                        LFT_UNITS * sizeof(float));
    assert_true(lft_velocity(t, 0)[1] == 0.5f * lft_align_values(t, 0, 0)[1]);
    assert_null(lfuse_plan_permutation(plan, 1, NULL, NULL));
    assert_null(lfuse_plan_permutation(plan, -1, NULL, NULL));
    assert_null(lfuse_plan_permutation(NULL, 0, NULL, NULL));
    assert_int_equal(lfuse_plan_permutation_count(NULL), 0);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* The dropped block's norm and bias go along to the places that the kept weights give its units. */
static void a_block_takes_the_place_of_its_twin_when_frozen(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan_options o = lft_align_options(c, 2);
    double y[LFT_WIDTH];
    lfuse_ties *ties;

    lft_align_copy(t, 0, 1);
    lft_align_compute(t, 0, y);
    lft_permute(t, c, 1, shuffled);
    ties = lft_ties_of(t, lft_ties_defaults());
    o.policy = LFUSE_POLICY_FREEZE;
    lft_align_tie(t, ties, o);
    assert_ptr_equal(lft_align_values(t, 0, 0), lft_align_values(t, 3, 0));
    lft_align_check(t, 0, y);
    lft_align_check(t, 1, y);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* ---- how good ------------------------------------------------------------------------------------ */

/* What is left of two blocks' weights by their mean, |A + B|^2, with b's units in this order. */
static double left_of(struct lft *t, const int *order)
{
    double sum = 0.0, e;
    int u, k;

    for (u = 0; u < LFT_UNITS; u++)
        for (k = 0; k < LFT_WIDTH; k++) {
            e = (double)lft_align_values(t, 0, 0)[u * LFT_WIDTH + k] +
                (double)lft_align_values(t, 3, 0)[order[u] * LFT_WIDTH + k];
            sum += e * e;
            e = (double)lft_align_values(t, 2, 0)[k * LFT_UNITS + u] +
                (double)lft_align_values(t, 5, 0)[k * LFT_UNITS + order[u]];
            sum += e * e;
        }
    return sum;
}

static double best_of(struct lft *t, int place, int *order)
{
    double best = -INFINITY, value;
    int k, keep;

    if (place == LFT_UNITS)
        return left_of(t, order);
    for (k = place; k < LFT_UNITS; k++) {
        keep = order[place], order[place] = order[k], order[k] = keep;
        value = best_of(t, place + 1, order);
        best = value > best ? value : best;
        keep = order[place], order[place] = order[k], order[k] = keep;
    }
    return best;
}

/* 48 squares of values below 2, products in f32. */
static void two_blocks_are_aligned_as_well_as_can_be(void **state)
{
    int order[LFT_UNITS] = {0, 1, 2, 3, 4, 5}, moved[LFT_UNITS], u;
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan *plan = lft_plan_build(t, lft_align_options(c, 2));
    const int64_t *found;
    int64_t space = 1;

    found = lfuse_plan_permutation(plan, 0, &space, NULL);
    assert_non_null(found);
    assert_int_equal(space, 1);
    for (u = 0; u < LFT_UNITS; u++)
        moved[u] = (int)found[u];
    assert_true(fabs(left_of(t, moved) - best_of(t, 0, order)) <= 48 * 4 * 0x1p-20);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

static lfuse_coupling member_of(struct lft *t, const lfuse_plan *plan, int64_t member)
{
    lfuse_coupling m;

    lfuse_coupling_init(&m, sizeof(m));
    lft_ok(t, lfuse_plan_permutation_member(plan, 0, member, &m, &t->err));
    return m;
}

static void a_plan_tells_what_it_puts_in_order(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan *plan = lft_plan_build(t, lft_align_options(c, 2));
    lfuse_coupling m;

    assert_int_equal(lfuse_plan_permutation_count(plan), 1);
    assert_int_equal(lfuse_plan_permutation_member_count(plan, 0), 5);
    m = member_of(t, plan, 3);
    assert_string_equal(m.layer, "b.norm");
    assert_string_equal(m.parameter, "mean");
    assert_int_equal(m.axis, 0);
    m = member_of(t, plan, 4);
    assert_string_equal(m.layer, "b.down");
    assert_string_equal(m.parameter, "weight");
    assert_int_equal(m.axis, 1);
    assert_int_equal(m.offset, 0);
    assert_int_equal(m.extent, LFT_UNITS);
    assert_int_equal(m.head_group, 1);
    assert_int_equal(m.repeat, 1);
    assert_int_equal(lfuse_plan_permutation_member_count(plan, 1), 0);
    assert_int_equal(lfuse_plan_permutation_member_count(plan, -1), 0);
    assert_int_equal(lfuse_plan_permutation_member_count(NULL, 0), 0);
    m.axis = 77;
    lft_fails(t, lfuse_plan_permutation_member(plan, 0, 5, &m, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation 0 has 5 members, member is 5");
    lft_fails(t, lfuse_plan_permutation_member(plan, 1, 0, &m, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation 1 has 0 members");
    lft_fails(t, lfuse_plan_permutation_member(NULL, 0, 0, &m, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation 0 has 0 members");
    lft_fails(t, lfuse_plan_permutation_member(plan, 0, 0, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "out is NULL");
    assert_int_equal(m.axis, 77);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

/* Permutes all spaces as the plan says, or back again. */
static void carry_out(struct lft *t, const lfuse_couplings *c, const lfuse_plan *plan,
                      int back)
{
    int64_t inverse[LFT_UNITS], n, u, space;

    for (n = 0; n < lfuse_plan_permutation_count(plan); n++) {
        const int64_t *order = lfuse_plan_permutation(plan, n, &space, NULL);

        for (u = 0; u < LFT_UNITS; u++)
            inverse[order[u]] = u;
        lft_permute(t, c, space, back ? inverse : order);
    }
}

/* Both types in one group of three, by a policy: the plan keeps each block's function. */
static void check_policy(struct lft *t, const lfuse_couplings *c, lfuse_policy policy)
{
    lfuse_plan_options o = lft_align_options(c, 4);
    double y[LFT_BLOCKS][LFT_WIDTH];
    struct lft_snapshot s;
    lfuse_plan *plan, *again;
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    int k;

    o.policy = policy;
    plan = lft_plan_build(t, o);
    again = lft_plan_build(t, o);
    assert_true(lfuse_plan_permutation_count(plan) >= 2);
    for (k = 0; k < lfuse_plan_permutation_count(plan); k++)
        assert_memory_equal(lfuse_plan_permutation(plan, k, NULL, NULL),
                            lfuse_plan_permutation(again, k, NULL, NULL),
                            LFT_UNITS * sizeof(int64_t));
    lft_take(t, ties, &s);
    for (k = 0; k < LFT_BLOCKS; k++)
        lft_align_compute(t, k, y[k]);
    carry_out(t, c, plan, 0);
    for (k = 0; k < LFT_BLOCKS; k++)
        lft_align_check(t, k, y[k]);
    carry_out(t, c, plan, 1);
    lft_check_bytes(t, &s);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    if (policy == LFUSE_POLICY_RANDOM || policy == LFUSE_POLICY_JS)
        for (k = 0; k < LFT_BLOCKS; k++)
            lft_align_check(t, k, y[k]); /* sources are apart, and aligned */
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_ptr_equal(lft_align_values(t, 0, 0), lft_align_values(t, 6, 0));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void every_policy_is_aligned_and_undone(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);

    check_policy(t, c, LFUSE_POLICY_AVERAGE);
    check_policy(t, c, LFUSE_POLICY_FREEZE);
    check_policy(t, c, LFUSE_POLICY_RANDOM);
    check_policy(t, c, LFUSE_POLICY_JS);
    lfuse_couplings_destroy(c);
}

struct merger {
    int32_t answer;
    int calls;
};

/* The members that a merge gets are in the order that they will have. */
static int32_t merge(void *user, const lfuse_matrix_view *members, int64_t count,
                     double *merged)
{
    const lfuse_matrix_view *a = &members[0], *b = &members[1];
    struct merger *m = user;
    int64_t i, k;

    assert_int_equal(count, 2);
    m->calls++;
    for (i = 0; i < a->rows; i++)
        for (k = 0; k < a->columns; k++) {
            const float
                x = ((const float *)a->data)[i * a->row_stride + k * a->column_stride],
                y = ((const float *)b->data)[i * b->row_stride + k * b->column_stride];

            assert_true(x == y);
            merged[i * a->columns + k] = x;
        }
    return m->calls == 2 ? m->answer : 0;
}

static void a_merge_of_the_caller_gets_aligned_members(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_ties_options o = lft_ties_keeping();
    lfuse_plan_options p = lft_align_options(c, 2);
    struct merger m = {5, 0};
    struct lft_snapshot s;
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_align_copy(t, 0, 1);
    lft_permute(t, c, 1, shuffled);
    o.merge = merge;
    o.merge_user = &m;
    ties = lft_ties_of(t, o);
    p.policy = LFUSE_POLICY_CUSTOM;
    plan = lft_plan_build(t, p);
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_CALLBACK, "5");
    lft_check_unchanged(t, ties, &s); /* units are back where they were */
    m = (struct merger){0, 0};
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    assert_int_equal(m.calls, 2);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* ---- what cannot move ------------------------------------------------------------------------- */

/* a and b share up: their units have one order now, whatever down would like. */
static void what_is_tied_already_moves_alike(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    struct lft_snapshot s;
    lfuse_plan *plan;

    lft_align_copy(t, 0, 1);
    lft_ok(t, lfuse_tensor_copy(lft_parameter(t, 5, 0).value,
                                lft_parameter(t, 8 - 6, 0).value, &t->err));
    lft_take(t, ties, &s);
    lft_align_tie(t, ties, o); /* up: the first of two that are equally alike */
    assert_int_equal(lfuse_ties_owner(ties, 3), 0);
    o = lft_align_options(c, 1);
    o.in_force = ties;
    lft_align_values(t, 5, 0)[0] += 1.0f;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    assert_int_equal(lfuse_plan_permutation_count(plan), 0);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lft_drop(&s);
    lfuse_couplings_destroy(c);
}

/* c comes first and is kept; a and b, which share up, move to it together. */
static void spaces_that_share_weights_move_together(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    double y[LFT_BLOCKS][LFT_WIDTH];
    struct lft_snapshot s;
    int64_t space[2];
    lfuse_plan *plan;
    int k;

    lft_align_copy(t, 2, 0);
    lft_align_copy(t, 2, 1);
    lft_permute(t, c, 0, shuffled);
    lft_permute(t, c, 1, shuffled);
    lft_align_values(t, 3, 1)[0] += 0.5f; /* biases stay their own */
    lft_take(t, ties, &s);
    for (k = 0; k < LFT_BLOCKS; k++)
        lft_align_compute(t, k, y[k]);
    lft_align_tie(t, ties, o); /* a.up and b.up */
    assert_int_equal(lfuse_ties_owner(ties, 3), 0);
    assert_int_equal(lfuse_ties_owner(ties, 6), 6);
    o = lft_align_options(c, 3);
    o.keep = LFUSE_KEEP_LAST;
    o.in_force = ties;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_permutation_count(plan), 2);
    assert_ptr_equal(lfuse_plan_permutation(plan, 0, &space[0], NULL),
                     lfuse_plan_permutation(plan, 1, &space[1], NULL));
    assert_int_equal(space[0], 0);
    assert_int_equal(space[1], 1);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    assert_int_equal(lfuse_ties_owner(ties, 0), 6);
    assert_ptr_equal(lft_align_values(t, 0, 0), lft_align_values(t, 6, 0));
    assert_ptr_equal(lft_align_values(t, 5, 0), lft_align_values(t, 8, 0));
    for (k = 0; k < LFT_BLOCKS; k++)
        lft_align_check(t, k, y[k]);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* b.up is of a residual stream here, a.up of a hidden space: a moves, until they are tied. */
static void a_space_tied_to_what_nothing_couples_stays(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c;
    lfuse_plan_options o;
    lfuse_ties *ties;
    lfuse_plan *plan;
    int k;

    for (k = 0; k < 2; k++)
        lft_align_block(t, lft_align_prefixes[k], 10 * (uint64_t)k + 1);
    c = lft_align_couplings(t, 1);
    lft_align_copy(t, 0, 1);
    lft_permute(t, c, 0, shuffled);
    o = lft_align_options(c, 1);
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_permutation_count(plan), 1);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err)); /* down, or up: the more alike */
    lfuse_plan_destroy(plan);
    o.in_force = ties;
    lft_align_values(t, 2, 0)[3] += 2.0f;
    lft_align_values(t, 0, 0)[3] += 2.0f;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    assert_int_equal(lfuse_plan_permutation_count(plan), 0);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* ---- undo -------------------------------------------------------------------------------------- */

/* Two plans, training in between: weights and state are as before the first; norms are what
 * training made of them, in the order of before. */
static void undo_puts_units_back_through_two_plans(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    struct lft_snapshot s;
    float scale[LFT_BLOCKS][LFT_UNITS];
    int i, u;

    lft_take(t, ties, &s);
    for (i = 0; i < LFT_BLOCKS; i++)
        memcpy(scale[i], lft_align_values(t, 3 * i + 1, 0), sizeof(scale[i]));
    lft_align_tie(t, ties, lft_align_options(c, 2));
    for (i = 0; i < LFT_BLOCKS; i++)
        for (u = 0; u < LFT_UNITS; u++)
            lft_align_values(t, 3 * i + 1, 0)[u] *= 2.0f;
    lft_align_values(t, 0, 0)[0] = 9.0f;
    lft_align_tie(t, ties, lft_align_options(c, 2));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    for (i = 0; i < LFT_BLOCKS; i++)
        for (u = 0; u < LFT_UNITS; u++) {
            assert_true(lft_align_values(t, 3 * i + 1, 0)[u] == 2.0f * scale[i][u]);
            lft_align_values(t, 3 * i + 1, 0)[u] = scale[i][u];
        }
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

static void mirrors_are_aligned_and_undone(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_ties_options o = lft_ties_keeping();
    struct lft_snapshot s;
    double y[LFT_WIDTH];
    lfuse_ties *ties;

    lft_align_copy(t, 0, 1);
    lft_permute(t, c, 1, shuffled);
    lft_align_compute(t, 1, y);
    o.flags |= LFUSE_TIES_MIRROR;
    ties = lft_ties_of(t, o);
    lft_take(t, ties, &s);
    lft_align_tie(t, ties, lft_align_options(c, 2));
    assert_ptr_not_equal(lft_align_values(t, 0, 0), lft_align_values(t, 3, 0));
    lft_align_check(t, 1, y);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

static void a_retrainer_aligns_what_it_fuses(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan_options p = lft_align_options(c, 0);
    lfuse_retrainer_options o;
    lfuse_retrainer *r;
    double y[LFT_WIDTH];

    lft_align_copy(t, 0, 1);
    lft_permute(t, c, 1, shuffled);
    lft_align_compute(t, 1, y);
    p.ratio = 2.0;
    o = lft_retrainer_options(&p, 1, 1);
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &o, &r, &t->err));
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    assert_ptr_equal(lft_align_values(t, 0, 0), lft_align_values(t, 3, 0));
    lft_align_check(t, 1, y);
    lfuse_retrainer_destroy(r);
    lfuse_couplings_destroy(c);
}

/* Written, read for no layers and written again; read for the layers, and applied. */
static void a_plan_file_keeps_the_order(void **state)
{
    static char text[65536], again[65536];
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_plan *plan = lft_plan_build(t, lft_align_options(c, 4)), *read;
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    lfuse_plan_load_options o;
    struct lft_snapshot s;
    size_t size;

    lft_ok(t, lfuse_plan_to_json(plan, text, sizeof(text), &size, &t->err));
    assert_non_null(strstr(text, "\"permutations\""));
    lft_ok(t, lfuse_plan_from_json(t->ctx, text, size - 1, NULL, &read, &t->err));
    lft_ok(t, lfuse_plan_to_json(read, again, sizeof(again), &size, &t->err));
    assert_string_equal(again, text);
    lfuse_plan_destroy(read);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_take(t, ties, &s);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lfuse_plan_load_options_init(&o, sizeof(o));
    o.layers = lft_all(t);
    o.count = t->layer_count;
    lft_ok(t, lfuse_plan_from_json(t->ctx, text, size - 1, &o, &read, &t->err));
    assert_int_equal(lfuse_plan_permutation_count(read),
                     lfuse_plan_permutation_count(plan));
    lft_ok(t, lfuse_ties_apply(ties, read, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_plan_destroy(read);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(equal_blocks_in_different_orders_fuse_without_loss),
        lft_test(a_block_takes_the_place_of_its_twin_when_frozen),
        lft_test(two_blocks_are_aligned_as_well_as_can_be),
        lft_test(a_plan_tells_what_it_puts_in_order),
        lft_test(every_policy_is_aligned_and_undone),
        lft_test(a_merge_of_the_caller_gets_aligned_members),
        lft_test(what_is_tied_already_moves_alike),
        lft_test(spaces_that_share_weights_move_together),
        lft_test(a_space_tied_to_what_nothing_couples_stays),
        lft_test(undo_puts_units_back_through_two_plans),
        lft_test(mirrors_are_aligned_and_undone),
        lft_test(a_retrainer_aligns_what_it_fuses),
        lft_test(a_plan_file_keeps_the_order),
    };

    return cmocka_run_group_tests_name("alignment", tests, NULL, NULL);
}
