/*
 * batches.h - images as a network wants them: shuffled, augmented, normalised, in batches
 *
 * The usual CIFAR recipe (He et al. 2016, arXiv:1512.03385, sec. 4.2): for training, a random
 * 32x32 crop of the image padded by 4 pixels on each side, and a flip from left to right half
 * of the time. As in torchvision the padding is of raw zeros, before normalisation, so that
 * it ends as (0 - mean) / std and not as 0. Then pixel / 255, minus the mean, over the
 * standard deviation of each channel: (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225).
 *
 * A batch depends on the seed, the epoch and its index only. It takes 0.5 ms to build one of 128
 * images, against the 100 and more of a training step: too little to want a thread.
 */
#ifndef EXAMPLES_BATCHES_H
#define EXAMPLES_BATCHES_H

#include "data/images.h"

enum { CROP_PADDING = 4 };

enum {
    BATCHES_AUGMENT = 1 /* shuffle each epoch, crop and flip: for training */
};

/* Valid until the next batch is asked for. */
struct batch {
    int64_t count;
    const float *x;        /* (count, 3, 32, 32) in the layout of the batches */
    const int32_t *labels; /* (count) */
};

struct batches;

/* images are borrowed. Release with batches_destroy(). */
lfuse_status batches_create(const struct images *images, int64_t size, uint64_t seed,
                            lfuse_layout layout, int flags, struct batches **batches,
                            lfuse_error *err);
void batches_destroy(struct batches *batches);

/*
 * Batches in an epoch. The last one may be short; with BATCHES_AUGMENT a short one is left out,
 * unless it is all there is.
 */
int64_t batches_count(const struct batches *batches);

/* The batch at index, in [0, batches_count()), of an epoch >= 0. */
void batches_at(struct batches *batches, int64_t epoch, int64_t index,
                struct batch *batch);

#endif
