/* elementwise_avx512.c - elementwise_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/elementwise_vector.h"
