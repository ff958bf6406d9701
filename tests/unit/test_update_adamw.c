/* test_update_adamw.c - AdamW: against its formula in f64, PyTorch, and every instruction set */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden/kernels.h"

enum { MANY = 200000, MOST = 70 };

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

/* Numbers that f32 holds exactly, but for those that are divided by the corrections. */
static lfuse_adamw_args arguments(float *value, const float *gradient, float *first,
                                  float *second, int64_t count)
{
    lfuse_adamw_args a;

    lfuse_adamw_args_init(&a, sizeof(a));
    a.value = value;
    a.gradient = gradient;
    a.first = first;
    a.second = second;
    a.count = count;
    a.step = 1;
    a.learning_rate = 0.125;
    a.beta1 = 0.75;
    a.beta2 = 0.875;
    a.epsilon = 0.0625;
    a.weight_decay = 0.25;
    return a;
}

static void fill_squares(float *values, int64_t count, uint64_t seed)
{
    int64_t i;

    lft_fill(values, count, seed);
    for (i = 0; i < count; i++)
        values[i] *= values[i];
}

/*
 * One step in f64, of f32 inputs. With u = 2^-24: m has three roundings, 3 u of the magnitudes M
 * of its terms; v four, of terms that are all positive; its root 2 u + u, times the correction
 * (rounded, and the product) 5 u, plus epsilon 6 u. rate * m has 3 u + 2 u, the quotient
 * 5 u + 6 u + u; the decayed value u, the difference u of both: below 14 u of
 * |w| + rate M / denominator, and 16 with what is of second order.
 */
static void check_step(const lfuse_adamw_args *a, const float *value, const float *first,
                       const float *second)
{
    const double unit = FLT_EPSILON / 2.0;
    const double rate = a->learning_rate / (1.0 - pow(a->beta1, (double)a->step));
    const double correction = sqrt(1.0 - pow(a->beta2, (double)a->step));
    int64_t i;

    for (i = 0; i < a->count; i++) {
        double w = (double)value[i], g = (double)a->gradient[i];
        double m = a->beta1 * (double)first[i] + (1.0 - a->beta1) * g;
        double size = a->beta1 * fabs((double)first[i]) + (1.0 - a->beta1) * fabs(g);
        double v = a->beta2 * (double)second[i] + (1.0 - a->beta2) * g * g;
        double below = sqrt(v) / correction + a->epsilon;
        double expected =
            w * (1.0 - a->learning_rate * a->weight_decay) - rate * m / below;

        assert_true(fabs((double)a->first[i] - m) <= 3.0 * unit * size);
        assert_true(fabs((double)a->second[i] - v) <= 4.0 * unit * v);
        assert_true(fabs((double)a->value[i] - expected) <=
                    16.0 * unit * (fabs(w) + rate * size / below));
    }
}

static void sweep(struct lft *t, lfuse_context *ctx, int64_t count)
{
    float *value = lft_guard_end(count), *gradient = lft_guard_end(count),
          *first = lft_guard_end(count), *second = lft_guard_end(count);
    float old_value[MOST], old_first[MOST], old_second[MOST];
    lfuse_adamw_args a = arguments(value, gradient, first, second, count);

    lft_fill(value, count, 1);
    lft_fill(gradient, count, 2);
    lft_fill(first, count, 3);
    fill_squares(second, count, 4);
    memcpy(old_value, value, (size_t)count * sizeof(float));
    memcpy(old_first, first, (size_t)count * sizeof(float));
    memcpy(old_second, second, (size_t)count * sizeof(float));
    a.step = 3;
    lft_ok(t, lfuse_adamw(ctx, &a, &t->err));
    check_step(&a, old_value, old_first, old_second);
    lft_guard_free();
}

static void every_instruction_set_steps_by_the_formula_at_every_tail(void **state)
{
    struct lft *t = *state;
    int64_t count;
    size_t i;

    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (count = 1; count <= MOST; count++)
            sweep(t, ctx, count);
        lfuse_context_destroy(ctx);
    }
}

/* Values and steps below 4, three steps of 16 roundings each; what a step gets wrong of m and v
 * the next takes over less than once. */
static void three_steps_are_pytorchs(void **state)
{
    float value[6], first[6] = {0.0f}, second[6] = {0.0f};
    lfuse_adamw_args a = arguments(value, NULL, first, second, 6);
    struct lft *t = *state;
    int i;

    memcpy(value, adamw_value, sizeof(value));
    for (a.step = 1; a.step <= 3; a.step++) {
        a.gradient = adamw_gradients + (ptrdiff_t)6 * (a.step - 1);
        lft_ok(t, lfuse_adamw(t->ctx, &a, &t->err));
    }
    for (i = 0; i < 6; i++)
        assert_true(fabs((double)value[i] - adamw_plain[i]) <=
                    3 * 2 * 16.0 * 4.0 * (FLT_EPSILON / 2.0));
}

/* The corrections cancel: the first step is by the rate, whatever the gradient's size is, but
 * for epsilon and 16 roundings (sec. 2.1 of Kingma & Ba). */
static void the_first_step_is_the_rate_whatever_the_gradient(void **state)
{
    struct lft *t = *state;
    float gradient;

    for (gradient = 1e-3f; gradient < 1e4f; gradient *= 10.0f) {
        float value = 0.0f, first = 0.0f, second = 0.0f;
        lfuse_adamw_args a = arguments(&value, &gradient, &first, &second, 1);

        a.beta1 = a.beta2 = a.epsilon = 0.0; /* the defaults */
        lft_ok(t, lfuse_adamw(t->ctx, &a, &t->err));
        assert_true(fabs((double)value + 0.125) <=
                    0.125 * (1e-8 / (double)gradient + 16.0 * FLT_EPSILON / 2.0));
        assert_true(fabs((double)first - 0.1 * (double)gradient) <=
                    2.0 * FLT_EPSILON * 0.1 * (double)gradient);
        assert_true(fabs((double)second - 0.001 * (double)gradient * (double)gradient) <=
                    2.0 * FLT_EPSILON * 0.001 * (double)gradient * (double)gradient);
    }
}

/* Decoupled: without a gradient the value shrinks by 1 - rate * decay, exact here. */
static void decay_does_not_pass_through_the_moments(void **state)
{
    float value = 1.0f, gradient = 0.0f, first = 0.0f, second = 0.0f;
    lfuse_adamw_args a = arguments(&value, &gradient, &first, &second, 1);
    struct lft *t = *state;

    lft_ok(t, lfuse_adamw(t->ctx, &a, &t->err));
    assert_true(value == 1.0f - 0.03125f && first == 0.0f && second == 0.0f);
}

static void threads_change_no_bit(void **state)
{
    static float value[3][MANY], gradient[MANY], first[3][MANY], second[3][MANY];
    struct lft *t = *state;
    int32_t i;

    lft_fill(gradient, MANY, 4);
    for (i = 0; i < 3; i++) {
        lfuse_context *ctx = lft_context(t, i + 1, LFUSE_ISA_BEST);
        lfuse_adamw_args a = arguments(value[i], gradient, first[i], second[i], MANY);

        lft_fill(value[i], MANY, 5);
        lft_fill(first[i], MANY, 6);
        fill_squares(second[i], MANY, 7);
        lft_ok(t, lfuse_adamw(ctx, &a, &t->err));
        lfuse_context_destroy(ctx);
    }
    for (i = 1; i < 3; i++) {
        assert_memory_equal(value[i], value[0], sizeof(value[0]));
        assert_memory_equal(first[i], first[0], sizeof(first[0]));
        assert_memory_equal(second[i], second[0], sizeof(second[0]));
    }
}

static void bad_arguments_are_named_and_nothing_changes(void **state)
{
    float value = 1.0f, first = 2.0f, second = 3.0f;
    const float gradient = 4.0f;
    const lfuse_adamw_args good = arguments(&value, &gradient, &first, &second, 1);
    lfuse_adamw_args args;
    struct {
        lfuse_adamw_args args;
        int64_t later;
    } newer;
    struct lft *t = *state;

#define FAILS(field, wrong, code, message)                                  \
    do {                                                                    \
        args = good;                                                        \
        args.field = (wrong);                                               \
        lft_fails(t, lfuse_adamw(t->ctx, &args, &t->err), LFUSE_ERR_##code, \
                  "args." message);                                         \
    } while (0)
    FAILS(value, NULL, ARGUMENT, "value is NULL");
    FAILS(gradient, NULL, ARGUMENT, "gradient is NULL");
    FAILS(first, NULL, ARGUMENT, "first is NULL");
    FAILS(second, NULL, ARGUMENT, "second is NULL");
    FAILS(count, 0, ARGUMENT, "count is 0");
    FAILS(step, 0, ARGUMENT, "step is 0");
    FAILS(learning_rate, -0.5, ARGUMENT, "learning_rate is -0.5");
    FAILS(learning_rate, (double)NAN, ARGUMENT, "learning_rate is");
    FAILS(learning_rate, 1e39, ARGUMENT, "learning_rate is 1e+39");
    FAILS(beta1, 1.0, ARGUMENT, "beta1 is 1");
    FAILS(beta1, -0.1, ARGUMENT, "beta1 is -0.1");
    FAILS(beta2, 0.99999999, ARGUMENT, "beta2 is 0.9999999");
    FAILS(beta2, (double)NAN, ARGUMENT, "beta2 is");
    FAILS(epsilon, -1e-8, ARGUMENT, "epsilon is -1e-08");
    FAILS(epsilon, 1e-60, ARGUMENT, "epsilon is 1e-60, which is 0 as f32");
    FAILS(weight_decay, (double)INFINITY, ARGUMENT, "weight_decay is inf");
    FAILS(flags, 1, ARGUMENT, "flags is 0x1");
    FAILS(reserved, 1, UNSUPPORTED, "reserved is 1");
#undef FAILS
    lft_fails(t, lfuse_adamw(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_fails(t, lfuse_adamw(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT, "args is NULL");
    memset(&newer, 0, sizeof(newer));
    newer.args = good;
    newer.args.struct_size = sizeof(newer);
    newer.later = 1;
    lft_fails(t, lfuse_adamw(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
              "args");
    assert_true(value == 1.0f && first == 2.0f && second == 3.0f);
}

static void float_control_is_left_alone(void **state)
{
    float value[MOST], gradient[MOST], first[MOST], second[MOST];
    lfuse_adamw_args a = arguments(value, gradient, first, second, MOST);
    struct lft *t = *state;
    uint32_t before = lft_float_control();

    lft_fill(value, MOST, 7);
    lft_fill(gradient, MOST, 8);
    lft_fill(first, MOST, 9);
    fill_squares(second, MOST, 10);
    lft_ok(t, lfuse_adamw(t->ctx, &a, &t->err));
    assert_int_equal(lft_float_control(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_instruction_set_steps_by_the_formula_at_every_tail),
        lft_test(three_steps_are_pytorchs),
        lft_test(the_first_step_is_the_rate_whatever_the_gradient),
        lft_test(decay_does_not_pass_through_the_moments),
        lft_test(threads_change_no_bit),
        lft_test(bad_arguments_are_named_and_nothing_changes),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("update_adamw", tests, NULL, NULL);
}
