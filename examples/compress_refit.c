/*
 * compress_refit.c - what the layers of a network receive while it is compressed from the bottom
 * to the top
 *
 * Both networks run as in training, by the statistics of the batch, so that a compressed layer's
 * outputs are normalised like the original's. An image is as many examples as a convolution has
 * output pixels: x is what is under the kernel, y what came out.
 */
#include <stdlib.h>

#include "compress_run.h"
#include "error.h"

enum { BATCHES = 8, IMAGES = 16 }; /* of the training set, and in a part */

struct compress_refit {
    struct run *run;
    struct resnet *original;
    const int64_t *units; /* of the matrices */
    struct batch batch;   /* the latest */
    float *patches;       /* of a part */
    struct baseline_examples examples;
};

/* Zeros are outside of the image. The numbers of a row are in the order of a weight's. */
static void take_patch(const lfuse_conv2d_args *c, const float *image, int64_t row,
                       int64_t column, float *patch)
{
    int64_t channel, i, j, y, x;

    for (channel = 0; channel < c->in_channels; channel++)
        for (i = 0; i < c->kernel_h; i++)
            for (j = 0; j < c->kernel_w; j++) {
                y = row - c->pad_top + i;
                x = column - c->pad_left + j;
                *patch++ = y < 0 || y >= c->height || x < 0 || x >= c->width
                               ? 0.0f
                               : image[(y * c->width + x) * c->in_channels + channel];
            }
}

static int64_t stride_of(const lfuse_conv2d_args *c)
{
    return c->stride_h > 0 ? c->stride_h : 1;
}

/* Of 3x3 kernels with a padding of 1, as all of these are. */
static int64_t out_side(const lfuse_conv2d_args *c)
{
    return (c->height - 1) / stride_of(c) + 1;
}

static void take_patches(const lfuse_conv2d_args *c, const float *x, int64_t images,
                         float *patch)
{
    const int64_t side = out_side(c), stride = stride_of(c);
    int64_t image, row, column;

    for (image = 0; image < images; image++, x += c->height * c->width * c->in_channels)
        for (row = 0; row < side; row++)
            for (column = 0; column < side; column++) {
                take_patch(c, x, row * stride, column * stride, patch);
                patch += c->in_channels * c->kernel_h * c->kernel_w;
            }
}

static lfuse_status run_batch(struct compress_refit *r, int64_t index, lfuse_error *err)
{
    lfuse_status status;

    batches_at(r->run->batches, 0, index, &r->batch);
    status = resnet_forward(r->run->net, r->batch.x, r->batch.count, CNN_TRAINING, err);
    if (status == LFUSE_OK)
        status =
            resnet_forward(r->original, r->batch.x, r->batch.count, CNN_TRAINING, err);
    return status;
}

static lfuse_status next(void *user, int64_t matrix, int64_t part, const float **x,
                         const float **y, int64_t *count, lfuse_error *err)
{
    struct compress_refit *r = user;
    const int64_t parts = (r->run->net->cnn.batch + IMAGES - 1) / IMAGES;
    const int64_t unit = r->units[matrix], first = part % parts * IMAGES;
    const struct cnn_unit *u = &r->run->net->cnn.units[unit];
    const int64_t pixels = out_side(&u->conv) * out_side(&u->conv);
    const int64_t inputs = u->conv.height * u->conv.width * u->conv.in_channels;
    lfuse_status status = LFUSE_OK;
    int64_t images;

    *count = 0;
    if (part >= parts * BATCHES || part / parts >= batches_count(r->run->batches))
        return LFUSE_OK;
    if (first == 0)
        status = run_batch(r, part / parts, err);
    if (status != LFUSE_OK)
        return status;
    images = r->batch.count - first < IMAGES ? r->batch.count - first : IMAGES;
    *count =
        images > 0 ? images * pixels : 0; /* batches are whole, but for one that is all */
    take_patches(&u->conv, (const float *)lfuse_tensor_data(u[-1].out) + first * inputs,
                 images, r->patches);
    *x = r->patches;
    *y = (const float *)lfuse_tensor_data(r->original->cnn.units[unit].convolved) +
         first * pixels * u->conv.out_channels;
    return LFUSE_OK;
}

lfuse_status compress_refit_create(struct run *run, const int64_t *units,
                                   struct compress_refit **refit, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct compress_refit *r = calloc(1, sizeof(*r));
    int64_t most = 0, i;

    *refit = r;
    for (i = 0; i < run->net->cnn.unit_count; i++) {
        const lfuse_conv2d_args *c = &run->net->cnn.units[i].conv;
        const int64_t size =
            out_side(c) * out_side(c) * c->in_channels * c->kernel_h * c->kernel_w;

        most = size > most ? size : most;
    }
    if (r != NULL)
        r->patches = malloc((size_t)(IMAGES * most) * sizeof(*r->patches));
    if (r == NULL || r->patches == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for patches of images");
    r->run = run;
    r->units = units;
    r->examples = (struct baseline_examples){next, r};
    return resnet_open(run->ctx, o->weights, o->batch, CNN_TRAINING, &r->original, err);
}

const struct baseline_examples *compress_refit_examples(const struct compress_refit *r)
{
    return r != NULL ? &r->examples : NULL;
}

void compress_refit_destroy(struct compress_refit *r)
{
    if (r == NULL)
        return;
    resnet_destroy(r->original);
    free(r->patches);
    free(r);
}
