/* winograd_avx512.c - winograd_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/winograd_vector.h"
#include "kernels/winograd_line_vector.h"
