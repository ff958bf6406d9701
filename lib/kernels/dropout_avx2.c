/* dropout_avx2.c - dropout_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/dropout_vector.h"
