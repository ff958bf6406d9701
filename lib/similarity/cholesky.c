/*
 * cholesky.c - triangular factors of covariances: S = L L', in place
 *
 * A pivot is what is left of its diagonal element after the columns before it. Where that is
 * within rounding of 0, S is singular: what followed would be made of noise.
 */
#include "similarity/similarity.h"

#include <float.h>
#include <math.h>

/* Row by row, from the lower triangle. Sums of a row's products are off by d 2^-53 s_ii. */
bool lfi_cholesky_factor(double *s, int64_t d, int64_t stride)
{
    double *row, *above, pivot;
    int64_t i, j;

    for (i = 0; i < d; i++) {
        row = s + i * stride;
        for (j = 0; j < i; j++) {
            above = s + j * stride;
            row[j] = (row[j] - lfi_vectors_dot(row, above, j)) / above[j];
        }
        pivot = row[i] - lfi_vectors_dot(row, row, i);
        if (!(pivot > 4.0 * (double)d * DBL_EPSILON * row[i]))
            return false;
        row[i] = sqrt(pivot);
    }
    return true;
}

double lfi_cholesky_log_det(const double *l, int64_t d, int64_t stride)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < d; i++)
        sum += log(l[i * stride + i]);
    return 2.0 * sum;
}

/* Row i of T = L^-1 M needs those above it, which are done. Where M is L, T is exactly I. */
void lfi_cholesky_solve(const double *l, double *m, int64_t d, int64_t stride)
{
    int64_t i, j, k;

    for (i = 0; i < d; i++) {
        double *row = m + i * stride;

        for (k = 0; k < i; k++)
            lfi_vectors_subtract(row, l[i * stride + k], m + k * stride, k + 1);
        for (j = 0; j <= i; j++)
            row[j] /= l[i * stride + i];
    }
}
