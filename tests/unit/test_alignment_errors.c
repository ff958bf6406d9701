/* test_alignment_errors.c - alignments that cannot be, and memory that runs out; see plan.h */
#include "lft_alignment.h"

#include <string.h>

/* ---- errors ------------------------------------------------------------------------------------- */

static void alignment_and_couplings_come_together(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan_options o = lft_align_options(c, 2);

    o.couplings = NULL;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT,
                   "options.alignment is 2, couplings are NULL");
    o = lft_plan_best(2);
    o.couplings = c;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT,
                   "options.alignment is 0, couplings are given");
    o.alignment = 3;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT, "options.alignment is 3, which is unknown");
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("z", "weight", 0));
    lft_plan_fails(t, lft_align_options(c, 2), LFUSE_ERR_NAME,
                   "the coupled layer z is not there");
    lfuse_couplings_destroy(c);
}

/* Weights that the plan knows, with norms that it does not. */
static void other_layers_are_refused_before_anything_moves(void **state)
{
    struct lft *t = *state, other = *t;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan *plan = lft_plan_build(t, lft_align_options(c, 2));
    struct lft_snapshot s;
    lfuse_ties *ties;
    int i;

    other.layer_count = 0;
    other.tensor_count = 0;
    for (i = 0; i < 2; i++) {
        const uint64_t seed = 50 + 10 * (uint64_t)i;

        lft_align_layer(&other, lft_align_prefixes[i], "up");
        lft_align_parameter(&other, "weight", LFUSE_ROLE_WEIGHT,
                            lft_tensor(&other, LFUSE_F32, seed, LFT_UNITS, LFT_WIDTH, 0));
        lft_align_parameter(&other, "bias", LFUSE_ROLE_BIAS,
                            lft_tensor(&other, LFUSE_F32, seed + 1, LFT_UNITS, 0));
        lft_align_layer(&other, lft_align_prefixes[i], "norm");
        lft_align_parameter(
            &other, "scale", LFUSE_ROLE_NORM,
            lft_tensor(&other, LFUSE_F32, seed + 2, i == 0 ? LFT_UNITS : 3, 0));
        lft_align_layer(&other, lft_align_prefixes[i], "down");
        lft_align_parameter(
            &other, "weight", LFUSE_ROLE_WEIGHT,
            lft_tensor(&other, LFUSE_F32, seed + 4, LFT_WIDTH, LFT_UNITS, 0));
    }
    ties = lft_ties_of(&other, lft_ties_keeping());
    lft_take(&other, ties, &s);
    lft_fails(&other, lfuse_ties_apply(ties, plan, &other.err), LFUSE_ERR_SHAPE,
              "axis 0 of scale of layer b.norm has not the 6 entries that the plan "
              "permutes");
    lft_check_bytes(&other, &s);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    while (other.layer_count > 0)
        lfuse_layer_destroy(other.layers[--other.layer_count]);
    while (other.tensor_count > 0)
        lfuse_tensor_destroy(other.tensors[--other.tensor_count]);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

/* A norm that another layer has, too, which no space couples. */
static void memory_that_others_read_differently_is_not_moved(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    struct lft_snapshot s;
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_align_layer(t, "z", "other");
    lft_plan_add(t, t->layers[6], "shared", LFUSE_ROLE_NORM, 0,
                 lft_parameter(t, 4, 0).value);
    plan = lft_plan_build(t, lft_align_options(c, 2));
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_STATE,
              "scale of layer b.norm has the memory of shared of layer z.other");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

static int32_t stop(const char *what, int64_t done, int64_t total, void *user)
{
    (void)done;
    (void)total;
    return strcmp(what, "alignment") == 0 ? *(int32_t *)user : 0;
}

static void aligning_can_be_cancelled(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, 2);
    lfuse_plan_options o = lft_align_options(c, 2);
    lfuse_plan *plan = NULL;
    lfuse_context_options options;
    lfuse_context *ctx;
    int32_t value = 4;

    lfuse_context_options_init(&options, sizeof(options));
    options.progress = stop;
    options.progress_user = &value;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_fails(t, lfuse_plan_build(ctx, lft_all(t), t->layer_count, &o, &plan, &t->err),
              LFUSE_ERR_CANCELLED, "alignment");
    assert_int_equal(t->err.detail, 4);
    assert_null(plan);
    lfuse_context_destroy(ctx);
    lfuse_couplings_destroy(c);
}

/* ---- memory --------------------------------------------------------------------------------------- */

static lfuse_status build(struct lft *t, void *arg)
{
    const lfuse_plan_options o = lft_align_options(arg, 4);
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, &o, &plan);

    lfuse_plan_destroy(status == LFUSE_OK ? plan : NULL);
    return status;
}

static void every_allocation_of_aligning_may_fail(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);

    lft_every_allocation_fails(t, build, c);
    lfuse_couplings_destroy(c);
}

static void a_refused_allocation_of_apply_moves_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_align_blocks(t, LFT_BLOCKS);
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    lfuse_plan_options o = lft_align_options(c, 4);
    struct lft_snapshot s;
    lfuse_plan *plan;
    lfuse_ties *ties;
    int64_t k;

    o.policy = LFUSE_POLICY_RANDOM; /* which takes memory after units have moved */
    plan = lft_plan_build(t, o);
    ties = lft_ties_of(t, lft_ties_keeping());
    lft_take(t, ties, &s);
    for (k = 0; status != LFUSE_OK; k++) {
        t->memory.allocations = 0;
        t->memory.fail_at = k;
        status = lfuse_ties_apply(ties, plan, &t->err);
        t->memory.fail_at = -1;
        if (status != LFUSE_OK) {
            assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
            lft_check_unchanged(t, ties, &s);
        }
    }
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    assert_int_equal(t->memory.live, s.live);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

/* "p" and "q" tied, with these permutations of rows. */
#define WITH(permutations)                                                          \
    "{\"layerfuse_plan\":1,\"fusions\":[{\"a\":\"p\",\"b\":\"q\",\"kept\":\"p\"}]," \
    "\"permutations\":" permutations ",\"layers\":[" LAYER("p") "," LAYER("q") "]}"
#define LAYER(name)                                                            \
    "{\"name\":\"" name "\",\"type\":\"A\",\"weights\":[{\"name\":\"weight\"," \
    "\"shape\":[2,3],\"axis\":0,\"dtype\":\"f32\"}]}"
#define ONE(order, rest) \
    WITH("[{\"order\":" order ",\"members\":[{\"layer\":\"p\"," rest "}]}]")

static void permutations_of_a_file_are_checked(void **state)
{
    static const struct {
        const char *text;
        lfuse_status status;
        const char *message;
    } cases[] = {
        {WITH("{}"), LFUSE_ERR_FORMAT, "the plan: permutations is no array"},
        {WITH("[3]"), LFUSE_ERR_FORMAT, "permutations[0] is no object"},
        {WITH("[{}]"), LFUSE_ERR_FORMAT, "permutations[0] has no order"},
        {WITH("[{\"order\":[0]}]"), LFUSE_ERR_FORMAT, "permutations[0] has no members"},
        {WITH("[{\"x\":0}]"), LFUSE_ERR_UNSUPPORTED, "the field x"},
        {ONE("[0,0]", "\"parameter\":\"weight\",\"entries\":2"), LFUSE_ERR_FORMAT,
         "permutations[0]: order has not each of 2 units once"},
        {ONE("[0,-1]", "\"parameter\":\"weight\",\"entries\":2"), LFUSE_ERR_FORMAT,
         "permutations[0]: order[1] is no integer >= 0"},
        {ONE("[1,0]", "\"entries\":2"), LFUSE_ERR_FORMAT,
         "permutations[0].members[0] has no parameter"},
        {ONE("[1,0]", "\"parameter\":\"weight\",\"entries\":1"), LFUSE_ERR_FORMAT,
         "axis 0 of 1 entries has no 2 units of 1 from 0 on"},
        {ONE("[1,0]", "\"parameter\":\"weight\",\"entries\":2,\"axis\":8"),
         LFUSE_ERR_FORMAT, "permutations[0].members[0]: axis 8"},
        {ONE("[1,0]", "\"parameter\":\"weight\",\"entries\":2,"
                      "\"block\":9223372036854775807"),
         LFUSE_ERR_FORMAT, "units of 9223372036854775807"},
        {ONE("[1,0]", "\"parameter\":\"weight\",\"entries\":2},{\"layer\":\"p\","
                      "\"parameter\":\"weight\",\"entries\":2"),
         LFUSE_ERR_FORMAT,
         "permutations[0].members[1]: the same entries are in permutations[0]"},
        {ONE("[1,0]", "\"parameter\":\"weight\",\"entries\":2},{\"layer\":\"z\","
                      "\"parameter\":\"weight\",\"entries\":2"),
         LFUSE_ERR_NAME, "z"},
    };
    struct lft *t = *state;
    lfuse_plan *plan;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lft_fails(t,
                  lfuse_plan_from_json(t->ctx, cases[i].text, strlen(cases[i].text), NULL,
                                       &plan, &t->err),
                  cases[i].status, cases[i].message);
        assert_null(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(alignment_and_couplings_come_together),
        lft_test(other_layers_are_refused_before_anything_moves),
        lft_test(memory_that_others_read_differently_is_not_moved),
        lft_test(aligning_can_be_cancelled),
        lft_test(permutations_of_a_file_are_checked),
        lft_test(every_allocation_of_aligning_may_fail),
        lft_test(a_refused_allocation_of_apply_moves_nothing),
    };

    return cmocka_run_group_tests_name("alignment_errors", tests, NULL, NULL);
}
