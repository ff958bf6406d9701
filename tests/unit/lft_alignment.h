/*
 * lft_alignment.h - blocks of two layers and a norm, whose hidden units can be permuted
 *
 * "a.up" (UNITS, WIDTH) with a bias, "a.norm" (UNITS) with a statistic, "a.down" (WIDTH, UNITS).
 */
#ifndef LFT_ALIGNMENT_H
#define LFT_ALIGNMENT_H

#include "lft_couplings.h"

enum { LFT_UNITS = 6, LFT_WIDTH = 4, LFT_BLOCKS = 3 };

extern const char *const lft_align_prefixes[LFT_BLOCKS];

/* To the last layer: its state is half its value, its gradient twice. */
void lft_align_parameter(struct lft *t, const char *name, lfuse_role role,
                         lfuse_tensor *value);
void lft_align_layer(struct lft *t, const char *prefix, const char *type);
/* One block at the end; layers of block i are 3 i on. */
void lft_align_block(struct lft *t, const char *prefix, uint64_t seed);
/* One space for each of the first blocks. */
lfuse_couplings *lft_align_couplings(struct lft *t, int blocks);
lfuse_couplings *lft_align_blocks(struct lft *t, int blocks);
/* Of the parameter k of a layer. */
float *lft_align_values(struct lft *t, int layer, int k);
/* What block i makes of an input, in f64. */
void lft_align_compute(struct lft *t, int i, double *y);
/* The same, to rounding. */
void lft_align_check(struct lft *t, int i, const double *expected);
/* Everything of block `to` becomes that of block `from`. */
void lft_align_copy(struct lft *t, int from, int to);
lfuse_plan_options lft_align_options(const lfuse_couplings *c, int64_t top_k);
void lft_align_tie(struct lft *t, lfuse_ties *ties, lfuse_plan_options o);

#endif
