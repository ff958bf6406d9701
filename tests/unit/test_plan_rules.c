/* test_plan_rules.c - see plan.h: rules by name, and pairs that are forced */
#include "lft_plan.h"

#include "fusion/planning.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* ---- patterns --------------------------------------------------------------------------- */

static void a_pattern_matches_as_in_a_shell(void **state)
{
    static const struct {
        const char *pattern;
        const char *name;
        bool matches;
    } cases[] = {
        {"conv1", "conv1", true},
        {"conv1", "conv10", false},
        {"*", "", true},
        {"*", "layer1.0.conv1", true},
        {"layer*.conv?", "layer1.0.conv1", true},
        {"layer*.conv?", "layer1.0.conv", false},
        {"h.[0-3].*", "h.2.mlp", true},
        {"h.[0-3].*", "h.4.mlp", false},
        {"h.[!0-3].*", "h.4.mlp", true},
        {"h.[^0-3].*", "h.2.mlp", false},
        {"[]x]", "]", true},
        {"[!]x]", "]", false},
        {"[a-]", "-", true},
        {"a\\*", "a*", true},
        {"a\\*", "ab", false},
        {"[\\]]", "]", true},
        {"[ab", "[ab", true},
        {"[ab", "a", false},
        {"w[0]", "w0", true},
        {"w[0]", "w[0]", true}, /* the name itself */
        {"a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"\xc3?", "\xc3\xa9", true}, /* bytes, not characters */
        {"?", "\xc3\xa9", false},
        {"[\x80-\xff]", "\xc3", true},
        {"a*", "b", false},
        {"*a", "ba", true},
        {"**a**", "a", true},
        {"", "", true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (lfi_pattern_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].name);
}

/* Random patterns of a few bytes that mean something, against the C library's. */
static void a_pattern_matches_what_fnmatch_does(void **state)
{
    static const char pattern_bytes[] = "ab*?[]!-\\a*", name_bytes[] = "ab[-";
    uint64_t seed;
    int matched = 0;

    (void)state;
    for (seed = 0; seed < 200000; seed++) {
        char pattern[12] = {0}, name[8] = {0};
        const int n = (int)(lft_value(seed, 0) * 5 + 5),
                  m = (int)(lft_value(seed, 1) * 3 + 3);
        bool expected;
        int i;

        for (i = 0; i < n; i++)
            pattern[i] = pattern_bytes[(int)(lft_value(seed, 2 + i) * 5.5 + 5.5)];
        for (i = 0; i < m; i++)
            name[i] = name_bytes[(int)(lft_value(seed, 20 + i) * 2 + 2)];
        /* A backslash at the end, and brackets that do not end: what these are differs. */
        if (strchr(pattern, '\\') != NULL || strchr(pattern, '[') != NULL) {
            const char *open = strchr(pattern, '[');

            if (n > 0 && pattern[n - 1] == '\\')
                continue;
            if (open != NULL && (strlen(open) < 4 || open[strlen(open) - 1] != ']'))
                continue;
        }
        expected = fnmatch(pattern, name, 0) == 0 || strcmp(pattern, name) == 0;
        matched += expected;
        if (lfi_pattern_matches(pattern, name) != expected)
            fail_msg("%s and %s: fnmatch says %d", pattern, name, (int)expected);
    }
    assert_true(matched > 1000);
}

/* ---- rules --------------------------------------------------------------------------------- */

static lfuse_plan *build(struct lft *t, lfuse_plan_options o,
                         const lfuse_plan_rule *rules, int64_t count)
{
    o.rules = rules;
    o.rule_count = count;
    return lft_plan_build(t, o);
}

static void fails(struct lft *t, lfuse_plan_options o, const lfuse_plan_rule *rules,
                  int64_t count, lfuse_status expected, const char *text)
{
    o.rules = rules;
    o.rule_count = count;
    lft_plan_fails(t, o, expected, text);
}

/* The members of all groups, group after group, as in "1 2 | 3 4". */
static void check_groups(const lfuse_plan *plan, const char *expected)
{
    char text[128] = "";
    size_t used = 0;
    int64_t g, m;

    for (g = 0; g < lfuse_plan_group_count(plan); g++)
        for (m = 0; m < lfuse_plan_group_size(plan, g); m++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld",
                                     m > 0   ? " "
                                     : g > 0 ? " | "
                                             : "",
                                     (long long)lfuse_plan_group_member(plan, g, m));
    assert_string_equal(text, expected);
}

/* 0, 10, 11, 20, 23. What is left out still counts: the ratio is of ten weights. */
static void excluded_layers_do_not_fuse(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l[24]", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = build(t, lft_plan_best(100), rules, 1);
    check_groups(plan, "0 1 3");
    assert_int_equal(lft_plan_account(t, plan).candidates_logical, 10);
    assert_int_equal(lft_plan_account(t, plan).candidates_unique, 6);
    assert_int_equal(lfuse_plan_skipped_count(plan), 0);
    lfuse_plan_destroy(plan);
    fails(t, lft_plan_ratio(2.0), rules, 1, LFUSE_ERR_UNREACHABLE, "reaches 1.66666");
}

static void where_some_are_included_no_others_fuse(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l0", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                            {"l[1-3]", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                            {"l2", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    struct lft *t = *state;
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = build(t, lft_plan_best(100), rules, 2);
    check_groups(plan, "0 1 2 3");
    lfuse_plan_destroy(plan);
    plan = build(t, lft_plan_best(100), rules, 3);
    check_groups(plan, "0 1 3");
    lfuse_plan_destroy(plan);
    plan = build(t, lft_plan_best(100), rules, 1);
    check_groups(plan, "");
    lfuse_plan_destroy(plan);
}

/* What is excluded need not match, nor be finite. */
static void excluded_layers_are_not_looked_at(void **state)
{
    static const lfuse_plan_rule rules[] = {{"odd*", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    struct lft *t = *state;
    lfuse_tensor *bad = lft_tensor(t, LFUSE_F32, 1, 2, 0);
    lfuse_plan *plan;

    ((uint32_t *)lfuse_tensor_data(bad))[0] = 0x7fc00000;
    lft_layer(t, "odd0", "A", 9, lft_tensor(t, LFUSE_F64, 1, 7, 0), NULL, NULL);
    lft_plan_five(t);
    lft_layer(t, "odd1", "A", 10, bad, NULL, NULL);
    plan = build(t, lft_plan_best(1), rules, 1);
    check_groups(plan, "2 3");
    lfuse_plan_destroy(plan);
}

/* Excluded, l2 stands between l1 and l3 still. */
static void what_is_excluded_stands_in_the_chain(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l2", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(100);
    lfuse_plan *plan;

    lft_plan_five(t);
    o.scope = LFUSE_SCOPE_ADJACENT;
    plan = build(t, o, rules, 1);
    check_groups(plan, "0 1 | 3 4");
    lfuse_plan_destroy(plan);
}

/* A group in force with a layer that is excluded stays as it is. */
static void a_group_with_an_excluded_layer_does_not_grow(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l1", LFUSE_PLAN_ACTION_EXCLUDE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    o.in_force = ties;
    o.top_k = 100;
    plan = build(t, o, rules, 1);
    check_groups(plan, "0 3 4 | 1 2");
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
}

/* ---- pins ---------------------------------------------------------------------------------- */

static void a_pinned_layer_is_kept_and_two_never_join(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l2", LFUSE_PLAN_ACTION_PIN, 0},
                                            {"l3", LFUSE_PLAN_ACTION_PIN, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(100);
    lfuse_plan *plan;

    lft_plan_five(t);
    for (o.keep = 0; o.keep <= LFUSE_KEEP_LAST; o.keep++) {
        plan = build(t, o, rules, 2);
        check_groups(plan, "0 1 2 | 3 4");
        assert_int_equal(lfuse_plan_group_kept(plan, 0), 2);
        assert_int_equal(lfuse_plan_group_kept(plan, 1), 3);
        assert_int_equal(lft_plan_fusion(t, plan, 0).kept, 2);
        lfuse_plan_destroy(plan);
    }
    o = lft_plan_ratio(5.0);
    fails(t, o, rules, 2, LFUSE_ERR_UNREACHABLE, "reaches 2.5");
}

static void a_layer_that_lost_its_buffer_cannot_be_pinned(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l2", LFUSE_PLAN_ACTION_PIN, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    o.in_force = ties;
    fails(t, o, rules, 1, LFUSE_ERR_STATE,
          "layer l2 is pinned, but by the ties in force it has the buffer of l1");
    lfuse_ties_destroy(ties);
}

/* ---- forces -------------------------------------------------------------------------------- */

/* l0 is far from all, l4 second farthest from it; they come first, though 1 is met already. */
static void forced_layers_join_first_whatever_their_score(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l[04]", LFUSE_PLAN_ACTION_FORCE, 0},
                                            {"l[0-2]", LFUSE_PLAN_ACTION_FORCE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;

    lft_plan_five(t);
    plan = build(t, o, rules, 1);
    lft_plan_check(t, plan, 0, 0, 4, 0, 23.0);
    lft_plan_check(t, plan, 1, 1, 2, 1, 1.0);
    lfuse_plan_destroy(plan);
    plan = build(t, lft_plan_ratio(1.0), rules, 1);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    lfuse_plan_destroy(plan);
    o = lft_plan_ratio(0.0);
    o.flags = LFUSE_PLAN_FLAG_THRESHOLD;
    o.threshold = 0.5;
    plan = build(t, o, rules, 2); /* of the second rule the best link first */
    assert_int_equal(lfuse_plan_fusion_count(plan), 3);
    lft_plan_check(t, plan, 0, 0, 4, 0, 23.0);
    lft_plan_check(t, plan, 1, 1, 2, 1, 1.0);
    lft_plan_check(t, plan, 2, 0, 1, 0, 10.0);
    check_groups(plan, "0 1 2 4");
    lfuse_plan_destroy(plan);
}

static void forced_layers_grow_along_the_chain(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l[1-3]", LFUSE_PLAN_ACTION_FORCE, 0}},
                                 gap[] = {{"l[13]", LFUSE_PLAN_ACTION_FORCE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(1.0);
    lfuse_plan *plan;

    lft_plan_five(t);
    o.scope = LFUSE_SCOPE_ADJACENT;
    for (o.linkage = 1; o.linkage <= LFUSE_LINKAGE_MERGED; o.linkage++) {
        plan = build(t, o, rules, 1);
        check_groups(plan, "1 2 3");
        lfuse_plan_destroy(plan);
    }
    o.linkage = 0;
    fails(
        t, o, gap, 1, LFUSE_ERR_ARGUMENT,
        "rules[0] forces layers l1 and l3 together, but they are not next to each other");
}

static void what_cannot_be_forced_is_said(void **state)
{
    static const struct {
        lfuse_plan_rule rules[3];
        int64_t count;
        const char *text;
    } cases[] = {
        {{{"l1", LFUSE_PLAN_ACTION_FORCE, 0}},
         1,
         "rules[0] forces layer l1, and no other with it"},
        {{{"?0", LFUSE_PLAN_ACTION_FORCE, 0}},
         1,
         "rules[0] forces layers l0 and b0 together, which differ in param type"},
        {{{"l?", LFUSE_PLAN_ACTION_FORCE, 0}},
         1,
         "rules[0] forces layers l0 and l1 together, but there are more than max_group"},
        {{{"c", LFUSE_PLAN_ACTION_FORCE, 0}},
         1,
         "rules[0] forces layer c, which has no other"},
        {{{"l[01]", LFUSE_PLAN_ACTION_FORCE, 0}, {"l1", LFUSE_PLAN_ACTION_EXCLUDE, 0}},
         2,
         "rules[0] forces layer l1, which is excluded"},
        {{{"l[02]", LFUSE_PLAN_ACTION_INCLUDE, 0}, {"l[01]", LFUSE_PLAN_ACTION_FORCE, 0}},
         2,
         "rules[1] forces layer l1, which matches no rule that includes"},
        {{{"l[12]", LFUSE_PLAN_ACTION_PIN, 0}, {"l[12]", LFUSE_PLAN_ACTION_FORCE, 0}},
         2,
         "rules[1] forces layers l1 and l2 together, but each of their groups has a "
         "pinned one"},
        {{{"l[12]", LFUSE_PLAN_ACTION_FORCE, 0}, {"b*", LFUSE_PLAN_ACTION_FORCE, 0}},
         2,
         "rules[1] forces more fusions than top_k, 1"},
    };
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    size_t i;

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 0.0f);
    lft_plan_at(t, "b1", "B", 6, 0.0f);
    lft_plan_at(t, "c", "C", 7, 0.0f);
    o.max_group = 2;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (i == 2)
            o.top_k = 3; /* else that comes first */
        fails(t, o, cases[i].rules, cases[i].count, LFUSE_ERR_ARGUMENT, cases[i].text);
        o.top_k = 1;
    }
}

/* l1 and l2 are tied, and l1 excluded: l2 cannot be forced anywhere. */
static void a_layer_tied_to_an_excluded_one_cannot_be_forced(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l1", LFUSE_PLAN_ACTION_EXCLUDE, 0},
                                            {"l[23]", LFUSE_PLAN_ACTION_FORCE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    o.in_force = ties;
    fails(
        t, o, rules, 2, LFUSE_ERR_ARGUMENT,
        "rules[1] forces layers l2 and l3 together, but one is tied to a layer that may "
        "not fuse");
    lfuse_ties_destroy(ties);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void rules_that_say_nothing_are_refused(void **state)
{
    static const struct {
        lfuse_plan_rule rule;
        lfuse_status status;
        const char *text;
    } cases[] = {
        {{NULL, 1, 0}, LFUSE_ERR_ARGUMENT, "options.rules[1].pattern is NULL"},
        {{"", 1, 0}, LFUSE_ERR_ARGUMENT, "options.rules[1].pattern is empty"},
        {{"l*", 0, 0}, LFUSE_ERR_ARGUMENT, "options.rules[1].action is 0"},
        {{"l*", 5, 0}, LFUSE_ERR_ARGUMENT, "options.rules[1].action is 5"},
        {{"l*", -1, 0}, LFUSE_ERR_ARGUMENT, "options.rules[1].action is -1"},
        {{"l*", 1, 7}, LFUSE_ERR_UNSUPPORTED, "options.rules[1].reserved is 7"},
        {{"conv*", 1, 0}, LFUSE_ERR_NAME, "rules[1]: no layer is named conv*"},
        {{"conv*", 2, 0}, LFUSE_ERR_NAME, "rules[1]: no layer is named conv*"},
        {{"L0", 3, 0}, LFUSE_ERR_NAME, "rules[1]: no layer is named L0"},
        {{"l", 4, 0}, LFUSE_ERR_NAME, "rules[1]: no layer is named l"},
    };
    struct lft *t = *state;
    size_t i;

    lft_plan_five(t);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const lfuse_plan_rule rules[2] = {{"l*", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                          cases[i].rule};

        fails(t, lft_plan_best(1), rules, 2, cases[i].status, cases[i].text);
    }
}

/* A retrainer plans again and again, with rules that the caller has long thrown away. */
static void a_retrainer_keeps_the_rules(void **state)
{
    struct lft *t = *state;
    char pattern[8] = "l2";
    lfuse_plan_rule rule = {pattern, LFUSE_PLAN_ACTION_EXCLUDE, 0};
    lfuse_retrainer_options ro;
    lfuse_plan_options o = lft_plan_ratio(1.5);
    lfuse_retrainer *r;

    lft_plan_five(t);
    o.rules = &rule;
    o.rule_count = 1;
    lfuse_retrainer_options_init(&ro, sizeof(ro));
    ro.plan = &o;
    lft_ok(t, lfuse_retrainer_create(t->ctx, t->layers, 5, &ro, &r, &t->err));
    memcpy(pattern, "zz", 2);
    rule.pattern = NULL;
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    check_groups(lfuse_retrainer_plan(r), "0 1 | 3 4");
    lfuse_retrainer_destroy(r);
}

static lfuse_status build_and_destroy(struct lft *t, void *arg)
{
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, arg, &plan);

    lfuse_plan_destroy(plan);
    return status;
}

static void every_refused_allocation_is_an_error(void **state)
{
    static const lfuse_plan_rule rules[] = {{"l[0-3]", LFUSE_PLAN_ACTION_INCLUDE, 0},
                                            {"l2", LFUSE_PLAN_ACTION_PIN, 0},
                                            {"l[03]", LFUSE_PLAN_ACTION_FORCE, 0}};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(3);

    lft_plan_five(t);
    o.rules = rules;
    o.rule_count = 3;
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_pattern_matches_as_in_a_shell),
        lft_test(a_pattern_matches_what_fnmatch_does),
        lft_test(excluded_layers_do_not_fuse),
        lft_test(where_some_are_included_no_others_fuse),
        lft_test(excluded_layers_are_not_looked_at),
        lft_test(what_is_excluded_stands_in_the_chain),
        lft_test(a_group_with_an_excluded_layer_does_not_grow),
        lft_test(a_pinned_layer_is_kept_and_two_never_join),
        lft_test(a_layer_that_lost_its_buffer_cannot_be_pinned),
        lft_test(forced_layers_join_first_whatever_their_score),
        lft_test(forced_layers_grow_along_the_chain),
        lft_test(what_cannot_be_forced_is_said),
        lft_test(a_layer_tied_to_an_excluded_one_cannot_be_forced),
        lft_test(rules_that_say_nothing_are_refused),
        lft_test(a_retrainer_keeps_the_rules),
        lft_test(every_refused_allocation_is_an_error),
    };

    return cmocka_run_group_tests_name("plan_rules", tests, NULL, NULL);
}
