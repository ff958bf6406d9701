/* test_linear.c - the three directions of a fully connected layer */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct problem {
    lfuse_linear_args args;
    float *x, *w, *bias, *dy, *y, *dx, *dw, *dbias; /* args' arrays, writable */
};

static float *filled(int64_t count, uint64_t seed)
{
    float *data = lft_guard_end(count);
    int64_t i;

    for (i = 0; i < count; i++)
        data[i] = (float)lft_value(seed, i);
    return data;
}

/* Every array ends at a guard page. Release with lft_guard_free(). */
static struct problem make(int64_t batch, int64_t in, int64_t out, uint32_t flags)
{
    struct problem p;

    lfuse_linear_args_init(&p.args, sizeof(p.args));
    p.args.batch = batch;
    p.args.in_features = in;
    p.args.out_features = out;
    p.args.flags = flags;
    p.args.x = p.x = filled(batch * in, 1);
    p.args.w = p.w = filled(out * in, 2);
    p.args.bias = p.bias = filled(out, 3);
    p.args.dy = p.dy = filled(batch * out, 4);
    p.args.y = p.y = filled(batch * out, 5);
    p.args.dx = p.dx = filled(batch * in, 6);
    p.args.dw = p.dw = filled(out * in, 7);
    p.args.dbias = p.dbias = filled(out, 8);
    return p;
}

static void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_linear_forward(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_linear_backward_data(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_linear_backward_weights(ctx, &p->args, &t->err));
}

/* Element (i, j) of the product of f and g, against got: terms products and their sum, then
 * the bias and what was there: |error| <= (terms + 2) eps sum |terms|. */
static void check(const char *what, float got, const float *f, int64_t f_step,
                  const float *g, int64_t g_step, int64_t terms, double bias, double old)
{
    double sum = bias + old, size = fabs(bias) + fabs(old);
    int64_t k;

    for (k = 0; k < terms; k++) {
        double term = (double)f[k * f_step] * (g == NULL ? 1.0 : (double)g[k * g_step]);

        sum += term;
        size += fabs(term);
    }
    if (!(fabs((double)got - sum) <= (double)(terms + 2) * FLT_EPSILON * size))
        fail_msg("%s is %g, not %g", what, (double)got, sum);
}

static void check_all(const struct problem *p)
{
    const int64_t n = p->args.batch, in = p->args.in_features, out = p->args.out_features;
    const double old = (p->args.flags & LFUSE_LINEAR_ACCUMULATE) != 0 ? 1.0 : 0.0;
    int64_t b, i, o;

    for (b = 0; b < n; b++)
        for (o = 0; o < out; o++)
            check("y", p->y[b * out + o], p->x + b * in, 1, p->w + o * in, 1, in,
                  p->args.bias != NULL ? (double)p->bias[o] : 0.0,
                  old * lft_value(5, b * out + o));
    for (b = 0; b < n; b++)
        for (i = 0; i < in; i++)
            check("dx", p->dx[b * in + i], p->dy + b * out, 1, p->w + i, in, out, 0.0,
                  old * lft_value(6, b * in + i));
    for (o = 0; o < out; o++)
        for (i = 0; i < in; i++)
            check("dw", p->dw[o * in + i], p->dy + o, out, p->x + i, in, n, 0.0,
                  old * lft_value(7, o * in + i));
    for (o = 0; o < out && p->args.dbias != NULL; o++)
        check("dbias", p->dbias[o], p->dy + o, out, NULL, 0, n, 0.0,
              old * lft_value(8, o));
}

static void every_direction_is_its_sum_on_all_instruction_sets(void **state)
{
    static const int64_t sizes[][3] = {{1, 1, 1},    {1, 64, 10},    {128, 64, 10},
                                       {3, 17, 16},  {49, 33, 65},   {97, 5, 130},
                                       {2, 150, 70}, {100, 300, 45}, {13, 270, 400}};
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
            const int64_t *s = sizes[i / 2];
            struct problem p =
                make(s[0], s[1], s[2], i % 2 == 0 ? 0 : LFUSE_LINEAR_ACCUMULATE);

            if (i % 4 < 2)
                p.args.bias = p.args.dbias = NULL;
            run(t, ctx, &p);
            check_all(&p);
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

/* The layer is linear in x and in w: <y, dy> = <x, dx> = <w, dw>. Each side is a sum of the
 * same in * out * batch products; every one of its values has a bound of its own. */
static void the_directions_are_adjoint(void **state)
{
    struct lft *t = *state;
    struct problem p = make(19, 23, 29, 0);
    double forward = 0.0, data = 0.0, weights = 0.0, size = 0.0;
    int64_t b, i, o;

    p.args.bias = NULL;
    run(t, t->ctx, &p);
    for (i = 0; i < 19 * 29; i++)
        forward += (double)p.y[i] * (double)p.dy[i];
    for (i = 0; i < 19 * 23; i++)
        data += (double)p.x[i] * (double)p.dx[i];
    for (i = 0; i < 29 * 23; i++)
        weights += (double)p.w[i] * (double)p.dw[i];
    for (b = 0; b < 19; b++)
        for (o = 0; o < 29; o++)
            for (i = 0; i < 23; i++)
                size += fabs((double)p.x[b * 23 + i] * (double)p.w[o * 23 + i] *
                             (double)p.dy[b * 29 + o]);
    assert_true(fabs(forward - data) <= (23 + 29) * FLT_EPSILON * size);
    assert_true(fabs(forward - weights) <= (23 + 19) * FLT_EPSILON * size);
    lft_guard_free();
}

static void threads_do_not_change_a_bit(void **state)
{
    struct lft *t = *state;
    struct problem first = make(131, 700, 150, 0);
    int32_t threads;

    run(t, t->ctx, &first);
    for (threads = 2; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        struct problem p = make(131, 700, 150, 0);

        run(t, ctx, &p);
        assert_memory_equal(p.y, first.y, 131 * 150 * sizeof(float));
        assert_memory_equal(p.dx, first.dx, 131 * 700 * sizeof(float));
        assert_memory_equal(p.dw, first.dw, 700 * 150 * sizeof(float));
        assert_memory_equal(p.dbias, first.dbias, 150 * sizeof(float));
        lfuse_context_destroy(ctx);
    }
    lft_guard_free();
}

static void floating_point_settings_stay(void **state)
{
    struct lft *t = *state;
    struct problem p = make(9, 17, 33, 0);
    const uint32_t control = lft_float_control();

    run(t, t->ctx, &p);
    assert_int_equal(lft_float_control(), control);
    lft_guard_free();
}

/*
 * Sums of more steps than are packed at a time, more rows and columns than are, more tasks than one
 * per thread: of each matrix some elements, all over it.
 */
static void large_products_are_their_sums_for_any_threads(void **state)
{
    static const int64_t sizes[][3] = {
        {1100, 2100, 900}, {2100, 900, 1100}, {900, 1100, 2100}, {13, 2500, 390}};
    struct lft *t = *state;
    int32_t threads;
    size_t s;
    int64_t i;

    for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
        for (threads = 1; threads <= 3; threads++) {
            const int64_t n = sizes[s][0], in = sizes[s][1], out = sizes[s][2];
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
            struct problem p = make(n, in, out, 0);

            run(t, ctx, &p);
            for (i = 0; i < 300; i++) {
                const int64_t b = i * 7919 % n, k = i * 104729 % in, o = i * 6007 % out;

                check("y", p.y[b * out + o], p.x + b * in, 1, p.w + o * in, 1, in,
                      (double)p.bias[o], 0.0);
                check("dx", p.dx[b * in + k], p.dy + b * out, 1, p.w + k, in, out, 0.0,
                      0.0);
                check("dw", p.dw[o * in + k], p.dy + o, out, p.x + k, in, n, 0.0, 0.0);
            }
            lft_guard_free();
            lfuse_context_destroy(ctx);
        }
}

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_linear_args *,
                                  lfuse_error *);
static const direction directions[] = {lfuse_linear_forward, lfuse_linear_backward_data,
                                       lfuse_linear_backward_weights};

struct one {
    struct problem problem;
    direction direction;
};

static lfuse_status call_one(struct lft *t, void *arg)
{
    struct one *one = arg;

    return one->direction(t->ctx, &one->problem.args, &t->err);
}

static void a_refused_allocation_leaves_nothing_behind(void **state)
{
    struct one one = {.problem = make(9, 17, 33, 0)};
    int d;

    for (d = 0; d < 3; d++) {
        one.direction = directions[d];
        lft_every_allocation_fails(*state, call_one, &one);
    }
    lft_guard_free();
}

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    struct lft *t = *state;
    struct problem p = make(2, 3, 4, 0);
    lfuse_linear_args args;
    struct {
        lfuse_linear_args args;
        uint64_t more;
    } newer;
    int d, i;

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        args = p.args;                                              \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(directions[0], x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(directions[0], w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(directions[0], y, NULL, LFUSE_ERR_ARGUMENT, "args.y is NULL");
    FAILS(directions[1], dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(directions[1], w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(directions[1], dx, NULL, LFUSE_ERR_ARGUMENT, "args.dx is NULL");
    FAILS(directions[2], dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(directions[2], x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(directions[2], dw, NULL, LFUSE_ERR_ARGUMENT, "args.dw is NULL");
    for (d = 0; d < 3; d++) {
        FAILS(directions[d], batch, 0, LFUSE_ERR_ARGUMENT, "args.batch is 0");
        FAILS(directions[d], in_features, -1, LFUSE_ERR_ARGUMENT, "in_features is -1");
        FAILS(directions[d], out_features, 0, LFUSE_ERR_ARGUMENT, "out_features is 0");
        FAILS(directions[d], flags, 2, LFUSE_ERR_ARGUMENT, "0x2");
        FAILS(directions[d], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        FAILS(directions[d], batch, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "x of");
        FAILS(directions[d], in_features, INT64_MAX / 12, LFUSE_ERR_OVERFLOW, "w of");
        FAILS(directions[d], batch, INT64_MAX / 14, LFUSE_ERR_OVERFLOW, "y of");
        FAILS(directions[d], struct_size, 0, LFUSE_ERR_ARGUMENT, "struct_size 0");
        lft_fails(t, directions[d](NULL, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "ctx is NULL");
        lft_fails(t, directions[d](t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
                  "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, directions[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
#undef FAILS
    t->memory.fail_at = t->memory.allocations;
    lft_fails(t, lfuse_linear_forward(t->ctx, &p.args, &t->err), LFUSE_ERR_NO_MEMORY,
              "the workspace: ");
    t->memory.fail_at = -1;
    for (i = 0; i < 8; i++)
        assert_true(p.y[i] == (float)lft_value(5, i));
    for (i = 0; i < 6; i++)
        assert_true(p.dx[i] == (float)lft_value(6, i));
    for (i = 0; i < 12; i++)
        assert_true(p.dw[i] == (float)lft_value(7, i));
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_direction_is_its_sum_on_all_instruction_sets),
        lft_test(the_directions_are_adjoint),
        lft_test(large_products_are_their_sums_for_any_threads),
        lft_test(threads_do_not_change_a_bit),
        lft_test(floating_point_settings_stay),
        lft_test(a_refused_allocation_leaves_nothing_behind),
        lft_test(every_error_is_told_and_the_outputs_untouched),
    };

    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
