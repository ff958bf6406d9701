/* gpt.c - what the network consists of; see gpt.h. The passes are in gpt_forward.c,
 * gpt_backward.c and gpt_loss.c, its layers in gpt_layers.c, its file in gpt_file.c. */
#include "models/gpt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "models/gpt_inside.h"

/* ---- weights
 * ------------------------------------------------------------------------------------ */

static lfuse_status create_linear(struct gpt *net, int64_t out, int64_t in,
                                  struct gpt_linear *linear, lfuse_error *err)
{
    lfuse_status status = tensors_weights(&net->tensors, out, in, &linear->weight, err);

    return status == LFUSE_OK ? tensors_weights(&net->tensors, out, 0, &linear->bias, err)
                              : status;
}

static lfuse_status create_norm(struct gpt *net, struct gpt_norm *norm, lfuse_error *err)
{
    struct tensors *t = &net->tensors;
    lfuse_status status = tensors_weights(t, net->shape.width, 0, &norm->scale, err);

    if (status == LFUSE_OK)
        status = tensors_weights(t, net->shape.width, 0, &norm->shift, err);
    if (status == LFUSE_OK)
        status = tensors_vector(t, net->batch * net->tokens, &norm->mean, err);
    if (status == LFUSE_OK)
        status = tensors_vector(t, net->batch * net->tokens, &norm->inverse, err);
    if (status == LFUSE_OK)
        tensors_fill(norm->scale.value, 1.0f);
    return status;
}

static lfuse_status create_weights(struct gpt *net, lfuse_error *err)
{
    const struct gpt_shape *s = &net->shape;
    const int64_t d = s->width;
    lfuse_status status =
        tensors_weights(&net->tensors, s->vocabulary, d, &net->wte, err);
    int64_t i;

    if (status == LFUSE_OK)
        status = tensors_weights(&net->tensors, s->positions, d, &net->wpe, err);
    for (i = 0; i < s->blocks && status == LFUSE_OK; i++) {
        struct gpt_block *b = &net->blocks[i];

        status = create_norm(net, &b->ln_1, err);
        if (status == LFUSE_OK)
            status = create_linear(net, 3 * d, d, &b->attend, err);
        if (status == LFUSE_OK)
            status = create_linear(net, d, d, &b->project, err);
        if (status == LFUSE_OK)
            status = create_norm(net, &b->ln_2, err);
        if (status == LFUSE_OK)
            status = create_linear(net, 4 * d, d, &b->widen, err);
        if (status == LFUSE_OK)
            status = create_linear(net, d, 4 * d, &b->narrow, err);
    }
    return status == LFUSE_OK ? create_norm(net, &net->ln_f, err) : status;
}

/* ---- activations
 * -------------------------------------------------------------------------------- */

static lfuse_status create_kept(struct gpt *net, struct gpt_block *b, lfuse_error *err)
{
    const int64_t rows = net->batch * net->tokens, d = net->shape.width;
    struct {
        lfuse_tensor **tensor;
        int64_t columns;
    } const all[] = {
        {&b->in, d},       {&b->in_normed, d},     {&b->qkv, 3 * d},
        {&b->attended, d}, {&b->middle, d},        {&b->middle_normed, d},
        {&b->wide, 4 * d}, {&b->activated, 4 * d}, {&b->statistics, net->shape.heads}};
    lfuse_status status = LFUSE_OK;
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]) && status == LFUSE_OK; i++)
        status = tensors_matrix(&net->tensors, rows, all[i].columns, all[i].tensor, err);
    return status;
}

/* Inference lets all blocks have the same memory. */
static void share_kept(const struct gpt_block *from, struct gpt_block *to)
{
    to->in = from->in;
    to->in_normed = from->in_normed;
    to->qkv = from->qkv;
    to->attended = from->attended;
    to->statistics = from->statistics;
    to->middle = from->middle;
    to->middle_normed = from->middle_normed;
    to->wide = from->wide;
    to->activated = from->activated;
}

static lfuse_status create_activations(struct gpt *net, lfuse_error *err)
{
    const int64_t rows = net->batch * net->tokens, d = net->shape.width;
    lfuse_tensor **const all[] = {&net->embedded, &net->branch,   &net->last,
                                  &net->features, &net->gradient, &net->dnormed,
                                  &net->dbranch};
    const size_t count = net->mode == GPT_TRAINING ? 7 : 4;
    lfuse_status status = LFUSE_OK;
    size_t k;
    int64_t i;

    for (i = 0; i < net->shape.blocks && status == LFUSE_OK; i++)
        if (i == 0 || net->mode == GPT_TRAINING)
            status = create_kept(net, &net->blocks[i], err);
        else
            share_kept(&net->blocks[0], &net->blocks[i]);
    for (k = 0; k < count && status == LFUSE_OK; k++)
        status = tensors_matrix(&net->tensors, rows, d, all[k], err);
    if (status == LFUSE_OK)
        status = tensors_vector(&net->tensors, net->shape.vocabulary, &net->logits, err);
    if (status != LFUSE_OK || net->mode == GPT_INFERENCE)
        return status;
    status = tensors_matrix(&net->tensors, rows, 3 * d, &net->dqkv, err);
    return status == LFUSE_OK
               ? tensors_matrix(&net->tensors, rows, 4 * d, &net->dwide, err)
               : status;
}

/* ---- workspace
 * ---------------------------------------------------------------------------------- */

static lfuse_status linear_workspace(const struct gpt *net, int64_t rows, int64_t in,
                                     int64_t out, size_t *most, lfuse_error *err)
{
    lfuse_linear_args args;
    lfuse_status status;
    size_t bytes = 0;

    lfuse_linear_args_init(&args, sizeof(args));
    args.batch = rows;
    args.in_features = in;
    args.out_features = out;
    status = lfuse_linear_workspace(net->ctx, &args, &bytes, err);
    *most = bytes > *most ? bytes : *most;
    return status;
}

static lfuse_status attention_workspace(const struct gpt *net, int64_t batch,
                                        int64_t tokens, int64_t keys, size_t *most,
                                        lfuse_error *err)
{
    lfuse_attention_args args;
    lfuse_status status;
    size_t bytes = 0;

    lfuse_attention_args_init(&args, sizeof(args));
    args.batch = batch;
    args.tokens = tokens;
    args.keys = keys;
    args.heads = net->shape.heads;
    args.head_dim = net->shape.width / net->shape.heads;
    args.flags = LFUSE_ATTENTION_CAUSAL;
    status = lfuse_attention_workspace(net->ctx, &args, &bytes, err);
    *most = bytes > *most ? bytes : *most;
    return status;
}

static lfuse_status head_workspace(const struct gpt *net, int64_t rows, size_t *most,
                                   lfuse_error *err)
{
    lfuse_linear_cross_entropy_args loss;
    lfuse_layer_norm_args norm;
    lfuse_status status;
    size_t bytes = 0;

    lfuse_layer_norm_args_init(&norm, sizeof(norm));
    norm.rows = rows;
    norm.columns = net->shape.width;
    status = lfuse_layer_norm_workspace(net->ctx, &norm, &bytes, err);
    *most = bytes > *most ? bytes : *most;
    if (status != LFUSE_OK)
        return status;
    lfuse_linear_cross_entropy_args_init(&loss, sizeof(loss));
    loss.rows = rows;
    loss.width = net->shape.width;
    loss.vocabulary = net->shape.vocabulary;
    status = lfuse_linear_cross_entropy_workspace(net->ctx, &loss, &bytes, err);
    *most = bytes > *most ? bytes : *most;
    return status;
}

/* The most that any kernel asks for. */
static lfuse_status create_workspace(struct gpt *net, lfuse_error *err)
{
    const int64_t rows = net->batch * net->tokens, d = net->shape.width;
    size_t most = 0;
    lfuse_status status = linear_workspace(net, rows, d, 3 * d, &most, err);

    if (status == LFUSE_OK)
        status = linear_workspace(net, rows, d, d, &most, err);
    if (status == LFUSE_OK)
        status = linear_workspace(net, rows, d, 4 * d, &most, err);
    if (status == LFUSE_OK)
        status = linear_workspace(net, rows, 4 * d, d, &most, err);
    if (status == LFUSE_OK)
        status = linear_workspace(net, 1, d, net->shape.vocabulary, &most, err);
    if (status == LFUSE_OK)
        status = attention_workspace(net, net->batch, net->tokens, 0, &most, err);
    if (status == LFUSE_OK)
        status =
            attention_workspace(net, 1, net->tokens, net->shape.positions, &most, err);
    if (status == LFUSE_OK)
        status = head_workspace(net, rows, &most, err);
    if (status != LFUSE_OK)
        return status;
    return tensors_vector(&net->tensors, (int64_t)(most / sizeof(float)) + 1,
                          &net->workspace, err);
}

/* ---- from and to nothing
 * ------------------------------------------------------------------------ */

static lfuse_status check(const struct gpt_shape *s, int64_t batch, int64_t tokens,
                          lfuse_error *err)
{
    if (s->blocks < 1 || s->blocks > GPT_MAX_BLOCKS || s->width < 1 || s->positions < 1 ||
        s->vocabulary < 1)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld blocks are not in [1, %d], or a width of %lld, %lld "
                            "positions or %lld ids are less than 1",
                            (long long)s->blocks, (int)GPT_MAX_BLOCKS,
                            (long long)s->width, (long long)s->positions,
                            (long long)s->vocabulary);
    if (s->heads < 1 || s->width % s->heads != 0)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld heads do not divide a width of %lld",
                            (long long)s->heads, (long long)s->width);
    if (batch < 1 || tokens < 1 || tokens > s->positions)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "a batch of %lld is less than 1, or sequences of %lld tokens "
                            "are not in [1, %lld], the positions",
                            (long long)batch, (long long)tokens, (long long)s->positions);
    return LFUSE_OK;
}

static lfuse_status create(struct gpt *net, lfuse_error *err)
{
    lfuse_status status;

    net->blocks = calloc((size_t)net->shape.blocks, sizeof(*net->blocks));
    if (net->blocks == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    status = create_weights(net, err);
    if (status == LFUSE_OK)
        status = create_activations(net, err);
    if (status == LFUSE_OK)
        status = create_workspace(net, err);
    return status == LFUSE_OK ? gpt_create_layers(net, err) : status;
}

lfuse_status gpt_create(lfuse_context *ctx, const struct gpt_shape *shape, int64_t batch,
                        int64_t tokens, enum gpt_mode mode, struct gpt **out,
                        lfuse_error *err)
{
    lfuse_status status = check(shape, batch, tokens, err);
    struct gpt *net;

    *out = NULL;
    if (status != LFUSE_OK)
        return status;
    net = calloc(1, sizeof(*net));
    if (net == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
    net->ctx = net->tensors.ctx = ctx;
    net->tensors.trains = mode == GPT_TRAINING;
    net->shape = *shape;
    net->batch = batch;
    net->tokens = tokens;
    net->mode = mode;
    status = create(net, err);
    if (status == LFUSE_OK)
        *out = net;
    else
        gpt_destroy(net);
    return status;
}

void gpt_destroy(struct gpt *net)
{
    if (net == NULL)
        return;
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    free(net->layers);
    tensors_free(&net->tensors);
    free(net->blocks);
    free(net);
}

struct gpt_name gpt_name(const struct gpt *net)
{
    struct gpt_name name;

    snprintf(name.text, sizeof(name.text), "GPT of %d blocks, %d wide",
             (int)net->shape.blocks, (int)net->shape.width);
    return name;
}

static void initialise_norm(struct gpt_norm *norm)
{
    tensors_fill(norm->scale.value, 1.0f);
    tensors_fill(norm->shift.value, 0.0f);
}

static void initialise_linear(struct gpt_linear *linear, double deviation, uint64_t seed,
                              uint64_t stream)
{
    tensors_draw(linear->weight.value, deviation, seed, stream);
    tensors_fill(linear->bias.value, 0.0f);
}

void gpt_initialise(struct gpt *net, uint64_t seed)
{
    const double deviation = 0.02;
    const double into = deviation / sqrt(2.0 * (double)net->shape.blocks);
    int64_t i;

    tensors_draw(net->wte.value, deviation, seed, 0);
    tensors_draw(net->wpe.value, deviation / 2, seed, 1);
    for (i = 0; i < net->shape.blocks; i++) {
        struct gpt_block *b = &net->blocks[i];
        const uint64_t stream = 4 * (uint64_t)i + 4;

        initialise_norm(&b->ln_1);
        initialise_linear(&b->attend, deviation, seed, stream);
        initialise_linear(&b->project, into, seed, stream + 1);
        initialise_norm(&b->ln_2);
        initialise_linear(&b->widen, deviation, seed, stream + 2);
        initialise_linear(&b->narrow, into, seed, stream + 3);
    }
    initialise_norm(&net->ln_f);
}
