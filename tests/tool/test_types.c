/* test_types.c - which tensors of a file are of one type, and in which order */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "types.h"

static void check_pattern(const char *name, enum lfc_rule rule, const char *expected)
{
    char *pattern = lfc_types_pattern(name, rule);

    assert_string_equal(pattern, expected);
    free(pattern);
}

static void components_that_are_all_digits_become_stars(void **state)
{
    (void)state;
    check_pattern("h.0.attn.c_attn.weight", LFC_RULE_COMPONENT, "h.*.attn.c_attn.weight");
    check_pattern("layer1.10.conv2.weight", LFC_RULE_COMPONENT, "layer1.*.conv2.weight");
    check_pattern("0.a.11", LFC_RULE_COMPONENT, "*.a.*");
    check_pattern("7", LFC_RULE_COMPONENT, "*");
    check_pattern("a..1.", LFC_RULE_COMPONENT, "a..*.");
    check_pattern("2x.x2.2 ", LFC_RULE_COMPONENT, "2x.x2.2 ");
    check_pattern("\xc2\xb2.\xd9\xa3", LFC_RULE_COMPONENT, "\xc2\xb2.\xd9\xa3");
}

static void runs_of_digits_become_stars(void **state)
{
    (void)state;
    check_pattern("layer1.10.conv2.weight", LFC_RULE_DIGITS, "layer*.*.conv*.weight");
    check_pattern("2x34y5", LFC_RULE_DIGITS, "*x*y*");
    check_pattern("weight", LFC_RULE_DIGITS, "weight");
}

/* In this order, and so is every pair of them, whichever comes first. */
static void numbers_in_names_count(void **state)
{
    static const char *const order[] = {
        "",        "1",      "1.x", "2",       "10",   "18446744073709551616",
        "a",       "h",      "h.2", "h.2.w",   "h.10", "h.10.0",
        "h.10.00", "h.10.1", "h.x", "\xc3\xa9"};
    int count = sizeof(order) / sizeof(order[0]), i, k;

    (void)state;
    for (i = 0; i < count; i++)
        for (k = 0; k < count; k++) {
            int got = lfc_types_natural_order(order[i], order[k]);

            assert_int_equal((got > 0) - (got < 0), (i > k) - (i < k));
        }
}

static void check_text(const char *text, const char *expected)
{
    char shown[256] = "";
    FILE *out = fmemopen(shown, sizeof(shown), "w");

    assert_non_null(out);
    lfc_put_text(out, text);
    fclose(out);
    assert_string_equal(shown, expected);
}

static void text_stays_in_its_line(void **state)
{
    (void)state;
    check_text("h.0 \xc3\xa9\xf0\x9f\x98\x80", "h.0 \xc3\xa9\xf0\x9f\x98\x80");
    check_text("a\nb\tc\\", "a\\nb\\tc\\\\");
    check_text("\x1b[31m\x7f", "\\x1b[31m\\x7f");
    check_text("\xe2\x80\xae\xc2\x85", "\\u{202e}\\u{85}");
    check_text("\xff\xc3(\xed\xa0\x80\xe2\x80", "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x80");
    assert_int_equal(lfc_text_width("\xc3\xa9\n\xff"), 1 + 2 + 4);
}

static void numbers_are_for_people(void **state)
{
    char text[LFC_NUMBER_BYTES];

    (void)state;
    assert_string_equal(lfc_count(text, 0), "0");
    assert_string_equal(lfc_count(text, 999), "999");
    assert_string_equal(lfc_count(text, 1089536), "1,089,536");
    assert_string_equal(lfc_count(text, INT64_MAX), "9,223,372,036,854,775,807");
    assert_string_equal(lfc_bytes(text, 999), "999 bytes");
    assert_string_equal(lfc_bytes(text, 1000), "1.00 kB");
    assert_string_equal(lfc_bytes(text, 99949), "99.9 kB");
    assert_string_equal(lfc_bytes(text, 999600), "1.00 MB");
    assert_string_equal(lfc_bytes(text, INT64_MAX), "9.22 EB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_that_are_all_digits_become_stars),
        cmocka_unit_test(runs_of_digits_become_stars),
        cmocka_unit_test(numbers_in_names_count),
        cmocka_unit_test(text_stays_in_its_line),
        cmocka_unit_test(numbers_are_for_people),
    };

    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
