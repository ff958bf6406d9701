/*
 * bench_train.c - images per second of a CIFAR network, training and inference
 *
 *     bench_train [--network NAME] [--batch N] [--threads N] [--seconds S] [--what train|infer]
 *
 * NAME is resnet20, any other ResNet of 6 n + 2 layers, or vgg16. Synthetic images; a training
 * step is forward, loss, backward and SGD with momentum 0.9 and weight decay 1e-4 in one call for
 * all parameters; inference prepares the weights once. Two steps warm up, then steps are timed
 * one by one for `seconds`, at least 7, and the median counts. CSV on stdout:
 * what,library,threads,network,batch,ms median,ms least,images/s,steps,probe GFLOP/s before,after
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "error.h"
#include "models/resnet.h"
#include "models/vgg.h"
#include "probe.h"
#include "random.h"

enum { MOST_STEPS = 1000, LEAST_STEPS = 7 };

struct bench {
    lfuse_context *ctx;
    struct resnet *resnet; /* one of these two */
    struct vgg *vgg;
    struct cnn *cnn; /* of either */
    float *x;
    int32_t *labels;
    const char *network, *what;
    int64_t batch, threads;
    double seconds;
    lfuse_error err;
};

static lfuse_status forward(struct bench *b, enum cnn_mode mode)
{
    return b->vgg != NULL ? vgg_forward(b->vgg, b->x, b->batch, mode, &b->err)
                          : resnet_forward(b->resnet, b->x, b->batch, mode, &b->err);
}

static lfuse_status train_step(struct bench *b)
{
    lfuse_status status = forward(b, CNN_TRAINING);
    double loss;

    if (status == LFUSE_OK)
        status = cnn_loss(b->cnn, b->labels, &loss, NULL, &b->err);
    if (status == LFUSE_OK)
        status = b->vgg != NULL ? vgg_backward(b->vgg, &b->err)
                                : resnet_backward(b->resnet, &b->err);
    return status == LFUSE_OK ? cnn_update(b->cnn, 1e-3, 0.9, 1e-4, &b->err) : status;
}

static lfuse_status infer_step(struct bench *b)
{
    return forward(b, CNN_INFERENCE);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static lfuse_status measure(struct bench *b, const char *what,
                            lfuse_status (*step)(struct bench *))
{
    static double times[MOST_STEPS];
    lfuse_status status = step(b);
    double before, total = 0.0;
    int steps = 0;

    if (status == LFUSE_OK)
        status = step(b);
    before = probe_gflops((int)b->threads);
    while (status == LFUSE_OK && steps < MOST_STEPS &&
           (steps < LEAST_STEPS || total < b->seconds)) {
        double begun = probe_seconds();

        status = step(b);
        times[steps] = probe_seconds() - begun;
        total += times[steps++];
    }
    if (status != LFUSE_OK)
        return status;
    qsort(times, (size_t)steps, sizeof(*times), by_size);
    printf("%s,layerfuse,%d,%s,%d,%.2f,%.2f,%.1f,%d,%.0f,%.0f\n", what, (int)b->threads,
           b->network, (int)b->batch, 1e3 * times[steps / 2], 1e3 * times[0],
           (double)b->batch / times[steps / 2], steps, before,
           probe_gflops((int)b->threads));
    fflush(stdout);
    return LFUSE_OK;
}

/* Training and inference are networks of their own: this one keeps nothing for backward. */
static lfuse_status create_network(struct bench *b, enum cnn_mode mode)
{
    int layers = 0;
    lfuse_status status;

    if (strcmp(b->network, "vgg16") == 0) {
        status = vgg_create(b->ctx, VGG_WIDTH, b->batch, mode, &b->vgg, &b->err);
        if (status == LFUSE_OK) {
            vgg_initialise(b->vgg, 1);
            b->cnn = &b->vgg->cnn;
        }
        return status;
    }
    if (sscanf(b->network, "resnet%d", &layers) != 1 || layers % 6 != 2)
        return example_fail(&b->err, LFUSE_ERR_ARGUMENT, "there is no network %s",
                            b->network);
    status = resnet_create(b->ctx, layers / 6, b->batch, mode, &b->resnet, &b->err);
    if (status == LFUSE_OK) {
        resnet_initialise(b->resnet, 1);
        b->cnn = &b->resnet->cnn;
    }
    return status;
}

static void destroy_network(struct bench *b)
{
    resnet_destroy(b->resnet);
    vgg_destroy(b->vgg);
    b->resnet = NULL;
    b->vgg = NULL;
}

static lfuse_status run(struct bench *b, const char *what, enum cnn_mode mode)
{
    lfuse_status status;

    if (b->what != NULL && strcmp(b->what, what) != 0)
        return LFUSE_OK;
    status = create_network(b, mode);
    if (status == LFUSE_OK) {
        b->cnn->frozen = mode == CNN_INFERENCE;
        status = measure(b, what, mode == CNN_INFERENCE ? infer_step : train_step);
    }
    destroy_network(b);
    return status;
}

static lfuse_status prepare(struct bench *b)
{
    int64_t values = b->batch * CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS, i;
    lfuse_context_options options;
    lfuse_status status;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b->threads;
    status = lfuse_context_create(&options, &b->ctx, &b->err);
    if (status != LFUSE_OK)
        return status;
    b->x = malloc((size_t)values * sizeof(*b->x));
    b->labels = malloc((size_t)b->batch * sizeof(*b->labels));
    if (b->x == NULL || b->labels == NULL)
        return example_fail(&b->err, LFUSE_ERR_NO_MEMORY, "no memory for images");
    for (i = 0; i < values; i++)
        b->x[i] = (float)random_normal(2, 0, (uint64_t)i);
    for (i = 0; i < b->batch; i++)
        b->labels[i] = (int32_t)(random_bits(3, 0, (uint64_t)i) % CNN_CLASSES);
    return LFUSE_OK;
}

int main(int argc, char **argv)
{
    struct bench b = {.network = "resnet20", .batch = 128, .threads = 2, .seconds = 6.0};
    const struct argument table[] = {
        {"--network", "NAME", "resnet20 (the default), resnet56, ..., or vgg16",
         &b.network, ARGUMENT_TEXT, 0, 0},
        {"--batch", "N", "images in a step (128)", &b.batch, ARGUMENT_INTEGER, 1, 65536},
        {"--threads", "N", "of the library's pool (2)", &b.threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--seconds", "S", "of timing for each figure (6)", &b.seconds, ARGUMENT_NUMBER,
         0, 1e4},
        {"--what", "W", "train or infer (both)", &b.what, ARGUMENT_TEXT, 0, 0},
    };
    int count = (int)(sizeof(table) / sizeof(table[0])), help;
    lfuse_status status = arguments_read(table, count, argc, argv, &help, &b.err);

    if (status != LFUSE_OK) {
        fprintf(stderr, "bench_train: %s\n", b.err.message);
        return 2;
    }
    if (help) {
        arguments_print(table, count);
        return 0;
    }
    status = prepare(&b);
    if (status == LFUSE_OK)
        status = run(&b, "train", CNN_TRAINING);
    if (status == LFUSE_OK)
        status = run(&b, "infer", CNN_INFERENCE);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_train: %s\n", b.err.message);
    free(b.labels);
    free(b.x);
    lfuse_context_destroy(b.ctx);
    return status == LFUSE_OK ? 0 : 1;
}
