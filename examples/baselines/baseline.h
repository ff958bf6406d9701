/*
 * baseline.h - other ways to make a network smaller, to compare fusing with
 *
 * A baseline replaces matrices by others that take fewer bytes to store: sparse ones, of low
 * rank, of few values, or none. It works in place, so that the network runs on as it is, and
 * keeps the matrices what they are while the network trains on:
 *
 *     options = (struct baseline_options){BASELINE_LOW_RANK, 3.33, seed, NULL};
 *     baseline_create(ctx, &options, matrices, count, &b, &err);
 *     for each step {
 *         forward(); backward();
 *         baseline_project(b, &err);      // gradients: what cannot be stored is taken out
 *         update();                       // the caller's, as ever
 *         baseline_settle(b, &err);       // values: back to what can be stored
 *     }
 *
 * Bytes are those of a file that stores the matrices so, with masks, indices and tables.
 */
#ifndef EXAMPLES_BASELINE_H
#define EXAMPLES_BASELINE_H

#include <layerfuse/layerfuse.h>

enum baseline_kind {
    BASELINE_PRUNE =
        1, /* the smallest numbers of each matrix become 0, as many of each */
    BASELINE_PRUNE_GLOBAL, /* the smallest of all matrices (Han et al. 2015) */
    BASELINE_LOW_RANK, /* truncated SVD by random subspaces (Halko et al. 2011), refitted */
    BASELINE_AUTOENCODER, /* rows through a denoising bottleneck (Vincent et al. 2008) */
    BASELINE_KMEANS,      /* numbers become the means of 2^b clusters (Han et al. 2016) */
    BASELINE_DROP         /* whole blocks are left out (LayerDrop, Fan et al. 2020) */
};

/* "prune", "prune_global", ...; NULL of no kind. */
const char *baseline_name(enum baseline_kind kind);

/* All but block is borrowed until the baseline is destroyed. gradient and velocity may be NULL. */
struct baseline_matrix {
    float *value;    /* (rows, columns), a row for each output unit */
    float *gradient; /* likewise */
    float *velocity;
    int64_t rows;
    int64_t columns;
    int64_t block; /* the block that is left out as a whole: from 0; -1: it stays */
};

/*
 * What layers receive in a network that is compressed from its input on, and what they are to
 * make of it: rows x (count, columns) of the matrix at index, as the network is by now, and y
 * (count, rows) that it put out for the same images before anything was compressed. The parts
 * are asked for from 0 on, until count is 0; both are borrowed until the next call.
 */
struct baseline_examples {
    lfuse_status (*next)(void *user, int64_t matrix, int64_t part, const float **x,
                         const float **y, int64_t *count, lfuse_error *err);
    void *user;
};

struct baseline_options {
    enum baseline_kind kind;
    double ratio;
    uint64_t seed;
    const struct baseline_examples
        *refit; /* of BASELINE_LOW_RANK, borrowed for the call: see refit.c; or NULL */
};

struct baseline;

/*
 * Stores at most 1 / ratio of the bytes of the matrices as f32, if that can be done; velocities
 * become 0 where nothing may move. On failure *baseline is NULL, and some of the matrices may
 * have been changed.
 */
lfuse_status baseline_create(lfuse_context *ctx, const struct baseline_options *options,
                             const struct baseline_matrix *matrices, int64_t count,
                             struct baseline **baseline, lfuse_error *err);
void baseline_destroy(struct baseline *baseline);

lfuse_status baseline_project(struct baseline *baseline, lfuse_error *err);
lfuse_status baseline_settle(struct baseline *baseline, lfuse_error *err);

/*
 * What training changes besides the matrices, in bytes to keep: a baseline that was created
 * alike goes on from them, with the matrices as they were then. Of NULL there are none.
 */
size_t baseline_state_bytes(const struct baseline *baseline);
void baseline_state_save(const struct baseline *baseline, char *state);
void baseline_state_load(struct baseline *baseline, const char *state);

int64_t baseline_bytes(const struct baseline *baseline);
/* Of the same matrices as they were. */
int64_t baseline_dense_bytes(const struct baseline *baseline);
/* Whether the block was left out: its part of the network has to be skipped. */
int baseline_dropped(const struct baseline *baseline, int64_t block);

#endif
