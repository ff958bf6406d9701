/*
 * tokenizer.h - text to numbers and back: by bytes, by words, or by pairs of bytes
 *
 * bytes  256 ids, the bytes. Nothing to learn, nothing unknown.
 * words  what stands between spaces, numbered in the order they first come; id 0 is <eos>, the
 * end
 *        of a line. A word that the text to learn from did not have is its <unk>, if it had that.
 * pairs  byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909, sec. 3.2, on bytes): ids
 * below
 *        256 are bytes; each later one stands for two earlier ones, the pair that was then the
 *        most frequent; of pairs as frequent, that which was there first. Pairs lie within a
 *        piece: a word with the space before it, or a space or line end alone.
 *
 * Perplexities per token depend on the tokens, per word they compare: text_words() counts.
 */
#ifndef EXAMPLES_TOKENIZER_H
#define EXAMPLES_TOKENIZER_H

#include <layerfuse/layerfuse.h>

enum tokenizer_kind { TOKENIZER_BYTES = 1, TOKENIZER_WORDS, TOKENIZER_PAIRS };

/* "bytes", "words", "pairs"; NULL of no kind. */
const char *tokenizer_name(enum tokenizer_kind kind);

struct tokenizer;

/*
 * Learns from (size) bytes of text. vocabulary is of pairs: ids at most, in [256, 65536]; fewer
 * where no pair comes twice. Release with tokenizer_destroy(); NULL does nothing.
 */
lfuse_status tokenizer_create(enum tokenizer_kind kind, const char *text, int64_t size,
                              int64_t vocabulary, struct tokenizer **tokenizer,
                              lfuse_error *err);
void tokenizer_destroy(struct tokenizer *tokenizer);

/*
 * The same, out of the file at path if it is there; it must have been learned from the same text
 * in the same way. Else it is written, whole or not at all. NULL: no file.
 */
lfuse_status tokenizer_open(lfuse_context *ctx, const char *path,
                            enum tokenizer_kind kind, const char *text, int64_t size,
                            int64_t vocabulary, struct tokenizer **tokenizer,
                            lfuse_error *err);

int64_t tokenizer_vocabulary(const struct tokenizer *tokenizer);

/* *ids gets *count ids: free() them. LFUSE_ERR_NAME: a word that has none, and its line. */
lfuse_status tokenizer_encode(struct tokenizer *tokenizer, const char *text, int64_t size,
                              int32_t **ids, int64_t *count, lfuse_error *err);

/* *text gets the (*size) bytes of count ids: free() it. Words are parted by spaces. */
lfuse_status tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids,
                              int64_t count, char **text, int64_t *size,
                              lfuse_error *err);

/* Words between spaces and line ends, an end of line counted as one: as WikiText is counted. */
int64_t text_words(const char *text, int64_t size);

#endif
