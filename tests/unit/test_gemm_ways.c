/* test_gemm_ways.c - the products that BLAS is slow at, which lfuse_gemm() does itself */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of each kind, with tails of rows, columns and steps; see gemm.h of the contract. */
static const struct shape {
    const char *kind;
    int64_t m, n, k;
} shapes[] = {
    {"wide", 13, 517, 261}, {"wide", 32, 128, 256}, {"wide", 2, 33000, 16},
    {"deep", 5, 77, 5003},  {"deep", 64, 32, 4096}, {"deep", 3, 1, 600001},
    {"row", 1, 1037, 1019}, {"row", 1, 64, 16384},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), SAMPLES = 400, GAP = 3 };

static const lfuse_isa isas[] = {LFUSE_ISA_SCALAR, LFUSE_ISA_AVX2, LFUSE_ISA_AVX512};

/* Operands that end at a page nobody may read. */
static lfuse_gemm_args arguments(const struct shape *s, uint32_t flags, int64_t gap)
{
    const int64_t a_rows = (flags & LFUSE_GEMM_TRANSPOSE_A) != 0 ? s->k : s->m;
    const int64_t b_rows = (flags & LFUSE_GEMM_TRANSPOSE_B) != 0 ? s->n : s->k;
    lfuse_gemm_args args;
    int64_t a, b, c;

    lfuse_gemm_args_init(&args, sizeof(args));
    args.m = s->m;
    args.n = s->n;
    args.k = s->k;
    args.flags = flags;
    args.lda = ((flags & LFUSE_GEMM_TRANSPOSE_A) != 0 ? s->m : s->k) + gap;
    args.ldb = ((flags & LFUSE_GEMM_TRANSPOSE_B) != 0 ? s->k : s->n) + gap;
    args.ldc = s->n + gap;
    a = a_rows * args.lda - gap; /* the last row ends where its numbers do */
    b = b_rows * args.ldb - gap;
    c = s->m * args.ldc - gap;
    args.a = lft_guard_end(a);
    args.b = lft_guard_end(b);
    args.c = lft_guard_end(c);
    lft_fill((float *)args.a, a, 1);
    lft_fill((float *)args.b, b, 2);
    lft_fill(args.c, c, 3);
    return args;
}

/* Samples over all of c. k + 1 roundings at most, in any order of the sum, of beta 0 or 1. */
static void check(const lfuse_gemm_args *g, const float *old)
{
    const int ta = (g->flags & LFUSE_GEMM_TRANSPOSE_A) != 0,
              tb = (g->flags & LFUSE_GEMM_TRANSPOSE_B) != 0;
    const int64_t count = g->m * g->n, step = count / SAMPLES + 1;
    int64_t at, k;

    for (at = 0; at < count; at += step) {
        const int64_t i = at / g->n, j = at % g->n, c = i * g->ldc + j;
        double sum = g->beta != 0.0f ? (double)old[c] : 0.0, size = fabs(sum);

        for (k = 0; k < g->k; k++) {
            double term = (double)g->a[ta ? k * g->lda + i : i * g->lda + k] *
                          (double)g->b[tb ? j * g->ldb + k : k * g->ldb + j];

            sum += term;
            size += fabs(term);
        }
        assert_true(fabs((double)g->c[c] - sum) <=
                    (double)(g->k + 1) * (FLT_EPSILON / 2.0) * size);
    }
}

/* The gaps between rows of c keep what they held. */
static void check_gaps(const lfuse_gemm_args *g, const float *old)
{
    int64_t i;

    for (i = 0; i + 1 < g->m; i++)
        assert_memory_equal(g->c + i * g->ldc + g->n, old + i * g->ldc + g->n,
                            (size_t)(g->ldc - g->n) * sizeof(float));
}

static void run_shape(struct lft *t, lfuse_context *ctx, const struct shape *s,
                      uint32_t flags, int64_t gap, float beta)
{
    lfuse_gemm_args args = arguments(s, flags, gap);
    const size_t bytes = (size_t)(s->m * args.ldc - gap) * sizeof(float);
    float *old = malloc(bytes);

    assert_non_null(old);
    memcpy(old, args.c, bytes);
    args.beta = beta;
    lft_ok(t, lfuse_gemm(ctx, &args, &t->err));
    check(&args, old);
    check_gaps(&args, old);
    free(old);
    lft_guard_free();
}

static void every_kind_multiplies_under_every_instruction_set(void **state)
{
    struct lft *t = *state;
    uint32_t before = lft_float_control();
    size_t isa, i;
    uint32_t flags;

    for (isa = 0; isa < 3; isa++) {
        lfuse_context *ctx;

        if (!lft_runs(isas[isa]))
            continue;
        ctx = lft_context(t, 0, isas[isa]);
        for (i = 0; i < SHAPES; i++)
            for (flags = 0; flags < 4; flags++) {
                run_shape(t, ctx, &shapes[i], flags, 0, 0.0f);
                run_shape(t, ctx, &shapes[i], flags, GAP, 1.0f);
            }
        lfuse_context_destroy(ctx);
    }
    assert_int_equal(lft_float_control(), before);
}

/* With b transposed all shapes are done here and not by BLAS. */
static void threads_change_no_bit(void **state)
{
    struct lft *t = *state;
    int32_t threads;
    size_t i;

    for (i = 0; i < SHAPES; i++) {
        lfuse_gemm_args args = arguments(&shapes[i], LFUSE_GEMM_TRANSPOSE_B, 0);
        const size_t bytes = (size_t)(args.m * args.n) * sizeof(float);
        float *first = malloc(bytes);

        assert_non_null(first);
        for (threads = 1; threads <= 3; threads++) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

            lft_ok(t, lfuse_gemm(ctx, &args, &t->err));
            if (threads == 1)
                memcpy(first, args.c, bytes);
            assert_memory_equal(args.c, first, bytes);
            lfuse_context_destroy(ctx);
        }
        free(first);
        lft_guard_free();
    }
}

/* The sum's parts, however long: c of a deep product is not read where beta is 0. */
static void c_is_not_read_when_beta_is_zero(void **state)
{
    struct lft *t = *state;
    size_t i;
    int64_t k;

    for (i = 0; i < SHAPES; i++) {
        lfuse_gemm_args args = arguments(&shapes[i], LFUSE_GEMM_TRANSPOSE_B, 0);

        for (k = 0; k < args.m * args.n; k++)
            args.c[k] = NAN;
        lft_ok(t, lfuse_gemm(t->ctx, &args, &t->err));
        check(&args, NULL);
        lft_guard_free();
    }
}

/* ---- the workspace ----------------------------------------------------------------------- */

static void a_workspace_saves_every_allocation(void **state)
{
    struct lft *t = *state;
    size_t i, bytes;

    for (i = 0; i < SHAPES; i++) {
        lfuse_gemm_args args = arguments(&shapes[i], LFUSE_GEMM_TRANSPOSE_B, 0);
        int64_t allocations;

        lft_ok(t, lfuse_gemm_workspace(t->ctx, &args, &bytes, &t->err));
        assert_true((bytes > 0) == (args.m > 1));
        args.workspace = bytes > 0 ? aligned_alloc(64, bytes) : NULL;
        args.workspace_bytes = bytes;
        allocations = t->memory.allocations;
        lft_ok(t, lfuse_gemm(t->ctx, &args, &t->err));
        if (bytes > 0)
            assert_int_equal(t->memory.allocations, allocations);
        check(&args, NULL);
        free(args.workspace);
        lft_guard_free();
    }
}

static void a_workspace_that_does_not_do_is_refused(void **state)
{
    lfuse_gemm_args args = arguments(&shapes[0], 0, 0);
    const float before = args.c[0];
    struct lft *t = *state;
    size_t bytes = 7;
    char *memory;

    lft_ok(t, lfuse_gemm_workspace(t->ctx, &args, &bytes, &t->err));
    memory = aligned_alloc(64, bytes + 64);
    assert_non_null(memory);
    args.workspace = memory;
    args.workspace_bytes = bytes - 1;
    lft_fails(t, lfuse_gemm(t->ctx, &args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.workspace has");
    args.workspace = memory + 4;
    args.workspace_bytes = bytes;
    lft_fails(t, lfuse_gemm(t->ctx, &args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.workspace is not aligned to 64");
    assert_true(args.c[0] == before);
    lft_fails(t, lfuse_gemm_workspace(t->ctx, &args, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "bytes is NULL");
    args.m = 0;
    lft_fails(t, lfuse_gemm_workspace(t->ctx, &args, &bytes, &t->err), LFUSE_ERR_ARGUMENT,
              "args.m is 0");
    free(memory);
    lft_guard_free();
}

static lfuse_status multiply(struct lft *t, void *arg)
{
    return lfuse_gemm(t->ctx, arg, &t->err);
}

static void a_refused_allocation_leaves_c(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < SHAPES && shapes[i].m > 1; i++) { /* a row takes no memory */
        lfuse_gemm_args args = arguments(&shapes[i], LFUSE_GEMM_TRANSPOSE_B, 0);
        const float before = args.c[0];

        t->memory.fail_at = t->memory.allocations;
        lft_fails(t, lfuse_gemm(t->ctx, &args, &t->err), LFUSE_ERR_NO_MEMORY,
                  "the workspace");
        assert_true(args.c[0] == before);
        t->memory.fail_at = -1;
        lft_every_allocation_fails(t, multiply, &args);
        lft_guard_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_kind_multiplies_under_every_instruction_set),
        lft_test(threads_change_no_bit),
        lft_test(c_is_not_read_when_beta_is_zero),
        lft_test(a_workspace_saves_every_allocation),
        lft_test(a_workspace_that_does_not_do_is_refused),
        lft_test(a_refused_allocation_leaves_c),
    };

    return cmocka_run_group_tests_name("gemm_ways", tests, NULL, NULL);
}
