/* tensors.h - the memory of a language model: every piece is a tensor, and every tensor is
 * here */
#ifndef EXAMPLES_TENSORS_H
#define EXAMPLES_TENSORS_H

#include <layerfuse/layerfuse.h>

/* What trains: the last three are NULL in a network for inference. */
struct weights {
    lfuse_tensor *value;
    lfuse_tensor *gradient;
    lfuse_tensor *first, *second; /* Adam's m and v */
};

struct tensors {
    lfuse_context *ctx;
    int trains; /* whether weights get the other three */
    lfuse_tensor **all;
    int64_t count, room;
};

/* f32, zeroed, and dense. */
lfuse_status tensors_add(struct tensors *tensors, int32_t rank, const int64_t *dims,
                         lfuse_tensor **out, lfuse_error *err);
lfuse_status tensors_vector(struct tensors *tensors, int64_t count, lfuse_tensor **out,
                            lfuse_error *err);
lfuse_status tensors_matrix(struct tensors *tensors, int64_t rows, int64_t columns,
                            lfuse_tensor **out, lfuse_error *err);

/* columns 0: a vector. */
lfuse_status tensors_weights(struct tensors *tensors, int64_t rows, int64_t columns,
                             struct weights *weights, lfuse_error *err);

/* Destroys them all; ctx stays. */
void tensors_free(struct tensors *tensors);

/* NULL for NULL. Tying layers moves their weights: no address is kept. */
float *tensors_data(const lfuse_tensor *tensor);
void tensors_fill(lfuse_tensor *tensor, float value);
/* Normal, with this standard deviation. */
void tensors_draw(lfuse_tensor *tensor, double deviation, uint64_t seed, uint64_t stream);

#endif
