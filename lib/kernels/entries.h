/* entries.h - every table entry of every instruction set; only the tables include it */
#ifndef LFI_KERNELS_ENTRIES_H
#define LFI_KERNELS_ENTRIES_H

#include "kernels/kernels.h"

#define LFI_GEMM_ENTRIES(ISA) void lfi_gemm_f32__##ISA(const struct lfi_gemm_tile *tile);

#define LFI_CHANNEL_ENTRIES(ISA)                                                   \
    void lfi_channel_products_f32__##ISA(const struct lfi_channel_tile *tile);     \
    void lfi_channel_sums_f32__##ISA(const struct lfi_channel_tile *tile);         \
    void lfi_channel_planes_f32__##ISA(const float *x, int64_t groups, int64_t in, \
                                       int64_t out, float *y, int64_t plane);

#define LFI_TRANSPOSE_ENTRIES(ISA)                                            \
    void lfi_transpose_f32__##ISA(const float *x, int64_t rows, int64_t cols, \
                                  int64_t x_row, float *y, int64_t y_row);

#define LFI_ELEMENTWISE_ENTRIES(ISA)                                                  \
    void lfi_relu_forward_f32__##ISA(const float *x, int64_t count, float *y);        \
    void lfi_relu_backward_f32__##ISA(const float *y, const float *dy, int64_t count, \
                                      float *dx);                                     \
    void lfi_add_f32__##ISA(const float *a, const float *b, int64_t count, float *y); \
    void lfi_add_to_f64__##ISA(const float *x, int64_t count, double *y);             \
    void lfi_bf16_to_f32__##ISA(const uint16_t *x, int64_t count, float *y);

#define LFI_ACTIVATION_ENTRIES(ISA)                                         \
    void lfi_activation_f32__##ISA(const struct lfi_activation_tile *tile); \
    void lfi_activation_gradient_f32__##ISA(const struct lfi_activation_tile *tile);

#define LFI_DROPOUT_ENTRIES(ISA)                                                  \
    void lfi_dropout_f32__##ISA(const struct lfi_dropout *dropout, int64_t first, \
                                const float *x, int64_t count, float *y);

#define LFI_SOFTMAX_ENTRIES(ISA)                                              \
    struct lfi_row_loss lfi_softmax_f32__##ISA(const float *x, int64_t count, \
                                               int64_t label, double share, float *dx);

#define LFI_UPDATE_ENTRIES(ISA)                                                     \
    void lfi_sgd_f32__##ISA(const struct lfi_sgd *sgd, float *value,                \
                            const float *gradient, float *velocity, int64_t count); \
    void lfi_adamw_f32__##ISA(const struct lfi_adamw *adamw, float *value,          \
                              const float *gradient, float *first, float *second,   \
                              int64_t count);                                       \
    double lfi_sum_squares_f32__##ISA(const float *x, int64_t count);

#define LFI_BATCH_NORM_ENTRIES(ISA)                                                 \
    void lfi_batch_norm_moments_f32__##ISA(const struct lfi_batch_norm_tile *tile); \
    void lfi_batch_norm_apply_f32__##ISA(const struct lfi_batch_norm_tile *tile);   \
    void lfi_batch_norm_gradient_sums_f32__##ISA(                                   \
        const struct lfi_batch_norm_tile *tile);                                    \
    void lfi_batch_norm_gradient_f32__##ISA(const struct lfi_batch_norm_tile *tile);

#define LFI_LAYER_NORM_ENTRIES(ISA)                                         \
    void lfi_layer_norm_f32__##ISA(const struct lfi_layer_norm_tile *tile); \
    void lfi_layer_norm_gradient_f32__##ISA(const struct lfi_layer_norm_tile *tile);

#define LFI_ATTENTION_ENTRIES(ISA)                                                  \
    void lfi_attention_softmax_f32__##ISA(const struct lfi_attention_tile *tile);   \
    void lfi_attention_gradient_f32__##ISA(const struct lfi_attention_tile *tile);  \
    void lfi_row_products_f32__##ISA(const float *a, int64_t a_row, const float *b, \
                                     int64_t b_row, int64_t rows, int64_t cols,     \
                                     float *out);

#define LFI_WINOGRAD_ENTRIES(ISA)                                            \
    void lfi_winograd_f32__##ISA(const struct lfi_winograd_tile *tile);      \
    void lfi_winograd_half_f32__##ISA(const struct lfi_winograd_tile *tile); \
    void lfi_winograd_line_f32__##ISA(const struct lfi_winograd_line *line);

#define LFI_POOL2D_ENTRIES(ISA)                                                  \
    void lfi_pool_average_f32__##ISA(const struct lfi_pool_tile *tile);          \
    void lfi_pool_max_f32__##ISA(const struct lfi_pool_tile *tile);              \
    void lfi_pool_average_gradient_f32__##ISA(const struct lfi_pool_tile *tile); \
    void lfi_pool_max_gradient_f32__##ISA(const struct lfi_pool_tile *tile);

#define LFI_ASSIGNMENT_ENTRIES(ISA)                                                      \
    struct lfi_two_least lfi_two_least_f64__##ISA(const struct lfi_assignment_row *row); \
    int64_t lfi_shorten_paths_f64__##ISA(const struct lfi_assignment_row *row);
#define LFI_PAIRS_ENTRIES(ISA) \
    void lfi_pairs_f32__##ISA(const struct lfi_pairs_tile *tile);

LFI_GEMM_ENTRIES(scalar)
LFI_PAIRS_ENTRIES(scalar)
LFI_CHANNEL_ENTRIES(scalar)
LFI_TRANSPOSE_ENTRIES(scalar)
LFI_ELEMENTWISE_ENTRIES(scalar)
LFI_UPDATE_ENTRIES(scalar)
LFI_ATTENTION_ENTRIES(scalar)
LFI_BATCH_NORM_ENTRIES(scalar)
LFI_LAYER_NORM_ENTRIES(scalar)
LFI_ACTIVATION_ENTRIES(scalar)
LFI_DROPOUT_ENTRIES(scalar)
LFI_SOFTMAX_ENTRIES(scalar)
LFI_POOL2D_ENTRIES(scalar)
LFI_WINOGRAD_ENTRIES(scalar)
LFI_ASSIGNMENT_ENTRIES(scalar)

#if defined(LFI_X86)
LFI_GEMM_ENTRIES(avx2)
LFI_GEMM_ENTRIES(avx512)
LFI_CHANNEL_ENTRIES(avx2)
LFI_CHANNEL_ENTRIES(avx512)
LFI_TRANSPOSE_ENTRIES(avx2)
LFI_TRANSPOSE_ENTRIES(avx512)
LFI_ELEMENTWISE_ENTRIES(avx2)
LFI_ELEMENTWISE_ENTRIES(avx512)
LFI_UPDATE_ENTRIES(avx2)
LFI_ATTENTION_ENTRIES(avx2)
LFI_BATCH_NORM_ENTRIES(avx2)
LFI_LAYER_NORM_ENTRIES(avx2)
LFI_ACTIVATION_ENTRIES(avx2)
LFI_DROPOUT_ENTRIES(avx2)
LFI_SOFTMAX_ENTRIES(avx2)
LFI_POOL2D_ENTRIES(avx2)
LFI_WINOGRAD_ENTRIES(avx2)
LFI_ASSIGNMENT_ENTRIES(avx2)
LFI_PAIRS_ENTRIES(avx2)
LFI_PAIRS_ENTRIES(avx512)
LFI_UPDATE_ENTRIES(avx512)
LFI_ATTENTION_ENTRIES(avx512)
LFI_BATCH_NORM_ENTRIES(avx512)
LFI_LAYER_NORM_ENTRIES(avx512)
LFI_ACTIVATION_ENTRIES(avx512)
LFI_DROPOUT_ENTRIES(avx512)
LFI_SOFTMAX_ENTRIES(avx512)
LFI_POOL2D_ENTRIES(avx512)
LFI_WINOGRAD_ENTRIES(avx512)
LFI_ASSIGNMENT_ENTRIES(avx512)
#endif

#endif
