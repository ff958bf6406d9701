/* assignment_avx512.c - assignment_vector.h with vectors of 8 */
#define LFI_ISA avx512
#include "kernels/assignment_vector.h"
