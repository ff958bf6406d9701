/* tensors.c - see tensors.h */
#include "models/tensors.h"

#include <stdlib.h>

#include "error.h"
#include "random.h"

lfuse_status tensors_add(struct tensors *t, int32_t rank, const int64_t *dims,
                         lfuse_tensor **out, lfuse_error *err)
{
    lfuse_tensor_desc desc;
    lfuse_status status;

    *out = NULL;
    if (t->count == t->room) {
        const int64_t room = t->room > 0 ? 2 * t->room : 64;
        lfuse_tensor **larger = realloc(t->all, (size_t)room * sizeof(*larger));

        if (larger == NULL)
            return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a network");
        t->all = larger;
        t->room = room;
    }
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F32;
    desc.rank = rank;
    desc.dims = dims;
    status = lfuse_tensor_create(t->ctx, &desc, out, err);
    if (status == LFUSE_OK)
        t->all[t->count++] = *out;
    return status;
}

lfuse_status tensors_vector(struct tensors *t, int64_t count, lfuse_tensor **out,
                            lfuse_error *err)
{
    return tensors_add(t, 1, &count, out, err);
}

lfuse_status tensors_matrix(struct tensors *t, int64_t rows, int64_t columns,
                            lfuse_tensor **out, lfuse_error *err)
{
    const int64_t dims[2] = {rows, columns};

    return tensors_add(t, 2, dims, out, err);
}

lfuse_status tensors_weights(struct tensors *t, int64_t rows, int64_t columns,
                             struct weights *weights, lfuse_error *err)
{
    const int64_t dims[2] = {rows, columns};
    const int32_t rank = columns > 0 ? 2 : 1;
    lfuse_status status = tensors_add(t, rank, dims, &weights->value, err);

    if (!t->trains)
        return status;
    if (status == LFUSE_OK)
        status = tensors_add(t, rank, dims, &weights->gradient, err);
    if (status == LFUSE_OK)
        status = tensors_add(t, rank, dims, &weights->first, err);
    if (status == LFUSE_OK)
        status = tensors_add(t, rank, dims, &weights->second, err);
    return status;
}

void tensors_free(struct tensors *t)
{
    while (t->count > 0)
        lfuse_tensor_destroy(t->all[--t->count]);
    free(t->all);
    t->all = NULL;
    t->room = 0;
}

float *tensors_data(const lfuse_tensor *tensor)
{
    return tensor != NULL ? lfuse_tensor_data(tensor) : NULL;
}

void tensors_fill(lfuse_tensor *tensor, float value)
{
    float *data = tensors_data(tensor);
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(tensor); i++)
        data[i] = value;
}

void tensors_draw(lfuse_tensor *tensor, double deviation, uint64_t seed, uint64_t stream)
{
    float *data = tensors_data(tensor);
    int64_t i;

    for (i = 0; i < lfuse_tensor_elements(tensor); i++)
        data[i] = (float)(deviation * random_normal(seed, stream, (uint64_t)i));
}
