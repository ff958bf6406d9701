/* test_checkpoint_shards.c - checkpoints of several files, and every lie their index can tell */
#include "lft_checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX "model.safetensors.index.json"

static const char *put_index(const char *text)
{
    const char *path = lft_path(INDEX);

    lft_write_file(path, text, strlen(text));
    return path;
}

/* A shard with the tensors of these names, of 3 elements each; name by name, other values. */
static void put_shard(struct lft *t, const char *file, const char *first,
                      const char *second)
{
    lfuse_checkpoint_entry entries[2] = {
        {first, lft_tensor(t, LFUSE_F32, (uint64_t)first[0], 3, 0), NULL}};
    const char *metadata[] = {"file", file};
    lfuse_checkpoint_save_options options;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 1;
    if (second != NULL) {
        entries[1].name = second;
        entries[1].tensor = lft_tensor(t, LFUSE_F64, (uint64_t)second[0], 3, 0);
    }
    lft_ok(t, lfuse_checkpoint_save(t->ctx, lft_path(file), entries,
                                    second == NULL ? 1 : 2, &options, &t->err));
}

/* u and v in one file, w in the other; the names of the files are sorted, the map is not. */
static const char *put_model(struct lft *t)
{
    put_shard(t, "b.safetensors", "u", "v");
    put_shard(t, "a.safetensors", "w", NULL);
    return put_index(
        "{\"metadata\":{\"total_size\":48},\"weight_map\":{\"v\":\"b.safetensors\","
        "\"w\":\"a.safetensors\",\"u\":\"b.safetensors\"}}\n");
}

static void assert_model(const lfuse_checkpoint *c)
{
    static const char *const names[] = {"w", "v", "u"};
    int i, k;

    assert_int_equal(lfuse_checkpoint_count(c), 3);
    for (i = 0; i < 3; i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(c, i);
        const void *data = lfuse_tensor_data(tensor);

        assert_string_equal(lfuse_checkpoint_name(c, i), names[i]);
        assert_int_equal(lfuse_checkpoint_find(c, names[i]), i);
        assert_int_equal(lfuse_checkpoint_owner(c, i), i);
        for (k = 0; k < 3; k++) {
            double value = lft_value((uint64_t)names[i][0], k);

            assert_true(lfuse_tensor_dtype(tensor) == LFUSE_F64
                            ? ((const double *)data)[k] == value
                            : (double)((const float *)data)[k] == value);
        }
    }
}

static void several_files_are_shown_as_one(void **state)
{
    struct lft *t = *state;
    const char *path = put_model(t);
    lfuse_checkpoint *c = lft_open(t, path);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(lft_path("a.safetensors")), 0);
    assert_int_equal(unlink(lft_path("b.safetensors")), 0);
    assert_model(c);
    assert_int_equal(lfuse_checkpoint_metadata_count(c), 1);
    assert_string_equal(lfuse_checkpoint_metadata(c, "file"), "a.safetensors");
    lfuse_checkpoint_close(c);
}

static void files_are_beside_the_index_wherever_it_is(void **state)
{
    struct lft *t = *state;
    char here[4096];
    lfuse_checkpoint *c;

    (void)put_model(t);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(lft_path(".")), 0);
    c = lft_open(t, INDEX);
    assert_int_equal(chdir(here), 0);
    assert_model(c);
    lfuse_checkpoint_close(c);
    /* A cache of models links to files of other names elsewhere. */
    assert_int_equal(mkdir(lft_path("blobs"), 0700), 0);
    assert_int_equal(rename(lft_path("a.safetensors"), lft_path("blobs/1f0e")), 0);
    assert_int_equal(symlink("blobs/1f0e", lft_path("a.safetensors")), 0);
    c = lft_open(t, lft_path(INDEX));
    assert_model(c);
    lfuse_checkpoint_close(c);
}

static void a_directory_stands_for_the_model_in_it(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c;

    lft_refused(t, lft_path("."), LFUSE_ERR_IO,
                " is a directory without model.safetensors and "
                "model.safetensors.index.json");
    assert_int_equal(t->err.detail, EISDIR);
    (void)put_model(t);
    c = lft_open(t, lft_path("."));
    assert_model(c);
    lfuse_checkpoint_close(c);
    c = lft_open(t, lft_path(""));
    assert_model(c);
    lfuse_checkpoint_close(c);
    put_shard(t, "model.safetensors", "whole", NULL);
    c = lft_open(t, lft_path("."));
    assert_int_equal(lfuse_checkpoint_count(c), 1);
    assert_int_equal(lfuse_checkpoint_find(c, "whole"), 0);
    lfuse_checkpoint_close(c);
}

static void many_files_are_in_the_order_of_their_names(void **state)
{
    enum { FILES = 120 };
    struct lft *t = *state;
    char text[8000] = "{\"weight_map\":{";
    lfuse_checkpoint *c;
    int i;

    for (i = FILES - 1; i >= 0; i--) {
        char name[16], file[32];

        (void)snprintf(name, sizeof(name), "w%d", i);
        (void)snprintf(file, sizeof(file), "%03d.safetensors", i);
        put_shard(t, file, name, NULL);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                       "\"%s\":\"%s\"%s", name, file, i == 0 ? "}}" : ",");
    }
    c = lft_open(t, put_index(text));
    assert_int_equal(lfuse_checkpoint_count(c), FILES);
    for (i = 0; i < FILES; i++)
        assert_int_equal(atoi(lfuse_checkpoint_name(c, i) + 1), i);
    lfuse_checkpoint_close(c);
}

/* ---- lies ---------------------------------------------------------------------------------- */

#define U            "\"u\":\"b.safetensors\""
#define V            "\"v\":\"b.safetensors\""
#define MAP(entries) "{\"weight_map\":{" entries "}}"
#define NOT_BESIDE(file)                                                   \
    {                                                                      \
        MAP("\"u\":\"" file "\""), LFUSE_ERR_FORMAT,                       \
            "weight_map: the file of u, " file ", is not beside the index" \
    }

static const struct {
    const char *index;
    lfuse_status status;
    const char *message;
} lies[] = {
    {"", LFUSE_ERR_FORMAT, "the index does not begin with '{'"},
    {"[]", LFUSE_ERR_FORMAT, "the index does not begin with '{'"},
    {"{", LFUSE_ERR_FORMAT, "the index, byte 1: "},
    {"{}", LFUSE_ERR_FORMAT, "weight_map is no object"},
    {"{\"weight_map\":[]}", LFUSE_ERR_FORMAT, "weight_map is no object"},
    {"{\"weight_map\":{}}", LFUSE_ERR_FORMAT, "weight_map is empty"},
    {MAP("\"u\":1"), LFUSE_ERR_FORMAT, "weight_map: the value of u is no string"},
    {MAP(U "," U), LFUSE_ERR_FORMAT, "duplicate object key"},
    {"{\"weight_map\":{},\"weight_map\":{}}", LFUSE_ERR_FORMAT, "duplicate object key"},
    {MAP("\"u\":\"\xff\""), LFUSE_ERR_FORMAT, "the index, byte "},
    {MAP("\"u\":\"a\\u0000b\""), LFUSE_ERR_FORMAT, "\\u0000"},
    {"{\"n\":9223372036854775808}", LFUSE_ERR_FORMAT, "too big integer"},
    {"{\"n\":1e999}", LFUSE_ERR_FORMAT, "real number overflow"},
    NOT_BESIDE(""),
    NOT_BESIDE("."),
    NOT_BESIDE(".."),
    NOT_BESIDE("/etc/passwd"),
    NOT_BESIDE("../b.safetensors"),
    NOT_BESIDE("sub/../../b.safetensors"),
    NOT_BESIDE("sub/b.safetensors"),
    {MAP(U), LFUSE_ERR_FORMAT, "b.safetensors: tensor v is not in the weight_map"},
    {MAP(U "," V ",\"w\":\"b.safetensors\""), LFUSE_ERR_FORMAT,
     "weight_map: b.safetensors has no tensor w"},
    {MAP(U "," V ",\"__metadata__\":\"b.safetensors\""), LFUSE_ERR_FORMAT,
     "weight_map: b.safetensors has no tensor __metadata__"},
    /* w is in a.safetensors and in c.safetensors */
    {MAP(U "," V ",\"w\":\"a.safetensors\",\"x\":\"c.safetensors\""), LFUSE_ERR_FORMAT,
     "c.safetensors: tensor w is in a.safetensors by the weight_map"},
    {MAP("\"u\":\"a.safetensors\"," V ",\"w\":\"a.safetensors\""), LFUSE_ERR_FORMAT,
     "b.safetensors: tensor u is in a.safetensors by the weight_map"},
    {MAP("\"u\":\"broken\""), LFUSE_ERR_FORMAT,
     "broken: the header has 5 bytes, the file has 2 after its size"},
    {MAP("\"u\":\"" INDEX "\""), LFUSE_ERR_FORMAT, INDEX ": the header has "},
    {MAP("\"a\":\"tied\",\"u\":\"tied\""), LFUSE_ERR_FORMAT,
     "weight_map: tied has no tensor a"}, /* an alias */
    {MAP("\"u\":\"tied\",\"a\":\"also\""), LFUSE_ERR_FORMAT, "tensor a is in two files"},
    {MAP("\"u\":\"tied\",\"v\":\"twice\""), LFUSE_ERR_FORMAT, "tensor a is in two files"},
};

/* Aliases are each file's own, and last: those of all files by name. */
static void every_file_has_its_own_aliases(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 3, 0),
                 *y = lft_tensor(t, LFUSE_F32, 2, 3, 0);
    const lfuse_checkpoint_entry one[] = {{"u", x, NULL}, {"b", x, NULL}},
                                 two[] = {{"v", y, NULL}, {"a", y, NULL}};
    static const char *const names[] = {"u", "v", "a", "b"};
    lfuse_checkpoint *c;
    int i;

    lft_ok(t, lft_save(t, lft_path("one"), one, 2, LFUSE_SAVE_DEDUP));
    lft_ok(t, lft_save(t, lft_path("two"), two, 2, LFUSE_SAVE_DEDUP));
    c = lft_open(t, put_index(MAP("\"v\":\"two\",\"u\":\"one\"")));
    assert_int_equal(lfuse_checkpoint_count(c), 4);
    for (i = 0; i < 4; i++) {
        const int owner = i < 2 ? i : 3 - i; /* a is v, b is u */

        assert_string_equal(lfuse_checkpoint_name(c, i), names[i]);
        assert_int_equal(lfuse_checkpoint_owner(c, i), owner);
        assert_int_equal(lfuse_checkpoint_file(c, i), owner);
        assert_memory_equal(lfuse_tensor_data(lfuse_checkpoint_tensor(c, i)),
                            lfuse_tensor_data(owner == 0 ? x : y), 3 * sizeof(float));
    }
    lfuse_checkpoint_close(c);
}

static void files_are_told_by_their_names_in_the_index(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c = lft_open(t, put_model(t));
    int i;

    assert_int_equal(lfuse_checkpoint_file_count(c), 2);
    assert_string_equal(lfuse_checkpoint_file_name(c, 0), "a.safetensors");
    assert_string_equal(lfuse_checkpoint_file_name(c, 1), "b.safetensors");
    assert_null(lfuse_checkpoint_file_name(c, 2));
    assert_null(lfuse_checkpoint_file_name(c, -1));
    for (i = 0; i < 3; i++) /* w; v, u */
        assert_int_equal(lfuse_checkpoint_file(c, i), i > 0);
    assert_int_equal(lfuse_checkpoint_file(c, 3), -1);
    lfuse_checkpoint_close(c);
    c = lft_open(t, lft_path("a.safetensors"));
    assert_int_equal(lfuse_checkpoint_file_count(c), 1);
    assert_int_equal(lfuse_checkpoint_file(c, 0), 0);
    assert_null(lfuse_checkpoint_file_name(c, 0));
    lfuse_checkpoint_close(c);
    assert_int_equal(lfuse_checkpoint_file_count(NULL), 0);
    assert_int_equal(lfuse_checkpoint_file(NULL, 0), -1);
}

static void every_lie_of_an_index_is_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *shared = lft_tensor(t, LFUSE_F32, 1, 3, 0);
    lfuse_checkpoint_entry tied[] = {{"u", shared, NULL}, {"a", shared, NULL}};
    size_t i;

    (void)put_model(t);
    put_shard(t, "c.safetensors", "w", "x");
    lft_write_file(lft_path("broken"), "\5\0\0\0\0\0\0\0{}", 10);
    lft_ok(t, lft_save(t, lft_path("tied"), tied, 2, LFUSE_SAVE_DEDUP));
    put_shard(t, "also", "a", NULL);
    tied[0].name = "v";
    lft_ok(t, lft_save(t, lft_path("twice"), tied, 2, LFUSE_SAVE_DEDUP));
    for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        lft_refused(t, put_index(lies[i].index), lies[i].status, lies[i].message);
    assert_null(strchr(t->err.message, '\n'));
    /* The sound twin: were the files broken for another reason, this would fail. */
    lfuse_checkpoint_close(lft_open(t, put_index(MAP(U "," V))));
}

static void a_file_that_is_not_there_is_told_with_its_path(void **state)
{
    struct lft *t = *state;

    lft_refused(t, lft_path(INDEX), LFUSE_ERR_IO, "cannot open ");
    assert_int_equal(t->err.detail, ENOENT);
    lft_refused(t, put_index(MAP(U)), LFUSE_ERR_IO, "/b.safetensors: ");
    assert_int_equal(t->err.detail, ENOENT);
    assert_int_equal(mkdir(lft_path("b.safetensors"), 0700), 0);
    lft_refused(t, put_index(MAP(U)), LFUSE_ERR_IO, "cannot read ");
    assert_int_equal(t->err.detail, EISDIR);
}

static void an_index_cut_anywhere_is_refused(void **state)
{
    struct lft *t = *state;
    const char *path = put_model(t);
    size_t size, length;
    char *bytes = lft_read_file(path, &size);

    for (length = 0; length + 1 < size; length++) { /* but its last newline */
        lft_write_file(path, bytes, length);
        lft_refused(t, path, LFUSE_ERR_FORMAT, "");
    }
}

static void an_index_is_as_large_as_a_header_may_be(void **state)
{
    struct lft *t = *state;
    const char *path = put_model(t);
    lfuse_checkpoint_open_options options;
    size_t size = lft_file_size(path);
    lfuse_checkpoint *c;

    lfuse_checkpoint_open_options_init(&options, sizeof(options));
    options.max_header_bytes = size - 1;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED,
              "the index has 106 bytes, "
              "options.max_header_bytes allows 105");
    assert_null(c);
    options.max_header_bytes = 256; /* more than index and headers have */
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err));
    lfuse_checkpoint_close(c);
    options.max_header_bytes = 112; /* a file's padded header has more */
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED,
              "a.safetensors: the header has 120 bytes, "
              "options.max_header_bytes allows 112");
}

static void all_of_it_can_be_read_where_nothing_is_mapped(void **state)
{
    struct lft *t = *state;
    const char *path = put_model(t);
    lfuse_checkpoint *c;

    lft_refuse_mmap(EINVAL);
    c = lft_open(t, path);
    lft_refuse_mmap(0);
    assert_model(c);
    lfuse_checkpoint_close(c);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;

    lft_every_allocation_fails(t, lft_open_and_close, (void *)(uintptr_t)put_model(t));
    lft_every_allocation_fails(t, lft_open_and_close, (void *)(uintptr_t)lft_path("."));
}

/* Jansson reports some of its own failures as bad syntax; what matters is that none is lost. */
static void every_refused_allocation_of_jansson_is_an_error(void **state)
{
    struct lft *t = *state;
    const char *path = put_model(t);
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    int64_t live = t->memory.live;
    int k;

    lft_json_begin();
    for (k = 0; status != LFUSE_OK; k++) {
        lft_json_refuse(k);
        status = lft_open_and_close(t, (void *)(uintptr_t)path);
        assert_true(status == LFUSE_OK || status == LFUSE_ERR_NO_MEMORY ||
                    status == LFUSE_ERR_FORMAT);
        assert_int_equal(lft_json_live(), 0);
        assert_int_equal(t->memory.live, live);
    }
    lft_json_end();
    assert_true(k > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(several_files_are_shown_as_one),
        lft_files_test(files_are_beside_the_index_wherever_it_is),
        lft_files_test(a_directory_stands_for_the_model_in_it),
        lft_files_test(many_files_are_in_the_order_of_their_names),
        lft_files_test(every_file_has_its_own_aliases),
        lft_files_test(files_are_told_by_their_names_in_the_index),
        lft_files_test(every_lie_of_an_index_is_named),
        lft_files_test(a_file_that_is_not_there_is_told_with_its_path),
        lft_files_test(an_index_cut_anywhere_is_refused),
        lft_files_test(an_index_is_as_large_as_a_header_may_be),
        lft_files_test(all_of_it_can_be_read_where_nothing_is_mapped),
        lft_files_test(every_refused_allocation_is_an_error),
        lft_files_test(every_refused_allocation_of_jansson_is_an_error),
    };

    return cmocka_run_group_tests_name("checkpoint_shards", tests, NULL, NULL);
}
