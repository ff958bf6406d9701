/* embedding.h - rows of a table by their ids, and learned positions */
#ifndef LAYERFUSE_EMBEDDING_H
#define LAYERFUSE_EMBEDDING_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/*
 * Row i of y is table[ids[i]] + positions[first_position + i % tokens]: rows are sequences of
 * `tokens`, one after the other.
 */
typedef struct lfuse_embedding_args {
    size_t struct_size;     /* set by lfuse_embedding_args_init(&a, sizeof(a)) */
    const int32_t *ids;     /* (rows), each in [0, vocabulary) */
    const float *table;     /* (vocabulary, width) */
    const float *positions; /* (position_count, width), or NULL: none */
    const float *dy;        /* as y */
    float *y;               /* (rows, width) */
    float *dtable;          /* as table: added to; NULL: not wanted */
    float *dpositions;      /* as positions: added to; NULL: not wanted */
    int64_t rows;
    int64_t width;
    int64_t vocabulary;
    int64_t tokens;         /* of a sequence; divides rows; 0 means rows: one sequence */
    int64_t position_count; /* looked at with positions or dpositions only */
    int64_t first_position; /* of each sequence, in [0, position_count - tokens] */
} lfuse_embedding_args;

/**
 * lfuse_embedding_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_embedding_args_init(lfuse_embedding_args *args, size_t size);

/**
 * lfuse_embedding_forward() - y
 * lfuse_embedding_backward() - dtable and dpositions grow by dy's rows
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an id outside [0, vocabulary): says which, or
 *                                 backward with neither output
 *          LFUSE_ERR_SHAPE        tokens does not divide rows, or a sequence is longer than the
 *                                 positions from first_position on
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: rows are added in their order, in f32.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_embedding_forward(lfuse_context *ctx,
                                               const lfuse_embedding_args *args,
                                               lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_embedding_backward(lfuse_context *ctx,
                                                const lfuse_embedding_args *args,
                                                lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
