/* attention_avx512.c - attention_vector.h with vectors of 16 */
#define LFI_ISA avx512
#include "kernels/attention_vector.h"
