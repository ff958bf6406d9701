/*
 * kmeans.h - a few points that stand for many rows
 *
 * Arthur & Vassilvitskii 2007 (k-means++), then Lloyd 1982 until no row changes its centroid,
 * or LFI_KMEANS_ROUNDS times. The same rows and seed have the same centroids.
 */
#ifndef LFI_SIMILARITY_KMEANS_H
#define LFI_SIMILARITY_KMEANS_H

#include "similarity/rows.h"

enum { LFI_KMEANS_ROUNDS = 50 };

struct lfi_kmeans {
    int64_t count;     /* of centroids: fewer where fewer rows differ */
    double *centroids; /* (count, columns) */
    int64_t *mass;     /* (count): rows of each; 0 for one that lost them all */
    int64_t *nearest;  /* (rows): centroid of each; scratch from here on */
    double *square;    /* (rows): squared distance from the nearest so far */
    double *line;      /* (2, columns) */
    double *centre;    /* (columns) */
    double *offset;    /* (count) */
    float *steps;      /* (columns, pitch) */
    float *strip;      /* (LFI_ROWS_TILE, count) */
};

/* For the rows' number, or `most` centroids if they are fewer. */
void lfi_kmeans_lay_out(struct lfi_kmeans *k, int64_t rows, int64_t columns, int64_t most,
                        struct lfi_arena *arena);
/*
 * Wide: distances are f64; else products of rows with centroids, whose mean is taken out of
 * them, are f32. k->count is as laid out.
 */
void lfi_kmeans_find(const struct lfi_kernels *kernels, struct lfi_kmeans *k,
                     const struct lfi_rows *rows, bool wide, uint64_t seed);

#endif
