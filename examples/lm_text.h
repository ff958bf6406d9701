/* lm_text.h - the text of a language model's run, and its tokenizer, as the command line says */
#ifndef EXAMPLES_LM_TEXT_H
#define EXAMPLES_LM_TEXT_H

#include "data/text.h"

struct lm_text {
    const char *from, *tokens_name; /* --data, --tokens */
    const char *file;               /* --tokenizer, or NULL */
    int64_t vocabulary, limit;      /* --vocabulary, --limit */
    struct text_sets sets;
    struct tokenizer *tokenizer;
};

/* Reads, learns or reads the tokenizer, encodes, and says so in a line. */
lfuse_status lm_text_open(lfuse_context *ctx, struct lm_text *text, lfuse_error *err);
void lm_text_close(struct lm_text *text);

/* Rows of a table of arguments; text is a struct lm_text. */
#define LM_TEXT_ARGUMENTS(text)                                                    \
    {"--data",                                                                     \
     "DIR",                                                                        \
     "train.txt, valid.txt and test.txt, or tales: the embedded text",             \
     &(text).from,                                                                 \
     ARGUMENT_TEXT,                                                                \
     0,                                                                            \
     0},                                                                           \
        {"--tokens",                                                               \
         "NAME",                                                                   \
         "bytes, words or pairs of bytes (bytes)",                                 \
         &(text).tokens_name,                                                      \
         ARGUMENT_TEXT,                                                            \
         0,                                                                        \
         0},                                                                       \
        {"--vocabulary",                                                           \
         "N",                                                                      \
         "ids of pairs, at most (8192)",                                           \
         &(text).vocabulary,                                                       \
         ARGUMENT_INTEGER,                                                         \
         256,                                                                      \
         65536},                                                                   \
        {"--tokenizer",                                                            \
         "FILE",                                                                   \
         "keep what words or pairs are learned there, or have it "                 \
         "from there",                                                             \
         &(text).file,                                                             \
         ARGUMENT_TEXT,                                                            \
         0,                                                                        \
         0},                                                                       \
    {                                                                              \
        "--limit", "N", "use the first N bytes of each text (all)", &(text).limit, \
            ARGUMENT_INTEGER, 1, 1e12                                              \
    }

#endif
