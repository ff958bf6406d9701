/*
 * winograd_tables.h - the matrices of winograd.h; only winograd_*.c include it
 */
#ifndef LFI_KERNELS_WINOGRAD_TABLES_H
#define LFI_KERNELS_WINOGRAD_TABLES_H

#include "kernels/kernels.h"
#include "kernels/winograd.h"

typedef float winograd_table[MOST_POINTS][MOST_POINTS];

static const winograd_table table_input_4 = {
    {AB2, 0, -A2_PLUS_B2, 0, 1, 0},        {0, -POINT_A *B2, -B2, POINT_A, 1, 0},
    {0, POINT_A *B2, -B2, -POINT_A, 1, 0}, {0, -POINT_B *A2, -A2, POINT_B, 1, 0},
    {0, POINT_B *A2, -A2, -POINT_B, 1, 0}, {0, AB2, 0, -A2_PLUS_B2, 0, 1},
};
static const winograd_table table_weight_4 = {
    {INVERSE_0, 0, 0},
    {INVERSE_A, INVERSE_A *POINT_A, INVERSE_A *A2},
    {INVERSE_A, -INVERSE_A *POINT_A, INVERSE_A *A2},
    {INVERSE_B, INVERSE_B *POINT_B, INVERSE_B *B2},
    {INVERSE_B, -INVERSE_B *POINT_B, INVERSE_B *B2},
    {0, 0, 1},
};
static const winograd_table table_output_4 = {
    {1, 1, 1, 1, 1, 0},
    {0, POINT_A, -POINT_A, POINT_B, -POINT_B, 0},
    {0, A2, A2, B2, B2, 0},
    {0, A3, -A3, B3, -B3, 1},
};
static const winograd_table table_input_2 = {
    {-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const winograd_table table_weight_2 = {
    {-1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
static const winograd_table table_output_2 = {{1, 1, 1, 0}, {0, 1, -1, 1}};

/* T: a table, its sizes, and whether it is read transposed. */
struct transform {
    const winograd_table *table;
    int32_t ins, outs;
    bool transposed;
};

static inline struct transform transform_of(enum lfi_winograd_kind kind, int32_t m)
{
    const int32_t points = m + TAPS - 1;
    const winograd_table *input = m == 4 ? &table_input_4 : &table_input_2;
    const winograd_table *weight = m == 4 ? &table_weight_4 : &table_weight_2;
    const winograd_table *output = m == 4 ? &table_output_4 : &table_output_2;

    switch (kind) {
    case LFI_WINOGRAD_INPUT: return (struct transform){input, points, points, false};
    case LFI_WINOGRAD_WEIGHT: return (struct transform){weight, TAPS, points, false};
    case LFI_WINOGRAD_OUTPUT: return (struct transform){output, points, m, false};
    case LFI_WINOGRAD_OUTPUT_GRADIENT: return (struct transform){output, m, points, true};
    default: return (struct transform){weight, points, TAPS, true};
    }
}

static inline float entry(const struct transform *f, int32_t out, int32_t in)
{
    return f->transposed ? (*f->table)[in][out] : (*f->table)[out][in];
}

#endif
