/* test_conv2d.c - the three directions of a convolution, against a naive one in f64 */
#include "conv2d_problem.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- the naive convolution ------------------------------------------------------------- */

/* A sum, and the sum of its terms' sizes. */
struct sum {
    double value, size;
};

struct reference {
    struct sum *y, *dx, *dw, *dbias;
};

static void add(struct sum *sum, double term)
{
    sum->value += term;
    sum->size += fabs(term);
}

static int64_t place_of(const struct problem *p, int64_t n, int64_t c, int64_t h,
                        int64_t w, int64_t channels, int64_t height, int64_t width)
{
    return p->args.layout == LFUSE_LAYOUT_NHWC
               ? ((n * height + h) * width + w) * channels + c
               : ((n * channels + c) * height + h) * width + w;
}

/* All products of one output element: one sum of y, and one term in many of dx and dw. */
static void add_products(const struct problem *p, const struct reference *r, int64_t n,
                         int64_t o, int64_t oy, int64_t ox)
{
    const lfuse_conv2d_args *a = &p->args;
    const int64_t ins = a->in_channels / a->groups, outs = a->out_channels / a->groups;
    const int64_t y = place_of(p, n, o, oy, ox, a->out_channels, p->out_h, p->out_w);
    int64_t i, ky, kx;

    add(&r->dbias[o], (double)p->dy[y]);
    for (i = 0; i < ins; i++)
        for (ky = 0; ky < a->kernel_h; ky++)
            for (kx = 0; kx < a->kernel_w; kx++) {
                int64_t iy = oy * a->stride_h + (ky == 0 ? 0 : ky * a->dilation_h);
                int64_t ix = ox * a->stride_w + (kx == 0 ? 0 : kx * a->dilation_w);
                int64_t w = ((o * ins + i) * a->kernel_h + ky) * a->kernel_w + kx, x;

                iy -= a->pad_top;
                ix -= a->pad_left;
                if (iy < 0 || iy >= a->height || ix < 0 || ix >= a->width)
                    continue;
                x = place_of(p, n, o / outs * ins + i, iy, ix, a->in_channels, a->height,
                             a->width);
                add(&r->y[y], (double)p->x[x] * (double)p->w[w]);
                add(&r->dx[x], (double)p->dy[y] * (double)p->w[w]);
                add(&r->dw[w], (double)p->dy[y] * (double)p->x[x]);
            }
}

static struct sum *sums(int64_t count)
{
    struct sum *s = calloc((size_t)count, sizeof(*s));

    assert_non_null(s);
    return s;
}

static struct reference refer(const struct problem *p)
{
    const struct reference r = {sums(p->y_count), sums(p->x_count), sums(p->w_count),
                                sums(p->args.out_channels)};
    int64_t n, o, oy, ox;

    for (n = 0; n < p->args.batch; n++)
        for (o = 0; o < p->args.out_channels; o++)
            for (oy = 0; oy < p->out_h; oy++)
                for (ox = 0; ox < p->out_w; ox++)
                    add_products(p, &r, n, o, oy, ox);
    return r;
}

static void release(struct reference *r)
{
    free(r->y);
    free(r->dx);
    free(r->dw);
    free(r->dbias);
}

/* Of k products and their sum, the bias and the old value: |error| <= (k + 2) eps sum |terms|. */
static void check(const char *what, size_t shape, const float *got, const struct sum *sum,
                  int64_t count, int64_t terms, uint64_t old)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        struct sum s = sum[i];

        if (old != 0)
            add(&s, lft_value(old, i));
        if (!(fabs((double)got[i] - s.value) <=
              (double)(terms + 2) * FLT_EPSILON * s.size))
            fail_msg("shape %zu: %s[%lld] is %g, not %g", shape, what, (long long)i,
                     (double)got[i], s.value);
    }
}

static void add_bias(const struct problem *p, struct reference *r)
{
    const int64_t pixels = p->out_h * p->out_w, channels = p->args.out_channels;
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        add(&r->y[i],
            (double)p->bias[p->args.layout == LFUSE_LAYOUT_NHWC ? i % channels
                                                                : i / pixels % channels]);
}

static void check_all(const struct problem *p, size_t shape)
{
    const lfuse_conv2d_args *a = &p->args;
    const bool old = (a->flags & LFUSE_CONV2D_ACCUMULATE) != 0;
    const int64_t area = a->kernel_h * a->kernel_w;
    const int64_t pixels = a->batch * p->out_h * p->out_w;
    struct reference r = refer(p);

    if (a->bias != NULL)
        add_bias(p, &r);
    check("y", shape, p->y, r.y, p->y_count, a->in_channels / a->groups * area,
          old ? 5 : 0);
    check("dx", shape, p->dx, r.dx, p->x_count, a->out_channels / a->groups * area,
          old ? 6 : 0);
    check("dw", shape, p->dw, r.dw, p->w_count, pixels, old ? 7 : 0);
    if (a->dbias != NULL)
        check("dbias", shape, p->dbias, r.dbias, a->out_channels, pixels, old ? 8 : 0);
    release(&r);
}

/* ---- the tests ------------------------------------------------------------------------- */

/* Also: operands end, or start, at a page nobody may touch, and most are aligned to 4 bytes
 * only. Odd shapes run without bias, half of all add to what is there. */
static void every_direction_is_its_sum_on_all_instruction_sets(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i, k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < SHAPES; i++)
            for (k = 0; k < 4; k++) {
                struct problem p =
                    make(&shapes[i], k % 2 == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW,
                         k < 2 ? lft_guard_end : lft_guard_start);

                if (i % 2 != 0)
                    p.args.bias = p.args.dbias = NULL;
                p.args.flags = k < 2 ? 0 : LFUSE_CONV2D_ACCUMULATE;
                run(t, ctx, &p);
                check_all(&p, i);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

/* All tails of a vector, with a group for each channel and with groups of two. */
static void every_number_of_channels_goes_channel_by_channel(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    int64_t groups;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (groups = 2; groups <= 35; groups++) {
            const int64_t each = groups % 2 + 1, channels = groups * each;
            const struct shape s = {2, channels, 4, 14, channels, 3, 3, 1,
                                    1, 1,        1, 1,  1,        1, 1, groups};
            struct problem p = make(&s, LFUSE_LAYOUT_NHWC,
                                    groups % 3 == 0 ? lft_guard_start : lft_guard_end);

            p.args.flags = groups % 4 < 2 ? 0 : LFUSE_CONV2D_ACCUMULATE;
            run(t, ctx, &p);
            check_all(&p, (size_t)groups);
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

static double inner(const float *a, const float *b, int64_t count)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Without a bias, <y, dy> = <x, dx> = <w, dw>: the same products summed in three orders. Each
 * f32 sum is within k eps of its own terms, so the two sides are within the sum of both k. */
static void the_directions_are_adjoint(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < SHAPES; i++) {
        struct problem p = make(&shapes[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        const lfuse_conv2d_args *a = &p.args;
        const int64_t channels = (a->in_channels + a->out_channels) / a->groups;
        const double k =
            (double)(channels * a->kernel_h * a->kernel_w + a->batch * p.out_h * p.out_w);
        double forward, size = 0.0;
        struct reference r;
        int64_t e;

        p.args.bias = NULL;
        run(t, t->ctx, &p);
        forward = inner(p.y, p.dy, p.y_count);
        r = refer(&p);
        for (e = 0; e < p.y_count; e++)
            size += fabs((double)p.dy[e]) * r.y[e].size;
        assert_true(fabs(forward - inner(p.x, p.dx, p.x_count)) <=
                    k * FLT_EPSILON * size);
        assert_true(fabs(forward - inner(p.w, p.dw, p.w_count)) <=
                    k * FLT_EPSILON * size);
        release(&r);
        lft_guard_free();
    }
}

/* sum of y * dy in f64 with one value of data moved by step */
static double moved(struct problem *p, float *data, float step)
{
    const float kept = *data;
    struct reference r;
    double loss = 0.0;
    int64_t i;

    *data = kept + step;
    r = refer(p);
    add_bias(p, &r);
    for (i = 0; i < p->y_count; i++)
        loss += r.y[i].value * (double)p->dy[i];
    release(&r);
    *data = kept;
    return loss;
}

/* The loss is linear in each value, so a central difference is exact but for f64 rounding,
 * which is far below the (k + 2) eps of the f32 sum; steps of 1/4 are exact on 16-bit
 * fractions. size: every term of a gradient is a product of two numbers below 1. */
static void check_gradient(struct problem *p, float *data, const float *gradient,
                           int64_t count, int64_t terms)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        double difference =
            (moved(p, data + i, 0.25f) - moved(p, data + i, -0.25f)) / 0.5;

        assert_true(fabs(difference - (double)gradient[i]) <=
                    (double)(terms + 2) * FLT_EPSILON * (double)terms);
    }
}

static void gradients_are_central_differences(void **state)
{
    static const struct shape s = {2, 2, 5, 4, 4, 3, 2, 2, 1, 1, 0, 0, 2, 1, 2, 2};
    struct lft *t = *state;
    struct problem p = make(&s, LFUSE_LAYOUT_NCHW, lft_guard_end);

    run(t, t->ctx, &p);
    check_gradient(&p, p.x, p.dx, p.x_count, 2 * 6);
    check_gradient(&p, p.w, p.dw, p.w_count, 2 * p.out_h * p.out_w);
    check_gradient(&p, p.bias, p.dbias, 4, 2 * p.out_h * p.out_w);
    lft_guard_free();
}

static void assert_same_outputs(const struct problem *a, const struct problem *b)
{
    assert_memory_equal(a->y, b->y, (size_t)a->y_count * sizeof(float));
    assert_memory_equal(a->dx, b->dx, (size_t)a->x_count * sizeof(float));
    assert_memory_equal(a->dw, b->dw, (size_t)a->w_count * sizeof(float));
    assert_memory_equal(a->dbias, b->dbias, (size_t)a->args.out_channels * sizeof(float));
}

static void threads_do_not_change_a_bit(void **state)
{
    struct lft *t = *state;
    int32_t threads;
    size_t i, k;

    for (threads = 2; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        for (i = 0; i < SHAPES; i++)
            for (k = 0; k < 2; k++) {
                lfuse_layout layout = k == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW;
                struct problem p = make(&shapes[i], layout, lft_guard_end);
                struct problem q = make(&shapes[i], layout, lft_guard_end);

                run(t, t->ctx, &p);
                run(t, ctx, &q);
                assert_same_outputs(&p, &q);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

/* The workspace is exactly as large as asked for, and ends at a guard page. */
static void a_workspace_changes_no_bit_and_saves_all_allocations(void **state)
{
    struct lft *t = *state;
    lfuse_context *ctx = lft_context(t, 2, LFUSE_ISA_BEST);
    size_t i, bytes;

    for (i = 0; i < SHAPES; i++) {
        lfuse_layout layout = i % 2 == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW;
        struct problem p = make(&shapes[i], layout, lft_guard_end);
        struct problem q = make(&shapes[i], layout, lft_guard_end);
        int64_t allocations;

        lft_ok(t, lfuse_conv2d_workspace(ctx, &q.args, &bytes, &t->err));
        assert_int_equal(bytes % 64, 0);
        q.args.workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
        q.args.workspace_bytes = bytes;
        memset(q.args.workspace, 0xa5, bytes);
        run(t, ctx, &p);
        allocations = t->memory.allocations;
        run(t, ctx, &q);
        assert_int_equal(t->memory.allocations, allocations);
        assert_same_outputs(&p, &q);
        lft_guard_free();
    }
    lfuse_context_destroy(ctx);
}

/* Both layouts run the same products in the same order. */
static void layouts_agree_in_every_bit(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);
    struct problem q = make(&shapes[10], LFUSE_LAYOUT_NCHW, lft_guard_end);
    int64_t n, c, y, x;

    for (n = 0; n < p.args.batch; n++)
        for (c = 0; c < p.args.in_channels; c++)
            for (y = 0; y < p.args.height; y++)
                for (x = 0; x < p.args.width; x++)
                    q.x[place_of(&q, n, c, y, x, q.args.in_channels, q.args.height,
                                 q.args.width)] =
                        p.x[place_of(&p, n, c, y, x, p.args.in_channels, p.args.height,
                                     p.args.width)];
    run(t, t->ctx, &p);
    run(t, t->ctx, &q);
    for (n = 0; n < p.args.batch; n++)
        for (c = 0; c < p.args.out_channels; c++)
            for (y = 0; y < p.out_h; y++)
                for (x = 0; x < p.out_w; x++)
                    assert_memory_equal(&p.y[place_of(&p, n, c, y, x, p.args.out_channels,
                                                      p.out_h, p.out_w)],
                                        &q.y[place_of(&q, n, c, y, x, q.args.out_channels,
                                                      q.out_h, q.out_w)],
                                        sizeof(float));
    lft_guard_free();
}

static void nan_in_gives_nan_out_and_only_where_it_is_read(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[1], LFUSE_LAYOUT_NHWC, lft_guard_end);
    int64_t y, x, i;

    p.x[(5 * 12 + 6) * 16 + 3] = NAN; /* image 0, pixel (5, 6) */
    lft_ok(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err));
    for (y = 0; y < 12; y++)
        for (x = 0; x < 12; x++)
            for (i = 0; i < 16; i++)
                assert_int_equal(isnan(p.y[(y * 12 + x) * 16 + i]) != 0,
                                 y >= 4 && y <= 6 && x >= 5 && x <= 7);
    lft_guard_free();
}

static void floating_point_settings_stay(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[2], LFUSE_LAYOUT_NCHW, lft_guard_end);
    const uint32_t control = lft_float_control();

    run(t, t->ctx, &p);
    assert_int_equal(lft_float_control(), control);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_direction_is_its_sum_on_all_instruction_sets),
        lft_test(every_number_of_channels_goes_channel_by_channel),
        lft_test(the_directions_are_adjoint),
        lft_test(gradients_are_central_differences),
        lft_test(threads_do_not_change_a_bit),
        lft_test(a_workspace_changes_no_bit_and_saves_all_allocations),
        lft_test(layouts_agree_in_every_bit),
        lft_test(nan_in_gives_nan_out_and_only_where_it_is_read),
        lft_test(floating_point_settings_stay),
    };

    return cmocka_run_group_tests_name("conv2d", tests, NULL, NULL);
}
