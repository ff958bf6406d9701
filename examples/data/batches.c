/* batches.c - see batches.h */
#include "data/batches.h"

#include <stdlib.h>

#include "error.h"
#include "random.h"

struct batches {
    const struct images *images;
    int64_t size;
    int64_t epoch; /* that order is of; -1: none */
    uint64_t seed;
    lfuse_layout layout;
    int flags;
    int32_t *order;                   /* (images): a permutation */
    float *x;                         /* (size, 3, 32, 32) */
    int32_t *labels;                  /* (size) */
    float value[IMAGE_CHANNELS][256]; /* of a normalised pixel */
};

static void normalisation(float value[IMAGE_CHANNELS][256])
{
    static const double mean[IMAGE_CHANNELS] = {0.485, 0.456, 0.406};
    static const double deviation[IMAGE_CHANNELS] = {0.229, 0.224, 0.225};
    int c, i;

    for (c = 0; c < IMAGE_CHANNELS; c++)
        for (i = 0; i < 256; i++)
            value[c][i] = (float)((i / 255.0 - mean[c]) / deviation[c]);
}

lfuse_status batches_create(const struct images *images, int64_t size, uint64_t seed,
                            lfuse_layout layout, int flags, struct batches **batches,
                            lfuse_error *err)
{
    struct batches *b = calloc(1, sizeof(*b));
    int64_t i;

    *batches = NULL;
    if (b != NULL) {
        b->order = malloc((size_t)images->count * sizeof(*b->order));
        b->x = malloc((size_t)size * IMAGE_BYTES * sizeof(*b->x));
        b->labels = malloc((size_t)size * sizeof(*b->labels));
    }
    if (b == NULL || b->order == NULL || b->x == NULL || b->labels == NULL) {
        batches_destroy(b);
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for batches of %lld",
                            (long long)size);
    }
    b->images = images;
    b->size = size;
    b->epoch = -1;
    b->seed = seed;
    b->layout = layout;
    b->flags = flags;
    for (i = 0; i < images->count; i++)
        b->order[i] = (int32_t)i;
    normalisation(b->value);
    *batches = b;
    return LFUSE_OK;
}

void batches_destroy(struct batches *batches)
{
    if (batches == NULL)
        return;
    free(batches->labels);
    free(batches->x);
    free(batches->order);
    free(batches);
}

int64_t batches_count(const struct batches *batches)
{
    int64_t whole = batches->images->count / batches->size;
    int64_t rest = batches->images->count % batches->size;

    return whole + (rest > 0 && (whole == 0 || !(batches->flags & BATCHES_AUGMENT)));
}

/* Fisher and Yates's shuffle, from the same order for every epoch. */
static void shuffle(struct batches *b, int64_t epoch)
{
    int64_t i;

    for (i = 0; i < b->images->count; i++)
        b->order[i] = (int32_t)i;
    for (i = b->images->count - 1; i > 0; i--) {
        uint64_t bits = random_bits(b->seed, (uint64_t)(2 * epoch), (uint64_t)i);
        int64_t j = (int64_t)(bits % (uint64_t)(i + 1));
        int32_t other = b->order[j];

        b->order[j] = b->order[i];
        b->order[i] = other;
    }
    b->epoch = epoch;
}

/* One image, moved by (down, right) with zeros coming in, mirrored when flip is set. */
static void place(const struct batches *b, const uint8_t *pixels, int down, int right,
                  int flip, float *out)
{
    int nhwc = b->layout == LFUSE_LAYOUT_NHWC;
    int pixel_step = nhwc ? IMAGE_CHANNELS : 1;
    int channel_step = nhwc ? 1 : IMAGE_SIDE * IMAGE_SIDE;
    int c, y, x;

    for (c = 0; c < IMAGE_CHANNELS; c++)
        for (y = 0; y < IMAGE_SIDE; y++) {
            int row_inside = y - down >= 0 && y - down < IMAGE_SIDE;
            int source = row_inside ? c * IMAGE_SIDE + y - down : 0;
            const uint8_t *row = pixels + source * IMAGE_SIDE;
            float *to = out + c * channel_step + y * IMAGE_SIDE * pixel_step;

            for (x = 0; x < IMAGE_SIDE; x++) {
                int from = (flip ? IMAGE_SIDE - 1 - x : x) - right;
                int inside = row_inside && from >= 0 && from < IMAGE_SIDE;

                to[x * pixel_step] = b->value[c][inside ? row[from] : 0];
            }
        }
}

void batches_at(struct batches *batches, int64_t epoch, int64_t index,
                struct batch *batch)
{
    struct batches *b = batches;
    int64_t first = index * b->size, i;
    int augment = (b->flags & BATCHES_AUGMENT) != 0;

    if (augment && epoch != b->epoch)
        shuffle(b, epoch);
    batch->count =
        b->images->count - first < b->size ? b->images->count - first : b->size;
    batch->x = b->x;
    batch->labels = b->labels;
    for (i = 0; i < batch->count; i++) {
        int32_t image = b->order[first + i];
        const uint8_t *pixels = b->images->pixels + (int64_t)image * IMAGE_BYTES;
        uint64_t bits = random_bits(b->seed, (uint64_t)(2 * epoch + 1), (uint64_t)image);
        int places = 2 * CROP_PADDING + 1;
        int down = augment ? (int)(bits % (uint64_t)places) - CROP_PADDING : 0;
        int right = augment ? (int)((bits >> 16) % (uint64_t)places) - CROP_PADDING : 0;
        int flip = augment ? (int)(bits >> 63) : 0;

        place(b, pixels, down, right, flip, b->x + i * IMAGE_BYTES);
        b->labels[i] = b->images->labels[image];
    }
}
