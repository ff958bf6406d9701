/* gemm.h - general matrix product */
#ifndef LAYERFUSE_GEMM_H
#define LAYERFUSE_GEMM_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_GEMM_TRANSPOSE_A = 1, /* a is stored (k, m) */
    LFUSE_GEMM_TRANSPOSE_B = 2  /* b is stored (n, k) */
};

/* Matrices are row-major; ld* are row lengths in elements, 0 meaning dense. */
typedef struct lfuse_gemm_args {
    size_t struct_size; /* set by lfuse_gemm_args_init(&a, sizeof(a)) */
    const float *a;     /* (m, k) */
    const float *b;     /* (k, n) */
    float *c;           /* (m, n) */
    int64_t m;
    int64_t n;
    int64_t k;
    int64_t lda;
    int64_t ldb;
    int64_t ldc;
    float alpha;      /* as it stands: lfuse_gemm_args_init() sets 1 */
    float beta;       /* 0: c is written without being read */
    uint32_t flags;   /* LFUSE_GEMM_* or 0 */
    int32_t reserved; /* 0 */
    void *workspace;  /* lfuse_gemm_workspace() bytes, aligned to 64; NULL: allocated */
    size_t workspace_bytes;
} lfuse_gemm_args;

/**
 * lfuse_gemm_args_init() - clears the bytes the caller has and sets alpha to 1
 *
 * Owner:   writes `size` bytes, the size itself into struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_gemm_args_init(lfuse_gemm_args *args, size_t size);

/**
 * lfuse_gemm() - c = alpha * op(a) * op(b) + beta * c
 *
 * By the BLAS that is linked, but for three kinds of product that BLAS is slow at, with alpha 1,
 * beta 0 or 1, and m * n * k of 2^20 or more: one row times a transposed b; up to 32 rows, at
 * least four times as many columns and k in [16, 1024]; up to 64 rows, up to 1024 columns
 * and k of 4096 or more.
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an unknown flag, or a workspace that is too
 *                                 small or not aligned
 *          LFUSE_ERR_SHAPE        a row length shorter than its row
 *          LFUSE_ERR_OVERFLOW     a size beyond what BLAS takes (2^31 - 1)
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure c is untouched.
 * Threads: the three kinds run over the context's threads, and their bits do not depend on how
 *          many there are. BLAS runs on the calling thread and on threads of its own, as its
 *          own settings say (OPENBLAS_NUM_THREADS); bits may change with them.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_gemm(lfuse_context *ctx, const lfuse_gemm_args *args,
                                  lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_gemm_workspace() - bytes that are enough for lfuse_gemm() with these args; 0 for BLAS's
 *
 * Pointers of args are not looked at; the answer depends on the context's threads.
 *
 * Errors:  as lfuse_gemm() for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_gemm_workspace(lfuse_context *ctx,
                                            const lfuse_gemm_args *args, size_t *bytes,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
