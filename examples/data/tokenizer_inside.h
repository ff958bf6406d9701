/* tokenizer_inside.h - what tokenizer*.c share, and nobody else sees */
#ifndef EXAMPLES_TOKENIZER_INSIDE_H
#define EXAMPLES_TOKENIZER_INSIDE_H

#include "data/table.h"
#include "data/tokenizer.h"

enum { BYTES = 256, PIECE_MOST = 64 /* bytes: what is longer is cut for pairs */ };

struct tokenizer {
    enum tokenizer_kind kind;
    uint64_t learned;   /* hash of what it was learned from, and how */
    struct table words; /* number: the id */
    struct table
        pairs;         /* of two int32 ids; number: the id less BYTES; value: its bytes */
    struct table seen; /* pieces that were encoded; value: where their ids begin */
    int32_t *ids;      /* of each piece: how many, and these */
    int64_t ids_count, ids_room;
};

/* Bytes of the piece that (size > 0) bytes of text begin with. */
int64_t tokenizer_piece_size(const char *text, int64_t size);

/* Puts id in the place of each such pair among (count) ids; how many are left. */
int64_t tokenizer_join(int32_t *ids, int64_t count, const int32_t pair[2], int32_t id);

/* The next id: the pair's. LFUSE_ERR_FORMAT: it has one, or there is no such id, or it is too
 * long. */
lfuse_status tokenizer_add_pair(struct tokenizer *t, const int32_t pair[2],
                                lfuse_error *err);
/* tokenizer_pairs.c: pairs for up to `vocabulary` ids. */
lfuse_status tokenizer_learn_pairs(struct tokenizer *t, const char *text, int64_t size,
                                   int64_t vocabulary, lfuse_error *err);
/* The ids of a piece, at most PIECE_MOST; *count of them. */
lfuse_status tokenizer_encode_piece(struct tokenizer *t, const char *piece, int64_t size,
                                    const int32_t **ids, int64_t *count,
                                    lfuse_error *err);

/* tokenizer_file.c; load: into one that has its kind and `learned`, and nothing else. */
lfuse_status tokenizer_save(lfuse_context *ctx, const struct tokenizer *t,
                            const char *path, lfuse_error *err);
lfuse_status tokenizer_load(lfuse_context *ctx, struct tokenizer *t, const char *path,
                            lfuse_error *err);

#endif
