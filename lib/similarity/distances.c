/*
 * distances.c - all squared distances between the rows of two weights
 *
 * Narrow data goes through the context's gemm kernel, in panels of LFI_ROWS_STEPS columns that
 * hold a row in a column: rows are read a block at a time, centred, rounded, and turned.
 * The common centre costs nothing in the differences, and takes what all rows share, which
 * would cancel, out of the products.
 */
#include "similarity/rows.h"

#include <string.h>

#define KEPT 0x1p-4 /* squares below this share of the norms are taken of differences */

/* Room for count floats, in an arena of doubles. */
static float *take_floats(struct lfi_arena *arena, int64_t rows, int64_t columns)
{
    return lfi_arena_take(arena, rows, (columns + 1) / 2);
}

void lfi_distances_lay_out(struct lfi_distances *d, int64_t a_rows, int64_t c_rows,
                           int64_t columns, struct lfi_arena *arena)
{
    int64_t strip = c_rows > LFI_ROWS_STEPS ? c_rows : LFI_ROWS_STEPS;

    d->lines = lfi_arena_take(arena, LFI_ROWS_BLOCK + 1, columns);
    d->centre = lfi_arena_take(arena, 1, columns);
    d->a_norm = lfi_arena_take(arena, 1, a_rows);
    d->c_norm = lfi_arena_take(arena, 1, c_rows);
    d->a_panel = take_floats(arena, LFI_ROWS_STEPS, lfi_rows_pitch(a_rows));
    d->c_panel = take_floats(arena, LFI_ROWS_STEPS, lfi_rows_pitch(c_rows));
    d->strip = take_floats(arena, LFI_ROWS_BLOCK, strip);
}

double lfi_distances_one(const struct lfi_distances *d, const struct lfi_rows *a,
                         int64_t i, const struct lfi_rows *c, int64_t j)
{
    double *x = d->lines, *y = d->lines + a->columns;

    lfi_rows_read(a, i, 0, a->columns, x);
    lfi_rows_read(c, j, 0, a->columns, y);
    return lfi_vectors_square_distance(x, y, a->columns);
}

/* A block of rows of a against one row of c after the other. */
static void square_differences(const struct lfi_distances *d, const struct lfi_rows *a,
                               const struct lfi_rows *c, double *square, int64_t pitch)
{
    int64_t n = a->columns, first, count, i, j;
    double *y = d->lines + LFI_ROWS_BLOCK * n;

    for (first = 0; first < a->rows; first += count) {
        count = a->rows - first < LFI_ROWS_BLOCK ? a->rows - first : LFI_ROWS_BLOCK;
        for (i = 0; i < count; i++)
            lfi_rows_read(a, first + i, 0, n, d->lines + i * n);
        for (j = 0; j < c->rows; j++) {
            lfi_rows_read(c, j, 0, n, y);
            for (i = 0; i < count; i++)
                square[(first + i) * pitch + j] =
                    lfi_vectors_square_distance(d->lines + i * n, y, n);
        }
    }
}

static void add_rows(const struct lfi_rows *rows, double *line, double *sum)
{
    int64_t i, j;

    for (i = 0; i < rows->rows; i++) {
        lfi_rows_read(rows, i, 0, rows->columns, line);
        for (j = 0; j < rows->columns; j++)
            sum[j] += line[j];
    }
}

static void find_centre(const struct lfi_distances *d, const struct lfi_rows *a,
                        const struct lfi_rows *c)
{
    int64_t j;

    memset(d->centre, 0, (size_t)a->columns * sizeof(*d->centre));
    add_rows(a, d->lines, d->centre);
    add_rows(c, d->lines, d->centre);
    for (j = 0; j < a->columns; j++)
        d->centre[j] /= (double)(a->rows + c->rows);
}

/* Columns from `column` on as rows of the panel; adds their squares to the norms. */
static void load_panel(const struct lfi_distances *d, const struct lfi_rows *rows,
                       int64_t column, int64_t steps, float *panel, double *norm)
{
    int64_t pitch = lfi_rows_pitch(rows->rows), first, count, i, k;
    double *line = d->lines;

    for (first = 0; first < rows->rows; first += count) {
        count = rows->rows - first < LFI_ROWS_BLOCK ? rows->rows - first : LFI_ROWS_BLOCK;
        for (i = 0; i < count; i++) {
            float *block = d->strip + i * LFI_ROWS_STEPS;
            double sum = 0.0;

            lfi_rows_read(rows, first + i, column, steps, line);
            for (k = 0; k < steps; k++)
                block[k] = (float)(line[k] - d->centre[column + k]);
            for (k = 0; k < steps; k++)
                sum += (double)block[k] * (double)block[k];
            norm[first + i] += sum;
        }
        d->kernels->transpose_f32(d->strip, count, steps, LFI_ROWS_STEPS, panel + first,
                                  pitch);
    }
}

/* square -= 2 P'Q; where a is c, from the diagonal on. */
static void subtract_products(const struct lfi_distances *d, const struct lfi_rows *a,
                              const struct lfi_rows *c, int64_t steps, double *square,
                              int64_t pitch)
{
    const int64_t tap = 0;
    const float *c_panel = a == c ? d->a_panel : d->c_panel;
    struct lfi_gemm_tile tile = {
        .c = d->strip,
        .a_tap = &tap,
        .b_tap = &tap,
        .taps = 1,
        .steps = steps,
        .a_row = 1,
        .a_step = lfi_rows_pitch(a->rows),
        .b_step = lfi_rows_pitch(c->rows),
        .c_row = c->rows,
    };
    int64_t first, from, i, j;

    for (first = 0; first < a->rows; first += tile.rows) {
        from = a == c ? first : 0;
        tile.a = d->a_panel + first;
        tile.b = c_panel + from;
        tile.cols = c->rows - from;
        tile.rows = a->rows - first < LFI_ROWS_BLOCK ? a->rows - first : LFI_ROWS_BLOCK;
        d->kernels->gemm_f32(&tile);
        for (i = 0; i < tile.rows; i++)
            for (j = 0; j < tile.cols; j++)
                square[(first + i) * pitch + from + j] -=
                    2.0 * (double)d->strip[i * c->rows + j];
    }
}

/* Adds the norms; what cancelled is taken of differences. */
static void add_norms(const struct lfi_distances *d, const struct lfi_rows *a,
                      const struct lfi_rows *c, double *square, int64_t pitch)
{
    const double *c_norm = a == c ? d->a_norm : d->c_norm;
    int64_t i, j;

    for (i = 0; i < a->rows; i++)
        for (j = a == c ? i : 0; j < c->rows; j++) {
            double norms = d->a_norm[i] + c_norm[j], *to = &square[i * pitch + j];

            *to += norms;
            if (*to < KEPT * norms)
                *to = lfi_distances_one(d, a, i, c, j);
            if (a == c)
                square[j * pitch + i] = *to;
        }
}

static void square_narrow(const struct lfi_distances *d, const struct lfi_rows *a,
                          const struct lfi_rows *c, double *square, int64_t pitch)
{
    int64_t column, steps, i;

    find_centre(d, a, c);
    for (i = 0; i < a->rows; i++)
        memset(square + i * pitch, 0, (size_t)c->rows * sizeof(*square));
    memset(d->a_norm, 0, (size_t)a->rows * sizeof(*d->a_norm));
    memset(d->c_norm, 0, (size_t)c->rows * sizeof(*d->c_norm));
    for (column = 0; column < a->columns; column += steps) {
        steps =
            a->columns - column < LFI_ROWS_STEPS ? a->columns - column : LFI_ROWS_STEPS;
        load_panel(d, a, column, steps, d->a_panel, d->a_norm);
        if (a != c)
            load_panel(d, c, column, steps, d->c_panel, d->c_norm);
        subtract_products(d, a, c, steps, square, pitch);
    }
    add_norms(d, a, c, square, pitch);
}

void lfi_distances_square(const struct lfi_distances *d, const struct lfi_rows *a,
                          const struct lfi_rows *c, double *square, int64_t pitch)
{
    if (d->wide)
        square_differences(d, a, c, square, pitch);
    else
        square_narrow(d, a, c, square, pitch);
}
