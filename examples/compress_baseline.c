/* compress_baseline.c - another way to make the network smaller, with the same training after it */
#include <stdio.h>
#include <string.h>

#include "compress_run.h"
#include "error.h"
#include "progress.h"

static int same_shape(const lfuse_conv2d_args *a, const lfuse_conv2d_args *b)
{
    return a->in_channels == b->in_channels && a->out_channels == b->out_channels;
}

/* Whether another convolution has its shape: those that could fuse, which the ratio counts. */
static int is_candidate(const struct resnet *net, int64_t unit)
{
    int64_t i;

    for (i = 0; i < net->cnn.unit_count; i++)
        if (i != unit && same_shape(&net->cnn.units[i].conv, &net->cnn.units[unit].conv))
            return 1;
    return 0;
}

/* A block can be skipped where its input has the shape of its output. */
static int64_t block_of(const struct resnet *net, int64_t unit)
{
    const int64_t first = unit - (unit + 1) % 2; /* the stem, then two to a block */

    if (unit == 0 ||
        !same_shape(&net->cnn.units[first].conv, &net->cnn.units[first + 1].conv))
        return -1;
    return (first - 1) / 2;
}

/* The convolutions that could fuse, and which units they are of. */
static int64_t list(const struct resnet *net, struct baseline_matrix *matrices,
                    int64_t *units)
{
    int64_t count = 0, i;

    for (i = 0; i < net->cnn.unit_count; i++) {
        const struct cnn_unit *unit = &net->cnn.units[i];

        if (!is_candidate(net, i))
            continue;
        units[count] = i;
        matrices[count++] = (struct baseline_matrix){
            .value = lfuse_tensor_data(unit->weight.value),
            .gradient = lfuse_tensor_data(unit->weight.gradient),
            .velocity = lfuse_tensor_data(unit->weight.velocity),
            .rows = unit->conv.out_channels,
            .columns = unit->conv.in_channels * unit->conv.kernel_h * unit->conv.kernel_w,
            .block = block_of(net, i),
        };
    }
    return count;
}

/* What a block adds is a constant without its convolutions, which begins as 0; a wide one's is. */
static void silence(struct run *run)
{
    int64_t i;

    if (run->net->width > 0)
        return;
    for (i = 2; i < run->net->cnn.unit_count; i += 2) {
        const struct cnn_parameter *shift = &run->net->cnn.units[i].shift;

        if (baseline_dropped(run->baseline, (i - 1) / 2))
            memset(lfuse_tensor_data(shift->value), 0, lfuse_tensor_bytes(shift->value));
    }
}

static lfuse_status create(struct run *run, lfuse_error *err)
{
    struct baseline_matrix matrices[CNN_MAX_UNITS];
    int64_t units[CNN_MAX_UNITS];
    const int64_t count = list(run->net, matrices, units);
    struct baseline_options options = {run->options.baseline, run->options.ratio,
                                       (uint64_t)run->options.seed, NULL};
    struct compress_refit *refit = NULL;
    lfuse_status status = LFUSE_OK;

    if (options.kind == BASELINE_LOW_RANK && run->net->width == 0)
        status = compress_refit_create(run, units, &refit, err);
    options.refit = compress_refit_examples(refit);
    if (status == LFUSE_OK)
        status =
            baseline_create(run->ctx, &options, matrices, count, &run->baseline, err);
    compress_refit_destroy(refit);
    if (status != LFUSE_OK)
        return status;
    silence(run);
    printf("%s: %lld -> %lld bytes of %lld matrices, ratio %.3f\n",
           run->options.baseline_name, (long long)baseline_dense_bytes(run->baseline),
           (long long)baseline_bytes(run->baseline), (long long)count,
           (double)baseline_dense_bytes(run->baseline) /
               (double)baseline_bytes(run->baseline));
    return LFUSE_OK;
}

lfuse_status compress_baseline(struct run *run, lfuse_error *err)
{
    struct training training = compress_training(run);
    lfuse_status status = create(run, err);
    struct score compressed;
    int found;

    training.baseline = run->baseline;
    if (status == LFUSE_OK)
        status = compress_score(run, &compressed, err);
    if (status != LFUSE_OK)
        return status;
    compress_print_score("compressed", &compressed);
    status = compress_state_return(run, "", &found, err);
    while (run->progress.epochs < training.epochs && status == LFUSE_OK) {
        status = compress_epoch(run, &training, "", err);
        if (status == LFUSE_OK)
            status = compress_state_keep(run, "", err);
    }
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, &run->final, err);
    if (status == LFUSE_OK)
        compress_print_score(run->options.baseline_name, &run->final);
    return status;
}
