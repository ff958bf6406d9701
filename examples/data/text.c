/* text.c - see text.h */
#include "data/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "data/tales.h"
#include "error.h"

static lfuse_status read_file(const char *directory, const char *name, struct text *text,
                              lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char path[4096 + 32];
    struct stat info;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return example_fail_errno(err, path);
    if (fstat(fileno(file), &info) != 0)
        status = example_fail_errno(err, path);
    else if (!S_ISREG(info.st_mode) || info.st_size == 0)
        status = example_fail(err, LFUSE_ERR_FORMAT, "%s is no file with a text", path);
    else if ((text->bytes = malloc((size_t)info.st_size)) == NULL)
        status = example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %s", path);
    else if (fread(text->bytes, 1, (size_t)info.st_size, file) != (size_t)info.st_size)
        status = example_fail(err, LFUSE_ERR_IO, "%s cannot be read", path);
    else
        text->size = info.st_size;
    fclose(file);
    return status;
}

static lfuse_status read_files(const char *directory, struct text_sets *sets,
                               lfuse_error *err)
{
    lfuse_status status;
    char nested[4096];
    struct stat info;

    if (stat(directory, &info) != 0)
        return example_fail_errno(err, directory);
    snprintf(nested, sizeof(nested), "%s/wikitext-2", directory);
    if (stat(nested, &info) == 0)
        directory = nested;
    status = read_file(directory, "train.txt", &sets->train, err);
    if (status == LFUSE_OK)
        status = read_file(directory, "valid.txt", &sets->valid, err);
    if (status == LFUSE_OK)
        status = read_file(directory, "test.txt", &sets->test, err);
    return status;
}

static void keep(struct text *text, int64_t limit)
{
    if (limit > 0 && limit < text->size) {
        text->size = limit;
        while (limit > 0 && text->bytes[limit - 1] != '\n')
            limit--;
        if (limit > 0) /* or one line is longer than that */
            text->size = limit;
    }
    text->words = text_words(text->bytes, text->size);
}

lfuse_status text_sets_open(const char *from, int64_t limit, struct text_sets *sets,
                            lfuse_error *err)
{
    lfuse_status status;

    memset(sets, 0, sizeof(*sets));
    status =
        strcmp(from, "tales") == 0 ? tales_write(sets, err) : read_files(from, sets, err);
    if (status != LFUSE_OK) {
        text_sets_free(sets);
        return status;
    }
    keep(&sets->train, limit);
    keep(&sets->valid, limit);
    keep(&sets->test, limit);
    return LFUSE_OK;
}

static void text_free(struct text *text)
{
    free(text->bytes);
    free(text->ids);
    memset(text, 0, sizeof(*text));
}

void text_sets_free(struct text_sets *sets)
{
    text_free(&sets->train);
    text_free(&sets->valid);
    text_free(&sets->test);
}

static lfuse_status encode(struct text *text, struct tokenizer *tokenizer,
                           lfuse_error *err)
{
    free(text->ids);
    return tokenizer_encode(tokenizer, text->bytes, text->size, &text->ids, &text->count,
                            err);
}

lfuse_status text_sets_encode(struct text_sets *sets, struct tokenizer *tokenizer,
                              lfuse_error *err)
{
    lfuse_status status = encode(&sets->train, tokenizer, err);

    if (status == LFUSE_OK)
        status = encode(&sets->valid, tokenizer, err);
    if (status == LFUSE_OK)
        status = encode(&sets->test, tokenizer, err);
    return status;
}
