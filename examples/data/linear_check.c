/*
 * linear_check.c - how far a linear classifier on the pixels gets with the embedded data set
 *
 *     build/examples/linear_check
 *
 * Softmax regression, logits = W x + b, by gradient descent with momentum on 10,000 images;
 * after every epoch it is scored on 2,000 images of another seed, and the best score counts.
 * Fails at 60 % or more, when the shapes would be too easy to say anything about
 * networks; and when not even a quarter of the training images is learnt, for then the
 * score would say nothing about the shapes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <layerfuse/layerfuse.h>

#include "data/shapes.h"

enum {
    TRAIN = 10000,
    TEST = 2000,
    BATCH = 100,
    EPOCHS = 12,
    PIXELS = SHAPES_IMAGE_BYTES
};

static const double limit = 60.0, learnt = 25.0, learning_rate = 0.003;

struct parameter {
    float value[SHAPES_CLASSES * PIXELS]; /* the bias uses the first SHAPES_CLASSES */
    float gradient[SHAPES_CLASSES * PIXELS];
    float velocity[SHAPES_CLASSES * PIXELS];
};

struct model {
    struct parameter weight, bias;
    float x[BATCH * PIXELS];
    float y[BATCH * SHAPES_CLASSES];
    int32_t labels[BATCH];
};

struct set {
    uint8_t *pixels;
    uint8_t *labels;
};

static lfuse_status update(lfuse_context *ctx, struct parameter *p, int64_t count,
                           double rate, lfuse_error *err)
{
    lfuse_sgd_args sgd;

    lfuse_sgd_args_init(&sgd, sizeof(sgd));
    sgd.value = p->value;
    sgd.gradient = p->gradient;
    sgd.velocity = p->velocity;
    sgd.count = count;
    sgd.learning_rate = rate;
    sgd.momentum = 0.9;
    return lfuse_sgd(ctx, &sgd, err);
}

/* Images first, first + 7, ... of a set of count: 7 is prime to it, so each comes once. */
static void load_batch(struct model *m, const struct set *set, int64_t first,
                       int64_t count)
{
    int64_t i, k;

    for (i = 0; i < BATCH; i++) {
        int64_t image = (first + i) * 7 % count;

        m->labels[i] = set->labels[image];
        for (k = 0; k < PIXELS; k++)
            m->x[i * PIXELS + k] =
                ((float)set->pixels[image * PIXELS + k] - 127.5f) / 64.0f;
    }
}

/* One pass; with a rate above 0 the model learns. *percent of the images it got right. */
static lfuse_status pass(lfuse_context *ctx, struct model *m, const struct set *set,
                         int64_t count, double rate, double *percent, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_cross_entropy_args loss;
    lfuse_linear_args linear;
    int64_t first, correct = 0, right = 0;
    double nats;

    lfuse_linear_args_init(&linear, sizeof(linear));
    linear.x = m->x;
    linear.w = m->weight.value;
    linear.bias = m->bias.value;
    linear.y = m->y;
    linear.dy = m->y; /* the loss writes its gradient over the logits */
    linear.dw = m->weight.gradient;
    linear.dbias = m->bias.gradient;
    linear.batch = BATCH;
    linear.in_features = PIXELS;
    linear.out_features = SHAPES_CLASSES;
    lfuse_cross_entropy_args_init(&loss, sizeof(loss));
    loss.logits = m->y;
    loss.dlogits = m->y;
    loss.labels = m->labels;
    loss.batch = BATCH;
    loss.classes = SHAPES_CLASSES;
    loss.loss = &nats;
    loss.correct = &correct;

    for (first = 0; first < count && status == LFUSE_OK; first += BATCH) {
        load_batch(m, set, first, count);
        status = lfuse_linear_forward(ctx, &linear, err);
        if (status == LFUSE_OK)
            status = lfuse_softmax_cross_entropy(ctx, &loss, err);
        right += correct;
        if (status != LFUSE_OK || rate <= 0.0)
            continue;
        status = lfuse_linear_backward_weights(ctx, &linear, err);
        if (status == LFUSE_OK)
            status = update(ctx, &m->weight, SHAPES_CLASSES * PIXELS, rate, err);
        if (status == LFUSE_OK)
            status = update(ctx, &m->bias, SHAPES_CLASSES, rate, err);
    }
    *percent = 100.0 * (double)right / (double)count;
    return status;
}

static lfuse_status measure(lfuse_context *ctx, struct model *m, const struct set *train,
                            const struct set *test, double *best, double *fitted,
                            lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    double held_out;
    int epoch;

    for (epoch = 0; epoch < EPOCHS && status == LFUSE_OK; epoch++) {
        double rate = learning_rate * (EPOCHS - epoch) / EPOCHS;

        status = pass(ctx, m, train, TRAIN, rate, fitted, err);
        if (status == LFUSE_OK)
            status = pass(ctx, m, test, TEST, 0.0, &held_out, err);
        if (status == LFUSE_OK && held_out > *best)
            *best = held_out;
    }
    return status;
}

static int allocate(struct set *set, uint64_t seed, int64_t count)
{
    set->pixels = malloc((size_t)count * SHAPES_IMAGE_BYTES);
    set->labels = malloc((size_t)count);
    if (set->pixels == NULL || set->labels == NULL)
        return -1;
    shapes_draw(seed, 0, count, set->pixels, set->labels);
    return 0;
}

int main(void)
{
    static struct model model; /* all zeros: softmax regression needs no other start */
    struct set train = {0}, test = {0};
    double best = 0.0, fitted = 0.0;
    lfuse_context *ctx = NULL;
    lfuse_error err = {0};
    int result = 1;

    if (allocate(&train, 1, TRAIN) != 0 || allocate(&test, 2, TEST) != 0) {
        fprintf(stderr, "linear_check: no memory for %d images\n", TRAIN + TEST);
        goto done;
    }
    if (lfuse_context_create(NULL, &ctx, &err) != LFUSE_OK ||
        measure(ctx, &model, &train, &test, &best, &fitted, &err) != LFUSE_OK) {
        fprintf(stderr, "linear_check: %s\n", err.message);
        goto done;
    }
    printf("linear classifier: %.1f %% of held-out images, %.1f %% of training images\n",
           best, fitted);
    result = best < limit && fitted >= learnt ? 0 : 1;
done:
    lfuse_context_destroy(ctx);
    free(test.labels);
    free(test.pixels);
    free(train.labels);
    free(train.pixels);
    return result;
}
