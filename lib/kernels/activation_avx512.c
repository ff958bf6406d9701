/* activation_avx512.c - activation_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/activation_vector.h"
