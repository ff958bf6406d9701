/*
 * product.h - products of large matrices over the threads; only the layers' files include it
 *
 *     c = a b + row, or c += a b + row
 */
#ifndef LFI_KERNELS_PRODUCT_H
#define LFI_KERNELS_PRODUCT_H

#include "kernels/kernels.h"
#include "kernels/scratch.h"

struct lfi_product {
    const float *a;   /* (i, k) at i * a_row + k * a_step, one of which is 1 */
    const float *b;   /* (k, j) at k * b_step + j * b_col, one of which is 1 */
    const float *row; /* (n), added to each row of c; or NULL */
    float *c;         /* (m, n), dense */
    int64_t m;
    int64_t n;
    int64_t k;
    int64_t a_row;
    int64_t a_step;
    int64_t b_step;
    int64_t b_col;
    bool accumulate;
};

/* Adds up the scratch, at most 16 MiB, and says whether it fits; run() is given it. */
bool lfi_product_plan(const struct lfi_product *product, struct lfi_scratch *scratch);
lfuse_status lfi_product_run(const struct lfi_env *env, const struct lfi_product *product,
                             char *memory, lfuse_error *err);

#endif
