/* test_vgg.c - the other network of the examples: its passes and its memory */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/vgg.h"
#include "random.h"
#include "reference.h"

/* As deep as VGG-16, a sixteenth as wide: 4 to 32 channels. */
enum { WIDTH = 4, BATCH = 4, PIXELS = CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS };

struct fixture {
    lfuse_context *ctx;
    struct vgg *net; /* random, for training */
    struct reference reference;
    int64_t allocations;
    lfuse_error err;
    float x[BATCH * PIXELS];
    int32_t labels[BATCH];
};

#define ok(f, call)                                      \
    do {                                                 \
        if ((call) != LFUSE_OK)                          \
            fail_msg("%s: %s", #call, (f)->err.message); \
    } while (0)

static void *count_alloc(void *user, size_t size, size_t align)
{
    ++*(int64_t *)user;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void count_release(void *user, void *ptr, size_t size, size_t align)
{
    (void)user;
    (void)size;
    (void)align;
    free(ptr);
}

/* Scales and shifts of their own, so that no two parameters are mistaken for each other. */
static void vary_norms(struct vgg *net)
{
    int64_t i, k;

    for (i = 0; i < net->cnn.unit_count; i++) {
        float *scale = lfuse_tensor_data(net->cnn.units[i].scale.value);
        float *shift = lfuse_tensor_data(net->cnn.units[i].shift.value);

        for (k = 0; k < net->cnn.units[i].norm.channels; k++) {
            scale[k] = 1.0f + 0.25f * (float)random_normal(5, (uint64_t)i, (uint64_t)k);
            shift[k] = 0.25f * (float)random_normal(6, (uint64_t)i, (uint64_t)k);
        }
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    lfuse_context_options options;
    int64_t i;

    if (f == NULL)
        return -1;
    lfuse_context_options_init(&options, sizeof(options));
    options.threads = 2;
    options.allocator = (lfuse_allocator){count_alloc, count_release, &f->allocations};
    if (lfuse_context_create(&options, &f->ctx, &f->err) != LFUSE_OK ||
        vgg_create(f->ctx, WIDTH, BATCH, CNN_TRAINING, &f->net, &f->err) != LFUSE_OK)
        return -1;
    vgg_initialise(f->net, 3);
    vary_norms(f->net);
    for (i = 0; i < BATCH * PIXELS; i++)
        f->x[i] = (float)random_normal(4, 0, (uint64_t)i);
    for (i = 0; i < BATCH; i++)
        f->labels[i] = (int32_t)(7 * i % CNN_CLASSES);
    f->reference =
        (struct reference){.vgg = f->net, .x = f->x, .labels = f->labels, .count = BATCH};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    vgg_destroy(f->net);
    lfuse_context_destroy(f->ctx);
    free(f);
    return 0;
}

static double loss_of(struct fixture *f, enum cnn_mode mode)
{
    double loss = NAN;

    ok(f, vgg_forward(f->net, f->x, BATCH, mode, &f->err));
    ok(f, cnn_loss(&f->net->cnn, f->labels, &loss, NULL, &f->err));
    return loss;
}

/*
 * An f32 pass of 13 layers against f64. Each adds a relative error of at most 1e-5, what a
 * convolution by Winograd's algorithm may (the direct one: sums of up to 9 * 32 terms, 17 eps of
 * 2^-24 = 1e-6), and normalisation brings every layer back to size 1: 1.3e-4 of logits of size 1.
 */
static const double logit_bound = 1.3e-4;

static void logits_are_those_of_the_definition(void **state)
{
    double logits[BATCH * CNN_CLASSES], expected;
    struct fixture *f = *state;
    const float *got;
    int i;

    expected = reference_loss(&f->reference, NULL, NULL, 0.0, logits);
    assert_true(fabs(loss_of(f, CNN_TRAINING) - expected) < logit_bound);
    got = lfuse_tensor_data(f->net->cnn.logits);
    for (i = 0; i < BATCH * CNN_CLASSES; i++)
        assert_true(fabs(got[i] - logits[i]) < logit_bound);
}

/*
 * The derivative of the f64 loss along the gradient g of one parameter, over |g|, is |g|, for every
 * parameter. |g| is above 0.5 here, so the difference's own error (see test_resnet.c) is below
 * 1e-8 of it; g passes 26 layers with sums of up to 4096 terms: 26 * 64 * 2^-24 = 1e-4, and twice
 * that where they go by Winograd's algorithm. A missing term is of the order of 1.
 */
static void every_gradient_is_that_of_the_loss(void **state)
{
    struct fixture *f = *state;
    struct cnn *cnn = &f->net->cnn;
    double norm, error;
    int64_t i;

    loss_of(f, CNN_TRAINING);
    ok(f, vgg_backward(f->net, &f->err));
    assert_int_equal(cnn->parameter_count, 3 * 13 + 2);
    for (i = 0; i < cnn->parameter_count; i++) {
        const struct cnn_parameter *p = cnn->parameters[i];

        error = reference_gradient_error(&f->reference, p->value, p->gradient, &norm);
        assert_true(norm > 0.5);
        if (!(error <= 2e-4))
            fail_msg("parameter %d: |g| is %.8g, the difference is off by %.2g of it",
                     (int)i, norm, error);
    }
}

/*
 * With momentum 1 the running mean is the batch's, and the running variance n / (n - 1) times the
 * batch's of n values: without that factor inference computes what training did.
 */
static void inference_uses_the_running_statistics(void **state)
{
    struct fixture *f = *state;
    struct cnn *cnn = &f->net->cnn;
    double untrained = loss_of(f, CNN_INFERENCE), trained;
    int64_t i, k;

    cnn->momentum = 1.0;
    trained = loss_of(f, CNN_TRAINING);
    for (i = 0; i < cnn->unit_count; i++) {
        float *variance = lfuse_tensor_data(cnn->units[i].running_variance);
        const double n = (double)(BATCH * cnn->units[i].norm.pixels);

        for (k = 0; k < cnn->units[i].norm.channels; k++)
            variance[k] = (float)(variance[k] * (n - 1.0) / n);
    }
    assert_true(fabs(loss_of(f, CNN_INFERENCE) - trained) < logit_bound);
    assert_true(fabs(untrained - trained) > 0.1);
}

/* While frozen it is the weights of the first pass that count, whatever becomes of them. */
static void frozen_weights_are_prepared_once(void **state)
{
    struct fixture *f = *state;
    struct cnn *cnn = &f->net->cnn;
    const double loss = loss_of(f, CNN_INFERENCE);
    float *w = lfuse_tensor_data(cnn->units[0].weight.value);
    float *shift = lfuse_tensor_data(cnn->units[1].shift.value);

    cnn->frozen = 1;
    w[0] += 1.0f;
    shift[0] += 1.0f;
    assert_true(loss_of(f, CNN_INFERENCE) == loss);
    loss_of(f, CNN_TRAINING); /* prepares them for training alone */
    assert_true(loss_of(f, CNN_INFERENCE) != loss);
    w[0] -= 1.0f;
    cnn->frozen = 0;
    assert_true(loss_of(f, CNN_INFERENCE) != loss);
}

/*
 * Another algorithm, another rounding: below the bound above, and not the same bits. So does the
 * network whose layers choose by their shape.
 */
static void either_algorithm_computes_the_network(void **state)
{
    static const lfuse_conv2d_algorithm algorithms[] = {
        LFUSE_CONV2D_DIRECT, LFUSE_CONV2D_WINOGRAD, LFUSE_CONV2D_WINOGRAD_2X2, 0};
    double expected = 0.0, losses[4];
    struct fixture *f = *state;
    int i;

    expected = reference_loss(&f->reference, NULL, NULL, 0.0, NULL);
    for (i = 0; i < 4; i++) {
        ok(f, cnn_choose(&f->net->cnn, algorithms[i], &f->err));
        losses[i] = loss_of(f, CNN_TRAINING);
        assert_true(fabs(losses[i] - expected) < logit_bound);
        ok(f, vgg_backward(f->net, &f->err));
    }
    assert_true(losses[0] != losses[1]);
    assert_true(losses[1] != losses[2]);
}

static void a_step_allocates_nothing_and_learns(void **state)
{
    struct fixture *f = *state;
    double loss = loss_of(f, CNN_TRAINING), last = loss;
    int64_t before = f->allocations;
    int i;

    assert_true(before > 0); /* the counter counts */
    for (i = 0; i < 10; i++) {
        last = loss_of(f, CNN_TRAINING);
        ok(f, vgg_backward(f->net, &f->err));
        ok(f, cnn_update(&f->net->cnn, 0.01, 0.9, 1e-4, &f->err));
    }
    assert_true(last < 0.5 * loss);
    ok(f, vgg_forward(f->net, f->x, 1, CNN_INFERENCE, &f->err));
    assert_int_equal(f->allocations, before);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vgg *net = f->net;

    assert_int_equal(vgg_create(f->ctx, 0, 1, CNN_INFERENCE, &net, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_null(net);
    assert_string_equal(f->err.message, "width is 0, not in [1, 256], or batch 1 < 1");
    assert_int_equal(vgg_create(f->ctx, 1, 0, CNN_INFERENCE, &net, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_int_equal(vgg_forward(f->net, f->x, BATCH + 1, CNN_INFERENCE, &f->err),
                     LFUSE_ERR_ARGUMENT);
    ok(f, vgg_create(f->ctx, 1, 2, CNN_INFERENCE, &net, &f->err));
    assert_int_equal(vgg_forward(net, f->x, 2, CNN_TRAINING, &f->err),
                     LFUSE_ERR_ARGUMENT);
    ok(f, vgg_forward(net, f->x, 2, CNN_INFERENCE, &f->err));
    vgg_destroy(net);
}

#define with_network(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_network(logits_are_those_of_the_definition),
        with_network(every_gradient_is_that_of_the_loss),
        with_network(inference_uses_the_running_statistics),
        with_network(frozen_weights_are_prepared_once),
        with_network(either_algorithm_computes_the_network),
        with_network(a_step_allocates_nothing_and_learns),
        with_network(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests_name("vgg", tests, NULL, NULL);
}
