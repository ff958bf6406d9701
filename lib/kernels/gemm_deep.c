/*
 * gemm_deep.c - few rows and columns, a long sum
 *
 * The sum is cut into parts by its length alone. A task has one of them, and a matrix of its own
 * for it; the parts' matrices are added up in their order. Both operands are packed
 * LFI_GEMM_STEPS steps at a time: where their rows are a power of two apart, as activations'
 * are, they would share a few lines of each cache.
 */
#include "kernels/gemm.h"

#include <string.h>

enum { PART_STEPS = 4 * LFI_GEMM_STEPS, MOST_PARTS = 32 };

struct job {
    const struct lfi_kernels *kernels;
    const struct lfi_gemm *gemm;
    float *a;           /* (slots, steps * m) */
    float *panel;       /* (slots, steps, panel) */
    float *parts;       /* (part_count, m, n) */
    int64_t part_steps; /* of each part but the last */
    int64_t part_count;
};

static int64_t steps_of_part(const struct lfi_gemm *g)
{
    int64_t blocks = (g->k - 1) / LFI_GEMM_STEPS + 1;
    int64_t steps = ((blocks - 1) / MOST_PARTS + 1) * LFI_GEMM_STEPS;

    return steps < PART_STEPS ? PART_STEPS : steps;
}

/* Rows of A as they are, side by side: of steps, or where A is transposed of m. */
static void pack_a(const struct lfi_gemm *g, int64_t k, int64_t steps, float *a)
{
    const int64_t rows = g->transpose_a ? steps : g->m,
                  length = g->transpose_a ? g->m : steps;
    const float *from = g->transpose_a ? g->a + k * g->lda : g->a + k;
    int64_t i;

    for (i = 0; i < rows; i++)
        memcpy(a + i * length, from + i * g->lda, (size_t)length * sizeof(float));
}

static void run_steps(const struct job *job, int32_t slot, int64_t k, int64_t steps,
                      float *part, bool accumulate)
{
    static const int64_t start = 0;
    const struct lfi_gemm *g = job->gemm;
    float *a = job->a + slot * g->m * LFI_GEMM_STEPS;
    float *panel = job->panel + (int64_t)slot * LFI_GEMM_PANEL * LFI_GEMM_STEPS;
    int64_t j;

    pack_a(g, k, steps, a);
    for (j = 0; j < g->n; j += LFI_GEMM_PANEL) {
        struct lfi_gemm_tile tile = {
            .a = a,
            .b = panel,
            .c = part + j,
            .a_tap = &start,
            .b_tap = &start,
            .taps = 1,
            .steps = steps,
            .rows = g->m,
            .cols = lfi_gemm_least(LFI_GEMM_PANEL, g->n - j),
            .a_row = g->transpose_a ? 1 : steps,
            .a_step = g->transpose_a ? g->m : 1,
            .b_step = LFI_GEMM_PANEL,
            .c_row = g->n,
            .accumulate = accumulate,
        };

        lfi_gemm_pack(job->kernels, g, k, steps, j, tile.cols, panel);
        job->kernels->gemm_f32(&tile);
    }
}

static void part_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t first = index * job->part_steps;
    const int64_t end = lfi_gemm_least(job->gemm->k, first + job->part_steps);
    float *part = job->parts + index * job->gemm->m * job->gemm->n;
    int64_t k;

    for (k = first; k < end; k += LFI_GEMM_STEPS)
        run_steps(job, slot, k, lfi_gemm_least(LFI_GEMM_STEPS, end - k), part, k > first);
}

/* A row of the result: that of the first part, and the others added. */
static void row_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_gemm *g = job->gemm;
    float *row = g->c + index * g->ldc;
    int64_t p;

    (void)slot;
    for (p = 0; p < job->part_count; p++) {
        const float *part = job->parts + (p * g->m + index) * g->n;

        if (p == 0 && g->beta == 0.0f)
            memcpy(row, part, (size_t)g->n * sizeof(float));
        else
            job->kernels->add_f32(row, part, g->n, row);
    }
}

/* Where the three arrays begin in the scratch. */
static bool lay_out(const struct lfi_env *env, const struct lfi_gemm *g,
                    struct lfi_scratch *scratch, size_t at[3])
{
    const size_t slots = (size_t)env->executor.concurrency;
    const size_t parts = (size_t)((g->k - 1) / steps_of_part(g) + 1);

    return lfi_scratch_add(scratch, slots, (size_t)g->m * LFI_GEMM_STEPS * sizeof(float),
                           &at[0]) &&
           lfi_scratch_add(scratch, slots,
                           (size_t)LFI_GEMM_PANEL * LFI_GEMM_STEPS * sizeof(float),
                           &at[1]) &&
           lfi_scratch_add(scratch, parts, (size_t)(g->m * g->n) * sizeof(float), &at[2]);
}

static bool plan(const struct lfi_env *env, const struct lfi_gemm *g,
                 struct lfi_scratch *scratch)
{
    size_t at[3];

    return lay_out(env, g, scratch, at);
}

static lfuse_status run(const struct lfi_env *env, const struct lfi_gemm *g, char *memory,
                        lfuse_error *err)
{
    struct job job = {.kernels = env->kernels, .gemm = g};
    struct lfi_scratch scratch = {0};
    lfuse_status status;
    size_t at[3];

    (void)lay_out(env, g, &scratch, at); /* it fitted when it was planned */
    job.a = (float *)(void *)(memory + at[0]);
    job.panel = (float *)(void *)(memory + at[1]);
    job.parts = (float *)(void *)(memory + at[2]);
    job.part_steps = steps_of_part(g);
    job.part_count = (g->k - 1) / job.part_steps + 1;
    status = lfi_parallel_for(env, job.part_count, part_task, &job, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, g->m, row_task, &job, err);
    return status;
}

const struct lfi_gemm_way lfi_gemm_deep = {plan, run};
