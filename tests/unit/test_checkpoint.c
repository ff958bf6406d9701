/* test_checkpoint.c - safetensors files read: what is in them, and every lie they can tell */
#include "lft_checkpoint.h"

#include <errno.h>
#include <float.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* ---- sound files ---------------------------------------------------------------------------- */

static void shows_a_file_made_by_hand_byte_for_byte(void **state)
{
    struct lft *t = *state;
    /* Stored out of order, padded with spaces; metadata in between. */
    lfuse_checkpoint *c = lft_open(
        t, lft_put_header(
               "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
               "\"__metadata__\":{\"z\":\"1\",\"a\":\"zw\\u00f6lf\"},"
               "\"h\":{\"data_offsets\":[0,8],\"dtype\":\"BF16\",\"shape\":[4]}}   ",
               32));
    const lfuse_tensor *h = lfuse_checkpoint_tensor(c, 0),
                       *w = lfuse_checkpoint_tensor(c, 1);
    const unsigned char *data = lfuse_tensor_data(w);
    int i;

    assert_int_equal(lfuse_checkpoint_count(c), 2);
    assert_string_equal(lfuse_checkpoint_name(c, 0), "h");
    assert_string_equal(lfuse_checkpoint_name(c, 1), "w");
    assert_int_equal(lfuse_tensor_dtype(h), LFUSE_BF16);
    assert_int_equal(lfuse_tensor_rank(h), 1);
    assert_int_equal(lfuse_tensor_dim(h, 0), 4);
    assert_int_equal(lfuse_tensor_dtype(w), LFUSE_F32);
    assert_int_equal(lfuse_tensor_rank(w), 2);
    assert_int_equal(lfuse_tensor_dim(w, 0), 2);
    assert_int_equal(lfuse_tensor_dim(w, 1), 3);
    assert_int_equal(lfuse_tensor_stride(w, 0), 3);
    assert_int_equal(lfuse_tensor_stride(w, 1), 1);
    for (i = 0; i < 24; i++)
        assert_int_equal(data[i], 8 + i);
    assert_int_equal(lfuse_checkpoint_owner(c, 0), 0);
    assert_int_equal(lfuse_checkpoint_find(c, "w"), 1);
    assert_int_equal(lfuse_checkpoint_find(c, "x"), -1);
    assert_int_equal(lfuse_checkpoint_metadata_count(c), 2);
    assert_string_equal(lfuse_checkpoint_metadata_key(c, 0), "z");
    assert_string_equal(lfuse_checkpoint_metadata_key(c, 1), "a");
    assert_string_equal(lfuse_checkpoint_metadata(c, "a"), "zw\xc3\xb6lf");
    assert_null(lfuse_checkpoint_metadata(c, "b"));
    lfuse_checkpoint_close(c);
}

static void answers_null_and_out_of_range_alike(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c = lft_open(t, lft_put_header("{}", 0));
    int64_t i;

    for (i = -1; i <= 1; i++) {
        assert_null(lfuse_checkpoint_name(c, i));
        assert_null(lfuse_checkpoint_tensor(c, i));
        assert_null(lfuse_checkpoint_metadata_key(c, i));
        assert_int_equal(lfuse_checkpoint_owner(c, i), -1);
        assert_null(lfuse_checkpoint_name(NULL, i));
        assert_null(lfuse_checkpoint_tensor(NULL, i));
        assert_null(lfuse_checkpoint_metadata_key(NULL, i));
        assert_int_equal(lfuse_checkpoint_owner(NULL, i), -1);
    }
    assert_int_equal(lfuse_checkpoint_count(c), 0);
    assert_int_equal(lfuse_checkpoint_count(NULL), 0);
    assert_int_equal(lfuse_checkpoint_metadata_count(c), 0);
    assert_int_equal(lfuse_checkpoint_metadata_count(NULL), 0);
    assert_int_equal(lfuse_checkpoint_find(c, "x"), -1);
    assert_int_equal(lfuse_checkpoint_find(c, NULL), -1);
    assert_int_equal(lfuse_checkpoint_find(NULL, "x"), -1);
    assert_null(lfuse_checkpoint_metadata(c, "x"));
    assert_null(lfuse_checkpoint_metadata(c, NULL));
    assert_null(lfuse_checkpoint_metadata(NULL, "x"));
    lfuse_checkpoint_close(c);
    lfuse_checkpoint_close(NULL);
}

/* A file's header as JSON, and as many spaces as put the data off its place. */
static const char *put_off(int pad, const char *dtype, int size)
{
    char header[128];

    (void)snprintf(header, sizeof(header),
                   "{\"w\":{\"dtype\":\"%s\",\"shape\":[2,2],\"data_offsets\":[0,%d]}"
                   "}%*s",
                   dtype, 4 * size, pad, "");
    return lft_put_header(header, 4 * (size_t)size);
}

static void reads_in_place_what_the_file_does_not_align(void **state)
{
    struct lft *t = *state;
    static const struct {
        lfuse_dtype dtype;
        const char *name;
        int size;
    } types[] = {{LFUSE_F32, "F32", 4},
                 {LFUSE_F64, "F64", 8},
                 {LFUSE_F16, "F16", 2},
                 {LFUSE_BF16, "BF16", 2}};
    int pad, k, i, off = 0;

    for (k = 0; k < 4; k++)
        for (pad = 0; pad < 8; pad++) {
            lfuse_checkpoint *c = lft_open(t, put_off(pad, types[k].name, types[k].size));
            const lfuse_tensor *w = lfuse_checkpoint_tensor(c, 0);
            const unsigned char *data = lfuse_tensor_data(w);
            lfuse_tensor *same = lft_tensor(t, types[k].dtype, 1, 2, 2, 0),
                         *wide = lft_tensor(t, LFUSE_F64, 1, 2, 2, 0),
                         *wide_same = lft_tensor(t, LFUSE_F64, 1, 2, 2, 0);
            double distance = NAN;

            off += (uintptr_t)data % (uintptr_t)types[k].size != 0;
            for (i = 0; i < 4 * types[k].size; i++)
                assert_int_equal(data[i], i);
            lft_ok(t, lfuse_tensor_copy(same, w, &t->err));
            assert_memory_equal(lfuse_tensor_data(same), data, 4 * types[k].size);
            lft_ok(t, lfuse_tensor_copy(wide, w, &t->err));
            lft_ok(t, lfuse_tensor_copy(wide_same, same, &t->err));
            assert_memory_equal(lfuse_tensor_data(wide), lfuse_tensor_data(wide_same),
                                32);
            lft_ok(t, lfuse_similarity(t->ctx, w, same, NULL, &distance, &t->err));
            assert_true(distance == 0.0);
            lfuse_checkpoint_close(c);
        }
    assert_int_equal(off, 6 + 7 + 4 + 4);
}

/* Live bytes do not depend on the size of the data, aligned or not. */
static void data_takes_no_memory(void **state)
{
    struct lft *t = *state;
    int64_t live[2];
    int pad, k;

    for (pad = 0; pad < 2; pad++)
        for (k = 0; k < 2; k++) {
            int64_t count = k == 0 ? 1 : 1 << 20, before = t->memory.live;
            char header[128];
            lfuse_checkpoint *c;

            (void)snprintf(header, sizeof(header),
                           "{\"w\":{\"dtype\":\"F32\",\"shape\":[%lld],"
                           "\"data_offsets\":[0,%lld]}}%*s",
                           (long long)count, (long long)(4 * count), pad, "");
            c = lft_open(t, lft_put_header(header, 4 * (size_t)count));
            live[k] = t->memory.live - before;
            assert_true(k == 0 || live[1] == live[0]);
            lfuse_checkpoint_close(c);
        }
}

#define W "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define V "\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}"
#define ALIASES(A) \
    "{\"__metadata__\":{\"layerfuse.format\":\"1\",\"layerfuse.aliases\":\"" A "\"},"
#define FIELDS(D, S, O) "{\"w\":{\"dtype\":" D ",\"shape\":" S ",\"data_offsets\":" O "}}"

static void aliases_come_last_by_name_at_their_owner_s_address(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c = lft_open(
        t, lft_put_header(
               ALIASES("{\\\"z\\\":\\\"w\\\",\\\"b\\\":\\\"v\\\",\\\"B\\\":\\\"w\\\"}") V
               "," W "}",
               16));
    static const char *const names[] = {"w", "v", "B", "b", "z"};
    static const int owners[] = {0, 1, 0, 1, 0};
    int i;

    assert_int_equal(lfuse_checkpoint_count(c), 5);
    for (i = 0; i < 5; i++) {
        assert_string_equal(lfuse_checkpoint_name(c, i), names[i]);
        assert_int_equal(lfuse_checkpoint_find(c, names[i]), i);
        assert_int_equal(lfuse_checkpoint_owner(c, i), owners[i]);
        assert_ptr_equal(lfuse_tensor_data(lfuse_checkpoint_tensor(c, i)),
                         lfuse_tensor_data(lfuse_checkpoint_tensor(c, owners[i])));
    }
    lfuse_checkpoint_close(c);
}

static void finds_each_of_many_names(void **state)
{
    struct lft *t = *state;
    enum { COUNT = 5000 };
    char *header = malloc(COUNT * 80), *at = header;
    char name[32];
    lfuse_checkpoint *c;
    int i;

    assert_non_null(header);
    for (i = 0; i < COUNT; i++) /* 7919 is prime: names in no order */
        at += sprintf(
            at, "%c\"n%d\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
            i == 0 ? '{' : ',', i * 7919 % COUNT, 2 * i, 2 * i + 2);
    (void)sprintf(at, "}");
    c = lft_open(t, lft_put_header(header, 2 * COUNT));
    for (i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i * 7919 % COUNT);
        assert_int_equal(lfuse_checkpoint_find(c, name), i);
    }
    lfuse_checkpoint_close(c);
    free(header);
}

static void an_open_file_may_be_unlinked(void **state)
{
    struct lft *t = *state;
    const char *path = lft_put_header("{" W "}", 8);
    lfuse_checkpoint *c = lft_open(t, path);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(
        ((unsigned char *)lfuse_tensor_data(lfuse_checkpoint_tensor(c, 0)))[7], 7);
    lfuse_checkpoint_close(c);
}

/* ---- lies --------------------------------------------------------------------------------------- */

static const struct lie {
    const char *header;
    size_t data_bytes;
    lfuse_status status;
    const char *message;
} lies[] = {
    {"", 0, LFUSE_ERR_FORMAT, "the header does not begin with '{'"},
    {" {}", 0, LFUSE_ERR_FORMAT, "the header does not begin with '{'"},
    {"[]", 0, LFUSE_ERR_FORMAT, "the header does not begin with '{'"},
    {"{", 0, LFUSE_ERR_FORMAT, "the header, byte 1: "},
    {"{}{}", 0, LFUSE_ERR_FORMAT, "the header, byte 3: end of file expected"},
    {"{\"w\":1,\"w\":1}", 0, LFUSE_ERR_FORMAT, "duplicate object key"},
    {"{\"\xff\":1}", 0, LFUSE_ERR_FORMAT, "unable to decode byte 0xff"},
    {"{\"a\\u0000b\":1}", 0, LFUSE_ERR_FORMAT, "NUL byte in object key not supported"},
    {"{\"w\":1}", 0, LFUSE_ERR_FORMAT, "tensor w: its value is no object"},
    {"{\"w\":{\"shape\":[],\"data_offsets\":[0,0]}}", 0, LFUSE_ERR_FORMAT,
     "tensor w: dtype is no string"},
    {FIELDS("32", "[]", "[0,4]"), 4, LFUSE_ERR_FORMAT, "tensor w: dtype is no string"},
    {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", 0, LFUSE_ERR_FORMAT,
     "tensor w: shape is no array"},
    {FIELDS("\"F32\"", "1", "[0,4]"), 4, LFUSE_ERR_FORMAT, "tensor w: shape is no array"},
    {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets is no array of two"},
    {FIELDS("\"F32\"", "[1]", "[0]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets is no array of two"},
    {FIELDS("\"F32\"", "[1]", "[0,4,8]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets is no array of two"},
    {FIELDS("\"F32\"", "[1]", "[0,4],\"extra\":0"), 4, LFUSE_ERR_FORMAT,
     "tensor w: unknown field extra"},
    {FIELDS("\"F32\"", "[1.0]", "[0,4]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: shape[0] is no integer"},
    {FIELDS("\"F32\"", "[1,-1]", "[0,4]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: shape[1] is -1"},
    {FIELDS("\"F32\"", "[1]", "[\"0\",4]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets[0] is no integer"},
    {FIELDS("\"F32\"", "[1]", "[0,-4]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets[1] is -4"},
    {FIELDS("\"F32\"", "[1]", "[0,9223372036854775808]"), 4, LFUSE_ERR_FORMAT,
     "too big integer"},
    {FIELDS("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: shape is too large: 4294967296 elements times 4294967296"},
    {FIELDS("\"F64\"", "[2305843009213693952]", "[0,0]"), 0, LFUSE_ERR_FORMAT,
     "tensor w: shape is too large: 2305843009213693952 elements of F64"},
    {FIELDS("\"F32\"", "[1]", "[4,0]"), 4, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets begin at 4, end at 0"},
    {FIELDS("\"F32\"", "[3]", "[0,8]"), 8, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets hold 8 bytes, 3 elements of F32 take 12"},
    {FIELDS("\"F32\"", "[0,4611686018427387904,4611686018427387904]", "[0,0]"), 0,
     LFUSE_ERR_UNSUPPORTED, "tensor w: shape[0] is 0; empty tensors are not supported"},
    {FIELDS("\"F32\"", "[0]", "[0,8]"), 8, LFUSE_ERR_FORMAT,
     "tensor w: data_offsets hold 8 bytes, 0 elements of F32 take 0"},
    {"{" V "}", 16, LFUSE_ERR_FORMAT,
     "tensor v begins at byte 8 of the data, the one before ends at 0: a hole"},
    {"{" W ",\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12,
     LFUSE_ERR_FORMAT,
     "tensor v begins at byte 4 of the data, the one before ends at 8: an overlap"},
    {"{" W "}", 9, LFUSE_ERR_FORMAT, "the tensors have 8 bytes of data, the file has 9"},
    {"{" W "}", 7, LFUSE_ERR_FORMAT, "the tensors have 8 bytes of data, the file has 7"},
    {"{}", 1, LFUSE_ERR_FORMAT, "the tensors have 0 bytes of data, the file has 1"},
    {"{\"__metadata__\":[]}", 0, LFUSE_ERR_FORMAT, "__metadata__ is no object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, LFUSE_ERR_FORMAT,
     "__metadata__: the value of k is no string"},
    {"{\"__metadata__\":{\"layerfuse.aliases\":\"{}\"}}", 0, LFUSE_ERR_FORMAT,
     "layerfuse.aliases is there, layerfuse.format is not"},
    {ALIASES("[]") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases does not begin with '{'"},
    {ALIASES("{") W "}", 8, LFUSE_ERR_FORMAT, "layerfuse.aliases, byte 1: "},
    {ALIASES("{\\\"a\\\":1}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: the value of a is no string"},
    {ALIASES("{\\\"a\\\":\\\"w\\\",\\\"a\\\":\\\"w\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "duplicate object key"},
    {ALIASES("{\\\"a\\\":\\\"x\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: the owner of a, x, is not stored"},
    {ALIASES("{\\\"a\\\":\\\"__metadata__\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: the owner of a, __metadata__, is not stored"},
    {ALIASES("{\\\"a\\\":\\\"b\\\",\\\"b\\\":\\\"w\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: the owner of a, b, is not stored"},
    {ALIASES("{\\\"w\\\":\\\"w\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: w is taken"},
    {ALIASES("{\\\"__metadata__\\\":\\\"w\\\"}") W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.aliases: __metadata__ is taken"},
    {"{\"__metadata__\":{\"layerfuse.format\":\"2\"}," W "}", 8, LFUSE_ERR_UNSUPPORTED,
     "layerfuse.format is 2, this version knows 1"},
    {"{\"__metadata__\":{\"layerfuse.banks\":\"{}\"}," W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.banks is there, layerfuse.format is not"},
    {"{\"__metadata__\":{\"layerfuse.residuals\":\"{}\"}," W "}", 8, LFUSE_ERR_FORMAT,
     "layerfuse.residuals is there, layerfuse.format is not"},
    {FIELDS("\"I64\"", "[]", "[0,8]"), 8, LFUSE_ERR_UNSUPPORTED,
     "tensor w is of type I64; F32, F64, F16 and BF16 are supported"},
    {FIELDS("\"f32\"", "[2]", "[0,8]"), 8, LFUSE_ERR_UNSUPPORTED,
     "tensor w is of type f32; F32, F64, F16 and BF16 are supported"},
    {FIELDS("\"F32\"", "[]", "[0,4]"), 4, LFUSE_ERR_UNSUPPORTED,
     "tensor w has rank 0; 1 to 8 are supported"},
    {FIELDS("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, LFUSE_ERR_UNSUPPORTED,
     "tensor w has rank 9; 1 to 8 are supported"},
    {FIELDS("\"F32\"", "[2,0]", "[0,0]"), 0, LFUSE_ERR_UNSUPPORTED,
     "tensor w: shape[1] is 0; empty tensors are not supported"},
};

static void every_lie_of_a_header_is_named(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        lft_refused(t, lft_put_header(lies[i].header, lies[i].data_bytes), lies[i].status,
                    lies[i].message);
}

/* The sound twin of the table: were the files broken for another reason, this would fail. */
static void the_same_fields_without_the_lie_are_taken(void **state)
{
    struct lft *t = *state;

    lfuse_checkpoint_close(lft_open(t, lft_put_header("{" W "," V "}", 16)));
    lfuse_checkpoint_close(
        lft_open(t, lft_put_header(FIELDS("\"F32\"", "[1,1,1,1,1,1,1,1]", "[0,4]"), 4)));
    lfuse_checkpoint_close(
        lft_open(t, lft_put_header(ALIASES("{\\\"a\\\":\\\"w\\\"}") W "}", 8)));
    lfuse_checkpoint_close(lft_open(t, lft_put_header("{\"__metadata__\":{}}", 0)));
}

static void a_broken_file_is_broken_before_it_is_unsupported(void **state)
{
    struct lft *t = *state;

    lft_refused(t, lft_put_header(FIELDS("\"I64\"", "[1]", "[0,8]"), 9), LFUSE_ERR_FORMAT,
                "the file has 9");
}

static void the_size_of_the_header_is_checked_first(void **state)
{
    struct lft *t = *state;
    const char *path;

    lft_refused(t, lft_put(3, "{}", 2, 0), LFUSE_ERR_FORMAT,
                "the header has 3 bytes, the file has 2 after its size");
    lft_refused(t, lft_put(UINT64_MAX, "{}", 2, 0), LFUSE_ERR_FORMAT,
                "the header has 18446744073709551615 bytes, 100000000 are allowed");
    path = lft_put(100000001, "{}", 2, 0);
    assert_int_equal(truncate(path, 100000009), 0); /* sparse: as large as it says */
    lft_refused(t, path, LFUSE_ERR_FORMAT,
                "the header has 100000001 bytes, 100000000 are allowed");
}

static void headers_are_as_large_as_the_caller_allows(void **state)
{
    struct lft *t = *state;
    const size_t standard = (size_t)32 << 20;
    lfuse_checkpoint_open_options options;
    lfuse_checkpoint *c;
    const char *path = lft_put_header("{" W "}", 8);
    size_t size = lft_file_size(path) - 8 - 8, i;
    char *spaces;

    lfuse_checkpoint_open_options_init(&options, sizeof(options));
    options.max_header_bytes = size - 1;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED,
              "the header has 54 bytes, options.max_header_bytes allows 53");
    assert_null(c);
    options.max_header_bytes = size;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err));
    lfuse_checkpoint_close(c);

    spaces = malloc(standard + 1);
    assert_non_null(spaces);
    memset(spaces, ' ', standard + 1);
    memcpy(spaces, "{}", 2);
    for (i = 0; i < 2; i++) {
        options.max_header_bytes = i == 0 ? 0 : standard + 1;
        path = lft_put(standard, spaces, standard, 0);
        lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err));
        lfuse_checkpoint_close(c);
    }
    path = lft_put(standard + 1, spaces, standard + 1, 0);
    lft_refused(
        t, path, LFUSE_ERR_UNSUPPORTED,
        "the header has 33554433 bytes, options.max_header_bytes allows 33554432");
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err));
    lfuse_checkpoint_close(c);
    free(spaces);

    options.max_header_bytes = SIZE_MAX; /* the format's own limit stays */
    path = lft_put(100000001, "{}", 2, 0);
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &options, &c, &t->err),
              LFUSE_ERR_FORMAT, "the header has 100000001 bytes, 100000000 are allowed");
}

static void options_of_a_newer_library_are_refused(void **state)
{
    struct lft *t = *state;
    struct {
        lfuse_checkpoint_open_options options;
        uint64_t newer;
    } o;
    lfuse_checkpoint *c = (lfuse_checkpoint *)(uintptr_t)8;
    const char *path = lft_put_header("{}", 0);

    lfuse_checkpoint_open_options_init(&o.options, sizeof(o));
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &o.options, &c, &t->err));
    lfuse_checkpoint_close(c);
    o.newer = 1;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &o.options, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED, "options");
    assert_null(c);
    lfuse_checkpoint_open_options_init(&o.options, 4); /* nothing: not even its size */
    o.options.struct_size = 4;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &o.options, &c, &t->err),
              LFUSE_ERR_ARGUMENT, "options");
    lfuse_checkpoint_open_options_init(NULL, 16);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    struct lft *t = *state;
    const char *path = lft_put_header(ALIASES("{\\\"a\\\":\\\"w\\\"}") W "," V "}", 16);
    size_t size, length;
    char *bytes = lft_read_file(path, &size);

    lfuse_checkpoint_close(lft_open(t, path));
    for (length = 0; length < size; length++) {
        lft_write_file(path, bytes, length);
        lft_refused(t, path, LFUSE_ERR_FORMAT, "");
    }
}

static void nesting_has_an_end(void **state)
{
    struct lft *t = *state;
    static char header[100000];

    memset(header, '[', sizeof(header));
    memcpy(header, "{\"w\":", 5);
    lft_refused(t, lft_put(sizeof(header), header, sizeof(header), 0), LFUSE_ERR_FORMAT,
                "maximum parsing depth reached");
}

static void messages_are_one_line_whatever_the_names(void **state)
{
    struct lft *t = *state;
    static char header[2000];

    lft_refused(t, lft_put_header("{\"a\\n\\u001b[2J\\u009b\xc3\xb6\":1}", 0),
                LFUSE_ERR_FORMAT, "tensor a??[2J?\xc3\xb6: its value is no object");
    (void)snprintf(header, sizeof(header), "{\"%0*d\":1}", 1500, 0);
    lft_refused(t, lft_put_header(header, 0), LFUSE_ERR_FORMAT,
                "...: its value is no object");
    lft_refused(t, lft_put_header("{\"a\nb\":1}", 0), LFUSE_ERR_FORMAT,
                "the header, byte ");
    assert_null(strchr(t->err.message, '\n'));
}

/* ---- the system ------------------------------------------------------------------------------------ */

static void what_cannot_be_opened_is_told_with_errno(void **state)
{
    struct lft *t = *state;
    const char *file = lft_put_header("{}", 0);
    char below[300];

    lft_refused(t, lft_path("missing"), LFUSE_ERR_IO, "cannot open ");
    assert_int_equal(t->err.detail, ENOENT);
    lft_refused(t, "", LFUSE_ERR_IO, "cannot open ");
    assert_int_equal(t->err.detail, ENOENT);
    lft_refused(t, lft_path("."), LFUSE_ERR_IO,
                " is a directory without model.safetensors");
    assert_int_equal(t->err.detail, EISDIR);
    (void)snprintf(below, sizeof(below), "%s/x", file);
    lft_refused(t, below, LFUSE_ERR_IO, "cannot open ");
    assert_int_equal(t->err.detail, ENOTDIR);
    lft_refused(t, "/dev/null", LFUSE_ERR_IO, "cannot read ");
    assert_int_equal(t->err.detail, EINVAL);
}

static void null_arguments_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c = (lfuse_checkpoint *)(uintptr_t)8;

    lft_fails(t, lfuse_checkpoint_open(NULL, "x", NULL, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(c);
    c = (lfuse_checkpoint *)(uintptr_t)8;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, NULL, NULL, &c, &t->err),
              LFUSE_ERR_ARGUMENT, "path is NULL");
    assert_null(c);
    lft_fails(t, lfuse_checkpoint_open(t->ctx, "x", NULL, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "checkpoint is NULL");
    assert_int_equal(lfuse_checkpoint_open(t->ctx, NULL, NULL, &c, NULL),
                     LFUSE_ERR_ARGUMENT);
}

/* Metadata, aliases and a tensor off its alignment: every allocation there is. */
static const char *put_rich(void)
{
    return lft_put_header(ALIASES("{\\\"a\\\":\\\"w\\\"}") V "," W "} ", 16);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;

    lft_every_allocation_fails(t, lft_open_and_close, (void *)(uintptr_t)put_rich());
}

/* ---- Jansson's memory, which is malloc's ---------------------------------------------------------- */

/* Jansson reports some of its own failures as bad syntax; what matters is that none is lost. */
static void every_refused_allocation_of_jansson_is_an_error(void **state)
{
    struct lft *t = *state;
    const char *path = put_rich();
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
    assert_true(k > 10);
}

/* ---- shared by threads ------------------------------------------------------------------------------- */

struct readers {
    const lfuse_checkpoint *checkpoint;
    atomic_int right;
};

static void read_one(void *arg, int64_t index)
{
    struct readers *r = arg;
    const char *name = index % 2 == 0 ? "w" : "v";
    const unsigned char *data = lfuse_tensor_data(lfuse_checkpoint_tensor(
        r->checkpoint, lfuse_checkpoint_find(r->checkpoint, name)));

    if (data[1] == 1 + 8 * (index % 2))
        atomic_fetch_add(&r->right, 1);
}

static void threads_may_share_a_checkpoint(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint *c = lft_open(t, lft_put_header("{" W "," V "}", 16));
    struct readers readers = {.checkpoint = c};
    struct lfi_env env = {.allocator = lft_allocator(&t->memory)};
    struct lfi_pool *pool;
    lfuse_executor executor;

    lft_ok(t, lfi_pool_create(&env, 3, &pool, &t->err));
    executor = lfi_pool_executor(pool);
    assert_int_equal(executor.parallel_for(executor.user, 1000, read_one, &readers), 0);
    assert_int_equal(readers.right, 1000);
    lfi_pool_destroy(&env, pool);
    lfuse_checkpoint_close(c);
}

/* ---- a trained network -------------------------------------------------------------------------------- */

/*
 * Numbers by NumPy, of the file's bytes: a.view("<u4").astype("u8").sum() is exact; the f64 sum
 * of n floats is off by less than n eps sum|a|, in whatever order: 36864 * eps * 1338.02.
 */
static void reads_a_trained_network(void **state)
{
    struct lft *t = *state;
    const char *path = LFT_SHARED "/data/weights/resnet20-cifar10.safetensors";
    const lfuse_tensor *w;
    const float *data;
    uint64_t bits = 0;
    double sum = 0.0;
    lfuse_checkpoint *c;
    int64_t i;

    if (access(path, R_OK) != 0) {
        print_message("no %s here: skipped\n", path);
        skip();
    }
    c = lft_open(t, path);
    assert_int_equal(lfuse_checkpoint_count(c), 97);
    assert_string_equal(lfuse_checkpoint_name(c, 0), "conv1.weight");
    assert_string_equal(lfuse_checkpoint_metadata(c, "format"), "pt");
    w = lfuse_checkpoint_tensor(c, lfuse_checkpoint_find(c, "layer3.2.conv2.weight"));
    assert_int_equal(lfuse_tensor_rank(w), 4);
    assert_int_equal(lfuse_tensor_dim(w, 0), 64);
    assert_int_equal(lfuse_tensor_dim(w, 1), 64);
    assert_int_equal(lfuse_tensor_dim(w, 2), 3);
    assert_int_equal(lfuse_tensor_dim(w, 3), 3);
    data = lfuse_tensor_data(w);
    for (i = 0; i < lfuse_tensor_elements(w); i++) {
        uint32_t word;

        memcpy(&word, &data[i], sizeof(word));
        bits += word;
        sum += (double)data[i];
    }
    assert_true(bits == UINT64_C(78503290977082));
    assert_true(fabs(sum - 1.509974816668091) <= 36864 * DBL_EPSILON * 1338.02);
    lfuse_checkpoint_close(c);
}

/* In the order of their data; but what has another name must be ours. */
static void what_is_not_supported_is_left_out_where_asked(void **state)
{
#define MIXED                                                         \
    "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]}," \
    "\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}," W
    struct lft *t = *state;
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint *c;

    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, lft_put_header("{" MIXED "}", 16), &o, &c,
                                    &t->err));
    assert_int_equal(lfuse_checkpoint_count(c), 1);
    assert_string_equal(lfuse_checkpoint_name(c, 0), "w");
    assert_int_equal(lfuse_checkpoint_find(c, "n"), -1);
    assert_int_equal(lfuse_checkpoint_skipped_count(c), 2);
    assert_string_equal(lfuse_checkpoint_skipped(c, 0), "e");
    assert_string_equal(lfuse_checkpoint_skipped(c, 1), "n");
    assert_null(lfuse_checkpoint_skipped(c, 2));
    assert_null(lfuse_checkpoint_skipped(c, -1));
    assert_int_equal(lfuse_checkpoint_skipped_count(NULL), 0);
    lfuse_checkpoint_close(c);
    lft_ok(t, lfuse_checkpoint_open(
                  t->ctx, lft_put_header(ALIASES("{\\\"a\\\":\\\"w\\\"}") MIXED "}", 16),
                  &o, &c, &t->err));
    assert_int_equal(lfuse_checkpoint_count(c), 2);
    assert_int_equal(lfuse_checkpoint_skipped_count(c), 2);
    lfuse_checkpoint_close(c);
    lft_fails(t,
              lfuse_checkpoint_open(
                  t->ctx, lft_put_header(ALIASES("{\\\"a\\\":\\\"n\\\"}") MIXED "}", 16),
                  &o, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED,
              "layerfuse.aliases: a is another name of a tensor of a "
              "type or shape that is not supported");
    assert_null(c);
    o.flags = 4;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, "x", &o, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "options.flags has unknown bits: 0x4");
#undef MIXED
}

/* w is f32, n a counter, e empty, m three bytes of a mask: which must not move the others. */
static void what_was_left_out_is_carried_along(void **state)
{
    struct lft *t = *state;
    const char *path = lft_put_header(
        "{\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[16,19]},"
        "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[0, 4],\"data_offsets\":[0,0]}," W "}",
        19);
    lfuse_checkpoint_save_options save;
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint_entry entry = {"x", NULL, NULL};
    lfuse_checkpoint *c, *copy;
    size_t bytes = 0, other = 0;
    int i, k;

    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &o, &c, &t->err));
    assert_string_equal(lfuse_checkpoint_skipped_type(c, 2),
                        "{\"dtype\":\"BOOL\",\"shape\":[3]}");
    assert_non_null(lfuse_checkpoint_skipped_data(c, 1, &bytes));
    assert_int_equal(bytes, 8);
    assert_int_equal(lfuse_checkpoint_skipped_file(c, 1), 0);
    assert_int_equal(lfuse_checkpoint_skipped_file(c, 3), -1);
    assert_null(lfuse_checkpoint_skipped_type(c, -1));
    assert_null(lfuse_checkpoint_skipped_data(c, 3, &bytes));
    lfuse_checkpoint_save_options_init(&save, sizeof(save));
    save.carried = c;
    entry.tensor = lfuse_checkpoint_tensor(c, 0);
    lft_ok(t, lfuse_checkpoint_save(t->ctx, lft_path("copy"), &entry, 1, &save, &t->err));
    lft_ok(t, lfuse_checkpoint_open(t->ctx, lft_path("copy"), &o, &copy, &t->err));
    assert_int_equal((uintptr_t)lfuse_tensor_data(lfuse_checkpoint_tensor(copy, 0)) % 8,
                     0);
    assert_memory_equal(lfuse_tensor_data(lfuse_checkpoint_tensor(copy, 0)),
                        lfuse_tensor_data(entry.tensor), 8);
    assert_int_equal(lfuse_checkpoint_skipped_count(copy), 3);
    for (i = 0; i < 3; i++) {
        for (k = 0; strcmp(lfuse_checkpoint_skipped(copy, k),
                           lfuse_checkpoint_skipped(c, i)) != 0;)
            k++;
        assert_string_equal(lfuse_checkpoint_skipped_type(copy, k),
                            lfuse_checkpoint_skipped_type(c, i));
        const void *is = lfuse_checkpoint_skipped_data(copy, k, &bytes),
                   *should = lfuse_checkpoint_skipped_data(c, i, &other);
        assert_int_equal(bytes, other);
        assert_memory_equal(is, should, bytes);
    }
    lfuse_checkpoint_close(copy);
    lft_ok(t, lfuse_checkpoint_save(t->ctx, lft_path("none"), NULL, 0, &save, &t->err));
    entry.name = "n";
    lft_fails(
        t, lfuse_checkpoint_save(t->ctx, lft_path("twice"), &entry, 1, &save, &t->err),
        LFUSE_ERR_NAME, "options.carried has a tensor n, and so have entries or banks");
    save.carried_file = 2;
    lft_fails(t,
              lfuse_checkpoint_save(t->ctx, lft_path("twice"), &entry, 1, &save, &t->err),
              LFUSE_ERR_ARGUMENT, "options.carried_file is 2, carried has 1 files");
    lfuse_checkpoint_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(shows_a_file_made_by_hand_byte_for_byte),
        lft_files_test(answers_null_and_out_of_range_alike),
        lft_files_test(reads_in_place_what_the_file_does_not_align),
        lft_files_test(data_takes_no_memory),
        lft_files_test(aliases_come_last_by_name_at_their_owner_s_address),
        lft_files_test(finds_each_of_many_names),
        lft_files_test(an_open_file_may_be_unlinked),
        lft_files_test(what_is_not_supported_is_left_out_where_asked),
        lft_files_test(what_was_left_out_is_carried_along),
        lft_files_test(every_lie_of_a_header_is_named),
        lft_files_test(the_same_fields_without_the_lie_are_taken),
        lft_files_test(a_broken_file_is_broken_before_it_is_unsupported),
        lft_files_test(the_size_of_the_header_is_checked_first),
        lft_files_test(headers_are_as_large_as_the_caller_allows),
        lft_files_test(options_of_a_newer_library_are_refused),
        lft_files_test(a_file_cut_anywhere_is_refused),
        lft_files_test(nesting_has_an_end),
        lft_files_test(messages_are_one_line_whatever_the_names),
        lft_files_test(what_cannot_be_opened_is_told_with_errno),
        lft_files_test(null_arguments_are_named),
        lft_files_test(every_refused_allocation_is_an_error),
        lft_files_test(every_refused_allocation_of_jansson_is_an_error),
        lft_files_test(threads_may_share_a_checkpoint),
        lft_files_test(reads_a_trained_network),
    };

    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
