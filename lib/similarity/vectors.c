/* vectors.c - dense f64 vectors: sums in lanes, so that the compiler may use vectors */
#include "similarity/parts.h"

#include <string.h>

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

void lfi_vectors_subtract_4(double *y, const double *scale, const double *const *x,
                            int64_t n)
{
    const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
    double s0 = scale[0], s1 = scale[1], s2 = scale[2], s3 = scale[3];
    int64_t i;

    for (i = 0; i < n; i++)
        y[i] = y[i] - s0 * x0[i] - s1 * x1[i] - s2 * x2[i] - s3 * x3[i];
}

bool lfi_vectors_equal(const double *x, const double *y, int64_t n)
{
    int64_t i;

    for (i = 0; i < n; i++)
        if (x[i] != y[i])
            return false;
    return true;
}

/*
 * exp(x) = 2^k exp(r), |r| <= ln 2 / 2, by Taylor's series to r^13, which is short of it by
 * 2^-57. ln 2 is taken in two parts, the first of 32 bits, so that k times it is exact. Adding
 * magic leaves k in the last bits of a mantissa, from where it is moved into the exponent.
 */
void lfi_vectors_exp(double *x, int64_t n)
{
    const double magic = 0x1.8p52, log2_e = 0x1.71547652b82fep0;
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    int64_t i;

    for (i = 0; i < n; i++) {
        double at = x[i] > -700.0 ? x[i] < 700.0 ? x[i] : 700.0 : -700.0;
        double k = at * log2_e + magic, r, p;
        uint64_t bits, power;

        memcpy(&power, &k, sizeof(power));
        k -= magic;
        r = at - k * ln2_high - k * ln2_low;
        p = 1.0 / 6227020800.0;
        p = p * r + 1.0 / 479001600.0;
        p = p * r + 1.0 / 39916800.0;
        p = p * r + 1.0 / 3628800.0;
        p = p * r + 1.0 / 362880.0;
        p = p * r + 1.0 / 40320.0;
        p = p * r + 1.0 / 5040.0;
        p = p * r + 1.0 / 720.0;
        p = p * r + 1.0 / 120.0;
        p = p * r + 1.0 / 24.0;
        p = p * r + 1.0 / 6.0;
        p = p * r + 0.5;
        p = p * r + 1.0;
        p = p * r + 1.0;
        memcpy(&bits, &p, sizeof(bits));
        bits += power << 52;
        memcpy(&p, &bits, sizeof(p));
        x[i] = p;
    }
}
