/* gram.c - (n, n) kernel matrices of the rows: their means taken out, and their alignment */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

/* K_ij - share (r_i + r_j) + all; r are the sums of rows of the symmetric K. */
static void subtract(double *k, int64_t n, const double *sums, double share, double all)
{
    int64_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            k[i * n + j] = k[i * n + j] - (sums[i] + sums[j]) * share + all;
}

static double add_rows(const double *k, int64_t n, double *sums)
{
    double total = 0.0;
    int64_t i, j;

    for (i = 0; i < n; i++) {
        for (sums[i] = 0.0, j = 0; j < n; j++)
            sums[i] += k[i * n + j];
        total += sums[i];
    }
    return total;
}

void lfi_gram_center(double *k, int64_t n, double *sums)
{
    double count = (double)n, total = add_rows(k, n, sums);

    subtract(k, n, sums, 1.0 / count, total / (count * count));
}

void lfi_gram_debias(double *k, int64_t n, double *sums)
{
    double count = (double)n, total = add_rows(k, n, sums);
    int64_t i;

    subtract(k, n, sums, 1.0 / (count - 2.0), total / ((count - 1.0) * (count - 2.0)));
    for (i = 0; i < n; i++)
        k[i * n + i] = 0.0;
}

bool lfi_gram_debias_rows(double *k, int64_t n, int64_t stride, double noise,
                          double *sums)
{
    double whole = lfi_vectors_dot(k, k, stride * stride);
    int64_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            k[i * n + j] = i == j ? 0.0 : k[i * stride + j];
    lfi_gram_debias(k, n, sums);
    if (lfi_vectors_dot(k, k, n * n) > noise * noise * whole)
        return true;
    memset(k, 0, (size_t)(n * n) * sizeof(*k));
    return false;
}

double lfi_gram_alignment(const double *k, const double *l, int64_t n)
{
    double kk = sqrt(lfi_vectors_dot(k, k, n * n));
    double ll = sqrt(lfi_vectors_dot(l, l, n * n));

    return fmax(-1.0, fmin(1.0, lfi_vectors_dot(k, l, n * n) / (kk * ll)));
}
