/* test_resnet.c - the network of the examples: its gradients, its files, its ties */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/resnet.h"
#include "random.h"
#include "reference.h"

enum { BATCH = 2, PIXELS = CNN_SIDE * CNN_SIDE * CNN_IN_CHANNELS };

struct fixture {
    lfuse_context *ctx;
    struct resnet *net; /* n = 1, random, for training */
    lfuse_error err;
    struct reference reference; /* of net */
    char path[64];
    float x[BATCH * PIXELS];
    int32_t labels[BATCH];
};

#define ok(f, call)                                      \
    do {                                                 \
        if ((call) != LFUSE_OK)                          \
            fail_msg("%s: %s", #call, (f)->err.message); \
    } while (0)

static int setup_width(void **state, int64_t width)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int64_t i;

    if (f == NULL || lfuse_context_create(NULL, &f->ctx, &f->err) != LFUSE_OK ||
        resnet_create_wide(f->ctx, 1, width, BATCH, CNN_TRAINING, &f->net, &f->err) !=
            LFUSE_OK)
        return -1;
    resnet_initialise(f->net, 3);
    for (i = 0; i < BATCH * PIXELS; i++)
        f->x[i] = (float)random_normal(4, 0, (uint64_t)i);
    f->labels[0] = 7;
    f->labels[1] = 2;
    f->reference = (struct reference){
        .resnet = f->net, .x = f->x, .labels = f->labels, .count = BATCH};
    snprintf(f->path, sizeof(f->path), "/tmp/layerfuse-resnet-%d.safetensors",
             (int)getpid());
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_width(state, 0);
}

static int setup_wide(void **state)
{
    return setup_width(state, 2);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    resnet_destroy(f->net);
    lfuse_context_destroy(f->ctx);
    free(f);
    return 0;
}

/* ---- gradients ------------------------------------------------------------------------------ */

static double loss_of(struct fixture *f, enum cnn_mode mode)
{
    double loss = NAN;

    ok(f, resnet_forward(f->net, f->x, BATCH, mode, &f->err));
    ok(f, cnn_loss(&f->net->cnn, f->labels, &loss, NULL, &f->err));
    return loss;
}

/*
 * An f32 pass of 8 layers against f64. Every activation is a sum of at most 9 * 64 terms with a
 * relative error of a few eps = 2^-24 each layer (rounding errors of random sign grow with the
 * root of 576 = 24), and normalisation brings every layer back to size 1: 8 * 24 * eps = 1.2e-5
 * on logits of size 1.
 */
static void logits_are_those_of_the_definition(void **state)
{
    double logits[BATCH * CNN_CLASSES], expected;
    struct fixture *f = *state;
    const float *got;
    int i;

    expected = reference_loss(&f->reference, NULL, NULL, 0.0, logits);
    assert_true(fabs(loss_of(f, CNN_TRAINING) - expected) < 1.2e-5 * 4);
    got = lfuse_tensor_data(f->net->cnn.logits);
    for (i = 0; i < BATCH * CNN_CLASSES; i++)
        assert_true(fabs(got[i] - logits[i]) < 1.2e-5 * 4);
}

/*
 * The derivative of the f64 loss along the gradient g of one parameter, over |g|, is |g|.
 *
 * Steps of 1e-6 |g|-direction: the central difference is off by h^2 = 1e-12 times a third
 * derivative and by eps(f64) * loss / h = 5e-10; |g| is above 1e-3 here, so 1e-6 of it covers
 * both. A kink adds to that: of 1.5e5 activations of size 1 about one lies within 1e-6 of 0, and
 * it carries at most one part in 1e4 of the gradient. The f32 gradient itself passes 16 layers
 * with sums of up to 2048 terms: 16 * sqrt(2048) * 2^-24 = 4e-5. Together below 3e-4, while a
 * missing term of the gradient is of the order of 1.
 */
static void check_gradient(struct fixture *f, const char *layer, const lfuse_parameter *p)
{
    double norm,
        error = reference_gradient_error(&f->reference, p->value, p->gradient, &norm);

    assert_true(norm > 1e-3);
    if (!(error <= 3e-4))
        fail_msg("%s %s: |g| is %.8g, the difference is off by %.2g of it", layer,
                 p->name, norm, error);
}

static void every_gradient_is_that_of_the_loss(void **state)
{
    struct fixture *f = *state;
    int64_t i;
    int32_t k;

    /* scales and shifts of their own, so that no two parameters are mistaken for each other */
    for (i = 0; i < f->net->cnn.unit_count; i++) {
        float *scale = lfuse_tensor_data(f->net->cnn.units[i].scale.value);
        float *shift = lfuse_tensor_data(f->net->cnn.units[i].shift.value);

        for (k = 0; k < f->net->cnn.units[i].norm.channels; k++) {
            scale[k] = 1.0f + 0.25f * (float)random_normal(5, (uint64_t)i, (uint64_t)k);
            shift[k] = 0.25f * (float)random_normal(6, (uint64_t)i, (uint64_t)k);
        }
    }
    loss_of(f, CNN_TRAINING);
    ok(f, resnet_backward(f->net, &f->err));
    for (i = 0; i < f->net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(f->net->layers[i]); k++) {
            lfuse_parameter p;

            lfuse_parameter_init(&p, sizeof(p));
            ok(f, lfuse_layer_parameter(f->net->layers[i], k, &p, &f->err));
            if (p.gradient != NULL)
                check_gradient(f, lfuse_layer_name(f->net->layers[i]), &p);
        }
}

/*
 * The wide network has norms of its own at every place: what reaches the logits is longer by its
 * second stage's 64 and third stage's 128 channels, sums of up to 9 * 128 terms, 34 eps each
 * layer: 10 * 34 * 2^-24 = 2e-5 on logits of size 1.
 */
static void wide_logits_and_gradients_are_those_of_the_definition(void **state)
{
    double logits[BATCH * CNN_CLASSES], expected;
    struct fixture *f = *state;
    const float *got;
    int i;

    expected = reference_loss(&f->reference, NULL, NULL, 0.0, logits);
    assert_true(fabs(loss_of(f, CNN_TRAINING) - expected) < 2e-5 * 4);
    got = lfuse_tensor_data(f->net->cnn.logits);
    for (i = 0; i < BATCH * CNN_CLASSES; i++)
        assert_true(fabs(got[i] - logits[i]) < 2e-5 * 4);
    every_gradient_is_that_of_the_loss(state);
}

/* ---- inference ------------------------------------------------------------------------------- */

/* With momentum 1 the running mean is the batch's, and the running variance n / (n - 1) times
 * the batch's with n >= 2 * 64 values: logits of the two modes differ by less than one percent
 * for each of the 7 normalisations. */
static void inference_uses_the_running_statistics(void **state)
{
    struct fixture *f = *state;
    double untrained = loss_of(f, CNN_INFERENCE), trained;

    f->net->cnn.momentum = 1.0;
    trained = loss_of(f, CNN_TRAINING);
    assert_true(fabs(loss_of(f, CNN_INFERENCE) - trained) < 0.07);
    assert_true(fabs(untrained - trained) > 0.07);
}

static void a_network_for_inference_scores_the_same_bits(void **state)
{
    struct fixture *f = *state;
    struct resnet *other;
    double loss = loss_of(f, CNN_TRAINING);

    loss = loss_of(f, CNN_INFERENCE);
    ok(f, resnet_save(f->net, f->path, 0, &f->err));
    resnet_destroy(f->net);
    ok(f, resnet_open(f->ctx, f->path, BATCH, CNN_INFERENCE, &other, &f->err));
    f->net = other;
    assert_true(loss_of(f, CNN_INFERENCE) == loss);
    assert_int_equal(resnet_forward(other, f->x, BATCH, CNN_TRAINING, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_int_equal(resnet_forward(other, f->x, BATCH + 1, CNN_INFERENCE, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_non_null(strstr(f->err.message, "count is 3, not in [1, 2]"));
}

/* ---- files ------------------------------------------------------------------------------------- */

static void a_file_brings_every_tensor_back(void **state)
{
    struct fixture *f = *state;
    lfuse_parameter p, q;
    struct resnet *other;
    int64_t i;
    int32_t k;

    loss_of(f, CNN_TRAINING); /* statistics of their own */
    ok(f, resnet_save(f->net, f->path, 0, &f->err));
    ok(f, resnet_open(f->ctx, f->path, BATCH, CNN_TRAINING, &other, &f->err));
    assert_int_equal(other->blocks, 1);
    assert_int_equal(other->width, f->net->width);
    assert_int_equal(other->layer_count, f->net->layer_count);
    for (i = 0; i < other->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(other->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            lfuse_parameter_init(&q, sizeof(q));
            ok(f, lfuse_layer_parameter(f->net->layers[i], k, &p, &f->err));
            ok(f, lfuse_layer_parameter(other->layers[i], k, &q, &f->err));
            assert_memory_equal(lfuse_tensor_data(p.value), lfuse_tensor_data(q.value),
                                lfuse_tensor_bytes(p.value));
        }
    resnet_destroy(other);
}

/* Writes two tensors: the stem's weight as it is given, and one of this name and shape. */
static void write_two(struct fixture *f, const lfuse_tensor *stem, const char *name,
                      const int64_t *dims)
{
    lfuse_checkpoint_entry entries[2] = {{"conv1.weight", stem, NULL},
                                         {name, NULL, NULL}};
    lfuse_tensor_desc desc;
    lfuse_tensor *other;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = 4;
    desc.dims = dims;
    ok(f, lfuse_tensor_create(f->ctx, &desc, &other, &f->err));
    entries[1].tensor = other;
    ok(f, lfuse_checkpoint_save(f->ctx, f->path, entries, 2, NULL, &f->err));
    lfuse_tensor_destroy(other);
}

static void check_refused(struct fixture *f, lfuse_status expected, const char *text)
{
    struct resnet *net = f->net;

    memset(&f->err, 0, sizeof(f->err));
    assert_int_equal(resnet_open(f->ctx, f->path, BATCH, CNN_INFERENCE, &net, &f->err),
                     expected);
    assert_null(net);
    assert_non_null(strstr(f->err.message, f->path));
    if (strstr(f->err.message, text) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", f->err.message, text);
}

static void a_file_of_another_network_is_refused_by_name(void **state)
{
    static const int64_t dims[4] = {16, 16, 3, 3};
    struct fixture *f = *state;
    const lfuse_tensor *right = f->net->cnn.units[0].weight.value;
    const lfuse_tensor *wrong = f->net->cnn.units[1].weight.value;

    write_two(f, right, "features.0.weight", dims);
    check_refused(f, LFUSE_ERR_NAME, "holds 0 blocks");
    write_two(f, right, "layer1.0.conv1.weight", dims);
    check_refused(f, LFUSE_ERR_NAME, "holds no bn1.weight");
    write_two(f, wrong, "layer1.0.conv1.weight", dims);
    check_refused(f, LFUSE_ERR_SHAPE, "conv1.weight is 16x16x3x3, expected 16x3x3x3");
}

/* ---- couplings -------------------------------------------------------------------------------- */

static void shuffle(int64_t *order, int64_t count, uint64_t seed)
{
    int64_t i, k, keep;

    for (i = 0; i < count; i++)
        order[i] = i;
    for (i = count - 1; i > 0; i--) {
        k = (int64_t)(random_uniform(seed, 0, (uint64_t)i) * (double)(i + 1));
        keep = order[i];
        order[i] = order[k];
        order[k] = keep;
    }
}

static void permute_all(struct fixture *f)
{
    const struct resnet *net = f->net;
    lfuse_couplings *c;
    int64_t order[128], units, space;

    ok(f, lfuse_couplings_create(f->ctx, &c, &f->err));
    ok(f, resnet_couple(net, c, &f->err));
    assert_int_equal(lfuse_couplings_space_count(c), RESNET_STAGES * net->blocks);
    for (space = 0; space < lfuse_couplings_space_count(c); space++) {
        ok(f, lfuse_couplings_units(c, (const lfuse_layer *const *)net->layers,
                                    net->layer_count, space, &units, &f->err));
        assert_int_equal(units, (net->width > 0 ? net->width : 1) * (16 << space));
        shuffle(order, units, (uint64_t)space);
        ok(f, lfuse_couplings_permute(c, net->layers, net->layer_count, space, order,
                                      &f->err));
    }
    lfuse_couplings_destroy(c);
}

/*
 * Only the second convolution of each block adds its products in another order: up to 576 of
 * random sign, each sum off by about sqrt(576) eps = 1.4e-6 of its size, and normalised again;
 * three of them, on the way to logits of size 1.
 */
static void permuted_blocks_compute_the_same(void **state)
{
    static const enum cnn_mode modes[] = {CNN_TRAINING, CNN_INFERENCE};
    float before[2][BATCH * CNN_CLASSES], *scale;
    struct fixture *f = *state;
    const float *after;
    int i, k;

    for (i = 0; i < f->net->cnn.unit_count; i++) {
        scale = lfuse_tensor_data(f->net->cnn.units[i].scale.value);
        for (k = 0; k < f->net->cnn.units[i].norm.channels; k++)
            scale[k] += 0.25f * (float)random_normal(5, (uint64_t)i, (uint64_t)k);
    }
    f->net->cnn.momentum = 1.0; /* running statistics of the batch */
    for (i = 0; i < 2; i++) {
        loss_of(f, modes[i]);
        memcpy(before[i], lfuse_tensor_data(f->net->cnn.logits), sizeof(before[i]));
    }
    permute_all(f);
    for (i = 1; i >= 0; i--) {
        loss_of(f, modes[i]);
        after = lfuse_tensor_data(f->net->cnn.logits);
        for (k = 0; k < BATCH * CNN_CLASSES; k++)
            assert_true(fabs(after[k] - before[i][k]) < 1e-5);
    }
}

/* ---- ties -------------------------------------------------------------------------------------- */

static void update(struct fixture *f, lfuse_retrainer *retrainer)
{
    int64_t i;

    for (i = 0; i < lfuse_retrainer_parameter_count(retrainer); i++) {
        lfuse_parameter p;
        lfuse_sgd_args sgd;

        lfuse_parameter_init(&p, sizeof(p));
        ok(f, lfuse_retrainer_parameter(retrainer, i, &p, &f->err));
        lfuse_sgd_args_init(&sgd, sizeof(sgd));
        sgd.value = lfuse_tensor_data(p.value);
        sgd.gradient = lfuse_tensor_data(p.gradient);
        sgd.velocity = lfuse_tensor_data(p.state[0]);
        sgd.count = lfuse_tensor_elements(p.value);
        sgd.learning_rate = 0.1;
        sgd.momentum = 0.9;
        ok(f, lfuse_sgd(f->ctx, &sgd, &f->err));
    }
}

static void a_fused_network_stays_tied_while_it_trains(void **state)
{
    struct fixture *f = *state;
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_retrainer *retrainer;
    const float *a, *b;
    float before, after;
    int i;

    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = 1.01; /* n = 1 has one pair: the convolutions of stage 1 */
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    ok(f, lfuse_retrainer_create(f->ctx, f->net->layers, f->net->layer_count, &options,
                                 &retrainer, &f->err));
    ok(f, lfuse_retrainer_fuse(retrainer, &f->err));
    a = lfuse_tensor_data(f->net->cnn.units[1].weight.value);
    before = a[0];
    for (i = 0; i < 3; i++) {
        ok(f, lfuse_retrainer_begin_step(retrainer, &f->err));
        loss_of(f, CNN_TRAINING);
        ok(f, resnet_backward(f->net, &f->err));
        ok(f, lfuse_retrainer_combine_gradients(retrainer, &f->err));
        update(f, retrainer);
        ok(f, lfuse_retrainer_end_step(retrainer, &f->err));
    }
    a = lfuse_tensor_data(f->net->cnn.units[1].weight.value);
    b = lfuse_tensor_data(f->net->cnn.units[2].weight.value);
    after = a[0];
    assert_ptr_equal(a, b);
    assert_true(before != after);
    lfuse_retrainer_destroy(retrainer);
}

static void fuse_accumulated(struct fixture *f, lfuse_retrainer **retrainer)
{
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_ties_options ties;

    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = 1.01;
    lfuse_ties_options_init(&ties, sizeof(ties));
    ties.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    options.ties = &ties;
    ok(f, lfuse_retrainer_create(f->ctx, f->net->layers, f->net->layer_count, &options,
                                 retrainer, &f->err));
    ok(f, lfuse_retrainer_fuse(*retrainer, &f->err));
}

/*
 * Sums of 2048 terms in another order: sqrt(2048) * 2^-24 = 3e-6 of a gradient's size, which is below
 * its norm. A part that is missing, or there twice, is a fiftieth of the norm.
 */
static void gradients_that_share_memory_add_up(void **state)
{
    enum { SIZE = 16 * 16 * 9 };
    struct fixture *f = *state;
    struct cnn_parameter *w[] = {&f->net->cnn.units[1].weight,
                                 &f->net->cnn.units[2].weight};
    float apart[2][SIZE], norm = 0.0f;
    lfuse_retrainer *retrainer;
    const float *together;
    int i, k;

    ok(f,
       lfuse_tensor_copy(w[1]->value, w[0]->value, &f->err)); /* tied to what they are */
    loss_of(f, CNN_TRAINING);
    ok(f, resnet_backward(f->net, &f->err));
    for (k = 0; k < 2; k++) {
        memcpy(apart[k], lfuse_tensor_data(w[k]->gradient), sizeof(apart[k]));
        for (i = 0; i < SIZE; i++)
            norm += apart[k][i] * apart[k][i];
    }
    fuse_accumulated(f, &retrainer);
    together = lfuse_tensor_data(w[0]->gradient);
    assert_ptr_equal(together, lfuse_tensor_data(w[1]->gradient));
    for (k = 0; k < 2; k++) { /* a second pass begins anew */
        loss_of(f, CNN_TRAINING);
        ok(f, resnet_backward(f->net, &f->err));
        for (i = 0; i < SIZE; i++)
            assert_true(fabsf(together[i] - apart[0][i] - apart[1][i]) <=
                        1e-5f * sqrtf(norm));
    }
    lfuse_retrainer_destroy(retrainer);
}

/* Layers of one place of their block have a type of their own; nothing else changes. */
static void places_part_the_types_of_convolutions(void **state)
{
    struct fixture *f = *state;
    double loss = loss_of(f, CNN_TRAINING);
    int64_t before = f->net->layer_count;

    ok(f, resnet_part_places(f->net, &f->err));
    assert_int_equal(f->net->layer_count, before);
    assert_string_equal(lfuse_layer_name(f->net->layers[2]), "layer1.0.conv1");
    assert_string_equal(lfuse_layer_param_type(f->net->layers[2]),
                        "conv3x3 16->16, first");
    assert_string_equal(lfuse_layer_param_type(f->net->layers[4]),
                        "conv3x3 16->16, second");
    assert_true(loss_of(f, CNN_TRAINING) == loss);
}

/* ---- memory ---------------------------------------------------------------------------------- */

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

/* Forward, loss, backward, and all parameters' update. */
static void train_step(struct fixture *f, struct resnet *net, int64_t count)
{
    double loss;

    ok(f, resnet_forward(net, f->x, count, CNN_TRAINING, &f->err));
    ok(f, cnn_loss(&net->cnn, f->labels, &loss, NULL, &f->err));
    ok(f, resnet_backward(net, &f->err));
    ok(f, cnn_update(&net->cnn, 1e-3, 0.9, 1e-4, &f->err));
}

/* Of any network, by any number of threads, from the first step on. */
static void a_step_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t allocations = 0, width, before;
    lfuse_context_options options;
    struct resnet *net;
    lfuse_context *ctx;

    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = (lfuse_allocator){count_alloc, count_release, &allocations};
    for (options.threads = 1; options.threads <= 3; options.threads++)
        for (width = 0; width <= 2; width += 2) {
            ok(f, lfuse_context_create(&options, &ctx, &f->err));
            ok(f, resnet_create_wide(ctx, 1, width, BATCH, CNN_TRAINING, &net, &f->err));
            resnet_initialise(net, 3);
            before = allocations;
            assert_true(before > 0); /* the counter counts */
            train_step(f, net, BATCH);
            train_step(f, net, 1);
            ok(f, resnet_forward(net, f->x, BATCH, CNN_INFERENCE, &f->err));
            assert_int_equal(allocations, before);
            resnet_destroy(net);
            lfuse_context_destroy(ctx);
        }
}

#define with_network(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define with_wide(test)    cmocka_unit_test_setup_teardown(test, setup_wide, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_network(logits_are_those_of_the_definition),
        with_network(every_gradient_is_that_of_the_loss),
        with_network(inference_uses_the_running_statistics),
        with_network(a_network_for_inference_scores_the_same_bits),
        with_network(a_file_brings_every_tensor_back),
        with_network(a_file_of_another_network_is_refused_by_name),
        with_network(permuted_blocks_compute_the_same),
        with_network(a_fused_network_stays_tied_while_it_trains),
        with_network(gradients_that_share_memory_add_up),
        with_network(places_part_the_types_of_convolutions),
        with_network(a_step_allocates_nothing),
        with_wide(wide_logits_and_gradients_are_those_of_the_definition),
        with_wide(inference_uses_the_running_statistics),
        with_wide(a_network_for_inference_scores_the_same_bits),
        with_wide(a_file_brings_every_tensor_back),
        with_wide(permuted_blocks_compute_the_same),
    };

    return cmocka_run_group_tests_name("resnet", tests, NULL, NULL);
}
