/*
 * matrix_elements.c - all pairs by metrics of the elements, in one pass over the weights
 *
 * What the pass cannot do, because sums left the range of f32, is left to compare. That is
 * where a sum over pairs is not finite, or so small that squares may have been lost below f32's
 * least number: n elements lose at most n times half of it.
 */
#include "similarity/matrix.h"

#include <float.h>
#include <math.h>

static bool in_range(double sum, int64_t elements, bool wide)
{
    double least = wide ? 0x1p-900 : 0x1p-120 * (double)elements;

    return sum > least && sum < (wide ? 0x1p900 : (double)FLT_MAX);
}

static void finish(struct lfi_matrix *m, const double *sums, int64_t elements, bool wide)
{
    const bool differences = m->metric->elements->differences;
    int64_t n = m->count, i, j;

    for (i = 0; i < n; i++)
        for (j = i + 1; j < n; j++) {
            double aa = sums[i * n + i], cc = sums[j * n + j], ac = sums[i * n + j], v;

            if (m->state[i * n + j] != LFI_PAIR_OPEN)
                continue;
            if (differences ? !in_range(ac, elements, wide)
                            : !in_range(aa, elements, wide) ||
                                  !in_range(cc, elements, wide) || !isfinite(ac))
                continue;
            v = m->metric->elements->value(aa, cc, ac);
            lfi_matrix_set(m, i, j, v, v);
        }
}

static lfuse_status tell(void *user, double share, lfuse_error *err)
{
    struct lfi_matrix *m = user;

    return lfi_matrix_tell(m, share * (double)(m->count * (m->count - 1) / 2), err);
}

lfuse_status lfi_matrix_elements(struct lfi_matrix *m, lfuse_error *err)
{
    size_t n = (size_t)m->count;
    struct lfi_view *views = NULL;
    double *sums = NULL;
    struct lfi_pair_sums p = {.count = m->count,
                              .rows = m->count,
                              .differences = m->metric->elements->differences,
                              .tell = tell,
                              .user = m};
    lfuse_status status;
    bool wide = false;
    size_t i;

    status = lfi_alloc(m->env, n, sizeof(*views), "weights", &views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(m->env, n * n, sizeof(*sums), "sums", &sums, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        views[i] = m->items[i].weights[m->weight];
        wide |= views[i].dtype == LFUSE_F64;
    }
    p.views = views;
    p.sums = sums;
    if (status == LFUSE_OK)
        status = lfi_pair_sums(m->env, &p, err);
    if (status == LFUSE_OK)
        finish(m, sums, lfi_view_elements(&views[0]), wide);
    lfi_free(m->env, sums, n * n, sizeof(*sums));
    lfi_free(m->env, views, n, sizeof(*views));
    return status;
}
