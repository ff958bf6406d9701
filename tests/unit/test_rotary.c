/* test_rotary.c - rotary positions against their definition, forward and back */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BATCH = 2, TOKENS = 37, HEADS = 3, INTERLEAVED = LFUSE_ROTARY_INTERLEAVED };

static float *filled(int64_t count, uint64_t seed)
{
    float *data = lft_guard_end(count);

    lft_fill(data, count, seed);
    return data;
}

/* Strides of a token's 7 elements more than it has, and 5 more for a batch entry, where spread. */
static lfuse_rotary_args make(int64_t head_dim, uint32_t flags, int spread)
{
    const int64_t width = HEADS * head_dim, stride = width + 7 * spread;
    const int64_t count = TOKENS * stride + 5 * spread + (TOKENS - 1) * stride + width;
    lfuse_rotary_args a;

    lfuse_rotary_args_init(&a, sizeof(a));
    a.batch = BATCH;
    a.tokens = TOKENS;
    a.heads = HEADS;
    a.head_dim = head_dim;
    a.flags = flags;
    if (spread) {
        a.x_stride = a.y_stride = stride;
        a.x_batch_stride = a.y_batch_stride = TOKENS * stride + 5;
    }
    a.x = filled(count, 1);
    a.dy = filled(count, 2);
    a.y = filled(count, 3);
    a.dx = filled(count, 4);
    return a;
}

/*
 * Element e of a head turned by the definition. The cosine and sine are rounded to f32, and each
 * takes part in a product and a sum: |error| <= 3 u (|a| + |b|), u = 2^-24; their f64 recurrence
 * and the angle's rounding (positions below 2^13) are below 2^-38, in u / 4 more.
 */
static void check(const lfuse_rotary_args *a, const float *in, const float *out,
                  double sign)
{
    const int64_t d = a->head_dim, between = (a->flags & INTERLEAVED) != 0 ? 1 : d / 2;
    const int64_t stride = a->x_stride != 0 ? a->x_stride : HEADS * d;
    const int64_t entry = a->x_batch_stride != 0 ? a->x_batch_stride : TOKENS * stride;
    const double base = a->base != 0.0 ? a->base : 10000.0;
    int64_t b, t, h, i;

    for (b = 0; b < BATCH; b++)
        for (t = 0; t < TOKENS; t++)
            for (h = 0; h < HEADS; h++)
                for (i = 0; i < d / 2; i++) {
                    const double by = pow(base, -2.0 * (double)i / (double)d);
                    const double angle = sign * (double)(a->position + t) * by;
                    const int64_t at =
                        b * entry + t * stride + h * d + (between == 1 ? 2 * i : i);
                    const double p = (double)in[at], q = (double)in[at + between];
                    const double bound = 3.25 * FLT_EPSILON / 2.0 * (fabs(p) + fabs(q));

                    assert_true(fabs((double)out[at] -
                                     (p * cos(angle) - q * sin(angle))) <= bound);
                    assert_true(fabs((double)out[at + between] -
                                     (p * sin(angle) + q * cos(angle))) <= bound);
                }
}

static void both_directions_are_their_definition(void **state)
{
    static const int64_t sizes[] = {2, 6, 64, 130, 256};
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < 4 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        lfuse_rotary_args a =
            make(sizes[i / 4], i % 2 == 0 ? 0 : INTERLEAVED, (i & 2) != 0);

        a.position = i % 3 == 0 ? 0 : 4091;
        a.base = i % 3 == 1 ? 5e5 : 0.0;
        lft_ok(t, lfuse_rotary_forward(t->ctx, &a, &t->err));
        lft_ok(t, lfuse_rotary_backward(t->ctx, &a, &t->err));
        check(&a, a.x, a.y, 1.0);
        check(&a, a.dy, a.dx, -1.0);
        lft_guard_free();
    }
}

/* A rotation's inverse is its transpose, so backward, which undoes forward, is its gradient: the
 * sum of y dy is that of x dx, each within its elements' bounds. */
static void backward_is_the_adjoint_of_forward(void **state)
{
    struct lft *t = *state;
    lfuse_rotary_args a = make(64, INTERLEAVED, 0);
    double forward = 0.0, backward = 0.0, size = 0.0;
    int64_t i;

    a.position = 100;
    lft_ok(t, lfuse_rotary_forward(t->ctx, &a, &t->err));
    lft_ok(t, lfuse_rotary_backward(t->ctx, &a, &t->err));
    for (i = 0; i < BATCH * TOKENS * HEADS * 64; i += 2) {
        forward +=
            (double)a.y[i] * (double)a.dy[i] + (double)a.y[i + 1] * (double)a.dy[i + 1];
        backward +=
            (double)a.x[i] * (double)a.dx[i] + (double)a.x[i + 1] * (double)a.dx[i + 1];
        size += (fabs((double)a.x[i]) + fabs((double)a.x[i + 1])) *
                (fabs((double)a.dy[i]) + fabs((double)a.dy[i + 1]));
    }
    assert_true(fabs(forward - backward) <= 6.5 * FLT_EPSILON / 2.0 * size);
    lft_guard_free();
}

/* Token by token, from wherever it begins, to the bit; and so in place, for any threads. */
static void a_position_has_its_angles_wherever_a_call_begins(void **state)
{
    struct lft *t = *state;
    lfuse_rotary_args whole = make(40, 0, 1), one = make(40, 0, 1);
    const size_t bytes =
        (size_t)(whole.x_batch_stride + (TOKENS - 1) * whole.x_stride + HEADS * 40) *
        sizeof(float);
    int32_t threads;
    int64_t i;

    whole.position = 1000;
    lft_ok(t, lfuse_rotary_forward(t->ctx, &whole, &t->err));
    one.tokens = 1;
    for (i = 0; i < TOKENS; i++) {
        one.position = 1000 + i;
        lft_ok(t, lfuse_rotary_forward(t->ctx, &one, &t->err));
        one.x += one.x_stride;
        one.y += one.y_stride;
    }
    assert_memory_equal(one.y - TOKENS * one.y_stride, whole.y, bytes);
    for (threads = 2; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_rotary_args in_place = make(40, 0, 1);
        float *y = filled((int64_t)(bytes / sizeof(float)), 3);

        memcpy(in_place.y, in_place.x, bytes);
        in_place.x = in_place.y;
        in_place.position = 1000;
        lft_ok(t, lfuse_rotary_forward(ctx, &in_place, &t->err));
        check(&whole, whole.x, in_place.y, 1.0);
        whole.y = y;
        lft_ok(t, lfuse_rotary_forward(ctx, &whole, &t->err));
        assert_memory_equal(one.y - TOKENS * one.y_stride, y, bytes);
        lfuse_context_destroy(ctx);
    }
    lft_guard_free();
}

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_rotary_args *,
                                  lfuse_error *);

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    static const direction directions[] = {lfuse_rotary_forward, lfuse_rotary_backward};
    struct lft *t = *state;
    const lfuse_rotary_args good = make(6, 0, 0);
    struct {
        lfuse_rotary_args args;
        uint64_t more;
    } newer;
    int64_t i;
    int d;

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_rotary_args args = good;                              \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(directions[0], x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(directions[0], y, NULL, LFUSE_ERR_ARGUMENT, "args.y is NULL");
    FAILS(directions[1], dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(directions[1], dx, NULL, LFUSE_ERR_ARGUMENT, "args.dx is NULL");
    FAILS(directions[0], x, good.y + 1, LFUSE_ERR_ARGUMENT,
          "args.y overlaps args.x without being it");
    FAILS(directions[1], dy, good.dx + 18, LFUSE_ERR_ARGUMENT,
          "args.dx overlaps args.dy");
    for (d = 0; d < 2; d++) {
        FAILS(directions[d], batch, 0, LFUSE_ERR_ARGUMENT, "0 batch entries");
        FAILS(directions[d], tokens, -1, LFUSE_ERR_ARGUMENT, "of -1 tokens");
        FAILS(directions[d], heads, 0, LFUSE_ERR_ARGUMENT, "of 0 heads");
        FAILS(directions[d], head_dim, -2, LFUSE_ERR_ARGUMENT, "heads of -2");
        FAILS(directions[d], head_dim, 7, LFUSE_ERR_ARGUMENT,
              "args.head_dim is 7, which is odd");
        FAILS(directions[d], position, -3, LFUSE_ERR_ARGUMENT, "args.position is -3");
        FAILS(directions[d], position, INT32_MAX - 35, LFUSE_ERR_OVERFLOW,
              "37 tokens from position 2147483612 end beyond 2^31");
        FAILS(directions[d], head_dim, INT64_MAX - 1, LFUSE_ERR_OVERFLOW, "x of 3 heads");
        FAILS(directions[d], base, 1.0, LFUSE_ERR_ARGUMENT, "args.base is 1");
        FAILS(directions[d], base, NAN, LFUSE_ERR_ARGUMENT, "not finite and > 1");
        FAILS(directions[d], x_stride, 17, LFUSE_ERR_ARGUMENT, "args.x_stride is 17");
        FAILS(directions[d], y_batch_stride, 665, LFUSE_ERR_ARGUMENT,
              "args.y_batch_stride is 665, less than the 666 elements of 37 tokens");
        FAILS(directions[d], flags, 2, LFUSE_ERR_ARGUMENT, "0x2");
        FAILS(directions[d], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        lft_fails(t, directions[d](NULL, &good, &t->err), LFUSE_ERR_ARGUMENT,
                  "ctx is NULL");
        lft_fails(t, directions[d](t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
                  "args is NULL");
        newer.args = good;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, directions[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
#undef FAILS
    for (i = 0; i < BATCH * TOKENS * HEADS * 6; i++) {
        assert_true(good.y[i] == (float)lft_value(3, i));
        assert_true(good.dx[i] == (float)lft_value(4, i));
    }
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(both_directions_are_their_definition),
        lft_test(backward_is_the_adjoint_of_forward),
        lft_test(a_position_has_its_angles_wherever_a_call_begins),
        lft_test(every_error_is_told_and_the_outputs_untouched),
    };

    return cmocka_run_group_tests_name("rotary", tests, NULL, NULL);
}
