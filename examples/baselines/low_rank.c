/*
 * low_rank.c - matrices of rank r: W = U Z, of r (n + d) numbers in place of n d
 *
 * The best of them is the truncated SVD: the dominant subspace, by iterations of a random one
 * (Halko, Martinsson and Tropp 2011, algorithm 4.4). With examples of what a layer receives once
 * those below it are compressed, W is fitted to them first, and the best is what loses least of
 * the layer's outputs, not of W (refit.c). While the network trains on, the matrix moves along
 * the manifold of rank r: with orthonormal bases U of its columns and V of its rows, a gradient
 * G becomes U U'G + G V'V - U U'G V'V, and a step that has left the manifold is brought back by
 * one more iteration. That is what training U and Z would do, to first order, whatever the
 * optimiser.
 */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { ITERATIONS = 24 };

/* Gram and Schmidt, twice, on `count` rows; one that is not independent becomes 0. */
static void orthonormalise(float *m, int64_t count, int64_t length)
{
    int64_t i, j, k, pass;

    for (i = 0; i < count; i++) {
        float *row = m + i * length;
        double norm = 0.0, left = 0.0, dot;

        for (k = 0; k < length; k++)
            norm += (double)row[k] * row[k];
        for (pass = 0; pass < 2; pass++)
            for (j = 0; j < i; j++) {
                const float *other = m + j * length;

                for (dot = 0.0, k = 0; k < length; k++)
                    dot += (double)row[k] * other[k];
                for (k = 0; k < length; k++)
                    row[k] -= (float)(dot * other[k]);
            }
        for (k = 0; k < length; k++)
            left += (double)row[k] * row[k];
        for (k = 0; k < length; k++)
            row[k] = left > 1e-12 * norm ? (float)(row[k] / sqrt(left)) : 0.0f;
    }
}

/* From the row space to the column space, to the row space: nearer to the dominant one. The rows
 * that come last are not orthonormal: they are U'W. */
static lfuse_status iterate(struct baseline *b, const struct baseline_part *p,
                            lfuse_error *err)
{
    const int64_t n = p->m.rows, d = p->m.columns, r = p->rank;
    lfuse_status status;

    status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_B, p->rows, p->m.value,
                               p->columns, r, n, d, 1.0f, 0.0f, err);
    if (status != LFUSE_OK)
        return status;
    orthonormalise(p->columns, r, n);
    return baseline_multiply(b->ctx, 0, p->columns, p->m.value, p->rows, r, d, n, 1.0f,
                             0.0f, err);
}

/* W = U (U'W), and an orthonormal V. */
static lfuse_status take(struct baseline *b, const struct baseline_part *p,
                         lfuse_error *err)
{
    lfuse_status status =
        baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_A, p->columns, p->rows, p->m.value,
                          p->m.rows, p->m.columns, p->rank, 1.0f, 0.0f, err);

    orthonormalise(p->rows, p->rank, p->m.columns);
    return status;
}

static int reserve(struct baseline_part *p, int64_t rank)
{
    const size_t n = (size_t)p->m.rows, d = (size_t)p->m.columns, r = (size_t)rank;

    p->rank = rank;
    p->columns = malloc(r * n * sizeof(float));
    p->rows = malloc(r * d * sizeof(float));
    p->scratch = malloc(r * (n + d + r) * sizeof(float));
    return p->columns != NULL && p->rows != NULL && p->scratch != NULL;
}

/* The dominant subspaces of values, from random ones. */
static lfuse_status find(struct baseline *b, struct baseline_part *p, float *values,
                         lfuse_error *err)
{
    const struct baseline_part of = {
        .m = {.value = values, .rows = p->m.rows, .columns = p->m.columns},
        .rank = p->rank,
        .columns = p->columns,
        .rows = p->rows};
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < p->rank * p->m.columns; i++)
        p->rows[i] = (float)random_normal(b->seed, (uint64_t)(p - b->parts), (uint64_t)i);
    for (i = 0; i < ITERATIONS && status == LFUSE_OK; i++) {
        orthonormalise(p->rows, p->rank, p->m.columns);
        status = iterate(b, &of, err);
    }
    return status;
}

/* Those of what was fitted, by their weight; and what is left of the matrix in them. */
static lfuse_status find_refitted(struct baseline *b, struct baseline_part *p,
                                  lfuse_error *err)
{
    const int64_t n = p->m.rows, d = p->m.columns;
    float *weighted = malloc((size_t)(n * d) * sizeof(*weighted));
    lfuse_status status =
        weighted == NULL ? baseline_no_memory(err) : baseline_refit(b, p, weighted, err);

    if (status == LFUSE_OK)
        status = find(b, p, weighted, err);
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, 0, p->columns, p->m.value, p->rows, p->rank, d,
                                   n, 1.0f, 0.0f, err);
    free(weighted);
    return status;
}

lfuse_status baseline_low_rank(struct baseline *b, struct baseline_part *p, int64_t rank,
                               lfuse_error *err)
{
    const int64_t numbers = rank * (p->m.rows + p->m.columns);
    lfuse_status status;

    if (numbers >= p->m.rows * p->m.columns)
        return LFUSE_OK; /* dense is smaller */
    if (!reserve(p, rank))
        return baseline_no_memory(err);
    p->bytes = 4 * numbers;
    status = b->refit != NULL ? find_refitted(b, p, err) : find(b, p, p->m.value, err);
    return status == LFUSE_OK ? take(b, p, err) : status;
}

lfuse_status baseline_low_rank_project(struct baseline *b, const struct baseline_part *p,
                                       lfuse_error *err)
{
    const int64_t n = p->m.rows, d = p->m.columns, r = p->rank;
    float *ug = p->scratch, *gv = ug + r * d, *ugv = gv + r * n;
    lfuse_status status;

    status = baseline_multiply(b->ctx, 0, p->columns, p->m.gradient, ug, r, d, n, 1.0f,
                               0.0f, err); /* U'G */
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_B, p->m.gradient, p->rows,
                                   gv, n, r, d, 1.0f, 0.0f, err); /* G V' */
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_B, ug, p->rows, ugv, r, r,
                                   d, 1.0f, 0.0f, err); /* U'G V' */
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_A, p->columns, ugv, gv, n,
                                   r, r, -1.0f, 1.0f, err); /* G V' - U U'G V' */
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, 0, gv, p->rows, p->m.gradient, n, d, r, 1.0f,
                                   0.0f, err);
    if (status == LFUSE_OK)
        status = baseline_multiply(b->ctx, LFUSE_GEMM_TRANSPOSE_A, p->columns, ug,
                                   p->m.gradient, n, d, r, 1.0f, 1.0f, err);
    return status;
}

lfuse_status baseline_low_rank_settle(struct baseline *b, const struct baseline_part *p,
                                      lfuse_error *err)
{
    lfuse_status status = iterate(b, p, err);

    return status == LFUSE_OK ? take(b, p, err) : status;
}
