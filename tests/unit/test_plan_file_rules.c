/* test_plan_file_rules.c - see plan_file.h: rules, and what was left out */
#include "lft_plan.h"

#include <stdlib.h>
#include <string.h>

/* Release with free(). */
static char *text_of(struct lft *t, const lfuse_plan *plan)
{
    size_t needed = 0;
    char *text;

    lft_ok(t, lfuse_plan_to_json(plan, NULL, 0, &needed, &t->err));
    text = malloc(needed);
    assert_non_null(text);
    lft_ok(t, lfuse_plan_to_json(plan, text, needed, &needed, &t->err));
    return text;
}

static lfuse_plan_options ruled(void)
{
    static const lfuse_plan_rule rules[] = {{"l[01]", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                            {"*", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                            {"l0", LFUSE_PLAN_ACTION_EXCLUDE, 0},
                                            {"l\"\\2", LFUSE_PLAN_ACTION_PIN, 0},
                                            {"l[34]", LFUSE_PLAN_ACTION_FORCE, 0}};
    lfuse_plan_options o = lft_plan_best(2);

    o.flags = LFUSE_PLAN_FLAG_SKIP_UNEQUAL | LFUSE_PLAN_FLAG_INCLUDE_ENDS;
    o.rules = rules;
    o.rule_count = 5;
    return o;
}

/* Two are skipped, one of them by a name that a message of 247 bytes cuts within a character. */
static void make_layers(struct lft *t)
{
    char name[401];
    int i;

    lft_plan_five(t);
    lft_plan_at(t, "l\"\\2", "A", 5, 11.5f);
    lft_layer(t, "long", "A", 6, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL, NULL);
    memset(name, 'x', 100);
    for (i = 0; i < 100; i++)
        memcpy(name + 100 + 3 * i, "\xe2\x82\xac", 3);
    name[400] = '\0';
    lft_layer(t, name, "A", 7, lft_tensor(t, LFUSE_F32, 1, 4, 0), NULL, NULL);
}

static void rules_and_skips_are_written_and_read_back(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan, *again;
    char *text, *second;

    make_layers(t);
    plan = lft_plan_build(t, ruled());
    assert_int_equal(lfuse_plan_skipped_count(plan), 2);
    assert_null(strchr(lfuse_plan_skipped_reason(plan, 1), '?'));
    text = text_of(t, plan);
    assert_non_null(strstr(text, "\"include_ends\": true, \"skip_unequal\": true"));
    assert_non_null(strstr(text, "\n \"rules\": [\n"
                                 "  {\"pattern\": \"l[01]\", \"action\": \"include\"},\n"
                                 "  {\"pattern\": \"*\", \"action\": \"include\"},\n"
                                 "  {\"pattern\": \"l0\", \"action\": \"exclude\"},\n"
                                 "  {\"pattern\": \"l\\\"\\\\2\", \"action\": \"pin\"},\n"
                                 "  {\"pattern\": \"l[34]\", \"action\": \"force\"}\n"
                                 " ],\n"));
    assert_non_null(strstr(text, "\n \"skipped\": [\n"
                                 "  {\"layer\": \"long\", \"reason\": \"param type A: "
                                 "weight of layer l1 is [2], of long [3]\"},\n"));
    lft_ok(t, lfuse_plan_from_json(t->ctx, text, strlen(text), NULL, &again, &t->err));
    assert_int_equal(lfuse_plan_skipped_count(again), 2);
    assert_int_equal(lfuse_plan_skipped(again, 1), 7);
    assert_non_null(strstr(lfuse_plan_skipped_reason(again, 1), "xxx???"));
    assert_string_equal(lfuse_plan_skipped_reason(again, 0),
                        lfuse_plan_skipped_reason(plan, 0));
    second = text_of(t, again);
    assert_string_equal(second, text);
    free(second);
    free(text);
    lfuse_plan_destroy(again);
    lfuse_plan_destroy(plan);
}

static void plans_without_them_do_not_mention_them(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    char *text;

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    text = text_of(t, plan);
    assert_null(strstr(text, "\"rules\""));
    assert_null(strstr(text, "\"skipped\""));
    free(text);
    lfuse_plan_destroy(plan);
}

static void a_pattern_that_is_not_text_is_refused(void **state)
{
    static const lfuse_plan_rule rule = {"*[!\xff]", LFUSE_PLAN_ACTION_INCLUDE, 0};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    size_t needed = 77;
    lfuse_plan *plan;

    lft_plan_five(t);
    o.rules = &rule;
    o.rule_count = 1;
    plan = lft_plan_build(t, o);
    lft_fails(t, lfuse_plan_to_json(plan, NULL, 0, &needed, &t->err), LFUSE_ERR_NAME,
              "the pattern of rules[0] is not UTF-8");
    assert_int_equal(needed, 77);
    lfuse_plan_destroy(plan);
}

#define LAYER(name)                                                                   \
    "{\"name\": \"" name "\", \"type\": \"A\", \"weights\": [{\"name\": \"weight\", " \
    "\"shape\": [2], \"dtype\": \"f32\"}]}"
#define PLAN(more)                                   \
    "{\"layerfuse_plan\": 1, \"fusions\": [], " more \
    ", \"layers\": [" LAYER("p") ", " LAYER("q") "]}"

static void what_is_wrong_with_them_is_said(void **state)
{
    static const struct {
        const char *text;
        lfuse_status status;
        const char *message;
    } cases[] = {
        {PLAN("\"rules\": {}"), LFUSE_ERR_FORMAT, "rules is no array"},
        {PLAN("\"rules\": [1]"), LFUSE_ERR_FORMAT, "rules[0]"},
        {PLAN("\"rules\": [{\"action\": \"pin\"}]"), LFUSE_ERR_FORMAT,
         "rules[0] has no pattern"},
        {PLAN("\"rules\": [{\"pattern\": \"\", \"action\": \"pin\"}]"), LFUSE_ERR_FORMAT,
         "rules[0] has no pattern"},
        {PLAN("\"rules\": [{\"pattern\": \"p\"}]"), LFUSE_ERR_FORMAT,
         "rules[0] has no action"},
        {PLAN("\"rules\": [{\"pattern\": 1, \"action\": \"pin\"}]"), LFUSE_ERR_FORMAT,
         "rules[0]: pattern is no string"},
        {PLAN("\"rules\": [{\"pattern\": \"p\", \"action\": \"pin\"}, "
              "{\"pattern\": \"p\", \"action\": \"weld\"}]"),
         LFUSE_ERR_UNSUPPORTED, "rules[1]: this version does not know the action weld"},
        {PLAN("\"rules\": [{\"pattern\": \"p\", \"action\": \"pin\", \"x\": 1}]"),
         LFUSE_ERR_UNSUPPORTED, "x"},
        {PLAN("\"skipped\": 1"), LFUSE_ERR_FORMAT, "skipped is no array"},
        {PLAN("\"skipped\": [{\"reason\": \"r\"}]"), LFUSE_ERR_FORMAT,
         "skipped[0] has no layer"},
        {PLAN("\"skipped\": [{\"layer\": \"p\"}]"), LFUSE_ERR_FORMAT,
         "skipped[0] has no reason"},
        {PLAN("\"skipped\": [{\"layer\": \"z\", \"reason\": \"r\"}]"), LFUSE_ERR_NAME,
         "skipped[0]: there is no layer z"},
        {PLAN("\"skipped\": [{\"layer\": \"p\", \"reason\": \"r\"}, "
              "{\"layer\": \"p\", \"reason\": \"r\"}]"),
         LFUSE_ERR_NAME, "skipped[1]: layer p is there twice"},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int64_t live = t->memory.live;
        lfuse_plan *plan = (lfuse_plan *)t;

        lft_fails(t,
                  lfuse_plan_from_json(t->ctx, cases[i].text, strlen(cases[i].text), NULL,
                                       &plan, &t->err),
                  cases[i].status, cases[i].message);
        assert_null(plan);
        assert_int_equal(t->memory.live, live);
    }
}

static lfuse_status read_and_destroy(struct lft *t, void *arg)
{
    const char *text = arg;
    lfuse_plan *plan;
    lfuse_status status =
        lfuse_plan_from_json(t->ctx, text, strlen(text), NULL, &plan, &t->err);

    lfuse_plan_destroy(plan);
    return status;
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_plan *plan;
    char *text;

    make_layers(t);
    plan = lft_plan_build(t, ruled());
    text = text_of(t, plan);
    lfuse_plan_destroy(plan);
    lft_every_allocation_fails(t, read_and_destroy, text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(rules_and_skips_are_written_and_read_back),
        lft_test(plans_without_them_do_not_mention_them),
        lft_test(a_pattern_that_is_not_text_is_refused),
        lft_test(what_is_wrong_with_them_is_said),
        lft_test(every_refused_allocation_is_an_error),
    };

    return cmocka_run_group_tests_name("plan_file_rules", tests, NULL, NULL);
}
