/* batch_norm_avx512.c - batch_norm_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/batch_norm_vector.h"
