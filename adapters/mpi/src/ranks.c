/* ranks.c - the handle, agreements, and how data travels */
#include "ranks.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 28 }; /* bytes of one message: MPI counts in int */

lfuse_status lfm_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
{
    va_list arguments;

    if (err == NULL)
        return status;
    err->status = status;
    err->detail = 0;
    va_start(arguments, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return status;
}

static lfuse_status fail_broken(const lfuse_mpi *mpi, lfuse_error *err)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length;

    (void)MPI_Error_string(mpi->broken, text, &length);
    (void)lfm_fail(err, LFUSE_ERR_IO, "MPI: %.200s", text);
    if (err != NULL)
        err->detail = mpi->broken;
    return LFUSE_ERR_IO;
}

lfuse_status lfm_check(lfuse_mpi *mpi, int answer, lfuse_error *err)
{
    if (answer == MPI_SUCCESS)
        return LFUSE_OK;
    (void)MPI_Error_class(answer, &mpi->broken);
    return fail_broken(mpi, err);
}

/* ---- the handle ------------------------------------------------------------------------------ */

lfuse_status lfuse_mpi_create(lfuse_context *ctx, MPI_Comm comm, lfuse_mpi **mpi,
                              lfuse_error *err)
{
    int begun = 0, ended = 0;
    lfuse_status status;
    lfuse_mpi *m;

    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    *mpi = NULL;
    if (ctx == NULL || comm == MPI_COMM_NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        ctx == NULL ? "ctx" : "comm");
    (void)MPI_Initialized(&begun);
    (void)MPI_Finalized(&ended);
    if (!begun || ended)
        return lfm_fail(err, LFUSE_ERR_STATE, "MPI is %s",
                        ended ? "finalised" : "not initialised");
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return lfm_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for the ranks");
    m->ctx = ctx;
    m->comm = MPI_COMM_NULL;
    status = lfm_check(m, MPI_Comm_dup(comm, &m->comm), err);
    if (status == LFUSE_OK)
        status = lfm_check(m, MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN), err);
    if (status == LFUSE_OK)
        status = lfm_check(m, MPI_Comm_rank(m->comm, &m->rank), err);
    if (status == LFUSE_OK)
        status = lfm_check(m, MPI_Comm_size(m->comm, &m->ranks), err);
    if (status == LFUSE_OK) {
        m->counts = calloc(2 * (size_t)m->ranks, sizeof(*m->counts));
        if (m->counts == NULL)
            status =
                lfm_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %d ranks", m->ranks);
    }
    if (status == LFUSE_OK)
        *mpi = m;
    else
        lfuse_mpi_destroy(m);
    return status;
}

void lfuse_mpi_destroy(lfuse_mpi *mpi)
{
    if (mpi == NULL)
        return;
    if (mpi->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&mpi->comm);
    free(mpi->counts);
    free(mpi);
}

/* ---- agreements ------------------------------------------------------------------------------ */

int lfm_agree(lfuse_mpi *mpi, int well)
{
    int all = 0, mine = well != 0;

    if (mpi->broken != 0)
        return 0;
    if (lfm_check(mpi, MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, mpi->comm),
                  NULL) != LFUSE_OK)
        return 0;
    mpi->parted = !all;
    mpi->failed = !mine;
    return all;
}

/* The failure of the first rank that has one of its own, on all. */
static lfuse_status share_failure(lfuse_mpi *mpi, int is_own, lfuse_error *err)
{
    int mine = is_own ? mpi->rank : mpi->ranks, first = 0;
    lfuse_error failure = *err;
    lfuse_status status =
        lfm_check(mpi, MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, mpi->comm), err);

    if (status == LFUSE_OK)
        status = lfm_broadcast(mpi, &failure, sizeof(failure), first, err);
    if (status != LFUSE_OK)
        return status;
    (void)lfm_fail(err, failure.status, "rank %d: %.230s", first, failure.message);
    err->detail = failure.detail;
    return failure.status;
}

lfuse_status lfm_conclude(lfuse_mpi *mpi, lfuse_status status, lfuse_error *err)
{
    lfuse_error local = {0};

    if (err == NULL)
        err = &local;
    err->status = status;
    if (mpi->broken == 0 && !mpi->parted && lfm_agree(mpi, status == LFUSE_OK))
        return LFUSE_OK;
    if (mpi->broken != 0)
        return fail_broken(mpi, err);
    mpi->parted = 0;
    return share_failure(mpi, mpi->failed, err);
}

/* ---- data -------------------------------------------------------------------------------------- */

lfuse_status lfm_broadcast(lfuse_mpi *mpi, void *data, size_t bytes, int from,
                           lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    size_t at, n;

    for (at = 0; at < bytes && status == LFUSE_OK; at += n) {
        n = bytes - at < PIECE ? bytes - at : PIECE;
        status = lfm_check(
            mpi, MPI_Bcast((char *)data + at, (int)n, MPI_BYTE, from, mpi->comm), err);
    }
    return status;
}

/* All parts in one exchange, where MPI can count them. */
static lfuse_status exchange(lfuse_mpi *mpi, char *data, const size_t *first)
{
    int *counts = mpi->counts, *places = counts + mpi->ranks, r;

    for (r = 0; r < mpi->ranks; r++) {
        counts[r] = (int)(first[r + 1] - first[r]);
        places[r] = (int)first[r];
    }
    return lfm_check(mpi,
                     MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, counts,
                                    places, MPI_BYTE, mpi->comm),
                     NULL);
}

int32_t lfm_gather(void *user, void *data, const size_t *first)
{
    lfuse_mpi *mpi = user;
    lfuse_status status = LFUSE_OK;
    int r;

    if (!lfm_agree(mpi, data != NULL))
        return 1;
    if (first[mpi->ranks] <= INT_MAX)
        return exchange(mpi, data, first) != LFUSE_OK;
    for (r = 0; r < mpi->ranks && status == LFUSE_OK; r++)
        status =
            lfm_broadcast(mpi, (char *)data + first[r], first[r + 1] - first[r], r, NULL);
    return status != LFUSE_OK;
}

uint64_t lfm_hash(const char *bytes, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < size; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}
