/* test_activation.c - GELU, SiLU and SwiGLU against their definitions in f64 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 70000 }; /* several tasks, and a tail */

typedef lfuse_status (*call)(lfuse_context *, const lfuse_activation_args *,
                             lfuse_error *);

/* What x is multiplied with, and the slope of the product. */
struct kind {
    const char *name;
    call forward;
    call backward;
    double (*share)(double x);
    double (*slope)(double x);
    uint32_t flags;
    int gated;
};

/* ---- the definitions --------------------------------------------------------------------- */

static double normal(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double normal_slope(double x)
{
    return normal(x) + x * exp(-x * x / 2.0) / sqrt(2.0 * acos(-1.0));
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double sigmoid_slope(double x)
{
    return sigmoid(x) + x * sigmoid(x) * sigmoid(-x);
}

static double argument(double x)
{
    return sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x);
}

static double by_tanh(double x)
{
    return x < 0.0 ? sigmoid(2.0 * argument(x)) : 0.5 * (1.0 + tanh(argument(x)));
}

static double by_tanh_slope(double x)
{
    double derivative = sqrt(2.0 / acos(-1.0)) * (1.0 + 3.0 * 0.044715 * x * x);

    return by_tanh(x) + 2.0 * x * derivative * by_tanh(x) * sigmoid(-2.0 * argument(x));
}

static const struct kind kinds[] = {
    {"gelu", lfuse_gelu_forward, lfuse_gelu_backward, normal, normal_slope, 0, 0},
    {"gelu_tanh", lfuse_gelu_forward, lfuse_gelu_backward, by_tanh, by_tanh_slope,
     LFUSE_GELU_TANH, 0},
    {"silu", lfuse_silu_forward, lfuse_silu_backward, sigmoid, sigmoid_slope, 0, 0},
    {"swiglu", lfuse_swiglu_forward, lfuse_swiglu_backward, sigmoid, sigmoid_slope, 0, 1},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- the arrays -------------------------------------------------------------------------- */

enum { X, UP, DY, Y, DX, DUP, ARRAYS };

struct problem {
    lfuse_activation_args args;
    float *memory[ARRAYS];
    int64_t sizes[ARRAYS]; /* elements: up to the last row's last column */
};

static float *heap(int64_t count)
{
    float *values = malloc((size_t)count * sizeof(float));

    assert_non_null(values);
    return values;
}

static void free_heap(struct problem *p)
{
    int i;

    for (i = 0; i < ARRAYS; i++)
        free(p->memory[i]);
}

static void make(struct problem *p, const struct kind *kind, int64_t rows,
                 int64_t columns, int64_t x_stride, int64_t y_stride,
                 float *(*allocate)(int64_t))
{
    const int64_t x_size = (rows - 1) * (x_stride != 0 ? x_stride : columns) + columns,
                  y_size = (rows - 1) * (y_stride != 0 ? y_stride : columns) + columns;
    int64_t i, j;

    lfuse_activation_args_init(&p->args, sizeof(p->args));
    for (i = 0; i < ARRAYS; i++) {
        p->sizes[i] = i == DY || i == Y ? y_size : x_size;
        p->memory[i] = allocate(p->sizes[i]);
        lft_fill(p->memory[i], p->sizes[i], (uint64_t)i + 1);
    }
    for (j = 0; j < x_size; j++) /* [-8, 8) */
        p->memory[X][j] *= 8.0f;
    p->args.x = p->memory[X];
    p->args.up = kind->gated ? p->memory[UP] : NULL;
    p->args.dy = p->memory[DY];
    p->args.y = p->memory[Y];
    p->args.dx = p->memory[DX];
    p->args.dup = kind->gated ? p->memory[DUP] : NULL;
    p->args.rows = rows;
    p->args.columns = columns;
    p->args.x_stride = x_stride;
    p->args.y_stride = y_stride;
    p->args.flags = kind->flags;
}

static void check_near(const char *what, const char *name, double x, double got,
                       double expected, double bound)
{
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s of %s at %.9g is %.9g, expected %.9g within %g", what, name, x, got,
                 expected, bound);
}

/* The bounds are the header's. One f32 product more for the gate, two for dy and up. */
static void check_element(const struct kind *kind, const struct problem *p, int64_t at,
                          int64_t y_at)
{
    const double eps = FLT_EPSILON, least = ldexp(1.0, -100);
    const double x = (double)p->args.x[at], dy = (double)p->args.dy[y_at],
                 up = kind->gated ? (double)p->args.up[at] : 1.0;
    const double y = x * kind->share(x);

    check_near("y", kind->name, x, (double)p->args.y[y_at], y * up,
               (4.0 * eps * fabs(x) + eps * fabs(y)) * fabs(up) + least);
    check_near("dx", kind->name, x, (double)p->args.dx[at], dy * up * kind->slope(x),
               fabs(dy * up) * 8.0 * eps * (1.0 + fabs(kind->slope(x))) + least);
    if (kind->gated)
        check_near("dup", kind->name, x, (double)p->args.dup[at], dy * y,
                   fabs(dy) * (4.0 * eps * fabs(x) + eps * fabs(y)) + least);
}

static void run_and_check(struct lft *t, lfuse_context *ctx, const struct kind *kind,
                          const struct problem *p)
{
    const int64_t xs = p->args.x_stride != 0 ? p->args.x_stride : p->args.columns,
                  ys = p->args.y_stride != 0 ? p->args.y_stride : p->args.columns;
    int64_t i, j;

    lft_ok(t, kind->forward(ctx, &p->args, &t->err));
    lft_ok(t, kind->backward(ctx, &p->args, &t->err));
    for (i = 0; i < p->args.rows; i++)
        for (j = 0; j < p->args.columns; j++)
            check_element(kind, p, i * xs + j, i * ys + j);
}

/* ---- every table, every tail --------------------------------------------------------------- */

static void every_kind_is_its_definition_at_every_tail(void **state)
{
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    int64_t count;
    int k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (k = 0; k < KINDS; k++)
            for (count = 1; count <= 70; count++) {
                make(&p, &kinds[k], 1, count, 0, 0,
                     count % 2 != 0 ? lft_guard_start : lft_guard_end);
                run_and_check(t, ctx, &kinds[k], &p);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

/* From 2^-30 to where all is 0 or x, both signs, and where exponentials begin to over- and
 * underflow. */
static void every_kind_is_its_definition_at_every_size(void **state)
{
    const float large[] = {1e4f, 1e10f, 1e25f, FLT_MAX, 0.0f};
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    int64_t i;
    int k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (k = 0; k < KINDS; k++) {
            make(&p, &kinds[k], 1, 8010, 0, 0, heap);
            for (i = 0; i < 8000; i++)
                p.memory[X][i] =
                    (i % 2 == 0 ? 1.0f : -1.0f) *
                    (i < 2000 ? ldexpf(1.0f + (float)(i % 7) / 8.0f, (int)(i / 60) - 30)
                              : (float)(i - 2000) / 60.0f);
            for (i = 8000; i < 8010; i++)
                p.memory[X][i] = (i % 2 == 0 ? 1.0f : -1.0f) * large[(i - 8000) / 2];
            for (i = 0; i < 8010; i++) /* no product overflows */
                p.memory[UP][i] = p.memory[DY][i] = 1.0f;
            run_and_check(t, ctx, &kinds[k], &p);
            free_heap(&p);
        }
        lfuse_context_destroy(ctx);
    }
}

static void nan_stays_where_it_is(void **state)
{
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    int64_t i;
    int k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (k = 0; k < KINDS; k++) {
            make(&p, &kinds[k], 1, 37, 0, 0, heap);
            p.memory[X][5] = p.memory[X][36] = NAN;
            lft_ok(t, kinds[k].forward(ctx, &p.args, &t->err));
            lft_ok(t, kinds[k].backward(ctx, &p.args, &t->err));
            for (i = 0; i < 37; i++) {
                assert_int_equal(isnan(p.args.y[i]) != 0, i == 5 || i == 36);
                assert_int_equal(isnan(p.args.dx[i]) != 0, i == 5 || i == 36);
            }
            free_heap(&p);
        }
        lfuse_context_destroy(ctx);
    }
}

/* The fused product of gate and up; what lies between rows stays as it was. */
static void strides_reach_a_fused_gate_and_up(void **state)
{
    struct lft *t = *state;
    const struct kind *swiglu = &kinds[3];
    struct problem p;
    float *both, *gradients;
    int64_t i, j;

    make(&p, swiglu, 7, 19, 40, 25, heap);
    both = heap(7 * 40);
    gradients = heap(7 * 40);
    lft_fill(both, 7 * 40, 9);
    lft_fill(gradients, 7 * 40, 10);
    p.args.x = both;
    p.args.up = both + 20;
    p.args.dx = gradients;
    p.args.dup = gradients + 20;
    run_and_check(t, t->ctx, swiglu, &p);
    for (i = 0; i < 7; i++) {
        assert_true(gradients[i * 40 + 19] == (float)lft_value(10, i * 40 + 19));
        assert_true(gradients[i * 40 + 39] == (float)lft_value(10, i * 40 + 39));
        for (j = 19; j < 25 && i < 6; j++)
            assert_true(p.args.y[i * 25 + j] == (float)lft_value(Y + 1, i * 25 + j));
    }
    free(both);
    free(gradients);
    free_heap(&p);
}

static void threads_change_no_bit(void **state)
{
    const int64_t shapes[][3] = {{1, MANY, 0}, {700, 100, 101}, {2, 35000, 35001}};
    struct lft *t = *state;
    struct problem first, p;
    int32_t threads;
    int k, s, i;

    for (k = 0; k < KINDS; k++)
        for (s = 0; s < 3; s++) {
            const int64_t *n = shapes[s];

            make(&first, &kinds[k], n[0], n[1], n[2], 0, heap);
            run_and_check(t, t->ctx, &kinds[k], &first);
            for (threads = 1; threads <= 3; threads++) {
                lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

                make(&p, &kinds[k], n[0], n[1], n[2], 0, heap);
                lft_ok(t, kinds[k].forward(ctx, &p.args, &t->err));
                lft_ok(t, kinds[k].backward(ctx, &p.args, &t->err));
                for (i = 0; i < ARRAYS; i++)
                    assert_memory_equal(p.memory[i], first.memory[i],
                                        (size_t)p.sizes[i] * sizeof(float));
                free_heap(&p);
                lfuse_context_destroy(ctx);
            }
            free_heap(&first);
        }
}

static void outputs_may_be_inputs(void **state)
{
    struct lft *t = *state;
    struct problem p, apart;
    int k;

    for (k = 0; k < KINDS; k++) {
        make(&p, &kinds[k], 3, 21, 0, 0, heap);
        make(&apart, &kinds[k], 3, 21, 0, 0, heap);
        lft_ok(t, kinds[k].forward(t->ctx, &apart.args, &t->err));
        lft_ok(t, kinds[k].backward(t->ctx, &apart.args, &t->err));
        p.args.dx = p.memory[DY];
        p.args.dup = kinds[k].gated ? p.memory[UP] : NULL;
        lft_ok(t, kinds[k].backward(t->ctx, &p.args, &t->err));
        assert_memory_equal(p.args.dx, apart.args.dx, 63 * sizeof(float));
        if (kinds[k].gated)
            assert_memory_equal(p.args.dup, apart.args.dup, 63 * sizeof(float));
        lft_fill(p.memory[UP], 63, UP + 1);
        p.args.y = p.memory[X];
        lft_ok(t, kinds[k].forward(t->ctx, &p.args, &t->err));
        assert_memory_equal(p.args.y, apart.args.y, 63 * sizeof(float));
        free_heap(&p);
        free_heap(&apart);
    }
}

/* ---- gradients ------------------------------------------------------------------------------- */

/* The definitions' slopes, which the kernels are held to above, are those of their values: by
 * differences across 2 h in f64, which err by h^2 and 1e-16 / h. */
static void slopes_are_the_differences_of_the_values(void **state)
{
    const double h = 1e-5;
    double x;
    int k;

    (void)state;
    for (k = 0; k < KINDS; k++)
        for (x = -9.0; x < 9.0; x += 0.0625) {
            double up = (x + h) * kinds[k].share(x + h),
                   down = (x - h) * kinds[k].share(x - h);

            check_near("slope", kinds[k].name, x, kinds[k].slope(x),
                       (up - down) / (2.0 * h), 1e-9);
        }
}

static void gelu_of_x_less_gelu_of_minus_x_is_x(void **state)
{
    struct lft *t = *state;
    float x[50], y[100];
    lfuse_activation_args args;
    int64_t i;

    lfuse_activation_args_init(&args, sizeof(args));
    lft_fill(x, 50, 3);
    for (i = 0; i < 50; i++) {
        y[i] = 4.0f * x[i];
        y[50 + i] = -4.0f * x[i];
    }
    args.x = args.y = y;
    args.rows = 2;
    args.columns = 50;
    lft_ok(t, lfuse_gelu_forward(t->ctx, &args, &t->err));
    for (i = 0; i < 50;
         i++) /* P(x) + P(-x) = 1, and each half is as good as the header says */
        assert_true(fabsf(y[i] - y[50 + i] - 4.0f * x[i]) <=
                    10.0f * FLT_EPSILON * fabsf(4.0f * x[i]));
}

/* ---- errors -------------------------------------------------------------------------------- */

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    struct lft *t = *state;
    struct problem p, same;
    struct {
        lfuse_activation_args args;
        uint64_t more;
    } newer;
    int k, d, i;

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_activation_args args = p.args;                        \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    for (k = 0; k < KINDS; k++) {
        make(&p, &kinds[k], 3, 5, 0, 0, heap);
        make(&same, &kinds[k], 3, 5, 0, 0, heap);
        FAILS(kinds[k].forward, y, NULL, bad, "args.y is NULL");
        FAILS(kinds[k].backward, dy, NULL, bad, "args.dy is NULL");
        FAILS(kinds[k].backward, dx, NULL, bad, "args.dx is NULL");
        if (kinds[k].gated) {
            FAILS(kinds[k].forward, up, NULL, bad, "args.up is NULL");
            FAILS(kinds[k].backward, up, NULL, bad, "args.up is NULL");
            FAILS(kinds[k].backward, dup, NULL, bad, "args.dup is NULL");
        }
        for (d = 0; d < 2; d++) {
            const call pass = d == 0 ? kinds[k].forward : kinds[k].backward;

            FAILS(pass, x, NULL, bad, "args.x is NULL");
            FAILS(pass, rows, 0, bad, "args.rows is 0, less than 1");
            FAILS(pass, columns, -1, bad, "args.columns is -1, less than 1");
            FAILS(pass, x_stride, 4, bad, "args.x_stride is 4, less than 5");
            FAILS(pass, y_stride, -5, bad, "args.y_stride is -5, less than 5");
            FAILS(pass, flags, k < 2 ? 2 : LFUSE_GELU_TANH, bad, "unknown bits: 0x");
            FAILS(pass, reserved, 1, LFUSE_ERR_UNSUPPORTED, "args.reserved is 1");
            FAILS(pass, y_stride, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "do not fit");
            FAILS(pass, struct_size, 0, bad, "struct_size 0");
            lft_fails(t, pass(NULL, &p.args, &t->err), bad, "ctx is NULL");
            lft_fails(t, pass(t->ctx, NULL, &t->err), bad, "args is NULL");
            newer.args = p.args;
            newer.args.struct_size = sizeof(newer);
            newer.more = 1;
            lft_fails(t, pass(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                      "args");
        }
        for (i = 0; i < ARRAYS; i++)
            assert_memory_equal(p.memory[i], same.memory[i], 15 * sizeof(float));
        free_heap(&p);
        free_heap(&same);
    }
#undef FAILS
}

static void floating_point_settings_stay_and_nothing_is_allocated(void **state)
{
    struct lft *t = *state;
    const uint32_t control = lft_float_control();
    const int64_t allocations = t->memory.allocations;
    struct problem p;
    int k;

    for (k = 0; k < KINDS; k++) {
        make(&p, &kinds[k], 3, 50, 0, 0, heap);
        run_and_check(t, t->ctx, &kinds[k], &p);
        free_heap(&p);
    }
    assert_int_equal(lft_float_control(), control);
    assert_int_equal(t->memory.allocations, allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_kind_is_its_definition_at_every_tail),
        lft_test(every_kind_is_its_definition_at_every_size),
        lft_test(nan_stays_where_it_is),
        lft_test(strides_reach_a_fused_gate_and_up),
        lft_test(threads_change_no_bit),
        lft_test(outputs_may_be_inputs),
        lft_test(slopes_are_the_differences_of_the_values),
        lft_test(gelu_of_x_less_gelu_of_minus_x_is_x),
        lft_test(every_error_is_told_and_the_outputs_untouched),
        lft_test(floating_point_settings_stay_and_nothing_is_allocated),
    };

    return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
