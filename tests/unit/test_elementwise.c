/* test_elementwise.c - ReLU and add: every instruction set against what they are */
#include "lft.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

enum { MANY = 200000 }; /* more than one chunk of work, and a tail */

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

/* Random, with every special value now and then. */
static void fill_special(float *values, int64_t count, uint64_t seed)
{
    const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-42f, -1e-42f};
    int64_t i;

    lft_fill(values, count, seed);
    for (i = (int64_t)seed % 3; i < count; i += 3)
        values[i] = special[(size_t)(i / 3) % 7];
}

/* The same bits; of NaNs only that both are: which of two payloads survives is unspecified. */
static void assert_same(const float *got, const float *expected, int64_t count)
{
    int64_t i;

    for (i = 0; i < count; i++)
        if (memcmp(&got[i], &expected[i], sizeof(*got)) != 0 &&
            !(isnan(got[i]) && isnan(expected[i])))
            fail_msg("element %lld of %lld: %a, expected %a", (long long)i,
                     (long long)count, (double)got[i], (double)expected[i]);
}

static void add_in_f32(const float *a, const float *b, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

static void relu_in_f32(const float *x, int64_t count, float *y)
{
    int64_t i;

    for (i = 0; i < count; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void mask_in_f32(const float *y, const float *dy, int64_t count, float *dx)
{
    int64_t i;

    for (i = 0; i < count; i++)
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

static void check_all(struct lft *t, lfuse_context *ctx, const float *a, const float *b,
                      int64_t count, float *y)
{
    static float expected[MANY];

    lft_ok(t, lfuse_relu_forward(ctx, a, count, y, &t->err));
    relu_in_f32(a, count, expected);
    assert_same(y, expected, count);
    lft_ok(t, lfuse_relu_backward(ctx, a, b, count, y, &t->err));
    mask_in_f32(a, b, count, expected);
    assert_same(y, expected, count);
    lft_ok(t, lfuse_add(ctx, a, b, count, y, &t->err));
    add_in_f32(a, b, count, expected);
    assert_same(y, expected, count);
}

static void every_instruction_set_gives_the_defined_bits_at_every_tail(void **state)
{
    struct lft *t = *state;
    size_t i;
    int64_t count;

    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (count = 1; count <= 70; count++) {
            float *a = lft_guard_end(count), *b = lft_guard_end(count),
                  *y = lft_guard_end(count);

            fill_special(a, count, 1);
            fill_special(b, count, 2);
            check_all(t, ctx, a, b, count, y);
            a = lft_guard_start(count);
            b = lft_guard_start(count);
            fill_special(a, count, 3);
            fill_special(b, count, 4);
            check_all(t, ctx, a, b, count, lft_guard_start(count));
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

static void threads_change_nothing(void **state)
{
    static float a[MANY], b[MANY], y[MANY];
    struct lft *t = *state;
    int32_t threads;

    fill_special(a, MANY, 5);
    fill_special(b, MANY, 6);
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        memset(y, 0, sizeof(y));
        check_all(t, ctx, a, b, MANY, y);
        lfuse_context_destroy(ctx);
    }
}

static void outputs_may_be_inputs(void **state)
{
    float a[37], b[37], expected[37];
    struct lft *t = *state;

    lft_fill(a, 37, 7);
    lft_fill(b, 37, 8);
    add_in_f32(a, b, 37, expected);
    lft_ok(t, lfuse_add(t->ctx, a, b, 37, a, &t->err));
    assert_same(a, expected, 37);
    mask_in_f32(a, b, 37, expected);
    lft_ok(t, lfuse_relu_backward(t->ctx, a, b, 37, b, &t->err));
    assert_same(b, expected, 37);
    relu_in_f32(a, 37, expected);
    lft_ok(t, lfuse_relu_forward(t->ctx, a, 37, a, &t->err));
    assert_same(a, expected, 37);
}

/* relu is linear on each side of its kink, so a difference across h has no error of h. With
 * values and h multiples of 2^-15 both sides are exact. */
static void relu_backward_is_the_slope_of_relu_forward(void **state)
{
    float x[64], up[64], down[64], y[64], slope[64], ones[64];
    const float h = 0x1p-15f;
    struct lft *t = *state;
    int64_t i;

    lft_fill(x, 64, 9);
    for (i = 0; i < 64; i++) {
        if (fabsf(x[i]) <= h) /* the kink */
            x[i] = 0.5f;
        ones[i] = 1.0f;
        up[i] = x[i] + h;
        down[i] = x[i] - h;
    }
    lft_ok(t, lfuse_relu_forward(t->ctx, x, 64, y, &t->err));
    lft_ok(t, lfuse_relu_backward(t->ctx, y, ones, 64, slope, &t->err));
    lft_ok(t, lfuse_relu_forward(t->ctx, up, 64, up, &t->err));
    lft_ok(t, lfuse_relu_forward(t->ctx, down, 64, down, &t->err));
    for (i = 0; i < 64; i++)
        assert_true(slope[i] == (up[i] - down[i]) / (2.0f * h));
}

static void bad_arguments_are_named_and_nothing_is_written(void **state)
{
    float x[2] = {1.0f, 2.0f}, y[2] = {7.0f, 7.0f};
    struct lft *t = *state;
    lfuse_error *e = &t->err;
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;

    lft_fails(t, lfuse_relu_forward(NULL, x, 2, y, e), bad, "ctx is NULL");
    lft_fails(t, lfuse_relu_forward(t->ctx, NULL, 2, y, e), bad, "x is NULL");
    lft_fails(t, lfuse_relu_forward(t->ctx, x, 2, NULL, e), bad, "y is NULL");
    lft_fails(t, lfuse_relu_forward(t->ctx, x, 0, y, e), bad, "count is 0");
    lft_fails(t, lfuse_relu_backward(NULL, x, x, 2, y, e), bad, "ctx is NULL");
    lft_fails(t, lfuse_relu_backward(t->ctx, NULL, x, 2, y, e), bad, "y is NULL");
    lft_fails(t, lfuse_relu_backward(t->ctx, x, NULL, 2, y, e), bad, "dy is NULL");
    lft_fails(t, lfuse_relu_backward(t->ctx, x, x, 2, NULL, e), bad, "dx is NULL");
    lft_fails(t, lfuse_relu_backward(t->ctx, x, x, -1, y, e), bad, "count is -1");
    lft_fails(t, lfuse_add(NULL, x, x, 2, y, e), bad, "ctx is NULL");
    lft_fails(t, lfuse_add(t->ctx, NULL, x, 2, y, e), bad, "a is NULL");
    lft_fails(t, lfuse_add(t->ctx, x, NULL, 2, y, e), bad, "b is NULL");
    lft_fails(t, lfuse_add(t->ctx, x, x, 2, NULL, e), bad, "y is NULL");
    lft_fails(t, lfuse_add(t->ctx, x, x, 0, y, e), bad, "count is 0");
    assert_true(y[0] == 7.0f && y[1] == 7.0f);
    assert_int_equal(lfuse_add(t->ctx, x, x, 0, y, NULL), bad);
}

static int32_t refuse(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return 42;
}

static void an_executor_that_refuses_is_reported(void **state)
{
    static float x[MANY], y[MANY];
    struct lft *t = *state;
    lfuse_context_options options;
    lfuse_context *ctx;

    lfuse_context_options_init(&options, sizeof(options));
    options.executor.parallel_for = refuse;
    options.executor.concurrency = 2;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    lft_fails(t, lfuse_relu_forward(ctx, x, MANY, y, &t->err), LFUSE_ERR_CALLBACK, "42");
    assert_int_equal(t->err.detail, 42);
    lfuse_context_destroy(ctx);
}

static void float_control_is_left_alone(void **state)
{
    static float x[MANY], y[MANY];
    struct lft *t = *state;
    uint32_t before = lft_float_control();

    fill_special(x, MANY, 11);
    check_all(t, t->ctx, x, x, MANY, y);
    assert_int_equal(lft_float_control(), before);
}

/* Every bit, from any address, at every tail. */
static void every_set_widens_bf16(void **state)
{
    lfuse_isa isa;
    int64_t count, i;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);

        for (count = 0; count <= 70 && kernels != NULL; count++) {
            char memory[71 * sizeof(uint16_t) + 1], *odd = memory + count % 2;
            float y[71];

            for (i = 0; i < count; i++) {
                uint16_t bits = (uint16_t)(i * 40503 + count);

                memcpy(odd + i * 2, &bits, sizeof(bits));
            }
            y[count] = 7.0f;
            kernels->bf16_to_f32((const uint16_t *)(const void *)odd, count, y);
            for (i = 0; i < count; i++) {
                float expected = lfi_bf16_to_f32((uint16_t)(i * 40503 + count));

                assert_memory_equal(&y[i], &expected, sizeof(float));
            }
            assert_true(y[count] == 7.0f);
        }
    }
}

/* The kernel behind sums of f32 in f64: exact, at every tail, and nothing beyond it. */
static void every_set_adds_f32_to_f64(void **state)
{
    lfuse_isa isa;
    int64_t count, i;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);

        for (count = 0; count <= 40 && kernels != NULL; count++) {
            float *x = lft_guard_end(count + 1) + 1;
            double y[41];

            lft_fill(x, count, 1);
            for (i = 0; i <= 40; i++)
                y[i] = 0.1 * (double)i;
            kernels->add_to_f64(x, count, y);
            for (i = 0; i <= 40; i++)
                assert_true(y[i] == 0.1 * (double)i + (i < count ? (double)x[i] : 0.0));
            lft_guard_free();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_set_adds_f32_to_f64),
        lft_test(every_set_widens_bf16),
        lft_test(every_instruction_set_gives_the_defined_bits_at_every_tail),
        lft_test(threads_change_nothing),
        lft_test(outputs_may_be_inputs),
        lft_test(relu_backward_is_the_slope_of_relu_forward),
        lft_test(bad_arguments_are_named_and_nothing_is_written),
        lft_test(an_executor_that_refuses_is_reported),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}
