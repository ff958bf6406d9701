/* test_gemm.c - the product of BLAS behind arguments that are checked */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { M = 5, N = 7, K = 9, GAP = 2 };

static void fill(float *data, int64_t count, uint64_t seed)
{
    int64_t i;

    for (i = 0; i < count; i++)
        data[i] = (float)lft_value(seed, i);
}

/* Products, sums, alpha, beta: k + 3 roundings at most, in any order of the sum. */
static void check(const lfuse_gemm_args *g, int64_t lda, int64_t ldb, int64_t ldc,
                  const float *old)
{
    const bool ta = (g->flags & LFUSE_GEMM_TRANSPOSE_A) != 0;
    const bool tb = (g->flags & LFUSE_GEMM_TRANSPOSE_B) != 0;
    int64_t i, j, k;

    for (i = 0; i < g->m; i++)
        for (j = 0; j < g->n; j++) {
            double sum = 0.0, size = 0.0, expected;

            for (k = 0; k < g->k; k++) {
                double term = (double)g->a[ta ? k * lda + i : i * lda + k] *
                              (double)g->b[tb ? j * ldb + k : k * ldb + j];

                sum += term;
                size += fabs(term);
            }
            expected =
                (double)g->alpha * sum + (double)g->beta * (double)old[i * ldc + j];
            size = fabs((double)g->alpha) * size +
                   fabs((double)g->beta * (double)old[i * ldc + j]);
            assert_true(fabs((double)g->c[i * ldc + j] - expected) <=
                        (double)(g->k + 3) * FLT_EPSILON * size);
        }
}

static void all_transpositions_and_row_lengths_multiply(void **state)
{
    struct lft *t = *state;
    float a[(K + GAP) * (K + GAP)], b[(K + GAP) * (K + GAP)], c[M * (N + GAP)];
    float old[M * (N + GAP)];
    uint32_t flags, gap;

    fill(a, (int64_t)(sizeof(a) / sizeof(a[0])), 1);
    fill(b, (int64_t)(sizeof(b) / sizeof(b[0])), 2);
    fill(old, (int64_t)(sizeof(old) / sizeof(old[0])), 3);
    for (flags = 0; flags < 4; flags++)
        for (gap = 0; gap < 2; gap++) {
            const int64_t lda = ((flags & 1) != 0 ? M : K) + gap * GAP;
            const int64_t ldb = ((flags & 2) != 0 ? K : N) + gap * GAP;
            const int64_t ldc = N + gap * GAP;
            lfuse_gemm_args args;

            memcpy(c, old, sizeof(c));
            lfuse_gemm_args_init(&args, sizeof(args));
            args.a = a;
            args.b = b;
            args.c = c;
            args.m = M;
            args.n = N;
            args.k = K;
            args.flags = flags;
            args.lda = gap == 0 ? 0 : lda; /* 0 is the dense length */
            args.ldb = gap == 0 ? 0 : ldb;
            args.ldc = gap == 0 ? 0 : ldc;
            if (gap != 0) {
                args.alpha = -0.5f;
                args.beta = 2.0f;
            }
            lft_ok(t, lfuse_gemm(t->ctx, &args, &t->err));
            check(&args, lda, ldb, ldc, old);
        }
}

/* alpha is 1 after init, and a beta of 0 does not read c. */
static void c_is_not_read_when_beta_is_zero(void **state)
{
    struct lft *t = *state;
    float a = 3.0f, b = 4.0f, c = NAN;
    lfuse_gemm_args args;

    lfuse_gemm_args_init(&args, sizeof(args));
    args.a = &a;
    args.b = &b;
    args.c = &c;
    args.m = args.n = args.k = 1;
    lft_ok(t, lfuse_gemm(t->ctx, &args, &t->err));
    assert_true(c == 12.0f);
}

static void init_writes_what_the_caller_has_and_no_more(void **state)
{
    unsigned char bytes[sizeof(lfuse_gemm_args) + 8];
    size_t size = offsetof(lfuse_gemm_args, alpha), i;

    (void)state;
    memset(bytes, 0xa5, sizeof(bytes));
    lfuse_gemm_args_init((lfuse_gemm_args *)(void *)bytes, size); /* before alpha */
    assert_memory_equal(bytes, &size, sizeof(size));
    for (i = size; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0xa5);
    lfuse_gemm_args_init(NULL, size);
}

static void every_error_is_told_and_c_untouched(void **state)
{
    struct lft *t = *state;
    float a[M * K] = {0}, b[K * N] = {0}, c[M * N];
    lfuse_gemm_args good, args;
    struct {
        lfuse_gemm_args args;
        uint64_t more;
    } newer;
    int i;

    for (i = 0; i < M * N; i++)
        c[i] = 7.0f;
    lfuse_gemm_args_init(&good, sizeof(good));
    good.a = a;
    good.b = b;
    good.c = c;
    good.m = M;
    good.n = N;
    good.k = K;
#define FAILS(FIELD, VALUE, STATUS, TEXT)                               \
    do {                                                                \
        args = good;                                                    \
        args.FIELD = VALUE;                                             \
        lft_fails(t, lfuse_gemm(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(a, NULL, LFUSE_ERR_ARGUMENT, "args.a is NULL");
    FAILS(b, NULL, LFUSE_ERR_ARGUMENT, "args.b is NULL");
    FAILS(c, NULL, LFUSE_ERR_ARGUMENT, "args.c is NULL");
    FAILS(m, 0, LFUSE_ERR_ARGUMENT, "args.m is 0");
    FAILS(n, -1, LFUSE_ERR_ARGUMENT, "args.n is -1");
    FAILS(k, 0, LFUSE_ERR_ARGUMENT, "args.k is 0");
    FAILS(flags, 4, LFUSE_ERR_ARGUMENT, "0x4");
    FAILS(reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
    FAILS(lda, K - 1, LFUSE_ERR_SHAPE, "args.lda is 8, a row is 9");
    FAILS(ldb, -N, LFUSE_ERR_SHAPE, "args.ldb is -7, a row is 7");
    FAILS(ldc, N - 1, LFUSE_ERR_SHAPE, "args.ldc is 6, a row is 7");
    FAILS(m, INT64_C(1) << 31, LFUSE_ERR_OVERFLOW, "args.m is 2147483648");
    FAILS(n, INT64_C(1) << 31, LFUSE_ERR_OVERFLOW, "args.n is 2147483648");
    FAILS(k, INT64_C(1) << 31, LFUSE_ERR_OVERFLOW, "args.k is 2147483648");
    FAILS(ldc, INT64_C(1) << 31, LFUSE_ERR_OVERFLOW, "args.ldc is 2147483648");
    FAILS(struct_size, 1, LFUSE_ERR_ARGUMENT, "struct_size 1");
#undef FAILS
    lft_fails(t, lfuse_gemm(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT, "args is NULL");
    lft_fails(t, lfuse_gemm(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
    newer.args = good;
    newer.args.struct_size = sizeof(newer);
    newer.more = 1;
    lft_fails(t, lfuse_gemm(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED, "args");
    for (i = 0; i < M * N; i++)
        assert_true(c[i] == 7.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(all_transpositions_and_row_lengths_multiply),
        lft_test(c_is_not_read_when_beta_is_zero),
        cmocka_unit_test(init_writes_what_the_caller_has_and_no_more),
        lft_test(every_error_is_told_and_c_untouched),
    };

    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
