/* assignment_avx2.c - assignment_vector.h with vectors of 4 */
#define LFI_ISA avx2
#include "kernels/assignment_vector.h"
