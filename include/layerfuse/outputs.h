/*
 * outputs.h - how far a layer's outputs spread, and what puts those of a fused network right
 *
 * Averaged weights give outputs that spread less than those of the layers they are made of, and
 * in a deep network less with every layer. Where batch norms follow, re-estimating their statistics
 * puts that right (repair of retrainer.h). Where none do, each channel of a layer gets a scale and
 * a shift that give its outputs the mean and the variance that they had before:
 *
 *     for each layer, from the network's input on {      // the network before fusing
 *         lfuse_outputs_create(ctx, channels, &before[l], &err);
 *         for each batch: lfuse_outputs_accumulate(before[l], outputs of layer l, axis, &err);
 *     }
 *     fuse;
 *     for each layer, from the network's input on {
 *         lfuse_outputs_create(ctx, channels, &after, &err);
 *         for each batch: lfuse_outputs_accumulate(after, outputs of layer l, axis, &err);
 *         lfuse_outputs_match(after, before[l], scale, shift, NULL, &err);
 *         from here on layer l puts out scale * y + shift
 *     }
 *
 * In this order, because what a layer receives is put right before it is looked at itself. Outputs
 * are those before the nonlinearity. Tied weights cannot be scaled for one of their positions
 * alone, so scale and shift belong to the position: as a parameter of its own, or, with the
 * layer's bias b folded in, as scale * (W x) + (scale * b + shift), which is the epilogue of
 * lfuse_conv2d_forward().
 *
 * An accumulator is confined to one thread. Those of threads, processes and machines can be merged.
 */
#ifndef LAYERFUSE_OUTPUTS_H
#define LAYERFUSE_OUTPUTS_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/**
 * lfuse_outputs_create() - an accumulator for the channels of one layer, without any output
 *
 * Owner:   *outputs is returned: release with lfuse_outputs_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT   ctx or outputs is NULL, or channels < 1
 *          LFUSE_ERR_NO_MEMORY  some 16 * channels bytes were refused
 *          LFUSE_ERR_OVERFLOW   they do not fit
 *          On failure *outputs is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_outputs_create(lfuse_context *ctx, int64_t channels,
                                            lfuse_outputs **outputs,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_outputs_destroy() - releases the accumulator
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_outputs_destroy(lfuse_outputs *outputs);

/**
 * lfuse_outputs_accumulate() - adds a batch
 *
 * Shapes:  batch is what the layer put out, of any rank, dtype and strides; its axis `axis` counts
 *          the channels (1 of NCHW, 3 of NHWC, 1 of a linear layer's rows), and all others
 *          count the samples of each.
 * Owner:   batch is borrowed for the call, of any context.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, or batch has no such axis
 *          LFUSE_ERR_SHAPE       batch has another number of channels
 *          LFUSE_ERR_NOT_FINITE  NaN or infinity: says where; or a sum beyond f64
 *          LFUSE_ERR_OVERFLOW    the number of samples does not fit
 *          LFUSE_ERR_NO_MEMORY   the scratch was refused
 *          LFUSE_ERR_CALLBACK    the context's executor refused
 *          On failure nothing was added.
 * Cost:    a read of batch, over the context's threads; 16 * channels bytes of scratch.
 * Numbers: f64, of distances from the mean; a channel whose samples are all equal has a
 *          variance of exactly 0. The result does not depend on the number of threads.
 * Threads: confined.
 * Source:  Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
 *          sample variances". Since 0.1.
 */
LFUSE_API lfuse_status lfuse_outputs_accumulate(lfuse_outputs *outputs,
                                                const lfuse_tensor *batch, int32_t axis,
                                                lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_outputs_merge() - adds the samples of another accumulator, which stays as it is
 *
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, or from is into
 *          LFUSE_ERR_SHAPE       the numbers of channels differ
 *          LFUSE_ERR_NOT_FINITE  a sum beyond f64
 *          LFUSE_ERR_OVERFLOW    the number of samples does not fit
 *          On failure nothing was added.
 * Threads: both are confined; nobody else may be using either.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_outputs_merge(lfuse_outputs *into, const lfuse_outputs *from,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_outputs_samples() - how many samples of each channel there were; 0 for NULL
 * lfuse_outputs_means() - (channels) the mean of each; 0 before the first sample
 * lfuse_outputs_squares() - (channels) of each the sum of squared distances from its mean: samples
 *                           times the variance
 *
 * Result:  NULL for NULL.
 * Owner:   borrowed until the accumulator changes or is destroyed.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_outputs_samples(const lfuse_outputs *outputs);
LFUSE_API const double *lfuse_outputs_means(const lfuse_outputs *outputs);
LFUSE_API const double *lfuse_outputs_squares(const lfuse_outputs *outputs);

/**
 * lfuse_outputs_add() - adds samples that another accumulator told of, here or elsewhere
 *
 * Shapes:  means and squares are (channels), as the calls above have them, of `samples` samples.
 * Owner:   they are borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, samples < 0, or a square < 0
 *          LFUSE_ERR_NOT_FINITE  NaN or infinity among them, or a sum beyond f64
 *          LFUSE_ERR_OVERFLOW    the number of samples does not fit
 *          On failure nothing was added.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_outputs_add(lfuse_outputs *outputs, int64_t samples,
                                         const double *means, const double *squares,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_outputs_match() - what gives `fused` outputs the means and variances of the original ones
 *
 *     scale = (variance of original / variance of fused)^1/2
 *     shift = mean of original - scale * mean of fused
 *
 * Shapes:  scale and shift are (channels). constant is one number, or NULL.
 * Result:  scale * y + shift has the moments of the original over the samples of fused. Nothing can
 *          make a channel spread that is constant when fused: its scale is 1, its mean alone is
 *          matched, and *constant counts it where it was not constant before. Another that was
 *          constant before has a scale of 0.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL
 *          LFUSE_ERR_SHAPE       the numbers of channels differ
 *          LFUSE_ERR_STATE       no sample yet, of which
 *          LFUSE_ERR_NOT_FINITE  a scale or a shift beyond f64: says of which channel
 *          On failure scale, shift and *constant are untouched.
 * Threads: confined.
 * Source:  Jordan et al. 2022, "REPAIR", arXiv:2211.08403, whose originals are two networks, and
 *          here are the positions of one. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_outputs_match(const lfuse_outputs *fused,
                                           const lfuse_outputs *original, double *scale,
                                           double *shift, int64_t *constant,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
