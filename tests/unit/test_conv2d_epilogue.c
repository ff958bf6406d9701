/* test_conv2d_epilogue.c - what a convolution does behind its sums: bias, scale, shift, ... */
#include "conv2d_problem.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What is given: bits of a set. */
enum { BIAS = 1, SCALE = 2, SHIFT = 4, RESIDUAL = 8, RELU = 16, SETS = 32 };

struct given {
    struct problem p;
    float *scale, *shift, *residual, *sums;
};

/* A problem with its sums already there, taken without anything behind them. */
static struct given give(struct lft *t, lfuse_context *ctx, const struct shape *s,
                         lfuse_layout layout, int set, float *(*place)(int64_t count))
{
    struct given g = {.p = make(s, layout, place)};
    lfuse_conv2d_args plain = g.p.args;

    g.scale = filled(s->out, 21, place);
    g.shift = filled(s->out, 22, place);
    g.residual = filled(g.p.y_count, 23, place);
    g.sums = lft_guard_end(g.p.y_count);
    plain.bias = NULL;
    plain.y = g.sums;
    lft_ok(t, lfuse_conv2d_forward(ctx, &plain, &t->err));
    g.p.args.bias = set & BIAS ? g.p.bias : NULL;
    g.p.args.scale = set & SCALE ? g.scale : NULL;
    g.p.args.shift = set & SHIFT ? g.shift : NULL;
    g.p.args.residual = set & RESIDUAL ? g.residual : NULL;
    g.p.args.flags = set & RELU ? LFUSE_CONV2D_RELU : 0;
    return g;
}

/* Four roundings, each of no more than the sizes of all terms. */
static void check_behind(const struct given *g, size_t shape, int set)
{
    const lfuse_conv2d_args *a = &g->p.args;
    const int64_t pixels = g->p.out_h * g->p.out_w, channels = a->out_channels;
    int64_t i;

    for (i = 0; i < g->p.y_count; i++) {
        int64_t c = a->layout == LFUSE_LAYOUT_NHWC ? i % channels : i / pixels % channels;
        double bias = a->bias == NULL ? 0.0 : (double)a->bias[c];
        double scale = a->scale == NULL ? 1.0 : (double)a->scale[c];
        double shift = a->shift == NULL ? 0.0 : (double)a->shift[c];
        double residual = a->residual == NULL ? 0.0 : (double)a->residual[i];
        double sum = (double)g->sums[i];
        double y = (sum + bias) * scale + shift + residual;
        double size =
            (fabs(sum) + fabs(bias)) * fabs(scale) + fabs(shift) + fabs(residual);

        if (set & RELU && y < 0.0)
            y = 0.0;
        if (!(fabs((double)g->p.y[i] - y) <= 4 * FLT_EPSILON * size))
            fail_msg("shape %zu, set %d: y[%lld] is %g, not %g", shape, set, (long long)i,
                     (double)g->p.y[i], y);
        assert_false(set & RELU && g->p.y[i] < 0.0f);
    }
}

/* All operands end, or start, at a page nobody may touch. */
static void everything_follows_the_sums_on_all_instruction_sets(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i, k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < SHAPES; i++)
            for (k = 0; k < 4; k++) {
                struct given g = give(t, ctx, &shapes[i],
                                      k % 2 == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW,
                                      SETS - 1, k < 2 ? lft_guard_end : lft_guard_start);

                lft_ok(t, lfuse_conv2d_forward(ctx, &g.p.args, &t->err));
                check_behind(&g, i, SETS - 1);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

static void each_part_may_be_left_out(void **state)
{
    static const size_t some[] = {2, 5, 14, 20, 21};
    struct lft *t = *state;
    size_t i;
    int set;

    for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        for (set = 0; set < SETS; set++) {
            struct given g = give(t, t->ctx, &shapes[some[i]],
                                  set % 2 == 0 ? LFUSE_LAYOUT_NCHW : LFUSE_LAYOUT_NHWC,
                                  set, lft_guard_end);

            lft_ok(t, lfuse_conv2d_forward(t->ctx, &g.p.args, &t->err));
            check_behind(&g, some[i], set);
            lft_guard_free();
        }
}

/* By blocks of tiles, whose pixels have all channels; by columns, of which tasks have some. */
static void everything_follows_the_sums_of_winograd_too(void **state)
{
    static const struct shape of[] = {
        {2, 16, 8, 6, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {5, 270, 4, 3, 250, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
        struct given g =
            give(t, t->ctx, &of[i], LFUSE_LAYOUT_NHWC, SETS - 1, lft_guard_end);
        lfuse_conv2d_args plain = g.p.args;

        plain.bias = plain.scale = plain.shift = plain.residual = NULL;
        plain.flags = 0;
        plain.y = g.sums;
        plain.algorithm = g.p.args.algorithm = LFUSE_CONV2D_WINOGRAD;
        lft_ok(t, lfuse_conv2d_forward(t->ctx, &plain, &t->err));
        lft_ok(t, lfuse_conv2d_forward(t->ctx, &g.p.args, &t->err));
        check_behind(&g, i, SETS - 1);
        lft_guard_free();
    }
}

/* One image is cut into bands, of which the last has fewer rows. */
static const struct shape bands[] = {
    {1, 16, 31, 30, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {1, 24, 33, 32, 40, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1},
    {2, 64, 23, 23, 96, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    {1, 40, 90, 80, 8, 5, 3, 1, 1, 4, 0, 1, 1, 2, 1, 1}, /* more than the cache takes */
};

static void bands_and_threads_change_no_bit(void **state)
{
    struct lft *t = *state;
    lfuse_context *ctx = lft_context(t, 3, LFUSE_ISA_BEST);
    size_t i, k;

    for (i = 0; i < sizeof(bands) / sizeof(bands[0]); i++)
        for (k = 0; k < 2; k++) {
            lfuse_layout layout = k == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW;
            struct given g = give(t, t->ctx, &bands[i], layout, SETS - 1, lft_guard_end);
            float *y = lft_guard_end(g.p.y_count);

            lft_ok(t, lfuse_conv2d_forward(t->ctx, &g.p.args, &t->err));
            check_behind(&g, i, SETS - 1);
            memcpy(y, g.p.y, (size_t)g.p.y_count * sizeof(float));
            lft_ok(t, lfuse_conv2d_forward(ctx, &g.p.args, &t->err));
            assert_memory_equal(y, g.p.y, (size_t)g.p.y_count * sizeof(float));
            lft_guard_free();
        }
    lfuse_context_destroy(ctx);
}

/* Both ways are the same numbers up to the roundings of scale and shift: two more. */
static void a_batch_norm_of_fixed_statistics_is_a_scale_and_a_shift(void **state)
{
    struct lft *t = *state;
    struct given g =
        give(t, t->ctx, &shapes[3], LFUSE_LAYOUT_NHWC, RESIDUAL | RELU, lft_guard_end);
    const int64_t channels = g.p.args.out_channels;
    float *mean = filled(channels, 31, lft_guard_end);
    float *variance = filled(channels, 32, lft_guard_end);
    float *y = lft_guard_end(g.p.y_count);
    lfuse_batch_norm_args norm;
    int64_t i;

    lfuse_batch_norm_args_init(&norm, sizeof(norm));
    norm.x = g.sums;
    norm.scale = g.scale;
    norm.shift = g.shift;
    norm.residual = g.residual;
    norm.y = y;
    norm.running_mean = mean;
    norm.running_variance = variance;
    norm.batch = g.p.args.batch;
    norm.channels = channels;
    norm.pixels = g.p.out_h * g.p.out_w;
    norm.layout = LFUSE_LAYOUT_NHWC;
    norm.flags = LFUSE_BATCH_NORM_RELU;
    for (i = 0; i < channels; i++)
        variance[i] = fabsf(variance[i]) + 0.5f;
    lft_ok(t, lfuse_batch_norm_inference(t->ctx, &norm, &t->err));
    for (i = 0; i < channels; i++) {
        double factor = (double)g.scale[i] / sqrt((double)variance[i] + 1e-5);

        g.shift[i] = (float)((double)g.shift[i] - (double)mean[i] * factor);
        g.scale[i] = (float)factor;
    }
    g.p.args.scale = g.scale;
    g.p.args.shift = g.shift;
    lft_ok(t, lfuse_conv2d_forward(t->ctx, &g.p.args, &t->err));
    for (i = 0; i < g.p.y_count; i++) {
        double scale = fabs((double)g.scale[i % channels]);
        double size = (fabs((double)g.sums[i]) + 1.0) * scale +
                      fabs((double)g.shift[i % channels]) + 1.0;

        assert_true(fabs((double)g.p.y[i] - (double)y[i]) <= 8 * FLT_EPSILON * size);
    }
    lft_guard_free();
}

static void backward_passes_look_at_none_of_it(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[2], LFUSE_LAYOUT_NHWC, lft_guard_end);
    struct problem q = make(&shapes[2], LFUSE_LAYOUT_NHWC, lft_guard_end);

    q.args.scale = q.args.shift = q.args.residual = lft_guard_end(0);
    q.args.flags = LFUSE_CONV2D_RELU;
    lft_ok(t, lfuse_conv2d_backward_data(t->ctx, &p.args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_weights(t->ctx, &p.args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_data(t->ctx, &q.args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_weights(t->ctx, &q.args, &t->err));
    assert_memory_equal(p.dx, q.dx, (size_t)p.x_count * sizeof(float));
    assert_memory_equal(p.dw, q.dw, (size_t)p.w_count * sizeof(float));
    lft_guard_free();
}

static void assert_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        assert_true(p->y[i] == (float)lft_value(5, i));
}

static void adding_to_y_and_more_is_refused(void **state)
{
    struct lft *t = *state;
    int set;

    for (set = SCALE; set <= RELU; set *= 2) {
        struct given g =
            give(t, t->ctx, &shapes[10], LFUSE_LAYOUT_NHWC, set, lft_guard_end);

        g.p.args.flags |= LFUSE_CONV2D_ACCUMULATE;
        lft_fails(t, lfuse_conv2d_forward(t->ctx, &g.p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "ask to accumulate");
        assert_untouched(&g.p);
        lft_guard_free();
    }
}

static void a_residual_that_overlaps_y_is_refused(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);

    p.args.residual = p.y;
    lft_fails(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.residual overlaps y");
    p.args.residual = p.y + p.y_count - 1;
    lft_fails(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.residual overlaps y");
    p.args.residual = p.y - p.y_count + 1;
    lft_fails(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.residual overlaps y");
    assert_untouched(&p);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(everything_follows_the_sums_on_all_instruction_sets),
        lft_test(each_part_may_be_left_out),
        lft_test(everything_follows_the_sums_of_winograd_too),
        lft_test(bands_and_threads_change_no_bit),
        lft_test(a_batch_norm_of_fixed_statistics_is_a_scale_and_a_shift),
        lft_test(backward_passes_look_at_none_of_it),
        lft_test(adding_to_y_and_more_is_refused),
        lft_test(a_residual_that_overlaps_y_is_refused),
    };

    return cmocka_run_group_tests_name("conv2d_epilogue", tests, NULL, NULL);
}
