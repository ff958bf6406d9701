/* gemm.c - the shell of gemm.h: the linked BLAS does the work */
#include "handles.h"

#include <cblas.h>
#include <string.h>

void lfuse_gemm_args_init(lfuse_gemm_args *args, size_t size)
{
    const float one = 1.0f;

    lfi_options_init(args, size);
    if (args != NULL && size >= offsetof(lfuse_gemm_args, alpha) + sizeof(one))
        memcpy(&args->alpha, &one, sizeof(one));
}

static lfuse_status check_size(const char *what, int64_t size, lfuse_error *err)
{
    if (size < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld", what,
                        (long long)size);
    if (size > INT32_MAX)
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "args.%s is %lld, BLAS takes %d", what,
                        (long long)size, (int)INT32_MAX);
    return LFUSE_OK;
}

/* A row length: the dense one for 0. */
static lfuse_status check_length(const char *what, int64_t row, int64_t *length,
                                 lfuse_error *err)
{
    if (*length == 0)
        *length = row;
    if (*length > INT32_MAX)
        return check_size(what, *length, err);
    if (*length < row)
        return lfi_fail(err, LFUSE_ERR_SHAPE, "args.%s is %lld, a row is %lld", what,
                        (long long)*length, (long long)row);
    return LFUSE_OK;
}

static lfuse_status check_fields(const lfuse_gemm_args *a, lfuse_error *err)
{
    const struct lfi_handles_field given[] = {{"a", a->a}, {"b", a->b}, {"c", a->c}};
    const uint32_t known = LFUSE_GEMM_TRANSPOSE_A | LFUSE_GEMM_TRANSPOSE_B;

    if ((a->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    return lfi_handles_given(given, 3, err);
}

static lfuse_status check_sizes(lfuse_gemm_args *a, lfuse_error *err)
{
    lfuse_status status = check_size("m", a->m, err);

    if (status == LFUSE_OK)
        status = check_size("n", a->n, err);
    if (status == LFUSE_OK)
        status = check_size("k", a->k, err);
    if (status == LFUSE_OK)
        status = check_length("lda", (a->flags & LFUSE_GEMM_TRANSPOSE_A) ? a->m : a->k,
                              &a->lda, err);
    if (status == LFUSE_OK)
        status = check_length("ldb", (a->flags & LFUSE_GEMM_TRANSPOSE_B) ? a->k : a->n,
                              &a->ldb, err);
    if (status == LFUSE_OK)
        status = check_length("ldc", a->n, &a->ldc, err);
    return status;
}

lfuse_status lfuse_gemm(lfuse_context *ctx, const lfuse_gemm_args *args, lfuse_error *err)
{
    lfuse_gemm_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_fields(&a, err);
    if (status == LFUSE_OK)
        status = check_sizes(&a, err);
    if (status != LFUSE_OK)
        return status;
    cblas_sgemm(CblasRowMajor,
                (a.flags & LFUSE_GEMM_TRANSPOSE_A) ? CblasTrans : CblasNoTrans,
                (a.flags & LFUSE_GEMM_TRANSPOSE_B) ? CblasTrans : CblasNoTrans,
                (blasint)a.m, (blasint)a.n, (blasint)a.k, a.alpha, a.a, (blasint)a.lda,
                a.b, (blasint)a.ldb, a.beta, a.c, (blasint)a.ldc);
    return LFUSE_OK;
}
