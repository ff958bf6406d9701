/* activation_avx2.c - activation_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/activation_vector.h"
