/* baseline.c - see baseline.h: one baseline after another, and what is true of all */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

const char *baseline_name(enum baseline_kind kind)
{
    static const char *const names[] = {"prune",       "prune_global", "low_rank",
                                        "autoencoder", "kmeans",       "drop"};

    return kind >= BASELINE_PRUNE && kind <= BASELINE_DROP ? names[kind - BASELINE_PRUNE]
                                                           : NULL;
}

lfuse_status baseline_no_memory(lfuse_error *err)
{
    return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a baseline");
}

lfuse_status baseline_multiply(lfuse_context *ctx, uint32_t flags, const float *a,
                               const float *b, float *c, int64_t m, int64_t n, int64_t k,
                               float alpha, float beta, lfuse_error *err)
{
    lfuse_gemm_args args;

    lfuse_gemm_args_init(&args, sizeof(args));
    args.a = a;
    args.b = b;
    args.c = c;
    args.m = m;
    args.n = n;
    args.k = k;
    args.alpha = alpha;
    args.beta = beta;
    args.flags = flags;
    return lfuse_gemm(ctx, &args, err);
}

/* The rank that the budget allows, at least 1. extra: numbers that are stored besides. */
static int64_t rank_of(const struct baseline *b, const struct baseline_matrix *m,
                       int64_t extra)
{
    const double budget = (double)m->rows * (double)m->columns / b->ratio - (double)extra;
    const int64_t rank = (int64_t)(budget / (double)(m->rows + m->columns));
    const int64_t most = m->rows < m->columns ? m->rows : m->columns;

    return rank < 1 ? 1 : rank > most ? most : rank;
}

static lfuse_status compress_part(struct baseline *b, struct baseline_part *part,
                                  lfuse_error *err)
{
    switch (b->kind) {
    case BASELINE_LOW_RANK:
        return baseline_low_rank(b, part, rank_of(b, &part->m, 0), err);
    case BASELINE_AUTOENCODER:
        return baseline_autoencode(b, part, rank_of(b, &part->m, part->m.columns), err);
    default: return baseline_kmeans(b, part, err);
    }
}

static lfuse_status compress(struct baseline *b, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (b->kind == BASELINE_PRUNE || b->kind == BASELINE_PRUNE_GLOBAL)
        return baseline_prune(b, err);
    if (b->kind == BASELINE_DROP)
        return baseline_drop(b, err);
    for (i = 0; i < b->count && status == LFUSE_OK; i++)
        status = compress_part(b, &b->parts[i], err);
    return status;
}

static lfuse_status check(enum baseline_kind kind, const struct baseline_matrix *matrices,
                          int64_t count, double ratio, lfuse_error *err)
{
    int64_t i;

    if (baseline_name(kind) == NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "kind is %d, which is unknown",
                            (int)kind);
    if (matrices == NULL || count < 1)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "there are no matrices");
    if (!(ratio >= 1.0 && isfinite(ratio)))
        return example_fail(err, LFUSE_ERR_ARGUMENT, "ratio is %g, it must be >= 1",
                            ratio);
    for (i = 0; i < count; i++)
        if (matrices[i].value == NULL || matrices[i].rows < 1 || matrices[i].columns < 1)
            return example_fail(err, LFUSE_ERR_ARGUMENT,
                                "matrix %lld is NULL, or (%lld, %lld)", (long long)i,
                                (long long)matrices[i].rows,
                                (long long)matrices[i].columns);
    return LFUSE_OK;
}

lfuse_status baseline_create(lfuse_context *ctx, const struct baseline_options *o,
                             const struct baseline_matrix *matrices, int64_t count,
                             struct baseline **baseline, lfuse_error *err)
{
    lfuse_status status = check(o->kind, matrices, count, o->ratio, err);
    struct baseline *b;
    int64_t i;

    *baseline = NULL;
    if (status != LFUSE_OK)
        return status;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return baseline_no_memory(err);
    *b = (struct baseline){ctx, o->kind, o->ratio, o->seed, o->refit, count, NULL};
    b->parts = calloc((size_t)count, sizeof(*b->parts));
    if (b->parts == NULL)
        status = baseline_no_memory(err);
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        b->parts[i].m = matrices[i];
        b->parts[i].bytes = 4 * matrices[i].rows * matrices[i].columns;
    }
    if (status == LFUSE_OK)
        status = compress(b, err);
    b->refit = NULL; /* borrowed for the call */
    if (status == LFUSE_OK)
        *baseline = b;
    else
        baseline_destroy(b);
    return status;
}

void baseline_destroy(struct baseline *b)
{
    int64_t i;

    if (b == NULL)
        return;
    for (i = 0; b->parts != NULL && i < b->count; i++) {
        free(b->parts[i].mask);
        free(b->parts[i].codes);
        free(b->parts[i].columns);
        free(b->parts[i].rows);
        free(b->parts[i].scratch);
    }
    free(b->parts);
    free(b);
}

lfuse_status baseline_project(struct baseline *b, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < b->count && status == LFUSE_OK; i++) {
        struct baseline_part *part = &b->parts[i];

        if (part->m.gradient == NULL)
            continue;
        if (part->mask != NULL)
            baseline_mask(part->m.gradient, part->mask, part->m.rows * part->m.columns);
        if (part->codes != NULL)
            baseline_average(part, part->m.gradient);
        if (part->rank > 0)
            status = baseline_low_rank_project(b, part, err);
    }
    return status;
}

/* Masked and averaged values stay what they are when their gradients are. */
lfuse_status baseline_settle(struct baseline *b, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < b->count && status == LFUSE_OK; i++)
        if (b->parts[i].rank > 0)
            status = baseline_low_rank_settle(b, &b->parts[i], err);
    return status;
}

/* ---- states: masks and codes stay, bases move with their matrix ------------------------------ */

static size_t basis_bytes(const struct baseline_part *part, int64_t length)
{
    return (size_t)(part->rank * length) * sizeof(float);
}

size_t baseline_state_bytes(const struct baseline *b)
{
    size_t bytes = 0;
    int64_t i;

    for (i = 0; b != NULL && i < b->count; i++)
        bytes += basis_bytes(&b->parts[i], b->parts[i].m.rows + b->parts[i].m.columns);
    return bytes;
}

void baseline_state_save(const struct baseline *b, char *state)
{
    int64_t i;

    for (i = 0; b != NULL && i < b->count; i++) {
        const struct baseline_part *part = &b->parts[i];
        const size_t columns = basis_bytes(part, part->m.rows);
        const size_t rows = basis_bytes(part, part->m.columns);

        if (part->rank == 0)
            continue;
        memcpy(state, part->columns, columns);
        memcpy(state + columns, part->rows, rows);
        state += columns + rows;
    }
}

void baseline_state_load(struct baseline *b, const char *state)
{
    int64_t i;

    for (i = 0; b != NULL && i < b->count; i++) {
        struct baseline_part *part = &b->parts[i];
        const size_t columns = basis_bytes(part, part->m.rows);
        const size_t rows = basis_bytes(part, part->m.columns);

        if (part->rank == 0)
            continue;
        memcpy(part->columns, state, columns);
        memcpy(part->rows, state + columns, rows);
        state += columns + rows;
    }
}

int64_t baseline_bytes(const struct baseline *b)
{
    int64_t sum = 0, i;

    for (i = 0; i < b->count; i++)
        sum += b->parts[i].bytes;
    return sum;
}

int64_t baseline_dense_bytes(const struct baseline *b)
{
    int64_t sum = 0, i;

    for (i = 0; i < b->count; i++)
        sum += 4 * b->parts[i].m.rows * b->parts[i].m.columns;
    return sum;
}

int baseline_dropped(const struct baseline *b, int64_t block)
{
    int64_t i;

    for (i = 0; i < b->count; i++)
        if (block >= 0 && b->parts[i].m.block == block && b->parts[i].bytes == 0)
            return 1;
    return 0;
}
