/*
 * similarity.h - how alike two weights are
 *
 * A weight is seen as a matrix: its rows are the output units (output_axis), its columns all
 * the rest, in their order. Each number is computed in f64: products of f64 data in f64, of
 * narrower data in short f32 blocks summed in f64.
 *
 *   euclidean   |vec A - vec C|                                       distance
 *   cosine      vec A . vec C / (|A| |C|)                             similarity in [-1, 1]
 *   covariance  tr(Sa Sc) / (|Sa|_F |Sc|_F), block by block           similarity in [0, 1]
 *
 * Covariance alignment is O'Neill et al. 2021, eq. 2 and 7: S is the covariance of a block's
 * columns over its rows, centred, divided by n; each direction of length d is cut into
 * ceil(d / block) near-equal parts, the first d mod parts of them one longer; blocks at the
 * same place are compared and the results averaged.
 *
 * A distance of equal inputs is exactly 0, a similarity of equal inputs 1 within 1e-12.
 */
#ifndef LAYERFUSE_SIMILARITY_H
#define LAYERFUSE_SIMILARITY_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_BLOCK_WHOLE = -1 }; /* block: the whole matrix as one */

typedef struct lfuse_similarity_options {
    size_t struct_size;  /* set by lfuse_similarity_options_init(&o, sizeof(o)) */
    int64_t block;       /* longest block side of covariance; 0 means 128 */
    lfuse_metric metric; /* 0 means euclidean */
    int32_t output_axis; /* of lfuse_similarity()'s tensors; layers carry their own */
} lfuse_similarity_options;

typedef struct lfuse_metric_properties {
    size_t struct_size;        /* set by lfuse_metric_properties_init(&p, sizeof(p)) */
    const char *name;          /* such as "euclidean" */
    int32_t is_distance;       /* 1: smaller is more alike; 0: greater is */
    int32_t is_symmetric;      /* 1: the order of the two does not matter */
    int32_t needs_equal_shape; /* 1: rows and columns must agree */
    int32_t reserved;
} lfuse_metric_properties;

/**
 * lfuse_similarity_options_init(), lfuse_metric_properties_init() - clear the bytes the caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_similarity_options_init(lfuse_similarity_options *options,
                                             size_t size);
LFUSE_API void lfuse_metric_properties_init(lfuse_metric_properties *properties,
                                            size_t size);

/**
 * lfuse_metric_info() - what a metric is
 *
 * Owner:   properties->name is a constant of the library.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an unknown metric
 *          On failure *properties is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_metric_info(lfuse_metric metric,
                                         lfuse_metric_properties *properties,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_metric_from_name() - the metric of this name
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an unknown name; the message lists the known ones
 *          On failure *metric is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_metric_from_name(const char *name, lfuse_metric *metric,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_similarity() - how alike two tensors are
 *
 * Shapes:  equal; rank >= 1; any dtype, which may differ.
 * Result:  *out under options->metric; options NULL means all defaults.
 * Owner:   a and b are borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, an unknown metric, block < -1, or output_axis outside
 *                                 the rank
 *          LFUSE_ERR_SHAPE        the shapes differ
 *          LFUSE_ERR_NOT_FINITE   NaN or infinity in a or b: says where
 *          LFUSE_ERR_DEGENERATE   cosine: a or b is all zero; covariance: in every block all
 *                                 rows of a, or of b, are equal
 *          LFUSE_ERR_NO_MEMORY    the scratch was refused
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know
 *          On failure *out is untouched.
 * Cost:    euclidean and cosine O(n p); covariance O(n p block) time, O(block^2) memory.
 * Threads: concurrent calls may share everything.
 * Source:  O'Neill et al. 2021, sec. 3. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_similarity(lfuse_context *ctx, const lfuse_tensor *a,
                                        const lfuse_tensor *b,
                                        const lfuse_similarity_options *options,
                                        double *out, lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_similarity_matrix() - all pairs of `count` layers of one param type
 *
 * Shapes:  out is (count, count), row-major: out[i * count + j] compares layer i with layer j.
 *          All layers have weights of the same names and shapes.
 * Result:  layers with several weights: the mean of the values of their weights. The diagonal
 *          is 0 for a distance and 1 for a similarity. Progress is told as "similarity".
 * Owner:   layers are borrowed for the call.
 * Errors:  as lfuse_similarity(), naming the layer; and
 *          LFUSE_ERR_ARGUMENT   count < 1, a NULL layer, or a layer without weights
 *          LFUSE_ERR_NAME       the param types, or the names of the weights, differ
 *          LFUSE_ERR_CANCELLED  the progress callback said stop
 *          On failure out is unspecified.
 * Cost:    count * (count - 1) / 2 comparisons, over the context's threads.
 * Threads: concurrent calls may share everything but out.
 * Source:  O'Neill et al. 2021, sec. 3. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_similarity_matrix(lfuse_context *ctx,
                                               const lfuse_layer *const *layers,
                                               int64_t count,
                                               const lfuse_similarity_options *options,
                                               double *out,
                                               lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
