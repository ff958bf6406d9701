/* test_gpt.c - the GPT of the examples: its gradients, its cache, what it refuses */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lm.h"
#include "small_gpt.h"

/* ---- gradients ------------------------------------------------------------------------------------ */

/*
 * The derivative along the gradient g of one parameter is |g|. Of a loss in f32, which is off by some
 * 1e-6, the difference over a distance h with h |g| = 0.02 is right to 1e-4; what is of third order in h
 * is smaller for losses of a few nats. 2e-2 covers both many times; a missing term of a gradient is of
 * the order of 1. To 1e-4 it is gpt_torch.py that compares.
 */
static void check_gradient(struct fixture *f, const lfuse_parameter *p, void *user)
{
    const int64_t elements = lfuse_tensor_elements(p->value);
    float *g = malloc((size_t)elements * sizeof(*g)), *w = tensors_data(p->value);
    double norm = 0.0, up, down, h;
    int64_t i;

    (void)user;
    assert_non_null(g);
    memcpy(g, lfuse_tensor_data(p->gradient), (size_t)elements * sizeof(*g));
    for (i = 0; i < elements; i++)
        norm += (double)g[i] * g[i];
    norm = sqrt(norm);
    assert_true(norm > 1e-3);
    h = fmin(0.02 / norm, 0.05);
    for (i = 0; i < elements; i++)
        w[i] += (float)(h * g[i] / norm);
    up = small_loss(f, f->net, GPT_INFERENCE);
    for (i = 0; i < elements; i++)
        w[i] -= (float)(2.0 * h * g[i] / norm);
    down = small_loss(f, f->net, GPT_INFERENCE);
    for (i = 0; i < elements; i++)
        w[i] += (float)(h * g[i] / norm);
    if (fabs((up - down) / (2.0 * h) / norm - 1.0) > 2e-2)
        fail_msg("%s.%s: along its gradient %g, norm %g", p->layer, p->name,
                 (up - down) / (2.0 * h), norm);
    free(g);
}

static void every_gradient_is_that_of_the_loss(void **state)
{
    struct fixture *f = *state;

    small_randomise(f);
    f->labels[4] = -1;
    small_loss(f, f->net, GPT_TRAINING);
    ok(f, gpt_backward(f->net, &f->err));
    small_each_parameter(f, f->net, check_gradient, NULL);
}

/* Without a teacher's weight a distilled loss is the labels', by another way. */
static void distilling_without_weight_is_the_loss_of_labels(void **state)
{
    struct fixture *f = *state;
    float *kept = malloc(lfuse_tensor_bytes(f->net->wte.gradient)), *got;
    double loss, distilled = NAN, most = 0.0, off = 0.0;
    int64_t i;

    assert_non_null(kept);
    small_randomise(f);
    loss = small_loss(f, f->net, GPT_TRAINING);
    ok(f, gpt_backward(f->net, &f->err));
    got = tensors_data(f->net->wte.gradient);
    memcpy(kept, got, lfuse_tensor_bytes(f->net->wte.gradient));
    ok(f, gpt_forward(f->net, f->ids, BATCH, TOKENS, GPT_TRAINING, &f->err));
    ok(f, gpt_distil(f->net, f->net, 2.0, -1.0, f->labels, &distilled, &f->err));
    ok(f, gpt_backward(f->net, &f->err));
    for (i = 0; i < VOCABULARY * small_shape.width; i++) {
        off = fmax(off, fabs(kept[i] - got[i]));
        most = fmax(most, fabs(kept[i]));
    }
    /* sums of at most 23 and 18 terms in f32, in two orders, through three blocks */
    assert_true(fabs(distilled - loss) < 1e-5 * loss && off < 1e-4 * most);
    free(kept);
}

/* The same step drops the same, another one others; for inference nothing is. */
static void what_is_dropped_depends_on_seed_and_step(void **state)
{
    struct fixture *f = *state;
    double plain = small_loss(f, f->net, GPT_TRAINING), first;

    small_randomise(f);
    plain = small_loss(f, f->net, GPT_TRAINING);
    f->net->dropout = 0.5;
    assert_true(small_loss(f, f->net, GPT_INFERENCE) == plain);
    first = small_loss(f, f->net, GPT_TRAINING);
    assert_true(first != plain);
    assert_true(small_loss(f, f->net, GPT_TRAINING) == first);
    f->net->step++;
    assert_true(small_loss(f, f->net, GPT_TRAINING) != first);
    f->net->step--;
    f->net->seed++;
    assert_true(small_loss(f, f->net, GPT_TRAINING) != first);
}

/* The gradient knows what was dropped: down it the loss of the same step falls as it says. */
static void dropped_elements_pass_no_gradient(void **state)
{
    struct fixture *f = *state;
    double norm = 0.0, up, down, h;
    float *w, *g;
    int64_t i, n = lfuse_tensor_elements(f->net->blocks[0].attend.weight.value);

    small_randomise(f);
    f->net->dropout = 0.3;
    small_loss(f, f->net, GPT_TRAINING);
    ok(f, gpt_backward(f->net, &f->err));
    w = tensors_data(f->net->blocks[0].attend.weight.value);
    g = tensors_data(f->net->blocks[0].attend.weight.gradient);
    for (i = 0; i < n; i++)
        norm += (double)g[i] * g[i];
    norm = sqrt(norm);
    h = 0.02 / norm;
    for (i = 0; i < n; i++)
        w[i] += (float)(h * g[i] / norm);
    up = small_loss(f, f->net, GPT_TRAINING);
    for (i = 0; i < n; i++)
        w[i] -= (float)(2.0 * h * g[i] / norm);
    down = small_loss(f, f->net, GPT_TRAINING);
    assert_true(fabs((up - down) / (2.0 * h) / norm - 1.0) < 2e-2); /* as above */
}

/* ---- residuals ------------------------------------------------------------------------------------ */

static void residuals_have_gradients_of_their_own(void **state)
{
    struct fixture *f = *state;
    const struct weights *factors[24];

    small_randomise(f);
    small_add_residual(f, 4);
    small_add_residual(f, 16);
    assert_int_equal(gpt_residuals(f->net, factors), 4);
    small_loss(f, f->net, GPT_TRAINING);
    ok(f, gpt_backward(f->net, &f->err));
    small_each_parameter(f, f->net, check_gradient, NULL);
    assert_int_equal(
        gpt_add_residual(f->net, 4, 0, f->net->wte.value, f->net->wte.value, &f->err),
        LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message,
                        "layer h.0.attn.c_proj is no matrix of a block, or "
                        "has a residual");
}

/* ---- decoding ------------------------------------------------------------------------------------- */

/*
 * One at a time, or all at once: products of other shapes and attention over other tiles add up in another
 * order. Sums of up to 64 terms, 8 eps each way, through 3 blocks, on logits of size 10.
 */
static void the_cache_changes_nothing(void **state)
{
    float whole[TOKENS * VOCABULARY];
    struct fixture *f = *state;
    int i, k;

    small_randomise(f);
    ok(f, gpt_forward(f->net, f->ids, 1, TOKENS, GPT_INFERENCE, &f->err));
    ok(f, gpt_logits(f->net, 0, TOKENS, whole, &f->err));
    for (i = 0; i < TOKENS; i++) {
        ok(f, gpt_decode(f->net, f->ids + i, 1, i, &f->err));
        for (k = 0; k < VOCABULARY; k++)
            assert_true(
                fabs(tensors_data(f->net->logits)[k] - whole[i * VOCABULARY + k]) < 1e-4);
    }
    ok(f, gpt_decode(f->net, f->ids, 5, 0, &f->err));
    ok(f, gpt_decode(f->net, f->ids + 5, 4, 5, &f->err));
    for (k = 0; k < VOCABULARY; k++)
        assert_true(fabs(tensors_data(f->net->logits)[k] -
                         whole[(TOKENS - 1) * VOCABULARY + k]) < 1e-4);
}

/* Of 40,000 draws each share is off by less than five deviations; at 0 it is the greatest. */
static void tokens_are_drawn_by_their_probabilities(void **state)
{
    static const float logits[3] = {0.0f, 1.0986123f, 0.6931472f}; /* ln 1, ln 3, ln 2 */
    int drawn[3] = {0, 0, 0}, i;

    (void)state;
    for (i = 0; i < 40000; i++)
        drawn[lm_choose(logits, 3, 1.0, 1, (uint64_t)i)]++;
    for (i = 0; i < 3; i++) {
        const double p = exp(logits[i]) / 6.0;

        assert_true(fabs(drawn[i] - 40000 * p) < 5.0 * sqrt(40000 * p * (1.0 - p)));
    }
    assert_int_equal(lm_choose(logits, 3, 0.0, 1, 0), 1);
}

/* ---- bad input -------------------------------------------------------------------------------------- */

static void what_is_out_of_range_is_named(void **state)
{
    struct gpt_shape wrong = small_shape;
    struct fixture *f = *state;
    struct gpt *net;

    f->ids[7] = VOCABULARY;
    assert_int_equal(gpt_forward(f->net, f->ids, BATCH, TOKENS, GPT_TRAINING, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_non_null(strstr(f->err.message, "23"));
    assert_non_null(strstr(f->err.message, "7"));
    assert_int_equal(gpt_forward(f->net, f->ids, 1, TOKENS + 1, GPT_TRAINING, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message,
                        "1 sequences of 10 tokens: the network has room for 2 of 9");
    assert_int_equal(gpt_decode(f->net, f->ids, 5, 8, &f->err), LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message, "5 tokens at position 8: there are 12 positions, "
                                        "and room for 18 tokens at a time");
    assert_int_equal(gpt_backward(f->net, &f->err), LFUSE_ERR_STATE);
    assert_int_equal(
        gpt_create(f->ctx, &small_shape, BATCH, 13, GPT_TRAINING, &net, &f->err),
        LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message, "a batch of 2 is less than 1, or sequences of 13 "
                                        "tokens are not in [1, 12], the positions");
    wrong.heads = 3;
    assert_int_equal(gpt_create(f->ctx, &wrong, BATCH, 9, GPT_TRAINING, &net, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message, "3 heads do not divide a width of 16");
    assert_null(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        small_test(every_gradient_is_that_of_the_loss),
        small_test(distilling_without_weight_is_the_loss_of_labels),
        small_test(what_is_dropped_depends_on_seed_and_step),
        small_test(dropped_elements_pass_no_gradient),
        small_test(residuals_have_gradients_of_their_own),
        small_test(the_cache_changes_nothing),
        small_test(tokens_are_drawn_by_their_probabilities),
        small_test(what_is_out_of_range_is_named),
    };

    return cmocka_run_group_tests_name("gpt", tests, NULL, NULL);
}
