/* winograd_avx2.c - winograd_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/winograd_vector.h"
#include "kernels/winograd_line_vector.h"
