/* residual.h - what a plan takes from a weight, as a product of two small matrices */
#ifndef LFI_FUSION_RESIDUAL_H
#define LFI_FUSION_RESIDUAL_H

#include "fusion/fusion.h"

/*
 * a (out, rank), b (rank, in), f32: the nearest product to weight `parameter` of the layer minus what
 * it will share. At most `rank`, >= 1, and the least that keeps `energy`. Arrays of zeros where there
 * is no difference, and on failure.
 */
lfuse_status lfi_residual_fit(const struct lfi_env *env,
                              const struct lfi_preview *preview, int64_t layer,
                              int32_t parameter, int64_t rank, double energy,
                              struct lfi_array *a, struct lfi_array *b, lfuse_error *err);

#endif
