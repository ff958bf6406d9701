/* images.c - see images.h */
#include "data/images.h"

#include <stdlib.h>
#include <string.h>

#include "data/cifar10.h"
#include "data/shapes.h"
#include "error.h"

enum { SHAPES_TRAIN = 10000, SHAPES_TEST = 2000, TRAIN_SEED = 1, TEST_SEED = 2 };

_Static_assert((int)IMAGE_BYTES == (int)SHAPES_IMAGE_BYTES, "shapes are images");
_Static_assert((int)IMAGE_CLASSES == (int)SHAPES_CLASSES, "shapes have as many classes");

lfuse_status images_reserve(struct images *images, int64_t count, lfuse_error *err)
{
    images->count = 0;
    images->pixels = malloc((size_t)count * IMAGE_BYTES);
    images->labels = malloc((size_t)count);
    if (images->pixels != NULL && images->labels != NULL)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld images",
                        (long long)count);
}

static lfuse_status draw(uint64_t seed, int64_t count, int64_t limit,
                         struct images *images, lfuse_error *err)
{
    lfuse_status status;

    if (limit > 0 && limit < count)
        count = limit;
    status = images_reserve(images, count, err);
    if (status != LFUSE_OK)
        return status;
    shapes_draw(seed, 0, count, images->pixels, images->labels);
    images->count = count;
    return LFUSE_OK;
}

lfuse_status image_sets_open(const char *from, int64_t limit, struct image_sets *sets,
                             lfuse_error *err)
{
    lfuse_status status;

    if (strcmp(from, "shapes") != 0)
        return cifar10_read(from, limit, sets, err);
    memset(sets, 0, sizeof(*sets));
    status = draw(TRAIN_SEED, SHAPES_TRAIN, limit, &sets->train, err);
    if (status == LFUSE_OK)
        status = draw(TEST_SEED, SHAPES_TEST, limit, &sets->test, err);
    if (status != LFUSE_OK)
        image_sets_free(sets);
    return status;
}

lfuse_status image_sets_hold_out(struct image_sets *sets, int64_t count, lfuse_error *err)
{
    struct images *train = &sets->train;

    if (count >= train->count)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld images cannot be held out of %lld", (long long)count,
                            (long long)train->count);
    train->count -= count;
    sets->held.count = count;
    sets->held.pixels = train->pixels + train->count * IMAGE_BYTES;
    sets->held.labels = train->labels + train->count;
    return LFUSE_OK;
}

void image_sets_free(struct image_sets *sets)
{
    free(sets->train.pixels);
    free(sets->train.labels);
    free(sets->test.pixels);
    free(sets->test.labels);
    memset(sets, 0, sizeof(*sets));
}
