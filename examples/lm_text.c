/* lm_text.c - see lm_text.h */
#include "lm_text.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

static lfuse_status read_kind(const char *name, enum tokenizer_kind *kind,
                              lfuse_error *err)
{
    for (*kind = TOKENIZER_BYTES; tokenizer_name(*kind) != NULL; ++*kind)
        if (strcmp(tokenizer_name(*kind), name) == 0)
            return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_ARGUMENT,
                        "--tokens: '%.20s' is none of bytes, words, pairs", name);
}

lfuse_status lm_text_open(lfuse_context *ctx, struct lm_text *text, lfuse_error *err)
{
    struct text_sets *sets = &text->sets;
    enum tokenizer_kind kind;
    lfuse_status status = read_kind(text->tokens_name, &kind, err);

    if (status == LFUSE_OK)
        status = text_sets_open(text->from, text->limit, sets, err);
    if (status == LFUSE_OK)
        status =
            tokenizer_open(ctx, text->file, kind, sets->train.bytes, sets->train.size,
                           text->vocabulary, &text->tokenizer, err);
    if (status == LFUSE_OK)
        status = text_sets_encode(sets, text->tokenizer, err);
    if (status != LFUSE_OK)
        return status;
    printf("%s: %lld ids of %s to train with, %lld to judge by, %lld to test with; "
           "vocabulary %lld, %.3f to a word\n",
           text->from, (long long)sets->train.count, tokenizer_name(kind),
           (long long)sets->valid.count, (long long)sets->test.count,
           (long long)tokenizer_vocabulary(text->tokenizer),
           (double)sets->test.count / (double)sets->test.words);
    return LFUSE_OK;
}

void lm_text_close(struct lm_text *text)
{
    tokenizer_destroy(text->tokenizer);
    text_sets_free(&text->sets);
}
