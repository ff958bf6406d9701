/*
 * mpi.h - layer fusion on many ranks: pairs shared out, one plan for all, tied gradients reduced once
 *
 * In a library of its own, liblayerfuse-mpi, so that nobody else links MPI. Every call here is collective:
 * all ranks of the communicator make it, in the same order. Where one fails, all return its status, and
 * a message that begins with its rank: nobody waits for ever for one that has given up. A rank that dies is
 * MPI's to notice, which ends the job.
 *
 *     lfuse_mpi_create(ctx, MPI_COMM_WORLD, &mpi, &err);
 *     lfuse_mpi_plan_build(mpi, layers, count, &options, &plan, &err);   // the same plan on all ranks
 *     lfuse_ties_apply(ties, plan, &err);                                // and the same ties
 *     for each step {
 *         forward(); backward();                                         // of this rank's examples
 *         lfuse_retrainer_combine_gradients(r, &err);                    // one gradient per group
 *         lfuse_mpi_reduce_gradients(mpi, r, &bytes, &err);              // which is all that travels
 *         update();
 *     }
 *
 * An lfuse_mpi is confined to one thread, which must be allowed to call MPI.
 */
#ifndef LAYERFUSE_MPI_H
#define LAYERFUSE_MPI_H

#include <layerfuse/layerfuse.h>

#include <mpi.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_mpi lfuse_mpi;

/**
 * lfuse_mpi_create() - ranks that fuse together
 *
 * Owner:   comm is duplicated, ctx borrowed until the object is destroyed. *mpi is returned: release
 *          with lfuse_mpi_destroy(), before MPI_Finalize().
 * Errors:  LFUSE_ERR_ARGUMENT   NULL
 *          LFUSE_ERR_STATE      MPI is not initialised, or finalised
 *          LFUSE_ERR_NO_MEMORY  memory was refused
 *          LFUSE_ERR_IO         MPI failed: detail is its error class
 *          On failure *mpi is NULL.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_mpi_create(lfuse_context *ctx, MPI_Comm comm,
                                        lfuse_mpi **mpi,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_mpi_destroy() - ends it; collective
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_mpi_destroy(lfuse_mpi *mpi);

/**
 * lfuse_mpi_similarity_matrix() - lfuse_similarity_matrix(), its work shared out among the ranks
 *
 * Result:  the same on all ranks, with the bits that one rank alone would get.
 * Owner:   as there; rank, ranks, gather of options are ignored.
 * Errors:  as there; LFUSE_ERR_UNSUPPORTED  options->failed is given
 *          LFUSE_ERR_IO           MPI failed: detail is its error class
 *          On failure out is unspecified.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status
lfuse_mpi_similarity_matrix(lfuse_mpi *mpi, const lfuse_layer *const *layers,
                            int64_t count, const lfuse_similarity_options *options,
                            double *out, lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_mpi_plan_build() - lfuse_plan_build(), its pairs shared out; all ranks have rank 0's plan
 *
 * Result:  rank 0's plan is sent as JSON (plan_file.h) with its hash and read by the others for their
 *          layers: ranks on processors with other instruction sets, whose sums round otherwise, still
 *          agree. So names, types and shapes of layers are held against each other, too.
 * Owner:   as there. *plan is returned: release with lfuse_plan_destroy().
 * Errors:  as lfuse_plan_build() and lfuse_plan_from_json()
 *          LFUSE_ERR_FORMAT  a plan has arrived with another hash than it was sent with
 *          LFUSE_ERR_IO      MPI failed: detail is its error class
 *          On failure *plan is NULL on all ranks.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_mpi_plan_build(lfuse_mpi *mpi,
                                            const lfuse_layer *const *layers,
                                            int64_t count,
                                            const lfuse_plan_options *options,
                                            lfuse_plan **plan,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_mpi_plan_check() - whether all ranks are about to apply the same plan
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     the plan of a rank differs from rank 0's: says which, and the hashes
 *          LFUSE_ERR_IO        MPI failed: detail is its error class
 *          and those of lfuse_plan_to_json()
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_mpi_plan_check(lfuse_mpi *mpi, const lfuse_plan *plan,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_mpi_reduce_gradients() - the mean over the ranks of every gradient that trains something
 *
 * Result:  after lfuse_retrainer_combine_gradients() there is one for each group, so that a network at
 *          ratio r sends 1/r of the bytes. *bytes, which may be NULL, is what this rank has reduced:
 *          the size of these gradients. Summed in f32 in MPI's order, the same on all ranks.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL
 *          LFUSE_ERR_STATE        a parameter has no gradient: says which
 *          LFUSE_ERR_TYPE         a gradient is not f32
 *          LFUSE_ERR_SHAPE        a gradient is not dense, or ranks have other parameters
 *          LFUSE_ERR_IO           MPI failed: detail is its error class, gradients are unspecified
 *          Otherwise, on failure, nothing has changed.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_mpi_reduce_gradients(lfuse_mpi *mpi,
                                                  const lfuse_retrainer *retrainer,
                                                  int64_t *bytes,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_mpi_merge_cka() - adds the batches of all ranks, in the order of the ranks
 *
 * Result:  into has the same bits on all ranks, if it had before.
 * Owner:   from is read.
 * Errors:  as lfuse_cka_add_sums(); LFUSE_ERR_ARGUMENT NULL, or from is into
 *          LFUSE_ERR_SHAPE      ranks have other numbers of layers
 *          LFUSE_ERR_NO_MEMORY  memory was refused
 *          LFUSE_ERR_IO         MPI failed: detail is its error class
 *          On failure batches of some ranks may have been added.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_mpi_merge_cka(lfuse_mpi *mpi, lfuse_cka *into,
                                           const lfuse_cka *from,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
