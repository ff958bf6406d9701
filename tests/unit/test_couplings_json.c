/* test_couplings_json.c - couplings as JSON; see couplings.h */
#include "lft_couplings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char two_spaces[] =
    "{\"layerfuse_couplings\": 1, \"spaces\": ["
    "[{\"tensor\": \"up.weight\"}, {\"layer\": \"down\", \"parameter\": \"weight\","
    " \"axis\": 1, \"head_group\": 2, \"repeat\": 3, \"offset\": 6, \"extent\": 24}],"
    "[{\"tensor\": \"down.weight\", \"axis\": 0}]]}";

static lfuse_status parse(struct lft *t, const char *text, lfuse_couplings **c)
{
    *c = (lfuse_couplings *)t; /* so that NULL on failure is seen */
    return lfuse_couplings_parse(t->ctx, text, strlen(text), c, &t->err);
}

static void check_two(struct lft *t, const lfuse_couplings *c)
{
    lfuse_coupling m;

    assert_int_equal(lfuse_couplings_space_count(c), 2);
    assert_int_equal(lfuse_couplings_member_count(c, 0), 2);
    assert_int_equal(lfuse_couplings_member_count(c, 1), 1);
    lfuse_coupling_init(&m, sizeof(m));
    lft_ok(t, lfuse_couplings_member(c, 0, 0, &m, &t->err));
    assert_null(m.layer);
    assert_string_equal(m.parameter, "up.weight");
    assert_int_equal(m.head_group, 1);
    assert_int_equal(m.axis, 0);
    lft_ok(t, lfuse_couplings_member(c, 0, 1, &m, &t->err));
    assert_string_equal(m.layer, "down");
    assert_string_equal(m.parameter, "weight");
    assert_int_equal(m.axis, 1);
    assert_int_equal(m.head_group, 2);
    assert_int_equal(m.repeat, 3);
    assert_int_equal(m.offset, 6);
    assert_int_equal(m.extent, 24);
}

static void every_field_is_read(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c;

    lft_ok(t, parse(t, two_spaces, &c));
    check_two(t, c);
    lft_linear(t, "up", 4, 2, 0, NULL);
    lft_linear(t, "down", 5, 30, 0, NULL);
    assert_int_equal(lft_units(t, c, 0), 4);
    assert_int_equal(lft_units(t, c, 1), 5);
    lfuse_couplings_destroy(c);
}

static void a_file_is_read_alike(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c;
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/tmp/layerfuse-couplings-%d.json", (int)getpid());
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(two_spaces, file) >= 0 && fclose(file) == 0);
    lft_ok(t, lfuse_couplings_read(t->ctx, path, &c, &t->err));
    (void)unlink(path);
    check_two(t, c);
    lfuse_couplings_destroy(c);
    lft_fails(t, lfuse_couplings_read(t->ctx, path, &c, &t->err), LFUSE_ERR_IO, path);
    assert_null(c);
    lft_fails(t, lfuse_couplings_read(t->ctx, NULL, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "path is NULL");
    lft_fails(t, lfuse_couplings_read(NULL, path, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_couplings_read(t->ctx, path, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "couplings is NULL");
}

#define SPACES(text) "{\"layerfuse_couplings\":1,\"spaces\":" text "}"

static void what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *text;
        lfuse_status status;
        const char *message;
    } cases[] = {
        {"", LFUSE_ERR_FORMAT, "the description does not begin with '{'"},
        {"{\"layerfuse_couplings\":1", LFUSE_ERR_FORMAT, "the description, byte 24"},
        {"{}", LFUSE_ERR_FORMAT, "there is no layerfuse_couplings"},
        {"{\"layerfuse_couplings\":\"1\"}", LFUSE_ERR_FORMAT,
         "layerfuse_couplings is no integer"},
        {"{\"layerfuse_couplings\":2}", LFUSE_ERR_UNSUPPORTED,
         "the couplings are of version 2, this one of the library knows 1"},
        {"{\"layerfuse_couplings\":1}", LFUSE_ERR_FORMAT,
         "the description has no spaces"},
        {"{\"layerfuse_couplings\":1,\"spaces\":[],\"x\":0}", LFUSE_ERR_UNSUPPORTED,
         "the field x"},
        {SPACES("{}"), LFUSE_ERR_FORMAT, "the description: spaces is no array"},
        {SPACES("[[]]"), LFUSE_ERR_FORMAT, "spaces[0] is no array of members"},
        {SPACES("[[3]]"), LFUSE_ERR_FORMAT, "spaces[0][0] is no object"},
        {SPACES("[[{\"tensor\":\"a\"},{}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][1] has neither a tensor, nor a layer and a parameter"},
        {SPACES("[[{\"tensor\":\"a\",\"layer\":\"b\",\"parameter\":\"c\"}]]"),
         LFUSE_ERR_FORMAT, "spaces[0][0] has neither"},
        {SPACES("[[{\"tensor\":\"a\",\"layer\":\"b\"}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0] has neither"},
        {SPACES("[[{\"parameter\":\"b\"}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0] has neither"},
        {SPACES("[[{\"tensor\":\"\"}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0] has an empty name"},
        {SPACES("[[{\"tensor\":4}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0]: tensor is no string"},
        {SPACES("[[{\"tensor\":\"a\",\"axis\":8}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0]: axis is 8, the last there is 7"},
        {SPACES("[[{\"tensor\":\"a\",\"axis\":-1}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0]: axis is -1"},
        {SPACES("[[{\"tensor\":\"a\",\"repeat\":1.5}]]"), LFUSE_ERR_FORMAT,
         "spaces[0][0]: repeat is no integer"},
        {SPACES("[[{\"tensor\":\"a\",\"heads\":1}]]"), LFUSE_ERR_UNSUPPORTED,
         "spaces[0][0]: this version does not know the field heads"},
        {SPACES("[[{\"tensor\":\"a\",\"repeat\":4294967296,"
                "\"head_group\":4294967296}]]"),
         LFUSE_ERR_OVERFLOW, "does not fit"},
    };
    struct lft *t = *state;
    lfuse_couplings *c;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lft_fails(t, parse(t, cases[i].text, &c), cases[i].status, cases[i].message);
        assert_null(c);
    }
    lft_fails(t, lfuse_couplings_parse(t->ctx, NULL, 3, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "text is NULL");
    assert_null(c);
    lft_fails(t, lfuse_couplings_parse(NULL, "{}", 2, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_couplings_parse(t->ctx, "{}", 2, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "couplings is NULL");
    lft_fails(t, lfuse_couplings_parse(t->ctx, "{}", (size_t)1 << 40, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED, "at most 33554432 are read");
}

static lfuse_status whole_life(struct lft *t, void *arg)
{
    lfuse_couplings *c;
    lfuse_status status = parse(t, arg, &c);

    lfuse_couplings_destroy(c);
    return status;
}

static void every_allocation_of_reading_may_fail(void **state)
{
    struct lft *t = *state;

    lft_every_allocation_fails(t, whole_life, (void *)two_spaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_field_is_read),
        lft_test(a_file_is_read_alike),
        lft_test(what_is_wrong_is_said_with_its_place),
        lft_test(every_allocation_of_reading_may_fail),
    };

    return cmocka_run_group_tests_name("couplings_json", tests, NULL, NULL);
}
