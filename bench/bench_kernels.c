/*
 * bench_kernels.c - time and bandwidth of the kernels that are bound by memory
 *
 *     bench_kernels [threads]
 *
 * At the sizes of a ResNet-20 with batch 128, NHWC and NCHW: microseconds (the least of
 * several runs), the bytes that must be read or written, each pass over a tensor counted, GB/s,
 * and the time over that of plain copies of as many bytes: memcpy over the same threads, in the
 * same run, from one half to the other of as much memory as the operation touches, so that
 * both meet the same caches. A copy of n bytes moves 2 n.
 */
#include <layerfuse/layerfuse.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

enum { RUNS = 40, COPY_CHUNK = 262144 };

struct bench {
    lfuse_context *ctx;
    struct lfi_env env; /* the same threads, for the copy */
    float *memory;      /* where the tensors lie, one after the other */
    float *tensor[5];   /* x, y or residual, dy, dx, dresidual */
    float *channel[8];  /* a float per channel each */
    int64_t batch;
    int64_t side;
    int64_t channels;
    lfuse_layout layout;
    uint32_t flags;
    lfuse_pool pool;
    int residual;
    int64_t copied;          /* floats */
    double bytes_per_us[11]; /* of a copy that touches i halves of a tensor */
};

typedef lfuse_status (*operation)(struct bench *b, lfuse_error *err);

static int64_t elements(const struct bench *b)
{
    return b->batch * b->side * b->side * b->channels;
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static double least_us(struct bench *b, operation run)
{
    double least = INFINITY;
    lfuse_error err;
    int i;

    for (i = 0; i < RUNS; i++) {
        double start = now_us(), us;

        if (run(b, &err) != LFUSE_OK) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        us = now_us() - start;
        least = us < least ? us : least;
    }
    return least;
}

/* Tensors moved, each pass counted, and halves of tensors touched. */
static void report(struct bench *b, const char *name, double moved, int halves,
                   operation run)
{
    double bytes = moved * 4.0 * (double)elements(b), us = least_us(b, run);

    printf("  %-34s %9.1f us %6.2f MB %7.1f GB/s  x%.2f of copies\n", name, us,
           bytes * 1e-6, bytes / us * 1e-3, us / (bytes / b->bytes_per_us[halves]));
}

/* ---- operations ------------------------------------------------------------------------- */

static void copy_task(void *arg, int64_t index, int32_t slot)
{
    const struct bench *b = arg;
    int64_t first = index * COPY_CHUNK, left = b->copied - first;

    (void)slot;
    memcpy(b->memory + b->copied + first, b->memory + first,
           (size_t)(left < COPY_CHUNK ? left : COPY_CHUNK) * sizeof(float));
}

static lfuse_status copy(struct bench *b, lfuse_error *err)
{
    return lfi_parallel_for(&b->env, (b->copied - 1) / COPY_CHUNK + 1, copy_task, b, err);
}

static void measure_copies(struct bench *b)
{
    int halves;

    for (halves = 2; halves <= 10; halves++) {
        b->copied = halves * elements(b) / 4;
        b->bytes_per_us[halves] = 8.0 * (double)b->copied / least_us(b, copy);
    }
    printf(
        "%lld x %lld x %lld x %lld: copies within 1 to 5 tensors:", (long long)b->batch,
        (long long)b->side, (long long)b->side, (long long)b->channels);
    for (halves = 2; halves <= 10; halves += 2)
        printf(" %.1f", b->bytes_per_us[halves] * 1e-3);
    printf(" GB/s\n");
}

static lfuse_status relu_forward(struct bench *b, lfuse_error *err)
{
    return lfuse_relu_forward(b->ctx, b->tensor[0], elements(b), b->tensor[3], err);
}

static lfuse_status relu_backward(struct bench *b, lfuse_error *err)
{
    return lfuse_relu_backward(b->ctx, b->tensor[1], b->tensor[2], elements(b),
                               b->tensor[3], err);
}

static lfuse_status add(struct bench *b, lfuse_error *err)
{
    return lfuse_add(b->ctx, b->tensor[0], b->tensor[1], elements(b), b->tensor[3], err);
}

static lfuse_status sgd(struct bench *b, lfuse_error *err)
{
    lfuse_sgd_args a;

    lfuse_sgd_args_init(&a, sizeof(a));
    a.value = b->tensor[3];
    a.gradient = b->tensor[0];
    a.velocity = b->tensor[4];
    a.count = elements(b);
    a.learning_rate = 1e-3;
    a.momentum = 0.9;
    a.weight_decay = 1e-4;
    return lfuse_sgd(b->ctx, &a, err);
}

static lfuse_batch_norm_args batch_norm(const struct bench *b)
{
    lfuse_batch_norm_args a;

    lfuse_batch_norm_args_init(&a, sizeof(a));
    a.x = b->tensor[0];
    a.y = b->tensor[3];
    a.scale = b->channel[0];
    a.shift = b->channel[1];
    a.running_mean = b->channel[2];
    a.running_variance = b->channel[3];
    a.saved_mean = b->channel[4];
    a.saved_inverse = b->channel[5];
    a.dscale = b->channel[6];
    a.dshift = b->channel[7];
    a.batch = b->batch;
    a.channels = b->channels;
    a.pixels = b->side * b->side;
    a.layout = b->layout;
    a.flags = b->flags;
    return a;
}

static lfuse_status training(struct bench *b, lfuse_error *err)
{
    lfuse_batch_norm_args a = batch_norm(b);

    a.residual = b->residual ? b->tensor[1] : NULL;
    return lfuse_batch_norm_training(b->ctx, &a, err);
}

static lfuse_status inference(struct bench *b, lfuse_error *err)
{
    lfuse_batch_norm_args a = batch_norm(b);

    return lfuse_batch_norm_inference(b->ctx, &a, err);
}

static lfuse_status backward(struct bench *b, lfuse_error *err)
{
    lfuse_batch_norm_args a = batch_norm(b);

    a.y = b->tensor[1];
    a.dy = b->tensor[2];
    a.dx = b->tensor[3];
    a.dresidual = b->residual ? b->tensor[4] : NULL;
    return lfuse_batch_norm_backward(b->ctx, &a, err);
}

static lfuse_pool2d_args pool2d(const struct bench *b, int64_t kernel)
{
    lfuse_pool2d_args a;

    lfuse_pool2d_args_init(&a, sizeof(a));
    a.x = b->tensor[0];
    a.y = b->tensor[4];
    a.dy = b->tensor[2];
    a.dx = b->tensor[3];
    a.batch = b->batch;
    a.channels = b->channels;
    a.height = b->side;
    a.width = b->side;
    a.kernel_h = kernel;
    a.kernel_w = kernel;
    a.pool = b->pool;
    a.layout = b->layout;
    return a;
}

static lfuse_status global_forward(struct bench *b, lfuse_error *err)
{
    lfuse_pool2d_args a = pool2d(b, b->side);

    return lfuse_pool2d_forward(b->ctx, &a, err);
}

static lfuse_status global_backward(struct bench *b, lfuse_error *err)
{
    lfuse_pool2d_args a = pool2d(b, b->side);

    return lfuse_pool2d_backward(b->ctx, &a, err);
}

static lfuse_status pool_forward(struct bench *b, lfuse_error *err)
{
    lfuse_pool2d_args a = pool2d(b, 2);

    return lfuse_pool2d_forward(b->ctx, &a, err);
}

static lfuse_status pool_backward(struct bench *b, lfuse_error *err)
{
    lfuse_pool2d_args a = pool2d(b, 2);

    return lfuse_pool2d_backward(b->ctx, &a, err);
}

/* ---- sizes -------------------------------------------------------------------------------- */

static void run_batch_norm(struct bench *b)
{
    b->flags = LFUSE_BATCH_NORM_RELU;
    b->residual = 0;
    report(b, "training, relu: x, x, y", 3, 4, training);
    report(b, "inference, relu: x, y", 2, 4, inference);
    report(b, "backward, relu: x dy y, x dy y dx", 7, 8, backward);
    b->residual = 1;
    report(b, "training, relu, residual: + r", 4, 6, training);
    report(b, "backward, relu, residual: + dr", 8, 10, backward);
    b->flags = 0;
    b->residual = 0;
    report(b, "backward: x dy, x dy dx", 5, 6, backward);
}

static void run_pools(struct bench *b)
{
    b->pool = LFUSE_POOL_AVERAGE;
    report(b, "average 2x2: x, y/4", 1.25, 3, pool_forward);
    report(b, "average 2x2 backward: dy/4, dx", 1.25, 3, pool_backward);
    report(b, "global average: x", 1, 2, global_forward);
    report(b, "global average backward: dx", 1, 2, global_backward);
    b->pool = LFUSE_POOL_MAX;
    report(b, "max 2x2: x, y/4", 1.25, 3, pool_forward);
    report(b, "max 2x2 backward: x, dy/4, dx", 2.25, 5, pool_backward);
}

static void run_size(struct bench *b, int64_t side, int64_t channels)
{
    const char *layouts[] = {"NCHW", "NHWC"};

    b->side = side;
    b->channels = channels;
    measure_copies(b);
    report(b, "relu: x, y", 2, 4, relu_forward);
    report(b, "relu backward: y, dy, dx", 3, 6, relu_backward);
    report(b, "add: a, b, y", 3, 6, add);
    report(b, "sgd: w, g, v, w, v", 5, 6, sgd);
    for (b->layout = LFUSE_LAYOUT_NHWC; b->layout >= LFUSE_LAYOUT_NCHW; b->layout--) {
        printf(" %s\n", layouts[b->layout - 1]);
        run_batch_norm(b);
        run_pools(b);
    }
}

/* A context over a pool that the copy can use, too. */
static int open_context(struct bench *b, int32_t threads, lfuse_error *err)
{
    struct lfi_pool *pool;
    lfuse_context_options options;

    b->env.allocator = lfi_allocator_default();
    b->env.executor = lfi_executor_serial();
    lfuse_context_options_init(&options, sizeof(options));
    if (threads > 1) {
        if (lfi_pool_create(&b->env, threads, &pool, err) != LFUSE_OK)
            return 0;
        b->env.executor = options.executor = lfi_pool_executor(pool);
    }
    return lfuse_context_create(&options, &b->ctx, err) == LFUSE_OK;
}

int main(int argc, char **argv)
{
    struct bench b = {.batch = 128};
    const size_t most = 128 * 32 * 32 * 16;
    lfuse_error err;
    float *channels;
    size_t i;

    if (!open_context(&b, argc > 1 ? atoi(argv[1]) : 1, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    b.memory = aligned_alloc(64, 5 * most * sizeof(float));
    channels = aligned_alloc(64, 8 * 64 * sizeof(float));
    if (b.memory == NULL || channels == NULL)
        return 1;
    for (i = 0; i < 5 * most; i++)
        b.memory[i] = (float)((i * 2654435761u >> 7) % 1024) / 512.0f - 1.0f;
    for (i = 0; i < 8 * 64; i++)
        channels[i] = 1.0f;
    for (i = 0; i < 5; i++)
        b.tensor[i] = b.memory + i * most;
    for (i = 0; i < 8; i++)
        b.channel[i] = channels + i * 64;
    run_size(&b, 32, 16);
    run_size(&b, 16, 32);
    run_size(&b, 8, 64);
    return 0; /* the system takes the memory and the threads back */
}
