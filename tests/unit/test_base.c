/* test_base.c - sizes, memory, errors, options, element types, views, arrays, random numbers */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

static struct lfi_env env_of(struct lft *t)
{
    struct lfi_env env = {.allocator = lft_allocator(&t->memory),
                          .executor = lfi_executor_serial()};

    return env;
}

/* ---- sizes and memory ------------------------------------------------------------------- */

static void sizes_are_multiplied_and_added_or_refused(void **state)
{
    size_t size = 5;
    int64_t number = 5;

    (void)state;
    assert_true(lfi_mul_size(0, SIZE_MAX, &size) && size == 0);
    assert_true(lfi_mul_size(SIZE_MAX / 3, 3, &size) && size == SIZE_MAX / 3 * 3);
    assert_false(lfi_mul_size(SIZE_MAX / 3 + 1, 3, &size));
    assert_true(size == SIZE_MAX / 3 * 3);
    assert_true(lfi_add_size(SIZE_MAX - 1, 1, &size) && size == SIZE_MAX);
    assert_false(lfi_add_size(SIZE_MAX, 1, &size));
    assert_true(size == SIZE_MAX);
    assert_true(lfi_mul_int64(INT64_MAX / 7, 7, &number) && number == INT64_MAX / 7 * 7);
    assert_false(lfi_mul_int64(INT64_MAX / 7 + 1, 7, &number));
    assert_true(number == INT64_MAX / 7 * 7);
}

static void allocations_are_aligned_counted_and_named(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    int64_t live = t->memory.live;
    char *p, *none = (char *)t;
    int i;

    lft_ok(t, lfi_alloc_zero(&env, 3, 7, "a thing", &p, &t->err));
    assert_true((uintptr_t)p % LFI_ALIGN == 0);
    assert_int_equal(t->memory.live, live + 21);
    for (i = 0; i < 21; i++)
        assert_int_equal(p[i], 0);
    lfi_free(&env, p, 3, 7);
    lfi_free(&env, NULL, 3, 7);
    assert_int_equal(t->memory.live, live);

    lft_ok(t, lfi_alloc(&env, 0, 7, "a thing", &none, &t->err));
    assert_null(none);
    none = (char *)t;
    lft_fails(t, lfi_alloc(&env, SIZE_MAX / 2, 3, "a thing", &none, &t->err),
              LFUSE_ERR_OVERFLOW, "a thing");
    assert_null(none);
    lft_fails(t, lfi_alloc(&env, (size_t)PTRDIFF_MAX + 1, 1, "a thing", &none, &t->err),
              LFUSE_ERR_OVERFLOW, "a thing");
    t->memory.fail_at = t->memory.allocations;
    lft_fails(t, lfi_alloc_zero(&env, 2, 50, "a thing", &none, &t->err),
              LFUSE_ERR_NO_MEMORY, "a thing: 100 bytes were refused");
    t->memory.fail_at = t->memory.allocations;
    assert_int_equal(lfi_alloc(&env, 2, 50, "a thing", &none, NULL), LFUSE_ERR_NO_MEMORY);
    t->memory.fail_at = -1;
    assert_null(none);
}

static void the_default_allocator_aligns(void **state)
{
    lfuse_allocator a = lfi_allocator_default();
    size_t align;
    void *p;

    (void)state;
    for (align = sizeof(void *); align <= 4096; align *= 2) {
        p = a.alloc(a.user, 100, align);
        assert_true(p != NULL && (uintptr_t)p % align == 0);
        a.release(a.user, p, 100, align);
    }
}

static void strings_are_copied(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    int64_t live = t->memory.live;
    char text[] = "conv1", *copy, *empty;

    lft_ok(t, lfi_string_copy(&env, text, &copy, &t->err));
    lft_ok(t, lfi_string_copy(&env, "", &empty, &t->err));
    text[0] = 'x';
    assert_string_equal(copy, "conv1");
    assert_string_equal(empty, "");
    lfi_string_free(&env, copy);
    lfi_string_free(&env, empty);
    lfi_string_free(&env, NULL);
    assert_int_equal(t->memory.live, live);
    t->memory.fail_at = t->memory.allocations;
    lft_fails(t, lfi_string_copy(&env, text, &copy, &t->err), LFUSE_ERR_NO_MEMORY, "6");
    t->memory.fail_at = -1;
}

/* ---- errors, log, progress ---------------------------------------------------------------- */

static void a_message_is_cut_and_terminated(void **state)
{
    struct lft *t = *state;
    char text[400];

    memset(text, 'm', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(lfi_fail(NULL, LFUSE_ERR_IO, "%s", text), LFUSE_ERR_IO);
    t->err.detail = 9;
    assert_int_equal(lfi_fail(&t->err, LFUSE_ERR_IO, "%s", text), LFUSE_ERR_IO);
    assert_int_equal(t->err.status, LFUSE_ERR_IO);
    assert_int_equal(t->err.detail, 0);
    assert_int_equal(strlen(t->err.message), sizeof(t->err.message) - 1);
    assert_int_equal(lfi_fail_detail(&t->err, LFUSE_ERR_IO, -5, "%d", 7), LFUSE_ERR_IO);
    assert_int_equal(t->err.detail, -5);
    assert_string_equal(t->err.message, "7");
}

static int32_t stop_at_3(const char *what, int64_t done, int64_t total, void *user)
{
    (void)total;
    assert_string_equal(what, "work");
    *(int64_t *)user = done;
    return done == 3 ? -8 : 0;
}

static void progress_may_say_stop(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    int64_t seen = 0;

    lft_ok(t, lfi_progress(&env, "work", 3, 9, &t->err)); /* nobody listens */
    env.progress = stop_at_3;
    env.progress_user = &seen;
    lft_ok(t, lfi_progress(&env, "work", 2, 9, &t->err));
    assert_int_equal(seen, 2);
    lft_fails(t, lfi_progress(&env, "work", 3, 9, &t->err), LFUSE_ERR_CANCELLED,
              "work was cancelled after 3 of 9");
    assert_int_equal(t->err.detail, -8);
}

static void keep_text(lfuse_log_level level, const char *text, void *user)
{
    assert_int_equal(level, LFUSE_LOG_INFO);
    (void)snprintf(user, 16, "%s", text);
}

static void the_log_gets_the_text(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    char text[16] = "";

    lfi_log(&env, LFUSE_LOG_INFO, "nobody listens to %d", 1);
    env.log = keep_text;
    env.log_user = text;
    lfi_log(&env, LFUSE_LOG_INFO, "layer %d", 12);
    assert_string_equal(text, "layer 12");
}

/* ---- options --------------------------------------------------------------------------------- */

struct old {
    size_t struct_size;
    int64_t first;
};

struct known {
    size_t struct_size;
    int64_t first;
    int64_t second;
};

struct newer {
    size_t struct_size;
    int64_t first;
    int64_t second;
    int64_t third;
};

static void init_clears_exactly_the_bytes_the_caller_has(void **state)
{
    unsigned char bytes[40];
    size_t size, i;

    (void)state;
    lfi_options_init(NULL, 16);
    memset(bytes, 0xee, sizeof(bytes));
    lfi_options_init(bytes, sizeof(size_t) - 1);
    assert_int_equal(bytes[0], 0xee);
    lfi_options_init(bytes, 24);
    memcpy(&size, bytes, sizeof(size));
    assert_int_equal(size, 24);
    for (i = sizeof(size); i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], i < 24 ? 0 : 0xee);
}

static void import_takes_older_and_newer_structs(void **state)
{
    struct lft *t = *state;
    struct old old = {sizeof(old), 1};
    struct newer newer = {sizeof(newer), 1, 2, 0};
    struct known k;

    memset(&k, 0xee, sizeof(k));
    lft_ok(t, lfi_options_import(&k, sizeof(k), &old, false, "opts", &t->err));
    assert_true(k.first == 1 && k.second == 0);
    memset(&k, 0xee, sizeof(k));
    lft_ok(t, lfi_options_import(&k, sizeof(k), &newer, false, "opts", &t->err));
    assert_true(k.first == 1 && k.second == 2);
    lft_ok(t, lfi_options_import(&k, sizeof(k), NULL, true, "opts", &t->err));
    assert_true(k.first == 0 && k.second == 0);

    lft_fails(t, lfi_options_import(&k, sizeof(k), NULL, false, "opts", &t->err),
              LFUSE_ERR_ARGUMENT, "opts is NULL");
    newer.third = INT64_C(1) << 40; /* byte 29 of 32 */
    lft_fails(t, lfi_options_import(&k, sizeof(k), &newer, true, "opts", &t->err),
              LFUSE_ERR_UNSUPPORTED, "opts sets byte 29 of 32, this version knows 24");
    old.struct_size = 0;
    lft_fails(t, lfi_options_import(&k, sizeof(k), &old, true, "opts", &t->err),
              LFUSE_ERR_ARGUMENT, "opts has struct_size 0");
}

static void export_fills_what_the_caller_has(void **state)
{
    struct lft *t = *state;
    const struct known k = {0, 1, 2};
    struct old old[2] = {{sizeof(old[0]), 7}, {7, 7}};
    struct newer newer = {sizeof(newer), 7, 7, 7};

    lft_ok(t, lfi_options_export(&old[0], &k, sizeof(k), "out", &t->err));
    assert_true(old[0].struct_size == sizeof(old[0]) && old[0].first == 1);
    assert_true(old[1].struct_size == 7);
    lft_ok(t, lfi_options_export(&newer, &k, sizeof(k), "out", &t->err));
    assert_true(newer.struct_size == sizeof(newer) && newer.first == 1 &&
                newer.second == 2 && newer.third == 0);
    lft_fails(t, lfi_options_export(NULL, &k, sizeof(k), "out", &t->err),
              LFUSE_ERR_ARGUMENT, "out is NULL");
    lft_fails(t, lfi_options_export(&old[1], &k, sizeof(k), "out", &t->err),
              LFUSE_ERR_ARGUMENT, "struct_size 7");
    assert_true(old[1].first == 7);
}

/* ---- element types ------------------------------------------------------------------------- */

static void every_type_has_a_size_and_a_name(void **state)
{
    (void)state;
    assert_int_equal(lfi_dtype_size(LFUSE_F32), 4);
    assert_int_equal(lfi_dtype_size(LFUSE_F64), 8);
    assert_int_equal(lfi_dtype_size(LFUSE_F16), 2);
    assert_int_equal(lfi_dtype_size(LFUSE_BF16), 2);
    assert_int_equal(lfi_dtype_size(0), 0);
    assert_int_equal(lfi_dtype_size(99), 0);
    assert_string_equal(lfi_dtype_name(LFUSE_F32), "f32");
    assert_string_equal(lfi_dtype_name(LFUSE_F64), "f64");
    assert_string_equal(lfi_dtype_name(LFUSE_F16), "f16");
    assert_string_equal(lfi_dtype_name(LFUSE_BF16), "bf16");
    assert_string_equal(lfi_dtype_name(7), "?");
}

/* A small float of `fraction` bits by its definition, finite ones only. */
static double by_definition(unsigned bits, int fraction, int bias)
{
    unsigned exponent = (bits & 0x7fffu) >> fraction;
    double value = bits & ((1u << fraction) - 1);

    value = exponent == 0
                ? ldexp(value, 1 - bias - fraction)
                : ldexp(value + ldexp(1.0, fraction), (int)exponent - bias - fraction);
    return (bits & 0x8000u) != 0 ? -value : value;
}

static void all_65536_patterns_are_read_by_their_definition_and_come_back(void **state)
{
    unsigned bits;

    (void)state;
    for (bits = 0; bits <= 0xffffu; bits++) {
        float f16 = lfi_f16_to_f32((uint16_t)bits),
              bf16 = lfi_bf16_to_f32((uint16_t)bits);

        if ((bits & 0x7fffu) < 0x7c00u)
            assert_true((double)f16 == by_definition(bits, 10, 15));
        else
            assert_true((bits & 0x3ffu) == 0
                            ? isinf(f16) && !signbit(f16) == (bits < 0x8000u)
                            : isnan(f16));
        if ((bits & 0x7fffu) < 0x7f80u)
            assert_true((double)bf16 == by_definition(bits, 7, 127));
        else
            assert_true((bits & 0x7fu) == 0
                            ? isinf(bf16) && !signbit(bf16) == (bits < 0x8000u)
                            : isnan(bf16));
        if (isnan(f16))
            assert_true(isnan(lfi_f16_to_f32(lfi_f32_to_f16(f16))));
        else
            assert_int_equal(lfi_f32_to_f16(f16), bits);
        if (isnan(bf16))
            assert_true(isnan(lfi_bf16_to_f32(lfi_f32_to_bf16(bf16))));
        else
            assert_int_equal(lfi_f32_to_bf16(bf16), bits);
    }
}

static unsigned narrowed(lfuse_dtype dtype, double value)
{
    uint16_t bits;
    struct lfi_view view = {
        .data = &bits, .dims = {1}, .strides = {1}, .rank = 1, .dtype = dtype};

    lfi_view_write_f64(&view, 0, 1, &value);
    return bits;
}

/*
 * Between each two neighbours (the greatest and the first power beyond it, too) the middle
 * goes to the even one, and the next number beside it to its own side: from f32, and from
 * f64, where going through the nearest f32 would land on the middle and round twice.
 */
static void ties_go_to_even_and_f64_is_rounded_once(void **state)
{
    unsigned bits, sign;

    (void)state;
    for (sign = 0; sign <= 0x8000u; sign += 0x8000u) {
        double s = sign != 0 ? -1.0 : 1.0;

        for (bits = 0; bits < 0x7c00u; bits++) {
            double middle =
                (by_definition(bits, 10, 15) + by_definition(bits + 1, 10, 15)) / 2.0;
            unsigned even = sign | (bits + (bits & 1u)), low = sign | bits;

            assert_int_equal(lfi_f32_to_f16((float)(s * middle)), even);
            assert_int_equal(lfi_f32_to_f16(nextafterf((float)(s * middle), 0.0f)), low);
            assert_int_equal(
                lfi_f32_to_f16((float)s * nextafterf((float)middle, INFINITY)), low + 1);
            assert_int_equal(narrowed(LFUSE_F16, s * middle), even);
            assert_int_equal(narrowed(LFUSE_F16, s * nextafter(middle, 0.0)), low);
            assert_int_equal(narrowed(LFUSE_F16, s * nextafter(middle, INFINITY)),
                             low + 1);
        }
        for (bits = 0; bits < 0x7f80u; bits++) {
            double middle =
                (by_definition(bits, 7, 127) + by_definition(bits + 1, 7, 127)) / 2.0;
            unsigned even = sign | (bits + (bits & 1u)), low = sign | bits;

            assert_int_equal(lfi_f32_to_bf16((float)(s * middle)), even);
            assert_int_equal(lfi_f32_to_bf16(nextafterf((float)(s * middle), 0.0f)), low);
            assert_int_equal(
                lfi_f32_to_bf16((float)s * nextafterf((float)middle, INFINITY)), low + 1);
            assert_int_equal(narrowed(LFUSE_BF16, s * middle), even);
            assert_int_equal(narrowed(LFUSE_BF16, s * nextafter(middle, 0.0)), low);
            assert_int_equal(narrowed(LFUSE_BF16, s * nextafter(middle, INFINITY)),
                             low + 1);
        }
    }
}

static void what_is_beyond_the_range_becomes_infinite_or_zero(void **state)
{
    (void)state;
    assert_int_equal(narrowed(LFUSE_F16, DBL_MAX), 0x7c00);
    assert_int_equal(narrowed(LFUSE_F16, -DBL_MAX), 0xfc00);
    assert_int_equal(narrowed(LFUSE_F16, -INFINITY), 0xfc00);
    assert_int_equal(narrowed(LFUSE_F16, 0x1p-1074), 0x0000);
    assert_int_equal(narrowed(LFUSE_F16, -0.0), 0x8000);
    assert_int_equal(narrowed(LFUSE_BF16, DBL_MAX), 0x7f80);
    assert_int_equal(narrowed(LFUSE_BF16, FLT_MAX * (1.0 + 0x1p-40)), 0x7f80);
    assert_int_equal(narrowed(LFUSE_BF16, -INFINITY), 0xff80);
    assert_int_equal(narrowed(LFUSE_BF16, -0x1p-1074), 0x8000);
    assert_true(isnan(lfi_f16_to_f32((uint16_t)narrowed(LFUSE_F16, NAN))));
    assert_true(isnan(lfi_bf16_to_f32((uint16_t)narrowed(LFUSE_BF16, NAN))));
}

/* ---- views ------------------------------------------------------------------------------------ */

/* Shapes and strides of all kinds: dense, sliced, transposed, partly mergeable, with ones. */
static const struct {
    int32_t rank;
    int64_t dims[LFI_MAX_RANK];
    int64_t strides[LFI_MAX_RANK];
} shapes[] = {
    {1, {1}, {7}},
    {1, {700}, {1}},
    {1, {50}, {3}},
    {2, {23, 17}, {17, 1}},
    {2, {23, 17}, {40, 2}},
    {2, {23, 17}, {1, 23}},
    {3, {5, 4, 3}, {24, 6, 2}},
    {3, {5, 1, 3}, {3, 50, 1}},
    {3, {1, 5, 1}, {9, 2, 77}},
    {4, {6, 5, 3, 3}, {45, 9, 3, 1}},
    {4, {5, 6, 3, 3}, {9, 45, 3, 1}},
    {4, {3, 3, 6, 5}, {3, 1, 45, 9}},
    {4, {3, 2, 4, 1}, {100, 40, 10, 5}},
    {8, {2, 1, 2, 3, 1, 2, 2, 1}, {48, 1, 24, 8, 8, 4, 1, 1}},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), SPAN = 2000 };

static struct lfi_view view_of(int shape, lfuse_dtype dtype, void *data)
{
    struct lfi_view view = {.data = data, .rank = shapes[shape].rank, .dtype = dtype};

    memcpy(view.dims, shapes[shape].dims, sizeof(view.dims));
    memcpy(view.strides, shapes[shape].strides, sizeof(view.strides));
    return view;
}

/* Where element n, in row order, lies: by the definition. */
static int64_t place(const struct lfi_view *view, int64_t n)
{
    int64_t offset = 0;
    int32_t i;

    for (i = view->rank - 1; i >= 0; i--) {
        offset += n % view->dims[i] * view->strides[i];
        n /= view->dims[i];
    }
    return offset;
}

static void views_are_read_in_row_order_from_anywhere(void **state)
{
    static float data[SPAN], bits[SPAN], narrow[SPAN];
    static double wide[SPAN];
    int64_t first, count, n, i;
    int s;

    (void)state;
    for (i = 0; i < SPAN; i++)
        data[i] = (float)i;
    for (s = 0; s < SHAPES; s++) {
        struct lfi_view view = view_of(s, LFUSE_F32, data);

        n = lfi_view_elements(&view);
        for (first = 0; first < n; first += 1 + n / 9)
            for (count = 0; count <= n - first; count += 1 + n / 13) {
                wide[count] = narrow[count] = bits[count] = -1.0f;
                lfi_view_read_f64(&view, first, count, wide);
                lfi_view_read_f32(&view, first, count, narrow);
                lfi_view_read_bits(&view, first, count, bits);
                for (i = 0; i < count; i++) {
                    assert_true(wide[i] == (double)place(&view, first + i));
                    assert_true(narrow[i] == (float)place(&view, first + i));
                    assert_true(bits[i] == (float)place(&view, first + i));
                }
                assert_true(wide[count] == -1.0 && narrow[count] == -1.0f &&
                            bits[count] == -1.0f);
            }
    }
}

static void views_are_written_where_they_are_and_nowhere_else(void **state)
{
    static double data[SPAN], in[SPAN];
    int64_t first, n, i;
    int s;

    (void)state;
    for (i = 0; i < SPAN; i++)
        in[i] = (double)(i + 1);
    for (s = 0; s < SHAPES; s++) {
        struct lfi_view view = view_of(s, LFUSE_F64, data);

        n = lfi_view_elements(&view);
        first = n / 3;
        memset(data, 0, sizeof(data));
        lfi_view_write_f64(&view, first, n - first, in);
        for (i = first; i < n; i++) {
            assert_true(data[place(&view, i)] == (double)(i - first + 1));
            data[place(&view, i)] = 0.0;
        }
        for (i = 0; i < SPAN; i++)
            assert_true(data[i] == 0.0);
    }
}

static void copies_go_from_any_layout_and_type_to_any(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    static double from[SPAN], to[SPAN]; /* memory for every type */
    double value;
    int64_t n, i;
    int k, l, turned;

    (void)state;
    for (k = 0; k < 4; k++)
        for (l = 0; l < 4; l++)
            for (turned = 0; turned < 3; turned++) {
                struct lfi_view a = view_of(3, types[k], from);
                struct lfi_view b = view_of(3 + turned, types[l], to);

                n = lfi_view_elements(&a);
                for (i = 0; i < n; i++) {
                    value = (double)(i % 128);
                    lfi_view_write_f64(&a, i, 1, &value);
                }
                memset(to, 0xff, sizeof(to));
                lfi_view_copy(&b, &a);
                for (i = 0; i < n; i++) {
                    lfi_view_read_f64(&b, i, 1, &value);
                    assert_true(value == (double)(i % 128));
                }
            }
}

/* Runs of the two differ: one side merges axes that the other cannot. */
static void copies_between_equal_types_keep_every_bit(void **state)
{
    static uint32_t from[SPAN], to[SPAN];
    struct lfi_view a = view_of(9, LFUSE_F32, from), b = a, back;
    int64_t n = lfi_view_elements(&a), i;

    (void)state;
    for (i = 0; i < SPAN; i++)
        from[i] = 0x7f800001u + (uint32_t)i; /* signalling NaNs */
    b.data = to;
    b.strides[0] = 9; /* [6, 5, 3, 3] over memory of [5, 6, 3, 3] */
    b.strides[1] = 54;
    lfi_view_copy(&b, &a);
    for (i = 0; i < n; i++)
        assert_int_equal(to[place(&b, i)], from[i]);
    back = a;
    memset(from, 0, sizeof(from));
    lfi_view_copy(&back, &b);
    for (i = 0; i < n; i++)
        assert_int_equal(from[i], 0x7f800001u + (uint32_t)i);
}

static void the_first_value_that_is_not_finite_is_found(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    static const double largest[] = {FLT_MAX, DBL_MAX, 65504.0, 0x1.fep127};
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    static double data[SPAN];
    int64_t n, i;
    int k, s;

    (void)state;
    for (k = 0; k < 4; k++)
        for (s = 0; s < SHAPES; s++) {
            struct lfi_view view = view_of(s, types[k], data);

            n = lfi_view_elements(&view);
            memset(data, 0, sizeof(data));
            lfi_view_write_f64(&view, n - 1, 1, &largest[k]);
            assert_int_equal(lfi_view_find_not_finite(&view), -1);
            for (i = n - 1; i >= 0; i -= 1 + n / 5) { /* from behind: the first counts */
                lfi_view_write_f64(&view, i, 1, &bad[i % 3]);
                assert_int_equal(lfi_view_find_not_finite(&view), i);
            }
        }
}

static void shapes_are_compared_and_told(void **state)
{
    struct lfi_view a = view_of(9, LFUSE_F32, NULL), b = view_of(10, LFUSE_F16, NULL), c;
    char text[64];
    _Alignas(8) char small[8];

    (void)state;
    assert_int_equal(lfi_view_elements(&a), 270);
    assert_int_equal(lfi_view_bytes(&b), 540);
    assert_true(lfi_view_is_dense(&a));
    assert_false(lfi_view_is_dense(&b));
    c = view_of(7, LFUSE_F32, NULL);
    assert_true(lfi_view_is_dense(&c)); /* an axis of one element has no stride */
    c.data = &small[0];
    assert_true(lfi_view_is_array(&c));
    c.data = &small[1];
    assert_true(lfi_view_is_dense(&c) && !lfi_view_is_array(&c));
    assert_true(lfi_view_same_shape(&a, &a));
    assert_false(lfi_view_same_shape(&a, &b));
    c = a;
    c.rank = 3;
    assert_false(lfi_view_same_shape(&a, &c));
    lfi_view_shape_text(&a, text, sizeof(text));
    assert_string_equal(text, "[6, 5, 3, 3]");
    memset(small, 'x', sizeof(small));
    lfi_view_shape_text(&a, small, sizeof(small) - 1);
    assert_string_equal(small, "[6, 5,");
    assert_int_equal(small[7], 'x');
    c = lfi_view_axis_first(&b, 2);
    assert_true(c.dims[0] == 3 && c.dims[1] == 5 && c.dims[2] == 6 && c.dims[3] == 3);
    assert_true(c.strides[0] == 3 && c.strides[1] == 9 && c.strides[2] == 45 &&
                c.strides[3] == 1);
}

/* ---- arrays ----------------------------------------------------------------------------------- */

static void count_release(void *data, void *user)
{
    (void)data;
    ++*(int *)user;
}

static void an_owned_array_is_dense_zeroed_and_freed_with_its_last_user(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    struct lfi_view shape = view_of(5, LFUSE_BF16, NULL);
    int64_t live = t->memory.live;
    struct lfi_array a, b, none = {0};
    size_t i;

    lft_ok(t, lfi_array_create(&env, &shape, &a, &t->err));
    assert_false(a.lent);
    assert_true(lfi_view_is_dense(&a.view) && (uintptr_t)a.view.data % LFI_ALIGN == 0);
    for (i = 0; i < lfi_view_bytes(&a.view); i++)
        assert_int_equal(((unsigned char *)a.view.data)[i], 0);
    b = lfi_array_share(&a);
    assert_ptr_equal(b.view.data, a.view.data);
    lfi_array_release(&a);
    assert_null(a.storage);
    assert_true(t->memory.live > live);
    lfi_array_release(&a);
    lfi_array_release(&none);
    memset(b.view.data, 1, lfi_view_bytes(&b.view));
    lfi_array_release(&b);
    assert_int_equal(t->memory.live, live);
}

static void borrowed_memory_is_released_once_with_its_last_user(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    float data[391];
    struct lfi_view view = view_of(5, LFUSE_F32, data);
    struct lfi_array a, b, c;
    int released = 0;

    lft_ok(t, lfi_array_borrow(&env, &view, count_release, &released, &a, &t->err));
    assert_true(a.lent);
    b = lfi_array_share(&a);
    c = lfi_array_share(&b);
    lfi_array_release(&b);
    lfi_array_release(&a);
    assert_int_equal(released, 0);
    lfi_array_release(&c);
    assert_int_equal(released, 1);
    lft_ok(t, lfi_array_borrow(&env, &view, NULL, NULL, &a, &t->err));
    lfi_array_release(&a);
    assert_int_equal(released, 1);
    t->memory.fail_at = t->memory.allocations;
    assert_int_equal(lfi_array_borrow(&env, &view, count_release, &released, &a, &t->err),
                     LFUSE_ERR_NO_MEMORY);
    t->memory.fail_at = -1;
    assert_int_equal(released, 1);
}

static lfuse_status create_array(struct lft *t, void *arg)
{
    struct lfi_env env = env_of(t);
    struct lfi_array array;
    lfuse_status status = lfi_array_create(&env, arg, &array, &t->err);

    if (status == LFUSE_OK)
        lfi_array_release(&array);
    return status;
}

static void an_array_survives_every_refused_allocation(void **state)
{
    struct lfi_view shape = view_of(3, LFUSE_F64, NULL);

    lft_every_allocation_fails(*state, create_array, &shape);
}

/* ---- random numbers ----------------------------------------------------------------------------- */

/* SplitMix64's finaliser three times over, by another program (tests/golden has it in Python). */
static void random_numbers_are_those_that_were_promised(void **state)
{
    (void)state;
    assert_true(lfi_random_u64(0, 0, 0) == UINT64_C(0x238275bc38fcbe91));
    assert_true(lfi_random_u64(1, 0, 0) == UINT64_C(0xb18a02f46d8d86c3));
    assert_true(lfi_random_u64(0, 1, 0) == UINT64_C(0x44e5b98100c67fb0));
    assert_true(lfi_random_u64(0, 0, 1) == UINT64_C(0x2f32a78496c67c60));
    assert_true(lfi_random_u64(UINT64_MAX, 5, UINT64_C(1) << 40) ==
                UINT64_C(0xefc3337756489302));
}

/* Moments within 5 standard errors: of u - 1/2 and its square, of z, z^2 and z^4. */
static void random_numbers_are_distributed_as_they_should_be(void **state)
{
    enum { N = 100000 };
    double u1 = 0.0, u2 = 0.0, z1 = 0.0, z2 = 0.0, z4 = 0.0, lag = 0.0, cross = 0.0;
    const double error = 5.0 / sqrt((double)N);
    int i;

    (void)state;
    for (i = 0; i < N; i++) {
        double u = lfi_random_uniform(7, 3, (uint64_t)i);
        double z = lfi_random_normal(7, 3, (uint64_t)i);

        assert_true(u >= 0.0 && u < 1.0 && isfinite(z));
        u -= 0.5;
        u1 += u / N;
        u2 += u * u / N;
        z1 += z / N;
        z2 += z * z / N;
        z4 += z * z * z * z / N;
        lag += z * lfi_random_normal(7, 3, (uint64_t)i + 1) / N;
        cross += z * lfi_random_normal(7, 4, (uint64_t)i) / N;
    }
    assert_true(fabs(u1) < error * sqrt(1.0 / 12.0));
    assert_true(fabs(u2 - 1.0 / 12.0) < error * sqrt(1.0 / 180.0));
    assert_true(fabs(z1) < error);
    assert_true(fabs(z2 - 1.0) < error * sqrt(2.0));
    assert_true(fabs(z4 - 3.0) < error * sqrt(96.0));
    assert_true(fabs(lag) < error && fabs(cross) < error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(sizes_are_multiplied_and_added_or_refused),
        lft_test(allocations_are_aligned_counted_and_named),
        lft_test(the_default_allocator_aligns),
        lft_test(strings_are_copied),
        lft_test(a_message_is_cut_and_terminated),
        lft_test(progress_may_say_stop),
        lft_test(the_log_gets_the_text),
        lft_test(init_clears_exactly_the_bytes_the_caller_has),
        lft_test(import_takes_older_and_newer_structs),
        lft_test(export_fills_what_the_caller_has),
        lft_test(every_type_has_a_size_and_a_name),
        lft_test(all_65536_patterns_are_read_by_their_definition_and_come_back),
        lft_test(ties_go_to_even_and_f64_is_rounded_once),
        lft_test(what_is_beyond_the_range_becomes_infinite_or_zero),
        lft_test(views_are_read_in_row_order_from_anywhere),
        lft_test(views_are_written_where_they_are_and_nowhere_else),
        lft_test(copies_go_from_any_layout_and_type_to_any),
        lft_test(copies_between_equal_types_keep_every_bit),
        lft_test(the_first_value_that_is_not_finite_is_found),
        lft_test(shapes_are_compared_and_told),
        lft_test(an_owned_array_is_dense_zeroed_and_freed_with_its_last_user),
        lft_test(borrowed_memory_is_released_once_with_its_last_user),
        lft_test(an_array_survives_every_refused_allocation),
        lft_test(random_numbers_are_those_that_were_promised),
        lft_test(random_numbers_are_distributed_as_they_should_be),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
