/*
 * lft_plan.h - layers of known distances, and plans over all layers of t
 */
#ifndef LFT_PLAN_H
#define LFT_PLAN_H

#include "lft.h"

/* A layer whose weight is [x, 0]: euclidean distances are differences of x. */
lfuse_layer *lft_plan_at(struct lft *t, const char *name, const char *type,
                         int32_t position, float x);
void lft_plan_add(struct lft *t, lfuse_layer *layer, const char *name, lfuse_role role,
                  int32_t output_axis, lfuse_tensor *value);
/* A layer without parameters. */
lfuse_layer *lft_plan_bare(struct lft *t, const char *name, const char *type);
lfuse_plan_options lft_plan_ratio(double r);
lfuse_plan_options lft_plan_best(int64_t k);
/* Of all layers of t. */
lfuse_status lft_plan_try(struct lft *t, const lfuse_plan_options *options,
                          lfuse_plan **plan);
lfuse_plan *lft_plan_build(struct lft *t, lfuse_plan_options options);
void lft_plan_fails(struct lft *t, lfuse_plan_options options, lfuse_status expected,
                    const char *text);
lfuse_fusion lft_plan_fusion(struct lft *t, const lfuse_plan *plan, int64_t index);
void lft_plan_check(struct lft *t, const lfuse_plan *plan, int64_t index, int64_t a,
                    int64_t b, int64_t kept, double score);
lfuse_account lft_plan_account(struct lft *t, const lfuse_plan *plan);
/* x = 0, 10, 11, 20, 23 at positions 0 .. 4; the middle is 2. */
void lft_plan_five(struct lft *t);

#endif
