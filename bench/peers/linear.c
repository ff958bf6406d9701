/* linear.c - a transformer's linear layers, all three directions: lfuse_linear_* and plain CBLAS */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

void openblas_set_num_threads(int count);

/* Of 16 sequences of 256 tokens at width 256, of one of 512 at width 768, and of its vocabulary. */
static const struct layer {
    const char *name;
    int64_t batch, in, out;
} layers[] = {
    {"lin256_proj", 4096, 256, 256}, {"lin256_qkv", 4096, 256, 768},
    {"lin256_up", 4096, 256, 1024},  {"lin256_dn", 4096, 1024, 256},
    {"lin768_proj", 512, 768, 768},  {"lin768_qkv", 512, 768, 2304},
    {"lin768_up", 512, 768, 3072},   {"lin768_dn", 512, 3072, 768},
    {"lin768_lm", 256, 768, 33278},
};

enum { FORWARD, DATA, WEIGHTS, DIRECTIONS };
static const char *const directions[DIRECTIONS] = {"f", "dx", "dw"};

struct call {
    struct bench *bench;
    lfuse_linear_args args;
    int direction;
};

static void run_ours(void *arg)
{
    static lfuse_status (*const calls[DIRECTIONS])(
        lfuse_context *, const lfuse_linear_args *, lfuse_error *) = {
        lfuse_linear_forward, lfuse_linear_backward_data, lfuse_linear_backward_weights};
    struct call *call = arg;
    lfuse_error err;

    check(calls[call->direction](call->bench->ctx, &call->args, &err), &err);
}

static void run_blas(void *arg)
{
    const struct call *call = arg;
    const lfuse_linear_args *a = &call->args;
    const blasint m = (blasint)a->batch, in = (blasint)a->in_features,
                  out = (blasint)a->out_features;

    if (call->direction == FORWARD)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, out, in, 1.0f, a->x, in,
                    a->w, in, 0.0f, a->y, out);
    else if (call->direction == DATA)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, in, out, 1.0f, a->dy,
                    out, a->w, in, 0.0f, a->dx, in);
    else
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, m, 1.0f, a->dy, out,
                    a->x, in, 0.0f, a->dw, in);
}

static void bench_direction(struct bench *b, const struct layer *layer, struct call *call)
{
    struct contender contenders[2] = {
        {.name = "layerfuse", .run = run_ours, .arg = call, .error = NAN},
        {.name = "openblas", .run = run_blas, .arg = call, .error = NAN}};
    char name[32];

    snprintf(name, sizeof(name), "%s_%s", layer->name, directions[call->direction]);
    if (!wanted(b, name))
        return;
    run_ours(call);
    run_blas(call);
    report(b, "linear", name, contenders, measure(b, contenders, 2),
           2.0 * (double)layer->batch * (double)layer->in * (double)layer->out, 0.0);
}

static void bench_layer(struct bench *b, const struct layer *layer)
{
    const int64_t x = layer->batch * layer->in, w = layer->out * layer->in,
                  y = layer->batch * layer->out;
    struct call call = {.bench = b};
    lfuse_error err;

    lfuse_linear_args_init(&call.args, sizeof(call.args));
    call.args.batch = layer->batch;
    call.args.in_features = layer->in;
    call.args.out_features = layer->out;
    call.args.x = numbers(x, 1);
    call.args.w = numbers(w, 2);
    call.args.dy = numbers(y, 3);
    call.args.y = numbers(y, 4);
    call.args.dx = numbers(x, 5);
    call.args.dw = numbers(w, 6);
    check(lfuse_linear_workspace(b->ctx, &call.args, &call.args.workspace_bytes, &err),
          &err);
    call.args.workspace =
        numbers((int64_t)(call.args.workspace_bytes / sizeof(float)), 7);
    for (call.direction = 0; call.direction < DIRECTIONS; call.direction++)
        bench_direction(b, layer, &call);
    free((void *)call.args.x);
    free((void *)call.args.w);
    free((void *)call.args.dy);
    free(call.args.y);
    free(call.args.dx);
    free(call.args.dw);
    free(call.args.workspace);
}

void bench_linear(struct bench *b)
{
    size_t i;

    openblas_set_num_threads(b->threads);
    for (i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        bench_layer(b, &layers[i]);
}
