/* dropout_avx512.c - dropout_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/dropout_vector.h"
