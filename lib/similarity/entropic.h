/*
 * entropic.h - optimal transport with an entropy term, by Sinkhorn's iterations
 *
 *     OT_eps = min over pi of sum pi_ij C_ij + eps KL(pi | 1/(n m)), rows 1/n, columns 1/m
 *            = max over f, g of mean f + mean g - eps (mean exp((f_i + g_j - C_ij) / eps) - 1)
 *
 * Costs are given, and values returned, in units of eps. Safe for any: scalings leave their
 * range where eps is small, and then potentials are found in the logarithmic domain.
 */
#ifndef LFI_SIMILARITY_ENTROPIC_H
#define LFI_SIMILARITY_ENTROPIC_H

#include "similarity/parts.h"

struct lfi_entropic {
    int64_t rows;
    int64_t columns;
    double *cost;   /* (rows, columns): finite, in units of eps; it stays */
    double *kernel; /* (rows, columns), scratch from here on: exp(f_i + g_j - C_ij) */
    double *f;      /* (rows): potentials, in units of eps */
    double *g;      /* (columns) */
    double *u;      /* (rows): what has come to exp(f) since the kernel was made */
    double *v;
    double *next_u;
    double *next_v;
};

/* For any problem of at most as many rows and columns; rows and columns are set to these. */
void lfi_entropic_lay_out(struct lfi_entropic *e, int64_t rows, int64_t columns,
                          struct lfi_arena *arena);
/*
 * `iterations` at most, each of f, then of g. It ends early once the rows of pi are off by
 * no more than tolerance in all, sum |sum_j pi_ij - 1/n|; columns are not off. Negative: never.
 * The value of the maximum: below OT_eps, or it, but for rounding.
 */
double lfi_entropic_solve(struct lfi_entropic *e, int64_t iterations, double tolerance);

#endif
