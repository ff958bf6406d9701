/*
 * layer.h - one position of the network: its name, its param type and its parameters
 *
 * Only layers of one param type are ever compared or tied, so a param type says what is
 * interchangeable: "conv3x3 64->64", "h.*.attn.c_attn.weight". A layer is confined while ties
 * are being applied to it.
 */
#ifndef LAYERFUSE_LAYER_H
#define LAYERFUSE_LAYER_H

#include <layerfuse/tensor.h>

LFUSE_BEGIN_DECLS

enum {
    LFUSE_MAX_STATE = 4
}; /* optimiser tensors per parameter: momentum; Adam's m and v; ... */

typedef struct lfuse_layer_desc {
    size_t struct_size;     /* set by lfuse_layer_desc_init(&d, sizeof(d)) */
    const char *name;       /* unique among the layers of a plan; not empty */
    const char *param_type; /* not empty */
    lfuse_layer_kind kind;
    int32_t
        position; /* order in the network, from 0; decides which member of a group is kept */
} lfuse_layer_desc;

/* One named parameter. Also what lfuse_retrainer_parameter() hands to the optimiser. */
typedef struct lfuse_parameter {
    size_t struct_size;     /* set by lfuse_parameter_init(&p, sizeof(p)) */
    const char *layer;      /* ignored when adding; the layer's name when handed out */
    const char *name;       /* such as "weight"; unique in its layer */
    lfuse_tensor *value;    /* must be given */
    lfuse_tensor *gradient; /* of value's shape; NULL when there is none */
    lfuse_tensor
        *state[4];   /* optimiser state of value's shape; the unused ones are NULL */
    lfuse_role role; /* 0 means weight */
    int32_t
        output_axis; /* of value: which axis counts output units; 0 for [out, in, ...] */
} lfuse_parameter;

/**
 * lfuse_layer_desc_init(), lfuse_parameter_init() - clear the bytes the caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_layer_desc_init(lfuse_layer_desc *desc, size_t size);
LFUSE_API void lfuse_parameter_init(lfuse_parameter *parameter, size_t size);

/**
 * lfuse_layer_create() - a layer without parameters
 *
 * Owner:   name and param_type are copied. *layer is returned: release with
 *          lfuse_layer_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, an empty name or param_type, an unknown kind, or a
 *                                 negative position
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  desc holds fields this version does not know
 *          On failure *layer is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_create(lfuse_context *ctx,
                                          const lfuse_layer_desc *desc,
                                          lfuse_layer **layer,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_layer_add_parameter() - adds one named parameter
 *
 * Shapes:  gradient and state have value's rank and dims.
 * Owner:   the name is copied; the tensors are borrowed until the layer is destroyed.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, an unknown role, or output_axis outside value's rank
 *          LFUSE_ERR_NAME         the layer has a parameter of this name
 *          LFUSE_ERR_SHAPE        gradient or state differ from value in shape
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  parameter holds fields this version does not know
 *          On failure the layer is unchanged.
 * Threads: the layer is written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_add_parameter(lfuse_layer *layer,
                                                 const lfuse_parameter *parameter,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_layer_wrap() - a layer with one parameter, "weight", over the caller's arrays
 *
 * Shapes:  gradient, if there is one, has weight's dims. Axis 0 counts output units.
 * Result:  what lfuse_layer_create(), lfuse_tensor_create() for either and
 *          lfuse_layer_add_parameter() would make. More parameters can be added to it.
 * Owner:   the tensors are the layer's own; weight->data and gradient->data, unless NULL, are
 *          borrowed until the layer is destroyed. *layer is returned: release with
 *          lfuse_layer_destroy().
 * Errors:  those of these three, with weight or gradient for desc; and
 *          LFUSE_ERR_ARGUMENT  a release callback is given: create the tensor yourself
 *          On failure *layer is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_wrap(lfuse_context *ctx, const lfuse_layer_desc *desc,
                                        const lfuse_tensor_desc *weight,
                                        const lfuse_tensor_desc *gradient,
                                        lfuse_layer **layer,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_layer_destroy() - releases the layer; tensors that were added stay the caller's
 *
 * Owner:   ties and retrainers over the layer must be gone. NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_layer_destroy(lfuse_layer *layer);

/**
 * lfuse_layer_name(), _param_type(), _kind_of(), _position(), _parameter_count() - as created
 *
 * Owner:   strings are borrowed until the layer is destroyed. NULL answers NULL or 0.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API const char *lfuse_layer_name(const lfuse_layer *layer);
LFUSE_API const char *lfuse_layer_param_type(const lfuse_layer *layer);
LFUSE_API lfuse_layer_kind lfuse_layer_kind_of(const lfuse_layer *layer);
LFUSE_API int32_t lfuse_layer_position(const lfuse_layer *layer);
LFUSE_API int32_t lfuse_layer_parameter_count(const lfuse_layer *layer);

/**
 * lfuse_layer_parameter() - the parameter at index, in the order they were added
 *
 * Result:  *parameter gets the parts that the caller's struct_size has room for.
 * Owner:   its strings and tensors are borrowed until the layer is destroyed.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or index outside [0, parameter_count)
 *          On failure *parameter is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_layer_parameter(const lfuse_layer *layer, int32_t index,
                                             lfuse_parameter *parameter,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
