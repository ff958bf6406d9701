/* lm_write.c - a language model goes on with a text; see lm.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lm.h"
#include "program.h"
#include "random.h"

static int32_t greatest(const float *logits, int64_t vocabulary)
{
    int32_t best = 0, i;

    for (i = 1; i < vocabulary; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

int32_t lm_choose(const float *logits, int64_t vocabulary, double temperature,
                  uint64_t seed, uint64_t index)
{
    const int32_t best = greatest(logits, vocabulary);
    double sum = 0.0, left;
    int32_t i;

    if (temperature <= 0.0)
        return best;
    for (i = 0; i < vocabulary; i++)
        sum += exp(((double)logits[i] - logits[best]) / temperature);
    left = sum * random_uniform(seed, 0, index);
    for (i = 0; i < vocabulary; i++) {
        left -= exp(((double)logits[i] - logits[best]) / temperature);
        if (left < 0.0)
            return i;
    }
    return best; /* rounding alone leads here */
}

/* The model is given ids [*from, count); where there is no position left, the later half of them
 * anew. */
static lfuse_status go_on(struct gpt *net, const int32_t *ids, int64_t count,
                          int64_t *first, int64_t *known, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (count - *first > net->shape.positions)
        *first = *known = count - (net->shape.positions + 1) / 2;
    while (*known < count && status == LFUSE_OK) {
        const int64_t room = net->batch * net->tokens;
        const int64_t some = count - *known < room ? count - *known : room;

        status = gpt_decode(net, ids + *known, some, *known - *first, err);
        *known += some;
    }
    return status;
}

lfuse_status lm_write(struct gpt *net, struct tokenizer *tokenizer, const char *prompt,
                      int64_t count, double temperature, uint64_t seed, char **text,
                      lfuse_error *err)
{
    int64_t given, size, first = 0, known = 0, i;
    int32_t *ids, *all;
    lfuse_status status =
        tokenizer_encode(tokenizer, prompt, (int64_t)strlen(prompt), &ids, &given, err);

    if (status != LFUSE_OK)
        return status;
    if (given < 1 || tokenizer_vocabulary(tokenizer) != net->shape.vocabulary) {
        free(ids);
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "the prompt is empty, or the model has %lld ids, the "
                            "tokenizer %lld",
                            (long long)net->shape.vocabulary,
                            (long long)tokenizer_vocabulary(tokenizer));
    }
    all = realloc(ids, (size_t)(given + count) * sizeof(*all));
    if (all == NULL) {
        free(ids);
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld ids",
                            (long long)(given + count));
    }
    for (i = given; i < given + count && status == LFUSE_OK; i++) {
        status = go_on(net, all, i, &first, &known, err);
        if (status == LFUSE_OK)
            status = program_check_stop(err);
        if (status == LFUSE_OK)
            all[i] = lm_choose(tensors_data(net->logits), net->shape.vocabulary,
                               temperature, seed, (uint64_t)i);
    }
    if (status == LFUSE_OK)
        status = tokenizer_decode(tokenizer, all, given + count, text, &size, err);
    free(all);
    return status;
}
