/*
 * sinkhorn.c - the Sinkhorn divergence of the rows
 *
 *     S(A, C) = OT(A, C) - (OT(A, A) + OT(C, C)) / 2
 *     OT(A, C) = min over pi of sum pi_ij C_ij + eps KL(pi | 1/(n m)),  C_ij = |a_i - c_j|^2
 *
 * Feydy et al. 2019, "Interpolating between optimal transport and MMD using Sinkhorn
 * divergences", eq. 1 and 3: the entropy is relative to the product of the masses, and part of
 * the value.
 * pi has rows of 1/n and columns of 1/m. eps is the same in all three, regularisation times
 * the mean of the C_ij of A and C. S is about a square of a distance, and is not rooted.
 *
 * What is found is that of the dual after the last iteration, of f, then g, which ends once
 * the rows of pi are off by TOLERANCE in all. S is a difference: below about 2^-40 of the mean
 * of the C_ij, for narrow data 2^-20 (distances.c), it is rounding, and never below 0.
 */
#include "similarity/entropic.h"
#include "similarity/rows.h"

#include <math.h>

#define TOLERANCE 1e-9
/* Beyond these nothing changes but rounding, which in the end would be all there is. */
#define LEAST_REGULARISATION 1e-200
#define MOST_REGULARISATION  1e6

struct work {
    struct lfi_rows a;
    struct lfi_rows c;
    struct lfi_distances distances;
    struct lfi_entropic entropic;
};

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static void lay_out(struct work *w, const struct lfi_comparison *pair,
                    struct lfi_arena *arena)
{
    int64_t most = larger(pair->a.dims[0], pair->c.dims[0]);

    lfi_rows_lay_out(&w->a, &pair->a, arena);
    lfi_rows_lay_out(&w->c, &pair->c, arena);
    lfi_distances_lay_out(&w->distances, most, most, w->a.columns, arena);
    lfi_entropic_lay_out(&w->entropic, most, most, arena);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, pair, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* OT of the rows of x and y; *eps 0: it becomes a share of the mean cost first. */
static double transport(struct work *w, const struct lfi_rows *x,
                        const struct lfi_rows *y,
                        const struct lfi_similarity_params *params, double *eps)
{
    struct lfi_entropic *e = &w->entropic;
    int64_t count = x->rows * y->rows, i;
    double share =
        fmin(fmax(params->regularisation, LEAST_REGULARISATION), MOST_REGULARISATION);
    double sum = 0.0;

    e->rows = x->rows;
    e->columns = y->rows;
    lfi_distances_square(&w->distances, x, y, e->cost, e->columns);
    if (*eps == 0.0) {
        for (i = 0; i < count; i++)
            sum += e->cost[i];
        *eps = share * (sum / (double)count);
    }
    if (*eps == 0.0) /* all rows of both are one point */
        return 0.0;
    for (i = 0; i < count; i++)
        e->cost[i] /= *eps;
    return *eps * lfi_entropic_solve(e, params->iterations, TOLERANCE);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_arena arena = {.base = memory, .fits = true};
    double eps = 0.0, divergence = 0.0;
    struct work w;
    int exponent;
    lfuse_status status;

    lay_out(&w, pair, &arena);
    status = lfi_rows_prepare(&w.a, &w.c, pair, w.distances.lines, &exponent, err);
    if (status != LFUSE_OK)
        return status;
    w.distances.kernels = env->kernels;
    w.distances.wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    if (!lfi_rows_equal(&w.a, &w.c, w.distances.lines)) {
        divergence = transport(&w, &w.a, &w.c, &pair->params, &eps);
        divergence -= 0.5 * transport(&w, &w.a, &w.a, &pair->params, &eps);
        divergence -= 0.5 * transport(&w, &w.c, &w.c, &pair->params, &eps);
        divergence = ldexp(fmax(0.0, divergence), 2 * exponent);
    }
    if (!isfinite(divergence))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "sinkhorn: the divergence of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = divergence;
    return LFUSE_OK;
}

const struct lfi_metric lfi_metric_sinkhorn = {
    .metric = LFUSE_METRIC_SINKHORN,
    .name = "sinkhorn",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n^2 p + n^2 iterations",
    .scratch = scratch,
    .compare = compare,
};
