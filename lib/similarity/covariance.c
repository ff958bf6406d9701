/*
 * covariance.c - covariance alignment, block by block
 *
 *     CA(A, C) = tr(Sa Sc) / (|Sa|_F |Sc|_F)      O'Neill et al. 2021, eq. 2
 *     S = X'X / n                                 X (n, d): a block, its columns centred
 *
 * Blocks are cut and averaged as eq. 7 says: each direction of length l into ceil(l / block)
 * near-equal parts, blocks at the same place compared. A block where all rows of one side are
 * equal has S = 0, its quotient is 0/0: it is left out of the average.
 *
 * n cancels, and so does any scale: a block is scaled by a power of two to about 1, so that
 * nothing leaves the range of the type. Where rows are fewer, tr(Sa Sc) = |Xa Xc'|_F^2 and
 * |S|_F = |X X'|_F are cheaper than the (d, d) matrices. f64 data is multiplied in f64,
 * narrower data in f32 (products.c); the same products give the three norms, so that equal
 * inputs give 1 in either.
 */
#include "similarity/similarity.h"

#include <math.h>
#include <string.h>

/* Where a block lies in the (rows, columns) matrix that a view is. */
struct block {
    int64_t row;
    int64_t rows;
    int64_t column;
    int64_t columns;
};

/* One of the two in a block: (x * prescale - origin - mean) * scale is its centred value. */
struct side {
    const struct lfi_view *view;
    double *origin; /* (columns): the first row */
    double *mean;   /* (columns): of the distances from it */
    double prescale;
    double scale;
    bool constant; /* all rows are equal */
    void *panel;   /* (LFI_PANEL, pitch) of the type of the products */
};

struct work {
    struct lfi_products products; /* of this block: over its columns, or its rows */
    struct side a, c;
    bool gram;    /* X X' instead of X'X: rows are fewer */
    double *line; /* a piece of a row */
    double *aa;   /* (order, order): products */
    double *cc;
    double *ac; /* where rows are fewer, else NULL */
};

/* Part `index` of a direction cut into near-equal ones. */
static void part(int64_t length, int64_t parts, int64_t index, int64_t *first,
                 int64_t *count)
{
    int64_t each = length / parts, longer = length % parts;

    *first = index * each + (index < longer ? index : longer);
    *count = each + (index < longer ? 1 : 0);
}

static int64_t parts_of(int64_t length, int64_t block)
{
    return block < 0 ? 1 : length / block + (length % block != 0 ? 1 : 0);
}

/* The longest part. */
static int64_t longest(int64_t length, int64_t block)
{
    int64_t first, count;

    part(length, parts_of(length, block), 0, &first, &count);
    return count;
}

/* X X' costs 2 n n d: two by half, for symmetry, and one; X'X costs n d d: two by half. */
static bool rows_are_cheaper(int64_t rows, int64_t columns)
{
    return rows < columns / 2;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void read_line(const struct side *side, const struct block *b, int64_t row,
                      int64_t column, int64_t count, double *line)
{
    int64_t columns = lfi_view_elements(side->view) / side->view->dims[0];

    lfi_view_read_f64(side->view, (b->row + row) * columns + b->column + column, count,
                      line);
}

/*
 * The means, and the largest distance of an element from the first of its column. Distances,
 * because a large common offset must not cost digits, and because they are exactly 0 where
 * all rows are equal.
 */
static double measure(struct side *side, const struct block *b, double *line)
{
    double reach = 0.0, d;
    int64_t i, j;

    read_line(side, b, 0, 0, b->columns, side->origin);
    for (j = 0; j < b->columns; j++) {
        side->origin[j] *= side->prescale;
        side->mean[j] = 0.0;
    }
    for (i = 1; i < b->rows; i++) {
        read_line(side, b, i, 0, b->columns, line);
        for (j = 0; j < b->columns; j++) {
            d = line[j] * side->prescale - side->origin[j];
            side->mean[j] += d;
            reach = fabs(d) > reach ? fabs(d) : reach;
        }
    }
    for (j = 0; j < b->columns; j++)
        side->mean[j] /= (double)b->rows;
    return reach;
}

static void prepare(struct side *side, const struct block *b, double *line)
{
    double reach;
    int exponent;

    side->prescale = 1.0;
    reach = measure(side, b, line);
    if (!(reach <= 0x1p900)) { /* sums might overflow, or have */
        side->prescale = 0x1p-200;
        reach = measure(side, b, line);
    }
    (void)frexp(reach, &exponent);
    side->scale = ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
    side->constant = reach == 0.0;
}

/* Centred values of row, from column on, to where panel steps are `stride` apart. */
static void put_line(const struct work *w, const struct side *side, int64_t column,
                     int64_t count, int64_t at, int64_t stride)
{
    const double *origin = side->origin + column, *mean = side->mean + column;
    double *wide = side->panel;
    float *narrow = side->panel;
    int64_t j;

    for (j = 0; j < count; j++)
        w->line[j] = (w->line[j] * side->prescale - origin[j] - mean[j]) * side->scale;
    if (w->products.wide)
        for (j = 0; j < count; j++)
            wide[at + j * stride] = w->line[j];
    else
        for (j = 0; j < count; j++)
            narrow[at + j * stride] = (float)w->line[j];
}

/* Steps [step, step + count) of the products' inner direction; zeros pad the order. */
static void load_panel(const struct work *w, const struct side *side,
                       const struct block *b, int64_t step, int64_t count)
{
    int64_t pitch = lfi_products_pitch(w->products.order), i;

    memset(side->panel, 0,
           (size_t)(count * pitch) * (w->products.wide ? sizeof(double) : sizeof(float)));
    if (w->gram)
        for (i = 0; i < b->rows; i++) {
            read_line(side, b, i, step, count, w->line);
            put_line(w, side, step, count, i, pitch);
        }
    else
        for (i = 0; i < count; i++) {
            read_line(side, b, step + i, 0, b->columns, w->line);
            put_line(w, side, 0, b->columns, i * pitch, 1);
        }
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* The alignment of one block, neither side of which is constant. */
static double align_block(struct work *w, const struct block *b)
{
    const struct lfi_products *products = &w->products;
    int64_t inner = w->gram ? b->columns : b->rows, step, steps;
    double ac;

    w->products.order = lfi_products_order(w->gram ? b->rows : b->columns);
    lfi_products_clear(products, w->aa);
    lfi_products_clear(products, w->cc);
    if (w->gram)
        lfi_products_clear(products, w->ac);
    for (step = 0; step < inner; step += steps) {
        steps = inner - step < LFI_PANEL ? inner - step : LFI_PANEL;
        load_panel(w, &w->a, b, step, steps);
        load_panel(w, &w->c, b, step, steps);
        lfi_products_add(products, w->a.panel, w->a.panel, steps, w->aa);
        lfi_products_add(products, w->c.panel, w->c.panel, steps, w->cc);
        if (w->gram)
            lfi_products_add(products, w->a.panel, w->c.panel, steps, w->ac);
    }
    ac = w->gram ? lfi_products_dot(products, w->ac, w->ac)
                 : lfi_products_dot(products, w->aa, w->cc);
    return ac / (sqrt(lfi_products_dot(products, w->aa, w->aa)) *
                 sqrt(lfi_products_dot(products, w->cc, w->cc)));
}

/* What all blocks gave. */
struct tally {
    double sum;
    int64_t good;
    bool a_varies;
    bool c_varies;
};

static void visit_block(struct work *w, const struct block *b, struct tally *tally)
{
    prepare(&w->a, b, w->line);
    prepare(&w->c, b, w->line);
    tally->a_varies |= !w->a.constant;
    tally->c_varies |= !w->c.constant;
    if (w->a.constant || w->c.constant)
        return;
    tally->sum += align_block(w, b);
    tally->good++;
}

static lfuse_status conclude(const struct lfi_comparison *pair, const struct tally *tally,
                             double *out, lfuse_error *err)
{
    if (tally->good > 0) {
        *out = fmin(1.0, tally->sum / (double)tally->good);
        return LFUSE_OK;
    }
    if (tally->a_varies && tally->c_varies)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "in every block all rows of %s, or of %s, are equal",
                        pair->a_name, pair->c_name);
    return lfi_fail(err, LFUSE_ERR_DEGENERATE, "in every block all rows of %s are equal",
                    tally->a_varies ? pair->c_name : pair->a_name);
}

/* ---- scratch ------------------------------------------------------------------------------- */

/* Counts what is handed out; where base is NULL it only counts. */
struct arena {
    double *base;
    size_t used; /* doubles */
    bool fits;
};

static void *take(struct arena *arena, int64_t rows, int64_t columns)
{
    double *start = arena->base != NULL ? arena->base + arena->used : NULL;
    size_t size;

    arena->fits = arena->fits && lfi_mul_size((size_t)rows, (size_t)columns, &size) &&
                  lfi_add_size(arena->used, size, &arena->used);
    return start;
}

static void lay_out(struct work *w, const struct lfi_comparison *pair,
                    struct arena *arena)
{
    int64_t rows = pair->a.dims[0], columns = lfi_view_elements(&pair->a) / rows, order;

    rows = longest(rows, pair->params.block);
    columns = longest(columns, pair->params.block);
    w->gram = rows_are_cheaper(rows, columns);
    order = lfi_products_order(w->gram ? rows : columns);
    w->a.panel = take(arena, LFI_PANEL, lfi_products_pitch(order));
    w->c.panel = take(arena, LFI_PANEL, lfi_products_pitch(order));
    w->products.strip = take(arena, LFI_PANEL, order);
    w->aa = take(arena, order, order);
    w->cc = take(arena, order, order);
    w->ac = w->gram ? take(arena, order, order) : NULL;
    w->a.origin = take(arena, 1, columns);
    w->a.mean = take(arena, 1, columns);
    w->c.origin = take(arena, 1, columns);
    w->c.mean = take(arena, 1, columns);
    w->line = take(arena, 1, columns);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct arena arena = {.fits = true};
    struct work w;

    lay_out(&w, pair, &arena);
    return arena.fits && lfi_mul_size(arena.used, sizeof(double), bytes);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    int64_t rows = pair->a.dims[0], columns = lfi_view_elements(&pair->a) / rows;
    int64_t down = parts_of(rows, pair->params.block);
    int64_t across = parts_of(columns, pair->params.block), i, j;
    struct work w = {.a.view = &pair->a, .c.view = &pair->c};
    struct arena arena = {.base = memory, .fits = true};
    struct tally tally = {0};
    struct block b;
    lfuse_status status = lfi_comparison_check_finite(pair, err);

    if (status != LFUSE_OK)
        return status;
    w.products.kernels = env->kernels;
    w.products.wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    lay_out(&w, pair, &arena);
    for (i = 0; i < down; i++)
        for (j = 0; j < across; j++) {
            part(rows, down, i, &b.row, &b.rows);
            part(columns, across, j, &b.column, &b.columns);
            visit_block(&w, &b, &tally);
        }
    return conclude(pair, &tally, out, err);
}

const struct lfi_metric lfi_metric_covariance = {
    LFUSE_METRIC_COVARIANCE, "covariance", false, true, true, scratch, compare,
};
