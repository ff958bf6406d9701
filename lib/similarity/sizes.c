/*
 * sizes.c - pairs of weights of different sizes, refused or made to agree
 *
 * O'Neill et al. 2021, sec. 3.1 and app. A: of the directions in which a metric needs equal
 * sizes, the larger weight keeps as many rows, or columns, as the other has, in their order:
 *
 *     subsample       drawn at random; the same ones of the same sizes and seed
 *     drop_smallest   those of the largest Euclidean norm; of equal ones the first
 *
 * Rows are chosen first; norms of columns are those over the rows that are kept.
 */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

enum { STREAM_ROWS = 0x726f7773, STREAM_COLUMNS = 0x636f6c73 };

struct sizes {
    struct lfi_block a;
    struct lfi_block c;
    struct lfi_block common; /* what both are to have; 0 where they may differ */
};

static struct sizes sizes_of(const struct lfi_comparison *pair)
{
    const struct lfi_metric *metric = lfi_metric_find(pair->params.metric);
    struct sizes s = {.a = lfi_block_whole(&pair->a), .c = lfi_block_whole(&pair->c)};

    if (metric->needs_equal_rows && s.a.rows != s.c.rows)
        s.common.rows = s.a.rows < s.c.rows ? s.a.rows : s.c.rows;
    if (metric->needs_equal_columns && s.a.columns != s.c.columns)
        s.common.columns = s.a.columns < s.c.columns ? s.a.columns : s.c.columns;
    return s;
}

static bool agree(const struct sizes *s)
{
    return s->common.rows == 0 && s->common.columns == 0;
}

static lfuse_status check(const struct lfi_comparison *pair, const struct sizes *s,
                          lfuse_error *err)
{
    if (agree(s) || pair->params.unequal != LFUSE_UNEQUAL_REFUSE)
        return LFUSE_OK;
    return lfi_fail(
        err, LFUSE_ERR_SHAPE,
        "%s needs equal numbers of %s: %.60s is (%lld, %lld), %.60s is (%lld, %lld)",
        lfi_metric_find(pair->params.metric)->name,
        s->common.rows == 0      ? "columns"
        : s->common.columns == 0 ? "rows"
                                 : "rows and columns",
        pair->a_name, (long long)s->a.rows, (long long)s->a.columns, pair->c_name,
        (long long)s->c.rows, (long long)s->c.columns);
}

/* ---- which to keep ---------------------------------------------------------------------- */

struct choice {
    int64_t *rows;    /* (rows) of the larger: those that are kept, in order */
    int64_t *columns; /* (columns) */
    double *norms;    /* the more of rows and columns */
    double *line;     /* (columns) */
};

/* keep of n, each set of them equally likely (Knuth, vol. 2, 3.4.2, algorithm S). */
static void draw(int64_t n, int64_t keep, uint64_t seed, uint64_t stream, int64_t *chosen)
{
    int64_t i, found = 0;

    for (i = 0; i < n && found < keep; i++)
        if ((double)(n - i) * lfi_random_uniform(seed, stream, (uint64_t)i) <
            (double)(keep - found))
            chosen[found++] = i;
}

/* The smallest norm that is kept: bisects their bits, whose order is that of numbers >= 0. */
static double threshold(const double *norms, int64_t n, int64_t keep)
{
    uint64_t low = 0, high = UINT64_C(0x7ff0000000000000), middle;
    int64_t i, above;
    double value;

    while (low < high) { /* the largest value that at least keep of them reach */
        middle = low + (high - low + 1) / 2;
        memcpy(&value, &middle, sizeof(value));
        for (above = 0, i = 0; i < n; i++)
            above += norms[i] >= value;
        if (above >= keep)
            low = middle;
        else
            high = middle - 1;
    }
    memcpy(&value, &low, sizeof(value));
    return value;
}

static void keep_largest(const double *norms, int64_t n, int64_t keep, int64_t *chosen)
{
    double least = threshold(norms, n, keep);
    int64_t i, above = 0, found = 0;

    for (i = 0; i < n; i++)
        above += norms[i] > least;
    for (i = 0; i < n && found < keep; i++) {
        if (norms[i] > least) {
            chosen[found++] = i;
        } else if (norms[i] == least && above < keep) {
            chosen[found++] = i;
            above++;
        }
    }
}

/* Of which only the order matters: squares of f32 are in f64's range, those of f64 are not. */
static void add_to_norm(const struct lfi_view *view, double x, double *norm)
{
    *norm = view->dtype == LFUSE_F64 ? hypot(*norm, x) : *norm + x * x;
}

static void row_norms(const struct lfi_view *view, const struct lfi_block *whole,
                      struct choice *c)
{
    int64_t i, j;

    for (i = 0; i < whole->rows; i++) {
        lfi_view_read_f64(view, i * whole->columns, whole->columns, c->line);
        for (c->norms[i] = 0.0, j = 0; j < whole->columns; j++)
            add_to_norm(view, c->line[j], &c->norms[i]);
    }
}

static void column_norms(const struct lfi_view *view, const struct lfi_block *whole,
                         int64_t rows, struct choice *c)
{
    int64_t i, j;

    for (j = 0; j < whole->columns; j++)
        c->norms[j] = 0.0;
    for (i = 0; i < rows; i++) {
        lfi_view_read_f64(view, c->rows[i] * whole->columns, whole->columns, c->line);
        for (j = 0; j < whole->columns; j++)
            add_to_norm(view, c->line[j], &c->norms[j]);
    }
}

/* Row and column numbers of what is kept of a view: `kept` of its whole. */
static void choose(const struct lfi_view *view,
                   const struct lfi_similarity_params *params,
                   const struct lfi_block *whole, const struct lfi_block *kept,
                   struct choice *c)
{
    bool drop = params->unequal == LFUSE_UNEQUAL_DROP_SMALLEST;

    if (drop && kept->rows < whole->rows) {
        row_norms(view, whole, c);
        keep_largest(c->norms, whole->rows, kept->rows, c->rows);
    } else {
        draw(whole->rows, kept->rows, params->seed, STREAM_ROWS, c->rows);
    }
    if (drop && kept->columns < whole->columns) {
        column_norms(view, whole, kept->rows, c);
        keep_largest(c->norms, whole->columns, kept->columns, c->columns);
    } else {
        draw(whole->columns, kept->columns, params->seed, STREAM_COLUMNS, c->columns);
    }
}

/* ---- copies --------------------------------------------------------------------------------- */

struct copies {
    struct choice choice;
    void *a;
    void *c;
};

static struct lfi_block kept_of(const struct lfi_block *whole,
                                const struct lfi_block *common)
{
    struct lfi_block b = *whole;

    b.rows = common->rows > 0 ? common->rows : b.rows;
    b.columns = common->columns > 0 ? common->columns : b.columns;
    return b;
}

static void lay_out(struct copies *w, const struct lfi_comparison *pair,
                    const struct sizes *s, struct lfi_arena *arena)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_block a = kept_of(&s->a, &s->common), c = kept_of(&s->c, &s->common);

    w->a = lfi_arena_take(arena, a.rows, a.columns);
    w->c = lfi_arena_take(arena, c.rows, c.columns);
    w->choice.rows = lfi_arena_take(arena, 1, whole.rows);
    w->choice.columns = lfi_arena_take(arena, 1, whole.columns);
    w->choice.norms =
        lfi_arena_take(arena, 1, whole.rows > whole.columns ? whole.rows : whole.columns);
    w->choice.line = lfi_arena_take(arena, 1, whole.columns);
    arena->used += (size_t)-arena->used % (LFI_ALIGN / sizeof(double));
}

/* view becomes what is kept of it, copied to `to`; f64 where that is, else f32. */
static void reduce(struct lfi_view *view, const struct lfi_similarity_params *params,
                   const struct lfi_block *whole, const struct lfi_block *kept,
                   struct choice *c, void *to)
{
    struct lfi_view small = {.data = to,
                             .dims = {kept->rows, kept->columns},
                             .strides = {kept->columns, 1},
                             .rank = 2,
                             .dtype = view->dtype == LFUSE_F64 ? LFUSE_F64 : LFUSE_F32};
    int64_t i, j;

    if (kept->rows == whole->rows && kept->columns == whole->columns)
        return;
    choose(view, params, whole, kept, c);
    for (i = 0; i < kept->rows; i++) {
        lfi_view_read_f64(view, c->rows[i] * whole->columns, whole->columns, c->line);
        for (j = 0; j < kept->columns; j++)
            c->line[j] = c->line[c->columns[j]];
        lfi_view_write_f64(&small, i * kept->columns, kept->columns, c->line);
    }
    *view = small;
}

/* ---- a comparison of any sizes ------------------------------------------------------------- */

static struct lfi_view shape_of(const struct lfi_view *view, const struct lfi_block *kept)
{
    struct lfi_view shape = {.dims = {kept->rows, kept->columns},
                             .strides = {kept->columns, 1},
                             .rank = 2,
                             .dtype = view->dtype};

    return shape;
}

bool lfi_sizes_scratch(const struct lfi_comparison *pair, size_t *copies, size_t *bytes)
{
    struct lfi_comparison small = *pair;
    struct lfi_arena arena = {.fits = true};
    struct sizes s = sizes_of(pair);
    struct lfi_block a = kept_of(&s.a, &s.common), c = kept_of(&s.c, &s.common);
    struct copies w;

    if (!agree(&s)) {
        lay_out(&w, pair, &s, &arena);
        small.a = shape_of(&pair->a, &a);
        small.c = shape_of(&pair->c, &c);
    }
    return lfi_arena_bytes(&arena, copies) &&
           lfi_metric_find(pair->params.metric)->scratch(&small, bytes) &&
           lfi_add_size(*bytes, *copies, bytes);
}

lfuse_status lfi_sizes_reduce(struct lfi_comparison *pair, void *copies, lfuse_error *err)
{
    struct lfi_arena arena = {.base = copies, .fits = true};
    struct sizes s = sizes_of(pair);
    struct lfi_block a = kept_of(&s.a, &s.common), c = kept_of(&s.c, &s.common);
    lfuse_status status = check(pair, &s, err);
    struct copies w;

    if (status != LFUSE_OK || agree(&s))
        return status;
    status = lfi_comparison_check_finite(pair, err);
    if (status != LFUSE_OK)
        return status;
    lay_out(&w, pair, &s, &arena);
    reduce(&pair->a, &pair->params, &s.a, &a, &w.choice, w.a);
    reduce(&pair->c, &pair->params, &s.c, &c, &w.choice, w.c);
    return LFUSE_OK;
}

lfuse_status lfi_sizes_compare(const struct lfi_env *env,
                               const struct lfi_comparison *pair, size_t copies,
                               void *scratch, double *out, lfuse_error *err)
{
    struct lfi_comparison small = *pair;
    lfuse_status status = lfi_sizes_reduce(&small, scratch, err);

    if (status != LFUSE_OK)
        return status;
    if (copies > 0)
        scratch = (char *)scratch + copies;
    return lfi_metric_find(pair->params.metric)->compare(env, &small, scratch, out, err);
}
