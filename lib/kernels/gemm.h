/*
 * gemm.h - the products that BLAS is slow at; only gemm*.c include it
 *
 * A "panel" is LFI_GEMM_PANEL columns of B, packed so that each step's lie side by side: the
 * micro-kernel then walks through memory that is contiguous and in the first cache.
 */
#ifndef LFI_KERNELS_GEMM_H
#define LFI_KERNELS_GEMM_H

#include "kernels/kernels.h"
#include "kernels/scratch.h"

/* Columns, and the steps of the sum, that are packed at a time. */
enum { LFI_GEMM_PANEL = 32, LFI_GEMM_STEPS = 256 };

static inline int64_t lfi_gemm_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Steps [k, k + steps) of columns [j, j + cols), cols <= LFI_GEMM_PANEL, at most the panel's. */
void lfi_gemm_pack(const struct lfi_kernels *kernels, const struct lfi_gemm *g, int64_t k,
                   int64_t steps, int64_t j, int64_t cols, float *panel);

/*
 * How each kind of product runs. plan() adds up the scratch and says whether that fits; run() is
 * given it.
 */
struct lfi_gemm_way {
    bool (*plan)(const struct lfi_env *env, const struct lfi_gemm *g,
                 struct lfi_scratch *scratch);
    lfuse_status (*run)(const struct lfi_env *env, const struct lfi_gemm *g, char *memory,
                        lfuse_error *err);
};

extern const struct lfi_gemm_way lfi_gemm_wide; /* few rows, a short sum */
extern const struct lfi_gemm_way lfi_gemm_deep; /* few rows and columns, a long sum */
extern const struct lfi_gemm_way lfi_gemm_row;  /* one row, B transposed */

#endif
