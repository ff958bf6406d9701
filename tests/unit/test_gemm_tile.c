/* test_gemm_tile.c - the micro-kernel and the transposition of every instruction set */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

enum { MOST_TAPS = 3, OFFSET = 2 };

struct strides {
    int64_t a_row, a_step, b_gap, c_gap; /* gaps: beyond the columns of a row */
};

typedef float *(*place)(int64_t count);

static float *filled(place where, int64_t count, uint64_t seed)
{
    float *data = where(count);
    int64_t i;

    for (i = 0; i < count; i++)
        data[i] = (float)lft_value(seed, i);
    return data;
}

/*
 * One tile against a sum in f64. k products and k additions, the first to zero and exact, and
 * one more when C is added to: |error| <= (k + 1) u (sum |terms|), u = FLT_EPSILON / 2, to
 * first order; the second order is far below the other half of FLT_EPSILON.
 */
static void check_tile(const struct lfi_gemm_tile *g, const float *old)
{
    const double k = (double)(g->taps * g->steps) + 1.0;
    int64_t i, j, t, s;

    for (i = 0; i < g->rows; i++)
        for (j = 0; j < g->cols; j++) {
            double sum = 0.0, size = 0.0;
            double got = g->c[i * g->c_row + j];

            if (g->accumulate) {
                sum = old[i * g->c_row + j];
                size = fabs(sum);
            }
            for (t = 0; t < g->taps; t++)
                for (s = 0; s < g->steps; s++) {
                    double term =
                        (double)g->a[i * g->a_row + s * g->a_step + g->a_tap[t]] *
                        (double)g->b[s * g->b_step + j + g->b_tap[t]];

                    sum += term;
                    size += fabs(term);
                }
            if (!(fabs(got - sum) <= k * FLT_EPSILON * size))
                fail_msg(
                    "%lld x %lld, taps %lld, steps %lld: c[%lld][%lld] is %g, not %g",
                    (long long)g->rows, (long long)g->cols, (long long)g->taps,
                    (long long)g->steps, (long long)i, (long long)j, got, sum);
        }
}

/* Operands are exactly as long as they must be, and touch the guard page. */
static void run_tile(const struct lfi_kernels *kernels, place where, int64_t rows,
                     int64_t cols, int64_t taps, int64_t steps, struct strides s,
                     bool accumulate)
{
    const int64_t a_tap[MOST_TAPS] = {OFFSET, 0, 2 * OFFSET};
    const int64_t b_tap[MOST_TAPS] = {0, OFFSET, 3 * OFFSET};
    const int64_t b_step = cols + s.b_gap, c_row = cols + s.c_gap;
    const int64_t a_count =
        (rows - 1) * s.a_row + (steps - 1) * s.a_step + 2 * OFFSET + 1;
    const int64_t b_count = (steps - 1) * b_step + cols + 3 * OFFSET;
    const int64_t c_count = (rows - 1) * c_row + cols;
    float *old = malloc((size_t)c_count * sizeof(float));
    struct lfi_gemm_tile tile = {.a = filled(where, a_count, 1),
                                 .b = filled(where, b_count, 2),
                                 .c = filled(where, c_count, 3),
                                 .a_tap = a_tap,
                                 .b_tap = b_tap,
                                 .taps = taps,
                                 .steps = steps,
                                 .rows = rows,
                                 .cols = cols,
                                 .a_row = s.a_row,
                                 .a_step = s.a_step,
                                 .b_step = b_step,
                                 .c_row = c_row,
                                 .accumulate = accumulate};
    int64_t i, j;

    assert_non_null(old);
    memcpy(old, tile.c, (size_t)c_count * sizeof(float));
    kernels->gemm_f32(&tile);
    check_tile(&tile, old);
    for (i = 0; i < rows - 1; i++) /* between the rows of C nothing is written */
        for (j = cols; j < c_row; j++)
            assert_memory_equal(&tile.c[i * c_row + j], &old[i * c_row + j],
                                sizeof(float));
    free(old);
    lft_guard_free();
}

static void run_sizes(const struct lfi_kernels *kernels, place where)
{
    static const int64_t all_rows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                                       10, 11, 12, 13, 14, 15, 16, 17, 19,
                                       23, 24, 25, 31, 32, 33, 48, 49};
    static const int64_t all_cols[] = {1,  2,  3,  7,  8,  9,  15, 16, 17, 23,
                                       24, 25, 31, 32, 33, 40, 47, 48, 63, 65};
    static const struct strides strides[] = {
        {5, 1, 0, 0}, {1, 7, 1, 3}, {3, 2, 5, 1}, {0, 0, 0, 0}};
    size_t r, c;
    int n = 0;

    for (r = 0; r < sizeof(all_rows) / sizeof(all_rows[0]); r++)
        for (c = 0; c < sizeof(all_cols) / sizeof(all_cols[0]); c++, n++) {
            run_tile(kernels, where, all_rows[r], all_cols[c], 1 + n % MOST_TAPS,
                     1 + n % 5, strides[n % 4], n % 2 == 0);
            run_tile(kernels, where, all_rows[r], all_cols[c], 1 + n % 2, 9,
                     strides[(n + 1) % 4], n % 2 != 0);
        }
}

static void every_set_multiplies_all_tails_and_touches_nothing_else(void **state)
{
    lfuse_isa isa;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);

        if (kernels == NULL)
            continue;
        run_sizes(kernels, lft_guard_end);
        run_sizes(kernels, lft_guard_start);
    }
}

/* An empty sum is 0: C is cleared, or left alone when it is added to. */
static void no_taps_are_a_sum_of_zero(void **state)
{
    lfuse_isa isa;
    int i;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);
        float c[19];
        struct lfi_gemm_tile tile = {
            .c = c, .rows = 1, .cols = 19, .c_row = 19, .a_row = 1, .accumulate = true};

        if (kernels == NULL)
            continue;
        for (i = 0; i < 19; i++)
            c[i] = 2.0f;
        kernels->gemm_f32(&tile);
        for (i = 0; i < 19; i++)
            assert_true(c[i] == 2.0f);
        tile.accumulate = false;
        kernels->gemm_f32(&tile);
        for (i = 0; i < 19; i++)
            assert_true(c[i] == 0.0f);
    }
}

static void run_transposition(const struct lfi_kernels *kernels, place where,
                              int64_t rows, int64_t cols, int64_t gap)
{
    const int64_t x_row = cols + gap, y_row = rows + gap;
    const int64_t y_count = (cols - 1) * y_row + rows;
    float *x = filled(where, (rows - 1) * x_row + cols, 1);
    float *y = filled(where, y_count, 2);
    int64_t i, j;

    kernels->transpose_f32(x, rows, cols, x_row, y, y_row);
    for (j = 0; j < cols; j++)
        for (i = 0; i < y_row && j * y_row + i < y_count; i++) {
            float expected = i < rows ? x[i * x_row + j]
                                      : (float)lft_value(2, j * y_row + i); /* the gap */

            assert_memory_equal(&y[j * y_row + i], &expected, sizeof(float));
        }
    lft_guard_free();
}

static void every_set_transposes_all_tails_and_touches_nothing_else(void **state)
{
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 65};
    const size_t count = sizeof(sizes) / sizeof(sizes[0]);
    lfuse_isa isa;
    size_t r, c;

    (void)state;
    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        const struct lfi_kernels *kernels = lfi_kernels_select(isa);

        for (r = 0; r < count && kernels != NULL; r++)
            for (c = 0; c < count; c++) {
                run_transposition(kernels, lft_guard_end, sizes[r], sizes[c], 0);
                run_transposition(kernels, lft_guard_start, sizes[r], sizes[c], 3);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_multiplies_all_tails_and_touches_nothing_else),
        cmocka_unit_test(no_taps_are_a_sum_of_zero),
        cmocka_unit_test(every_set_transposes_all_tails_and_touches_nothing_else),
    };

    return cmocka_run_group_tests_name("gemm_tile", tests, NULL, NULL);
}
