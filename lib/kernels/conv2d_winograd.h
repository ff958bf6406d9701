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

/* Images that are written, and what follows the sums. */
struct lfi_winograd_output {
    float *data;
    const float *residual; /* or NULL */
    struct lfi_conv2d_epilogue epilogue;
    bool accumulate;
};

/* The way back: from matrices to images. */
void lfi_conv2d_winograd_store(const struct lfi_env *env,
                               const struct lfi_winograd_tiles *tiles,
                               const struct lfi_winograd_images *images, int64_t first,
                               int64_t count,
                               const struct lfi_winograd_matrices *matrices,
                               const float *from,
                               const struct lfi_winograd_output *output);

#endif
