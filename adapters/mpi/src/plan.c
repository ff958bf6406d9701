/* plan.c - one plan for all ranks */
#include "ranks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

lfuse_status lfm_plan_text(const lfuse_plan *plan, char **text, size_t *size,
                           lfuse_error *err)
{
    lfuse_status status = lfuse_plan_to_json(plan, NULL, 0, size, err);

    *text = NULL;
    if (status != LFUSE_OK)
        return status;
    *text = malloc(*size);
    if (*text == NULL)
        return lfm_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a plan of %zu bytes",
                        *size);
    status = lfuse_plan_to_json(plan, *text, *size, size, err);
    if (status != LFUSE_OK) {
        free(*text);
        *text = NULL;
    }
    return status;
}

/* ---- building ---------------------------------------------------------------------------------- */

/* As the options say, with the pairs shared out. */
static lfuse_status build(lfuse_mpi *mpi, const lfuse_layer *const *layers, int64_t count,
                          const lfuse_plan_options *options, lfuse_plan **plan,
                          lfuse_error *err)
{
    lfuse_plan_options o;
    lfuse_similarity_options similarity;
    lfuse_status status;

    if (options == NULL || options->struct_size < sizeof(o))
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "options is %s",
                        options == NULL ? "NULL" : "of an older layerfuse");
    memcpy(&o, options, sizeof(o));
    o.struct_size = sizeof(o);
    status = lfm_share_out(mpi, options->similarity, &similarity, err);
    if (status != LFUSE_OK)
        return status;
    o.similarity = &similarity;
    return lfuse_plan_build(mpi->ctx, layers, count, &o, plan, err);
}

struct parcel {
    uint64_t size;
    uint64_t hash;
};

/* The text of rank 0's plan, on all ranks; release with free(). */
static lfuse_status send(lfuse_mpi *mpi, const lfuse_plan *plan, char **text,
                         struct parcel *parcel, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    size_t size = 0;

    *text = NULL;
    if (mpi->rank == 0)
        status = lfm_plan_text(plan, text, &size, err);
    if (status == LFUSE_OK && mpi->rank == 0)
        *parcel = (struct parcel){size, lfm_hash(*text, size)};
    status = lfm_conclude(mpi, status, err);
    if (status != LFUSE_OK)
        return status;
    status = lfm_broadcast(mpi, parcel, sizeof(*parcel), 0, err);
    if (status == LFUSE_OK && mpi->rank != 0) {
        *text = malloc(parcel->size);
        if (*text == NULL)
            status = lfm_fail(err, LFUSE_ERR_NO_MEMORY,
                              "no memory for a plan of %" PRIu64 " bytes", parcel->size);
    }
    status = lfm_conclude(mpi, status, err);
    if (status == LFUSE_OK)
        status = lfm_broadcast(mpi, *text, parcel->size, 0, err);
    return status;
}

/* Rank 0's in the place of this rank's own. */
static lfuse_status receive(lfuse_mpi *mpi, const char *text, const struct parcel *parcel,
                            const lfuse_layer *const *layers, int64_t count,
                            lfuse_plan **plan, lfuse_error *err)
{
    const uint64_t hash = lfm_hash(text, parcel->size);
    lfuse_plan_load_options o;
    lfuse_plan *theirs;
    lfuse_status status;

    if (mpi->rank == 0)
        return LFUSE_OK;
    if (hash != parcel->hash)
        return lfm_fail(err, LFUSE_ERR_FORMAT,
                        "the plan was sent with the hash %016" PRIx64
                        ", and has %016" PRIx64,
                        parcel->hash, hash);
    lfuse_plan_load_options_init(&o, sizeof(o));
    o.max_bytes = parcel->size;
    o.layers = layers;
    o.count = count;
    status = lfuse_plan_from_json(mpi->ctx, text, parcel->size - 1, &o, &theirs, err);
    if (status != LFUSE_OK)
        return status;
    lfuse_plan_destroy(*plan);
    *plan = theirs;
    return LFUSE_OK;
}

lfuse_status lfuse_mpi_plan_build(lfuse_mpi *mpi, const lfuse_layer *const *layers,
                                  int64_t count, const lfuse_plan_options *options,
                                  lfuse_plan **plan, lfuse_error *err)
{
    lfuse_plan *built = NULL;
    struct parcel parcel = {0};
    char *text = NULL;
    lfuse_status status;

    if (plan == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "plan is NULL");
    *plan = NULL;
    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    status = lfm_conclude(mpi, build(mpi, layers, count, options, &built, err), err);
    if (status == LFUSE_OK)
        status = send(mpi, built, &text, &parcel, err);
    if (status == LFUSE_OK)
        status = lfm_conclude(
            mpi, receive(mpi, text, &parcel, layers, count, &built, err), err);
    free(text);
    if (status == LFUSE_OK)
        *plan = built;
    else
        lfuse_plan_destroy(built);
    return status;
}

/* ---- checking ---------------------------------------------------------------------------------- */

lfuse_status lfuse_mpi_plan_check(lfuse_mpi *mpi, const lfuse_plan *plan,
                                  lfuse_error *err)
{
    uint64_t mine = 0, theirs;
    char *text = NULL;
    size_t size = 0;
    lfuse_status status;

    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    status = lfm_conclude(mpi, lfm_plan_text(plan, &text, &size, err), err);
    if (status != LFUSE_OK) {
        free(text);
        return status;
    }
    mine = theirs = lfm_hash(text, size);
    free(text);
    status = lfm_broadcast(mpi, &theirs, sizeof(theirs), 0, err);
    if (status == LFUSE_OK && mine != theirs)
        status =
            lfm_fail(err, LFUSE_ERR_STATE,
                     "the plan has the hash %016" PRIx64 ", that of rank 0 %016" PRIx64,
                     mine, theirs);
    return lfm_conclude(mpi, status, err);
}
