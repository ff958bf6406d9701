/*
 * conv2d_winograd_squares.c - backward weights by Winograd's algorithm, of many channels
 *
 *     W[point] (ins x outs) = V[point]' (ins x tiles) * D[point] (tiles x outs)
 *
 * A task has a square of W, some ins by some outs, at one row of points, and goes through the
 * tiles of its chunk with it, block after block: V, D and W of that fit the second cache. Each
 * task transforms the channels that it needs itself, once more for every square that needs
 * them: a few operations where the product has hundreds for each number. Nothing that one
 * processor writes is read by another while it is fresh; two that do not share a third cache
 * took up to twice the time when they shared V and D.
 *
 * W is never written out. Its row of points becomes a row of three (the first half of G' W G), a
 * half for short: (row, 3, in of the square, out of the square). All rows of these make dw. Where
 * there are squares enough for many threads, a task has all rows of one, and makes its part of dw;
 * else there are halves of (chunk, square), and dw is made when all are done.
 */
#include "kernels/conv2d_winograd.h"

enum {
    AREA = 9,
    TAPS = 3,
    PANEL = LFI_WINOGRAD_PANEL,
    LINE = LFI_ALIGN / (int)sizeof(float),
    MOST_INS = 128, /* of a square */
    MOST_OUTS = 128,
    SLOT_FLOATS = 208 << 10, /* of V, D and W */
    LEAST_TASKS = 24,
    LEAST_SQUARES = 8, /* that are a task each */
    CHUNK_TILES = 256, /* where there are several squares: see below */
    MOST_CHUNKS = 4,   /* for that reason */
    STRIP = 16         /* ins that are transposed together */
};

struct job {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    const struct lfi_winograd_squares *squares;
    struct lfi_winograd_images x;
    struct lfi_winograd_images dy;
    int64_t rows;   /* of points, and the points of a row */
    int64_t across; /* squares of the outs */
    int64_t count;  /* squares */
    float *sums;    /* (chunk, square, row, 3, in, out), or NULL: in the slots */
    float *slots;
};

/* ins [in, in + ins) by outs [out, out + outs) */
struct square {
    int64_t in;
    int64_t out;
    int64_t ins;
    int64_t outs;
    float *halves; /* (row, 3, in, out) of the first chunk */
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

/*
 * Chunks make tasks where squares are few. A square's pixels are read once for each row of points;
 * with them come those of the next square, because processors fetch ahead, and chunks keep both in
 * the third cache: 256 channels at 8 x 8 took 35 ms with one chunk, 32 with two.
 */
static int64_t chunks_of(int64_t tiles, int64_t most, int64_t squares, int64_t rows)
{
    const int64_t for_tasks = parts_of(LEAST_TASKS, rows * squares);
    const int64_t for_cache =
        squares == 1 ? 1 : smaller(MOST_CHUNKS, parts_of(tiles, CHUNK_TILES));

    return smaller(for_tasks > for_cache ? for_tasks : for_cache, parts_of(tiles, most));
}

struct lfi_winograd_squares lfi_conv2d_winograd_squares(const struct lfi_conv2d *c)
{
    struct lfi_winograd_squares s = {
        .tiles = lfi_conv2d_winograd_tiles(lfi_conv2d_winograd_outputs(c), c->batch,
                                           c->out_h, c->out_w),
        .ins = cut(c->in_channels, MOST_INS, LINE),
        .outs = cut(c->out_channels, MOST_OUTS, PANEL),
    };
    const int64_t rows = s.tiles.outputs + 2;
    const int64_t squares =
        parts_of(c->in_channels, s.ins) * parts_of(c->out_channels, s.outs);
    const int64_t most =
        (SLOT_FLOATS - rows * s.ins * s.outs) / (rows * (s.ins + s.outs));
    int64_t chunk;

    s.chunks =
        squares >= LEAST_SQUARES ? 1 : chunks_of(s.tiles.count, most, squares, rows);
    chunk = parts_of(s.tiles.count, s.chunks);
    s.block = parts_of(chunk, parts_of(chunk, most));
    /* not of the block: more tiles may have smaller ones, but never need less memory */
    s.v = lfi_conv2d_winograd_matrices(rows, smaller(s.tiles.count, most), s.ins);
    s.d = lfi_conv2d_winograd_matrices(rows, smaller(s.tiles.count, most), s.outs);
    if (squares < LEAST_SQUARES)
        s.sums =
            lfi_conv2d_round(s.chunks * rows * TAPS * c->in_channels * c->out_channels);
    return s;
}

int64_t lfi_conv2d_winograd_squares_slot(const struct lfi_winograd_squares *s)
{
    const int64_t rows = s->tiles.outputs + 2;
    const int64_t line =
        LFI_WINOGRAD_HALF(s->tiles.outputs) * (s->ins > s->outs ? s->ins : s->outs);
    const int64_t halves = s->sums > 0 ? 0 : TAPS;

    return lfi_conv2d_round(s->v.floats + s->d.floats + line +
                            (1 + halves) * rows * s->ins * s->outs);
}

static struct square square_of(const struct job *job, int64_t index)
{
    const struct lfi_winograd_squares *s = job->squares;
    const int64_t in = index / job->across * s->ins, out = index % job->across * s->outs;
    struct square square = {in, out, smaller(s->ins, job->conv->in_channels - in),
                            smaller(s->outs, job->conv->out_channels - out), NULL};

    if (job->sums != NULL)
        square.halves = job->sums + job->rows * TAPS *
                                        (in * job->conv->out_channels + square.ins * out);
    return square;
}

static float *half_of(const struct job *job, int64_t chunk, const struct square *square,
                      int64_t row)
{
    const int64_t all = job->conv->in_channels * job->conv->out_channels;

    return square->halves +
           TAPS * (chunk * job->rows * all + row * square->ins * square->outs);
}

/* ---- a square at a row of points -------------------------------------------------------------- */

static void load(const struct job *job, const struct square *square, int64_t row,
                 int64_t first, int64_t count, float *v, float *d, float *half)
{
    const struct lfi_winograd_squares *s = job->squares;
    const struct lfi_winograd_part ins = {row, square->in, square->ins, false};
    const struct lfi_winograd_part outs = {row, square->out, square->outs, true};

    lfi_conv2d_winograd_load_row(job->env, &s->tiles, &job->x, &ins, job->conv->x, first,
                                 count, &s->v, half, v);
    lfi_conv2d_winograd_load_row(job->env, &s->tiles, &job->dy, &outs, job->conv->dy,
                                 first, count, &s->d, half, d);
}

static void multiply(const struct job *job, const struct square *square, const float *v,
                     const float *d, int64_t count, float *w, bool accumulate)
{
    static const int64_t start = 0;
    const struct lfi_winograd_squares *s = job->squares;
    int64_t point;

    for (point = 0; point < job->rows; point++) {
        const struct lfi_gemm_tile tile = {
            .a = v + point * s->v.point,
            .b = d + point * s->d.point,
            .c = w + point * square->ins * square->outs,
            .a_tap = &start,
            .b_tap = &start,
            .taps = 1,
            .steps = count,
            .rows = square->ins,
            .cols = square->outs,
            .a_row = 1,
            .a_step = s->v.row,
            .b_step = s->d.row,
            .c_row = square->outs,
            .accumulate = accumulate,
        };

        job->env->kernels->gemm_f32(&tile);
    }
}

/* All ins and outs of the square at once: they are one line of columns. */
static void halve(const struct job *job, const struct square *square, const float *w,
                  float *half)
{
    const struct lfi_winograd_tile tile = {
        .from = w,
        .to = half,
        .from_col = square->ins * square->outs,
        .to_col = square->ins * square->outs,
        .width = square->ins * square->outs,
        .outputs = (int32_t)job->squares->tiles.outputs,
        .kind = LFI_WINOGRAD_WEIGHT_GRADIENT,
    };

    job->env->kernels->winograd_half_f32(&tile);
}

/* The half of a row, of one chunk. */
static void run_row(const struct job *job, const struct square *square, int64_t chunk,
                    int64_t row, int32_t slot)
{
    const struct lfi_winograd_squares *s = job->squares;
    const int64_t begin = chunk * s->tiles.count / s->chunks;
    const int64_t end = (chunk + 1) * s->tiles.count / s->chunks;
    float *w = job->slots + slot * lfi_conv2d_winograd_squares_slot(s);
    float *v = w + job->rows * s->ins * s->outs, *d = v + s->v.floats;
    int64_t first;

    for (first = begin; first < end; first += s->block) {
        const int64_t tiles = smaller(s->block, end - first);

        load(job, square, row, first, tiles, v, d, d + s->d.floats);
        multiply(job, square, v, d, tiles, w, first > begin);
    }
    halve(job, square, w, half_of(job, chunk, square, row));
}

static void row_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t row = index % job->rows, rest = index / job->rows;
    const struct square square = square_of(job, rest % job->count);

    run_row(job, &square, rest / job->count, row, slot);
}

/* ---- dw --------------------------------------------------------------------------------------- */

/* One in and a panel of outs: the second half, of all chunks, to (tap, out of the panel). */
static void finish_line(const struct job *job, const struct square *square, int64_t in,
                        int64_t out, int64_t width, float *taps)
{
    const int64_t size = square->ins * square->outs;
    const int64_t at = (in - square->in) * square->outs + out - square->out;
    int64_t chunk, col;

    for (chunk = 0; chunk < job->squares->chunks; chunk++)
        for (col = 0; col < TAPS; col++) {
            const struct lfi_winograd_tile tile = {
                .from = half_of(job, chunk, square, 0) + col * size + at,
                .to = taps + col * PANEL,
                .from_col = TAPS * size,
                .to_col = TAPS * PANEL,
                .width = width,
                .outputs = (int32_t)job->squares->tiles.outputs,
                .kind = LFI_WINOGRAD_WEIGHT_GRADIENT,
                .accumulate = chunk > 0,
            };

            job->env->kernels->winograd_half_f32(&tile);
        }
}

/* A strip of ins from `in` on by a panel of outs from `out` on. */
static void finish_strip(const struct job *job, const struct square *square, int64_t in,
                         int64_t out)
{
    const int64_t count = smaller(STRIP, square->in + square->ins - in);
    const int64_t width = smaller(PANEL, square->out + square->outs - out);
    float taps[STRIP * AREA * PANEL];
    int64_t i;

    for (i = 0; i < count; i++)
        finish_line(job, square, in + i, out, width, taps + i * AREA * PANEL);
    lfi_conv2d_winograd_put_taps(job->env, job->conv, taps, in, count, out, width);
}

static void strip_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_winograd_squares *s = job->squares;
    const int64_t strips = parts_of(job->conv->in_channels, STRIP);
    const int64_t in = index % strips * STRIP, out = index / strips * PANEL;
    const struct square square =
        square_of(job, in / s->ins * job->across + out / s->outs);

    (void)slot;
    finish_strip(job, &square, in, out);
}

/* ---- all of a square -------------------------------------------------------------------------- */

static void square_task(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t floats = lfi_conv2d_winograd_squares_slot(job->squares);
    struct square square = square_of(job, index);
    int64_t row, in, out;

    square.halves = job->slots + (slot + 1) * floats -
                    lfi_conv2d_round(job->rows * TAPS * square.ins * square.outs);
    for (row = 0; row < job->rows; row++)
        run_row(job, &square, 0, row, slot);
    for (out = square.out; out < square.out + square.outs; out += PANEL)
        for (in = square.in; in < square.in + square.ins; in += STRIP)
            finish_strip(job, &square, in, out);
}

lfuse_status lfi_conv2d_winograd_squares_run(const struct lfi_env *env,
                                             const struct lfi_conv2d *c,
                                             const struct lfi_winograd_squares *squares,
                                             float *sums, float *slots, lfuse_error *err)
{
    struct job job = {
        .env = env,
        .conv = c,
        .squares = squares,
        .x = {c->in_channels, c->height, c->width, c->pad_top, c->pad_left},
        .dy = {c->out_channels, c->out_h, c->out_w, 0, 0},
        .rows = squares->tiles.outputs + 2,
        .across = parts_of(c->out_channels, squares->outs),
        .slots = slots,
    };
    lfuse_status status;

    job.count = parts_of(c->in_channels, squares->ins) * job.across;
    if (squares->sums == 0)
        return lfi_parallel_for(env, job.count, square_task, &job, err);
    job.sums = sums;
    status = lfi_parallel_for(env, squares->chunks * job.count * job.rows, row_task, &job,
                              err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(
            env, parts_of(c->in_channels, STRIP) * parts_of(c->out_channels, PANEL),
            strip_task, &job, err);
    return status;
}
