/*
 * rows.h - the rows of two weights as points, and all distances between them
 *
 * What the transport metrics share. Values are read at one scale for both weights, a power of
 * two that makes the largest about 1, so that squares stay in range; with softmax, each row x
 * becomes exp(x) / sum exp(x), and the scale is 1. Equal weights are found before anything is
 * rounded.
 */
#ifndef LFI_SIMILARITY_ROWS_H
#define LFI_SIMILARITY_ROWS_H

#include "similarity/parts.h"

struct lfi_rows {
    const struct lfi_view *view;
    int64_t rows;
    int64_t columns;
    double scale;
    bool softmax;
    double *top;  /* (rows), for softmax: the largest of a row */
    double *mass; /* (rows): the sum of exp(x - top) */
};

void lfi_rows_lay_out(struct lfi_rows *rows, const struct lfi_view *view,
                      struct lfi_arena *arena);
/* Values of row i from column on. */
void lfi_rows_read(const struct lfi_rows *rows, int64_t i, int64_t column, int64_t count,
                   double *line);
void lfi_rows_read_f32(const struct lfi_rows *rows, int64_t i, int64_t column,
                       int64_t count, float *line);

/* Streams of random numbers, times 2^32. */
enum { LFI_STREAM_DIRECTIONS = 1, LFI_STREAM_CENTROIDS = 2 };

/* From row to row of `count` floats that the gemm kernel steps along: odd numbers of lines. */
int64_t lfi_rows_pitch(int64_t count);
/*
 * out (count, columns): products of up to LFI_ROWS_TILE rows from `first` on with steps, which
 * are (columns of the rows, lfi_rows_pitch(columns)); in f32, in sums of LFI_ROWS_STEPS.
 */
enum { LFI_ROWS_STEPS = 128, LFI_ROWS_TILE = 24 };
void lfi_rows_multiply(const struct lfi_kernels *kernels, const struct lfi_rows *rows,
                       int64_t first, int64_t count, const float *steps, int64_t columns,
                       float *out);

/*
 * Scales both sides, which are laid out: *exponent is that of the scale. LFUSE_ERR_NOT_FINITE,
 * or LFUSE_ERR_DEGENERATE where a side is all zero. line is (columns).
 */
lfuse_status lfi_rows_prepare(struct lfi_rows *a, struct lfi_rows *c,
                              const struct lfi_comparison *pair, double *line,
                              int *exponent, lfuse_error *err);
/* lines is (2, columns). */
bool lfi_rows_equal(const struct lfi_rows *a, const struct lfi_rows *c, double *lines);

/*
 * Squared distances of rows. Wide: of differences, in f64. Else |a|^2 + |c|^2 - 2 a.c of values
 * rounded to f32 once the common mean is taken out, products in sums of LFI_ROWS_STEPS in
 * f32, these added in f64; where more than four bits cancel, of differences as well. An error
 * is then at most 2^-13 of the square, and that of most about 2^-22.
 */
enum { LFI_ROWS_BLOCK = 24 };

struct lfi_distances {
    const struct lfi_kernels *kernels;
    bool wide;
    double *lines;  /* (LFI_ROWS_BLOCK + 1, columns) */
    double *centre; /* (columns) */
    double *a_norm; /* (rows of a): squares */
    double *c_norm;
    float *a_panel; /* (LFI_ROWS_STEPS, pitch) */
    float *c_panel;
    float *strip; /* (LFI_ROWS_BLOCK, rows of c or LFI_ROWS_STEPS) */
};

void lfi_distances_lay_out(struct lfi_distances *d, int64_t a_rows, int64_t c_rows,
                           int64_t columns, struct lfi_arena *arena);
/* out (rows of a, pitch): square[i * pitch + j] is that of row i of a and row j of c. */
void lfi_distances_square(const struct lfi_distances *d, const struct lfi_rows *a,
                          const struct lfi_rows *c, double *square, int64_t pitch);
/* Of one row of each, of differences, in f64. */
double lfi_distances_one(const struct lfi_distances *d, const struct lfi_rows *a,
                         int64_t i, const struct lfi_rows *c, int64_t j);

/* (sum_i weight_i distance_i^p)^(1/p) in range wherever distances are; weight NULL: 1 / n. */
double lfi_power_mean(const double *distance, const double *weight, int64_t n, double p);

#endif
