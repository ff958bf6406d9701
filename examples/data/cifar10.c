/* cifar10.c - see cifar10.h */
#include "data/cifar10.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "error.h"

/* Appends up to CIFAR10_RECORDS images of a file, as far as images has room for (capacity). */
static lfuse_status read_records(FILE *file, const char *path, struct images *images,
                                 int64_t capacity, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < CIFAR10_RECORDS && images->count < capacity; i++) {
        uint8_t *label = images->labels + images->count;
        uint8_t *pixels = images->pixels + images->count * IMAGE_BYTES;

        if (fread(label, 1, 1, file) != 1 ||
            fread(pixels, 1, IMAGE_BYTES, file) != IMAGE_BYTES)
            return example_fail(err, LFUSE_ERR_IO, "%s: record %lld cannot be read", path,
                                (long long)i);
        if (*label >= IMAGE_CLASSES)
            return example_fail(err, LFUSE_ERR_FORMAT,
                                "%s: the label of record %lld is %d, not in [0, 9]", path,
                                (long long)i, (int)*label);
        images->count++;
    }
    return LFUSE_OK;
}

static lfuse_status read_file(const char *directory, const char *name,
                              struct images *images, int64_t capacity, lfuse_error *err)
{
    lfuse_status status;
    char path[4096 + 32];
    struct stat info;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return example_fail_errno(err, path);
    if (fstat(fileno(file), &info) != 0)
        status = example_fail_errno(err, path);
    else if (info.st_size != CIFAR10_FILE_BYTES)
        status = example_fail(err, LFUSE_ERR_FORMAT, "%s has %lld bytes, expected %d",
                              path, (long long)info.st_size, (int)CIFAR10_FILE_BYTES);
    else
        status = read_records(file, path, images, capacity, err);
    fclose(file);
    return status;
}

lfuse_status cifar10_read(const char *directory, int64_t limit, struct image_sets *data,
                          lfuse_error *err)
{
    int64_t train = 5 * CIFAR10_RECORDS, test = CIFAR10_RECORDS;
    lfuse_status status;
    struct stat info;
    char nested[4096], name[32];
    int i;

    memset(data, 0, sizeof(*data));
    if (stat(directory, &info) != 0)
        return example_fail_errno(err, directory);
    snprintf(nested, sizeof(nested), "%s/cifar-10-batches-bin", directory);
    if (stat(nested, &info) == 0)
        directory = nested;
    if (limit > 0 && limit < train)
        train = limit;
    if (limit > 0 && limit < test)
        test = limit;

    status = images_reserve(&data->train, train, err);
    for (i = 1; i <= 5 && status == LFUSE_OK; i++) {
        snprintf(name, sizeof(name), "data_batch_%d.bin", i);
        status = read_file(directory, name, &data->train, train, err);
    }
    if (status == LFUSE_OK)
        status = images_reserve(&data->test, test, err);
    if (status == LFUSE_OK)
        status = read_file(directory, "test_batch.bin", &data->test, test, err);
    if (status != LFUSE_OK)
        image_sets_free(data);
    return status;
}
