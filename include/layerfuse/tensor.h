/*
 * tensor.h - a typed n-dimensional view of memory, owned or borrowed
 *
 * Strides count elements and may be any positive number, so that a slice or a transpose of
 * the caller's array is a tensor without a copy. A tensor is confined to one thread while it
 * is written; reading it from several is fine.
 */
#ifndef LAYERFUSE_TENSOR_H
#define LAYERFUSE_TENSOR_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_MAX_RANK = 8 };

/* Called once, when the last user of borrowed memory is done with it. */
typedef void (*lfuse_release)(void *data, void *user);

typedef struct lfuse_tensor_desc {
    size_t struct_size;  /* set by lfuse_tensor_desc_init(&d, sizeof(d)) */
    void *data;          /* borrowed; NULL means: allocate, owned, zeroed */
    const int64_t *dims; /* rank of them, each >= 1 */
    const int64_t
        *strides; /* rank of them, in elements, each >= 1; NULL means dense rows */
    lfuse_release release; /* for borrowed data; NULL means none is needed */
    void *release_user;
    lfuse_dtype dtype; /* must be given */
    int32_t rank;      /* in [1, LFUSE_MAX_RANK] */
} lfuse_tensor_desc;

/**
 * lfuse_tensor_desc_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes at desc and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_tensor_desc_init(lfuse_tensor_desc *desc, size_t size);

/**
 * lfuse_tensor_create() - a tensor over the caller's memory, or over its own
 *
 * Shapes:  dims and strides as in desc. Two indices must not share an element: in order of
 *          size, each stride steps over all that those before it reach.
 * Owner:   dims and strides are copied. desc->data is borrowed until release is called: when
 *          the tensor, and every tie that shares its memory, is gone. Owned data is dense,
 *          zeroed and aligned to 64 bytes. *tensor is returned: release with
 *          lfuse_tensor_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, rank out of range, a dim or stride < 1, strides that
 *                                 overlap, strides or release given for owned data, or data
 *                                 that is not aligned to its element size
 *          LFUSE_ERR_TYPE         an unknown dtype
 *          LFUSE_ERR_OVERFLOW     the size does not fit
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  desc holds fields this version does not know
 *          On failure *tensor is NULL and release is not called.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_tensor_create(lfuse_context *ctx,
                                           const lfuse_tensor_desc *desc,
                                           lfuse_tensor **tensor,
                                           lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_tensor_destroy() - ends the view; memory goes with its last user
 *
 * Owner:   layers and ties that hold the tensor must be gone. NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_tensor_destroy(lfuse_tensor *tensor);

/**
 * lfuse_tensor_copy() - converts the elements of source into target
 *
 * Shapes:  equal. Strides and types may differ; narrowing rounds to nearest even.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_SHAPE     rank or a dim differs
 *          On failure target is untouched.
 * Threads: target is written, source may be shared. They must not overlap unless equal.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_tensor_copy(lfuse_tensor *target, const lfuse_tensor *source,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_tensor_dtype(), _rank(), _dim(), _stride(), _elements(), _bytes() - what was created
 *
 * Result:  elements is the product of the dims, bytes that times the element size. An axis
 *          out of range has dim and stride 0. NULL answers 0 everywhere.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_dtype lfuse_tensor_dtype(const lfuse_tensor *tensor);
LFUSE_API int32_t lfuse_tensor_rank(const lfuse_tensor *tensor);
LFUSE_API int64_t lfuse_tensor_dim(const lfuse_tensor *tensor, int32_t axis);
LFUSE_API int64_t lfuse_tensor_stride(const lfuse_tensor *tensor, int32_t axis);
LFUSE_API int64_t lfuse_tensor_elements(const lfuse_tensor *tensor);
LFUSE_API size_t lfuse_tensor_bytes(const lfuse_tensor *tensor);

/**
 * lfuse_tensor_data() - the first element, now
 *
 * Result:  tying a layer may move it: ask again after every call that applies, undoes or
 *          finalises ties. Tensors that are tied by aliasing answer the same address.
 * Owner:   borrowed until the tensor is destroyed or re-pointed by a tie.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void *lfuse_tensor_data(const lfuse_tensor *tensor);

/**
 * lfuse_dtype_size() - bytes of one element; 0 for an unknown type
 * lfuse_dtype_name() - "f32", "f64", "f16", "bf16", or "?"
 *
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API size_t lfuse_dtype_size(lfuse_dtype dtype);
LFUSE_API const char *lfuse_dtype_name(lfuse_dtype dtype);

LFUSE_END_DECLS

#endif
