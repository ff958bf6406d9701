/* entries.h - every table entry of every instruction set; only the tables include it */
#ifndef LFI_KERNELS_ENTRIES_H
#define LFI_KERNELS_ENTRIES_H

#include "kernels/kernels.h"

#define LFI_GEMM_ENTRIES(ISA) void lfi_gemm_f32__##ISA(const struct lfi_gemm_tile *tile);

#define LFI_ELEMENTWISE_ENTRIES(ISA)                                                  \
    void lfi_relu_forward_f32__##ISA(const float *x, int64_t count, float *y);        \
    void lfi_relu_backward_f32__##ISA(const float *y, const float *dy, int64_t count, \
                                      float *dx);                                     \
    void lfi_add_f32__##ISA(const float *a, const float *b, int64_t count, float *y);

#define LFI_UPDATE_ENTRIES(ISA)                                                   \
    void lfi_sgd_f32__##ISA(float *value, const float *gradient, float *velocity, \
                            int64_t count, float learning_rate, float momentum,   \
                            float weight_decay, bool nesterov);

LFI_GEMM_ENTRIES(scalar)
LFI_ELEMENTWISE_ENTRIES(scalar)
LFI_UPDATE_ENTRIES(scalar)

#if defined(LFI_X86)
LFI_GEMM_ENTRIES(avx2)
LFI_GEMM_ENTRIES(avx512)
LFI_ELEMENTWISE_ENTRIES(avx2)
LFI_ELEMENTWISE_ENTRIES(avx512)
LFI_UPDATE_ENTRIES(avx2)
LFI_UPDATE_ENTRIES(avx512)
#endif

#endif
