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

/* ---- aligning -------------------------------------------------------------------------------- */

/* What is found out about a plan whose groups are decided. Orders are of classes. */
struct lfi_aligner {
    const struct lfi_env *env;
    const struct lfi_layer *const *layers;
    const struct lfi_plan *plan;
    const struct lfi_grouping *goal;
    bool keeps_one;
    struct lfi_binding binding;
    int64_t *group; /* (layers) of goal, where the plan changes it; else -1 */
    int64_t *class; /* (spaces) the first space that this one moves with */
    bool *fixed;    /* (spaces) of a class: cannot move */
    bool *placed;   /* (spaces) of a class: others may be put in its order */
    int64_t *first; /* (spaces + 1) where the order of a space is */
    int64_t *
        orders; /* those of spaces that begin a class: now at u is what was at order[u] */
    int64_t *trial;   /* (most units) */
    int64_t elements; /* of the largest weight */
    float *here;      /* (elements) */
    float *there;
    float *line;
    int64_t *maps; /* (elements + LFI_MAX_RANK) indices along the axes of a weight */
    int64_t *rest; /* (elements) */
};

/* Spaces become classes: al has its groups and binding. */
void lfi_aligner_classify(struct lfi_aligner *al);
/* The item that couples the same entries of another layer's parameter, or -1. */
int64_t lfi_aligner_find(const struct lfi_aligner *al, const struct lfi_coupled *like,
                         int64_t layer, int32_t parameter);
int64_t *lfi_aligner_order(const struct lfi_aligner *al, int64_t space);
/*
 * Rows [offset, offset + rows) along `axis` of a parameter, in the orders as they are by now:
 * (rows, the rest) in out, or added to it.
 */
struct lfi_part {
    int32_t axis;
    int64_t offset;
    int64_t rows;
};

void lfi_aligner_read(const struct lfi_aligner *al, int64_t layer, int32_t parameter,
                      const struct lfi_part *part, bool add, float *out);
/* What all weights that count units of a class are worth; class -1: of any. */
double lfi_aligner_worth(const struct lfi_aligner *al, int64_t class);
/* Takes a better order of a class, if there is one; at first any order, to have one. */
lfuse_status lfi_aligner_improve(const struct lfi_aligner *al, int64_t class,
                                 bool at_first, bool *better, lfuse_error *err);
/* The index of a layer's weight k among its parameters. */
int32_t lfi_aligner_weight(const struct lfi_aligner *al, int64_t layer, int32_t k);

/* plan->moves, for the groups of goal that are not in force by the plan's start. keeps_one: the kept
 * member stands for all of them, else their mean does. */
lfuse_status lfi_plan_align(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            const struct lfi_grouping *goal, bool keeps_one,
                            struct lfi_plan *plan, lfuse_error *err);

/* ---- moves: what an alignment comes to ------------------------------------------------------- */

/* For `capacity` of them, none yet. */
lfuse_status lfi_moves_create(const struct lfi_env *env, int64_t capacity,
                              struct lfi_moves *moves, lfuse_error *err);
/* Appends the order of a class, where it changes anything. */
lfuse_status lfi_moves_add(const struct lfi_env *env, const struct lfi_aligner *al,
                           int64_t class, struct lfi_moves *moves, lfuse_error *err);
/* Appends an empty one, which belongs to moves even on failure. */
lfuse_status lfi_move_create(const struct lfi_env *env, int64_t spaces, int64_t units,
                             int64_t members, struct lfi_moves *moves,
                             struct lfi_move **move, lfuse_error *err);

/* A move over layers. */
struct lfi_shift {
    int64_t units;
    int64_t *swaps;
    int64_t item_count;
    struct lfi_coupled *items;
};

/* Those of one plan that was applied. */
struct lfi_shifts {
    struct lfi_shifts *before; /* of the plan before */
    int64_t count;
    int64_t capacity;
    struct lfi_shift *items;
};

/* *shifts is NULL when there are no moves. LFUSE_ERR_NAME, _SHAPE or _STATE when the layers are not
 * those that the moves are of. Nothing has moved yet. */
lfuse_status lfi_shifts_create(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               const struct lfi_moves *moves, struct lfi_shifts **shifts,
                               lfuse_error *err);
/* Releases the latest. NULL does nothing. */
void lfi_shifts_pop(const struct lfi_env *env, struct lfi_shifts **shifts);
void lfi_shifts_run(struct lfi_layer *const *layers, const struct lfi_shifts *shifts,
                    bool back, lfi_reorders reorders, const void *arg);

#endif
