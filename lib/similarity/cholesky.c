/*
 * cholesky.c - triangular factors of covariances: S = L L', in place
 *
 * Lower triangles are packed: row i has i + 1 elements, from i (i + 1) / 2 on.
 *
 * A pivot is what is left of its diagonal element after the columns before it. Where that is
 * within rounding of 0, S is singular: what followed would be made of noise.
 */
#include "similarity/parts.h"

#include <float.h>
#include <math.h>

int64_t lfi_triangle(int64_t d)
{
    return d * (d + 1) / 2;
}

double *lfi_triangle_take(struct lfi_arena *arena, int64_t d)
{
    return lfi_arena_take(arena, d | 1, (d + 1) / 2); /* d (d + 1) / 2, if that fits */
}

/* Row by row. Sums of a row's products are off by d 2^-53 s_ii. */
bool lfi_cholesky_factor(double *s, int64_t d)
{
    double *row = s, *above, pivot;
    int64_t i, j;

    for (i = 0; i < d; row += ++i) {
        for (above = s, j = 0; j < i; above += ++j)
            row[j] = (row[j] - lfi_vectors_dot(row, above, j)) / above[j];
        pivot = row[i] - lfi_vectors_dot(row, row, i);
        if (!(pivot > 4.0 * (double)d * DBL_EPSILON * row[i]))
            return false;
        row[i] = sqrt(pivot);
    }
    return true;
}

double lfi_cholesky_log_det(const double *l, int64_t d)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < d; l += ++i)
        sum += log(l[i]);
    return 2.0 * sum;
}

/* Rows [k, k + 4) of M, of k + 1 to k + 4 elements, are taken from a row below them. */
static void subtract_rows(double *row, const double *l, const double *m, int64_t k)
{
    const double *x[4] = {m, m + (k + 1), m + 2 * k + 3, m + 3 * k + 6};
    int64_t i, j;

    lfi_vectors_subtract_4(row, l, x, k + 1);
    for (i = 1; i < 4; i++)
        for (j = k + 1; j <= k + i; j++)
            row[j] -= l[i] * x[i][j];
}

/* Row i of T = L^-1 M needs those above it, which are done. Where M is L, T is exactly I. */
void lfi_cholesky_solve(const double *l, double *m, int64_t d)
{
    double *row = m;
    int64_t i, j, k;

    for (i = 0; i < d; l += i + 1, row += ++i) {
        for (k = 0; k + 4 <= i; k += 4)
            subtract_rows(row, l + k, m + lfi_triangle(k), k);
        for (; k < i; k++)
            lfi_vectors_subtract(row, l[k], m + lfi_triangle(k), k + 1);
        for (j = 0; j <= i; j++)
            row[j] /= l[i];
    }
}
