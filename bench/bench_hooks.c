/*
 * bench_hooks.c - what the retrainer's hooks cost a training step, and what tied layers take
 *
 *     bench_hooks [--blocks N] [--batch N] [--threads N] [--seconds S] [--ratio R] [--gradients G]
 *
 * A CIFAR ResNet of random weights is fused once to the ratio, by policy average, and trained on
 * synthetic images: forward, loss, backward, SGD with momentum. Of every step each hook is timed:
 * begin_step, combine_gradients, the list of parameters and end_step; two steps warm up, the
 * median of the others counts. Then the bytes of what the parameters are made of, memory that is shared
 * counted once. CSV on stdout:
 *     hooks,threads,network,batch,ratio,gradients,ms of a step,of its hooks,% of it,begin,combine,list,end
 *     memory,network,ratio,of,what,bytes before,bytes after,times less
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "models/resnet.h"
#include "names.h"
#include "probe.h"
#include "random.h"

enum { MOST_STEPS = 1000, LEAST_STEPS = 7, MOST_ARRAYS = 3 * CNN_MAX_TENSORS };
enum { BEGIN, COMBINE, LIST, END, STEP, TIMES };
enum { VALUE, GRADIENT, MOMENTUM, KINDS };

struct bench {
    lfuse_context *ctx;
    struct resnet *net;
    lfuse_retrainer *retrainer;
    float *x;
    int32_t *labels;
    int64_t blocks, batch, threads;
    double seconds, ratio;
    const char *gradients_name;
    lfuse_gradients gradients;
    double times[TIMES][MOST_STEPS];
    int steps;
    lfuse_error err;
};

/* ---- a step ----------------------------------------------------------------------------------- */

static lfuse_status pass(struct bench *b)
{
    double loss;
    lfuse_status status = resnet_forward(b->net, b->x, b->batch, CNN_TRAINING, &b->err);

    if (status == LFUSE_OK)
        status = cnn_loss(&b->net->cnn, b->labels, &loss, NULL, &b->err);
    return status == LFUSE_OK ? resnet_backward(b->net, &b->err) : status;
}

static lfuse_status list(struct bench *b, lfuse_parameter *parameters)
{
    const int64_t count = lfuse_retrainer_parameter_count(b->retrainer);
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        lfuse_parameter_init(&parameters[i], sizeof(parameters[i]));
        status = lfuse_retrainer_parameter(b->retrainer, i, &parameters[i], &b->err);
    }
    return status;
}

static lfuse_status update(struct bench *b, const lfuse_parameter *parameters)
{
    const int64_t count = lfuse_retrainer_parameter_count(b->retrainer);
    lfuse_status status = LFUSE_OK;
    lfuse_sgd_args sgd;
    int64_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        lfuse_sgd_args_init(&sgd, sizeof(sgd));
        sgd.value = lfuse_tensor_data(parameters[i].value);
        sgd.gradient = lfuse_tensor_data(parameters[i].gradient);
        sgd.velocity = lfuse_tensor_data(parameters[i].state[0]);
        sgd.count = lfuse_tensor_elements(parameters[i].value);
        sgd.learning_rate = 1e-3;
        sgd.momentum = 0.9;
        sgd.weight_decay = 1e-4;
        status = lfuse_sgd(b->ctx, &sgd, &b->err);
    }
    return status;
}

static lfuse_status step(struct bench *b, double times[TIMES])
{
    static lfuse_parameter parameters[CNN_MAX_TENSORS];
    double at[TIMES + 3];
    lfuse_status status;

    at[0] = probe_seconds();
    status = lfuse_retrainer_begin_step(b->retrainer, &b->err);
    at[1] = probe_seconds();
    if (status == LFUSE_OK)
        status = pass(b);
    at[2] = probe_seconds();
    if (status == LFUSE_OK)
        status = lfuse_retrainer_combine_gradients(b->retrainer, &b->err);
    at[3] = probe_seconds();
    if (status == LFUSE_OK)
        status = list(b, parameters);
    at[4] = probe_seconds();
    if (status == LFUSE_OK)
        status = update(b, parameters);
    at[5] = probe_seconds();
    if (status == LFUSE_OK)
        status = lfuse_retrainer_end_step(b->retrainer, &b->err);
    at[6] = probe_seconds();
    times[BEGIN] = at[1] - at[0];
    times[COMBINE] = at[3] - at[2];
    times[LIST] = at[4] - at[3];
    times[END] = at[6] - at[5];
    times[STEP] = at[6] - at[0];
    return status;
}

/* ---- time ------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(struct bench *b, int which)
{
    qsort(b->times[which], (size_t)b->steps, sizeof(double), by_size);
    return 1e3 * b->times[which][b->steps / 2];
}

static void print_times(struct bench *b)
{
    double ms[TIMES], hooks = 0.0;
    int i;

    for (i = 0; i < TIMES; i++)
        ms[i] = median(b, i);
    for (i = 0; i < STEP; i++)
        hooks += ms[i];
    printf("hooks,%d,%s,%d,%g,%s,%.1f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f\n", (int)b->threads,
           resnet_name(b->net).text, (int)b->batch, b->ratio, b->gradients_name, ms[STEP],
           hooks, 100.0 * hooks / ms[STEP], ms[BEGIN], ms[COMBINE], ms[LIST], ms[END]);
    fflush(stdout);
}

static lfuse_status measure(struct bench *b)
{
    double times[TIMES], total = 0.0;
    lfuse_status status = step(b, times);
    int i;

    if (status == LFUSE_OK)
        status = step(b, times);
    while (status == LFUSE_OK && b->steps < MOST_STEPS &&
           (b->steps < LEAST_STEPS || total < b->seconds)) {
        status = step(b, times);
        for (i = 0; i < TIMES; i++)
            b->times[i][b->steps] = times[i];
        total += times[STEP];
        b->steps++;
    }
    if (status == LFUSE_OK)
        print_times(b);
    return status;
}

/* ---- memory ------------------------------------------------------------------------------------- */

/* Bytes of each kind, of layers that can fuse and of all; shared memory counts once. */
struct memory {
    int64_t candidates[KINDS], all[KINDS];
};

static void count(const lfuse_tensor *tensor, const void **seen, int *seen_count,
                  int is_candidate, int64_t *candidates, int64_t *all)
{
    const void *data = lfuse_tensor_data((lfuse_tensor *)tensor);
    int i;

    for (i = 0; i < *seen_count; i++)
        if (seen[i] == data)
            return;
    seen[(*seen_count)++] = data;
    *all += (int64_t)lfuse_tensor_bytes(tensor);
    if (is_candidate)
        *candidates += (int64_t)lfuse_tensor_bytes(tensor);
}

/* Whether a layer is a convolution that could fuse with another. */
static int has_twin(const struct resnet *net, int64_t layer)
{
    const char *type = lfuse_layer_param_type(net->layers[layer]);
    int64_t i;

    for (i = 0; i < net->layer_count; i++)
        if (i != layer && lfuse_layer_kind_of(net->layers[i]) == LFUSE_LAYER_CONV2D &&
            strcmp(lfuse_layer_param_type(net->layers[i]), type) == 0)
            return 1;
    return 0;
}

static struct memory memory_of(const struct bench *b)
{
    static const void *seen[MOST_ARRAYS];
    struct memory m = {{0}, {0}};
    int seen_count = 0, kind;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < b->net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(b->net->layers[i]); k++) {
            const lfuse_tensor *each[KINDS];
            const int is_candidate = has_twin(b->net, i);

            lfuse_parameter_init(&p, sizeof(p));
            if (lfuse_layer_parameter(b->net->layers[i], k, &p, NULL) != LFUSE_OK ||
                p.gradient == NULL)
                continue; /* a statistic */
            each[VALUE] = p.value;
            each[GRADIENT] = p.gradient;
            each[MOMENTUM] = p.state[0];
            for (kind = 0; kind < KINDS; kind++)
                count(each[kind], seen, &seen_count, is_candidate, &m.candidates[kind],
                      &m.all[kind]);
        }
    return m;
}

static void print_memory(const struct bench *b, const char *of, const int64_t *before,
                         const int64_t *after)
{
    static const char *const names[] = {"values", "gradients", "momentum"};
    int64_t was = 0, is = 0;
    int kind;

    for (kind = 0; kind < KINDS; kind++) {
        printf("memory,%s,%g,%s,%s,%lld,%lld,%.3f\n", resnet_name(b->net).text, b->ratio,
               of, names[kind], (long long)before[kind], (long long)after[kind],
               (double)before[kind] / (double)after[kind]);
        was += before[kind];
        is += after[kind];
    }
    printf("memory,%s,%g,%s,all,%lld,%lld,%.3f\n", resnet_name(b->net).text, b->ratio, of,
           (long long)was, (long long)is, (double)was / (double)is);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static lfuse_status make_images(struct bench *b)
{
    const int64_t values = b->batch * CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS;
    int64_t i;

    b->x = malloc((size_t)values * sizeof(*b->x));
    b->labels = malloc((size_t)b->batch * sizeof(*b->labels));
    if (b->x == NULL || b->labels == NULL)
        return LFUSE_ERR_NO_MEMORY;
    for (i = 0; i < values; i++)
        b->x[i] = (float)random_normal(2, 0, (uint64_t)i);
    for (i = 0; i < b->batch; i++)
        b->labels[i] = (int32_t)(random_bits(3, 0, (uint64_t)i) % CNN_CLASSES);
    return LFUSE_OK;
}

static lfuse_status prepare(struct bench *b)
{
    lfuse_context_options context;
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_status status;

    lfuse_context_options_init(&context, sizeof(context));
    context.threads = (int32_t)b->threads;
    status = lfuse_context_create(&context, &b->ctx, &b->err);
    if (status == LFUSE_OK)
        status =
            resnet_create(b->ctx, b->blocks, b->batch, CNN_TRAINING, &b->net, &b->err);
    if (status == LFUSE_OK)
        status = make_images(b);
    if (status != LFUSE_OK)
        return status;
    resnet_initialise(b->net, 1);
    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = b->ratio;
    plan.metric = LFUSE_METRIC_COSINE;
    lfuse_ties_options_init(&ties, sizeof(ties));
    ties.gradients = b->gradients;
    ties.combine = LFUSE_COMBINE_MEAN;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    options.ties = &ties;
    return lfuse_retrainer_create(b->ctx, b->net->layers, b->net->layer_count, &options,
                                  &b->retrainer, &b->err);
}

static lfuse_status work(struct bench *b)
{
    struct memory before, after;
    lfuse_status status = prepare(b);

    if (status != LFUSE_OK)
        return status;
    before = memory_of(b);
    status = lfuse_retrainer_fuse(b->retrainer, &b->err);
    if (status == LFUSE_OK)
        status = measure(b);
    if (status != LFUSE_OK)
        return status;
    after = memory_of(b);
    print_memory(b, "candidates", before.candidates, after.candidates);
    print_memory(b, "all", before.all, after.all);
    return LFUSE_OK;
}

static void release(struct bench *b)
{
    lfuse_retrainer_destroy(b->retrainer);
    free(b->labels);
    free(b->x);
    resnet_destroy(b->net);
    lfuse_context_destroy(b->ctx);
}

int main(int argc, char **argv)
{
    static struct bench b = {.blocks = 9,
                             .batch = 128,
                             .threads = 2,
                             .seconds = 6.0,
                             .ratio = 3.33,
                             .gradients_name = "accumulated",
                             .gradients = 1};
    const struct argument table[] = {
        {"--blocks", "N", "per stage: 3 is ResNet-20, 9 ResNet-56 (9)", &b.blocks,
         ARGUMENT_INTEGER, 1, RESNET_MAX_BLOCKS},
        {"--batch", "N", "images in a step (128)", &b.batch, ARGUMENT_INTEGER, 2, 65536},
        {"--threads", "N", "of the library's pool (2)", &b.threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--seconds", "S", "of timing (6)", &b.seconds, ARGUMENT_NUMBER, 0, 1e4},
        {"--ratio", "R", "that the network is fused to (3.33)", &b.ratio, ARGUMENT_NUMBER,
         1, 1e6},
        {"--gradients", "NAME", "position, or accumulated (accumulated)",
         &b.gradients_name, ARGUMENT_TEXT, 0, 0},
    };
    const int rows = (int)(sizeof(table) / sizeof(table[0]));
    int help;
    lfuse_status status = arguments_read(table, rows, argc, argv, &help, &b.err);

    if (status == LFUSE_OK)
        status = names_choose("--gradients", b.gradients_name, names_gradients,
                              &b.gradients, &b.err);
    if (status != LFUSE_OK) {
        fprintf(stderr, "bench_hooks: %s\n", b.err.message);
        return 2;
    }
    if (help) {
        arguments_print(table, rows);
        return 0;
    }
    status = work(&b);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_hooks: %s\n", b.err.message);
    release(&b);
    return status == LFUSE_OK ? 0 : 1;
}
