/* loss.h - what a network is trained to make small */
#ifndef LAYERFUSE_LOSS_H
#define LAYERFUSE_LOSS_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_cross_entropy_args {
    size_t struct_size;    /* set by lfuse_cross_entropy_args_init(&a, sizeof(a)) */
    const float *logits;   /* (batch, classes), dense rows */
    const int32_t *labels; /* (batch), each in [0, classes) */
    float *dlogits; /* (batch, classes): gradient of the mean loss; NULL: not wanted;
                              may be logits itself */
    int64_t batch;
    int64_t classes;
    double *loss;     /* out: mean over the batch, in nats; must be given */
    int64_t *correct; /* out: rows whose first greatest logit is the label's; or NULL */
} lfuse_cross_entropy_args;

/**
 * lfuse_cross_entropy_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_cross_entropy_args_init(lfuse_cross_entropy_args *args, size_t size);

/**
 * lfuse_softmax_cross_entropy() - mean of -ln softmax(logits)[label], and its gradient
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, or a label outside [0, classes): says which
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: each row in f64, shifted by its maximum; a row with NaN is never correct.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_softmax_cross_entropy(lfuse_context *ctx,
                                                   const lfuse_cross_entropy_args *args,
                                                   lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
