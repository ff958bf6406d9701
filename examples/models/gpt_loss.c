/*
 * gpt_loss.c - what the network is trained to make small; see gpt.h
 *
 * Of labels alone the library's kernel forms no matrix of logits. With a teacher they are formed
 * for a few rows at a time.
 */
#include <string.h>

#include "error.h"
#include "models/gpt_inside.h"

#define data tensors_data

enum { CHUNK = 256 /* rows */ };

lfuse_status gpt_loss(struct gpt *net, const int32_t *labels, double *loss,
                      lfuse_error *err)
{
    lfuse_linear_cross_entropy_args args;

    lfuse_linear_cross_entropy_args_init(&args, sizeof(args));
    args.x = data(net->features);
    args.w = data(net->wte.value);
    args.labels = labels;
    args.rows = gpt_rows(net);
    args.width = net->shape.width;
    args.vocabulary = net->shape.vocabulary;
    args.loss = loss;
    args.workspace = data(net->workspace);
    args.workspace_bytes = lfuse_tensor_bytes(net->workspace);
    if (net->pass.trains) {
        args.dx = data(net->dnormed);
        args.dw = data(net->wte.gradient);
    }
    return lfuse_linear_cross_entropy(net->ctx, &args, err);
}

/* ---- with a teacher
 * ------------------------------------------------------------------------------ */

struct chunk {
    struct gpt *net;
    const struct gpt *teacher;
    const int32_t *labels;
    int64_t first, rows;
    float *logits, *answers; /* (CHUNK, vocabulary) */
};

/* From logits, which hold their gradient, to features and weights. */
static lfuse_status chunk_backward(const struct chunk *c, lfuse_error *err)
{
    const int64_t d = c->net->shape.width;
    const float share = (float)c->rows / (float)gpt_rows(c->net);
    lfuse_linear_args args;
    lfuse_status status;
    int64_t i;

    for (i = 0; i < c->rows * c->net->shape.vocabulary; i++)
        c->logits[i] *= share; /* it was of the mean over the chunk */
    lfuse_linear_args_init(&args, sizeof(args));
    args.batch = c->rows;
    args.in_features = d;
    args.out_features = c->net->shape.vocabulary;
    args.x = data(c->net->features) + c->first * d;
    args.w = data(c->net->wte.value);
    args.dy = c->logits;
    args.dx = data(c->net->dnormed) + c->first * d;
    args.dw = data(c->net->wte.gradient);
    status = lfuse_linear_backward_data(c->net->ctx, &args, err);
    if (c->first > 0)
        args.flags = LFUSE_LINEAR_ACCUMULATE;
    return status == LFUSE_OK ? lfuse_linear_backward_weights(c->net->ctx, &args, err)
                              : status;
}

static lfuse_status distil_chunk(const struct chunk *c, double temperature, double weight,
                                 double *loss, lfuse_error *err)
{
    lfuse_distillation_args args;
    lfuse_status status = gpt_logits(c->net, c->first, c->rows, c->logits, err);
    double mean = 0.0;

    if (status == LFUSE_OK)
        status = gpt_logits(c->teacher, c->first, c->rows, c->answers, err);
    if (status != LFUSE_OK)
        return status;
    lfuse_distillation_args_init(&args, sizeof(args));
    args.logits = c->logits;
    args.teacher = c->answers;
    args.labels = c->labels + c->first;
    args.dlogits = c->logits;
    args.batch = c->rows;
    args.classes = c->net->shape.vocabulary;
    args.temperature = temperature;
    args.weight = weight;
    args.loss = &mean;
    status = lfuse_softmax_distillation(c->net->ctx, &args, err);
    if (status != LFUSE_OK)
        return status;
    *loss += mean * (double)c->rows / (double)gpt_rows(c->net);
    return chunk_backward(c, err);
}

lfuse_status gpt_distil(struct gpt *net, const struct gpt *teacher, double temperature,
                        double weight, const int32_t *labels, double *loss,
                        lfuse_error *err)
{
    const int64_t rows = gpt_rows(net);
    struct chunk c = {net, teacher, labels, 0, 0, NULL, NULL};
    lfuse_status status = LFUSE_OK;

    if (!net->pass.trains || gpt_rows(teacher) != rows)
        return example_fail(err, LFUSE_ERR_STATE,
                            "the latest forward pass was not for training, or the "
                            "teacher's was of other ids");
    if (net->answers == NULL)
        status = tensors_matrix(&net->tensors, 2 * CHUNK, net->shape.vocabulary,
                                &net->answers, err);
    if (status != LFUSE_OK)
        return status;
    c.logits = data(net->answers);
    c.answers = c.logits + CHUNK * net->shape.vocabulary;
    *loss = 0.0;
    for (; c.first < rows && status == LFUSE_OK; c.first += CHUNK) {
        c.rows = rows - c.first < CHUNK ? rows - c.first : CHUNK;
        status = distil_chunk(&c, temperature, weight, loss, err);
    }
    return status;
}
