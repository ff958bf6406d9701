/* vectors.c - dense f64 vectors: sums in lanes, so that the compiler may use vectors */
#include "similarity/similarity.h"

enum { LANES = 8 };

double lfi_vectors_dot(const double *x, const double *y, int64_t n)
{
    double lane[LANES] = {0.0}, sum = 0.0;
    int64_t i;
    int l;

    for (i = 0; i + LANES <= n; i += LANES)
        for (l = 0; l < LANES; l++)
            lane[l] += x[i + l] * y[i + l];
    for (; i < n; i++)
        sum += x[i] * y[i];
    for (l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

double lfi_vectors_square_distance(const double *x, const double *y, int64_t n)
{
    double lane[LANES] = {0.0}, sum = 0.0;
    int64_t i;
    int l;

    for (i = 0; i + LANES <= n; i += LANES)
        for (l = 0; l < LANES; l++)
            lane[l] += (x[i + l] - y[i + l]) * (x[i + l] - y[i + l]);
    for (; i < n; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    for (l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

void lfi_vectors_subtract(double *y, double scale, const double *x, int64_t n)
{
    int64_t i;

    for (i = 0; i < n; i++)
        y[i] -= scale * x[i];
}

bool lfi_vectors_equal(const double *x, const double *y, int64_t n)
{
    int64_t i;

    for (i = 0; i < n; i++)
        if (x[i] != y[i])
            return false;
    return true;
}
