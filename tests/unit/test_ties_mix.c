/* test_ties_mix.c - groups that mix until they are finalised: the policy random; see ties.h */
#include "lft_ties.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, COLUMNS = 5, ELEMENTS = ROWS * COLUMNS, POSITIONS = 3 };

/* A layer of weight [ROWS, COLUMNS] near `centre`, with gradient, velocity and a bias [ROWS]. */
static void add_layer(struct lft *t, const char *name, float centre, uint64_t seed)
{
    const int32_t position = t->layer_count;
    lfuse_tensor *tensor[3];
    int i, e;

    for (i = 0; i < 3; i++)
        tensor[i] = lft_tensor(t, LFUSE_F32, seed + (uint64_t)i, ROWS, COLUMNS, 0);
    for (e = 0; e < ELEMENTS; e++)
        lft_floats(tensor[0])[e] += centre;
    lft_layer(t, name, "A", position, tensor[0], tensor[1], tensor[2]);
    lft_add(t, position, "bias", LFUSE_ROLE_BIAS,
            lft_tensor(t, LFUSE_F32, seed + 3, ROWS, 0),
            lft_tensor(t, LFUSE_F32, seed + 4, ROWS, 0));
}

/* Two that are alike, and one far away. */
static void three(struct lft *t)
{
    add_layer(t, "l0", 0.0f, 10);
    add_layer(t, "l1", 0.0f, 20);
    add_layer(t, "l2", 50.0f, 30);
}

static float *bias(struct lft *t, int layer)
{
    return lft_floats(lft_parameter(t, layer, 1).value);
}

static float *bias_gradient(struct lft *t, int layer)
{
    return lft_floats(lft_parameter(t, layer, 1).gradient);
}

/* What the weights were before anything was shown. */
struct sources {
    float weight[POSITIONS][ELEMENTS];
    float bias[POSITIONS][ROWS];
};

static struct sources *remember(struct lft *t)
{
    struct sources *s = malloc(sizeof(*s));
    int i;

    assert_non_null(s);
    for (i = 0; i < t->layer_count; i++) {
        memcpy(s->weight[i], lft_weight(t, i), sizeof(s->weight[i]));
        memcpy(s->bias[i], bias(t, i), sizeof(s->bias[i]));
    }
    return s;
}

/* The source that a row of the mix has, of the first n; fails when it has none's. */
static int drawn(const float *mixed, const struct sources *s, int n, int row)
{
    int i;

    for (i = 0; i < n; i++)
        if (memcmp(mixed + row * COLUMNS, s->weight[i] + row * COLUMNS,
                   COLUMNS * sizeof(float)) == 0)
            return i;
    fail_msg("row %d is no source's", row);
    return -1;
}

/* ---- what is shown -------------------------------------------------------------------------- */

static void a_group_that_mixes_keeps_its_sources(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_ties *ties;

    three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_take(t, ties, &before);
    lft_mix(t, ties, 1);
    lft_check_bytes(t, &before);
    assert_int_equal(lfuse_ties_owner(ties, 1), 0);
    assert_int_equal(lfuse_ties_is_frozen(ties, 0), 0);
    assert_ptr_not_equal(lft_weight(t, 0), lft_weight(t, 1));
    /* Counted as tied; the mixes of one weight and one bias are there on top. */
    assert_int_equal(lft_account(t, ties).all_unique, 2 * ELEMENTS + 3 * ROWS);
    assert_int_equal(lfuse_ties_resident_bytes(ties),
                     before.resident + (ELEMENTS + ROWS) * sizeof(float));
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    assert_int_equal(lfuse_ties_resident_bytes(ties),
                     before.resident + (ELEMENTS + ROWS) * sizeof(float));
    lfuse_ties_destroy(ties);
    lft_check_bytes(t, &before);
    lft_drop(&before);
}

static void every_row_of_a_mix_is_one_sources(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;
    int row, step, first = 0;

    three(t);
    s = remember(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    for (step = 0; step < 50; step++) {
        lft_show(t, ties, LFUSE_SHOW_MIX, step);
        assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
        assert_memory_equal(lft_weight(t, 2), s->weight[2], sizeof(s->weight[2]));
        for (row = 0; row < ROWS; row++)
            first += drawn(lft_weight(t, 0), s, 2, row) == 0;
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
        assert_memory_equal(lft_weight(t, 0), s->weight[0], sizeof(s->weight[0]));
        assert_memory_equal(lft_weight(t, 1), s->weight[1], sizeof(s->weight[1]));
    }
    /* 3200 fair draws have a standard deviation of 28.3: six of them. */
    assert_true(abs(first - 1600) <= 170);
    free(s);
    lfuse_ties_destroy(ties);
}

/* Of a tied pair and a third, the pair's rows are twice as many: every member counts. */
static void members_tied_before_are_one_source_of_more_rows(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;
    int row, step, pair = 0;

    three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    s = remember(t);
    lft_mix(t, ties, 1);
    for (step = 0; step < 50; step++) {
        lft_show(t, ties, LFUSE_SHOW_MIX, step);
        assert_ptr_equal(lft_weight(t, 1), lft_weight(t, 2));
        for (row = 0; row < ROWS; row++)
            pair += drawn(lft_weight(t, 2), s, 3, row) != 2;
        lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    }
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    assert_memory_equal(lft_weight(t, 2), s->weight[2], sizeof(s->weight[2]));
    /* 3200 draws of 2/3: mean 2133, standard deviation 26.7. */
    assert_true(abs(pair - 2133) <= 160);
    free(s);
    lfuse_ties_destroy(ties);
}

/* The mix of a step, by a context of its own. */
static void mix_with(struct lft *t, uint64_t seed, int32_t threads, int64_t step,
                     float *out)
{
    lfuse_context_options o;
    lfuse_context *ctx;
    lfuse_ties *ties;

    lfuse_context_options_init(&o, sizeof(o));
    o.seed = seed;
    o.threads = threads;
    lft_ok(t, lfuse_context_create(&o, &ctx, &t->err));
    lft_ok(t, lfuse_ties_create(ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MIX, step);
    memcpy(out, lft_weight(t, 0), ELEMENTS * sizeof(float));
    lfuse_ties_destroy(ties);
    lfuse_context_destroy(ctx);
}

static void draws_depend_on_seed_and_step_alone(void **state)
{
    struct lft *t = *state;
    float a[ELEMENTS], b[ELEMENTS];
    int32_t threads;

    three(t);
    mix_with(t, 1, 1, 7, a);
    for (threads = 1; threads <= 3; threads++) {
        mix_with(t, 1, threads, 7, b);
        assert_memory_equal(a, b, sizeof(a));
    }
    mix_with(t, 1, 1, 8, b);
    assert_memory_not_equal(a, b, sizeof(a));
    mix_with(t, 2, 1, 7, b);
    assert_memory_not_equal(a, b, sizeof(a));
}

/* The mean of two f32, added in f64 and rounded once. */
static float mean_of(float a, float b)
{
    return (float)(((double)a + (double)b) / 2.0);
}

static void the_mean_is_what_finalising_leaves(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    float mean[ELEMENTS], mean_bias[ROWS];
    float velocity = mean_of(lft_value(12, 3), lft_value(22, 3));
    lfuse_ties *ties;
    int e;

    three(t);
    s = remember(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    for (e = 0; e < ELEMENTS; e++)
        assert_true(lft_weight(t, 1)[e] == mean_of(s->weight[0][e], s->weight[1][e]));
    for (e = 0; e < ROWS; e++)
        assert_true(bias(t, 1)[e] == mean_of(s->bias[0][e], s->bias[1][e]));
    memcpy(mean, lft_weight(t, 0), sizeof(mean));
    memcpy(mean_bias, bias(t, 0), sizeof(mean_bias));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    assert_memory_equal(lft_weight(t, 0), mean, sizeof(mean));
    assert_ptr_equal(lft_velocity(t, 0), lft_velocity(t, 1));
    assert_true(lft_velocity(t, 0)[3] == velocity);
    assert_ptr_not_equal(bias(t, 0), bias(t, 1));
    assert_memory_equal(bias(t, 0), mean_bias, sizeof(mean_bias));
    assert_memory_equal(bias(t, 1), mean_bias, sizeof(mean_bias));
    assert_int_equal(lfuse_ties_resident_bytes(ties),
                     (2 * ELEMENTS + 3 * ROWS) * sizeof(float));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err)); /* nothing is left */
    free(s);
    lfuse_ties_destroy(ties);
}

static void another_plan_can_tie_a_group_that_mixes(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;
    int e;

    three(t);
    s = remember(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_tie(t, ties, 1);
    for (e = 0; e < ELEMENTS; e++)
        assert_true(lft_weight(t, 0)[e] ==
                    (float)(((double)s->weight[0][e] + (double)s->weight[1][e] +
                             (double)s->weight[2][e]) /
                            3.0));
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 2));
    lft_ok(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, 0, &t->err)); /* nothing mixes */
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    free(s);
    lfuse_ties_destroy(ties);
}

/* A group that a later plan leaves alone goes on mixing, whatever the plan's policy. */
static void a_group_goes_on_mixing_beside_another_plan(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;

    add_layer(t, "l0", 0.0f, 10);
    add_layer(t, "l1", 0.0f, 20);
    s = remember(t);
    lft_layer(t, "m0", "B", 2, lft_pair(t, 1, 2), lft_pair(t, 1, 2), NULL);
    lft_layer(t, "m1", "B", 3, lft_pair(t, 5, 90), lft_pair(t, 1, 2), NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 2), lft_weight(t, 3));
    assert_ptr_not_equal(lft_weight(t, 0), lft_weight(t, 1));
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    drawn(lft_weight(t, 0), s, 2, 0);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    assert_memory_equal(lft_weight(t, 1), s->weight[1], sizeof(s->weight[1]));
    free(s);
    lfuse_ties_destroy(ties);
}

/* A group that mixes grows: its sources stay two, and the new member is a third. */
static void a_group_that_mixes_can_grow(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;
    int row, seen[3] = {0};

    three(t);
    s = remember(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_mix(t, ties, 1);
    assert_int_equal(lfuse_ties_owner(ties, 2), lfuse_ties_owner(ties, 1));
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    for (row = 0; row < ROWS; row++)
        seen[drawn(lft_weight(t, 1), s, 3, row)]++;
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    for (row = 0; row < 3; row++)
        assert_memory_equal(lft_weight(t, row), s->weight[row], sizeof(s->weight[row]));
    free(s);
    lfuse_ties_destroy(ties);
}

static void a_group_that_mixes_can_be_frozen(void **state)
{
    struct lft *t = *state;
    struct sources *s;
    lfuse_ties *ties;
    int i;

    three(t);
    s = remember(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_mix(t, ties, 1);
    lft_tie_with(t, ties, 1, LFUSE_POLICY_FREEZE, 0);
    for (i = 0; i < 3; i++) {
        assert_int_equal(lfuse_ties_is_frozen(ties, i), 1);
        assert_memory_equal(lft_weight(t, i), s->weight[lfuse_ties_owner(ties, i)],
                            sizeof(s->weight[i]));
    }
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    for (i = 0; i < 3; i++)
        assert_memory_equal(lft_weight(t, i), s->weight[i], sizeof(s->weight[i]));
    free(s);
    lfuse_ties_destroy(ties);
}

/* ---- gradients ------------------------------------------------------------------------------- */

/* Whatever the option, the group's gradient is `scale` times l0's + l1's, or l0's alone. */
static void check_gradients(struct lft *t, lfuse_ties_options o, float scale, int both)
{
    float g[2][ELEMENTS], b[2][ROWS], expected;
    struct sources *s = remember(t);
    lfuse_ties *ties = lft_ties_of(t, o);
    int source[ROWS], row, e, i;

    lft_mix(t, ties, 1);
    for (i = 0; i < 2; i++) {
        memcpy(g[i], lft_gradient(t, i), sizeof(g[i]));
        memcpy(b[i], bias_gradient(t, i), sizeof(b[i]));
    }
    lft_show(t, ties, LFUSE_SHOW_MIX, 3);
    for (row = 0; row < ROWS; row++)
        source[row] = drawn(lft_weight(t, 0), s, 2, row);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    for (i = 0; i < 2; i++) {
        for (e = 0; e < ELEMENTS; e++) {
            expected = scale * (g[0][e] + (both ? g[1][e] : 0.0f));
            assert_true(lft_gradient(t, i)[e] ==
                        (source[e / COLUMNS] == i ? expected : 0.0f));
        }
        for (e = 0; e < ROWS; e++)
            assert_true(bias_gradient(t, i)[e] ==
                        scale * (b[0][e] + (both ? b[1][e] : 0.0f)));
    }
    free(s);
    lfuse_ties_destroy(ties);
}

/* Gradients are multiples of 2^-15 in [-1, 1): their sums and halves are exact in f32. */
static void the_drawn_rows_source_gets_the_gradient(void **state)
{
    struct lft *t = *state;

    three(t);
    check_gradients(t, lft_ties_defaults(), 0.5f, 1);
}

static void gradients_of_a_mix_can_be_summed_or_accumulated(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();

    three(t);
    o.combine = LFUSE_COMBINE_SUM;
    check_gradients(t, o, 1.0f, 1);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    check_gradients(t, o, 1.0f, 0);
    o.combine = LFUSE_COMBINE_MEAN;
    check_gradients(t, o, 0.5f, 0);
}

/* Accumulated, the gradient of a pair that was tied is one; with a third its sum is the kept
 * member's, and goes to one of the two sources. */
static void a_tied_pairs_accumulated_gradient_is_one_sources(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    struct sources *s;
    float sum[ELEMENTS];
    lfuse_ties *ties;
    int row, from;

    three(t);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 1);
    s = remember(t);
    lft_mix(t, ties, 1);
    assert_ptr_equal(lft_gradient(t, 0), lft_gradient(t, 1));
    memcpy(sum, lft_gradient(t, (int)lfuse_ties_owner(ties, 0)), sizeof(sum));
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    for (row = 0; row < ROWS; row++) {
        from = drawn(lft_weight(t, 0), s, 3, row);
        assert_true(lft_gradient(t, from)[row * COLUMNS] ==
                    (float)((double)sum[row * COLUMNS] / 3.0));
        assert_true(lft_gradient(t, from == 2 ? 0 : 2)[row * COLUMNS] == 0.0f);
    }
    free(s);
    lfuse_ties_destroy(ties);
}

/* ---- what can go wrong ------------------------------------------------------------------------ */

static void calls_out_of_order_say_so(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot shown;
    lfuse_plan *plan;
    lfuse_ties *ties;

    three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_mix(t, ties, 1);
    plan = lft_plan_with(t, ties, 1, LFUSE_POLICY_RANDOM, 0);
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_STATE,
              "do not show a mix");
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    lft_take(t, ties, &shown);
    lft_fails(t, lfuse_ties_combine_gradients(ties, &t->err), LFUSE_ERR_STATE,
              "do not show a mix");
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, 0, &t->err), LFUSE_ERR_STATE,
              "show was called while groups show their mean");
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_STATE, "apply");
    lft_fails(t, lfuse_ties_undo(ties, &t->err), LFUSE_ERR_STATE, "undo");
    lft_fails(t, lfuse_ties_finalise(ties, &t->err), LFUSE_ERR_STATE, "finalise");
    lft_check_unchanged(t, ties, &shown);
    lft_drop(&shown);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void bad_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;

    three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_fails(t, lfuse_ties_show(NULL, LFUSE_SHOW_MIX, 0, &t->err), LFUSE_ERR_ARGUMENT,
              "ties is NULL");
    lft_fails(t, lfuse_ties_show(ties, 0, 0, &t->err), LFUSE_ERR_ARGUMENT,
              "show is 0, which is unknown");
    lft_fails(t, lfuse_ties_show(ties, 4, 0, &t->err), LFUSE_ERR_ARGUMENT, "show is 4");
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, -1, &t->err), LFUSE_ERR_ARGUMENT,
              "step is -1");
    lft_fails(t, lfuse_ties_finalise(NULL, &t->err), LFUSE_ERR_ARGUMENT, "ties is NULL");
    lfuse_ties_destroy(ties);
}

static void refuse_plan(struct lft *t, lfuse_status expected, const char *text)
{
    lfuse_plan_options o;
    lfuse_plan *plan;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 1;
    lft_ok(t, lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers,
                               t->layer_count, &o, &plan, &t->err));
    lfuse_plan_destroy(plan);
    o.policy = LFUSE_POLICY_RANDOM;
    lft_fails(t,
              lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers,
                               t->layer_count, &o, &plan, &t->err),
              expected, text);
}

static void biases_that_do_not_match_cannot_be_averaged(void **state)
{
    struct lft *t = *state;

    lft_at(t, "l0", 0, 1.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_add(t, 0, "b", LFUSE_ROLE_BIAS, lft_pair(t, 1, 2), NULL);
    refuse_plan(t, LFUSE_ERR_NAME, "layer l0 has 1 biases, l1 has 0");
    lft_add(t, 1, "b", LFUSE_ROLE_BIAS, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL);
    refuse_plan(t, LFUSE_ERR_SHAPE, "b of layer l0 is [2], of l1 [3]");
}

static void biases_that_share_memory_cannot_be_averaged(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared = lft_pair(t, 1.0f, 2.0f);

    lft_at(t, "l0", 0, 1.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_add(t, 0, "b", LFUSE_ROLE_BIAS, shared, NULL);
    lft_add(t, 1, "b", LFUSE_ROLE_BIAS, shared, NULL);
    refuse_plan(t, LFUSE_ERR_STATE, "the value of b of layer l0 and of b of layer l1");
}

/* The ties know the biases of when something was first in force; later ones do not mix. */
static void a_bias_that_was_gained_later_cannot_be_averaged(void **state)
{
    struct lft *t = *state;
    lfuse_ties *ties;
    lfuse_plan *plan;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    plan = lft_plan_with(t, ties, 1, LFUSE_POLICY_RANDOM, 0);
    lft_add(t, 2, "b", LFUSE_ROLE_BIAS, lft_pair(t, 1, 2), NULL);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_NAME,
              "layer l3 has 0 biases, l2 has 1");
    lft_add(t, 3, "b", LFUSE_ROLE_BIAS, lft_pair(t, 1, 2), NULL);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_STATE,
              "layer l2 has gained a bias since ties were first applied");
    assert_int_equal(lfuse_ties_owner(ties, 2), 2);
    lfuse_plan_destroy(plan);
    lft_tie(t, ties, 1); /* other policies leave it alone */
    lfuse_ties_destroy(ties);
}

static void a_bias_that_is_not_finite_is_named(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    lfuse_ties *ties;

    three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    plan = lft_plan_with(t, ties, 1, LFUSE_POLICY_RANDOM, 0);
    bias(t, 1)[7] = NAN;
    refuse_plan(t, LFUSE_ERR_NOT_FINITE, "element 7 of parameter bias of layer l1");
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_NOT_FINITE,
              "element 7 of parameter bias of layer l1");
    assert_int_equal(lfuse_ties_owner(ties, 1), 1);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

static void undo_puts_weights_and_biases_back(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_ties *ties;

    three(t);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &before);
    lft_mix(t, ties, 1);
    lft_weight(t, 0)[4] = 3.0f;
    bias(t, 1)[4] = 3.0f;
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_unchanged(t, ties, &before);
    lft_mix(t, ties, 2);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    bias(t, 2)[4] = 3.0f;
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

static lfuse_status apply(struct lft *t, void *arg)
{
    void **parts = arg;
    lfuse_status status = lfuse_ties_apply(parts[0], parts[1], &t->err);

    if (status == LFUSE_OK)
        lft_ok(t, lfuse_ties_undo(parts[0], &t->err));
    return status;
}

static void every_allocation_of_mixing_may_fail(void **state)
{
    struct lft *t = *state;
    void *parts[2];

    three(t);
    lft_layer(t, "h", "H", 3, lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL, NULL);
    parts[0] = lft_ties_of(t, lft_ties_keeping());
    parts[1] = lft_plan_with(t, parts[0], 2, LFUSE_POLICY_RANDOM, 0);
    lft_every_allocation_fails(t, apply, parts);
    lfuse_plan_destroy(parts[1]);
    lfuse_ties_destroy(parts[0]);
}

static int32_t run_some(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    for (i = 0; i < count; i++)
        task(arg, i);
    return (*(int *)user)-- == 0 ? 6 : 0;
}

static void an_executor_that_refuses_shows_nothing(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    lfuse_context_options co;
    lfuse_context *ctx;
    lfuse_ties *ties;
    int answer = -1;

    three(t);
    lfuse_context_options_init(&co, sizeof(co));
    co.executor = (lfuse_executor){run_some, &answer, 2, 0};
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    lft_ok(t, lfuse_ties_create(ctx, t->layers, 3, NULL, &ties, &t->err));
    lft_mix(t, ties, 1);
    lft_take(t, ties, &before);
    answer = 1;
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, 0, &t->err), LFUSE_ERR_CALLBACK,
              "6");
    lft_check_unchanged(t, ties, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
    lfuse_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_group_that_mixes_keeps_its_sources),
        lft_test(every_row_of_a_mix_is_one_sources),
        lft_test(members_tied_before_are_one_source_of_more_rows),
        lft_test(draws_depend_on_seed_and_step_alone),
        lft_test(the_mean_is_what_finalising_leaves),
        lft_test(another_plan_can_tie_a_group_that_mixes),
        lft_test(a_group_that_mixes_can_grow),
        lft_test(a_group_that_mixes_can_be_frozen),
        lft_test(a_group_goes_on_mixing_beside_another_plan),
        lft_test(the_drawn_rows_source_gets_the_gradient),
        lft_test(gradients_of_a_mix_can_be_summed_or_accumulated),
        lft_test(a_tied_pairs_accumulated_gradient_is_one_sources),
        lft_test(calls_out_of_order_say_so),
        lft_test(bad_arguments_are_named),
        lft_test(biases_that_do_not_match_cannot_be_averaged),
        lft_test(biases_that_share_memory_cannot_be_averaged),
        lft_test(a_bias_that_was_gained_later_cannot_be_averaged),
        lft_test(a_bias_that_is_not_finite_is_named),
        lft_test(undo_puts_weights_and_biases_back),
        lft_test(every_allocation_of_mixing_may_fail),
        lft_test(an_executor_that_refuses_shows_nothing),
    };

    return cmocka_run_group_tests_name("ties_mix", tests, NULL, NULL);
}
