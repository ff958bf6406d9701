/* test_conv2d.c - the three directions of a convolution, against a naive one in f64 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- a problem: shapes and operands ---------------------------------------------------- */

struct shape {
    int64_t batch, in, height, width, out, kernel_h, kernel_w, stride_h, stride_w;
    int64_t top, bottom, left, right, dilation_h, dilation_w, groups;
};

static const struct shape shapes[] = {
    /* the layers of a small ResNet, few images */
    {3, 3, 32, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 12, 12, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 12, 12, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1},
    {5, 32, 8, 8, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {3, 64, 4, 4, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    /* 1 x 1, with and without a stride; the kernel is the image */
    {2, 17, 6, 5, 33, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    {2, 16, 7, 6, 8, 1, 1, 2, 2, 0, 0, 0, 0, 1, 1, 1},
    {3, 5, 4, 6, 7, 4, 6, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    {40, 1, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    /* strides of 2 and 3, beyond the kernel and beyond the image; padding on one side */
    {2, 3, 11, 10, 17, 3, 3, 3, 3, 1, 0, 2, 0, 1, 1, 1},
    {2, 2, 9, 9, 3, 2, 2, 3, 3, 0, 0, 0, 0, 1, 1, 1},
    {2, 2, 9, 9, 3, 1, 1, 3, 2, 0, 3, 0, 2, 1, 1, 1},
    {2, 3, 5, 6, 4, 3, 2, 100, 200, 1, 0, 0, 1, 1, 1, 1},
    {2, 3, 7, 8, 4, 5, 3, 1, 2, 4, 3, 5, 1, 1, 1, 1},
    /* more padding than kernel: rows of zeros */
    {1, 2, 3, 3, 2, 2, 2, 2, 1, 3, 4, 5, 6, 1, 1, 1},
    /* dilation, with strides that share a divisor with it and strides that do not */
    {2, 4, 9, 9, 5, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1},
    {2, 3, 12, 13, 5, 3, 3, 2, 2, 2, 1, 0, 2, 2, 2, 1},
    {2, 3, 12, 13, 5, 3, 3, 2, 3, 3, 0, 1, 2, 3, 2, 1},
    {1, 2, 13, 13, 3, 2, 4, 4, 4, 0, 0, 3, 0, 6, 2, 1},
    {1, 1, 9, 9, 1, 1, 3, 1, 1, 0, 0, 0, 0, INT64_MAX, 4, 1},
    /* groups and depthwise */
    {2, 6, 7, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},
    {2, 8, 6, 7, 8, 3, 3, 2, 2, 1, 0, 1, 0, 1, 1, 8},
    {2, 3, 6, 7, 9, 3, 2, 1, 2, 1, 0, 1, 0, 2, 1, 3},
    {2, 48, 5, 5, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 2},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct problem {
    lfuse_conv2d_args args;
    int64_t out_h, out_w, x_count, w_count, y_count;
    float *x, *w, *bias, *dy, *y, *dx, *dw, *dbias; /* args' arrays, writable */
};

static float *filled(int64_t count, uint64_t seed, float *(*place)(int64_t count))
{
    float *data = place(count);
    int64_t i;

    for (i = 0; i < count; i++)
        data[i] = (float)lft_value(seed, i);
    return data;
}

static lfuse_conv2d_args args_of(const struct shape *s, lfuse_layout layout)
{
    lfuse_conv2d_args a;

    lfuse_conv2d_args_init(&a, sizeof(a));
    a.batch = s->batch;
    a.in_channels = s->in;
    a.height = s->height;
    a.width = s->width;
    a.out_channels = s->out;
    a.kernel_h = s->kernel_h;
    a.kernel_w = s->kernel_w;
    a.stride_h = s->stride_h;
    a.stride_w = s->stride_w;
    a.pad_top = s->top;
    a.pad_bottom = s->bottom;
    a.pad_left = s->left;
    a.pad_right = s->right;
    a.dilation_h = s->dilation_h;
    a.dilation_w = s->dilation_w;
    a.groups = s->groups;
    a.layout = layout;
    return a;
}

static int64_t output_size(int64_t padded, int64_t kernel, int64_t stride,
                           int64_t dilation)
{
    return (padded - (kernel == 1 ? 0 : dilation * (kernel - 1)) - 1) / stride + 1;
}

/* Arrays at guard pages, their other end free. Release with lft_guard_free(). */
static struct problem make(const struct shape *s, lfuse_layout layout,
                           float *(*place)(int64_t count))
{
    struct problem p;

    p.args = args_of(s, layout);
    p.out_h = output_size(s->height + s->top + s->bottom, s->kernel_h, s->stride_h,
                          s->dilation_h);
    p.out_w = output_size(s->width + s->left + s->right, s->kernel_w, s->stride_w,
                          s->dilation_w);
    p.x_count = s->batch * s->in * s->height * s->width;
    p.w_count = s->out * (s->in / s->groups) * s->kernel_h * s->kernel_w;
    p.y_count = s->batch * s->out * p.out_h * p.out_w;
    p.args.x = p.x = filled(p.x_count, 1, place);
    p.args.w = p.w = filled(p.w_count, 2, place);
    p.args.bias = p.bias = filled(s->out, 3, place);
    p.args.dy = p.dy = filled(p.y_count, 4, place);
    p.args.y = p.y = filled(p.y_count, 5, place);
    p.args.dx = p.dx = filled(p.x_count, 6, place);
    p.args.dw = p.dw = filled(p.w_count, 7, place);
    p.args.dbias = p.dbias = filled(s->out, 8, place);
    return p;
}

static void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_conv2d_forward(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_data(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_weights(ctx, &p->args, &t->err));
}

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

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_conv2d_args *,
                                  lfuse_error *);

static lfuse_status workspace_of(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                 lfuse_error *err)
{
    size_t bytes = 42;
    lfuse_status status = lfuse_conv2d_workspace(ctx, args, &bytes, err);

    assert_true(status == LFUSE_OK || bytes == 42);
    return status;
}

static const direction directions[] = {lfuse_conv2d_forward, lfuse_conv2d_backward_data,
                                       lfuse_conv2d_backward_weights, workspace_of};

struct call {
    direction direction;
    const lfuse_conv2d_args *args;
};

static lfuse_status run_call(struct lft *t, void *arg)
{
    const struct call *call = arg;

    return call->direction(t->ctx, call->args, &t->err);
}

static void assert_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        assert_true(p->y[i] == (float)lft_value(5, i));
    for (i = 0; i < p->x_count; i++)
        assert_true(p->dx[i] == (float)lft_value(6, i));
    for (i = 0; i < p->w_count; i++)
        assert_true(p->dw[i] == (float)lft_value(7, i));
    for (i = 0; i < p->args.out_channels; i++)
        assert_true(p->dbias[i] == (float)lft_value(8, i));
}

static void a_refused_workspace_leaves_nothing_behind(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[2], LFUSE_LAYOUT_NCHW, lft_guard_end);
    int d;

    for (d = 0; d < 3; d++) {
        struct call call = {directions[d], &p.args};

        t->memory.fail_at = t->memory.allocations;
        lft_fails(t, run_call(t, &call), LFUSE_ERR_NO_MEMORY, "the workspace");
        t->memory.fail_at = -1;
    }
    assert_untouched(&p);
    for (d = 0; d < 3; d++) {
        struct call call = {directions[d], &p.args};

        lft_every_allocation_fails(t, run_call, &call);
    }
    lft_guard_free();
}

/* Runs a copy of p's args with one field changed. */
#define FAILS(DIRECTION, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                                 \
        lfuse_conv2d_args args = p.args;                                 \
        args.FIELD = VALUE;                                              \
        lft_fails(t, (DIRECTION)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)

static void every_missing_operand_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);

    FAILS(lfuse_conv2d_forward, x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(lfuse_conv2d_forward, w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(lfuse_conv2d_forward, y, NULL, LFUSE_ERR_ARGUMENT, "args.y is NULL");
    FAILS(lfuse_conv2d_backward_data, dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(lfuse_conv2d_backward_data, w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(lfuse_conv2d_backward_data, dx, NULL, LFUSE_ERR_ARGUMENT, "args.dx is NULL");
    FAILS(lfuse_conv2d_backward_weights, dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(lfuse_conv2d_backward_weights, x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(lfuse_conv2d_backward_weights, dw, NULL, LFUSE_ERR_ARGUMENT, "args.dw is NULL");
    lft_fails(t, lfuse_conv2d_workspace(t->ctx, &p.args, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "bytes is NULL");
    assert_untouched(&p);
    lft_guard_free();
}

static void every_wrong_number_is_told_by_all_directions(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);
    struct {
        lfuse_conv2d_args args;
        uint64_t more;
    } newer;
    int d;

    for (d = 0; d < 4; d++) {
        const direction call = directions[d];

        FAILS(call, batch, 0, LFUSE_ERR_ARGUMENT, "args.batch is 0");
        FAILS(call, in_channels, 0, LFUSE_ERR_ARGUMENT, "args.in_channels is 0");
        FAILS(call, height, -3, LFUSE_ERR_ARGUMENT, "args.height is -3");
        FAILS(call, width, 0, LFUSE_ERR_ARGUMENT, "args.width is 0");
        FAILS(call, out_channels, 0, LFUSE_ERR_ARGUMENT, "args.out_channels is 0");
        FAILS(call, kernel_h, 0, LFUSE_ERR_ARGUMENT, "args.kernel_h is 0");
        FAILS(call, kernel_w, 0, LFUSE_ERR_ARGUMENT, "args.kernel_w is 0");
        FAILS(call, stride_h, -1, LFUSE_ERR_ARGUMENT, "args.stride_h is -1");
        FAILS(call, stride_w, -1, LFUSE_ERR_ARGUMENT, "args.stride_w is -1");
        FAILS(call, pad_top, -1, LFUSE_ERR_ARGUMENT, "args.pad_top is -1");
        FAILS(call, pad_bottom, -1, LFUSE_ERR_ARGUMENT, "args.pad_bottom is -1");
        FAILS(call, pad_left, -1, LFUSE_ERR_ARGUMENT, "args.pad_left is -1");
        FAILS(call, pad_right, -1, LFUSE_ERR_ARGUMENT, "args.pad_right is -1");
        FAILS(call, dilation_h, -1, LFUSE_ERR_ARGUMENT, "args.dilation_h is -1");
        FAILS(call, dilation_w, -1, LFUSE_ERR_ARGUMENT, "args.dilation_w is -1");
        FAILS(call, groups, -1, LFUSE_ERR_ARGUMENT, "args.groups is -1");
        FAILS(call, layout, 3, LFUSE_ERR_ARGUMENT, "args.layout is 3");
        FAILS(call, layout, -1, LFUSE_ERR_ARGUMENT, "args.layout is -1");
        FAILS(call, flags, 6, LFUSE_ERR_ARGUMENT, "0x6");
        FAILS(call, groups, 2, LFUSE_ERR_SHAPE, "2 groups do not divide 2 and 3");
        FAILS(call, kernel_h, 10, LFUSE_ERR_SHAPE, "kernel_h is 10");
        FAILS(call, kernel_w, 10, LFUSE_ERR_SHAPE, "the padded width is 9");
        FAILS(call, dilation_h, 9, LFUSE_ERR_SHAPE, "with dilation 9");
        FAILS(call, dilation_w, INT64_MAX, LFUSE_ERR_SHAPE, "kernel_w is 2");
        FAILS(call, pad_top, INT64_MAX, LFUSE_ERR_OVERFLOW, "the padded height");
        FAILS(call, pad_right, INT64_MAX, LFUSE_ERR_OVERFLOW, "the padded width");
        FAILS(call, batch, INT64_MAX / 9, LFUSE_ERR_OVERFLOW, "x of");
        FAILS(call, out_channels, INT64_MAX / 9, LFUSE_ERR_OVERFLOW, "w of");
        FAILS(call, out_channels, INT64_MAX / 64, LFUSE_ERR_OVERFLOW, "y of");
        FAILS(call, pad_left, INT64_MAX / 16, LFUSE_ERR_OVERFLOW, "elements");
        FAILS(call, struct_size, 7, LFUSE_ERR_ARGUMENT, "struct_size 7");
        lft_fails(t, call(NULL, &p.args, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
        lft_fails(t, call(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT, "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, call(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED, "args");
    }
    assert_untouched(&p);
    lft_guard_free();
}

static void a_workspace_too_small_or_askew_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NCHW, lft_guard_end);
    char *space = (char *)lft_guard_start(1 << 20);
    int d;

    p.args.workspace_bytes = 63;
    for (d = 0; d < 3; d++) {
        FAILS(directions[d], workspace, space, LFUSE_ERR_ARGUMENT, "has 63 bytes of");
        p.args.workspace_bytes = 1 << 20;
        FAILS(directions[d], workspace, space + 4, LFUSE_ERR_ARGUMENT,
              "not aligned to 64");
        p.args.workspace_bytes = 63;
    }
    assert_untouched(&p);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_direction_is_its_sum_on_all_instruction_sets),
        lft_test(the_directions_are_adjoint),
        lft_test(gradients_are_central_differences),
        lft_test(threads_do_not_change_a_bit),
        lft_test(a_workspace_changes_no_bit_and_saves_all_allocations),
        lft_test(layouts_agree_in_every_bit),
        lft_test(nan_in_gives_nan_out_and_only_where_it_is_read),
        lft_test(floating_point_settings_stay),
        lft_test(a_refused_workspace_leaves_nothing_behind),
        lft_test(every_missing_operand_is_told),
        lft_test(every_wrong_number_is_told_by_all_directions),
        lft_test(a_workspace_too_small_or_askew_is_told),
    };

    return cmocka_run_group_tests_name("conv2d", tests, NULL, NULL);
}
