/* pool2d_avx2.c - pool2d_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/pool2d_vector.h"
