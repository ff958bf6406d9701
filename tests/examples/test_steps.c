/* test_steps.c - training is the same by every kernel table and by either algorithm */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "models/resnet.h"
#include "random.h"

enum {
    BLOCKS = 3,
    BATCH = 2,
    STEPS = 20,
    PIXELS = CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS
};

#define ok(call)                                    \
    do {                                            \
        if ((call) != LFUSE_OK)                     \
            fail_msg("%s: %s", #call, err.message); \
    } while (0)

static const struct way {
    lfuse_isa isa;
    lfuse_conv2d_algorithm algorithm;
    const char *name;
} ways[] = {
    {LFUSE_ISA_SCALAR, LFUSE_CONV2D_DIRECT, "scalar, direct"},
    {LFUSE_ISA_SCALAR, LFUSE_CONV2D_WINOGRAD, "scalar, Winograd"},
    {LFUSE_ISA_AVX2, LFUSE_CONV2D_DIRECT, "AVX2, direct"},
    {LFUSE_ISA_AVX2, LFUSE_CONV2D_WINOGRAD, "AVX2, Winograd"},
    {LFUSE_ISA_AVX512, LFUSE_CONV2D_DIRECT, "AVX-512, direct"},
    {LFUSE_ISA_AVX512, LFUSE_CONV2D_WINOGRAD, "AVX-512, Winograd"},
    {LFUSE_ISA_BEST, 0, "by shape"},
};

static void fill(float *x, int32_t *labels)
{
    int64_t i;

    for (i = 0; i < BATCH * PIXELS; i++)
        x[i] = (float)random_normal(4, 0, (uint64_t)i);
    for (i = 0; i < BATCH; i++)
        labels[i] = (int32_t)(3 * i + 1);
}

/* The loss of every step; 0 where this machine has no such table. */
static int train(const struct way *way, double losses[STEPS])
{
    static float x[BATCH * PIXELS];
    int32_t labels[BATCH];
    lfuse_context_options options;
    lfuse_context *ctx;
    struct resnet *net;
    lfuse_error err;
    int i, there;

    fill(x, labels);
    lfuse_context_options_init(&options, sizeof(options));
    options.isa = way->isa;
    options.threads = 2;
    ok(lfuse_context_create(&options, &ctx, &err));
    there = way->isa == LFUSE_ISA_BEST || lfuse_context_isa(ctx) == way->isa;
    ok(resnet_create(ctx, BLOCKS, BATCH, CNN_TRAINING, &net, &err));
    ok(cnn_choose(&net->cnn, way->algorithm, &err));
    resnet_initialise(net, 3);
    for (i = 0; i < STEPS && there; i++) {
        ok(resnet_forward(net, x, BATCH, CNN_TRAINING, &err));
        ok(cnn_loss(&net->cnn, labels, &losses[i], NULL, &err));
        ok(resnet_backward(net, &err));
        ok(cnn_update(&net->cnn, 2e-3, 0.9, 1e-4, &err));
    }
    resnet_destroy(net);
    lfuse_context_destroy(ctx);
    return there;
}

/*
 * Before the first step: 20 layers, each off by at most 1e-5 of its output by Winograd's algorithm
 * and by less by the direct one, whose errors of random sign add up to sqrt(20) 1e-5 = 5e-5.
 *
 * From then on a gradient g that is off by e |g| moves the loss of the next step by no more than e
 * times what the step gained, rate |g|^2, and all steps together by e times what they gained:
 * training at a rate at which it converges does not enlarge what is off already. e is 3e-4 for 8
 * layers, kinks on other sides included (test_resnet.c), and 20 / 8 times that here: 7.5e-4.
 * What is wrong by a term is off by the order of what was gained.
 */
static void losses_agree_by_every_table_and_algorithm(void **state)
{
    double right[STEPS], losses[STEPS];
    int i, tried = 1;
    size_t w;

    (void)state;
    train(&ways[0], right);
    assert_true(right[STEPS - 1] < 0.01 * right[0]); /* there was something to gain */
    for (w = 1; w < sizeof(ways) / sizeof(ways[0]); w++) {
        if (!train(&ways[w], losses))
            continue;
        tried++;
        for (i = 0; i < STEPS; i++)
            if (!(fabs(losses[i] - right[i]) <= 5e-5 + 7.5e-4 * (right[0] - right[i])))
                fail_msg("%s: step %d has %.6f, not %.6f", ways[w].name, i, losses[i],
                         right[i]);
    }
    assert_true(tried >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_agree_by_every_table_and_algorithm),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
