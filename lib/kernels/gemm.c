/*
 * gemm.c - c = alpha op(a) op(b) + beta c: by BLAS, or by the micro-kernel where BLAS is slow
 *
 * OpenBLAS cuts C into large blocks, and packs both operands for them. Three kinds of product
 * have no such blocks, and networks are full of them; here they are done over the context's
 * threads, cut by shape, so that their bits do not depend on the threads:
 *
 *     wide  few rows, many columns, a short sum: a convolution's im2col times its weights. B is
 *           read once, so the time is that of reading it as much as that of multiplying.
 *     deep  few rows and columns, a long sum: weight gradients, Gram matrices. Only the sum can
 *           be shared out; OpenBLAS shares out C.
 *     row   one row times the transpose of a matrix: a linear layer of one input. Bound by
 *           reading the matrix.
 *
 * The bounds below were drawn between the shapes of bench/ that gain and those that do not: with
 * 64 rows a wide product is no faster than OpenBLAS's, a deep one still is. A sum of less than
 * 16 steps has nothing to gain, and products of less than 2^20 multiplications are over before
 * a second thread has woken up.
 */
#include "kernels/gemm.h"

#include <cblas.h>
#include <string.h>

enum {
    MOST_WIDE_ROWS = 32,
    MOST_DEEP_ROWS = 64,
    LEAST_STEPS = 16,    /* wide */
    MOST_STEPS = 1024,   /* wide */
    LEAST_WIDTH = 4,     /* wide: columns per row */
    MOST_COLUMNS = 1024, /* deep */
    LEAST_DEPTH = 4096,  /* deep */
    LEAST_PRODUCTS = 1 << 20
};

static bool is_large(const struct lfi_gemm *g)
{
    return g->m * g->n >= (LEAST_PRODUCTS - 1) / g->k + 1;
}

/* NULL: BLAS. */
static const struct lfi_gemm_way *choose(const struct lfi_gemm *g)
{
    if (g->alpha != 1.0f || !(g->beta == 0.0f || g->beta == 1.0f) || !is_large(g))
        return NULL;
    if (g->m == 1)
        return g->transpose_b && (!g->transpose_a || g->lda == 1) ? &lfi_gemm_row : NULL;
    if (g->k >= LEAST_DEPTH)
        return g->m <= MOST_DEEP_ROWS && g->n <= MOST_COLUMNS ? &lfi_gemm_deep : NULL;
    return g->m <= MOST_WIDE_ROWS && g->k >= LEAST_STEPS && g->k <= MOST_STEPS &&
                   g->n >= LEAST_WIDTH * g->m
               ? &lfi_gemm_wide
               : NULL;
}

void lfi_gemm_pack(const struct lfi_kernels *kernels, const struct lfi_gemm *g, int64_t k,
                   int64_t steps, int64_t j, int64_t cols, float *panel)
{
    int64_t i;

    if (g->transpose_b) {
        kernels->transpose_f32(g->b + j * g->ldb + k, cols, steps, g->ldb, panel,
                               LFI_GEMM_PANEL);
        return;
    }
    for (i = 0; i < steps; i++) {
        const float *from = g->b + (k + i) * g->ldb + j;

        if (cols == LFI_GEMM_PANEL) /* a constant size is copied inline */
            memcpy(panel, from, LFI_GEMM_PANEL * sizeof(float));
        else
            memcpy(panel, from, (size_t)cols * sizeof(float));
        panel += LFI_GEMM_PANEL;
    }
}

static void run_blas(const struct lfi_gemm *g)
{
    cblas_sgemm(CblasRowMajor, g->transpose_a ? CblasTrans : CblasNoTrans,
                g->transpose_b ? CblasTrans : CblasNoTrans, (blasint)g->m, (blasint)g->n,
                (blasint)g->k, g->alpha, g->a, (blasint)g->lda, g->b, (blasint)g->ldb,
                g->beta, g->c, (blasint)g->ldc);
}

lfuse_status lfi_gemm_workspace(const struct lfi_env *env, const struct lfi_gemm *g,
                                size_t *bytes, lfuse_error *err)
{
    const struct lfi_gemm_way *way = choose(g);
    struct lfi_scratch scratch = {0};

    if (way != NULL && !way->plan(env, g, &scratch))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    *bytes = scratch.bytes;
    return LFUSE_OK;
}

lfuse_status lfi_gemm(const struct lfi_env *env, const struct lfi_gemm *g,
                      lfuse_error *err)
{
    const struct lfi_gemm_way *way = choose(g);
    struct lfi_scratch scratch = {0};
    lfuse_status status;

    if (way == NULL) {
        run_blas(g);
        return LFUSE_OK;
    }
    if (!way->plan(env, g, &scratch))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    status = lfi_scratch_begin(env, &scratch, g->workspace, g->workspace_bytes, err);
    if (status != LFUSE_OK)
        return status;
    status = way->run(env, g, scratch.memory, err);
    lfi_scratch_end(env, &scratch);
    return status;
}
