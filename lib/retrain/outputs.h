/* outputs.h - mean and spread of a layer's channels, and what matches them */
#ifndef LFI_RETRAIN_OUTPUTS_H
#define LFI_RETRAIN_OUTPUTS_H

#include "base/base.h"

struct lfi_outputs {
    int64_t channels;
    int64_t samples; /* of each channel */
    double *means;   /* (channels) */
    double *squares; /* (channels): sums of squared distances from the mean */
};

lfuse_status lfi_outputs_create(const struct lfi_env *env, int64_t channels,
                                struct lfi_outputs *outputs, lfuse_error *err);
void lfi_outputs_destroy(const struct lfi_env *env, struct lfi_outputs *outputs);

/* batch has the channels along axis. */
lfuse_status lfi_outputs_accumulate(const struct lfi_env *env,
                                    struct lfi_outputs *outputs,
                                    const struct lfi_view *batch, int32_t axis,
                                    lfuse_error *err);
/* more has as many channels. */
lfuse_status lfi_outputs_add(struct lfi_outputs *outputs, const struct lfi_outputs *more,
                             lfuse_error *err);
/* constant may be NULL; both have samples of as many channels. */
lfuse_status lfi_outputs_match(const struct lfi_outputs *fused,
                               const struct lfi_outputs *original, double *scale,
                               double *shift, int64_t *constant, lfuse_error *err);

#endif
