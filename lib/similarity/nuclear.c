/*
 * nuclear.c - the nuclear norm of a product of two sets of vectors
 *
 *     |M|_* = the sum of the singular values of M = P Q' (k, k)
 *
 * Reflections from the left and the right in turn make M bidiagonal (Golub & Kahan 1965);
 * rotations then chase what is above the diagonal out of it, which are QR steps of B'B with
 * shifts, done on B (Demmel & Kahan 1990). All that is orthogonal to rounding, and what is
 * dropped is some 2^-52 |M|_F altogether: singular values are those of a matrix within some
 * k 2^-53 |M|_F of M, so that their sum is good to some k 2^-53 |P|_F |Q|_F.
 *
 * The triangle is that of modified Gram-Schmidt, which is exact for data within 2^-53 of P,
 * however dependent the vectors (Bjoerck 1967).
 */
#include "similarity/parts.h"

#include <float.h>
#include <math.h>

struct work {
    int64_t k;
    double *m;   /* (k, k) */
    double *d;   /* (k): the diagonal */
    double *e;   /* (k): what is above it */
    double *u;   /* (k): a reflection I - u u' / h */
    double *sum; /* (k) */
    double tiny; /* a column or row of this length counts as 0 */
};

/* Of x: it takes x to (the result, 0, ...), which is 0 where x is tiny: there is none then. */
static double reflection(double *x, int64_t n, double tiny, double *h)
{
    double length = sqrt(lfi_vectors_dot(x, x, n)), first = x[0];

    if (length <= tiny)
        return 0.0;
    *h = length * (length + fabs(first));
    x[0] += copysign(length, first);
    return -copysign(length, first);
}

/* Reflects rows i and below so that column i is 0 below the diagonal; all but row i wait. */
static double reflect_column(struct work *w, int64_t i, double *h)
{
    int64_t k = w->k, n = k - i - 1, r;
    double d;

    for (r = i; r < k; r++)
        w->u[r] = w->m[r * k + i];
    d = reflection(w->u + i, n + 1, w->tiny, h);
    if (d == 0.0)
        return d;
    for (r = i + 1; r < k; r++)
        w->sum[r] = 0.0;
    for (r = i; r < k; r++)
        lfi_vectors_subtract(w->sum + i + 1, -w->u[r] / *h, w->m + r * k + i + 1, n);
    lfi_vectors_subtract(w->m + i * k + i + 1, w->u[i], w->sum + i + 1, n);
    return d;
}

/* Row by row, so that each is read once: by the left reflection, then by the right one. */
static void bidiagonalise(struct work *w)
{
    int64_t k = w->k, n, i, r;

    for (i = 0; i < k; i++) {
        double left = 1.0, right = 1.0, *v = w->m + i * k + i + 1, *row;

        n = k - i - 1;
        w->d[i] = reflect_column(w, i, &left);
        w->e[i] = n > 0 ? reflection(v, n, w->tiny, &right) : 0.0;
        for (r = i + 1; r < k; r++) {
            row = w->m + r * k + i + 1;
            if (w->d[i] != 0.0)
                lfi_vectors_subtract(row, w->u[r], w->sum + i + 1, n);
            if (w->e[i] != 0.0)
                lfi_vectors_subtract(row, lfi_vectors_dot(row, v, n) / right, v, n);
        }
    }
}

/* The rotation of (f, g) to (the result, 0); what has no squares counts as 0. */
static double rotation(double f, double g, double *c, double *s)
{
    double r = sqrt(f * f + g * g);

    *c = r > 0x1p-500 ? f / r : 1.0;
    *s = r > 0x1p-500 ? g / r : 0.0;
    return r > 0x1p-500 ? r : 0.0;
}

/* A QR step of B'B - shift^2 in rows first to last of B. */
static void chase(double *d, double *e, int64_t first, int64_t last, double shift)
{
    double f = d[first], g = e[first], c, s, r;
    int64_t i;

    if (shift > 0.0)
        f = (fabs(f) - shift) * (copysign(1.0, f) + shift / f);
    for (i = first; i < last; i++) {
        r = rotation(f, g, &c, &s);
        if (i > first)
            e[i - 1] = r;
        f = c * d[i] + s * e[i];
        e[i] = c * e[i] - s * d[i];
        g = s * d[i + 1];
        d[i + 1] *= c;
        d[i] = rotation(f, g, &c, &s);
        f = c * e[i] + s * d[i + 1];
        d[i + 1] = c * d[i + 1] - s * e[i];
        g = i + 1 < last ? s * e[i + 1] : 0.0;
        e[i + 1] *= i + 1 < last ? c : 1.0;
    }
    e[last - 1] = f;
}

/* The smaller singular value of the last two rows; 0 where B is as good as singular. */
static double shift_of(const double *d, const double *e, int64_t first, int64_t last,
                       double least)
{
    double f = d[last - 1], g = d[last], h = e[last - 1];
    int64_t i;

    for (i = first; i <= last; i++)
        if (fabs(d[i]) <= least)
            return 0.0;
    return 2.0 * fabs(f) * fabs(g) /
           (sqrt((f + g) * (f + g) + h * h) + sqrt((f - g) * (f - g) + h * h));
}

/* Two steps or three bring out one value. */
static double sum_of_values(struct work *w)
{
    enum { STEPS = 64 };
    double *d = w->d, *e = w->e, least = 0.0, sum = 0.0;
    int64_t k = w->k, last = k - 1, first, i, steps = STEPS * k;

    for (i = 0; i < k; i++)
        least = fmax(least, fmax(fabs(d[i]), fabs(e[i])));
    least *= DBL_EPSILON;
    while (last > 0 && steps > 0) {
        if (fabs(e[last - 1]) <= least) {
            last--;
            continue;
        }
        for (first = last - 1; first > 0 && fabs(e[first - 1]) > least; first--)
            ;
        chase(d, e, first, last, shift_of(d, e, first, last, least));
        steps--;
    }
    for (i = 0; i < k; i++)
        sum += fabs(d[i]);
    return sum;
}

double lfi_nuclear_norm(const double *p, const double *q, int64_t k, int64_t l, double *m)
{
    struct work w = {.k = k, .m = m, .d = m + k * k};
    double size;
    int64_t i, j;

    w.e = w.d + k;
    w.u = w.e + k;
    w.sum = w.u + k;
    for (i = 0; i < k; i++)
        for (j = 0; j < k; j++)
            m[i * k + j] = lfi_vectors_dot(p + i * l, q + j * l, l);
    size = sqrt(lfi_vectors_dot(m, m, k * k));
    if (size < 0x1p-300)
        return 0.0;
    w.tiny = size * DBL_EPSILON / (double)k;
    bidiagonalise(&w);
    return sum_of_values(&w);
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
