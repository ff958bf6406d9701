/* test_plan_file_rows.c - plans of the unit row as text: see plan_file.h */
#include "lft_files.h"
#include "lft_plan_file.h"
#include "lft_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of a plan's text that begin with this. */
static int count_lines(const char *text, const char *begin)
{
    int lines = 0;

    for (; (text = strstr(text, begin)) != NULL; text += strlen(begin))
        lines++;
    return lines;
}

/* Every row has the same owner in both. */
static void check_owners(const lfuse_plan *a, const lfuse_plan *b, int64_t layers,
                         int32_t weights, int64_t rows)
{
    int64_t layer, row, x, y;
    int32_t weight;

    for (layer = 0; layer < layers; layer++)
        for (weight = 0; weight < weights; weight++)
            for (row = 0; row < rows; row++) {
                x = y = -1;
                assert_int_equal(lfuse_plan_row_owner(a, layer, weight, row, &x),
                                 lfuse_plan_row_owner(b, layer, weight, row, &y));
                assert_int_equal(x, y);
            }
}

/* ---- text -------------------------------------------------------------------------------- */

static void fusions_of_two_layers_are_one_line(void **state)
{
    static const char expected[] =
        " \"fusions\": [\n"
        "  {\"a\": \"l0\", \"b\": \"l1\", \"kept\": \"l0\", \"weight\": \"weight\", "
        "\"saved_parameters\": 2, \"ratio\": 1.2857142857142858, \"unit\": \"row\", "
        "\"policy\": \"average\", \"rows\": [[1, 0, 0, 0, 1.0]]},\n"
        "  {\"a\": \"l1\", \"b\": \"l2\", \"kept\": \"l2\", \"weight\": \"weight\", "
        "\"saved_parameters\": 2, \"ratio\": 1.125, \"unit\": \"row\", "
        "\"policy\": \"average\", \"rows\": [[0, 1, 0, 0, 0.5]]},\n"
        "  {\"a\": \"l2\", \"b\": \"l2\", \"kept\": \"l2\", \"weight\": \"weight\", "
        "\"saved_parameters\": 2, \"ratio\": 1.5, \"unit\": \"row\", "
        "\"policy\": \"average\", \"rows\": [[2, 1, 2, 1, 2.0]]}\n"
        " ],\n"
        " \"groups\": [],\n"
        " \"parameters\": {\"logical\": 18, \"unique\": 12, \"base\": \"candidates\"},\n";
    struct lft *t = *state;
    lfuse_plan *plan, *again;
    char *text, *second;

    lft_rows_three(t);
    plan = lft_plan_build(t, lft_rows_best(3));
    text = lft_plan_text(t, plan);
    assert_non_null(strstr(text, "\"unit\": \"row\", \"base\": "));
    assert_non_null(strstr(text, expected));
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    check_owners(plan, again, 3, 1, 3);
    second = lft_plan_text(t, again);
    assert_string_equal(second, text);
    free(second);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

/* All of one layer's rows that join among themselves: 500, a line. */
static void thousands_of_rows_are_a_handful_of_lines(void **state)
{
    enum { ROWS = 400 };
    struct lft *t = *state;
    lfuse_plan *plan, *again;
    char name[16], *text;
    int i;

    for (i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, "A", i, lft_tensor(t, LFUSE_F32, (uint64_t)i, ROWS, 3, 0),
                  NULL, NULL);
    }
    plan = lft_plan_build(t, lft_rows_best(ROWS));
    text = lft_plan_text(t, plan);
    assert_in_range(count_lines(text, "\n  {\"a\": "), 1, 6 * 3); /* pairs, kept */
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    check_owners(plan, again, 3, 1, ROWS);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

/* Over rows that are tied already, with everything that has a value of its own. */
static void what_was_in_force_is_read_back(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_plan *plan, *again;
    lfuse_ties *ties;
    char *text, *second;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, lft_rows_best(2));
    o.in_force = ties;
    o.base = LFUSE_BASE_ALL;
    o.linkage = LFUSE_LINKAGE_COMPLETE;
    o.policy = LFUSE_POLICY_FREEZE;
    o.freeze_gradient = LFUSE_FREEZE_DROPPED;
    plan = lft_plan_build(t, o);
    text = lft_plan_text(t, plan);
    assert_non_null(strstr(text, " \"in_force\": [\n"
                                 "  {\"kept\": \"l0\", \"layer\": \"l1\", \"weight\": "
                                 "\"weight\", \"rows\": [[0, 0]]},\n"
                                 "  {\"kept\": \"l2\", \"layer\": \"l1\", \"weight\": "
                                 "\"weight\", \"rows\": [[0, 1]]}\n ],"));
    again = lft_plan_read(t, text);
    lft_plan_check_same(t, plan, again);
    second = lft_plan_text(t, again);
    assert_string_equal(second, text);
    lft_ok(t, lfuse_ties_apply(ties, again, &t->err));
    check_owners(plan, again, 3, 1, 3);
    free(second);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* Read for layers that come the other way round, fusions are still of the rows they name. */
static void rows_follow_the_order_of_given_layers(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan, *turned, *back;
    lfuse_layer *first;
    char *text, *other;
    int64_t row = -1;

    lft_rows_three(t);
    plan = lft_plan_build(t, lft_rows_best(3));
    text = lft_plan_text(t, plan);
    first = t->layers[0];
    t->layers[0] = t->layers[2];
    t->layers[2] = first;
    turned = lft_plan_read_for(t, text);
    lft_rows_check(t, turned, 0, 0, 0, 1, 1, 0.5); /* l2's 0, l1's 1 */
    lft_rows_check(t, turned, 1, 1, 0, 2, 0, 1.0);
    lft_rows_check(t, turned, 2, 0, 1, 0, 2, 2.0);
    assert_int_equal(lfuse_plan_row_owner(turned, 1, 0, 0, &row), 2);
    assert_int_equal(row, 0);
    other = lft_plan_text(t, turned);
    back = lft_plan_read(t, other);
    lft_plan_check_same(t, turned, back);
    free(other);
    free(text);
    lfuse_plan_destroy(back);
    lfuse_plan_destroy(turned);
    lfuse_plan_destroy(plan);
}

#define BEGIN          "{\"layerfuse_plan\": 1, \"options\": {\"unit\": \"row\"}, "
#define LINES(a, more) BEGIN "\"fusions\": [" a "]" more "}"

/* What a person would write: places in any order, no kept row, b before a. */
static void a_few_rows_are_a_plan_for_given_layers(void **state)
{
    static const char text[] =
        LINES("{\"a\": \"l2\", \"b\": \"l0\", \"rows\": [[7, 2, 1], [3, 0, 1]]}, "
              "{\"a\": \"l1\", \"b\": \"l1\", \"kept\": \"l1\", \"rows\": [[5, 0, 2, 2, "
              "9], [4, 1, 0, 1]]}",
              "");
    struct lft *t = *state;
    lfuse_fusion f;
    lfuse_plan *plan;
    int64_t row;

    lft_rows_three(t);
    plan = lft_plan_read_for(t, text);
    assert_int_equal(lfuse_plan_fusion_count(plan), 4);
    f = lft_plan_fusion(t, plan, 0);
    assert_int_equal(f.a, 0);
    assert_int_equal(f.row_a, 1);
    assert_int_equal(f.b, 2);
    assert_int_equal(f.row_b, 0);
    assert_int_equal(f.kept, 2);
    assert_int_equal(f.row_kept, 0);
    assert_true(isnan(f.score));
    assert_int_equal(lft_plan_fusion(t, plan, 1).row_a, 0); /* of 1 and 0 */
    assert_true(lft_plan_fusion(t, plan, 2).score == 9.0);
    assert_true(lft_plan_fusion(t, plan, 3).ratio == 18.0 / 10.0);
    assert_int_equal(lfuse_plan_row_owner(plan, 0, 0, 1, &row), 2);
    assert_int_equal(row, 2); /* what the group of l2's row 2 kept, the last time */
    assert_int_equal(lfuse_plan_row_owner(plan, 1, 0, 1, &row), 1);
    assert_int_equal(row, 2);
    lfuse_plan_destroy(plan);
}

/* ---- the same bits -------------------------------------------------------------------------- */

enum { LAYERS = 4, ROWS = 9, COLUMNS = 131, ELEMENTS = ROWS * COLUMNS };
enum { BYTES = LAYERS * ELEMENTS * (int)sizeof(double) };

/* Four layers whose rows lie along `axis`. */
static void make_layers(struct lft *t, lfuse_dtype dtype, int32_t axis)
{
    char name[16];
    int i;

    for (i = 0; i < LAYERS; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_plan_add(t, lft_plan_bare(t, name, "A"), "weight", LFUSE_ROLE_WEIGHT, axis,
                     axis == 0 ? lft_tensor(t, dtype, (uint64_t)i, ROWS, COLUMNS, 0)
                               : lft_tensor(t, dtype, (uint64_t)i, COLUMNS, ROWS, 0));
    }
}

static void drop_layers(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* Weights once the plan (of text, or a new one, whose text becomes *made) is applied in a context of
 * its own. 0: rows do not support what is asked for. */
static int weights_after(struct lft *t, lfuse_context *ctx, lfuse_dtype dtype,
                         const lfuse_plan_options *o, const char *text, char **made,
                         unsigned char *out)
{
    lfuse_context *outer = t->ctx;
    lfuse_plan *plan = NULL;
    lfuse_ties *ties;
    int i;

    t->ctx = ctx;
    make_layers(t, dtype, dtype == LFUSE_F32);
    if (text != NULL)
        plan = lft_plan_read(t, text);
    else if (lft_plan_try(t, o, &plan) != LFUSE_OK)
        assert_int_equal(t->err.status, LFUSE_ERR_UNSUPPORTED);
    if (plan != NULL) {
        if (made != NULL)
            *made = lft_plan_text(t, plan);
        ties = lft_ties_of(t, lft_ties_defaults());
        lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
        lft_ok(t, lfuse_ties_finalise(ties, &t->err));
        memset(out, 0, BYTES);
        for (i = 0; i < LAYERS; i++)
            memcpy(out + (size_t)i * ELEMENTS * sizeof(double),
                   lfuse_tensor_data(lft_parameter(t, i, 0).value),
                   lfuse_tensor_bytes(lft_parameter(t, i, 0).value));
        lfuse_ties_destroy(ties);
    }
    i = plan != NULL;
    lfuse_plan_destroy(plan);
    drop_layers(t);
    t->ctx = outer;
    return i;
}

/* Whether rows support it: then replayed it gives the bits that it gave, everywhere. */
static int check_bits(struct lft *t, lfuse_dtype dtype, const lfuse_plan_options *o)
{
    unsigned char *direct = malloc(BYTES), *replayed = malloc(BYTES);
    char *text = NULL;
    lfuse_isa isa;
    int threads, supported;

    assert_true(direct != NULL && replayed != NULL);
    supported = weights_after(t, t->ctx, dtype, o, NULL, &text, direct);
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512 && supported; isa++)
        for (threads = 1; threads <= 2 && lft_runs(isa); threads++) {
            lfuse_context *ctx = lft_context(t, threads, isa);

            assert_true(weights_after(t, ctx, dtype, NULL, text, NULL, replayed));
            assert_memory_equal(direct, replayed, BYTES);
            lfuse_context_destroy(ctx);
        }
    free(text);
    free(replayed);
    free(direct);
    return supported;
}

static void a_replayed_plan_of_rows_gives_the_same_bits_everywhere(void **state)
{
    static const double importance[LAYERS] = {1.0, 0.25, 0.0, 3.0};
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(14);
    lfuse_dtype dtype;
    int supported = 0;

    for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
        for (o.policy = LFUSE_POLICY_AVERAGE; o.policy <= LFUSE_POLICY_JS; o.policy++)
            supported += check_bits(t, dtype, &o);
    assert_int_equal(supported, 3 * 4); /* all but js */
    o.policy = LFUSE_POLICY_AVERAGE;
    o.weighting = LFUSE_WEIGHTING_NORM;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    assert_true(check_bits(t, LFUSE_F16, &o));
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance;
    assert_true(check_bits(t, LFUSE_F32, &o));
}

/* ---- errors -------------------------------------------------------------------------------- */

struct bad {
    const char *text;
    lfuse_status status;
    const char *message;
};

#define AB(more) "{\"a\": \"l0\", \"b\": \"l1\", " more "}"
#define LAYER(name, type, weight) \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"weights\": [" weight "]}"
#define WEIGHT(shape)   "{\"name\": \"weight\", \"shape\": " shape ", \"dtype\": \"f32\"}"
#define LAYERS_OF(a, b) ", \"layers\": [" LAYER("l0", "A", a) ", " LAYER("l1", "A", b) "]"

static void refused(struct lft *t, const struct bad *bad, int is_given)
{
    const int64_t live = t->memory.live;
    lfuse_plan *plan = (lfuse_plan *)t; /* so that NULL on failure is seen */
    lfuse_plan_load_options o;

    lfuse_plan_load_options_init(&o, sizeof(o));
    if (is_given) {
        o.layers = (const lfuse_layer *const *)t->layers;
        o.count = t->layer_count;
    }
    lft_fails(
        t, lfuse_plan_from_json(t->ctx, bad->text, strlen(bad->text), &o, &plan, &t->err),
        bad->status, bad->message);
    assert_null(plan);
    assert_null(strchr(t->err.message, '\n'));
    assert_int_equal(t->memory.live, live);
}

static void rows_that_make_no_plan_are_refused(void **state)
{
    static const struct bad list[] = {
        {LINES(AB("\"rows\": [[0, 3, 0]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0]: there is no row 3 of weight of layer l0"},
        {LINES(AB("\"rows\": [[0, 1, -1]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0]: there is no row -1 of weight of layer l1"},
        {LINES(AB("\"kept\": \"l0\", \"rows\": [[0, 1, 1, 9]]"), ""), LFUSE_ERR_FORMAT,
         "there is no row 9 of weight of layer l0"},
        {LINES(AB("\"rows\": [[0, 1, 1.5]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0]: element 2 is no integer"},
        {LINES(AB("\"rows\": [[-1, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0]: element 0 is no integer >= 0"},
        {LINES(AB("\"rows\": [[0, 1]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0] is no array of three: kept is not given"},
        {LINES(AB("\"rows\": [[0, 1, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "is no array of three"},
        {LINES(AB("\"kept\": \"l0\", \"rows\": [[0, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "is no array of four or five: kept is given"},
        {LINES(AB("\"kept\": \"l0\", \"rows\": [[0, 1, 1, 1, \"x\"]]"), ""),
         LFUSE_ERR_FORMAT, "element 4 is no number"},
        {LINES(AB("\"rows\": [7]"), ""), LFUSE_ERR_FORMAT, "rows[0] is no array of"},
        {LINES(AB("\"rows\": []"), ""), LFUSE_ERR_FORMAT, "fusions[0] has no rows"},
        {LINES(AB("\"rows\": {}"), ""), LFUSE_ERR_FORMAT, "fusions[0] has no rows"},
        {LINES(AB("\"score\": 1, \"rows\": []"), ""), LFUSE_ERR_UNSUPPORTED,
         "fusions[0]: this version does not know the field score"},
        /* Twice, and in a circle. */
        {LINES("{\"a\": \"l0\", \"b\": \"l0\", \"rows\": [[0, 1, 1]]}", ""),
         LFUSE_ERR_FORMAT, "row 1 of l0 and row 1 of l0 are one row"},
        {LINES(AB("\"rows\": [[0, 1, 1], [1, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[1]: row 1 of l0 and row 1 of l1 are in one group already"},
        {LINES(AB("\"rows\": [[0, 1, 1], [1, 2, 1], [2, 2, 0], [3, 1, 0]]"), ""),
         LFUSE_ERR_FORMAT,
         "fusions[0].rows[3]: row 1 of l0 and row 0 of l1 are in one group already"},
        {LINES(AB("\"rows\": [[4, 1, 1], [4, 2, 2]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0].rows[0] and fusions[0].rows[1] are both at place 4"},
        {LINES(AB("\"kept\": \"l2\", \"rows\": [[0, 1, 1, 2]]"), ""), LFUSE_ERR_FORMAT,
         "kept is row 2 of l2, which is in the group of neither row 1 of l0 nor row 1 of "
         "l1"},
        /* Names. */
        {LINES("{\"a\": \"l0\", \"b\": \"l9\", \"rows\": [[0, 1, 1]]}", ""),
         LFUSE_ERR_NAME, "fusions[0]: there is no layer l9"},
        {LINES("{\"b\": \"l1\", \"rows\": [[0, 1, 1]]}", ""), LFUSE_ERR_FORMAT,
         "fusions[0] has no a"},
        {LINES(AB("\"weight\": \"more\", \"rows\": [[0, 1, 1]]"), ""), LFUSE_ERR_NAME,
         "fusions[0]: layer l0 has no weight more"},
        {LINES("{\"a\": \"l0\", \"b\": \"alone\", \"rows\": [[0, 1, 1]]}", ""),
         LFUSE_ERR_NAME, "layer l0 is of type A, alone of B"},
        {LINES("{\"a\": \"alone\", \"b\": \"alone\", \"rows\": [[0, 0, 1]]}", ""),
         LFUSE_ERR_NAME, "no layer shares its type with alone"},
        {LINES(AB("\"unit\": \"layer\", \"rows\": [[0, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "fusions[0]: the unit is layer, in the options row: a plan has one"},
        {LINES(AB("\"policy\": \"freeze\", \"rows\": [[0, 1, 1]]"), ""), LFUSE_ERR_FORMAT,
         "the policy is freeze, in the options average"},
        /* What does not follow. */
        {LINES(AB("\"rows\": [[0, 1, 1]]"),
               ", \"parameters\": {\"logical\": 18, \"unique\": 15, \"base\": "
               "\"candidates\"}"),
         LFUSE_ERR_FORMAT, "unique is 15, by layers and fusions it is 16"},
        {LINES(AB("\"saved_parameters\": 3, \"rows\": [[0, 1, 1]]"),
               ", \"parameters\": {}"),
         LFUSE_ERR_FORMAT, "fusions[0]: saved_parameters is 3, it saves 2"},
        {LINES(AB("\"ratio\": 1.5, \"rows\": [[0, 1, 1]]"), ", \"parameters\": {}"),
         LFUSE_ERR_FORMAT,
         "fusions[0]: ratio is 1.5, the fusions up to its last reach 1.125"},
        {LINES(AB("\"rows\": [[0, 1, 1]]"), ", \"groups\": [[\"l0\", \"l1\"]]"),
         LFUSE_ERR_FORMAT, "groups[0] has l1, which the fusions do not tie"},
        /* What was in force. */
        {LINES("", ", \"in_force\": [{\"kept\": \"l0\", \"layer\": \"l1\", \"rows\": "
                   "[[0, 1], [2, 1]]}]"),
         LFUSE_ERR_FORMAT,
         "in_force[0].rows[1]: this is row 1 of l1, which shares another's values"},
        {LINES("",
               ", \"in_force\": [{\"kept\": \"l0\", \"layer\": \"l1\", \"rows\": "
               "[[0, 1]]}, {\"kept\": \"l1\", \"layer\": \"l2\", \"rows\": [[1, 1]]}]"),
         LFUSE_ERR_FORMAT,
         "in_force[1].rows[0]: kept is row 1 of l1, which shares another's values"},
        {LINES("", ", \"in_force\": [{\"kept\": \"l0\", \"layer\": \"l1\", \"rows\": "
                   "[[0]]}]"),
         LFUSE_ERR_FORMAT, "in_force[0].rows[0] is no array of two"},
        {LINES("", ", \"in_force\": [{\"kept\": \"l0\", \"rows\": [[0, 1]]}]"),
         LFUSE_ERR_FORMAT, "in_force[0] has no layer"},
        {LINES("", ", \"in_force\": [[\"l0\", \"l1\"]]"), LFUSE_ERR_FORMAT,
         "in_force[0] is no object"},
        {LINES(AB("\"kept\": \"l1\", \"rows\": [[0, 2, 1, 1]]"),
               ", \"in_force\": [{\"kept\": \"l0\", \"layer\": \"l1\", \"rows\": [[0, "
               "1]]}]"),
         LFUSE_ERR_FORMAT, "kept is row 1 of l1, which shares another's values already"},
    };
    static const float x[3] = {1.0f, 2.0f, 3.0f};
    struct lft *t = *state;
    size_t i;

    lft_rows_three(t);
    lft_rows_at(t, "alone", 3, x, 3);
    lfuse_layer_destroy(t->layers[--t->layer_count]);
    lft_layer(t, "alone", "B", 3, lft_tensor(t, LFUSE_F32, 1, 3, 2, 0), NULL, NULL);
    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        refused(t, &list[i], 1);
}

static void sizes_and_options_that_rows_do_not_have_are_refused(void **state)
{
    static const struct bad list[] = {
        {LINES(AB("\"rows\": [[0, 1, 1]]"),
               LAYERS_OF(WEIGHT("[2, 3]"), WEIGHT("[2, 4]"))),
         LFUSE_ERR_SHAPE, "fusions[0]: layer l0 is [2, 3] axis 0, l1 is [2, 4] axis 0"},
        {LINES(AB("\"rows\": [[0, 1, 1]]"), LAYERS_OF("", "") ", \"in_force\": []"),
         LFUSE_ERR_NAME, "fusions[0]: layer l0 has 0 weights, l1 0"},
        {LINES(AB("\"rows\": [[0, 1, 1]]"),
               LAYERS_OF(WEIGHT("[99999999, 1]"), WEIGHT("[99999999, 1]"))),
         LFUSE_ERR_UNSUPPORTED, "the layers have 199999998 rows"},
        {"{\"layerfuse_plan\": 1, \"options\": {\"unit\": \"atom\"}, \"fusions\": []}",
         LFUSE_ERR_UNSUPPORTED, "options: this version does not know the unit atom"},
        {"{\"layerfuse_plan\": 1, \"options\": {\"unit\": \"row\", \"metric\": \"kl\"}, "
         "\"fusions\": []" LAYERS_OF(WEIGHT("[2, 3]"), WEIGHT("[2, 3]")) "}",
         LFUSE_ERR_UNSUPPORTED, "options.unit is row, of which kl says nothing"},
        {"{\"layerfuse_plan\": 1, \"fusions\": [" AB("\"unit\": \"row\"") "]" LAYERS_OF(
             WEIGHT("[2, 3]"), WEIGHT("[2, 3]")) "}",
         LFUSE_ERR_FORMAT, "the unit is row, in the options layer: a plan has one"},
        {"{\"layerfuse_plan\": 1, \"fusions\": [" AB("\"rows\": []") "]" LAYERS_OF(
             WEIGHT("[2, 3]"), WEIGHT("[2, 3]")) "}",
         LFUSE_ERR_UNSUPPORTED, "fusions[0]: this version does not know the field rows"},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        refused(t, &list[i], 0);
}

/* A network whose rows are others is told apart before anything is made of it. */
static void another_network_is_told_by_what_differs(void **state)
{
    struct lft *t = *state;
    static const float x[4] = {0.0f, 1.0f, 2.0f, 3.0f};
    struct bad bad = {NULL, LFUSE_ERR_SHAPE,
                      "weight of layer l2 is [4, 2], in the plan [3, 2]"};
    lfuse_plan *plan;
    char *text;

    lft_rows_three(t);
    plan = lft_plan_build(t, lft_rows_best(2));
    text = lft_plan_text(t, plan);
    bad.text = text;
    lfuse_plan_destroy(plan);
    lfuse_layer_destroy(t->layers[--t->layer_count]);
    lft_rows_at(t, "l2", 2, x, 4);
    refused(t, &bad, 1);
    lfuse_layer_destroy(t->layers[--t->layer_count]);
    bad.status = LFUSE_ERR_NAME;
    bad.message = "layer l2 of the plan is not among the network's";
    refused(t, &bad, 1);
    free(text);
}

/* ---- memory ------------------------------------------------------------------------------- */

static lfuse_status write_and_drop(struct lft *t, void *plan)
{
    size_t needed;

    return lfuse_plan_to_json(plan, NULL, 0, &needed, &t->err);
}

static lfuse_status read_and_drop(struct lft *t, void *text)
{
    lfuse_status status;
    lfuse_plan *plan;

    status = lfuse_plan_from_json(t->ctx, text, strlen(text), NULL, &plan, &t->err);
    assert_true((status == LFUSE_OK) == (plan != NULL));
    lfuse_plan_destroy(plan);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_rows_best(2);
    lfuse_plan *plan;
    lfuse_ties *ties;
    char *text;

    lft_rows_three(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_rows_tie(t, ties, o);
    o.in_force = ties;
    plan = lft_plan_build(t, o);
    text = lft_plan_text(t, plan);
    lft_every_allocation_fails(t, write_and_drop, plan);
    lft_every_allocation_fails(t, read_and_drop, text);
    free(text);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(fusions_of_two_layers_are_one_line),
        lft_test(thousands_of_rows_are_a_handful_of_lines),
        lft_test(what_was_in_force_is_read_back),
        lft_test(rows_follow_the_order_of_given_layers),
        lft_test(a_few_rows_are_a_plan_for_given_layers),
        lft_test(a_replayed_plan_of_rows_gives_the_same_bits_everywhere),
        lft_test(rows_that_make_no_plan_are_refused),
        lft_test(sizes_and_options_that_rows_do_not_have_are_refused),
        lft_test(another_network_is_told_by_what_differs),
        lft_test(memory_may_be_refused_at_any_point),
    };

    return cmocka_run_group_tests_name("plan_file_rows", tests, NULL, NULL);
}
