/*
 * bench_train.c - images per second of a CIFAR ResNet, training and inference
 *
 *     bench_train [--blocks N] [--batch N] [--threads N] [--seconds S]
 *
 * Synthetic images; a training step is forward, loss, backward and SGD with momentum 0.9 and
 * weight decay 1e-4. Two steps warm up, then steps are timed one by one for `seconds`, at
 * least 7, and the median counts. CSV on stdout:
 * what,library,threads,network,batch,ms median,ms least,images/s,steps,probe GFLOP/s before,after
 */
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "models/resnet.h"
#include "probe.h"
#include "random.h"

enum { MOST_STEPS = 1000, LEAST_STEPS = 7 };

struct bench {
    lfuse_context *ctx;
    struct resnet *net;
    float *x;
    int32_t *labels;
    int64_t blocks, batch, threads;
    double seconds;
    lfuse_error err;
};

static lfuse_status update(struct bench *b, const struct resnet_parameter *p)
{
    lfuse_sgd_args sgd;

    lfuse_sgd_args_init(&sgd, sizeof(sgd));
    sgd.value = lfuse_tensor_data(p->value);
    sgd.gradient = lfuse_tensor_data(p->gradient);
    sgd.velocity = lfuse_tensor_data(p->velocity);
    sgd.count = lfuse_tensor_elements(p->value);
    sgd.learning_rate = 1e-3;
    sgd.momentum = 0.9;
    sgd.weight_decay = 1e-4;
    return lfuse_sgd(b->ctx, &sgd, &b->err);
}

static lfuse_status train_step(struct bench *b)
{
    struct resnet *net = b->net;
    lfuse_status status;
    double loss;
    int64_t i;

    status = resnet_forward(net, b->x, b->batch, RESNET_TRAINING, &b->err);
    if (status == LFUSE_OK)
        status = resnet_loss(net, b->labels, &loss, NULL, &b->err);
    if (status == LFUSE_OK)
        status = resnet_backward(net, &b->err);
    for (i = 0; i < net->unit_count && status == LFUSE_OK; i++) {
        status = update(b, &net->units[i].weight);
        if (status == LFUSE_OK)
            status = update(b, &net->units[i].scale);
        if (status == LFUSE_OK)
            status = update(b, &net->units[i].shift);
    }
    if (status == LFUSE_OK)
        status = update(b, &net->linear_weight);
    if (status == LFUSE_OK)
        status = update(b, &net->linear_bias);
    return status;
}

static lfuse_status infer_step(struct bench *b)
{
    return resnet_forward(b->net, b->x, b->batch, RESNET_INFERENCE, &b->err);
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
    printf("%s,layerfuse,%d,resnet%d,%d,%.1f,%.1f,%.1f,%d,%.0f,%.0f\n", what,
           (int)b->threads, (int)(6 * b->blocks + 2), (int)b->batch,
           1e3 * times[steps / 2], 1e3 * times[0], (double)b->batch / times[steps / 2],
           steps, before, probe_gflops((int)b->threads));
    fflush(stdout);
    return LFUSE_OK;
}

static lfuse_status prepare(struct bench *b)
{
    int64_t values = b->batch * RESNET_SIDE * RESNET_SIDE * RESNET_IN_CHANNELS, i;
    lfuse_context_options options;
    lfuse_status status;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b->threads;
    status = lfuse_context_create(&options, &b->ctx, &b->err);
    if (status == LFUSE_OK)
        status =
            resnet_create(b->ctx, b->blocks, b->batch, RESNET_TRAINING, &b->net, &b->err);
    if (status != LFUSE_OK)
        return status;
    resnet_initialise(b->net, 1);
    b->x = malloc((size_t)values * sizeof(*b->x));
    b->labels = malloc((size_t)b->batch * sizeof(*b->labels));
    if (b->x == NULL || b->labels == NULL)
        return LFUSE_ERR_NO_MEMORY;
    for (i = 0; i < values; i++)
        b->x[i] = (float)random_normal(2, 0, (uint64_t)i);
    for (i = 0; i < b->batch; i++)
        b->labels[i] = (int32_t)(random_bits(3, 0, (uint64_t)i) % RESNET_CLASSES);
    return LFUSE_OK;
}

int main(int argc, char **argv)
{
    struct bench b = {.blocks = 3, .batch = 128, .threads = 2, .seconds = 6.0};
    const struct argument table[] = {
        {"--blocks", "N", "per stage: 3 is ResNet-20 (3), 9 ResNet-56", &b.blocks,
         ARGUMENT_INTEGER, 1, RESNET_MAX_BLOCKS},
        {"--batch", "N", "images in a step (128)", &b.batch, ARGUMENT_INTEGER, 2, 65536},
        {"--threads", "N", "of the library's pool (2)", &b.threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--seconds", "S", "of timing for each figure (6)", &b.seconds, ARGUMENT_NUMBER,
         0, 1e4},
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
        status = measure(&b, "train", train_step);
    if (status == LFUSE_OK)
        status = measure(&b, "infer", infer_step);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_train: %s\n", b.err.message);
    free(b.labels);
    free(b.x);
    resnet_destroy(b.net);
    lfuse_context_destroy(b.ctx);
    return status == LFUSE_OK ? 0 : 1;
}
