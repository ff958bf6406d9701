/*
 * test_attention.c - attention against its definition in f64: every instruction set, tails, strides,
 * grouped queries, differences, the cache, threads
 */
#include "attention_definition.h"

#include <string.h>

enum { CAUSAL = LFUSE_ATTENTION_CAUSAL };

/* Tails of every block and vector, groups, one token, fewer keys than tokens. */
static const struct shape shapes[] = {
    {1, 1, 1, 1, 1, 1, CAUSAL, 0.0},       {2, 3, 3, 2, 2, 5, CAUSAL, 0.0},
    {1, 16, 16, 1, 1, 16, CAUSAL, 0.0},    {1, 17, 33, 2, 1, 7, CAUSAL, 0.0},
    {2, 100, 100, 4, 2, 16, CAUSAL, 0.0},  {1, 97, 193, 3, 1, 33, CAUSAL, 0.0},
    {1, 1, 130, 8, 2, 32, CAUSAL, 0.0},    {3, 1, 97, 3, 3, 17, 0, 0.0},
    {1, 5, 200, 4, 4, 64, CAUSAL, 0.0},    {1, 200, 200, 2, 2, 80, CAUSAL, 0.0},
    {2, 50, 20, 2, 1, 9, 0, 0.0},          {1, 100, 200, 2, 2, 24, 0, 0.0},
    {1, 193, 193, 2, 2, 12, CAUSAL, 30.0}, {3, 97, 97, 9, 3, 4, CAUSAL, 0.0},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_attention_forward(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_attention_backward(ctx, &p->args, &t->err));
}

static void both_directions_are_their_definition_on_all_instruction_sets(void **state)
{
    struct lft *t = *state;
    enum layout layout;
    lfuse_isa isa;
    size_t i;

    for (i = 0; i < SHAPES * LAYOUTS; i++) {
        const struct shape *s = &shapes[i / LAYOUTS];
        struct answer answer;

        layout = (enum layout)(i % LAYOUTS);
        if (layout == FUSED && s->tokens != s->keys)
            continue;
        for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
            lfuse_context *ctx = lft_context(t, 0, isa);
            struct problem p = make(s, layout);

            run(t, ctx, &p);
            answer = define(&p);
            check_forward(&p, &answer);
            check_backward(&p, &answer);
            free(answer.memory);
            lft_guard_free();
            lfuse_context_destroy(ctx);
        }
    }
}

/* ---- properties ------------------------------------------------------------------------------ */

/* sum of y dy as it is defined. */
static double objective(const struct problem *p)
{
    static struct query x;
    struct answer r = answer_of(&p->shape);
    double sum = 0.0;
    int64_t b, i, h, c;

    for (b = 0; b < p->shape.batch; b++)
        for (h = 0; h < p->shape.heads; h++)
            for (i = 0; i < p->shape.tokens; i++) {
                const int64_t at = place(b, i, h, p->shape.heads, p->shape.tokens,
                                         p->shape.head_dim, 0, 0);

                score_keys(p, b, i, h, &x);
                define_forward(p, b, i, h, &x, &r);
                for (c = 0; c < p->shape.head_dim; c++)
                    sum += r.y[at + c] * (double)x.dy[c];
            }
    free(r.memory);
    return sum;
}

/* (objective(value + step) - objective(value - step)) / (2 step); steps are exact. */
static double difference(const struct problem *p, float *value, float step)
{
    const float kept = *value;
    double above, below;

    *value = kept + step;
    above = objective(p);
    *value = kept - step;
    below = objective(p);
    *value = kept;
    return (above - below) / (2.0 * (double)step);
}

/*
 * Central differences of steps h and 2h, extrapolated: the error is h^4 / 30 times a fifth
 * derivative, in which each score brings |scale q k| <= 1 and what sums over p brings 2 for each order:
 * below 2^5 times the head size.
 */
static void compare(const struct problem *p, float *values, const float *gradient,
                    const double *bound, int64_t count)
{
    const float step = 0x1p-9f;
    const double own = pow((double)step, 4.0) * 32.0 * (double)p->shape.head_dim / 30.0;
    double greatest = 0.0, worst = 0.0;
    int64_t i;

    for (i = 0; i < count; i++) {
        const double d = (4.0 * difference(p, values + i, step) -
                          difference(p, values + i, 2.0f * step)) /
                         3.0;
        const double error = fabs((double)gradient[i] - d);

        greatest = fmax(greatest, fabs(d));
        worst = fmax(worst, error);
        assert_true(error <= bound[i] + own + 1e-11);
    }
    assert_true(worst <= 1e-4 * greatest);
}

static void gradients_are_differences_of_the_definition(void **state)
{
    static const struct shape cases[] = {{2, 5, 7, 4, 2, 3, CAUSAL, 0.0},
                                         {1, 4, 3, 2, 1, 6, 0, 0.0},
                                         {1, 1, 6, 4, 2, 5, CAUSAL, 0.9}};
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem p = make(&cases[i], DENSE);
        struct answer r = define(&p);

        run(t, t->ctx, &p);
        compare(&p, p.q, p.args.dq, r.dq_bound, r.queries);
        compare(&p, p.k, p.args.dk, r.dk_bound, r.keys);
        compare(&p, p.v, p.args.dv, r.dv_bound, r.keys);
        free(r.memory);
        lft_guard_free();
    }
}

/* Between the tokens of the outputs, and beyond what they need, lies what lay there. */
static void what_lies_between_tokens_stays(void **state)
{
    static const struct shape s = {2, 30, 30, 2, 1, 10, CAUSAL, 0.0};
    struct lft *t = *state;
    struct problem p = make(&s, SPREAD);
    const lfuse_attention_args *a = &p.args;
    int64_t b, i, c;

    run(t, t->ctx, &p);
    for (b = 0; b < 2; b++)
        for (i = 0; i < 29; i++) {
            const int64_t y = b * a->y_batch_stride + i * a->y_stride;
            const int64_t dk = b * a->k_batch_stride + i * a->k_stride;

            for (c = 20; c < a->y_stride; c++)
                assert_true(a->y[y + c] == (float)lft_value(5, y + c));
            for (c = 10; c < a->k_stride; c++)
                assert_true(a->dk[dk + c] == (float)lft_value(7, dk + c));
        }
    lft_guard_free();
}

/* Token after token, or a few at a time, over a cache that is longer than what is filled: within
 * both bounds of what the whole sequence gives at once. */
static void decoding_is_the_whole_sequence_at_once(void **state)
{
    static const struct shape s = {2, 120, 120, 4, 2, 24, CAUSAL, 0.0};
    static const int64_t steps[] = {1, 7};
    struct lft *t = *state;
    struct problem p = make(&s, DENSE);
    struct answer r = define(&p);
    size_t n;

    for (n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
        lfuse_attention_args a = p.args;
        int64_t done;

        a.k_batch_stride = a.v_batch_stride = 120 * 2 * 24;
        a.q_batch_stride = a.y_batch_stride = 120 * 4 * 24;
        a.statistics = NULL;
        for (done = 0; done < 120; done += a.tokens) {
            a.tokens = 120 - done < steps[n] ? 120 - done : steps[n];
            a.keys = done + a.tokens;
            a.q = p.q + done * 4 * 24;
            a.y = p.args.y + done * 4 * 24;
            lft_ok(t, lfuse_attention_forward(t->ctx, &a, &t->err));
        }
        near("y", p.args.y, r.y, r.y_bound, r.queries);
    }
    free(r.memory);
    lft_guard_free();
}

/* A score that is far above the others takes all; scores of thousands overflow nowhere. */
static void one_key_takes_all_of_a_large_scale(void **state)
{
    static const struct shape s = {1, 3, 150, 1, 1, 8, 0, 1e4};
    struct lft *t = *state;
    struct problem p = make(&s, DENSE);
    int64_t i, c;

    for (i = 0; i < 3; i++)
        for (c = 0; c < 8; c++) {
            p.q[i * 8 + c] = 1.0f;
            p.k[(40 * i + 47) * 8 + c] = 2.0f; /* the others are below 1 */
        }
    for (c = 0; c < 8; c++) /* but for one key, of which there shall be one */
        p.k[47 * 8 + c] = 4.0f;
    run(t, t->ctx, &p);
    for (i = 0; i < 3; i++)
        for (c = 0; c < 8; c++)
            assert_true(p.args.y[i * 8 + c] == p.v[47 * 8 + c]);
    assert_true(p.args.statistics[0] == 1e4f * 32.0f);
    lft_guard_free();
}

static void nan_in_gives_nan_out_where_it_is_seen(void **state)
{
    static const struct shape s = {1, 40, 40, 1, 1, 8, CAUSAL, 0.0};
    struct lft *t = *state;
    struct problem p = make(&s, DENSE);
    int64_t i;

    p.k[20 * 8 + 3] = NAN;
    run(t, t->ctx, &p);
    for (i = 0; i < 40; i++) {
        assert_int_equal(isnan(p.args.y[i * 8]), i >= 20);
        assert_int_equal(isnan(p.args.statistics[i]), i >= 20);
    }
    lft_fill(p.k, 40 * 8, 2);
    p.q[5 * 8] = NAN;
    run(t, t->ctx, &p);
    for (i = 0; i < 40; i++)
        assert_int_equal(isnan(p.args.y[i * 8]), i == 5);
    lft_guard_free();
}

/* ---- threads, settings, memory ----------------------------------------------------------------- */

static void same_bits(const struct problem *a, const struct problem *b)
{
    const struct shape *s = &a->shape;
    const size_t q =
        (size_t)(s->batch * s->tokens * s->heads * s->head_dim) * sizeof(float);
    const size_t kv =
        (size_t)(s->batch * s->keys * s->kv_heads * s->head_dim) * sizeof(float);

    assert_memory_equal(a->args.y, b->args.y, q);
    assert_memory_equal(a->args.statistics, b->args.statistics, q / (size_t)s->head_dim);
    assert_memory_equal(a->args.dq, b->args.dq, q);
    assert_memory_equal(a->args.dk, b->args.dk, kv);
    assert_memory_equal(a->args.dv, b->args.dv, kv);
}

/* Few heads share the keys of a head out, many do not. */
static void threads_do_not_change_a_bit(void **state)
{
    static const struct shape cases[] = {{1, 300, 300, 2, 1, 40, CAUSAL, 0.0},
                                         {2, 130, 130, 10, 5, 17, CAUSAL, 0.0},
                                         {1, 1, 700, 8, 2, 64, CAUSAL, 0.0}};
    struct lft *t = *state;
    int32_t threads;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem first = make(&cases[i], DENSE);

        run(t, t->ctx, &first);
        for (threads = 2; threads <= 3; threads++) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
            struct problem p = make(&cases[i], DENSE);

            run(t, ctx, &p);
            same_bits(&p, &first);
            lfuse_context_destroy(ctx);
        }
        lft_guard_free();
    }
}

static void floating_point_settings_stay(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[5], DENSE);
    const uint32_t control = lft_float_control();

    run(t, t->ctx, &p);
    assert_int_equal(lft_float_control(), control);
    lft_guard_free();
}

/* The caller's memory is enough, and the same bits come out of it; nothing is allocated. */
static void the_workspace_is_enough(void **state)
{
    static const struct shape s = {1, 300, 300, 2, 1, 40, CAUSAL, 0.0};
    struct lft *t = *state;
    struct problem own = make(&s, DENSE), p = make(&s, DENSE);
    int64_t allocations;
    size_t bytes;

    run(t, t->ctx, &own);
    lft_ok(t, lfuse_attention_workspace(t->ctx, &p.args, &bytes, &t->err));
    p.args.workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
    p.args.workspace_bytes = bytes;
    allocations = t->memory.allocations;
    run(t, t->ctx, &p);
    assert_true(t->memory.allocations == allocations);
    same_bits(&p, &own);
    lft_guard_free();
}

/* Twice the tokens take at most twice the memory, and the scores of a head would be more. */
static void memory_is_linear_in_tokens(void **state)
{
    static const int64_t heads[] = {1, 12};
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < 2; i++) {
        lfuse_attention_args a;
        size_t once, twice;

        lfuse_attention_args_init(&a, sizeof(a));
        a.batch = 1;
        a.tokens = 4096;
        a.heads = heads[i];
        a.head_dim = 64;
        a.flags = CAUSAL;
        lft_ok(t, lfuse_attention_workspace(t->ctx, &a, &once, &t->err));
        a.tokens *= 2;
        lft_ok(t, lfuse_attention_workspace(t->ctx, &a, &twice, &t->err));
        assert_true(twice <= 2 * once);
        assert_true(once < 4096 * 4096 * sizeof(float) / 4);
    }
}

static lfuse_status call_forward(struct lft *t, void *arg)
{
    return lfuse_attention_forward(t->ctx, arg, &t->err);
}

static lfuse_status call_backward(struct lft *t, void *arg)
{
    return lfuse_attention_backward(t->ctx, arg, &t->err);
}

static void a_refused_allocation_leaves_nothing_behind(void **state)
{
    struct problem p = make(&shapes[3], DENSE);

    lft_every_allocation_fails(*state, call_forward, &p.args);
    lft_every_allocation_fails(*state, call_backward, &p.args);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(both_directions_are_their_definition_on_all_instruction_sets),
        lft_test(gradients_are_differences_of_the_definition),
        lft_test(what_lies_between_tokens_stays),
        lft_test(decoding_is_the_whole_sequence_at_once),
        lft_test(one_key_takes_all_of_a_large_scale),
        lft_test(nan_in_gives_nan_out_where_it_is_seen),
        lft_test(threads_do_not_change_a_bit),
        lft_test(floating_point_settings_stay),
        lft_test(the_workspace_is_enough),
        lft_test(memory_is_linear_in_tokens),
        lft_test(a_refused_allocation_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
