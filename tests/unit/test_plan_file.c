/* test_plan_file.c - see plan_file.h; what is refused is in test_plan_file_errors.c */
#include "lft_files.h"
#include "lft_plan.h"
#include "lft_plan_file.h"
#include "lft_ties.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text -------------------------------------------------------------------------------- */

static void a_plan_is_text_with_a_line_for_each_fusion(void **state)
{
    static const char expected[] =
        "{\n"
        " \"layerfuse_plan\": 1,\n"
        " \"options\": {\"top_k\": 2, \"policy\": \"average\", \"freeze_gradient\": "
        "\"both\", "
        "\"weighting\": \"equal\", \"rescale\": false, \"contents\": false, "
        "\"include_ends\": false, "
        "\"skip_unequal\": false, \"scope\": \"global\", "
        "\"base\": \"candidates\", \"linkage\": \"single\", \"keep\": \"farthest\", "
        "\"metric\": \"euclidean\", \"block\": 128, \"ridge\": 0.001, \"bandwidth\": "
        "0.5, "
        "\"exponent\": 2.0, \"regularisation\": 0.050000000000000003, "
        "\"projections\": 128, \"centroids\": 16, \"iterations\": 100, \"seed\": 1, "
        "\"softmax_rows\": false, \"unequal\": \"refuse\"},\n"
        " \"fusions\": [\n"
        "  {\"a\": \"l1\", \"b\": \"l2\", \"kept\": \"l1\", \"score\": 1.0, "
        "\"saved_parameters\": 2, \"ratio\": 1.25, \"unit\": \"layer\", "
        "\"policy\": \"average\"},\n"
        "  {\"a\": \"l3\", \"b\": \"l4\", \"kept\": \"l4\", \"score\": 3.0, "
        "\"saved_parameters\": 2, \"ratio\": 1.6666666666666667, \"unit\": \"layer\", "
        "\"policy\": \"average\"}\n"
        " ],\n"
        " \"groups\": [\n"
        "  [\"l1\", \"l2\"],\n"
        "  [\"l3\", \"l4\"]\n"
        " ],\n"
        " \"parameters\": {\"logical\": 10, \"unique\": 6, \"base\": \"candidates\"},\n"
        " \"fingerprint\": \"";
    struct lft *t = *state;
    lfuse_plan *plan;
    char *text;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(2));
    text = lft_plan_text(t, plan);
    text[sizeof(expected) - 1] = '\0'; /* what follows is the layers' */
    assert_string_equal(text, expected);
    free(text);
    lfuse_plan_destroy(plan);
}

/* Names that JSON escapes, numbers that 15 digits do not tell apart, parameters of all roles,
 * groups in force: all come back, to the last bit. */
static void what_was_written_is_read_back(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(3);
    lfuse_similarity_options similarity;
    lfuse_ties *ties;
    lfuse_plan *first, *plan, *again;
    char *text, *second;
    int i;

    lft_plan_at(t, "\"quoted\\\n\x01", "A", 0, 0.1f);
    lft_plan_at(t, "\xc3\xb6\xf0\x9f\x98\x80", "A", 1, 10.3f);
    lft_plan_at(t, "l2", "A", 2, 11.7f);
    lft_plan_at(t, "l3", "A", 3, 20.0f / 3.0f);
    lft_plan_at(t, "alone", "B", 4, 1.0f);
    lft_plan_bare(t, "norm", "N");
    lft_plan_add(t, t->layers[5], "scale", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F16, 1, 7, 0));
    lft_plan_add(t, t->layers[5], "mean", LFUSE_ROLE_STATISTIC, 0,
                 lft_tensor(t, LFUSE_F32, 1, 7, 0));
    for (i = 0; i < 4; i++)
        lft_plan_add(t, t->layers[i], "bias", LFUSE_ROLE_BIAS, 0,
                     lft_tensor(t, LFUSE_F64, 3, 5, 0));
    ties = lft_ties_of(t, lft_ties_defaults());
    first = lft_plan_build(t, lft_plan_best(1));
    lft_ok(t, lfuse_ties_apply(ties, first, &t->err));
    lfuse_similarity_options_init(&similarity, sizeof(similarity));
    similarity.seed = UINT64_MAX;
    similarity.ridge = -1.0;
    o.similarity = &similarity;
    o.in_force = ties;
    o.base = LFUSE_BASE_ALL;
    o.keep = LFUSE_KEEP_LAST;
    o.policy = LFUSE_POLICY_FREEZE;
    o.freeze_gradient = LFUSE_FREEZE_DROPPED;
    o.top_k = 1;
    o.flags = LFUSE_PLAN_FLAG_THRESHOLD;
    o.threshold = 100.0 / 3.0;
    o.max_unique_bytes = 1;
    o.scope = LFUSE_SCOPE_ADJACENT;
    o.linkage = LFUSE_LINKAGE_COMPLETE;
    plan = lft_plan_build(t, o);
    text = lft_plan_text(t, plan);
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    second = lft_plan_text(t, again);
    assert_string_equal(second, text);
    assert_non_null(strstr(text, "\"seed\": \"18446744073709551615\""));
    assert_non_null(strstr(text, "\"in_force\": ["));
    lft_ok(t, lfuse_ties_apply(ties, again, &t->err));
    free(second);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
    lfuse_plan_destroy(first);
    lfuse_ties_destroy(ties);
}

/* Read for layers in another order, each has its own still. */
static void importance_is_written_by_name(void **state)
{
    static const double importance[] = {1.0, 0.1, 1.0 / 3.0, 0.0, 5e-324};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_layer *first;
    lfuse_plan *plan, *turned, *again;
    char *text, *second, *third;

    lft_plan_five(t);
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    plan = lft_plan_build(t, o);
    text = lft_plan_text(t, plan);
    assert_non_null(strstr(text, "\"importance\": {\"l0\": 1.0, \"l1\": 0.1"));
    assert_non_null(strstr(text, "\"rescale\": true"));
    first = t->layers[0];
    t->layers[0] = t->layers[4];
    t->layers[4] = first;
    turned = lft_plan_read_for(t, text);
    second = lft_plan_text(t, turned);
    assert_non_null(strstr(second, "\"importance\": {\"l4\": 4.9406564584124654e-324, "));
    t->layers[4] = t->layers[0];
    t->layers[0] = first;
    again = lft_plan_read_for(t, second);
    third = lft_plan_text(t, again);
    assert_string_equal(third, text);
    free(third);
    free(second);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(turned);
    lfuse_plan_destroy(plan);
}

static void a_plan_without_fusions_is_a_plan(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan, *again;
    char *text;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_ratio(1.0));
    text = lft_plan_text(t, plan);
    assert_non_null(strstr(text, "\"fusions\": [],\n \"groups\": [],\n"));
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

static void files_hold_the_text(void **state)
{
    struct lft *t = *state;
    const char *path = lft_path("plan.json");
    lfuse_plan *plan, *again;
    size_t size;
    char *text, *bytes;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(3));
    lft_write_file(path, "before", 6);
    lft_ok(t, lfuse_plan_save(plan, path, &t->err));
    assert_int_equal(lft_count_files(), 1);
    text = lft_plan_text(t, plan);
    bytes = lft_read_file(path, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    lft_ok(t, lfuse_plan_load(t->ctx, path, NULL, &again, &t->err));
    lft_plan_check_same(t, plan, again);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

/* ---- edited texts ------------------------------------------------------------------------- */

/* Without the piece from `begin` to `end`, which stays. */
static void cut(char *text, const char *begin, const char *end)
{
    char *from = strstr(text, begin), *to;

    assert_non_null(from);
    to = strstr(from + strlen(begin), end);
    assert_non_null(to);
    memmove(from, to, strlen(to) + 1);
}

/* The line of (l3, l4) goes, and what followed from it: 10 weights, 2 saved by each. */
static void lines_may_be_taken_out(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan, *edited;
    char *text;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(3)); /* (l1, l2), (l3, l4), (l2, l3) */
    text = lft_plan_text(t, plan);
    cut(text, "  {\"a\": \"l3\"", "  {\"a\": \"l2\"");
    cut(text, " \"groups\"", " \"fingerprint\"");
    cut(text, "\"kept\": \"l4\", ", "\"score\": 9.0");
    edited = lft_plan_read(t, text);
    assert_int_equal(lfuse_plan_fusion_count(edited), 2);
    lft_plan_check(t, edited, 0, 1, 2, 1, 1.0);
    lft_plan_check(t, edited, 1, 2, 3, 1, 9.0);
    assert_true(lft_plan_fusion(t, edited, 1).ratio == 10.0 / 6.0);
    assert_int_equal(lfuse_plan_group_count(edited), 1);
    assert_int_equal(lfuse_plan_group_size(edited, 0), 3);
    assert_int_equal(lft_plan_account(t, edited).candidates_unique, 6);
    free(text);
    lfuse_plan_destroy(edited);
    lfuse_plan_destroy(plan);
}

/* The kept member is that of a's group where a line does not say; b may come before a. */
static void a_few_lines_are_a_plan_for_given_layers(void **state)
{
    static const char text[] = "{\"layerfuse_plan\": 1, \"fusions\": [\n"
                               " {\"a\": \"l4\", \"b\": \"l0\"},\n"
                               " {\"a\": \"l0\", \"b\": \"l2\"},\n"
                               " {\"a\": \"l1\", \"b\": \"l3\", \"kept\": \"l3\"}]}";
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = lft_plan_read_for(t, text);
    assert_int_equal(lft_plan_fusion(t, plan, 0).a, 0);
    assert_int_equal(lft_plan_fusion(t, plan, 0).b, 4);
    assert_int_equal(lft_plan_fusion(t, plan, 1).kept, 4);
    assert_int_equal(lft_plan_fusion(t, plan, 2).kept, 3);
    assert_true(isnan(lft_plan_fusion(t, plan, 0).score));
    assert_int_equal(lft_plan_account(t, plan).candidates_unique, 4);
    assert_int_equal(lfuse_plan_group_count(plan), 2);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 4);
    lfuse_plan_destroy(plan);
}

/* A network whose layers come the other way round. */
static void a_plan_follows_the_order_of_given_layers(void **state)
{
    struct lft *t = *state;
    lfuse_layer *first;
    lfuse_plan *plan, *turned, *back;
    lfuse_ties *ties;
    char *text, *other;
    int i;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(3));
    text = lft_plan_text(t, plan);
    for (i = 0; i < 2; i++) {
        first = t->layers[i];
        t->layers[i] = t->layers[4 - i];
        t->layers[4 - i] = first;
    }
    turned = lft_plan_read_for(t, text);
    assert_string_equal(lfuse_plan_layer_name(turned, 0), "l4");
    lft_plan_check(t, turned, 0, 2, 3, 3, 1.0); /* l2, l1 */
    lft_plan_check(t, turned, 1, 0, 1, 0, 3.0);
    lft_plan_check(t, turned, 2, 1, 2, 0, 9.0);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_NAME,
              "layers[0] is l4, in the plan l0");
    lft_ok(t, lfuse_ties_apply(ties, turned, &t->err));
    assert_int_equal(lfuse_ties_owner(ties, 3), 0);
    /* The fingerprint does not mind the order. */
    other = lft_plan_text(t, turned);
    assert_memory_equal(strstr(other, "\"fingerprint\""), strstr(text, "\"fingerprint\""),
                        33);
    back = lft_plan_read(t, other);
    lft_plan_check_same(t, turned, back);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(back);
    lfuse_plan_destroy(turned);
    lfuse_plan_destroy(plan);
    free(other);
    free(text);
}

/* ---- the same bits -------------------------------------------------------------------------- */

/* A hash of the elements, wherever they lie, goes with the plan and is held against weights. */
static void a_plan_of_contents_is_for_these_numbers(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan_load_options load;
    lfuse_plan *plan, *again;
    lfuse_ties *ties;
    char *text, *second;
    int i;

    for (i = 0; i < 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, "A", i, lft_tensor(t, LFUSE_BF16, (uint64_t)i, 3, 1001, 0),
                  NULL, NULL);
    }
    o.flags = LFUSE_PLAN_FLAG_CONTENTS;
    plan = lft_plan_build(t, o);
    text = lft_plan_text(t, plan);
    assert_non_null(strstr(text, "\"contents\": true"));
    again = lft_plan_read_for(t, text);
    second = lft_plan_text(t, again);
    assert_string_equal(second, text);
    ((uint16_t *)lfuse_tensor_data(lft_parameter(t, 2, 0).value))[3002] ^= 1;
    lfuse_plan_load_options_init(&load, sizeof(load));
    load.layers = (const lfuse_layer *const *)t->layers;
    load.count = 3;
    lfuse_plan_destroy(again);
    lft_fails(t, lfuse_plan_from_json(t->ctx, text, strlen(text), &load, &again, &t->err),
              LFUSE_ERR_STATE, "weight of layer l2 has other contents than when planned");
    assert_null(again);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_STATE,
              "weight of layer l2 has other contents than when planned");
    ((uint16_t *)lfuse_tensor_data(lft_parameter(t, 2, 0).value))[3002] ^= 1;
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_ties_destroy(ties);
    free(second);
    free(text);
    lfuse_plan_destroy(plan);
}

/* gamma decides how gradients are shared. */
static void a_plan_of_the_policy_js_has_gammas(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan, *again;
    char name[16], *text;
    int i;

    for (i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, 6, 5, 0), NULL,
                  NULL);
    }
    o.policy = LFUSE_POLICY_JS;
    plan = lft_plan_build(t, o);
    assert_true(lft_plan_fusion(t, plan, 1).gamma > 0.0);
    text = lft_plan_text(t, plan);
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

enum { LAYERS = 6, WEIGHTS = 3 * 700, BYTES = LAYERS * WEIGHTS * (int)sizeof(double) };

/* Weights of all layers, once the plan (of text, or a new one, whose text becomes *made) is
 * applied in a context of its own. */
static void weights_after(struct lft *t, lfuse_context *ctx, lfuse_dtype dtype,
                          lfuse_policy policy, const char *text, char **made,
                          unsigned char *out)
{
    lfuse_context *outer = t->ctx;
    lfuse_plan_options o = lft_plan_best(3);
    lfuse_plan *plan;
    lfuse_ties *ties;
    char name[16];
    int i;

    t->ctx = ctx;
    for (i = 0; i < LAYERS; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, i < 4 ? "A" : "B", i,
                  lft_tensor(t, dtype, (uint64_t)i, 3, 700, 0), NULL, NULL);
    }
    o.policy = policy;
    plan = text != NULL ? lft_plan_read(t, text) : lft_plan_build(t, o);
    if (made != NULL)
        *made = lft_plan_text(t, plan);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    memset(out, 0, BYTES);
    for (i = 0; i < LAYERS; i++)
        memcpy(out + i * WEIGHTS * (int)sizeof(double),
               lfuse_tensor_data(lft_parameter(t, i, 0).value),
               lfuse_tensor_bytes(lft_parameter(t, i, 0).value));
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    t->ctx = outer;
}

static void check_bits(struct lft *t, lfuse_dtype dtype, lfuse_policy policy)
{
    unsigned char *direct = malloc(BYTES), *replayed = malloc(BYTES);
    char *text = NULL;
    lfuse_isa isa;
    int threads;

    assert_true(direct != NULL && replayed != NULL);
    weights_after(t, t->ctx, dtype, policy, NULL, &text, direct);
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++)
        for (threads = 1; threads <= 2 && lft_runs(isa); threads++) {
            lfuse_context *ctx = lft_context(t, threads, isa);

            weights_after(t, ctx, dtype, policy, text, NULL, replayed);
            assert_memory_equal(direct, replayed, BYTES);
            lfuse_context_destroy(ctx);
        }
    free(text);
    free(replayed);
    free(direct);
}

static void a_replayed_plan_gives_the_same_bits_everywhere(void **state)
{
    struct lft *t = *state;
    lfuse_dtype dtype;
    lfuse_policy policy;

    for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
        for (policy = LFUSE_POLICY_AVERAGE; policy <= LFUSE_POLICY_JS; policy++)
            check_bits(t, dtype, policy);
}

/* ---- memory ------------------------------------------------------------------------------- */

static lfuse_status write_and_drop(struct lft *t, void *plan)
{
    size_t needed;

    return lfuse_plan_to_json(plan, NULL, 0, &needed, &t->err);
}

static lfuse_status read_and_drop(struct lft *t, void *text)
{
    lfuse_plan_load_options o;
    lfuse_status status;
    lfuse_plan *plan;

    lfuse_plan_load_options_init(&o, sizeof(o));
    o.layers = (const lfuse_layer *const *)t->layers;
    o.count = t->layer_count;
    status = lfuse_plan_from_json(t->ctx, text, strlen(text), &o, &plan, &t->err);
    assert_true((status == LFUSE_OK) == (plan != NULL));
    lfuse_plan_destroy(plan);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    char *text;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(3));
    text = lft_plan_text(t, plan);
    lft_every_allocation_fails(t, write_and_drop, plan);
    lft_every_allocation_fails(t, read_and_drop, text);
    free(text);
    lfuse_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_plan_is_text_with_a_line_for_each_fusion),
        lft_test(what_was_written_is_read_back),
        lft_test(importance_is_written_by_name),
        lft_test(a_plan_without_fusions_is_a_plan),
        lft_files_test(files_hold_the_text),
        lft_test(lines_may_be_taken_out),
        lft_test(a_few_lines_are_a_plan_for_given_layers),
        lft_test(a_plan_follows_the_order_of_given_layers),
        lft_test(a_plan_of_the_policy_js_has_gammas),
        lft_test(a_plan_of_contents_is_for_these_numbers),
        lft_test(a_replayed_plan_gives_the_same_bits_everywhere),
        lft_test(memory_may_be_refused_at_any_point),
    };

    return cmocka_run_group_tests_name("plan_file", tests, NULL, NULL);
}
