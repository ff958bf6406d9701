/*
 * similarity.h - how alike two weights are, and all pairs of many
 *
 * One metric per file; metrics.c lists them. A weight is a view whose first axis counts its
 * output units (lfi_view_axis_first); element order is the view's row order. Values are f64,
 * and data is read block by block. f64 data is multiplied in f64, narrower data where speed
 * asks for it in short f32 blocks summed in f64, as <layerfuse/similarity.h> says.
 *
 * Promised: a distance of equal inputs is 0, a similarity 1 within 1e-12; never a NaN: data
 * that is not finite, or for which the metric is 0/0, is a named error. *out is written last.
 */
#ifndef LFI_SIMILARITY_H
#define LFI_SIMILARITY_H

#include "base/base.h"
#include "kernels/kernels.h"

struct lfi_similarity_params {
    lfuse_metric metric;   /* a known one */
    int64_t block;         /* >= 1, or -1: the whole matrix */
    double ridge;          /* > 0; else there is none */
    double bandwidth;      /* > 0; of median distances */
    double exponent;       /* >= 1 */
    double regularisation; /* > 0 */
    int64_t projections;   /* >= 1 */
    int64_t centroids;     /* >= 1 */
    int64_t iterations;    /* >= 1 */
    uint64_t seed;
    bool softmax_rows;
    lfuse_unequal unequal;
    lfuse_metric_custom custom; /* not NULL for the metric custom */
    void *custom_user;
    bool custom_is_similarity; /* else a distance */
    bool custom_is_symmetric;
    size_t max_bytes; /* of a matrix, for what is kept per item: of two at least */
    lfuse_similarity_failed failed; /* of a matrix; or NULL */
    void *failed_user;
    lfuse_gather gather; /* of a matrix that ranks share; or NULL */
    void *gather_user;
    int32_t rank;
    int32_t ranks; /* >= 1 */
};

/* Two weights; names are for messages. */
struct lfi_comparison {
    struct lfi_view a;
    struct lfi_view c;
    const char *a_name;
    const char *c_name;
    struct lfi_similarity_params params;
};

struct lfi_element_metric; /* ways to many pairs at once, for this module: parts.h */
struct lfi_feature_metric;
struct lfi_factor_metric;

struct lfi_metric {
    lfuse_metric metric;
    const char *name;
    bool is_distance;
    bool is_symmetric;
    bool needs_equal_rows;
    bool needs_equal_columns;
    bool calls_back;  /* the caller: on the calling thread only, one pair at a time */
    const char *cost; /* of one comparison of (n, p) */
    /* Bytes that compare needs, by the shapes alone, not the types; false: they do not fit. */
    bool (*scratch)(const struct lfi_comparison *pair, size_t *bytes);
    /* Called from tasks: allocates nothing. scratch is aligned to LFI_ALIGN. */
    lfuse_status (*compare)(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *scratch, double *out, lfuse_error *err);
    const struct lfi_element_metric *elements; /* or NULL */
    const struct lfi_feature_metric *features; /* or NULL */
    const struct lfi_factor_metric *factors;   /* or NULL */
};

/* What a comparison does where nothing else is asked for. */
struct lfi_similarity_params lfi_similarity_defaults(uint64_t seed);

const struct lfi_metric *lfi_metric_find(lfuse_metric metric); /* NULL: unknown */
/* The same, with what params say of custom. */
const struct lfi_metric *lfi_metric_of(const struct lfi_similarity_params *params);
const struct lfi_metric *lfi_metric_by_name(const char *name); /* NULL: unknown */
void lfi_metric_names(char *text, size_t size); /* "euclidean, cosine, ..." */

/* One comparison, on the calling thread. */
lfuse_status lfi_similarity_compare(const struct lfi_env *env,
                                    const struct lfi_comparison *pair, double *out,
                                    lfuse_error *err);

/* As wasserstein_assignment; row_of[i] is the row of c that row i of a has, or -1. */
lfuse_status lfi_similarity_assignment(const struct lfi_env *env,
                                       const struct lfi_comparison *pair, int64_t *row_of,
                                       double *out, lfuse_error *err);

/*
 * Sums over batches of the unbiased HSIC of layers' outputs: of layers i >= j at
 * [i * (i + 1) / 2 + j]. Outputs of layer i count 2^exponents[i] times.
 */
struct lfi_cka_sums {
    int64_t count; /* layers, >= 1 */
    int64_t batches;
    size_t pairs;
    double *sums;       /* (pairs) */
    int32_t *exponents; /* (count) */
};

/* exponents may be NULL; they are in range. On failure there is nothing to destroy. */
lfuse_status lfi_cka_sums_create(const struct lfi_env *env, int64_t count,
                                 const int32_t *exponents, struct lfi_cka_sums *s,
                                 lfuse_error *err);
void lfi_cka_sums_destroy(const struct lfi_env *env, struct lfi_cka_sums *s);
/* One batch, in cka_batch.c: outputs[i] has n >= 4 rows, the same for all. All or nothing, as is the next. */
lfuse_status lfi_cka_sums_accumulate(const struct lfi_env *env, struct lfi_cka_sums *s,
                                     const struct lfi_view *outputs, lfuse_error *err);
lfuse_status lfi_cka_sums_add(struct lfi_cka_sums *s, const double *sums, int64_t batches,
                              lfuse_error *err);
/* (count, count) of CKA; LFUSE_ERR_STATE or _DEGENERATE leave out alone. */
lfuse_status lfi_cka_sums_result(const struct lfi_cka_sums *s, double *out,
                                 lfuse_error *err);

/*
 * Products of panels, for metrics that need X'Y: sums of (steps, order) panels P'Q, in f64 of
 * f64 panels or, faster, in short f32 sums of f32 panels. order counts padding; what pads, up
 * to the pitch, is 0.
 */
enum { LFI_PANEL = 64 }; /* steps in a panel at most; products in one f32 sum */

struct lfi_products {
    const struct lfi_kernels *kernels;
    int64_t order; /* from lfi_products_order() */
    bool wide;     /* panels and products are f64 */
    float *strip;  /* scratch: (LFI_PANEL, order) */
};

int64_t lfi_products_order(int64_t order); /* with its padding */
int64_t
lfi_products_pitch(int64_t order); /* from row to row of a panel; of a padded order */
void lfi_products_clear(const struct lfi_products *products, double *sum);
/* sum (order, order) += P'Q. With p == q the same bits as with an equal q. */
void lfi_products_add(const struct lfi_products *products, const void *p, const void *q,
                      int64_t steps, double *sum);
double lfi_products_dot(const struct lfi_products *products, const double *x,
                        const double *y); /* the sum of x[i][j] * y[i][j] */

/* Counts the doubles of a scratch that it hands out; where base is NULL it only counts. */
struct lfi_arena {
    double *base;
    size_t used; /* doubles */
    bool fits;
};

void *lfi_arena_take(struct lfi_arena *arena, int64_t rows, int64_t columns);
/* The bytes that it handed out; false: they do not fit. */
bool lfi_arena_bytes(const struct lfi_arena *arena, size_t *bytes);

/* One item of a matrix: a layer with one weight or several. */
struct lfi_similarity_item {
    const char *name; /* of the layer, for messages */
    const struct lfi_view *weights;
    const char *const *weight_names; /* for messages where count > 1; or NULL */
    int64_t count;                   /* the same for all items, as are the shapes */
};

/*
 * out[i * count + j] for all pairs of items, of i to j: the mean over their weights; the
 * diagonal is 0 for a distance, 1 for a similarity. count 1 compares the item with itself. The
 * work is spread over env's threads; values do not depend on how many there are, nor does
 * which failure is reported: that of the first pair in row order that fails in the first
 * weight where one does. out is unspecified then. Pairs whose failure params.failed takes are
 * left in out as they were; so is the diagonal of an item of which every pair failed.
 */
lfuse_status lfi_similarity_matrix(const struct lfi_env *env,
                                   const struct lfi_similarity_item *items, int64_t count,
                                   const struct lfi_similarity_params *params,
                                   double *out, lfuse_error *err);

#endif
