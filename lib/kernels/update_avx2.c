/* update_avx2.c - update_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/update_vector.h"
