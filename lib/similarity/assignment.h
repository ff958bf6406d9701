/*
 * assignment.h - the cheapest way to give each row a column of its own
 *
 *     min over one-to-one pi of sum_i cost[i][pi(i)]          rows <= columns, dense, f64
 *
 * Exact: but for rounding, rows * 2^-51 of the largest cost for each row, no other way is
 * cheaper. Costs are finite, of any sign, below 2^1000, with any number of ties; the greatest
 * sum of scores is the cheapest of their negatives. The same on every instruction set. Knows
 * no metric; allocates nothing.
 */
#ifndef LFI_SIMILARITY_ASSIGNMENT_H
#define LFI_SIMILARITY_ASSIGNMENT_H

#include "kernels/kernels.h"

struct lfi_arena;

struct lfi_assignment {
    int64_t rows;
    int64_t columns;
    int64_t pitch; /* from row to row of cost, a multiple of LFI_ASSIGNMENT_STEP */
    double *cost;  /* (rows, pitch): the caller's up to columns; beyond is the solver's */
    int64_t *column; /* (rows): what comes out */
    int64_t *row;    /* (pitch): scratch from here on; of a column, or -1 */
    double *price;   /* (pitch): duals of the columns */
    double *open;    /* (pitch): prices, -INFINITY for columns that a search has passed */
    double *distance;
    int64_t *from;
    int64_t *passed; /* (pitch): columns, in the order of their distances */
    double *reached; /* (pitch): these distances */
    int64_t *free_rows;
    int64_t *free_columns; /* (pitch) */
};

void lfi_assignment_lay_out(struct lfi_assignment *a, int64_t rows, int64_t columns,
                            struct lfi_arena *arena);
void lfi_assignment_solve(const struct lfi_kernels *kernels, struct lfi_assignment *a);

#endif
