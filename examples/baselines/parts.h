/* parts.h - what the baselines share; nobody else includes it */
#ifndef EXAMPLES_BASELINE_PARTS_H
#define EXAMPLES_BASELINE_PARTS_H

#include "baselines/baseline.h"

/* One matrix, and what is stored of it. */
struct baseline_part {
    struct baseline_matrix m;
    int64_t bytes;  /* stored */
    uint8_t *mask;  /* (rows, columns): 0 where the matrix is 0 for good; or NULL */
    uint8_t *codes; /* (rows, columns): which of `clusters` values; or NULL */
    int64_t clusters;
    int64_t rank;   /* of the two below; 0: the matrix is dense */
    float *columns; /* (rank, rows): its column space, rows orthonormal */
    float *rows;    /* (rank, columns): its row space, likewise */
    float *scratch; /* (rank, rows + columns + rank) */
};

struct baseline {
    lfuse_context *ctx;
    enum baseline_kind kind;
    double ratio;
    uint64_t seed;
    const struct baseline_examples *refit; /* or NULL */
    int64_t count;
    struct baseline_part *parts;
};

lfuse_status baseline_no_memory(lfuse_error *err);

/* prune.c: masks of all parts */
lfuse_status baseline_prune(struct baseline *b, lfuse_error *err);
/* drop.c: masks of whole blocks */
lfuse_status baseline_drop(struct baseline *b, lfuse_error *err);
/* Values, gradients, velocities are 0 where the mask is. */
void baseline_mask(float *values, const uint8_t *mask, int64_t count);

/* kmeans.c: codes */
lfuse_status baseline_kmeans(struct baseline *b, struct baseline_part *part,
                             lfuse_error *err);
/* Every value of a cluster becomes the mean of them. */
void baseline_average(const struct baseline_part *part, float *values);

/* low_rank.c: the best approximation of a rank, and the manifold that it lies on */
lfuse_status baseline_low_rank(struct baseline *b, struct baseline_part *part,
                               int64_t rank, lfuse_error *err);
lfuse_status baseline_low_rank_project(struct baseline *b,
                                       const struct baseline_part *part,
                                       lfuse_error *err);
lfuse_status baseline_low_rank_settle(struct baseline *b,
                                      const struct baseline_part *part, lfuse_error *err);

/*
 * refit.c: the part's matrix becomes the one that makes least error of any; weighted (rows,
 * columns) is what of it an approximation has to keep.
 */
lfuse_status baseline_refit(struct baseline *b, struct baseline_part *part,
                            float *weighted, lfuse_error *err);

/* autoencoder.c: what a bottleneck makes of the rows, of rank `codes` + 1 */
lfuse_status baseline_autoencode(struct baseline *b, struct baseline_part *part,
                                 int64_t codes, lfuse_error *err);

/* c = op(a) op(b) + beta c; dense. */
lfuse_status baseline_multiply(lfuse_context *ctx, uint32_t flags, const float *a,
                               const float *b, float *c, int64_t m, int64_t n, int64_t k,
                               float alpha, float beta, lfuse_error *err);

#endif
