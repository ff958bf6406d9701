/* test_checkpoint_banks.c - rows that tensors share, stored once: see checkpoint.h */
#include "lft_checkpoint.h"
#include "lft_rows.h"

#include <string.h>

/* ---- what is stored ------------------------------------------------------------------------ */

static lfuse_status save(struct lft *t, const char *path,
                         const lfuse_checkpoint_entry *entries, int64_t count,
                         const lfuse_checkpoint_bank *banks, int64_t bank_count,
                         lfuse_save_mode mode)
{
    lfuse_checkpoint_save_options o;

    lfuse_checkpoint_save_options_init(&o, sizeof(o));
    o.mode = mode;
    o.banks = banks;
    o.bank_count = bank_count;
    return lfuse_checkpoint_save(t->ctx, path, entries, count, &o, &t->err);
}

/* Rows by their bits: -0 is not 0, and the same NaN is. (1, 2) is in both. */
static void the_file_has_each_row_once_and_the_index(void **state)
{
    static float a[3][2] = {{1, 2}, {0, 5}, {1, 2}}, b[2][2] = {{-0.0f, 5}, {1, 2}},
                 c = 9;
    static const float rows[3][2] = {{1, 2}, {0, 5}, {-0.0f, 5}};
    static const char *const names[] = {"a", "b"};
    static const char json[] =
        "{\"__metadata__\":{\"layerfuse.banks\":\"{\\\"A\\\":{\\\"axis\\\":0,"
        "\\\"entries\\\":{\\\"a\\\":[0,1,0],\\\"b\\\":[2,0]}}}\","
        "\"layerfuse.format\":\"1\"},"
        "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"A\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[4,28]}}";
    struct lft *t = *state;
    const lfuse_checkpoint_bank bank = {"A", names, 2, 0, 0};
    const lfuse_checkpoint_entry entries[] = {
        {"a", lft_borrow(t, LFUSE_F32, a, 3, 2, 0), NULL},
        {"b", lft_borrow(t, LFUSE_F32, b, 2, 2, 0), NULL},
        {"c", lft_borrow(t, LFUSE_F32, &c, 1, 0), NULL},
    };
    const char *path = lft_path("banks");
    size_t start = (8 + sizeof(json) - 1 + 63) / 64 * 64, size;
    lfuse_checkpoint *opened;
    char *bytes;

    lft_ok(t, save(t, path, entries, 3, &bank, 1, 0));
    bytes = lft_read_file(path, &size);
    assert_int_equal(size, start + 28);
    assert_memory_equal(bytes + 8, json, sizeof(json) - 1);
    assert_memory_equal(bytes + start + 4, rows, sizeof(rows));
    opened = lft_open(t, path);
    assert_int_equal(lfuse_checkpoint_count(opened), 3);
    assert_string_equal(lfuse_checkpoint_name(opened, 0), "c");
    assert_string_equal(lfuse_checkpoint_name(opened, 1), "a");
    assert_string_equal(lfuse_checkpoint_name(opened, 2), "b");
    assert_int_equal(lfuse_checkpoint_find(opened, "A"), -1);
    assert_int_equal(lfuse_checkpoint_owner(opened, 2), 2);
    assert_memory_equal(lft_data(opened, "a"), a, sizeof(a));
    assert_memory_equal(lft_data(opened, "b"), b, sizeof(b));
    lfuse_checkpoint_close(opened);
    lft_ok(t, save(t, path, entries, 3, &bank, 1, LFUSE_SAVE_EXPAND));
    opened = lft_open(t, path);
    assert_null(lfuse_checkpoint_metadata(opened, "layerfuse.banks"));
    assert_memory_equal(lft_data(opened, "a"), a, sizeof(a));
    lfuse_checkpoint_close(opened);
}

/* FNV-1a in 64 bits, by which rows are found. */
static uint64_t hash(const char *bytes, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < size; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* x and y differ, their hashes do not: each is in the file once, and comes back as it was, wherever it
 * stood first. */
static void rows_of_one_hash_are_told_apart(void **state)
{
    static const char x[] = "8yn0iYCKYHlIj4-BwPqk", y[] = "GReLUrM4wMqfg9yzV3KQ";
    static const char *const names[] = {"a", "b"};
    static float a[3][5], b[2][5];
    struct lft *t = *state;
    const lfuse_checkpoint_bank bank = {"A", names, 2, 0, 0};
    const lfuse_checkpoint_entry entries[] = {
        {"a", lft_borrow(t, LFUSE_F32, a, 3, 5, 0), NULL},
        {"b", lft_borrow(t, LFUSE_F32, b, 2, 5, 0), NULL},
    };
    lfuse_checkpoint *opened;

    assert_true(hash(x, sizeof(a[0])) == hash(y, sizeof(a[0])));
    memcpy(a[0], x, sizeof(a[0]));
    memcpy(a[1], y, sizeof(a[0]));
    memcpy(a[2], x, sizeof(a[0]));
    memcpy(b[0], y, sizeof(b[0]));
    memcpy(b[1], x, sizeof(b[0]));
    lft_ok(t, save(t, lft_path("c"), entries, 2, &bank, 1, 0));
    opened = lft_open(t, lft_path("c"));
    assert_string_equal(lfuse_checkpoint_metadata(opened, "layerfuse.banks"),
                        "{\"A\":{\"axis\":0,\"entries\":{\"a\":[0,1,0],\"b\":[1,0]}}}");
    assert_memory_equal(lft_data(opened, "a"), a, sizeof(a));
    assert_memory_equal(lft_data(opened, "b"), b, sizeof(b));
    lfuse_checkpoint_close(opened);
}

/* f16 and f64; rows along axis 1 of three, of strided tensors; aliases of others beside. */
static void any_axis_and_type_comes_back_bit_for_bit(void **state)
{
    static const char *const halves[] = {"h0", "h1"}, *const wides[] = {"w"};
    static uint16_t h[2][2][3][2]; /* (2, 3, 2): rows are (2, 2) */
    static double w[4][3];
    struct lft *t = *state;
    const int64_t dims[] = {3, 4}, strides[] = {1, 3}; /* w as its transpose */
    const lfuse_checkpoint_bank banks[] = {{"H", halves, 2, 1, 0}, {"W", wides, 1, 1, 0}};
    lfuse_checkpoint_entry entries[] = {
        {"x", lft_tensor(t, LFUSE_F32, 7, 5, 0), NULL},
        {"h1", lft_borrow(t, LFUSE_F16, h[1], 2, 3, 2, 0), NULL},
        {"w", lft_strided(t, LFUSE_F64, w, 2, dims, strides), NULL},
        {"h0", lft_borrow(t, LFUSE_F16, h[0], 2, 3, 2, 0), NULL},
        {"y", lft_tensor(t, LFUSE_F32, 7, 5, 0), "x"},
    };
    const lfuse_tensor *shown;
    lfuse_checkpoint *c;
    int i, r, e;

    for (i = 0; i < 2; i++)
        for (r = 0; r < 3; r++)
            for (e = 0; e < 4; e++) /* h1's row 2 is h0's 0 */
                h[i][e / 2][r][e % 2] =
                    (uint16_t)(i == 1 && r == 2 ? e : 9 * i + 4 * r + e);
    for (i = 0; i < 4; i++)
        for (e = 0; e < 3; e++)
            w[i][e] = i % 2 + 0.1 * e;
    lft_ok(t, save(t, lft_path("c"), entries, 5, banks, 2, 0));
    c = lft_open(t, lft_path("c"));
    assert_int_equal(lfuse_checkpoint_count(c), 5);
    assert_string_equal(lfuse_checkpoint_name(c, 4), "y");
    assert_int_equal(lfuse_checkpoint_owner(c, 4), 0);
    assert_memory_equal(lft_data(c, "h0"), h[0], sizeof(h[0]));
    assert_memory_equal(lft_data(c, "h1"), h[1], sizeof(h[1]));
    shown = lfuse_checkpoint_tensor(c, lfuse_checkpoint_find(c, "w"));
    assert_int_equal(lfuse_tensor_dim(shown, 0), 3);
    assert_int_equal(lfuse_tensor_dim(shown, 1), 4);
    for (i = 0; i < 4; i++)
        for (e = 0; e < 3; e++)
            assert_true(((double *)lfuse_tensor_data(shown))[e * 4 + i] == w[i][e]);
    lfuse_checkpoint_close(c);
    /* 5 f32, 2 unique of w's 4 columns, 5 of 6 rows of h. */
    assert_true(lft_file_size(lft_path("c")) % 64 ==
                (5 * 4 + 2 * 3 * 8 + 5 * 4 * 2) % 64);
}

/* ---- rows of a network, all the way -------------------------------------------------------- */

enum { IN = 4, SIDE = 6, LAYERS = 3, PIXELS = IN * SIDE * SIDE };

/* Three convolutions, 4 to 4 channels, 3 x 3, one after the other. */
static void forward(struct lft *t, const float *const *weights, const float *x, float *y)
{
    static float between[2][PIXELS];
    lfuse_conv2d_args a;
    int i;

    for (i = 0; i < LAYERS; i++) {
        lfuse_conv2d_args_init(&a, sizeof(a));
        a.x = i == 0 ? x : between[i - 1];
        a.w = weights[i];
        a.y = i == LAYERS - 1 ? y : between[i];
        a.batch = 1;
        a.in_channels = a.out_channels = IN;
        a.height = a.width = SIDE;
        a.kernel_h = a.kernel_w = 3;
        a.pad_top = a.pad_bottom = a.pad_left = a.pad_right = 1;
        lft_ok(t, lfuse_conv2d_forward(t->ctx, &a, &t->err));
    }
}

/* 12 filters to 6. Joined as they are saved and opened, they compute the same bits. */
static void a_network_of_joined_filters_computes_the_same_when_it_is_opened(void **state)
{
    static const char *const names[] = {"l0", "l1", "l2"};
    struct lft *t = *state;
    const lfuse_checkpoint_bank bank = {"A", names, LAYERS, 0, 0};
    const size_t row_bytes = IN * 9 * sizeof(float);
    lfuse_checkpoint_entry entries[LAYERS];
    const float *weights[LAYERS];
    float x[PIXELS], y[PIXELS], again[PIXELS];
    lfuse_plan_options o = lft_rows_best(0);
    lfuse_checkpoint *c;
    lfuse_ties *ties;
    size_t whole;
    int i;

    for (i = 0; i < LAYERS; i++) {
        lfuse_tensor *w = lft_tensor(t, LFUSE_F32, (uint64_t)i, IN, IN, 3, 3, 0);

        lft_layer(t, names[i], "conv 3x3", i, w, NULL, NULL);
        entries[i] = (lfuse_checkpoint_entry){names[i], w, NULL};
    }
    lft_fill(x, PIXELS, 77);
    lft_ok(t, save(t, lft_path("c"), entries, LAYERS, &bank, 1, 0));
    whole = lft_file_size(lft_path("c"));
    ties = lft_ties_of(t, lft_ties_keeping());
    o.ratio = 2.0;
    lft_rows_tie(t, ties, o);
    for (i = 0; i < LAYERS; i++)
        weights[i] = lft_weight(t, i);
    forward(t, weights, x, y);
    lft_ok(t, save(t, lft_path("c"), entries, LAYERS, &bank, 1, 0));
    /* Six of twelve rows; the numbers in the header are shorter, if anything. */
    assert_true(lft_file_size(lft_path("c")) <= whole - 6 * row_bytes);
    c = lft_open(t, lft_path("c"));
    for (i = 0; i < LAYERS; i++)
        weights[i] = lft_data(c, names[i]);
    forward(t, weights, x, again);
    assert_memory_equal(again, y, sizeof(y));
    lfuse_checkpoint_close(c);
    lfuse_ties_destroy(ties);
}

/* ---- errors of saving --------------------------------------------------------------------------- */

static void wrong_banks_are_named_before_a_file_is_made(void **state)
{
    static const char *const ab[] = {"a", "b"}, *const ax[] = {"a", "x"},
                             *const aa[] = {"a", "a"}, *const ac[] = {"a", "c"},
                             *const ad[] = {"a", "d"}, *const ae[] = {"a", "e"},
                             *const none[] = {"a", NULL}, *const ef[] = {"f"};
    struct lft *t = *state;
    const lfuse_checkpoint_entry entries[] = {
        {"a", lft_tensor(t, LFUSE_F32, 0, 3, 2, 0), NULL},
        {"b", lft_tensor(t, LFUSE_F32, 1, 1, 2, 0), NULL},
        {"c", lft_tensor(t, LFUSE_F64, 1, 3, 2, 0), NULL},
        {"d", lft_tensor(t, LFUSE_F32, 1, 3, 3, 0), NULL},
        {"e", lft_tensor(t, LFUSE_F32, 1, 3, 2, 0), NULL},
        {"f", lft_tensor(t, LFUSE_F32, 1, 3, 2, 0), "e"},
    };
    const struct {
        lfuse_checkpoint_bank banks[2];
        int64_t count;
        lfuse_status status;
        const char *text;
    } wrong[] = {
        {{{"A", ax, 2, 0, 0}}, 1, LFUSE_ERR_NAME, "bank A: x is no entry"},
        {{{"A", aa, 2, 0, 0}}, 1, LFUSE_ERR_NAME, "bank A has a twice"},
        {{{"A", ab, 2, 0, 0}, {"B", ab, 1, 0, 0}},
         2,
         LFUSE_ERR_NAME,
         "a is in two banks"},
        {{{"A", ab, 1, 0, 0}, {"A", ab + 1, 1, 0, 0}},
         2,
         LFUSE_ERR_NAME,
         "two entries have the name A"},
        {{{"d", ab, 1, 0, 0}}, 1, LFUSE_ERR_NAME, "two entries have the name d"},
        {{{"A", ab, 2, 2, 0}}, 1, LFUSE_ERR_ARGUMENT, "output_axis is 2, a has rank 2"},
        {{{"A", ab, 2, -1, 0}}, 1, LFUSE_ERR_ARGUMENT, "output_axis is -1"},
        {{{"A", ab, 2, 1, 0}}, 1, LFUSE_ERR_SHAPE, "b is [1, 2], its rows are not"},
        {{{"A", ad, 2, 0, 0}}, 1, LFUSE_ERR_SHAPE, "d is [3, 3], its rows are not"},
        {{{"A", ac, 2, 0, 0}}, 1, LFUSE_ERR_TYPE, "c is of type f64, a of f32"},
        {{{"A", ae, 2, 0, 0}}, 1, LFUSE_ERR_UNSUPPORTED, "e shares its data with f"},
        {{{"A", ef, 1, 0, 0}}, 1, LFUSE_ERR_UNSUPPORTED, "f shares its data with e"},
        {{{"\xff", ab, 1, 0, 0}}, 1, LFUSE_ERR_ARGUMENT, "is not UTF-8"},
        {{{NULL, ab, 1, 0, 0}}, 1, LFUSE_ERR_ARGUMENT, "options.banks[0] has no name"},
        {{{"A", ab, 0, 0, 0}}, 1, LFUSE_ERR_ARGUMENT, "options.banks[0] has no name"},
        {{{"A", none, 2, 0, 0}}, 1, LFUSE_ERR_ARGUMENT, "banks[0].entries[1] is NULL"},
        {{{"A", ab, 2, 0, 7}}, 1, LFUSE_ERR_UNSUPPORTED, "banks[0].reserved is 7"},
        {{{NULL, NULL, 0, 0, 0}}, -1, LFUSE_ERR_ARGUMENT, "options.bank_count is -1"},
    };
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        lft_fails(t,
                  save(t, lft_path("c"), entries, 6, wrong[i].banks, wrong[i].count, 0),
                  wrong[i].status, wrong[i].text);
    assert_int_equal(lft_count_files(), 0);
}

/* ---- rows that are not there yet ----------------------------------------------------------- */

enum { FILLED = 2, HIGH = 3, WIDE = 5 };

struct filling {
    uint16_t values[FILLED][HIGH][WIDE][2];
    int refused; /* the entry that is refused; -1: none */
    int asked;   /* times */
};

/* Entry 0 is stored as it is. */
static int32_t fill(void *user, int64_t index, int64_t first, int64_t count, void *out)
{
    struct filling *f = user;

    f->asked++;
    if (index == f->refused)
        return 7;
    if (index == 0)
        return LFUSE_FILL_NONE;
    assert_true(index <= FILLED && first >= 0 && first + count <= HIGH * WIDE * 2);
    memcpy(out, &f->values[index - 1][0][0][0] + first, (size_t)count * sizeof(uint16_t));
    return 0;
}

/* The same file as of tensors that hold what is filled in, whatever the axis. */
static void rows_may_be_filled_in(void **state)
{
    static const char *const names[] = {"a", "c", "b"};
    struct lft *t = *state;
    struct filling f = {.refused = -1};
    lfuse_checkpoint_bank bank = {"A", names, 3, 0, 0};
    lfuse_tensor *own = lft_tensor(t, LFUSE_F16, 3, HIGH, WIDE, 2, 0),
                 *shape = lft_tensor(t, LFUSE_F16, 0, HIGH, WIDE, 2, 0),
                 *other = lft_tensor(t, LFUSE_F16, 0, HIGH, WIDE, 2, 0);
    lfuse_checkpoint_entry entries[] = {
        {"a", own, NULL}, {"b", shape, NULL}, {"c", other, NULL}};
    lfuse_checkpoint_save_options o;
    char *filled, *plain;
    size_t n, m;
    int i;

    for (i = 0; i < FILLED * HIGH * WIDE * 2; i++)
        (&f.values[0][0][0][0])[i] = (uint16_t)(i % 10);
    for (bank.output_axis = 0; bank.output_axis < 3; bank.output_axis++) {
        lfuse_checkpoint_save_options_init(&o, sizeof(o));
        o.banks = &bank;
        o.bank_count = 1;
        o.fill = fill;
        o.fill_user = &f;
        entries[1].tensor = shape;
        entries[2].tensor = other;
        lft_ok(t, lfuse_checkpoint_save(t->ctx, lft_path("f"), entries, 3, &o, &t->err));
        entries[1].tensor = lft_borrow(t, LFUSE_F16, f.values[0], HIGH, WIDE, 2, 0);
        entries[2].tensor = lft_borrow(t, LFUSE_F16, f.values[1], HIGH, WIDE, 2, 0);
        lft_ok(t, save(t, lft_path("p"), entries, 3, &bank, 1, 0));
        filled = lft_read_file(lft_path("f"), &n);
        plain = lft_read_file(lft_path("p"), &m);
        assert_int_equal(n, m);
        assert_memory_equal(filled, plain, n);
    }
}

static void a_row_that_is_not_filled_in_stops_the_save(void **state)
{
    static const char *const names[] = {"b", "c"};
    struct lft *t = *state;
    struct filling f = {.refused = 2};
    const lfuse_checkpoint_bank bank = {"A", names, 2, 1, 0};
    const lfuse_checkpoint_entry entries[] = {
        {"a", lft_tensor(t, LFUSE_F16, 1, 3, 0), NULL},
        {"b", lft_tensor(t, LFUSE_F16, 2, HIGH, WIDE, 2, 0), NULL},
        {"c", lft_tensor(t, LFUSE_F16, 3, HIGH, WIDE, 2, 0), NULL}};
    lfuse_checkpoint_save_options o;

    lfuse_checkpoint_save_options_init(&o, sizeof(o));
    o.banks = &bank;
    o.bank_count = 1;
    o.fill = fill;
    o.fill_user = &f;
    lft_fails(t, lfuse_checkpoint_save(t->ctx, lft_path("c"), entries, 3, &o, &t->err),
              LFUSE_ERR_CALLBACK, "fill returned 7 for rows of c");
    assert_int_equal(t->err.detail, 7);
    assert_int_equal(lft_count_files(), 0);
    assert_true(f.asked > 0);
}

/* ---- errors of opening ----------------------------------------------------------------------------- */

#define META(banks, more)                                                        \
    "{\"__metadata__\":{\"layerfuse.banks\":\"" banks "\",\"layerfuse.format\":" \
    "\"1\"" more "},\"A\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}"
#define BANK(axis, entries) \
    "{\\\"A\\\":{\\\"axis\\\":" axis ",\\\"entries\\\":" entries "}}"

static void wrong_indices_are_refused(void **state)
{
    static const struct {
        const char *header, *text;
    } wrong[] = {
        {META("[]", ""), "layerfuse.banks"},
        {META("{\\\"B\\\":{\\\"axis\\\":0,\\\"entries\\\":{\\\"a\\\":[0]}}}", ""),
         "B is not stored"},
        {META("{\\\"__metadata__\\\":{\\\"axis\\\":0,\\\"entries\\\":{\\\"a\\\":[0]}}}",
              ""),
         "__metadata__ is not stored"},
        {META("{\\\"A\\\":7}", ""), "A is no object of axis and entries"},
        {META(BANK("0", "{}"), ""), "A is no object of axis and entries"},
        {META(BANK("0.5", "{\\\"a\\\":[0]}"), ""), "A is no object of axis and entries"},
        {META("{\\\"A\\\":{\\\"axis\\\":0,\\\"entries\\\":{\\\"a\\\":[0]},\\\"x\\\":1}}",
              ""),
         "A is no object of axis and entries"},
        {META(BANK("2", "{\\\"a\\\":[0]}"), ""), "A has an axis"},
        {META(BANK("-1", "{\\\"a\\\":[0]}"), ""), "A has an axis"},
        {META(BANK("0", "{\\\"a\\\":[]}"), ""), "a is no array of rows"},
        {META(BANK("0", "{\\\"a\\\":0}"), ""), "a is no array of rows"},
        {META(BANK("0", "{\\\"a\\\":[1,2]}"), ""), "row 1 of a is none of the 2 of A"},
        {META(BANK("0", "{\\\"a\\\":[-1]}"), ""), "row 0 of a is none of the 2 of A"},
        {META(BANK("0", "{\\\"a\\\":[\\\"0\\\"]}"), ""), "row 0 of a is none of the 2"},
        {META(BANK("0", "{\\\"A\\\":[0]}"), ""), "A is taken"},
        {META(BANK("0", "{\\\"__metadata__\\\":[0]}"), ""), "__metadata__ is taken"},
        {META(BANK("0", "{\\\"a\\\":[0]}"),
              ",\"layerfuse.aliases\":\"{\\\"b\\\":\\\"A\\\"}\""),
         "A has an alias"},
        {META(BANK("0", "{\\\"a\\\":[0]}"),
              ",\"layerfuse.aliases\":\"{\\\"b\\\":\\\"a\\\"}\""),
         "the owner of b, a, is not stored"},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        lft_refused(t, lft_put_header(wrong[i].header, 16), LFUSE_ERR_FORMAT,
                    wrong[i].text);
}

static void no_tensor_is_in_two_banks(void **state)
{
    lft_refused(
        *state,
        lft_put_header("{\"__metadata__\":{\"layerfuse.banks\":\"{"
                       "\\\"A\\\":{\\\"axis\\\":0,\\\"entries\\\":{\\\"a\\\":[0]}},"
                       "\\\"B\\\":{\\\"axis\\\":0,\\\"entries\\\":{\\\"a\\\":[0]}}}\","
                       "\"layerfuse.format\":\"1\"},"
                       "\"A\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                       "\"B\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                       16),
        LFUSE_ERR_FORMAT, "a is in two");
}

/* Three rows of 8 bytes. */
static void a_short_file_cannot_ask_for_all_memory(void **state)
{
    struct lft *t = *state;
    const char *path = lft_put_header(META(BANK("0", "{\\\"a\\\":[1,1,0]}"), ""), 16);
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint *c = NULL;

    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.max_bank_bytes = 23;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &o, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED, "options.max_bank_bytes allows, 23");
    assert_null(c);
    o.max_bank_bytes = 24;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &o, &c, &t->err));
    assert_memory_equal(lft_data(c, "a"), "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 8);
    lfuse_checkpoint_close(c);
}

/* Two banks of rows 0 and 1 of two tensors of 2 rows of 2; what both show takes 32 bytes. */
static void every_file_has_its_own_banks(void **state)
{
    static const char map[] = "{\"weight_map\":{\"A\":\"one\",\"B\":\"two\"}}";
    static const char *const first[] = {"a"}, *const second[] = {"b"};
    struct lft *t = *state;
    const lfuse_checkpoint_bank banks[] = {{"A", first, 1, 0, 0}, {"B", second, 1, 0, 0}};
    const lfuse_checkpoint_entry a = {"a", lft_tensor(t, LFUSE_F32, 0, 2, 2, 0), NULL},
                                 b = {"b", lft_tensor(t, LFUSE_F32, 1, 2, 2, 0), NULL};
    const char *path = lft_path("b.index.json");
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint *c;

    lft_ok(t, save(t, lft_path("one"), &a, 1, &banks[0], 1, 0));
    lft_ok(t, save(t, lft_path("two"), &b, 1, &banks[1], 1, 0));
    lft_write_file(path, map, sizeof(map) - 1);
    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.max_bank_bytes = 31;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, &o, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED, "options.max_bank_bytes allows, 31");
    o.max_bank_bytes = 32;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, &o, &c, &t->err));
    assert_int_equal(lfuse_checkpoint_count(c), 2);
    assert_int_equal(lfuse_checkpoint_file(c, 0), 0);
    assert_int_equal(lfuse_checkpoint_file(c, 1), 1);
    assert_memory_equal(lft_data(c, "a"), lfuse_tensor_data(a.tensor), 16);
    assert_memory_equal(lft_data(c, "b"), lfuse_tensor_data(b.tensor), 16);
    lfuse_checkpoint_close(c);
}

/* ---- memory ----------------------------------------------------------------------------------------- */

static lfuse_status save_banks(struct lft *t, void *entries)
{
    static const char *const names[] = {"a", "b"};
    const lfuse_checkpoint_bank bank = {"A", names, 2, 0, 0};

    return save(t, lft_path("c"), entries, 3, &bank, 1, 0);
}

static void any_refused_allocation_leaves_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entries[] = {
        {"a", lft_tensor(t, LFUSE_F32, 0, 3, 2, 0), NULL},
        {"b", lft_tensor(t, LFUSE_F32, 0, 5, 2, 0), NULL},
        {"c", lft_tensor(t, LFUSE_F32, 0, 5, 2, 0), NULL},
    };
    const char *path = lft_path("c");

    lft_every_allocation_fails(t, save_banks, entries);
    lft_every_allocation_fails(t, lft_open_and_close, (void *)(uintptr_t)path);
}

static void refused_memory_of_malloc_is_survived(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entries[] = {
        {"a", lft_tensor(t, LFUSE_F32, 0, 3, 2, 0), NULL},
        {"b", lft_tensor(t, LFUSE_F32, 0, 5, 2, 0), NULL},
        {"c", lft_tensor(t, LFUSE_F32, 0, 5, 2, 0), NULL},
    };
    const char *path = lft_path("c");
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    int64_t live = t->memory.live;
    int k;

    lft_json_begin();
    for (k = 0; status != LFUSE_OK && k < 1000; k++) {
        lft_json_refuse(k);
        status = save_banks(t, entries);
        assert_true(status == LFUSE_OK || status == LFUSE_ERR_NO_MEMORY);
        assert_int_equal(lft_json_live(), 0);
        assert_int_equal(t->memory.live, live);
    }
    assert_true(k > 1 && status == LFUSE_OK);
    status = LFUSE_ERR_NO_MEMORY;
    for (k = 0; status != LFUSE_OK && k < 1000; k++) {
        lft_json_refuse(k);
        status = lft_open_and_close(t, (void *)(uintptr_t)path);
        assert_true(status == LFUSE_OK || status == LFUSE_ERR_NO_MEMORY ||
                    status == LFUSE_ERR_FORMAT); /* Jansson does not always know why */
        assert_int_equal(lft_json_live(), 0);
        assert_int_equal(t->memory.live, live);
    }
    assert_true(k > 1 && status == LFUSE_OK);
    lft_json_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(the_file_has_each_row_once_and_the_index),
        lft_files_test(rows_of_one_hash_are_told_apart),
        lft_files_test(any_axis_and_type_comes_back_bit_for_bit),
        lft_files_test(a_network_of_joined_filters_computes_the_same_when_it_is_opened),
        lft_files_test(wrong_banks_are_named_before_a_file_is_made),
        lft_files_test(rows_may_be_filled_in),
        lft_files_test(a_row_that_is_not_filled_in_stops_the_save),
        lft_files_test(wrong_indices_are_refused),
        lft_files_test(no_tensor_is_in_two_banks),
        lft_files_test(a_short_file_cannot_ask_for_all_memory),
        lft_files_test(every_file_has_its_own_banks),
        lft_files_test(any_refused_allocation_leaves_nothing),
        lft_files_test(refused_memory_of_malloc_is_survived),
    };

    return cmocka_run_group_tests_name("checkpoint_banks", tests, NULL, NULL);
}
