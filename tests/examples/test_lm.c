/* test_lm.c - a language model as it is fused, trained and scored */
#include <math.h>
#include <string.h>

#include "lm.h"
#include "small_gpt.h"

static void permuted_blocks_compute_the_same(void **state)
{
    int64_t order[64], units, space, i;
    struct fixture *f = *state;
    lfuse_couplings *c;
    double before;

    small_randomise(f);
    before = small_loss(f, f->net, GPT_INFERENCE);
    ok(f, lfuse_couplings_create(f->ctx, &c, &f->err));
    ok(f, gpt_couple(f->net, c, &f->err));
    assert_int_equal(lfuse_couplings_space_count(c), 6);
    for (space = 0; space < 6; space++) {
        ok(f, lfuse_couplings_units(c, (const lfuse_layer *const *)f->net->layers,
                                    f->net->layer_count, space, &units, &f->err));
        assert_true(units == 2 || units == 64);
        for (i = 0; i < units; i++)
            order[i] = (i + 1) % units;
        ok(f, lfuse_couplings_permute(c, f->net->layers, f->net->layer_count, space,
                                      order, &f->err));
    }
    lfuse_couplings_destroy(c);
    assert_true(fabs(small_loss(f, f->net, GPT_INFERENCE) - before) < 1e-5 * before);
}

/* A text that repeats itself, learned by a network that has fused half of its blocks' weights. */
static void a_fused_network_learns_and_stays_tied(void **state)
{
    int32_t text[400];
    struct lm_training training = {
        .learning_rate = 1e-2, .steps = 60, .weight_decay = 0.01, .clip = 1.0};
    struct fixture *f = *state;
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_retrainer *retrainer;
    struct windows *windows;
    double first = 0.0, last = 0.0;
    int64_t step;
    int i;

    for (i = 0; i < 400; i++)
        text[i] = i % 7;
    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = 2.0;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    ok(f, lfuse_retrainer_create(f->ctx, f->net->layers, f->net->layer_count, &options,
                                 &retrainer, &f->err));
    ok(f, lfuse_retrainer_fuse(retrainer, &f->err));
    ok(f, windows_create(text, 400, TOKENS, BATCH, 0, 1, &windows, &f->err));
    for (step = 0; step < training.steps; step++) {
        ok(f, lm_step(f->net, retrainer, windows, &training, step, &last, &f->err));
        first = step == 0 ? last : first;
    }
    assert_true(first > 2.5 && last < 0.5 * first); /* ln 23 = 3.1 at first */
    i = 0;
    for (step = 1; step < 3; step++)
        i += tensors_data(f->net->blocks[0].widen.weight.value) ==
             tensors_data(f->net->blocks[step].widen.weight.value);
    i += tensors_data(f->net->blocks[1].widen.weight.value) ==
         tensors_data(f->net->blocks[2].widen.weight.value);
    assert_true(i >= 1);
    windows_destroy(windows);
    lfuse_retrainer_destroy(retrainer);
}

/* Half a cosine from the warm-up's end to the least share. */
static void the_rate_grows_along_a_line_and_falls_along_a_cosine(void **state)
{
    const struct lm_training t = {
        .learning_rate = 2.0, .least = 0.1, .steps = 110, .warm_up = 10};

    (void)state;
    assert_true(fabs(lm_rate(&t, 0) - 0.2) < 1e-12);
    assert_true(fabs(lm_rate(&t, 9) - 2.0) < 1e-12);
    assert_true(fabs(lm_rate(&t, 10) - 2.0) < 1e-12);
    assert_true(fabs(lm_rate(&t, 60) - 1.1) < 1e-12);
    assert_true(fabs(lm_rate(&t, 110) - 0.2) < 1e-12);
}

/* With every id as likely as any other the perplexity is their number, per token and per window. */
static void scoring_counts_nats_by_token_and_word(void **state)
{
    struct fixture *f = *state;
    struct text text = {.words = 8, .count = 17};
    struct lm_score score;
    int32_t ids[17];
    int i;

    for (i = 0; i < 17; i++)
        ids[i] = i;
    text.ids = ids;
    tensors_fill(f->net->wte.value, 0.0f);
    ok(f, lm_evaluate(f->net, &text, 4, &score, &f->err));
    assert_int_equal(score.tokens, 16);
    assert_true(fabs(lm_per_token(&score) - VOCABULARY) < 1e-4);
    assert_true(fabs(lm_per_word(&score) - VOCABULARY * VOCABULARY) < 1e-2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        small_test(permuted_blocks_compute_the_same),
        small_test(a_fused_network_learns_and_stays_tied),
        small_test(the_rate_grows_along_a_line_and_falls_along_a_cosine),
        small_test(scoring_counts_nats_by_token_and_word),
    };

    return cmocka_run_group_tests_name("lm", tests, NULL, NULL);
}
