/* rows.c - the rows of two weights as points: see rows.h */
#include "similarity/rows.h"

#include <math.h>

enum {
    BLOCK = 128,
    CHUNK = 256,
    PITCH = CHUNK + 16,
    LEAST_EXPONENT = -1000
}; /* its scale, 2^1000, is still a number */

void lfi_rows_lay_out(struct lfi_rows *rows, const struct lfi_view *view,
                      struct lfi_arena *arena)
{
    rows->view = view;
    rows->rows = view->dims[0];
    rows->columns = lfi_view_elements(view) / view->dims[0];
    rows->scale = 1.0;
    rows->softmax = false;
    rows->top = lfi_arena_take(arena, 1, rows->rows);
    rows->mass = lfi_arena_take(arena, 1, rows->rows);
}

void lfi_rows_read(const struct lfi_rows *rows, int64_t i, int64_t column, int64_t count,
                   double *line)
{
    int64_t j;

    lfi_view_read_f64(rows->view, i * rows->columns + column, count, line);
    if (rows->softmax)
        for (j = 0; j < count; j++)
            line[j] = exp(line[j] - rows->top[i]) / rows->mass[i];
    else
        for (j = 0; j < count; j++)
            line[j] *= rows->scale;
}

/* A scale that f32 does not have, or numbers that are not the data's, go through f64. */
void lfi_rows_read_f32(const struct lfi_rows *rows, int64_t i, int64_t column,
                       int64_t count, float *line)
{
    const float scale = (float)rows->scale;
    double block[BLOCK];
    int64_t first, j, n;

    if (!rows->softmax && isnormal(scale)) {
        lfi_view_read_f32(rows->view, i * rows->columns + column, count, line);
        for (j = 0; j < count && scale != 1.0f; j++)
            line[j] *= scale;
        return;
    }
    for (first = 0; first < count; first += n) {
        n = count - first < BLOCK ? count - first : BLOCK;
        lfi_rows_read(rows, i, column + first, n, block);
        for (j = 0; j < n; j++)
            line[first + j] = (float)block[j];
    }
}

int64_t lfi_rows_pitch(int64_t count)
{
    return ((count + 15) / 16 | 1) * 16;
}

/* Has the processor fetch what is read next: rows are too far apart for it to guess. */
static void fetch(const struct lfi_rows *rows, int64_t i, int64_t column)
{
    int64_t size = (int64_t)lfi_dtype_size(rows->view->dtype), byte;
    int64_t left = rows->columns - column < CHUNK ? rows->columns - column : CHUNK;
    const char *data = rows->view->data;

    if (left <= 0 || !lfi_view_is_dense(rows->view))
        return;
    data += (i * rows->columns + column) * size;
    for (byte = 0; byte < left * size; byte += LFI_ALIGN)
        __builtin_prefetch(data + byte);
}

void lfi_rows_multiply(const struct lfi_kernels *kernels, const struct lfi_rows *rows,
                       int64_t first, int64_t count, const float *steps, int64_t columns,
                       float *out)
{
    const int64_t tap = 0;
    float values[LFI_ROWS_TILE * PITCH];
    struct lfi_gemm_tile tile = {
        .c = out,
        .a_tap = &tap,
        .b_tap = &tap,
        .taps = 1,
        .rows = count,
        .cols = columns,
        .a_row = PITCH,
        .a_step = 1,
        .b_step = lfi_rows_pitch(columns),
        .c_row = columns,
    };
    int64_t column, i;

    for (column = 0; column < rows->columns; column += tile.steps) {
        int64_t in_chunk = column % CHUNK, left = rows->columns - column;

        if (in_chunk == 0)
            for (i = 0; i < count; i++) {
                lfi_rows_read_f32(rows, first + i, column, left < CHUNK ? left : CHUNK,
                                  values + i * PITCH);
                fetch(rows, first + i, column + CHUNK);
            }
        tile.a = values + in_chunk;
        tile.b = steps + column * tile.b_step;
        tile.steps = left < LFI_ROWS_STEPS ? left : LFI_ROWS_STEPS;
        tile.accumulate = column > 0;
        kernels->gemm_f32(&tile);
    }
}

static double largest(const struct lfi_rows *rows, double *line)
{
    double most = 0.0;
    int64_t i, j;

    for (i = 0; i < rows->rows; i++) {
        lfi_view_read_f64(rows->view, i * rows->columns, rows->columns, line);
        for (j = 0; j < rows->columns; j++)
            most = fabs(line[j]) > most ? fabs(line[j]) : most;
    }
    return most;
}

static void normalise(struct lfi_rows *rows, double *line)
{
    int64_t i, j;

    rows->softmax = true;
    for (i = 0; i < rows->rows; i++) {
        lfi_view_read_f64(rows->view, i * rows->columns, rows->columns, line);
        rows->top[i] = line[0];
        for (j = 1; j < rows->columns; j++)
            rows->top[i] = fmax(rows->top[i], line[j]);
        rows->mass[i] = 0.0;
        for (j = 0; j < rows->columns; j++)
            rows->mass[i] += exp(line[j] - rows->top[i]);
    }
}

lfuse_status lfi_rows_prepare(struct lfi_rows *a, struct lfi_rows *c,
                              const struct lfi_comparison *pair, double *line,
                              int *exponent, lfuse_error *err)
{
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    double a_most, c_most;

    if (status != LFUSE_OK)
        return status;
    a_most = largest(a, line);
    c_most = largest(c, line);
    if (a_most == 0.0 || c_most == 0.0)
        return lfi_fail(err, LFUSE_ERR_DEGENERATE, "%s: %s (%lld, %lld) is all zero",
                        lfi_metric_find(pair->params.metric)->name,
                        a_most == 0.0 ? pair->a_name : pair->c_name,
                        (long long)(a_most == 0.0 ? a : c)->rows, (long long)a->columns);
    *exponent = 0;
    if (pair->params.softmax_rows) {
        normalise(a, line);
        normalise(c, line);
        return LFUSE_OK;
    }
    (void)frexp(fmax(a_most, c_most), exponent);
    *exponent = *exponent < LEAST_EXPONENT ? LEAST_EXPONENT : *exponent;
    a->scale = c->scale = ldexp(1.0, -*exponent);
    return LFUSE_OK;
}

bool lfi_rows_equal(const struct lfi_rows *a, const struct lfi_rows *c, double *lines)
{
    int64_t i;

    if (a->rows != c->rows)
        return false;
    for (i = 0; i < a->rows; i++) {
        lfi_rows_read(a, i, 0, a->columns, lines);
        lfi_rows_read(c, i, 0, a->columns, lines + a->columns);
        if (!lfi_vectors_equal(lines, lines + a->columns, a->columns))
            return false;
    }
    return true;
}

double lfi_power_mean(const double *distance, const double *weight, int64_t n, double p)
{
    double most = 0.0, sum = 0.0;
    int64_t i;

    for (i = 0; i < n; i++)
        most = distance[i] > most ? distance[i] : most;
    if (most == 0.0)
        return 0.0;
    for (i = 0; i < n; i++) {
        double share = distance[i] / most;
        double power = p == 2.0 ? share * share : p == 1.0 ? share : pow(share, p);

        sum += weight != NULL ? weight[i] * power : power / (double)n;
    }
    return most * (p == 2.0 ? sqrt(sum) : p == 1.0 ? sum : pow(sum, 1.0 / p));
}
