/*
 * gaussian.c - what the divergences of the blocks' Gaussians share
 *
 *     S = X'X / n + ridge tr(X'X / n) / d I        X (n, d): a block, its columns centred
 *
 * The ridge is there because rows are fewer than columns in most layers, and S is singular
 * then. In f64 for every type, each side at a scale of its own (centred.c).
 */
#include "similarity/parts.h"

#include <math.h>

/* A triangle is all that compare needs, too: from the start of the scratch on. */
static double *lay_out(struct lfi_moments *m, const struct lfi_block *b,
                       struct lfi_arena *arena)
{
    *m = (struct lfi_moments){.single = true};
    lfi_moments_lay_out(m, b, arena);
    return lfi_triangle_take(arena, b->columns);
}

void lfi_gaussian_lay_out(const struct lfi_block *b, struct lfi_arena *factor,
                          struct lfi_arena *scratch)
{
    struct lfi_moments m;

    (void)lfi_arena_take(factor, 1, sizeof(struct lfi_gaussian) / sizeof(double));
    (void)lfi_triangle_take(factor, b->columns);
    (void)lay_out(&m, b, scratch);
}

/* The lower triangle of a square matrix, divided by n, with its ridge. */
static void put(const struct lfi_moments *m, int64_t d, double n, double share, double *s)
{
    const double *row = m->aa;
    double trace = 0.0, *to = s;
    int64_t i, j;

    for (i = 0; i < d; row += m->products.order, to += ++i) {
        for (j = 0; j <= i; j++)
            to[j] = row[j] / n;
        trace += to[i];
    }
    for (to = s, i = 0; i < d; to += ++i)
        to[i] += share * trace / (double)d;
}

bool lfi_gaussian_extract(const struct lfi_factor_work *work,
                          const struct lfi_centred *side, const struct lfi_block *b,
                          struct lfi_gaussian *g, double **triangle)
{
    const struct lfi_similarity_params *params = work->params;
    struct lfi_arena arena = {.base = work->scratch, .fits = true};
    struct lfi_moments m;

    *triangle = lay_out(&m, b, &arena);
    m.a = *side;
    m.products.kernels = work->kernels;
    m.products.wide = true;
    lfi_moments_multiply(&m, b);
    put(&m, b->columns, (double)side->part.rows, fmax(0.0, params->ridge), g->s);
    g->exponent = lfi_centred_exponent(side);
    /* Without a ridge n centred rows span n - 1 directions: d of them need n > d. */
    return params->ridge > 0.0 || side->part.rows > b->columns;
}
