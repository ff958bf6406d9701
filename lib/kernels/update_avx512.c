/* update_avx512.c - update_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/update_vector.h"
