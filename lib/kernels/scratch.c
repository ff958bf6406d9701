/* scratch.c - memory for the time of a call: the caller's workspace, or an allocation */
#include "kernels/scratch.h"

bool lfi_scratch_add(struct lfi_scratch *scratch, size_t count, size_t size, size_t *at)
{
    size_t bytes;

    if (!lfi_mul_size(count, size, &bytes) || !lfi_add_size(bytes, LFI_ALIGN - 1, &bytes))
        return false;
    *at = scratch->bytes;
    return lfi_add_size(scratch->bytes, bytes / LFI_ALIGN * LFI_ALIGN, &scratch->bytes);
}

lfuse_status lfi_scratch_begin(const struct lfi_env *env, struct lfi_scratch *scratch,
                               void *workspace, size_t workspace_bytes, lfuse_error *err)
{
    scratch->memory = workspace;
    scratch->own = workspace == NULL;
    if (workspace == NULL)
        return lfi_alloc(env, scratch->bytes, 1, "the workspace", &scratch->memory, err);
    if ((uintptr_t)workspace % LFI_ALIGN != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.workspace is not aligned to %d",
                        LFI_ALIGN);
    if (workspace_bytes < scratch->bytes)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.workspace has %zu bytes of %zu",
                        workspace_bytes, scratch->bytes);
    return LFUSE_OK;
}

void lfi_scratch_end(const struct lfi_env *env, struct lfi_scratch *scratch)
{
    if (scratch->own)
        lfi_free(env, scratch->memory, scratch->bytes, 1);
}
