/*
 * wasserstein_sliced.c - the mean distance of the rows seen along random directions
 *
 *     d(A, C) = (1/P sum_k W_p(A z_k, C z_k)^p)^(1/p),   |z_k| = 1
 *
 * Rabin et al. 2011. W_p of two rows of numbers is exact: the p-th mean of the differences of
 * their quantile functions, which are steps of 1/n and 1/m. Not centred, of the whole matrix.
 *
 * Directions are f32 normal numbers, whose length is taken out of the distances in the end.
 * Data narrower than f64 is multiplied with them by the gemm kernel, in sums of LFI_ROWS_STEPS
 * that are added in f32: with columns / LFI_ROWS_STEPS + 130 roundings of 2^-24 at most. Rows
 * are read once, unscaled; only where products are not numbers, or far from 1, are they looked
 * at, and read again at a scale of their own.
 */
#include "similarity/directions.h"
#include "similarity/rows.h"

#include <math.h>

enum { BLOCK = LFI_ROWS_TILE, CHUNK = 256, GROUP = 16, LANES = 8 };

#define TAME 0x1p60 /* products within this of 1 have lost nothing */

struct work {
    const struct lfi_env *env;
    struct lfi_rows side[2];
    bool wide;
    uint64_t seed;
    double exponent;
    int64_t columns;
    int64_t count;   /* of directions */
    int64_t pitch;   /* from row to row of steps */
    int64_t all;     /* rows of both */
    double *line;    /* (2, columns) */
    float *drawn;    /* (count, columns): the directions */
    float *steps;    /* (columns, pitch): they again; unless wide */
    double *lengths; /* (count): of them */
    float *strip;    /* (all, count): products; unless wide */
    void *products;  /* (count, all), f64 if wide, else f32: rows of a, then of c */
    double *most;    /* (all), of which one for each block of rows: its largest product */
    double *memory;  /* (groups, 4 * all) */
    double *distances; /* (count) */
};

static int64_t groups(const struct work *w)
{
    return (w->count + GROUP - 1) / GROUP;
}

static void lay_out(struct work *w, const struct lfi_comparison *pair,
                    struct lfi_arena *arena)
{
    lfi_rows_lay_out(&w->side[0], &pair->a, arena);
    lfi_rows_lay_out(&w->side[1], &pair->c, arena);
    w->seed = pair->params.seed;
    w->exponent = pair->params.exponent;
    w->wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    w->columns = w->side[0].columns;
    w->count = pair->params.projections;
    w->pitch = lfi_rows_pitch(w->count);
    w->all = w->side[0].rows + w->side[1].rows;
    w->line = lfi_arena_take(arena, 2, w->columns);
    w->drawn = lfi_arena_take(arena, w->count, (w->columns + 1) / 2);
    w->steps = lfi_arena_take(arena, w->columns, w->pitch / 2);
    w->lengths = lfi_arena_take(arena, 1, w->count);
    w->strip = lfi_arena_take(arena, w->all, (w->count + 1) / 2);
    w->products = lfi_arena_take(arena, w->count, w->all);
    w->most = lfi_arena_take(arena, 1, w->all);
    w->memory = lfi_arena_take(arena, 4 * groups(w), w->all);
    w->distances = lfi_arena_take(arena, 1, w->count);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct work w;

    if (pair->params.projections >= INT64_C(1) << 48) /* nor would their padding */
        return false;
    lay_out(&w, pair, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* ---- directions ------------------------------------------------------------------------- */

static void draw(void *arg, int64_t group, int32_t slot)
{
    struct work *w = arg;
    int64_t first = group * GROUP, n = w->columns, k, i;
    int64_t last = first + GROUP < w->count ? first + GROUP : w->count;

    (void)slot;
    for (k = first; k < last; k++) {
        float *z = w->drawn + k * n;
        double sum = 0.0;

        lfi_normals(w->seed, (uint64_t)LFI_STREAM_DIRECTIONS << 32 | (uint64_t)k, n, z);
        for (i = 0; i < n; i++)
            sum += (double)z[i] * (double)z[i];
        if (sum == 0.0) /* of few columns, once in a while */
            sum = z[0] = 1.0f;
        w->lengths[k] = sqrt(sum);
    }
    if (!w->wide)
        w->env->kernels->transpose_f32(w->drawn + first * n, last - first, n, n,
                                       w->steps + first, w->pitch);
}

/* ---- products --------------------------------------------------------------------------- */

static int64_t blocks(const struct lfi_rows *side)
{
    return (side->rows + BLOCK - 1) / BLOCK;
}

/* rows of side from `first` on; `row` is the place of the first among all. */
static void multiply_narrow(struct work *w, const struct lfi_rows *side, int64_t first,
                            int64_t rows, int64_t row)
{
    const struct lfi_kernels *kernels = w->env->kernels;
    float *strip = w->strip + row * w->count;

    lfi_rows_multiply(kernels, side, first, rows, w->steps, w->count, strip);
    kernels->transpose_f32(strip, rows, w->count, w->count, (float *)w->products + row,
                           w->all);
}

static double dot(const double *x, const float *z, int64_t n)
{
    double lane[LANES] = {0.0}, sum = 0.0;
    int64_t i;
    int l;

    for (i = 0; i + LANES <= n; i += LANES)
        for (l = 0; l < LANES; l++)
            lane[l] += x[i + l] * (double)z[i + l];
    for (; i < n; i++)
        sum += x[i] * (double)z[i];
    for (l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static void multiply_wide(struct work *w, const struct lfi_rows *side, int64_t first,
                          int64_t rows, int64_t row)
{
    double x[CHUNK];
    int64_t column, n, i, k;

    for (i = 0; i < rows; i++) {
        double *products = (double *)w->products + row + i;

        for (k = 0; k < w->count; k++)
            products[k * w->all] = 0.0;
        for (column = 0; column < w->columns; column += n) {
            n = w->columns - column < CHUNK ? w->columns - column : CHUNK;
            lfi_rows_read(side, first + i, column, n, x);
            for (k = 0; k < w->count; k++)
                products[k * w->all] += dot(x, w->drawn + k * w->columns + column, n);
        }
    }
}

/* The largest product of the rows from `row` on; NaN if one is not finite. */
static double largest(const struct work *w, int64_t row, int64_t rows)
{
    double most = 0.0, strange = 0.0;
    int64_t k, i;

    for (k = 0; k < w->count; k++)
        for (i = row; i < row + rows; i++) {
            double x = w->wide ? ((double *)w->products)[k * w->all + i]
                               : (double)((float *)w->products)[k * w->all + i];

            most = fabs(x) > most ? fabs(x) : most;
            strange += x * 0.0;
        }
    return most + strange;
}

static void multiply(void *arg, int64_t block, int32_t slot)
{
    struct work *w = arg;
    bool second = block >= blocks(&w->side[0]);
    const struct lfi_rows *side = &w->side[second];
    int64_t first = (block - (second ? blocks(&w->side[0]) : 0)) * BLOCK;
    int64_t rows = side->rows - first < BLOCK ? side->rows - first : BLOCK;
    int64_t row = first + (second ? w->side[0].rows : 0);

    (void)slot;
    if (w->wide)
        multiply_wide(w, side, first, rows, row);
    else
        multiply_narrow(w, side, first, rows, row);
    w->most[block] = largest(w, row, rows);
}

/* Whether the products of both sides are numbers that have lost nothing. */
static bool tame(const struct work *w)
{
    int64_t first = blocks(&w->side[0]), count = first + blocks(&w->side[1]), i;
    double most[2] = {0.0, 0.0};

    for (i = 0; i < count; i++) {
        if (!(w->most[i] <= TAME))
            return false;
        most[i >= first] = fmax(most[i >= first], w->most[i]);
    }
    return most[0] >= 1.0 / TAME && most[1] >= 1.0 / TAME;
}

/* ---- distances -------------------------------------------------------------------------- */

/* Differences of the quantiles of x (n) and y (m), sorted, and how much of [0, 1] they are. */
static int64_t match(const double *x, int64_t n, const double *y, int64_t m,
                     double *difference, double *weight)
{
    int64_t i = 0, j = 0, at = 0, next, count;

    for (count = 0; i < n && j < m; count++, at = next) { /* in parts of 1 / (n m) */
        next = (i + 1) * m < (j + 1) * n ? (i + 1) * m : (j + 1) * n;
        difference[count] = fabs(x[i] - y[j]);
        weight[count] = (double)(next - at) / ((double)n * (double)m);
        i += next == (i + 1) * m;
        j += next == (j + 1) * n;
    }
    return count;
}

static void sort_side(const struct work *w, int64_t k, int64_t first, int64_t n,
                      void *spare, double *sorted)
{
    int64_t i;

    if (w->wide) {
        double *x = (double *)w->products + k * w->all + first;

        lfi_sort_f64(x, n, spare);
        for (i = 0; i < n; i++)
            sorted[i] = x[i];
    } else {
        float *x = (float *)w->products + k * w->all + first;

        lfi_sort_f32(x, n, spare);
        for (i = 0; i < n; i++)
            sorted[i] = (double)x[i];
    }
}

static void measure(void *arg, int64_t group, int32_t slot)
{
    struct work *w = arg;
    int64_t n = w->side[0].rows, m = w->side[1].rows, k, count;
    double *sorted = w->memory + group * 4 * w->all, *spare = sorted + w->all;

    (void)slot;
    for (k = group * GROUP; k < (group + 1) * GROUP && k < w->count; k++) {
        sort_side(w, k, 0, n, spare, sorted);
        sort_side(w, k, n, m, spare, sorted + n);
        count = match(sorted, n, sorted + n, m, spare, spare + w->all);
        w->distances[k] =
            lfi_power_mean(spare, n == m ? NULL : spare + w->all, count, w->exponent) /
            w->lengths[k];
    }
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct work w = {.env = env};
    int exponent = 0;
    double distance;
    lfuse_status status;
    int64_t tasks;

    lay_out(&w, pair, &arena);
    tasks = blocks(&w.side[0]) + blocks(&w.side[1]);
    status = lfi_parallel_for(env, groups(&w), draw, &w, err);
    if (status == LFUSE_OK && pair->params.softmax_rows)
        status = lfi_rows_prepare(&w.side[0], &w.side[1], pair, w.line, &exponent, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, tasks, multiply, &w, err);
    if (status == LFUSE_OK && !pair->params.softmax_rows && !tame(&w)) {
        status = lfi_rows_prepare(&w.side[0], &w.side[1], pair, w.line, &exponent, err);
        if (status == LFUSE_OK)
            status = lfi_parallel_for(env, tasks, multiply, &w, err);
    }
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, groups(&w), measure, &w, err);
    if (status != LFUSE_OK)
        return status;
    distance = ldexp(lfi_power_mean(w.distances, NULL, w.count, w.exponent), exponent);
    if (!isfinite(distance))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "wasserstein_sliced: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = distance;
    return LFUSE_OK;
}

const struct lfi_metric lfi_metric_wasserstein_sliced = {
    .metric = LFUSE_METRIC_WASSERSTEIN_SLICED,
    .name = "wasserstein_sliced",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p projections",
    .scratch = scratch,
    .compare = compare,
};
