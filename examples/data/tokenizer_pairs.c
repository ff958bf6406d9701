/*
 * tokenizer_pairs.c - byte-pair encoding: learning pairs, and putting them in place
 *
 * Learning works on the different pieces of the text, each with how often it comes. How often
 * pairs come is kept up to date: joining one changes that of its neighbours alone. Of WikiText-2
 * there are 40,000 pieces of 250,000 bytes: looking through all of them for each of 8,000 pairs
 * takes half a minute, once.
 */
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer_inside.h"
#include "error.h"

struct learner {
    struct table pieces; /* value: how often */
    struct table pairs;  /* value: how often */
    int32_t *ids;        /* of pieces: that at its place in pieces.keys, `left` of them */
    int64_t *left;
};

int64_t tokenizer_piece_size(const char *text, int64_t size)
{
    int64_t n = text[0] == ' ' ? 1 : 0;

    if (text[0] == '\n')
        return 1;
    while (n < size && n < PIECE_MOST && text[n] != ' ' && text[n] != '\n')
        n++;
    return n;
}

int64_t tokenizer_join(int32_t *ids, int64_t count, const int32_t pair[2], int32_t id)
{
    int64_t from, to = 0;

    for (from = 0; from < count; to++)
        if (from + 1 < count && ids[from] == pair[0] && ids[from + 1] == pair[1]) {
            ids[to] = id;
            from += 2;
        } else {
            ids[to] = ids[from++];
        }
    return to;
}

static int has_pair(const int32_t *ids, int64_t count, const int32_t pair[2])
{
    int64_t i;

    for (i = 0; i + 1 < count; i++)
        if (ids[i] == pair[0] && ids[i + 1] == pair[1])
            return 1;
    return 0;
}

/* Adds the pairs of a piece `times` times; less than 0 takes them away. */
static lfuse_status count_pairs(struct learner *l, int64_t piece, int64_t times,
                                lfuse_error *err)
{
    const int32_t *ids = l->ids + l->pieces.entries[piece].at;
    lfuse_status status = LFUSE_OK;
    int64_t i, number;

    for (i = 0; i + 1 < l->left[piece] && status == LFUSE_OK; i++) {
        status = table_add(&l->pairs, ids + i, 2 * sizeof(*ids), &number, err);
        if (status == LFUSE_OK)
            l->pairs.entries[number].value += times;
    }
    return status;
}

static lfuse_status count_pieces(struct learner *l, const char *text, int64_t size,
                                 lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t at, n, number, i;

    for (at = 0; at < size && status == LFUSE_OK; at += n) {
        n = tokenizer_piece_size(text + at, size - at);
        status = table_add(&l->pieces, text + at, n, &number, err);
        if (status == LFUSE_OK)
            l->pieces.entries[number].value++;
    }
    if (status != LFUSE_OK || l->pieces.count == 0)
        return status;
    l->ids = malloc((size_t)l->pieces.keys_size * sizeof(*l->ids));
    l->left = malloc((size_t)l->pieces.count * sizeof(*l->left));
    if (l->ids == NULL || l->left == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for pairs of bytes");
    for (i = 0; i < l->pieces.keys_size; i++)
        l->ids[i] = (unsigned char)l->pieces.keys[i];
    for (i = 0; i < l->pieces.count && status == LFUSE_OK; i++) {
        l->left[i] = l->pieces.entries[i].size;
        status = count_pairs(l, i, l->pieces.entries[i].value, err);
    }
    return status;
}

/* The most frequent pair, or -1 where none comes twice. */
static int64_t best_pair(const struct learner *l)
{
    int64_t best = -1, most = 1, i;

    for (i = 0; i < l->pairs.count; i++)
        if (l->pairs.entries[i].value > most) {
            most = l->pairs.entries[i].value;
            best = i;
        }
    return best;
}

static lfuse_status join_everywhere(struct learner *l, const int32_t pair[2], int32_t id,
                                    lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < l->pieces.count && status == LFUSE_OK; i++) {
        int32_t *ids = l->ids + l->pieces.entries[i].at;
        const int64_t times = l->pieces.entries[i].value;

        if (!has_pair(ids, l->left[i], pair))
            continue;
        status = count_pairs(l, i, -times, err);
        l->left[i] = tokenizer_join(ids, l->left[i], pair, id);
        if (status == LFUSE_OK)
            status = count_pairs(l, i, times, err);
    }
    return status;
}

static int64_t bytes_of(const struct tokenizer *t, int32_t id)
{
    return id < BYTES ? 1 : t->pairs.entries[id - BYTES].value;
}

lfuse_status tokenizer_add_pair(struct tokenizer *t, const int32_t pair[2],
                                lfuse_error *err)
{
    const int64_t known = t->pairs.count;
    lfuse_status status;
    int64_t number, k;

    for (k = 0; k < 2; k++)
        if (pair[k] < 0 || pair[k] >= BYTES + known)
            return example_fail(err, LFUSE_ERR_FORMAT,
                                "pair %lld has the id %d, which there is not yet",
                                (long long)known, (int)pair[k]);
    if (bytes_of(t, pair[0]) + bytes_of(t, pair[1]) > PIECE_MOST)
        return example_fail(err, LFUSE_ERR_FORMAT, "pair %lld has more than %d bytes",
                            (long long)known, (int)PIECE_MOST);
    status = table_add(&t->pairs, pair, 2 * sizeof(*pair), &number, err);
    if (status != LFUSE_OK)
        return status;
    if (number != known)
        return example_fail(err, LFUSE_ERR_FORMAT, "pair %lld is pair %lld again",
                            (long long)known, (long long)number);
    t->pairs.entries[number].value = bytes_of(t, pair[0]) + bytes_of(t, pair[1]);
    return LFUSE_OK;
}

lfuse_status tokenizer_learn_pairs(struct tokenizer *t, const char *text, int64_t size,
                                   int64_t vocabulary, lfuse_error *err)
{
    struct learner l = {0};
    lfuse_status status = count_pieces(&l, text, size, err);
    int64_t best;
    int32_t pair[2];

    while (status == LFUSE_OK && BYTES + t->pairs.count < vocabulary &&
           (best = best_pair(&l)) >= 0) {
        memcpy(pair, table_key(&l.pairs, best), sizeof(pair));
        status = tokenizer_add_pair(t, pair, err);
        if (status == LFUSE_OK)
            status =
                join_everywhere(&l, pair, (int32_t)(BYTES + t->pairs.count - 1), err);
    }
    free(l.left);
    free(l.ids);
    table_free(&l.pairs);
    table_free(&l.pieces);
    return status;
}

/* ---- encoding
 * ---------------------------------------------------------------------------------- */

/* The pair among these ids that was learned first, or -1. */
static int64_t first_pair(const struct tokenizer *t, const int32_t *ids, int64_t count)
{
    int64_t first = -1, i;

    for (i = 0; i + 1 < count; i++) {
        const int64_t number = table_find(&t->pairs, ids + i, 2 * sizeof(*ids));

        if (number >= 0 && (first < 0 || number < first))
            first = number;
    }
    return first;
}

static lfuse_status keep_ids(struct tokenizer *t, const int32_t *ids, int64_t count,
                             lfuse_error *err)
{
    if (t->ids_count + count + 1 > t->ids_room) {
        const int64_t room = 2 * t->ids_room + 1024;
        int32_t *larger = realloc(t->ids, (size_t)room * sizeof(*larger));

        if (larger == NULL)
            return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for ids");
        t->ids = larger;
        t->ids_room = room;
    }
    t->ids[t->ids_count++] = (int32_t)count;
    memcpy(t->ids + t->ids_count, ids, (size_t)count * sizeof(*ids));
    t->ids_count += count;
    return LFUSE_OK;
}

static lfuse_status encode_new(struct tokenizer *t, const char *piece, int64_t size,
                               lfuse_error *err)
{
    int64_t count = size, number, i;
    int32_t ids[PIECE_MOST], pair[2];

    for (i = 0; i < size; i++)
        ids[i] = (unsigned char)piece[i];
    while ((number = first_pair(t, ids, count)) >= 0) {
        memcpy(pair, table_key(&t->pairs, number), sizeof(pair));
        count = tokenizer_join(ids, count, pair, (int32_t)(BYTES + number));
    }
    return keep_ids(t, ids, count, err);
}

lfuse_status tokenizer_encode_piece(struct tokenizer *t, const char *piece, int64_t size,
                                    const int32_t **ids, int64_t *count, lfuse_error *err)
{
    const int64_t known = t->seen.count, at = t->ids_count;
    lfuse_status status;
    int64_t number;

    status = table_add(&t->seen, piece, size, &number, err);
    if (status == LFUSE_OK && number == known) {
        t->seen.entries[number].value = at;
        status = encode_new(t, piece, size, err);
    }
    if (status != LFUSE_OK)
        return status;
    *count = t->ids[t->seen.entries[number].value];
    *ids = t->ids + t->seen.entries[number].value + 1;
    return LFUSE_OK;
}
