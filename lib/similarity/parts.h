/*
 * parts.h - what the files of this module share; nobody else includes it, but for tests
 *
 * From what pairs and matrices are made of to the numbers under them: metrics, weights in
 * blocks, and the linear algebra of a block.
 */
#ifndef LFI_SIMILARITY_PARTS_H
#define LFI_SIMILARITY_PARTS_H

#include "similarity/similarity.h"

/* ---- metrics --------------------------------------------------------------------------- */

extern const struct lfi_metric lfi_metric_euclidean;
extern const struct lfi_metric lfi_metric_cosine;
extern const struct lfi_metric lfi_metric_covariance;
extern const struct lfi_metric lfi_metric_linear_cka;
extern const struct lfi_metric lfi_metric_procrustes;
extern const struct lfi_metric lfi_metric_wasserstein_gaussian;
extern const struct lfi_metric lfi_metric_kl;
extern const struct lfi_metric lfi_metric_js;
extern const struct lfi_metric lfi_metric_rbf_cka;
extern const struct lfi_metric lfi_metric_debiased_cka;
extern const struct lfi_metric lfi_metric_wasserstein_assignment;
extern const struct lfi_metric lfi_metric_wasserstein_centroid;
extern const struct lfi_metric lfi_metric_wasserstein_sliced;
extern const struct lfi_metric lfi_metric_sinkhorn;
/* 4 of them: [is_similarity + 2 * is_symmetric]. */
extern const struct lfi_metric lfi_metric_custom[];

/* LFUSE_ERR_NOT_FINITE naming the first such element of a, or of c; else LFUSE_OK. */
lfuse_status lfi_comparison_check_finite(const struct lfi_comparison *pair,
                                         lfuse_error *err);

/* The same for one view. */
lfuse_status lfi_similarity_check_finite(const struct lfi_view *view, const char *name,
                                         lfuse_error *err);

/*
 * Weights of sizes that the metric cannot compare are refused, or copied as params.unequal
 * says. scratch holds `copies` bytes of those, then what the metric needs: `bytes` in all.
 */
bool lfi_sizes_scratch(const struct lfi_comparison *pair, size_t *copies, size_t *bytes);
lfuse_status lfi_sizes_reduce(struct lfi_comparison *pair, void *copies,
                              lfuse_error *err);
lfuse_status lfi_sizes_compare(const struct lfi_env *env,
                               const struct lfi_comparison *pair, size_t copies,
                               void *scratch, double *out, lfuse_error *err);

/* ---- many pairs at once ---------------------------------------------------------------- */

/* One of the weights of a matrix. */
struct lfi_weight {
    struct lfi_view view;
    struct lfi_similarity_params params;
};

/*
 * Numbers by which a metric compares weights: its value is the mean over blocks of the cosine
 * of their features. They are taken once per weight, not once per pair.
 */
struct lfi_features {
    bool wide;     /* values are f64, else f32 */
    void *values;  /* (count), block by block, each of norm 1 where there are several */
    uint8_t *good; /* (blocks): 0 leaves a block out of every mean; its values are 0 */
};

struct lfi_features_size {
    int64_t count;
    int64_t blocks;
    size_t scratch;
};

struct lfi_feature_metric {
    /* false: they do not fit, or are so many that pairs one by one are cheaper. */
    bool (*size)(const struct lfi_weight *weight, struct lfi_features_size *size);
    /*
     * *usable is false where there are none (rows that are all equal, numbers that are not
     * finite or out of f32's range): compare knows what to make of that. scratch is as
     * compare's; env's threads may be used.
     */
    lfuse_status (*extract)(const struct lfi_env *env, const struct lfi_weight *weight,
                            void *scratch, struct lfi_features *features, bool *usable,
                            lfuse_error *err);
};

struct lfi_block;
struct lfi_centred;

/* What is at hand where factors are made or compared: in tasks, so nothing is allocated. */
struct lfi_factor_work {
    const struct lfi_kernels *kernels;
    const struct lfi_similarity_params *params;
    double *scratch;
};

/*
 * Metrics that are the mean over blocks of what two factors give, one of each side's block: a
 * factor is made once per weight, not once per pair. One comparison makes both and compares
 * them (factors.c), so that its value is the same to the bit.
 */
struct lfi_factor_metric {
    const char *value; /* "distance": what messages call it */
    bool whole;        /* the whole matrix is one block, and is not centred */
    /* What a factor takes; and what extract and compare need besides. */
    void (*lay_out)(const struct lfi_block *b, struct lfi_arena *factor,
                    struct lfi_arena *scratch);
    /* Of a side that is not constant, in a block of that size; false: singular. */
    bool (*extract)(const struct lfi_factor_work *work, const struct lfi_centred *side,
                    const struct lfi_block *b, void *factor);
    bool (*compare)(const struct lfi_factor_work *work, const struct lfi_block *b,
                    const void *a, const void *c, double *value);
};

/* Metrics of single elements: sums over all pairs are taken in one pass over the data. */
struct lfi_element_metric {
    bool differences; /* ac is the sum of (a - c)^2, else that of a c */
    double (*value)(double aa, double cc, double ac);
};

/*
 * For i < rows, max(i, first) <= j < count: sums[i * count + j] is that of the elements'
 * products x_i x_j, or of (x_i - x_j)^2. Elsewhere sums are unspecified, or 0.
 */
struct lfi_pair_sums {
    const struct lfi_view *views; /* (count), of as many elements each */
    int64_t count;
    int64_t rows;
    int64_t first;
    bool differences;
    double *sums; /* (rows, count) */
    lfuse_status (*tell)(void *user, double share,
                         lfuse_error *err); /* of it that is done */
    void *user;
};

enum { LFI_PAIR_CHUNK = 2048 }; /* elements that are summed at a time */
lfuse_status lfi_pair_sums(const struct lfi_env *env, const struct lfi_pair_sums *p,
                           lfuse_error *err);

/* ---- blocks ---------------------------------------------------------------------------- */

/* Where a block lies in the (rows, columns) matrix that a view is. */
struct lfi_block {
    int64_t row;
    int64_t rows;
    int64_t column;
    int64_t columns;
};

/* The parts that a direction of this length is cut into, and the block at a place among them. */
int64_t lfi_block_parts(int64_t length, int64_t block);
struct lfi_block lfi_block_at(const struct lfi_block *whole, int64_t down, int64_t across,
                              int64_t i, int64_t j);
/* The blocks of a weight; index is in [0, down * across), row by row. */
struct lfi_grid {
    struct lfi_block whole;
    int64_t down;
    int64_t across;
};

struct lfi_grid lfi_grid_of(const struct lfi_weight *weight);
struct lfi_block lfi_grid_block(const struct lfi_grid *g, int64_t index);
/* All of a view; as much as the larger of the two has; the largest block that a pair is cut into. */
struct lfi_block lfi_block_whole(const struct lfi_view *view);
struct lfi_block lfi_block_of_pair(const struct lfi_comparison *pair);
struct lfi_block lfi_block_largest(const struct lfi_comparison *pair);

/* One of the two in a block: (x * prescale - origin - mean) * scale is its centred value. */
struct lfi_centred {
    const struct lfi_view *view;
    struct lfi_block part; /* of the view */
    double *origin;        /* (columns): the first row */
    double *mean;          /* (columns): of the distances from it */
    double prescale;
    double scale;  /* a power of two, as is prescale: centred values are about 1 */
    bool constant; /* all rows are equal */
};

void lfi_centred_lay_out(struct lfi_centred *side, const struct lfi_block *largest,
                         struct lfi_arena *arena);
/* Finds the means and scales of a part; line is (columns) of scratch. Data is finite. */
void lfi_centred_prepare(struct lfi_centred *side, const struct lfi_block *part,
                         double *line);
/* The same with means of 0: `constant` says that all is 0. */
void lfi_centred_prepare_plain(struct lfi_centred *side, const struct lfi_block *part,
                               double *line);
/* Centred values are 2^this of the data's. */
int lfi_centred_exponent(const struct lfi_centred *side);
/* Centred values of a row of the part, from column on; beyond the part they are 0. */
void lfi_centred_read(const struct lfi_centred *side, int64_t row, int64_t column,
                      int64_t count, double *line);

/* LFUSE_ERR_DEGENERATE where all rows of a side of the whole matrix are equal. */
lfuse_status lfi_centred_check(const struct lfi_centred *a, const struct lfi_centred *c,
                               const struct lfi_comparison *pair, lfuse_error *err);

/*
 * Products of two centred blocks: X'X over rows, or X X' over columns. The caller sets gram and
 * crossed, lays out, then sets products.kernels and products.wide and the views.
 */
struct lfi_moments {
    struct lfi_products products; /* order: of the block at hand */
    struct lfi_centred a;
    struct lfi_centred c;
    bool gram;    /* X X' in place of X'X */
    bool crossed; /* ac is wanted, too */
    bool single;  /* aa alone is: there is no c */
    double *line; /* (columns) */
    double *aa;   /* (order, order) */
    double *cc;
    double *ac;    /* or NULL */
    void *a_panel; /* (LFI_PANEL, pitch) of the type of the products */
    void *c_panel;
};

void lfi_moments_lay_out(struct lfi_moments *m, const struct lfi_block *largest,
                         struct lfi_arena *arena);
/* The bytes of its scratch alone; false: they do not fit. */
bool lfi_moments_scratch(struct lfi_moments *m, const struct lfi_block *largest,
                         size_t *bytes);
void lfi_moments_multiply(struct lfi_moments *m, const struct lfi_block *b);
/* All of it for a pair as one block, in f64; LFUSE_ERR_DEGENERATE as lfi_centred_check(). */
lfuse_status lfi_moments_measure(const struct lfi_env *env,
                                 const struct lfi_comparison *pair,
                                 const struct lfi_block *whole, struct lfi_moments *m,
                                 lfuse_error *err);

/*
 * Where one has fewer rows or columns than the other it is cut into as many parts, and is 0
 * beyond its own. The mean of what `measure` finds in each block where neither is constant;
 * LFUSE_ERR_DEGENERATE where there is none. Sides are prepared for each; the first failure of
 * measure ends it.
 */
typedef lfuse_status (*lfi_block_measure)(void *work, const struct lfi_block *b,
                                          double *value, lfuse_error *err);
lfuse_status lfi_blocks_mean(const struct lfi_comparison *pair, struct lfi_centred *a,
                             struct lfi_centred *c, double *line,
                             lfi_block_measure measure, void *work, double *out,
                             lfuse_error *err);

/* ---- vectors and norms ----------------------------------------------------------------- */

/* Dense vectors of n. */
double lfi_vectors_dot(const double *x, const double *y, int64_t n);
double lfi_vectors_square_distance(const double *x, const double *y, int64_t n);
void lfi_vectors_subtract(double *y, double scale, const double *x, int64_t n);
/* The same of four, in their order: y is read and written once. */
void lfi_vectors_subtract_4(double *y, const double *scale, const double *const *x,
                            int64_t n);
/* x[i] = exp(x[i]), within 2^-51 of it, with x[i] cut to [-700, 700]. */
void lfi_vectors_exp(double *x, int64_t n);
bool lfi_vectors_equal(const double *x, const double *y, int64_t n);

/* |P Q'|_*, the nuclear norm, of P, Q (k, l); m is (k + 4, k) of scratch. */
double lfi_nuclear_norm(const double *p, const double *q, int64_t k, int64_t l,
                        double *m);
/* P' = U R of P (k, l), k <= l, with R (k, k) upper triangular; P is overwritten. */
void lfi_nuclear_triangle(double *p, int64_t k, int64_t l, double *r);

/*
 * |A|_F^2 + |C|_F^2 - 2 |A C'|_*, or of A'C where not `rows`: what a factor has of A, which is
 * centred values of a block, and how two are compared. The result is 2^(2 *exponent) of the data's,
 * and 0 where the factors are equal.
 */
struct lfi_residual {
    double square;
    int exponent;
    double x[];
};

void lfi_residual_lay_out(const struct lfi_block *b, bool rows, struct lfi_arena *factor,
                          struct lfi_arena *scratch);
/* Of fewer rows than the block's: A is scaled so that A'A / rows is the side's covariance. */
void lfi_residual_extract(const struct lfi_factor_work *work,
                          const struct lfi_centred *side, const struct lfi_block *b,
                          bool rows, struct lfi_residual *r);
double lfi_residual_compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                            bool rows, const struct lfi_residual *a,
                            const struct lfi_residual *c, int *exponent);

/* ---- kernels of the rows, features ----------------------------------------------------- */

/* K (n, n), symmetric, becomes H K H; sums is (n) of scratch. */
void lfi_gram_center(double *k, int64_t n, double *sums);
/* The same for the unbiased HSIC: K has 0 on its diagonal, before and after; n >= 4. */
void lfi_gram_debias(double *k, int64_t n, double *sums);
/*
 * Leaves the first n rows and columns of K, whose rows are `stride` apart, dense and debiased.
 * false: what was left is no more than `noise` of the norm of K, so it might have been rounding
 * alone, as where rows are equally far from each other, and K is 0.
 */
bool lfi_gram_debias_rows(double *k, int64_t n, int64_t stride, double noise,
                          double *sums);
double lfi_gram_alignment(const double *k, const double *l, int64_t n); /* a cosine */

/*
 * K = X X' (rows, rows) of the rows, about centred, times a power of two. Only the lower
 * triangle is good. *usable is false where there is none, as for features; where it is true,
 * numbers that are not finite may still be in K, which the caller checks.
 */
bool lfi_centred_gram_scratch(const struct lfi_weight *weight, size_t *bytes);
lfuse_status lfi_centred_gram(const struct lfi_env *env, const struct lfi_weight *weight,
                              void *scratch, double *k, bool *usable, lfuse_error *err);

/* A row of a symmetric matrix, up to the diagonal: what is off it times sqrt 2. */
void lfi_features_put_row(struct lfi_features *features, int64_t *at, const double *row,
                          int64_t i, double scale);
/* More features than these are not worth it: pairs are cheaper one by one. */
bool lfi_features_pay(const struct lfi_weight *weight, int64_t count);

/* Features whose cosine is the alignment of centred, or debiased, K of two weights. */
bool lfi_gram_features_size(const struct lfi_weight *weight,
                            struct lfi_features_size *size);
/* What becomes of K (n, n), of its lower triangle, before it is centred; sums is (n). */
typedef bool (*lfi_gram_change)(const struct lfi_weight *weight, double *k, double *sums);
lfuse_status lfi_gram_features(const struct lfi_env *env, const struct lfi_weight *weight,
                               void *scratch, lfi_gram_change change, bool debiased,
                               struct lfi_features *features, bool *usable,
                               lfuse_error *err);

/* Lower triangles are packed, row by row. */
int64_t lfi_triangle(int64_t d); /* its elements */
double *lfi_triangle_take(struct lfi_arena *arena, int64_t d);
/* S = L L', in place; false: S (d, d) is singular, or not positive. */
bool lfi_cholesky_factor(double *s, int64_t d);
double lfi_cholesky_log_det(const double *l, int64_t d); /* of L L' */
/* M = L^-1 M, both lower triangular. */
void lfi_cholesky_solve(const double *l, double *m, int64_t d);

#define LFI_LN_2 0.69314718055994530942

/* The Gaussian of a block. */
struct lfi_gaussian {
    double log_det; /* of s as it is here */
    int exponent;   /* s is 2^(2 exponent) of the data's covariance */
    double s[];     /* lower triangle: the covariance, ridged, or its factor */
};

void lfi_gaussian_lay_out(const struct lfi_block *b, struct lfi_arena *factor,
                          struct lfi_arena *scratch);
/* Its s and exponent; *triangle is scratch of that size. false: s is singular. */
bool lfi_gaussian_extract(const struct lfi_factor_work *work,
                          const struct lfi_centred *side, const struct lfi_block *b,
                          struct lfi_gaussian *g, double **triangle);

/* One comparison by a metric of factors, as lfi_metric has it. */
bool lfi_factors_pair_scratch(const struct lfi_comparison *pair, size_t *bytes);
lfuse_status lfi_factors_pair_compare(const struct lfi_env *env,
                                      const struct lfi_comparison *pair, void *memory,
                                      double *out, lfuse_error *err);

/* The factors of all blocks of a weight: their bytes, and those of the scratch for the next two. */
bool lfi_factors_size(const struct lfi_weight *weight, size_t *bytes, size_t *scratch);
/* false: there are none, or compare would fail; it knows why. */
bool lfi_factors_extract(const struct lfi_env *env, const struct lfi_weight *weight,
                         void *scratch, void *factors);
/* Of two weights of the size and the params of this one: false as above. */
bool lfi_factors_compare(const struct lfi_env *env, const struct lfi_weight *like,
                         const void *a, const void *c, void *scratch, double *value);

#endif
