/*
 * entropic.c - see entropic.h
 *
 * Cuturi 2013; in the form of Schmitzer 2019, "Stabilized sparse scaling algorithms", sec. 3:
 * most iterations are products with a kernel exp(f_i + g_j - C_ij) that holds the potentials so
 * far, and need no exponential. Each takes one pass over the kernel, a row at a time, whose new
 * scaling goes into the sums of the columns while the row is at hand.
 *
 * Scalings stay in [2^-300, 2^300]. What the kernel has lost below 2^-1000 is then less than
 * 2^-400 of any of its sums. An iteration that would leave that range, as the first ones do
 * where eps is small, is taken again in the logarithmic domain.
 */
#include "similarity/entropic.h"

#include <math.h>
#include <string.h>

#define LEAST 0x1p-300
#define MOST  0x1p300

void lfi_entropic_lay_out(struct lfi_entropic *e, int64_t rows, int64_t columns,
                          struct lfi_arena *arena)
{
    e->rows = rows;
    e->columns = columns;
    e->cost = lfi_arena_take(arena, rows, columns);
    e->kernel = lfi_arena_take(arena, rows, columns);
    e->f = lfi_arena_take(arena, 1, rows);
    e->g = lfi_arena_take(arena, 1, columns);
    e->u = lfi_arena_take(arena, 1, rows);
    e->v = lfi_arena_take(arena, 1, columns);
    e->next_u = lfi_arena_take(arena, 1, rows);
    e->next_v = lfi_arena_take(arena, 1, columns);
}

static void fill(double *x, int64_t n, double value)
{
    int64_t i;

    for (i = 0; i < n; i++)
        x[i] = value;
}

static void swap(double **x, double **y)
{
    double *z = *x;

    *x = *y;
    *y = z;
}

/* ---- the logarithmic domain ------------------------------------------------------------- */

/* line = f_i + g_j - C_ij */
static void exponents(const struct lfi_entropic *e, int64_t i, double *line)
{
    const double *cost = e->cost + i * e->columns;
    int64_t j;

    for (j = 0; j < e->columns; j++)
        line[j] = e->f[i] + e->g[j] - cost[j];
}

/* f where the rows of pi add up; how far off they were. */
static double log_rows(const struct lfi_entropic *e)
{
    int64_t n = e->rows, m = e->columns, i, j;
    double off = 0.0;

    for (i = 0; i < n; i++) {
        double *line = e->kernel + i * m, top = -INFINITY, sum = 0.0, step;

        exponents(e, i, line);
        for (j = 0; j < m; j++)
            top = line[j] > top ? line[j] : top;
        for (j = 0; j < m; j++)
            line[j] -= top;
        lfi_vectors_exp(line, m);
        for (j = 0; j < m; j++)
            sum += line[j];
        step = top + log(sum / (double)m);
        e->f[i] -= step;
        off += fabs(expm1(step));
    }
    return off / (double)n;
}

/* g where the columns add up. */
static void log_columns(const struct lfi_entropic *e)
{
    int64_t n = e->rows, m = e->columns, i, j;
    double *top = e->next_v, *sum = e->v;

    fill(top, m, -INFINITY);
    fill(sum, m, 0.0);
    for (i = 0; i < n; i++) {
        double *line = e->kernel + i * m;

        exponents(e, i, line);
        for (j = 0; j < m; j++)
            top[j] = line[j] > top[j] ? line[j] : top[j];
    }
    for (i = 0; i < n; i++) {
        double *line = e->kernel + i * m;

        for (j = 0; j < m; j++)
            line[j] -= top[j];
        lfi_vectors_exp(line, m);
        for (j = 0; j < m; j++)
            sum[j] += line[j];
    }
    for (j = 0; j < m; j++)
        e->g[j] -= top[j] + log(sum[j] / (double)n);
}

/* Moves the scalings into the potentials. */
static void absorb(const struct lfi_entropic *e)
{
    int64_t i;

    for (i = 0; i < e->rows; i++)
        e->f[i] += log(e->u[i]);
    for (i = 0; i < e->columns; i++)
        e->g[i] += log(e->v[i]);
    fill(e->u, e->rows, 1.0);
    fill(e->v, e->columns, 1.0);
}

/* One iteration of the potentials, and their kernel. */
static double iterate_log(const struct lfi_entropic *e)
{
    double off = log_rows(e);
    int64_t i;

    log_columns(e);
    for (i = 0; i < e->rows; i++)
        exponents(e, i, e->kernel + i * e->columns);
    lfi_vectors_exp(e->kernel, e->rows * e->columns);
    fill(e->u, e->rows, 1.0);
    fill(e->v, e->columns, 1.0);
    return off;
}

/* ---- scalings --------------------------------------------------------------------------- */

static void add_scaled(double *sum, double scale, const double *x, int64_t n)
{
    int64_t i;

    for (i = 0; i < n; i++)
        sum[i] += scale * x[i];
}

static bool in_range(double x)
{
    return x >= LEAST && x <= MOST;
}

/* One iteration of the scalings; false: they would leave the range, and stay as they are. */
static bool iterate(struct lfi_entropic *e, double *off)
{
    int64_t n = e->rows, m = e->columns, i;

    *off = 0.0;
    fill(e->next_v, m, 0.0);
    for (i = 0; i < n; i++) {
        const double *line = e->kernel + i * m;
        double sum = lfi_vectors_dot(line, e->v, m) / (double)m;

        *off += fabs(e->u[i] * sum - 1.0) / (double)n;
        e->next_u[i] = 1.0 / sum;
        if (!in_range(e->next_u[i]))
            return false;
        add_scaled(e->next_v, e->next_u[i], line, m);
    }
    for (i = 0; i < m; i++) {
        e->next_v[i] = (double)n / e->next_v[i];
        if (!in_range(e->next_v[i]))
            return false;
    }
    swap(&e->u, &e->next_u);
    swap(&e->v, &e->next_v);
    return true;
}

static double mean(const double *x, int64_t n)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

double lfi_entropic_solve(struct lfi_entropic *e, int64_t iterations, double tolerance)
{
    double off;
    int64_t k;

    fill(e->f, e->rows, 0.0);
    fill(e->g, e->columns, 0.0);
    off = iterate_log(e);
    for (k = 1; k < iterations && off > tolerance; k++)
        if (!iterate(e, &off)) {
            absorb(e);
            off = iterate_log(e);
        }
    absorb(e);
    return mean(e->f, e->rows) + mean(e->g, e->columns);
}
