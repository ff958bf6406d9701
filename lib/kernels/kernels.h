/*
 * kernels.h - numeric kernels: forward, backward and updates, on raw f32 pointers
 *
 * Drivers (lfi_conv2d_*, lfi_batch_norm_*, ...) cut work into tasks by shape, allocate scratch
 * per slot, and call the innermost loops through the table of the context's instruction set.
 * They trust their arguments: src/ has checked them. <op>_scalar.c is the definition of
 * right; <op>_avx2.c and <op>_avx512.c hold one table entry per kernel, and an entry that an
 * instruction set lacks is the one below it. No byte outside the operands is touched.
 *
 * Promised: the same bits for any number of threads; outputs untouched unless LFUSE_OK.
 */
#ifndef LFI_KERNELS_H
#define LFI_KERNELS_H

#include "base/base.h"

/* ---- the innermost loops --------------------------------------------------------------- */

/*
 * C[i][j] (+)= sum over taps t, steps k of A[i * a_row + k * a_step + a_tap[t]] *
 *                                         B[k * b_step + j + b_tap[t]]
 *
 * One GEMM micro-kernel for everything: a plain product has one tap; a convolution has one
 * per kernel row or kernel element, so that no im2col is ever written; a weight gradient has
 * one per image row. Offsets count elements. Rows of B and C are contiguous.
 */
struct lfi_gemm_tile {
    const float *a;
    const float *b;
    float *c;
    const int64_t *a_tap; /* (taps) */
    const int64_t *b_tap; /* (taps) */
    int64_t taps;
    int64_t steps; /* k runs over [0, steps) for every tap */
    int64_t rows;  /* of C */
    int64_t cols;  /* of C */
    int64_t a_row;
    int64_t a_step;
    int64_t b_step;
    int64_t c_row;
    bool accumulate; /* C is read and added to */
};

/*
 * For all i < rows, j < cols: sums[i * sums_row + j] += the sum over k < count of
 * a[i][k] * b[j][k], or of (a[i][k] - b[j][k])^2. In f32 over at most LFI_PAIRS_CHAIN elements,
 * such sums in f64.
 */
enum { LFI_PAIRS_CHAIN = 128 };

struct lfi_pairs_tile {
    const float *const *a; /* (rows) */
    const float *const *b; /* (cols) */
    double *sums;
    int64_t rows;
    int64_t cols;
    int64_t sums_row;
    int64_t count;
    bool differences;
};

/*
 * A matrix that batch norm walks over, and numbers for each of its columns. Row i, column j
 * is element i * step + j of x, residual, dy, mask, out and dresidual. With d = x - center and
 * g = mask == NULL || mask > 0 ? dy : 0:
 *
 *     moments        sum += d,  product += d * d         over the rows, in f32
 *     apply          out = act(d * factor + offset + residual)
 *     gradient_sums  sum += g,  product += g * d         over the rows, in f32
 *     gradient       out = g * factor + (d * slope + offset),  dresidual = g
 */
struct lfi_batch_norm_tile {
    const float *x;
    const float *residual; /* or NULL */
    const float *dy;
    const float *mask; /* y, or NULL */
    float *out;        /* may be x or dy */
    float *dresidual;  /* or NULL */
    int64_t rows;
    int64_t width;
    int64_t step;
    const float *center; /* from here on (width) */
    const float *factor;
    const float *offset;
    const float *slope;
    float *sum;
    float *product;
    bool relu;
};

/*
 * Rows that are each normalised on their own; row i of every tensor is at i * width. With
 * s = x + residual, m = mean(s) if centered, else 0, and g = dy * gamma:
 *
 *     layer_norm      sum = s where there is a residual
 *                     y = (s - m) * inv_std * gamma + beta,  inv_std = 1 / sqrt(mean((s - m)^2)
 *                                                                               + epsilon)
 *     layer_norm_gradient, x being s, with h = (x - m) * inv_std
 *                     dx = inv_std * (g - (mean(g) if centered) - h * mean(g * h)) + dsum
 *                     dgamma += dy * h,  dbeta += dy      over the rows, in f32
 */
struct lfi_layer_norm_tile {
    const float *x;
    const float *residual; /* or NULL */
    const float *gamma;    /* (width) */
    const float *beta;     /* (width), or NULL */
    const float *dy;
    const float *dsum; /* or NULL */
    float *sum;
    float *y;       /* may be x */
    float *dx;      /* may be dy or dsum */
    float *dgamma;  /* (width), or NULL */
    float *dbeta;   /* (width), or NULL */
    float *mean;    /* (rows), or NULL; layer_norm writes it if centered */
    float *inv_std; /* (rows), or NULL in layer_norm */
    int64_t rows;
    int64_t width;
    double epsilon;
    bool centered;
};

/*
 * A pooling window: rows x cols pixels, each of `width` channels side by side, at element
 * r * row_step + c * step of x and dx. y and dy hold one pixel.
 *
 *     average            y = sum over the window / its pixels, in row order
 *     max                y = x at the first pixel that no other exceeds; NaN exceeds numbers
 *     average_gradient   dx += dy / pixels at each pixel
 *     max_gradient       dx += dy at the pixel that max picks
 */
struct lfi_pool_tile {
    const float *x;
    const float *dy;
    float *y;
    float *dx;
    int64_t rows;
    int64_t cols;
    int64_t row_step;
    int64_t step;
    int64_t width;
};

/*
 * Products channel by channel, of `lines` lines of `rows` pixels of `width` channels side by side:
 *
 *     products   y[j] (+)= sum over taps t of x[x_tap[t] + j] * w[w_tap[t] + j], at each pixel
 *     sums       dw[w_tap[t] + j] += sum over the pixels of x[x_tap[t] + j] * dy[j], for each tap
 *
 * y and dy of a pixel are at line * y_line + row * y_step, x at line * x_line + row * x_step.
 */
struct lfi_channel_tile {
    const float *x;
    const float *w;
    const float *dy;
    float *y;
    float *dw;
    const int64_t *x_tap; /* (taps) */
    const int64_t *w_tap; /* (taps) */
    int64_t taps;
    int64_t lines;
    int64_t rows;
    int64_t width;
    int64_t x_line;
    int64_t x_step;
    int64_t y_line;
    int64_t y_step;
    bool accumulate; /* products add to y */
};

/*
 * A transform of Winograd convolution: out = T in T', for `width` columns side by side. `in` and
 * `out` are small squares; element (r, c) of a square is at r * row + c * col. With m outputs per
 * tile (4 or 2) and m + 2 points:
 *
 *     input            (m + 2) x (m + 2) pixels  ->  points squared       T = B'
 *     weight           3 x 3 taps                ->  points squared       T = G
 *     output           points squared            ->  m x m pixels         T = A'
 *     output_gradient  m x m pixels              ->  points squared       T = A
 *     weight_gradient  points squared            ->  3 x 3 taps           T = G'
 *
 * Pixels outside [first_row, end_row) x [first_col, end_col) read as zero and are not written.
 * With accumulate, outputs are added to what is there.
 *
 * For who works on one row of points at a time, winograd_half_f32 does one half of that, `row`
 * being the row's number, whose points are from_col apart:
 *
 *     output           the points of the row  ->  its share of all m x m pixels
 *     weight_gradient  a line of points       ->  a line of 3 taps: once along each row, then
 *                                                 once for each tap across the rows
 *
 * With accumulate, shares and taps are added. Only the first and the last row have no share in
 * some pixels: without accumulate these become zero.
 */
enum lfi_winograd_kind {
    LFI_WINOGRAD_INPUT,
    LFI_WINOGRAD_WEIGHT,
    LFI_WINOGRAD_OUTPUT,
    LFI_WINOGRAD_OUTPUT_GRADIENT,
    LFI_WINOGRAD_WEIGHT_GRADIENT
};

struct lfi_winograd_tile {
    const float *from;
    float *to;
    int64_t from_row;
    int64_t from_col;
    int64_t to_row;
    int64_t to_col;
    int64_t width;
    int64_t first_row;
    int64_t end_row;
    int64_t first_col;
    int64_t end_col;
    int32_t outputs; /* m */
    int32_t row;     /* of the points, for a half */
    enum lfi_winograd_kind kind;
    bool accumulate;
};

/*
 * One row of the points of tiles that lie side by side: of inputs, or with `gradient` of the
 * gradient of outputs. `from` is the pixel in the first row of their squares and the first
 * column of the image, whose rows [first_row, end_row) of the squares' lie in it. Square i
 * begins at column `first` + i m, and may begin and end outside of the `cols` columns. A point's
 * lines are to_tile apart, points to_point.
 */
struct lfi_winograd_line {
    const float *from;
    float *to;
    float *half; /* scratch: (tiles m + 2, width) */
    int64_t from_row;
    int64_t from_col;
    int64_t to_tile;
    int64_t to_point;
    int64_t width; /* channels */
    int64_t first_row;
    int64_t end_row;
    int64_t cols;
    int64_t first;
    int64_t tiles;
    int64_t ahead;   /* from these pixels to those that will be asked for next */
    int32_t outputs; /* m */
    int32_t row;
    bool gradient;
};

/*
 * A row of an assignment problem: what each of its columns costs, and the price of the column.
 * count is a multiple of LFI_ASSIGNMENT_STEP; a column that is not there costs INFINITY. Among
 * equal values the lowest column comes first.
 *
 *     two_least       the two least of cost - price; INFINITY and column 0 where there is none
 *     shorten_paths   where cost - price - base is less than distance, it becomes distance, and
 *                     index becomes from; the column of the least distance, or 0
 */
enum { LFI_ASSIGNMENT_STEP = 8 };

struct lfi_assignment_row {
    const double *cost;
    const double *price;
    double *distance;
    int64_t *from;
    double base;
    int64_t index;
    int64_t count;
};

struct lfi_two_least {
    double least;
    double next;
    int64_t column;
    int64_t next_column;
};

/*
 * An activation of count elements, and its gradient; y may be x or up, dx any input, dup up:
 *
 *     gelu, gelu_tanh, silu   y = f(x),        dx = dy f'(x)
 *     swiglu                  y = silu(x) up,  dx = dy up silu'(x),  dup = dy silu(x)
 */
enum lfi_activation_kind { LFI_GELU, LFI_GELU_TANH, LFI_SILU, LFI_SWIGLU };

struct lfi_activation_tile {
    const float *x;
    const float *up; /* these two: of swiglu */
    float *dup;
    const float *dy;
    float *y;
    float *dx;
    int64_t count;
    enum lfi_activation_kind kind;
};

/* Elements whose random word is below a bound are 0, the others scaled; see dropout_scalar.c. */
enum { LFI_DROPOUT_BLOCK = 64, LFI_PHILOX_ROUNDS = 10 };
#define LFI_PHILOX_FIRST      UINT32_C(0xd2511f53)
#define LFI_PHILOX_SECOND     UINT32_C(0xcd9e8d57)
#define LFI_PHILOX_FIRST_KEY  UINT32_C(0x9e3779b9)
#define LFI_PHILOX_SECOND_KEY UINT32_C(0xbb67ae85)

struct lfi_dropout {
    uint64_t seed;
    uint64_t stream;
    uint32_t below;
    float scale;
};

/* The cross entropy of a row of logits. */
struct lfi_row_loss {
    double loss;
    bool correct; /* the first greatest logit is the label's, and none is NaN */
};

/*
 * Scores q . k of some queries with some keys: query i, key j at i * row + j. Query i sees the first
 * visible + i keys, none where that is negative.
 *
 *     softmax    greatest' = max(greatest, scale * s),  f = exp(greatest - greatest')
 *                s = exp(scale * s - greatest'),  sum = f * sum + those,  out = f * out
 *     gradient   s = exp(scale * s - log_sum),  ds = s * scale * (ds - delta)
 *
 * What a query does not see becomes zero. The first keys of a query are of another kind: greatest
 * is written and not read, and so are sum and out, which is not touched.
 */
struct lfi_attention_tile {
    float *scores;
    float *gradient; /* ds, as scores; it begins as the gradient of what softmax makes */
    float *out;      /* (queries, width) at i * width + j */
    float *greatest; /* from here on (queries) */
    float *sum;
    const float *log_sum;
    const float *delta;
    int64_t queries;
    int64_t keys;
    int64_t visible;
    int64_t row;
    int64_t width;
    float scale;
    bool first;
};

/* What an update multiplies with; see update.h of the contract. */
struct lfi_sgd {
    float scale; /* of the gradients: 1 unless they are clipped */
    float learning_rate;
    float momentum;
    float weight_decay;
    bool nesterov;
};

struct lfi_adamw {
    float scale;
    float keep; /* 1 - learning_rate * weight_decay */
    float beta1;
    float beta2;
    float take1;      /* 1 - beta1 */
    float take2;      /* 1 - beta2 */
    float rate;       /* learning_rate / (1 - beta1^step) */
    float correction; /* 1 / sqrt(1 - beta2^step) */
    float epsilon;
};

struct lfi_kernels {
    lfuse_isa isa;
    const char *name;
    /* gemm */
    void (*gemm_f32)(const struct lfi_gemm_tile *tile);
    void (*pairs_f32)(const struct lfi_pairs_tile *tile);
    /* channel by channel */
    void (*channel_products_f32)(const struct lfi_channel_tile *tile);
    void (*channel_sums_f32)(const struct lfi_channel_tile *tile);
    /* groups of `in` channels of x, `out` of each plane: y[i * plane + group * out + k] =
     * x[group * in + i] for i < in, k < out */
    void (*channel_planes_f32)(const float *x, int64_t groups, int64_t in, int64_t out,
                               float *y, int64_t plane);
    /* y[j * y_row + i] = x[i * x_row + j] for i < rows, j < cols */
    void (*transpose_f32)(const float *x, int64_t rows, int64_t cols, int64_t x_row,
                          float *y, int64_t y_row);
    /* elementwise, count elements, in place allowed */
    void (*relu_forward_f32)(const float *x, int64_t count, float *y);
    void (*relu_backward_f32)(const float *y, const float *dy, int64_t count, float *dx);
    void (*add_f32)(const float *a, const float *b, int64_t count, float *y);
    void (*add_to_f64)(const float *x, int64_t count, double *y); /* y += x */
    void (*bf16_to_f32)(const uint16_t *x, int64_t count,
                        float *y); /* x at any address */
    void (*activation_f32)(const struct lfi_activation_tile *tile);
    void (*activation_gradient_f32)(const struct lfi_activation_tile *tile);
    /* elements [first, first + count) of a tensor, first a multiple of LFI_DROPOUT_BLOCK */
    void (*dropout_f32)(const struct lfi_dropout *dropout, int64_t first, const float *x,
                        int64_t count, float *y);
    /* dx = share * gradient, unless it is NULL; may be x */
    struct lfi_row_loss (*softmax_f32)(const float *x, int64_t count, int64_t label,
                                       double share, float *dx);
    /* update, count elements */
    void (*sgd_f32)(const struct lfi_sgd *sgd, float *value, const float *gradient,
                    float *velocity, int64_t count);
    void (*adamw_f32)(const struct lfi_adamw *adamw, float *value, const float *gradient,
                      float *first, float *second, int64_t count);
    double (*sum_squares_f32)(const float *x, int64_t count); /* in f64 */
    /* batch norm */
    void (*batch_norm_moments_f32)(const struct lfi_batch_norm_tile *tile);
    void (*batch_norm_apply_f32)(const struct lfi_batch_norm_tile *tile);
    void (*batch_norm_gradient_sums_f32)(const struct lfi_batch_norm_tile *tile);
    void (*batch_norm_gradient_f32)(const struct lfi_batch_norm_tile *tile);
    /* layer norm and RMS norm */
    void (*layer_norm_f32)(const struct lfi_layer_norm_tile *tile);
    void (*layer_norm_gradient_f32)(const struct lfi_layer_norm_tile *tile);
    /* pooling, one window */
    void (*pool_average_f32)(const struct lfi_pool_tile *tile);
    void (*pool_max_f32)(const struct lfi_pool_tile *tile);
    void (*pool_average_gradient_f32)(const struct lfi_pool_tile *tile);
    void (*pool_max_gradient_f32)(const struct lfi_pool_tile *tile);
    /* attention */
    void (*attention_softmax_f32)(const struct lfi_attention_tile *tile);
    void (*attention_gradient_f32)(const struct lfi_attention_tile *tile);
    /* out[i] = the sum over j < cols of a[i * a_row + j] * b[i * b_row + j], for i < rows */
    void (*row_products_f32)(const float *a, int64_t a_row, const float *b, int64_t b_row,
                             int64_t rows, int64_t cols, float *out);
    /* Winograd, one tile */
    void (*winograd_f32)(const struct lfi_winograd_tile *tile);
    void (*winograd_half_f32)(const struct lfi_winograd_tile *tile);
    void (*winograd_line_f32)(const struct lfi_winograd_line *line);
    /* assignment, one row */
    struct lfi_two_least (*two_least_f64)(const struct lfi_assignment_row *row);
    int64_t (*shorten_paths_f64)(const struct lfi_assignment_row *row);
};

extern const struct lfi_kernels lfi_kernels_scalar;
#if defined(LFI_X86)
extern const struct lfi_kernels lfi_kernels_avx2;
extern const struct lfi_kernels lfi_kernels_avx512;
#endif

/* The best table that the processor, the system and the ceiling allow; 0 means no ceiling.
 * NULL when the ceiling names a set that is not there. */
const struct lfi_kernels *lfi_kernels_select(lfuse_isa ceiling);

/* ---- drivers: as the contract's functions say, their arguments checked ------------------- */

lfuse_status lfi_relu_forward(const struct lfi_env *env, const float *x, int64_t count,
                              float *y, lfuse_error *err);
lfuse_status lfi_relu_backward(const struct lfi_env *env, const float *y, const float *dy,
                               int64_t count, float *dx, lfuse_error *err);
lfuse_status lfi_add(const struct lfi_env *env, const float *a, const float *b,
                     int64_t count, float *y, lfuse_error *err);

/* As lfuse_activation_args in the contract, every default filled in. */
struct lfi_activation {
    struct lfi_activation_tile
        tile; /* of the whole tensors; its count is not looked at */
    int64_t rows;
    int64_t columns;
    int64_t x_stride; /* of x, up, dx and dup */
    int64_t y_stride; /* of y and dy */
};

lfuse_status lfi_activation_forward(const struct lfi_env *env,
                                    const struct lfi_activation *activation,
                                    lfuse_error *err);
lfuse_status lfi_activation_backward(const struct lfi_env *env,
                                     const struct lfi_activation *activation,
                                     lfuse_error *err);

/* The numbers of a probability in [0, 1). Forward and backward are the same. */
struct lfi_dropout lfi_dropout_numbers(double probability, uint64_t seed,
                                       uint64_t stream);
lfuse_status lfi_dropout(const struct lfi_env *env, const struct lfi_dropout *dropout,
                         const float *x, int64_t count, float *y, lfuse_error *err);

/* As lfuse_embedding_args in the contract, every default filled in. */
struct lfi_embedding {
    const int32_t *ids;
    const float *table;
    const float *positions; /* or NULL */
    const float *dy;
    float *y;
    float *dtable;     /* or NULL */
    float *dpositions; /* or NULL */
    int64_t rows;
    int64_t width;
    int64_t tokens;
    int64_t first_position;
};

lfuse_status lfi_embedding_forward(const struct lfi_env *env,
                                   const struct lfi_embedding *embedding,
                                   lfuse_error *err);
lfuse_status lfi_embedding_backward(const struct lfi_env *env,
                                    const struct lfi_embedding *embedding,
                                    lfuse_error *err);

/* As lfuse_gemm_args in the contract, every default filled in. */
struct lfi_gemm {
    const float *a;
    const float *b;
    float *c;
    void *workspace;
    size_t workspace_bytes;
    int64_t m;
    int64_t n;
    int64_t k;
    int64_t lda;
    int64_t ldb;
    int64_t ldc;
    float alpha;
    float beta;
    bool transpose_a;
    bool transpose_b;
};

/* What BLAS does knows no threads of ours, and its bits may change with its own. */
lfuse_status lfi_gemm(const struct lfi_env *env, const struct lfi_gemm *gemm,
                      lfuse_error *err);
lfuse_status lfi_gemm_workspace(const struct lfi_env *env, const struct lfi_gemm *gemm,
                                size_t *bytes, lfuse_error *err);

/* Parameters of a network: element i of every array is parameter i's. */
struct lfi_parameters {
    float *const *values;
    const float *const *gradients;
    float *const *first;  /* the velocities, or m; NULL without momentum */
    float *const *second; /* v */
    const int64_t *counts;
    int64_t count;
};

/* The numbers of a step, counted from 1. */
struct lfi_adamw lfi_adamw_numbers(double learning_rate, double beta1, double beta2,
                                   double epsilon, double weight_decay, int64_t step);
/* Gradients count scaled down to max_norm unless it is 0; their norm before that goes to *norm
 * unless that is NULL. With neither, no norm is taken. */
lfuse_status lfi_sgd(const struct lfi_env *env, const struct lfi_parameters *parameters,
                     const struct lfi_sgd *sgd, double max_norm, double *norm,
                     lfuse_error *err);
lfuse_status lfi_adamw(const struct lfi_env *env, const struct lfi_parameters *parameters,
                       const struct lfi_adamw *adamw, double max_norm, double *norm,
                       lfuse_error *err);
lfuse_status lfi_gradient_norm(const struct lfi_env *env,
                               const struct lfi_parameters *parameters, double *norm,
                               lfuse_error *err);

struct lfi_batch_norm {
    const float *x;
    const float *scale;
    const float *shift;
    const float *residual; /* or NULL */
    const float *dy;
    const float *mask; /* y of the forward pass under ReLU, else NULL */
    float *y;
    float *dx;
    float *dresidual; /* or NULL */
    float *dscale;
    float *dshift;
    float *running_mean; /* or NULL, with running_variance */
    float *running_variance;
    float *saved_mean;
    float *saved_inverse;
    void *workspace;
    size_t workspace_bytes;
    int64_t batch;
    int64_t channels;
    int64_t pixels;
    double epsilon;
    double momentum;
    bool channels_last; /* NHWC */
    bool relu;
    bool accumulate;
};

lfuse_status lfi_batch_norm_workspace(const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm, size_t *bytes,
                                      lfuse_error *err);
lfuse_status lfi_batch_norm_training(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err);
lfuse_status lfi_batch_norm_inference(const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm,
                                      lfuse_error *err);
lfuse_status lfi_batch_norm_backward(const struct lfi_env *env,
                                     const struct lfi_batch_norm *norm, lfuse_error *err);

/* As lfuse_layer_norm_args in the contract, every default filled in. */
struct lfi_layer_norm {
    struct lfi_layer_norm_tile tile; /* of the whole tensors */
    void *workspace;
    size_t workspace_bytes;
    bool accumulate;
};

lfuse_status lfi_layer_norm_workspace(const struct lfi_env *env,
                                      const struct lfi_layer_norm *norm, size_t *bytes,
                                      lfuse_error *err);
lfuse_status lfi_layer_norm_forward(const struct lfi_env *env,
                                    const struct lfi_layer_norm *norm, lfuse_error *err);
lfuse_status lfi_layer_norm_backward(const struct lfi_env *env,
                                     const struct lfi_layer_norm *norm, lfuse_error *err);

struct lfi_pool2d {
    const float *x;
    const float *dy;
    float *y;
    float *dx;
    int64_t batch;
    int64_t channels;
    int64_t height;
    int64_t width;
    int64_t out_h;
    int64_t out_w;
    int64_t kernel_h;
    int64_t kernel_w;
    int64_t stride_h;
    int64_t stride_w;
    int64_t pad_top;
    int64_t pad_left;
    bool max; /* else average */
    bool channels_last;
};

lfuse_status lfi_pool2d_forward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                lfuse_error *err);
lfuse_status lfi_pool2d_backward(const struct lfi_env *env, const struct lfi_pool2d *pool,
                                 lfuse_error *err);

/* As lfuse_distillation_args in the contract, every default filled in; weight in [0, 1]. */
struct lfi_loss {
    const float *logits;
    const float *teacher;
    const int32_t *labels;
    float *dlogits;
    int64_t batch;
    int64_t classes;
    double temperature;
    double weight;
    double smoothing;
};

/* correct may be NULL. */
lfuse_status lfi_softmax_loss(const struct lfi_env *env, const struct lfi_loss *args,
                              double *loss, int64_t *correct, lfuse_error *err);

/* As lfuse_linear_cross_entropy_args in the contract. */
struct lfi_linear_loss {
    const float *x;
    const float *w;
    const int32_t *labels; /* -1: the row does not count */
    float *dx;             /* or NULL */
    float *dw;             /* or NULL */
    void *workspace;
    size_t workspace_bytes;
    int64_t rows;
    int64_t width;
    int64_t vocabulary;
    int64_t counted; /* rows that have a label */
    bool accumulate;
};

/* correct may be NULL. */
lfuse_status lfi_linear_cross_entropy(const struct lfi_env *env,
                                      const struct lfi_linear_loss *args, double *loss,
                                      int64_t *correct, lfuse_error *err);
lfuse_status lfi_linear_cross_entropy_workspace(const struct lfi_env *env,
                                                const struct lfi_linear_loss *args,
                                                size_t *bytes, lfuse_error *err);

/* ---- convolution --------------------------------------------------------------------------- */

/* What weights are packed for; bit d of the contract's LFUSE_PACKED_* is direction d. */
enum { LFI_CONV2D_FORWARD, LFI_CONV2D_BACKWARD_DATA, LFI_CONV2D_PACKED };

/* As lfuse_conv2d_args in the contract, every default filled in. */
struct lfi_conv2d {
    const float *x;
    const float *w;
    const float *bias;
    const float *dy;
    float *y;
    float *dx;
    float *dw;
    float *dbias;
    const float *scale; /* these three: or NULL */
    const float *shift;
    const float *residual;
    const float
        *packed[LFI_CONV2D_PACKED]; /* by lfi_conv2d_pack(), or NULL: by each call */
    void *workspace;
    size_t workspace_bytes;
    int64_t batch;
    int64_t in_channels;
    int64_t height;
    int64_t width;
    int64_t out_channels;
    int64_t kernel_h;
    int64_t kernel_w;
    int64_t stride_h;
    int64_t stride_w;
    int64_t pad_top;
    int64_t pad_bottom;
    int64_t pad_left;
    int64_t pad_right;
    int64_t dilation_h;
    int64_t dilation_w;
    int64_t groups;
    int64_t out_h; /* these two: by lfi_conv2d_shape() */
    int64_t out_w;
    int32_t winograd; /* outputs of a tile by axis: 4 or 2; 0: direct; -1: by shape */
    bool nhwc;
    bool accumulate;
    bool relu;
};

/*
 * Fills in out_h and out_w, or tells why there are none: LFUSE_ERR_SHAPE, LFUSE_ERR_OVERFLOW.
 * Strides and dilations that reach beyond the image are cut to its size, which changes no
 * result. The other calls want a conv that has been through it.
 */
lfuse_status lfi_conv2d_shape(struct lfi_conv2d *conv, lfuse_error *err);
/* Whether conv->winograd is for its shape: LFUSE_ERR_UNSUPPORTED. */
lfuse_status lfi_conv2d_winograd_check(const struct lfi_conv2d *conv, lfuse_error *err);
lfuse_status lfi_conv2d_workspace(const struct lfi_env *env,
                                  const struct lfi_conv2d *conv, size_t *bytes,
                                  lfuse_error *err);
lfuse_status lfi_conv2d_forward(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                lfuse_error *err);
lfuse_status lfi_conv2d_backward_data(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, lfuse_error *err);
lfuse_status lfi_conv2d_backward_weights(const struct lfi_env *env,
                                         const struct lfi_conv2d *conv, lfuse_error *err);

/* w as a direction reads it, whether two convolutions read it alike, and its size. */
lfuse_status lfi_conv2d_pack(const struct lfi_env *env, const struct lfi_conv2d *conv,
                             int direction, float *packed, lfuse_error *err);
bool lfi_conv2d_packs_alike(const struct lfi_conv2d *a, const struct lfi_conv2d *b,
                            int direction);
/* A choice of algorithm that conv leaves to its shape is that of packed, where conv can have it. */
void lfi_conv2d_follow(const struct lfi_conv2d *packed, struct lfi_conv2d *conv);
int64_t lfi_conv2d_packed_floats(const struct lfi_conv2d *conv, int direction);

/* ---- linear --------------------------------------------------------------------------------- */

/* As lfuse_linear_args in the contract. */
struct lfi_linear {
    const float *x;
    const float *w;
    const float *bias;
    const float *dy;
    float *y;
    float *dx;
    float *dw;
    float *dbias;
    void *workspace;
    size_t workspace_bytes;
    int64_t batch;
    int64_t in_features;
    int64_t out_features;
    bool accumulate;
};

lfuse_status lfi_linear_workspace(const struct lfi_env *env,
                                  const struct lfi_linear *linear, size_t *bytes,
                                  lfuse_error *err);
lfuse_status lfi_linear_forward(const struct lfi_env *env,
                                const struct lfi_linear *linear, lfuse_error *err);
lfuse_status lfi_linear_backward_data(const struct lfi_env *env,
                                      const struct lfi_linear *linear, lfuse_error *err);
/* dbias alone, if it is wanted. */
lfuse_status lfi_linear_backward_bias(const struct lfi_env *env,
                                      const struct lfi_linear *linear, lfuse_error *err);
lfuse_status lfi_linear_backward_weights(const struct lfi_env *env,
                                         const struct lfi_linear *linear,
                                         lfuse_error *err);

/* As lfuse_linear_residual_args in the contract. */
struct lfi_linear_residual {
    struct lfi_linear linear; /* w's; its workspace is not looked at; dw may be NULL */
    const float *a;
    const float *b;
    float *da;
    float *db;
    void *workspace;
    size_t workspace_bytes;
    int64_t rank;
};

lfuse_status lfi_linear_residual_workspace(const struct lfi_env *env,
                                           const struct lfi_linear_residual *residual,
                                           size_t *bytes, lfuse_error *err);
lfuse_status lfi_linear_residual_forward(const struct lfi_env *env,
                                         const struct lfi_linear_residual *residual,
                                         lfuse_error *err);
lfuse_status lfi_linear_residual_backward_data(const struct lfi_env *env,
                                               const struct lfi_linear_residual *residual,
                                               lfuse_error *err);
lfuse_status
lfi_linear_residual_backward_weights(const struct lfi_env *env,
                                     const struct lfi_linear_residual *residual,
                                     lfuse_error *err);

#endif
