/*
 * procrustes.c - the distance that is left after the best rotation
 *
 *     d(A, C) = min |A Q - C|_F = sqrt(|A|_F^2 + |C|_F^2 - 2 |A'C|_*)      Q orthogonal
 *
 * Schoenemann 1966; |.|_* is the nuclear norm (nuclear.c). Not centred, of the whole matrix, in
 * f64 for every type. The difference of squares leaves rounding of 2^-53 |A|_F^2, so a
 * distance is good to about 2^-26 |A|_F only where it is as small as that; where A is C it is
 * exactly 0. Both are read at one scale, a power of two, so that squares stay in range.
 */
#include "similarity/similarity.h"

#include <math.h>

struct work {
    double *a; /* (k, l): the shorter direction's vectors, k <= l */
    double *c;
    struct lfi_nuclear nuclear;
    double *line; /* (columns) */
};

static void lay_out(struct work *w, const struct lfi_block *whole,
                    struct lfi_arena *arena)
{
    int64_t rows = whole->rows, columns = whole->columns;

    w->a = lfi_arena_take(arena, rows, columns);
    w->c = lfi_arena_take(arena, rows, columns);
    lfi_nuclear_lay_out(&w->nuclear, rows < columns ? rows : columns, rows < columns,
                        arena);
    w->line = lfi_arena_take(arena, 1, columns);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, &whole, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* Rows of x where they are fewer, else its columns, as rows of `vectors`; the largest. */
static double load(const struct lfi_view *view, const struct lfi_block *whole,
                   double *line, double *vectors)
{
    int64_t columns = lfi_block_whole(view).columns, i, j;
    bool turn = whole->rows >= whole->columns;
    double largest = 0.0;

    for (i = 0; i < whole->rows; i++) {
        lfi_view_read_f64(view, i * columns, columns, line);
        for (j = columns; j < whole->columns; j++)
            line[j] = 0.0;
        for (j = 0; j < whole->columns; j++) {
            vectors[turn ? j * whole->rows + i : i * whole->columns + j] = line[j];
            largest = fabs(line[j]) > largest ? fabs(line[j]) : largest;
        }
    }
    return largest;
}

/* exponent is that of the larger of the two. */
static double residual(struct work *w, int64_t rows, int64_t columns, int exponent)
{
    int64_t k = rows < columns ? rows : columns, l = rows < columns ? columns : rows, i;
    double aa, cc, ac;

    for (i = 0; i < rows * columns; i++) {
        w->a[i] = ldexp(w->a[i], -exponent);
        w->c[i] = ldexp(w->c[i], -exponent);
    }
    if (lfi_vectors_equal(w->a, w->c, k * l))
        return 0.0;
    aa = lfi_vectors_dot(w->a, w->a, k * l);
    cc = lfi_vectors_dot(w->c, w->c, k * l);
    ac = rows < columns ? lfi_nuclear_outer(&w->nuclear, w->a, w->c, k, l)
                        : lfi_nuclear_inner(&w->nuclear, w->a, w->c, k, l);
    return ldexp(sqrt(fmax(0.0, aa + cc - 2.0 * ac)), exponent);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.base = memory, .fits = true};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    struct work w;
    double a, c, distance;
    int exponent;

    (void)env;
    if (status != LFUSE_OK)
        return status;
    lay_out(&w, &whole, &arena);
    a = load(&pair->a, &whole, w.line, w.a);
    c = load(&pair->c, &whole, w.line, w.c);
    if (a == 0.0 || c == 0.0)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "procrustes: %s (%lld, %lld) is all zero",
                        a == 0.0 ? pair->a_name : pair->c_name, (long long)whole.rows,
                        (long long)whole.columns);
    (void)frexp(fmax(a, c), &exponent);
    distance = residual(&w, whole.rows, whole.columns, exponent);
    if (!isfinite(distance))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "procrustes: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = distance;
    return LFUSE_OK;
}

const struct lfi_metric lfi_metric_procrustes = {
    .metric = LFUSE_METRIC_PROCRUSTES,
    .name = "procrustes",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_rows = true,
    .cost = "n p min(n, p) + min(n, p)^3",
    .scratch = scratch,
    .compare = compare,
};
