/* update.h - what an optimiser does to one parameter, or to all of them */
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

typedef struct lfuse_adamw_args {
    size_t struct_size;    /* set by lfuse_adamw_args_init(&a, sizeof(a)) */
    float *value;          /* (count): updated */
    const float *gradient; /* (count) */
    float *first;          /* (count): m, updated; zeros at first */
    float *second;         /* (count): v, likewise; never negative */
    int64_t count;
    int64_t step;         /* which step this is, from 1 */
    double learning_rate; /* >= 0; this and the next four within f32 */
    double beta1;         /* in [0, 1); 0 means 0.9 */
    double beta2;         /* in [0, 1); 0 means 0.999 */
    double epsilon;       /* >= 0; 0 means 1e-8 */
    double weight_decay;  /* >= 0, times the learning rate, off the value */
    uint32_t flags;       /* 0 */
    int32_t reserved;     /* 0 */
} lfuse_adamw_args;

/**
 * lfuse_adamw_args_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_adamw_args_init(lfuse_adamw_args *args, size_t size);

/**
 * lfuse_adamw() - one step of Adam with decoupled weight decay, as PyTorch's AdamW
 *
 *     value *= 1 - learning_rate * weight_decay
 *     m = beta1 * m + (1 - beta1) * gradient
 *     v = beta2 * v + (1 - beta2) * gradient^2
 *     value -= learning_rate / (1 - beta1^step) * m / (sqrt(v / (1 - beta2^step)) + epsilon)
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count or step < 1, a number out of range or not finite,
 *                                 an unknown flag
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure nothing has changed.
 * Threads: over the context's threads; concurrent calls may share ctx and gradient.
 * Source:  Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, in PyTorch's form (the rate
 *          multiplies the decay, epsilon is added after the correction). Since 0.1.
 */
LFUSE_API lfuse_status lfuse_adamw(lfuse_context *ctx, const lfuse_adamw_args *args,
                                   lfuse_error *err) LFUSE_MUST_CHECK;

/* Element i of every array is parameter i's; no two parameters may overlap. */
typedef struct lfuse_sgd_all_args {
    size_t struct_size; /* set by lfuse_sgd_all_args_init(&a, sizeof(a)) */
    float *const *values;
    const float *const *gradients;
    float *const *velocities; /* or NULL with momentum 0; what they hold as in one step */
    const int64_t *counts;    /* elements of each */
    int64_t parameters;
    double learning_rate; /* these three as in lfuse_sgd_args */
    double momentum;
    double weight_decay;
    double max_norm;  /* gradients are scaled down to this norm; 0 means as they are */
    double *norm;     /* out: the gradients' norm before that; NULL: not wanted */
    uint32_t flags;   /* LFUSE_SGD_* or 0 */
    int32_t reserved; /* 0 */
} lfuse_sgd_all_args;

typedef struct lfuse_adamw_all_args {
    size_t struct_size; /* set by lfuse_adamw_all_args_init(&a, sizeof(a)) */
    float *const *values;
    const float *const *gradients;
    float *const *firsts;
    float *const *seconds;
    const int64_t *counts; /* elements of each */
    int64_t parameters;
    int64_t step; /* this and the next five as in lfuse_adamw_args */
    double learning_rate;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    double max_norm;  /* gradients are scaled down to this norm; 0 means as they are */
    double *norm;     /* out: the gradients' norm before that; NULL: not wanted */
    uint32_t flags;   /* 0 */
    int32_t reserved; /* 0 */
} lfuse_adamw_all_args;

/**
 * lfuse_sgd_all_args_init() - clears the bytes the caller has
 * lfuse_adamw_all_args_init() - likewise
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_sgd_all_args_init(lfuse_sgd_all_args *args, size_t size);
LFUSE_API void lfuse_adamw_all_args_init(lfuse_adamw_all_args *args, size_t size);

/**
 * lfuse_sgd_all() - lfuse_sgd() of every parameter, in one pass over all of them
 * lfuse_adamw_all() - lfuse_adamw() of every parameter, likewise
 *
 * With max_norm every gradient counts as gradient * min(1, max_norm / (norm + 1e-6)), norm being
 * that of all gradients together; the gradients themselves stay. Without max_norm and norm
 * the bits are those of one call per parameter.
 *
 * Errors:  LFUSE_ERR_ARGUMENT     as for one parameter, parameters < 1, or max_norm out of range
 *          LFUSE_ERR_OVERFLOW     the counts' sum does not fit
 *          LFUSE_ERR_NOT_FINITE   max_norm is given, and the norm is NaN or infinite
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure nothing has changed.
 * Threads: over the context's threads; concurrent calls may share ctx and gradients.
 * Source:  Pascanu et al. 2013, arXiv:1211.5063, sec. 3.2, in PyTorch's form, for max_norm.
 *          Since 0.1.
 */
LFUSE_API lfuse_status lfuse_sgd_all(lfuse_context *ctx, const lfuse_sgd_all_args *args,
                                     lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_adamw_all(lfuse_context *ctx,
                                       const lfuse_adamw_all_args *args,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_gradient_norm() - the 2-norm of all gradients as one vector
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or a number < 1
 *          LFUSE_ERR_OVERFLOW  the counts' sum does not fit
 *          On failure *norm is untouched.
 * Numbers: squares and their sums are f64, so that none overflows; NaN where a gradient is.
 * Threads: over the context's threads; concurrent calls may share ctx and gradients.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_gradient_norm(lfuse_context *ctx,
                                           const float *const *gradients,
                                           const int64_t *counts, int64_t parameters,
                                           double *norm,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
