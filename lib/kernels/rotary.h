/* rotary.h - the driver of rotary positions; as kernels.h says of all of them */
#ifndef LFI_KERNELS_ROTARY_H
#define LFI_KERNELS_ROTARY_H

#include "base/base.h"

/* As lfuse_rotary_args in the contract, every default filled in. */
struct lfi_rotary {
    const float *x;
    float *y; /* may be x */
    int64_t batch;
    int64_t tokens;
    int64_t heads;
    int64_t head_dim;
    int64_t x_stride;
    int64_t y_stride;
    int64_t x_batch_stride;
    int64_t y_batch_stride;
    int64_t position;
    double base;
    bool interleaved;
    bool back; /* by the negative angle */
};

lfuse_status lfi_rotary(const struct lfi_env *env, const struct lfi_rotary *rotary,
                        lfuse_error *err);

#endif
