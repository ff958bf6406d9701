/* elementwise_avx2.c - elementwise_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/elementwise_vector.h"
