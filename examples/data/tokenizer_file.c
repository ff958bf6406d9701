/*
 * tokenizer_file.c - what a tokenizer has learned, as a safetensors file
 *
 * "pairs" is (pairs, 2) ids, "words" the bytes of all words, each with a line end behind it: both
 * as f32, which holds such numbers exactly, for the file is written whole and checked by the
 * library then. Metadata say the kind, and a hash of what it was learned from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer_inside.h"
#include "error.h"

static void describe(const struct tokenizer *t, char text[64])
{
    snprintf(text, 64, "%s of %016" PRIx64, tokenizer_name(t->kind), t->learned);
}

static int64_t numbers_of(const struct tokenizer *t)
{
    return t->kind == TOKENIZER_WORDS   ? t->words.keys_size + t->words.count
           : t->kind == TOKENIZER_PAIRS ? 2 * t->pairs.count
                                        : 0;
}

static void put(const struct tokenizer *t, float *to)
{
    int64_t i, k;
    int32_t pair[2];

    for (i = 0; i < t->words.count; i++) {
        for (k = 0; k < t->words.entries[i].size; k++)
            *to++ = (unsigned char)table_key(&t->words, i)[k];
        *to++ = '\n';
    }
    for (i = 0; i < t->pairs.count; i++) {
        memcpy(pair, table_key(&t->pairs, i), sizeof(pair));
        *to++ = (float)pair[0];
        *to++ = (float)pair[1];
    }
}

lfuse_status tokenizer_save(lfuse_context *ctx, const struct tokenizer *t,
                            const char *path, lfuse_error *err)
{
    const int64_t count = numbers_of(t) > 0 ? numbers_of(t) : 1;
    const char *metadata[2] = {"tokenizer", NULL};
    lfuse_checkpoint_save_options options;
    lfuse_checkpoint_entry entry = {"learned", NULL, NULL};
    lfuse_tensor_desc desc;
    lfuse_tensor *tensor;
    lfuse_status status;
    char text[64];

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = 1;
    desc.dims = &count;
    status = lfuse_tensor_create(ctx, &desc, &tensor, err);
    if (status != LFUSE_OK)
        return status;
    put(t, lfuse_tensor_data(tensor));
    describe(t, text);
    metadata[1] = text;
    entry.tensor = tensor;
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 1;
    status = lfuse_checkpoint_save(ctx, path, &entry, 1, &options, err);
    lfuse_tensor_destroy(tensor);
    return status;
}

/* ---- back
 * ---------------------------------------------------------------------------------------- */

/* -1: no whole number in [0, below). */
static int32_t whole(float value, int32_t below)
{
    return value >= 0.0f && value < (float)below && value == (float)(int32_t)value
               ? (int32_t)value
               : -1;
}

static lfuse_status take_pairs(struct tokenizer *t, const float *from, int64_t count,
                               lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i + 1 < count && status == LFUSE_OK; i += 2) {
        const int32_t pair[2] = {whole(from[i], 1 << 24), whole(from[i + 1], 1 << 24)};

        status = tokenizer_add_pair(t, pair, err);
    }
    return status;
}

static lfuse_status take_words(struct tokenizer *t, const float *from, int64_t count,
                               lfuse_error *err)
{
    char *bytes = malloc((size_t)count);
    lfuse_status status = LFUSE_OK;
    int64_t i, begin = 0, number;

    if (bytes == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for words");
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        bytes[i] = (char)(unsigned char)whole(from[i], BYTES);
        if (bytes[i] != '\n')
            continue;
        status = table_add(&t->words, bytes + begin, i - begin, &number, err);
        begin = i + 1;
    }
    free(bytes);
    if (status == LFUSE_OK && (begin != count || t->words.count == 0))
        status = example_fail(err, LFUSE_ERR_FORMAT, "the last word has no end");
    return status;
}

static lfuse_status take(struct tokenizer *t, const lfuse_checkpoint *file,
                         const char *path, lfuse_error *err)
{
    const char *whose = lfuse_checkpoint_metadata(file, "tokenizer");
    const lfuse_tensor *tensor =
        lfuse_checkpoint_tensor(file, lfuse_checkpoint_find(file, "learned"));
    char text[64];

    describe(t, text);
    if (whose == NULL || strcmp(whose, text) != 0)
        return example_fail(
            err, LFUSE_ERR_NAME,
            "%s is of another text, kind or vocabulary: '%.40s', not '%s'", path,
            whose != NULL ? whose : "no tokenizer", text);
    if (tensor == NULL || lfuse_tensor_dtype(tensor) != LFUSE_F32)
        return example_fail(err, LFUSE_ERR_FORMAT, "%s holds no f32 tensor 'learned'",
                            path);
    return t->kind == TOKENIZER_PAIRS
               ? take_pairs(t, lfuse_tensor_data((lfuse_tensor *)tensor),
                            lfuse_tensor_elements(tensor), err)
               : take_words(t, lfuse_tensor_data((lfuse_tensor *)tensor),
                            lfuse_tensor_elements(tensor), err);
}

lfuse_status tokenizer_load(lfuse_context *ctx, struct tokenizer *t, const char *path,
                            lfuse_error *err)
{
    lfuse_checkpoint *file;
    lfuse_status status = lfuse_checkpoint_open(ctx, path, NULL, &file, err);

    if (status != LFUSE_OK)
        return status;
    status = take(t, file, path, err);
    lfuse_checkpoint_close(file);
    return status;
}
