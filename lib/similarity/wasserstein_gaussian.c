/*
 * wasserstein_gaussian.c - 2-Wasserstein distance of the blocks' Gaussians
 *
 *     W2(A, C)^2 = |ma - mc|^2 + tr Sa + tr Sc - 2 tr((Sa^1/2 Sc Sa^1/2)^1/2)
 *
 * O'Neill et al. 2021, eq. 5, with its root taken; m and S = X'X / n are mean and covariance
 * of the columns of a block. With X centred, the last trace is |Xa Xc'|_* / n, the nuclear norm
 * (nuclear.c): no root of a matrix is taken. Block by block (blocks.c), in f64 for every type.
 *
 * Each side of a block has a scale of its own (centred.c); here they share the smaller one. The
 * difference of traces leaves rounding of 2^-53 of them, so a distance is good to about 2^-26
 * of the deviations where it is as small as that; of equal blocks it is exactly 0.
 */
#include "similarity/similarity.h"

#include <math.h>

struct work {
    struct lfi_centred a;
    struct lfi_centred c;
    double *line; /* (columns) */
    double *xa;   /* (k, l): the shorter direction's vectors, k <= l */
    double *xc;
    struct lfi_nuclear nuclear;
};

static void lay_out(struct work *w, const struct lfi_block *largest,
                    struct lfi_arena *arena)
{
    int64_t rows = largest->rows, columns = largest->columns;

    lfi_centred_lay_out(&w->a, largest, arena);
    lfi_centred_lay_out(&w->c, largest, arena);
    w->line = lfi_arena_take(arena, 1, columns);
    w->xa = lfi_arena_take(arena, rows, columns);
    w->xc = lfi_arena_take(arena, rows, columns);
    lfi_nuclear_lay_out(&w->nuclear, rows < columns ? rows : columns, true, arena);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, &largest, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* Centred rows where they are no more than the columns, else centred columns. */
static void load(const struct lfi_centred *side, const struct lfi_block *b, double *line,
                 double *vectors)
{
    bool turn = b->rows > b->columns;
    int64_t i, j;

    for (i = 0; i < b->rows; i++) {
        lfi_centred_read(side, i, 0, b->columns, line);
        for (j = 0; j < b->columns; j++)
            vectors[turn ? j * b->rows + i : i * b->columns + j] = line[j];
    }
}

/* A quarter of a column's mean, which is in range for any data. */
static double quarter(const struct lfi_centred *side, int64_t j)
{
    return side->origin[j] * 0.25 / side->prescale +
           side->mean[j] * 0.25 / side->prescale;
}

/* |ma - mc|: origins first, so that a large common offset costs no digits. */
static double distance_of_means(const struct lfi_centred *a, const struct lfi_centred *c,
                                int64_t columns)
{
    double largest = 0.0, sum = 0.0, d;
    bool alike = a->prescale == c->prescale;
    int exponent = 0, pass;
    int64_t j;

    for (pass = 0; pass < 2; pass++) {
        for (j = 0; j < columns; j++) {
            d = alike ? ((a->origin[j] * 0.25 - c->origin[j] * 0.25) +
                         (a->mean[j] * 0.25 - c->mean[j] * 0.25)) /
                            a->prescale
                      : quarter(a, j) - quarter(c, j);
            if (pass == 0)
                largest = fabs(d) > largest ? fabs(d) : largest;
            else
                sum += ldexp(d, -exponent) * ldexp(d, -exponent);
        }
        (void)frexp(largest, &exponent);
    }
    return ldexp(sqrt(sum), exponent + 2);
}

/* Of fewer rows, what makes X'X / rows their covariance. */
static double to_rows(const struct lfi_centred *side, int64_t rows)
{
    return side->part.rows == rows ? 1.0 : sqrt((double)rows / (double)side->part.rows);
}

static lfuse_status measure(void *work, const struct lfi_block *b, double *value,
                            lfuse_error *err)
{
    struct work *w = work;
    bool turn = b->rows > b->columns;
    int64_t k = turn ? b->columns : b->rows, l = turn ? b->rows : b->columns;
    int a = lfi_centred_exponent(&w->a), c = lfi_centred_exponent(&w->c),
        common = a < c ? a : c;
    double aa, cc, ac = 0.0, spread = 0.0;

    (void)err;
    w->a.scale = ldexp(w->a.scale, common - a) * to_rows(&w->a, b->rows);
    w->c.scale = ldexp(w->c.scale, common - c) * to_rows(&w->c, b->rows);
    load(&w->a, b, w->line, w->xa);
    load(&w->c, b, w->line, w->xc);
    if (!lfi_vectors_equal(w->xa, w->xc, k * l)) {
        aa = lfi_vectors_dot(w->xa, w->xa, k * l);
        cc = lfi_vectors_dot(w->xc, w->xc, k * l);
        ac = turn ? lfi_nuclear_outer(&w->nuclear, w->xa, w->xc, k, l)
                  : lfi_nuclear_inner(&w->nuclear, w->xa, w->xc, k, l);
        spread = sqrt(fmax(0.0, aa + cc - 2.0 * ac) / (double)b->rows);
    }
    *value = hypot(distance_of_means(&w->a, &w->c, b->columns), ldexp(spread, -common));
    return LFUSE_OK;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block largest = lfi_block_largest(pair);
    struct lfi_arena arena = {.base = memory, .fits = true};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    struct work w;
    double mean = 0.0;

    (void)env;
    if (status != LFUSE_OK)
        return status;
    lay_out(&w, &largest, &arena);
    w.a.view = &pair->a;
    w.c.view = &pair->c;
    status = lfi_blocks_mean(pair, &w.a, &w.c, w.line, measure, &w, &mean, err);
    if (status != LFUSE_OK)
        return status;
    if (!isfinite(mean))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "wasserstein_gaussian: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = mean;
    return LFUSE_OK;
}

const struct lfi_metric lfi_metric_wasserstein_gaussian = {
    .metric = LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
    .name = "wasserstein_gaussian",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p block",
    .scratch = scratch,
    .compare = compare,
};
