/* matrix.c - all pairs, shared out among the ranks */
#include "ranks.h"

#include <string.h>

/* A caller built against newer headers may know fields that this adapter does not. */
static lfuse_status import(const lfuse_similarity_options *options,
                           lfuse_similarity_options *out, lfuse_error *err)
{
    const unsigned char *bytes = (const unsigned char *)options;
    size_t i;

    lfuse_similarity_options_init(out, sizeof(*out));
    if (options == NULL)
        return LFUSE_OK;
    for (i = sizeof(*out); i < options->struct_size; i++)
        if (bytes[i] != 0)
            return lfm_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "options hold fields that this version does not know");
    memcpy(out, options,
           options->struct_size < sizeof(*out) ? options->struct_size : sizeof(*out));
    out->struct_size = sizeof(*out);
    return LFUSE_OK;
}

lfuse_status lfm_share_out(lfuse_mpi *mpi, const lfuse_similarity_options *options,
                           lfuse_similarity_options *out, lfuse_error *err)
{
    lfuse_status status = import(options, out, err);

    if (status != LFUSE_OK)
        return status;
    out->rank = mpi->rank;
    out->ranks = mpi->ranks;
    out->gather = mpi->ranks > 1 ? lfm_gather : NULL;
    out->gather_user = mpi;
    return LFUSE_OK;
}

lfuse_status lfuse_mpi_similarity_matrix(lfuse_mpi *mpi, const lfuse_layer *const *layers,
                                         int64_t count,
                                         const lfuse_similarity_options *options,
                                         double *out, lfuse_error *err)
{
    lfuse_similarity_options o;
    lfuse_status status;

    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    status = lfm_share_out(mpi, options, &o, err);
    if (status == LFUSE_OK)
        status = lfuse_similarity_matrix(mpi->ctx, layers, count, &o, out, err);
    return lfm_conclude(mpi, status, err);
}
