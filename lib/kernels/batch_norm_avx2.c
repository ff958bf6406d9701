/* batch_norm_avx2.c - batch_norm_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/batch_norm_vector.h"
