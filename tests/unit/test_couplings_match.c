/* test_couplings_match.c - the best order of a space's units; see couplings.h */
#include "lft_couplings.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { UNITS = 7, WIDTH = 5 };

/* A block of two layers and a norm: w1 (UNITS, WIDTH), norm (UNITS), w2 (WIDTH, UNITS). */
static void block(struct lft *t, lfuse_couplings *c, const char *const names[3])
{
    lfuse_layer *norm;

    lft_linear(t, names[0], UNITS, WIDTH, 0, NULL);
    norm = lft_plan_bare(t, names[1], "norm");
    lft_plan_add(t, norm, "weight", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, (uint64_t)t->tensor_count + 1, UNITS, 0));
    lft_plan_add(t, norm, "running_mean", LFUSE_ROLE_STATISTIC, 0,
                 lft_tensor(t, LFUSE_F32, (uint64_t)t->tensor_count + 1, UNITS, 0));
    lft_linear(t, names[2], WIDTH, UNITS, 0, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling(names[0], "weight", 0));
    lft_couple_member(t, c, lft_coupling(names[1], "weight", 0));
    lft_couple_member(t, c, lft_coupling(names[1], "running_mean", 0));
    lft_couple_member(t, c, lft_coupling(names[2], "weight", 1));
}

static lfuse_couplings *two_blocks(struct lft *t)
{
    static const char *const a[] = {"a1", "an", "a2"}, *const b[] = {"b1", "bn", "b2"};
    lfuse_couplings *c = lft_couple(t);

    block(t, c, a);
    block(t, c, b);
    return c;
}

static lfuse_match_args args_of(const struct lft *t)
{
    lfuse_match_args args;

    lfuse_match_args_init(&args, sizeof(args));
    args.layers = lft_all(t);
    args.count = t->layer_count;
    args.a = 0;
    args.b = 1;
    return args;
}

/* Values of layer i, parameter k. */
static float *values(struct lft *t, int layer, int k)
{
    return lft_floats(lft_parameter(t, layer, k).value);
}

/* What the definition says of units u of the first block and v of the second. */
static double score(struct lft *t, int u, int v)
{
    double sum = (double)values(t, 1, 0)[u] * values(t, 4, 0)[v];
    int k;

    for (k = 0; k < WIDTH; k++) {
        sum += (double)values(t, 0, 0)[u * WIDTH + k] * values(t, 3, 0)[v * WIDTH + k];
        sum += (double)values(t, 2, 0)[k * UNITS + u] * values(t, 5, 0)[k * UNITS + v];
    }
    return sum;
}

/* The best of all 5040 ways. */
static double best_of(struct lft *t, int place, int *order, double sum)
{
    double best = -INFINITY;
    int k, keep;

    if (place == UNITS)
        return sum;
    for (k = place; k < UNITS; k++) {
        double value;

        keep = order[place], order[place] = order[k], order[k] = keep;
        value = best_of(t, place + 1, order, sum + score(t, place, order[place]));
        best = value > best ? value : best;
        keep = order[place], order[place] = order[k], order[k] = keep;
    }
    return best;
}

/* Products of values in [-1, 1), exact in f64; in f32 11 of them are off by 11 * 2^-24 each. */
static void the_match_is_the_best_of_all_ways(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = two_blocks(t);
    const lfuse_match_args args = args_of(t);
    int order[UNITS], u;
    int64_t found[UNITS];
    double sum = 0.0;

    for (u = 0; u < UNITS; u++)
        order[u] = u;
    lft_ok(t, lfuse_couplings_match(c, &args, found, &t->err));
    for (u = 0; u < UNITS; u++)
        sum += score(t, u, (int)found[u]);
    assert_true(fabs(sum - best_of(t, 0, order, 0.0)) <=
                2.0 * UNITS * 11.0 * 11.0 * 0x1p-24);
    lfuse_couplings_destroy(c);
}

/* A block and the same one in another order: permuted as it says, they are equal. */
static void a_block_is_matched_to_itself_in_another_order(void **state)
{
    static const int64_t shuffled[UNITS] = {4, 2, 6, 0, 1, 5, 3};
    struct lft *t = *state;
    lfuse_couplings *c = two_blocks(t);
    const lfuse_match_args args = args_of(t);
    int64_t found[UNITS];
    int i, k;

    for (i = 0; i < 3; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++)
            memcpy(values(t, 3 + i, k), values(t, i, k),
                   lfuse_tensor_bytes(lft_parameter(t, i, k).value));
    lft_permute(t, c, 1, shuffled);
    lft_ok(t, lfuse_couplings_match(c, &args, found, &t->err));
    for (i = 0; i < UNITS; i++)
        assert_int_equal(shuffled[found[i]], i);
    lft_permute(t, c, 1, found);
    for (i = 0; i < 3; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++)
            assert_memory_equal(values(t, 3 + i, k), values(t, i, k),
                                lfuse_tensor_bytes(lft_parameter(t, i, k).value));
    lfuse_couplings_destroy(c);
}

static void likeness_of_the_caller_takes_the_place_of_weights(void **state)
{
    double likeness[UNITS][UNITS] = {{0.0}};
    struct lft *t = *state;
    lfuse_couplings *c = two_blocks(t);
    lfuse_match_args args = args_of(t);
    int64_t found[UNITS], before[UNITS];
    int u;

    args.likeness = &likeness[0][0];
    for (u = 0; u < UNITS; u++)
        likeness[u][(u + 3) % UNITS] = -1.0 + u; /* some less than nothing else's 0 */
    likeness[0][3] = 0.5;
    lft_ok(t, lfuse_couplings_match(c, &args, found, &t->err));
    for (u = 1; u < UNITS; u++)
        assert_int_equal(found[u], (u + 3) % UNITS);
    memcpy(before, found, sizeof(before));
    likeness[2][5] = NAN;
    lft_fails(t, lfuse_couplings_match(c, &args, found, &t->err), LFUSE_ERR_NOT_FINITE,
              "likeness[2][5] is nan");
    likeness[2][5] = INFINITY;
    lft_fails(t, lfuse_couplings_match(c, &args, found, &t->err), LFUSE_ERR_NOT_FINITE,
              "likeness[2][5] is inf");
    assert_memory_equal(found, before, sizeof(before));
    lfuse_couplings_destroy(c);
}

static void match_fails(struct lft *t, const lfuse_couplings *c, lfuse_match_args args,
                        lfuse_status status, const char *text)
{
    int64_t found[UNITS] = {-5};

    lft_fails(t, lfuse_couplings_match(c, &args, found, &t->err), status, text);
    assert_int_equal(found[0], -5);
}

static void spaces_that_cannot_be_matched_are_refused(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = two_blocks(t);
    lfuse_match_args args = args_of(t);
    int64_t found[UNITS];

    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("a1", "weight", 1));
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("b2", "weight", 0));
    args.b = 2;
    match_fails(t, c, args, LFUSE_ERR_SHAPE,
                "space 0 has 4 members of 7 units, space 2 1 of 5");
    args.a = 3;
    match_fails(t, c, args, LFUSE_ERR_SHAPE,
                "weight of layer b2 and weight of layer a1 are not coupled alike");
    args.b = 4;
    match_fails(t, c, args, LFUSE_ERR_ARGUMENT, "space is 4, the couplings have 4");
    args = args_of(t);
    args.layers = NULL;
    match_fails(t, c, args, LFUSE_ERR_ARGUMENT, "layers is NULL");
    args = args_of(t);
    args.count = 3;
    match_fails(t, c, args, LFUSE_ERR_NAME, "the coupled layer b1 is not there");
    args = args_of(t);
    match_fails(t, NULL, args, LFUSE_ERR_ARGUMENT, "couplings is NULL");
    lft_fails(t, lfuse_couplings_match(c, &args, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "permutation is NULL");
    lft_fails(t, lfuse_couplings_match(c, NULL, found, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    values(t, 0, 0)[1] = 3e38f;
    values(t, 3, 0)[1] = 3e38f;
    match_fails(t, c, args, LFUSE_ERR_NOT_FINITE,
                "the likeness of units 0 and 0 is beyond f32");
    lfuse_couplings_destroy(c);
}

static lfuse_status match(struct lft *t, void *arg)
{
    const lfuse_match_args args = args_of(t);
    int64_t found[UNITS];

    return lfuse_couplings_match(arg, &args, found, &t->err);
}

static void every_allocation_of_a_match_may_fail(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = two_blocks(t);

    lft_every_allocation_fails(t, match, c);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_match_is_the_best_of_all_ways),
        lft_test(a_block_is_matched_to_itself_in_another_order),
        lft_test(likeness_of_the_caller_takes_the_place_of_weights),
        lft_test(spaces_that_cannot_be_matched_are_refused),
        lft_test(every_allocation_of_a_match_may_fail),
    };

    return cmocka_run_group_tests_name("couplings_match", tests, NULL, NULL);
}
