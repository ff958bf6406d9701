/* test_plan_file_errors.c - plans that are refused, and by what words */
#include "lft_files.h"
#include "lft_plan.h"
#include "lft_ties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "{\"layerfuse_plan\": 1, "
#define LAYER(name, type, shape, dtype)          \
    "{\"name\": \"" name "\", \"type\": \"" type \
    "\", \"weights\": [{\"name\": \"weight\", "  \
    "\"shape\": " shape ", \"dtype\": \"" dtype "\"}]}"
#define LAYERS                                                                                         \
    "\"layers\": [" LAYER("p", "A", "[2, 3]", "f32") ", " LAYER("q", "A", "[2, 3]", "f32") ", " LAYER( \
        "r", "A", "[2, 3]",                                                                            \
        "f32") ", " LAYER("other", "B", "[2, 3]",                                                      \
                          "f32") ", " LAYER("wide", "A", "[2, 4]",                                     \
                                            "f32") ", " LAYER("half", "A", "[2, 3]",                   \
                                                              "f16") ", "                              \
                                                                     "{\"name\": "                     \
                                                                     "\"none\", "                      \
                                                                     "\"type\": \"A\"}]"
/* A whole plan with these fusions, and the text behind them. */
#define PLAN(fusions, more) BEGIN "\"fusions\": [" fusions "], " more LAYERS "}"
#define PQ                  "{\"a\": \"p\", \"b\": \"q\"}"
#define QR                  "{\"a\": \"q\", \"b\": \"r\"}"

static lfuse_status read_text(struct lft *t, const char *text, size_t size,
                              const lfuse_plan_load_options *o, lfuse_plan **plan)
{
    *plan = (lfuse_plan *)t; /* so that NULL on failure is seen */
    return lfuse_plan_from_json(t->ctx, text, size, o, plan, &t->err);
}

static void refused(struct lft *t, const char *text, lfuse_status status,
                    const char *message)
{
    const int64_t live = t->memory.live;
    lfuse_plan *plan;

    lft_fails(t, read_text(t, text, strlen(text), NULL, &plan), status, message);
    assert_null(plan);
    assert_null(strchr(t->err.message, '\n'));
    assert_int_equal(t->memory.live, live);
}

static void taken(struct lft *t, const char *text)
{
    lfuse_plan *plan;

    lft_ok(t, read_text(t, text, strlen(text), NULL, &plan));
    lfuse_plan_destroy(plan);
}

struct bad {
    const char *text;
    lfuse_status status;
    const char *message;
};

static void all_refused(struct lft *t, const struct bad *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        refused(t, list[i].text, list[i].status, list[i].message);
}

#define ALL_REFUSED(t, list) all_refused(t, list, sizeof(list) / sizeof(list[0]))

static void what_is_no_json_is_refused(void **state)
{
    static const struct bad list[] = {
        {"", LFUSE_ERR_FORMAT, "the plan does not begin with '{'"},
        {"[1]", LFUSE_ERR_FORMAT, "the plan does not begin with '{'"},
        {"{\"layerfuse_plan\": 1", LFUSE_ERR_FORMAT, "the plan, byte 20: "},
        {"{\n\"layerfuse_plan\": 1,\n\"fusions\": [{},]}", LFUSE_ERR_FORMAT,
         "the plan, line 3: "},
        {"{\"layerfuse_plan\": 1, \"layerfuse_plan\": 1}", LFUSE_ERR_FORMAT, "duplicate"},
        {"{\"layerfuse_plan\": \"\xff\"}", LFUSE_ERR_FORMAT,
         "unable to decode byte 0xff"},
        {"{\"layerfuse_plan\": 1e999}", LFUSE_ERR_FORMAT, "real number overflow"},
        {"{\"layerfuse_plan\": 99999999999999999999}", LFUSE_ERR_FORMAT,
         "too big integer"},
        {"{\"layerfuse_plan\": 1} x", LFUSE_ERR_FORMAT, "end of file expected"},
    };
    struct lft *t = *state;
    char *deep = malloc(100000);

    ALL_REFUSED(t, list);
    assert_non_null(deep);
    memset(deep, '[', 99999);
    memcpy(deep, "{\"fusions\":", 11);
    deep[99999] = '\0';
    refused(t, deep, LFUSE_ERR_FORMAT, "maximum parsing depth reached");
    free(deep);
}

/* Of a sound plan every beginning is refused. */
static void a_plan_that_ends_early_is_refused(void **state)
{
    static const char text[] = PLAN(PQ ", " QR, "\"groups\": [[\"p\", \"q\", \"r\"]], ");
    struct lft *t = *state;
    lfuse_plan *plan;
    size_t i;

    taken(t, text);
    for (i = 0; i < sizeof(text) - 1; i++) {
        lft_fails(t, read_text(t, text, i, NULL, &plan), LFUSE_ERR_FORMAT, "the plan");
        assert_null(plan);
    }
}

static void versions_fields_and_options_that_are_unknown_are_refused(void **state)
{
    static const struct bad list[] = {
        {"{}", LFUSE_ERR_FORMAT, "this is no plan"},
        {"{\"layerfuse_plan\": 2, \"new\": 1}", LFUSE_ERR_UNSUPPORTED,
         "the plan is of version 2"},
        {"{\"layerfuse_plan\": \"1\"}", LFUSE_ERR_FORMAT, "layerfuse_plan is no integer"},
        {BEGIN "\"new\": 1}", LFUSE_ERR_UNSUPPORTED, "does not know the field new"},
        {BEGIN LAYERS "}", LFUSE_ERR_FORMAT, "the plan has no fusions"},
        {BEGIN "\"fusions\": []}", LFUSE_ERR_FORMAT, "the plan has no layers"},
        {BEGIN "\"fusions\": {}, " LAYERS "}", LFUSE_ERR_FORMAT, "fusions is no array"},
        {PLAN("", "\"options\": [], "), LFUSE_ERR_FORMAT, "options is no object"},
        {PLAN("", "\"options\": {\"raito\": 2}, "), LFUSE_ERR_UNSUPPORTED,
         "options: this version does not know raito"},
        {PLAN("", "\"options\": {\"policy\": \"best\"}, "), LFUSE_ERR_UNSUPPORTED,
         "does not know the policy best"},
        {PLAN("", "\"options\": {\"metric\": \"best\"}, "), LFUSE_ERR_UNSUPPORTED,
         "does not know the metric best"},
        {PLAN("", "\"options\": {\"keep\": \"best\"}, "), LFUSE_ERR_UNSUPPORTED,
         "does not know the keep best"},
        {PLAN("", "\"options\": {\"keep\": 1}, "), LFUSE_ERR_FORMAT, "keep is no string"},
        {PLAN("", "\"options\": {\"ratio\": \"2\"}, "), LFUSE_ERR_FORMAT,
         "ratio is no number"},
        {PLAN("", "\"options\": {\"ratio\": 0.5}, "), LFUSE_ERR_FORMAT, "ratio is 0.5"},
        {PLAN("", "\"options\": {\"top_k\": 1.5}, "), LFUSE_ERR_FORMAT,
         "top_k is no integer"},
        {PLAN("", "\"options\": {\"top_k\": -1}, "), LFUSE_ERR_FORMAT, "top_k is -1"},
        {PLAN("", "\"options\": {\"softmax_rows\": 1}, "), LFUSE_ERR_FORMAT,
         "softmax_rows is no true or false"},
        {PLAN("", "\"options\": {\"seed\": -1}, "), LFUSE_ERR_FORMAT, "seed is no seed"},
        {PLAN("", "\"options\": {\"seed\": \"18446744073709551616\"}, "),
         LFUSE_ERR_FORMAT, "seed is no seed"},
        {PLAN("", "\"options\": {\"policy\": \"freeze\", \"rescale\": true}, "),
         LFUSE_ERR_FORMAT, "rescale is given, but the policy is freeze"},
        {PLAN("", "\"options\": {\"weighting\": \"importance\"}, "), LFUSE_ERR_FORMAT,
         "importance has 0 layers"},
        {PLAN("", "\"importance\": {\"p\": 1}, "), LFUSE_ERR_FORMAT,
         "makes no use of it"},
        {PLAN("",
              "\"options\": {\"weighting\": \"importance\"}, \"importance\": {\"p\": 1, "
              "\"q\": 1, \"r\": 1, \"other\": 1, \"wide\": 1, \"half\": 1, "
              "\"none\": -1}, "),
         LFUSE_ERR_FORMAT, "that of none is no number >= 0"},
    };

    ALL_REFUSED((struct lft *)*state, list);
}

static void fusions_that_cannot_be_are_refused(void **state)
{
    static const struct bad list[] = {
        {PLAN("1", ""), LFUSE_ERR_FORMAT, "fusions[0] is no object"},
        {PLAN("{\"a\": \"p\"}", ""), LFUSE_ERR_FORMAT, "fusions[0] has no b"},
        {PLAN("{\"a\": 1, \"b\": \"p\"}", ""), LFUSE_ERR_FORMAT, "a is no string"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"c\": 1}", ""), LFUSE_ERR_UNSUPPORTED,
         "fusions[0]: this version does not know the field c"},
        {PLAN("{\"a\": \"p\", \"b\": \"x\"}", ""), LFUSE_ERR_NAME,
         "fusions[0]: there is no layer x"},
        {PLAN("{\"a\": \"p\", \"b\": \"p\"}", ""), LFUSE_ERR_FORMAT,
         "p and p are one layer"},
        {PLAN(PQ ", " PQ, ""), LFUSE_ERR_FORMAT,
         "fusions[1]: p and q are in one group already"},
        {PLAN(PQ ", " QR ", {\"a\": \"r\", \"b\": \"p\"}", ""), LFUSE_ERR_FORMAT,
         "fusions[2]: r and p are in one group already"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"kept\": \"r\"}", ""), LFUSE_ERR_FORMAT,
         "kept is r, which is in the group of neither p nor q"},
        {PLAN("{\"a\": \"p\", \"b\": \"other\"}", ""), LFUSE_ERR_NAME,
         "layer p is of type A, other of B"},
        {PLAN("{\"a\": \"p\", \"b\": \"wide\"}", ""), LFUSE_ERR_SHAPE,
         "layer p is [2, 3] axis 0, wide is [2, 4] axis 0"},
        {PLAN("{\"a\": \"p\", \"b\": \"half\"}", ""), LFUSE_ERR_TYPE,
         "layer p is f32, half is f16"},
        {PLAN("{\"a\": \"p\", \"b\": \"none\"}", ""), LFUSE_ERR_NAME,
         "layer p has 1 weights, none 0"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"unit\": \"atom\"}", ""),
         LFUSE_ERR_UNSUPPORTED, "does not know the unit atom"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"policy\": \"best\"}", ""),
         LFUSE_ERR_UNSUPPORTED, "does not know the policy best"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"policy\": \"freeze\"}", ""),
         LFUSE_ERR_FORMAT, "the policy is freeze, in the options average"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"score\": null}", ""), LFUSE_ERR_FORMAT,
         "score is no number"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"gamma\": 0.5}", ""), LFUSE_ERR_FORMAT,
         "gamma is given, the policy is average"},
        {PLAN(PQ, "\"options\": {\"policy\": \"js\"}, "), LFUSE_ERR_FORMAT,
         "gamma is not there, the policy is js"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"gamma\": -1}",
              "\"options\": {\"policy\": \"js\"}, "),
         LFUSE_ERR_FORMAT, "gamma is -1"},
    };

    ALL_REFUSED((struct lft *)*state, list);
}

/* 7 layers: p, q, r, half of 6 elements and wide of 8 are of type A: 32 in all. */
static void what_contradicts_the_fusions_is_refused(void **state)
{
    static const struct bad list[] = {
        {PLAN(PQ, "\"groups\": 1, "), LFUSE_ERR_FORMAT, "groups is no array"},
        {PLAN(PQ, "\"groups\": [[\"p\"]], "), LFUSE_ERR_FORMAT,
         "groups[0] is no array of two or more"},
        {PLAN(PQ, "\"groups\": [[\"p\", 1]], "), LFUSE_ERR_FORMAT,
         "groups[0]: element 1 is no string"},
        {PLAN(PQ, "\"groups\": [[\"p\", \"x\"]], "), LFUSE_ERR_NAME,
         "groups[0]: there is no layer x"},
        {PLAN(PQ, "\"groups\": [[\"p\", \"r\"]], "), LFUSE_ERR_FORMAT,
         "groups[0] has r, which the fusions do not tie to the others; correct it, or "
         "delete \"groups\""},
        {PLAN(PQ, "\"groups\": [[\"p\", \"p\"]], "), LFUSE_ERR_FORMAT,
         "groups[0] has p, which is named before"},
        {PLAN(PQ ", " QR, "\"groups\": [[\"p\", \"q\"]], "), LFUSE_ERR_FORMAT,
         "groups[0] has 2 layers, the fusions tie 3"},
        {PLAN(PQ, "\"groups\": [], "), LFUSE_ERR_FORMAT,
         "there are 0 groups, the fusions make 1"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"ratio\": 1.5}", "\"parameters\": {}, "),
         LFUSE_ERR_FORMAT, "ratio is 1.5, the fusions so far reach 1.23"},
        {PLAN("{\"a\": \"p\", \"b\": \"q\", \"saved_parameters\": 7}",
              "\"parameters\": {}, "),
         LFUSE_ERR_FORMAT, "saved_parameters is 7, it saves 6"},
        {PLAN(PQ, "\"parameters\": {\"logical\": 31}, "), LFUSE_ERR_FORMAT,
         "logical is 31, by layers and fusions it is 32"},
        {PLAN(PQ, "\"parameters\": {\"unique\": 27}, "), LFUSE_ERR_FORMAT,
         "unique is 27, by layers and fusions it is 26"},
        {PLAN(PQ, "\"parameters\": {\"base\": \"all\"}, "), LFUSE_ERR_FORMAT,
         "base is all, in the options candidates"},
        {PLAN(PQ, "\"parameters\": {\"sum\": 1}, "), LFUSE_ERR_UNSUPPORTED,
         "parameters: this version does not know the field sum"},
        {PLAN(PQ, "\"fingerprint\": \"0123456789abcdef\", "), LFUSE_ERR_NAME,
         "the fingerprint is 0123456789abcdef, that of the plan's layers is "},
        {PLAN(PQ, "\"fingerprint\": 1, "), LFUSE_ERR_FORMAT, "fingerprint is no string"},
        {PLAN(PQ, "\"in_force\": [[\"p\", \"q\"]], "), LFUSE_ERR_FORMAT,
         "p and q are in one group already"},
        {PLAN("{\"a\": \"q\", \"b\": \"r\", \"kept\": \"q\"}",
              "\"in_force\": [[\"p\", \"q\"]], "),
         LFUSE_ERR_FORMAT, "kept is q, whose weights are those of p already"},
        {PLAN("", "\"in_force\": [[\"p\", \"q\"], [\"r\", \"q\"]], "), LFUSE_ERR_FORMAT,
         "in_force[1] has q, which is named before"},
        {PLAN("", "\"in_force\": [[\"p\", \"q\"], [\"r\", \"p\"]], "), LFUSE_ERR_FORMAT,
         "in_force[1] has p, which is named before"},
        {PLAN("", "\"in_force\": [[\"p\", \"q\"], [\"q\", \"r\"]], "), LFUSE_ERR_FORMAT,
         "in_force[1] has q, which is named before"},
        {PLAN("", "\"in_force\": [[\"p\", \"p\"]], "), LFUSE_ERR_FORMAT,
         "in_force[0] has p, which is named before"},
        {PLAN(PQ, "\"in_force\": [[\"p\"]], "), LFUSE_ERR_FORMAT,
         "in_force[0] is no array of two or more"},
        {PLAN(PQ, "\"in_force\": [[\"p\", \"other\"]], "), LFUSE_ERR_NAME,
         "in_force[0]: layer p is of type A, other of B"},
    };
    struct lft *t = *state;

    ALL_REFUSED(t, list);
    /* Without "parameters" they are computed. */
    taken(t, PLAN("{\"a\": \"p\", \"b\": \"q\", \"ratio\": 1.5}", ""));
    taken(t, PLAN(PQ, "\"groups\": [[\"q\", \"p\"]], "
                      "\"parameters\": {\"logical\": 32, \"unique\": 26}, "));
}

#define ONE(layer) BEGIN "\"fusions\": [], \"layers\": [" layer "]}"
#define WEIGHT(w)  ONE("{\"name\": \"p\", \"type\": \"A\", \"weights\": [" w "]}")

static void layers_that_cannot_be_are_refused(void **state)
{
    static const struct bad list[] = {
        {BEGIN "\"fusions\": [], \"layers\": []}", LFUSE_ERR_FORMAT, "layers is empty"},
        {ONE("1"), LFUSE_ERR_FORMAT, "layers[0] is no object"},
        {ONE("{\"type\": \"A\"}"), LFUSE_ERR_FORMAT, "layers[0] has no name"},
        {ONE("{\"name\": \"p\"}"), LFUSE_ERR_FORMAT, "layers[0] has no type"},
        {ONE("{\"name\": \"p\", \"type\": \"A\", \"x\": 1}"), LFUSE_ERR_UNSUPPORTED,
         "layers[0]: this version does not know the field x"},
        {ONE("{\"name\": \"p\", \"type\": \"A\"}, {\"name\": \"p\", \"type\": \"A\"}"),
         LFUSE_ERR_NAME, "two layers are named p"},
        {ONE("{\"name\": \"p\", \"type\": \"A\", \"rest\": {\"bytes\": -1}}"),
         LFUSE_ERR_FORMAT, "layers[0]: bytes is -1"},
        {WEIGHT("{\"shape\": [1], \"dtype\": \"f32\"}"), LFUSE_ERR_FORMAT,
         "layers[0].weights[0] has no name"},
        {WEIGHT("{\"name\": \"w\", \"dtype\": \"f32\"}"), LFUSE_ERR_FORMAT,
         "layers[0].weights[0] has no shape"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [1], \"dtype\": \"f8\"}"),
         LFUSE_ERR_UNSUPPORTED, "does not know the dtype f8"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [1], \"dtype\": \"f32\", \"contents\": "
                "\"0\"}"),
         LFUSE_ERR_FORMAT, "contents is no 16 hexadecimal digits"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [], \"dtype\": \"f32\"}"), LFUSE_ERR_FORMAT,
         "shape has 0 dims, not 1 to 8"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [0], \"dtype\": \"f32\"}"),
         LFUSE_ERR_FORMAT, "shape[0] is no integer >= 1"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [4294967296, 4294967296], \"dtype\": "
                "\"f32\"}"),
         LFUSE_ERR_FORMAT, "shape is too large"},
        {WEIGHT(
             "{\"name\": \"w\", \"shape\": [1152921504606846975], \"dtype\": \"f64\"}, "
             "{\"name\": \"v\", \"shape\": [1], \"dtype\": \"f64\"}"),
         LFUSE_ERR_FORMAT, "layers[0].weights[1]: the sizes are too large"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [1], \"dtype\": \"f32\", \"axis\": 1}"),
         LFUSE_ERR_FORMAT, "axis is 1, shape has 1 dims"},
        {WEIGHT("{\"name\": \"w\", \"shape\": [1], \"dtype\": \"f32\"}, "
                "{\"name\": \"w\", \"shape\": [1], \"dtype\": \"f32\"}"),
         LFUSE_ERR_FORMAT, "weights[0] is w, too"},
    };

    ALL_REFUSED((struct lft *)*state, list);
}

/* ---- another network ------------------------------------------------------------------------ */

static void refused_for(struct lft *t, const char *text, lfuse_status status,
                        const char *message)
{
    lfuse_plan_load_options o;
    lfuse_plan *plan;

    lfuse_plan_load_options_init(&o, sizeof(o));
    o.layers = (const lfuse_layer *const *)t->layers;
    o.count = t->layer_count;
    lft_fails(t, read_text(t, text, strlen(text), &o, &plan), status, message);
    assert_null(plan);
}

static void another_network_is_told_by_what_differs(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    char text[8192], *layers;
    size_t needed;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(2));
    lft_ok(t, lfuse_plan_to_json(plan, text, sizeof(text), &needed, &t->err));
    lfuse_plan_destroy(plan);
    lft_plan_at(t, "l5", "A", 5, 0.0f);
    refused_for(
        t, text, LFUSE_ERR_NAME,
        "layer l5 of the network is not in the plan; it has 6 layers, the plan 5");
    t->layer_count -= 2; /* l4 and l5 */
    refused_for(
        t, text, LFUSE_ERR_NAME,
        "layer l4 of the plan is not among the network's; it has 4 layers, the plan 5");
    lfuse_layer_destroy(t->layers[4]);
    lfuse_layer_destroy(t->layers[5]);
    lft_layer(t, "l4", "A", 4, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL, NULL);
    refused_for(t, text, LFUSE_ERR_SHAPE, "weight of layer l4 is [3], in the plan [2]");
    lfuse_layer_destroy(t->layers[--t->layer_count]);
    lft_layer(t, "l4", "A", 4, lft_tensor(t, LFUSE_BF16, 1, 2, 0), NULL, NULL);
    refused_for(t, text, LFUSE_ERR_TYPE, "weight of layer l4 is bf16, in the plan f32");
    lfuse_layer_destroy(t->layers[--t->layer_count]);
    lft_plan_at(t, "l4", "B", 4, 0.0f);
    refused_for(t, text, LFUSE_ERR_NAME, "layer l4 is of param type B, in the plan of A");
    /* The fingerprint alone knows that it is another. */
    layers = strstr(text, ",\n \"layers\"");
    assert_non_null(layers);
    memcpy(layers, "}", 2);
    refused_for(t, text, LFUSE_ERR_NAME, "that of the network is ");
}

/* ---- arguments, files ----------------------------------------------------------------------- */

static void arguments_are_checked(void **state)
{
    static const char text[] = PLAN(PQ, "");
    struct lft *t = *state;
    const char *path = lft_path("plan.json");
    lfuse_plan_load_options o;
    lfuse_plan *plan, *none;
    size_t needed = 77;
    char small[8] = "same";

    lft_ok(t, read_text(t, text, strlen(text), NULL, &plan));
    lft_fails(t, lfuse_plan_to_json(NULL, NULL, 0, &needed, &t->err), LFUSE_ERR_ARGUMENT,
              "plan is NULL");
    lft_fails(t, lfuse_plan_to_json(plan, NULL, 0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "needed is NULL");
    lft_fails(t, lfuse_plan_to_json(plan, small, sizeof(small), &needed, &t->err),
              LFUSE_ERR_OVERFLOW, "size is 8, the plan takes ");
    assert_int_equal(needed, 77);
    assert_string_equal(small, "same");
    lft_fails(t, lfuse_plan_save(NULL, path, &t->err), LFUSE_ERR_ARGUMENT,
              "plan is NULL");
    lft_fails(t, lfuse_plan_save(plan, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "path is NULL");
    lft_fails(t, lfuse_plan_from_json(t->ctx, text, 1, NULL, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "plan is NULL");
    lft_fails(t, lfuse_plan_from_json(NULL, text, 1, NULL, &none, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_fails(t, lfuse_plan_from_json(t->ctx, NULL, 1, NULL, &none, &t->err),
              LFUSE_ERR_ARGUMENT, "text is NULL");
    lft_fails(t, lfuse_plan_load(t->ctx, NULL, NULL, &none, &t->err), LFUSE_ERR_ARGUMENT,
              "path is NULL");
    lfuse_plan_load_options_init(&o, sizeof(o));
    o.count = 2;
    lft_fails(t, read_text(t, text, strlen(text), &o, &none), LFUSE_ERR_ARGUMENT,
              "options.layers is NULL, options.count is 2");
    o.count = 0;
    o.max_bytes = 100;
    lft_fails(t, read_text(t, text, strlen(text), &o, &none), LFUSE_ERR_UNSUPPORTED,
              "options.max_bytes allows 100");
    assert_null(none);
    lfuse_plan_destroy(plan);
}

static void files_that_cannot_be_read_or_written_are_refused(void **state)
{
    struct lft *t = *state;
    const char *path = lft_path("plan.json");
    lfuse_plan_load_options o;
    lfuse_plan *plan, *none;
    size_t size;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    lft_fails(t, lfuse_plan_load(t->ctx, path, NULL, &none, &t->err), LFUSE_ERR_IO,
              "cannot open ");
    assert_int_equal(t->err.detail, ENOENT);
    lft_fails(t, lfuse_plan_save(plan, lft_path("no/plan.json"), &t->err), LFUSE_ERR_IO,
              "cannot write ");
    assert_int_equal(lft_count_files(), 0);
    lft_ok(t, lfuse_plan_save(plan, path, &t->err));
    lfuse_plan_load_options_init(&o, sizeof(o));
    o.max_bytes = lft_file_size(path) - 1;
    lft_fails(t, lfuse_plan_load(t->ctx, path, &o, &none, &t->err), LFUSE_ERR_UNSUPPORTED,
              "options.max_bytes allows ");
    o.max_bytes++;
    lft_ok(t, lfuse_plan_load(t->ctx, path, &o, &none, &t->err));
    lfuse_plan_destroy(none);
    lfuse_plan_destroy(plan);
    /* A name that JSON cannot hold: what was there stays. */
    lft_plan_at(t, "\xff", "A", 5, 1.0f);
    plan = lft_plan_build(t, lft_plan_best(1));
    lft_fails(t, lfuse_plan_save(plan, path, &t->err), LFUSE_ERR_NAME, "is not UTF-8");
    assert_non_null(strstr(lft_read_file(path, &size), "layerfuse_plan"));
    lfuse_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(what_is_no_json_is_refused),
        lft_test(a_plan_that_ends_early_is_refused),
        lft_test(versions_fields_and_options_that_are_unknown_are_refused),
        lft_test(fusions_that_cannot_be_are_refused),
        lft_test(what_contradicts_the_fusions_is_refused),
        lft_test(layers_that_cannot_be_are_refused),
        lft_test(another_network_is_told_by_what_differs),
        lft_files_test(arguments_are_checked),
        lft_files_test(files_that_cannot_be_read_or_written_are_refused),
    };

    return cmocka_run_group_tests_name("plan_file_errors", tests, NULL, NULL);
}
