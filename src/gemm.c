/* gemm.c - the shell of gemm.h */
#include "handles.h"

#include <string.h>

#include "kernels/kernels.h"

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

static lfuse_status check_fields(const lfuse_gemm_args *a, bool pointers,
                                 lfuse_error *err)
{
    const struct lfi_handles_field given[] = {{"a", a->a}, {"b", a->b}, {"c", a->c}};
    const uint32_t known = LFUSE_GEMM_TRANSPOSE_A | LFUSE_GEMM_TRANSPOSE_B;

    if ((a->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.flags has unknown bits: 0x%x",
                        (unsigned)a->flags);
    if (a->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "args.reserved is %d, not 0",
                        (int)a->reserved);
    return pointers ? lfi_handles_given(given, 3, err) : LFUSE_OK;
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

/* The engine's form of args, or what is wrong with them. */
static lfuse_status import(const lfuse_context *ctx, const lfuse_gemm_args *args,
                           bool pointers, struct lfi_gemm *gemm, lfuse_error *err)
{
    lfuse_gemm_args a = {0};
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);

    if (status == LFUSE_OK)
        status = check_fields(&a, pointers, err);
    if (status == LFUSE_OK)
        status = check_sizes(&a, err);
    *gemm = (struct lfi_gemm){
        .a = a.a,
        .b = a.b,
        .c = a.c,
        .workspace = a.workspace,
        .workspace_bytes = a.workspace_bytes,
        .m = a.m,
        .n = a.n,
        .k = a.k,
        .lda = a.lda,
        .ldb = a.ldb,
        .ldc = a.ldc,
        .alpha = a.alpha,
        .beta = a.beta,
        .transpose_a = (a.flags & LFUSE_GEMM_TRANSPOSE_A) != 0,
        .transpose_b = (a.flags & LFUSE_GEMM_TRANSPOSE_B) != 0,
    };
    return status;
}

lfuse_status lfuse_gemm(lfuse_context *ctx, const lfuse_gemm_args *args, lfuse_error *err)
{
    struct lfi_gemm gemm;
    lfuse_status status = import(ctx, args, true, &gemm, err);

    return status == LFUSE_OK ? lfi_gemm(&ctx->env, &gemm, err) : status;
}

lfuse_status lfuse_gemm_workspace(lfuse_context *ctx, const lfuse_gemm_args *args,
                                  size_t *bytes, lfuse_error *err)
{
    struct lfi_gemm gemm;
    lfuse_status status = import(ctx, args, false, &gemm, err);

    if (status == LFUSE_OK && bytes == NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "bytes is NULL");
    return status == LFUSE_OK ? lfi_gemm_workspace(&ctx->env, &gemm, bytes, err) : status;
}
