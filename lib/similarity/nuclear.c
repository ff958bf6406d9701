/*
 * nuclear.c - the nuclear norm of a product of two sets of vectors
 *
 *     |M|_* = the sum of the singular values of M = P Q' (k, k)
 *
 * By one-sided Jacobi (Hestenes 1958): rows of M are rotated against each other until they are
 * orthogonal; their lengths are then the singular values. The triangle is that of modified
 * Gram-Schmidt, which is exact for data within 2^-53 of P, however dependent the vectors
 * (Bjoerck 1967).
 */
#include "similarity/similarity.h"

#include <float.h>
#include <math.h>

/*
 * Rows at this cosine count as orthogonal: their lengths then are off by its square, in all
 * by k 1e-22 of the norm. Convergence is quadratic: some ten sweeps, and no more than these.
 */
#define ORTHOGONAL 1e-11
enum { SWEEPS = 64 };

/* Makes x and y orthogonal; false: they were. What is below `tiny` counts as 0. */
static bool rotate(double *x, double *y, int64_t k, double tiny)
{
    double xx = lfi_vectors_dot(x, x, k), yy = lfi_vectors_dot(y, y, k);
    double xy = lfi_vectors_dot(x, y, k), zeta, t, c, s;
    int64_t i;

    if (xx <= tiny || yy <= tiny || fabs(xy) <= ORTHOGONAL * sqrt(xx) * sqrt(yy))
        return false;
    zeta = (yy - xx) / (2.0 * xy);
    t = copysign(1.0, zeta) / (fabs(zeta) + sqrt(1.0 + zeta * zeta));
    c = 1.0 / sqrt(1.0 + t * t);
    s = c * t;
    for (i = 0; i < k; i++) {
        double u = x[i], v = y[i];

        x[i] = c * u - s * v;
        y[i] = s * u + c * v;
    }
    return true;
}

/* Rows below 2^-52 / k of |M|_F are left: they are 2^-52 of it altogether. */
static double norm(double *m, int64_t k)
{
    double tiny = sqrt(lfi_vectors_dot(m, m, k * k)) * DBL_EPSILON / (double)k, sum = 0.0;
    int64_t i, j;
    bool turned = true;
    int sweep;

    tiny *= tiny;
    for (sweep = 0; sweep < SWEEPS && turned; sweep++)
        for (turned = false, i = 0; i < k; i++)
            for (j = i + 1; j < k; j++)
                turned |= rotate(m + i * k, m + j * k, k, tiny);
    for (i = 0; i < k; i++)
        sum += sqrt(lfi_vectors_dot(m + i * k, m + i * k, k));
    return sum;
}

double lfi_nuclear_norm(const double *p, const double *q, int64_t k, int64_t l, double *m)
{
    int64_t i, j;

    for (i = 0; i < k; i++)
        for (j = 0; j < k; j++)
            m[i * k + j] = lfi_vectors_dot(p + i * l, q + j * l, l);
    return norm(m, k);
}

void lfi_nuclear_triangle(double *p, int64_t k, int64_t l, double *r)
{
    double length;
    int64_t i, j;

    for (i = 0; i < k; i++) {
        length = sqrt(lfi_vectors_dot(p + i * l, p + i * l, l));
        for (j = 0; j < l && length > 0.0; j++)
            p[i * l + j] /= length;
        for (j = 0; j < i; j++)
            r[i * k + j] = 0.0;
        r[i * k + i] = length;
        for (j = i + 1; j < k; j++) {
            r[i * k + j] = lfi_vectors_dot(p + i * l, p + j * l, l);
            lfi_vectors_subtract(p + j * l, r[i * k + j], p + i * l, l);
        }
    }
}
