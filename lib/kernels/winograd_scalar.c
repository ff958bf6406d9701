/* winograd_scalar.c - the transforms as they are defined: T in T', T a table of winograd.h */
#include "kernels/winograd.h"
#include "kernels/entries.h"

typedef float table[MOST_POINTS][MOST_POINTS];

static const table input_4 = {
    {AB2, 0, -A2_PLUS_B2, 0, 1, 0},        {0, -POINT_A *B2, -B2, POINT_A, 1, 0},
    {0, POINT_A *B2, -B2, -POINT_A, 1, 0}, {0, -POINT_B *A2, -A2, POINT_B, 1, 0},
    {0, POINT_B *A2, -A2, -POINT_B, 1, 0}, {0, AB2, 0, -A2_PLUS_B2, 0, 1},
};
static const table weight_4 = {
    {INVERSE_0, 0, 0},
    {INVERSE_A, INVERSE_A *POINT_A, INVERSE_A *A2},
    {INVERSE_A, -INVERSE_A *POINT_A, INVERSE_A *A2},
    {INVERSE_B, INVERSE_B *POINT_B, INVERSE_B *B2},
    {INVERSE_B, -INVERSE_B *POINT_B, INVERSE_B *B2},
    {0, 0, 1},
};
static const table output_4 = {
    {1, 1, 1, 1, 1, 0},
    {0, POINT_A, -POINT_A, POINT_B, -POINT_B, 0},
    {0, A2, A2, B2, B2, 0},
    {0, A3, -A3, B3, -B3, 1},
};
static const table input_2 = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const table weight_2 = {
    {-1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
static const table output_2 = {{1, 1, 1, 0}, {0, 1, -1, 1}};

/* A table, its sizes, and whether it is read transposed. */
struct transform {
    const table *table;
    int32_t ins, outs;
    bool transposed;
};

static struct transform transform_of(const struct lfi_winograd_tile *t)
{
    const int32_t m = t->outputs, points = m + TAPS - 1;
    const table *input = m == 4 ? &input_4 : &input_2;
    const table *weight = m == 4 ? &weight_4 : &weight_2;
    const table *output = m == 4 ? &output_4 : &output_2;

    switch (t->kind) {
    case LFI_WINOGRAD_INPUT: return (struct transform){input, points, points, false};
    case LFI_WINOGRAD_WEIGHT: return (struct transform){weight, TAPS, points, false};
    case LFI_WINOGRAD_OUTPUT: return (struct transform){output, points, m, false};
    case LFI_WINOGRAD_OUTPUT_GRADIENT: return (struct transform){output, m, points, true};
    default: return (struct transform){weight, points, TAPS, true};
    }
}

static float entry(const struct transform *f, int32_t out, int32_t in)
{
    return f->transposed ? (*f->table)[in][out] : (*f->table)[out][in];
}

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

void lfi_winograd_f32__scalar(const struct lfi_winograd_tile *tile)
{
    const struct transform f = transform_of(tile);
    int64_t j;

    for (j = 0; j < tile->width; j++)
        run_column(tile, &f, j);
}
