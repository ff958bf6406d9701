/* attention_avx2.c - attention_vector.h with vectors of 8 */
#define LFI_ISA avx2
#include "kernels/attention_vector.h"
