/*
 * conv2d_winograd_columns.c - forward and backward data by Winograd's algorithm, of many channels
 *
 *     M[point] (tiles x outs) = V[point] (tiles x ins) * U[point] (ins x outs)
 *
 * A task has some columns of M, and all tiles or some of them, block after block: one row of points
 * at a time, and of that some ins at a time, so that V and M of it fit the second cache. U comes
 * past once for each block; where it is not packed, the task makes its columns of it. A
 * row of M gives each pixel of y a share, which are added up in y. Nothing that one processor
 * writes is read by another.
 */
#include "kernels/conv2d_winograd.h"

enum {
    PANEL = LFI_WINOGRAD_PANEL,
    MOST_INS = 128,   /* that are transformed at a time */
    MOST_OUTS = 128,  /* of a task */
    MOST_TILES = 128, /* of a block */
    LEAST_TASKS = 4   /* if it can be done */
};

struct job {
    const struct lfi_winograd_pass *pass;
    struct lfi_winograd_columns columns;
    int64_t rows; /* of points, and the points of a row */
    float *slots;
};

/* A task's outs, and its memory. */
struct strip {
    int64_t out;
    int64_t outs;
    const float *u; /* (panel, point, in, out of the panel) */
    float *v;
    float *m;
    float *half;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t parts_of(int64_t count, int64_t size)
{
    return (count - 1) / size + 1;
}

/* Equal parts of at most `most`, multiples of `unit`. */
static int64_t cut(int64_t count, int64_t most, int64_t unit)
{
    const int64_t even = parts_of(count, parts_of(count, most));

    return parts_of(even, unit) * unit;
}

struct lfi_winograd_columns lfi_conv2d_winograd_columns(const struct lfi_winograd_pass *p)
{
    const int64_t rows = p->tiles.outputs + 2;
    const int64_t tiles = p->tiles.count;
    const int64_t chunks = smaller(LEAST_TASKS, parts_of(tiles, MOST_TILES));
    const int64_t outs = parts_of(p->target.channels * chunks, LEAST_TASKS);
    struct lfi_winograd_columns c = {
        .ins = cut(p->source.channels, MOST_INS, 1),
        .outs = cut(p->target.channels, outs < MOST_OUTS ? outs : MOST_OUTS, PANEL),
    };
    int64_t chunk;

    c.chunks =
        smaller(chunks, parts_of(LEAST_TASKS, parts_of(p->target.channels, c.outs)));
    chunk = parts_of(tiles, c.chunks);
    c.block = parts_of(chunk, parts_of(chunk, MOST_TILES));
    /* not of the block: more tiles may have smaller ones, but never need less memory */
    c.v = lfi_conv2d_winograd_matrices(rows, smaller(tiles, MOST_TILES), c.ins);
    c.m = lfi_conv2d_winograd_matrices(rows, smaller(tiles, MOST_TILES), c.outs);
    c.u_floats = p->u_floats > 0 ? p->tiles.points * p->source.channels * c.outs : 0;
    c.slot_floats = lfi_conv2d_round(c.u_floats) + c.v.floats + c.m.floats +
                    lfi_conv2d_round(LFI_WINOGRAD_HALF(p->tiles.outputs) * c.ins);
    return c;
}

/* Ins [in, in + ins) added to M of a row of points. */
static void multiply(const struct job *job, const struct strip *strip, int64_t row,
                     int64_t in, int64_t ins, int64_t count)
{
    static const int64_t start = 0;
    const struct lfi_winograd_pass *p = job->pass;
    const struct lfi_winograd_columns *c = &job->columns;
    int64_t point, col;

    for (point = 0; point < job->rows; point++)
        for (col = 0; col < strip->outs; col += PANEL) {
            const int64_t width = smaller(PANEL, strip->outs - col);
            const struct lfi_gemm_tile tile = {
                .a = strip->v + point * c->v.point,
                .b = strip->u + col * p->tiles.points * p->source.channels +
                     ((row * job->rows + point) * p->source.channels + in) * width,
                .c = strip->m + point * c->m.point + col,
                .a_tap = &start,
                .b_tap = &start,
                .taps = 1,
                .steps = ins,
                .rows = count,
                .cols = width,
                .a_row = c->v.row,
                .a_step = 1,
                .b_step = width,
                .c_row = c->m.row,
                .accumulate = in > 0,
            };

            p->env->kernels->gemm_f32(&tile);
        }
}

/* The rows in between first: they have a share in every pixel. */
static int64_t row_at(int64_t rows, int64_t i)
{
    return i < rows - 2 ? i + 1 : i == rows - 2 ? 0 : rows - 1;
}

static void run_block(const struct job *job, const struct strip *strip, int64_t first,
                      int64_t count)
{
    const struct lfi_winograd_pass *p = job->pass;
    const struct lfi_winograd_columns *c = &job->columns;
    int64_t i, in;

    for (i = 0; i < job->rows; i++) {
        const int64_t row = row_at(job->rows, i);
        const struct lfi_winograd_part outs = {row, strip->out, strip->outs, false};

        for (in = 0; in < p->source.channels; in += c->ins) {
            const struct lfi_winograd_part ins = {
                row, in, smaller(c->ins, p->source.channels - in), false};

            lfi_conv2d_winograd_load_row(p->env, &p->tiles, &p->source, &ins, p->from,
                                         first, count, &c->v, strip->half, strip->v);
            multiply(job, strip, row, in, ins.width, count);
        }
        lfi_conv2d_winograd_store_row(p->env, &p->tiles, &p->target, &outs, first, count,
                                      &c->m, strip->m, &p->output, i);
    }
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_winograd_pass *p = job->pass;
    const struct lfi_winograd_columns *c = &job->columns;
    const int64_t across = parts_of(p->target.channels, c->outs);
    const int64_t out = index % across * c->outs, chunk = index / across;
    const int64_t begin = chunk * p->tiles.count / c->chunks;
    const int64_t end = (chunk + 1) * p->tiles.count / c->chunks;
    float *u = job->slots + slot * c->slot_floats;
    struct strip strip = {
        .out = out,
        .outs = smaller(c->outs, p->target.channels - out),
        .u = u,
        .v = u + lfi_conv2d_round(c->u_floats),
    };
    int64_t first;

    strip.m = strip.v + c->v.floats;
    strip.half = strip.m + c->m.floats;
    if (c->u_floats > 0)
        lfi_conv2d_winograd_some_weights(p->env, p->conv, p->backward, out, strip.outs,
                                         u);
    else
        strip.u = p->u + out * p->tiles.points * p->source.channels;
    for (first = begin; first < end; first += c->block)
        run_block(job, &strip, first, smaller(c->block, end - first));
}

lfuse_status lfi_conv2d_winograd_columns_run(const struct lfi_winograd_pass *p,
                                             const struct lfi_winograd_columns *columns,
                                             float *slots, lfuse_error *err)
{
    struct job job = {
        .pass = p,
        .columns = *columns,
        .rows = p->tiles.outputs + 2,
        .slots = slots,
    };

    return lfi_parallel_for(p->env,
                            columns->chunks * parts_of(p->target.channels, columns->outs),
                            run_task, &job, err);
}
