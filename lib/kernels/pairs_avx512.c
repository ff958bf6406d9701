/* pairs_avx512.c - pairs_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/pairs_vector.h"
