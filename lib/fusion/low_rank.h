/* low_rank.h - the product of two small matrices that is nearest to a large one */
#ifndef LFI_FUSION_LOW_RANK_H
#define LFI_FUSION_LOW_RANK_H

#include "base/base.h"

/*
 * Of d (rows, columns), finite and not all zero: d is near a b with a (rows, rank) = U sqrt(s) and
 * b (rank, columns) = sqrt(s) V', dense, in room for `most` of both. rank is the least that keeps
 * `energy` of |d|^2, and at most `most`, which is in [1, the lesser side].
 */
lfuse_status lfi_low_rank_fit(const struct lfi_env *env, const float *d, int64_t rows,
                              int64_t columns, int64_t most, double energy, float *a,
                              float *b, int64_t *rank, lfuse_error *err);

#endif
