/*
 * test_assignment.c - the exact solver of assignment problems: every instruction set scans
 * like the scalar one; brute force; the certificate of the prices; ties
 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "similarity/assignment.h"
#include "similarity/similarity.h"

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

/* ---- the scans ----------------------------------------------------------------------------- */

static double *guarded(int64_t count)
{
    return (double *)(void *)lft_guard_end(2 * count);
}

/* Few values, so that most of them are ties, and columns that are not there. */
static void fill_few(double *values, int64_t count, uint64_t seed, int kinds)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        int64_t kind = (int64_t)((lft_value(seed, i) + 1.0) / 2.0 * (kinds + 1));

        values[i] = kind == kinds ? INFINITY : (double)kind;
    }
}

static void check_scans(const struct lfi_kernels *kernels, int64_t count, int kinds,
                        uint64_t seed)
{
    double *cost = guarded(count), *price = guarded(count), *distance = guarded(count);
    int64_t *from = (int64_t *)(void *)guarded(count);
    double want_distance[88];
    int64_t want_from[88], want, i;
    struct lfi_assignment_row row = {
        .cost = cost, .price = price, .base = 0.25, .index = 7, .count = count};
    struct lfi_two_least a, b;

    fill_few(cost, count, seed, kinds);
    for (i = 0; i < count; i++)
        price[i] = lft_value(seed + 1, i) < 0.8 ? 0.0 : -INFINITY;
    fill_few(distance, count, seed + 2, kinds);
    memcpy(want_distance, distance, (size_t)count * sizeof(double));
    for (i = 0; i < count; i++)
        from[i] = want_from[i] = -i;
    a = lfi_kernels_scalar.two_least_f64(&row);
    b = kernels->two_least_f64(&row);
    assert_memory_equal(&a, &b, sizeof(a));
    row.distance = want_distance;
    row.from = want_from;
    want = lfi_kernels_scalar.shorten_paths_f64(&row);
    row.distance = distance;
    row.from = from;
    assert_int_equal(kernels->shorten_paths_f64(&row), want);
    assert_memory_equal(distance, want_distance, (size_t)count * sizeof(double));
    assert_memory_equal(from, want_from, (size_t)count * sizeof(int64_t));
    lft_guard_free();
}

static void every_instruction_set_scans_like_the_scalar_one(void **state)
{
    int64_t count;
    uint64_t seed;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++)
        for (count = 8; count <= 88 && lft_runs(isas[i]); count += 8)
            for (seed = 0; seed < 40; seed++)
                check_scans(lfi_kernels_select(isas[i]), count, 1 + (int)(seed % 20),
                            10 * seed);
}

/* ---- problems ------------------------------------------------------------------------------ */

/* Laid out in memory of its own. */
static void *open_problem(struct lfi_assignment *a, int64_t rows, int64_t columns)
{
    struct lfi_arena arena = {.fits = true};
    size_t bytes;
    void *memory;

    lfi_assignment_lay_out(a, rows, columns, &arena);
    assert_true(lfi_arena_bytes(&arena, &bytes));
    memory = aligned_alloc(LFI_ALIGN, (bytes + LFI_ALIGN - 1) / LFI_ALIGN * LFI_ALIGN);
    assert_non_null(memory);
    memset(memory, 0xff, bytes); /* nothing is expected to be zero */
    arena.base = memory;
    arena.used = 0;
    lfi_assignment_lay_out(a, rows, columns, &arena);
    return memory;
}

static double total(const struct lfi_assignment *a)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < a->rows; i++)
        sum += a->cost[i * a->pitch + a->column[i]];
    return sum;
}

/* Every row has a column, and none twice. */
static void check_one_to_one(const struct lfi_assignment *a)
{
    int64_t i, k;

    for (i = 0; i < a->rows; i++) {
        assert_in_range(a->column[i], 0, a->columns - 1);
        for (k = 0; k < i; k++)
            assert_true(a->column[k] != a->column[i]);
    }
}

/*
 * With these prices each row has a column of least cost - price, and only free columns have
 * price 0, none more: the sum of a row's least and its column's price over any other way to
 * assign is no less (weak duality). Off by rounding alone: slack.
 */
static void check_certificate(const struct lfi_assignment *a, double slack)
{
    bool taken[512] = {false};
    int64_t i, j;

    for (i = 0; i < a->rows; i++) {
        const double *cost = a->cost + i * a->pitch;

        taken[a->column[i]] = true;
        for (j = 0; j < a->columns; j++)
            assert_true(cost[a->column[i]] - a->price[a->column[i]] <=
                        cost[j] - a->price[j] + slack);
    }
    for (j = 0; j < a->columns && a->rows < a->columns; j++)
        assert_true(taken[j] ? a->price[j] <= slack : a->price[j] == 0.0);
}

static double best_from(const struct lfi_assignment *a, int64_t row, unsigned taken)
{
    double best = INFINITY, rest;
    int64_t j;

    if (row == a->rows)
        return 0.0;
    for (j = 0; j < a->columns; j++)
        if ((taken >> j & 1u) == 0) {
            rest = best_from(a, row + 1, taken | 1u << j);
            rest += a->cost[row * a->pitch + j];
            best = rest < best ? rest : best;
        }
    return best;
}

/* Whole numbers: sums are exact, and so is the least one. */
static void small_problems_are_solved_as_by_brute_force(void **state)
{
    struct lfi_assignment a;
    int64_t rows, columns, i, j;
    int draw;

    (void)state;
    for (rows = 1; rows <= 6; rows++)
        for (columns = rows; columns <= 7; columns++)
            for (draw = 0; draw < 30; draw++) {
                void *memory = open_problem(&a, rows, columns);

                for (i = 0; i < rows; i++)
                    for (j = 0; j < columns; j++)
                        a.cost[i * a.pitch + j] = floor(
                            (1 + draw) * lft_value((uint64_t)draw, i * columns + j));
                lfi_assignment_solve(lfi_kernels_select(LFUSE_ISA_BEST), &a);
                check_one_to_one(&a);
                assert_true(total(&a) == best_from(&a, 0, 0));
                free(memory);
            }
}

/* What a problem's costs are made of. */
enum kind { RANDOM, FEW, EQUAL, SUMS, PRODUCTS, DISTANCES, HUGE_AND_TINY, KINDS };

static double cost_of(enum kind kind, int64_t i, int64_t j, int64_t columns)
{
    double value = lft_value(3, i * columns + j);

    switch (kind) {
    case RANDOM: return value;
    case FEW: return floor(4.0 * value);
    case EQUAL: return 3.0;
    case SUMS: return 64.0 * lft_value(1, i) + 512.0 * lft_value(2, j); /* all are best */
    case PRODUCTS: return (double)((i + 1) * (j + 1)); /* Machol & Wien's hard ones */
    case DISTANCES: return fabs(lft_value(1, i) - lft_value(2, j));
    default: return ldexp(value, (int)((i + j) % 40) * 10);
    }
}

static void check_kind(enum kind kind, int64_t rows, int64_t columns)
{
    struct lfi_assignment a;
    void *memory = open_problem(&a, rows, columns);
    int64_t first[512], i, j;
    double most = 0.0;
    size_t k;

    for (k = 0; k < 3 && lft_runs(isas[k]); k++) {
        for (i = 0; i < rows; i++)
            for (j = 0; j < columns; j++) {
                a.cost[i * a.pitch + j] = cost_of(kind, i, j, columns);
                most = fmax(most, fabs(a.cost[i * a.pitch + j]));
            }
        lfi_assignment_solve(lfi_kernels_select(isas[k]), &a);
        check_one_to_one(&a);
        /* a price is a sum along paths of at most `rows` differences of costs */
        check_certificate(&a, 4.0 * (double)rows * DBL_EPSILON * most);
        if (k == 0)
            memcpy(first, a.column, (size_t)rows * sizeof(*first));
        assert_memory_equal(first, a.column, (size_t)rows * sizeof(*first));
    }
    free(memory);
}

static void prices_prove_that_nothing_is_cheaper(void **state)
{
    static const int64_t sizes[][2] = {{1, 1},     {1, 9},    {2, 2},     {8, 8},
                                       {9, 9},     {33, 40},  {64, 64},   {65, 65},
                                       {100, 300}, {99, 100}, {200, 200}, {257, 257}};
    enum kind kind;
    size_t i;

    (void)state;
    for (kind = RANDOM; kind < KINDS; kind++)
        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            check_kind(kind, sizes[i][0], sizes[i][1]);
}

/* The best of all inner products of the example's rows (columns as they are): 69. */
static void the_greatest_score_is_the_cheapest_negative(void **state)
{
    static const double x[4][2] = {{1, 2}, {3, 4}, {5, 7}, {2, 0}};
    static const double y[4][2] = {{2, 1}, {0, 1}, {4, 4}, {1, 3}};
    static const int64_t want[] = {1, 3, 2, 0};
    struct lfi_assignment a;
    void *memory = open_problem(&a, 4, 4);
    int i, j;

    (void)state;
    for (i = 0; i < 4; i++)
        for (j = 0; j < 4; j++)
            a.cost[i * a.pitch + j] = -(x[i][0] * y[j][0] + x[i][1] * y[j][1]);
    lfi_assignment_solve(lfi_kernels_select(LFUSE_ISA_BEST), &a);
    assert_memory_equal(a.column, want, sizeof(want));
    assert_true(total(&a) == -69.0);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_instruction_set_scans_like_the_scalar_one),
        lft_test(small_problems_are_solved_as_by_brute_force),
        lft_test(prices_prove_that_nothing_is_cheaper),
        lft_test(the_greatest_score_is_the_cheapest_negative),
    };

    return cmocka_run_group_tests_name("assignment", tests, NULL, NULL);
}
