/* pairs_scalar.c - sums over pairs of vectors as they are defined */
#include "kernels/entries.h"

void lfi_pairs_f32__scalar(const struct lfi_pairs_tile *tile)
{
    int64_t i, j, k, first, end;

    for (i = 0; i < tile->rows; i++)
        for (j = 0; j < tile->cols; j++) {
            const float *a = tile->a[i], *b = tile->b[j];

            for (first = 0; first < tile->count; first = end) {
                float sum = 0.0f;

                end = tile->count - first < LFI_PAIRS_CHAIN ? tile->count
                                                            : first + LFI_PAIRS_CHAIN;
                for (k = first; k < end; k++)
                    sum +=
                        tile->differences ? (a[k] - b[k]) * (a[k] - b[k]) : a[k] * b[k];
                tile->sums[i * tile->sums_row + j] += (double)sum;
            }
        }
}
