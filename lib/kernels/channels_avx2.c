/* channels_avx2.c - channels_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/channels_vector.h"
