/*
 * centred.c - blocks read with their columns centred, at a scale of about 1
 *
 * Distances from the first row are averaged, not the values: a large common offset must not
 * cost digits, and distances are exactly 0 where all rows are equal. The scale is a power of
 * two, so that nothing leaves the range of the type and nothing is rounded by it.
 */
#include "similarity/parts.h"

#include <math.h>

void lfi_centred_lay_out(struct lfi_centred *side, const struct lfi_block *largest,
                         struct lfi_arena *arena)
{
    side->origin = lfi_arena_take(arena, 1, largest->columns);
    side->mean = lfi_arena_take(arena, 1, largest->columns);
}

static void read_line(const struct lfi_centred *side, int64_t row, int64_t column,
                      int64_t count, double *line)
{
    int64_t columns = lfi_view_elements(side->view) / side->view->dims[0];

    lfi_view_read_f64(side->view,
                      (side->part.row + row) * columns + side->part.column + column,
                      count, line);
}

/* The means, and the largest distance of an element from the first of its column. */
static double measure(struct lfi_centred *side, double *line)
{
    int64_t rows = side->part.rows, columns = side->part.columns, i, j;
    double reach = 0.0, d;

    if (rows == 0)
        return 0.0;
    read_line(side, 0, 0, columns, side->origin);
    for (j = 0; j < columns; j++) {
        side->origin[j] *= side->prescale;
        side->mean[j] = 0.0;
    }
    for (i = 1; i < rows; i++) {
        read_line(side, i, 0, columns, line);
        for (j = 0; j < columns; j++) {
            d = line[j] * side->prescale - side->origin[j];
            side->mean[j] += d;
            reach = fabs(d) > reach ? fabs(d) : reach;
        }
    }
    for (j = 0; j < columns; j++)
        side->mean[j] /= (double)rows;
    return reach;
}

/* What makes values of up to `reach` about 1. */
static double scale_of(double reach)
{
    int exponent;

    (void)frexp(reach, &exponent);
    return ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
}

void lfi_centred_prepare(struct lfi_centred *side, const struct lfi_block *part,
                         double *line)
{
    double reach;

    side->part = *part;
    side->prescale = 1.0;
    reach = measure(side, line);
    if (!(reach <= 0x1p900)) { /* sums might overflow, or have */
        side->prescale = 0x1p-200;
        reach = measure(side, line);
    }
    side->scale = scale_of(reach);
    side->constant = reach == 0.0;
}

void lfi_centred_prepare_plain(struct lfi_centred *side, const struct lfi_block *part,
                               double *line)
{
    double reach = 0.0;
    int64_t i, j;

    side->part = *part;
    side->prescale = 1.0;
    for (j = 0; j < part->columns; j++)
        side->origin[j] = side->mean[j] = 0.0;
    for (i = 0; i < part->rows; i++) {
        read_line(side, i, 0, part->columns, line);
        for (j = 0; j < part->columns; j++)
            reach = fabs(line[j]) > reach ? fabs(line[j]) : reach;
    }
    side->scale = scale_of(reach);
    side->constant = reach == 0.0;
}

int lfi_centred_exponent(const struct lfi_centred *side)
{
    return ilogb(side->scale) + ilogb(side->prescale);
}

void lfi_centred_read(const struct lfi_centred *side, int64_t row, int64_t column,
                      int64_t count, double *line)
{
    const double *origin = side->origin + column, *mean = side->mean + column;
    int64_t there = row < side->part.rows ? side->part.columns - column : 0, j;

    there = there < count ? there : count;
    if (there > 0)
        read_line(side, row, column, there, line);
    for (j = 0; j < there; j++)
        line[j] = (line[j] * side->prescale - origin[j] - mean[j]) * side->scale;
    for (j = there > 0 ? there : 0; j < count; j++)
        line[j] = 0.0;
}

lfuse_status lfi_centred_check(const struct lfi_centred *a, const struct lfi_centred *c,
                               const struct lfi_comparison *pair, lfuse_error *err)
{
    const char *name = a->constant ? pair->a_name : pair->c_name;
    const char *metric = lfi_metric_find(pair->params.metric)->name;
    long long rows = pair->a.dims[0];

    if (!a->constant && !c->constant)
        return LFUSE_OK;
    if (rows == 1)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE, "%s: %s has only 1 row", metric, name);
    return lfi_fail(err, LFUSE_ERR_DEGENERATE, "%s: all %lld rows of %s are equal",
                    metric, rows, name);
}
