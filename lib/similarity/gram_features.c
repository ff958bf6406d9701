/*
 * gram_features.c - a symmetric kernel matrix as features: CKA is a cosine of them
 *
 *     <K*, L*> / (|K*|_F |L*|_F),  K*_ij = K_ij - share (r_i + r_j) + all
 *
 * r are the sums of rows. Debiased K* has 0 on its diagonal, before and after (debiased_cka.c).
 */
#include "similarity/parts.h"

#include <math.h>

struct work {
    double *k;    /* (n, n) */
    double *sums; /* (n) */
    void *rest;   /* centred_gram.c's */
};

static bool lay_out(struct work *w, const struct lfi_weight *weight,
                    struct lfi_arena *arena)
{
    int64_t n = weight->view.dims[0];
    size_t bytes;

    w->k = lfi_arena_take(arena, n, n);
    w->sums = lfi_arena_take(arena, 1, n);
    arena->used += (size_t)-arena->used % (LFI_ALIGN / sizeof(double));
    if (!lfi_centred_gram_scratch(weight, &bytes))
        return false;
    w->rest = lfi_arena_take(arena, (int64_t)(bytes / sizeof(double)), 1);
    return true;
}

bool lfi_gram_features_size(const struct lfi_weight *weight,
                            struct lfi_features_size *size)
{
    int64_t n = weight->view.dims[0], square;
    struct lfi_arena arena = {.fits = true};
    struct work w;

    if (!lfi_mul_int64(n, n, &square))
        return false;
    size->count = n + (square - n) / 2;
    if (!lfi_features_pay(weight, size->count))
        return false;
    size->blocks = 1;
    return lay_out(&w, weight, &arena) && lfi_arena_bytes(&arena, &size->scratch);
}

/* The sums of rows of the whole of K, and of all its squares. */
static double add_rows(const double *k, int64_t n, double *sums)
{
    double squares = 0.0, row;
    int64_t i, j;

    for (i = 0; i < n; i++, k += n) {
        for (row = k[i], j = 0; j < i; j++) {
            row += k[j];
            sums[j] += k[j];
        }
        sums[i] = row;
        squares += 2.0 * lfi_vectors_dot(k, k, i) + k[i] * k[i];
    }
    return squares;
}

/* One row of K*, which takes the place of K's; its share of all squares. */
static double change_row(double *k, int64_t i, const double *sums, double share,
                         double all, bool debiased)
{
    double off = sums[i] * share - all;
    int64_t j;

    for (j = 0; j < i; j++)
        k[j] = k[j] - off - sums[j] * share;
    k[i] = debiased ? 0.0 : k[i] - off - sums[i] * share;
    return 2.0 * lfi_vectors_dot(k, k, i) + k[i] * k[i];
}

/*
 * The share of K that must be left of it: f64 data is off by rounding alone, of as many terms.
 * Products in f32 show in what is left, so pairs in f64 are better. An error of rbf_cka's
 * distances is one of its K's differences, of a share of them.
 */
static double least_left(const struct lfi_weight *weight, bool changed)
{
    int64_t n = weight->view.dims[0], columns = lfi_view_elements(&weight->view) / n;

    if (weight->view.dtype == LFUSE_F64)
        return 0x1p-48 * (double)(n + columns);
    return changed ? 0x1p-16 : 0x1p-6;
}

/* false: no more is left of K than `least` of it, or it is no number. */
static bool center(struct work *w, int64_t n, bool debiased, double least,
                   struct lfi_features *features)
{
    int64_t i, at = 0;
    double count = (double)n, before = 0.0, after = 0.0, total = 0.0, share, all;

    for (i = 0; i < n && debiased; i++) {
        before += w->k[i * n + i] * w->k[i * n + i];
        w->k[i * n + i] = 0.0;
    }
    before += add_rows(w->k, n, w->sums);
    for (i = 0; i < n; i++)
        total += w->sums[i];
    share = debiased ? 1.0 / (count - 2.0) : 1.0 / count;
    all = debiased ? total / ((count - 1.0) * (count - 2.0)) : total / (count * count);
    for (i = 0; i < n; i++) {
        after += change_row(w->k + i * n, i, w->sums, share, all, debiased);
        lfi_features_put_row(features, &at, w->k + i * n, i, 1.0);
    }
    return isfinite(before) && after > least * least * before;
}

lfuse_status lfi_gram_features(const struct lfi_env *env, const struct lfi_weight *weight,
                               void *scratch, lfi_gram_change change, bool debiased,
                               struct lfi_features *features, bool *usable,
                               lfuse_error *err)
{
    struct lfi_arena arena = {.base = scratch, .fits = true};
    lfuse_status status;
    struct work w = {0};

    (void)lay_out(&w, weight, &arena);
    *usable = !debiased || weight->view.dims[0] >= 4;
    if (!*usable)
        return LFUSE_OK;
    status = lfi_centred_gram(env, weight, w.rest, w.k, usable, err);
    if (status != LFUSE_OK || !*usable)
        return status;
    *usable = (change == NULL || change(weight, w.k, w.sums)) &&
              center(&w, weight->view.dims[0], debiased,
                     least_left(weight, change != NULL), features);
    features->good[0] = 1;
    return LFUSE_OK;
}
