/*
 * features.c - symmetric matrices as features
 *
 * Features are the lower triangle, row by row, what is off the diagonal times sqrt 2: their
 * products are those of the whole matrices, of half as many numbers.
 */
#include "similarity/parts.h"

#define SQRT_2 1.41421356237309504880

void lfi_features_put_row(struct lfi_features *features, int64_t *at, const double *row,
                          int64_t i, double scale)
{
    double *wide = (double *)features->values + *at, off = scale * SQRT_2;
    float *narrow = (float *)features->values + *at;
    int64_t j;

    if (features->wide) {
        for (j = 0; j < i; j++)
            wide[j] = row[j] * off;
        wide[i] = row[i] * scale;
    } else {
        for (j = 0; j < i; j++)
            narrow[j] = (float)(row[j] * off);
        narrow[i] = (float)(row[i] * scale);
    }
    *at += i + 1;
}

/* More memory than two weights take is worth it only where it is little. */
bool lfi_features_pay(const struct lfi_weight *weight, int64_t count)
{
    const int64_t few = 1 << 20;

    return count <= few || count / 2 <= lfi_view_elements(&weight->view);
}
