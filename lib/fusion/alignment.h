/*
 * alignment.h - in which order the units of hidden spaces are most alike what they fuse with
 *
 * match      likeness of units of one side to those of another, and the best one-to-one
 * classes    spaces that have to move alike, because weights in force tie them
 * alignment  moves: an order of the units of some spaces, and what it moves
 *
 * Promised: a move keeps the network's function; no alignment is worse than none.
 */
#ifndef LFI_FUSION_ALIGNMENT_H
#define LFI_FUSION_ALIGNMENT_H

#include "fusion/couplings.h"
#include "similarity/assignment.h"

/* ---- matching ------------------------------------------------------------------------------ */

/* score (units, order): what it is worth that unit v of the one side stands at place u. */
struct lfi_match {
    int64_t units;
    struct lfi_products products;
    double *score;
    float *here; /* panels: of places */
    float *there;
    struct lfi_assignment assignment;
    void *memory;
    size_t bytes;
};

lfuse_status lfi_match_create(const struct lfi_env *env, int64_t units,
                              struct lfi_match *match, lfuse_error *err);
void lfi_match_destroy(const struct lfi_env *env, struct lfi_match *match);
void lfi_match_clear(struct lfi_match *match);
/* Adds weight times the inner products of rows; both are (units, count), dense. */
void lfi_match_add(struct lfi_match *match, const float *here, const float *there,
                   int64_t count, double weight);
/* order[u]: the unit at place u in the best of all one-to-one ways; of LFUSE_ERR_NOT_FINITE
 * where a score is not. */
lfuse_status lfi_match_solve(const struct lfi_env *env, struct lfi_match *match,
                             int64_t *order, lfuse_error *err);

/* For two spaces of equal members: likeness (units, units), or NULL: of the weights. */
lfuse_status lfi_couplings_match(const struct lfi_env *env,
                                 const struct lfi_couplings *couplings,
                                 const struct lfi_layer *const *layers, int64_t count,
                                 int64_t a, int64_t b, const double *likeness,
                                 int64_t *order, lfuse_error *err);

#endif
