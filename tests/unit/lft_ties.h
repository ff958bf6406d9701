/*
 * lft_ties.h - layers that can be tied, their parts by index, and everything to compare
 *
 * Layers are those of t, in the order they were made.
 */
#ifndef LFT_TIES_H
#define LFT_TIES_H

#include "lft.h"

float *lft_floats(const lfuse_tensor *tensor);
lfuse_tensor *lft_pair(struct lft *t, float first, float second);
lfuse_parameter lft_parameter(struct lft *t, int layer, int index);
float *lft_weight(struct lft *t, int layer);
float *lft_gradient(struct lft *t, int layer);
float *lft_velocity(struct lft *t, int layer);
/* weight [x, 1], gradient [10 x, 3], velocity [x / 2, 5], all owned. */
void lft_at(struct lft *t, const char *name, int32_t position, float x);
/* x = 0, 1, 4, 6: (l0, l1) are most alike, then (l2, l3), then (l1, l2); the middle is 1.5, so
 * that l0 and l3 are kept. */
void lft_four(struct lft *t);
void lft_add(struct lft *t, int layer, const char *name, lfuse_role role,
             lfuse_tensor *value, lfuse_tensor *grad);
lfuse_ties_options lft_ties_defaults(void);
lfuse_ties_options lft_ties_keeping(void);
lfuse_ties *lft_ties_of(struct lft *t, lfuse_ties_options options);
lfuse_plan *lft_plan_with(struct lft *t, const lfuse_ties *ties, int64_t top_k,
                          lfuse_policy policy, lfuse_freeze_gradient freeze);
void lft_tie_with(struct lft *t, lfuse_ties *ties, int64_t top_k, lfuse_policy policy,
                  lfuse_freeze_gradient freeze);
void lft_tie(struct lft *t, lfuse_ties *ties, int64_t top_k);
void lft_mix(struct lft *t, lfuse_ties *ties, int64_t top_k);
void lft_show(struct lft *t, lfuse_ties *ties, lfuse_show show, int64_t step);
lfuse_account lft_account(struct lft *t, const lfuse_ties *ties);
lfuse_retrainer_options lft_retrainer_options(const lfuse_plan_options *plan,
                                              int32_t fusions, int32_t interval);
/* Bytes and addresses of all tensors, owners, live bytes. */
struct lft_snapshot {
    int count;
    void *data[256];
    void *bytes[256];
    size_t size[256];
    int64_t owner[128];
    int64_t live;
    size_t resident;
};

void lft_take(struct lft *t, const lfuse_ties *ties, struct lft_snapshot *s);
void lft_check_bytes(struct lft *t, const struct lft_snapshot *s);
void lft_check_unchanged(struct lft *t, const lfuse_ties *ties,
                         const struct lft_snapshot *s);
void lft_drop(struct lft_snapshot *s);

#endif
