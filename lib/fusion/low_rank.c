/*
 * low_rank.c - truncated singular value decompositions by subspace iteration
 *
 * k = most + OVERSAMPLED random vectors become orthonormal bases U (k, rows) of the dominant column
 * space and V (k, columns) of the row space in turn; then d is near U' (U d), and the decomposition
 * of U d is that of its Gram matrix, which is small (Halko, Martinsson, Tropp 2011, arXiv:0909.4061,
 * algorithms 4.4 and 5.1). Where k is the lesser side, U spans all of it and nothing is lost.
 */
#include "fusion/low_rank.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

enum { OVERSAMPLED = 8, ITERATIONS = 6, SWEEPS = 30, LANES = 8 };

struct work {
    const struct lfi_env *env;
    const float *d;
    int64_t rows, columns, k;
    float *u;       /* (k, rows) */
    float *v;       /* (k, columns) */
    double *gram;   /* (k, k): of v */
    double *turns;  /* (k, k): rows are its eigenvectors */
    double *values; /* (k): singular values of d, descending */
    int64_t *order; /* (k) */
};

/* ---- bases -------------------------------------------------------------------------------- */

static double dot(const float *x, const float *y, int64_t n)
{
    double sums[LANES] = {0.0}, sum = 0.0;
    int64_t i, lane;

    for (i = 0; i + LANES <= n; i += LANES)
        for (lane = 0; lane < LANES; lane++)
            sums[lane] += (double)x[i + lane] * y[i + lane];
    for (; i < n; i++)
        sum += (double)x[i] * y[i];
    for (lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

static void subtract(float *x, double scale, const float *y, int64_t n)
{
    const float by = (float)scale;
    int64_t i;

    for (i = 0; i < n; i++)
        x[i] -= by * y[i];
}

/* Gram and Schmidt, twice; a row that depends on those before becomes 0. */
static void orthonormalise(float *m, int64_t count, int64_t length)
{
    int64_t i, j, k;
    int pass;

    for (i = 0; i < count; i++) {
        float *row = m + i * length;
        const double before = dot(row, row, length);
        double left;

        for (pass = 0; pass < 2; pass++)
            for (j = 0; j < i; j++)
                subtract(row, dot(row, m + j * length, length), m + j * length, length);
        left = dot(row, row, length);
        for (k = 0; k < length; k++)
            row[k] = left > 1e-10 * before ? (float)(row[k] / sqrt(left)) : 0.0f;
    }
}

/* u = v d', or v = u d. */
static lfuse_status multiply(const struct work *w, bool to_columns, lfuse_error *err)
{
    const int64_t from = to_columns ? w->rows : w->columns,
                  to = to_columns ? w->columns : w->rows;
    const struct lfi_gemm gemm = {.a = to_columns ? w->u : w->v,
                                  .b = w->d,
                                  .c = to_columns ? w->v : w->u,
                                  .m = w->k,
                                  .n = to,
                                  .k = from,
                                  .lda = from,
                                  .ldb = w->columns,
                                  .ldc = to,
                                  .alpha = 1.0f,
                                  .transpose_b = !to_columns};

    return lfi_gemm(w->env, &gemm, err);
}

static lfuse_status iterate(struct work *w, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < w->k * w->columns; i++)
        w->v[i] = (float)lfi_random_normal(w->env->seed, 0, (uint64_t)i);
    for (i = 0; i < ITERATIONS && status == LFUSE_OK; i++) {
        orthonormalise(w->v, w->k, w->columns);
        status = multiply(w, false, err);
        orthonormalise(w->u, w->k, w->rows);
        if (status == LFUSE_OK)
            status = multiply(w, true, err);
    }
    return status;
}

/* ---- the small decomposition --------------------------------------------------------------- */

/* Rows and columns i and j of the Gram matrix are turned so that they are orthogonal. */
static void turn(struct work *w, int64_t i, int64_t j)
{
    const int64_t k = w->k;
    double *g = w->gram, *t = w->turns;
    const double theta = 0.5 * (g[j * k + j] - g[i * k + i]) / g[i * k + j];
    const double tangent =
        copysign(1.0, theta) / (fabs(theta) + sqrt(1.0 + theta * theta));
    const double c = 1.0 / sqrt(1.0 + tangent * tangent), s = tangent * c;
    int64_t l;

    for (l = 0; l < k; l++) {
        const double x = g[l * k + i], y = g[l * k + j];

        g[l * k + i] = c * x - s * y;
        g[l * k + j] = s * x + c * y;
    }
    for (l = 0; l < k; l++) {
        const double x = g[i * k + l], y = g[j * k + l];
        const double p = t[i * k + l], q = t[j * k + l];

        g[i * k + l] = c * x - s * y;
        g[j * k + l] = s * x + c * y;
        t[i * k + l] = c * p - s * q;
        t[j * k + l] = s * p + c * q;
    }
}

/* Jacobi's method, cyclic by rows (Golub and Van Loan, 4th ed., sec. 8.5). */
static void diagonalise(struct work *w)
{
    const int64_t k = w->k;
    int64_t i, j;
    int sweep;
    bool turned = true;

    for (i = 0; i < k; i++)
        w->turns[i * k + i] = 1.0;
    for (sweep = 0; sweep < SWEEPS && turned; sweep++) {
        turned = false;
        for (i = 0; i < k; i++)
            for (j = i + 1; j < k; j++)
                if (fabs(w->gram[i * k + j]) >
                    DBL_EPSILON * sqrt(fabs(w->gram[i * k + i] * w->gram[j * k + j]))) {
                    turn(w, i, j);
                    turned = true;
                }
    }
}

/* The singular values, and which eigenvector each has, greatest first. */
static void sort(struct work *w)
{
    int64_t i, at;

    for (i = 0; i < w->k; i++) {
        const double value = sqrt(fmax(w->gram[i * w->k + i], 0.0));

        for (at = i; at > 0 && w->values[at - 1] < value; at--) {
            w->values[at] = w->values[at - 1];
            w->order[at] = w->order[at - 1];
        }
        w->values[at] = value;
        w->order[at] = i;
    }
}

static void decompose(struct work *w)
{
    int64_t i, j;

    for (i = 0; i < w->k; i++)
        for (j = 0; j <= i; j++)
            w->gram[i * w->k + j] = w->gram[j * w->k + i] =
                dot(w->v + i * w->columns, w->v + j * w->columns, w->columns);
    diagonalise(w);
    sort(w);
}

static int64_t choose_rank(const struct work *w, int64_t most, double energy)
{
    const double all = dot(w->d, w->d, w->rows * w->columns);
    double kept = 0.0;
    int64_t rank = 0;

    while (rank < most && w->values[rank] > 0.0 && (rank == 0 || kept < energy * all)) {
        kept += w->values[rank] * w->values[rank];
        rank++;
    }
    return rank;
}

/* Rows of basis (k, length), turned to singular vectors and scaled, into (rank, length). */
static void combine(const struct work *w, const float *basis, int64_t length,
                    int64_t index, double scale, float *out, int64_t stride)
{
    const double *by = w->turns + w->order[index] * w->k;
    int64_t i, l;

    for (l = 0; l < length; l++) {
        double sum = 0.0;

        for (i = 0; i < w->k; i++)
            sum += by[i] * basis[i * length + l];
        out[l * stride] = (float)(scale * sum);
    }
}

/* ---- all of it ------------------------------------------------------------------------------ */

static lfuse_status reserve(struct work *w, lfuse_error *err)
{
    const size_t k = (size_t)w->k;
    lfuse_status status =
        lfi_alloc(w->env, k * (size_t)w->rows, sizeof(float), "a residual", &w->u, err);

    if (status == LFUSE_OK)
        status = lfi_alloc(w->env, k * (size_t)w->columns, sizeof(float), "a residual",
                           &w->v, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(w->env, k * k, sizeof(double), "a residual", &w->gram, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(w->env, k * k, sizeof(double), "a residual", &w->turns, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(w->env, k, sizeof(double), "a residual", &w->values, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(w->env, k, sizeof(int64_t), "a residual", &w->order, err);
    return status;
}

static void release(struct work *w)
{
    const size_t k = (size_t)w->k;

    lfi_free(w->env, w->u, k * (size_t)w->rows, sizeof(float));
    lfi_free(w->env, w->v, k * (size_t)w->columns, sizeof(float));
    lfi_free(w->env, w->gram, k * k, sizeof(double));
    lfi_free(w->env, w->turns, k * k, sizeof(double));
    lfi_free(w->env, w->values, k, sizeof(double));
    lfi_free(w->env, w->order, k, sizeof(int64_t));
}

lfuse_status lfi_low_rank_fit(const struct lfi_env *env, const float *d, int64_t rows,
                              int64_t columns, int64_t most, double energy, float *a,
                              float *b, int64_t *rank, lfuse_error *err)
{
    const int64_t least = rows < columns ? rows : columns;
    struct work w = {.env = env,
                     .d = d,
                     .rows = rows,
                     .columns = columns,
                     .k = most + OVERSAMPLED < least ? most + OVERSAMPLED : least};
    lfuse_status status = reserve(&w, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = iterate(&w, err);
    if (status == LFUSE_OK) {
        decompose(&w);
        *rank = choose_rank(&w, most, energy);
        for (i = 0; i < *rank; i++) {
            const double root = sqrt(w.values[i]);

            combine(&w, w.u, rows, i, root, a + i, *rank);
            combine(&w, w.v, columns, i, 1.0 / root, b + i * columns, 1);
        }
    }
    release(&w);
    return status;
}
