/*
 * kernels.h - forward and backward of what a network is made of, for callers that have none
 *
 * Every kernel takes raw f32 pointers in one argument struct. Activations are dense NCHW or
 * NHWC as `layout` says, weights always [out, in, kh, kw]. Alignment to 4 bytes is enough.
 * Outputs must not overlap inputs unless the entry says so. A kernel checks its arguments
 * before it writes anything; NaN in gives NaN out. Kernels run over the context's threads, and
 * their results have the same bits for every number of them, but not across instruction sets.
 * Where an executor of the host's refuses a loop, they return LFUSE_ERR_CALLBACK with its
 * answer in detail, and what the outputs hold is then unspecified.
 */
#ifndef LAYERFUSE_KERNELS_H
#define LAYERFUSE_KERNELS_H

#include <layerfuse/activation.h>
#include <layerfuse/attention.h>
#include <layerfuse/batch_norm.h>
#include <layerfuse/conv2d.h>
#include <layerfuse/dropout.h>
#include <layerfuse/elementwise.h>
#include <layerfuse/embedding.h>
#include <layerfuse/gemm.h>
#include <layerfuse/layer_norm.h>
#include <layerfuse/linear.h>
#include <layerfuse/linear_residual.h>
#include <layerfuse/loss.h>
#include <layerfuse/packed.h>
#include <layerfuse/pool2d.h>
#include <layerfuse/rotary.h>
#include <layerfuse/update.h>

#endif
