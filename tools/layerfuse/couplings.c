/* couplings.c - what has to be put in order together: of a preset, or from a file */
#include "command.h"
#include "network.h"

static int read_file(lfuse_context *ctx, const char *path, const lfuse_error *no_preset,
                     lfuse_couplings **couplings)
{
    lfuse_error err;

    if (lfuse_couplings_read(ctx, path, couplings, &err) == LFUSE_OK)
        return LFC_DONE;
    if (err.status == LFUSE_ERR_IO) /* names the file itself */
        return lfc_fail(LFC_FAILED, "--couplings: %s; and %s", no_preset->message,
                        err.message);
    return lfc_fail(LFC_FAILED, "%s: %s", path, err.message);
}

int lfc_network_couple(lfuse_context *ctx, const struct lfc_network *network,
                       const char *preset_or_file, int64_t heads,
                       lfuse_couplings **couplings)
{
    lfuse_status status;
    lfuse_error err;

    if (lfuse_couplings_create(ctx, couplings, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    status = lfuse_couplings_add_preset(*couplings, preset_or_file,
                                        (const lfuse_layer *const *)network->layers,
                                        network->count, heads, &err);
    if (status == LFUSE_OK)
        return LFC_DONE;
    lfuse_couplings_destroy(*couplings);
    *couplings = NULL;
    if (status == LFUSE_ERR_ARGUMENT) /* it is not the name of a preset */
        return read_file(ctx, preset_or_file, &err, couplings);
    return lfc_fail(LFC_FAILED, "--couplings: %s", err.message);
}
