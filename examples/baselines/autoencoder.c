/*
 * autoencoder.c - the rows of a matrix through a bottleneck: stored are codes and the decoder
 *
 *     c = tanh(E (w + noise)),    w^ = D c + m
 *
 * Each row w is an example; E and D are trained by Adam on all rows at once, against noise of a
 * tenth of the rows' deviation (Vincent et al. 2008). m, the mean row, is stored, too. What comes
 * out has rank k + 1 at most, and trains on as such: see low_rank.c.
 */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { ROUNDS = 200 };

struct adam {
    float *value, *gradient, *m, *v; /* (count) */
    int64_t count;
};

struct coder {
    lfuse_context *ctx;
    int64_t n, d, k;
    float *mean;   /* (d) */
    float *x;      /* (n, d): the rows less their mean, divided by `scale` */
    float *noisy;  /* (n, d) */
    float *codes;  /* (n, k) */
    float *back;   /* (n, k): gradient of the codes */
    float *out;    /* (n, d) */
    float *memory; /* all of it */
    float scale;
    struct adam encoder, decoder; /* (k, d) both */
};

static int reserve(struct coder *c)
{
    const size_t nd = (size_t)(c->n * c->d), nk = (size_t)(c->n * c->k),
                 kd = (size_t)(c->k * c->d);
    float *at = calloc((size_t)c->d + 3 * nd + 2 * nk + 8 * kd, sizeof(*at));
    struct adam *each[] = {&c->encoder, &c->decoder};
    int i;

    c->memory = at;
    if (at == NULL)
        return 0;
    c->mean = at;
    c->x = c->mean + c->d;
    c->noisy = c->x + nd;
    c->out = c->noisy + nd;
    c->codes = c->out + nd;
    c->back = c->codes + nk;
    for (at = c->back + nk, i = 0; i < 2; i++, at += 4 * kd)
        *each[i] = (struct adam){at, at + kd, at + 2 * kd, at + 3 * kd, c->k * c->d};
    return 1;
}

static void load(struct coder *c, const float *rows, uint64_t seed, uint64_t stream)
{
    double squares = 0.0;
    int64_t i;

    for (i = 0; i < c->n * c->d; i++)
        c->mean[i % c->d] += rows[i] / (float)c->n;
    for (i = 0; i < c->n * c->d; i++) {
        c->x[i] = rows[i] - c->mean[i % c->d];
        squares += (double)c->x[i] * c->x[i];
    }
    c->scale = (float)sqrt(squares / (double)(c->n * c->d));
    for (i = 0; i < c->n * c->d && c->scale > 0.0f; i++)
        c->x[i] /= c->scale;
    for (i = 0; i < c->k * c->d; i++) {
        c->encoder.value[i] =
            (float)(random_normal(seed, stream, (uint64_t)i) / sqrt((double)c->d));
        c->decoder.value[i] =
            (float)(random_normal(seed, stream + 1, (uint64_t)i) / sqrt((double)c->k));
    }
}

static void update(struct adam *a, int round)
{
    const double rate = 0.01, b1 = 0.9, b2 = 0.999;
    int64_t i;

    for (i = 0; i < a->count; i++) {
        const double g = a->gradient[i];

        a->m[i] = (float)(b1 * a->m[i] + (1.0 - b1) * g);
        a->v[i] = (float)(b2 * a->v[i] + (1.0 - b2) * g * g);
        a->value[i] -= (float)(rate * (a->m[i] / (1.0 - pow(b1, round))) /
                               (sqrt(a->v[i] / (1.0 - pow(b2, round))) + 1e-8));
    }
}

/* codes and out, of these rows */
static lfuse_status pass(struct coder *c, const float *rows, lfuse_error *err)
{
    lfuse_status status =
        baseline_multiply(c->ctx, LFUSE_GEMM_TRANSPOSE_B, rows, c->encoder.value,
                          c->codes, c->n, c->k, c->d, 1.0f, 0.0f, err);
    int64_t i;

    for (i = 0; i < c->n * c->k; i++)
        c->codes[i] = tanhf(c->codes[i]);
    if (status == LFUSE_OK)
        status = baseline_multiply(c->ctx, 0, c->codes, c->decoder.value, c->out, c->n,
                                   c->d, c->k, 1.0f, 0.0f, err);
    return status;
}

/* Gradients of the mean square of out - x, over the rows. */
static lfuse_status pass_back(struct coder *c, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    for (i = 0; i < c->n * c->d; i++)
        c->out[i] = 2.0f * (c->out[i] - c->x[i]) / (float)c->n;
    status = baseline_multiply(c->ctx, LFUSE_GEMM_TRANSPOSE_A, c->codes, c->out,
                               c->decoder.gradient, c->k, c->d, c->n, 1.0f, 0.0f, err);
    if (status == LFUSE_OK)
        status =
            baseline_multiply(c->ctx, LFUSE_GEMM_TRANSPOSE_B, c->out, c->decoder.value,
                              c->back, c->n, c->k, c->d, 1.0f, 0.0f, err);
    for (i = 0; i < c->n * c->k; i++)
        c->back[i] *= 1.0f - c->codes[i] * c->codes[i];
    if (status == LFUSE_OK)
        status =
            baseline_multiply(c->ctx, LFUSE_GEMM_TRANSPOSE_A, c->back, c->noisy,
                              c->encoder.gradient, c->k, c->d, c->n, 1.0f, 0.0f, err);
    return status;
}

static lfuse_status train(struct coder *c, uint64_t seed, uint64_t stream,
                          lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;
    int round;

    for (round = 1; round <= ROUNDS && status == LFUSE_OK; round++) {
        for (i = 0; i < c->n * c->d; i++)
            c->noisy[i] = c->x[i] + 0.1f * (float)random_normal(
                                               seed, stream + 2,
                                               (uint64_t)(round * c->n * c->d + i));
        status = pass(c, c->noisy, err);
        if (status == LFUSE_OK)
            status = pass_back(c, err);
        if (status == LFUSE_OK) {
            update(&c->encoder, round);
            update(&c->decoder, round);
        }
    }
    return status == LFUSE_OK ? pass(c, c->x, err) : status;
}

lfuse_status baseline_autoencode(struct baseline *b, struct baseline_part *p,
                                 int64_t codes, lfuse_error *err)
{
    const uint64_t stream = 3 * (uint64_t)(p - b->parts);
    struct coder c = {.ctx = b->ctx, .n = p->m.rows, .d = p->m.columns, .k = codes};
    const int64_t numbers = codes * (c.n + c.d) + c.d;
    lfuse_status status;
    int64_t i;

    if ((codes + 1) * (c.n + c.d) >= c.n * c.d)
        return LFUSE_OK; /* dense is smaller, or as good as */
    if (!reserve(&c))
        return baseline_no_memory(err);
    load(&c, p->m.value, b->seed, stream);
    status = train(&c, b->seed, stream, err);
    for (i = 0; i < c.n * c.d && status == LFUSE_OK; i++)
        p->m.value[i] = c.mean[i % c.d] + c.scale * c.out[i];
    free(c.memory);
    if (status == LFUSE_OK)
        status = baseline_low_rank(b, p, codes + 1, err);
    p->bytes = 4 * numbers;
    return status;
}
