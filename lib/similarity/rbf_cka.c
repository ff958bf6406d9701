/*
 * rbf_cka.c - centred alignment of Gaussian kernels of the rows
 *
 *     CKA = <H K H, H L H> / (|H K H|_F |H L H|_F),   H = I - 1/n
 *     K_ij = exp(-|a_i - a_j|^2 / (2 s^2)),   s = bandwidth * the median distance of A
 *
 * Kornblith et al. 2019, arXiv:1905.00414, sec. 3 and their code: s^2 is bandwidth^2 times the
 * median of all n^2 squared distances, those of rows to themselves included. Of the whole
 * matrix, in f64 for every type. Distances are those of centred rows at a scale of about 1
 * (centred.c), which the median takes out again.
 */
#include "similarity/parts.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LEFT 0x1p-4 /* of squares: less is what their f32 products' errors show in */

struct work {
    struct lfi_centred side[2];
    double *line; /* (columns) */
    double *rows; /* (n, columns), centred */
    double *k[2]; /* (n, n) */
    double *sums; /* (n) */
};

static void lay_out(struct work *w, const struct lfi_block *whole,
                    struct lfi_arena *arena)
{
    int i;

    for (i = 0; i < 2; i++) {
        lfi_centred_lay_out(&w->side[i], whole, arena);
        w->k[i] = lfi_arena_take(arena, whole->rows, whole->rows);
    }
    w->line = lfi_arena_take(arena, 1, whole->columns);
    w->rows = lfi_arena_take(arena, whole->rows, whole->columns);
    w->sums = lfi_arena_take(arena, 1, whole->rows);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, &whole, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

static void square_distances(const struct lfi_centred *side,
                             const struct lfi_block *whole, double *rows, double *k)
{
    int64_t n = whole->rows, columns = whole->columns, i, j;

    for (i = 0; i < n; i++) {
        lfi_centred_read(side, i, 0, columns, rows + i * columns);
        k[i * n + i] = 0.0;
        for (j = 0; j < i; j++)
            k[i * n + j] = k[j * n + i] = lfi_vectors_square_distance(
                rows + i * columns, rows + j * columns, columns);
    }
}

/*
 * The value that `below` of the others are not above, of numbers >= 0: their order is that of
 * their bits as integers, so that bisection finds it in 63 passes.
 */
static double in_order(const double *x, int64_t count, int64_t below)
{
    uint64_t low = 0, high = UINT64_C(0x7ff0000000000000), middle, bits;
    int64_t i, found;
    double value;

    while (low < high) {
        middle = low + (high - low) / 2;
        for (found = 0, i = 0; i < count; i++) {
            memcpy(&bits, &x[i], sizeof(bits));
            found += bits <= middle;
        }
        if (found > below)
            high = middle;
        else
            low = middle + 1;
    }
    memcpy(&value, &low, sizeof(value));
    return value;
}

static double median(const double *x, int64_t count)
{
    double upper = in_order(x, count, count / 2);

    return count % 2 != 0 ? upper : 0.5 * (in_order(x, count, count / 2 - 1) + upper);
}

/* K of squared distances, of which `middle` is the median, in place; false: that is 0. */
static bool to_kernel(double *k, int64_t n, double middle, double bandwidth)
{
    int64_t i;

    if (middle == 0.0)
        return false;
    for (i = 0; i < n * n; i++) /* the square of the bandwidth may be 0 */
        k[i] = exp(-0.5 * (k[i] / middle / bandwidth / bandwidth));
    return true;
}

/* The same, centred. */
static lfuse_status kernel(const struct lfi_comparison *pair, const char *name, double *k,
                           int64_t n, double *sums, lfuse_error *err)
{
    double bandwidth = pair->params.bandwidth, noise;

    if (!to_kernel(k, n, median(k, n * n), bandwidth))
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "rbf_cka: the median distance of the %lld rows of %s is 0",
                        (long long)n, name);
    lfi_gram_center(k, n, sums);
    noise = 16.0 * DBL_EPSILON * (double)n; /* of n^2 values about 1, centred */
    if (!(lfi_vectors_dot(k, k, n * n) > noise * noise))
        return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                        "rbf_cka: with bandwidth %g all rows of %s are alike", bandwidth,
                        name);
    return LFUSE_OK;
}

static void prepare(struct lfi_centred *side, double *line)
{
    struct lfi_block whole = lfi_block_whole(side->view);

    lfi_centred_prepare(side, &whole, line);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_block whole = lfi_block_of_pair(pair);
    struct lfi_arena arena = {.base = memory, .fits = true};
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    struct work w;
    int i;

    (void)env;
    if (status != LFUSE_OK)
        return status;
    lay_out(&w, &whole, &arena);
    w.side[0].view = &pair->a;
    w.side[1].view = &pair->c;
    for (i = 0; i < 2; i++)
        prepare(&w.side[i], w.line);
    status = lfi_centred_check(&w.side[0], &w.side[1], pair, err);
    for (i = 0; i < 2 && status == LFUSE_OK; i++) {
        square_distances(&w.side[i], &whole, w.rows, w.k[i]);
        status = kernel(pair, i == 0 ? pair->a_name : pair->c_name, w.k[i], whole.rows,
                        w.sums, err);
    }
    if (status == LFUSE_OK)
        *out = lfi_gram_alignment(w.k[0], w.k[1], whole.rows);
    return status;
}

/*
 * X X' becomes the kernel: |x_i - x_j|^2 = K_ii + K_jj - 2 K_ij. false: it is not finite, or
 * distances about the median are what is left of far larger squares, as where one row is far
 * from all others.
 */
static bool change(const struct lfi_weight *weight, double *k, double *squares)
{
    int64_t n = weight->view.dims[0], i, j;
    double lost = 0.0, middle, sum;

    for (i = 0; i < n; i++)
        squares[i] = k[i * n + i];
    for (i = 0; i < n; i++)
        for (j = 0; j <= i; j++) {
            sum = squares[i] + squares[j];
            if (!isfinite(sum - 2.0 * k[i * n + j]))
                return false;
            k[i * n + j] = k[j * n + i] = fmax(0.0, sum - 2.0 * k[i * n + j]);
            if (i != j && k[i * n + j] < LEFT * sum)
                lost = fmax(lost, sum);
        }
    middle = median(k, n * n);
    return LEFT * lost <= middle && to_kernel(k, n, middle, weight->params.bandwidth);
}

static lfuse_status extract(const struct lfi_env *env, const struct lfi_weight *weight,
                            void *memory, struct lfi_features *features, bool *usable,
                            lfuse_error *err)
{
    return lfi_gram_features(env, weight, memory, change, false, features, usable, err);
}

static const struct lfi_feature_metric features = {lfi_gram_features_size, extract};

const struct lfi_metric lfi_metric_rbf_cka = {
    .metric = LFUSE_METRIC_RBF_CKA,
    .name = "rbf_cka",
    .is_symmetric = true,
    .needs_equal_rows = true,
    .cost = "n^2 p",
    .scratch = scratch,
    .compare = compare,
    .features = &features,
};
