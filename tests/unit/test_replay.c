/*
 * test_replay.c - plans that align, of layers and of rows: written here, read and applied elsewhere
 *
 * What they leave of values and state, mixed for a step and finalised, is the same to the last bit
 * on one and two threads and under every kernel table. Plans without alignment: test_plan_file.c,
 * test_plan_file_rows.c.
 */
#include "lft_alignment.h"
#include "lft_plan_file.h"

#include <stdlib.h>
#include <string.h>

/* No multiple of a vector's length; a weight of the larger width is work for two threads. */
enum { UNITS = 19, WIDTH = 131, MOST_WIDTH = 901, LAYERS = 3 * LFT_BLOCKS };
enum { MOST_ELEMENTS = LFT_BLOCKS * (2 * UNITS * MOST_WIDTH + 3 * UNITS) };
enum { MOST_BYTES = 2 * 2 * MOST_ELEMENTS * (int)sizeof(double) };

struct network {
    lfuse_dtype dtype;
    int64_t width;
};

/* ---- a network ----------------------------------------------------------------------------- */

static void add(struct lft *t, const char *name, lfuse_role role, lfuse_dtype dtype,
                int64_t rows, int64_t columns)
{
    const uint64_t seed = (uint64_t)t->tensor_count + 1;
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = name;
    p.role = role;
    p.value = lft_tensor(t, dtype, seed, rows, columns, 0);
    if (role == LFUSE_ROLE_WEIGHT || role == LFUSE_ROLE_BIAS)
        p.state[0] = lft_tensor(t, dtype, seed + 1000, rows, columns, 0);
    lft_ok(t, lfuse_layer_add_parameter(t->layers[t->layer_count - 1], &p, &t->err));
}

static void make_layers(struct lft *t, struct network n)
{
    int i;

    for (i = 0; i < LFT_BLOCKS; i++) {
        lft_align_layer(t, lft_align_prefixes[i], "up");
        add(t, "weight", LFUSE_ROLE_WEIGHT, n.dtype, UNITS, n.width);
        add(t, "bias", LFUSE_ROLE_BIAS, n.dtype, UNITS, 0);
        lft_align_layer(t, lft_align_prefixes[i], "norm");
        add(t, "scale", LFUSE_ROLE_NORM, n.dtype, UNITS, 0);
        add(t, "mean", LFUSE_ROLE_STATISTIC, n.dtype, UNITS, 0);
        lft_align_layer(t, lft_align_prefixes[i], "down");
        add(t, "weight", LFUSE_ROLE_WEIGHT, n.dtype, n.width, UNITS);
    }
}

static void drop_layers(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* Behind *at, which moves on. */
static void take(struct lft *t, unsigned char **at)
{
    int i, k, s;

    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            const lfuse_parameter p = lft_parameter(t, i, k);
            const lfuse_tensor *const both[] = {p.value, p.state[0]};

            for (s = 0; s < 2 && both[s] != NULL; s++) {
                memcpy(*at, lfuse_tensor_data(both[s]), lfuse_tensor_bytes(both[s]));
                *at += lfuse_tensor_bytes(both[s]);
            }
        }
}

/* ---- a plan, here and elsewhere -------------------------------------------------------------- */

static lfuse_plan *build(struct lft *t, lfuse_plan_options o, char **text)
{
    lfuse_couplings *c = lft_align_couplings(t, LFT_BLOCKS);
    lfuse_plan *plan;

    o.alignment = LFUSE_ALIGNMENT_PERMUTATION;
    o.couplings = c;
    plan = lft_plan_build(t, o);
    assert_true(lfuse_plan_permutation_count(plan) > 0);
    assert_true(lfuse_plan_fusion_count(plan) > 0);
    *text = lft_plan_text(t, plan);
    lfuse_couplings_destroy(c);
    return plan;
}

/* What the plan makes of layers of a context of their own: a new one, whose text is then *text, or,
 * with o NULL, that of *text. Returns how many bytes. */
static size_t carry_out(struct lft *t, lfuse_context *ctx, struct network n,
                        const lfuse_plan_options *o, char **text, unsigned char *out)
{
    lfuse_context *outer = t->ctx;
    unsigned char *at = out, *before;
    lfuse_plan *plan;
    lfuse_ties *ties;

    t->ctx = ctx;
    make_layers(t, n);
    plan = o != NULL ? build(t, *o, text) : lft_plan_read(t, *text);
    ties = lft_ties_of(t, lft_ties_defaults());
    take(t, &at); /* before anything is done, to see that something is */
    before = malloc((size_t)(at - out));
    assert_non_null(before);
    memcpy(before, out, (size_t)(at - out));
    at = out;
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_show(t, ties, LFUSE_SHOW_MIX, 1);
    take(t, &at);
    assert_memory_not_equal(before, out, (size_t)(at - out));
    free(before);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    take(t, &at);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    drop_layers(t);
    t->ctx = outer;
    assert_true(at - out <= MOST_BYTES);
    return (size_t)(at - out);
}

static void check_bits(struct lft *t, struct network n, const lfuse_plan_options *o)
{
    unsigned char *direct = malloc(MOST_BYTES), *replayed = malloc(MOST_BYTES);
    char *text = NULL;
    lfuse_isa isa;
    size_t bytes;
    int threads;

    assert_true(direct != NULL && replayed != NULL);
    bytes = carry_out(t, t->ctx, n, o, &text, direct);
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++)
        for (threads = 1; threads <= 2 && lft_runs(isa); threads++) {
            lfuse_context *ctx = lft_context(t, threads, isa);

            assert_int_equal(carry_out(t, ctx, n, NULL, &text, replayed), bytes);
            assert_memory_equal(direct, replayed, bytes);
            lfuse_context_destroy(ctx);
        }
    free(text);
    free(replayed);
    free(direct);
}

/* Every policy in every type, once rescaled by norms; custom alone is a function that no text has. */
static void check_policies(struct lft *t, lfuse_plan_options o, int64_t width,
                           lfuse_policy last)
{
    struct network n = {LFUSE_F32, width};

    for (; n.dtype <= LFUSE_BF16; n.dtype++)
        for (o.policy = LFUSE_POLICY_AVERAGE; o.policy <= last; o.policy++)
            check_bits(t, n, &o);
    n.dtype = LFUSE_BF16;
    o.policy = LFUSE_POLICY_AVERAGE;
    o.weighting = LFUSE_WEIGHTING_NORM;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    check_bits(t, n, &o);
}

static void an_aligned_plan_gives_the_same_bits_everywhere(void **state)
{
    check_policies(*state, lft_plan_best(3), MOST_WIDTH, LFUSE_POLICY_JS);
}

/* Of the policy js rows have no covariance. */
static void an_aligned_plan_of_rows_gives_the_same_bits_everywhere(void **state)
{
    lfuse_plan_options o = lft_plan_best(40);

    o.unit = LFUSE_UNIT_ROW;
    check_policies(*state, o, WIDTH, LFUSE_POLICY_RANDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(an_aligned_plan_gives_the_same_bits_everywhere),
        lft_test(an_aligned_plan_of_rows_gives_the_same_bits_everywhere),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
