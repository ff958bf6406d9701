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
#include "network.h"
#include "probe.h"

enum { MOST_STEPS = 1000, LEAST_STEPS = 7 };

struct bench {
    lfuse_context *ctx;
    struct network net;
    const char *network, *what;
    int64_t batch, threads;
    double seconds;
    lfuse_error err;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static lfuse_status measure(struct bench *b, const char *what,
                            lfuse_status (*step)(struct network *, lfuse_error *))
{
    static double times[MOST_STEPS];
    lfuse_status status = step(&b->net, &b->err);
    double before, total = 0.0;
    int steps = 0;

    if (status == LFUSE_OK)
        status = step(&b->net, &b->err);
    before = probe_gflops((int)b->threads);
    while (status == LFUSE_OK && steps < MOST_STEPS &&
           (steps < LEAST_STEPS || total < b->seconds)) {
        double begun = probe_seconds();

        status = step(&b->net, &b->err);
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

/* Training and inference are networks of their own: the latter keeps nothing for backward. */
static lfuse_status run(struct bench *b, const char *what, enum cnn_mode mode)
{
    lfuse_status status;

    if (b->what != NULL && strcmp(b->what, what) != 0)
        return LFUSE_OK;
    status = network_create(b->ctx, b->network, b->batch, mode, &b->net, &b->err);
    if (status == LFUSE_OK)
        status = measure(b, what, mode == CNN_INFERENCE ? network_infer : network_train);
    network_destroy(&b->net);
    return status;
}

static lfuse_status create_context(struct bench *b)
{
    lfuse_context_options options;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b->threads;
    return lfuse_context_create(&options, &b->ctx, &b->err);
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
    status = create_context(&b);
    if (status == LFUSE_OK)
        status = run(&b, "train", CNN_TRAINING);
    if (status == LFUSE_OK)
        status = run(&b, "infer", CNN_INFERENCE);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_train: %s\n", b.err.message);
    lfuse_context_destroy(b.ctx);
    return status == LFUSE_OK ? 0 : 1;
}
