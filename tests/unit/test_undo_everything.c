/*
 * test_undo_everything.c - every plan that there can be: applied, trained, undone, replayed
 *
 * Every policy with its options, both units, with and without alignment, gradients in both ways:
 * what ties and a training have made of weights, biases and state is undone to the last bit, at
 * the addresses of before; and the plan, written and read, does what it did directly, which is
 * what its preview said.
 */
#include "lft_alignment.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = LFT_UNITS * LFT_WIDTH, LAYERS = 3 * LFT_BLOCKS, PARAMETERS = 5 };

/* The caller's memory of all values: of a block up, its bias, scale, mean, down. */
static float values[LFT_BLOCKS][PARAMETERS][WEIGHTS];

static void borrowed(struct lft *t, int block, int k, const char *name, lfuse_role role,
                     int64_t rows, int64_t columns)
{
    float *data = values[block][k];

    lft_fill(data, rows * (columns > 0 ? columns : 1), (uint64_t)(10 * block + k));
    lft_align_parameter(t, name, role,
                        columns > 0 ? lft_borrow(t, LFUSE_F32, data, rows, columns, 0)
                                    : lft_borrow(t, LFUSE_F32, data, rows, 0));
}

static lfuse_couplings *three_blocks(struct lft *t)
{
    int i;

    for (i = 0; i < LFT_BLOCKS; i++) {
        lft_align_layer(t, lft_align_prefixes[i], "up");
        borrowed(t, i, 0, "weight", LFUSE_ROLE_WEIGHT, LFT_UNITS, LFT_WIDTH);
        borrowed(t, i, 1, "bias", LFUSE_ROLE_BIAS, LFT_UNITS, 0);
        lft_align_layer(t, lft_align_prefixes[i], "norm");
        borrowed(t, i, 2, "scale", LFUSE_ROLE_NORM, LFT_UNITS, 0);
        borrowed(t, i, 3, "mean", LFUSE_ROLE_STATISTIC, LFT_UNITS, 0);
        lft_align_layer(t, lft_align_prefixes[i], "down");
        borrowed(t, i, 4, "weight", LFUSE_ROLE_WEIGHT, LFT_WIDTH, LFT_UNITS);
    }
    return lft_align_couplings(t, LFT_BLOCKS);
}

/* ---- what there is ---------------------------------------------------------------------- */

/* Values and state of everything, gradients not: they are the last step's. */
struct all {
    void *data[LAYERS][2];
    float value[LAYERS][2][WEIGHTS];
    float state[LAYERS][2][WEIGHTS];
};

static void take(struct lft *t, struct all *all)
{
    int i, k;

    memset(all, 0, sizeof(*all));
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            const lfuse_parameter p = lft_parameter(t, i, k);
            const size_t size = (size_t)lfuse_tensor_elements(p.value) * sizeof(float);

            all->data[i][k] = lfuse_tensor_data(p.value);
            memcpy(all->value[i][k], all->data[i][k], size);
            if (p.state[0] != NULL)
                memcpy(all->state[i][k], lfuse_tensor_data(p.state[0]), size);
        }
}

/* ---- every combination ------------------------------------------------------------------ */

static const struct way {
    const char *name;
    lfuse_policy policy;
    lfuse_weighting weighting;
    uint32_t flags;
    lfuse_freeze_gradient freeze;
} ways[] = {
    {"average", LFUSE_POLICY_AVERAGE, 0, 0, 0},
    {"average, norm", LFUSE_POLICY_AVERAGE, LFUSE_WEIGHTING_NORM, 0, 0},
    {"average, importance", LFUSE_POLICY_AVERAGE, LFUSE_WEIGHTING_IMPORTANCE, 0, 0},
    {"average, rescaled", LFUSE_POLICY_AVERAGE, 0, LFUSE_PLAN_FLAG_RESCALE, 0},
    {"average, norm, rescaled", LFUSE_POLICY_AVERAGE, LFUSE_WEIGHTING_NORM,
     LFUSE_PLAN_FLAG_RESCALE, 0},
    {"average, importance, rescaled", LFUSE_POLICY_AVERAGE, LFUSE_WEIGHTING_IMPORTANCE,
     LFUSE_PLAN_FLAG_RESCALE, 0},
    {"freeze, both", LFUSE_POLICY_FREEZE, 0, 0, LFUSE_FREEZE_BOTH},
    {"freeze, dropped", LFUSE_POLICY_FREEZE, 0, 0, LFUSE_FREEZE_DROPPED},
    {"random", LFUSE_POLICY_RANDOM, 0, 0, 0},
    {"js", LFUSE_POLICY_JS, 0, 0, 0},
    {"custom", LFUSE_POLICY_CUSTOM, 0, 0, 0},
};

static const lfuse_unit units[] = {LFUSE_UNIT_LAYER, LFUSE_UNIT_ROW};
static const lfuse_gradients gradients[] = {LFUSE_GRADIENTS_PER_POSITION,
                                            LFUSE_GRADIENTS_ACCUMULATED};

static const double importance[LAYERS] = {1, 1, 2, 3, 1, 1, 2, 1, 4};

static lfuse_plan_options options_of(const struct way *way, lfuse_unit unit,
                                     const lfuse_couplings *couplings)
{
    lfuse_plan_options o = lft_plan_best(unit == LFUSE_UNIT_ROW ? 12 : 3);

    o.policy = way->policy;
    o.weighting = way->weighting;
    o.importance = way->weighting == LFUSE_WEIGHTING_IMPORTANCE ? importance : NULL;
    o.flags = way->flags;
    o.freeze_gradient = way->freeze;
    o.unit = unit;
    o.alignment = couplings != NULL ? LFUSE_ALIGNMENT_PERMUTATION : LFUSE_ALIGNMENT_NONE;
    o.couplings = couplings;
    return o;
}

/* The last member's, halved. */
static int32_t merge(void *user, const lfuse_matrix_view *members, int64_t count,
                     double *merged)
{
    const lfuse_matrix_view *m = &members[count - 1];
    int64_t i;

    (void)user;
    for (i = 0; i < m->rows * m->columns; i++)
        merged[i] = 0.5 * (double)((const float *)m->data)[i];
    return 0;
}

static int32_t accept(const char *layer, const char *parameter, void *data, void *user)
{
    (void)layer;
    (void)parameter;
    (void)data;
    (void)user;
    return 0;
}

static lfuse_ties_options ties_options(lfuse_gradients g, int mirrors)
{
    lfuse_ties_options o = lft_ties_keeping();

    o.rebind = accept;
    o.merge = merge;
    o.gradients = g;
    o.flags |= mirrors ? LFUSE_TIES_MIRROR : 0;
    return o;
}

/* ---- training --------------------------------------------------------------------------- */

/* Weights and biases: state gathers gradients, values follow. */
static void step(struct lft *t, lfuse_ties *ties, int64_t number)
{
    int i, k;
    int64_t e;

    lft_show(t, ties, LFUSE_SHOW_MIX, number);
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            const lfuse_parameter p = lft_parameter(t, i, k);

            if (p.gradient != NULL)
                lft_fill(lft_floats(p.gradient), lfuse_tensor_elements(p.gradient),
                         (uint64_t)(100 * number + 10 * i + k));
        }
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            const lfuse_parameter p = lft_parameter(t, i, k);

            if (p.role != LFUSE_ROLE_WEIGHT && p.role != LFUSE_ROLE_BIAS)
                continue;
            for (e = 0; e < lfuse_tensor_elements(p.value); e++) {
                lft_floats(p.state[0])[e] += lft_floats(p.gradient)[e];
                lft_floats(p.value)[e] -= 0.125f * lft_floats(p.state[0])[e];
            }
        }
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
}

static void apply_and_finalise(struct lft *t, lfuse_ties *ties, const lfuse_plan *plan)
{
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
}

static void undo_to(struct lft *t, lfuse_ties *ties, const struct all *original,
                    const char *name)
{
    struct all now;

    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    take(t, &now);
    if (memcmp(&now, original, sizeof(now)) != 0)
        fail_msg("%s: undo has not brought everything back", name);
}

/* ---- what a preview says ------------------------------------------------------------------ */

static void preview(struct lft *t, const lfuse_plan *plan, const struct way *way,
                    struct all *seen)
{
    lfuse_preview *p;
    int i, k;

    if (way->policy == LFUSE_POLICY_CUSTOM) {
        lft_fails(t, lfuse_preview_create(t->ctx, plan, lft_all(t), LAYERS, &p, &t->err),
                  LFUSE_ERR_UNSUPPORTED, "custom");
        return;
    }
    lft_ok(t, lfuse_preview_create(t->ctx, plan, lft_all(t), LAYERS, &p, &t->err));
    memset(seen->value, 0, sizeof(seen->value));
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            const int64_t n = lfuse_tensor_elements(lft_parameter(t, i, k).value);

            lft_ok(t, lfuse_preview_read_parameter(p, i, k, 0, n, seen->value[i][k],
                                                   &t->err));
        }
    lfuse_preview_destroy(p);
}

/* ---- one of them ------------------------------------------------------------------------ */

static lfuse_plan *read_again(struct lft *t, const lfuse_plan *plan)
{
    lfuse_plan *again;
    size_t size = 0;
    char *text;

    lft_ok(t, lfuse_plan_to_json(plan, NULL, 0, &size, &t->err));
    text = malloc(size);
    lft_ok(t, lfuse_plan_to_json(plan, text, size, &size, &t->err));
    lft_ok(t, lfuse_plan_from_json(t->ctx, text, size - 1, NULL, &again, &t->err));
    free(text);
    return again;
}

static void check(struct lft *t, const struct way *way, const lfuse_plan *plan,
                  const lfuse_plan *again, lfuse_ties_options o)
{
    lfuse_ties *ties = lft_ties_of(t, o);
    struct all original, trained, direct, replayed, foreseen;
    int64_t i;

    take(t, &original);
    preview(t, plan, way, &foreseen);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    for (i = 0; i < 3; i++)
        step(t, ties, i);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    step(t, ties, 3);
    take(t, &trained);
    assert_memory_not_equal(trained.value, original.value, sizeof(trained.value));
    undo_to(t, ties, &original, way->name);
    apply_and_finalise(t, ties, plan);
    take(t, &direct);
    if (way->policy != LFUSE_POLICY_CUSTOM &&
        memcmp(direct.value, foreseen.value, sizeof(direct.value)) != 0)
        fail_msg("%s: a preview says something else", way->name);
    undo_to(t, ties, &original, way->name);
    apply_and_finalise(t, ties, again);
    take(t, &replayed);
    if (memcmp(direct.value, replayed.value, sizeof(direct.value)) != 0 ||
        memcmp(direct.state, replayed.state, sizeof(direct.state)) != 0)
        fail_msg("%s: a plan that was read does something else", way->name);
    undo_to(t, ties, &original, way->name);
    lfuse_ties_destroy(ties);
}

static void refuse(struct lft *t, const lfuse_plan *plan, lfuse_ties_options o)
{
    lfuse_ties *ties = lft_ties_of(t, o);
    struct all before, after;

    take(t, &before);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_UNSUPPORTED,
              "accumulated gradients");
    take(t, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    lfuse_ties_destroy(ties);
}

/* How many combinations were carried out. */
static int try_way(struct lft *t, const struct way *way, lfuse_unit unit,
                   const lfuse_couplings *couplings)
{
    const lfuse_plan_options o = options_of(way, unit, couplings);
    lfuse_plan *plan, *again;
    int done = 0, g, mirrors;

    if (unit == LFUSE_UNIT_ROW && way->policy == LFUSE_POLICY_JS) {
        lft_plan_fails(t, o, LFUSE_ERR_UNSUPPORTED, "one row has no covariance");
        return 0;
    }
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_permutation_count(plan) > 0, couplings != NULL);
    again = read_again(t, plan);
    for (g = 0; g < 2; g++)
        for (mirrors = 0; mirrors < 2; mirrors++) {
            const lfuse_ties_options ties = ties_options(gradients[g], mirrors);

            if (g == 1 && way->freeze == LFUSE_FREEZE_DROPPED) {
                refuse(t, plan, ties);
                continue;
            }
            check(t, way, plan, again, ties);
            done++;
        }
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
    return done;
}

/* 11 ways, 2 units, 2 alignments, 2 kinds of gradients, 2 of ties; but js of rows, and what is dropped
 * of gradients that are added up. */
static void every_plan_is_undone_and_replayed_bit_for_bit(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = three_blocks(t);
    int done = 0, u;
    size_t w;

    for (w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
        for (u = 0; u < 2; u++) {
            done += try_way(t, &ways[w], units[u], NULL);
            done += try_way(t, &ways[w], units[u], c);
        }
    assert_int_equal(done, 11 * 16 - 8 - 8);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_plan_is_undone_and_replayed_bit_for_bit),
    };

    return cmocka_run_group_tests_name("undo_everything", tests, NULL, NULL);
}
