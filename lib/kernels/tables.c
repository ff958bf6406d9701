/* tables.c - one table of kernels per instruction set, and which of them a machine may run */
#include "kernels/entries.h"

#if defined(LFI_X86)
#include <cpuid.h>
#endif

#define LFI_GEMM(ISA)  .gemm_f32 = lfi_gemm_f32__##ISA
#define LFI_PAIRS(ISA) .pairs_f32 = lfi_pairs_f32__##ISA
#define LFI_CHANNELS(ISA)                                    \
    .channel_products_f32 = lfi_channel_products_f32__##ISA, \
    .channel_sums_f32 = lfi_channel_sums_f32__##ISA,         \
    .channel_planes_f32 = lfi_channel_planes_f32__##ISA
#define LFI_TRANSPOSE(ISA) .transpose_f32 = lfi_transpose_f32__##ISA
#define LFI_ELEMENTWISE(ISA)                                                          \
    .relu_forward_f32 = lfi_relu_forward_f32__##ISA,                                  \
    .relu_backward_f32 = lfi_relu_backward_f32__##ISA, .add_f32 = lfi_add_f32__##ISA, \
    .add_to_f64 = lfi_add_to_f64__##ISA, .bf16_to_f32 = lfi_bf16_to_f32__##ISA
#define LFI_UPDATE(ISA)                                               \
    .sgd_f32 = lfi_sgd_f32__##ISA, .adamw_f32 = lfi_adamw_f32__##ISA, \
    .sum_squares_f32 = lfi_sum_squares_f32__##ISA
#define LFI_BATCH_NORM(ISA)                                                  \
    .batch_norm_moments_f32 = lfi_batch_norm_moments_f32__##ISA,             \
    .batch_norm_apply_f32 = lfi_batch_norm_apply_f32__##ISA,                 \
    .batch_norm_gradient_sums_f32 = lfi_batch_norm_gradient_sums_f32__##ISA, \
    .batch_norm_gradient_f32 = lfi_batch_norm_gradient_f32__##ISA
#define LFI_LAYER_NORM(ISA)                      \
    .layer_norm_f32 = lfi_layer_norm_f32__##ISA, \
    .layer_norm_gradient_f32 = lfi_layer_norm_gradient_f32__##ISA
#define LFI_ACTIVATION(ISA)                      \
    .activation_f32 = lfi_activation_f32__##ISA, \
    .activation_gradient_f32 = lfi_activation_gradient_f32__##ISA
#define LFI_DROPOUT(ISA) .dropout_f32 = lfi_dropout_f32__##ISA
#define LFI_SOFTMAX(ISA) .softmax_f32 = lfi_softmax_f32__##ISA
#define LFI_ATTENTION(ISA)                                       \
    .attention_softmax_f32 = lfi_attention_softmax_f32__##ISA,   \
    .attention_gradient_f32 = lfi_attention_gradient_f32__##ISA, \
    .row_products_f32 = lfi_row_products_f32__##ISA
#define LFI_POOL2D(ISA)                                                \
    .pool_average_f32 = lfi_pool_average_f32__##ISA,                   \
    .pool_max_f32 = lfi_pool_max_f32__##ISA,                           \
    .pool_average_gradient_f32 = lfi_pool_average_gradient_f32__##ISA, \
    .pool_max_gradient_f32 = lfi_pool_max_gradient_f32__##ISA
#define LFI_WINOGRAD(ISA)                              \
    .winograd_f32 = lfi_winograd_f32__##ISA,           \
    .winograd_half_f32 = lfi_winograd_half_f32__##ISA, \
    .winograd_line_f32 = lfi_winograd_line_f32__##ISA
#define LFI_ASSIGNMENT(ISA)                    \
    .two_least_f64 = lfi_two_least_f64__##ISA, \
    .shorten_paths_f64 = lfi_shorten_paths_f64__##ISA

const struct lfi_kernels lfi_kernels_scalar = {
    .isa = LFUSE_ISA_SCALAR,
    .name = "scalar",
    LFI_GEMM(scalar),
    LFI_PAIRS(scalar),
    LFI_CHANNELS(scalar),
    LFI_TRANSPOSE(scalar),
    LFI_ELEMENTWISE(scalar),
    LFI_UPDATE(scalar),
    LFI_ATTENTION(scalar),
    LFI_BATCH_NORM(scalar),
    LFI_LAYER_NORM(scalar),
    LFI_ACTIVATION(scalar),
    LFI_DROPOUT(scalar),
    LFI_SOFTMAX(scalar),
    LFI_POOL2D(scalar),
    LFI_WINOGRAD(scalar),
    LFI_ASSIGNMENT(scalar),
};

#if defined(LFI_X86)

const struct lfi_kernels lfi_kernels_avx2 = {
    .isa = LFUSE_ISA_AVX2,
    .name = "avx2",
    LFI_GEMM(avx2),
    LFI_PAIRS(avx2),
    LFI_CHANNELS(avx2),
    LFI_TRANSPOSE(avx2),
    LFI_ELEMENTWISE(avx2),
    LFI_UPDATE(avx2),
    LFI_ATTENTION(avx2),
    LFI_BATCH_NORM(avx2),
    LFI_LAYER_NORM(avx2),
    LFI_ACTIVATION(avx2),
    LFI_DROPOUT(avx2),
    LFI_SOFTMAX(avx2),
    LFI_POOL2D(avx2),
    LFI_WINOGRAD(avx2),
    LFI_ASSIGNMENT(avx2),
};
const struct lfi_kernels lfi_kernels_avx512 = {
    .isa = LFUSE_ISA_AVX512,
    .name = "avx512",
    LFI_GEMM(avx512),
    LFI_PAIRS(avx512),
    LFI_CHANNELS(avx512),
    LFI_TRANSPOSE(avx512),
    LFI_ELEMENTWISE(avx512),
    LFI_UPDATE(avx512),
    LFI_ATTENTION(avx512),
    LFI_BATCH_NORM(avx512),
    LFI_LAYER_NORM(avx512),
    LFI_ACTIVATION(avx512),
    LFI_DROPOUT(avx512),
    LFI_SOFTMAX(avx512),
    LFI_POOL2D(avx512),
    LFI_WINOGRAD(avx512),
    LFI_ASSIGNMENT(avx512),
};

/* XCR0: which registers the system saves. */
static uint64_t enabled_state(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

static lfuse_isa detect(void)
{
    const unsigned fma = 1u << 12, osxsave = 1u << 27;
    const unsigned avx2 = 1u << 5, avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const uint64_t ymm = 0x6, zmm = 0xe6;
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (fma | osxsave)) != (fma | osxsave))
        return LFUSE_ISA_SCALAR;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & avx2) == 0 ||
        (enabled_state() & ymm) != ymm)
        return LFUSE_ISA_SCALAR;
    if ((b & avx512) != avx512 || (enabled_state() & zmm) != zmm) /* F, DQ, BW, VL */
        return LFUSE_ISA_AVX2;
    return LFUSE_ISA_AVX512;
}

static const struct lfi_kernels *table_of(lfuse_isa isa)
{
    switch (isa) {
    case LFUSE_ISA_AVX512: return &lfi_kernels_avx512;
    case LFUSE_ISA_AVX2: return &lfi_kernels_avx2;
    default: return &lfi_kernels_scalar;
    }
}

#else

static lfuse_isa detect(void)
{
    return LFUSE_ISA_SCALAR;
}

static const struct lfi_kernels *table_of(lfuse_isa isa)
{
    (void)isa;
    return &lfi_kernels_scalar;
}

#endif

const struct lfi_kernels *lfi_kernels_select(lfuse_isa ceiling)
{
    lfuse_isa best = detect();

    if (ceiling > best)
        return NULL;
    return table_of(ceiling == LFUSE_ISA_BEST ? best : ceiling);
}
