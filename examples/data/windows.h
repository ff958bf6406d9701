/*
 * windows.h - a text cut into windows of equal length, in batches, as a language model wants them
 *
 * The label of every id is the id after it. For training, windows lie end to end from a random
 * place on, in a new order in each epoch; what is left at the end is left out. For scoring, every
 * id but the first is a label once: windows are `stride` apart, each counts the labels that those
 * before it have not seen, and the rest, and what is beyond the end, are -1.
 *
 * A batch depends on the seed, the epoch and its index only.
 */
#ifndef EXAMPLES_WINDOWS_H
#define EXAMPLES_WINDOWS_H

#include <layerfuse/layerfuse.h>

/* Valid until the next batch is asked for. */
struct window_batch {
    const int32_t *ids;    /* (batch, tokens) */
    const int32_t *labels; /* (batch, tokens), -1 where none counts */
    int64_t labelled;      /* how many do */
};

struct windows;

/* ids are borrowed. stride 0: for training. Release with windows_destroy(). */
lfuse_status windows_create(const int32_t *ids, int64_t count, int64_t tokens,
                            int64_t batch, int64_t stride, uint64_t seed,
                            struct windows **windows, lfuse_error *err);
void windows_destroy(struct windows *windows);

/* Batches in an epoch. */
int64_t windows_count(const struct windows *windows);

/* The batch at index, in [0, windows_count()), of an epoch >= 0. */
void windows_at(struct windows *windows, int64_t epoch, int64_t index,
                struct window_batch *batch);

#endif
