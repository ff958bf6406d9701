/* layer_norm_avx2.c - layer_norm_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/layer_norm_vector.h"
