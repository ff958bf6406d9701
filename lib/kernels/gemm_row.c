/*
 * gemm_row.c - one row times the transpose of a matrix: products of vectors
 *
 * Each row of B is read once, as it lies. Sums are f32 in short chains, added in f64.
 */
#include "kernels/gemm.h"

enum { OUTPUTS = 64 }; /* of a task */

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_gemm *gemm;
};

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_gemm *g = job->gemm;
    const int64_t first = index * OUTPUTS, count = lfi_gemm_least(OUTPUTS, g->n - first);
    double sums[OUTPUTS] = {0.0};
    const float *rows[OUTPUTS];
    struct lfi_pairs_tile tile = {
        .a = &g->a,
        .b = rows,
        .sums = sums,
        .rows = 1,
        .cols = count,
        .sums_row = OUTPUTS,
        .count = g->k,
    };
    int64_t j;

    (void)slot;
    for (j = 0; j < count; j++)
        rows[j] = g->b + (first + j) * g->ldb;
    job->kernels->pairs_f32(&tile);
    for (j = 0; j < count; j++)
        g->c[first + j] =
            (float)(g->beta == 0.0f ? sums[j] : sums[j] + (double)g->c[first + j]);
}

static bool plan(const struct lfi_env *env, const struct lfi_gemm *g,
                 struct lfi_scratch *scratch)
{
    (void)env;
    (void)g;
    (void)scratch;
    return true;
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_gemm *g, char *memory,
                        lfuse_error *err)
{
    struct job job = {env->kernels, g};

    (void)memory;
    return lfi_parallel_for(env, (g->n - 1) / OUTPUTS + 1, run_task, &job, err);
}

const struct lfi_gemm_way lfi_gemm_row = {plan, run};
