/* dropout.h - elements set to zero at random, the same ones again for the same numbers */
#ifndef LAYERFUSE_DROPOUT_H
#define LAYERFUSE_DROPOUT_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/*
 * Which elements are dropped depends on seed, stream, probability and the element's index alone:
 * backward with the same numbers drops the same. A network takes one stream for each use and step.
 */
typedef struct lfuse_dropout_args {
    size_t struct_size; /* set by lfuse_dropout_args_init(&a, sizeof(a)) */
    const float *x;     /* (count) */
    const float *dy;    /* as y */
    float *y;           /* (count); may be x itself */
    float *dx;          /* (count); may be dy itself */
    int64_t count;
    double probability; /* of an element to be dropped, in [0, 1) */
    uint64_t seed;
    uint64_t stream;
} lfuse_dropout_args;

/**
 * lfuse_dropout_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_dropout_args_init(lfuse_dropout_args *args, size_t size);

/**
 * lfuse_dropout_forward() - y[i] = x[i] / (1 - probability), or 0 where i is dropped
 * lfuse_dropout_backward() - dx[i] = dy[i] / (1 - probability), or 0 where i is dropped
 *
 * Result:  the same bits for any number of threads and any instruction set. NaN that is dropped
 *          is 0. The probability counts in multiples of 2^-32.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count < 1, or a probability outside [0, 1)
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Srivastava et al. 2014, JMLR 15; Philox 4x32-10 of Salmon et al. 2011, SC '11. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_dropout_forward(lfuse_context *ctx,
                                             const lfuse_dropout_args *args,
                                             lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_dropout_backward(lfuse_context *ctx,
                                              const lfuse_dropout_args *args,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
