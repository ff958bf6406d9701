/* small_gpt.c - see small_gpt.h */
#include "small_gpt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

#include "random.h"

const struct gpt_shape small_shape = {
    .blocks = 3, .width = 16, .heads = 2, .positions = 12, .vocabulary = VOCABULARY};

int small_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int i;

    if (f == NULL || lfuse_context_create(NULL, &f->ctx, &f->err) != LFUSE_OK ||
        gpt_create(f->ctx, &small_shape, BATCH, TOKENS, GPT_TRAINING, &f->net, &f->err) !=
            LFUSE_OK)
        return -1;
    gpt_initialise(f->net, 3);
    for (i = 0; i < ROWS; i++) {
        f->ids[i] = (int32_t)(random_bits(4, 0, (uint64_t)i) % VOCABULARY);
        f->labels[i] = (int32_t)(random_bits(4, 1, (uint64_t)i) % VOCABULARY);
    }
    snprintf(f->path, sizeof(f->path), "/tmp/layerfuse-gpt-%d.safetensors",
             (int)getpid());
    *state = f;
    return 0;
}

int small_teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    gpt_destroy(f->net);
    lfuse_context_destroy(f->ctx);
    free(f);
    return 0;
}

void small_each_parameter(struct fixture *f, const struct gpt *net,
                          void (*each)(struct fixture *, const lfuse_parameter *, void *),
                          void *user)
{
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(net->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            ok(f, lfuse_layer_parameter(net->layers[i], k, &p, &f->err));
            each(f, &p, user);
        }
}

static void draw(struct fixture *f, const lfuse_parameter *p, void *user)
{
    uint64_t *stream = user;
    int64_t i;

    (void)f;
    tensors_draw(p->value, 0.3, 5, (*stream)++);
    for (i = 0; p->role == LFUSE_ROLE_NORM && i < small_shape.width; i++)
        tensors_data(p->value)[i] += 1.0f;
}

void small_randomise(struct fixture *f)
{
    uint64_t stream = 0;

    small_each_parameter(f, f->net, draw, &stream);
}

double small_loss(struct fixture *f, struct gpt *net, enum gpt_mode mode)
{
    double loss = NAN;

    ok(f, gpt_forward(net, f->ids, BATCH, TOKENS, mode, &f->err));
    ok(f, gpt_loss(net, f->labels, &loss, &f->err));
    return loss;
}

void small_add_residual(struct fixture *f, int64_t layer)
{
    struct tensors t = {f->ctx, 0, NULL, 0, 0};
    lfuse_tensor *a, *b;

    ok(f, tensors_matrix(&t, 16, 3, &a, &f->err));
    ok(f, tensors_matrix(&t, 3, 16, &b, &f->err));
    tensors_draw(a, 0.3, 8, (uint64_t)layer);
    tensors_draw(b, 0.3, 9, (uint64_t)layer);
    ok(f, gpt_add_residual(f->net, layer, 0, a, b, &f->err));
    tensors_free(&t);
}
