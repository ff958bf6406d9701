/*
 * centred_gram.c - the lower triangle of K = X X', of a weight's rows, about centred
 *
 * Every user of K is blind to a shift common to all rows, so the columns of X need not be
 * centred exactly: only so far that K's digits are not spent on the shift. f32 and narrower
 * data loses, in f32, the mean of some of its rows. Sums of STEPS products are then f32, sums
 * of those f64: with u = 2^-24 an entry is off by at most (STEPS + 4) u of that of absolute
 * values. f64 data is centred and multiplied in f64.
 *
 * Steps are packed in strips of STRIP rows that the micro-kernel reads in one go. The work is
 * spread over env's threads.
 */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

enum { STRIP = 32, STEPS = 512, PART = 64, SAMPLE = 16 };

struct work {
    const struct lfi_env *env;
    const struct lfi_view *view;
    struct lfi_block whole;
    int64_t strips;
    bool wide;
    bool direct; /* dense f32 */
    bool plain;  /* and about centred, at a scale that suits f32, as it is */
    struct lfi_centred centred; /* of f64 data */
    double *line;               /* (columns) */
    float *origin;              /* (columns): what is subtracted from narrow data */
    float *row;                 /* (columns) */
    float *sum;                 /* (columns) */
    double apart;               /* the mean squared distance of rows from the first */
    float scale;                /* a power of two: |x - origin| scale is below 2 */
    void *panel;                /* (strips, STEPS, STRIP) */
    double *k;                  /* (rows, rows) */
    int64_t first;              /* the panel's steps */
    int64_t steps;
};

static void lay_out(struct work *w, const struct lfi_weight *weight,
                    struct lfi_arena *arena)
{
    w->view = &weight->view;
    w->whole = lfi_block_whole(&weight->view);
    w->strips = (w->whole.rows + STRIP - 1) / STRIP;
    w->wide = weight->view.dtype == LFUSE_F64;
    w->direct = weight->view.dtype == LFUSE_F32 && lfi_view_is_array(&weight->view);
    w->centred.view = w->view;
    if (w->wide) {
        lfi_centred_lay_out(&w->centred, &w->whole, arena);
        w->line = lfi_arena_take(arena, 1, w->whole.columns);
    } else {
        w->origin = lfi_arena_take(arena, 1, w->whole.columns);
        w->row = lfi_arena_take(arena, 1, w->whole.columns);
        w->sum = lfi_arena_take(arena, 1, w->whole.columns);
    }
    w->panel = lfi_arena_take(arena, w->strips * STRIP, STEPS);
}

bool lfi_centred_gram_scratch(const struct lfi_weight *weight, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct work w = {0};

    lay_out(&w, weight, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* origin = the mean of every `stride`-th row; the largest difference of theirs from the first. */
static float measure_narrow(struct work *w, int64_t stride)
{
    int64_t columns = w->whole.columns, count = (w->whole.rows - 1) / stride + 1, i, j;
    float largest = 0.0f;

    w->apart = 0.0;
    lfi_view_read_f32(w->view, 0, columns, w->origin);
    for (j = 0; j < columns; j++)
        w->sum[j] = 0.0f;
    for (i = 1; i < count; i++) {
        lfi_view_read_f32(w->view, i * stride * columns, columns, w->row);
        for (j = 0; j < columns; j++) {
            float d = w->row[j] - w->origin[j], size = fabsf(d);

            w->sum[j] += d;
            w->apart += (double)d * (double)d / (double)(count - 1);
            largest = size > largest ? size : largest;
        }
    }
    for (j = 0; j < columns; j++)
        w->origin[j] += w->sum[j] / (float)count;
    return largest;
}

/*
 * The mean m of the rows adds n |m|^2 to the norm of K, of which sqrt(n) of the rows' squared
 * distances from m are left in the end: no more than 8 times that costs K three binary digits.
 */
static bool is_about_centred(const struct work *w)
{
    double mean = 0.0;
    int64_t j;

    for (j = 0; j < w->whole.columns; j++)
        mean += (double)w->origin[j] * (double)w->origin[j];
    return mean * sqrt((double)w->whole.rows) <= 4.0 * w->apart;
}

/*
 * false: all rows are equal, or numbers are not finite, or too large for f32's squares. Of
 * narrow data some rows have been looked at: others may leave K without a number.
 */
static bool prepare(struct work *w)
{
    float largest;
    int exponent;

    if (w->wide) {
        lfi_centred_prepare(&w->centred, &w->whole, w->line);
        return !w->centred.constant && lfi_view_find_not_finite(w->view) < 0;
    }
    largest = measure_narrow(w, (w->whole.rows - 1) / SAMPLE + 1);
    if (largest == 0.0f) /* equal by chance? */
        largest = measure_narrow(w, 1);
    if (!(largest > 0.0f && largest < 0x1p120f))
        return false;
    (void)frexpf(largest, &exponent);
    w->scale = ldexpf(1.0f, exponent < -120 ? 120 : -exponent);
    w->plain = w->direct && exponent > -30 && exponent < 30 && is_about_centred(w);
    return true;
}

/* Steps [at, at + PART) of the panel of one row, about centred; 0 beyond the last row. */
static void read_part(const struct work *w, int64_t row, int64_t at, int64_t count,
                      float *line)
{
    const float *origin = w->origin + w->first + at;
    int64_t element = row * w->whole.columns + w->first + at, j;
    const float *x = line;

    if (row >= w->whole.rows) {
        memset(line, 0, PART * sizeof(*line));
        return;
    }
    if (w->direct)
        x = (const float *)w->view->data + element;
    else
        lfi_view_read_f32(w->view, element, count, line);
    for (j = 0; j < count; j++)
        line[j] = (x[j] - origin[j]) * w->scale;
}

/* The strip's rows in the panel's steps, step by step: as they lie in memory. */
static void pack_plain(const struct work *w, int64_t strip)
{
    float *to = (float *)w->panel + strip * STRIP * STEPS;
    int64_t first = strip * STRIP, columns = w->whole.columns;
    int64_t rows = w->whole.rows - first < STRIP ? w->whole.rows - first : STRIP;

    if (rows < STRIP)
        memset(to, 0, STRIP * STEPS * sizeof(*to));
    w->env->kernels->transpose_f32((const float *)w->view->data + first * columns +
                                       w->first,
                                   rows, w->steps, columns, to, STRIP);
}

/* The same of rows that are centred and scaled on the way. */
static void pack_narrow(const struct work *w, int64_t strip)
{
    float *to = (float *)w->panel + strip * STRIP * STEPS, lines[STRIP][PART];
    int64_t at, count, r;

    for (at = 0; at < w->steps; at += count) {
        count = w->steps - at < PART ? w->steps - at : PART;
        for (r = 0; r < STRIP; r++)
            read_part(w, strip * STRIP + r, at, count, lines[r]);
        w->env->kernels->transpose_f32(lines[0], STRIP, count, PART, to + at * STRIP,
                                       STRIP);
    }
}

static void pack_wide(const struct work *w, int64_t strip)
{
    double *to = (double *)w->panel + strip * STRIP * STEPS, line[STEPS];
    int64_t row = strip * STRIP, r, j;

    for (r = 0; r < STRIP; r++, row++) {
        if (row < w->whole.rows)
            lfi_centred_read(&w->centred, row, w->first, w->steps, line);
        else
            memset(line, 0, sizeof(line));
        for (j = 0; j < w->steps; j++)
            to[j * STRIP + r] = line[j];
    }
}

static void pack_strip(void *arg, int64_t strip, int32_t slot)
{
    const struct work *w = arg;

    (void)slot;
    (w->wide ? pack_wide : w->plain ? pack_plain : pack_narrow)(w, strip);
}

/* tile = P'Q over the steps of two strips; of one and itself, not of the upper right quarter. */
static void multiply_narrow(const struct work *w, const float *p, const float *q,
                            float *tile)
{
    const int64_t tap = 0;
    struct lfi_gemm_tile g = {
        .a = p,
        .b = q,
        .c = tile,
        .a_tap = &tap,
        .b_tap = &tap,
        .taps = 1,
        .steps = w->steps,
        .rows = STRIP,
        .cols = STRIP,
        .a_row = 1,
        .a_step = STRIP,
        .b_step = STRIP,
        .c_row = STRIP,
    };

    if (p == q) {
        g.rows = g.cols = STRIP / 2;
        w->env->kernels->gemm_f32(&g);
        g.a += STRIP / 2;
        g.c += STRIP / 2 * STRIP;
        g.cols = STRIP;
    }
    w->env->kernels->gemm_f32(&g);
}

enum { WIDE_ROWS = 2, WIDE_COLUMNS = 8 };

static void multiply_wide(const struct work *w, const double *p, const double *q,
                          double *tile)
{
    int64_t i, j, s;
    int r, c;

    for (i = 0; i < STRIP; i += WIDE_ROWS)
        for (j = 0; j < STRIP; j += WIDE_COLUMNS) {
            double sum[WIDE_ROWS][WIDE_COLUMNS] = {{0.0}};

            for (s = 0; s < w->steps; s++)
                for (r = 0; r < WIDE_ROWS; r++)
                    for (c = 0; c < WIDE_COLUMNS; c++)
                        sum[r][c] += p[s * STRIP + i + r] * q[s * STRIP + j + c];
            for (r = 0; r < WIDE_ROWS; r++)
                memcpy(tile + (i + r) * STRIP + j, sum[r], sizeof(sum[r]));
        }
}

static void add_tile_narrow(const struct work *w, int64_t i, int64_t j, int64_t rows,
                            int64_t columns, double *k)
{
    const float *panel = w->panel;
    float tile[STRIP * STRIP];
    int64_t r;

    multiply_narrow(w, panel + i * STRIP * STEPS, panel + j * STRIP * STEPS, tile);
    for (r = 0; r < rows; r++)
        w->env->kernels->add_to_f64(tile + r * STRIP, i == j ? r + 1 : columns,
                                    k + r * w->whole.rows);
}

static void add_tile_wide(const struct work *w, int64_t i, int64_t j, int64_t rows,
                          int64_t columns, double *k)
{
    const double *panel = w->panel;
    double tile[STRIP * STRIP];
    int64_t r, c;

    multiply_wide(w, panel + i * STRIP * STEPS, panel + j * STRIP * STEPS, tile);
    for (r = 0; r < rows; r++)
        for (c = 0; c < columns; c++)
            k[r * w->whole.rows + c] += tile[r * STRIP + c];
}

static void add_tile(const struct work *w, int64_t i, int64_t j)
{
    int64_t n = w->whole.rows;
    int64_t rows = n - i * STRIP < STRIP ? n - i * STRIP : STRIP;
    int64_t columns = n - j * STRIP < STRIP ? n - j * STRIP : STRIP;

    (w->wide ? add_tile_wide : add_tile_narrow)(w, i, j, rows, columns,
                                                w->k + i * STRIP * n + j * STRIP);
}

/* Row `strips - 1 - index` of tiles, up to the diagonal: the longest first. */
static void multiply_row(void *arg, int64_t index, int32_t slot)
{
    const struct work *w = arg;
    int64_t i = w->strips - 1 - index, j;

    (void)slot;
    for (j = 0; j <= i; j++)
        add_tile(w, i, j);
}

lfuse_status lfi_centred_gram(const struct lfi_env *env, const struct lfi_weight *weight,
                              void *scratch, double *k, bool *usable, lfuse_error *err)
{
    struct lfi_arena arena = {.base = scratch, .fits = true};
    struct work w = {.env = env, .k = k};
    lfuse_status status = LFUSE_OK;
    int64_t n;

    lay_out(&w, weight, &arena);
    n = w.whole.rows;
    *usable = prepare(&w);
    if (!*usable)
        return LFUSE_OK;
    memset(k, 0, (size_t)(n * n) * sizeof(*k));
    for (; w.first < w.whole.columns && status == LFUSE_OK; w.first += w.steps) {
        w.steps = w.whole.columns - w.first < STEPS ? w.whole.columns - w.first : STEPS;
        status = lfi_parallel_for(env, w.strips, pack_strip, &w, err);
        if (status == LFUSE_OK)
            status = lfi_parallel_for(env, w.strips, multiply_row, &w, err);
    }
    return status;
}
