/* test_ties.c - see ties.h */
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- apply ------------------------------------------------------------------------------------ */

/* (0 + 1) / 2; velocity (0 + 0.5) / 2. l1's memory goes. */
static void average_gives_the_group_one_buffer_with_the_mean(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    float *buffer;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    buffer = lft_weight(t, 0);
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 0), buffer);
    assert_ptr_equal(lft_weight(t, 1), buffer);
    assert_true(buffer[0] == 0.5f && buffer[1] == 1.0f);
    assert_ptr_equal(lft_velocity(t, 1), lft_velocity(t, 0));
    assert_true(lft_velocity(t, 0)[0] == 0.25f && lft_velocity(t, 0)[1] == 5.0f);
    assert_ptr_not_equal(lft_gradient(t, 1), lft_gradient(t, 0)); /* per position */
    assert_true(lft_weight(t, 2)[0] == 4.0f && lft_weight(t, 3)[0] == 6.0f);
    assert_int_equal(lfuse_ties_owner(ties, 0), 0);
    assert_int_equal(lfuse_ties_owner(ties, 1), 0);
    assert_int_equal(lfuse_ties_owner(ties, 2), 2);
    assert_int_equal(lfuse_ties_is_frozen(ties, 1), 0);
    lfuse_ties_destroy(ties);
}

/* First (l0, l1) and (l2, l3), then both: (0 + 1 + 4 + 6) / 4, all exact. */
static void groups_that_join_have_the_mean_of_all_their_originals(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    int i;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2);
    assert_true(lft_weight(t, 0)[0] == 0.5f && lft_weight(t, 3)[0] == 5.0f);
    assert_int_equal(lfuse_ties_owner(ties, 2), 3);
    lft_tie(t, ties, 1);
    for (i = 0; i < 4; i++) {
        assert_int_equal(lfuse_ties_owner(ties, i), 0);
        assert_ptr_equal(lft_weight(t, i), lft_weight(t, 0));
        assert_ptr_equal(lft_velocity(t, i), lft_velocity(t, 0));
    }
    assert_true(lft_weight(t, 0)[0] == 2.75f);
    assert_true(lft_velocity(t, 0)[0] == 1.375f);
    lfuse_ties_destroy(ties);
}

/* Three of mean 1 weigh three times what the fourth does: (3 * 1 + 9) / 4. */
static void members_tied_before_count_once_each(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_at(t, "l2", 2, 2.0f);
    lft_at(t, "l3", 3, 9.0f);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2);
    assert_true(lft_weight(t, 2)[0] == 1.0f);
    assert_true(lft_weight(t, 3)[0] == 9.0f);
    lft_tie(t, ties, 1);
    assert_true(lft_weight(t, 2)[0] == 3.0f);
    lfuse_ties_destroy(ties);
}

static void freeze_keeps_the_kept_members_bits(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie_with(t, ties, 1, LFUSE_POLICY_FREEZE, 0);
    assert_ptr_equal(lft_weight(t, 1), lft_weight(t, 0));
    assert_true(lft_weight(t, 1)[0] == 0.0f && lft_velocity(t, 1)[0] == 0.0f);
    lft_tie_with(t, ties, 1, LFUSE_POLICY_FREEZE, LFUSE_FREEZE_DROPPED);
    assert_true(lft_weight(t, 2)[0] == 6.0f);
    assert_int_equal(lfuse_ties_is_frozen(ties, 0), 1);
    assert_int_equal(lfuse_ties_is_frozen(ties, 1), 1);
    assert_int_equal(lfuse_ties_is_frozen(ties, 2), 0);
    assert_int_equal(lfuse_ties_is_frozen(ties, 3), 0);
    lft_tie(t, ties, 1); /* averaged again: the rule is the latest plan's */
    assert_int_equal(lfuse_ties_is_frozen(ties, 0), 0);
    assert_true(lft_weight(t, 3)[0] == 3.0f); /* (2 * 0 + 2 * 6) / 4 */
    lfuse_ties_destroy(ties);
}

/* Biases and statistics have their own values and memory, as before. */
static void what_is_no_weight_stays_per_position(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    lft_add(t, 0, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 1.0f, 2.0f), NULL);
    lft_add(t, 1, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 3.0f, 4.0f), NULL);
    lft_add(t, 1, "mean", LFUSE_ROLE_STATISTIC, lft_pair(t, 5.0f, 6.0f), NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 3);
    assert_true(lft_floats(lft_parameter(t, 0, 1).value)[0] == 1.0f);
    assert_true(lft_floats(lft_parameter(t, 1, 1).value)[0] == 3.0f);
    assert_true(lft_floats(lft_parameter(t, 1, 2).value)[1] == 6.0f);
    lfuse_ties_destroy(ties);
}

/* 4 layers of 300 x 100 f32 and a bias: joined to one buffer, 3 * 120000 bytes are freed; the
 * rest of the difference is what the library had counted them with, at most 256 bytes each. */
static void tied_weights_leave_memory_as_the_account_says(void **state)
{
    struct lft *t = *state;
    const char *names[] = {"l0", "l1", "l2", "l3"};
    int64_t live;
    size_t before, saved;
    lfuse_ties *ties;
    int i, j;

    for (i = 0; i < 4; i++) {
        lft_layer(t, names[i], "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 300, 100, 0),
                  NULL, NULL);
        lft_add(t, i, "bias", LFUSE_ROLE_BIAS, lft_pair(t, 0, 0), NULL);
    }
    live = t->memory.live;
    ties = lft_ties_of(t, lft_ties_defaults());
    before = lft_account(t, ties).all_unique_bytes;
    assert_int_equal(before, 4 * (120000 + 8));
    assert_int_equal(lfuse_ties_resident_bytes(ties), before);
    lft_tie(t, ties, 3);
    assert_int_equal(lft_account(t, ties).all_unique_bytes, 120000 + 4 * 8);
    assert_int_equal(lft_account(t, ties).all_unique, 30000 + 4 * 2);
    assert_int_equal(lfuse_ties_resident_bytes(ties), 120000 + 4 * 8);
    saved = before - lft_account(t, ties).all_unique_bytes;
    for (i = 0; i < 4; i++)
        for (j = 0; j < 4; j++)
            assert_ptr_equal(lft_weight(t, i), lft_weight(t, j));
    lfuse_ties_destroy(ties);
    assert_true(live - t->memory.live >= (int64_t)saved);
    assert_true(live - t->memory.live <= (int64_t)saved + 3 * 256);
}

/* The mean is taken in f64 and rounded once: to f64, to f32, to f16 (lft_value's multiples
 * of 2^-15 are not all f16) and to bf16, by the library's own conversion. */
static void every_element_type_is_averaged_in_f64(void **state)
{
    struct lft *t = *state;
    const lfuse_dtype dtypes[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    char names[8][16], types[4][16];
    double all[8][6];
    lfuse_ties *ties;
    int d, i, e;

    for (d = 0; d < 4; d++) {
        (void)snprintf(types[d], sizeof(types[d]), "T%d", d);
        for (i = 0; i < 2; i++) {
            lfuse_tensor *value = lft_tensor(t, dtypes[d], (uint64_t)i, 2, 3, 0),
                         *wide = lft_tensor(t, LFUSE_F64, 0, 2, 3, 0);

            (void)snprintf(names[2 * d + i], sizeof(names[0]), "l%d", 2 * d + i);
            lft_layer(t, names[2 * d + i], types[d], 2 * d + i, value, NULL, NULL);
            lft_ok(t, lfuse_tensor_copy(wide, value, &t->err));
            memcpy(all[2 * d + i], lfuse_tensor_data(wide), sizeof(all[0]));
        }
    }
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 4);
    for (d = 0; d < 4; d++) {
        lfuse_tensor *mean = lft_tensor(t, LFUSE_F64, 0, 2, 3, 0),
                     *rounded = lft_tensor(t, dtypes[d], 0, 2, 3, 0);
        const lfuse_parameter p = lft_parameter(t, 2 * d, 0);

        for (e = 0; e < 6; e++)
            ((double *)lfuse_tensor_data(mean))[e] =
                (all[2 * d][e] + all[2 * d + 1][e]) / 2.0;
        lft_ok(t, lfuse_tensor_copy(rounded, mean, &t->err));
        assert_memory_equal(lfuse_tensor_data(p.value), lfuse_tensor_data(rounded),
                            lfuse_tensor_bytes(rounded));
        assert_ptr_equal(lfuse_tensor_data(p.value),
                         lfuse_tensor_data(lft_parameter(t, 2 * d + 1, 0).value));
    }
    lfuse_ties_destroy(ties);
}

/* Two of three have velocity: the mean is over the two; the kept one without any has none. */
static void state_is_merged_over_those_that_have_it(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_at(t, "l0", 0, 0.0f);
    lft_layer(t, "l1", "A", 1, lft_pair(t, 1, 1), NULL, NULL);
    lft_at(t, "l2", 2, 2.0f);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 2);
    assert_int_equal(lfuse_ties_owner(ties, 1), 0);
    assert_true(lft_velocity(t, 0)[0] == 0.5f); /* (0 + 1) / 2 */
    assert_null(lft_parameter(t, 1, 0).state[0]);
    assert_ptr_equal(lft_velocity(t, 2), lft_velocity(t, 0));
    lfuse_ties_destroy(ties);
}

static void an_empty_plan_changes_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o;
    struct lft_snapshot s;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lfuse_plan_options_init(&o, sizeof(o));
    o.ratio = 1.0;
    lft_ok(t, lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers, 4, &o,
                               &plan, &t->err));
    lft_take(t, ties, &s);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Tensors that were tied go on sharing; their memory goes with the last of them (teardown). */
static void layers_keep_what_they_share_when_ties_die(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 3);
    lfuse_ties_destroy(ties);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 3));
    lft_weight(t, 3)[0] = 17.0f;
    assert_true(lft_weight(t, 1)[0] == 17.0f);
    lfuse_ties_destroy(NULL);
}

/* ---- what is refused -------------------------------------------------------------------------- */

static void apply_fails(struct lft *t, lfuse_ties *ties, const lfuse_plan *plan,
                        lfuse_status expected, const char *text)
{
    struct lft_snapshot s;

    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), expected, text);
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
}

/* A plan over layers that are gone when it is applied to those of t. */
static lfuse_plan *plan_of_others(struct lft *t, const char *last,
                                  const char *parameter_name, lfuse_dtype dtype,
                                  int length)
{
    struct lft *other;
    void *state;
    lfuse_plan_options o;
    lfuse_plan *plan;
    int i;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 1;
    assert_int_equal(lft_setup(&state), 0);
    other = state;
    for (i = 0; i < 4; i++) {
        const char *names[] = {"l0", "l1", "l2", last};
        lfuse_layer_desc d;
        lfuse_parameter p;

        lfuse_layer_desc_init(&d, sizeof(d));
        d.name = names[i];
        d.param_type = "A";
        lft_ok(other, lfuse_layer_create(other->ctx, &d, &other->layers[i], &other->err));
        other->layer_count++;
        lfuse_parameter_init(&p, sizeof(p));
        p.name = parameter_name;
        p.value = lft_tensor(other, dtype, (uint64_t)i, length, 0);
        lft_ok(other, lfuse_layer_add_parameter(other->layers[i], &p, &other->err));
    }
    lft_ok(t, lfuse_plan_build(t->ctx, (const lfuse_layer *const *)other->layers, 4, &o,
                               &plan, &t->err));
    assert_int_equal(lft_teardown(&state), 0);
    return plan;
}

static void a_plan_of_other_layers_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties, *three;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = plan_of_others(t, "other", "weight", LFUSE_F32, 2);
    apply_fails(t, ties, plan, LFUSE_ERR_NAME, "layers[3] is l3, in the plan other");
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, 3, NULL, &three, &t->err));
    lft_fails(t, lfuse_ties_apply(three, plan, &t->err), LFUSE_ERR_NAME,
              "the plan is of 4 layers, the ties of 3");
    lfuse_ties_destroy(three);
    lfuse_plan_destroy(plan);

    plan = plan_of_others(t, "l3", "kernel", LFUSE_F32, 2);
    apply_fails(t, ties, plan, LFUSE_ERR_NAME,
                "weight 0 of layer l0 is named weight, in the plan kernel");
    lfuse_plan_destroy(plan);
    plan = plan_of_others(t, "l3", "weight", LFUSE_F32, 3);
    apply_fails(t, ties, plan, LFUSE_ERR_SHAPE,
                "weight of layer l0 is [2], in the plan [3]");
    lfuse_plan_destroy(plan);
    plan = plan_of_others(t, "l3", "weight", LFUSE_F64, 2);
    apply_fails(t, ties, plan, LFUSE_ERR_TYPE,
                "weight of layer l0 is f32, in the plan f64");
    lfuse_plan_destroy(plan);
    plan = plan_of_others(t, "l3", "weight", LFUSE_F32, 2);
    lft_add(t, 3, "more", 0, lft_pair(t, 0, 0), NULL);
    apply_fails(t, ties, plan, LFUSE_ERR_NAME, "layer l3 has 2 weights, in the plan 1");
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void a_plan_over_something_else_in_force_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = lft_plan_with(t, ties, 1, 0, 0);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    apply_fails(t, ties, plan, LFUSE_ERR_STATE,
                "the buffer of layer l1 is that of l0, when planned that of l1");
    lfuse_plan_destroy(plan);
    plan = lft_plan_with(t, ties, 1, 0, 0);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    apply_fails(t, ties, plan, LFUSE_ERR_STATE,
                "the buffer of layer l1 is that of l1, when planned that of l0");
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Layers' weights are counted when ties are first applied. */
static void a_weight_that_comes_later_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;
    int i;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_tie(t, ties, 1);
    for (i = 0; i < 4; i++)
        lft_add(t, i, "more", 0, lft_pair(t, 0, 0), NULL);
    plan = lft_plan_with(t, ties, 1, 0, 0);
    apply_fails(t, ties, plan, LFUSE_ERR_STATE, "layer l0 has gained a weight");
    lfuse_plan_destroy(plan);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lfuse_ties_destroy(ties);
}

static void weights_that_became_infinite_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = lft_plan_with(t, ties, 1, 0, 0);
    lft_weight(t, 3)[0] = INFINITY; /* not of a group: not looked at */
    lft_weight(t, 1)[1] = NAN;
    apply_fails(t, ties, plan, LFUSE_ERR_NOT_FINITE,
                "element 1 of parameter weight of layer l1 is not finite");
    lft_weight(t, 1)[1] = 0.0f;
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void dropped_gradients_cannot_be_accumulated(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    ties = lft_ties_of(t, o);
    plan = lft_plan_with(t, ties, 1, LFUSE_POLICY_FREEZE, LFUSE_FREEZE_DROPPED);
    apply_fails(t, ties, plan, LFUSE_ERR_UNSUPPORTED, "accumulated gradients");
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Undo, combining and refreshing take no memory at all. */
static void undo_and_gradients_never_allocate(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_tie(t, ties, 2);
    t->memory.allocations = 0;
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    assert_int_equal(t->memory.allocations, 0);
    lfuse_ties_destroy(ties);
}

static lfuse_status create_and_destroy(struct lft *t, void *arg)
{
    lfuse_ties *ties = arg;
    lfuse_status status =
        lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err);

    assert_true((status == LFUSE_OK) == (ties != NULL));
    lfuse_ties_destroy(ties);
    return status;
}

static void every_refused_allocation_of_create_is_an_error(void **state)
{
    struct lft *t = *state;

    lft_four(t);
    lft_every_allocation_fails(t, create_and_destroy, t);
}

static void create_fails(struct lft *t, const lfuse_ties_options *o,
                         lfuse_status expected, const char *text)
{
    lfuse_ties *ties = (lfuse_ties *)t;

    lft_fails(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, o, &ties, &t->err),
              expected, text);
    assert_null(ties);
}

static void what_create_cannot_take_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties = (lfuse_ties *)t;
    struct {
        lfuse_ties_options o;
        int64_t later;
    } newer;
    lfuse_ties_options o = lft_ties_defaults();

    lft_four(t);
    lft_fails(t, lfuse_ties_create(t->ctx, t->layers, 4, NULL, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "ties is NULL");
    lft_fails(t, lfuse_ties_create(NULL, t->layers, 4, NULL, &ties, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    assert_null(ties);
    lft_fails(t, lfuse_ties_create(t->ctx, NULL, 4, NULL, &ties, &t->err),
              LFUSE_ERR_ARGUMENT, "layers is NULL");
    lft_fails(t, lfuse_ties_create(t->ctx, t->layers, 0, NULL, &ties, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    lft_fails(t, lfuse_ties_create(t->ctx, t->layers, 5, NULL, &ties, &t->err),
              LFUSE_ERR_ARGUMENT, "layers[4] is NULL");
    o.flags = 6;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.flags is 0x6, of which 0x4");
    o = lft_ties_defaults();
    o.gradients = 3;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.gradients is 3");
    o = lft_ties_defaults();
    o.combine = -1;
    create_fails(t, &o, LFUSE_ERR_ARGUMENT, "options.combine is -1");
    o = lft_ties_defaults();
    o.reserved = 1;
    create_fails(t, &o, LFUSE_ERR_UNSUPPORTED, "options.reserved is 1");
    lfuse_ties_options_init(&newer.o, sizeof(newer));
    newer.later = 1;
    create_fails(t, &newer.o, LFUSE_ERR_UNSUPPORTED, "options");
    lft_at(t, "l2", 9, 0.0f);
    create_fails(t, NULL, LFUSE_ERR_NAME, "layers[2] and layers[4] are both named l2");
}

static void null_and_out_of_range_have_an_answer(void **state)
{
    struct lft *t = *state;
    lfuse_account a, before;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    plan = lft_plan_with(t, ties, 1, 0, 0);
    lft_fails(t, lfuse_ties_apply(NULL, plan, &t->err), LFUSE_ERR_ARGUMENT,
              "ties is NULL");
    lft_fails(t, lfuse_ties_apply(ties, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "plan is NULL");
    lft_fails(t, lfuse_ties_combine_gradients(NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "ties is NULL");
    lft_fails(t, lfuse_ties_refresh(NULL, &t->err), LFUSE_ERR_ARGUMENT, "ties is NULL");
    assert_int_equal(lfuse_ties_owner(NULL, 0), -1);
    assert_int_equal(lfuse_ties_owner(ties, 4), -1);
    assert_int_equal(lfuse_ties_owner(ties, -1), -1);
    assert_int_equal(lfuse_ties_is_frozen(NULL, 0), 0);
    assert_int_equal(lfuse_ties_is_frozen(ties, 4), 0);
    assert_int_equal(lfuse_ties_resident_bytes(NULL), 0);
    lfuse_account_init(&a, sizeof(a));
    a.all_unique = 77;
    before = a;
    lft_fails(t, lfuse_ties_account(NULL, 0, &a, &t->err), LFUSE_ERR_ARGUMENT,
              "ties is NULL");
    lft_fails(t, lfuse_ties_account(ties, 3, &a, &t->err), LFUSE_ERR_ARGUMENT,
              "base is 3");
    lft_fails(t, lfuse_ties_account(ties, 0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "account is NULL");
    assert_memory_equal(&a, &before, sizeof(a));
    lft_ok(t, lfuse_ties_account(ties, 0, &a, &t->err));
    assert_int_equal(a.base, LFUSE_BASE_CANDIDATES);
    assert_true(a.ratio == 1.0);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_ok(t, lfuse_ties_account(ties, 0, &a, &t->err));
    assert_true(a.ratio == 8.0 / 6.0);
    lfuse_ties_options_init(NULL, 8);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(average_gives_the_group_one_buffer_with_the_mean),
        lft_test(groups_that_join_have_the_mean_of_all_their_originals),
        lft_test(members_tied_before_count_once_each),
        lft_test(freeze_keeps_the_kept_members_bits),
        lft_test(what_is_no_weight_stays_per_position),
        lft_test(tied_weights_leave_memory_as_the_account_says),
        lft_test(every_element_type_is_averaged_in_f64),
        lft_test(state_is_merged_over_those_that_have_it),
        lft_test(an_empty_plan_changes_nothing),
        lft_test(layers_keep_what_they_share_when_ties_die),
        lft_test(a_plan_of_other_layers_is_refused),
        lft_test(a_plan_over_something_else_in_force_is_refused),
        lft_test(a_weight_that_comes_later_is_refused),
        lft_test(weights_that_became_infinite_are_refused),
        lft_test(dropped_gradients_cannot_be_accumulated),
        lft_test(undo_and_gradients_never_allocate),
        lft_test(every_refused_allocation_of_create_is_an_error),
        lft_test(what_create_cannot_take_is_refused),
        lft_test(null_and_out_of_range_have_an_answer),
    };

    return cmocka_run_group_tests_name("ties", tests, NULL, NULL);
}
