/*
 * gpt_gradients.c - a small GPT, what it is given, and all that it makes of that, as two files
 *
 *     gpt_gradients NETWORK RESULTS
 *
 * NETWORK is a checkpoint under GPT-2's names. RESULTS holds "ids" and "labels" (batch, tokens;
 * -1: none counts), "logits" (batch * tokens, vocabulary), "loss", and the gradients under the
 * weights' names, matrices as (out, in). gpt_torch.py computes them again.
 */
#include <stdio.h>

#include "models/gpt.h"
#include "random.h"

enum { BATCH = 3, TOKENS = 17, ROWS = BATCH * TOKENS, MOST = 128 };

static const struct gpt_shape shape = {
    .blocks = 3, .width = 48, .heads = 4, .positions = 20, .vocabulary = 61};

struct results {
    struct tensors tensors;
    lfuse_checkpoint_entry entries[MOST];
    char names[MOST][64];
    int64_t count;
};

static void put(struct results *r, const char *layer, const char *name,
                const lfuse_tensor *tensor)
{
    snprintf(r->names[r->count], sizeof(r->names[0]), "%s%s%s", layer,
             layer[0] != '\0' ? "." : "", name);
    r->entries[r->count].name = r->names[r->count];
    r->entries[r->count++].tensor = tensor;
}

static lfuse_status put_numbers(struct results *r, const char *name,
                                const int32_t *numbers, lfuse_error *err)
{
    lfuse_tensor *tensor;
    lfuse_status status = tensors_matrix(&r->tensors, BATCH, TOKENS, &tensor, err);
    int i;

    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < ROWS; i++)
        tensors_data(tensor)[i] = (float)numbers[i];
    put(r, "", name, tensor);
    return LFUSE_OK;
}

/* Far from the beginning of training, so that nothing is almost 0. */
static lfuse_status randomise(struct gpt *net, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    uint64_t stream = 0;
    int64_t i, e;
    int32_t k;

    for (i = 0; i < net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(net->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(net->layers[i], k, &p, err);
            if (status != LFUSE_OK)
                return status;
            tensors_draw(p.value, 0.3, 5, stream++);
            for (e = 0; p.role == LFUSE_ROLE_NORM && e < shape.width; e++)
                tensors_data(p.value)[e] += 1.0f;
        }
    return status;
}

static lfuse_status put_gradients(const struct gpt *net, struct results *r,
                                  lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(net->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(net->layers[i], k, &p, err);
            if (status != LFUSE_OK)
                return status;
            put(r, p.layer, p.name, p.gradient);
        }
    return status;
}

static lfuse_status compute(struct gpt *net, struct results *r, lfuse_error *err)
{
    int32_t ids[ROWS], labels[ROWS];
    lfuse_tensor *logits, *loss;
    lfuse_status status;
    double nats = 0.0;
    int i;

    for (i = 0; i < ROWS; i++) {
        ids[i] = (int32_t)(random_bits(6, 0, (uint64_t)i) % (uint64_t)shape.vocabulary);
        labels[i] = i % 7 == 3 ? -1 : (int32_t)(random_bits(6, 1, (uint64_t)i) % 61);
    }
    status = tensors_matrix(&r->tensors, ROWS, shape.vocabulary, &logits, err);
    if (status == LFUSE_OK)
        status = tensors_vector(&r->tensors, 1, &loss, err);
    if (status == LFUSE_OK)
        status = gpt_forward(net, ids, BATCH, TOKENS, GPT_TRAINING, err);
    if (status == LFUSE_OK)
        status = gpt_logits(net, 0, ROWS, tensors_data(logits), err);
    if (status == LFUSE_OK)
        status = gpt_loss(net, labels, &nats, err);
    if (status == LFUSE_OK)
        status = gpt_backward(net, err);
    if (status != LFUSE_OK)
        return status;
    tensors_data(loss)[0] = (float)nats;
    put(r, "", "logits", logits);
    put(r, "", "loss", loss);
    status = put_numbers(r, "ids", ids, err);
    if (status == LFUSE_OK)
        status = put_numbers(r, "labels", labels, err);
    return status == LFUSE_OK ? put_gradients(net, r, err) : status;
}

int main(int argc, char **argv)
{
    static struct results r;
    struct gpt *net = NULL;
    lfuse_error err = {0};
    lfuse_context *ctx;
    lfuse_status status;

    if (argc != 3 || lfuse_context_create(NULL, &ctx, &err) != LFUSE_OK) {
        fprintf(stderr, "usage: gpt_gradients NETWORK RESULTS\n");
        return 2;
    }
    r.tensors.ctx = ctx;
    status = gpt_create(ctx, &shape, BATCH, TOKENS, GPT_TRAINING, &net, &err);
    if (status == LFUSE_OK)
        status = randomise(net, &err);
    if (status == LFUSE_OK)
        status = gpt_save(net, argv[1], &err);
    if (status == LFUSE_OK)
        status = compute(net, &r, &err);
    if (status == LFUSE_OK)
        status = lfuse_checkpoint_save(ctx, argv[2], r.entries, r.count, NULL, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "gpt_gradients: %s\n", err.message);
    tensors_free(&r.tensors);
    gpt_destroy(net);
    lfuse_context_destroy(ctx);
    return status == LFUSE_OK ? 0 : 1;
}
