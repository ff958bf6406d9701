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
 * lfuse_gemm() - c = alpha * op(a) * op(b) + beta * c, by the BLAS that is linked
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, or an unknown flag
 *          LFUSE_ERR_SHAPE        a row length shorter than its row
 *          LFUSE_ERR_OVERFLOW     a size beyond what BLAS takes (2^31 - 1)
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure c is untouched.
 * Threads: BLAS runs on the calling thread and on threads of its own, as its own settings say
 *          (OPENBLAS_NUM_THREADS); the context's are not used, and bits may change with them.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_gemm(lfuse_context *ctx, const lfuse_gemm_args *args,
                                  lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
