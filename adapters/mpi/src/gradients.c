/* gradients.c - one gradient per group travels, and no more */
#include "ranks.h"

enum { PIECE = 1 << 26 }; /* elements of one message */

static int is_dense(const lfuse_tensor *tensor)
{
    int64_t stride = 1;
    int32_t axis;

    for (axis = lfuse_tensor_rank(tensor) - 1; axis >= 0; axis--) {
        if (lfuse_tensor_dim(tensor, axis) > 1 &&
            lfuse_tensor_stride(tensor, axis) != stride)
            return 0;
        stride *= lfuse_tensor_dim(tensor, axis);
    }
    return 1;
}

/* Parameter `index`, if its gradient can travel. */
static lfuse_status find(const lfuse_retrainer *retrainer, int64_t index,
                         lfuse_parameter *p, lfuse_error *err)
{
    lfuse_status status;

    lfuse_parameter_init(p, sizeof(*p));
    status = lfuse_retrainer_parameter(retrainer, index, p, err);
    if (status != LFUSE_OK)
        return status;
    if (p->gradient == NULL)
        return lfm_fail(err, LFUSE_ERR_STATE, "parameter %s of layer %s has no gradient",
                        p->name, p->layer);
    if (lfuse_tensor_dtype(p->gradient) != LFUSE_F32)
        return lfm_fail(err, LFUSE_ERR_TYPE,
                        "the gradient of parameter %s of layer %s is %s", p->name,
                        p->layer, lfuse_dtype_name(lfuse_tensor_dtype(p->gradient)));
    if (!is_dense(p->gradient))
        return lfm_fail(err, LFUSE_ERR_SHAPE,
                        "the gradient of parameter %s of layer %s is not dense", p->name,
                        p->layer);
    return LFUSE_OK;
}

/* All ranks are about to send the same: how many, and how large they are. */
static lfuse_status check(lfuse_mpi *mpi, const lfuse_retrainer *retrainer,
                          int64_t *elements, lfuse_error *err)
{
    const int64_t count = lfuse_retrainer_parameter_count(retrainer);
    int64_t shape[2] = {count, 0}, first[2];
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        status = find(retrainer, i, &p, err);
        if (status == LFUSE_OK)
            shape[1] += lfuse_tensor_elements(p.gradient);
    }
    status = lfm_conclude(mpi, status, err);
    if (status != LFUSE_OK)
        return status;
    first[0] = shape[0];
    first[1] = shape[1];
    status = lfm_broadcast(mpi, first, sizeof(first), 0, err);
    if (status == LFUSE_OK && (first[0] != shape[0] || first[1] != shape[1]))
        status =
            lfm_fail(err, LFUSE_ERR_SHAPE,
                     "%lld parameters of %lld elements train, of rank 0 %lld of %lld",
                     (long long)shape[0], (long long)shape[1], (long long)first[0],
                     (long long)first[1]);
    *elements = shape[1];
    return lfm_conclude(mpi, status, err);
}

static lfuse_status reduce(lfuse_mpi *mpi, float *values, int64_t count, lfuse_error *err)
{
    const float share = 1.0f / (float)mpi->ranks;
    lfuse_status status = LFUSE_OK;
    int64_t at, n, i;

    for (at = 0; at < count && status == LFUSE_OK; at += n) {
        n = count - at < PIECE ? count - at : PIECE;
        status = lfm_check(mpi,
                           MPI_Allreduce(MPI_IN_PLACE, values + at, (int)n, MPI_FLOAT,
                                         MPI_SUM, mpi->comm),
                           err);
        for (i = at; i < at + n && status == LFUSE_OK; i++)
            values[i] *= share;
    }
    return status;
}

lfuse_status lfuse_mpi_reduce_gradients(lfuse_mpi *mpi, const lfuse_retrainer *retrainer,
                                        int64_t *bytes, lfuse_error *err)
{
    int64_t elements = 0, i;
    lfuse_status status;
    lfuse_parameter p;

    if (mpi == NULL)
        return lfm_fail(err, LFUSE_ERR_ARGUMENT, "mpi is NULL");
    status = retrainer != NULL ? LFUSE_OK
                               : lfm_fail(err, LFUSE_ERR_ARGUMENT, "retrainer is NULL");
    status = lfm_conclude(mpi, status, err);
    if (status == LFUSE_OK)
        status = check(mpi, retrainer, &elements, err);
    for (i = 0; i < lfuse_retrainer_parameter_count(retrainer) && status == LFUSE_OK;
         i++) {
        status = find(retrainer, i, &p, err);
        if (status == LFUSE_OK)
            status = reduce(mpi, lfuse_tensor_data(p.gradient),
                            lfuse_tensor_elements(p.gradient), err);
    }
    if (status == LFUSE_OK && bytes != NULL)
        *bytes = elements * (int64_t)sizeof(float);
    return status;
}
