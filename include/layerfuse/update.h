/* update.h - what an optimiser does to one parameter */
#ifndef LAYERFUSE_UPDATE_H
#define LAYERFUSE_UPDATE_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_SGD_NESTEROV = 1 };

typedef struct lfuse_sgd_args {
    size_t struct_size;    /* set by lfuse_sgd_args_init(&a, sizeof(a)) */
    float *value;          /* (count): updated */
    const float *gradient; /* (count) */
    float *velocity; /* (count): updated; zeros at first; may be NULL with momentum 0 */
    int64_t count;
    double learning_rate; /* >= 0; this and the next two within f32 */
    double momentum;      /* in [0, 1) */
    double weight_decay;  /* >= 0, added to the gradient times the value */
    uint32_t flags;       /* LFUSE_SGD_* or 0 */
    int32_t reserved;     /* 0 */
} lfuse_sgd_args;

/**
 * lfuse_sgd_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_sgd_args_init(lfuse_sgd_args *args, size_t size);

/**
 * lfuse_sgd() - one step of stochastic gradient descent, as PyTorch's SGD without dampening
 *
 *     g = gradient + weight_decay * value
 *     v = momentum * v + g
 *     value -= learning_rate * (nesterov ? g + momentum * v : v)
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count < 1, a number out of range or not finite, momentum
 *                                 without velocity, Nesterov without momentum, an unknown flag
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure nothing has changed.
 * Threads: over the context's threads; concurrent calls may share ctx and gradient.
 * Source:  Sutskever et al. 2013, "On the importance of initialization and momentum", in
 *          PyTorch's form. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_sgd(lfuse_context *ctx, const lfuse_sgd_args *args,
                                 lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
