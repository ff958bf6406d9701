/*
 * cifar10.h - CIFAR-10 from its binary version
 *
 * data_batch_1.bin ... data_batch_5.bin and test_batch.bin of 30,730,000 bytes each: 10,000
 * records of one label byte and 1024 red, 1024 green and 1024 blue bytes, row by row.
 * Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
 */
#ifndef EXAMPLES_CIFAR10_H
#define EXAMPLES_CIFAR10_H

#include "data/images.h"

enum {
    CIFAR10_RECORDS = 10000, /* in each file */
    CIFAR10_FILE_BYTES = CIFAR10_RECORDS * (1 + IMAGE_BYTES)
};

/*
 * Reads the files in directory, or in directory/cifar-10-batches-bin where there is one.
 * limit > 0 keeps the first `limit` images of either set; the sizes of all files and the
 * labels of all images kept are checked. On failure *data is empty and err names the file.
 * Release with image_sets_free().
 */
lfuse_status cifar10_read(const char *directory, int64_t limit, struct image_sets *data,
                          lfuse_error *err);

#endif
