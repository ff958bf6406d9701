/* directions.h - random directions, and numbers in order */
#ifndef LFI_SIMILARITY_DIRECTIONS_H
#define LFI_SIMILARITY_DIRECTIONS_H

#include "base/base.h"

/*
 * n independent normal numbers, of mean 0 and variance 1 within 2^-20 of them, cut at 5.8: as a
 * vector their direction is uniform. A stream has the same first numbers for any n.
 */
void lfi_normals(uint64_t seed, uint64_t stream, int64_t n, float *out);

/* Ascending; spare is (2, n), n >= 1. */
void lfi_sort_f32(float *x, int64_t n, uint32_t *spare);
void lfi_sort_f64(double *x, int64_t n, uint64_t *spare);

#endif
