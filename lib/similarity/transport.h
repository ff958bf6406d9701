/*
 * transport.h - the cheapest way to move whole masses
 *
 *     min sum flow_ij cost_ij,  flow >= 0,  sum_j flow_ij = supply_i, sum_i flow_ij = demand_j
 *
 * Exact, for few places: successive shortest paths, each O((rows + columns)^2), at least as
 * many as there are places. Costs are finite and >= 0; supplies and demands have equal sums.
 */
#ifndef LFI_SIMILARITY_TRANSPORT_H
#define LFI_SIMILARITY_TRANSPORT_H

#include "similarity/parts.h"

struct lfi_transport {
    int64_t rows;
    int64_t columns;
    double *cost;      /* (rows, columns) */
    int64_t *supply;   /* (rows): left to be moved; 0 in the end */
    int64_t *demand;   /* (columns) */
    int64_t *flow;     /* (rows, columns): what comes out; scratch from here on */
    double *potential; /* (rows + columns): rows, then columns, as those that follow */
    double *distance;
    int64_t *from; /* the place before, or -1 */
    int64_t *done; /* 0 or 1 */
};

/* For at most as many rows and columns, which are set to these. */
void lfi_transport_lay_out(struct lfi_transport *t, int64_t rows, int64_t columns,
                           struct lfi_arena *arena);
void lfi_transport_solve(struct lfi_transport *t);

#endif
