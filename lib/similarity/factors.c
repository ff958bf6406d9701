/*
 * factors.c - metrics of factors: of one pair, and of weights whose factors are kept
 *
 * Factors of a weight lie one behind the other, block by block, after as many numbers that say
 * which blocks count: those where not all rows are equal. Both ways give the same bits.
 */
#include "similarity/parts.h"

#include <math.h>

/* What a part takes that is laid out on its own. */
static double *take_part(struct lfi_arena *arena, const struct lfi_arena *part)
{
    arena->fits = arena->fits && part->fits;
    return lfi_arena_take(arena, (int64_t)part->used, 1);
}

/* ---- one pair --------------------------------------------------------------------------- */

struct pair_work {
    const struct lfi_comparison *pair;
    const struct lfi_factor_metric *factors;
    struct lfi_factor_work work;
    struct lfi_centred a;
    struct lfi_centred c;
    double *line; /* (columns) */
    double *factor_a;
    double *factor_c;
};

static void lay_out_pair(struct pair_work *w, const struct lfi_comparison *pair,
                         struct lfi_arena *arena)
{
    const struct lfi_factor_metric *factors = lfi_metric_of(&pair->params)->factors;
    struct lfi_block b =
        factors->whole ? lfi_block_of_pair(pair) : lfi_block_largest(pair);
    struct lfi_arena factor = {.fits = true}, scratch = {.fits = true};

    w->pair = pair;
    w->factors = factors;
    factors->lay_out(&b, &factor, &scratch);
    w->work.params = &pair->params;
    w->work.scratch = take_part(arena, &scratch);
    w->factor_a = take_part(arena, &factor);
    w->factor_c = take_part(arena, &factor);
    w->line = lfi_arena_take(arena, 1, b.columns);
    lfi_centred_lay_out(&w->a, &b, arena);
    lfi_centred_lay_out(&w->c, &b, arena);
}

bool lfi_factors_pair_scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct pair_work w;

    lay_out_pair(&w, pair, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

static lfuse_status singular(const struct pair_work *w, const struct lfi_block *b,
                             const char *name, int64_t rows, lfuse_error *err)
{
    const struct lfi_similarity_params *params = &w->pair->params;

    return lfi_fail(
        err, LFUSE_ERR_DEGENERATE,
        "%s: the covariance of %.80s is singular (%lld rows, %lld columns from "
        "row %lld, column %lld on; ridge %g)",
        lfi_metric_of(params)->name, name, (long long)rows, (long long)b->columns,
        (long long)b->row, (long long)b->column, fmax(0.0, params->ridge));
}

static lfuse_status measure(void *work, const struct lfi_block *b, double *value,
                            lfuse_error *err)
{
    struct pair_work *w = work;

    if (!w->factors->extract(&w->work, &w->a, b, w->factor_a))
        return singular(w, b, w->pair->a_name, w->a.part.rows, err);
    if (!w->factors->extract(&w->work, &w->c, b, w->factor_c))
        return singular(w, b, w->pair->c_name, w->c.part.rows, err);
    if (!w->factors->compare(&w->work, b, w->factor_a, w->factor_c, value))
        return singular(w, b, "the mixture", b->rows, err);
    return LFUSE_OK;
}

static lfuse_status measure_whole(struct pair_work *w, double *value, lfuse_error *err)
{
    struct lfi_block b = lfi_block_of_pair(w->pair);
    struct lfi_block a = lfi_block_whole(&w->pair->a), c = lfi_block_whole(&w->pair->c);

    lfi_centred_prepare_plain(&w->a, &a, w->line);
    lfi_centred_prepare_plain(&w->c, &c, w->line);
    if (w->a.constant || w->c.constant)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE, "%s: %s (%lld, %lld) is all zero",
                        lfi_metric_of(&w->pair->params)->name,
                        w->a.constant ? w->pair->a_name : w->pair->c_name,
                        (long long)b.rows, (long long)b.columns);
    return measure(w, &b, value, err);
}

lfuse_status lfi_factors_pair_compare(const struct lfi_env *env,
                                      const struct lfi_comparison *pair, void *memory,
                                      double *out, lfuse_error *err)
{
    struct lfi_arena arena = {.base = memory, .fits = true};
    struct pair_work w = {.work.kernels = env->kernels};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    double value = 0.0;

    if (status != LFUSE_OK)
        return status;
    lay_out_pair(&w, pair, &arena);
    w.a.view = &pair->a;
    w.c.view = &pair->c;
    status = w.factors->whole
                 ? measure_whole(&w, &value, err)
                 : lfi_blocks_mean(pair, &w.a, &w.c, w.line, measure, &w, &value, err);
    if (status != LFUSE_OK)
        return status;
    if (!isfinite(value))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "%s: the %s of %s and %s is beyond f64",
                        lfi_metric_of(&pair->params)->name, w.factors->value,
                        pair->a_name, pair->c_name);
    *out = value;
    return LFUSE_OK;
}

/* ---- weights ---------------------------------------------------------------------------- */

struct weight_work {
    const struct lfi_factor_metric *factors;
    struct lfi_grid grid;
    int64_t blocks;
    struct lfi_factor_work work;
    struct lfi_centred side;
    double *line; /* (columns) */
};

static void lay_out_weight(struct weight_work *w, const struct lfi_weight *weight,
                           struct lfi_arena *arena)
{
    struct lfi_arena factor = {.fits = true}, scratch = {.fits = true};
    struct lfi_block b;

    w->factors = lfi_metric_of(&weight->params)->factors;
    w->grid = lfi_grid_of(weight);
    if (w->factors->whole)
        w->grid.down = w->grid.across = 1;
    w->blocks = w->grid.down * w->grid.across;
    b = lfi_grid_block(&w->grid, 0);
    w->factors->lay_out(&b, &factor, &scratch);
    w->work.params = &weight->params;
    w->work.scratch = take_part(arena, &scratch);
    w->line = lfi_arena_take(arena, 1, b.columns);
    lfi_centred_lay_out(&w->side, &b, arena);
}

/* What the factor of a block takes is added to *at. */
static struct lfi_block pass_block(const struct weight_work *w, int64_t index,
                                   struct lfi_arena *at)
{
    struct lfi_block b = lfi_grid_block(&w->grid, index);
    struct lfi_arena unused = {.fits = true};

    w->factors->lay_out(&b, at, &unused);
    return b;
}

bool lfi_factors_size(const struct lfi_weight *weight, size_t *bytes, size_t *scratch)
{
    struct lfi_arena all = {.fits = true}, arena = {.fits = true};
    struct weight_work w;
    int64_t i;

    lay_out_weight(&w, weight, &arena);
    (void)lfi_arena_take(&all, w.grid.down, w.grid.across);
    for (i = 0; i < w.blocks && all.fits; i++)
        (void)pass_block(&w, i, &all);
    return lfi_arena_bytes(&all, bytes) && lfi_arena_bytes(&arena, scratch);
}

bool lfi_factors_extract(const struct lfi_env *env, const struct lfi_weight *weight,
                         void *scratch, void *factors)
{
    struct lfi_arena arena = {.base = scratch, .fits = true}, at = {.fits = true};
    struct weight_work w = {.work.kernels = env->kernels};
    double *counts = factors;
    struct lfi_block b;
    int64_t i;

    if (lfi_view_find_not_finite(&weight->view) >= 0)
        return false;
    lay_out_weight(&w, weight, &arena);
    w.side.view = &weight->view;
    at.used = (size_t)w.blocks;
    for (i = 0; i < w.blocks; i++) {
        double *factor = counts + at.used;

        b = pass_block(&w, i, &at);
        if (w.factors->whole)
            lfi_centred_prepare_plain(&w.side, &b, w.line);
        else
            lfi_centred_prepare(&w.side, &b, w.line);
        counts[i] = w.side.constant ? 0.0 : 1.0;
        if (!w.side.constant && !w.factors->extract(&w.work, &w.side, &b, factor))
            return false;
    }
    return true;
}

bool lfi_factors_compare(const struct lfi_env *env, const struct lfi_weight *like,
                         const void *a, const void *c, void *scratch, double *value)
{
    struct lfi_arena arena = {.base = scratch, .fits = true}, at = {.fits = true};
    struct weight_work w = {.work.kernels = env->kernels};
    const double *of_a = a, *of_c = c;
    double sum = 0.0, one = 0.0;
    int64_t i, good = 0;
    struct lfi_block b;

    lay_out_weight(&w, like, &arena);
    at.used = (size_t)w.blocks;
    for (i = 0; i < w.blocks; i++) {
        size_t here = at.used;

        b = pass_block(&w, i, &at);
        if (of_a[i] == 0.0 || of_c[i] == 0.0)
            continue;
        if (!w.factors->compare(&w.work, &b, of_a + here, of_c + here, &one))
            return false;
        sum += one;
        good++;
    }
    *value = sum / (double)good; /* 0/0 where no block counts */
    return isfinite(*value);
}
