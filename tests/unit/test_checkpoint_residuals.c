/* test_checkpoint_residuals.c - weights stored as what they share and a product: see checkpoint.h */
#include "lft_checkpoint.h"

#include <string.h>

enum { OUT = 3, IN = 4, RANK = 2 };

/* Small integers: sums of products are exact. */
static float shared[OUT * IN], other[OUT * IN], a0[OUT * RANK], b0[RANK * IN], a1[OUT],
    b1[IN];

struct network {
    lfuse_checkpoint_entry entries[8];
    lfuse_checkpoint_residual_entry residuals[2];
};

static void fill(float *values, int count, int step)
{
    int i;

    for (i = 0; i < count; i++)
        values[i] = (float)((i * step) % 7 - 3);
}

/* w0 and w1 share, both with a residual; w2 shares without one, other does not. */
static struct network make(struct lft *t)
{
    lfuse_tensor *w = lft_borrow(t, LFUSE_F32, shared, OUT, IN, 0);
    struct network n = {
        .entries = {{"w0", w, NULL},
                    {"w1", w, NULL},
                    {"w2", w, NULL},
                    {"other", lft_borrow(t, LFUSE_F32, other, IN, OUT, 0), NULL},
                    {"w0.a", lft_borrow(t, LFUSE_F32, a0, OUT, RANK, 0), NULL},
                    {"w0.b", lft_borrow(t, LFUSE_F32, b0, RANK, IN, 0), NULL},
                    {"w1.a", lft_borrow(t, LFUSE_F32, a1, OUT, 1, 0), NULL},
                    {"w1.b", lft_borrow(t, LFUSE_F32, b1, 1, IN, 0), NULL}},
        .residuals = {{"w0", "w0.a", "w0.b", 0, 0}, {"w1", "w1.a", "w1.b", 0, 0}},
    };

    fill(shared, OUT * IN, 1);
    fill(other, OUT * IN, 2);
    fill(a0, OUT * RANK, 3);
    fill(b0, RANK * IN, 4);
    fill(a1, OUT, 5);
    fill(b1, IN, 6);
    return n;
}

static lfuse_status save(struct lft *t, const struct network *n, int64_t count,
                         lfuse_save_mode mode)
{
    lfuse_checkpoint_save_options o;

    lfuse_checkpoint_save_options_init(&o, sizeof(o));
    o.mode = mode;
    o.residuals = n->residuals;
    o.residual_count = count;
    return lfuse_checkpoint_save(t->ctx, lft_path("residuals"), n->entries, 8, &o,
                                 &t->err);
}

static float whole(const float *a, const float *b, int rank, int i, int j)
{
    float sum = shared[i * IN + j];
    int r;

    for (r = 0; r < rank; r++)
        sum += a[i * rank + r] * b[r * IN + j];
    return sum;
}

static void check_whole(const lfuse_checkpoint *c)
{
    const float *w0 = lft_data(c, "w0"), *w1 = lft_data(c, "w1");
    int i, j;

    for (i = 0; i < OUT; i++)
        for (j = 0; j < IN; j++) {
            assert_true(w0[i * IN + j] == whole(a0, b0, RANK, i, j));
            assert_true(w1[i * IN + j] == whole(a1, b1, 1, i, j));
        }
    assert_memory_equal(lft_data(c, "w2"), shared, sizeof(shared));
    assert_memory_equal(lft_data(c, "other"), other, sizeof(other));
}

static void weights_are_whole_when_opened(void **state)
{
    static const char index[] = "{\"w0\":{\"a\":\"w0.a\",\"b\":\"w0.b\",\"axis\":0},"
                                "\"w1\":{\"a\":\"w1.a\",\"b\":\"w1.b\",\"axis\":0}}";
    struct lft *t = *state;
    const struct network n = make(t);
    lfuse_checkpoint *c;

    lft_ok(t, save(t, &n, 2, 0));
    c = lft_open(t, lft_path("residuals"));
    assert_string_equal(lfuse_checkpoint_metadata(c, "layerfuse.residuals"), index);
    assert_int_equal(lfuse_checkpoint_count(c), 4);
    assert_int_equal(lfuse_checkpoint_find(c, "w0.a"), -1);
    assert_int_equal(lfuse_checkpoint_residual_count(c), 0);
    check_whole(c);
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "w0")),
                     lfuse_checkpoint_find(c, "w0"));
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "w1")),
                     lfuse_checkpoint_find(c, "w1"));
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "w2")),
                     lfuse_checkpoint_find(c, "w2"));
    lfuse_checkpoint_close(c);
}

static lfuse_checkpoint *open_apart(struct lft *t)
{
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint *c;

    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.flags = LFUSE_CHECKPOINT_RESIDUALS_APART;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, lft_path("residuals"), &o, &c, &t->err));
    return c;
}

/* What is shown apart, saved again, is the same file. */
static void factors_apart_are_tensors_to_train_and_save(void **state)
{
    struct lft *t = *state;
    struct network n = make(t);
    size_t size, again_size;
    char *bytes, *again;
    lfuse_checkpoint *c;
    int64_t i;

    lft_ok(t, save(t, &n, 2, 0));
    bytes = lft_read_file(lft_path("residuals"), &size);
    c = open_apart(t);
    assert_int_equal(lfuse_checkpoint_count(c), 8);
    assert_int_equal(lfuse_checkpoint_residual_count(c), 2);
    assert_memory_equal(lft_data(c, "w0"), shared, sizeof(shared));
    assert_int_equal(lfuse_checkpoint_owner(c, lfuse_checkpoint_find(c, "w1")),
                     lfuse_checkpoint_find(c, "w0"));
    assert_memory_equal(lft_data(c, "w0.b"), b0, sizeof(b0));
    for (i = 0; i < 2; i++)
        lft_ok(t, lfuse_checkpoint_residual(c, i, &n.residuals[i], &t->err));
    assert_string_equal(n.residuals[1].weight, "w1");
    assert_string_equal(n.residuals[1].a, "w1.a");
    assert_string_equal(n.residuals[1].b, "w1.b");
    assert_int_equal(n.residuals[1].output_axis, 0);
    lft_fails(t, lfuse_checkpoint_residual(c, 2, &n.residuals[0], &t->err),
              LFUSE_ERR_ARGUMENT, "index is 2, the checkpoint has 2 residuals apart");
    lft_fails(t, lfuse_checkpoint_residual(NULL, 0, &n.residuals[0], &t->err),
              LFUSE_ERR_ARGUMENT, "checkpoint is NULL");
    lft_ok(t, save(t, &n, 2, 0));
    again = lft_read_file(lft_path("residuals"), &again_size);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    lfuse_checkpoint_close(c);
}

/* Rows are slices along the axis: those of "other" are its columns. */
static void the_axis_says_what_rows_are(void **state)
{
    struct lft *t = *state;
    struct network n = make(t);
    const float *w;
    lfuse_checkpoint *c;
    int i, j, r;

    n.residuals[0] = (lfuse_checkpoint_residual_entry){"other", "w0.a", "w0.b", 1, 0};
    lft_ok(t, save(t, &n, 1, 0));
    c = lft_open(t, lft_path("residuals"));
    w = lft_data(c, "other");
    for (i = 0; i < OUT; i++)
        for (j = 0; j < IN; j++) {
            float sum = other[j * OUT + i];

            for (r = 0; r < RANK; r++)
                sum += a0[i * RANK + r] * b0[r * IN + j];
            assert_true(w[j * OUT + i] == sum);
        }
    lfuse_checkpoint_close(c);
}

/* Opened and saved as expand, every weight is whole, and factors are gone. */
static void an_expanded_file_has_whole_weights_alone(void **state)
{
    struct lft *t = *state;
    const struct network n = make(t);
    lfuse_checkpoint_entry entries[4];
    lfuse_checkpoint *c, *expanded;
    int64_t i;

    lft_ok(t, save(t, &n, 2, 0));
    c = lft_open(t, lft_path("residuals"));
    for (i = 0; i < 4; i++)
        entries[i] = (lfuse_checkpoint_entry){
            lfuse_checkpoint_name(c, i),
            (lfuse_tensor *)(uintptr_t)lfuse_checkpoint_tensor(c, i), NULL};
    lft_ok(t, lft_save(t, lft_path("expanded"), entries, 4, LFUSE_SAVE_EXPAND));
    lfuse_checkpoint_close(c);
    expanded = lft_open(t, lft_path("expanded"));
    assert_null(lfuse_checkpoint_metadata(expanded, "layerfuse.residuals"));
    check_whole(expanded);
    lfuse_checkpoint_close(expanded);
}

static void what_cannot_be_stored_is_named(void **state)
{
    static const struct {
        lfuse_checkpoint_residual_entry residuals[2];
        int64_t count;
        lfuse_status status;
        const char *text;
    } cases[] = {
        {{{"w9", "w0.a", "w0.b", 0, 0}},
         1,
         LFUSE_ERR_NAME,
         "residual of w9: w9 is no entry"},
        {{{"w0", "w9.a", "w0.b", 0, 0}},
         1,
         LFUSE_ERR_NAME,
         "residual of w0: w9.a is no entry"},
        {{{"w0", "w1.a", "w0.b", 0, 0}},
         1,
         LFUSE_ERR_SHAPE,
         "residual of w0: it is [3, 4], its factors [3, 1] and [2, 4]"},
        {{{"w0", "w0.a", "w0.b", 1, 0}},
         1,
         LFUSE_ERR_SHAPE,
         "residual of w0: it is [3, 4]"},
        {{{"w0", "w0.a", "w0.b", 2, 0}},
         1,
         LFUSE_ERR_ARGUMENT,
         "residual of w0: output_axis is 2, its rank is 2"},
        {{{"w0", "w2", "w0.b", 0, 0}},
         1,
         LFUSE_ERR_UNSUPPORTED,
         "residual of w0: the factor w2 shares its data with another"},
        {{{"w0", "w0.a", "w0.b", 0, 0}, {"w1", "w0.a", "w0.b", 0, 0}},
         2,
         LFUSE_ERR_NAME,
         "residual of w1: w0.a is in a residual twice"},
        {{{"w0", "w0.a", "w0.b", 0, 0}, {"w0", "w1.a", "w1.b", 0, 0}},
         2,
         LFUSE_ERR_NAME,
         "residual of w0: w0 is in a residual twice"},
        {{{"w0", NULL, "w0.b", 0, 0}},
         1,
         LFUSE_ERR_ARGUMENT,
         "options.residuals[0].a is NULL"},
        {{{"w0", "w0.a", "w0.b", 0, 1}},
         1,
         LFUSE_ERR_UNSUPPORTED,
         "options.residuals[0].reserved is 1"},
        {{{"w0", "w0.a", "w0.b", 0, 0}},
         -1,
         LFUSE_ERR_ARGUMENT,
         "options.residual_count is -1"},
    };
    struct lft *t = *state;
    struct network n = make(t);
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memcpy(n.residuals, cases[i].residuals, sizeof(n.residuals));
        lft_fails(t, save(t, &n, cases[i].count, 0), cases[i].status, cases[i].text);
        assert_int_equal(lft_count_files(), 0);
    }
    n = make(t);
    lft_fails(t, save(t, &n, 2, LFUSE_SAVE_EXPAND), LFUSE_ERR_UNSUPPORTED,
              "a file of mode expand has whole weights");
    n.entries[4].tensor = lft_tensor(t, LFUSE_F64, 1, OUT, RANK, 0);
    lft_fails(t, save(t, &n, 2, 0), LFUSE_ERR_TYPE,
              "its factors are f64 and f32, not f32");
}

#define META(text, residuals)                            \
    "{\"__metadata__\":{\"layerfuse.format\":\"1\"" text \
    ",\"layerfuse.residuals\":\"" residuals "\"},"
#define TENSORS                                                           \
    "\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"  \
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[16,24]}," \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[24,32]}," \
    "\"c\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[32,40]}}"
#define OF(w, a, b, axis)                                                                \
    "{\\\"" w "\\\":{\\\"a\\\":\\\"" a "\\\",\\\"b\\\":\\\"" b "\\\",\\\"axis\\\":" axis \
    "}}"

static void what_a_file_says_is_checked(void **state)
{
    static const struct {
        const char *header;
        const char *text;
    } cases[] = {
        {META("", "[]") TENSORS, "layerfuse.residuals does not begin with '{'"},
        {META("", "{\\\"w\\\":1}") TENSORS,
         "layerfuse.residuals: w is no object of a, b and axis"},
        {META("", OF("w", "a", "b", "\\\"0\\\"")) TENSORS,
         "w is no object of a, b and axis"},
        {META("", OF("w", "a", "b", "0,\\\"more\\\":1")) TENSORS,
         "w is no object of a, b and axis"},
        {META("", OF("x", "a", "b", "0")) TENSORS, "x is neither stored nor an alias"},
        {META("", OF("__metadata__", "a", "b", "0")) TENSORS,
         "is neither stored nor an alias"},
        {META("", OF("w", "x", "b", "0")) TENSORS,
         "layerfuse.residuals: x is not stored"},
        {META("", OF("w", "a", "a", "0")) TENSORS,
         "layerfuse.residuals: a is a factor twice"},
        {META("", OF("w", "w", "b", "0")) TENSORS, "w is a factor, and has some"},
        {META("", OF("w", "c", "b", "0")) TENSORS, "c is a factor, and no matrix of F32"},
        {META("", OF("w", "b", "a", "0")) TENSORS,
         "w is [2, 2], its factors [1, 2] and [2, 1]"},
        {META("", OF("w", "a", "b", "2")) TENSORS,
         "has an axis that the tensor does not have"},
        {META("", OF("w", "a", "b", "-1")) TENSORS,
         "has an axis that the tensor does not have"},
        {META(",\"layerfuse.aliases\":\"{\\\"x\\\":\\\"a\\\"}\"", OF("w", "a", "b", "0"))
             TENSORS,
         "a is a factor, and has an alias"},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        lft_refused(t, lft_put_header(cases[i].header, 40), LFUSE_ERR_FORMAT,
                    cases[i].text);
    lft_ok(t, lft_open_and_close(t, (void *)(uintptr_t)lft_put_header(
                                        META("", OF("w", "a", "b", "1")) TENSORS, 40)));
}

static void what_takes_memory_is_bounded(void **state)
{
    struct lft *t = *state;
    const struct network n = make(t);
    lfuse_checkpoint_open_options o;
    lfuse_checkpoint *c;

    lft_ok(t, save(t, &n, 2, 0));
    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.max_bank_bytes = 2 * sizeof(shared) - 1;
    lft_fails(t, lfuse_checkpoint_open(t->ctx, lft_path("residuals"), &o, &c, &t->err),
              LFUSE_ERR_UNSUPPORTED, "options.max_bank_bytes allows, 95");
    assert_null(c);
    o.max_bank_bytes++;
    lft_ok(t, lfuse_checkpoint_open(t->ctx, lft_path("residuals"), &o, &c, &t->err));
    lfuse_checkpoint_close(c);
}

static lfuse_status save_and_open(struct lft *t, void *network)
{
    lfuse_status status = save(t, network, 2, 0);

    return status == LFUSE_OK
               ? lft_open_and_close(t, (void *)(uintptr_t)lft_path("residuals"))
               : status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    struct network n = make(t);

    lft_every_allocation_fails(t, save_and_open, &n);
}

static void refused_memory_of_malloc_is_survived(void **state)
{
    struct lft *t = *state;
    struct network n = make(t);
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    const int64_t live = t->memory.live;
    int k;

    lft_json_begin();
    for (k = 0; status != LFUSE_OK; k++) {
        lft_json_refuse(k);
        status = save_and_open(t, &n);
        assert_true(status == LFUSE_OK || status == LFUSE_ERR_NO_MEMORY ||
                    status == LFUSE_ERR_FORMAT); /* Jansson does not always know why */
        assert_int_equal(lft_json_live(), 0);
        assert_int_equal(t->memory.live, live);
    }
    assert_true(k > 1);
    lft_json_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(weights_are_whole_when_opened),
        lft_files_test(factors_apart_are_tensors_to_train_and_save),
        lft_files_test(the_axis_says_what_rows_are),
        lft_files_test(an_expanded_file_has_whole_weights_alone),
        lft_files_test(what_cannot_be_stored_is_named),
        lft_files_test(what_a_file_says_is_checked),
        lft_files_test(what_takes_memory_is_bounded),
        lft_files_test(memory_may_be_refused_at_any_point),
        lft_files_test(refused_memory_of_malloc_is_survived),
    };

    return cmocka_run_group_tests_name("checkpoint_residuals", tests, NULL, NULL);
}
