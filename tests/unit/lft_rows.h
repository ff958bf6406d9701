/*
 * lft_rows.h - layers whose rows can be joined, and plans of the unit row
 */
#ifndef LFT_ROWS_H
#define LFT_ROWS_H

#include "lft_plan.h"
#include "lft_ties.h"

/* A layer of param type "A" with a weight (rows, 2): its rows are [x, 1], their gradients [10 x, 3]
 * and velocities [x / 2, 5]. */
void lft_rows_at(struct lft *t, const char *name, int32_t position, const float *x,
                 int64_t rows);
/*
 * Rows of l0: 0, 10, 30; l1: 1, 20, 60; l2: 20.5, 100, 102. Most alike are l1's 1 and l2's 0 (0.5
 * apart), l0's 0 and l1's 0 (1), l2's 1 and 2 (2); of the first pair l2 is kept, of the second l0.
 */
void lft_rows_three(struct lft *t);
lfuse_plan_options lft_rows_best(int64_t k);
/* Fusions of a plan over ties (or NULL), put in force. */
void lft_rows_tie(struct lft *t, lfuse_ties *ties, lfuse_plan_options options);
float *lft_row(struct lft *t, int layer, int row);
float *lft_row_gradient(struct lft *t, int layer, int row);
float *lft_row_velocity(struct lft *t, int layer, int row);
/* Every fusion as it is expected: weight 0. */
void lft_rows_check(struct lft *t, const lfuse_plan *plan, int64_t index, int64_t a,
                    int64_t row_a, int64_t b, int64_t row_b, double score);

#endif
