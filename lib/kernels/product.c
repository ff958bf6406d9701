/*
 * product.c - products of large matrices: packed once, then multiplied tile by tile
 *
 * Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication". Operands are packed,
 * over the threads, as the micro-kernel walks through them: B in panels of COLS columns, A in
 * panels of ROWS rows, each step's elements side by side. Then C is cut into tiles, a task each,
 * which goes through the sum STEPS steps at a time: so much of a tile's panels fits the
 * second cache. One loop over the threads packs and one multiplies, for as much of the operands
 * as MOST_PACKED says.
 *
 * A is read where it lies unless that would be slow: what is a multiple of ALIAS bytes apart, half a
 * way of the first cache, shares two lines of each way.
 *
 * An element of C is summed in the order of its sum, STEPS at a time, by one task: its bits depend
 * neither on how C is cut nor on the threads.
 */
#include "kernels/product.h"

#include <string.h>

enum {
    ROWS = 12, /* multiples of what every instruction set's tiles take */
    COLS = 32,
    STEPS = 256,
    TILE_ROWS = 8 * ROWS, /* of a task, at most */
    TILE_COLS = 12 * COLS,
    TASKS = 16,               /* wanted, as long as each has LEAST_PRODUCTS */
    LEAST_PRODUCTS = 1 << 19, /* ten microseconds */
    MOST_STEPS = 8 * STEPS,   /* packed at a time */
    MOST_PACKED = 1 << 21,    /* floats of each operand */
    ALIAS = 2048,
    PACK_STEPS = 32 /* of a task that packs */
};

/* How much is packed at a time, of steps, rows and columns, and the tiles it is cut into. */
struct cut {
    bool pack_a;
    int64_t steps;
    int64_t rows;
    int64_t cols;
    int64_t tile_rows;
    int64_t tile_cols;
};

/* An operand that is packed: `count` rows of A, or columns of B, `unit` of them to a panel. */
struct packing {
    const float *from;
    float *to;    /* (panels, steps, unit) */
    int64_t unit; /* ROWS or COLS */
    int64_t
        apart; /* elements from one to the next, and from step to step: one of them is 1 */
    int64_t step;
    int64_t count;
    int64_t steps;
    int64_t tasks;
};

struct job {
    const struct lfi_env *env;
    const struct lfi_product *product;
    struct cut cut;
    struct packing a;
    struct packing b;
    int64_t i; /* these six: what is worked on at the moment */
    int64_t j;
    int64_t k;
    int64_t rows;
    int64_t cols;
    int64_t steps;
    int64_t tiles; /* side by side */
};

static int64_t least(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

static int64_t pieces(int64_t whole, int64_t piece)
{
    return (whole - 1) / piece + 1;
}

/* `whole` in pieces of equal size, at most `most`, which is a multiple of unit. */
static int64_t even(int64_t whole, int64_t most, int64_t unit)
{
    return pieces(pieces(whole, pieces(whole, most)), unit) * unit;
}

static struct cut cut_of(const struct lfi_product *p)
{
    const int64_t apart = p->a_step == 1 ? p->a_row : p->a_step;
    struct cut c = {.pack_a = apart * (int64_t)sizeof(float) % ALIAS == 0,
                    .steps = even(p->k, MOST_STEPS, STEPS)};
    int64_t most, tasks;

    c.steps = least(c.steps, p->k);
    most = MOST_PACKED / c.steps;
    c.rows = even(p->m, most / TILE_ROWS * TILE_ROWS, ROWS);
    c.cols = even(p->n, most / TILE_COLS * TILE_COLS, COLS);
    c.tile_rows = even(c.rows, TILE_ROWS, ROWS);
    c.tile_cols = even(c.cols, TILE_COLS, COLS);
    for (;;) {
        tasks = pieces(c.rows, c.tile_rows) * pieces(c.cols, c.tile_cols);
        if (tasks >= TASKS || c.tile_rows * c.tile_cols * c.steps < 2 * LEAST_PRODUCTS)
            return c;
        if (c.tile_cols > 4 * COLS)
            c.tile_cols = pieces(c.tile_cols / 2, COLS) * COLS;
        else if (c.tile_rows > 4 * ROWS)
            c.tile_rows = pieces(c.tile_rows / 2, ROWS) * ROWS;
        else
            return c;
    }
}

/* ---- packing ------------------------------------------------------------------------------- */

/* A panel whose steps are contiguous. */
static void pack_panel(const struct lfi_kernels *kernels, const struct packing *p,
                       int64_t index)
{
    const int64_t first = index * p->unit;

    kernels->transpose_f32(p->from + first * p->apart, least(p->unit, p->count - first),
                           p->steps, p->apart, p->to + first * p->steps, p->unit);
}

/* Some steps of all panels, each step contiguous: long pieces of memory are read as they lie. */
static void pack_steps(const struct packing *p, int64_t index)
{
    const int64_t first = index * PACK_STEPS, end = least(first + PACK_STEPS, p->steps);
    int64_t k, x;

    for (k = first; k < end; k++) {
        const float *from = p->from + k * p->step;
        float *to = p->to + k * p->unit;

        for (x = 0; x + p->unit <= p->count; x += p->unit)
            if (p->unit == COLS) /* constant sizes are copied inline */
                memcpy(to + x * p->steps, from + x, COLS * sizeof(float));
            else
                memcpy(to + x * p->steps, from + x, ROWS * sizeof(float));
        if (x < p->count)
            memcpy(to + x * p->steps, from + x, (size_t)(p->count - x) * sizeof(float));
    }
}

static void pack_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const bool of_a = index < job->a.tasks;
    const struct packing *p = of_a ? &job->a : &job->b;

    (void)slot;
    index -= of_a ? 0 : job->a.tasks;
    if (p->step == 1)
        pack_panel(job->env->kernels, p, index);
    else
        pack_steps(p, index);
}

static void set_packing(struct packing *p, const float *from, int64_t count,
                        int64_t steps, bool wanted)
{
    p->from = from;
    p->count = count;
    p->steps = steps;
    p->tasks = !wanted        ? 0
               : p->step == 1 ? pieces(count, p->unit)
                              : pieces(steps, PACK_STEPS);
}

/* ---- multiplying --------------------------------------------------------------------------- */

static void add_row(const struct job *job, float *c, int64_t j, int64_t rows,
                    int64_t cols)
{
    const struct lfi_product *p = job->product;
    int64_t i;

    for (i = 0; i < rows; i++, c += p->n)
        if (p->accumulate)
            job->env->kernels->add_f32(c, p->row + j, cols, c);
        else
            memcpy(c, p->row + j, (size_t)cols * sizeof(float));
}

/* Steps [k, k + steps) of a tile, whose first row is row i and first column j of what is packed. */
static void run_steps(const struct job *job, int64_t i, int64_t j, int64_t k,
                      struct lfi_gemm_tile tile, float *c)
{
    const struct lfi_product *p = job->product;
    const bool packed = job->cut.pack_a;
    const int64_t rows = tile.rows, cols = tile.cols, panel = packed ? ROWS : rows;
    int64_t x, y;

    tile.a_row = packed ? 1 : p->a_row;
    tile.a_step = packed ? ROWS : p->a_step;
    for (y = 0; y < cols; y += COLS) {
        tile.b = job->b.to + (j + y) * job->steps + k * COLS;
        tile.cols = least(COLS, cols - y);
        for (x = 0; x < rows; x += panel) {
            tile.a = packed ? job->a.to + (i + x) * job->steps + k * ROWS
                            : p->a + (job->i + i) * p->a_row + (job->k + k) * p->a_step;
            tile.c = c + x * tile.c_row + y;
            tile.rows = least(panel, rows - x);
            job->env->kernels->gemm_f32(&tile);
        }
    }
}

static void tile_task(void *arg, int64_t index, int32_t slot)
{
    static const int64_t start = 0;
    const struct job *job = arg;
    const struct lfi_product *p = job->product;
    const int64_t i = index / job->tiles * job->cut.tile_rows,
                  j = index % job->tiles * job->cut.tile_cols;
    float *c = p->c + (job->i + i) * p->n + job->j + j;
    struct lfi_gemm_tile tile = {.a_tap = &start,
                                 .b_tap = &start,
                                 .taps = 1,
                                 .rows = least(job->cut.tile_rows, job->rows - i),
                                 .cols = least(job->cut.tile_cols, job->cols - j),
                                 .b_step = COLS,
                                 .c_row = p->n,
                                 .accumulate = p->accumulate || job->k > 0};
    int64_t k;

    (void)slot;
    if (p->row != NULL && job->k == 0) {
        add_row(job, c, job->j + j, tile.rows, tile.cols);
        tile.accumulate = true;
    }
    for (k = 0; k < job->steps; k += STEPS) {
        tile.steps = least(STEPS, job->steps - k);
        run_steps(job, i, j, k, tile, c);
        tile.accumulate = true;
    }
}

/* ---- the product --------------------------------------------------------------------------- */

static bool lay_out(const struct cut *cut, struct lfi_scratch *scratch, size_t at[2])
{
    const size_t steps = (size_t)cut->steps;

    return lfi_scratch_add(scratch, cut->pack_a ? (size_t)cut->rows : 0,
                           steps * sizeof(float), &at[0]) &&
           lfi_scratch_add(scratch, (size_t)cut->cols, steps * sizeof(float), &at[1]);
}

bool lfi_product_plan(const struct lfi_product *product, struct lfi_scratch *scratch)
{
    const struct cut cut = cut_of(product);
    size_t at[2];

    return lay_out(&cut, scratch, at);
}

/* Rows [i, i + rows) of what of B is packed; A's, unless they still are, and B's, if it is new. */
static lfuse_status run_rows(struct job *job, int64_t i, bool new_b, bool new_a,
                             lfuse_error *err)
{
    const struct lfi_product *p = job->product;
    lfuse_status status = LFUSE_OK;

    job->i = i;
    job->rows = least(job->cut.rows, p->m - i);
    job->tiles = pieces(job->cols, job->cut.tile_cols);
    set_packing(&job->a, p->a + i * p->a_row + job->k * p->a_step, job->rows, job->steps,
                new_a && job->cut.pack_a);
    set_packing(&job->b, p->b + job->k * p->b_step + job->j * p->b_col, job->cols,
                job->steps, new_b);
    if (job->a.tasks + job->b.tasks > 0)
        status =
            lfi_parallel_for(job->env, job->a.tasks + job->b.tasks, pack_task, job, err);
    if (status != LFUSE_OK)
        return status;
    return lfi_parallel_for(job->env, pieces(job->rows, job->cut.tile_rows) * job->tiles,
                            tile_task, job, err);
}

lfuse_status lfi_product_run(const struct lfi_env *env, const struct lfi_product *product,
                             char *memory, lfuse_error *err)
{
    struct job job = {
        .env = env,
        .product = product,
        .cut = cut_of(product),
        .a = {.unit = ROWS, .apart = product->a_row, .step = product->a_step},
        .b = {.unit = COLS, .apart = product->b_col, .step = product->b_step}};
    const bool whole = job.cut.rows >= product->m; /* A's rows are packed once per step */
    struct lfi_scratch scratch = {0};
    lfuse_status status = LFUSE_OK;
    size_t at[2];
    int64_t i;

    (void)lay_out(&job.cut, &scratch, at); /* it fitted when it was planned */
    job.a.to = (float *)(void *)(memory + at[0]);
    job.b.to = (float *)(void *)(memory + at[1]);
    for (job.k = 0; job.k < product->k; job.k += job.cut.steps) {
        job.steps = least(job.cut.steps, product->k - job.k);
        for (job.j = 0; job.j < product->n; job.j += job.cut.cols) {
            job.cols = least(job.cut.cols, product->n - job.j);
            for (i = 0; i < product->m && status == LFUSE_OK; i += job.cut.rows)
                status = run_rows(&job, i, i == 0, job.j == 0 || !whole, err);
        }
    }
    return status;
}
