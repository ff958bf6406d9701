/*
 * kernels.h - numeric kernels: forward, backward and updates, on raw f32 pointers
 *
 * Drivers (lfi_conv2d_*, lfi_batch_norm_*, ...) cut work into tasks by shape, allocate scratch
 * per slot, and call the innermost loops through the table of the context's instruction set.
 * They trust their arguments: src/ has checked them. <op>_scalar.c is the definition of
 * right; <op>_avx2.c and <op>_avx512.c hold one table entry per kernel, and an entry that an
 * instruction set lacks is the one below it. No byte outside the operands is touched.
 *
 * Promised: the same bits for any number of threads; outputs untouched unless LFUSE_OK.
 */
#ifndef LFI_KERNELS_H
#define LFI_KERNELS_H

#include "base/base.h"

/* ---- the innermost loops --------------------------------------------------------------- */

/*
 * C[i][j] (+)= sum over taps t, steps k of A[i * a_row + k * a_step + a_tap[t]] *
 *                                         B[k * b_step + j + b_tap[t]]
 *
 * One GEMM micro-kernel for everything: a plain product has one tap; a convolution has one
 * per kernel row or kernel element, so that no im2col is ever written; a weight gradient has
 * one per image row. Offsets count elements. Rows of B and C are contiguous.
 */
struct lfi_gemm_tile {
    const float *a;
    const float *b;
    float *c;
    const int64_t *a_tap; /* (taps) */
    const int64_t *b_tap; /* (taps) */
    int64_t taps;
    int64_t steps; /* k runs over [0, steps) for every tap */
    int64_t rows;  /* of C */
    int64_t cols;  /* of C */
    int64_t a_row;
    int64_t a_step;
    int64_t b_step;
    int64_t c_row;
    bool accumulate; /* C is read and added to */
};

struct lfi_kernels {
    lfuse_isa isa;
    const char *name;
    /* gemm */
    void (*gemm_f32)(const struct lfi_gemm_tile *tile);
    /* elementwise, count elements, in place allowed */
    void (*relu_forward_f32)(const float *x, int64_t count, float *y);
    void (*relu_backward_f32)(const float *y, const float *dy, int64_t count, float *dx);
    void (*add_f32)(const float *a, const float *b, int64_t count, float *y);
    /* update, count elements */
    void (*sgd_f32)(float *value, const float *gradient, float *velocity, int64_t count,
                    float learning_rate, float momentum, float weight_decay,
                    bool nesterov);
};

extern const struct lfi_kernels lfi_kernels_scalar;
#if defined(LFI_X86)
extern const struct lfi_kernels lfi_kernels_avx2;
extern const struct lfi_kernels lfi_kernels_avx512;
#endif

/* The best table that the processor, the system and the ceiling allow; 0 means no ceiling.
 * NULL when the ceiling names a set that is not there. */
const struct lfi_kernels *lfi_kernels_select(lfuse_isa ceiling);

#endif
