/*
 * cka_batch.c - the unbiased HSIC of every two layers' outputs, of one batch
 *
 *     <K_i*, K_j*> / (n (n - 3))
 *
 * Song et al. 2007, eq. 5, in the form of debiased_cka.c, with K* of K = X X' of the batch's
 * (n, p) outputs X. One task per layer makes its K*, then one per layer takes the inner
 * products with those before it: what a task finds does not depend on which thread runs it.
 *
 * K* is measured where values are about 1 (centred.c), and so are the products, f32 ones of
 * narrow data in sums of LFI_PANEL (products.c); sums, which other accumulators add to, are of
 * the outputs as they are, 2^exponent times.
 */
#include "similarity/parts.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEAST_LEFT 0x1p-6 /* of K in f32 */

/* What became of a layer's outputs. */
struct outcome {
    lfuse_status status;
    int exponent; /* K* is 2^this of what counts */
    lfuse_error err;
};

struct batch {
    struct lfi_env env; /* no more concurrency than there are slots of scratch */
    const struct lfi_cka_sums *s;
    const struct lfi_view *outputs;
    int64_t n;
    int64_t order;            /* of products of n */
    int64_t columns;          /* of the widest */
    double *grams;            /* (count, order, order): K* in the first n * n */
    struct outcome *outcomes; /* (count) */
    double *sums;             /* (pairs) */
    char *scratch;            /* scratch_bytes per slot */
    size_t scratch_bytes;
};

/* A slot's. */
struct scratch {
    struct lfi_centred side;
    struct lfi_products products;
    void *panel;  /* (LFI_PANEL, pitch) of the type of the products */
    double *line; /* (columns) */
    double *sums; /* (n) */
};

static struct scratch lay_out(const struct batch *b, struct lfi_arena *arena)
{
    struct lfi_block widest = {.rows = b->n, .columns = b->columns};
    struct scratch s = {
        .products = {.kernels = b->env.kernels,
                     .order = b->order,
                     .strip = lfi_arena_take(arena, LFI_PANEL, b->order)},
        .panel = lfi_arena_take(arena, LFI_PANEL, lfi_products_pitch(b->order)),
        .line = lfi_arena_take(arena, 1, b->columns),
        .sums = lfi_arena_take(arena, 1, b->n),
    };

    lfi_centred_lay_out(&s.side, &widest, arena);
    return s;
}

/* Columns [first, first + count) of the centred outputs; zeros pad the order. */
static void load_panel(const struct batch *b, const struct scratch *s, int64_t first,
                       int64_t count)
{
    int64_t pitch = lfi_products_pitch(b->order), i, j;
    double *wide = s->panel;
    float *narrow = s->panel;

    memset(s->panel, 0,
           (size_t)(count * pitch) *
               (s->products.wide ? sizeof(*wide) : sizeof(*narrow)));
    for (i = 0; i < b->n; i++) {
        lfi_centred_read(&s->side, i, first, count, s->line);
        if (s->products.wide)
            for (j = 0; j < count; j++)
                wide[j * pitch + i] = s->line[j];
        else
            for (j = 0; j < count; j++)
                narrow[j * pitch + i] = (float)s->line[j];
    }
}

/* K = X X' of the centred outputs. */
static void multiply(const struct batch *b, const struct scratch *s,
                     const struct lfi_block *whole, double *k)
{
    int64_t step, steps;

    lfi_products_clear(&s->products, k);
    for (step = 0; step < whole->columns; step += steps) {
        steps = whole->columns - step < LFI_PANEL ? whole->columns - step : LFI_PANEL;
        load_panel(b, s, step, steps);
        lfi_products_add(&s->products, s->panel, s->panel, steps, k);
    }
}

/* The share of K's norm that is rounding, times some that debiasing adds: see debiased_cka.c. */
static double noise(const struct batch *b, const struct lfi_block *whole)
{
    return 16.0 * (double)(b->n + whole->columns) * DBL_EPSILON;
}

/*
 * K*, or 0 where it is rounding alone. Where little is left of K, as where one output is far
 * from all others, errors of f32 products would show in it: they are taken in f64.
 */
static void find_gram(const struct batch *b, struct scratch *s,
                      const struct lfi_block *whole, double *k)
{
    s->products.wide = s->side.view->dtype == LFUSE_F64;
    multiply(b, s, whole, k);
    if (!s->products.wide) {
        if (lfi_gram_debias_rows(k, b->n, b->order, LEAST_LEFT, s->sums))
            return;
        s->products.wide = true;
        multiply(b, s, whole, k);
    }
    (void)lfi_gram_debias_rows(k, b->n, b->order, noise(b, whole), s->sums);
}

static void measure_layer(void *arg, int64_t index, int32_t slot)
{
    struct batch *b = arg;
    struct lfi_arena arena = {
        .base = (double *)(void *)(b->scratch + (size_t)slot * b->scratch_bytes),
        .fits = true};
    struct scratch s = lay_out(b, &arena);
    struct lfi_block whole = lfi_block_whole(&b->outputs[index]);
    struct outcome *outcome = &b->outcomes[index];
    double *k = b->grams + index * b->order * b->order;
    char name[48];

    (void)snprintf(name, sizeof(name), "activations[%lld]", (long long)index);
    s.side.view = &b->outputs[index];
    outcome->status = lfi_similarity_check_finite(s.side.view, name, &outcome->err);
    if (outcome->status != LFUSE_OK)
        return;
    lfi_centred_prepare(&s.side, &whole, s.line);
    find_gram(b, &s, &whole, k);
    outcome->exponent = 2 * (lfi_centred_exponent(&s.side) - (int)b->s->exponents[index]);
}

static void measure_pairs(void *arg, int64_t i, int32_t slot)
{
    struct batch *b = arg;
    const double *k = b->grams + i * b->order * b->order;
    double share = 1.0 / ((double)b->n * (double)(b->n - 3)), dot;
    int64_t j;

    (void)slot;
    for (j = 0; j <= i; j++) {
        dot = lfi_vectors_dot(k, b->grams + j * b->order * b->order, b->n * b->n);
        b->sums[i * (i + 1) / 2 + j] =
            ldexp(share * dot, -b->outcomes[i].exponent - b->outcomes[j].exponent);
    }
}

static lfuse_status measure(struct batch *b, lfuse_error *err)
{
    lfuse_status status = lfi_parallel_for(&b->env, b->s->count, measure_layer, b, err);
    int64_t i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < b->s->count; i++)
        if (b->outcomes[i].status != LFUSE_OK) {
            if (err != NULL)
                *err = b->outcomes[i].err;
            return b->outcomes[i].status;
        }
    return lfi_parallel_for(&b->env, b->s->count, measure_pairs, b, err);
}

static lfuse_status measure_scratch(struct batch *b, size_t *gram, lfuse_error *err)
{
    struct lfi_arena one = {.fits = true}, grams = {.fits = true};

    (void)lay_out(b, &one);
    (void)lfi_arena_take(&grams, b->order, b->order);
    if (!lfi_arena_bytes(&one, &b->scratch_bytes) || !lfi_arena_bytes(&grams, gram) ||
        !lfi_add_size(b->scratch_bytes, (size_t)-b->scratch_bytes % LFI_ALIGN,
                      &b->scratch_bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "the scratch of %lld examples does not fit", (long long)b->n);
    return LFUSE_OK;
}

lfuse_status lfi_cka_sums_accumulate(const struct lfi_env *env, struct lfi_cka_sums *s,
                                     const struct lfi_view *outputs, lfuse_error *err)
{
    struct batch b = {.env = *env, .s = s, .outputs = outputs, .n = outputs[0].dims[0]};
    size_t count = (size_t)s->count, slots, gram;
    lfuse_status status;
    int64_t i, columns;

    slots = (size_t)env->executor.concurrency < count ? (size_t)env->executor.concurrency
                                                      : count;
    b.env.executor.concurrency = (int32_t)slots;
    b.order = lfi_products_order(b.n);
    for (i = 0; i < s->count; i++) {
        columns = lfi_block_whole(&outputs[i]).columns;
        b.columns = columns > b.columns ? columns : b.columns;
    }
    status = measure_scratch(&b, &gram, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_alloc(env, count, gram, "Gram matrices", &b.grams, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc(env, slots, b.scratch_bytes, "scratch of a batch", &b.scratch, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, count, sizeof(*b.outcomes), "a batch", &b.outcomes, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, s->pairs, sizeof(*b.sums), "the sums of a batch", &b.sums,
                           err);
    if (status == LFUSE_OK)
        status = measure(&b, err);
    if (status == LFUSE_OK)
        status = lfi_cka_sums_add(s, b.sums, 1, err);
    lfi_free(env, b.sums, s->pairs, sizeof(*b.sums));
    lfi_free(env, b.outcomes, count, sizeof(*b.outcomes));
    lfi_free(env, b.scratch, slots, b.scratch_bytes);
    lfi_free(env, b.grams, count, gram);
    return status;
}
