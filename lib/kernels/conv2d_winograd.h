/*
 * conv2d_winograd.h - what the Winograd passes share; only conv2d_winograd*.c include it
 *
 * The output is cut into tiles of m x m pixels, m = 4 or 2; each sees (m + 2) x (m + 2) pixels of
 * the input, also where these lie outside it and are zero. For each of the (m + 2)^2 points there
 * is then one product over the channels,
 *
 *     M[point] (tiles x outs) = V[point] (tiles x ins) * U[point] (ins x outs)
 *
 * with the transformed inputs V, weights U and, to be transformed back, M. Tiles are numbered
 * through all images; some of them, a block, are worked on together.
 */
#ifndef LFI_KERNELS_CONV2D_WINOGRAD_H
#define LFI_KERNELS_CONV2D_WINOGRAD_H

#include "kernels/conv2d.h"

/* Tiles of a line whose rows of points are made together, and their columns of pixels. */
enum { LFI_WINOGRAD_LINE = 8 };
#define LFI_WINOGRAD_HALF(m) (LFI_WINOGRAD_LINE * (m) + 2)

/* Columns of U that lie side by side: what the widest micro-kernel takes at once. */
enum { LFI_WINOGRAD_PANEL = 32 };

/* Images of one side of the convolution, NHWC, and the square of each tile in them. */
struct lfi_winograd_images {
    int64_t channels;
    int64_t height;
    int64_t width;
    int64_t top; /* the first tile's square begins so many pixels outside */
    int64_t left;
};

struct lfi_winograd_tiles {
    int64_t outputs; /* m */
    int64_t points;  /* (m + 2)^2 */
    int64_t down;    /* tiles of an image */
    int64_t across;
    int64_t count; /* of all images */
};

/* One matrix for each point: a row for each tile of a block. Rows and matrices are odd numbers
 * of cache lines apart, so that neighbours do not fall into the same place of a cache. */
struct lfi_winograd_matrices {
    int64_t row;
    int64_t point;
    int64_t floats;
};

/* Of an output of these sizes. */
struct lfi_winograd_tiles lfi_conv2d_winograd_tiles(int64_t outputs, int64_t batch,
                                                    int64_t out_h, int64_t out_w);
struct lfi_winograd_matrices lfi_conv2d_winograd_matrices(int64_t points, int64_t rows,
                                                          int64_t channels);
/* Transforms the squares of tiles [first, first + count) of images to matrices. */
void lfi_conv2d_winograd_load(const struct lfi_env *env,
                              const struct lfi_winograd_tiles *tiles,
                              const struct lfi_winograd_images *images,
                              enum lfi_winograd_kind kind, const float *data,
                              int64_t first, int64_t count,
                              const struct lfi_winograd_matrices *matrices, float *to);

/* One row of the points, and some of the channels, of inputs or gradients of outputs. */
struct lfi_winograd_part {
    int64_t row;
    int64_t channel;
    int64_t width;
    bool gradient;
};

/* The same of a part: matrices for the m + 2 points of the row. half: scratch for
 * LFI_WINOGRAD_HALF(m) * width floats. */
void lfi_conv2d_winograd_load_row(const struct lfi_env *env,
                                  const struct lfi_winograd_tiles *tiles,
                                  const struct lfi_winograd_images *images,
                                  const struct lfi_winograd_part *part, const float *data,
                                  int64_t first, int64_t count,
                                  const struct lfi_winograd_matrices *matrices,
                                  float *half, float *to);

/* Images that are written, and what follows the sums. */
struct lfi_winograd_output {
    float *data;
    const float *residual; /* or NULL */
    struct lfi_conv2d_epilogue epilogue;
    bool accumulate;
};

/* ---- forward, or backward data ------------------------------------------------------------------ */

struct lfi_winograd_pass {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    const float *from;
    struct lfi_winograd_images source;
    struct lfi_winograd_images target;
    struct lfi_winograd_tiles tiles;
    struct lfi_winograd_output output;
    struct lfi_winograd_matrices v; /* of a block of tiles */
    struct lfi_winograd_matrices m;
    int64_t block;    /* 0: by columns */
    int64_t u_floats; /* of our own */
    const float *u;
    float *blocks; /* V and M, one pair for each slot */
    bool backward;
};

/* A pass of many channels: a task has some columns of M. */
struct lfi_winograd_columns {
    struct lfi_winograd_matrices v; /* of a block of tiles and one row of points */
    struct lfi_winograd_matrices m;
    int64_t ins;    /* that are transformed at a time */
    int64_t outs;   /* of a task */
    int64_t chunks; /* of tiles, for each of the outs */
    int64_t block;
    int64_t u_floats; /* of a slot's own U; 0: it is packed */
    int64_t slot_floats;
};

struct lfi_winograd_columns
lfi_conv2d_winograd_columns(const struct lfi_winograd_pass *p);
lfuse_status lfi_conv2d_winograd_columns_run(const struct lfi_winograd_pass *p,
                                             const struct lfi_winograd_columns *columns,
                                             float *slots, lfuse_error *err);
/* The panels of columns [first, first + cols), on this thread. */
void lfi_conv2d_winograd_some_weights(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, bool backward,
                                      int64_t first, int64_t cols, float *to);

/* ---- weight gradients by parts ---------------------------------------------------------------- */

/* Weight gradients of many channels: W is cut into squares of channels and rows of points. */
struct lfi_winograd_squares {
    struct lfi_winograd_tiles tiles;
    struct lfi_winograd_matrices v; /* of a block of tiles and one row of points */
    struct lfi_winograd_matrices d;
    int64_t ins; /* of a square */
    int64_t outs;
    int64_t chunks; /* of tiles, each with sums of its own */
    int64_t block;  /* tiles */
    int64_t sums;   /* floats of all chunks' sums */
};

struct lfi_winograd_squares lfi_conv2d_winograd_squares(const struct lfi_conv2d *c);
int64_t lfi_conv2d_winograd_squares_slot(const struct lfi_winograd_squares *squares);
/* dw, or added to it. */
lfuse_status lfi_conv2d_winograd_squares_run(const struct lfi_env *env,
                                             const struct lfi_conv2d *c,
                                             const struct lfi_winograd_squares *squares,
                                             float *sums, float *slots, lfuse_error *err);

/* Taps (in, tap, out of a panel of width `width`) of `count` ins, 16 at most, to dw or added to it:
 * (out, in, tap). */
void lfi_conv2d_winograd_put_taps(const struct lfi_env *env, const struct lfi_conv2d *c,
                                  const float *taps, int64_t in, int64_t count,
                                  int64_t out, int64_t width);

/* The way back: from matrices to images. */
void lfi_conv2d_winograd_store(const struct lfi_env *env,
                               const struct lfi_winograd_tiles *tiles,
                               const struct lfi_winograd_images *images, int64_t first,
                               int64_t count,
                               const struct lfi_winograd_matrices *matrices,
                               const float *from,
                               const struct lfi_winograd_output *output);

/* The share of one row of points and some channels in the pixels; `turn` counts the rows from 0
 * on: the first writes or accumulates as output says, the last is followed by the epilogue. */
void lfi_conv2d_winograd_store_row(
    const struct lfi_env *env, const struct lfi_winograd_tiles *tiles,
    const struct lfi_winograd_images *images, const struct lfi_winograd_part *part,
    int64_t first, int64_t count, const struct lfi_winograd_matrices *matrices,
    const float *from, const struct lfi_winograd_output *output, int64_t turn);

#endif
