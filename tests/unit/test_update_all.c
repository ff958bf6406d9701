/* test_update_all.c - updates of many parameters at once: as one by one, and clipped */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden/kernels.h"

/* Pieces around chunks of 65,536 elements, ends of which fall inside and between them. */
enum { PIECES = 7, TOTAL = 1 + 70000 + 16 + 65536 - 17 + 3 + 130000 + 5 };

static const int64_t sizes[PIECES] = {1, 70000, 16, 65536 - 17, 3, 130000, 5};
static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

/* Four numbers of each of TOTAL elements, and where the pieces of each lie. */
struct network {
    float number[4][TOTAL];
    float *piece[4][PIECES];
};

static void fill(struct network *n)
{
    int64_t at, k, i;

    for (k = 0; k < 4; k++) {
        lft_fill(n->number[k], TOTAL, (uint64_t)k + 1);
        for (at = 0, i = 0; i < PIECES; at += sizes[i++])
            n->piece[k][i] = n->number[k] + at;
    }
    for (i = 0; i < TOTAL; i++)
        n->number[3][i] = fabsf(n->number[3][i]);
}

static lfuse_sgd_all_args sgd_all(struct network *n)
{
    lfuse_sgd_all_args a;

    lfuse_sgd_all_args_init(&a, sizeof(a));
    a.values = n->piece[0];
    a.gradients = (const float *const *)n->piece[1];
    a.velocities = n->piece[2];
    a.counts = sizes;
    a.parameters = PIECES;
    a.learning_rate = 0.125;
    a.momentum = 0.75;
    a.weight_decay = 0.0625;
    a.flags = LFUSE_SGD_NESTEROV;
    return a;
}

static lfuse_adamw_all_args adamw_all(struct network *n)
{
    lfuse_adamw_all_args a;

    lfuse_adamw_all_args_init(&a, sizeof(a));
    a.values = n->piece[0];
    a.gradients = (const float *const *)n->piece[1];
    a.firsts = n->piece[2];
    a.seconds = n->piece[3];
    a.counts = sizes;
    a.parameters = PIECES;
    a.step = 2;
    a.learning_rate = 0.125;
    a.weight_decay = 0.25;
    return a;
}

static void sgd_one_by_one(struct lft *t, struct network *n)
{
    const lfuse_sgd_all_args all = sgd_all(n);
    lfuse_sgd_args a;
    int i;

    for (i = 0; i < PIECES; i++) {
        lfuse_sgd_args_init(&a, sizeof(a));
        a.value = n->piece[0][i];
        a.gradient = n->piece[1][i];
        a.velocity = n->piece[2][i];
        a.count = sizes[i];
        a.learning_rate = all.learning_rate;
        a.momentum = all.momentum;
        a.weight_decay = all.weight_decay;
        a.flags = all.flags;
        lft_ok(t, lfuse_sgd(t->ctx, &a, &t->err));
    }
}

static void adamw_one_by_one(struct lft *t, struct network *n)
{
    const lfuse_adamw_all_args all = adamw_all(n);
    lfuse_adamw_args a;
    int i;

    for (i = 0; i < PIECES; i++) {
        lfuse_adamw_args_init(&a, sizeof(a));
        a.value = n->piece[0][i];
        a.gradient = n->piece[1][i];
        a.first = n->piece[2][i];
        a.second = n->piece[3][i];
        a.count = sizes[i];
        a.step = all.step;
        a.learning_rate = all.learning_rate;
        a.weight_decay = all.weight_decay;
        lft_ok(t, lfuse_adamw(t->ctx, &a, &t->err));
    }
}

static void all_at_once_and_one_by_one_are_the_same_bits(void **state)
{
    static struct network once, single;
    struct lft *t = *state;
    int32_t threads;

    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        lfuse_sgd_all_args sgd = sgd_all(&once);
        lfuse_adamw_all_args adamw = adamw_all(&once);
        int64_t allocations = t->memory.allocations;

        fill(&once);
        fill(&single);
        lft_ok(t, lfuse_sgd_all(ctx, &sgd, &t->err));
        sgd_one_by_one(t, &single);
        assert_memory_equal(once.number, single.number, sizeof(once.number));
        lft_ok(t, lfuse_adamw_all(ctx, &adamw, &t->err));
        adamw_one_by_one(t, &single);
        assert_memory_equal(once.number, single.number, sizeof(once.number));
        assert_int_equal(t->memory.allocations, allocations);
        lfuse_context_destroy(ctx);
    }
}

/* Multiples of 2^-15 below 1: squares are multiples of 2^-30, and 3e5 of them sum below 2^23:
 * f64 holds every partial sum exactly, and the root rounds once. */
static void the_norm_is_exact_for_every_instruction_set_and_any_threads(void **state)
{
    static struct network n;
    struct lft *t = *state;
    double expected = 0.0, norm;
    int32_t threads;
    size_t i;

    fill(&n);
    for (i = 0; i < TOTAL; i++)
        expected += (double)n.number[1][i] * (double)n.number[1][i];
    for (i = 0; i < 3; i++)
        for (threads = 1; threads <= 3 && lft_runs(isas[i]); threads++) {
            lfuse_context *ctx = lft_context(t, threads, isas[i]);

            lft_ok(t, lfuse_gradient_norm(ctx, (const float *const *)n.piece[1], sizes,
                                          PIECES, &norm, &t->err));
            assert_true(norm == sqrt(expected));
            lfuse_context_destroy(ctx);
        }
}

static void the_norm_reads_every_tail_and_no_byte_more(void **state)
{
    struct lft *t = *state;
    int64_t count, k;
    size_t i;

    for (i = 0; i < 3; i++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[i]))
            continue;
        ctx = lft_context(t, 0, isas[i]);
        for (count = 1; count <= 70; count++) {
            float *x = lft_guard_end(count);
            const float *given = x;
            double norm, expected = 0.0;

            lft_fill(x, count, 5);
            for (k = 0; k < count; k++)
                expected += (double)x[k] * (double)x[k];
            lft_ok(t, lfuse_gradient_norm(ctx, &given, &count, 1, &norm, &t->err));
            assert_true(norm == sqrt(expected)); /* exact: see above */
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

/* f32 squares would be infinite, and zero. */
static void the_norm_neither_overflows_nor_vanishes(void **state)
{
    const float large[2] = {3e30f, 4e30f}, small[2] = {3e-30f, 4e-30f};
    const float *given[2] = {large, small};
    struct lft *t = *state;
    const int64_t count = 2;
    double norm;

    lft_ok(t, lfuse_gradient_norm(t->ctx, &given[0], &count, 1, &norm, &t->err));
    assert_true(fabs(norm - 5e30) <= FLT_EPSILON * 5e30);
    lft_ok(t, lfuse_gradient_norm(t->ctx, &given[1], &count, 1, &norm, &t->err));
    assert_true(fabs(norm - 5e-30) <= FLT_EPSILON * 5e-30);
}

/* As test_update_adamw.c bounds the steps; the scale rounds twice more. */
static void clipped_steps_are_pytorchs(void **state)
{
    float value[6], first[6] = {0.0f}, second[6] = {0.0f};
    float *values[2] = {value, value + 4}, *firsts[2] = {first, first + 4},
          *seconds[2] = {second, second + 4};
    const int64_t counts[2] = {4, 2};
    struct lft *t = *state;
    lfuse_adamw_all_args a;
    double norm;
    int i;

    memcpy(value, adamw_value, sizeof(value));
    lfuse_adamw_all_args_init(&a, sizeof(a));
    a.values = values;
    a.firsts = firsts;
    a.seconds = seconds;
    a.counts = counts;
    a.parameters = 2;
    a.learning_rate = 0.125;
    a.beta1 = 0.75;
    a.beta2 = 0.875;
    a.epsilon = 0.0625;
    a.weight_decay = 0.25;
    a.max_norm = 1.5;
    a.norm = &norm;
    for (a.step = 1; a.step <= 3; a.step++) {
        const float *g = adamw_gradients + (ptrdiff_t)6 * (a.step - 1);
        const float *gradients[2] = {g, g + 4};

        a.gradients = gradients;
        lft_ok(t, lfuse_adamw_all(t->ctx, &a, &t->err));
        assert_true(norm > 1.5); /* else nothing is clipped */
    }
    for (i = 0; i < 6; i++)
        assert_true(fabs((double)value[i] - adamw_clipped[i]) <=
                    3 * 2 * 18.0 * 4.0 * (FLT_EPSILON / 2.0));
}

/* 3, 4, 0 has norm 5; scaled to 2.5 and a rate of 1 the value loses half of it, within the
 * 1e-6 that the scale's divisor is larger by, and four roundings. */
static void clipping_scales_and_leaves_what_is_short(void **state)
{
    float value[3] = {0.0f}, gradient[3] = {3.0f, 4.0f, 0.0f}, *values = value;
    const float *gradients = gradient;
    const int64_t count = 3;
    struct lft *t = *state;
    lfuse_sgd_all_args a;
    double norm = 0.0;

    lfuse_sgd_all_args_init(&a, sizeof(a));
    a.values = &values;
    a.gradients = &gradients;
    a.counts = &count;
    a.parameters = 1;
    a.learning_rate = 1.0;
    a.max_norm = 2.5;
    a.norm = &norm;
    lft_ok(t, lfuse_sgd_all(t->ctx, &a, &t->err));
    assert_true(norm == 5.0 && gradient[0] == 3.0f);
    assert_true(fabs((double)value[0] + 1.5) <= 1.5 * (1e-6 / 5.0 + 2.0 * FLT_EPSILON));
    assert_true(fabs((double)value[1] + 2.0) <= 2.0 * (1e-6 / 5.0 + 2.0 * FLT_EPSILON));
    memset(value, 0, sizeof(value));
    a.max_norm = 5.5;
    lft_ok(t, lfuse_sgd_all(t->ctx, &a, &t->err));
    assert_true(value[0] == -3.0f && value[1] == -4.0f && value[2] == 0.0f);
}

/* ---- errors ------------------------------------------------------------------------------ */

struct tiny {
    float number[4][2];
    float *piece[4][2];
    int64_t counts[2];
};

static struct tiny *tiny(void)
{
    static struct tiny t;
    int k, i;

    for (k = 0; k < 4; k++)
        for (i = 0; i < 2; i++) {
            t.number[k][i] = (float)(1 + k);
            t.piece[k][i] = &t.number[k][i];
        }
    t.counts[0] = t.counts[1] = 1;
    return &t;
}

static void assert_untouched(const struct tiny *t)
{
    int k;

    for (k = 0; k < 4; k++)
        if (k != 1)
            assert_true(t->number[k][0] == (float)(1 + k) &&
                        t->number[k][1] == (float)(1 + k));
}

static void bad_arguments_of_sgd_are_named_and_nothing_changes(void **state)
{
    float *with_null[2] = {tiny()->piece[0][0], NULL};
    int64_t counts[2] = {1, 0};
    struct tiny *n = tiny();
    struct lft *t = *state;
    lfuse_sgd_all_args good, args;
    double norm = 7.0;

    lfuse_sgd_all_args_init(&good, sizeof(good));
    good.values = n->piece[0];
    good.gradients = (const float *const *)n->piece[1];
    good.velocities = n->piece[2];
    good.counts = n->counts;
    good.parameters = 2;
    good.momentum = 0.5;
    good.norm = &norm;
#define FAILS(field, wrong, code, message)                                    \
    do {                                                                      \
        args = good;                                                          \
        args.field = (wrong);                                                 \
        lft_fails(t, lfuse_sgd_all(t->ctx, &args, &t->err), LFUSE_ERR_##code, \
                  "args." message);                                           \
    } while (0)
    FAILS(values, NULL, ARGUMENT, "values is NULL");
    FAILS(values, with_null, ARGUMENT, "values[1] is NULL");
    FAILS(gradients, NULL, ARGUMENT, "gradients is NULL");
    FAILS(gradients, (const float *const *)with_null, ARGUMENT, "gradients[1] is NULL");
    FAILS(velocities, NULL, ARGUMENT, "velocities is NULL");
    FAILS(velocities, with_null, ARGUMENT, "velocities[1] is NULL");
    FAILS(counts, NULL, ARGUMENT, "counts is NULL");
    FAILS(counts, counts, ARGUMENT, "counts[1] is 0");
    FAILS(parameters, 0, ARGUMENT, "parameters is 0");
    FAILS(learning_rate, (double)NAN, ARGUMENT, "learning_rate is");
    FAILS(momentum, 1.0, ARGUMENT, "momentum is 1");
    FAILS(weight_decay, -1.0, ARGUMENT, "weight_decay is -1");
    FAILS(max_norm, -1.0, ARGUMENT, "max_norm is -1");
    FAILS(max_norm, (double)NAN, ARGUMENT, "max_norm is");
    FAILS(flags, 2, ARGUMENT, "flags is 0x2");
    FAILS(reserved, 1, UNSUPPORTED, "reserved is 1");
    counts[0] = counts[1] = INT64_MAX / 7;
    FAILS(counts, counts, OVERFLOW, "counts do not add up");
#undef FAILS
    lft_fails(t, lfuse_sgd_all(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
    lft_fails(t, lfuse_sgd_all(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    args = good;
    args.max_norm = 1.0;
    n->number[1][1] = NAN;
    lft_fails(t, lfuse_sgd_all(t->ctx, &args, &t->err), LFUSE_ERR_NOT_FINITE,
              "the gradients' norm is");
    assert_true(norm == 7.0);
    assert_untouched(n);
}

static void bad_arguments_of_adamw_are_named_and_nothing_changes(void **state)
{
    float *with_null[2] = {tiny()->piece[0][0], NULL};
    struct tiny *n = tiny();
    struct lft *t = *state;
    lfuse_adamw_all_args good, args;
    struct {
        lfuse_adamw_all_args args;
        int64_t later;
    } newer;

    lfuse_adamw_all_args_init(&good, sizeof(good));
    good.values = n->piece[0];
    good.gradients = (const float *const *)n->piece[1];
    good.firsts = n->piece[2];
    good.seconds = n->piece[3];
    good.counts = n->counts;
    good.parameters = 2;
    good.step = 1;
#define FAILS(field, wrong, code, message)                                      \
    do {                                                                        \
        args = good;                                                            \
        args.field = (wrong);                                                   \
        lft_fails(t, lfuse_adamw_all(t->ctx, &args, &t->err), LFUSE_ERR_##code, \
                  "args." message);                                             \
    } while (0)
    FAILS(values, with_null, ARGUMENT, "values[1] is NULL");
    FAILS(gradients, NULL, ARGUMENT, "gradients is NULL");
    FAILS(firsts, NULL, ARGUMENT, "firsts is NULL");
    FAILS(seconds, with_null, ARGUMENT, "seconds[1] is NULL");
    FAILS(counts, NULL, ARGUMENT, "counts is NULL");
    FAILS(parameters, -1, ARGUMENT, "parameters is -1");
    FAILS(step, 0, ARGUMENT, "step is 0");
    FAILS(beta1, 1.0, ARGUMENT, "beta1 is 1");
    FAILS(beta2, 1.0, ARGUMENT, "beta2 is 1");
    FAILS(epsilon, (double)INFINITY, ARGUMENT, "epsilon is inf");
    FAILS(max_norm, (double)INFINITY, ARGUMENT, "max_norm is inf");
    FAILS(flags, 1, ARGUMENT, "flags is 0x1");
    FAILS(reserved, 1, UNSUPPORTED, "reserved is 1");
#undef FAILS
    lft_fails(t, lfuse_adamw_all(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    memset(&newer, 0, sizeof(newer));
    newer.args = good;
    newer.args.struct_size = sizeof(newer);
    newer.later = 1;
    lft_fails(t, lfuse_adamw_all(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
              "args");
    assert_untouched(n);
}

static void bad_arguments_of_the_norm_are_named_and_it_is_untouched(void **state)
{
    struct tiny *n = tiny();
    const float *const *gradients = (const float *const *)n->piece[1];
    const int64_t zero = 0;
    struct lft *t = *state;
    double norm = 7.0;

#define FAILS(ctx, gradients, counts, parameters, norm, text)                            \
    lft_fails(t, lfuse_gradient_norm(ctx, gradients, counts, parameters, norm, &t->err), \
              LFUSE_ERR_ARGUMENT, text)
    FAILS(NULL, gradients, n->counts, 2, &norm, "ctx is NULL");
    FAILS(t->ctx, NULL, n->counts, 2, &norm, "gradients is NULL");
    FAILS(t->ctx, gradients, NULL, 2, &norm, "counts is NULL");
    FAILS(t->ctx, gradients, &zero, 1, &norm, "counts[0] is 0");
    FAILS(t->ctx, gradients, n->counts, 0, &norm, "parameters is 0");
    FAILS(t->ctx, gradients, n->counts, 2, NULL, "norm is NULL");
#undef FAILS
    assert_true(norm == 7.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(all_at_once_and_one_by_one_are_the_same_bits),
        lft_test(the_norm_is_exact_for_every_instruction_set_and_any_threads),
        lft_test(the_norm_reads_every_tail_and_no_byte_more),
        lft_test(the_norm_neither_overflows_nor_vanishes),
        lft_test(clipped_steps_are_pytorchs),
        lft_test(clipping_scales_and_leaves_what_is_short),
        lft_test(bad_arguments_of_sgd_are_named_and_nothing_changes),
        lft_test(bad_arguments_of_adamw_are_named_and_nothing_changes),
        lft_test(bad_arguments_of_the_norm_are_named_and_it_is_untouched),
    };

    return cmocka_run_group_tests_name("update_all", tests, NULL, NULL);
}
