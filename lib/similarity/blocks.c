/*
 * blocks.c - a pair of weights cut into blocks, and the mean over them
 *
 * O'Neill et al. 2021, eq. 7: each direction of length l is cut into ceil(l / block) near-equal
 * parts, the first l mod parts of them one longer; blocks at the same place are compared. A
 * block where all rows of one side are equal has no covariance: it is left out of the mean.
 */
#include "similarity/parts.h"

/* Part `index` of a direction cut into near-equal ones. */
static void part(int64_t length, int64_t parts, int64_t index, int64_t *first,
                 int64_t *count)
{
    int64_t each = length / parts, longer = length % parts;

    *first = index * each + (index < longer ? index : longer);
    *count = each + (index < longer ? 1 : 0);
}

int64_t lfi_block_parts(int64_t length, int64_t block)
{
    return block < 0 ? 1 : length / block + (length % block != 0 ? 1 : 0);
}

struct lfi_block lfi_block_at(const struct lfi_block *whole, int64_t down, int64_t across,
                              int64_t i, int64_t j)
{
    struct lfi_block b;

    part(whole->rows, down, i, &b.row, &b.rows);
    part(whole->columns, across, j, &b.column, &b.columns);
    return b;
}

struct lfi_block lfi_block_whole(const struct lfi_view *view)
{
    struct lfi_block b = {.rows = view->dims[0],
                          .columns = lfi_view_elements(view) / view->dims[0]};

    return b;
}

struct lfi_block lfi_block_of_pair(const struct lfi_comparison *pair)
{
    struct lfi_block a = lfi_block_whole(&pair->a), c = lfi_block_whole(&pair->c);

    a.rows = a.rows > c.rows ? a.rows : c.rows;
    a.columns = a.columns > c.columns ? a.columns : c.columns;
    return a;
}

struct lfi_block lfi_block_largest(const struct lfi_comparison *pair)
{
    struct lfi_block b = lfi_block_of_pair(pair);

    return lfi_block_at(&b, lfi_block_parts(b.rows, pair->params.block),
                        lfi_block_parts(b.columns, pair->params.block), 0, 0);
}

struct lfi_grid lfi_grid_of(const struct lfi_weight *weight)
{
    struct lfi_grid g = {.whole = lfi_block_whole(&weight->view)};

    g.down = lfi_block_parts(g.whole.rows, weight->params.block);
    g.across = lfi_block_parts(g.whole.columns, weight->params.block);
    return g;
}

struct lfi_block lfi_grid_block(const struct lfi_grid *g, int64_t index)
{
    return lfi_block_at(&g->whole, g->down, g->across, index / g->across,
                        index % g->across);
}

/* What all blocks gave. */
struct tally {
    double sum;
    int64_t good;
    bool a_varies;
    bool c_varies;
};

static lfuse_status conclude(const struct lfi_comparison *pair, const struct tally *tally,
                             double *out, lfuse_error *err)
{
    const char *metric = lfi_metric_find(pair->params.metric)->name;
    struct lfi_block constant = lfi_block_whole(tally->a_varies ? &pair->c : &pair->a);

    if (tally->good > 0) {
        *out = tally->sum / (double)tally->good;
        return LFUSE_OK;
    }
    if (tally->a_varies && tally->c_varies)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "%s: in every block all rows of %s, or of %s, are equal", metric,
                        pair->a_name, pair->c_name);
    return lfi_fail(
        err, LFUSE_ERR_DEGENERATE,
        "%s: in every block all rows of %s are equal (%lld rows, %lld columns)", metric,
        tally->a_varies ? pair->c_name : pair->a_name, (long long)constant.rows,
        (long long)constant.columns);
}

lfuse_status lfi_blocks_mean(const struct lfi_comparison *pair, struct lfi_centred *a,
                             struct lfi_centred *c, double *line,
                             lfi_block_measure measure, void *work, double *out,
                             lfuse_error *err)
{
    struct lfi_block whole = lfi_block_of_pair(pair), b;
    struct lfi_block whole_a = lfi_block_whole(&pair->a), part_a;
    struct lfi_block whole_c = lfi_block_whole(&pair->c), part_c;
    int64_t down = lfi_block_parts(whole.rows, pair->params.block);
    int64_t across = lfi_block_parts(whole.columns, pair->params.block), i, j;
    struct tally tally = {0};
    lfuse_status status;
    double value = 0.0;

    for (i = 0; i < down; i++)
        for (j = 0; j < across; j++) {
            b = lfi_block_at(&whole, down, across, i, j);
            part_a = lfi_block_at(&whole_a, down, across, i, j);
            part_c = lfi_block_at(&whole_c, down, across, i, j);
            lfi_centred_prepare(a, &part_a, line);
            lfi_centred_prepare(c, &part_c, line);
            tally.a_varies |= !a->constant;
            tally.c_varies |= !c->constant;
            if (a->constant || c->constant)
                continue;
            status = measure(work, &b, &value, err);
            if (status != LFUSE_OK)
                return status;
            tally.sum += value;
            tally.good++;
        }
    return conclude(pair, &tally, out, err);
}
