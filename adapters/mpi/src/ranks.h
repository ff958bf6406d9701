/*
 * ranks.h - what the files of the adapter share: ranks that agree, and data that they exchange
 *
 * Every collective begins with an agreement, in which each rank says whether it has succeeded so far.
 * So a rank that fails, wherever that is, takes part in one more, the others learn of it there, and all
 * go on to lfm_conclude() together.
 */
#ifndef LFM_RANKS_H
#define LFM_RANKS_H

#include <layerfuse/mpi.h>

struct lfuse_mpi {
    lfuse_context *ctx;
    MPI_Comm comm;
    int rank;
    int ranks;
    int *counts; /* (2 ranks): for one exchange */
    int parted; /* an agreement has failed: nothing but lfm_conclude() may follow */
    int failed; /* it has by this rank */
    int broken; /* the error class of MPI's own failure, after which nothing may */
};

lfuse_status lfm_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* MPI's answer: LFUSE_OK, or LFUSE_ERR_IO. */
lfuse_status lfm_check(lfuse_mpi *mpi, int answer, lfuse_error *err);

/* Whether all ranks are well; else, or where MPI fails, this returns 0. */
int lfm_agree(lfuse_mpi *mpi, int well);
/* Ends a call: LFUSE_OK when status is on all ranks, else on all of them the failure of the first. */
lfuse_status lfm_conclude(lfuse_mpi *mpi, lfuse_status status, lfuse_error *err);

/* bytes of data go from a rank to all others. */
lfuse_status lfm_broadcast(lfuse_mpi *mpi, void *data, size_t bytes, int from,
                           lfuse_error *err);
/* An lfuse_gather over the ranks; user is the lfuse_mpi. */
int32_t lfm_gather(void *user, void *data, const size_t *first);
/* Options, or NULL, with the ranks in them. */
lfuse_status lfm_share_out(lfuse_mpi *mpi, const lfuse_similarity_options *options,
                           lfuse_similarity_options *out, lfuse_error *err);
/* FNV-1a, 64 bits. */
uint64_t lfm_hash(const char *bytes, size_t size);
/* The plan's JSON, with its NUL; release with free(). NULL on failure. */
lfuse_status lfm_plan_text(const lfuse_plan *plan, char **text, size_t *size,
                           lfuse_error *err);

#endif
