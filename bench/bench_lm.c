/*
 * bench_lm.c - tokens per second of a GPT, training and inference
 *
 *     bench_lm [--blocks N] [--width N] [--heads N] [--tokens N] [--batch N] [--vocabulary N]
 *              [--threads N] [--seconds S]
 *
 * Synthetic ids; a training step is forward, loss, backward and AdamW; inference ends with the
 * logits of all tokens. Two steps warm up, then steps are timed one by one for `seconds`, at
 * least 5, and the median counts. CSV on stdout:
 * what,library,threads,network,batch,ms median,ms least,tokens/s,steps,probe GFLOP/s before,after
 */
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "models/gpt.h"
#include "probe.h"
#include "random.h"

enum { MOST_STEPS = 1000, LEAST_STEPS = 5, PARAMETERS = 2 + 12 * GPT_MAX_BLOCKS + 2 };

struct bench {
    lfuse_context *ctx;
    struct gpt_shape shape;
    struct gpt *net;
    int32_t *ids, *labels;
    float *logits; /* (batch * tokens, vocabulary) */
    float *values[PARAMETERS], *firsts[PARAMETERS], *seconds_[PARAMETERS];
    const float *gradients[PARAMETERS];
    int64_t counts[PARAMETERS], parameters;
    int64_t batch, threads, step;
    double seconds;
    lfuse_error err;
};

static lfuse_status update(struct bench *b)
{
    lfuse_adamw_all_args args;

    lfuse_adamw_all_args_init(&args, sizeof(args));
    args.values = b->values;
    args.gradients = b->gradients;
    args.firsts = b->firsts;
    args.seconds = b->seconds_;
    args.counts = b->counts;
    args.parameters = b->parameters;
    args.step = ++b->step;
    args.learning_rate = 3e-4;
    args.weight_decay = 0.01;
    return lfuse_adamw_all(b->ctx, &args, &b->err);
}

static lfuse_status train_step(struct bench *b)
{
    double loss;
    lfuse_status status =
        gpt_forward(b->net, b->ids, b->batch, b->shape.positions, GPT_TRAINING, &b->err);

    if (status == LFUSE_OK)
        status = gpt_loss(b->net, b->labels, &loss, &b->err);
    if (status == LFUSE_OK)
        status = gpt_backward(b->net, &b->err);
    return status == LFUSE_OK ? update(b) : status;
}

static lfuse_status infer_step(struct bench *b)
{
    lfuse_status status =
        gpt_forward(b->net, b->ids, b->batch, b->shape.positions, GPT_INFERENCE, &b->err);

    return status == LFUSE_OK
               ? gpt_logits(b->net, 0, b->batch * b->shape.positions, b->logits, &b->err)
               : status;
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
    printf("%s,layerfuse,%d,gpt%lldx%lldv%lld,%lldx%lld,%.1f,%.1f,%.1f,%d,%.0f,%.0f\n",
           what, (int)b->threads, (long long)b->shape.blocks, (long long)b->shape.width,
           (long long)b->shape.vocabulary, (long long)b->batch,
           (long long)b->shape.positions, 1e3 * times[steps / 2], 1e3 * times[0],
           (double)(b->batch * b->shape.positions) / times[steps / 2], steps, before,
           probe_gflops((int)b->threads));
    fflush(stdout);
    return LFUSE_OK;
}

static lfuse_status list_parameters(struct bench *b)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < b->net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(b->net->layers[i]); k++) {
            const int64_t n = b->parameters++;

            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(b->net->layers[i], k, &p, &b->err);
            if (status != LFUSE_OK)
                return status;
            b->values[n] = lfuse_tensor_data(p.value);
            b->gradients[n] = lfuse_tensor_data(p.gradient);
            b->firsts[n] = lfuse_tensor_data(p.state[0]);
            b->seconds_[n] = lfuse_tensor_data(p.state[1]);
            b->counts[n] = lfuse_tensor_elements(p.value);
        }
    return LFUSE_OK;
}

static lfuse_status prepare(struct bench *b)
{
    const int64_t rows = b->batch * b->shape.positions;
    const uint64_t ids = (uint64_t)b->shape.vocabulary;
    lfuse_context_options options;
    lfuse_status status;
    int64_t i;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b->threads;
    status = lfuse_context_create(&options, &b->ctx, &b->err);
    if (status == LFUSE_OK)
        status = gpt_create(b->ctx, &b->shape, b->batch, b->shape.positions, GPT_TRAINING,
                            &b->net, &b->err);
    if (status != LFUSE_OK)
        return status;
    gpt_initialise(b->net, 1);
    b->ids = malloc((size_t)rows * sizeof(*b->ids));
    b->labels = malloc((size_t)rows * sizeof(*b->labels));
    b->logits = malloc((size_t)(rows * b->shape.vocabulary) * sizeof(*b->logits));
    if (b->ids == NULL || b->labels == NULL || b->logits == NULL)
        return LFUSE_ERR_NO_MEMORY;
    for (i = 0; i < rows; i++) {
        b->ids[i] = (int32_t)(random_bits(2, 0, (uint64_t)i) % ids);
        b->labels[i] = (int32_t)(random_bits(2, 1, (uint64_t)i) % ids);
    }
    return list_parameters(b);
}

int main(int argc, char **argv)
{
    static struct bench b = {
        .shape = {6, 256, 8, 256, 256}, .batch = 16, .threads = 2, .seconds = 6.0};
    const struct argument table[] = {
        {"--blocks", "N", "(6)", &b.shape.blocks, ARGUMENT_INTEGER, 1, GPT_MAX_BLOCKS},
        {"--width", "N", "(256)", &b.shape.width, ARGUMENT_INTEGER, 1, 65536},
        {"--heads", "N", "(8)", &b.shape.heads, ARGUMENT_INTEGER, 1, 65536},
        {"--tokens", "N", "of a sequence (256)", &b.shape.positions, ARGUMENT_INTEGER, 1,
         65536},
        {"--vocabulary", "N", "(256)", &b.shape.vocabulary, ARGUMENT_INTEGER, 1, 1e6},
        {"--batch", "N", "sequences in a step (16)", &b.batch, ARGUMENT_INTEGER, 1,
         65536},
        {"--threads", "N", "of the library's pool (2)", &b.threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--seconds", "S", "of timing for each figure (6)", &b.seconds, ARGUMENT_NUMBER,
         0, 1e4},
    };
    int count = (int)(sizeof(table) / sizeof(table[0])), help;
    lfuse_status status = arguments_read(table, count, argc, argv, &help, &b.err);

    if (status != LFUSE_OK) {
        fprintf(stderr, "bench_lm: %s\n", b.err.message);
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
        fprintf(stderr, "bench_lm: %s\n", b.err.message);
    free(b.logits);
    free(b.labels);
    free(b.ids);
    gpt_destroy(b.net);
    lfuse_context_destroy(b.ctx);
    return status == LFUSE_OK ? 0 : 1;
}
