/* text.h - texts in memory, as bytes and as ids: to train with, to judge by, to test with */
#ifndef EXAMPLES_TEXT_H
#define EXAMPLES_TEXT_H

#include "data/tokenizer.h"

struct text {
    char *bytes;
    int64_t size;
    int64_t words; /* as text_words() counts */
    int32_t *ids;  /* (count); NULL until they are encoded */
    int64_t count;
};

struct text_sets {
    struct text train, valid, test;
};

/*
 * "tales" is the embedded text (tales.h). Anything else is a directory of train.txt, valid.txt
 * and test.txt, or one that has wikitext-2 in it. limit > 0 keeps of each the lines that end
 * within its first `limit` bytes. On failure *sets is empty. Release with text_sets_free().
 */
lfuse_status text_sets_open(const char *from, int64_t limit, struct text_sets *sets,
                            lfuse_error *err);
void text_sets_free(struct text_sets *sets);

/* Ids of all three. */
lfuse_status text_sets_encode(struct text_sets *sets, struct tokenizer *tokenizer,
                              lfuse_error *err);

#endif
