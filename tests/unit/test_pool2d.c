/* test_pool2d.c - average and maximum: against the definition, differences, errors */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};
static const lfuse_layout layouts[] = {LFUSE_LAYOUT_NCHW, LFUSE_LAYOUT_NHWC};
static const lfuse_pool pools[] = {LFUSE_POOL_AVERAGE, LFUSE_POOL_MAX};

enum { MOST = 40000, TAPS = 80 };

/* batch, height, width, kernel h w, stride h w (0: the kernel), padding top bottom left right */
static const int shapes[][11] = {
    {2, 8, 8, 2, 2, 0, 0, 0, 0, 0, 0},   {2, 7, 5, 3, 3, 2, 2, 1, 1, 1, 1},
    {1, 6, 9, 3, 2, 1, 1, 2, 0, 1, 0},   {3, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0},
    {1, 5, 5, 2, 3, 3, 1, 0, 1, 0, 2},   {2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0},
    {1, 4, 40, 2, 40, 1, 1, 0, 0, 0, 0}, {1, 3, 3, 5, 5, 1, 1, 1, 1, 1, 1},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static lfuse_pool2d_args arguments(const int *s, int64_t channels, lfuse_pool pool,
                                   lfuse_layout layout)
{
    lfuse_pool2d_args a;

    lfuse_pool2d_args_init(&a, sizeof(a));
    a.batch = s[0];
    a.channels = channels;
    a.height = s[1];
    a.width = s[2];
    a.kernel_h = s[3];
    a.kernel_w = s[4];
    a.stride_h = s[5];
    a.stride_w = s[6];
    a.pad_top = s[7];
    a.pad_bottom = s[8];
    a.pad_left = s[9];
    a.pad_right = s[10];
    a.pool = pool;
    a.layout = layout;
    return a;
}

static int64_t out_h(const lfuse_pool2d_args *a)
{
    int64_t stride = a->stride_h != 0 ? a->stride_h : a->kernel_h;

    return (a->height + a->pad_top + a->pad_bottom - a->kernel_h) / stride + 1;
}

static int64_t out_w(const lfuse_pool2d_args *a)
{
    int64_t stride = a->stride_w != 0 ? a->stride_w : a->kernel_w;

    return (a->width + a->pad_left + a->pad_right - a->kernel_w) / stride + 1;
}

static int64_t inputs(const lfuse_pool2d_args *a)
{
    return a->batch * a->channels * a->height * a->width;
}

static int64_t outputs(const lfuse_pool2d_args *a)
{
    return a->batch * a->channels * out_h(a) * out_w(a);
}

static int64_t place(const lfuse_pool2d_args *a, int64_t n, int64_t c, int64_t i,
                     int64_t j, int64_t h, int64_t w)
{
    return a->layout == LFUSE_LAYOUT_NHWC ? ((n * h + i) * w + j) * a->channels + c
                                          : ((n * a->channels + c) * h + i) * w + j;
}

/* What one output takes its value from. */
struct taps {
    int64_t at[TAPS]; /* of x */
    int count;
    int greatest; /* the first, NaN above all */
};

static struct taps taps_of(const lfuse_pool2d_args *a, const float *x, int64_t n,
                           int64_t c, int64_t oi, int64_t oj)
{
    int64_t sh = a->stride_h != 0 ? a->stride_h : a->kernel_h,
            sw = a->stride_w != 0 ? a->stride_w : a->kernel_w, r, s;
    struct taps taps = {.count = 0, .greatest = 0};

    for (r = 0; r < a->kernel_h; r++) {
        for (s = 0; s < a->kernel_w; s++) {
            int64_t i = oi * sh - a->pad_top + r, j = oj * sw - a->pad_left + s;
            float v, best;

            if (i < 0 || i >= a->height || j < 0 || j >= a->width)
                continue;
            assert_true(taps.count < TAPS);
            taps.at[taps.count] = place(a, n, c, i, j, a->height, a->width);
            v = x[taps.at[taps.count]];
            best = x[taps.at[taps.greatest]];
            if (!isnan(best) && (isnan(v) || v > best))
                taps.greatest = taps.count;
            taps.count++;
        }
    }
    return taps;
}

/*
 * y, dx and the sum of magnitudes behind each dx, in f64: the definition, written out.
 */
static void reference(const lfuse_pool2d_args *a, double *y, double *dx, double *size)
{
    int64_t n, c, i, j;
    int k;

    memset(dx, 0, (size_t)inputs(a) * sizeof(*dx));
    memset(size, 0, (size_t)inputs(a) * sizeof(*size));
    for (n = 0; n < a->batch; n++) {
        for (c = 0; c < a->channels; c++) {
            for (i = 0; i < out_h(a); i++) {
                for (j = 0; j < out_w(a); j++) {
                    int64_t at = place(a, n, c, i, j, out_h(a), out_w(a));
                    struct taps taps = taps_of(a, a->x, n, c, i, j);
                    double total = 0.0, dy = (double)a->dy[at];

                    for (k = 0; k < taps.count; k++) {
                        double share = a->pool == LFUSE_POOL_MAX ? k == taps.greatest
                                                                 : 1.0 / taps.count;

                        total += (double)a->x[taps.at[k]];
                        dx[taps.at[k]] += dy * share;
                        size[taps.at[k]] += fabs(dy) * share;
                    }
                    y[at] = a->pool == LFUSE_POOL_MAX
                                ? (double)a->x[taps.at[taps.greatest]]
                                : total / taps.count;
                }
            }
        }
    }
}

/*
 * The maximum copies: exact. An average of k values below 1 rounds k - 1 sums, none above k,
 * and a quotient: (k + 1) * eps / 2. dx adds at most k products, each of a rounded share.
 */
static void check(const lfuse_pool2d_args *a)
{
    static double y[MOST], dx[MOST], size[MOST];
    const double k = (double)(a->kernel_h * a->kernel_w), unit = FLT_EPSILON / 2.0;
    int64_t i;

    reference(a, y, dx, size);
    for (i = 0; i < outputs(a); i++)
        assert_true(fabs((double)a->y[i] - y[i]) <=
                    (a->pool == LFUSE_POOL_MAX ? 0.0 : (k + 1.0) * unit));
    for (i = 0; i < inputs(a); i++)
        assert_true(fabs((double)a->dx[i] - dx[i]) <= (k + 2.0) * unit * size[i]);
}

static void run_guarded(struct lft *t, lfuse_context *ctx, lfuse_pool2d_args *a, int end)
{
    float *(*guard)(int64_t count) = end ? lft_guard_end : lft_guard_start;
    float *x = guard(inputs(a)), *dy = guard(outputs(a));

    assert_true(inputs(a) <= MOST && outputs(a) <= MOST);
    lft_fill(x, inputs(a), 1);
    lft_fill(dy, outputs(a), 2);
    a->x = x;
    a->dy = dy;
    a->y = guard(outputs(a));
    a->dx = guard(inputs(a));
    memset(a->y, 0xff, (size_t)outputs(a) * sizeof(float));
    memset(a->dx, 0xff, (size_t)inputs(a) * sizeof(float));
    lft_ok(t, lfuse_pool2d_forward(ctx, a, &t->err));
    lft_ok(t, lfuse_pool2d_backward(ctx, a, &t->err));
    check(a);
    lft_guard_free();
}

static void both_pools_are_their_definition_on_every_instruction_set(void **state)
{
    const int64_t channels[] = {1, 3, 8, 16, 19, 33};
    struct lft *t = *state;
    size_t i, s, c, p, l;

    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (s = 0; s < SHAPES; s++) {
            for (c = 0; c < 6; c++) {
                for (p = 0; p < 2; p++) {
                    for (l = 0; l < 2; l++) {
                        lfuse_pool2d_args a =
                            arguments(shapes[s], channels[c], pools[p], layouts[l]);

                        run_guarded(t, ctx, &a, (s + c) % 2);
                    }
                }
            }
        }
        lfuse_context_destroy(ctx);
    }
}

static void zero_means_average_nchw_and_the_kernels_own_stride(void **state)
{
    struct lft *t = *state;
    float x[16], y[4], same[4];
    lfuse_pool2d_args a = arguments(shapes[0], 1, 0, 0);

    a.batch = 1;
    a.height = a.width = 4;
    lft_fill(x, 16, 3);
    a.x = x;
    a.y = y;
    lft_ok(t, lfuse_pool2d_forward(t->ctx, &a, &t->err));
    a.pool = LFUSE_POOL_AVERAGE;
    a.layout = LFUSE_LAYOUT_NCHW;
    a.stride_h = a.stride_w = 2;
    a.y = same;
    lft_ok(t, lfuse_pool2d_forward(t->ctx, &a, &t->err));
    assert_memory_equal(y, same, sizeof(y));
}

/* Padding is left out of averages, so nothing changes at the border: exactly, since sums of
 * up to 9 times 0.75 are exact, and a quotient of exact numbers is rounded right. */
static void a_constant_image_stays_constant(void **state)
{
    static float x[7 * 5 * 2 * 17], y[7 * 5 * 2 * 17];
    struct lft *t = *state;
    size_t p, l;
    int64_t i;

    for (i = 0; i < 7 * 5 * 2 * 17; i++)
        x[i] = 0.75f;
    for (p = 0; p < 2; p++) {
        for (l = 0; l < 2; l++) {
            lfuse_pool2d_args a = arguments(shapes[1], 17, pools[p], layouts[l]);

            a.x = x;
            a.y = y;
            lft_ok(t, lfuse_pool2d_forward(t->ctx, &a, &t->err));
            for (i = 0; i < outputs(&a); i++)
                assert_true(y[i] == 0.75f);
        }
    }
}

static void equal_values_give_the_gradient_to_the_first(void **state)
{
    const float x[6] = {1.0f, 2.0f, 2.0f, 2.0f, 0.0f, 2.0f}, dy[1] = {5.0f};
    const float expected[6] = {0.0f, 5.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    const int shape[11] = {1, 2, 3, 2, 3, 0, 0, 0, 0, 0, 0};
    struct lft *t = *state;
    float dx[6];
    size_t l;

    for (l = 0; l < 2; l++) {
        lfuse_pool2d_args a = arguments(shape, 1, LFUSE_POOL_MAX, layouts[l]);

        a.x = x;
        a.dy = dy;
        a.dx = dx;
        lft_ok(t, lfuse_pool2d_backward(t->ctx, &a, &t->err));
        assert_memory_equal(dx, expected, sizeof(dx));
    }
}

/* Infinities are numbers like others; the first NaN wins over all, also in the gradient. */
static void nan_in_gives_nan_out_and_takes_the_gradient(void **state)
{
    enum { CHANNELS = 19 };
    const int shape[11] = {1, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0};
    float x[4 * CHANNELS], y[CHANNELS], dy[CHANNELS], dx[4 * CHANNELS];
    struct lft *t = *state;
    size_t i, p;
    int c, k;

    for (k = 0; k < 4; k++)
        for (c = 0; c < CHANNELS; c++)
            x[k * CHANNELS + c] = k == 1 + c % 3 ? NAN : k == 3 ? INFINITY : -INFINITY;
    for (c = 0; c < CHANNELS; c++)
        dy[c] = 1.0f;
    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (p = 0; p < 2; p++) {
            lfuse_pool2d_args a = arguments(shape, CHANNELS, pools[p], LFUSE_LAYOUT_NHWC);

            a.x = x;
            a.y = y;
            a.dy = dy;
            a.dx = dx;
            lft_ok(t, lfuse_pool2d_forward(ctx, &a, &t->err));
            for (c = 0; c < CHANNELS; c++)
                assert_true(isnan(y[c]));
        }
        lfuse_context_destroy(ctx);
    }
    lft_ok(t, lfuse_pool2d_backward(
                  t->ctx,
                  &(lfuse_pool2d_args){.struct_size = sizeof(lfuse_pool2d_args),
                                       .x = x,
                                       .dy = dy,
                                       .dx = dx,
                                       .batch = 1,
                                       .channels = CHANNELS,
                                       .height = 2,
                                       .width = 2,
                                       .kernel_h = 2,
                                       .kernel_w = 2,
                                       .pool = LFUSE_POOL_MAX,
                                       .layout = LFUSE_LAYOUT_NHWC},
                  &t->err));
    for (k = 0; k < 4; k++)
        for (c = 0; c < CHANNELS; c++)
            assert_true(dx[k * CHANNELS + c] == (k == 1 + c % 3 ? 1.0f : 0.0f));
}

/*
 * Central differences of <dy, y(x)>, y in f64 by the reference. Both pools are linear where
 * the greatest stays the greatest, so only rounding is left: 2^-8 is exact, and the sums hold
 * fewer than 64 * 64 terms below 1. Values are distinct multiples of 2^-6, so that no kink
 * lies within h.
 */
static void gradients_are_the_slopes_of_the_forward_pass(void **state)
{
    enum { N = 7 * 5 };
    static double y[MOST], dx[MOST], size[MOST];
    const int shape[11] = {1, 7, 5, 3, 3, 2, 2, 1, 1, 1, 1};
    const float h = 0x1p-8f;
    float x[N], dy[N], got[N];
    struct lft *t = *state;
    int64_t i, o;
    size_t p;

    for (i = 0; i < N; i++)
        x[i] = (float)((i * 17) % N) * 0x1p-6f;
    lft_fill(dy, N, 4);
    for (p = 0; p < 2; p++) {
        lfuse_pool2d_args a = arguments(shape, 1, pools[p], LFUSE_LAYOUT_NCHW);

        a.x = x;
        a.dy = dy;
        a.dx = got;
        lft_ok(t, lfuse_pool2d_backward(t->ctx, &a, &t->err));
        for (i = 0; i < N; i++) {
            double difference = 0.0;
            const float kept = x[i];

            x[i] = kept + h;
            reference(&a, y, dx, size);
            for (o = 0; o < outputs(&a); o++)
                difference += (double)dy[o] * y[o];
            x[i] = kept - h;
            reference(&a, y, dx, size);
            for (o = 0; o < outputs(&a); o++)
                difference -= (double)dy[o] * y[o];
            x[i] = kept;
            difference /= 2.0 * (double)h;
            assert_true(fabs((double)got[i] - difference) <=
                        11.0 * (FLT_EPSILON / 2.0) * 9.0 +
                            64.0 * 64.0 * DBL_EPSILON / (double)h);
        }
    }
}

static void threads_change_no_bit(void **state)
{
    static float x[6 * 8 * 8 * 33], dy[6 * 33 * 64], y[3][6 * 33 * 64],
        dx[3][6 * 8 * 8 * 33];
    const int shape[11] = {6, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1};
    struct lft *t = *state;
    size_t p, l;
    int32_t n;

    lft_fill(x, 6 * 8 * 8 * 33, 5);
    lft_fill(dy, 6 * 33 * 64, 6);
    for (p = 0; p < 2; p++) {
        for (l = 0; l < 2; l++) {
            for (n = 0; n < 3; n++) {
                lfuse_context *ctx = lft_context(t, n + 1, LFUSE_ISA_BEST);
                lfuse_pool2d_args a = arguments(shape, 33, pools[p], layouts[l]);

                a.x = x;
                a.dy = dy;
                a.y = y[n];
                a.dx = dx[n];
                lft_ok(t, lfuse_pool2d_forward(ctx, &a, &t->err));
                lft_ok(t, lfuse_pool2d_backward(ctx, &a, &t->err));
                lfuse_context_destroy(ctx);
                assert_memory_equal(y[n], y[0], sizeof(y[0]));
                assert_memory_equal(dx[n], dx[0], sizeof(dx[0]));
            }
        }
    }
}

static void bad_arguments_are_named_and_nothing_is_written(void **state)
{
    float x[64] = {0.0f}, dy[16] = {0.0f}, y[16] = {7.0f}, dx[64] = {7.0f};
    lfuse_pool2d_args good = arguments(shapes[0], 1, LFUSE_POOL_MAX, 0), a;
    struct lft *t = *state;

    good.batch = 1;
    good.x = x;
    good.dy = dy;
    good.y = y;
    good.dx = dx;
#define BAD(call, field, value, code, text)                                             \
    do {                                                                                \
        a = good;                                                                       \
        a.field = (value);                                                              \
        lft_fails(t, lfuse_pool2d_##call(t->ctx, &a, &t->err), LFUSE_ERR_##code, text); \
    } while (0)
    BAD(forward, x, NULL, ARGUMENT, "args.x is NULL");
    BAD(forward, y, NULL, ARGUMENT, "args.y is NULL");
    BAD(backward, x, NULL, ARGUMENT, "args.x is NULL");
    BAD(backward, dy, NULL, ARGUMENT, "args.dy is NULL");
    BAD(backward, dx, NULL, ARGUMENT, "args.dx is NULL");
    BAD(forward, batch, 0, ARGUMENT, "args.batch is 0");
    BAD(forward, channels, 0, ARGUMENT, "args.channels is 0");
    BAD(forward, height, -1, ARGUMENT, "args.height is -1");
    BAD(forward, width, 0, ARGUMENT, "args.width is 0");
    BAD(forward, kernel_h, 0, ARGUMENT, "args.kernel_h is 0");
    BAD(forward, kernel_w, -2, ARGUMENT, "args.kernel_w is -2");
    BAD(forward, stride_h, -1, ARGUMENT, "args.stride_h is -1");
    BAD(forward, stride_w, -1, ARGUMENT, "args.stride_w is -1");
    BAD(forward, pad_top, -1, ARGUMENT, "args.pad_top is -1");
    BAD(forward, pad_bottom, 2, ARGUMENT, "args.pad_bottom is 2, the kernel's side 2");
    BAD(forward, pad_left, 2, ARGUMENT, "args.pad_left is 2");
    BAD(forward, pad_right, -3, ARGUMENT, "args.pad_right is -3");
    BAD(forward, pool, 3, ARGUMENT, "args.pool is 3");
    BAD(forward, pool, -1, ARGUMENT, "args.pool is -1");
    BAD(backward, layout, 3, ARGUMENT, "args.layout is 3");
    BAD(backward, layout, -1, ARGUMENT, "args.layout is -1");
    BAD(forward, kernel_h, 9, SHAPE, "height is 9, the image's 8");
    BAD(backward, kernel_w, 9, SHAPE, "width is 9, the image's 8");
    BAD(forward, batch, INT64_MAX / 64, OVERFLOW, "do not fit");
    BAD(backward, channels, INT64_MAX, OVERFLOW, "do not fit");
    BAD(forward, height, INT64_MAX, OVERFLOW, "do not fit");
    a = good;
    a.height = INT64_MAX;
    a.pad_top = 1;
    lft_fails(t, lfuse_pool2d_forward(t->ctx, &a, &t->err), LFUSE_ERR_OVERFLOW,
              "padded height");
    lft_fails(t, lfuse_pool2d_forward(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_pool2d_backward(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    assert_true(y[0] == 7.0f && dx[0] == 7.0f);
}

static void the_average_needs_no_x_backward(void **state)
{
    struct lft *t = *state;
    float dy[16], dx[64];
    lfuse_pool2d_args a = arguments(shapes[0], 1, LFUSE_POOL_AVERAGE, 0);

    a.batch = 1;
    lft_fill(dy, 16, 7);
    a.dy = dy;
    a.dx = dx;
    lft_ok(t, lfuse_pool2d_backward(t->ctx, &a, &t->err));
    assert_true(dx[0] == 0.25f * dy[0]);
}

static void fields_of_a_later_version_are_refused_unless_zero(void **state)
{
    struct {
        lfuse_pool2d_args args;
        int64_t later;
    } newer;
    float x[64] = {0.0f}, y[16];
    struct lft *t = *state;

    newer.args = arguments(shapes[0], 1, 0, 0);
    newer.args.batch = 1;
    newer.args.x = x;
    newer.args.y = y;
    newer.args.struct_size = sizeof(newer);
    newer.later = 0;
    lft_ok(t, lfuse_pool2d_forward(t->ctx, &newer.args, &t->err));
    newer.later = 1;
    lft_fails(t, lfuse_pool2d_forward(t->ctx, &newer.args, &t->err),
              LFUSE_ERR_UNSUPPORTED, "args");
}

static void float_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    uint32_t before = lft_float_control();
    lfuse_pool2d_args a = arguments(shapes[1], 19, LFUSE_POOL_MAX, LFUSE_LAYOUT_NHWC);

    run_guarded(t, t->ctx, &a, 1);
    assert_int_equal(lft_float_control(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(both_pools_are_their_definition_on_every_instruction_set),
        lft_test(zero_means_average_nchw_and_the_kernels_own_stride),
        lft_test(a_constant_image_stays_constant),
        lft_test(equal_values_give_the_gradient_to_the_first),
        lft_test(nan_in_gives_nan_out_and_takes_the_gradient),
        lft_test(gradients_are_the_slopes_of_the_forward_pass),
        lft_test(threads_change_no_bit),
        lft_test(bad_arguments_are_named_and_nothing_is_written),
        lft_test(the_average_needs_no_x_backward),
        lft_test(fields_of_a_later_version_are_refused_unless_zero),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("pool2d", tests, NULL, NULL);
}
