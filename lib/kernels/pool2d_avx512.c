/* pool2d_avx512.c - pool2d_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/pool2d_vector.h"
