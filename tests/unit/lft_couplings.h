/*
 * lft_couplings.h - layers to couple, and couplings over all layers of t
 */
#ifndef LFT_COUPLINGS_H
#define LFT_COUPLINGS_H

#include "lft_plan.h"
#include "lft_ties.h"

/* A layer with a weight of random values, and, unless bias is NULL, one bias. */
lfuse_tensor *lft_linear(struct lft *t, const char *name, int64_t rows, int64_t columns,
                         int32_t output_axis, lfuse_tensor **bias);
/* All layers of t. */
const lfuse_layer *const *lft_all(const struct lft *t);
lfuse_couplings *lft_couple(struct lft *t);
lfuse_coupling lft_coupling(const char *layer, const char *parameter, int32_t axis);
/* To the last space. */
void lft_couple_member(struct lft *t, lfuse_couplings *c, lfuse_coupling m);
lfuse_couplings *lft_preset(struct lft *t, const char *name, int64_t heads);
void lft_permute(struct lft *t, const lfuse_couplings *c, int64_t space,
                 const int64_t *order);
int64_t lft_units(struct lft *t, const lfuse_couplings *c, int64_t space);

#endif
