/* channels_avx512.c - channels_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/channels_vector.h"
