/*
 * couplings.h - which axes of which parameters count the units of one hidden space
 *
 * The units of a hidden layer have no order of their own: put all of them, wherever they are
 * counted, in another order, and the network computes what it did. Where averaging two layers
 * fails, it is because their units are ordered differently. Couplings say, as data, what has to
 * move together; they come from calls, from JSON, or from a preset that knows a family of
 * networks by its names:
 *
 *     {"layerfuse_couplings": 1,
 *      "spaces": [[{"tensor": "layer1.0.conv1.weight", "axis": 0},
 *                  {"tensor": "layer1.0.bn1.weight"},
 *                  {"tensor": "layer1.0.conv2.weight", "axis": 1}]]}
 *
 * A space is a list of members; each is an axis of a parameter, of which a unit takes
 * head_group * repeat entries in a row: attention heads move whole, a channel that was
 * flattened takes as many entries as it had pixels, and a group of query heads goes with its
 * key and value head. offset and extent say which part of the axis it is where one tensor holds
 * several (queries, keys and values). An entry of an axis is in one space only.
 *
 * A plan puts units in the order that their weights ask for (plan.h). What they do may be another
 * matter: where activations have been measured, lfuse_couplings_match() takes what the caller makes
 * of them, and the plan is built after that, without an alignment of its own. Of hidden activations
 * x and y (n inputs, units) of two blocks, centred and each unit of length 1:
 *
 *     for (u = 0; u < units; u++)             // correlation of unit u of a and unit v of b
 *         for (v = 0; v < units; v++)
 *             for (like[u * units + v] = 0, i = 0; i < n; i++)
 *                 like[u * units + v] += x[i * units + u] * y[i * units + v];
 *     args.a = a, args.b = b, args.likeness = like;
 *     lfuse_couplings_match(couplings, &args, order, &err);
 *     lfuse_couplings_permute(couplings, layers, count, b, order, &err);
 *
 * Couplings are confined while they are added to, and shareable from then on. They know names,
 * not layers: the calls that use them look the names up, and check.
 */
#ifndef LAYERFUSE_COUPLINGS_H
#define LAYERFUSE_COUPLINGS_H

#include <layerfuse/layer.h>

LFUSE_BEGIN_DECLS

/* One member of a space. A unit is head_group * repeat entries of the axis. */
typedef struct lfuse_coupling {
    size_t struct_size;    /* set by lfuse_coupling_init(&c, sizeof(c)) */
    const char *layer;     /* its name; NULL: parameter says "layer.parameter" */
    const char *parameter; /* its name in the layer */
    int64_t head_group;    /* entries that move as one block; 0 means 1 */
    int64_t repeat;        /* blocks for each unit of the space; 0 means 1 */
    int64_t offset;        /* the entry where the space starts */
    int64_t extent;        /* entries it has; 0 means all from offset on */
    int32_t axis;
    int32_t reserved;
} lfuse_coupling;

/* What lfuse_couplings_match() works on. */
typedef struct lfuse_match_args {
    size_t struct_size;               /* set by lfuse_match_args_init(&a, sizeof(a)) */
    const lfuse_layer *const *layers; /* (count) */
    int64_t count;
    int64_t a; /* a space */
    int64_t b; /* another, of equal members */
    /* (units, units): how alike unit u of a and unit v of b are, at u * units + v; NULL: the
     * inner products of all that the members have of them. */
    const double *likeness;
} lfuse_match_args;

/**
 * lfuse_coupling_init(), lfuse_match_args_init() - clear the bytes the caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_coupling_init(lfuse_coupling *coupling, size_t size);
LFUSE_API void lfuse_match_args_init(lfuse_match_args *args, size_t size);

/**
 * lfuse_couplings_create() - couplings without a space
 *
 * Owner:   *couplings is returned: release with lfuse_couplings_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT   NULL
 *          LFUSE_ERR_NO_MEMORY  the allocator refused
 *          On failure *couplings is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_create(lfuse_context *ctx,
                                              lfuse_couplings **couplings,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_parse() - couplings from JSON in memory
 * lfuse_couplings_read() - and from a file
 *
 * Shapes:  text is (size) bytes, without a NUL; the form is that above. A member has "tensor", or
 *          "layer" and "parameter", and numbers by the names of lfuse_coupling's fields.
 * Owner:   nothing is kept of text or path. *couplings is returned: release with
 *          lfuse_couplings_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL
 *          LFUSE_ERR_FORMAT       not such JSON: says what and where
 *          LFUSE_ERR_OVERFLOW     head_group * repeat does not fit
 *          LFUSE_ERR_UNSUPPORTED  another version, a field this version does not know, or more
 *                                 than 32 MiB
 *          LFUSE_ERR_IO           the file cannot be read; error.detail is errno
 *          LFUSE_ERR_NO_MEMORY    the allocator, or malloc, refused
 *          On failure *couplings is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_parse(lfuse_context *ctx, const char *text,
                                             size_t size, lfuse_couplings **couplings,
                                             lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_couplings_read(lfuse_context *ctx, const char *path,
                                            lfuse_couplings **couplings,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_destroy() - releases them
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_couplings_destroy(lfuse_couplings *couplings);

/**
 * lfuse_couplings_add_space() - another space, without members; *space is its index
 *
 * Errors:  LFUSE_ERR_ARGUMENT   NULL (space may be)
 *          LFUSE_ERR_NO_MEMORY  the allocator refused
 *          On failure the couplings and *space are unchanged.
 * Threads: the couplings are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_add_space(lfuse_couplings *couplings,
                                                 int64_t *space,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_add_member() - another member of a space
 *
 * Owner:   the strings are copied.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, a space that is not there, an empty name, or a negative
 *                                 number
 *          LFUSE_ERR_OVERFLOW     head_group * repeat does not fit
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  member holds fields this version does not know
 *          On failure the couplings are unchanged.
 * Threads: the couplings are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_add_member(lfuse_couplings *couplings,
                                                  int64_t space,
                                                  const lfuse_coupling *member,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_add_preset() - the hidden spaces of a family of networks, by their names
 *
 * Result:  one space or two for each block whose tensors are among the layers', named
 *          "layer.parameter" (or as the layer, where that ends so already):
 *            resnet-basic       conv1 out, bn1, conv2 in; the residual stream stays as it is
 *            resnet-bottleneck  the same, and conv2 out, bn2, conv3 in
 *            gpt2               mlp.c_fc out, mlp.c_proj in; heads of attn.c_attn (queries,
 *                               keys, values side by side) and attn.c_proj in
 *            llama              mlp.{gate,up}_proj out, mlp.down_proj in (or
 *                               feed_forward.w1, w3, w2); heads of self_attn.{q,k,v}_proj and
 *                               o_proj in (or attention.wq, wk, wv, wo)
 *          with biases where there are any. heads, the query heads of each block, is not in the
 *          shapes: 0 leaves attention out. Heads move whole, so that rotary positions stay what
 *          they are, and query heads that share a key and value head as one group. Which axis
 *          of a weight counts outputs is what its output_axis says.
 * Errors:  LFUSE_ERR_ARGUMENT   NULL, count < 1, heads < 0, or an unknown name; the message lists
 *                               the known ones
 *          LFUSE_ERR_NAME       no such block is among the layers
 *          LFUSE_ERR_SHAPE      heads do not divide what they should, or a weight has no two
 *                               axes: says which
 *          LFUSE_ERR_NO_MEMORY  the allocator refused
 *          On failure the couplings are unchanged.
 * Threads: the couplings are written, the layers read.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_add_preset(lfuse_couplings *couplings,
                                                  const char *name,
                                                  const lfuse_layer *const *layers,
                                                  int64_t count, int64_t heads,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_space_count() - number of spaces; 0 for NULL
 * lfuse_couplings_member_count() - members of a space; 0 when out of range
 * lfuse_couplings_member() - the one at index
 *
 * Owner:   its strings are borrowed until the couplings are destroyed.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or space or index out of range
 *          On failure *member is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_couplings_space_count(const lfuse_couplings *couplings);
LFUSE_API int64_t lfuse_couplings_member_count(const lfuse_couplings *couplings,
                                               int64_t space);
LFUSE_API lfuse_status lfuse_couplings_member(const lfuse_couplings *couplings,
                                              int64_t space, int64_t index,
                                              lfuse_coupling *member,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_units() - how many units a space has in these layers
 *
 * Errors:  LFUSE_ERR_ARGUMENT   NULL, count < 1, a space that is not there, an axis or offset
 *                               outside the parameter, a space without members, or an entry of an
 *                               axis in two places
 *          LFUSE_ERR_NAME       two layers of one name, or no such layer or parameter: says
 *                               which
 *          LFUSE_ERR_SHAPE      an extent that head_group * repeat does not divide, or members
 *                               that disagree about the number of units
 *          LFUSE_ERR_NO_MEMORY  the allocator refused
 *          All spaces are checked, whichever is asked about. On failure *units is untouched.
 * Threads: layers are read.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_units(const lfuse_couplings *couplings,
                                             const lfuse_layer *const *layers,
                                             int64_t count, int64_t space, int64_t *units,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_permute() - puts the units of a space in another order, wherever they are
 *
 * Shapes:  permutation is (units): unit u will be what unit permutation[u] was.
 * Result:  values, gradients and optimiser state of every member; memory stays where it is. The
 *          network computes what it did, but for the order in which products are added up.
 * Errors:  those of lfuse_couplings_units(), and
 *          LFUSE_ERR_ARGUMENT  not a permutation: says where
 *          LFUSE_ERR_STATE     a member has its memory in common with a parameter that is not
 *                              coupled in the same way: says which
 *          On failure nothing has changed.
 * Cost:    every coupled tensor is read and written once, in place.
 * Threads: layers are written.
 * Source:  Hecht-Nielsen 1990, "On the algebraic structure of feedforward network weight
 *          spaces". Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_permute(const lfuse_couplings *couplings,
                                               lfuse_layer *const *layers, int64_t count,
                                               int64_t space, const int64_t *permutation,
                                               lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_couplings_match() - the order of b's units in which they are most alike a's
 *
 * Shapes:  permutation is (units): the unit of b that goes with unit u of a, for
 *          lfuse_couplings_permute() of b. Members of both are in the same order, of the same
 *          shapes, axes, blocks and offsets.
 * Result:  the one-to-one way that has the greatest sum of likeness, exactly. Without likeness
 *          that is of weights, biases and norms, all at once; running statistics are left out,
 *          and values are rounded to f32. With it, of what the caller has measured, such as
 *          correlations of activations.
 * Errors:  those of lfuse_couplings_units(), and
 *          LFUSE_ERR_SHAPE        the spaces do not have equal members: says which
 *          LFUSE_ERR_NOT_FINITE   likeness, or a product of weights in f32, is not finite
 *          LFUSE_ERR_OVERFLOW     the scratch does not fit
 *          LFUSE_ERR_UNSUPPORTED  args hold fields this version does not know
 *          On failure permutation is untouched.
 * Cost:    O(units^2 p + units^3) time for p weights of each unit; 16 * units^2 bytes of scratch
 *          and those of two f32 copies of the largest member.
 * Threads: layers are read.
 * Source:  Ainsworth et al. 2022, "Git Re-Basin", arXiv:2209.04836, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_couplings_match(const lfuse_couplings *couplings,
                                             const lfuse_match_args *args,
                                             int64_t *permutation,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
