/*
 * gemm_body.h - the micro-kernel in registers, for vectors of any width
 *
 * Only gemm_<isa>.c include it, after they have defined
 *
 *     vec, lanes WIDTH      vec_zero, vec_load, vec_store, vec_broadcast, vec_add, vec_fma
 *     mask, mask_first(n)   vec_load_part, vec_store_part: the first n lanes, the rest zero
 *     ROWS_1, ROWS_2        the most rows that fit the registers with one and two vectors
 *     TILES_1(T), TILES_2(T)  T(1) ... T(ROWS_n)
 *
 * C is cut into tiles of up to ROWS_2 rows by two vectors; what is left of the columns into
 * tiles of one vector, the last of them masked. Rows are shared out evenly: 16 rows are 8 + 8
 * and not 12 + 4, because a tile needs eight sums or more in flight to hide the latency of
 * its additions. Every element is summed in the order of the scalar kernel.
 *
 * Rows of A are reached by one pointer for three of them (p, p + row, p + 2 row are addressing
 * modes), so that pointers, strides and counters fit the general registers.
 */
#ifndef LFI_KERNELS_GEMM_BODY_H
#define LFI_KERNELS_GEMM_BODY_H

#include "kernels/entries.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { MAX_ROWS = 16, SHARE = 3, MAX_POINTERS = (MAX_ROWS + SHARE - 1) / SHARE };

static inline __attribute__((always_inline)) void
store_tile(const struct lfi_gemm_tile *g, float *c, mask last, vec sum[][2],
           const int rows, const int vecs, const bool part)
{
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++)
    {
        float *to = c + i * g->c_row + v * WIDTH;

        if (part) {
            if (g->accumulate)
                sum[i][v] = vec_add(vec_load_part(to, last), sum[i][v]);
            vec_store_part(to, last, sum[i][v]);
        } else {
            if (g->accumulate)
                sum[i][v] = vec_add(vec_load(to), sum[i][v]);
            vec_store(to, sum[i][v]);
        }
    }
}

/* rows, vecs and part are constants where this is inlined. */
static inline __attribute__((always_inline)) void
run_tile(const struct lfi_gemm_tile *g, const float *a, const float *b, float *c,
         mask last, const int rows, const int vecs, const bool part)
{
    const int pointers = (rows + SHARE - 1) / SHARE;
    const int64_t a_row = g->a_row, a_step = g->a_step, b_step = g->b_step;
    const float *p[MAX_POINTERS];
    vec sum[MAX_ROWS][2];
    int64_t t, k;

    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++)
        sum[i][v] = vec_zero();
    for (t = 0; t < g->taps; t++) {
        const float *q = b + g->b_tap[t];

        UNROLL for (int i = 0; i < pointers; i++) p[i] =
            a + g->a_tap[t] + i * SHARE * a_row;
        for (k = g->steps; k > 0; k--) {
            vec b0 = part ? vec_load_part(q, last) : vec_load(q);
            vec b1 = vecs == 2 ? vec_load(q + WIDTH) : b0;

            UNROLL for (int i = 0; i < rows; i++)
            {
                vec x = vec_broadcast(p[i / SHARE] + i % SHARE * a_row);

                sum[i][0] = vec_fma(x, b0, sum[i][0]);
                if (vecs == 2)
                    sum[i][1] = vec_fma(x, b1, sum[i][1]);
            }
            q += b_step;
            UNROLL for (int i = 0; i < pointers; i++) p[i] += a_step;
        }
    }
    store_tile(g, c, last, sum, rows, vecs, part);
}

#define TILE_ARGS \
    const struct lfi_gemm_tile *g, const float *a, const float *b, float *c, mask last
#define TILE_2(ROWS)                                \
    static void tile_2_##ROWS(TILE_ARGS)            \
    {                                               \
        run_tile(g, a, b, c, last, ROWS, 2, false); \
    }
#define TILE_1(ROWS)                                \
    static void tile_1_##ROWS(TILE_ARGS)            \
    {                                               \
        run_tile(g, a, b, c, last, ROWS, 1, false); \
    }                                               \
    static void tile_part_##ROWS(TILE_ARGS)         \
    {                                               \
        run_tile(g, a, b, c, last, ROWS, 1, true);  \
    }
#define NAME_2(ROWS)    tile_2_##ROWS,
#define NAME_1(ROWS)    tile_1_##ROWS,
#define NAME_PART(ROWS) tile_part_##ROWS,

TILES_2(TILE_2)
TILES_1(TILE_1)

typedef void (*tile_function)(TILE_ARGS);
static const tile_function tiles_2[ROWS_2] = {TILES_2(NAME_2)};
static const tile_function tiles_1[ROWS_1] = {TILES_1(NAME_1)};
static const tile_function tiles_part[ROWS_1] = {TILES_1(NAME_PART)};

/* All rows of the columns from j on that one tile spans. */
static void run_columns(const struct lfi_gemm_tile *g, int64_t j, mask last,
                        const tile_function *tiles, int64_t most)
{
    const int64_t count = (g->rows + most - 1) / most;
    int64_t i, first = 0;

    for (i = 0; i < count; i++) {
        int64_t rows = (g->rows - first) / (count - i);

        tiles[rows - 1](g, g->a + first * g->a_row, g->b + j, g->c + first * g->c_row + j,
                        last);
        first += rows;
    }
}

static void run_gemm(const struct lfi_gemm_tile *g)
{
    const mask all = mask_first(WIDTH);
    int64_t j = 0;

    for (; g->cols - j >= 2 * WIDTH; j += 2 * WIDTH)
        run_columns(g, j, all, tiles_2, ROWS_2);
    for (; g->cols - j >= WIDTH; j += WIDTH)
        run_columns(g, j, all, tiles_1, ROWS_1);
    if (g->cols > j)
        run_columns(g, j, mask_first(g->cols - j), tiles_part, ROWS_1);
}

#endif
