/*
 * similarity.h - how alike two weights are
 *
 * A weight is seen as a matrix: its rows are the output units (output_axis), its columns all
 * the rest, in their order. Values are f64, and f64 data is f64 throughout. So is narrower data
 * of a single comparison; but where speed asks for it, it is multiplied in f32 in short sums,
 * which are added in f64. With u = 2^-24, and of the same sum over absolute values, such a sum
 * is off by at most
 *
 *      66 u    an entry of S of covariance: over at most 64 rows
 *     130 u    euclidean and cosine of a matrix of layers: over at most 128 elements
 *     516 u    CKA of a matrix: entries of A A' over at most 512 columns; A A' itself, like S,
 *              is then rounded to f32, and its products summed over at most 128 entries
 *
 * Errors of either sign cancel: values of large layers are off by some 1e-8. Where they do not,
 * as where one row is far from all others, pairs are compared in f64.
 *
 *   euclidean   |vec A - vec C|                                       distance
 *   cosine      vec A . vec C / (|A| |C|)                             similarity in [-1, 1]
 *   covariance  tr(Sa Sc) / (|Sa|_F |Sc|_F), block by block           similarity in [0, 1]
 *   linear_cka  |C'A|_F^2 / (|A'A|_F |C'C|_F), columns centred        similarity in [0, 1]
 *   rbf_cka     the same of K_ij = exp(-|a_i - a_j|^2 / (2 s^2))      similarity in [0, 1]
 *   debiased_cka
 *               linear_cka by the unbiased HSIC                       similarity in [-1, 1]
 *   procrustes  min |A Q - C|_F over orthogonal Q                     distance
 *   wasserstein_gaussian
 *               (|ma - mc|^2 + tr Sa + tr Sc - 2 tr (Sa^1/2 Sc Sa^1/2)^1/2)^1/2,
 *               block by block                                        distance
 *   wasserstein_assignment
 *               (min mean_i |a_i - c_pi(i)|^p)^(1/p), pi one-to-one   distance
 *   wasserstein_centroid
 *               the same of a few centroids, by their rows            distance
 *   wasserstein_sliced
 *               (mean_k W_p(A z_k, C z_k)^p)^(1/p), |z_k| = 1 at random   distance
 *   sinkhorn    OT(A, C) - (OT(A, A) + OT(C, C)) / 2, of squared distances
 *               of the rows with an entropy term                      distance
 *   kl          (tr(Sc^-1 Sa) - ln(det Sa / det Sc) - d) / 2,
 *               block by block, in nats; a to c is not c to a         distance
 *   js          (kl(a to m) + kl(c to m)) / 2, Sm = (Sa + Sc) / 2,
 *               block by block, in nats                               distance
 *
 * Covariance, kl, js and wasserstein_gaussian are O'Neill et al. 2021, eq. 2, eq. 3 with the -d
 * that its print omits, gamma of eq. 6 with a Gaussian for the mixture, and eq. 5 with its root
 * taken. m and S are mean and covariance of a block's columns over its rows, the covariance
 * centred, divided by n. As in eq. 7, each direction of length d is cut into ceil(d / block)
 * near-equal parts, the first d mod parts of them one longer; blocks at the same place are
 * compared and the results averaged. A block where all rows of one side are equal (such as a
 * single row) has no direction: it is left out of the average.
 *
 * For kl and js a covariance S of d columns is S + ridge tr(S) / d I, because rows are fewer
 * than columns in most layers, and S is singular then; the means play no part.
 *
 * CKA (Kornblith et al. 2019, sec. 3) takes rows as the samples, of the whole matrix: neither
 * shifts of a row common to all, nor scales, nor rotations of the columns change it.
 * linear_cka is that of the kernels A A' and C C'; that of rbf_cka has s^2 = bandwidth^2 times
 * the median of the squared distances of all n^2 pairs of rows. debiased_cka (Song et al. 2007)
 * needs four rows; linear_cka of unrelated ones is above 0, the more so the fewer they are.
 *
 * Procrustes is of the whole matrix, not centred. It and wasserstein_gaussian come out of a
 * difference of squares: below about 2^-24 of |A|_F and |C|_F, or of the standard deviations,
 * they are rounding, unless A is C.
 *
 * The transport metrics take rows as points of equal weight, of the whole matrix, not centred;
 * p is exponent. With the flag SOFTMAX_ROWS each row x is exp(x) / sum exp(x) first. Weights
 * that are all zero are refused.
 *
 * wasserstein_assignment is O'Neill et al. 2021, eq. 4, with the mean for its sum, exact; where
 * the row counts differ, each row of the smaller has one of the larger, and n is the smaller.
 * Of data narrower than f64 the squares that are weighed against each other may be off by
 * 2^-13 of them, most by 2^-22; the value is that of the pairs chosen, in f64.
 *
 * wasserstein_centroid (O'Neill et al. 2021, sec. 3) is the exact distance of two weighted
 * clouds: the centroids of the rows of each by k-means, as many as `centroids` or the rows, each
 * with its share of the rows. k-means starts at rows drawn by seed (k-means++), the same ones
 * for equal inputs; another order of the rows may start elsewhere, as another seed does. The
 * more centroids, the nearer it comes to the distance of all rows.
 *
 * wasserstein_sliced (Rabin et al. 2011) is the exact distance of the rows seen along each of
 * `projections` directions drawn by seed, of any numbers of rows. As an estimate of the mean over
 * all directions it is off by some 1 / sqrt(projections); the same seed has the same directions.
 * Products of data narrower than f64 are f32, in sums of 128: what is left of differences below
 * 2^-20 of the rows' length, as where a large vector is common to all, is rounding.
 *
 * sinkhorn is the divergence of Feydy et al. 2019, about the square of a distance: OT(A, C) is
 * the least sum pi_ij |a_i - c_j|^2 + eps sum pi_ij ln(n m pi_ij) where the n rows of pi have
 * 1 / n, the m columns 1 / m, and eps is regularisation (at most 1e6) times the mean of the
 * |a_i - c_j|^2 of A and C. Each OT is the value of the dual after `iterations`, fewer once the
 * rows of pi are off by 1e-9 in all. Where they are not enough, as with little regularisation,
 * it is less than OT, and slightly another value where A and C change places. What is left of
 * differences below 2^-20 of that mean, for f64 data 2^-40, is rounding; it is never below 0.
 *
 * custom is options.custom's: a callback that compares two matrices of any sizes and types, and
 * may call the library. It is called on the calling thread, for one pair after the other, also
 * where there are many. It says how far apart they are, and again for the other direction,
 * unless flags call it a similarity, or symmetric. Where its views need more than two strides,
 * or elements are not aligned to their size, it gets a copy.
 *
 * Sizes: euclidean and cosine need equal shapes. CKA and procrustes need equal numbers of
 * rows: what has fewer columns counts as 0 in the others. The rest needs equal numbers of
 * columns; where blocks are cut, fewer rows are cut into as many parts as more are. Other sizes
 * are refused, unless options.unequal says how to make them agree (O'Neill et al. 2021, sec.
 * 3.1 and app. A): of rows, then of columns, the larger keeps as many as the other has, in
 * their order. subsample draws them by the seed, the same ones for the same sizes;
 * drop_smallest keeps those of the largest norm.
 *
 * What changes no value, but for rounding, of each weight or of both alike: other orders of
 * rows, or of columns; turns, which are rotations and reflections of the columns; positive
 * factors; shifts, a vector added to all rows. Where blocks are cut, orders and turns are those
 * within a block; with SOFTMAX_ROWS orders alone are meant.
 *
 *                            rows    columns  turns   factors  shifts
 *   euclidean                both    both     both    -        both
 *   cosine                   both    both     both    each     -
 *   covariance               each    both     both    each     each
 *   kl, js                   each    both     both    both     each
 *   linear_cka, rbf_cka, debiased_cka
 *                            both    each     each    each     each
 *   procrustes               both    each     each    -        -
 *   wasserstein_gaussian, wasserstein_assignment, sinkhorn
 *                            each    both     both    -        both
 *   wasserstein_centroid     -       both     both    -        both
 *   wasserstein_sliced       each    -        -       -        both
 *
 * Where a factor of both changes the value, the value has that factor; sinkhorn's its square.
 *
 * A distance of equal inputs is exactly 0, a similarity of equal inputs 1 within 1e-12; of custom
 * the callback decides.
 */
#ifndef LAYERFUSE_SIMILARITY_H
#define LAYERFUSE_SIMILARITY_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

enum { LFUSE_BLOCK_WHOLE = -1 }; /* block: the whole matrix as one */

/* Flags of lfuse_similarity_options. */
enum {
    LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS =
        1, /* rows of weights become exp(x) / sum exp(x) */
    LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY = 2, /* custom is greater where more alike */
    LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC = 4 /* custom of b and a is that of a and b */
};

typedef struct lfuse_similarity_options {
    size_t struct_size;  /* set by lfuse_similarity_options_init(&o, sizeof(o)) */
    int64_t block;       /* longest side of a block; 0 means 128 */
    lfuse_metric metric; /* 0 means euclidean */
    int32_t output_axis; /* of lfuse_similarity()'s tensors; layers carry their own */
    double ridge;        /* of kl and js, see above; 0 means 1e-3; negative: none */
    double bandwidth;    /* of rbf_cka, in median distances; 0 means 0.5 */
    double exponent; /* p of wasserstein_assignment, _centroid and _sliced; 0 means 2 */
    double regularisation; /* of sinkhorn; 0 means 0.05 */
    int64_t projections;   /* of wasserstein_sliced; 0 means 128 */
    int64_t centroids;     /* of wasserstein_centroid; 0 means 16 */
    int64_t iterations;    /* of sinkhorn; 0 means 100 */
    uint64_t seed;         /* of what is drawn at random; 0 means the context's */
    size_t max_bytes;      /* of a matrix, for what it keeps of layers; 0 means 1 GiB */
    uint32_t flags;        /* LFUSE_SIMILARITY_FLAG_* or 0 */
    lfuse_unequal unequal; /* sizes; 0 means refuse */
    lfuse_metric_custom custom; /* the metric custom */
    void *custom_user;
    lfuse_similarity_failed failed; /* of a matrix; NULL: the first failure ends it */
    void *failed_user;
    lfuse_gather gather; /* of a matrix whose work ranks share; NULL: one does all */
    void *gather_user;
    int32_t rank;  /* of this caller, in [0, ranks) */
    int32_t ranks; /* 0 means 1 */
} lfuse_similarity_options;

typedef struct lfuse_metric_properties {
    size_t struct_size;          /* set by lfuse_metric_properties_init(&p, sizeof(p)) */
    const char *name;            /* such as "euclidean" */
    const char *cost;            /* time of one comparison, such as "n p" */
    int32_t is_distance;         /* 1: smaller is more alike; 0: greater is */
    int32_t is_symmetric;        /* 1: the order of the two does not matter */
    int32_t needs_equal_rows;    /* 1: the numbers of output units must agree */
    int32_t needs_equal_columns; /* 1: the numbers of inputs of a unit must agree */
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
 * lfuse_metric_info() - what a metric is; custom: what it is without flags
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
 * Shapes:  of sizes as above; rank >= 1; any dtype, which may differ.
 * Result:  *out under options->metric; options NULL means all defaults.
 * Owner:   a and b are borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, an unknown metric or flag, block < -1, a number that is
 *                                 not finite, bandwidth, regularisation, projections, centroids
 *                                 or iterations < 0, exponent < 1, output_axis outside the
 *                                 rank, or the metric custom without its callback
 *          LFUSE_ERR_SHAPE        the metric needs sizes that differ, and unequal is refuse
 *          LFUSE_ERR_NOT_FINITE   NaN or infinity in a or b: says where; or a distance that
 *                                 is beyond f64; or custom gave such a number, or none
 *          LFUSE_ERR_CALLBACK     custom returned other than 0, which is in err->detail; or,
 *                                 wasserstein_sliced, the context's executor did
 *          LFUSE_ERR_DEGENERATE   cosine, procrustes, transport: a or b is all zero; CKA: all
 *                                 rows of a, or of b, are equal; covariance, kl, js,
 *                                 wasserstein_gaussian: they are in every block; kl, js without
 *                                 a ridge: a covariance is singular; rbf_cka: the median
 *                                 distance of rows is 0, or the bandwidth so large that all
 *                                 are alike; debiased_cka: fewer than four rows, or all of
 *                                 them equally far from each other
 *          LFUSE_ERR_NO_MEMORY    the scratch was refused
 *          LFUSE_ERR_OVERFLOW     the size of the scratch does not fit
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know
 *          On failure *out is untouched.
 * Cost:    euclidean and cosine O(n p); covariance O(n p block) time, O(block^2) memory,
 *          with block -1 O(n p min(n, p)) and O(p + min(n, p)^2), as linear_cka always;
 *          procrustes the same, some 10 * min(n, p)^3 and O(n p) memory; wasserstein_gaussian
 *          as procrustes, in each block; kl and js O(n p block + p^2 block) time, O(block^2)
 *          memory; rbf_cka and debiased_cka O(n^2 p) time, O(n p + n^2) memory;
 *          wasserstein_assignment O(n^2 p + n^3) time, sinkhorn O(n^2 (p + iterations)), both
 *          O(n^2 + n + p) memory; wasserstein_sliced O(n p projections) time, O((n + p)
 *          projections) memory, over the context's threads; wasserstein_centroid some
 *          O(n p centroids) time, 50 times at most, and O((n + p) centroids) memory.
 * Threads: concurrent calls may share everything.
 * Source:  O'Neill et al. 2021, sec. 3. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_similarity(lfuse_context *ctx, const lfuse_tensor *a,
                                        const lfuse_tensor *b,
                                        const lfuse_similarity_options *options,
                                        double *out, lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_similarity_assignment() - which row of b each row of a is matched with
 *
 * Shapes:  as lfuse_similarity(); assignment is (rows of a).
 * Result:  row i of a is matched with row assignment[i] of b; -1 where a has more rows than b
 *          and row i has none. No row of b appears twice. *out is the value of
 *          lfuse_similarity(). Of equal a and b it is 0, 1, 2, ...
 * Owner:   tensors are borrowed for the call.
 * Errors:  as lfuse_similarity(); and
 *          LFUSE_ERR_ARGUMENT  a NULL, or options->metric is neither 0 nor wasserstein_assignment
 *          On failure *out is untouched, and assignment unspecified.
 * Cost:    that of wasserstein_assignment.
 * Threads: concurrent calls may share everything but the outputs.
 * Source:  O'Neill et al. 2021, eq. 4; Jonker & Volgenant 1987. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_similarity_assignment(
    lfuse_context *ctx, const lfuse_tensor *a, const lfuse_tensor *b,
    const lfuse_similarity_options *options, int64_t *assignment, double *out,
    lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_similarity_matrix() - all pairs of `count` layers of one param type
 *
 * Shapes:  out is (count, count), row-major: out[i * count + j] compares layer i to layer j.
 *          All layers have weights of the same names, of sizes as above.
 * Result:  layers with several weights: the mean of the values of their weights. Where the
 *          metric is not symmetric, out is not, either. The diagonal is 0 for a distance and 1
 *          for a similarity; a single layer is compared with itself for its errors. Parameters
 *          of other roles are ignored, as is options->output_axis. Progress is told as
 *          "similarity", in pairs.
 *          With options->failed each pair that fails is told to it, in row order, on the calling
 *          thread. Where it returns 0 the others are still compared, and what failed is left in
 *          out as the caller set it, as is the diagonal of a layer of which every pair failed.
 *          Otherwise the failure that is returned is that of the first pair in row order of the
 *          first weight where one fails.
 *          With options->ranks each rank calls this with the same layers and options but its rank, and
 *          all get the same out, to the bit as one would. Features, factors and single comparisons are
 *          shared out; euclidean and cosine, one pass, are not. The failure of one is
 *          LFUSE_ERR_CALLBACK of the others.
 * Owner:   layers are borrowed for the call.
 * Errors:  as lfuse_similarity(), naming the layer; and
 *          LFUSE_ERR_ARGUMENT   count < 1, a NULL layer, or a layer without weights
 *          LFUSE_ERR_NAME       the param types, or the names of the weights, differ
 *          LFUSE_ERR_CANCELLED  the progress callback said stop
 *          LFUSE_ERR_CALLBACK   the context's executor refused; or custom did, which ends it; or
 *                               gather did
 *          LFUSE_ERR_UNSUPPORTED  failed and ranks
 *          On failure out is unspecified.
 * Cost:    euclidean and cosine read all weights once. CKA and covariance reduce each weight
 *          once, to n^2 / 2 and to p block / 2 numbers, which are compared in one pass. kl and
 *          js factor each weight once, which leaves some n p block / 6 products per pair and way;
 *          wasserstein_gaussian and procrustes read each once, and a pair is singular values.
 *          The numbers of all layers are kept, or of as many as max_bytes has room for, but
 *          two; where they are not all, they are made again, by count / (layers kept / 2) times
 *          at most. Where they would be more than two weights hold (factors: than max_bytes has
 *          room for, or too few of them for all threads), and for the other metrics,
 *          count * (count - 1) / 2 single comparisons, twice that where the metric is not
 *          symmetric. All over the context's threads, of which no more work than have room in
 *          max_bytes for what they need.
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
