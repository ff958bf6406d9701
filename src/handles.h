/*
 * handles.h - what the opaque handles of the contract are made of
 *
 * The shell's only header. Handles wrap what lib/ works on; nothing in lib/ includes this.
 */
#ifndef LFI_HANDLES_H
#define LFI_HANDLES_H

#include <layerfuse/layerfuse.h>

#include "base/base.h"
#include "checkpoint/checkpoint.h"
#include "fusion/fusion.h"

struct lfuse_context {
    struct lfi_env env;
    struct lfi_pool *pool; /* or NULL */
};

struct lfuse_tensor {
    lfuse_context *ctx;
    struct lfi_array array;
};

struct lfuse_layer {
    lfuse_context *ctx;
    struct lfi_layer layer;
    lfuse_parameter
        *given; /* parameter_count of them: the handles behind layer.parameters */
    int32_t capacity;
};

struct lfuse_checkpoint {
    lfuse_context *ctx;
    struct lfi_checkpoint file;
    lfuse_tensor
        *tensors; /* of file.arrays, and as many; without references of their own */
};

#endif
