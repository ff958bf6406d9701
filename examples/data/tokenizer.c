/* tokenizer.c - see tokenizer.h; pairs are learned in tokenizer_pairs.c */
#include "data/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "data/tokenizer_inside.h"
#include "error.h"

enum { VOCABULARY_MOST = 65536 };

static const char end_of_line[] = "<eos>", unknown[] = "<unk>";

const char *tokenizer_name(enum tokenizer_kind kind)
{
    static const char *const names[] = {"bytes", "words", "pairs"};

    return kind >= TOKENIZER_BYTES && kind <= TOKENIZER_PAIRS ? names[kind - 1] : NULL;
}

/* ---- words
 * ---------------------------------------------------------------------------------------- */

/* Bytes of the word at text, none at the end of a line; *skipped are spaces before it. */
static int64_t word_size(const char *text, int64_t size, int64_t *skipped)
{
    int64_t at = 0, end;

    while (at < size && text[at] == ' ')
        at++;
    for (end = at; end < size && text[end] != ' ' && text[end] != '\n';)
        end++;
    *skipped = at;
    return end - at;
}

/* What the next of the words is, "<eos>" at a line's end; *used bytes. NULL at the end of all. */
static const char *next_word(const char *text, int64_t size, int64_t *length,
                             int64_t *used)
{
    int64_t skipped;

    *length = word_size(text, size, &skipped);
    *used = skipped + *length;
    if (*length > 0)
        return text + skipped;
    if (skipped == size)
        return NULL;
    *used += 1;
    *length = (int64_t)sizeof(end_of_line) - 1;
    return end_of_line;
}

int64_t text_words(const char *text, int64_t size)
{
    int64_t at = 0, words = 0, length, used;

    for (; next_word(text + at, size - at, &length, &used) != NULL; at += used)
        words++;
    return words;
}

static lfuse_status learn_words(struct tokenizer *t, const char *text, int64_t size,
                                lfuse_error *err)
{
    int64_t at = 0, length, used, number;
    const char *word;
    lfuse_status status =
        table_add(&t->words, end_of_line, (int64_t)sizeof(end_of_line) - 1, &number, err);

    for (; status == LFUSE_OK &&
           (word = next_word(text + at, size - at, &length, &used)) != NULL;
         at += used)
        status = table_add(&t->words, word, length, &number, err);
    return status;
}

/* ---- from text, or from a file of it
 * ------------------------------------------------------------- */

static lfuse_status check(enum tokenizer_kind kind, int64_t vocabulary, lfuse_error *err)
{
    if (tokenizer_name(kind) == NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "kind is %d, which is unknown",
                            (int)kind);
    if (kind == TOKENIZER_PAIRS && (vocabulary < BYTES || vocabulary > VOCABULARY_MOST))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "a vocabulary of %lld is not in [%d, %d]",
                            (long long)vocabulary, (int)BYTES, (int)VOCABULARY_MOST);
    return LFUSE_OK;
}

static uint64_t hash_of(const char *text, int64_t size, uint64_t h)
{
    int64_t i;

    for (i = 0; i < size; i++)
        h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return h;
}

static lfuse_status create(enum tokenizer_kind kind, const char *text, int64_t size,
                           int64_t vocabulary, struct tokenizer **tokenizer,
                           lfuse_error *err)
{
    lfuse_status status = check(kind, vocabulary, err);

    *tokenizer = NULL;
    if (status != LFUSE_OK)
        return status;
    *tokenizer = calloc(1, sizeof(**tokenizer));
    if (*tokenizer == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a tokenizer");
    (*tokenizer)->kind = kind;
    (*tokenizer)->learned =
        hash_of(text, size, (uint64_t)(kind == TOKENIZER_PAIRS ? vocabulary : 0));
    return LFUSE_OK;
}

static lfuse_status learn(struct tokenizer *t, const char *text, int64_t size,
                          int64_t vocabulary, lfuse_error *err)
{
    switch (t->kind) {
    case TOKENIZER_WORDS: return learn_words(t, text, size, err);
    case TOKENIZER_PAIRS: return tokenizer_learn_pairs(t, text, size, vocabulary, err);
    default: return LFUSE_OK;
    }
}

static lfuse_status finish(lfuse_status status, struct tokenizer **tokenizer)
{
    if (status != LFUSE_OK) {
        tokenizer_destroy(*tokenizer);
        *tokenizer = NULL;
    }
    return status;
}

lfuse_status tokenizer_create(enum tokenizer_kind kind, const char *text, int64_t size,
                              int64_t vocabulary, struct tokenizer **tokenizer,
                              lfuse_error *err)
{
    lfuse_status status = create(kind, text, size, vocabulary, tokenizer, err);

    if (status == LFUSE_OK)
        status = learn(*tokenizer, text, size, vocabulary, err);
    return finish(status, tokenizer);
}

lfuse_status tokenizer_open(lfuse_context *ctx, const char *path,
                            enum tokenizer_kind kind, const char *text, int64_t size,
                            int64_t vocabulary, struct tokenizer **tokenizer,
                            lfuse_error *err)
{
    const int is_kept = path != NULL && kind != TOKENIZER_BYTES;
    lfuse_status status = create(kind, text, size, vocabulary, tokenizer, err);

    if (status != LFUSE_OK)
        return status;
    if (is_kept && access(path, F_OK) == 0)
        return finish(tokenizer_load(ctx, *tokenizer, path, err), tokenizer);
    status = learn(*tokenizer, text, size, vocabulary, err);
    if (status == LFUSE_OK && is_kept)
        status = tokenizer_save(ctx, *tokenizer, path, err);
    return finish(status, tokenizer);
}

void tokenizer_destroy(struct tokenizer *t)
{
    if (t == NULL)
        return;
    table_free(&t->words);
    table_free(&t->pairs);
    table_free(&t->seen);
    free(t->ids);
    free(t);
}

int64_t tokenizer_vocabulary(const struct tokenizer *t)
{
    return t->kind == TOKENIZER_WORDS ? t->words.count : BYTES + t->pairs.count;
}

/* ---- there, and back
 * ------------------------------------------------------------------------------ */

static lfuse_status encode_words(const struct tokenizer *t, const char *text,
                                 int64_t size, int32_t *ids, int64_t *count,
                                 lfuse_error *err)
{
    const int64_t other = table_find(&t->words, unknown, (int64_t)sizeof(unknown) - 1);
    int64_t at = 0, length, used, line = 1;
    const char *word;

    *count = 0;
    for (; (word = next_word(text + at, size - at, &length, &used)) != NULL; at += used) {
        int64_t id = table_find(&t->words, word, length);

        id = id < 0 ? other : id;
        if (id < 0)
            return example_fail(
                err, LFUSE_ERR_NAME,
                "line %lld: '%.*s' is no word of the vocabulary, which has "
                "no %s",
                (long long)line, (int)(length < 40 ? length : 40), word, unknown);
        ids[(*count)++] = (int32_t)id;
        line += word == end_of_line;
    }
    return LFUSE_OK;
}

static lfuse_status encode_pairs(struct tokenizer *t, const char *text, int64_t size,
                                 int32_t *ids, int64_t *count, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t at, used, n;
    const int32_t *piece;

    *count = 0;
    for (at = 0; at < size && status == LFUSE_OK; at += used) {
        used = tokenizer_piece_size(text + at, size - at);
        status = tokenizer_encode_piece(t, text + at, used, &piece, &n, err);
        if (status != LFUSE_OK)
            break;
        memcpy(ids + *count, piece, (size_t)n * sizeof(*ids));
        *count += n;
    }
    return status;
}

lfuse_status tokenizer_encode(struct tokenizer *t, const char *text, int64_t size,
                              int32_t **ids, int64_t *count, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    *ids = malloc((size_t)(size + 1) * sizeof(**ids)); /* no id without a byte */
    *count = size;
    if (*ids == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld ids",
                            (long long)size);
    if (t->kind == TOKENIZER_WORDS)
        status = encode_words(t, text, size, *ids, count, err);
    else if (t->kind == TOKENIZER_PAIRS)
        status = encode_pairs(t, text, size, *ids, count, err);
    else
        while (size-- > 0)
            (*ids)[size] = (unsigned char)text[size];
    if (status != LFUSE_OK) {
        free(*ids);
        *ids = NULL;
    }
    return status;
}

/* Bytes that an id stands for, with the space before a word. */
static int64_t bytes_of(const struct tokenizer *t, int32_t id)
{
    if (t->kind == TOKENIZER_WORDS)
        return id == 0 ? 1 : 1 + t->words.entries[id].size;
    return id < BYTES ? 1 : t->pairs.entries[id - BYTES].value;
}

/* Writes them; where they end. */
static char *spell(const struct tokenizer *t, int32_t id, char *to)
{
    int32_t pair[2];

    if (t->kind == TOKENIZER_WORDS && id > 0) {
        *to++ = ' ';
        memcpy(to, table_key(&t->words, id), (size_t)t->words.entries[id].size);
        return to + t->words.entries[id].size;
    }
    if (id < BYTES) {
        *to++ = t->kind == TOKENIZER_WORDS ? '\n' : (char)(unsigned char)id;
        return to;
    }
    memcpy(pair, table_key(&t->pairs, id - BYTES), sizeof(pair));
    return spell(t, pair[1], spell(t, pair[0], to));
}

lfuse_status tokenizer_decode(const struct tokenizer *t, const int32_t *ids,
                              int64_t count, char **text, int64_t *size, lfuse_error *err)
{
    int64_t i, n = 0;
    char *to;

    for (i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= tokenizer_vocabulary(t))
            return example_fail(err, LFUSE_ERR_ARGUMENT,
                                "id %lld is %d, not in [0, %lld)", (long long)i, ids[i],
                                (long long)tokenizer_vocabulary(t));
        n += bytes_of(t, ids[i]);
    }
    to = *text = malloc((size_t)(n + 1));
    if (*text == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a text");
    for (i = 0; i < count; i++)
        to = spell(t, ids[i], to);
    *to = '\0';
    *size = n;
    return LFUSE_OK;
}
