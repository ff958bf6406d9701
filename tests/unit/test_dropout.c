/* test_dropout.c - which elements are dropped, and that it is the same ones everywhere */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

enum { MANY = 100003 }; /* several tasks, and a tail */

static lfuse_dropout_args args_of(const float *x, int64_t count, double probability,
                                  float *y)
{
    lfuse_dropout_args args;

    lfuse_dropout_args_init(&args, sizeof(args));
    args.x = args.dy = x;
    args.y = args.dx = y;
    args.count = count;
    args.probability = probability;
    args.seed = 1234567890123u;
    args.stream = 42;
    return args;
}

static void fill_ones(float *x, int64_t count)
{
    int64_t i;

    for (i = 0; i < count; i++)
        x[i] = 1.0f;
}

/* ---- Philox 4x32-10, from the paper ------------------------------------------------------- */

struct block {
    uint64_t counter;
    uint64_t stream; /* the counter's upper half */
    uint64_t seed;
    uint32_t words[4];
};

static void philox(struct block *b)
{
    uint32_t l0 = (uint32_t)b->counter, r0 = (uint32_t)(b->counter >> 32),
             l1 = (uint32_t)b->stream, r1 = (uint32_t)(b->stream >> 32),
             k0 = (uint32_t)b->seed, k1 = (uint32_t)(b->seed >> 32);
    int round;

    for (round = 0; round < 10; round++) {
        const uint64_t p0 = UINT64_C(0xd2511f53) * l0, p1 = UINT64_C(0xcd9e8d57) * l1;

        l0 = (uint32_t)(p1 >> 32) ^ r0 ^ k0;
        r0 = (uint32_t)p1;
        l1 = (uint32_t)(p0 >> 32) ^ r1 ^ k1;
        r1 = (uint32_t)p0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    b->words[0] = l0;
    b->words[1] = r0;
    b->words[2] = l1;
    b->words[3] = r1;
}

/* The known answers of Random123 (kat_vectors, philox4x32 10). */
static void the_test_knows_philox(void **state)
{
    static const struct block known[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         UINT64_MAX,
         UINT64_MAX,
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {UINT64_C(0x85a308d3243f6a88),
         UINT64_C(0x0370734413198a2e),
         UINT64_C(0x299f31d0a4093822),
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    int k;

    (void)state;
    for (k = 0; k < 3; k++) {
        struct block b = known[k];

        philox(&b);
        assert_memory_equal(b.words, known[k].words, sizeof(b.words));
    }
}

/* A bound of just an element's word keeps it, one more drops it: all bits of every word of a
 * block, for counters of more than 32 bits, too. */
static void every_instruction_set_draws_philoxs_words(void **state)
{
    const int64_t firsts[] = {0, 64, 4096, INT64_C(0x7fffffff0000), INT64_MAX - 127};
    lfuse_isa isa;
    int f, i;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);
        float ones[64], y[64];

        fill_ones(ones, 64);
        for (f = 0; f < 5 && kernels != NULL; f++)
            for (i = 0; i < 64; i++) {
                const int64_t first = firsts[f] / 64 * 64;
                struct block b = {.counter = (uint64_t)first / 4 + (uint64_t)i % 16,
                                  .stream = UINT64_C(0x123456789abcdef0) + (uint64_t)f,
                                  .seed = UINT64_C(0xfedcba9876543210)};
                struct lfi_dropout d = {b.seed, b.stream, 0, 1.0f};

                philox(&b);
                d.below = b.words[i / 16];
                kernels->dropout_f32(&d, first, ones, 64, y);
                assert_true(y[i] == 1.0f);
                d.below++;
                kernels->dropout_f32(&d, first, ones, 64, y);
                assert_true(y[i] == 0.0f);
            }
    }
}

/* Each element is 0 or exactly x / (1 - p) as f32 multiplies it, at every tail. */
static void every_instruction_set_drops_the_same(void **state)
{
    struct lft *t = *state;
    lfuse_context *scalar = lft_context(t, 0, LFUSE_ISA_SCALAR);
    const float scale = (float)(1.0 / 0.75);
    float expected[200];
    lfuse_isa isa;
    int64_t count, i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (count = 1; count <= 200; count++) {
            float *x = count % 2 != 0 ? lft_guard_start(count) : lft_guard_end(count),
                  *y = count % 2 != 0 ? lft_guard_start(count) : lft_guard_end(count);
            lfuse_dropout_args args = args_of(x, count, 0.25, expected);

            lft_fill(x, count, 1);
            lft_ok(t, lfuse_dropout_forward(scalar, &args, &t->err));
            args.y = args.dx = y;
            lft_ok(t, lfuse_dropout_forward(ctx, &args, &t->err));
            assert_memory_equal(y, expected, (size_t)count * sizeof(float));
            for (i = 0; i < count; i++)
                assert_true(y[i] == 0.0f || y[i] == x[i] * scale);
            memset(y, 7, (size_t)count * sizeof(float));
            lft_ok(t, lfuse_dropout_backward(ctx, &args, &t->err)); /* dy is x */
            assert_memory_equal(y, expected, (size_t)count * sizeof(float));
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
    lfuse_context_destroy(scalar);
}

static void threads_drop_the_same_and_outputs_may_be_inputs(void **state)
{
    static float x[MANY], y[MANY], expected[MANY];
    struct lft *t = *state;
    lfuse_dropout_args args = args_of(x, MANY, 0.1, expected);
    int32_t threads;

    lft_fill(x, MANY, 1);
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        memcpy(y, x, sizeof(x));
        args = args_of(y, MANY, 0.1, y);
        lft_ok(t, lfuse_dropout_forward(ctx, &args, &t->err));
        assert_memory_equal(y, expected, sizeof(y));
        memcpy(y, x, sizeof(x));
        lft_ok(t, lfuse_dropout_backward(ctx, &args, &t->err));
        assert_memory_equal(y, expected, sizeof(y));
        lfuse_context_destroy(ctx);
    }
}

/* Of n independent draws the share that is dropped is within six standard deviations but once in
 * 5e8; and so is the share of neighbours that are dropped together. */
static void the_share_that_is_dropped_is_the_probability(void **state)
{
    static const double probabilities[] = {0.0, 0.1, 0.5, 0.9};
    static float x[MANY], y[MANY];
    struct lft *t = *state;
    int64_t i, distance;
    int k;

    fill_ones(x, MANY);
    for (k = 0; k < 4; k++) {
        const double p = probabilities[k], n = MANY;
        lfuse_dropout_args args = args_of(x, MANY, p, y);
        int64_t dropped = 0;

        lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
        for (i = 0; i < MANY; i++)
            dropped += y[i] == 0.0f;
        assert_true(fabs((double)dropped - n * p) <= 6.0 * sqrt(n * p * (1.0 - p)));
        for (distance = 1; distance <= 64; distance *= 4) {
            int64_t both = 0;

            for (i = 0; i + distance < MANY; i++)
                both += y[i] == 0.0f && y[i + distance] == 0.0f;
            assert_true(fabs((double)both - n * p * p) <=
                        (double)distance + 12.0 * sqrt(n * p * p));
        }
    }
}

static int64_t alike(const float *a, const float *b)
{
    int64_t i, count = 0;

    for (i = 0; i < MANY; i++)
        count += (a[i] == 0.0f) == (b[i] == 0.0f);
    return count;
}

/* Two independent masks of one half agree in half of the places. */
static void another_seed_or_stream_drops_others(void **state)
{
    static float x[MANY], first[MANY], y[MANY];
    struct lft *t = *state;
    lfuse_dropout_args args = args_of(x, MANY, 0.5, first);
    const double bound = 6.0 * sqrt(MANY * 0.25);

    fill_ones(x, MANY);
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    args.y = y;
    args.seed++;
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    assert_true(fabs((double)alike(first, y) - MANY * 0.5) <= bound);
    args.seed--;
    args.stream++;
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    assert_true(fabs((double)alike(first, y) - MANY * 0.5) <= bound);
    args.stream--;
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    assert_memory_equal(y, first, sizeof(y));
}

static void extremes_of_the_probability(void **state)
{
    float x[70], y[70];
    struct lft *t = *state;
    lfuse_dropout_args args = args_of(x, 70, 0.0, y);
    int64_t i;

    lft_fill(x, 70, 1);
    x[3] = NAN;
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    assert_memory_equal(y, x, sizeof(x)); /* all bits */
    args.probability = 1.0 - DBL_EPSILON;
    lft_ok(t, lfuse_dropout_forward(t->ctx, &args, &t->err));
    for (i = 0; i < 70; i++) /* below 2^32 - 1 of 2^32 words: NaN, too */
        assert_true(y[i] == 0.0f);
}

typedef lfuse_status (*pass)(lfuse_context *, const lfuse_dropout_args *, lfuse_error *);

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    static const pass passes[] = {lfuse_dropout_forward, lfuse_dropout_backward};
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    float x[2] = {1.0f, 2.0f}, y[2] = {7.0f, 7.0f};
    struct lft *t = *state;
    const lfuse_dropout_args good = args_of(x, 2, 0.5, y);
    struct {
        lfuse_dropout_args args;
        uint64_t more;
    } newer;
    int d;

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_dropout_args args = good;                             \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(passes[0], x, NULL, bad, "args.x is NULL");
    FAILS(passes[0], y, NULL, bad, "args.y is NULL");
    FAILS(passes[1], dy, NULL, bad, "args.dy is NULL");
    FAILS(passes[1], dx, NULL, bad, "args.dx is NULL");
    for (d = 0; d < 2; d++) {
        FAILS(passes[d], count, 0, bad, "args.count is 0");
        FAILS(passes[d], count, INT64_MAX / 2, LFUSE_ERR_OVERFLOW, "do not fit");
        FAILS(passes[d], probability, 1.0, bad, "args.probability is 1, not in [0, 1)");
        FAILS(passes[d], probability, -0.5, bad, "args.probability is -0.5");
        FAILS(passes[d], probability, (double)NAN, bad, "args.probability is nan");
        FAILS(passes[d], struct_size, 0, bad, "struct_size 0");
        lft_fails(t, passes[d](NULL, &good, &t->err), bad, "ctx is NULL");
        lft_fails(t, passes[d](t->ctx, NULL, &t->err), bad, "args is NULL");
        newer.args = good;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, passes[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
#undef FAILS
    assert_true(y[0] == 7.0f && y[1] == 7.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_test_knows_philox),
        lft_test(every_instruction_set_draws_philoxs_words),
        lft_test(every_instruction_set_drops_the_same),
        lft_test(threads_drop_the_same_and_outputs_may_be_inputs),
        lft_test(the_share_that_is_dropped_is_the_probability),
        lft_test(another_seed_or_stream_drops_others),
        lft_test(extremes_of_the_probability),
        lft_test(every_error_is_told_and_the_outputs_untouched),
    };

    return cmocka_run_group_tests_name("dropout", tests, NULL, NULL);
}
