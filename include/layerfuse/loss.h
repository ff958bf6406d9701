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

/*
 * With q = softmax(logits), q_T = softmax(logits / T), p_T = softmax(teacher / T) and the target
 * t = (1 - smoothing) [j = label] + smoothing / classes, of each row:
 * loss = (1 - weight) sum_j -t_j ln q_j + weight T^2 sum_j p_T_j ln(p_T_j / q_T_j).
 */
typedef struct lfuse_distillation_args {
    size_t struct_size;    /* set by lfuse_distillation_args_init(&a, sizeof(a)) */
    const float *logits;   /* (batch, classes), dense rows */
    const float *teacher;  /* (batch, classes): its logits; may be NULL without weight */
    const int32_t *labels; /* (batch), each in [0, classes) */
    float *dlogits; /* (batch, classes): gradient of the mean loss; NULL: not wanted;
                              may be logits or teacher itself */
    int64_t batch;
    int64_t classes;
    double temperature; /* T > 0; 0 means 4 */
    double
        weight; /* of the teacher, in (0, 1]; 0 means 0.9, negative none: labels alone */
    double smoothing; /* of the labels, in [0, 1) */
    double *loss;     /* out: mean over the batch, in nats; must be given */
    int64_t *correct; /* out: rows whose first greatest logit is the label's; or NULL */
} lfuse_distillation_args;

/**
 * lfuse_cross_entropy_args_init(), lfuse_distillation_args_init() - clear the bytes the caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_cross_entropy_args_init(lfuse_cross_entropy_args *args, size_t size);
LFUSE_API void lfuse_distillation_args_init(lfuse_distillation_args *args, size_t size);

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

/**
 * lfuse_softmax_distillation() - labels and a teacher's answers, weighed, and the gradient
 *
 * Result:  T^2 keeps the teacher's part of the gradient as large as the labels' whatever T is.
 *          With a negative weight and no smoothing it is lfuse_softmax_cross_entropy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, a temperature, weight or smoothing that is
 *                                 out of range or not finite, or a label outside [0, classes):
 *                                 says which
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: each row in f64, shifted by its maximum; a row with NaN is never correct.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Hinton et al. 2015, arXiv:1503.02531, sec. 2; smoothing: Szegedy et al. 2016,
 *          arXiv:1512.00567, sec. 7. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_softmax_distillation(lfuse_context *ctx,
                                                  const lfuse_distillation_args *args,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
