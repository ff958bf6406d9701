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

enum {
    LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE = 1
}; /* dw is added to; dx is written all the same */

/* A network's last product and its loss in one: logits = x w'. */
typedef struct lfuse_linear_cross_entropy_args {
    size_t struct_size; /* set by lfuse_linear_cross_entropy_args_init(&a, sizeof(a)) */
    const float *x;     /* (rows, width), dense rows */
    const float *w;     /* (vocabulary, width) */
    const int32_t *
        labels; /* (rows), each in [0, vocabulary), or -1: the row does not count, but a NaN in its x does */
    float *dx;  /* as x: gradient of the mean loss; NULL: not wanted; may be x */
    float *dw;  /* as w, likewise */
    int64_t rows;
    int64_t width;
    int64_t vocabulary;
    double *loss;     /* out: mean over the rows that count, in nats; must be given */
    int64_t *correct; /* out: of these, rows whose first greatest logit is the label's; or
                         NULL */
    int64_t *counted; /* out: the rows that count; or NULL */
    uint32_t flags;   /* LFUSE_LINEAR_CROSS_ENTROPY_* or 0 */
    int32_t reserved; /* 0 */
    void *workspace;  /* lfuse_linear_cross_entropy_workspace() bytes, aligned to 64;
                         NULL: allocated */
    size_t workspace_bytes;
} lfuse_linear_cross_entropy_args;

/**
 * lfuse_cross_entropy_args_init(), lfuse_distillation_args_init(),
 * lfuse_linear_cross_entropy_args_init() - clear the bytes the caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_cross_entropy_args_init(lfuse_cross_entropy_args *args, size_t size);
LFUSE_API void lfuse_distillation_args_init(lfuse_distillation_args *args, size_t size);
LFUSE_API void lfuse_linear_cross_entropy_args_init(lfuse_linear_cross_entropy_args *args,
                                                    size_t size);

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

/**
 * lfuse_linear_cross_entropy() - mean of -ln softmax(x w')[label], and the gradients of x and w
 *
 * Rows are taken in chunks, whose logits become their gradients in place and are gone with them:
 * the workspace has 48 MiB of them, or 64 rows where that is more, and never all of many rows.
 * Without dx and dw it is the loss alone, for evaluation.
 *
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a size < 1, an unknown flag, a label outside
 *                                 [-1, vocabulary): says which, or a workspace that is too small
 *                                 or not aligned
 *          LFUSE_ERR_DEGENERATE   no row counts: the mean is 0/0
 *          LFUSE_ERR_OVERFLOW     a size does not fit
 *          LFUSE_ERR_NO_MEMORY    the workspace was refused
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure the outputs are untouched.
 * Numbers: products as lfuse_linear_forward() and its like; exponentials of a row in f32, shifted
 *          by its maximum, their sum in f64; a row with NaN is never correct.
 * Threads: concurrent calls may share ctx and inputs.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_linear_cross_entropy(
    lfuse_context *ctx, const lfuse_linear_cross_entropy_args *args,
    lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_linear_cross_entropy_workspace() - bytes that are enough for the call with these args
 *
 * Pointers of args are not looked at.
 *
 * Errors:  as the call for sizes; LFUSE_ERR_ARGUMENT for a NULL; *bytes is then untouched
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_linear_cross_entropy_workspace(
    lfuse_context *ctx, const lfuse_linear_cross_entropy_args *args, size_t *bytes,
    lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
