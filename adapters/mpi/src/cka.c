/* cka.c - the batches of all ranks in one accumulator */
#include "ranks.h"

#include <stdlib.h>
#include <string.h>

/* The sums of a rank, and of how many batches they are, into into. */
static lfuse_status add(lfuse_mpi *mpi, lfuse_cka *into, const lfuse_cka *from, int rank,
                        double *sums, size_t count, lfuse_error *err)
{
    int64_t batches = lfuse_cka_batches(from);
    lfuse_status status;

    if (rank == mpi->rank)
        memcpy(sums, lfuse_cka_sums(from), count * sizeof(*sums));
    status = lfm_broadcast(mpi, &batches, sizeof(batches), rank, err);
    if (status == LFUSE_OK)
        status = lfm_broadcast(mpi, sums, count * sizeof(*sums), rank, err);
    return status == LFUSE_OK ? lfuse_cka_add_sums(into, sums, batches, err) : status;
}

static lfuse_status check(lfuse_mpi *mpi, const lfuse_cka *into, const lfuse_cka *from,
                          lfuse_error *err)
{
    int64_t mine = lfuse_cka_count(from), first = mine;
    lfuse_status status = LFUSE_OK;

    if (into == NULL || from == NULL || into == from)
        status = lfm_fail(err, LFUSE_ERR_ARGUMENT, "%s",
                          into == NULL   ? "into is NULL"
                          : from == NULL ? "from is NULL"
                                         : "from is into");
    else if (lfuse_cka_count(into) != mine)
        status = lfm_fail(err, LFUSE_ERR_SHAPE, "into is of %lld layers, from of %lld",
                          (long long)lfuse_cka_count(into), (long long)mine);
    status = lfm_conclude(mpi, status, err);
    if (status != LFUSE_OK)
        return status;
    status = lfm_broadcast(mpi, &first, sizeof(first), 0, err);
    if (status == LFUSE_OK && first != mine)
        status = lfm_fail(err, LFUSE_ERR_SHAPE,
                          "from is of %lld layers, that of rank 0 of %lld",
                          (long long)mine, (long long)first);
    return lfm_conclude(mpi, status, err);
}

lfuse_status lfuse_mpi_merge_cka(lfuse_mpi *mpi, lfuse_cka *into, const lfuse_cka *from,
                                 lfuse_error *err)
{
    lfuse_status status;
    double *sums;
    size_t count;
    int rank;

    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    status = check(mpi, into, from, err);
    if (status != LFUSE_OK)
        return status;
    count = (size_t)lfuse_cka_count(from);
    count = count * (count + 1) / 2;
    sums = malloc(count * sizeof(*sums));
    if (sums == NULL)
        status = lfm_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %zu sums", count);
    status = lfm_conclude(mpi, status, err);
    for (rank = 0; rank < mpi->ranks && status == LFUSE_OK; rank++)
        status = lfm_conclude(mpi, add(mpi, into, from, rank, sums, count, err), err);
    free(sums);
    return status;
}
