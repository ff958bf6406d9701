/* test_checkpoint_save.c - safetensors files written: what is in them, and what is refused */
#include "lft_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

/* ---- what is written --------------------------------------------------------------------------- */

static void writes_these_bytes(void **state)
{
    struct lft *t = *state;
    static float w[4] = {1, 2, 3, 4};
    static uint16_t h[3] = {0x3c00, 0x7e01, 0xfc00};
    static double d[1] = {0.1};
    static const char *const metadata[] = {"who", "a \"b\"\n\\", "\xc3\xb6", ""};
    static const char json[] =
        "{\"__metadata__\":{\"who\":\"a \\\"b\\\"\\n\\\\\",\"\xc3\xb6\":\"\","
        "\"layerfuse.aliases\":\"{\\\"a\\\":\\\"w\\\",\\\"x\\\":\\\"w\\\"}\","
        "\"layerfuse.format\":\"1\"},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[8,24]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[24,30]}}";
    lfuse_checkpoint_entry entries[] = {
        {"x", lft_tensor(t, LFUSE_F32, 1, 2, 2, 0), "w"},
        {"h", lft_borrow(t, LFUSE_F16, h, 3, 0), NULL},
        {"w", lft_borrow(t, LFUSE_F32, w, 2, 2, 0), NULL},
        {"d", lft_borrow(t, LFUSE_F64, d, 1, 0), NULL},
        {"a", lft_borrow(t, LFUSE_F32, w, 2, 2, 0), NULL},
    };
    lfuse_checkpoint_save_options options;
    const char *path = lft_path("golden");
    size_t start = (8 + sizeof(json) - 1 + 63) / 64 * 64, size;
    uint64_t header = start - 8;
    char *bytes;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 2;
    lft_ok(t, lfuse_checkpoint_save(t->ctx, path, entries, 5, &options, &t->err));
    bytes = lft_read_file(path, &size);
    assert_int_equal(size, start + 30);
    assert_memory_equal(bytes, &header, 8);
    assert_memory_equal(bytes + 8, json, sizeof(json) - 1);
    for (size = 8 + sizeof(json) - 1; size < start; size++)
        assert_int_equal(bytes[size], ' ');
    assert_memory_equal(bytes + start, d, 8);
    assert_memory_equal(bytes + start + 8, w, 16);
    assert_memory_equal(bytes + start + 24, h, 6);
    assert_int_equal(lft_count_files(), 1);
}

static void a_plain_file_has_no_metadata(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};
    static const char json[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} ";
    size_t size;
    char *bytes;

    lft_ok(t, lfuse_checkpoint_save(t->ctx, lft_path("plain"), &entry, 1, NULL, &t->err));
    bytes = lft_read_file(lft_path("plain"), &size);
    assert_memory_equal(bytes + 8, json, sizeof(json) - 1);
}

static void every_type_comes_back_bit_for_bit_and_aligned(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entries[] = {
        /* odd counts of narrow elements first */
        {"f16", lft_tensor(t, LFUSE_F16, 1, 3, 5, 0), NULL},
        {"bf16", lft_tensor(t, LFUSE_BF16, 2, 7, 0), NULL},
        {"f32", lft_tensor(t, LFUSE_F32, 3, 1, 2, 3, 4, 5, 1, 1, 2, 0), NULL},
        {"f64", lft_tensor(t, LFUSE_F64, 4, 9, 1, 0), NULL},
    };
    static const char *const order[] = {"f64", "f32", "f16", "bf16"};
    lfuse_save_mode mode;
    int i, axis;

    for (mode = 0; mode <= LFUSE_SAVE_EXPAND; mode++) {
        lfuse_checkpoint *c;

        lft_ok(t, lft_save(t, lft_path("types"), entries, 4, mode));
        c = lft_open(t, lft_path("types"));
        assert_int_equal(lfuse_checkpoint_count(c), 4);
        for (i = 0; i < 4; i++) {
            const lfuse_tensor *in = entries[i].tensor;
            const lfuse_tensor *out =
                lfuse_checkpoint_tensor(c, lfuse_checkpoint_find(c, entries[i].name));

            assert_string_equal(lfuse_checkpoint_name(c, i), order[i]);
            assert_int_equal(lfuse_tensor_dtype(out), lfuse_tensor_dtype(in));
            assert_int_equal(lfuse_tensor_rank(out), lfuse_tensor_rank(in));
            for (axis = 0; axis < lfuse_tensor_rank(in); axis++)
                assert_int_equal(lfuse_tensor_dim(out, axis), lfuse_tensor_dim(in, axis));
            assert_memory_equal(lfuse_tensor_data(out), lfuse_tensor_data(in),
                                lfuse_tensor_bytes(in));
            assert_int_equal((uintptr_t)lfuse_tensor_data(out) %
                                 lfuse_dtype_size(lfuse_tensor_dtype(in)),
                             0);
        }
        lfuse_checkpoint_close(c);
    }
}

/* Larger than a block, so that blocks begin amid rows. Values are bit patterns: signalling NaNs,
 * which no conversion leaves alone, are among the 16-bit ones. */
static void strided_tensors_are_stored_as_dense_rows(void **state)
{
    struct lft *t = *state;
    enum { ROWS = 3, COLUMNS = 50021, DEPTH = 2 };
    static const int64_t dims[] = {DEPTH, COLUMNS, ROWS},
                         strides[] = {1, DEPTH, DEPTH * COLUMNS};
    static const lfuse_dtype dtypes[] = {LFUSE_F64, LFUSE_F32, LFUSE_F16, LFUSE_BF16};
    uint64_t *memory = malloc((size_t)ROWS * COLUMNS * DEPTH * 8);
    int64_t d, c, r;
    int k;

    assert_non_null(memory);
    for (d = 0; d < (int64_t)ROWS * COLUMNS * DEPTH; d++)
        memory[d] = lfi_random_u64(1, 0, (uint64_t)d);
    for (k = 0; k < 4; k++) {
        lfuse_checkpoint_entry entry = {
            "w", lft_strided(t, dtypes[k], memory, 3, dims, strides), NULL};
        size_t size = lfuse_dtype_size(dtypes[k]);
        lfuse_checkpoint *file;
        const char *data;

        lft_ok(t, lft_save(t, lft_path("strided"), &entry, 1, 0));
        file = lft_open(t, lft_path("strided"));
        data = lft_data(file, "w");
        for (d = 0; d < DEPTH; d++)
            for (c = 0; c < COLUMNS; c++)
                for (r = 0; r < ROWS; r++, data += size)
                    if (memcmp(data,
                               (char *)memory +
                                   (size_t)(d + DEPTH * (c + COLUMNS * r)) * size,
                               size) != 0)
                        fail_msg("%s: [%d, %d, %d] differs", lfuse_dtype_name(dtypes[k]),
                                 (int)d, (int)c, (int)r);
        lfuse_checkpoint_close(file);
    }
    free(memory);
}

static void equal_entries_give_equal_bytes(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entries[] = {
        {"b", lft_tensor(t, LFUSE_F32, 1, 8, 0), NULL},
        {"a", lft_tensor(t, LFUSE_F64, 2, 8, 0), NULL},
        {"c", NULL, "b"},
    };
    size_t size, again;
    char *bytes;

    entries[2].tensor = entries[0].tensor;
    lft_ok(t, lft_save(t, lft_path("one"), entries, 3, 0));
    lft_ok(t, lft_save(t, lft_path("two"), entries, 3, 0));
    bytes = lft_read_file(lft_path("one"), &size);
    assert_memory_equal(bytes, lft_read_file(lft_path("two"), &again), size);
    assert_int_equal(size, again);
}

/* ---- one owner for several names -------------------------------------------------------------------- */

static void dedup_stores_shared_memory_once_and_expand_each_time(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 1024, 0);
    lfuse_checkpoint_entry entries[] = {
        {"first", w, NULL},
        {"same", lft_borrow(t, LFUSE_F32, lfuse_tensor_data(w), 1024, 0), NULL},
        {"told", lft_tensor(t, LFUSE_F32, 2, 1024, 0),
         "same"}, /* a chain: same is an alias */
        {"own", lft_tensor(t, LFUSE_F32, 3, 1024, 0), NULL},
    };
    const size_t bytes = 4096;
    lfuse_checkpoint *c;
    int i;

    lft_ok(t, lft_save(t, lft_path("dedup"), entries, 4, LFUSE_SAVE_DEDUP));
    lft_ok(t, lft_save(t, lft_path("expand"), entries, 4, LFUSE_SAVE_EXPAND));
    assert_in_range(lft_file_size(lft_path("dedup")), 2 * bytes, 2 * bytes + 512);
    assert_in_range(lft_file_size(lft_path("expand")), 4 * bytes, 4 * bytes + 512);
    c = lft_open(t, lft_path("dedup"));
    assert_int_equal(lfuse_checkpoint_count(c), 4);
    assert_string_equal(lfuse_checkpoint_name(c, 2), "same");
    assert_string_equal(lfuse_checkpoint_name(c, 3), "told");
    assert_ptr_equal(lft_data(c, "same"), lft_data(c, "first"));
    assert_ptr_equal(lft_data(c, "told"), lft_data(c, "first"));
    assert_int_equal(lfuse_checkpoint_owner(c, 2), 0);
    assert_int_equal(lfuse_checkpoint_owner(c, 3), 0);
    assert_string_equal(lfuse_checkpoint_metadata(c, "layerfuse.format"), "1");
    lfuse_checkpoint_close(c);
    c = lft_open(t, lft_path("expand"));
    assert_int_equal(lfuse_checkpoint_metadata_count(c), 0);
    for (i = 0; i < 4; i++)
        assert_int_equal(lfuse_checkpoint_owner(c, i), i);
    for (i = 0; i < 3; i++) /* told shows its owner's data here, too */
        assert_memory_equal(lft_data(c, entries[i].name), lfuse_tensor_data(w), bytes);
    assert_memory_equal(lft_data(c, "own"), lfuse_tensor_data(entries[3].tensor), bytes);
    lfuse_checkpoint_close(c);
}

static void one_address_seen_differently_is_stored_apart(void **state)
{
    struct lft *t = *state;
    static double memory[64];
    static const int64_t dims[] = {4, 4}, rows[] = {4, 1}, columns[] = {1, 4};
    lfuse_checkpoint_entry entries[] = {
        {"rows", lft_strided(t, LFUSE_F32, memory, 2, dims, rows), NULL},
        {"columns", lft_strided(t, LFUSE_F32, memory, 2, dims, columns), NULL},
        {"flat", lft_borrow(t, LFUSE_F32, memory, 16, 0), NULL},
        {"half", lft_borrow(t, LFUSE_F32, memory, 8, 0), NULL},
        {"wide", lft_borrow(t, LFUSE_F64, memory, 16, 0), NULL},
        {"f16", lft_borrow(t, LFUSE_F16, memory, 16, 0), NULL},
        {"bf16", lft_borrow(t, LFUSE_BF16, memory, 16, 0), NULL},
        {"behind", lft_borrow(t, LFUSE_F32, memory + 1, 16, 0), NULL},
    };
    lfuse_checkpoint *c;
    int i;

    lft_ok(t, lft_save(t, lft_path("views"), entries, 8, 0));
    c = lft_open(t, lft_path("views"));
    for (i = 0; i < 8; i++)
        assert_int_equal(lfuse_checkpoint_owner(c, i), i);
    assert_null(lfuse_checkpoint_metadata(c, "layerfuse.format"));
    lfuse_checkpoint_close(c);
}

/* "early" shares memory with its owner and comes first: who is whose alias must not go round. */
static void an_owner_is_stored_though_its_alias_comes_first(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 4, 0);
    lfuse_checkpoint_entry entries[] = {
        {"early", w, "owner"}, {"owner", w, NULL}, {"late", w, NULL}};
    lfuse_checkpoint *c;

    lft_ok(t, lft_save(t, lft_path("round"), entries, 3, 0));
    c = lft_open(t, lft_path("round"));
    assert_string_equal(lfuse_checkpoint_name(c, 0), "owner");
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "early")), 0);
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "late")), 0);
    lfuse_checkpoint_close(c);
}

static void names_and_metadata_come_back_whatever_they_hold(void **state)
{
    struct lft *t = *state;
    static const char *const names[] = {
        "a\"b\\c/d", "\x01\n\t\x7f", "\xe6\xbc\xa2\xf0\x9f\x98\x80", "layerfuse.aliases"};
    static const char *const metadata[] = {
        "note", "line\nline \"q\" \xc3\xb6", "k\x02", "", "layerfuse", "near the prefix"};
    lfuse_checkpoint_entry entries[8];
    lfuse_checkpoint_save_options options;
    lfuse_checkpoint *c;
    char aliases[4][48];
    int i;

    for (i = 0; i < 4; i++) {
        entries[i].name = names[i];
        entries[i].tensor = lft_tensor(t, LFUSE_F32, 1, 2, 0);
        entries[i].owner = NULL;
        (void)snprintf(aliases[i], sizeof(aliases[i]), "alias %s", names[i]);
        entries[4 + i] = entries[i];
        entries[4 + i].name = aliases[i];
    }
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 3;
    lft_ok(t,
           lfuse_checkpoint_save(t->ctx, lft_path("odd"), entries, 8, &options, &t->err));
    c = lft_open(t, lft_path("odd"));
    for (i = 0; i < 4; i++) {
        assert_int_equal(lfuse_checkpoint_find(c, names[i]), i);
        assert_ptr_equal(lft_data(c, aliases[i]), lft_data(c, names[i]));
    }
    for (i = 0; i < 3; i++) {
        assert_string_equal(lfuse_checkpoint_metadata_key(c, i), metadata[2 * i]);
        assert_string_equal(lfuse_checkpoint_metadata(c, metadata[2 * i]),
                            metadata[2 * i + 1]);
    }
    assert_int_equal(lfuse_checkpoint_metadata_count(c), 5);
    lfuse_checkpoint_close(c);
}

/* ---- refusals ---------------------------------------------------------------------------------------- */

static void wrong_entries_are_named_before_a_file_is_made(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 2, 3, 0);
    const struct {
        lfuse_checkpoint_entry entries[3];
        lfuse_status status;
        const char *message;
    } wrong[] = {
        {{{NULL, w, NULL}, {"b", w, NULL}, {"c", w, NULL}},
         LFUSE_ERR_ARGUMENT,
         "entries[0].name is NULL"},
        {{{"a", w, NULL}, {"b", NULL, NULL}, {"c", w, NULL}},
         LFUSE_ERR_ARGUMENT,
         "entries[1].tensor is NULL"},
        {{{"a", w, NULL}, {"", w, NULL}, {"c", w, NULL}},
         LFUSE_ERR_ARGUMENT,
         "entries[1].name is empty"},
        {{{"a", w, NULL}, {"b", w, NULL}, {"__metadata__", w, NULL}},
         LFUSE_ERR_ARGUMENT,
         "entries[2].name is __metadata__, a reserved name"},
        {{{"a\xc3", w, NULL}, {"b", w, NULL}, {"c", w, NULL}},
         LFUSE_ERR_ARGUMENT,
         "entries[0].name, a?, is not UTF-8"},
        {{{"a", w, NULL}, {"b", w, NULL}, {"a", w, NULL}},
         LFUSE_ERR_NAME,
         "two entries have the name a"},
        {{{"a", w, "x"}, {"b", w, NULL}, {"c", w, NULL}},
         LFUSE_ERR_NAME,
         "the owner of a, x, is no entry"},
        {{{"a", w, "b"}, {"b", w, "c"}, {"c", w, NULL}},
         LFUSE_ERR_NAME,
         "the owner of a, b, is an alias itself"},
        {{{"a", w, "a"}, {"b", w, NULL}, {"c", w, NULL}},
         LFUSE_ERR_NAME,
         "the owner of a, a, is an alias itself"},
        {{{"a", w, "b"},
          {"b", lft_tensor(t, LFUSE_F32, 1, 3, 2, 0), NULL},
          {"c", w, NULL}},
         LFUSE_ERR_SHAPE,
         "a is [2, 3], its owner b is [3, 2]"},
        {{{"a", w, "b"},
          {"b", lft_tensor(t, LFUSE_F64, 1, 2, 3, 0), NULL},
          {"c", w, NULL}},
         LFUSE_ERR_TYPE,
         "a is of type f32, its owner b of f64"},
    };
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        lft_fails(t, lft_save(t, lft_path("x"), wrong[i].entries, 3, 0), wrong[i].status,
                  wrong[i].message);
        lft_fails(t, lft_save(t, lft_path("x"), wrong[i].entries, 3, LFUSE_SAVE_EXPAND),
                  wrong[i].status, wrong[i].message);
    }
    assert_int_equal(lft_count_files(), 0);
}

static void refuse_options(struct lft *t, const lfuse_checkpoint_save_options *options,
                           lfuse_status status, const char *message)
{
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};

    lft_fails(t,
              lfuse_checkpoint_save(t->ctx, lft_path("x"), &entry, 1, options, &t->err),
              status, message);
    assert_int_equal(lft_count_files(), 0);
}

static void wrong_metadata_is_named(void **state)
{
    struct lft *t = *state;
    static const struct {
        const char *metadata[4];
        lfuse_status status;
        const char *message;
    } wrong[] = {
        {{"a", "1", NULL, "2"}, LFUSE_ERR_ARGUMENT, "options.metadata[2] is NULL"},
        {{"a", NULL, "b", "2"}, LFUSE_ERR_ARGUMENT, "options.metadata[1] is NULL"},
        {{"a", "1", "", "2"}, LFUSE_ERR_ARGUMENT, "options.metadata: key 1 is empty"},
        {{"layerfuse.x", "1", "b", "2"},
         LFUSE_ERR_ARGUMENT,
         "options.metadata: the key layerfuse.x is reserved"},
        {{"a\xff", "1", "b", "2"},
         LFUSE_ERR_ARGUMENT,
         "options.metadata: the key a? is not UTF-8"},
        {{"a", "\xed\xa0\x80", "b", "2"},
         LFUSE_ERR_ARGUMENT,
         "options.metadata: the value of a is not UTF-8"},
        {{"a", "1", "a", "1"}, LFUSE_ERR_NAME, "options.metadata has the key a twice"},
    };
    lfuse_checkpoint_save_options options;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        lfuse_checkpoint_save_options_init(&options, sizeof(options));
        options.metadata = wrong[i].metadata;
        options.metadata_count = 2;
        refuse_options(t, &options, wrong[i].status, wrong[i].message);
    }
}

static void wrong_options_are_named(void **state)
{
    struct lft *t = *state;
    struct {
        lfuse_checkpoint_save_options options;
        int64_t newer;
    } longer;
    lfuse_checkpoint_save_options options;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.mode = 3;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT,
                   "options.mode is 3, which is unknown");
    options.mode = -1;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT,
                   "options.mode is -1, which is unknown");
    options.mode = 0;
    options.reserved = 1;
    refuse_options(t, &options, LFUSE_ERR_UNSUPPORTED, "options.reserved is 1");
    options.reserved = 0;
    options.metadata_count = -1;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT, "options.metadata_count is -1");
    options.metadata_count = INT64_MAX;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT,
                   "options.metadata_count is 9223372036854775807");
    options.metadata_count = 1;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT, "options.metadata is NULL");
    options.struct_size = 0;
    refuse_options(t, &options, LFUSE_ERR_ARGUMENT, "options has struct_size 0");
    lfuse_checkpoint_save_options_init(&longer.options, sizeof(longer));
    longer.newer = 1;
    refuse_options(t, &longer.options, LFUSE_ERR_UNSUPPORTED, "options sets byte ");
}

static void null_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};

    lft_fails(t, lfuse_checkpoint_save(NULL, "x", &entry, 1, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_fails(t, lfuse_checkpoint_save(t->ctx, NULL, &entry, 1, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "path is NULL");
    lft_fails(t, lfuse_checkpoint_save(t->ctx, lft_path("x"), NULL, 1, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "entries is NULL");
    lft_fails(t, lfuse_checkpoint_save(t->ctx, lft_path("x"), &entry, 0, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    assert_int_equal(lft_count_files(), 0);
    lfuse_checkpoint_save_options_init(NULL, 8);
}

/* Sizes alone: nobody reads the data. */
static void a_file_too_large_is_refused_before_it_is_made(void **state)
{
    struct lft *t = *state;
    static float memory[4];
    static const int64_t half[] = {INT64_C(1) << 60}, most[] = {(INT64_C(1) << 61) - 10};
    lfuse_checkpoint_entry entries[] = {
        {"a", lft_strided(t, LFUSE_F32, memory, 1, half, NULL), NULL},
        {"b", lft_strided(t, LFUSE_F32, memory + 1, 1, half, NULL), NULL},
        {"c", lft_strided(t, LFUSE_F32, memory, 1, most, NULL), NULL},
    };

    lft_fails(t, lft_save(t, lft_path("x"), entries, 2, 0), LFUSE_ERR_OVERFLOW,
              "the data has too many bytes");
    lft_fails(t, lft_save(t, lft_path("x"), entries + 2, 1, 0), LFUSE_ERR_OVERFLOW,
              "the file has too many bytes");
    assert_int_equal(lft_count_files(), 0);
}

static void a_header_that_no_reader_takes_is_refused(void **state)
{
    struct lft *t = *state;
    size_t size = 100000000;
    char *value = malloc(size + 1);
    const char *metadata[] = {"k", value};
    lfuse_checkpoint_save_options options;

    assert_non_null(value);
    memset(value, 'v', size);
    value[size] = '\0';
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 1;
    refuse_options(t, &options, LFUSE_ERR_OVERFLOW, "bytes, 100000000 are allowed");
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(writes_these_bytes),
        lft_files_test(a_plain_file_has_no_metadata),
        lft_files_test(every_type_comes_back_bit_for_bit_and_aligned),
        lft_files_test(strided_tensors_are_stored_as_dense_rows),
        lft_files_test(equal_entries_give_equal_bytes),
        lft_files_test(dedup_stores_shared_memory_once_and_expand_each_time),
        lft_files_test(one_address_seen_differently_is_stored_apart),
        lft_files_test(an_owner_is_stored_though_its_alias_comes_first),
        lft_files_test(names_and_metadata_come_back_whatever_they_hold),
        lft_files_test(wrong_entries_are_named_before_a_file_is_made),
        lft_files_test(wrong_metadata_is_named),
        lft_files_test(wrong_options_are_named),
        lft_files_test(null_arguments_are_named),
        lft_files_test(a_file_too_large_is_refused_before_it_is_made),
        lft_files_test(a_header_that_no_reader_takes_is_refused),
    };

    return cmocka_run_group_tests_name("checkpoint_save", tests, NULL, NULL);
}
