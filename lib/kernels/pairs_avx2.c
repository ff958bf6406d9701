/* pairs_avx2.c - pairs_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/pairs_vector.h"
