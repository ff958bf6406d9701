/*
 * similarity.h - how alike two weights are, and all pairs of many
 *
 * One metric per file; metrics.c lists them. A weight is a view whose first axis counts its
 * output units (lfi_view_axis_first); element order is the view's row order. Values are f64:
 * f64 data is f64 throughout, narrower data f32 products in short blocks summed in f64.
 *
 * Promised: a distance of equal inputs is 0, a similarity 1 within 1e-12; never a NaN: data
 * that is not finite, or for which the metric is 0/0, is a named error. *out is written last.
 */
#ifndef LFI_SIMILARITY_H
#define LFI_SIMILARITY_H

#include "base/base.h"

struct lfi_similarity_params {
    lfuse_metric metric; /* a known one */
    int64_t block;       /* >= 1, or -1: the whole matrix */
};

struct lfi_metric {
    lfuse_metric metric;
    const char *name;
    bool is_distance;
    bool is_symmetric;
    bool needs_equal_shape;
    /* a and c have equal shapes where the metric needs them; names are for messages. */
    lfuse_status (*compare)(const struct lfi_env *env, const struct lfi_view *a,
                            const struct lfi_view *c,
                            const struct lfi_similarity_params *params, double *out,
                            lfuse_error *err);
};

const struct lfi_metric *lfi_metric_find(lfuse_metric metric); /* NULL: unknown */
const struct lfi_metric *lfi_metric_by_name(const char *name); /* NULL: unknown */
void lfi_metric_names(char *text, size_t size); /* "euclidean, cosine, ..." */

/* One item of a matrix: a layer with one weight or several. */
struct lfi_similarity_item {
    const char *name; /* for messages */
    const struct lfi_view *weights;
    int64_t count; /* the same for all items */
};

/*
 * out[i * count + j] for all pairs of items of equal shapes: the mean over their weights. The
 * comparisons run over env's threads; their values do not depend on how many there are.
 */
lfuse_status lfi_similarity_matrix(const struct lfi_env *env,
                                   const struct lfi_similarity_item *items, int64_t count,
                                   const struct lfi_similarity_params *params,
                                   double *out, lfuse_error *err);

#endif
