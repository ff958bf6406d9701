/* rotary.h - positions as rotations of queries and keys */
#ifndef LAYERFUSE_ROTARY_H
#define LAYERFUSE_ROTARY_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_ROTARY_INTERLEAVED =
        1 /* pairs are elements 2i, 2i + 1, not i, i + head_dim / 2 */
};

/*
 * Pair i of every head of the token at position p turns by p * base^(-2i / head_dim) radians;
 * a batch entry's tokens are at position, position + 1, ...
 *
 * Elements of a head, and the heads of a token, lie side by side. Strides count elements; 0 means
 * dense. The queries alone, or the keys alone, of a buffer that holds both are turned in place
 * by its strides.
 */
typedef struct lfuse_rotary_args {
    size_t struct_size; /* set by lfuse_rotary_args_init(&a, sizeof(a)) */
    const float *x;     /* (batch, tokens, heads, head_dim) */
    const float *dy;    /* as y */
    float *y;           /* as x; may be x itself */
    float *dx;          /* as x; may be dy itself */
    int64_t batch;
    int64_t tokens;
    int64_t heads;
    int64_t head_dim; /* even */
    int64_t x_stride; /* from token to token; 0 means heads * head_dim */
    int64_t y_stride; /* likewise */
    int64_t
        x_batch_stride; /* from batch entry to batch entry; 0 means tokens * x_stride */
    int64_t y_batch_stride; /* likewise */
    int64_t position;       /* of the first token, >= 0 */
    double base;            /* > 1; 0 means 10000 */
    uint32_t flags;         /* LFUSE_ROTARY_* or 0 */
    int32_t reserved;       /* 0 */
} lfuse_rotary_args;

/**
 * lfuse_rotary_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_rotary_args_init(lfuse_rotary_args *args, size_t size);

/**
 * lfuse_rotary_forward() - y = x, turned
 * lfuse_rotary_backward() - dx = dy, turned back
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an odd head_dim, a stride less than what it
 *                                 steps over, a negative position, a base that is not finite
 *                                 and > 1, an unknown flag, or an output that overlaps its
 *                                 input without being it
 *          LFUSE_ERR_OVERFLOW     a size or the last position does not fit: positions are below
 *                                 2^31
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: angles, and their sines and cosines, in f64; products in f32. What a token becomes
 *          depends on its position alone, to the bit, and not on where the call began.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Su et al. 2021, arXiv:2104.09864, sec. 3.4. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_rotary_forward(lfuse_context *ctx,
                                            const lfuse_rotary_args *args,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_rotary_backward(lfuse_context *ctx,
                                             const lfuse_rotary_args *args,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
