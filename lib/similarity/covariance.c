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
 * |S|_F = |X X'|_F are cheaper than the (d, d) matrices.
 *
 * f64 data is multiplied in f64. Of narrower data the centred values, rounded to f32, are
 * multiplied in f32 over PANEL steps and the sums added in f64: an entry of X'X is then off by
 * at most (PANEL + 2) 2^-24 of the same sum over absolute values. The same products give the
 * three norms, so that equal inputs still give 1.
 */
#include "similarity/similarity.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

enum {
    PANEL = 64, /* products in one f32 sum; steps taken at a time */
    STRIP = 64  /* rows of a product in f32 before they are added to f64 */
};

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
    void *panel;   /* (PANEL, order) of the type of the products */
};

struct work {
    const struct lfi_env *env;
    struct side a, c;
    bool wide;     /* products in f64 */
    bool gram;     /* X X' instead of X'X: rows are fewer */
    int64_t order; /* of the products in this block: its rows or its columns */
    double *line;  /* a piece of a row */
    double *aa;    /* (order, order): products */
    double *cc;
    double *ac;   /* where rows are fewer, else NULL */
    float *strip; /* (STRIP, order): a piece of one, in f32 */
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

/* X X' for three products costs 3 n n d, X'X for two 2 n d d. */
static bool rows_are_cheaper(int64_t rows, int64_t columns)
{
    return rows < columns - columns / 3;
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
    if (w->wide)
        for (j = 0; j < count; j++)
            wide[at + j * stride] = w->line[j];
    else
        for (j = 0; j < count; j++)
            narrow[at + j * stride] = (float)w->line[j];
}

/* Steps [step, step + count) of the products' inner direction; zeros up to a multiple of 4. */
static void load_panel(const struct work *w, const struct side *side,
                       const struct block *b, int64_t step, int64_t count)
{
    size_t row_bytes = (size_t)w->order * (w->wide ? sizeof(double) : sizeof(float));
    int64_t i;

    memset((char *)side->panel + (size_t)count * row_bytes, 0,
           (size_t)(-count & 3) * row_bytes);
    if (w->gram)
        for (i = 0; i < b->rows; i++) {
            read_line(side, b, i, step, count, w->line);
            put_line(w, side, step, count, i, w->order);
        }
    else
        for (i = 0; i < count; i++) {
            read_line(side, b, step + i, 0, b->columns, w->line);
            put_line(w, side, 0, b->columns, i * w->order, 1);
        }
}

/* ---- products ---------------------------------------------------------------------------- */

/* sum += P'Q of two (steps, order) panels, in f64. */
static void add_products_f64(const struct work *w, const double *p, const double *q,
                             int64_t steps, double *sum)
{
    int64_t m = w->order, i, j, k;

    for (i = 0; i < m; i++) {
        double *restrict row = sum + i * m;

        for (k = 0; k < steps; k += 4) {
            const double *a = p + k * m + i, *b = q + k * m;
            double a0 = a[0], a1 = a[m], a2 = a[2 * m], a3 = a[3 * m];

            for (j = 0; j < m; j++)
                row[j] +=
                    (a0 * b[j] + a1 * b[j + m]) + (a2 * b[j + 2 * m] + a3 * b[j + 3 * m]);
        }
    }
}

/* The same of f32 panels: short sums in f32, by the context's kernel, added in f64. */
static void add_products_f32(const struct work *w, const float *p, const float *q,
                             int64_t steps, double *sum)
{
    const int64_t tap = 0;
    int64_t m = w->order, i, rows, e;
    struct lfi_gemm_tile tile = {
        .b = q,
        .c = w->strip,
        .a_tap = &tap,
        .b_tap = &tap,
        .taps = 1,
        .steps = steps,
        .cols = m,
        .a_row = 1,
        .a_step = m,
        .b_step = m,
        .c_row = m,
    };

    for (i = 0; i < m; i += rows, sum += rows * m) {
        rows = m - i < STRIP ? m - i : STRIP;
        tile.a = p + i;
        tile.rows = rows;
        w->env->kernels->gemm_f32(&tile);
        for (e = 0; e < rows * m; e++)
            sum[e] += (double)w->strip[e];
    }
}

static void add_products(const struct work *w, const struct side *p, const struct side *q,
                         int64_t steps, double *sum)
{
    if (w->wide)
        add_products_f64(w, p->panel, q->panel, steps, sum);
    else
        add_products_f32(w, p->panel, q->panel, steps, sum);
}

/* The sum of the elementwise product; by rows, which bounds its error by 2 order 2^-53. */
static double dot(const struct work *w, const double *x, const double *y)
{
    double sum = 0.0, row;
    int64_t i, j;

    for (i = 0; i < w->order; i++, x += w->order, y += w->order) {
        for (row = 0.0, j = 0; j < w->order; j++)
            row += x[j] * y[j];
        sum += row;
    }
    return sum;
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* The alignment of one block, neither side of which is constant. */
static double align_block(struct work *w, const struct block *b)
{
    int64_t inner = w->gram ? b->columns : b->rows, step, steps;
    size_t bytes;

    w->order = w->gram ? b->rows : b->columns;
    bytes = (size_t)w->order * (size_t)w->order * sizeof(double);
    memset(w->aa, 0, bytes);
    memset(w->cc, 0, bytes);
    if (w->gram)
        memset(w->ac, 0, bytes);
    for (step = 0; step < inner; step += steps) {
        steps = inner - step < PANEL ? inner - step : PANEL;
        load_panel(w, &w->a, b, step, steps);
        load_panel(w, &w->c, b, step, steps);
        add_products(w, &w->a, &w->a, steps, w->aa);
        add_products(w, &w->c, &w->c, steps, w->cc);
        if (w->gram)
            add_products(w, &w->a, &w->c, steps, w->ac);
    }
    return (w->gram ? dot(w, w->ac, w->ac) : dot(w, w->aa, w->cc)) /
           (sqrt(dot(w, w->aa, w->aa)) * sqrt(dot(w, w->cc, w->cc)));
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
    int64_t rows = pair->a.dims[0], columns = lfi_view_elements(&pair->a) / rows;

    rows = longest(rows, pair->params.block);
    columns = longest(columns, pair->params.block);
    w->gram = rows_are_cheaper(rows, columns);
    w->order = w->gram ? rows : columns;
    w->a.origin = take(arena, 1, columns);
    w->a.mean = take(arena, 1, columns);
    w->c.origin = take(arena, 1, columns);
    w->c.mean = take(arena, 1, columns);
    w->line = take(arena, 1, columns);
    w->a.panel = take(arena, PANEL, w->order);
    w->c.panel = take(arena, PANEL, w->order);
    w->aa = take(arena, w->order, w->order);
    w->cc = take(arena, w->order, w->order);
    w->ac = w->gram ? take(arena, w->order, w->order) : NULL;
    w->strip = take(arena, STRIP / 2, w->order);
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
    struct work w = {.env = env, .a.view = &pair->a, .c.view = &pair->c};
    struct arena arena = {.base = memory, .fits = true};
    struct tally tally = {0};
    struct block b;
    lfuse_status status = lfi_comparison_check_finite(pair, err);

    if (status != LFUSE_OK)
        return status;
    w.wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
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
