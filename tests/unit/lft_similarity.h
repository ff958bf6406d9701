/*
 * lft_similarity.h - what the tests of the metrics share: values in f64, matrices made from
 * others, and the checks that hold for every metric
 */
#ifndef LFT_SIMILARITY_H
#define LFT_SIMILARITY_H

#include "lft.h"

lfuse_similarity_options lft_metric_options(lfuse_metric metric, int64_t block);
/* The value, which the call must give. */
double lft_metric(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                  lfuse_metric metric, int64_t block);
double lft_metric_with(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                       const lfuse_similarity_options *options);
/* The call fails so, and does not touch its output. */
void lft_metric_fails(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *b,
                      const lfuse_similarity_options *options, lfuse_status status,
                      const char *text);

double lft_get(const lfuse_tensor *tensor, int64_t index);
void lft_set(lfuse_tensor *tensor, int64_t index, double value);
lfuse_tensor *lft_matrix(struct lft *t, lfuse_dtype dtype, const double *values, int rows,
                         int columns);
/* scale * x + shift in every element. */
lfuse_tensor *lft_affine(struct lft *t, const lfuse_tensor *x, double scale,
                         double shift);
/* x + share * y. */
lfuse_tensor *lft_sum(struct lft *t, const lfuse_tensor *x, double share,
                      const lfuse_tensor *y);
/* x in another order: rows, or columns, turned by `by` places. */
lfuse_tensor *lft_permuted(struct lft *t, const lfuse_tensor *x, int rows_by,
                           int columns_by);
/* x Q, with Q a product of plane rotations by angles of this seed, and a reflection. */
lfuse_tensor *lft_rotated(struct lft *t, const lfuse_tensor *x, uint64_t seed);

/* Destroys all tensors so far, for tests that draw many. */
void lft_forget_tensors(struct lft *t);

struct lft_metric_facts {
    lfuse_metric metric;
    const char *name;
    int is_distance;
    int is_symmetric;
    int degree;         /* values scale by this power of a common scale: 0, 1 or 2 */
    const char *zero_a; /* what the message says where a is all zero */
    const char *zero_b;
};

/*
 * What holds for every metric: its name and direction; equal inputs give exactly 0, or 1
 * within 1e-12, in every type and shape; strides, ranks and ends of the range change nothing;
 * NaN, infinity and all-zero data are named; a matrix has the same bits for 1, 2 and 3
 * threads, its failing layer is named; every allocation refused; the floating point control is
 * left alone.
 */
void lft_metric_contract(struct lft *t, const struct lft_metric_facts *facts);
/* The same where a value of f32 data may be off by `narrow` of that of f64. */
void lft_metric_contract_within(struct lft *t, const struct lft_metric_facts *facts,
                                double narrow);

#endif
