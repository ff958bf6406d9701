/*
 * products.c - sums of products of panels
 *
 *     S += P'Q            P, Q (steps, order), S (order, order) in f64
 *
 * Rows of panels are an odd number of cache lines apart: columns of theirs then lie in
 * different sets of the cache, where a power of two would put them into a few.
 *
 * f64 panels are multiplied in f64, in tiles that the compiler keeps in registers. f32 panels
 * go through the context's gemm kernel: sums of at most LFI_PANEL products in f32, added in
 * f64. With u = 2^-24 such a sum is off by at most LFI_PANEL u of the sum of absolute values,
 * and rounding the values to f32 before adds 2 u.
 */
#include "similarity/parts.h"

#include <string.h>

enum { TILE_ROWS = 2, TILE_COLUMNS = 8 };

int64_t lfi_products_order(int64_t order)
{
    return (order + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
}

int64_t lfi_products_pitch(int64_t order)
{
    return (order / TILE_COLUMNS | 1) * TILE_COLUMNS;
}

void lfi_products_clear(const struct lfi_products *products, double *sum)
{
    memset(sum, 0, (size_t)products->order * (size_t)products->order * sizeof(*sum));
}

static void add_tile(const double *p, const double *q, int64_t pitch, int64_t steps,
                     double *sum, int64_t order)
{
    double tile[TILE_ROWS][TILE_COLUMNS] = {{0.0}};
    int64_t k;
    int i, j;

    for (k = 0; k < steps; k++, p += pitch, q += pitch)
        for (i = 0; i < TILE_ROWS; i++)
            for (j = 0; j < TILE_COLUMNS; j++)
                tile[i][j] += p[i] * q[j];
    for (i = 0; i < TILE_ROWS; i++)
        for (j = 0; j < TILE_COLUMNS; j++)
            sum[i * order + j] += tile[i][j];
}

/* Where P is Q, S is symmetric to the bit: below the diagonal it is copied. */
static void add_f64(const struct lfi_products *products, const double *p, const double *q,
                    int64_t steps, double *sum)
{
    int64_t m = products->order, pitch = lfi_products_pitch(m), i, j;

    for (j = 0; j < m; j += TILE_COLUMNS)
        for (i = 0; i < (p == q ? j + TILE_COLUMNS : m); i += TILE_ROWS)
            add_tile(p + i, q + j, pitch, steps, sum + i * m + j, m);
    if (p != q)
        return;
    for (i = 0; i < m; i++)
        for (j = 0; j < i; j++)
            sum[i * m + j] = sum[j * m + i];
}

static void add_f32(const struct lfi_products *products, const float *p, const float *q,
                    int64_t steps, double *sum)
{
    const int64_t tap = 0;
    int64_t m = products->order, pitch = lfi_products_pitch(m), i;
    struct lfi_gemm_tile tile = {
        .b = q,
        .c = products->strip,
        .a_tap = &tap,
        .b_tap = &tap,
        .taps = 1,
        .steps = steps,
        .cols = m,
        .a_row = 1,
        .a_step = pitch,
        .b_step = pitch,
        .c_row = m,
    };

    for (i = 0; i < m; i += tile.rows, sum += tile.rows * m) {
        tile.a = p + i;
        tile.rows = m - i < LFI_PANEL ? m - i : LFI_PANEL;
        products->kernels->gemm_f32(&tile);
        products->kernels->add_to_f64(products->strip, tile.rows * m, sum);
    }
}

void lfi_products_add(const struct lfi_products *products, const void *p, const void *q,
                      int64_t steps, double *sum)
{
    if (products->wide)
        add_f64(products, p, q, steps, sum);
    else
        add_f32(products, p, q, steps, sum);
}

/* By rows, which bounds its error by 2 order 2^-53 of the sum of absolute values. */
double lfi_products_dot(const struct lfi_products *products, const double *x,
                        const double *y)
{
    double sum = 0.0, row;
    int64_t i, j;

    for (i = 0; i < products->order; i++, x += products->order, y += products->order) {
        for (row = 0.0, j = 0; j < products->order; j++)
            row += x[j] * y[j];
        sum += row;
    }
    return sum;
}
