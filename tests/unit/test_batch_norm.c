/*
 * test_batch_norm.c - batch norm: its mathematics, its definition in f64 on every instruction
 * set, PyTorch, differences, threads, errors
 */
#include "batch_norm_definition.h"

#include <string.h>

#include "golden/kernels.h"

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};
static const lfuse_layout layouts[] = {LFUSE_LAYOUT_NCHW, LFUSE_LAYOUT_NHWC};

/* ---- against the definition -------------------------------------------------------------------- */

static void sweep(struct lft *t, lfuse_context *ctx, int64_t batch, int64_t channels,
                  int64_t pixels)
{
    int variant;

    for (variant = 0; variant < 8; variant++) {
        struct norm m;

        make(&m, batch, channels, pixels, layouts[variant % 2],
             (channels + pixels) % 2 != 0 ? lft_guard_start : lft_guard_end);
        m.args.flags = (variant & 2) != 0 ? LFUSE_BATCH_NORM_RELU : 0;
        m.args.residual = (variant & 4) != 0 ? m.residual : NULL;
        if ((variant & 4) == 0)
            m.args.dresidual = NULL;
        run_and_check(t, ctx, &m);
        lft_guard_free();
    }
}

static void all_passes_are_their_definition_on_every_instruction_set(void **state)
{
    const int64_t shapes[][2] = {{2, 1}, {7, 1}, {2, 5}, {1, 64}, {3, 70}, {5, 9}};
    const int64_t channels[] = {1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 48, 64, 65, 80};
    struct lft *t = *state;
    size_t i, s, c;

    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
            for (c = 0; c < sizeof(channels) / sizeof(channels[0]); c++)
                sweep(t, ctx, shapes[s][0], channels[c], shapes[s][1]);
        lfuse_context_destroy(ctx);
    }
}

/* Large enough for several blocks of rows and several tasks, with odd remainders. */
static void threads_change_no_bit(void **state)
{
    const int64_t shapes[][3] = {
        {67, 16, 131}, {700, 3, 90}, {300, 600, 1}, {3, 2, 70001}};
    struct lft *t = *state;
    struct norm first, m;
    int shape, layout, i;
    int32_t threads;

    for (shape = 0; shape < 4; shape++) {
        const int64_t *s = shapes[shape];

        for (layout = 0; layout < 2; layout++) {
            make(&first, s[0], s[1], s[2], layouts[layout], heap);
            first.args.flags = LFUSE_BATCH_NORM_RELU;
            first.args.residual = first.residual;
            run_and_check(t, t->ctx, &first);
            for (threads = 1; threads <= 3; threads++) {
                lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

                make(&m, s[0], s[1], s[2], layouts[layout], heap);
                m.args.flags = LFUSE_BATCH_NORM_RELU;
                m.args.residual = m.residual;
                lft_ok(t, lfuse_batch_norm_training(ctx, &m.args, &t->err));
                lft_ok(t, lfuse_batch_norm_backward(ctx, &m.args, &t->err));
                lfuse_context_destroy(ctx);
                for (i = 0; i < TENSORS + CHANNELS; i++)
                    assert_memory_equal(m.memory[i], first.memory[i],
                                        (size_t)(i < TENSORS ? m.elements : s[1]) *
                                            sizeof(float));
                free_heap(&m);
            }
            free_heap(&first);
        }
    }
}

static void a_large_mean_leaves_the_variance(void **state)
{
    const float means[] = {0.0f, 1000.0f, -30000.0f};
    struct lft *t = *state;
    struct norm m;
    int layout;
    int64_t c, i;

    for (layout = 0; layout < 2; layout++) {
        make(&m, 20, 3, 1000, layouts[layout], heap);
        for (c = 0; c < 3; c++)
            for (i = 0; i < values(&m.args); i++) /* sqrt(3) times uniform: variance 1 */
                m.input[place(&m.args, c, i)] =
                    means[c] + 1.7320508f * m.input[place(&m.args, c, i)];
        run_and_check(t, t->ctx, &m);
        for (c = 0; c < 3; c++)
            check_near((double)m.args.saved_inverse[c], 1.0, 0.02, "about 1");
        free_heap(&m);
    }
}

/* ---- mathematics ------------------------------------------------------------------------------- */

/* y of scale s and shift b has mean b and variance s^2 v / (v + epsilon). y errs by E per
 * element (check_training() bounds it), so mean by E and deviation by E. */
static void training_output_has_mean_shift_and_deviation_scale(void **state)
{
    struct lft *t = *state;
    struct norm m;
    int64_t c, i;

    make(&m, 4, 16, 25, LFUSE_LAYOUT_NHWC, heap);
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    for (c = 0; c < 16; c++) {
        struct moments x = moments_of(&m.args, c);
        double mean = 0.0, square = 0.0, scale = fabs((double)m.args.scale[c]),
               inverse = 1.0 / sqrt(x.variance + 1e-5),
               error = UNIT * (6.0 * (2.0 * scale * inverse * x.range + 1.0) +
                               depth(&m.args) * scale * inverse * x.range *
                                   (1.0 + 3.0 * pow(inverse * x.range, 2.0)));

        for (i = 0; i < 100; i++)
            mean += (double)m.args.y[place(&m.args, c, i)] / 100.0;
        for (i = 0; i < 100; i++)
            square += pow((double)m.args.y[place(&m.args, c, i)] - mean, 2.0) / 100.0;
        check_near(mean, (double)m.args.shift[c], error, "mean of y");
        check_near(sqrt(square), scale * inverse * sqrt(x.variance), 2.0 * error,
                   "deviation of y");
    }
    free_heap(&m);
}

static void running_values_move_by_momentum_to_the_unbiased_variance(void **state)
{
    struct lft *t = *state;
    struct norm m;
    struct moments x;
    double variance, bound;

    make(&m, 2, 1, 5, LFUSE_LAYOUT_NCHW, heap);
    m.args.running_mean[0] = 4.0f;
    m.args.running_variance[0] = 8.0f;
    x = moments_of(&m.args, 0);
    variance = x.variance * 10.0 / 9.0;
    bound = UNIT * (8.0 + 4.0 * depth(&m.args) * (x.range + x.range * x.range));
    m.args.momentum = 0.25;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    check_near((double)m.args.running_mean[0], 3.0 + 0.25 * x.mean, bound, "mean");
    check_near((double)m.args.running_variance[0], 6.0 + 0.25 * variance, bound, "var");
    m.args.momentum = 1.0; /* nothing of the old is left */
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    check_near((double)m.args.running_mean[0], x.mean, bound, "mean");
    m.args.running_mean = m.args.running_variance = NULL;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    free_heap(&m);
}

static void zero_means_the_usual_epsilon_and_momentum(void **state)
{
    struct lft *t = *state;
    struct norm m, same;

    make(&m, 3, 4, 5, 0, heap);
    make(&same, 3, 4, 5, LFUSE_LAYOUT_NCHW, heap);
    same.args.epsilon = 1e-5;
    same.args.momentum = 0.1;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &same.args, &t->err));
    assert_memory_equal(m.args.y, same.args.y, 60 * sizeof(float));
    assert_memory_equal(m.args.running_mean, same.args.running_mean, 4 * sizeof(float));
    free_heap(&m);
    free_heap(&same);
}

static void a_constant_channel_becomes_its_shift(void **state)
{
    struct lft *t = *state;
    struct norm m;
    int64_t i;

    make(&m, 9, 1, 33, LFUSE_LAYOUT_NHWC, heap);
    for (i = 0; i < m.elements; i++)
        m.input[i] = 0.1f;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    for (i = 0; i < m.elements; i++)
        assert_true(m.args.y[i] == m.args.shift[0]);
    free_heap(&m);
}

static void nan_stays_in_its_channel(void **state)
{
    struct lft *t = *state;
    struct norm m;
    int64_t c, i;

    make(&m, 4, 20, 9, LFUSE_LAYOUT_NHWC, heap);
    m.args.flags = LFUSE_BATCH_NORM_RELU;
    m.input[5 * 20 + 7] = NAN;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    for (c = 0; c < 20; c++)
        for (i = 0; i < 36; i++)
            assert_true(!isnan(m.args.y[place(&m.args, c, i)]) == (c != 7));
    assert_true(isnan(m.args.saved_mean[7]) && isnan(m.args.running_variance[7]));
    free_heap(&m);
}

/* ---- in place, accumulation ----------------------------------------------------------------------- */

static void inference_may_write_over_x_and_backward_over_dy(void **state)
{
    struct lft *t = *state;
    struct norm m, apart;

    make(&m, 3, 17, 11, LFUSE_LAYOUT_NHWC, heap);
    make(&apart, 3, 17, 11, LFUSE_LAYOUT_NHWC, heap);
    m.args.y = m.input;
    lft_ok(t, lfuse_batch_norm_inference(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_inference(t->ctx, &apart.args, &t->err));
    assert_memory_equal(m.input, apart.args.y, (size_t)m.elements * sizeof(float));
    free_heap(&m);
    make(&m, 3, 17, 11, LFUSE_LAYOUT_NHWC, heap);
    m.args.flags = apart.args.flags = LFUSE_BATCH_NORM_RELU;
    m.args.dx = m.memory[2];
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_backward(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &apart.args, &t->err));
    lft_ok(t, lfuse_batch_norm_backward(t->ctx, &apart.args, &t->err));
    assert_memory_equal(m.args.dx, apart.args.dx, (size_t)m.elements * sizeof(float));
    free_heap(&m);
    free_heap(&apart);
}

static void accumulate_adds_to_the_parameters_gradients_only(void **state)
{
    struct lft *t = *state;
    struct norm m, fresh;
    int64_t c;

    make(&m, 3, 5, 7, LFUSE_LAYOUT_NCHW, heap);
    make(&fresh, 3, 5, 7, LFUSE_LAYOUT_NCHW, heap);
    m.args.flags = LFUSE_BATCH_NORM_ACCUMULATE;
    for (c = 0; c < 5; c++)
        m.args.dscale[c] = m.args.dshift[c] = 64.0f;
    lft_ok(t, lfuse_batch_norm_backward(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_backward(t->ctx, &fresh.args, &t->err));
    for (c = 0; c < 5; c++) { /* two roundings: of the gradient, of the sum below 128 */
        check_near((double)m.args.dscale[c], 64.0 + (double)fresh.args.dscale[c],
                   2.0 * 128.0 * UNIT, "dscale");
        check_near((double)m.args.dshift[c], 64.0 + (double)fresh.args.dshift[c],
                   2.0 * 128.0 * UNIT, "dshift");
    }
    assert_memory_equal(m.args.dx, fresh.args.dx, (size_t)m.elements * sizeof(float));
    free_heap(&m);
    free_heap(&fresh);
}

/* ---- gradients -------------------------------------------------------------------------------------- */

/* <dy, y> of the definition in f64, with *moved higher by `by`; *kink is the least |y before
 * ReLU|. */
static double loss(const lfuse_batch_norm_args *a, const float *moved, double by,
                   double *kink)
{
    const double n = (double)values(a);
    double total = 0.0;
    int64_t c, i;

#define AT(p) ((double)*(p) + ((p) == moved ? by : 0.0))
    for (c = 0; c < a->channels; c++) {
        double mean = 0.0, variance = 0.0;

        for (i = 0; i < values(a); i++)
            mean += AT(a->x + place(a, c, i)) / n;
        for (i = 0; i < values(a); i++)
            variance += pow(AT(a->x + place(a, c, i)) - mean, 2.0) / n;
        for (i = 0; i < values(a); i++) {
            int64_t at = place(a, c, i);
            double y =
                (AT(a->x + at) - mean) * AT(a->scale + c) / sqrt(variance + epsilon(a)) +
                AT(a->shift + c) + AT(a->residual + at);

            *kink = fabs(y) < *kink ? fabs(y) : *kink;
            total += y > 0.0 ? (double)a->dy[at] * y : 0.0;
        }
    }
#undef AT
    return total;
}

/*
 * The slope across h and across 2 h: h^2 terms are a third of what the two differ by. bound is
 * the kernel's own: (D + 8) u of its terms, and what the statistics' errors move the factor,
 * its cube and x - mean by, at most 5 D u R^2 / variance of those terms.
 */
static void check_slope(const lfuse_batch_norm_args *a, const float *moved, float got,
                        double size)
{
    const double h = 1e-5;
    double kink = INFINITY, near, far, rounding = 64.0 * DBL_EPSILON * 24.0 / h;

    near = (loss(a, moved, h, &kink) - loss(a, moved, -h, &kink)) / (2.0 * h);
    far = (loss(a, moved, 2 * h, &kink) - loss(a, moved, -2 * h, &kink)) / (4.0 * h);
    assert_true(kink > 1e-3); /* else a kink lies within 2 h: another seed is needed */
    check_near((double)got, near, size + fabs(far - near) + rounding, "slope");
}

static void gradients_are_the_slopes_of_the_definition(void **state)
{
    struct lft *t = *state;
    struct norm m;
    int layout;
    int64_t c, i;

    for (layout = 0; layout < 2; layout++) {
        make(&m, 3, 2, 4, layouts[layout], heap);
        m.args.flags = LFUSE_BATCH_NORM_RELU;
        m.args.residual = m.residual;
        lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
        lft_ok(t, lfuse_batch_norm_backward(t->ctx, &m.args, &t->err));
        for (c = 0; c < 2; c++) {
            struct moments x = moments_of(&m.args, c);
            double spread = x.range * x.range / x.variance, sum = 0.0,
                   factor = fabs((double)m.args.scale[c]) / sqrt(x.variance),
                   relative = UNIT * depth(&m.args) * (1.0 + 5.0 * spread) + 8.0 * UNIT;

            for (i = 0; i < 12; i++)
                sum += fabs((double)m.args.dy[place(&m.args, c, i)]);
            check_slope(&m.args, m.args.shift + c, m.args.dshift[c], relative * sum);
            check_slope(&m.args, m.args.scale + c, m.args.dscale[c],
                        relative * sum * sqrt(spread));
            for (i = 0; i < 12; i++) {
                int64_t at = place(&m.args, c, i);

                check_slope(&m.args, m.args.residual + at, m.args.dresidual[at], 0.0);
                check_slope(&m.args, m.args.x + at, m.args.dx[at],
                            relative * factor * (1.0 + sum / 12.0 * (1.0 + spread)));
            }
        }
        free_heap(&m);
    }
}

/* PyTorch in f64, 12 values per channel in [-2, 2]: R^2 / variance is below 16, terms below 8,
 * so the bound above is 8 * (15 u * 81 + 8 u). */
static void a_small_batch_is_pytorchs(void **state)
{
    const double bound = 8.0 * (15.0 * 81.0 + 8.0) * UNIT;
    const struct {
        const double *expected;
        int64_t count;
        int memory;
    } outputs[] = {
        {bn_y, 24, 3},
        {bn_dx, 24, 4},
        {bn_dresidual, 24, 5},
        {bn_dscale, 2, 8},
        {bn_dshift, 2, 9},
        {bn_running_mean, 2, 10},
        {bn_running_variance, 2, 11},
    };
    struct lft *t = *state;
    struct norm m;
    int64_t i;
    size_t o;

    make(&m, 3, 2, 4, LFUSE_LAYOUT_NCHW, heap);
    m.args.x = bn_x;
    m.args.residual = bn_residual;
    m.args.scale = bn_scale;
    m.args.shift = bn_shift;
    m.args.dy = bn_dy;
    m.args.flags = LFUSE_BATCH_NORM_RELU;
    for (i = 0; i < 2; i++) {
        m.args.running_mean[i] = 0.0f;
        m.args.running_variance[i] = 1.0f;
    }
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &m.args, &t->err));
    lft_ok(t, lfuse_batch_norm_backward(t->ctx, &m.args, &t->err));
    for (o = 0; o < sizeof(outputs) / sizeof(outputs[0]); o++)
        for (i = 0; i < outputs[o].count; i++)
            check_near((double)m.memory[outputs[o].memory][i], outputs[o].expected[i],
                       bound, "golden");
    free_heap(&m);
}

/* ---- errors ------------------------------------------------------------------------------------------ */

/* No output differs from what make() filled in. */
static void assert_untouched(const struct norm *m)
{
    int64_t count, i;
    int k;

    for (k = 0; k < TENSORS + CHANNELS; k++) {
        count = k < TENSORS ? m->elements : m->args.channels;
        for (i = 0; i < count && k != 11; i++)
            assert_true(m->memory[k][i] == (float)lft_value((uint64_t)k + 1, i));
    }
}

static void bad_arguments_are_named_and_nothing_is_written(void **state)
{
    struct lft *t = *state;
    lfuse_batch_norm_args a;
    struct norm m;

    make(&m, 2, 3, 4, LFUSE_LAYOUT_NCHW, heap);
#define BAD(call, field, value, code, text)                                          \
    do {                                                                             \
        a = m.args;                                                                  \
        a.flags = LFUSE_BATCH_NORM_RELU;                                             \
        a.field = (value);                                                           \
        lft_fails(t, lfuse_batch_norm_##call(t->ctx, &a, &t->err), LFUSE_ERR_##code, \
                  text);                                                             \
    } while (0)
    BAD(training, x, NULL, ARGUMENT, "args.x is NULL");
    BAD(training, scale, NULL, ARGUMENT, "args.scale is NULL");
    BAD(training, shift, NULL, ARGUMENT, "args.shift is NULL");
    BAD(training, y, NULL, ARGUMENT, "args.y is NULL");
    BAD(training, saved_mean, NULL, ARGUMENT, "args.saved_mean is NULL");
    BAD(training, saved_inverse, NULL, ARGUMENT, "args.saved_inverse is NULL");
    BAD(training, running_mean, NULL, ARGUMENT, "args.running_mean is NULL");
    BAD(training, running_variance, NULL, ARGUMENT, "args.running_variance is NULL");
    BAD(inference, x, NULL, ARGUMENT, "args.x is NULL");
    BAD(inference, scale, NULL, ARGUMENT, "args.scale is NULL");
    BAD(inference, shift, NULL, ARGUMENT, "args.shift is NULL");
    BAD(inference, y, NULL, ARGUMENT, "args.y is NULL");
    BAD(inference, running_mean, NULL, ARGUMENT, "args.running_mean is NULL");
    BAD(backward, x, NULL, ARGUMENT, "args.x is NULL");
    BAD(backward, scale, NULL, ARGUMENT, "args.scale is NULL");
    BAD(backward, dy, NULL, ARGUMENT, "args.dy is NULL");
    BAD(backward, y, NULL, ARGUMENT, "args.y is NULL");
    BAD(backward, dx, NULL, ARGUMENT, "args.dx is NULL");
    BAD(backward, dscale, NULL, ARGUMENT, "args.dscale is NULL");
    BAD(backward, dshift, NULL, ARGUMENT, "args.dshift is NULL");
    BAD(backward, saved_mean, NULL, ARGUMENT, "args.saved_mean is NULL");
    BAD(backward, saved_inverse, NULL, ARGUMENT, "args.saved_inverse is NULL");
    BAD(training, batch, 0, ARGUMENT, "0 images");
    BAD(inference, channels, 0, ARGUMENT, "0 channels");
    BAD(backward, pixels, -1, ARGUMENT, "-1 pixels");
    BAD(training, epsilon, -1e-5, ARGUMENT, "args.epsilon is -1e-05");
    BAD(training, epsilon, (double)NAN, ARGUMENT, "args.epsilon is");
    BAD(training, momentum, -0.1, ARGUMENT, "args.momentum is -0.1");
    BAD(training, momentum, 1.5, ARGUMENT, "args.momentum is 1.5");
    BAD(training, momentum, (double)NAN, ARGUMENT, "args.momentum is");
    BAD(training, layout, 3, ARGUMENT, "args.layout is 3");
    BAD(inference, layout, -1, ARGUMENT, "args.layout is -1");
    BAD(backward, flags, 4, ARGUMENT, "args.flags is 0x4");
    BAD(training, batch, INT64_MAX / 4, OVERFLOW, "do not fit");
    BAD(backward, pixels, INT64_MAX, OVERFLOW, "do not fit");
    a = m.args;
    a.running_mean = a.running_variance = NULL;
    lft_fails(t, lfuse_batch_norm_inference(t->ctx, &a, &t->err), LFUSE_ERR_ARGUMENT,
              "args.running_mean is NULL");
    a = m.args;
    a.batch = a.pixels = 1;
    lft_fails(t, lfuse_batch_norm_training(t->ctx, &a, &t->err), LFUSE_ERR_SHAPE,
              "one value per channel");
    lft_fails(t, lfuse_batch_norm_training(NULL, &a, &t->err), LFUSE_ERR_ARGUMENT, "ctx");
    lft_fails(t, lfuse_batch_norm_inference(NULL, &a, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx");
    lft_fails(t, lfuse_batch_norm_backward(NULL, &a, &t->err), LFUSE_ERR_ARGUMENT, "ctx");
    lft_fails(t, lfuse_batch_norm_backward(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    assert_untouched(&m);
    free_heap(&m);
}

static void fields_of_a_later_version_are_refused_unless_zero(void **state)
{
    struct {
        lfuse_batch_norm_args args;
        int64_t later;
    } newer;
    struct lft *t = *state;
    struct norm m;

    make(&m, 2, 3, 4, LFUSE_LAYOUT_NCHW, heap);
    newer.args = m.args;
    newer.args.struct_size = sizeof(newer);
    newer.later = 0;
    lft_ok(t, lfuse_batch_norm_training(t->ctx, &newer.args, &t->err));
    newer.later = 1;
    lft_fails(t, lfuse_batch_norm_training(t->ctx, &newer.args, &t->err),
              LFUSE_ERR_UNSUPPORTED, "args");
    free_heap(&m);
}

struct refused {
    struct norm norm;
    lfuse_status (*call)(lfuse_context *ctx, const lfuse_batch_norm_args *args,
                         lfuse_error *err);
};

static lfuse_status call_refused(struct lft *t, void *arg)
{
    struct refused *r = arg;
    lfuse_status status = r->call(t->ctx, &r->norm.args, &t->err);

    if (status != LFUSE_OK)
        assert_untouched(&r->norm);
    return status;
}

static void refused_memory_leaves_the_outputs_untouched(void **state)
{
    lfuse_status (*const calls[])(lfuse_context *, const lfuse_batch_norm_args *,
                                  lfuse_error *) = {
        lfuse_batch_norm_training, lfuse_batch_norm_inference, lfuse_batch_norm_backward};
    struct refused r;
    int i;

    for (i = 0; i < 3; i++) {
        make(&r.norm, 2, 3, 4, LFUSE_LAYOUT_NHWC, heap);
        r.call = calls[i];
        lft_every_allocation_fails(*state, call_refused, &r);
        free_heap(&r.norm);
    }
}

static void float_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    uint32_t before = lft_float_control();
    struct norm m;

    make(&m, 5, 17, 9, LFUSE_LAYOUT_NHWC, heap);
    run_and_check(t, t->ctx, &m);
    assert_int_equal(lft_float_control(), before);
    free_heap(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(all_passes_are_their_definition_on_every_instruction_set),
        lft_test(threads_change_no_bit),
        lft_test(a_large_mean_leaves_the_variance),
        lft_test(training_output_has_mean_shift_and_deviation_scale),
        lft_test(running_values_move_by_momentum_to_the_unbiased_variance),
        lft_test(zero_means_the_usual_epsilon_and_momentum),
        lft_test(a_constant_channel_becomes_its_shift),
        lft_test(nan_stays_in_its_channel),
        lft_test(inference_may_write_over_x_and_backward_over_dy),
        lft_test(accumulate_adds_to_the_parameters_gradients_only),
        lft_test(gradients_are_the_slopes_of_the_definition),
        lft_test(a_small_batch_is_pytorchs),
        lft_test(bad_arguments_are_named_and_nothing_is_written),
        lft_test(fields_of_a_later_version_are_refused_unless_zero),
        lft_test(refused_memory_leaves_the_outputs_untouched),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("batch_norm", tests, NULL, NULL);
}
