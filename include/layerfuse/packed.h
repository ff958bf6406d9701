/*
 * packed.h - weights prepared once for the kernels that read them
 *
 * A kernel reads weights in an order of its own. It puts them into that order in every call,
 * unless it is given a packed weight, which its owner refreshes when the weights have changed:
 * once in a training step, for one matrix that many layers share and both directions read. What
 * a packed weight holds follows from its calls alone; no address is remembered.
 *
 *     lfuse_conv2d_pack(ctx, &args, LFUSE_PACKED_FORWARD, &packed, &err);
 *     args.packed = packed;                                      args.w is not read any more
 *     ... lfuse_conv2d_forward(ctx, &args, &err); ...
 *     lfuse_packed_refresh(packed, w, &err);                     after w was updated
 */
#ifndef LAYERFUSE_PACKED_H
#define LAYERFUSE_PACKED_H

#include <layerfuse/conv2d.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_PACKED_FORWARD = 1, LFUSE_PACKED_BACKWARD_DATA = 2 };

/**
 * lfuse_conv2d_pack() - the weights of a convolution, prepared for one or both directions
 *
 * Shapes:  those of args, of which w alone is read. They serve any convolution whose weights have
 *          this shape and groups, for backward data with these strides and dilations, and whose
 *          algorithm is the same: layers of one network that could share weights do. A convolution
 *          whose algorithm is left to its shape takes that of its packed weights, for batches of
 *          any size; its workspace is that of the larger batch.
 * Owner:   *packed is returned: release with lfuse_packed_destroy(), before ctx. w is borrowed
 *          for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     packed or args.w is NULL, directions is 0 or has unknown bits,
 *                                 or args is refused by lfuse_conv2d_forward()
 *          LFUSE_ERR_SHAPE, LFUSE_ERR_OVERFLOW, LFUSE_ERR_UNSUPPORTED  likewise
 *          LFUSE_ERR_NO_MEMORY    lfuse_packed_bytes() were refused
 *          On failure *packed is NULL.
 * Threads: concurrent calls may share ctx and w. A packed weight is read by any number of calls at
 *          a time, and by none while it is refreshed.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_conv2d_pack(lfuse_context *ctx,
                                         const lfuse_conv2d_args *args,
                                         uint32_t directions, lfuse_packed **packed,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_packed_refresh() - takes the weights anew
 *
 * Shapes:  w as args.w was.
 * Owner:   w is borrowed for the call, and may lie elsewhere than before.
 * Errors:  LFUSE_ERR_ARGUMENT  packed or w is NULL
 *          LFUSE_ERR_CALLBACK  the host's executor refused; what packed holds is unspecified
 * Cost:    Weights are read and written once for each direction; nothing is allocated.
 * Threads: no call may use packed meanwhile.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_packed_refresh(lfuse_packed *packed, const float *w,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/* Bytes that packed holds; 0 for NULL. */
LFUSE_API size_t lfuse_packed_bytes(const lfuse_packed *packed);

LFUSE_API void lfuse_packed_destroy(lfuse_packed *packed);

LFUSE_END_DECLS

#endif
