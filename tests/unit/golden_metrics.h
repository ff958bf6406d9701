/* golden_metrics.h - the inputs of the golden numbers, and the small example */
#ifndef GOLDEN_METRICS_H
#define GOLDEN_METRICS_H

#include "lft_similarity.h"

struct golden {
    const char *name;
    int rows;
    int columns;
    int block;
    int seed_a; /* -1: stored */
    int seed_c;
    double share; /* of a in c */
    double linear_cka;
    double procrustes;
    double wasserstein_gaussian;
    double kl;
    double reverse_kl; /* of c to a */
    double js;
    double rbf_cka;
    double debiased_cka;
};

#include "../golden/metrics.h"

enum { GOLDEN = sizeof(golden) / sizeof(golden[0]) };

static inline lfuse_tensor *golden_a(struct lft *t, size_t i, lfuse_dtype dtype)
{
    const struct golden *g = &golden[i];

    if (g->seed_a < 0)
        return lft_matrix(t, dtype, demo_x, g->rows, g->columns);
    return lft_tensor(t, dtype, (uint64_t)g->seed_a, g->rows, g->columns, 0);
}

static inline lfuse_tensor *golden_c(struct lft *t, size_t i, lfuse_dtype dtype)
{
    const struct golden *g = &golden[i];

    if (g->seed_a < 0)
        return lft_matrix(t, dtype, demo_y, g->rows, g->columns);
    return lft_sum(t, lft_tensor(t, dtype, (uint64_t)g->seed_c, g->rows, g->columns, 0),
                   g->share, golden_a(t, i, dtype));
}

static inline lfuse_tensor *example_a(struct lft *t)
{
    static const double values[] = {1, 2, 3, 4, 5, 7, 2, 0};

    return lft_matrix(t, LFUSE_F64, values, 4, 2);
}

static inline lfuse_tensor *example_c(struct lft *t)
{
    static const double values[] = {2, 1, 0, 1, 4, 4, 1, 3};

    return lft_matrix(t, LFUSE_F64, values, 4, 2);
}

#endif
