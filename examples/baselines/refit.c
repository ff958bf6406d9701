/*
 * refit.c - the matrix that makes of what a layer receives now what it made of what it received
 *
 *     W = (sum y x') C^-1,   C = sum x x' + lambda I
 *
 * by least squares, with a ridge of a ten-thousandth of the mean square of an input. Of all
 * matrices of rank r, what loses least of the outputs W x is U U'W, where U are the r left
 * singular vectors of W L that count most, and L L' = C (reduced rank regression; Izenman 1975).
 */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>

static const double ridge = 1e-4;

struct sums {
    double *xx;     /* (d, d), then L in its lower half */
    double *yx;     /* (n, d), then W */
    float *part_xx; /* one part's, as products have it */
    float *part_yx;
    void *memory;
};

static lfuse_status reserve(struct sums *s, size_t n, size_t d, lfuse_error *err)
{
    char *at = calloc(d * (n + d), sizeof(double) + sizeof(float));

    *s = (struct sums){.memory = at};
    if (at == NULL)
        return baseline_no_memory(err);
    s->xx = (void *)at;
    s->yx = s->xx + d * d;
    s->part_xx = (void *)(s->yx + n * d);
    s->part_yx = s->part_xx + d * d;
    return LFUSE_OK;
}

/* Sums of a part are f32, those of all parts f64. */
static lfuse_status add(struct baseline *b, struct sums *s, const float *x,
                        const float *y, int64_t count, int64_t n, int64_t d,
                        lfuse_error *err)
{
    lfuse_status status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_A, x, x,
                                            s->part_xx, d, d, count, 1.0f, 0.0f, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_A, y, x, s->part_yx, n, d,
                                   count, 1.0f, 0.0f, err);
    for (i = 0; i < d * d && status == LFUSE_OK; i++)
        s->xx[i] += s->part_xx[i];
    for (i = 0; i < n * d && status == LFUSE_OK; i++)
        s->yx[i] += s->part_yx[i];
    return status;
}

static lfuse_status add_all(struct baseline *b, const struct baseline_part *p,
                            struct sums *s, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    const float *x, *y;
    int64_t part, count = 1;

    for (part = 0; count > 0 && status == LFUSE_OK; part++) {
        status = b->refit->next(b->refit->user, p - b->parts, part, &x, &y, &count, err);
        if (status == LFUSE_OK && count > 0)
            status = add(b, s, x, y, count, p->m.rows, p->m.columns, err);
    }
    return status;
}

/* L L' = C + lambda I, in place; the upper half is left as it was. */
static void factorise(double *c, int64_t d)
{
    double trace = 0.0, sum;
    int64_t i, j, k;

    for (i = 0; i < d; i++)
        trace += c[i * d + i];
    for (i = 0; i < d; i++)
        c[i * d + i] += ridge * trace / (double)d + 1e-30;
    for (i = 0; i < d; i++)
        for (j = 0; j <= i; j++) {
            for (sum = c[i * d + j], k = 0; k < j; k++)
                sum -= c[i * d + k] * c[j * d + k];
            c[i * d + j] = i == j ? sqrt(sum) : sum / c[j * d + j];
        }
}

/* The row w with w C = row, in place: L z = row, then L'w = z. */
static void solve(const double *l, int64_t d, double *row)
{
    int64_t i, k;

    for (i = 0; i < d; i++) {
        for (k = 0; k < i; k++)
            row[i] -= l[i * d + k] * row[k];
        row[i] /= l[i * d + i];
    }
    for (i = d - 1; i >= 0; i--) {
        for (k = i + 1; k < d; k++)
            row[i] -= l[k * d + i] * row[k];
        row[i] /= l[i * d + i];
    }
}

lfuse_status baseline_refit(struct baseline *b, struct baseline_part *p, float *weighted,
                            lfuse_error *err)
{
    const int64_t n = p->m.rows, d = p->m.columns;
    struct sums s;
    lfuse_status status = reserve(&s, (size_t)n, (size_t)d, err);
    int64_t i, j, k;
    double sum;

    if (status == LFUSE_OK)
        status = add_all(b, p, &s, err);
    if (status != LFUSE_OK)
        goto done;
    factorise(s.xx, d);
    for (i = 0; i < n; i++) {
        solve(s.xx, d, s.yx + i * d);
        for (j = 0; j < d; j++) {
            for (sum = 0.0, k = j; k < d; k++)
                sum += s.yx[i * d + k] * s.xx[k * d + j];
            weighted[i * d + j] = (float)sum;
            p->m.value[i * d + j] = (float)s.yx[i * d + j];
        }
    }
done:
    free(s.memory);
    return status;
}
