/* test_pairs.c - sums over pairs of vectors, by every instruction set */
#include "lft.h"

#include <float.h>
#include <math.h>

#include "kernels/kernels.h"

enum { MOST = 9 };

typedef float *(*place)(int64_t count);

/*
 * Against sums in f64. A chain has at most LFI_PAIRS_CHAIN products, rounded once or twice, as
 * many additions, and a difference before: |error| <= (chain + 3) u (sum |terms|).
 */
static void check(const struct lfi_pairs_tile *t, double before)
{
    int64_t i, j, k;

    for (i = 0; i < t->rows; i++)
        for (j = 0; j < t->cols; j++) {
            double sum = before, size = 0.0, got = t->sums[i * t->sums_row + j];

            for (k = 0; k < t->count; k++) {
                double a = t->a[i][k], b = t->b[j][k];
                double term = t->differences ? (a - b) * (a - b) : a * b;

                sum += term;
                size += fabs(term);
            }
            if (!(fabs(got - sum) <= (LFI_PAIRS_CHAIN + 3) * 0x1p-24 * size + 1e-15))
                fail_msg("%lld x %lld of %lld: sum %lld, %lld is %.17g, not %.17g",
                         (long long)t->rows, (long long)t->cols, (long long)t->count,
                         (long long)i, (long long)j, got, sum);
        }
}

/* Vectors end, or start, at a guard page; between the rows of sums nothing is written. */
static void run(const struct lfi_kernels *kernels, place where, int64_t rows,
                int64_t cols, int64_t count, bool differences)
{
    const float *a[MOST], *b[MOST];
    double sums[MOST * (MOST + 1)];
    const struct lfi_pairs_tile tile = {.a = a,
                                        .b = b,
                                        .sums = sums,
                                        .rows = rows,
                                        .cols = cols,
                                        .sums_row = cols + 1,
                                        .count = count,
                                        .differences = differences};
    int64_t i;

    for (i = 0; i < rows + cols; i++) {
        float *x = where(count);

        lft_fill(x, count, (uint64_t)(i + 1));
        if (i < rows)
            a[i] = x;
        else
            b[i - rows] = x;
    }
    for (i = 0; i < MOST * (MOST + 1); i++)
        sums[i] = 0.5;
    kernels->pairs_f32(&tile);
    check(&tile, 0.5);
    for (i = 0; i < MOST * (MOST + 1); i++)
        if (i % (cols + 1) == cols || i / (cols + 1) >= rows)
            assert_true(sums[i] == 0.5);
    lft_guard_free();
}

static void every_set_sums_all_tails_and_touches_nothing_else(void **state)
{
    static const int64_t counts[] = {1,  2,  7,  8,   9,   15,   16,   17,
                                     31, 63, 64, 127, 129, 1024, 1300, 2100};
    lfuse_isa isa;
    size_t c;
    int n;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);

        for (c = 0; c < sizeof(counts) / sizeof(counts[0]) && kernels != NULL; c++)
            for (n = 0; n < 2 * MOST; n++) {
                place where = n % 2 == 0 ? lft_guard_end : lft_guard_start;

                run(kernels, where, 1 + n % MOST, 1 + (n * 5 + (int)c) % MOST, counts[c],
                    n % 3 == 0);
            }
    }
}

/* A vector and itself: no difference, and the same sum wherever they stand in a tile. */
static void equal_vectors_give_zero_and_equal_sums(void **state)
{
    float x[300];
    const float *a[MOST];
    double sums[MOST * MOST];
    lfuse_isa isa;
    int i;

    (void)state;
    lft_fill(x, 300, 1);
    for (i = 0; i < MOST; i++)
        a[i] = x;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);
        struct lfi_pairs_tile tile = {.a = a,
                                      .b = a,
                                      .sums = sums,
                                      .rows = MOST,
                                      .cols = MOST,
                                      .sums_row = MOST,
                                      .count = 300};

        if (kernels == NULL)
            continue;
        for (i = 0; i < MOST * MOST; i++)
            sums[i] = 0.0;
        kernels->pairs_f32(&tile);
        for (i = 0; i < MOST * MOST; i++)
            assert_true(sums[i] == sums[0] && sums[0] > 0.0);
        tile.differences = true;
        kernels->pairs_f32(&tile);
        for (i = 0; i < MOST * MOST; i++)
            assert_true(sums[i] == sums[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_sums_all_tails_and_touches_nothing_else),
        cmocka_unit_test(equal_vectors_give_zero_and_equal_sums),
    };

    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
