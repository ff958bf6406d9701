/* softmax_avx2.c - softmax_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/softmax_vector.h"
