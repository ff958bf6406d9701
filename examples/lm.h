/* lm.h - what is done with a language model and a text: score it, train it, let it write */
#ifndef EXAMPLES_LM_H
#define EXAMPLES_LM_H

#include "baselines/baseline.h"
#include "data/text.h"
#include "data/windows.h"
#include "models/gpt.h"

struct lm_score {
    double nats; /* of all tokens together */
    int64_t tokens, words;
};

/* e to the nats of a token, or of a word: how many the model wavers between. */
double lm_per_token(const struct lm_score *score);
double lm_per_word(const struct lm_score *score);

/*
 * Every token of the text but the first is predicted once, from at most those of its window
 * before it: windows of as many tokens as the network takes, `stride` apart; 0: that many, so
 * that they do not overlap.
 */
lfuse_status lm_evaluate(struct gpt *net, const struct text *text, int64_t stride,
                         struct lm_score *score, lfuse_error *err);

struct lm_training {
    double
        learning_rate; /* after warm_up steps, along a line; then falls along half a cosine */
    double least;      /* to this share of it */
    int64_t steps;     /* in all */
    int64_t warm_up;
    double weight_decay;       /* of everything that trains */
    double clip;               /* norm of all gradients at most; 0: as they are */
    struct gpt *teacher;       /* answers every batch that is trained on; or NULL */
    double temperature;        /* with a teacher: of both softmaxes, */
    double taught;             /* and how much its answers weigh */
    struct baseline *baseline; /* keeps weights what it made of them; or NULL */
};

/* The learning rate of the step at index. */
double lm_rate(const struct lm_training *training, int64_t step);

/*
 * The step at index, with the retrainer's hooks around it: the batch, and what is dropped,
 * depend on that index alone. *loss is the mean over its tokens, before the step.
 */
lfuse_status lm_step(struct gpt *net, lfuse_retrainer *retrainer, struct windows *windows,
                     const struct lm_training *training, int64_t step, double *loss,
                     lfuse_error *err);

/*
 * How the model goes on from a prompt, by `count` tokens: *text gets all of it, to be free()d.
 * Temperature 0 takes the most likely token, any other draws one. Beyond its positions the model
 * forgets the earlier half.
 */
lfuse_status lm_write(struct gpt *net, struct tokenizer *tokenizer, const char *prompt,
                      int64_t count, double temperature, uint64_t seed, char **text,
                      lfuse_error *err);

/* The id that a row of logits chooses; index: of the draw. */
int32_t lm_choose(const float *logits, int64_t vocabulary, double temperature,
                  uint64_t seed, uint64_t index);

#endif
