/* softmax_avx512.c - softmax_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/softmax_vector.h"
