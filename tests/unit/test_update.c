/* test_update.c - SGD: against its formula in f64, PyTorch, and every instruction set */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden/kernels.h"

enum { MANY = 200000 };

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

static lfuse_sgd_args arguments(float *value, const float *gradient, float *velocity,
                                int64_t count)
{
    lfuse_sgd_args a;

    lfuse_sgd_args_init(&a, sizeof(a));
    a.value = value;
    a.gradient = gradient;
    a.velocity = velocity;
    a.count = count;
    a.learning_rate = 0.125;
    a.momentum = velocity != NULL ? 0.75 : 0.0;
    a.weight_decay = 0.0625;
    return a;
}

/*
 * One step in f64, of f32 inputs. The kernel rounds at most seven times (three products,
 * three sums, one of them twice with Nesterov); each rounding is of a number no larger than
 * the sum of the magnitudes of the terms, and the numbers here are exact in f32.
 */
static void check_step(const lfuse_sgd_args *a, const float *value, const float *velocity)
{
    const double unit = FLT_EPSILON / 2.0;
    int64_t i;

    for (i = 0; i < a->count; i++) {
        double w = (double)value[i], d = (double)a->gradient[i],
               v = velocity != NULL ? (double)velocity[i] : 0.0;
        double g = d + a->weight_decay * w, size = fabs(d) + a->weight_decay * fabs(w);
        double next = a->momentum * v + g, next_size = a->momentum * fabs(v) + size;
        double step = next, step_size = next_size;

        if ((a->flags & LFUSE_SGD_NESTEROV) != 0) {
            step = g + a->momentum * next;
            step_size = size + a->momentum * next_size;
        }
        assert_true(fabs((double)a->value[i] - (w - a->learning_rate * step)) <=
                    8.0 * unit * (fabs(w) + a->learning_rate * step_size));
        if (velocity != NULL)
            assert_true(fabs((double)a->velocity[i] - next) <= 4.0 * unit * next_size);
    }
}

static void sweep(struct lft *t, lfuse_context *ctx, int64_t count, int with_velocity,
                  uint32_t flags)
{
    float *value = lft_guard_end(count), *gradient = lft_guard_end(count),
          *velocity = lft_guard_end(count), old_value[80], old_velocity[80];
    lfuse_sgd_args a = arguments(value, gradient, with_velocity ? velocity : NULL, count);

    lft_fill(value, count, 1);
    lft_fill(gradient, count, 2);
    lft_fill(velocity, count, 3);
    memcpy(old_value, value, (size_t)count * sizeof(float));
    memcpy(old_velocity, velocity, (size_t)count * sizeof(float));
    a.flags = flags;
    lft_ok(t, lfuse_sgd(ctx, &a, &t->err));
    check_step(&a, old_value, with_velocity ? old_velocity : NULL);
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
        for (count = 1; count <= 70; count++) {
            sweep(t, ctx, count, 0, 0);
            sweep(t, ctx, count, 1, 0);
            sweep(t, ctx, count, 1, LFUSE_SGD_NESTEROV);
        }
        lfuse_context_destroy(ctx);
    }
}

/* Values of eighths and steps of powers of two times 3/4: three steps of at most seven
 * roundings each of numbers below 8. */
static void three_steps_are_pytorchs(void **state)
{
    const double *expected[] = {sgd_plain, sgd_momentum, sgd_nesterov};
    struct lft *t = *state;
    int kind, step, i;

    for (kind = 0; kind < 3; kind++) {
        float value[6], velocity[6] = {0.0f};
        lfuse_sgd_args a = arguments(value, NULL, kind > 0 ? velocity : NULL, 6);

        memcpy(value, sgd_value, sizeof(value));
        a.flags = kind == 2 ? LFUSE_SGD_NESTEROV : 0;
        for (step = 0; step < 3; step++) {
            a.gradient = sgd_gradients + (ptrdiff_t)6 * step;
            lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
        }
        for (i = 0; i < 6; i++)
            assert_true(fabs((double)value[i] - expected[kind][i]) <=
                        3 * 7 * 8.0 * (FLT_EPSILON / 2.0));
    }
}

/* Gradient descent on w^2 / 2 multiplies w by 1 - learning_rate: exact for powers of two. */
static void a_quadratic_shrinks_by_its_factor(void **state)
{
    float value = 1.0f;
    struct lft *t = *state;
    int i;

    for (i = 1; i <= 5; i++) {
        float gradient = value;
        lfuse_sgd_args a = arguments(&value, &gradient, NULL, 1);

        a.learning_rate = 0.5;
        a.weight_decay = 0.0;
        lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
        assert_true(value == ldexpf(1.0f, -i));
    }
}

/* Constant gradient g: v tends to g / (1 - momentum), the sum of a geometric series. */
static void velocity_tends_to_the_geometric_sum(void **state)
{
    float value = 0.0f, gradient = 1.0f, velocity = 0.0f;
    lfuse_sgd_args a = arguments(&value, &gradient, &velocity, 1);
    struct lft *t = *state;
    int i;

    a.momentum = 0.5;
    a.weight_decay = 0.0;
    for (i = 0; i < 40; i++)
        lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
    assert_true(fabs((double)velocity - 2.0) <= 2.0 * FLT_EPSILON);
}

static void velocity_may_be_given_without_momentum(void **state)
{
    float value = 1.0f, gradient = 0.5f, velocity = 9.0f;
    lfuse_sgd_args a = arguments(&value, &gradient, &velocity, 1);
    struct lft *t = *state;

    a.momentum = 0.0;
    a.weight_decay = 0.0;
    lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
    assert_true(velocity == 0.5f && value == 1.0f - 0.125f * 0.5f);
}

static void threads_change_no_bit(void **state)
{
    static float value[3][MANY], gradient[MANY], velocity[3][MANY];
    struct lft *t = *state;
    int32_t threads;

    lft_fill(gradient, MANY, 4);
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        float *w = value[threads - 1], *v = velocity[threads - 1];
        lfuse_sgd_args a = arguments(w, gradient, v, MANY);

        lft_fill(w, MANY, 5);
        lft_fill(v, MANY, 6);
        lft_ok(t, lfuse_sgd(ctx, &a, &t->err));
        lfuse_context_destroy(ctx);
    }
    for (threads = 1; threads < 3; threads++) {
        assert_memory_equal(value[threads], value[0], sizeof(value[0]));
        assert_memory_equal(velocity[threads], velocity[0], sizeof(velocity[0]));
    }
}

struct bad {
    lfuse_sgd_args args;
    lfuse_status status;
    const char *text;
};

static void bad_arguments_are_named_and_nothing_changes(void **state)
{
    float value = 1.0f, velocity = 2.0f;
    const float gradient = 3.0f;
    const lfuse_sgd_args good = arguments(&value, &gradient, &velocity, 1);
    struct bad bad[24];
    struct lft *t = *state;
    size_t n = 0, i;

#define BAD(field, wrong, code, message)  \
    do {                                  \
        bad[n].args = good;               \
        bad[n].args.field = (wrong);      \
        bad[n].status = LFUSE_ERR_##code; \
        bad[n++].text = "args." message;  \
    } while (0)
    BAD(value, NULL, ARGUMENT, "value is NULL");
    BAD(gradient, NULL, ARGUMENT, "gradient is NULL");
    BAD(velocity, NULL, ARGUMENT, "velocity is NULL");
    BAD(count, 0, ARGUMENT, "count is 0");
    BAD(learning_rate, -0.5, ARGUMENT, "learning_rate is -0.5");
    BAD(learning_rate, (double)INFINITY, ARGUMENT, "learning_rate is inf");
    BAD(learning_rate, (double)NAN, ARGUMENT, "learning_rate is");
    BAD(learning_rate, 1e39, ARGUMENT, "learning_rate is 1e+39");
    BAD(momentum, 0.99999999, ARGUMENT, "momentum is 0.9999999");
    BAD(weight_decay, 1e39, ARGUMENT, "weight_decay is 1e+39");
    BAD(momentum, 1.0, ARGUMENT, "momentum is 1");
    BAD(momentum, -0.1, ARGUMENT, "momentum is -0.1");
    BAD(momentum, (double)NAN, ARGUMENT, "momentum is");
    BAD(weight_decay, -1.0, ARGUMENT, "weight_decay is -1");
    BAD(weight_decay, (double)NAN, ARGUMENT, "weight_decay is");
    BAD(flags, 2, ARGUMENT, "flags is 0x2");
    BAD(reserved, 1, UNSUPPORTED, "reserved is 1");
    for (i = 0; i < n; i++)
        lft_fails(t, lfuse_sgd(t->ctx, &bad[i].args, &t->err), bad[i].status,
                  bad[i].text);
    bad[0].args = good;
    bad[0].args.momentum = 0.0;
    bad[0].args.flags = LFUSE_SGD_NESTEROV;
    lft_fails(t, lfuse_sgd(t->ctx, &bad[0].args, &t->err), LFUSE_ERR_ARGUMENT,
              "Nesterov without momentum");
    lft_fails(t, lfuse_sgd(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_fails(t, lfuse_sgd(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT, "args is NULL");
    assert_true(value == 1.0f && velocity == 2.0f);
}

static void fields_of_a_later_version_are_refused_unless_zero(void **state)
{
    struct {
        lfuse_sgd_args args;
        int64_t later;
    } newer;
    float value = 1.0f;
    const float gradient = 0.0f;
    struct lft *t = *state;

    memset(&newer, 0, sizeof(newer));
    newer.args = arguments(&value, &gradient, NULL, 1);
    newer.args.struct_size = sizeof(newer);
    lft_ok(t, lfuse_sgd(t->ctx, &newer.args, &t->err));
    newer.later = 1;
    lft_fails(t, lfuse_sgd(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED, "args");
}

static void float_control_is_left_alone(void **state)
{
    float value[70], gradient[70];
    lfuse_sgd_args a = arguments(value, gradient, NULL, 70);
    struct lft *t = *state;
    uint32_t before = lft_float_control();

    lft_fill(value, 70, 7);
    lft_fill(gradient, 70, 8);
    lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
    assert_int_equal(lft_float_control(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_instruction_set_steps_by_the_formula_at_every_tail),
        lft_test(three_steps_are_pytorchs),
        lft_test(a_quadratic_shrinks_by_its_factor),
        lft_test(velocity_tends_to_the_geometric_sum),
        lft_test(velocity_may_be_given_without_momentum),
        lft_test(threads_change_no_bit),
        lft_test(bad_arguments_are_named_and_nothing_changes),
        lft_test(fields_of_a_later_version_are_refused_unless_zero),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
