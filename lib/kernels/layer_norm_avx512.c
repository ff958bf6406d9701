/* layer_norm_avx512.c - layer_norm_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/layer_norm_vector.h"
