/* fake.c - see fake.h */
#include "fake.h"

#include <stdio.h>
#include <unistd.h>

#include "data/cifar10.h"
#include "random.h"

static int write_records(FILE *file, uint64_t stream, int64_t records)
{
    uint8_t record[1 + IMAGE_BYTES];
    int64_t i, k;

    for (i = 0; i < records; i++) {
        int label = (int)(random_bits(1, stream, (uint64_t)i) % IMAGE_CLASSES);

        record[0] = (uint8_t)label;
        for (k = 0; k < IMAGE_BYTES; k++) {
            int channel = (int)(k / (IMAGE_SIDE * IMAGE_SIDE));
            int level = 40 + 30 * ((label + 3 * channel) % IMAGE_CLASSES / 2);
            uint64_t bits = random_bits(2 + stream, (uint64_t)i, (uint64_t)k);

            record[1 + k] = (uint8_t)(level + (int)(bits % 64));
        }
        if (fwrite(record, sizeof(record), 1, file) != 1)
            return -1;
    }
    return 0;
}

int fake_cifar10(const char *directory, int64_t records)
{
    char path[4096];
    int i, result = 0;

    for (i = 0; i < 6 && result == 0; i++) {
        FILE *file;

        if (i < 5)
            snprintf(path, sizeof(path), "%s/data_batch_%d.bin", directory, i + 1);
        else
            snprintf(path, sizeof(path), "%s/test_batch.bin", directory);
        file = fopen(path, "wb");
        if (file == NULL)
            return -1;
        result = write_records(file, (uint64_t)i, records);
        if (fclose(file) != 0 || truncate(path, CIFAR10_FILE_BYTES) != 0)
            result = -1;
    }
    return result;
}

int fake_patch(const char *directory, const char *name, int64_t offset, uint8_t value)
{
    char path[4096];
    FILE *file;
    int result;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "r+b");
    if (file == NULL)
        return -1;
    result = fseek(file, (long)offset, SEEK_SET) == 0 && fputc(value, file) != EOF;
    return fclose(file) == 0 && result ? 0 : -1;
}
