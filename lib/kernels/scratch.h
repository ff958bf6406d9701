/*
 * scratch.h - memory for the time of a call: the caller's workspace, or an allocation
 *
 * A driver adds up what it wants and keeps where each part begins; what it adds up is also what
 * the contract's query for the workspace answers.
 */
#ifndef LFI_KERNELS_SCRATCH_H
#define LFI_KERNELS_SCRATCH_H

#include "base/base.h"

struct lfi_scratch {
    char *memory;
    size_t bytes;
    bool own;
};

/* Room for count * size bytes, aligned to LFI_ALIGN, *at behind the beginning; false when the
 * sum does not fit. */
bool lfi_scratch_add(struct lfi_scratch *scratch, size_t count, size_t size, size_t *at);
/* workspace NULL: allocated. LFUSE_ERR_ARGUMENT where it is too small or not aligned. */
lfuse_status lfi_scratch_begin(const struct lfi_env *env, struct lfi_scratch *scratch,
                               void *workspace, size_t workspace_bytes, lfuse_error *err);
void lfi_scratch_end(const struct lfi_env *env, struct lfi_scratch *scratch);

#endif
