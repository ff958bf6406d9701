/*
 * bench_attention.c - milliseconds of the attention core, forward, with backward, and decoding
 *
 *     bench_attention [--threads N] [--seconds S] [--only CASE]
 *
 * Causal, and q, k and v in one buffer as a linear layer leaves them; but the cases that decode
 * have one new token, and a cache that holds the keys of all. Two runs warm up, then runs are
 * timed one by one for `seconds`, at least 7. "workspace" is what the library asks for beside the
 * operands. CSV on stdout:
 * what,library,threads,case,batch,heads,kv heads,tokens,keys,head size,ms median,ms least,
 * GB/s of keys and values at the median,workspace bytes,runs,probe GFLOP/s before,after
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerfuse/layerfuse.h>

#include "arguments.h"
#include "probe.h"
#include "random.h"

enum { MOST_RUNS = 10000, LEAST_RUNS = 7 };

struct shape {
    const char *name;
    int64_t batch, heads, kv_heads, tokens, keys, head_dim;
};

static const struct shape shapes[] = {
    {"gpt1", 1, 12, 12, 512, 512, 64},          {"gpt_s", 16, 8, 8, 256, 256, 32},
    {"long", 1, 12, 12, 2048, 2048, 64},        {"longer", 1, 12, 12, 4096, 4096, 64},
    {"grouped", 1, 12, 4, 512, 512, 64},        {"one_head", 1, 1, 1, 128, 128, 64},
    {"decode_512", 1, 12, 12, 1, 512, 64},      {"decode_4096", 1, 12, 12, 1, 4096, 64},
    {"decode_grouped", 1, 32, 8, 1, 4096, 128},
};

struct bench {
    lfuse_context *ctx;
    lfuse_attention_args args;
    float *memory;
    int64_t threads;
    double seconds;
    lfuse_error err;
};

static lfuse_status forward(struct bench *b)
{
    return lfuse_attention_forward(b->ctx, &b->args, &b->err);
}

static lfuse_status both(struct bench *b)
{
    lfuse_status status = forward(b);

    return status == LFUSE_OK ? lfuse_attention_backward(b->ctx, &b->args, &b->err)
                              : status;
}

/* Arrays of the shape in one allocation: q, k, v and their gradients as parts of two buffers. */
static lfuse_status prepare(struct bench *b, const struct shape *s)
{
    const int64_t queries = s->batch * s->tokens, keys = s->batch * s->keys;
    const int64_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    const bool fused = s->tokens == s->keys;
    const int64_t qkv = fused ? queries * (q + 2 * kv) : queries * q + 2 * keys * kv;
    const int64_t floats = 2 * qkv + queries * (2 * q + s->heads);
    lfuse_attention_args *a = &b->args;
    size_t bytes;
    lfuse_status status;
    int64_t i;

    lfuse_attention_args_init(a, sizeof(*a));
    a->batch = s->batch;
    a->tokens = s->tokens;
    a->keys = s->keys;
    a->heads = s->heads;
    a->kv_heads = s->kv_heads;
    a->head_dim = s->head_dim;
    a->flags = LFUSE_ATTENTION_CAUSAL;
    if (fused)
        a->q_stride = a->k_stride = a->v_stride = q + 2 * kv;
    status = lfuse_attention_workspace(b->ctx, a, &bytes, &b->err);
    if (status != LFUSE_OK)
        return status;
    b->memory = malloc((size_t)floats * sizeof(float));
    a->workspace = aligned_alloc(64, bytes);
    a->workspace_bytes = bytes;
    if (b->memory == NULL || a->workspace == NULL)
        return LFUSE_ERR_NO_MEMORY;
    for (i = 0; i < floats; i++)
        b->memory[i] = (float)random_normal(1, 0, (uint64_t)i);
    a->q = b->memory;
    a->k = a->q + (fused ? q : queries * q);
    a->v = a->k + (fused ? kv : keys * kv);
    a->dq = b->memory + qkv;
    a->dk = a->dq + (a->k - a->q);
    a->dv = a->dq + (a->v - a->q);
    a->y = b->memory + 2 * qkv;
    a->dy = a->y + queries * q;
    a->statistics = a->y + 2 * queries * q;
    return LFUSE_OK;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static lfuse_status measure(struct bench *b, const struct shape *s, const char *what,
                            lfuse_status (*step)(struct bench *))
{
    static double times[MOST_RUNS];
    const double bytes = 8.0 * (double)(s->batch * s->keys * s->kv_heads * s->head_dim);
    lfuse_status status = step(b);
    double before, total = 0.0, median;
    int runs = 0;

    if (status == LFUSE_OK)
        status = step(b);
    before = probe_gflops((int)b->threads);
    while (status == LFUSE_OK && runs < MOST_RUNS &&
           (runs < LEAST_RUNS || total < b->seconds)) {
        double begun = probe_seconds();

        status = step(b);
        times[runs] = probe_seconds() - begun;
        total += times[runs++];
    }
    if (status != LFUSE_OK)
        return status;
    qsort(times, (size_t)runs, sizeof(*times), by_size);
    median = times[runs / 2];
    printf("%s,layerfuse,%d,%s,%d,%d,%d,%d,%d,%d,%.4f,%.4f,%.1f,%zu,%d,%.0f,%.0f\n", what,
           (int)b->threads, s->name, (int)s->batch, (int)s->heads, (int)s->kv_heads,
           (int)s->tokens, (int)s->keys, (int)s->head_dim, 1e3 * median, 1e3 * times[0],
           1e-9 * bytes / median, b->args.workspace_bytes, runs, before,
           probe_gflops((int)b->threads));
    fflush(stdout);
    return LFUSE_OK;
}

static lfuse_status run(struct bench *b, const struct shape *s)
{
    lfuse_status status = prepare(b, s);

    if (status == LFUSE_OK)
        status = measure(b, s, "forward", forward);
    if (status == LFUSE_OK && s->tokens > 1)
        status = measure(b, s, "forward+backward", both);
    free(b->args.workspace);
    free(b->memory);
    b->memory = NULL;
    return status;
}

int main(int argc, char **argv)
{
    struct bench b = {.threads = 2, .seconds = 1.0};
    const char *only = "";
    const struct argument table[] = {
        {"--threads", "N", "of the library's pool (2)", &b.threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--seconds", "S", "of timing for each figure (1)", &b.seconds, ARGUMENT_NUMBER,
         0, 1e4},
        {"--only", "CASE", "the case of this name", &only, ARGUMENT_TEXT, 0, 0},
    };
    int count = (int)(sizeof(table) / sizeof(table[0])), help;
    lfuse_context_options options;
    lfuse_status status = arguments_read(table, count, argc, argv, &help, &b.err);
    size_t i;

    if (status != LFUSE_OK) {
        fprintf(stderr, "bench_attention: %s\n", b.err.message);
        return 2;
    }
    if (help) {
        arguments_print(table, count);
        return 0;
    }
    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b.threads;
    status = lfuse_context_create(&options, &b.ctx, &b.err);
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && status == LFUSE_OK; i++)
        if (*only == '\0' || strcmp(only, shapes[i].name) == 0)
            status = run(&b, &shapes[i]);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_attention: %s\n", b.err.message);
    lfuse_context_destroy(b.ctx);
    return status == LFUSE_OK ? 0 : 1;
}
