/*
 * wasserstein_assignment.c - the distance after the best matching of the rows
 *
 *     d(A, C) = (1/n min_pi sum_i |a_i - c_pi(i)|^p)^(1/p)         O'Neill et al. 2021, eq. 4
 *
 * over the one-to-one pi of the rows of A into those of C, with the mean where eq. 4 prints
 * the sum, so that d does not grow with n: the p-Wasserstein distance of the rows as two
 * clouds of equal weights. Where the row counts differ, each row of the smaller has one of the
 * larger, and n is the smaller. Not centred, of the whole matrix.
 *
 * The matching is of squared distances that may be off by what distances.c says; the value is
 * that of its pairs, from their differences, in f64 for every type.
 */
#include "similarity/assignment.h"
#include "similarity/rows.h"

#include <math.h>

struct work {
    struct lfi_rows side[2]; /* side[0] has no more rows */
    bool turned;             /* side[0] is c */
    struct lfi_distances distances;
    struct lfi_assignment assignment;
    double *chosen; /* (rows of side[0]): distances */
};

static void lay_out(struct work *w, const struct lfi_comparison *pair,
                    struct lfi_arena *arena)
{
    w->turned = pair->a.dims[0] > pair->c.dims[0];
    lfi_rows_lay_out(&w->side[0], w->turned ? &pair->c : &pair->a, arena);
    lfi_rows_lay_out(&w->side[1], w->turned ? &pair->a : &pair->c, arena);
    lfi_assignment_lay_out(&w->assignment, w->side[0].rows, w->side[1].rows, arena);
    lfi_distances_lay_out(&w->distances, w->side[0].rows, w->side[1].rows,
                          w->side[0].columns, arena);
    w->chosen = lfi_arena_take(arena, 1, w->side[0].rows);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, pair, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* |.|^p of squares, at a scale where the largest is 1. */
static void raise(const struct lfi_assignment *s, double p)
{
    double most = 0.0;
    int64_t i, j;

    for (i = 0; i < s->rows; i++)
        for (j = 0; j < s->columns; j++)
            most = fmax(most, s->cost[i * s->pitch + j]);
    for (i = 0; i < s->rows && most > 0.0; i++)
        for (j = 0; j < s->columns; j++)
            s->cost[i * s->pitch + j] = pow(s->cost[i * s->pitch + j] / most, p / 2.0);
}

static double match(const struct lfi_env *env, struct work *w, double p)
{
    struct lfi_assignment *s = &w->assignment;
    int64_t i;

    lfi_distances_square(&w->distances, &w->side[0], &w->side[1], s->cost, s->pitch);
    if (p != 2.0)
        raise(s, p);
    lfi_assignment_solve(env->kernels, s);
    for (i = 0; i < s->rows; i++)
        w->chosen[i] = sqrt(
            lfi_distances_one(&w->distances, &w->side[0], i, &w->side[1], s->column[i]));
    return lfi_power_mean(w->chosen, NULL, s->rows, p);
}

static lfuse_status measure(const struct lfi_env *env, const struct lfi_comparison *pair,
                            struct work *w, double *out, lfuse_error *err)
{
    struct lfi_rows *a = &w->side[w->turned], *c = &w->side[!w->turned];
    double distance = 0.0;
    int exponent;
    int64_t i;
    lfuse_status status =
        lfi_rows_prepare(a, c, pair, w->distances.lines, &exponent, err);

    if (status != LFUSE_OK)
        return status;
    w->distances.kernels = env->kernels;
    w->distances.wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    if (lfi_rows_equal(a, c, w->distances.lines))
        for (i = 0; i < a->rows; i++)
            w->assignment.column[i] = i;
    else
        distance = ldexp(match(env, w, pair->params.exponent), exponent);
    if (!isfinite(distance))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "wasserstein_assignment: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = distance;
    return LFUSE_OK;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct work w;

    lay_out(&w, pair, &arena);
    return measure(env, pair, &w, out, err);
}

/* Which row of c each row of a has; -1: none. */
static void tell(const struct work *w, int64_t *row_of)
{
    int64_t n = w->side[w->turned].rows, i;

    for (i = 0; i < n; i++)
        row_of[i] = w->turned ? -1 : w->assignment.column[i];
    for (i = 0; i < w->assignment.rows && w->turned; i++)
        row_of[w->assignment.column[i]] = i;
}

lfuse_status lfi_similarity_assignment(const struct lfi_env *env,
                                       const struct lfi_comparison *pair, int64_t *row_of,
                                       double *out, lfuse_error *err)
{
    struct lfi_comparison small = *pair;
    struct lfi_arena arena = {.fits = true};
    struct work w;
    lfuse_status status;
    size_t copies, bytes;
    void *memory;

    if (!lfi_sizes_scratch(pair, &copies, &bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "the scratch of wasserstein_assignment does not fit");
    status = lfi_alloc(env, bytes, 1, "scratch of a comparison", &memory, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_sizes_reduce(&small, memory, err);
    if (status == LFUSE_OK) {
        arena.base = (double *)(void *)((char *)memory + copies);
        lay_out(&w, &small, &arena);
        status = measure(env, &small, &w, out, err);
    }
    if (status == LFUSE_OK)
        tell(&w, row_of);
    lfi_free(env, memory, bytes, 1);
    return status;
}

const struct lfi_metric lfi_metric_wasserstein_assignment = {
    .metric = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT,
    .name = "wasserstein_assignment",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n^2 p + n^3",
    .scratch = scratch,
    .compare = compare,
};
