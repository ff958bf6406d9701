/* winograd_scalar.c - the transforms as they are defined: T in T', T a table of winograd.h */
#include "kernels/entries.h"
#include "kernels/winograd_tables.h"

static bool is_inside(const struct lfi_winograd_tile *t, int64_t row, int64_t col)
{
    return row >= t->first_row && row < t->end_row && col >= t->first_col &&
           col < t->end_col;
}

static void put(const struct lfi_winograd_tile *t, int64_t row, int64_t col, int64_t j,
                float value)
{
    float *to = t->to + row * t->to_row + col * t->to_col + j;

    if (t->kind == LFI_WINOGRAD_OUTPUT) {
        if (!is_inside(t, row, col))
            return;
        if (t->accumulate)
            value += *to;
    }
    *to = value;
}

static void run_column(const struct lfi_winograd_tile *t, const struct transform *f,
                       int64_t j)
{
    const bool pixels =
        t->kind == LFI_WINOGRAD_INPUT || t->kind == LFI_WINOGRAD_OUTPUT_GRADIENT;
    float half[MOST_POINTS][MOST_POINTS];
    int32_t r, c, k;

    for (r = 0; r < f->outs; r++)
        for (c = 0; c < f->ins; c++) {
            half[r][c] = 0.0f;
            for (k = 0; k < f->ins; k++)
                if (entry(f, r, k) != 0.0f && (!pixels || is_inside(t, k, c)))
                    half[r][c] +=
                        entry(f, r, k) * t->from[k * t->from_row + c * t->from_col + j];
        }
    for (r = 0; r < f->outs; r++)
        for (c = 0; c < f->outs; c++) {
            float sum = 0.0f;

            for (k = 0; k < f->ins; k++)
                if (entry(f, c, k) != 0.0f)
                    sum += entry(f, c, k) * half[r][k];
            put(t, r, c, j, sum);
        }
}

/* out = T in */
static void run_line(const struct transform *f, const float *in, float *out)
{
    int32_t c, k;

    for (c = 0; c < f->outs; c++) {
        out[c] = 0.0f;
        for (k = 0; k < f->ins; k++)
            if (entry(f, c, k) != 0.0f)
                out[c] += entry(f, c, k) * in[k];
    }
}

void lfi_winograd_half_f32__scalar(const struct lfi_winograd_tile *t)
{
    const struct transform f = transform_of(t->kind, t->outputs);
    float in[MOST_POINTS], out[MOST_POINTS];
    int64_t j;
    int32_t r, c;

    for (j = 0; j < t->width; j++) {
        for (c = 0; c < f.ins; c++)
            in[c] = t->from[c * t->from_col + j];
        run_line(&f, in, out);
        for (c = 0; c < f.outs; c++) {
            float *to = t->to + c * t->to_col + j;

            if (t->kind != LFI_WINOGRAD_OUTPUT) {
                *to = t->accumulate ? *to + out[c] : out[c];
                continue;
            }
            for (r = 0; r < f.outs; r++)
                if (entry(&f, r, t->row) != 0.0f)
                    put(t, r, c, j, entry(&f, r, t->row) * out[c]);
                else if (!t->accumulate)
                    put(t, r, c, j, 0.0f);
        }
    }
}

/* One channel of a column of the image: row l->row of T times it. */
static float column_sum(const struct lfi_winograd_line *l, const struct transform *f,
                        int64_t col, int64_t j)
{
    float sum = 0.0f;
    int32_t k;

    for (k = 0; k < f->ins && col >= 0 && col < l->cols; k++)
        if (entry(f, l->row, k) != 0.0f && k >= l->first_row && k < l->end_row)
            sum += entry(f, l->row, k) * l->from[k * l->from_row + col * l->from_col + j];
    return sum;
}

void lfi_winograd_line_f32__scalar(const struct lfi_winograd_line *l)
{
    const struct transform f = transform_of(
        l->gradient ? LFI_WINOGRAD_OUTPUT_GRADIENT : LFI_WINOGRAD_INPUT, l->outputs);
    float in[MOST_POINTS], out[MOST_POINTS];
    int64_t i, j;
    int32_t c;

    for (i = 0; i < l->tiles; i++)
        for (j = 0; j < l->width; j++) {
            for (c = 0; c < f.ins; c++)
                in[c] = column_sum(l, &f, l->first + i * l->outputs + c, j);
            run_line(&f, in, out);
            for (c = 0; c < f.outs; c++)
                l->to[i * l->to_tile + c * l->to_point + j] = out[c];
        }
}

void lfi_winograd_f32__scalar(const struct lfi_winograd_tile *tile)
{
    const struct transform f = transform_of(tile->kind, tile->outputs);
    int64_t j;

    for (j = 0; j < tile->width; j++)
        run_column(tile, &f, j);
}
