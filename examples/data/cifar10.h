/*
 * cifar10.h - CIFAR-10 from its binary version
 *
 * data_batch_1.bin ... data_batch_5.bin and test_batch.bin of 30,730,000 bytes each: 10,000
 * records of one label byte and 1024 red, 1024 green and 1024 blue bytes, row by row.
 * Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
 */
#ifndef EXAMPLES_CIFAR10_H
#define EXAMPLES_CIFAR10_H

#include <layerfuse/layerfuse.h>

enum {
    IMAGE_SIDE = 32,
    IMAGE_CHANNELS = 3,
    IMAGE_BYTES = IMAGE_CHANNELS * IMAGE_SIDE * IMAGE_SIDE,
    CIFAR10_CLASSES = 10,
    CIFAR10_RECORDS = 10000, /* in each file */
    CIFAR10_FILE_BYTES = CIFAR10_RECORDS * (1 + IMAGE_BYTES)
};

struct images {
    int64_t count;
    uint8_t *pixels; /* (count, 3, 32, 32) */
    uint8_t *labels; /* (count), each in [0, 10) */
};

struct cifar10 {
    struct images train;
    struct images test;
};

/*
 * Reads the files in directory, or in directory/cifar-10-batches-bin where there is one.
 * limit > 0 keeps the first `limit` images of either set; the sizes of all files and the
 * labels of all images kept are checked. On failure *data is empty and err names the file.
 * Release with cifar10_free().
 */
lfuse_status cifar10_read(const char *directory, int64_t limit, struct cifar10 *data,
                          lfuse_error *err);

void cifar10_free(struct cifar10 *data);

#endif
