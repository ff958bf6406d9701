/* images.h - labelled 32x32 images in memory, for training and for testing, and where from */
#ifndef EXAMPLES_IMAGES_H
#define EXAMPLES_IMAGES_H

#include <layerfuse/layerfuse.h>

enum {
    IMAGE_SIDE = 32,
    IMAGE_CHANNELS = 3,
    IMAGE_BYTES = IMAGE_CHANNELS * IMAGE_SIDE * IMAGE_SIDE,
    IMAGE_CLASSES = 10
};

struct images {
    int64_t count;
    uint8_t *pixels; /* (count, 3, 32, 32) */
    uint8_t *labels; /* (count), each in [0, 10) */
};

struct image_sets {
    struct images train;
    struct images test;
    struct images held; /* out of training: in the memory of train, behind its images */
};

/*
 * "shapes" is the embedded data set (shapes.h): 10,000 images to train with and 2,000 others to
 * test with. Anything else is the directory of CIFAR-10's files (cifar10.h). limit > 0 keeps
 * the first `limit` images of either set. On failure *sets is empty. Release with
 * image_sets_free().
 */
lfuse_status image_sets_open(const char *from, int64_t limit, struct image_sets *sets,
                             lfuse_error *err);
void image_sets_free(struct image_sets *sets);

/*
 * Takes the last `count` images out of train into held, so that what is decided during training
 * is not decided by the images of the test. Fails where none would be left.
 */
lfuse_status image_sets_hold_out(struct image_sets *sets, int64_t count,
                                 lfuse_error *err);

/* Room for count images; none are there yet. */
lfuse_status images_reserve(struct images *images, int64_t count, lfuse_error *err);

#endif
