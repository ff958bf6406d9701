/* test_text.c - texts of the examples: what tokenizers make of them, their files */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/tales.h"
#include "data/text.h"

struct fixture {
    lfuse_context *ctx;
    struct tokenizer *tokenizer;
    lfuse_error err;
    char path[64];
};

#define ok(f, call)                                      \
    do {                                                 \
        if ((call) != LFUSE_OK)                          \
            fail_msg("%s: %s", #call, (f)->err.message); \
    } while (0)

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || lfuse_context_create(NULL, &f->ctx, &f->err) != LFUSE_OK)
        return -1;
    snprintf(f->path, sizeof(f->path), "/tmp/layerfuse-text-%d.safetensors",
             (int)getpid());
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    tokenizer_destroy(f->tokenizer);
    lfuse_context_destroy(f->ctx);
    free(f);
    return 0;
}

static void learn(struct fixture *f, enum tokenizer_kind kind, const char *text,
                  int64_t vocabulary)
{
    tokenizer_destroy(f->tokenizer);
    ok(f, tokenizer_create(kind, text, (int64_t)strlen(text), vocabulary, &f->tokenizer,
                           &f->err));
}

static void check_ids(struct fixture *f, const char *text, const int32_t *expected,
                      int64_t count)
{
    int32_t *ids;
    int64_t got;

    ok(f,
       tokenizer_encode(f->tokenizer, text, (int64_t)strlen(text), &ids, &got, &f->err));
    assert_int_equal(got, count);
    assert_memory_equal(ids, expected, (size_t)count * sizeof(*ids));
    free(ids);
}

/* Encoded and decoded it is what it was. */
static void check_back(struct fixture *f, const char *text, int64_t size)
{
    int64_t count, length;
    int32_t *ids;
    char *back;

    ok(f, tokenizer_encode(f->tokenizer, text, size, &ids, &count, &f->err));
    ok(f, tokenizer_decode(f->tokenizer, ids, count, &back, &length, &f->err));
    assert_int_equal(length, size);
    assert_memory_equal(back, text, (size_t)size);
    free(back);
    free(ids);
}

/* ---- kinds ---------------------------------------------------------------------------------------- */

static void words_are_numbered_as_they_come(void **state)
{
    static const int32_t expected[] = {3, 0, 1, 2, 0, 0, 3};
    struct fixture *f = *state;

    learn(f, TOKENIZER_WORDS, " the cat \n <unk> the\n", 0);
    assert_int_equal(tokenizer_vocabulary(f->tokenizer), 4);
    check_ids(f, " dog \n the cat\n\n<unk>", expected, 7);
    learn(f, TOKENIZER_WORDS, " the cat \n", 0);
    check_back(f, " the cat\n cat\n", 14);
}

static void a_word_without_an_id_is_named(void **state)
{
    struct fixture *f = *state;
    int32_t *ids = NULL;
    int64_t count;

    learn(f, TOKENIZER_WORDS, "the cat\n", 0);
    assert_int_equal(
        tokenizer_encode(f->tokenizer, "the\ncat dog", 11, &ids, &count, &f->err),
        LFUSE_ERR_NAME);
    assert_null(ids);
    assert_string_equal(f->err.message,
                        "line 2: 'dog' is no word of the vocabulary, which has no <unk>");
}

/*
 * "low low low lower newest newest": pairs by how often they come, the first ones first: lo 4; lo+w 4;
 * then, each 3 times, " "+low before what comes later.
 */
static void pairs_are_joined_by_how_often_they_come(void **state)
{
    static const int32_t expected[] = {258, 'e', 'r', 257};
    struct fixture *f = *state;

    learn(f, TOKENIZER_PAIRS, "low low low lower newest newest", 259);
    assert_int_equal(tokenizer_vocabulary(f->tokenizer), 259);
    check_ids(f, " lowerlow", expected, 4);
    learn(f, TOKENIZER_PAIRS, "abab", 300); /* ab; then no pair comes twice */
    assert_int_equal(tokenizer_vocabulary(f->tokenizer), 257);
}

static void bytes_and_pairs_hold_any_text(void **state)
{
    char any[1024], spaces[200];
    struct fixture *f = *state;
    int i;

    for (i = 0; i < (int)sizeof(any); i++)
        any[i] = (char)(i * 7 + i / 256);
    memset(spaces, 'x', sizeof(spaces)); /* longer than a piece */
    learn(f, TOKENIZER_BYTES, "", 0);
    check_back(f, any, sizeof(any));
    learn(f, TOKENIZER_PAIRS, "the cat sat on the mat, the rat sat on the cat\n\n", 280);
    check_back(f, any, sizeof(any));
    check_back(f, spaces, sizeof(spaces));
    check_back(f, "the  cat\n \nsat ", 15);
}

static void ids_and_vocabularies_out_of_range_are_refused(void **state)
{
    static const int32_t wrong[] = {7, 256};
    struct fixture *f = *state;
    struct tokenizer *none;
    int64_t size;
    char *text;

    learn(f, TOKENIZER_BYTES, "", 0);
    assert_int_equal(tokenizer_decode(f->tokenizer, wrong, 2, &text, &size, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message, "id 1 is 256, not in [0, 256)");
    assert_int_equal(tokenizer_create(TOKENIZER_PAIRS, "a", 1, 255, &none, &f->err),
                     LFUSE_ERR_ARGUMENT);
    assert_null(none);
    assert_string_equal(f->err.message, "a vocabulary of 255 is not in [256, 65536]");
}

/* ---- files ---------------------------------------------------------------------------------------- */

static void open_kept(struct fixture *f, enum tokenizer_kind kind, const char *text)
{
    tokenizer_destroy(f->tokenizer);
    ok(f, tokenizer_open(f->ctx, f->path, kind, text, (int64_t)strlen(text), 260,
                         &f->tokenizer, &f->err));
}

static void a_file_brings_the_tokenizer_back(void **state)
{
    static const char text[] = "the cat sat on the mat, the rat sat on the cat\n";
    struct fixture *f = *state;
    int32_t *before, *after;
    int64_t count, again;
    int kind;

    for (kind = TOKENIZER_BYTES; kind <= TOKENIZER_PAIRS; kind++) {
        unlink(f->path);
        open_kept(f, kind, text);
        assert_int_equal(access(f->path, F_OK), kind == TOKENIZER_BYTES ? -1 : 0);
        ok(f, tokenizer_encode(f->tokenizer, text, sizeof(text) - 1, &before, &count,
                               &f->err));
        open_kept(f, kind, text);
        ok(f, tokenizer_encode(f->tokenizer, text, sizeof(text) - 1, &after, &again,
                               &f->err));
        assert_int_equal(again, count);
        assert_memory_equal(after, before, (size_t)count * sizeof(*after));
        free(after);
        free(before);
    }
}

static void a_file_of_another_text_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tokenizer *other;

    open_kept(f, TOKENIZER_PAIRS, "the cat and the cat");
    assert_int_equal(tokenizer_open(f->ctx, f->path, TOKENIZER_PAIRS, "a dog", 5, 260,
                                    &other, &f->err),
                     LFUSE_ERR_NAME);
    assert_null(other);
    assert_non_null(strstr(f->err.message, "is of another text, kind or vocabulary"));
    assert_int_equal(tokenizer_open(f->ctx, f->path, TOKENIZER_PAIRS,
                                    "the cat and the cat", 19, 261, &other, &f->err),
                     LFUSE_ERR_NAME);
}

/* The same file, but for one number of what was learned. */
static void spoil(struct fixture *f, int64_t index, float value)
{
    const char *metadata[2] = {"tokenizer", NULL};
    lfuse_checkpoint_save_options options;
    lfuse_checkpoint_entry entry = {"learned", NULL, NULL};
    lfuse_tensor_desc desc;
    const lfuse_tensor *from;
    lfuse_checkpoint *file;
    lfuse_tensor *copy;
    int64_t count;

    ok(f, lfuse_checkpoint_open(f->ctx, f->path, NULL, &file, &f->err));
    from = lfuse_checkpoint_tensor(file, 0);
    count = lfuse_tensor_elements(from);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = 1;
    desc.dims = &count;
    ok(f, lfuse_tensor_create(f->ctx, &desc, &copy, &f->err));
    ok(f, lfuse_tensor_copy(copy, from, &f->err));
    ((float *)lfuse_tensor_data(copy))[index] = value;
    entry.tensor = copy;
    metadata[1] = lfuse_checkpoint_metadata(file, "tokenizer");
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 1;
    ok(f, lfuse_checkpoint_save(f->ctx, f->path, &entry, 1, &options, &f->err));
    lfuse_tensor_destroy(copy);
    lfuse_checkpoint_close(file);
}

static void check_spoiled(struct fixture *f, enum tokenizer_kind kind, int64_t index,
                          float value, const char *expected)
{
    static const char text[] = "ab ab ab ab";
    struct tokenizer *other;

    unlink(f->path);
    open_kept(f, kind, text);
    spoil(f, index, value);
    assert_int_equal(tokenizer_open(f->ctx, f->path, kind, text, sizeof(text) - 1, 260,
                                    &other, &f->err),
                     LFUSE_ERR_FORMAT);
    assert_null(other);
    assert_string_equal(f->err.message, expected);
}

/* Of "ab ab ab ab" pairs are ab and " "+ab; words <eos> and ab. */
static void a_spoiled_file_is_refused(void **state)
{
    struct fixture *f = *state;

    check_spoiled(f, TOKENIZER_PAIRS, 0, 256.0f,
                  "pair 0 has the id 256, which there is not yet");
    check_spoiled(f, TOKENIZER_PAIRS, 1, 0.5f,
                  "pair 0 has the id -1, which there is not yet");
    check_spoiled(f, TOKENIZER_WORDS, 8, 'c', "the last word has no end");
}

/* ---- texts ---------------------------------------------------------------------------------------- */

static void tales_are_the_same_every_time_and_not_shared(void **state)
{
    struct fixture *f = *state;
    struct text_sets a, b;
    char line[1024] = "";

    ok(f, text_sets_open("tales", 0, &a, &f->err));
    ok(f, text_sets_open("tales", 2000, &b, &f->err));
    assert_true(b.train.size <= 2000 && b.train.bytes[b.train.size - 1] == '\n');
    assert_memory_equal(a.train.bytes, b.train.bytes, (size_t)b.train.size);
    assert_true(b.test.words > 0 && b.test.words < a.test.words);
    assert_true(sscanf(a.test.bytes, "%1023[^\n]", line) == 1 && strlen(line) > 200);
    a.train.bytes[a.train.size - 1] = '\0';
    assert_null(strstr(a.train.bytes, line));
    text_sets_free(&b);
    text_sets_free(&a);
}

static void a_directory_without_texts_is_named(void **state)
{
    struct fixture *f = *state;
    struct text_sets sets;

    assert_int_equal(text_sets_open("/nowhere", 0, &sets, &f->err), LFUSE_ERR_IO);
    assert_non_null(strstr(f->err.message, "/nowhere"));
    assert_int_equal(text_sets_open("/usr", 0, &sets, &f->err), LFUSE_ERR_IO);
    assert_non_null(strstr(f->err.message, "/usr/train.txt"));
    assert_null(sets.train.bytes);
}

/* Counts that the data set is published with. */
static void wikitext_has_the_words_that_it_is_known_for(void **state)
{
    struct fixture *f = *state;
    struct text_sets sets;

    if (access(TEXT_DATA "/wikitext-2/train.txt", R_OK) != 0) {
        print_message("skipped: " TEXT_DATA "/wikitext-2 is not there\n");
        skip();
    }
    ok(f, text_sets_open(TEXT_DATA, 0, &sets, &f->err));
    assert_int_equal(sets.train.words, 2088628);
    assert_int_equal(sets.valid.words, 217646);
    assert_int_equal(sets.test.words, 245569);
    ok(f, tokenizer_create(TOKENIZER_WORDS, sets.train.bytes, sets.train.size, 0,
                           &f->tokenizer, &f->err));
    assert_int_equal(tokenizer_vocabulary(f->tokenizer), 33278);
    ok(f, text_sets_encode(&sets, f->tokenizer, &f->err));
    assert_int_equal(sets.test.count, 245569);
    text_sets_free(&sets);
}

#define each(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(words_are_numbered_as_they_come),
        each(a_word_without_an_id_is_named),
        each(pairs_are_joined_by_how_often_they_come),
        each(bytes_and_pairs_hold_any_text),
        each(ids_and_vocabularies_out_of_range_are_refused),
        each(a_file_brings_the_tokenizer_back),
        each(a_file_of_another_text_is_refused),
        each(a_spoiled_file_is_refused),
        each(tales_are_the_same_every_time_and_not_shared),
        each(a_directory_without_texts_is_named),
        each(wikitext_has_the_words_that_it_is_known_for),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
