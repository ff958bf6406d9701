/*
 * gemm_wide.c - few rows, many columns, a short sum
 *
 * A task has some columns and all rows. B's part is packed into panels, row by row, so that it
 * is read in long pieces even where its rows are megabytes apart; a panel then is in the first
 * cache for all tiles of rows. A is small and read where it lies.
 */
#include "kernels/gemm.h"

/* Columns of a task: as many as fit the second cache with STEPS, fewer where there are few. */
enum { MOST_COLS = 8 * LFI_GEMM_PANEL, TASKS = 8 };

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_gemm *gemm;
    float *packed; /* (slots, columns / panel, steps, panel) */
    int64_t cols;  /* of a task */
};

static int64_t task_columns(const struct lfi_gemm *g)
{
    int64_t panels = g->n / (TASKS * LFI_GEMM_PANEL);

    panels = panels < 1 ? 1 : panels;
    return lfi_gemm_least(panels * LFI_GEMM_PANEL, MOST_COLS);
}

/* Steps [k, k + steps) of the columns from j on. */
static void run_steps(const struct job *job, float *packed, int64_t k, int64_t steps,
                      int64_t j, int64_t cols)
{
    static const int64_t start = 0;
    const struct lfi_gemm *g = job->gemm;
    const int64_t a_row = g->transpose_a ? 1 : g->lda,
                  a_step = g->transpose_a ? g->lda : 1;
    int64_t p;

    for (p = 0; p < cols; p += LFI_GEMM_PANEL) {
        float *panel = packed + p * steps;
        struct lfi_gemm_tile tile = {
            .a = g->a + k * a_step,
            .b = panel,
            .c = g->c + j + p,
            .a_tap = &start,
            .b_tap = &start,
            .taps = 1,
            .steps = steps,
            .rows = g->m,
            .cols = lfi_gemm_least(LFI_GEMM_PANEL, cols - p),
            .a_row = a_row,
            .a_step = a_step,
            .b_step = LFI_GEMM_PANEL,
            .c_row = g->ldc,
            .accumulate = k > 0 || g->beta != 0.0f,
        };

        lfi_gemm_pack(job->kernels, g, k, steps, j + p, tile.cols, panel);
        job->kernels->gemm_f32(&tile);
    }
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_gemm *g = job->gemm;
    float *packed = job->packed + slot * job->cols * LFI_GEMM_STEPS;
    int64_t j = index * job->cols, k;

    for (k = 0; k < g->k; k += LFI_GEMM_STEPS)
        run_steps(job, packed, k, lfi_gemm_least(LFI_GEMM_STEPS, g->k - k), j,
                  lfi_gemm_least(job->cols, g->n - j));
}

static bool plan(const struct lfi_env *env, const struct lfi_gemm *g,
                 struct lfi_scratch *scratch)
{
    size_t at;

    return lfi_scratch_add(scratch, (size_t)env->executor.concurrency,
                           (size_t)task_columns(g) * LFI_GEMM_STEPS * sizeof(float), &at);
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_gemm *g, char *memory,
                        lfuse_error *err)
{
    struct job job = {env->kernels, g, (float *)(void *)memory, task_columns(g)};

    return lfi_parallel_for(env, (g->n - 1) / job.cols + 1, run_task, &job, err);
}

const struct lfi_gemm_way lfi_gemm_wide = {plan, run};
